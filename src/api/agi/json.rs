//! Reading JSON that nobody promised the shape of, in document order and without losing the rest over one bad part.
//!
//! Objects become [`Fields`]: names with the raw text of their values. Strings come out of the raw text by a scanner that
//! replaces what is not Unicode (lone surrogates) and also reads text that was cut anywhere. Never recurses.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::policy::money::labels::{is_amount, is_currency, is_quantity, is_sum, may_be_amount, named, unit};
use crate::policy::money::{Currency, Number, number as decimal};
use crate::quiet::Pace;

/// An object's members in document order; values are raw JSON text, and lie in the text that was read.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object; anything else is `None`.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        // To be told no would cost an error with half the text in it, for most values that are asked.
        if first(json) == Some('{') { serde_json::from_str(json).ok() } else { None }
    }

    /// The raw text of the member with one of these names, tried in this order; `null` counts as missing. Of members with the
    /// same name the last counts, as in other readers.
    pub(super) fn raw(&self, names: &[&str]) -> Option<&'a str> {
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
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (&**name, raw.get()))
    }
}

impl<'a, 'de: 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A name is copied only where it has escapes.
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), raw)) = map.next_entry()? {
                    members.push((name, raw));
                }
                Ok(Fields(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The elements of an array as raw text; anything else is `None`.
pub(super) fn elements(json: &str) -> Option<Vec<&RawValue>> {
    let Elements(list) = (first(json) == Some('[')).then(|| serde_json::from_str(json).ok())??;
    Some(list)
}

/// An array's elements. They can be thousands, and [others](crate::quiet) have their turn meanwhile.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'a, 'de: 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Elements<'de>, A::Error> {
                let (mut list, mut pace) = (Vec::new(), Pace::default());
                while let Some(element) = array.next_element::<&RawValue>()? {
                    list.push(element);
                    pace.did(element.get().len());
                }
                Ok(Elements(list))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// What a value begins with.
fn first(json: &str) -> Option<char> {
    json.trim_start_matches([' ', '\t', '\r', '\n']).chars().next()
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
pub(super) fn leaves_of(fields: &Fields<'_>, keep: impl Fn(&str) -> bool) -> Vec<String> {
    let mut telling = Telling::default();
    telling.open(None);
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
    found: Vec<Leaf>,
    open: Vec<Object>,
    /// Places in `found` of amounts that wait for the currency of an object around them; each object has a tail of them.
    priced: Vec<usize>,
    /// The same of those that wait for how many there are.
    counted: Vec<usize>,
}

/// One thing to be told.
enum Leaf {
    Text(String),
    Amount(Amount),
}

/// A number that is an amount, or may be one.
struct Amount {
    name: String,
    raw: String,
    currency: Option<Currency>,
    /// How many there are, as it stands there.
    count: Option<String>,
    /// Whether it is only an amount beside a currency, and what it is otherwise.
    weak: Option<Weak>,
}

/// What a member is when no currency stands beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weak {
    Text,
    Nothing,
}

/// An object that is open.
struct Object {
    /// Whether it is itself the value of a member that holds an amount.
    is_amount: bool,
    currency: Option<Currency>,
    count: Option<String>,
    /// How long `priced` and `counted` were when it opened.
    priced: usize,
    counted: usize,
    /// Places of numbers of its own that are amounts only beside a currency.
    weak: Vec<usize>,
}

impl Telling {
    fn open(&mut self, name: Option<&str>) {
        self.open.push(Object {
            is_amount: name.is_some_and(is_amount),
            currency: None,
            count: None,
            priced: self.priced.len(),
            counted: self.counted.len(),
            weak: Vec::new(),
        });
    }

    fn close(&mut self) {
        let Some(object) = self.open.pop() else { return };
        if let Some(currency) = object.currency {
            for at in self.priced.drain(object.priced..).chain(object.weak) {
                if let Some(Leaf::Amount(amount)) = self.found.get_mut(at) {
                    amount.currency = amount.currency.or(Some(currency));
                    amount.weak = None;
                }
            }
        }
        if let Some(count) = &object.count {
            for at in self.counted.drain(object.counted..) {
                if let Some(Leaf::Amount(amount)) = self.found.get_mut(at) {
                    amount.count = Some(count.clone());
                }
            }
        } else if !object.is_amount {
            // How many there are of something is told beside its price, not further out.
            self.counted.truncate(object.counted);
        }
    }

    fn told(mut self) -> Vec<String> {
        while !self.open.is_empty() {
            self.close();
        }
        let told = self.found.into_iter().filter_map(|leaf| match leaf {
            Leaf::Text(text) => Some(text),
            Leaf::Amount(amount) => amount.told(),
        });
        told.collect()
    }

    /// Reads a value, of the member `name` if it is one.
    fn value(&mut self, name: Option<&str>, json: &str) {
        let mut name = name.map(Cow::Borrowed);
        let mut at = 0;
        while let Some(offset) =
            json[at..].find(['"', '{', '}', '[', ']', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            let start = at + offset;
            at = start + 1;
            match json.as_bytes()[start] {
                b'{' => self.open(name.as_deref()),
                b'}' => self.close(),
                b'[' | b']' => {}
                b'"' => {
                    let literal = literal(json, start);
                    at = literal.end;
                    if json[at..].trim_start().starts_with(':') {
                        name = Some(Cow::Owned(literal.text));
                    } else {
                        self.string(name.as_deref(), literal.text);
                    }
                }
                _ => {
                    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
                    let end = json[start..].find(|c| !is_part(c)).map_or(json.len(), |len| start + len);
                    at = end;
                    if let Some(name) = name.as_deref() {
                        self.number(name, &json[start..end]);
                    }
                }
            }
        }
    }

    fn string(&mut self, name: Option<&str>, text: String) {
        let bare = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | ' ' | '-' | '+');
        let digits = text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(bare);
        if let (Some(object), true) = (self.open.last_mut(), name.is_some_and(is_currency)) {
            object.currency = named(&text).or(object.currency);
        }
        match name.filter(|_| digits) {
            Some(name) if is_quantity(name) => {
                self.count(text.trim());
                self.found.push(Leaf::Text(text));
            }
            Some(name) if may_be_amount(name) => self.weak(name, &text, Weak::Text),
            Some(name) if is_amount(name) => self.amount(name, text.trim()),
            Some(_) | None if text.trim().is_empty() => {}
            Some(_) | None => self.found.push(Leaf::Text(text)),
        }
    }

    fn number(&mut self, name: &str, raw: &str) {
        if is_quantity(name) {
            self.count(raw);
        } else if is_amount(name) {
            self.amount(name, &decimals(raw));
        } else if may_be_amount(name) {
            self.weak(name, &decimals(raw), Weak::Nothing);
        }
    }

    fn count(&mut self, raw: &str) {
        if let Some(object) = self.open.last_mut() {
            object.count = Some(raw.to_owned());
        }
    }

    fn weak(&mut self, name: &str, raw: &str, weak: Weak) {
        let at = self.found.len();
        match self.open.last_mut() {
            Some(object) if object.is_amount => self.amount(name, raw.trim()),
            Some(object) => {
                object.weak.push(at);
                self.counted.push(at);
                self.found.push(Leaf::Amount(Amount::new(name, raw, Some(weak))));
            }
            None => self.found.push(Leaf::Amount(Amount::new(name, raw, Some(weak)))),
        }
    }

    fn amount(&mut self, name: &str, raw: &str) {
        if !self.open.is_empty() {
            self.priced.push(self.found.len());
            if !is_sum(name) {
                self.counted.push(self.found.len());
            }
        }
        self.found.push(Leaf::Amount(Amount::new(name, raw, None)));
    }
}

impl Amount {
    fn new(name: &str, raw: &str, weak: Option<Weak>) -> Self {
        Self { name: name.to_owned(), raw: raw.to_owned(), currency: None, count: None, weak }
    }

    /// As text; `None` when it is no amount.
    fn told(self) -> Option<String> {
        match self.weak {
            Some(Weak::Text) => return Some(self.raw),
            Some(Weak::Nothing) => return None,
            None => {}
        }
        let (stem, own, hundredths) = unit(&self.name);
        // A name that is read as that of an amount, so that it is one without a currency too.
        let name = match (is_amount(&self.name), hundredths) {
            (true, false) => self.name.as_str(),
            (true, true) => stem,
            (false, _) => "amount",
        };
        let currency = own.or(self.currency).map(|currency| format!(" {currency}")).unwrap_or_default();
        let raw = self.raw.trim();
        if !hundredths && self.count.is_none() {
            return Some(format!("{name}: {raw}{currency}"));
        }
        let number = decimal::parse(raw, false).map(|number| if hundredths { number.hundredth() } else { number });
        let product = match &self.count {
            None => number,
            Some(count) => number.and_then(|number| number.times(whole(count)?)),
        };
        // What cannot be multiplied is told so that it cannot be read.
        let number = product.map_or_else(|| format!("{raw}^"), |number| decimals(&number.display(0)));
        Some(format!("{name}: {number}{currency}"))
    }
}

/// How many, at least one; parts of one count as one more.
fn whole(count: &str) -> Option<u64> {
    let number: Number = decimal::parse(count, true)?;
    let shown = number.display(0);
    let (units, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
    Some((units.parse::<u64>().ok()? + u64::from(!fraction.is_empty())).max(1))
}

/// Three decimals would be read as a group of digits: one more makes them decimals.
fn decimals(number: &str) -> String {
    let decimals = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let more = decimals == 3 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    format!("{number}{}", if more { "0" } else { "" })
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
        let Some(stop) = memchr::memchr2(b'"', b'\\', rest.as_bytes()) else {
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
                vec!["USD", "unitPrice: 10 USD", "unit_price: 7.50 USD"],
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
    fn amounts_are_told_whatever_shape_their_object_has() {
        for (json, told) in [
            (r#"{"amount":{"value":"4000","currency":"USD"}}"#, vec!["amount: 4000 USD", "USD"]),
            (r#"{"amount":{"currency_code":"USD","value":"4000.00"}}"#, vec!["USD", "amount: 4000.00 USD"]),
            (r#"{"currency":"USD","price":{"value":4000}}"#, vec!["USD", "amount: 4000 USD"]),
            (r#"{"value":4000,"currency":"USD"}"#, vec!["amount: 4000 USD", "USD"]),
            (r#"{"value":"4000"}"#, vec!["4000"]),
            (r#"{"value":4000}"#, vec![]),
            (r#"{"amount_cents":400000,"currency":"USD"}"#, vec!["amount: 4000 USD", "USD"]),
            (r#"{"amount_usd":4000}"#, vec!["amount_usd: 4000 USD"]),
            (r#"{"amountUsd":"4000"}"#, vec!["amountUsd: 4000 USD"]),
            (r#"{"amount_due":4000,"budget":5000}"#, vec!["amount_due: 4000", "budget: 5000"]),
            (r#"{"bid":4000}"#, vec!["bid: 4000"]),
            (r#"{"bid":"148"}"#, vec!["148"]),
            (r#"{"bid":"4000","currency":"USD"}"#, vec!["bid: 4000 USD", "USD"]),
        ] {
            assert_eq!(leaves(json), told, "{json}");
        }
    }

    #[test]
    fn a_price_is_multiplied_by_the_quantity_of_its_object() {
        for (json, told) in [
            (r#"{"quantity":100,"price":40,"currency":"USD"}"#, vec!["price: 4000 USD", "USD"]),
            (r#"{"price":{"value":40,"currency":"USD"},"qty":"100"}"#, vec!["amount: 4000 USD", "USD", "100"]),
            (r#"{"quantity":100,"total":40}"#, vec!["total: 40"]),
            (r#"{"quantity":2,"items":[{"price":5}]}"#, vec!["price: 5"]),
            (r#"{"quantity":1e9,"price":40}"#, vec!["price: 40^"]),
        ] {
            assert_eq!(leaves(json), told, "{json}");
        }
    }

    #[test]
    fn amounts_without_a_currency_take_no_longer_the_deeper_they_stand() {
        let depth = 60_000;
        let json = format!("{}{}", r#"{"price":1,"x":"#.repeat(depth), "}".repeat(depth));
        assert_eq!(leaves(&json).len(), depth);
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
