//! Finds prices in text: a number beside a currency, or beside a word such as "total".
//!
//! A price that is plainly there but whose number cannot be read is returned without a number, because it counts as over any
//! limit. Works in time linear in the text.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::currency::{self, Currency, Mark};
use super::{Number, number};

/// A price found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// How much; `None` when the number cannot be read.
    pub number: Option<Number>,
    /// Of what; `None` when that is not clear.
    pub currency: Option<Currency>,
    /// Whether a word beside it says that this is the whole sum.
    pub total: bool,
    /// The words it was read from, compatibility forms (full-width digits) made plain.
    pub words: String,
}

/// The longest run of digits and separators that is looked at, in bytes.
const LONGEST: usize = 40;
/// How far a label may stand from its number, in bytes.
const LABEL_REACH: usize = 32;
/// How many prices of one text are kept.
const MOST: usize = 32;

/// Words that make the price after them the whole sum. Lower case.
const TOTALS: &[&str] = &[
    "total",
    "amount due",
    "to pay",
    "pay",
    "place order",
    "place your order",
    "buy now",
    "gesamt",
    "summe",
    "zu zahlen",
    "à payer",
    "totale",
    "importe",
    "合計",
    "总计",
    "合计",
    "总额",
    "支払",
];
/// Words that contain one of [`TOTALS`] but name a part of the sum.
const PARTS: &[&str] = &["subtotal", "sub-total", "sub total", "zwischensumme", "sous-total", "小計", "小计"];
/// Words after a price that make it the whole sum. Lower case.
const TOTALS_AFTER: &[&str] =
    &[" total", " in total", " altogether", " gesamt", " insgesamt", " au total", " en total"];
/// What words for currencies have in common, to tell quickly that there are none.
const CURRENCY_WORDS: &[&str] =
    &["ollar", "uro", "bucks", "pound", "yen", "rupee", "franc", "Franken", "pesos", "reais", "yuan"];
/// Number words that make "… dollars" a price that cannot be read.
const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million",
    "hundert", "tausend", "cent", "cien", "mille", "mil",
];

/// The prices of `text` in order, at most 32: beyond that, the smallest that are no totals are left out.
#[must_use]
pub fn read(text: &str) -> Vec<Price> {
    if text.is_ascii() {
        return read_plain(text);
    }
    let plain: String = text.nfkc().collect();
    read_plain(&plain)
}

fn read_plain(text: &str) -> Vec<Price> {
    let mut prices = Vec::new();
    let mut at = 0;
    let mut floor = 0;
    while let Some(start) = next_digit(text, at) {
        let run = digits_from(text, start);
        at = run.end;
        if let Some((price, end)) = price_at(text, floor, run) {
            at = at.max(end);
            floor = at;
            keep(&mut prices, price);
        }
    }
    if CURRENCY_WORDS.iter().any(|word| text.contains(word)) {
        in_words(text).into_iter().for_each(|price| keep(&mut prices, price));
    }
    prices
}

/// Adds a price; when there are too many, forgets the smallest that is no total, so that hiding one behind others is no use.
fn keep(prices: &mut Vec<Price>, price: Price) {
    prices.push(price);
    if prices.len() > MOST {
        let rank = |price: &Price| (price.total, price.number.is_none(), price.number);
        let least = (0..prices.len()).min_by_key(|n| rank(&prices[*n])).unwrap_or_default();
        prices.remove(least);
    }
}

/// At most 100 bytes of the words of a price.
fn short_words(words: &str) -> String {
    let mut end = words.len().min(100);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words[..end].to_owned()
}

fn next_digit(text: &str, from: usize) -> Option<usize> {
    text.as_bytes()[from..].iter().position(u8::is_ascii_digit).map(|offset| from + offset)
}

/// The run of digits and separators that begins at `start`, which ends with a digit.
fn digits_from(text: &str, start: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut end = start;
    while end < bytes.len() {
        if bytes[end].is_ascii_digit() {
            end += 1;
            continue;
        }
        let Some(width) = separator_at(text, end, start) else { break };
        end += width;
    }
    start..end
}

/// The width of a separator at `at` that is followed by a digit. A space only joins groups of three.
fn separator_at(text: &str, at: usize, start: usize) -> Option<usize> {
    let c = text[at..].chars().next()?;
    let after = &text.as_bytes()[at + c.len_utf8()..];
    let digits = after.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let grouped = || {
        let before = text.as_bytes()[start..at].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        at - start <= LONGEST && digits == 3 && before <= 3 && !text[start..at].contains(['.', ','])
    };
    match c {
        '.' | ',' => (digits > 0).then_some(1),
        '\'' | '’' | ' ' => grouped().then_some(c.len_utf8()),
        _ => None,
    }
}

fn price_at(text: &str, floor: usize, run: Range<usize>) -> Option<(Price, usize)> {
    if text[..run.start].ends_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '#')
        && mark_before(text, &run).is_none()
    {
        return None;
    }
    let before = mark_before(text, &run).filter(|(range, _)| range.start >= floor);
    let mut end = run.end;
    let mut times = 1;
    if let Some((len, factor)) = number::factor(&text[run.end..]) {
        (end, times) = (run.end + len, factor);
    }
    let after = if before.is_some() { None } else { mark_after(text, end).or_else(|| mark_after(text, run.end)) };
    let currency = before.as_ref().map(|(_, mark)| *mark).or(after.as_ref().map(|(_, mark)| *mark));
    let start = before.as_ref().map_or(run.start, |(range, _)| range.start);
    if let Some((range, _)) = &after {
        end = range.end;
    }
    let digits = &text[run.clone()];
    if currency.is_none() && !looks_like_a_sum(digits) {
        return None;
    }
    let total = labelled(text, floor, start) || TOTALS_AFTER.iter().any(|word| starts_lower(&text[end..], word));
    if currency.is_none() && !total {
        return None;
    }
    let currency = currency.and_then(|mark| mark.currency);
    let number = (digits.len() <= LONGEST).then(|| parse(digits, currency)).flatten().and_then(|n| n.times(times));
    let words = short_words(&text[start..end]);
    Some((Price { number, currency, total, words }, end))
}

fn parse(digits: &str, currency: Option<Currency>) -> Option<Number> {
    let plain = digits.replace('’', "'");
    number::parse(&plain, currency.is_some_and(|currency| currency.exponent() == 3))
}

/// Without a currency, only something with two decimals is a sum: "total 5 items" is not.
fn looks_like_a_sum(digits: &str) -> bool {
    let tail = digits.as_bytes();
    tail.len() >= 4 && matches!(tail[tail.len() - 3], b'.' | b',')
}

fn mark_before(text: &str, run: &Range<usize>) -> Option<(Range<usize>, Mark)> {
    let left = &text[..run.start];
    let near = left.strip_suffix(' ').unwrap_or(left);
    let mark = currency::trailing(near)?;
    Some((near.len() - mark.len..run.start, mark))
}

fn mark_after(text: &str, end: usize) -> Option<(Range<usize>, Mark)> {
    let right = &text[end..];
    let near = right.strip_prefix([' ', '-']).unwrap_or(right);
    let skipped = right.len() - near.len();
    let mark = currency::leading(near)?;
    Some((end..end + skipped + mark.len, mark))
}

/// Whether the last label on the same line before `start` names a whole sum.
fn labelled(text: &str, floor: usize, start: usize) -> bool {
    let mut from = start.saturating_sub(LABEL_REACH).max(floor);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let near = text[from..start].to_lowercase();
    let line = near.rsplit('\n').next().unwrap_or_default();
    let last = |words: &[&str]| words.iter().filter_map(|word| line.rfind(word).map(|at| at + word.len())).max();
    match (last(TOTALS), last(PARTS)) {
        (Some(total), Some(part)) => total > part,
        (total, _) => total.is_some(),
    }
}

fn starts_lower(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
        && !text[word.len()..].starts_with(char::is_alphanumeric)
}

/// "five hundred dollars": a price that is there, but whose number is not read.
fn in_words(text: &str) -> Vec<Price> {
    let mut prices = Vec::new();
    let mut previous: Option<(usize, &str)> = None;
    let mut offset = 0;
    for word in text.split_ascii_whitespace() {
        let start = offset + text[offset..].find(word).unwrap_or_default();
        offset = start + word.len();
        let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
        if let Some((from, number)) = previous
            && !text[..from].trim_end().ends_with(|c: char| c.is_ascii_digit())
            && number.split('-').any(|part| NUMBER_WORDS.contains(&part.to_ascii_lowercase().as_str()))
            && let Some(mark) = currency::leading(bare)
            && mark.len == bare.len()
        {
            let words = short_words(&text[from..start + bare.len()]);
            prices.push(Price { number: None, currency: mark.currency, total: false, words });
        }
        previous = Some((start, word));
    }
    prices
}
