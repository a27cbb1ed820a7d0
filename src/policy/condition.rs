//! One condition on one event: whether it holds, and on which words.

use super::compile::Test;
use super::context::Relevant;
use super::detect::{Detector, Facts};
use super::evaluate::SessionInfo;
use super::glob::Glob;
use super::matcher::{Hits, Matcher};
use super::money::{Money, Price};
use super::rule::KindName;
use crate::api::Event;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    False,
    /// Cannot be told, and why.
    Undecided(&'static str),
    True,
}

/// The conditions besides `events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Text,
    Regex,
    Detect,
    Domains,
    Agents,
    Sessions,
    AmountOver,
    AmountUnder,
}

/// One event with everything conditions look at.
pub(super) struct Scene<'a> {
    pub(super) session: &'a SessionInfo,
    pub(super) event: &'a Event,
    pub(super) kind: KindName,
    pub(super) facts: Facts<'a>,
    pub(super) matcher: &'a Matcher,
    pub(super) hits: Hits,
    pub(super) domain: Option<&'a str>,
    /// The amount the event is about, earlier events included; `None` also when no rule looks at amounts.
    pub(super) amount: Option<Relevant>,
    /// The same, of the event alone.
    pub(super) own_amount: Option<Relevant>,
}

/// How a test is read: in which part of a rule it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether the amount may stand in an earlier event.
    pub(super) looks_back: bool,
    /// Whether it excepts, so that doubt counts against it.
    pub(super) excepts: bool,
}

impl Condition {
    /// All of them, in the order in which they are looked at and told.
    pub(super) const ALL: [Self; 8] = [
        Self::Text,
        Self::Regex,
        Self::Detect,
        Self::Domains,
        Self::Agents,
        Self::Sessions,
        Self::AmountOver,
        Self::AmountUnder,
    ];

    /// Whether it holds; `None` when the test does not have it.
    pub(super) fn truth(self, test: &Test, scene: &Scene<'_>, reading: Reading) -> Option<Truth> {
        let conditions = &test.conditions;
        match self {
            Self::Text => set(&test.phrases).map(|all| scene.seen(all.iter().any(|n| scene.hits.phrase(*n)))),
            Self::Regex => set(&test.regexes).map(|all| scene.seen(all.iter().any(|n| scene.hits.regex(*n)))),
            Self::Detect => {
                let any = || conditions.detect.iter().any(|detector| scene.hits.detected(*detector).is_some());
                (!conditions.detect.is_empty()).then(|| scene.seen(any()))
            }
            Self::Domains => set(&conditions.domains).map(|all| match scene.domain {
                None => Truth::Undecided("it is not known where the session is"),
                Some(host) => Truth::from(all.iter().any(|domain| domain.matches(host))),
            }),
            Self::Agents => set(&conditions.agents).map(|all| match &scene.session.agent {
                None => Truth::Undecided("the provider does not tell the agent's name"),
                Some(name) => any(all, name),
            }),
            Self::Sessions => set(&conditions.sessions).map(|all| any(all, scene.session.id.as_str())),
            Self::AmountOver => set(&conditions.amount_over).map(|all| scene.compare(all, true, reading)),
            Self::AmountUnder => set(&conditions.amount_under).map(|all| scene.compare(all, false, reading)),
        }
    }

    /// Its name on a card.
    pub(super) fn name(self, test: &Test, scene: &Scene<'_>) -> String {
        let detector = || {
            let all = &test.conditions.detect;
            let found = all.iter().find(|detector| scene.hits.detected(**detector).is_some());
            found.or(all.first()).map_or("", |detector| Detector::name(*detector))
        };
        match self {
            Self::Text => "text".to_owned(),
            Self::Regex => "regex".to_owned(),
            Self::Detect => format!("detect {}", detector()),
            Self::Domains => "domains".to_owned(),
            Self::Agents => "agents".to_owned(),
            Self::Sessions => "sessions".to_owned(),
            Self::AmountOver => "amount_over".to_owned(),
            Self::AmountUnder => "amount_under".to_owned(),
        }
    }

    /// The words it holds on.
    pub(super) fn words(self, test: &Test, scene: &Scene<'_>, reading: Reading) -> String {
        let words = match self {
            Self::Text => test.phrases.iter().find_map(|n| scene.matcher.phrase_words(&scene.hits, &scene.facts, *n)),
            Self::Regex => test.regexes.iter().find_map(|n| scene.matcher.regex_words(&scene.hits, &scene.facts, *n)),
            Self::Detect => {
                let found = test.conditions.detect.iter().find_map(|detector| scene.hits.detected(*detector));
                found.map(str::to_owned)
            }
            Self::Domains => scene.domain.map(str::to_owned),
            Self::Agents => scene.session.agent.clone(),
            Self::Sessions => Some(scene.session.id.as_str().to_owned()),
            Self::AmountOver | Self::AmountUnder => scene.price(reading).map(|price| price.words.clone()),
        };
        words.unwrap_or_default()
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Scene<'_> {
    /// A condition on words: found, not found, or not found in what was seen of a cut event.
    fn seen(&self, found: bool) -> Truth {
        if !found && self.event.truncated {
            return Truth::Undecided("the event was cut, so not all of it was seen");
        }
        Truth::from(found)
    }

    fn price(&self, reading: Reading) -> Option<&Price> {
        let amount = if reading.looks_back { &self.amount } else { &self.own_amount };
        amount.as_ref().map(|amount| &amount.price)
    }

    /// Whether the price is over, or under, the limit of its currency. What cannot be read is over any limit, but excepts
    /// nothing.
    fn compare(&self, limits: &[Money], over: bool, reading: Reading) -> Truth {
        let Some(price) = self.price(reading) else {
            let expected = reading.looks_back || self.event.truncated;
            return if expected { Truth::Undecided("no price was seen") } else { Truth::False };
        };
        let Some(number) = price.number else {
            return if reading.excepts { Truth::Undecided("the price cannot be read") } else { Truth::from(over) };
        };
        let Some(currency) = price.currency else { return Truth::Undecided("the currency of the price is not clear") };
        let Some(limit) = limits.iter().find(|limit| limit.currency == currency) else {
            return Truth::Undecided("the price is in another currency than the limit");
        };
        Truth::from(if over { number > limit.number } else { number < limit.number })
    }
}

fn set<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn any(globs: &[Glob], name: &str) -> Truth {
    Truth::from(globs.iter().any(|glob| glob.matches(name)))
}
