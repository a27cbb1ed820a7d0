//! A policy meets an event.

use std::cmp::Reverse;

use super::compile::{Compiled, Policy, Test};
use super::context::{Context, Relevant};
use super::detect::Facts;
use super::glob::Glob;
use super::matcher::{Hits, Matcher};
use super::money::{Money, Price, read};
use super::rule::KindName;
use super::text::Folded;
use super::verdict::{Effect, Fired, Match, Verdict};
use crate::api::{Event, SessionId};

/// What the policy knows of a session besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// The agent's name, untrusted.
    pub agent: Option<String>,
    /// Its goal, untrusted.
    pub goal: Option<String>,
}

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Truth {
    False,
    /// Cannot be told, and why.
    Undecided(&'static str),
    True,
}

/// One event with everything conditions look at.
struct Scene<'a> {
    session: &'a SessionInfo,
    event: &'a Event,
    facts: Facts<'a>,
    matcher: &'a Matcher,
    hits: Hits,
    domain: Option<String>,
    /// The amount the event is about, earlier events included.
    amount: Option<Relevant>,
    /// The largest amount, or the total, of the event itself.
    own_amount: Option<Relevant>,
}

/// The longest words of a match, in characters.
const WORDS: usize = 200;

impl Policy {
    /// The verdict on one event of a session; the event is added to the session's context.
    ///
    /// When no rule fires the verdict is [`Verdict::default`].
    #[must_use]
    pub fn evaluate(&self, session: &SessionInfo, context: &mut Context, event: &Event) -> Verdict {
        context.page(event.url.as_deref(), event.title.as_deref());
        let prices = if event.kind.is_agent_emitted() || self.reads_amounts { read(&event.text) } else { Vec::new() };
        let verdict = self.judge(session, context, event, &prices);
        if event.kind.is_agent_emitted() {
            context.remember(prices);
        }
        verdict
    }

    fn judge(&self, session: &SessionInfo, context: &Context, event: &Event, prices: &[Price]) -> Verdict {
        if !self.rules.iter().any(|rule| rule.when.takes(event)) {
            return Verdict::default();
        }
        let folded = Folded::new(&event.text);
        let facts = Facts { kind: &event.kind, raw: &event.text, folded: &folded };
        let scene = Scene {
            hits: self.matcher.search(&facts),
            matcher: &self.matcher,
            session,
            event,
            facts,
            domain: context.domain().map(str::to_owned),
            amount: context.relevant(prices),
            own_amount: Context::default().relevant(prices),
        };
        let mut fired: Vec<Fired> = self.rules.iter().filter_map(|rule| rule.fire(&scene)).collect();
        let Some(effect) = fired.iter().map(|fired| fired.effect).max() else { return Verdict::default() };
        fired.sort_by_key(|fired| Reverse(fired.effect));
        Verdict { effect, fired, amount: scene.amount.map(|amount| amount.seen()), domain: scene.domain }
    }
}

impl Compiled {
    fn fire(&self, scene: &Scene<'_>) -> Option<Fired> {
        if !self.when.takes(scene.event) {
            return None;
        }
        let findings = self.when.findings(scene, self.looks_back, false);
        if findings.iter().any(|finding| finding.truth == Truth::False) || self.excepted(scene) {
            return None;
        }
        let undecided: Vec<String> = findings.iter().filter_map(Finding::doubt).collect();
        let effect = match self.terms.effect {
            effect if undecided.is_empty() => effect,
            Effect::Ask | Effect::Deny => Effect::Ask,
            Effect::Allow | Effect::Alert | Effect::Instruct | Effect::Cooldown => return None,
        };
        let matched = findings.into_iter().filter_map(Finding::matched).collect();
        Some(Fired { rule: self.terms.clone(), effect, matched, undecided })
    }

    fn excepted(&self, scene: &Scene<'_>) -> bool {
        let plainly = |test: &Test| {
            let kind =
                test.conditions.events.is_empty() || test.conditions.events.contains(&KindName::of(&scene.event.kind));
            kind && test.findings(scene, self.looks_back, true).iter().all(|finding| finding.truth == Truth::True)
        };
        self.unless.as_ref().is_some_and(plainly)
    }
}

/// What became of one condition.
struct Finding {
    condition: String,
    truth: Truth,
    words: String,
}

impl Finding {
    fn doubt(&self) -> Option<String> {
        match self.truth {
            Truth::Undecided(why) => Some(format!("{}: {why}", self.condition)),
            Truth::True | Truth::False => None,
        }
    }

    fn matched(self) -> Option<Match> {
        let words = self.words.chars().take(WORDS).collect();
        (self.truth == Truth::True).then_some(Match { condition: self.condition, words })
    }
}

impl Test {
    /// Whether events of this kind are looked at.
    fn takes(&self, event: &Event) -> bool {
        let kinds = &self.conditions.events;
        if kinds.is_empty() { event.kind.is_agent_emitted() } else { kinds.contains(&KindName::of(&event.kind)) }
    }

    /// What became of each condition that is set, besides `events`; cheap ones first, none after the first false one.
    fn findings(&self, scene: &Scene<'_>, looks_back: bool, exception: bool) -> Vec<Finding> {
        let checks: [fn(&Self, &Scene<'_>) -> Option<Finding>; 6] =
            [Self::text, Self::regex, Self::detect, Self::domains, Self::agents, Self::sessions];
        let mut findings = Vec::new();
        for check in checks {
            let Some(finding) = check(self, scene) else { continue };
            let over = finding.truth == Truth::False;
            findings.push(finding);
            if over {
                return findings;
            }
        }
        findings.extend(self.amounts(scene, looks_back, exception));
        findings
    }

    fn text(&self, scene: &Scene<'_>) -> Option<Finding> {
        let hit = self.phrases.iter().find(|n| scene.hits.phrase(**n));
        let words = hit.and_then(|n| scene.matcher.phrase_words(&scene.hits, &scene.facts, *n));
        (!self.phrases.is_empty()).then(|| scene.found("text".to_owned(), words))
    }

    fn regex(&self, scene: &Scene<'_>) -> Option<Finding> {
        let hit = self.regexes.iter().find(|n| scene.hits.regex(**n));
        let words = hit.map(|n| scene.matcher.regex_words(&scene.hits, &scene.facts, *n).unwrap_or_default());
        (!self.regexes.is_empty()).then(|| scene.found("regex".to_owned(), words))
    }

    fn detect(&self, scene: &Scene<'_>) -> Option<Finding> {
        let detectors = &self.conditions.detect;
        let first = detectors.first()?;
        let hit = detectors.iter().find_map(|detector| Some((detector, scene.hits.detected(*detector)?)));
        let name = hit.map_or(first, |(detector, _)| detector).name();
        Some(scene.found(format!("detect {name}"), hit.map(|(_, words)| words.to_owned())))
    }

    fn domains(&self, scene: &Scene<'_>) -> Option<Finding> {
        if self.conditions.domains.is_empty() {
            return None;
        }
        let host = scene.domain.as_deref();
        let truth = match host {
            None => Truth::Undecided("it is not known where the session is"),
            Some(host) => truth(self.conditions.domains.iter().any(|domain| domain.matches(host))),
        };
        Some(Finding { condition: "domains".to_owned(), truth, words: host.unwrap_or_default().to_owned() })
    }

    fn agents(&self, scene: &Scene<'_>) -> Option<Finding> {
        if self.conditions.agents.is_empty() {
            return None;
        }
        let name = scene.session.agent.as_deref();
        let truth = match name {
            None => Truth::Undecided("the provider does not tell the agent's name"),
            Some(name) => truth(any(&self.conditions.agents, name)),
        };
        Some(Finding { condition: "agents".to_owned(), truth, words: name.unwrap_or_default().to_owned() })
    }

    fn sessions(&self, scene: &Scene<'_>) -> Option<Finding> {
        let id = scene.session.id.as_str();
        let finding = || Finding {
            condition: "sessions".to_owned(),
            truth: truth(any(&self.conditions.sessions, id)),
            words: id.to_owned(),
        };
        (!self.conditions.sessions.is_empty()).then(finding)
    }

    fn amounts(&self, scene: &Scene<'_>, looks_back: bool, exception: bool) -> Vec<Finding> {
        let amount = if looks_back { scene.amount.as_ref() } else { scene.own_amount.as_ref() };
        let limits = [("amount_over", &self.conditions.amount_over), ("amount_under", &self.conditions.amount_under)];
        limits
            .into_iter()
            .filter(|(_, limits)| !limits.is_empty())
            .map(|(name, limits)| Finding {
                condition: name.to_owned(),
                truth: match amount {
                    Some(amount) => compare(&amount.price, limits, name == "amount_over", exception),
                    None if looks_back || scene.event.truncated => Truth::Undecided("no price was seen"),
                    None => Truth::False,
                },
                words: amount.map(|amount| amount.price.words.clone()).unwrap_or_default(),
            })
            .collect()
    }
}

impl Scene<'_> {
    /// A condition on words: found, not found, or not found in what was seen of a cut event.
    fn found(&self, condition: String, words: Option<String>) -> Finding {
        let truth = match words {
            Some(_) => Truth::True,
            None if self.event.truncated => Truth::Undecided("the event was cut, so not all of it was seen"),
            None => Truth::False,
        };
        Finding { condition, truth, words: words.unwrap_or_default() }
    }
}

/// Whether a price is over, or under, the limit of its currency. What cannot be read is over any limit, but excepts nothing.
fn compare(price: &Price, limits: &[Money], over: bool, exception: bool) -> Truth {
    let Some(number) = price.number else {
        return if exception { Truth::Undecided("the price cannot be read") } else { truth(over) };
    };
    let Some(currency) = price.currency else { return Truth::Undecided("the currency of the price is not clear") };
    let Some(limit) = limits.iter().find(|limit| limit.currency == currency) else {
        return Truth::Undecided("the price is in another currency than the limit");
    };
    truth(if over { number > limit.number } else { number < limit.number })
}

fn any(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.matches(name))
}

fn truth(holds: bool) -> Truth {
    if holds { Truth::True } else { Truth::False }
}
