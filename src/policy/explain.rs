//! Why a policy says what it says about an event: every rule, every condition, and the words it holds on.
//!
//! Pure, and only for people: the verdict is the one [`Policy::evaluate`] gives, never one of its own.

use std::sync::Arc;

use super::compile::{Compiled, Policy, Test};
use super::condition::{Condition, Reading, Scene, Truth};
use super::context::Context;
use super::detect::Facts;
use super::evaluate::{Ahead, Judged, SessionInfo};
use super::money::read;
use super::rate::Counts;
use super::rule::{Conditions, KindName};
use super::text::Folded;
use super::verdict::{Effect, RuleTerms, Verdict};
use super::window::Window;
use crate::api::Event;
use crate::clock::Moment;

/// The longest words of a condition, in characters.
const WORDS: usize = 200;

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the policy says.
    pub verdict: Verdict,
    /// Every rule, in the order of the file.
    pub rules: Vec<RuleSaid>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSaid {
    /// The rule.
    pub rule: Arc<RuleTerms>,
    /// Whether it fires.
    pub said: Said,
    /// Its conditions.
    pub when: Vec<Held>,
    /// The conditions of its exception; empty when it has none.
    pub unless: Vec<Held>,
}

/// Whether a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It does, with this effect.
    Fires(Effect),
    /// Its conditions hold, but so does its exception.
    Excepted,
    /// Some of its conditions hold, but not all.
    Nearly,
    /// None of its conditions holds, or it does not look at events of this kind.
    Quiet,
}

/// One condition and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its name in rules, as `detect purchase`.
    pub condition: String,
    /// What it asks for, as written in the rule.
    pub wanted: String,
    /// Whether it holds; `None` when that cannot be decided.
    pub holds: Option<bool>,
    /// Why it cannot be decided; empty otherwise.
    pub why: String,
    /// The words of the event it holds on, or what was found instead (the domain, the price); untrusted, may be empty.
    pub words: String,
}

impl Policy {
    /// The verdict on one event that arrived at `now`, with the reasons; the event is added to the session's context as
    /// [`Policy::evaluate`] does.
    #[must_use]
    pub fn explain(&self, session: &SessionInfo, context: &mut Context, event: &Event, now: Moment) -> Explanation {
        let mut before = context.clone();
        let verdict = self.evaluate(session, context, event, now);
        before.hear(event);
        let counts = before.take_counts();
        let (prices, folded) = (read(&event.text), Folded::new(&event.text));
        let facts = Facts::new(&event.kind, &event.text, &folded).of_session(before.sites());
        let hits = self.matcher.search(&facts, &mut |_| ());
        let scene = self.scene(Judged { session, event, prices: &prices, now }, &before, (facts, hits));
        let rules = self.rules.iter().map(|rule| rule.explain(&scene, &counts)).collect();
        Explanation { verdict, rules }
    }
}

impl Compiled {
    fn explain(&self, scene: &Scene<'_>, counts: &Counts) -> RuleSaid {
        let reading = Reading { looks_back: self.looks_back, excepts: false };
        let kinds = &self.when.conditions.events;
        let takes = self.when.takes(scene.kind);
        let others = self.when.truth(scene, reading);
        let count = self.count(&self.when, false, others, scene, &mut counts.clone());
        let fires = count.map_or(others, |count| others.and(count));
        let mut when = vec![kind(kinds.iter().copied(), takes, scene.kind)];
        when.extend(self.when.held(scene, reading));
        when.extend(rate(&self.when, count));
        let unless = self.unless.as_ref().map_or_else(Vec::new, |test| {
            let kinds = &test.conditions.events;
            let own = (!kinds.is_empty()).then(|| kind(kinds.iter().copied(), kinds.contains(&scene.kind), scene.kind));
            let reading = Reading { excepts: true, ..reading };
            let others = fires.and(test.truth(scene, reading));
            let count = self.count(test, true, others, scene, &mut counts.clone());
            own.into_iter().chain(test.held(scene, reading)).chain(rate(test, count)).collect()
        });
        RuleSaid { rule: self.terms.clone(), said: self.said(scene, counts, takes, fires, &when), when, unless }
    }

    fn said(&self, scene: &Scene<'_>, counts: &Counts, takes: bool, fires: Truth, when: &[Held]) -> Said {
        if let Some(fired) = self.fire(scene, &mut counts.clone(), &mut Ahead::of(&mut || ())) {
            return Said::Fires(fired.effect);
        }
        if !takes {
            return Said::Quiet;
        }
        if fires == Truth::True && self.excepted(fires, scene, &mut counts.clone()) {
            return Said::Excepted;
        }
        let any = when.iter().skip(1).any(|held| held.holds == Some(true));
        if any { Said::Nearly } else { Said::Quiet }
    }
}

impl Test {
    fn held(&self, scene: &Scene<'_>, reading: Reading) -> impl Iterator<Item = Held> {
        Condition::ALL.into_iter().filter_map(move |condition| {
            let (holds, why) = told(condition.truth(self, scene, reading)?);
            let words: String = condition.words(self, scene, reading).chars().take(WORDS).collect();
            Some(Held {
                condition: condition.name(self, scene),
                wanted: wanted(condition, &self.conditions),
                holds,
                why: why.to_owned(),
                words,
            })
        })
    }
}

fn told(truth: Truth) -> (Option<bool>, &'static str) {
    match truth {
        Truth::True => (Some(true), ""),
        Truth::False => (Some(false), ""),
        Truth::Undecided(why) => (None, why),
    }
}

/// How often the other conditions of a test have held, where it asks for that.
fn rate(test: &Test, count: Option<Truth>) -> Option<Held> {
    let (rate, (holds, why)) = (test.conditions.count?, told(count?));
    let (condition, wanted) = ("count".to_owned(), rate.to_string());
    Some(Held { condition, wanted, holds, why: why.to_owned(), words: String::new() })
}

/// What a condition asks for, as written.
fn wanted(condition: Condition, conditions: &Conditions) -> String {
    fn list<T>(all: impl IntoIterator<Item = T>, name: impl Fn(T) -> String) -> String {
        all.into_iter().map(name).collect::<Vec<_>>().join(", ")
    }
    match condition {
        Condition::Text => {
            list(&conditions.text, |phrase| format!("\"{}{}\"", phrase.folded, if phrase.open_end { "*" } else { "" }))
        }
        Condition::Regex => list(&conditions.regex, |pattern| format!("'{}'", pattern.as_str())),
        Condition::Detect => list(&conditions.detect, |detector| detector.name().to_owned()),
        Condition::Domains => list(&conditions.domains, |domain| domain.as_str().to_owned()),
        Condition::Url => list(&conditions.url, |address| address.as_str().to_owned()),
        Condition::Agents => list(&conditions.agents, |glob| glob.as_str().to_owned()),
        Condition::Sessions => list(&conditions.sessions, |glob| glob.as_str().to_owned()),
        Condition::Time => list(&conditions.time, Window::written),
        Condition::Expression => list(&conditions.expression, |expression| format!("'{}'", expression.as_str())),
        Condition::AmountOver => list(&conditions.amount_over, |limit| format!("over {limit}")),
        Condition::AmountUnder => list(&conditions.amount_under, |limit| format!("under {limit}")),
    }
}

fn kind(wanted: impl Iterator<Item = KindName>, holds: bool, is: KindName) -> Held {
    let names: Vec<&str> = wanted.map(KindName::name).collect();
    let wanted = if names.is_empty() { "what the agent says or does".to_owned() } else { names.join(", ") };
    let (condition, why, words) = ("events".to_owned(), String::new(), is.name().to_owned());
    Held { condition, wanted, holds: Some(holds), why, words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EventKind, SessionId};
    use crate::config::Config;

    const RULES: &str = "
        [[rule]]
        name = 'cart'
        effect = 'deny'
        text = ['cart', 'basket*']
        domains = 'shop.example'
        amount_over = '500 USD'
        [[rule]]
        name = 'pay'
        effect = 'ask'
        text = 'pay'
        unless = { domains = '*.bank.example' }
        [[rule]]
        name = 'errors'
        effect = 'alert'
        events = 'error'
        text = 'cart'
    ";

    fn explained(text: &str, url: Option<&str>) -> Explanation {
        let policy = Config::parse("c.toml", RULES).unwrap().config.policy;
        let session = SessionInfo { id: SessionId::try_from("s").unwrap(), agent: None, goal: None };
        let (text, url) = (text.to_owned(), url.map(str::to_owned));
        let event = Event { id: None, kind: EventKind::Thought, text, at: None, url, title: None, truncated: false };
        let mut context = Context::default();
        let explanation = policy.explain(&session, &mut context, &event, Moment::of(jiff::Timestamp::UNIX_EPOCH));
        let mut again = Context::default();
        assert_eq!(
            explanation.verdict,
            policy.evaluate(&session, &mut again, &event, Moment::of(jiff::Timestamp::UNIX_EPOCH))
        );
        assert_eq!(context, again, "explaining leaves the context as evaluating does");
        explanation
    }

    fn said(explanation: &Explanation) -> Vec<Said> {
        explanation.rules.iter().map(|rule| rule.said).collect()
    }

    #[test]
    fn every_condition_tells_whether_it_holds_and_on_which_words() {
        let explanation = explained("put the Baskets of 40 USD", Some("https://other.example"));
        assert_eq!(said(&explanation), [Said::Nearly, Said::Quiet, Said::Quiet]);
        let told: Vec<_> = explanation.rules[0].when.iter().map(|held| (held.condition.as_str(), held.holds)).collect();
        let want =
            [("events", Some(true)), ("text", Some(true)), ("domains", Some(false)), ("amount_over", Some(false))];
        assert_eq!(told, want);
        let found: Vec<_> = explanation.rules[0].when.iter().map(|held| held.words.as_str()).collect();
        assert_eq!(found, ["thought", "Baskets", "other.example", "40 USD"]);
        assert_eq!(explanation.rules[0].when[1].wanted, "\"cart\", \"basket*\"");
    }

    #[test]
    fn what_cannot_be_decided_says_why_and_may_fire_all_the_same() {
        let explanation = explained("the cart", None);
        assert_eq!(said(&explanation)[0], Said::Fires(Effect::Ask));
        let undecided: Vec<_> = explanation.rules[0].when.iter().filter(|held| held.holds.is_none()).collect();
        assert_eq!(undecided.len(), 2);
        assert!(undecided.iter().all(|held| !held.why.is_empty()), "{undecided:?}");
    }

    #[test]
    fn an_exception_that_holds_is_told() {
        let explanation = explained("pay", Some("https://my.bank.example/"));
        assert_eq!(said(&explanation), [Said::Quiet, Said::Excepted, Said::Quiet]);
        assert_eq!(explanation.rules[1].unless[0].words, "my.bank.example");
    }
}
