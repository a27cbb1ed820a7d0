//! A checked expression as a tree, and whether it holds: three-valued, without any way to fail.

use std::borrow::Cow;
use std::ops::Not;

use regex::Regex;

use super::super::condition::{Reading, Scene, Truth};
use super::super::money::Number;
use super::schema::{Field, Value, Words, amount};

/// Something true or false.
#[derive(Clone, Debug)]
pub(super) enum Logic {
    Constant(bool),
    /// `event.truncated`
    Truncated,
    Has(Field),
    Not(Box<Logic>),
    All(Vec<Logic>),
    Any(Vec<Logic>),
    /// Condition, then, else.
    If(Box<[Logic; 3]>),
    Same(Box<[Logic; 2]>),
    Text(Text, TextTest),
    Number(Amount, Order, Amount),
    OneOf(Amount, Vec<Amount>),
}

/// A text.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Literal(String),
    Field(Field),
    Lower(Box<Text>),
}

/// What a text is asked.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Equals(Text),
    Contains(Text),
    StartsWith(Text),
    EndsWith(Text),
    OneOf(Vec<Text>),
    Matches(Box<Regex>),
}

/// A number.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    Literal(Number),
    /// `event.amount`
    Event,
    /// Characters of a text.
    Size(Text),
}

/// A comparison of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

const CUT: &str = "the event was cut, so not all of it was seen";

impl Logic {
    /// Whether it holds.
    pub(super) fn truth(&self, scene: &Scene<'_>, reading: Reading) -> Truth {
        let of = |logic: &Self| logic.truth(scene, reading);
        match self {
            Self::Constant(value) => Truth::from(*value),
            Self::Truncated => Truth::from(scene.event.truncated),
            Self::Has(field) => known(field.is_there(scene, reading), |there| Truth::from(*there)),
            Self::Not(inner) => of(inner).not(),
            Self::All(parts) => all(parts.iter().map(of)),
            Self::Any(parts) => all(parts.iter().map(|part| of(part).not())).not(),
            Self::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                match of(condition) {
                    Truth::True => of(then),
                    Truth::False => of(otherwise),
                    Truth::Undecided(why) => {
                        let (one, other) = (of(then), of(otherwise));
                        if one == other { one } else { Truth::Undecided(why) }
                    }
                }
            }
            Self::Same(parts) => {
                let [one, other] = parts.as_ref();
                match (of(one), of(other)) {
                    (Truth::Undecided(why), _) | (_, Truth::Undecided(why)) => Truth::Undecided(why),
                    (one, other) => Truth::from(one == other),
                }
            }
            Self::Text(text, test) => known(text.value(scene, reading), |words| test.truth(words, scene, reading)),
            Self::Number(one, order, other) => compare(one, *order, other, scene, reading),
            Self::OneOf(one, list) => {
                all(list.iter().map(|other| compare(one, Order::Equal, other, scene, reading).not())).not()
            }
        }
    }
}

impl TextTest {
    fn truth(&self, words: &Words<'_>, scene: &Scene<'_>, reading: Reading) -> Truth {
        let with = |other: &Text, holds: &dyn Fn(&Words<'_>) -> Truth| known(other.value(scene, reading), holds);
        match self {
            Self::Equals(other) => with(other, &|other| words.equals(other)),
            Self::Contains(other) => with(other, &|other| words.unless_cut(other, words.text.contains(&*other.text))),
            Self::StartsWith(other) => with(other, &|other| words.starts_with(other)),
            Self::EndsWith(other) => with(other, &|other| match words.cut || other.cut {
                true => Truth::Undecided(CUT),
                false => Truth::from(words.text.ends_with(&*other.text)),
            }),
            Self::OneOf(list) => all(list.iter().map(|other| with(other, &|other| words.equals(other)).not())).not(),
            Self::Matches(_) if words.cut => Truth::Undecided(CUT),
            Self::Matches(regex) => Truth::from(regex.is_match(&words.text)),
        }
    }
}

impl Words<'_> {
    fn equals(&self, other: &Words<'_>) -> Truth {
        if self.cut || other.cut { Truth::Undecided(CUT) } else { Truth::from(self.text == other.text) }
    }

    /// What was found is there, whatever was cut off behind it; what was sought in full and not found may be there.
    fn unless_cut(&self, other: &Words<'_>, found: bool) -> Truth {
        if other.cut || (self.cut && !found) { Truth::Undecided(CUT) } else { Truth::from(found) }
    }

    fn starts_with(&self, other: &Words<'_>) -> Truth {
        let decided = self.text.len() >= other.text.len() && !other.cut;
        let found = self.text.starts_with(&*other.text);
        if decided { Truth::from(found) } else { self.unless_cut(other, found) }
    }
}

impl Text {
    fn value<'s>(&'s self, scene: &'s Scene<'_>, reading: Reading) -> Value<Words<'s>> {
        match self {
            Self::Literal(text) => Value::Known(Words { text: Cow::Borrowed(text), cut: false }),
            Self::Field(field) => field.words(scene, reading),
            Self::Lower(inner) => match inner.value(scene, reading) {
                Value::Known(words) => {
                    Value::Known(Words { text: Cow::Owned(words.text.to_ascii_lowercase()), cut: words.cut })
                }
                other @ (Value::Absent | Value::Unknown(_)) => other,
            },
        }
    }
}

impl Amount {
    fn value(&self, scene: &Scene<'_>, reading: Reading) -> Value<Number> {
        match self {
            Self::Literal(number) => Value::Known(*number),
            Self::Event => amount(scene, reading),
            Self::Size(text) => match text.value(scene, reading) {
                Value::Known(words) if words.cut => Value::Unknown(CUT),
                Value::Known(words) => Value::Known(Number::new(words.text.chars().count() as u64, 0)),
                Value::Absent => Value::Absent,
                Value::Unknown(why) => Value::Unknown(why),
            },
        }
    }
}

fn compare(one: &Amount, order: Order, other: &Amount, scene: &Scene<'_>, reading: Reading) -> Truth {
    known(one.value(scene, reading), |one| {
        known(other.value(scene, reading), |other| {
            Truth::from(match order {
                Order::Equal => one == other,
                Order::Less => one < other,
                Order::LessOrEqual => one <= other,
                Order::More => one > other,
                Order::MoreOrEqual => one >= other,
            })
        })
    })
}

fn known<T>(value: Value<T>, holds: impl FnOnce(&T) -> Truth) -> Truth {
    match value {
        Value::Known(value) => holds(&value),
        Value::Absent => Truth::False,
        Value::Unknown(why) => Truth::Undecided(why),
    }
}

/// False if any is, else undecided if any is; stops at the first that is false.
fn all(parts: impl Iterator<Item = Truth>) -> Truth {
    let mut together = Truth::True;
    for part in parts {
        together = together.and(part);
        if together == Truth::False {
            return Truth::False;
        }
    }
    together
}
