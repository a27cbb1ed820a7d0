//! How many: `2 x $20`, `3 pcs at 4.99 each`, `$20 x 2`.

use super::labels::is_each;

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
