//! Reading JSON that nobody promised the shape of, in document order and without losing the rest over one bad part.
//!
//! Objects become [`Fields`]: names with the raw text of their values. Strings come out of the raw text by a scanner that
//! replaces what is not Unicode (lone surrogates) and also reads text that was cut anywhere. Never recurses.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

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

/// Every string value (not the names of members) in document order. The text may be cut anywhere; a last string that is
/// not closed counts.
pub(super) fn leaves(json: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(quote) = json[at..].find('"') {
        let literal = literal(json, at + quote);
        at = literal.end;
        let is_name = json[at..].trim_start().starts_with(':');
        if !is_name && !literal.text.trim().is_empty() {
            found.push(literal.text);
        }
    }
    found
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
