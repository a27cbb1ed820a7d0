//! Reading values with their places: a section asks for its keys one by one, what it did not ask for is an error.
//!
//! A wrong value is reported and read as if it were absent, so that one pass reports all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Place};
use super::units;
use crate::operator::escape::short;
pub(super) use crate::policy::rule::closest;

/// Where diagnostics are collected, and what they are about.
pub(super) struct Sink<'s> {
    pub(super) source: &'s str,
    /// The name of the file, as `config.toml`.
    pub(super) name: &'s str,
    /// Environment variables, which override the file.
    pub(super) environment: &'s BTreeMap<String, String>,
    pub(super) list: RefCell<Vec<Diagnostic>>,
}

/// A table whose keys are asked for.
pub(super) struct Section<'s> {
    pub(super) sink: &'s Sink<'s>,
    path: String,
    table: Option<&'s DeTable<'s>>,
    /// The header, or the whole inline table.
    pub(super) span: Range<usize>,
    known: Vec<&'static str>,
    /// Keys that are known but refused, with a message of their own.
    refused: Vec<&'static str>,
}

/// A value with its key and place.
#[derive(Clone)]
pub(super) struct Item<'s> {
    pub(super) sink: &'s Sink<'s>,
    pub(super) key: String,
    pub(super) place: Place,
    value: Value<'s>,
}

#[derive(Clone)]
enum Value<'s> {
    Toml(&'s DeValue<'s>),
    Text(&'s str),
}

impl Sink<'_> {
    /// Where a key got its value: in the environment, or at its value in the file.
    pub(super) fn place_of(
        &self,
        root: &Section<'_>,
        section: &str,
        key: &str,
        variable: Option<&'static str>,
    ) -> Place {
        if let Some(variable) = variable.filter(|variable| self.environment.contains_key(*variable)) {
            return Place::Environment(variable);
        }
        let section = root.table.and_then(|table| table.get(section)).and_then(|value| value.get_ref().as_table());
        let value = section.and_then(|table| table.get(key));
        value.map_or(Place::Whole, |value| Place::File(value.span()))
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.list.borrow_mut().push(diagnostic);
    }
}

impl<'s> Section<'s> {
    pub(super) fn root(sink: &'s Sink<'s>, table: &'s Spanned<DeTable<'s>>) -> Self {
        Self {
            sink,
            path: String::new(),
            table: Some(table.get_ref()),
            span: table.span(),
            known: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The section `name` of this one; an empty one when it is absent or no table.
    pub(super) fn section(&mut self, name: &'static str) -> Self {
        let item = self.get(name);
        let path = self.dotted(name);
        let empty = Self { sink: self.sink, path, table: None, span: 0..0, known: Vec::new(), refused: Vec::new() };
        item.and_then(|item| item.section()).unwrap_or(empty)
    }

    /// The value of `key`, which is thereby known.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Item<'s>> {
        self.known.push(key);
        let (found, value) = self.table?.iter().find(|(found, _)| found.get_ref() == key)?;
        let span = if value.span().is_empty() { found.span() } else { value.span() };
        let (place, value) = (Place::File(span), Value::Toml(value.get_ref()));
        Some(Item { sink: self.sink, key: self.dotted(key), place, value })
    }

    /// The value of `key`, or of the environment variable that overrides it.
    pub(super) fn get_or_env(&mut self, key: &'static str, variable: &'static str) -> Option<Item<'s>> {
        let item = self.get(key);
        let Some(text) = self.sink.environment.get(variable) else { return item };
        let (place, value) = (Place::Environment(variable), Value::Text(text));
        Some(Item { sink: self.sink, key: self.dotted(key), place, value })
    }

    /// The place of the key `key` itself.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.table?.iter().find(|(found, _)| found.get_ref() == key).map(|(found, _)| found.span())
    }

    pub(super) fn report(&self, message: String, expected: &str, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        let place = Place::File(self.span.clone());
        self.sink.report(Diagnostic { message, place, key: self.path.clone(), expected: expected.to_owned(), hint });
    }

    /// Reports a key that is known, but is not for the file as it stands.
    pub(super) fn refuse(&mut self, key: &'static str, message: &str, hint: &str) {
        self.refused.push(key);
        let Some(span) = self.key_span(key) else { return };
        let diagnostic = Diagnostic {
            message: message.to_owned(),
            place: Place::File(span),
            key: self.dotted(key),
            expected: String::new(),
            hint: Some(hint.to_owned()),
        };
        self.sink.report(diagnostic);
    }

    /// Reports all keys that were not asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, _) in table.iter() {
            if self.known.contains(&key.get_ref().as_ref()) || self.refused.contains(&key.get_ref().as_ref()) {
                continue;
            }
            let name = key.get_ref();
            let mut known = self.known.clone();
            known.sort_unstable();
            let place = if self.path.is_empty() { "here".to_owned() } else { format!("in `{}`", self.path) };
            self.sink.report(Diagnostic {
                message: format!("unknown key `{}` {place}", short(name)),
                place: Place::File(key.span()),
                key: self.dotted(&short(name)),
                expected: format!("one of {}", listed(&known)),
                hint: misplaced(name, &self.path)
                    .or_else(|| closest(name, &known).map(|known| format!("did you mean `{known}`?"))),
            });
        }
    }

    fn dotted(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'s> Item<'s> {
    /// Reports this value as wrong.
    pub(super) fn wrong(&self, message: &str, expected: &str) {
        self.wrong_with(message, expected, None);
    }

    pub(super) fn wrong_with(&self, message: &str, expected: &str, hint: Option<String>) {
        self.wrong_at(self.place.clone(), message, expected, hint);
    }

    /// Reports this value as wrong without showing it.
    pub(super) fn wrong_secret(&self, message: &str, expected: &str, hint: Option<String>) {
        let place = match &self.place {
            Place::File(range) => Place::Secret(range.clone()),
            Place::Secret(_) | Place::Environment(_) | Place::Whole => self.place.clone(),
        };
        self.wrong_at(place, message, expected, hint);
    }

    pub(super) fn wrong_at(&self, place: Place, message: &str, expected: &str, hint: Option<String>) {
        let (message, expected) = (message.to_owned(), expected.to_owned());
        self.sink.report(Diagnostic { message, place, key: self.key.clone(), expected, hint });
    }

    /// The value as it is shown in a message.
    pub(super) fn shown(&self) -> String {
        match self.value {
            Value::Text(text) => format!("\"{}\"", short(text)),
            Value::Toml(DeValue::String(text)) => format!("\"{}\"", short(text)),
            Value::Toml(value) => value.type_str().to_owned(),
        }
    }

    fn mistyped(&self, expected: &str) {
        let found = match self.value {
            Value::Text(_) => "text",
            Value::Toml(value) => value.type_str(),
        };
        self.wrong(&format!("`{}` is {} {found}", self.key, article(found)), expected);
    }

    pub(super) fn text(&self) -> Option<&'s str> {
        match self.value {
            Value::Text(text) => Some(text),
            Value::Toml(DeValue::String(text)) => Some(text),
            Value::Toml(_) => {
                self.mistyped("text in quotes");
                None
            }
        }
    }

    /// Whether it is this word. Nothing is reported where it is not.
    pub(super) fn is(&self, word: &str) -> bool {
        match self.value {
            Value::Text(text) => text == word,
            Value::Toml(DeValue::String(text)) => text == word,
            Value::Toml(_) => false,
        }
    }

    /// Text of 1 to `most` characters without control characters other than line breaks and tabs.
    pub(super) fn words(&self, most: usize) -> Option<String> {
        let text = self.text()?;
        let count = text.chars().count();
        let controls = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        let fault = match count {
            _ if text.trim().is_empty() => "is empty".to_owned(),
            _ if controls => "has control characters".to_owned(),
            _ if count > most => format!("has {count} characters"),
            _ => return Some(text.to_owned()),
        };
        self.wrong(&format!("`{}` {fault}", self.key), &format!("1 to {most} characters, no control characters"));
        None
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Toml(DeValue::Boolean(flag)) => Some(*flag),
            Value::Text("true") => Some(true),
            Value::Text("false") => Some(false),
            Value::Text(_) | Value::Toml(_) => {
                self.mistyped("true or false");
                None
            }
        }
    }

    pub(super) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self.value {
            Value::Toml(DeValue::Integer(number)) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            Value::Text(text) => text.parse().ok(),
            Value::Toml(_) => {
                self.mistyped(&expected);
                return None;
            }
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(&format!("`{}` is out of range", self.key), &expected);
        }
        number
    }

    /// A number with a fraction, such as `0.5`; nothing is reported where there is none.
    pub(super) fn number(&self) -> Option<f64> {
        match self.value {
            Value::Toml(DeValue::Float(number)) => number.as_str().parse().ok(),
            Value::Toml(_) | Value::Text(_) => None,
        }
    }

    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let (least, most) = (units::show(*range.start()), units::show(*range.end()));
        let expected = format!("a duration from {least} to {most}, such as \"{}\"", example(&range));
        if let Value::Toml(DeValue::Integer(_) | DeValue::Float(_)) = self.value {
            self.wrong_with(
                &format!("`{}` has no unit", self.key),
                &expected,
                Some("write it as text, with ms, s, m or h".to_owned()),
            );
            return None;
        }
        let text = self.text()?;
        let Some(duration) = units::duration(text) else {
            self.wrong(&format!("{} is not a duration", self.shown()), &expected);
            return None;
        };
        if !range.contains(&duration) {
            self.wrong(&format!("{} is out of range", self.shown()), &expected);
            return None;
        }
        Some(duration)
    }

    pub(super) fn size(&self, range: RangeInclusive<usize>) -> Option<usize> {
        let size = units::size(self.text()?).filter(|size| range.contains(size));
        if size.is_none() {
            let expected = format!("a size from {} to {} bytes, such as \"1MiB\"", range.start(), range.end());
            self.wrong(&format!("{} is not such a size", self.shown()), &expected);
        }
        size
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = closest(text, &names).map(|word| format!("did you mean \"{word}\"?"));
            let message = format!("{} is not a value of `{}`", self.shown(), self.key);
            self.wrong_with(&message, &format!("one of {}", listed(&names)), hint);
        }
        found
    }

    /// A list, or one value that stands for a list of one.
    pub(super) fn list(&self, expected: &str) -> Option<Vec<Item<'s>>> {
        let Value::Toml(DeValue::Array(values)) = self.value else {
            return match self.value {
                Value::Toml(DeValue::String(_)) | Value::Text(_) => Some(vec![self.clone()]),
                Value::Toml(_) => {
                    self.mistyped(expected);
                    None
                }
            };
        };
        if values.is_empty() {
            self.wrong(&format!("`{}` is an empty list", self.key), "at least one value, or no such key");
        }
        let item = |(n, value): (usize, &'s Spanned<DeValue<'s>>)| Item {
            sink: self.sink,
            key: format!("{}[{n}]", self.key),
            place: Place::File(value.span()),
            value: Value::Toml(value.get_ref()),
        };
        Some(values.iter().enumerate().map(item).collect())
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&self, example: &str) -> Vec<Section<'s>> {
        let Value::Toml(DeValue::Array(values)) = self.value else {
            self.mistyped(&format!("tables, each under its own `{example}`"));
            return Vec::new();
        };
        let item = |(n, value): (usize, &'s Spanned<DeValue<'s>>)| {
            let place = Place::File(value.span());
            let item =
                Item { sink: self.sink, key: format!("{}[{n}]", self.key), place, value: Value::Toml(value.get_ref()) };
            item.section()
        };
        values.iter().enumerate().filter_map(item).collect()
    }

    /// This value as a table, or as a list of tables; at least one.
    pub(super) fn sections(&self, expected: &str) -> Vec<Section<'s>> {
        match self.value {
            Value::Toml(DeValue::Array(values)) if values.is_empty() => {
                self.wrong(&format!("`{}` is an empty list", self.key), "at least one value, or no such key");
                Vec::new()
            }
            Value::Toml(DeValue::Array(_)) => self.tables(&self.key),
            Value::Toml(DeValue::Table(_)) => self.section().into_iter().collect(),
            Value::Toml(_) | Value::Text(_) => {
                self.mistyped(expected);
                Vec::new()
            }
        }
    }

    /// This value as a table.
    pub(super) fn section(&self) -> Option<Section<'s>> {
        let Value::Toml(DeValue::Table(table)) = self.value else {
            self.mistyped("a table");
            return None;
        };
        let span = match &self.place {
            Place::File(span) => span.clone(),
            Place::Secret(_) | Place::Environment(_) | Place::Whole => 0..0,
        };
        Some(Section {
            sink: self.sink,
            path: self.key.clone(),
            table: Some(table),
            span,
            known: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// The place of bytes `range` inside this text, when it stands in the file as it is: no escapes.
    pub(super) fn inside(&self, range: &Range<usize>) -> Place {
        let (Place::File(span), Some(text)) = (&self.place, self.literal()) else { return self.place.clone() };
        let Some(at) = self.sink.source[span.clone()].find(text) else { return self.place.clone() };
        let start = span.start + at;
        Place::File(start + range.start..start + range.end.max(range.start + 1).min(text.len().max(1)))
    }

    fn literal(&self) -> Option<&'s str> {
        match self.value {
            Value::Toml(DeValue::String(text)) => Some(text),
            Value::Toml(_) | Value::Text(_) => None,
        }
    }
}

/// A key of the top that was written below a section, as happens to a line added at the end of a file.
fn misplaced(name: &str, section: &str) -> Option<String> {
    let below = name == "preset" && !section.is_empty();
    below.then(|| "`preset` stands at the top of the file, above the first [section]".to_owned())
}

/// "`a`, `b` and `c`" without the and.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn example(range: &RangeInclusive<Duration>) -> String {
    let nice = ["10s", "750ms", "1m", "60s"];
    let fits = |text: &&str| units::duration(text).is_some_and(|duration| range.contains(&duration));
    nice.into_iter().find(fits).map_or_else(|| units::show(*range.start()), str::to_owned)
}
