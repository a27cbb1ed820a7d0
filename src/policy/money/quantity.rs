//! How many: `2 x $20`, `3 pcs at 4.99 each`, `$20 x 2`.

use super::currency;
use super::labels::{is_each, is_rate, is_unit_label};
use super::spelled;

/// How many of a price there are, as the words beside it say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) count: u64,
    /// Where the words begin, and where they end.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether the words can only be about a price, so that it needs no currency.
    pub(super) plain: bool,
}

/// How far a quantity may stand from its price, in bytes.
const REACH: usize = 40;

/// Signs that multiply.
const TIMES: &[&str] = &["x", "×", "*", "@", "✕", "х"];
/// Words that multiply when the price is that of one, or the thing is counted.
const BY: &[&str] = &["at", "à", "a", "je", "zu", "per", "por", "da", "mal", "fois", "veces", "for"];
/// Words for counted things.
#[rustfmt::skip]
const THINGS: &[&str] = &[
    "pc", "pcs", "piece", "pieces", "item", "items", "unit", "units", "ticket", "tickets", "night", "nights", "stück",
    "stk", "stueck", "artikel", "nächte", "pièce", "pièces", "article", "articles", "nuits", "unidad", "unidades",
    "artículos", "noches", "pezzo", "pezzi", "pz", "articoli", "notti", "unidade", "itens", "noites",
];

/// The quantity beside the price at `start..end`, not before `floor`.
pub(super) fn beside(text: &str, floor: usize, start: usize, end: usize) -> Option<Quantity> {
    before(text, floor, start, end).or_else(|| after(text, start, end))
}

/// How far from the price of one the number of all is looked for, in bytes.
const SENTENCE: usize = 200;
/// Words behind a number that measure, so that it counts nothing.
#[rustfmt::skip]
const MEASURES: &[&str] = &[
    "gb", "tb", "mb", "kg", "g", "mg", "ml", "l", "mm", "cm", "m", "km", "in", "inch", "inches", "w", "mah", "hz", "ghz", "mp",
    "st", "nd", "rd", "th", "am", "pm", "percent", "stars",
];

/// How many a price of one is to be multiplied by: the largest number in its sentence that is no price. `None` when such a
/// number cannot be read; 1 when the price is not that of one or nothing is counted.
pub(super) fn in_sentence(text: &str, floor: usize, start: usize, end: usize) -> Option<u64> {
    let of_one = is_each(&text[end..]) || is_rate(&text[end..]) || is_unit_label(text, floor, start);
    if !of_one {
        return Some(1);
    }
    let mut from = start.saturating_sub(SENTENCE).max(floor);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut to = (end + SENTENCE).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    let ahead = &text[from..start];
    let ahead = &ahead[sentence_ends(ahead).last().map_or(0, |at| at + 1)..];
    let behind = &text[end..to];
    let behind = &behind[..sentence_ends(behind).next().unwrap_or(behind.len())];
    largest(ahead)?.max(largest(behind)?).max(1).into()
}

/// Where a sentence ends: a stop before a space, or a line.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    let ends = |at: usize, c: char| match c {
        '.' | '!' | '?' => text[at + 1..].starts_with([' ', '\n']),
        _ => c == '\n',
    };
    text.char_indices().filter(move |(at, c)| ends(*at, *c)).map(|(at, _)| at)
}

/// The largest whole number that stands alone and is no price; `None` when one cannot be read.
fn largest(text: &str) -> Option<u64> {
    let mut most = 1;
    let mut rest = text;
    while let Some(word) = rest.split_whitespace().next() {
        let at = word.as_ptr() as usize - rest.as_ptr() as usize;
        rest = &rest[at + word.len()..];
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = bare.split_at(digits);
        if digits == 0 {
            let counts = bare.len() > 2 && spelled::is_number(bare) && !bare.eq_ignore_ascii_case("one");
            if counts {
                return None;
            }
            continue;
        }
        let next = rest.split_whitespace().next().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
        let unit = if unit.is_empty() { next } else { unit.trim_matches('-') }.to_lowercase();
        let priced = word.contains(['$', '€', '£', '%']) || currency::leading(rest.trim_start()).is_some();
        let clock = bare.contains(':') || bare.matches('-').count() == 2;
        if priced || clock || MEASURES.contains(&unit.as_str()) {
            continue;
        }
        let grouped =
            bare.split_once(',').filter(|(_, last)| last.len() == 3).map(|(first, last)| format!("{first}{last}"));
        let plain = number.len() == bare.len() || bare[digits..].starts_with(char::is_alphabetic);
        most = most.max(whole(grouped.as_deref().unwrap_or(if plain { number } else { bare }))?);
    }
    Some(most)
}

fn before(text: &str, floor: usize, start: usize, end: usize) -> Option<Quantity> {
    let mut from = start.saturating_sub(REACH).max(floor);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let near = text[from..start].trim_end_matches(' ');
    let line = near.rfind('\n').map_or(0, |at| at + 1);
    let (rest, by) = last_token(&near[line..]);
    let sign = TIMES.iter().find(|sign| by.ends_with(**sign)).filter(|_| is_sign(by));
    let (rest, counted) = match sign {
        // `2x $20`: the sign hangs on its number.
        Some(sign) => (near[line..].strip_suffix(sign)?.trim_end_matches(' '), true),
        None if BY.contains(&by) => {
            let (before, thing) = last_token(rest);
            let bare = thing.trim_end_matches('.').to_lowercase();
            let counts = THINGS.contains(&bare.as_str());
            let is_word = thing.chars().all(char::is_alphabetic) && !thing.is_empty();
            let price_of_one = is_each(&text[end..]);
            match (counts, is_word && price_of_one, price_of_one) {
                (true, _, _) | (_, true, _) => (before, true),
                (_, _, true) => (rest, true),
                (_, _, false) => return None,
            }
        }
        None => return None,
    };
    let (_, number) = last_token(rest);
    let count = whole(number)?;
    let at = from + line + rest.len() - number.len();
    Some(Quantity { count, start: at, end, plain: counted && sign.is_none() })
}

fn after(text: &str, start: usize, end: usize) -> Option<Quantity> {
    let rest = &text[end..];
    let near = rest.trim_start_matches(' ');
    let sign = TIMES.iter().find(|sign| near.starts_with(**sign) && **sign != "@")?;
    let number = near[sign.len()..].trim_start_matches(' ');
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    let goes_on =
        number[digits..].starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '$' | '€' | '£'));
    let count = whole(&number[..digits]).filter(|_| !goes_on)?;
    let used = rest.len() - number.len() + digits;
    Some(Quantity { count, start, end: end + used, plain: false })
}

/// `x`, or a number with it: not the end of a word.
fn is_sign(token: &str) -> bool {
    let bare = token.trim_end_matches(|c: char| !c.is_ascii_digit());
    let sign = &token[bare.len()..];
    TIMES.contains(&sign) && bare.bytes().all(|byte| byte.is_ascii_digit())
}

fn whole(digits: &str) -> Option<u64> {
    let fits = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// The last word, and what is before it.
fn last_token(text: &str) -> (&str, &str) {
    let text = text.trim_end_matches(' ');
    let at = text.rfind([' ', '(', '\t']).map_or(0, |at| at + 1);
    (text[..at].trim_end_matches(' '), &text[at..])
}
