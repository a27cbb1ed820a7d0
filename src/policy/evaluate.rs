//! A policy meets an event.

use std::cmp::Reverse;

use super::compile::{Compiled, Policy, Test};
use super::condition::{Condition, Reading, Scene, Truth};
use super::context::Context;
use super::detect::Facts;
use super::money::{Price, read};
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

/// The longest words of a match, in characters.
const WORDS: usize = 200;

impl Policy {
    /// The verdict on one event of a session; the event is added to the session's context.
    ///
    /// When no rule fires the verdict is [`Verdict::default`].
    #[must_use]
    pub fn evaluate(&self, session: &SessionInfo, context: &mut Context, event: &Event) -> Verdict {
        context.page(event.url.as_deref(), event.title.as_deref());
        let agent = event.kind.is_agent_emitted();
        let prices = if agent || self.reads_amounts { read(&event.text) } else { Vec::new() };
        let verdict = self.judge(session, context, event, &prices);
        if agent {
            context.remember(&prices);
        }
        verdict
    }

    fn judge(&self, session: &SessionInfo, context: &Context, event: &Event, prices: &[Price]) -> Verdict {
        let kind = KindName::of(&event.kind);
        if !self.rules.iter().any(|rule| rule.when.takes(kind, event)) {
            return Verdict::default();
        }
        let folded = Folded::new(&event.text);
        let scene = self.scene(session, context, event, prices, &folded);
        let mut about_money = false;
        let mut fired: Vec<Fired> = Vec::new();
        for rule in &self.rules {
            if let Some(one) = rule.fire(&scene) {
                about_money |= rule.when.is_about_money();
                fired.push(one);
            }
        }
        let Some(effect) = fired.iter().map(|fired| fired.effect).max() else { return Verdict::default() };
        fired.sort_by_key(|fired| Reverse(fired.effect));
        // An earlier price bears on a purchase, not on whatever else is asked about later.
        let amount =
            context.relevant(prices).filter(|amount| about_money || !amount.earlier).map(|amount| amount.seen());
        Verdict { effect, fired, amount, domain: context.domain().map(str::to_owned) }
    }
}

impl Policy {
    /// Everything that conditions look at. `folded` is the event's text.
    pub(super) fn scene<'a>(
        &'a self,
        session: &'a SessionInfo,
        context: &'a Context,
        event: &'a Event,
        prices: &[Price],
        folded: &'a Folded,
    ) -> Scene<'a> {
        let facts = Facts::new(&event.kind, &event.text, folded);
        Scene {
            session,
            event,
            kind: KindName::of(&event.kind),
            hits: self.matcher.search(&facts),
            facts,
            matcher: &self.matcher,
            domain: context.domain(),
            amount: self.reads_amounts.then(|| context.relevant(prices)).flatten(),
            own_amount: self.reads_amounts.then(|| Context::default().relevant(prices)).flatten(),
        }
    }
}

impl Compiled {
    pub(super) fn fire(&self, scene: &Scene<'_>) -> Option<Fired> {
        let reading = Reading { looks_back: self.looks_back, excepts: false };
        if !self.when.takes(scene.kind, scene.event) {
            return None;
        }
        let truth = self.when.truth(scene, reading);
        let effect = match (truth, self.terms.effect) {
            (Truth::False, _) | (_, Effect::Allow) => return None,
            (Truth::True, effect) => effect,
            (Truth::Undecided(_), Effect::Ask | Effect::Deny) => Effect::Ask,
            (Truth::Undecided(_), Effect::Alert | Effect::Instruct | Effect::Cooldown) => return None,
        };
        if self.excepted(scene) {
            return None;
        }
        let (matched, undecided) = self.when.reasons(scene, reading);
        Some(Fired { rule: self.terms.clone(), effect, matched, undecided })
    }

    pub(super) fn excepted(&self, scene: &Scene<'_>) -> bool {
        let reading = Reading { looks_back: self.looks_back, excepts: true };
        self.unless.as_ref().is_some_and(|test| {
            let kinds = &test.conditions.events;
            (kinds.is_empty() || kinds.contains(&scene.kind)) && test.truth(scene, reading) == Truth::True
        })
    }
}

impl Test {
    /// Whether events of this kind are looked at.
    pub(super) fn takes(&self, kind: KindName, event: &Event) -> bool {
        let kinds = &self.conditions.events;
        if kinds.is_empty() { event.kind.is_agent_emitted() } else { kinds.contains(&kind) }
    }

    fn is_about_money(&self) -> bool {
        !self.conditions.detect.is_empty() || self.conditions.reads_amounts()
    }

    /// All conditions together: false if any is, else undecided if any is.
    fn truth(&self, scene: &Scene<'_>, reading: Reading) -> Truth {
        let mut together = Truth::True;
        for condition in Condition::ALL {
            match condition.truth(self, scene, reading) {
                Some(Truth::False) => return Truth::False,
                Some(Truth::Undecided(why)) => together = Truth::Undecided(why),
                Some(Truth::True) | None => {}
            }
        }
        together
    }

    /// What matched, and what could not be decided.
    fn reasons(&self, scene: &Scene<'_>, reading: Reading) -> (Vec<Match>, Vec<String>) {
        let (mut matched, mut undecided) = (Vec::new(), Vec::new());
        for condition in Condition::ALL {
            match condition.truth(self, scene, reading) {
                Some(Truth::True) => {
                    let words = condition.words(self, scene, reading).chars().take(WORDS).collect();
                    matched.push(Match { condition: condition.name(self, scene), words });
                }
                Some(Truth::Undecided(why)) => undecided.push(format!("{}: {why}", condition.name(self, scene))),
                Some(Truth::False) | None => {}
            }
        }
        (matched, undecided)
    }
}
