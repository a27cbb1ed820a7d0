//! Currencies: ISO 4217 codes with their exponents, and the words and signs that stand for them in texts.

use std::fmt;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Codes that are read, in alphabetical order. Those with an exponent other than two are in [`EXPONENTS`].
const CODES: &[&str] = &[
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR",
    "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "IQD", "ISK", "JOD", "JPY", "KES", "KRW", "KWD", "LKR", "LYD", "MAD",
    "MXN", "MYR", "NGN", "NOK", "NZD", "OMR", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK",
    "SGD", "THB", "TND", "TRY", "TWD", "UAH", "USD", "UYU", "VND", "XAF", "XOF", "ZAR",
];

/// Exponents of ISO 4217 that are not two.
#[rustfmt::skip]
const EXPONENTS: &[(&str, usize)] = &[
    ("BHD", 3), ("CLP", 0), ("IQD", 3), ("ISK", 0), ("JOD", 3), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("LYD", 3),
    ("OMR", 3), ("TND", 3), ("VND", 0), ("XAF", 0), ("XOF", 0),
];

/// Signs and words, longest first where one begins another. An empty code: money, but which is not clear.
///
/// `$` counts as the US and `¥` as the Japanese one, the commonest; `kr` is left open.
#[rustfmt::skip]
const MARKS: &[(&str, &str)] = &[
    ("US$", "USD"), ("CA$", "CAD"), ("AU$", "AUD"), ("NZ$", "NZD"), ("HK$", "HKD"), ("MX$", "MXN"), ("NT$", "TWD"),
    ("C$", "CAD"), ("A$", "AUD"), ("S$", "SGD"), ("R$", "BRL"), ("$", "USD"), ("€", "EUR"), ("£", "GBP"),
    ("¥", "JPY"), ("₹", "INR"), ("₩", "KRW"), ("₺", "TRY"), ("₽", "RUB"), ("₪", "ILS"), ("฿", "THB"), ("₫", "VND"),
    ("₱", "PHP"), ("₦", "NGN"), ("₴", "UAH"), ("円", "JPY"), ("人民币", "CNY"), ("元", "CNY"), ("원", "KRW"),
    ("zł", "PLN"), ("Kč", "CZK"), ("Fr.", "CHF"), ("kr", ""), ("Rs.", "INR"), ("Rs", "INR"), ("usd", "USD"),
    ("eur", "EUR"), ("gbp", "GBP"), ("jpy", "JPY"), ("chf", "CHF"), ("US dollars", "USD"), ("dollars", "USD"),
    ("dollar", "USD"), ("Dollar", "USD"), ("bucks", "USD"), ("euros", "EUR"), ("euro", "EUR"), ("Euro", "EUR"),
    ("dólares", "USD"), ("pounds", "GBP"), ("yen", "JPY"), ("rupees", "INR"), ("francs", "CHF"), ("Franken", "CHF"),
    ("pesos", ""), ("reais", "BRL"), ("yuan", "CNY"),
];

impl Currency {
    /// The currency of an ISO code in capitals; `None` when it is not known here.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let known = CODES.binary_search(&code).is_ok();
        known.then(|| code.as_bytes().try_into().ok().map(Self)).flatten()
    }

    /// The ISO code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals its minor unit has.
    #[must_use]
    pub fn exponent(&self) -> usize {
        EXPONENTS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, digits)| *digits)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

/// A currency mark in a text: how many bytes it takes, and the currency if that is clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) len: usize,
    pub(super) currency: Option<Currency>,
}

/// The mark that `text` begins with.
pub(super) fn leading(text: &str) -> Option<Mark> {
    text.chars().next().filter(|c| !c.is_ascii() || c.is_ascii_alphabetic() || *c == '$')?;
    let code = text.get(..3).and_then(Currency::from_code);
    if let Some(currency) = code
        && !begins_with_letter(&text[3..])
    {
        return Some(Mark { len: 3, currency: Some(currency) });
    }
    let (mark, code) = MARKS.iter().filter(|(mark, _)| starts(text, mark)).max_by_key(|(mark, _)| mark.len())?;
    Some(Mark { len: mark.len(), currency: Currency::from_code(code) })
}

/// The mark that `text` ends with.
pub(super) fn trailing(text: &str) -> Option<Mark> {
    text.chars().next_back().filter(|c| !c.is_ascii() || c.is_ascii_alphabetic() || matches!(c, '$' | '.'))?;
    let code = text.len().checked_sub(3).and_then(|at| text.get(at..)).and_then(Currency::from_code);
    if let Some(currency) = code
        && !ends_with_letter(&text[..text.len() - 3])
    {
        return Some(Mark { len: 3, currency: Some(currency) });
    }
    let (mark, code) = MARKS.iter().filter(|(mark, _)| ends(text, mark)).max_by_key(|(mark, _)| mark.len())?;
    Some(Mark { len: mark.len(), currency: Currency::from_code(code) })
}

fn starts(text: &str, mark: &str) -> bool {
    text.starts_with(mark) && !(ends_with_letter(mark) && begins_with_letter(&text[mark.len()..]))
}

fn ends(text: &str, mark: &str) -> bool {
    text.ends_with(mark) && !(begins_with_letter(mark) && ends_with_letter(&text[..text.len() - mark.len()]))
}

fn begins_with_letter(text: &str) -> bool {
    text.starts_with(is_letter)
}

fn ends_with_letter(text: &str) -> bool {
    text.ends_with(is_letter)
}

/// Letters of scripts that put spaces between words.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && u32::from(c) < 0x2E80
}
