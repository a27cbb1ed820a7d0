//! Prices in words, such as "five hundred dollars" and "三千円": they are there, but their numbers are not read, so they count as
//! over any limit.

use std::ops::Range;

use super::currency;
use super::reader::{Price, short_words};

/// Number words that make "… dollars" a price that cannot be read.
#[rustfmt::skip]
const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "billion",
    "grand", "dozen",
    "zwanzig", "dreißig", "vierzig", "fünfzig", "hundert", "tausend", "million", "millionen",
    "vingt", "trente", "quarante", "cinquante", "soixante", "cent", "cents", "mille", "millions",
    "veinte", "treinta", "cincuenta", "cien", "ciento", "cientos", "doscientos", "quinientos", "mil", "millones",
    "venti", "trenta", "cinquanta", "cento", "duecento", "cinquecento", "mila", "milioni",
    "vinte", "trinta", "cem", "duzentos", "quinhentos", "milhões",
];
/// Endings of numbers that are written as one word, such as "fünfhundert" and "tremila".
const NUMBER_ENDINGS: &[&str] = &["hundert", "tausend", "cento", "mila", "cientos", "centos", "hundred", "zig", "ßig"];
/// Numerals of Chinese and Japanese.
const NUMERALS: &[char] =
    &['一', '二', '三', '四', '五', '六', '七', '八', '九', '十', '百', '千', '万', '萬', '億', '亿', '两', '〇', '零'];

/// The prices of a text whose numbers are words.
pub(super) fn read(text: &str) -> Vec<Price> {
    let mut prices = Vec::new();
    let ascii = text.is_ascii();
    if !ascii {
        numerals(text, &mut prices);
        if !currency::is_named(text) {
            return prices;
        }
    }
    let mut named = !ascii;
    let mut previous: Option<Range<usize>> = None;
    for word in words(text) {
        let bare = || text[word.clone()].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
        if let Some(before) = previous.replace(word.clone())
            && (!ascii || currency::ascii_may_lead(&text.as_bytes()[word.start..]))
            && is_number(text[before.clone()].trim_start_matches(['(', '"', '\'']))
            && !text[..before.start].trim_end().ends_with(|c: char| c.is_ascii_digit())
            && let Some(mark) = currency::leading(&text[word.start..])
            && mark.len >= bare().len()
        {
            // Asked last, because hardly a text has come so far.
            named = named || currency::is_named(text);
            if !named {
                return prices;
            }
            let words = short_words(&text[before.start..word.start + mark.len]);
            prices.push(Price { number: None, currency: mark.currency, total: false, words });
        }
    }
    prices
}

/// Words between spaces.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_ascii_whitespace().map(move |word| start(word)..start(word) + word.len())
}

/// Whether a word is a number, or ends like one.
pub(super) fn is_number(word: &str) -> bool {
    if word.len() > 40 || !word.starts_with(char::is_alphabetic) {
        return false;
    }
    let lower = word.to_lowercase();
    let known = |part: &str| NUMBER_WORDS.contains(&part) || NUMBER_ENDINGS.iter().any(|end| part.ends_with(end));
    lower.split('-').any(known)
}

/// Chinese and Japanese numerals before a sign that stands for money.
fn numerals(text: &str, prices: &mut Vec<Price>) {
    let mut start: Option<usize> = None;
    for (at, c) in text.char_indices() {
        if NUMERALS.contains(&c) {
            start = start.or_else(|| (!text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '第')).then_some(at));
            continue;
        }
        if let Some(from) = start.take()
            && let Some(mark) = currency::leading(&text[at..]).filter(|_| !c.is_ascii())
        {
            let words = short_words(&text[from..at + mark.len]);
            prices.push(Price { number: None, currency: mark.currency, total: false, words });
        }
    }
}
