//! On which kinds of events an expression may hold at all, told by looking at it alone.

use super::super::rule::KindName;
use super::schema::Field;
use super::tree::{Logic, Text, TextTest};

/// What an expression may come to on some event of one kind; both, where looking does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct May {
    hold: bool,
    fail: bool,
}

const EITHER: May = May { hold: true, fail: true };

/// Whether the expression may hold, or be undecided, on an event of this kind.
pub(super) fn may_hold(logic: &Logic, kind: KindName) -> bool {
    may(logic, kind).hold
}

fn may(logic: &Logic, kind: KindName) -> May {
    let of = |logic: &Logic| may(logic, kind);
    match logic {
        Logic::Constant(value) => May::only(*value),
        Logic::Not(inner) => of(inner).not(),
        Logic::All(parts) => all(parts.iter().map(of)),
        Logic::Any(parts) => all(parts.iter().map(|part| of(part).not())).not(),
        Logic::If(parts) => {
            let [condition, then, otherwise] = parts.as_ref();
            let (condition, then, otherwise) = (of(condition), of(then), of(otherwise));
            let either = |of: fn(May) -> bool| condition.hold && of(then) || condition.fail && of(otherwise);
            May { hold: either(|may| may.hold), fail: either(|may| may.fail) }
        }
        Logic::Text(text, test) => {
            words(text, kind).and_then(|words| asked(&words, test, kind)).map_or(EITHER, May::only)
        }
        Logic::Truncated | Logic::Has(_) | Logic::Same(_) | Logic::Number(..) | Logic::OneOf(..) => EITHER,
    }
}

impl May {
    fn only(value: bool) -> Self {
        Self { hold: value, fail: !value }
    }

    fn not(self) -> Self {
        Self { hold: self.fail, fail: self.hold }
    }
}

fn all(parts: impl Iterator<Item = May>) -> May {
    parts.fold(May::only(true), |all, part| May { hold: all.hold && part.hold, fail: all.fail || part.fail })
}

/// A text that is the same on all events of this kind.
fn words(text: &Text, kind: KindName) -> Option<String> {
    match text {
        Text::Literal(text) => Some(text.clone()),
        Text::Field(field) => (*field == Field::Kind).then(|| kind.name().to_owned()),
        Text::Lower(inner) => words(inner, kind).map(|text| text.to_ascii_lowercase()),
    }
}

fn asked(text: &str, test: &TextTest, kind: KindName) -> Option<bool> {
    let other = |other: &Text| words(other, kind);
    match test {
        TextTest::Equals(one) => other(one).map(|one| text == one),
        TextTest::Contains(one) => other(one).map(|one| text.contains(&one)),
        TextTest::StartsWith(one) => other(one).map(|one| text.starts_with(&one)),
        TextTest::EndsWith(one) => other(one).map(|one| text.ends_with(&one)),
        TextTest::OneOf(list) => {
            let list: Option<Vec<String>> = list.iter().map(other).collect();
            list.map(|list| list.iter().any(|one| text == one))
        }
        TextTest::Matches(regex) => Some(regex.is_match(text)),
    }
}
