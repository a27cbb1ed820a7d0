//! Digits that belong to a number but were not read with it: `$10^4`, `$1·299`, `$1 2 9 9`, `$10–900`.
//!
//! A number must never be read smaller than it is, so what goes on in a way that is not known cannot be read.

use super::Number;
use super::number::{self, factor};

/// Words that make the number before them larger, but by how much is not known.
const LARGER: &[&str] =
    &["dozen", "dozens", "figure", "figures", "digit", "digits", "score", "gross", "hundreds", "thousands"];
/// What may be glued to a price and leaves its number alone.
#[rustfmt::skip]
const GLUED: &[&str] = &["each", "ea", "pp", "pm", "pw", "pa", "per", "p", "x", "off", "or", "and", "to", "total", "plus", "only", "now"];
/// Signs that end a number even when digits follow directly.
const ENDS: &[char] = &[')', ']', '}', '"', '|', ';', '>', '<', '=', ',', '?', '!', '\n', '\r', '\t', ' '];

/// Whether the number that ends before `rest` goes on in a way that is not known. `led` when a currency stands before it,
/// so that letters behind it are none.
pub(super) fn goes_on(rest: &str, led: bool) -> bool {
    let Some(c) = rest.chars().next() else { return false };
    let dots = rest.trim_start_matches('.');
    if rest.len() - dots.len() > 1 && starts_with_digit(dots) {
        return true;
    }
    let behind = &rest[c.len_utf8()..];
    if c == '^' || c == '⁄' || (!c.is_ascii() && (c.is_numeric() || c == '兆')) {
        return true;
    }
    let multiplies = matches!(c, 'x' | '×' | '*' | '@' | '✕' | 'х');
    if !(c.is_alphanumeric() || ENDS.contains(&c) || multiplies || c == '.') && starts_with_digit(behind) {
        return true;
    }
    let word = |text: &str| text.chars().take(12).take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let glued = word(rest);
    if led && c.is_ascii_alphabetic() && !GLUED.contains(&glued.as_str()) && super::currency::leading(rest).is_none() {
        return true;
    }
    let next = rest.strip_prefix([' ', '-']).unwrap_or(rest);
    spelled_out(rest) || LARGER.contains(&word(next).as_str()) || (factor(rest).is_some() && led)
}

/// Whether the digits before the number at the end of `before` belong to it.
pub(super) fn goes_before(before: &str, number: Option<Number>) -> bool {
    let Some(c) = before.chars().next_back() else { return false };
    let ahead = &before[..before.len() - c.len_utf8()];
    if !ahead.ends_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    if matches!(c, '-' | '–' | '—' | '−' | '~') {
        let from = ahead
            .rfind(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')))
            .map_or(0, |at| at + ahead[at..].chars().next().map_or(1, char::len_utf8));
        return number::parse(&ahead[from..], false).is_none_or(|other| Some(other) > number);
    }
    if c == ' ' {
        let mut groups = before.rsplit(' ').skip(1).take(2);
        let short = |group: &str| (1..=2).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit());
        return groups.next().is_some_and(short) && groups.next().is_some_and(short);
    }
    !(c.is_alphanumeric()
        || ENDS.contains(&c)
        || matches!(c, '(' | '[' | '{' | '×' | '*' | '@' | ':' | '/' | '.' | '$' | '€' | '£'))
}

/// The other end of a range behind a number, and the bytes it takes: `–900`, ` - 900`, ` to 900`. `None` inside: it cannot be
/// read.
pub(super) fn other_end(rest: &str) -> Option<(Option<Number>, usize)> {
    let open = rest.trim_start_matches(' ');
    let dash = open.strip_prefix(['-', '–', '—', '−', '~', '〜', '‐', '‑']);
    let behind = dash.or_else(|| open.strip_prefix("to ").filter(|_| open.len() < rest.len()))?.trim_start_matches(' ');
    let len = behind.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.')).count();
    let digits = behind[..len].trim_end_matches([',', '.']);
    if digits.is_empty() || !starts_with_digit(digits) || behind[len..].starts_with(['-', '/', ':']) {
        // `$20 - 2026-11-20` is a day.
        return (starts_with_digit(digits) && dash.is_some() && open.len() == rest.len()).then_some((None, 0));
    }
    let end = &behind[digits.len()..];
    let (taken, times) = factor(end).unwrap_or((0, 1));
    let number = number::parse(digits, false).filter(|_| digits.len() <= 40).and_then(|number| number.times(times));
    let sound = number.filter(|_| !goes_on(&end[taken..], true));
    Some((sound, rest.len() - end.len() + taken))
}

/// ` 2 9 9`: groups of one or two digits, twice.
fn spelled_out(rest: &str) -> bool {
    let group = |text: &str| -> Option<usize> {
        let digits = text.strip_prefix(' ')?.bytes().take_while(u8::is_ascii_digit).count();
        let alone =
            !text[1 + digits..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '-' | ':' | '/'));
        ((1..=2).contains(&digits) && alone).then_some(digits + 1)
    };
    group(rest).and_then(|len| group(&rest[len..])).is_some()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}
