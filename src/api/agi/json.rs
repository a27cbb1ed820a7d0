//! Reading JSON that nobody promised the shape of, in document order and without losing the rest over one bad part.
//!
//! Objects become [`Fields`]: names with the raw text of their values. Strings come out of the raw text by a scanner that
//! replaces what is not Unicode (lone surrogates) and also reads text that was cut anywhere. Never recurses.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::policy::money::Currency;
use crate::policy::money::labels::{is_amount, is_currency, named};

/// An object's members in document order; values are raw JSON text.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Reads an object; anything else is `None`.
    pub(super) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The raw text of the member with one of these names, tried in this order; `null` counts as missing. Of members with the
    /// same name the last counts, as in other readers.
    pub(super) fn raw(&self, names: &[&str]) -> Option<&str> {
        let named = |name| self.iter().rev().find(|(key, raw)| *key == name && *raw != "null");
        names.iter().find_map(|name| named(*name)).map(|(_, raw)| raw)
    }

    /// The first member with one of these names that is a string with anything in it.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.raw(&[name]).and_then(string).filter(|text| !text.trim().is_empty()))
    }

    /// The object inside the member `name`.
    pub(super) fn object(&self, name: &str) -> Option<Self> {
        self.raw(&[name]).and_then(Self::read)
    }

    /// Names and raw values, in document order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), raw.get()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Fields(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The elements of an array as raw text; anything else is `None`.
pub(super) fn elements(json: &str) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(json).ok()
}

/// A JSON string's text; anything else is `None`.
pub(super) fn string(json: &str) -> Option<String> {
    let json = json.trim();
    json.starts_with('"').then(|| literal(json, 0).text)
}

/// A number that fits `u64`, or a string that is one.
pub(super) fn number(json: &str) -> Option<u64> {
    let text = string(json);
    text.as_deref().unwrap_or(json).trim().parse().ok()
}

/// Every string value (not the names of members) in document order, and amounts. The text may be cut anywhere; a last string
/// that is not closed counts.
///
/// A number, or a text that is nothing but one, whose member's name says that it is an amount (`amount`, `totalPrice`, …) is
/// told with its name and the currency of its object or of one around it: `amount: 150.00 EUR`. Other numbers, which are
/// places on a screen and the like, are left out.
pub(super) fn leaves(json: &str) -> Vec<String> {
    let mut telling = Telling::default();
    telling.value(None, json);
    telling.told()
}

/// The same of an object's members that `keep` keeps.
pub(super) fn leaves_of(fields: &Fields, keep: impl Fn(&str) -> bool) -> Vec<String> {
    let mut telling = Telling::default();
    telling.open();
    for (name, raw) in fields.iter() {
        if keep(name) || is_currency(name) {
            telling.value(Some(name), raw);
        }
    }
    telling.told()
}

/// What was found so far, and the objects that are open.
#[derive(Default)]
struct Telling {
    found: Vec<String>,
    open: Vec<Object>,
}

/// Amounts in `found` that wait for the currency of their object.
#[derive(Default)]
struct Object {
    currency: Option<Currency>,
    waiting: Vec<usize>,
}

impl Telling {
    fn open(&mut self) {
        self.open.push(Object::default());
    }

    fn close(&mut self) {
        let Some(object) = self.open.pop() else { return };
        match (object.currency, self.open.last_mut()) {
            (Some(currency), _) => {
                for at in object.waiting {
                    self.found[at].push_str(&format!(" {currency}"));
                }
            }
            (None, Some(around)) => around.waiting.extend(object.waiting),
            (None, None) => {}
        }
    }

    fn told(mut self) -> Vec<String> {
        while !self.open.is_empty() {
            self.close();
        }
        self.found
    }

    /// Reads a value, of the member `name` if it is one.
    fn value(&mut self, name: Option<&str>, json: &str) {
        let mut name: Option<String> = name.map(str::to_owned);
        let mut at = 0;
        while let Some(offset) =
            json[at..].find(['"', '{', '}', '[', ']', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            let start = at + offset;
            at = start + 1;
            match json.as_bytes()[start] {
                b'{' => self.open(),
                b'}' => self.close(),
                b'[' | b']' => {}
                b'"' => {
                    let literal = literal(json, start);
                    at = literal.end;
                    if json[at..].trim_start().starts_with(':') {
                        name = Some(literal.text);
                    } else {
                        self.string(name.as_deref(), literal.text);
                    }
                }
                _ => {
                    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
                    let end = json[start..].find(|c| !is_part(c)).map_or(json.len(), |len| start + len);
                    at = end;
                    if let Some(name) = name.as_deref().filter(|name| is_amount(name)) {
                        self.amount(name, &json[start..end]);
                    }
                }
            }
        }
    }

    fn string(&mut self, name: Option<&str>, text: String) {
        let bare = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | ' ');
        let amount = name
            .filter(|name| is_amount(name) && text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(bare));
        if let (Some(object), true) = (self.open.last_mut(), name.is_some_and(is_currency)) {
            object.currency = named(&text).or(object.currency);
        }
        match amount {
            Some(name) => self.push(format!("{name}: {}", text.trim())),
            None if text.trim().is_empty() => {}
            None => self.found.push(text),
        }
    }

    /// Three decimals would be read as a group of digits: one more makes them decimals.
    fn amount(&mut self, name: &str, number: &str) {
        let decimals = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let more =
            if decimals == 3 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') { "0" } else { "" };
        self.push(format!("{name}: {number}{more}"));
    }

    fn push(&mut self, amount: String) {
        if let Some(object) = self.open.last_mut() {
            object.waiting.push(self.found.len());
        }
        self.found.push(amount);
    }
}

struct Literal {
    text: String,
    /// Just behind the closing quote, or the end of the input.
    end: usize,
}

/// Reads the string literal whose opening quote is at `start`.
fn literal(json: &str, start: usize) -> Literal {
    let mut text = String::new();
    let mut rest = &json[start + 1..];
    loop {
        let Some(stop) = rest.find(['"', '\\']) else {
            text.push_str(rest);
            return Literal { text, end: json.len() };
        };
        text.push_str(&rest[..stop]);
        let closed = rest.as_bytes()[stop] == b'"';
        rest = &rest[stop + 1..];
        if closed {
            return Literal { text, end: json.len() - rest.len() };
        }
        rest = escape(rest, &mut text);
    }
}

/// Reads what follows a backslash and returns what follows that.
fn escape<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let mut chars = rest.chars();
    match chars.next() {
        None => return "",
        Some('n') => text.push('\n'),
        Some('r') => text.push('\r'),
        Some('t') => text.push('\t'),
        Some('b') => text.push('\u{8}'),
        Some('f') => text.push('\u{c}'),
        Some('u') => return code_unit(chars.as_str(), text),
        Some(other) => text.push(other),
    }
    chars.as_str()
}

/// Reads `XXXX` or the surrogate pair `XXXX\uXXXX`; half a pair becomes U+FFFD.
fn code_unit<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let Some((first, behind)) = hex(rest) else {
        text.push(char::REPLACEMENT_CHARACTER);
        return rest;
    };
    let pair = behind.strip_prefix("\\u").and_then(hex);
    let units = [first, pair.map_or(0, |(second, _)| second)];
    match char::decode_utf16(units).next() {
        Some(Ok(c)) => {
            text.push(c);
            if c.len_utf16() == 2 { pair.map_or(behind, |(_, rest)| rest) } else { behind }
        }
        Some(Err(_)) | None => {
            text.push(char::REPLACEMENT_CHARACTER);
            behind
        }
    }
}

fn hex(text: &str) -> Option<(u16, &str)> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((u16::from_str_radix(digits, 16).ok()?, &text[4..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leaves_come_in_document_order_without_member_names() {
        let json = r#"{"tool":"click","args":{"element" : "Place order","at":[1,"z",{"a":"y"}]},"n":null,"e":""}"#;
        assert_eq!(leaves(json), ["click", "Place order", "z", "y"]);
    }

    #[test]
    fn amounts_are_told_with_their_names_and_the_currency_of_their_object() {
        for (json, told) in [
            (r#"{"amount":150.0,"currency":"EUR"}"#, vec!["amount: 150.0 EUR", "EUR"]),
            (r#"{"currency":"eur","total":1299}"#, vec!["eur", "total: 1299 EUR"]),
            (r#"{"price":1.299}"#, vec!["price: 1.2990"]),
            (
                r#"{"currency":"USD","items":[{"unitPrice":5,"qty":2},{"unit_price":"7.50"}]}"#,
                vec!["USD", "unitPrice: 5 USD", "unit_price: 7.50 USD"],
            ),
            (r#"{"x":148,"y":-3,"count":7,"price":null}"#, vec![]),
            (r#"{"total":-5e2,"prices":[1,2],"price":[3,4]}"#, vec!["total: -5e2", "price: 3", "price: 4"]),
            (r#"{"amount":150"#, vec!["amount: 150"]),
            (r#"{"cost":"about 5 euros"}"#, vec!["about 5 euros"]),
        ] {
            assert_eq!(leaves(json), told, "{json}");
        }
        let fields = Fields::read(r#"{"amount":20,"tool":"pay","currency":"CHF"}"#).expect("an object");
        assert_eq!(leaves_of(&fields, |name| name != "tool"), ["amount: 20 CHF", "CHF"]);
    }

    #[test]
    fn text_that_was_cut_gives_what_there_was() {
        assert_eq!(leaves(r#"{"a":"one","b":"Place or"#), ["one", "Place or"]);
        assert_eq!(leaves(r#"{"a":"one\"#), ["one"]);
        assert_eq!(leaves(r#"{"a":"one\u00"#), ["one\u{FFFD}00"]);
    }

    #[test]
    fn escapes_are_read_and_lone_surrogates_replaced() {
        assert_eq!(string(r#""a\n\"\\\/\u00e9\ud83d\ude00""#).as_deref(), Some("a\n\"\\/é😀"));
        assert_eq!(string(r#""\ud83dx\ud83d\u0041\udc00""#).as_deref(), Some("\u{FFFD}x\u{FFFD}A\u{FFFD}"));
    }

    #[test]
    fn a_lone_surrogate_does_not_spoil_its_object() {
        let fields = Fields::read(r#"{"text":"\ud800 buy","id":7}"#).expect("an object");
        assert_eq!(fields.text(&["text"]).as_deref(), Some("\u{FFFD} buy"));
        assert_eq!(fields.raw(&["id"]).and_then(number), Some(7));
    }

    #[test]
    fn ids_are_numbers_or_numeric_strings() {
        let read = |json| number(json);
        assert_eq!(
            [read("7"), read("\"352433\""), read("\" 8 \""), read("-1"), read("1.5"), read("\"x\"")],
            [Some(7), Some(352_433), Some(8), None, None, None]
        );
    }

    #[test]
    fn depth_has_no_limit_for_leaves() {
        let json = format!("{}\"deep\"{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(leaves(&json), ["deep"]);
        assert!(Fields::read(&format!("{{\"content\":{json}}}")).is_some());
    }

    proptest! {
        #[test]
        fn every_string_survives_its_encoding(text in ".*") {
            let json = serde_json::to_string(&text).expect("a string");
            prop_assert_eq!(string(&json), Some(text));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _leaves = leaves(&text);
            let _fields = Fields::read(&text);
            let _number = number(&text);
        }
    }
}
