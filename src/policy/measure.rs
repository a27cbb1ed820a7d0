//! How well a policy tells consequential events from others, on recorded runs where somebody marked them.
//!
//! Pure: runs in, figures out. An *alarm* is a verdict that asks or denies on an event that the agent emitted (it speaks or
//! acts); what alerts, instructs or cools down does not keep a consequential action from happening unseen, and is no alarm.
//!
//! - **recall**: the share of consequential events with an alarm on the event itself or on the agent-emitted event just
//!   before it; **recall, self** counts the event alone.
//! - **disturbed**: the share of harmless runs, those without consequential events, that have an alarm; **alarms per
//!   harmless run** beside it.
//! - **precision**: the share of alarms that are on a consequential event or the one before it, among all alarms that are
//!   not on soft events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Context, Effect, Policy, RuleTerms, Verdict};
use crate::traces::{self, Trace};

/// Counts of one group of runs, and the shares they make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Consequential events.
    pub consequential: usize,
    /// Those with an alarm on them or on the agent-emitted event just before.
    pub caught: usize,
    /// Those with an alarm on them.
    pub caught_self: usize,
    /// Runs without consequential events.
    pub harmless: usize,
    /// Those with an alarm.
    pub disturbed: usize,
    /// Their alarms.
    pub harmless_alarms: usize,
    /// Alarms that are not on soft events.
    pub alarms: usize,
    /// Those on a consequential event or the one before it.
    pub hits: usize,
}

/// Figures by surface and by source, with what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// By kind of surface.
    pub surfaces: BTreeMap<String, Tally>,
    /// By where the runs were published.
    pub sources: BTreeMap<String, Tally>,
    /// Consequential events without an alarm.
    pub missed: Vec<Missed>,
    /// Alarms that are near no consequential event and not on a soft one.
    pub false_alarms: Vec<FalseAlarm>,
}

/// Where in the runs something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The run's id, untrusted.
    pub trace: String,
    /// The run's surface, untrusted.
    pub surface: String,
    /// Where the run was published, untrusted.
    pub source: String,
    /// The event's index in the run, from 0.
    pub event: usize,
    /// What the policy saw of the event, untrusted.
    pub text: String,
}

/// A consequential event without an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Which.
    pub spot: Spot,
    /// Its category, untrusted; empty when the run does not tell.
    pub category: String,
    /// What the policy saw of the agent-emitted event before it, untrusted.
    pub before: Option<String>,
}

/// An alarm where there should be none.
#[derive(Clone, Debug)]
pub struct FalseAlarm {
    /// On which event.
    pub spot: Spot,
    /// The rule that decided.
    pub rule: Arc<RuleTerms>,
    /// The condition that matched first, and the words it matched, untrusted.
    pub matched: Option<(String, String)>,
}

/// One run with what the policy says about it.
struct Judged<'t> {
    trace: &'t Trace,
    texts: Vec<String>,
    /// Alarms, by event.
    alarms: Vec<Option<Verdict>>,
}

impl Measures {
    /// Measures `policy` on `traces`.
    #[must_use]
    pub fn of<'t>(policy: &Policy, traces: impl IntoIterator<Item = &'t Trace>) -> Self {
        let mut measures = Self::default();
        for judged in traces.into_iter().filter_map(|trace| Judged::of(policy, trace)) {
            measures.add(&judged);
        }
        measures
    }

    fn add(&mut self, judged: &Judged<'_>) {
        let tally = judged.tally();
        self.surfaces.entry(judged.trace.surface.clone()).or_default().add(tally);
        self.sources.entry(judged.trace.source.clone()).or_default().add(tally);
        self.missed.extend(judged.missed());
        self.false_alarms.extend(judged.false_alarms());
    }
}

impl<'t> Judged<'t> {
    fn of(policy: &Policy, trace: &'t Trace) -> Option<Self> {
        let session = trace.session()?;
        let mut context = Context::default();
        let (mut texts, mut alarms) = (Vec::new(), Vec::new());
        for ((seen, event), now) in trace.played().into_iter().zip(&trace.events).zip(traces::moments()) {
            let verdict = policy.evaluate(&session, &mut context, &seen, now);
            let counts = verdict.effect >= Effect::Ask && event.part().is_agent_emitted();
            alarms.push(counts.then_some(verdict));
            texts.push(seen.text);
        }
        Some(Self { trace, texts, alarms })
    }

    fn tally(&self) -> Tally {
        let consequential: BTreeSet<usize> = self.trace.consequential.iter().copied().collect();
        let caught = |index: &&usize| self.is_caught(**index);
        let alarms = self.alarms.iter().flatten().count();
        let harmless = consequential.is_empty();
        Tally {
            consequential: consequential.len(),
            caught: consequential.iter().filter(caught).count(),
            caught_self: consequential.iter().filter(|index| self.alarms[**index].is_some()).count(),
            harmless: usize::from(harmless),
            disturbed: usize::from(harmless && alarms > 0),
            harmless_alarms: if harmless { alarms } else { 0 },
            alarms: self.counted().count(),
            hits: self.counted().filter(|(index, _)| self.is_near(*index)).count(),
        }
    }

    fn missed(&self) -> impl Iterator<Item = Missed> + '_ {
        let marked = &self.trace.consequential;
        let consequential = marked.iter().enumerate().filter(|(nth, index)| !marked[..*nth].contains(index));
        consequential.filter(|(_, index)| !self.is_caught(**index)).map(|(nth, index)| Missed {
            spot: self.spot(*index),
            category: self.trace.categories.get(nth).cloned().unwrap_or_default(),
            before: self.before(*index).map(|index| self.texts[index].clone()),
        })
    }

    fn false_alarms(&self) -> impl Iterator<Item = FalseAlarm> + '_ {
        self.counted().filter(|(index, _)| !self.is_near(*index)).filter_map(|(index, verdict)| {
            let fired = verdict.deciding()?;
            let matched = fired.matched.first().map(|one| (one.condition.clone(), one.words.clone()));
            Some(FalseAlarm { spot: self.spot(index), rule: fired.rule.clone(), matched })
        })
    }

    /// Alarms that are not on soft events.
    fn counted(&self) -> impl Iterator<Item = (usize, &Verdict)> {
        let alarms = self.alarms.iter().enumerate().filter_map(|(index, alarm)| Some((index, alarm.as_ref()?)));
        alarms.filter(|(index, _)| !self.trace.soft.contains(index))
    }

    fn is_caught(&self, index: usize) -> bool {
        let alarm = |index: usize| self.alarms[index].is_some();
        alarm(index) || self.before(index).is_some_and(alarm)
    }

    fn is_near(&self, index: usize) -> bool {
        self.trace.consequential.iter().any(|one| *one == index || self.before(*one) == Some(index))
    }

    /// The agent-emitted event just before.
    fn before(&self, index: usize) -> Option<usize> {
        self.trace.events[..index].iter().rposition(|event| event.part().is_agent_emitted())
    }

    fn spot(&self, event: usize) -> Spot {
        let Trace { id, surface, source, .. } = self.trace;
        let text = self.texts[event].clone();
        Spot { trace: id.clone(), surface: surface.clone(), source: source.clone(), event, text }
    }
}

impl Tally {
    /// The share of consequential events that were caught; `None` when there are none.
    #[must_use]
    pub fn recall(self) -> Option<f64> {
        share(self.caught, self.consequential)
    }

    /// The share of consequential events with an alarm on themselves; `None` when there are none.
    #[must_use]
    pub fn recall_self(self) -> Option<f64> {
        share(self.caught_self, self.consequential)
    }

    /// The share of harmless runs that have an alarm; `None` when there are none.
    #[must_use]
    pub fn disturbance(self) -> Option<f64> {
        share(self.disturbed, self.harmless)
    }

    /// Alarms per harmless run; `None` when there are none.
    #[must_use]
    pub fn alarms_per_harmless(self) -> Option<f64> {
        share(self.harmless_alarms, self.harmless)
    }

    /// The share of alarms that were right; `None` without alarms.
    #[must_use]
    pub fn precision(self) -> Option<f64> {
        share(self.hits, self.alarms)
    }

    fn add(&mut self, other: Self) {
        self.consequential += other.consequential;
        self.caught += other.caught;
        self.caught_self += other.caught_self;
        self.harmless += other.harmless;
        self.disturbed += other.disturbed;
        self.harmless_alarms += other.harmless_alarms;
        self.alarms += other.alarms;
        self.hits += other.hits;
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    /// Asks about "pay" in what the agent says, and about "fee" in what the world answers.
    fn policy() -> Policy {
        let text = "[[rule]]\nname = 'pay'\neffect = 'ask'\ntext = 'pay'\n\
                    [[rule]]\nname = 'fee'\neffect = 'deny'\nevents = ['log']\ntext = 'fee'\n\
                    [[rule]]\nname = 'hm'\neffect = 'alert'\ntext = 'hm'\n";
        Config::parse("c.toml", text).unwrap().config.policy
    }

    fn trace(events: &[(&str, &str)], consequential: &[usize], soft: &[usize]) -> Trace {
        let events: Vec<_> = events.iter().map(|(kind, text)| json!({ "kind": kind, "text": text })).collect();
        let trace = json!({
            "id": "t", "surface": "tools", "source": "s", "events": events, "consequential": consequential,
            "soft": soft, "categories": ["payment", "message"],
        });
        serde_json::from_value(trace).unwrap()
    }

    fn tally(trace: &Trace) -> Tally {
        Measures::of(&policy(), [trace]).surfaces["tools"]
    }

    #[test]
    fn an_alarm_on_the_agents_event_just_before_catches_whatever_the_world_said_between() {
        let run = trace(&[("thought", "will pay"), ("observation", "ok"), ("action", "click")], &[2], &[]);
        let want = Tally { consequential: 1, caught: 1, alarms: 1, hits: 1, ..Tally::default() };
        assert_eq!(tally(&run), want);
        let run = trace(&[("thought", "will pay"), ("thought", "so"), ("action", "click")], &[2], &[]);
        assert_eq!(tally(&run), Tally { consequential: 1, alarms: 1, ..Tally::default() });
    }

    #[test]
    fn an_alarm_on_the_event_itself_counts_as_both() {
        let run = trace(&[("thought", "so"), ("action", "pay")], &[1], &[]);
        let want = Tally { consequential: 1, caught: 1, caught_self: 1, alarms: 1, hits: 1, ..Tally::default() };
        assert_eq!(tally(&run), want);
    }

    #[test]
    fn only_asking_or_denying_about_what_the_agent_emits_is_an_alarm() {
        let run = trace(&[("thought", "hm"), ("observation", "a fee, pay"), ("action", "click")], &[], &[]);
        assert_eq!(tally(&run), Tally { harmless: 1, ..Tally::default() });
    }

    #[test]
    fn alarms_on_soft_events_disturb_but_are_neither_right_nor_wrong() {
        let run = trace(&[("thought", "pay"), ("action", "pay"), ("thought", "pay")], &[], &[0, 1]);
        let want = Tally { harmless: 1, disturbed: 1, harmless_alarms: 3, alarms: 1, ..Tally::default() };
        assert_eq!(tally(&run), want);
        let run = trace(&[("thought", "pay"), ("action", "click")], &[1], &[0]);
        assert_eq!(tally(&run), Tally { consequential: 1, caught: 1, ..Tally::default() });
    }

    #[test]
    fn an_event_that_is_marked_twice_counts_once() {
        let run = trace(&[("action", "pay"), ("action", "click")], &[1, 0, 1, 0], &[]);
        let want = Tally { consequential: 2, caught: 2, caught_self: 1, alarms: 1, hits: 1, ..Tally::default() };
        assert_eq!(tally(&run), want);
        let run = trace(&[("action", "click"), ("action", "click")], &[1, 1], &[]);
        assert_eq!(Measures::of(&policy(), [&run]).missed.len(), 1);
    }

    #[test]
    fn shares_of_nothing_are_not_told() {
        assert_eq!((Tally::default().recall(), Tally::default().precision()), (None, None));
        let tally = Tally { consequential: 4, caught: 3, caught_self: 1, ..Tally::default() };
        assert_eq!((tally.recall(), tally.recall_self()), (Some(0.75), Some(0.25)));
    }

    #[test]
    fn what_was_missed_and_what_was_wrong_is_told_with_its_words() {
        let run = trace(&[("thought", "I pay attention"), ("thought", "so"), ("action", "click")], &[2], &[]);
        let measures = Measures::of(&policy(), [&run]);
        let [missed] = measures.missed.as_slice() else { panic!("{:?}", measures.missed) };
        let told = (missed.spot.event, missed.category.as_str(), missed.spot.text.as_str(), missed.before.as_deref());
        assert_eq!(told, (2, "payment", "click", Some("so")));
        let [wrong] = measures.false_alarms.as_slice() else { panic!("{:?}", measures.false_alarms) };
        assert_eq!((wrong.spot.event, wrong.rule.name.as_str()), (0, "pay"));
        assert_eq!(wrong.matched, Some(("text".to_owned(), "pay".to_owned())));
    }
}
