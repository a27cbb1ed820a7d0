//! The fields that an expression can look at, and what their values are on an event.

use std::borrow::Cow;

use super::super::condition::{Reading, Scene};
use super::super::money::Number;
use super::super::verdict::{NO_ADDRESS, NO_TITLE, NOWHERE};

/// A field of the event or of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Kind,
    Text,
    Plain,
    Truncated,
    Url,
    Title,
    Domain,
    Amount,
    Currency,
    Id,
    Agent,
    Goal,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Text,
    Number,
}

/// A value on one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<T> {
    Known(T),
    /// It is certain that there is none: it equals nothing and is neither more nor less.
    Absent,
    /// It is not known, and why.
    Unknown(&'static str),
}

/// A text, and whether its end is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words<'s> {
    pub(super) text: Cow<'s, str>,
    pub(super) cut: bool,
}

/// Their owners and names.
pub(super) const FIELDS: [(&str, &str, Field); 12] = [
    ("event", "kind", Field::Kind),
    ("event", "text", Field::Text),
    ("event", "plain", Field::Plain),
    ("event", "truncated", Field::Truncated),
    ("event", "url", Field::Url),
    ("event", "title", Field::Title),
    ("event", "domain", Field::Domain),
    ("event", "amount", Field::Amount),
    ("event", "currency", Field::Currency),
    ("session", "id", Field::Id),
    ("session", "agent", Field::Agent),
    ("session", "goal", Field::Goal),
];

impl Field {
    /// Its type.
    pub(super) fn of(self) -> Type {
        match self {
            Self::Truncated => Type::Bool,
            Self::Amount => Type::Number,
            Self::Kind
            | Self::Text
            | Self::Plain
            | Self::Url
            | Self::Title
            | Self::Domain
            | Self::Currency
            | Self::Id
            | Self::Agent
            | Self::Goal => Type::Text,
        }
    }

    /// Its words; of a field that is no text, nothing is known.
    pub(super) fn words<'s>(self, scene: &'s Scene<'_>, reading: Reading) -> Value<Words<'s>> {
        let whole = |text: &'s str| Value::Known(Words { text: Cow::Borrowed(text), cut: false });
        let told = |text: Option<&'s str>, why| text.map_or(Value::Unknown(why), whole);
        let said = |text: &'s str| Value::Known(Words { text: Cow::Borrowed(text), cut: scene.event.truncated });
        match self {
            Self::Kind => whole(scene.kind.name()),
            Self::Text => said(scene.facts.raw),
            Self::Plain => said(scene.facts.folded.as_str()),
            Self::Url => told(scene.url, NO_ADDRESS),
            Self::Title => told(scene.title, NO_TITLE),
            Self::Domain => told(scene.address.map(|address| address.host()), NOWHERE),
            Self::Id => whole(scene.session.id.as_str()),
            Self::Agent => told(scene.session.agent.as_deref(), "the provider does not tell the agent's name"),
            Self::Goal => told(scene.session.goal.as_deref(), "the provider does not tell the session's goal"),
            Self::Currency => match scene.price(reading) {
                None => no_price(scene, reading),
                Some(price) => match &price.currency {
                    Some(currency) => whole(currency.code()),
                    None => Value::Unknown("the currency of the price is not clear"),
                },
            },
            Self::Truncated | Self::Amount => Value::Unknown("this is no text"),
        }
    }

    /// Whether it is there.
    pub(super) fn is_there(self, scene: &Scene<'_>, reading: Reading) -> Value<bool> {
        match self {
            Self::Amount | Self::Currency => match scene.price(reading) {
                None if scene.event.truncated => Value::Unknown("no price was seen"),
                None => Value::Known(false),
                Some(price) if self == Self::Amount => Value::Known(price.number.is_some()),
                Some(price) => Value::Known(price.currency.is_some()),
            },
            Self::Kind
            | Self::Text
            | Self::Plain
            | Self::Truncated
            | Self::Url
            | Self::Title
            | Self::Domain
            | Self::Id
            | Self::Agent
            | Self::Goal => {
                Value::Known(self == Self::Truncated || matches!(self.words(scene, reading), Value::Known(_)))
            }
        }
    }
}

impl Field {
    /// Its name and its value on an event, for people: `event.title "Checkout"`, `event.amount not known`.
    pub(super) fn told(self, scene: &Scene<'_>, reading: Reading) -> String {
        let name = FIELDS.iter().find(|(_, _, field)| *field == self).map(|(owner, name, _)| format!("{owner}.{name}"));
        let value = match self.of() {
            Type::Bool => scene.event.truncated.to_string(),
            Type::Number => match amount(scene, reading) {
                Value::Known(number) => number.display(2),
                Value::Absent => "there is none".to_owned(),
                Value::Unknown(why) => format!("({why})"),
            },
            Type::Text => match self.words(scene, reading) {
                Value::Known(words) => format!("\"{}\"", words.text.chars().take(SHOWN).collect::<String>()),
                Value::Absent => "there is none".to_owned(),
                Value::Unknown(why) => format!("({why})"),
            },
        };
        format!("{} {value}", name.unwrap_or_default())
    }
}

/// So many characters of a text are told.
const SHOWN: usize = 60;

/// The amount the event is about.
pub(super) fn amount(scene: &Scene<'_>, reading: Reading) -> Value<Number> {
    match scene.price(reading) {
        None => no_price(scene, reading),
        Some(price) => price.number.map_or(Value::Unknown("the price cannot be read"), Value::Known),
    }
}

fn no_price<T>(scene: &Scene<'_>, reading: Reading) -> Value<T> {
    let expected = reading.looks_back || scene.event.truncated;
    if expected { Value::Unknown("no price was seen") } else { Value::Absent }
}
