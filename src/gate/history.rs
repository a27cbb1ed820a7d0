//! History: what fired before a session was caught up with is judged when its end is known.

use crate::api::{Event, EventKind};
use crate::policy::{Effect as RuleEffect, Verdict};

use super::opening::sentence;
use super::{Gate, Turn, is_remembered};

/// A rule that fired in history, before the session was caught up with.
#[derive(Debug)]
pub(super) struct Missed {
    trigger: Event,
    verdict: Verdict,
    later: Vec<(Event, Verdict)>,
    /// The task ended after the trigger, or the question was answered.
    over: bool,
}

impl Gate {
    /// History is only collected: what it means shows when its end is known.
    pub(super) fn seen_in_history(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        const MOST: usize = 20;
        if verdict.effect == RuleEffect::Alert {
            self.mention(turn, sentence("alert, before we watched", event, verdict));
        }
        let fires = verdict.effect > RuleEffect::Alert && event.kind != EventKind::Done;
        if let Some(missed) = &mut self.missed {
            let goes_on = event.kind.is_agent_emitted() || event.kind == EventKind::User;
            let answered = missed.trigger.kind == EventKind::Question && goes_on;
            missed.over |= answered || event.kind == EventKind::Done;
            if missed.later.len() < MOST || fires {
                missed.later.push((event.clone(), verdict.clone()));
            }
        }
        if fires && self.missed.as_ref().is_none_or(|old| old.over) {
            let (trigger, verdict) = (event.clone(), verdict.clone());
            let over = event.id.is_some_and(|id| id < self.task_began);
            let old = self.missed.replace(Box::new(Missed { trigger, verdict, later: Vec::new(), over }));
            self.tell_missed(turn, old.as_deref());
        }
    }

    /// History is at its end, or its messages are: what fired in a task that still runs is held now; the rest is written
    /// down.
    pub(super) fn caught_up(&mut self, turn: &mut Turn<'_>) {
        self.caught_up = true;
        let Some(missed) = self.missed.take() else { return };
        if missed.over {
            return self.tell_missed(turn, Some(&missed));
        }
        let newest = self.before.clone();
        // Neither the trigger nor what came later stands on the card as what came before.
        let since = std::iter::once(&missed.trigger).chain(missed.later.iter().map(|(event, _)| event));
        let since = since.filter(|event| is_remembered(event)).count();
        self.before.truncate(newest.len().saturating_sub(since));
        self.looks_back = true;
        self.seen_now(turn, &missed.trigger, &missed.verdict);
        for (event, verdict) in &missed.later {
            self.seen_now(turn, event, verdict);
        }
        self.looks_back = false;
        self.before = newest;
    }

    /// Writes down what fired in a task that is over.
    fn tell_missed(&self, turn: &mut Turn<'_>, missed: Option<&Missed>) {
        if let Some(missed) = missed {
            self.mention(turn, sentence("happened before we watched", &missed.trigger, &missed.verdict));
        }
    }
}
