//! Currencies: ISO 4217 codes with their exponents, and the words and signs that stand for them in texts.

use std::fmt;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

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

/// Signs, which need nothing around them. An empty code: money, but which is not clear. `$` counts as the US and `¥` as the
/// Japanese one, the commonest.
#[rustfmt::skip]
const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"), ("$US", "USD"), ("$CA", "CAD"), ("$AU", "AUD"), ("CA$", "CAD"), ("AU$", "AUD"), ("NZ$", "NZD"), ("HK$", "HKD"), ("MX$", "MXN"), ("NT$", "TWD"),
    ("RMB", "CNY"), ("C$", "CAD"), ("A$", "AUD"), ("S$", "SGD"), ("R$", "BRL"), ("$", "USD"), ("€", "EUR"), ("£", "GBP"),
    ("¥", "JPY"), ("₹", "INR"), ("₩", "KRW"), ("₺", "TRY"), ("₽", "RUB"), ("₪", "ILS"), ("฿", "THB"), ("₫", "VND"),
    ("₱", "PHP"), ("₦", "NGN"), ("₴", "UAH"), ("日元", "JPY"), ("美元", "USD"), ("欧元", "EUR"), ("歐元", "EUR"),
    ("ドル", "USD"), ("ユーロ", "EUR"), ("円", "JPY"), ("人民币", "CNY"), ("人民幣", "CNY"), ("元", "CNY"), ("원", "KRW"),
    ("¤", ""),
];

/// Words, in lower case and alphabetical order; a final stop is no part of them. `kr` and `pesos` are left open.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("baht", "THB"), ("bucks", "USD"), ("chf", "CHF"), ("dirhams", "AED"), ("dollar", "USD"), ("dollari", "USD"),
    ("dollars", "USD"), ("dólar", "USD"), ("dólares", "USD"), ("eur", "EUR"), ("euro", "EUR"), ("euros", "EUR"),
    ("fr", "CHF"), ("francs", "CHF"), ("franken", "CHF"), ("franchi", "CHF"), ("gbp", "GBP"), ("jpy", "JPY"),
    ("kr", ""), ("kronen", ""), ("kroner", ""), ("kronor", ""), ("kč", "CZK"), ("libras", "GBP"), ("livres", "GBP"),
    ("peso", ""), ("pesos", ""), ("pfund", "GBP"), ("pound", "GBP"), ("pounds", "GBP"), ("quid", "GBP"),
    ("reais", "BRL"), ("renminbi", "CNY"), ("rs", "INR"), ("rupee", "INR"), ("rupees", "INR"),
    ("rupien", "INR"), ("sterline", "GBP"), ("usd", "USD"), ("yen", "JPY"), ("yuan", "CNY"),
    ("zloty", "PLN"), ("zł", "PLN"), ("złoty", "PLN"),
];

/// Words that may stand before one of [`WORDS`] and say whose it is.
#[rustfmt::skip]
const OWNERS: &[(&str, &str)] = &[
    ("us", "USD"), ("u.s.", "USD"), ("american", "USD"), ("canadian", "CAD"), ("australian", "AUD"),
    ("new zealand", "NZD"), ("singapore", "SGD"), ("hong kong", "HKD"), ("british", "GBP"), ("swiss", "CHF"),
    ("schweizer", "CHF"), ("japanese", "JPY"), ("chinese", "CNY"), ("indian", "INR"), ("mexican", "MXN"),
    ("danish", "DKK"), ("swedish", "SEK"), ("norwegian", "NOK"),
];

/// Those of [`WORDS`] that also stand before a number; the others there are words of the sentence.
const BEFORE: &[&str] =
    &["chf", "eur", "euro", "euros", "fr", "gbp", "jpy", "kr", "kč", "rs", "usd", "zł", "dollars", "pounds", "yen"];

/// The longest of [`WORDS`], in characters.
const LONGEST: usize = 8;

impl Currency {
    /// The currency of an ISO code in capitals; `None` when it is not known here.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let known = CODES.binary_search(&code).is_ok();
        known.then(|| code.as_bytes().try_into().ok().map(Self)).flatten()
    }

    /// The currency that a sign stands for, as prices are read here: `$` is the US dollar. `None` for anything else.
    #[must_use]
    pub fn from_sign(sign: &str) -> Option<Self> {
        SIGNS.iter().find(|(known, _)| *known == sign).and_then(|(_, code)| Self::from_code(code))
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

/// Whether any word or code of a currency may stand in `text`: quick, and never wrong when it says no.
pub(super) fn is_named(text: &str) -> bool {
    static NAMES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let words = WORDS.iter().map(|(word, _)| *word).filter(|word| word.len() > 2).map(stem);
        let words: Vec<String> = words.flat_map(|word| [word.to_owned(), capital(word), word.to_uppercase()]).collect();
        let codes = CODES.iter().map(|code| (*code).to_owned());
        AhoCorasick::new(words.into_iter().chain(codes)).ok()
    });
    NAMES.as_ref().is_none_or(|names| names.is_match(text))
}

/// The first letters, which all forms of a word share.
fn stem(word: &str) -> &str {
    word.char_indices().nth(4).map_or(word, |(at, _)| &word[..at])
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether a mark may stand where a text of ASCII begins with these bytes: quick, and never wrong when it says no.
pub(super) fn ascii_may_lead(text: &[u8]) -> bool {
    const SLOTS: usize = 1024;
    // The letters at the beginning, of many the last eight, and how many they are.
    fn letters(text: &[u8]) -> (u64, usize) {
        let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic());
        letters.fold((0, 0), |(key, len), byte| ((key << 8) | u64::from(byte | 0x20), len + 1))
    }
    fn place(key: u64) -> usize {
        // The upper bits of a product depend on all bits of the key.
        usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.trailing_zeros())).unwrap_or_default()
    }
    static FIRST: LazyLock<(Box<[bool]>, Vec<u64>)> = LazyLock::new(|| {
        let known = [SIGNS, WORDS, OWNERS].concat();
        let all = known.iter().map(|(word, _)| *word).chain(CODES.iter().copied()).map(str::as_bytes);
        let own = all.map(|word| (word, letters(word)));
        let mut keys: Vec<u64> =
            own.filter(|(word, (_, len))| *len > 0 && word.get(*len) != Some(&b'$')).map(|(_, (key, _))| key).collect();
        keys.sort_unstable();
        let mut first = vec![false; SLOTS].into_boxed_slice();
        keys.iter().for_each(|key| first[place(*key)] = true);
        (first, keys)
    });
    let (key, len) = letters(text);
    text.get(len) == Some(&b'$') || (FIRST.0[place(key)] && FIRST.1.binary_search(&key).is_ok())
}

/// The mark that `text` begins with.
pub(super) fn leading(text: &str) -> Option<Mark> {
    let first = text.chars().next().filter(|c| !c.is_ascii() || c.is_ascii_alphabetic() || *c == '$')?;
    if let Some(currency) = text.get(..3).and_then(Currency::from_code)
        && !begins_with_letter(&text[3..])
    {
        return Some(Mark { len: 3, currency: Some(currency) });
    }
    let sign = SIGNS.iter().filter(|(sign, _)| text.starts_with(sign)).max_by_key(|(sign, _)| sign.len());
    if let Some((sign, code)) = sign
        && !(ends_with_letter(sign) && begins_with_letter(&text[sign.len()..]))
    {
        return Some(Mark { len: sign.len(), currency: Currency::from_code(code) });
    }
    first.is_alphabetic().then(|| word(text).or_else(|| owned(text))).flatten()
}

/// A currency word at the beginning, with a hyphen as in `US-Dollar` or without.
fn word(text: &str) -> Option<Mark> {
    let len: usize = text.chars().take(LONGEST + 1).take_while(|c| is_letter(*c)).map(char::len_utf8).sum();
    let lower = text[..len].to_lowercase();
    let at = WORDS.iter().find(|(word, _)| *word == lower)?;
    let sound = !begins_with_letter(&text[len..]);
    sound.then_some(Mark { len, currency: Currency::from_code(at.1) })
}

/// `US dollars`, `Swiss francs`.
fn owned(text: &str) -> Option<Mark> {
    let (owner, code) = OWNERS.iter().find(|(owner, _)| {
        text.get(..owner.len()).is_some_and(|head| head.eq_ignore_ascii_case(owner))
            && text[owner.len()..].starts_with([' ', '-'])
    })?;
    let skipped = owner.len() + 1;
    let rest = word(&text[skipped..])?;
    Some(Mark { len: skipped + rest.len, currency: Currency::from_code(code) })
}

/// A word for hundredths that `text` begins with: `cents`, `US cents`, `¢`, `pence`.
pub(super) fn cents(text: &str) -> Option<Mark> {
    const OF: &[(&str, &str)] =
        &[("US", "USD"), ("U.S.", "USD"), ("USD", "USD"), ("dollar", "USD"), ("EUR", "EUR"), ("euro", "EUR")];
    let (skipped, code) = OF
        .iter()
        .find(|(of, _)| {
            text.get(..of.len()).is_some_and(|head| head.eq_ignore_ascii_case(of))
                && text[of.len()..].starts_with([' ', '-'])
        })
        .map_or((0, ""), |(of, code)| (of.len() + 1, code));
    let rest = &text[skipped..];
    if rest.starts_with('¢') {
        return Some(Mark { len: skipped + '¢'.len_utf8(), currency: Currency::from_code(code) });
    }
    let len = rest.bytes().take(8).take_while(u8::is_ascii_alphabetic).count();
    let word = rest[..len].to_ascii_lowercase();
    let code = if word == "pence" { "GBP" } else { code };
    let known = matches!(word.as_str(), "cent" | "cents" | "pence" | "centimes" | "centavos");
    (known && !begins_with_letter(&rest[len..]))
        .then_some(Mark { len: skipped + len, currency: Currency::from_code(code) })
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
    let sign = SIGNS.iter().filter(|(sign, _)| text.ends_with(sign)).max_by_key(|(sign, _)| sign.len());
    if let Some((sign, code)) = sign
        && !(begins_with_letter(sign) && ends_with_letter(&text[..text.len() - sign.len()]))
    {
        return Some(Mark { len: sign.len(), currency: Currency::from_code(code) });
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    let len: usize = bare.chars().rev().take(LONGEST + 1).take_while(|c| is_letter(*c)).map(char::len_utf8).sum();
    let lower = bare[bare.len() - len..].to_lowercase();
    let (_, code) = WORDS.iter().find(|(word, _)| *word == lower && BEFORE.contains(word))?;
    let sound = !ends_with_letter(&bare[..bare.len() - len]);
    sound.then_some(Mark { len: len + text.len() - bare.len(), currency: Currency::from_code(code) })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Everything that may stand for a currency, as it is and in capitals, with what may follow it.
    fn names() -> Vec<String> {
        let words = [SIGNS, WORDS, OWNERS].concat().into_iter().map(|(word, _)| word);
        let all: Vec<&str> = words.chain(CODES.iter().copied()).filter(|word| word.is_ascii()).collect();
        all.iter().flat_map(|word| [(*word).to_owned(), word.to_uppercase(), capital(word)]).collect()
    }

    proptest! {
        #[test]
        fn what_begins_with_a_mark_may_lead(text in prop::collection::vec(prop_oneof![select(names()), "[ -~]{0,2}"], 1..4)) {
            let text = text.concat();
            prop_assert!(leading(&text).is_none() || ascii_may_lead(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn every_name_of_a_currency_may_lead_and_ordinary_words_do_not() {
        let refused: Vec<String> = names().into_iter().filter(|name| !ascii_may_lead(name.as_bytes())).collect();
        assert_eq!(refused, Vec::<String>::new());
        let ordinary = ["page", "three", "results", "a", "note", "", "12", "USDT"];
        assert_eq!(ordinary.map(|word| ascii_may_lead(word.as_bytes())), [false; 8]);
    }
}
