//! Text made plain before prices are looked for: compatibility forms, digits of other scripts, and markup that nobody sees.
//!
//! What makes small figures of digits (`<sup>`, `⁴`) becomes `^`, so that a number goes on visibly. Never makes a number smaller.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::number;

/// Tags around words of a line; what they enclose is read as if they were not there.
#[rustfmt::skip]
const INLINE: &[&str] = &["a", "b", "big", "bdi", "bdo", "code", "em", "font", "i", "ins", "mark", "small", "span", "strong", "u", "wbr"];
/// The longest tag that is looked at, in bytes.
const TAG: usize = 300;
/// Characters whose compatibility form begins with a space: they would split a number unseen.
const ACCENTS: &[char] = &['˙', '´', '¨', '¯', '¸', '˘', '˚', '˛', '˜', '˝', '‗', '‾', '΄', '᾽', '᾿'];

/// The text as prices are read from it.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let marked = text.bytes().fold(false, |any, byte| any | matches!(byte, b'<' | b'&'));
    if text.is_ascii() && !marked {
        return Cow::Borrowed(text);
    }
    let text = if marked { Cow::Owned(unmarked(text)) } else { Cow::Borrowed(text) };
    if text.is_ascii() {
        return text;
    }
    let seen = |c: &char| c.is_ascii() || c.general_category() != GeneralCategory::Format;
    let figures = text.chars().filter(seen).flat_map(|c| {
        let raised = matches!(c, '⁰' | '¹' | '²' | '³' | '⁴'..='⁹' | '₀'..='₉');
        raised.then_some('^').into_iter().chain([if ACCENTS.contains(&c) { '·' } else { c }])
    });
    Cow::Owned(figures.nfkc().filter(seen).map(|c| number::plain(c).unwrap_or(c)).collect())
}

/// Tags left out, and entities as what they stand for.
fn unmarked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let read = if rest.starts_with('<') { tag(rest) } else { entity(rest) };
        let (stands, len) = read.unwrap_or((rest.chars().next(), 1));
        plain.extend(stands);
        rest = &rest[len..];
    }
    plain + rest
}

/// What a tag stands for, and its length.
fn tag(text: &str) -> Option<(Option<char>, usize)> {
    let name = text[1..].strip_prefix('/').unwrap_or(&text[1..]);
    let opens = !text[1..].starts_with('/');
    let len = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = text.bytes().take(TAG).position(|byte| byte == b'>')? + 1;
    let name = name[..len].to_ascii_lowercase();
    let stands = match name.as_str() {
        "sup" | "sub" => opens.then_some('^'),
        _ if INLINE.contains(&name.as_str()) => None,
        _ => Some('\n'),
    };
    Some((stands, end))
}

/// The character that an entity stands for, and its length.
fn entity(text: &str) -> Option<(Option<char>, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let stands = match name {
        "nbsp" | "thinsp" | "ensp" | "emsp" => ' ',
        "dollar" => '$',
        "euro" => '€',
        "pound" => '£',
        "yen" => '¥',
        "cent" => '¢',
        "comma" => ',',
        "period" => '.',
        "middot" => '·',
        _ => {
            let code = name.strip_prefix('#')?;
            let hex = code.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
            char::from_u32(hex.unwrap_or_else(|| code.parse()).ok()?)?
        }
    };
    Some((Some(stands), end + 1))
}
