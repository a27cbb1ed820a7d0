//! Finds prices in text: a number beside a currency, or beside a word such as "total".
//!
//! A price that is plainly there but whose number cannot be read is returned without a number, because it counts as over any
//! limit. Works in time linear in the text.

use std::ops::Range;

use super::currency::{self, Currency, Mark};
use super::plain::plain;
use super::{Number, joined, labels, number, quantity, spelled};

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
/// How many characters may stand between a number and its currency.
const GAP: usize = 10;
/// How many prices of one text are kept.
const MOST: usize = 32;
/// How many prices of one text are read; nobody writes so many, so what has more counts as one that cannot be read.
const MOST_READ: usize = 10_000;

/// The prices of `text` in order, at most 32: beyond that, the smallest that are no totals are left out. Of more than 10 000,
/// the rest is one total that cannot be read.
#[must_use]
pub fn read(text: &str) -> Vec<Price> {
    read_plain(&plain(text))
}

fn read_plain(text: &str) -> Vec<Price> {
    let mut prices = Vec::new();
    let mut at = 0;
    let mut floor = 0;
    let mut count = 0;
    while let Some(start) = next_digit(text, at) {
        let run = digits_from(text, start);
        at = run.end;
        if let Some((price, end)) = price_at(text, floor, run) {
            at = at.max(end);
            floor = at;
            keep(&mut prices, price);
            count += 1;
        }
        if count > MOST_READ {
            let words = format!("more than {MOST_READ} prices");
            keep(&mut prices, Price { number: None, currency: None, total: true, words });
            break;
        }
    }
    spelled::read(text).into_iter().for_each(|price| keep(&mut prices, price));
    prices
}

/// Adds a price; when there are too many, forgets the smallest that is no total and not the largest of its currency, so that
/// hiding one behind others is no use.
fn keep(prices: &mut Vec<Price>, price: Price) {
    prices.push(price);
    if prices.len() <= MOST {
        return;
    }
    let size = |price: &Price| (price.number.is_none(), price.number);
    let beaten = |n: &usize| {
        let this = &prices[*n];
        let like = |other: &Price| other.currency == this.currency && other.total == this.total;
        prices.iter().enumerate().any(|(m, other)| m != *n && like(other) && size(other) >= size(this))
    };
    let least = (0..prices.len()).filter(beaten).min_by_key(|n| (prices[*n].total, size(&prices[*n])));
    match least {
        Some(least) => drop(prices.remove(least)),
        // So many currencies are nothing honest: it counts as one that cannot be read.
        None => {
            prices.truncate(MOST - 1);
            prices.push(Price {
                number: None,
                currency: None,
                total: true,
                words: "prices in too many currencies".to_owned(),
            });
        }
    }
}

/// At most 100 bytes of the words of a price.
pub(super) fn short_words(words: &str) -> String {
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
    let before = mark_before(text, &run);
    let (figure, end) = figure(text, &run);
    let glued = text[..run.start].ends_with(|c: char| c.is_ascii_alphabetic() || c == '#')
        || (text[..run.start].ends_with('_') && !text[..run.start - 1].ends_with(|c: char| c.is_ascii_digit()));
    if glued && before.is_none() {
        return None;
    }
    let before = before.filter(|(range, _)| range.start >= floor);
    let range = before.as_ref().and_then(|_| joined::other_end(&text[end..]));
    let figure_end = end + range.map_or(0, |(_, len)| len);
    let cents_of = if before.is_some() { None } else { cents_behind(text, end) };
    let after = if before.is_some() { None } else { cents_of.clone().or_else(|| mark_after(text, end)) };
    let mark = before.as_ref().or(after.as_ref()).map(|(_, mark)| *mark);
    let start = before.as_ref().map_or(run.start, |(range, _)| range.start);
    let end = after.as_ref().map_or(figure_end, |(range, _)| range.end);
    let quantity = quantity::beside(text, floor, start, end);
    let member = if mark.is_none() { labels::member(text, run.start, end) } else { None };
    let sum = looks_like_a_sum(&text[run.clone()]);
    if mark.is_none() && member.is_none() && !sum {
        return None;
    }
    let labelled = labels::is_total(text, floor, start) || labels::is_total_after(&text[end..]);
    let total = member.is_some_and(|member| member.total) || (labelled && (mark.is_some() || sum));
    let plain = quantity.is_some_and(|quantity| quantity.plain);
    let bare = mark.is_none() && member.is_none();
    if bare && !(total || plain) {
        return None;
    }
    let currency = mark.and_then(|mark| mark.currency).or(member.and_then(|member| member.currency));
    let digits = &text[run.clone()];
    let number = (digits.len() <= LONGEST).then(|| parse(digits, currency)).flatten().and_then(|n| figure.of(n));
    let number = match range {
        Some((other, _)) => number.and_then(|number| other.map(|other| other.max(number))),
        None => number,
    };
    let follows = after.is_none() && joined::goes_on(&text[figure_end..], before.is_some());
    let number = number
        .filter(|number| !follows && (before.is_some() || !joined::goes_before(&text[..run.start], Some(*number))));
    let hundredths = cents_of.is_some() || member.is_some_and(|member| member.hundredths);
    let number = number.map(|number| if hundredths { number.hundredth() } else { number });
    // `12€50`, but not `5 $90`, which are two numbers.
    let hangs = after.as_ref().filter(|(_, mark)| end == figure_end + mark.len);
    let cents = hangs.and_then(|_| cents_after(text, digits, end));
    let (more, end) = cents.map_or((None, end), |(cents, len)| (Some(cents), end + len));
    let number = number.map(|number| more.map_or(number, |more| number.plus(more)));
    let times =
        quantity.map_or_else(|| quantity::in_sentence(text, floor, start, end), |quantity| Some(quantity.count));
    let counted = number.and_then(|number| number.times(times?));
    let (start, end) = quantity.map_or((start, end), |quantity| (start.min(quantity.start), end.max(quantity.end)));
    let total = total && (quantity.is_some() || !labels::is_each(&text[end..])) && !labels::is_part_after(&text[end..]);
    let words = short_words(&text[start..end]);
    // A sign between two numbers may belong to either, so the next may take it too.
    let shared = after
        .filter(|_| more.is_none() && text[end..].trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit()));
    Some((Price { number: counted, currency, total, words }, shared.map_or(end, |_| figure_end)))
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
fn cents_after(text: &str, digits: &str, end: usize) -> Option<(Number, usize)> {
    let rest = &text.as_bytes()[end..];
    let two = rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_digit);
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

/// The currency before a number. Between them may stand spaces, a colon, emphasis, a minus or a closing bracket.
fn mark_before(text: &str, run: &Range<usize>) -> Option<(Range<usize>, Mark)> {
    let left = &text[..run.start];
    let gap = |c: &char| {
        c.is_ascii_whitespace()
            || matches!(c, ':' | '*' | '_' | '`' | '~' | '-' | '–' | '−' | '^' | ')' | ']' | '"' | '\'' | '=' | '(')
    };
    let len: usize = left.chars().rev().take(GAP).take_while(gap).map(char::len_utf8).sum();
    let near = &left[..left.len() - len];
    let mark = currency::trailing(near)?;
    let between = &left[near.len()..];
    let opens = near[..near.len() - mark.len].ends_with(['(', '[']);
    // `prices in USD:` and then a numbered list.
    let item = || {
        let behind = &text[run.end..];
        run.len() < 3 && (behind.starts_with(". ") || behind.starts_with(')'))
    };
    let closed = opens || !between.contains([')', ']']);
    let listed = between.contains('\n') && item();
    // `amount_cents_usd=`: a member, which says more than its currency.
    let hundredths = ["cents_", "cent_", "minor_"].iter().any(|end| near[..near.len() - mark.len].ends_with(end));
    (closed && !listed && !hundredths).then(|| (near.len() - mark.len..run.start, mark))
}

/// The currency behind a number.
fn mark_after(text: &str, end: usize) -> Option<(Range<usize>, Mark)> {
    let right = &text[end..];
    let near = right.strip_prefix([' ', '-']).unwrap_or(right);
    let near = ["de ", "d'", "di ", "of "].iter().find_map(|of| near.strip_prefix(of)).unwrap_or(near);
    let found = |near: &str| {
        let mark = currency::leading(near)?;
        let skipped = right.len() - near.len();
        Some((end..end + skipped + mark.len, mark))
    };
    found(near).or_else(|| {
        let gap = |c: &char| {
            c.is_ascii_whitespace()
                || matches!(c, ',' | '.' | '-' | '–' | '*' | '_' | '`' | '(' | '[' | '^' | '"' | '\'')
        };
        let len: usize = right.chars().take(GAP).take_while(gap).map(char::len_utf8).sum();
        let (gap, near) = right.split_at(len);
        // `3, USD 40`, `3. $40`: the currency of what follows.
        let listed = gap.contains([',', '.']) && !gap.contains(['-', '–']);
        let (range, mark) = found(near).filter(|_| !listed)?;
        let next = text[range.end..].trim_start_matches([' ', '\t', '\n', ':']);
        (!next.starts_with(|c: char| c.is_ascii_digit())).then_some((range, mark))
    })
}

/// `129900 US cents`.
fn cents_behind(text: &str, end: usize) -> Option<(Range<usize>, Mark)> {
    let near = text[end..].strip_prefix([' ', '-']).unwrap_or(&text[end..]);
    let mark = currency::cents(near)?;
    Some((end..text.len() - near.len() + mark.len, mark))
}
