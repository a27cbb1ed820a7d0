//! Finds prices in text: a number beside a currency, or beside a word such as "total".
//!
//! A price that is plainly there but whose number cannot be read is returned without a number, because it counts as over any
//! limit. Works in time linear in the text.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::currency::{self, Currency, Mark};
use super::{Number, labels, number, quantity};

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
/// How many prices of one text are kept.
const MOST: usize = 32;

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

/// The prices of `text` in order, at most 32: beyond that, the smallest that are no totals are left out.
#[must_use]
pub fn read(text: &str) -> Vec<Price> {
    if text.is_ascii() {
        return read_plain(text);
    }
    read_plain(&plain(text))
}

/// Compatibility forms and digits of other scripts made plain, and what nobody sees left out: it would split a number.
fn plain(text: &str) -> String {
    let seen = |c: &char| c.is_ascii() || c.general_category() != GeneralCategory::Format;
    text.chars().filter(seen).nfkc().filter(seen).map(|c| number::plain(c).unwrap_or(c)).collect()
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
    in_words(text).into_iter().for_each(|price| keep(&mut prices, price));
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
    let (figure, mut end) = figure(text, &run);
    let mark = match before.as_ref() {
        Some((_, mark)) => Some(*mark),
        None => mark_after(text, end).map(|(range, mark)| {
            end = range.end;
            mark
        }),
    };
    let mut start = before.as_ref().map_or(run.start, |(range, _)| range.start);
    let quantity = quantity::beside(text, floor, start, end);
    let member = if mark.is_none() { labels::member(text, run.start, end) } else { None };
    let bare = mark.is_none() && member.is_none() && !quantity.is_some_and(|quantity| quantity.plain);
    if bare && !looks_like_a_sum(&text[run.clone()]) {
        return None;
    }
    let total = match member {
        Some(member) => member.total,
        None => labels::is_total(text, floor, start) || labels::is_total_after(&text[end..]),
    };
    if bare && !total {
        return None;
    }
    let total = total && (quantity.is_some() || !labels::is_each(&text[end..]));
    let currency = mark.and_then(|mark| mark.currency).or(member.and_then(|member| member.currency));
    let digits = &text[run.clone()];
    let mut number = (digits.len() <= LONGEST).then(|| parse(digits, currency)).flatten().and_then(|n| figure.of(n));
    if let (Some((cents, len)), Some(whole)) =
        (cents_after(text, digits, mark.is_some() && before.is_none(), end), number)
    {
        (number, end) = (Some(whole.plus(cents)), end + len);
    }
    let mut end = end;
    if let Some(quantity) = quantity {
        number = number.and_then(|number| number.times(quantity.count));
        (start, end) = (start.min(quantity.start), end.max(quantity.end));
    }
    let words = short_words(&text[start..end]);
    Some((Price { number, currency, total, words }, end))
}

/// What is done to the digits: multiplied, added to, or not to be read.
struct Figure {
    times: Option<u64>,
    plus: Option<Number>,
}

impl Figure {
    fn of(&self, number: Number) -> Option<Number> {
        let product = number.times(self.times?)?;
        Some(self.plus.map_or(product, |more| product.plus(more)))
    }
}

/// The factors behind the digits, and where they end: `k`, `million`, `e3`, `万2千`.
fn figure(text: &str, run: &Range<usize>) -> (Figure, usize) {
    if let Some((len, times)) = number::exponent(&text[run.end..]) {
        return (Figure { times, plus: None }, run.end + len);
    }
    let Some((len, factor)) = number::factor(&text[run.end..]) else {
        return (Figure { times: Some(1), plus: None }, run.end);
    };
    let mut end = run.end + len;
    let (mut plus, mut least, mut times) = (Number::new(0, 0), factor, Some(factor));
    // `1万2千3百`: each smaller than the one before.
    while text[end..].starts_with(|c: char| c.is_ascii_digit()) && !text[..end].ends_with(|c: char| c.is_ascii()) {
        let digits = text[end..].bytes().take_while(u8::is_ascii_digit).count();
        let (len, factor) = number::factor(&text[end + digits..]).unwrap_or((0, 1));
        let part = number::parse(&text[end..end + digits], false).and_then(|number| number.times(factor));
        end += digits + len;
        match part.filter(|_| factor < least) {
            Some(part) => plus = plus.plus(part),
            None => times = None,
        }
        least = factor;
        if len == 0 {
            break;
        }
    }
    (Figure { times, plus: Some(plus) }, end)
}

/// `12€50`: the cents behind the sign.
fn cents_after(text: &str, digits: &str, behind: bool, end: usize) -> Option<(Number, usize)> {
    let rest = text[end..].as_bytes();
    let two = behind && rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_digit);
    let alone =
        !text[end..].get(2..).unwrap_or_default().starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | ','));
    if !two || !alone || digits.contains(['.', ',']) || !text[..end].ends_with(['€', '$', '£']) {
        return None;
    }
    let cents: u32 = text[end..end + 2].parse().ok()?;
    Some((Number::new(0, cents * 10_000), 2))
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
    let near = ["de ", "d'", "di ", "of "].iter().find_map(|of| near.strip_prefix(of)).unwrap_or(near);
    let skipped = right.len() - near.len();
    let mark = currency::leading(near)?;
    Some((end..end + skipped + mark.len, mark))
}

/// "five hundred dollars", "三千円": prices that are there, but whose numbers are not read.
fn in_words(text: &str) -> Vec<Price> {
    let mut prices = Vec::new();
    if !text.is_ascii() {
        numerals(text, &mut prices);
    }
    if !currency::is_named(text) {
        return prices;
    }
    let mut previous: Option<Range<usize>> = None;
    for word in words(text) {
        let bare = text[word.clone()].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']);
        if let Some(before) = previous.replace(word.clone())
            && is_number(text[before.clone()].trim_start_matches(['(', '"', '\'']))
            && !text[..before.start].trim_end().ends_with(|c: char| c.is_ascii_digit())
            && let Some(mark) = currency::leading(&text[word.start..])
            && mark.len >= bare.len()
        {
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

fn is_number(word: &str) -> bool {
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
