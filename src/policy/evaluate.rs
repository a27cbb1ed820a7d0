//! A policy meets an event.

use std::cmp::Reverse;

use super::compile::{Compiled, Policy, Test};
use super::condition::{Condition, Reading, Scene, Truth};
use super::context::Context;
use super::detect::Facts;
use super::index::Offer;
use super::matcher::Hits;
use super::money::{Price, read};
use super::rate::Counts;
use super::rule::KindName;
use super::text::Folded;
use super::verdict::{Effect, Fired, Match, Verdict};
use crate::api::{Event, SessionId};
use crate::clock::Moment;

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

/// An event that is judged, with the prices it names.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) session: &'a SessionInfo,
    pub(super) event: &'a Event,
    pub(super) prices: &'a [Price],
    pub(super) now: Moment,
}

/// Who wants to know before the verdict is whole that it is more than an alert.
pub(super) struct Ahead<'a> {
    holds: &'a mut dyn FnMut(),
    told: bool,
}

impl<'a> Ahead<'a> {
    /// Calls `holds` once.
    pub(super) fn of(holds: &'a mut dyn FnMut()) -> Self {
        Self { holds, told: false }
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.told, true) {
            (self.holds)();
        }
    }
}

/// The longest words of a match, in characters.
const WORDS: usize = 200;

impl Policy {
    /// The verdict on one event of a session that arrived at `now`; the event is added to the session's context.
    ///
    /// When no rule fires the verdict is [`Verdict::default`].
    #[must_use]
    pub fn evaluate(&self, session: &SessionInfo, context: &mut Context, event: &Event, now: Moment) -> Verdict {
        self.evaluate_ahead(session, context, event, now, &mut || ())
    }

    /// The same, and calls `holds` at most once, as soon as it is certain that the verdict's effect is more than an alert: before
    /// amounts are read where a detector's words alone are enough, and always before reasons are written.
    #[must_use]
    pub fn evaluate_ahead(
        &self,
        session: &SessionInfo,
        context: &mut Context,
        event: &Event,
        now: Moment,
        holds: &mut dyn FnMut(),
    ) -> Verdict {
        context.hear(event);
        let agent = event.kind.is_agent_emitted();
        let mut counts = context.take_counts();
        let mut ahead = Ahead::of(holds);
        let folded = self.taken.contains(&KindName::of(&event.kind)).then(|| Folded::new(&event.text));
        let found = folded.as_ref().map(|folded| self.search(context, event, folded, &mut ahead));
        let prices = if agent || self.reads_amounts { read(&event.text) } else { Vec::new() };
        let what = Judged { session, event, prices: &prices, now };
        let judged = found.map(|found| self.judge(what, context, &mut counts, found, &mut ahead));
        if counts.len() > self.counting {
            counts.keep(|name| self.rules.iter().any(|rule| rule.terms.name == name));
        }
        context.put_counts(counts);
        if agent {
            context.remember(&prices);
            context.judged(event, self.spending.contains(&KindName::of(&event.kind)));
        }
        judged.unwrap_or_default()
    }

    fn search<'e>(
        &self,
        context: &'e Context,
        event: &'e Event,
        folded: &'e Folded,
        ahead: &mut Ahead<'_>,
    ) -> (Facts<'e>, Hits) {
        let kind = KindName::of(&event.kind);
        let facts = Facts::new(&event.kind, &event.text, folded).of_session(context.sites());
        let hits = self.matcher.search(&facts, &mut |detector| {
            if self.alone.contains(&(kind, detector)) {
                ahead.tell();
            }
        });
        (facts, hits)
    }

    fn judge<'a>(
        &'a self,
        what: Judged<'a>,
        context: &'a Context,
        counts: &mut Counts,
        (facts, hits): (Facts<'a>, Hits),
        ahead: &mut Ahead<'_>,
    ) -> Verdict {
        let Judged { event, prices, .. } = what;
        let kind = KindName::of(&event.kind);
        let (address, priced, cut) = (context.address(), !prices.is_empty(), event.truncated);
        let candidates = self.index.candidates(&Offer { hits: &hits, address, kind, priced, cut });
        if candidates.is_empty() {
            return Verdict::default();
        }
        let scene = self.scene(what, context, (facts, hits));
        let mut about_money = false;
        let mut fired: Vec<Fired> = Vec::new();
        for rule in candidates.into_iter().filter_map(|n| self.rules.get(n)) {
            if let Some(one) = rule.fire(&scene, counts, ahead) {
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
    /// Everything that conditions look at.
    pub(super) fn scene<'a>(
        &'a self,
        Judged { session, event, prices, now }: Judged<'a>,
        context: &'a Context,
        (facts, hits): (Facts<'a>, Hits),
    ) -> Scene<'a> {
        Scene {
            session,
            event,
            kind: KindName::of(&event.kind),
            now,
            hits,
            facts,
            matcher: &self.matcher,
            address: context.address(),
            url: context.url(),
            title: context.title(),
            amount: self.reads_amounts.then(|| context.relevant(prices)).flatten(),
            own_amount: self.reads_amounts.then(|| Context::default().relevant(prices)).flatten(),
        }
    }
}

impl Compiled {
    pub(super) fn fire(&self, scene: &Scene<'_>, counts: &mut Counts, ahead: &mut Ahead<'_>) -> Option<Fired> {
        if !self.when.takes(scene.kind) {
            return None;
        }
        let reading = Reading { looks_back: self.looks_back, excepts: false };
        let others = self.when.truth(scene, reading);
        let count = self.count(&self.when, false, others, scene, counts);
        let truth = count.map_or(others, |count| others.and(count));
        if truth == Truth::False || self.excepted(truth, scene, counts) {
            return None;
        }
        let effect = match (truth, self.terms.effect) {
            (Truth::False, _) | (_, Effect::Allow) => return None,
            (Truth::True, effect) => effect,
            (Truth::Undecided(_), Effect::Ask | Effect::Deny) => Effect::Ask,
            (Truth::Undecided(_), Effect::Alert | Effect::Instruct | Effect::Cooldown) => return None,
        };
        if effect > Effect::Alert {
            ahead.tell();
        }
        let (mut matched, mut undecided) = self.when.reasons(scene, reading);
        match (count, self.when.conditions.count) {
            (Some(Truth::True), Some(rate)) => {
                matched.push(Match { condition: "count".to_owned(), words: rate.to_string() });
            }
            (Some(Truth::Undecided(why)), _) => undecided.push(format!("count: {why}")),
            (Some(_) | None, _) => {}
        }
        Some(Fired { rule: self.terms.clone(), effect, matched, undecided })
    }

    /// Whether the exception plainly holds, `fires` being what the rule's own conditions say.
    pub(super) fn excepted(&self, fires: Truth, scene: &Scene<'_>, counts: &mut Counts) -> bool {
        let reading = Reading { looks_back: self.looks_back, excepts: true };
        self.unless.as_ref().is_some_and(|test| {
            let kinds = &test.conditions.events;
            if !(kinds.is_empty() || kinds.contains(&scene.kind)) {
                return false;
            }
            let others = test.truth(scene, reading);
            let count = self.count(test, true, fires.and(others), scene, counts);
            count.map_or(others, |count| others.and(count)) == Truth::True
        })
    }

    /// Whether the other conditions have held too often, this time included; `None` when the test has no `count`.
    pub(super) fn count(
        &self,
        test: &Test,
        excepts: bool,
        others: Truth,
        scene: &Scene<'_>,
        counts: &mut Counts,
    ) -> Option<Truth> {
        let rate = test.conditions.count?;
        Some(counts.note(&self.terms.name, excepts, rate, others, scene.now.mono))
    }
}

impl Test {
    /// Whether events of this kind are looked at.
    pub(super) fn takes(&self, kind: KindName) -> bool {
        let kinds = &self.conditions.events;
        if kinds.is_empty() { kind.is_looked_at_unnamed() } else { kinds.contains(&kind) }
    }

    fn is_about_money(&self) -> bool {
        !self.conditions.detect.is_empty() || self.conditions.reads_amounts()
    }

    /// All conditions but `count` together: false if any is, else undecided if any is.
    pub(super) fn truth(&self, scene: &Scene<'_>, reading: Reading) -> Truth {
        let mut together = Truth::True;
        for condition in Condition::ALL {
            match condition.truth(self, scene, reading) {
                Some(Truth::False) => return Truth::False,
                Some(other) => together = together.and(other),
                None => {}
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
