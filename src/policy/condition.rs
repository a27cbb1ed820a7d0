//! One condition on one event: whether it holds, and on which words.

use std::ops::Not;

use super::address::{Address, AddressPattern};
use super::compile::Test;
use super::context::{Relevant, largest};
use super::detect::{Detector, Facts};
use super::evaluate::SessionInfo;
use super::glob::Glob;
use super::matcher::{Hits, Matcher};
use super::money::{Money, Price};
use super::rule::KindName;
use super::verdict::NOWHERE;
use crate::api::Event;
use crate::clock::Moment;

const AMBIGUOUS: &str = "the address has escapes that servers read differently";

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    False,
    /// Cannot be told, and why.
    Undecided(&'static str),
    True,
}

/// The conditions besides `events` and `count`, which looks at all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Text,
    Regex,
    Detect,
    Domains,
    Url,
    Agents,
    Sessions,
    Time,
    AmountOver,
    AmountUnder,
    Expression,
}

/// One event with everything conditions look at.
pub(super) struct Scene<'a> {
    pub(super) session: &'a SessionInfo,
    pub(super) event: &'a Event,
    pub(super) kind: KindName,
    pub(super) facts: Facts<'a>,
    pub(super) matcher: &'a Matcher,
    pub(super) hits: Hits,
    pub(super) now: Moment,
    pub(super) address: Option<&'a Address>,
    pub(super) url: Option<&'a str>,
    pub(super) title: Option<&'a str>,
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
    pub(super) const ALL: [Self; 11] = [
        Self::Text,
        Self::Regex,
        Self::Detect,
        Self::Domains,
        Self::Url,
        Self::Agents,
        Self::Sessions,
        Self::Time,
        Self::AmountOver,
        Self::AmountUnder,
        Self::Expression,
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
            Self::Domains => set(&conditions.domains).map(|all| match scene.address {
                None => Truth::Undecided(NOWHERE),
                Some(address) => Truth::from(all.iter().any(|domain| domain.matches(address.host()))),
            }),
            Self::Url => set(&conditions.url).map(|all| match scene.address {
                None => Truth::Undecided(NOWHERE),
                // A guard holds on what it may be; an exception needs to be sure.
                Some(address) if reading.excepts && address.is_ambiguous() => Truth::Undecided(AMBIGUOUS),
                Some(address) => at_any(all, address),
            }),
            Self::Agents => set(&conditions.agents).map(|all| match &scene.session.agent {
                None => Truth::Undecided("the provider does not tell the agent's name"),
                Some(name) => any(all, name),
            }),
            Self::Sessions => set(&conditions.sessions).map(|all| any(all, scene.session.id.as_str())),
            Self::Time => {
                set(&conditions.time).map(|all| Truth::from(all.iter().any(|window| window.contains(scene.now.wall))))
            }
            Self::AmountOver => set(&conditions.amount_over).map(|all| scene.compare(all, true, reading)),
            Self::AmountUnder => set(&conditions.amount_under).map(|all| scene.compare(all, false, reading)),
            Self::Expression => conditions.expression.as_ref().map(|expression| expression.truth(scene, reading)),
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
            Self::Url => "url".to_owned(),
            Self::Agents => "agents".to_owned(),
            Self::Sessions => "sessions".to_owned(),
            Self::Time => "time".to_owned(),
            Self::AmountOver => "amount_over".to_owned(),
            Self::AmountUnder => "amount_under".to_owned(),
            Self::Expression => "when".to_owned(),
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
            Self::Domains => scene.address.map(|address| address.host().to_owned()),
            Self::Url => scene.url.map(str::to_owned),
            Self::Agents => scene.session.agent.clone(),
            Self::Sessions => Some(scene.session.id.as_str().to_owned()),
            Self::Time => {
                let inside = test.conditions.time.iter().find(|window| window.contains(scene.now.wall));
                inside.map(|window| window.shown(scene.now.wall))
            }
            Self::AmountOver => scene.compared(&test.conditions.amount_over, true, reading),
            Self::AmountUnder => scene.compared(&test.conditions.amount_under, false, reading),
            Self::Expression => test.conditions.expression.as_ref().map(|expression| expression.told(scene, reading)),
        };
        words.unwrap_or_default()
    }
}

impl Truth {
    /// Both: false if either is, else undecided if either is.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (_, Self::Undecided(why)) | (Self::Undecided(why), _) => Self::Undecided(why),
            (Self::True, Self::True) => Self::True,
        }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Undecided(why) => Self::Undecided(why),
            Self::True => Self::False,
        }
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

    /// The largest amount that a test compares.
    pub(super) fn price(&self, reading: Reading) -> Option<&Price> {
        largest(self.prices(reading).iter())
    }

    /// The amounts that a test compares, the largest of each currency.
    fn prices(&self, reading: Reading) -> &[Price] {
        let amount = if reading.looks_back { &self.amount } else { &self.own_amount };
        amount.as_ref().map_or(&[], |amount| amount.prices(reading.excepts))
    }

    /// Whether any price is over, or all are under, the limit of their currency. What cannot be read is over any limit, but
    /// excepts nothing.
    fn compare(&self, limits: &[Money], over: bool, reading: Reading) -> Truth {
        let truths = self.prices(reading).iter().map(|price| compare(price, limits, over, reading.excepts));
        let all =
            if over { truths.map(Truth::not).reduce(Truth::and).map(Truth::not) } else { truths.reduce(Truth::and) };
        let expected = reading.looks_back || self.event.truncated;
        all.unwrap_or(if expected { Truth::Undecided("no price was seen") } else { Truth::False })
    }

    /// The words of the price that decides a comparison.
    fn compared(&self, limits: &[Money], over: bool, reading: Reading) -> Option<String> {
        let holds = |price: &&Price| compare(price, limits, over, reading.excepts) == Truth::True;
        largest(self.prices(reading).iter().filter(holds))
            .or_else(|| self.price(reading))
            .map(|price| price.words.clone())
    }
}

/// Whether one price is over, or under, the limit of its currency.
fn compare(price: &Price, limits: &[Money], over: bool, excepts: bool) -> Truth {
    let Some(number) = price.number else {
        return if excepts { Truth::Undecided("the price cannot be read") } else { Truth::from(over) };
    };
    let Some(currency) = price.currency else { return Truth::Undecided("the currency of the price is not clear") };
    let Some(limit) = limits.iter().find(|limit| limit.currency == currency) else {
        return Truth::Undecided("the price is in another currency than the limit");
    };
    Truth::from(if over { number > limit.number } else { number < limit.number })
}

fn at_any(patterns: &[AddressPattern], address: &Address) -> Truth {
    let fits: Vec<Option<bool>> = patterns.iter().map(|pattern| pattern.matches(address)).collect();
    match (fits.contains(&Some(true)), fits.contains(&None)) {
        (true, _) => Truth::True,
        (false, true) => Truth::Undecided("the address is too long to be compared whole"),
        (false, false) => Truth::False,
    }
}

fn set<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn any(globs: &[Glob], name: &str) -> Truth {
    Truth::from(globs.iter().any(|glob| glob.matches(name)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::rule::Phrase;
    use super::super::{Conditions, Consent, Context, Effect, Policy, Risk, RuleSpec, RuleTerms};
    use super::*;
    use crate::api::{EventKind, SessionId};

    fn rule(name: &str, effect: Effect, when: Conditions, unless: Option<Conditions>) -> RuleSpec {
        let terms = RuleTerms {
            name: name.to_owned(),
            place: "config.toml:1".to_owned(),
            effect,
            risk: Risk::Medium,
            confirm: None,
            cooldown: None,
            max_repeats: 3,
            instruct: None,
            answer: None,
            refusal: None,
            on_deny: None,
            timeout: None,
            consent: Consent::default(),
        };
        RuleSpec { terms: Arc::new(terms), when, unless, tests: Vec::new() }
    }

    /// What comes of the last event where buying is denied over 500 USD and asked about unless under 50 USD.
    fn effect(events: &[&str]) -> Effect {
        let limit = |text: &str| vec![Money::parse(text).unwrap()];
        let buying = Conditions { text: vec![Phrase::new("buying").unwrap()], ..Conditions::default() };
        let over = Conditions { amount_over: limit("500 USD"), ..buying.clone() };
        let under = Conditions { amount_under: limit("50 USD"), ..Conditions::default() };
        let rules = vec![rule("dear", Effect::Deny, over, None), rule("all", Effect::Ask, buying, Some(under))];
        let policy = Policy::compile(rules).unwrap();
        let session = SessionInfo { id: SessionId::try_from("s-1").unwrap(), agent: None, goal: None };
        let mut context = Context::default();
        let now = Moment { mono: Duration::from_secs(1_000), wall: jiff::Timestamp::constant(1_767_268_800, 0) };
        let mut last = Effect::Allow;
        for text in events {
            let (kind, text) = (EventKind::Thought, (*text).to_owned());
            let event = Event { id: None, kind, text, at: None, url: None, title: None, truncated: false };
            last = policy.evaluate(&session, &mut context, &event, now).effect;
        }
        last
    }

    #[test]
    fn every_currency_is_held_to_its_own_limit_and_the_largest_price_counts() {
        for (text, expected) in [
            ("buying it for $600 or 1000 JPY", Effect::Deny),
            ("buying it for $40 or 1000 JPY", Effect::Ask),
            ("buying with PayPal $10 off, price $4,000", Effect::Deny),
            ("buying it: pay $10 now and $4,000 later", Effect::Deny),
            ("buying ten lamps, $1 2 9 9", Effect::Deny),
            ("buying 10 laptops ($400 each)", Effect::Deny),
            ("buying it, total $10", Effect::Allow),
            ("buying it, total $100", Effect::Ask),
        ] {
            assert_eq!(effect(&[text]), expected, "{text:?}");
        }
        assert_eq!(effect(&["total $4,000", "buying, total $10 shipping"]), Effect::Deny);
    }

    #[test]
    fn an_exception_does_not_rest_on_a_price_of_something_else() {
        for events in [
            vec!["shipping is $5", "buying"],
            vec!["A pen costs $2", "buying the laptop"],
            vec!["total $10 for the pen", "adding the laptop", "buying"],
        ] {
            assert_eq!(effect(&events), Effect::Ask, "{events:?}");
        }
        assert_eq!(effect(&["order total $10", "buying"]), Effect::Allow);
    }
}
