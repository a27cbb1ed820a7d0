//! `when`: a condition written as an expression in CEL, the Common Expression Language.
//!
//! Read by the `cel` crate, checked against the fields below when the policy is loaded, and kept as a small tree of our own:
//! what is accepted is well typed, cannot fail while it runs, and takes time linear in the text. Nothing here calls anything.
//!
//! # What an expression can look at
//!
//! | field | type | missing when |
//! |---|---|---|
//! | `event.kind` | text: `step`, `thought`, … as in `events` | never |
//! | `event.text` | text: what the agent said, as it is | never; a part, when `event.truncated` |
//! | `event.plain` | text: the same folded, as phrases meet it (lower case, one space) | as `event.text` |
//! | `event.truncated` | bool: the event was too large and was cut | never |
//! | `event.url`, `event.title` | text: of the page the session is at | not told |
//! | `event.domain` | text: its host, lower case | not known |
//! | `event.amount` | number: the amount the action is about | no price seen, or it cannot be read |
//! | `event.currency` | text: its ISO code | no price seen, or not clear |
//! | `session.id` | text | never |
//! | `session.agent`, `session.goal` | text | the provider does not tell |
//!
//! What is missing makes a comparison undecided, and `&&`, `||`, `!` and `?:` carry that on unless the rest decides; the rule
//! then does as with any undecided condition. `has(event.domain)` is whether it is there. In a rule that reads no words, an
//! event without any price compares as false, as with `amount_over`.
//!
//! # What it can do
//!
//! `&& || ! == != < <= > >= in ?:`, `contains`, `startsWith`, `endsWith`, `matches` (with a literal expression, checked like
//! `regex`), `size`, `lowerAscii`, `has`. Nothing loops: `all`, `exists`, `map` and their like are refused.

mod kinds;
mod reading;
mod schema;
mod tree;

use std::ops::Range;

use super::condition::{Reading, Scene, Truth};
use super::rule::KindName;
use schema::Field;
use tree::Logic;

/// An expression that was checked.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    root: Logic,
    reads: Vec<Field>,
}

/// Why an expression was refused, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadExpression {
    /// What is wrong, in words, not escaped.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// The bytes of the source that are to blame, when that can be told.
    pub range: Option<Range<usize>>,
}

impl Expression {
    /// Reads and checks an expression of at most 4 096 bytes, 24 levels and 200 parts, 20 of which search a text.
    ///
    /// # Errors
    ///
    /// When it is larger, does not parse, names what is not there, mixes types, or does not look at the event or session.
    pub fn new(source: &str) -> Result<Self, BadExpression> {
        let (root, reads) = reading::read(source)?;
        Ok(Self { source: source.to_owned(), root, reads })
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it may hold, or be undecided, on an event of this kind.
    pub(super) fn may_hold_on(&self, kind: KindName) -> bool {
        kinds::may_hold(&self.root, kind)
    }

    /// Whether it looks at what the event says.
    pub(super) fn reads_words(&self) -> bool {
        self.reads.iter().any(|field| matches!(field, Field::Text | Field::Plain))
    }

    /// Whether it looks at amounts.
    pub(super) fn reads_amounts(&self) -> bool {
        self.reads.iter().any(|field| matches!(field, Field::Amount | Field::Currency))
    }

    /// What the fields that it looks at are on an event, for people. Untrusted words are in it.
    pub(super) fn told(&self, scene: &Scene<'_>, reading: Reading) -> String {
        let mut fields = self.reads.clone();
        fields.sort_unstable();
        fields.dedup();
        fields.iter().map(|field| field.told(scene, reading)).collect::<Vec<_>>().join(", ")
    }

    /// Whether it holds on an event.
    pub(super) fn truth(&self, scene: &Scene<'_>, reading: Reading) -> Truth {
        self.root.truth(scene, reading)
    }
}

impl PartialEq for Expression {
    /// The source says it all.
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;
