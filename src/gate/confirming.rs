//! Whether a typed line is the amount on a card.
//!
//! Both decimal conventions count, and the currency may stand with it, as long as the line can mean no other amount: `1,299`
//! is 1299 to some and 1.299 to others, and confirms neither. Pure; decides nothing.

use crate::policy::AmountSeen;
use crate::policy::money::Currency;

/// Whether `typed` can only mean `amount`: the same number, alone or with its currency.
pub(super) fn names(amount: &AmountSeen, typed: &str) -> bool {
    let Some(number) = amount.number.as_deref() else { return false };
    let Some(digits) = without_currency(typed.trim(), amount.currency.as_deref()) else { return false };
    // As the card writes it, there is nothing to interpret.
    digits == number || read(digits).is_some_and(|typed| Some(typed) == written(number))
}

/// The number in `typed`; `None` where it stands with another currency than this.
fn without_currency<'a>(typed: &'a str, currency: Option<&str>) -> Option<&'a str> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let first = typed.find(|c: char| c.is_ascii_digit())?;
    let last = typed.rfind(is_number)? + 1;
    let (before, digits, after) = (typed[..first].trim_end(), &typed[first..last], typed[last..].trim_start());
    if !digits.chars().all(is_number) {
        return None;
    }
    let mark = match (before, after) {
        ("", "") => return Some(digits),
        (mark, "") | ("", mark) => mark,
        _ => return None,
    };
    let currency = currency?;
    let is_it = mark.eq_ignore_ascii_case(currency) || Currency::from_sign(mark).is_some_and(|c| c.code() == currency);
    is_it.then_some(digits)
}

/// Whole part and decimals of a number with a point, as cards write it; final zeros do not count.
fn written(number: &str) -> Option<(String, String)> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    are_digits(whole).then(|| (whole.to_owned(), decimals.trim_end_matches('0').to_owned()))
}

/// The same of a typed number, where its separators leave no doubt what they are.
fn read(typed: &str) -> Option<(String, String)> {
    let separators: Vec<char> = typed.chars().filter(|c| !c.is_ascii_digit()).collect();
    let (whole, decimals) = match separators.as_slice() {
        [] => return written(typed),
        // Three digits after a single separator may be thousands or thousandths.
        [one] => typed.split_once(*one).filter(|(_, decimals)| decimals.len() != 3)?,
        [group, rest @ ..] if rest.iter().all(|c| c == group) => {
            return grouped(typed, *group).map(|whole| (whole, String::new()));
        }
        [.., point] => typed.rsplit_once(*point)?,
    };
    let whole = match separators.first().filter(|_| separators.len() > 1) {
        Some(group) => grouped(whole, *group)?,
        None => whole.to_owned(),
    };
    let sound = are_digits(&whole) && are_digits(decimals);
    sound.then(|| (whole, decimals.trim_end_matches('0').to_owned()))
}

/// A whole number in groups of three, without its separators.
fn grouped(text: &str, separator: char) -> Option<String> {
    let mut groups = text.split(separator);
    let first = groups.next()?;
    let sound = matches!(first.len(), 1..=3) && groups.all(|group| group.len() == 3 && are_digits(group));
    (sound && are_digits(first)).then(|| text.replace(separator, ""))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(number: &str, currency: Option<&str>) -> AmountSeen {
        let (number, currency) = (Some(number.to_owned()), currency.map(str::to_owned));
        AmountSeen { number, currency, words: "a price".to_owned(), earlier: false }
    }

    #[test]
    fn an_amount_is_named_as_the_card_shows_it_and_in_either_convention() {
        for (number, currency, typed) in [
            (
                "80.00",
                "EUR",
                &["80.00", "80,00", "80", "80,0", "80,00 €", "€80.00", "80 EUR", "eur 80,00", "80,00€"][..],
            ),
            (
                "1299.50",
                "USD",
                &["1299.50", "1299,5", "1,299.50", "1.299,50", "$1,299.50", "1.299,50 USD", "US$ 1299.50"],
            ),
            ("1234567.00", "USD", &["1234567", "1,234,567", "1.234.567", "1,234,567.00", "1.234.567,00"]),
            ("3000", "JPY", &["3000", "3000.00", "¥3000", "3000円"]),
            ("1.299", "KWD", &["1.299", "KWD 1.299"]),
            ("1299.125", "KWD", &["1299.125", "1,299.125", "1.299,125"]),
            ("0.50", "USD", &["0.5", "0,50", "$0.50"]),
        ] {
            for typed in typed {
                assert!(names(&seen(number, Some(currency)), typed), "{typed:?} is {number} {currency}");
            }
        }
        assert!(names(&seen("80.00", None), "80,00"));
    }

    #[test]
    fn a_line_that_could_be_another_amount_names_none() {
        for (number, currency, typed) in [
            (
                "80.00",
                "EUR",
                &["80,01", "80,", "80.", "8000", "80.000", "80,000", "080,00", "-80", "80 $", "80 USD"][..],
            ),
            (
                "80.00",
                "EUR",
                &["€80€", "80 00", "80,00,", "8,0", ".80", "", "EUR", "eighty", "80'00", "８０", "80,00 or so"],
            ),
            (
                "1299.00",
                "USD",
                &["1,299", "1.299", "1.29900", "12,99.00", "1,2990.00", "1,299,00", "1299.00.00", "C$1299"],
            ),
            ("1.29", "USD", &["1,299", "1.299", "129"]),
            ("1.299", "KWD", &["1,299", "1299"]),
            ("3000", "JPY", &["3,000", "3.000", "3"]),
            ("1234.50", "USD", &["1,234.50,0", "1.234.50", "1,234,50", "1..234,50"]),
        ] {
            for typed in typed {
                assert!(!names(&seen(number, Some(currency)), typed), "{typed:?} is not surely {number} {currency}");
            }
        }
        assert!(!names(&seen("80.00", None), "80 EUR"), "the card does not say of what");
        let unread = AmountSeen { number: None, ..seen("", Some("EUR")) };
        assert!(!names(&unread, "80") && !names(&unread, ""));
    }

    proptest! {
        #[test]
        fn no_line_names_two_amounts(typed in "[0-9]{1,4}([.,][0-9]{1,4}){0,3}", cents in 0u32..2_000_000, other in 0u32..2_000_000) {
            let number = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
            let is = |cents| names(&seen(&number(cents), Some("USD")), &typed);
            prop_assert!(cents == other || !(is(cents) && is(other)), "{typed}");
            // What reads one way in either convention is that amount and no other.
            for (group, point) in [(',', '.'), ('.', ',')] {
                let plain = typed.replace(group, "").replace(point, ".");
                let value = plain.parse::<f64>().ok().filter(|_| typed.matches(point).count() <= 1);
                if let (true, Some(value)) = (is(cents), value) {
                    let far = (value - f64::from(cents) / 100.0).abs() > 0.001;
                    let possible = typed.split(point).next().is_some_and(|whole| {
                        !whole.contains(group) || whole.split(group).skip(1).all(|part| part.len() == 3)
                    }) && !typed.split(point).nth(1).is_some_and(|rest| rest.contains(group));
                    prop_assert!(!(far && possible), "{typed} may also be {value}, not {}", number(cents));
                }
            }
        }
    }
}
