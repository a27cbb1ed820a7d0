//! Resting: what is known of a session that nothing holds and in which nothing runs, so that there is nothing to pause.
//!
//! Only ever lets something be left out (a pause, an approval) that would have nothing to hold, so it fails closed: two looks
//! have to agree, some time apart; an unknown word counts as acting; and whatever shows that the agent acts, or that it
//! cannot be seen, ends it at once. Releases nothing and ends nothing.
//!
//! The watcher tells the execution status when it changes; the gate then looks for itself, at both statuses. While
//! everything is stopped a rest is looked at once more, and what does not agree is paused. Where a question is open only the
//! gate's own looks count; while everything is stopped, two that do not find the agent waiting withdraw it, and the session
//! is paused.

use std::time::Duration;

use crate::api::{Status, StatusClass};
use crate::control::{OperatorName, SessionDone, SessionState};
use crate::operator::escape::short;

use super::directed::Stop;
use super::doubting::APART;
use super::phase::Phase;
use super::{Answer, CallId, Effect, Gate, Observed, ReplyTo, Turn};

/// Why nothing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Still {
    /// The task has ended, or none was begun.
    Idle,
    /// The agent waits for an answer.
    Waiting,
}

/// What is known of whether the agent runs, where nothing is held.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// What the watcher told last.
    told: Option<Still>,
    /// What was seen first, and when, on the monotonic clock.
    since: Option<(Still, Duration)>,
    /// Whether a second look agreed.
    sure: bool,
    /// Whether a list's is all there is, of a session that was found while everything is stopped.
    listed: bool,
    /// The look under way.
    look: Option<CallId>,
    /// When the next one is due, on the monotonic clock.
    next: Option<Duration>,
    /// Cancellations that wait for it.
    cancels: Vec<Cancel>,
}

impl Rest {
    /// Whether a look is under way, or a cancellation waits for one.
    pub(super) fn is_asked(&self) -> bool {
        self.look.is_some() || !self.cancels.is_empty()
    }
}

/// What an operator asked for where there seemed to be nothing to cancel.
#[derive(Debug)]
struct Cancel {
    to: ReplyTo,
    operator: OperatorName,
    reason: Option<String>,
}

impl Rest {
    /// Why nothing runs, where that is known.
    pub fn known(&self) -> Option<Still> {
        self.since.filter(|_| self.sure).map(|(still, _)| still)
    }

    /// The agent acts, or may: what was seen before counts no more.
    fn ends(&mut self) {
        (self.since, self.sure, self.listed, self.look, self.next) = (None, false, false, None, None);
    }

    /// Another status is told while a look is under way. It may have been read before that look left, so it confirms nothing;
    /// what it contradicts has to be seen anew.
    fn told_meanwhile(&mut self, still: Option<Still>) {
        if still.is_none() {
            (self.since, self.sure, self.listed) = (None, false, false);
        }
    }

    /// One look.
    fn seen(&mut self, still: Option<Still>, now: Duration) {
        (self.look, self.listed) = (None, false);
        let agrees = still.is_some() && still == self.since.map(|(still, _)| still);
        match (still, self.since) {
            (Some(_), Some((_, since))) if agrees => self.sure |= now.saturating_sub(since) >= APART,
            (Some(still), _) => (self.since, self.sure) = (Some((still, now)), false),
            (None, _) => self.ends(),
        }
    }
}

impl Gate {
    /// Begins, while everything is stopped, with what a list says that was asked for at `asked`, on the monotonic clock: that no
    /// task runs. It is the first of two looks, so that a session at rest is not paused for having been found; whoever watches takes
    /// the second, because a look of the gate's own would bring all of its history. Called before the
    /// [`Input::Halt`](super::Input::Halt).
    pub fn begin_listed_at_rest(&mut self, asked: Duration) {
        (self.rest.told, self.rest.listed) = (Some(Still::Idle), true);
        self.rest.since = Some((Still::Idle, asked));
    }

    /// Why nothing runs here, where that is known and nothing is held.
    pub(super) fn at_rest(&self) -> Option<Still> {
        matches!(self.phase, Phase::Watching).then(|| self.rest.known()).flatten()
    }

    /// What clients are told of a session that is only watched.
    pub(super) fn watching_state(&self) -> SessionState {
        match self.at_rest() {
            Some(Still::Idle) => SessionState::Idle,
            Some(Still::Waiting) => SessionState::Waiting,
            None => SessionState::Watching,
        }
    }

    /// The watcher tells another execution status.
    pub(super) fn told_status(&mut self, turn: &Turn<'_>, status: &Status) {
        let still = still_of(&Observed { lifecycle: None, execution: Some(status.clone()) });
        self.rest.told = still;
        match self.phase {
            Phase::Watching if self.rest.look.is_some() => self.rest.told_meanwhile(still),
            Phase::Watching => {
                self.rest.next = None;
                self.rest.seen(still, turn.now.mono);
            }
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => self.rest.ends(),
            // The gate's own looks tell whether the agent waits for its answer.
            Phase::Asking(_) if still == Some(Still::Waiting) => (),
            Phase::Asking(_) => {
                self.rest.ends();
                if self.is_halted() {
                    self.look_soon(turn);
                }
            }
        }
    }

    /// Something shows that the agent acts, or may, or that it cannot be seen.
    pub(super) fn rest_ends(&mut self) {
        self.rest.ends();
    }

    /// Two reads agreed that the task has ended; `seen` is the second one. Where it left before everything was stopped one more
    /// has to agree.
    pub(super) fn came_to_rest(&mut self, turn: &Turn<'_>, seen: &Observed) {
        self.rest.since = still_of(seen).map(|still| (still, turn.now.mono));
        self.rest.sure = self.rest.since.is_some() && !turn.precedes_stop;
        self.rest.next = turn.precedes_stop.then(|| turn.now.mono + APART);
    }

    /// A session whose task was cancelled, as `seen` confirms, is looked at once more.
    pub(super) fn begins_to_rest(&mut self, turn: &Turn<'_>, seen: &Observed) {
        self.rest.since = still_of(seen).map(|still| (still, turn.now.mono));
        self.rest.sure = false;
        self.rest.next = self.rest.since.map(|_| turn.now.mono + APART);
    }

    /// An operator cancels where no task is known to run. Whether that is so still is looked at first; whether it took it.
    pub(super) fn cancels_at_rest(
        &mut self,
        turn: &mut Turn<'_>,
        to: ReplyTo,
        operator: &OperatorName,
        reason: Option<&str>,
    ) -> bool {
        let waits = !self.rest.cancels.is_empty();
        if !waits && self.at_rest() != Some(Still::Idle) {
            return false;
        }
        if !waits {
            self.look(turn);
        }
        self.rest.cancels.push(Cancel { to, operator: operator.clone(), reason: reason.map(str::to_owned) });
        true
    }

    /// At the end of a turn: once that look is answered, or has lost its sense, what was asked for is done or needs not be.
    pub(super) fn cancel_unless_at_rest(&mut self, turn: &mut Turn<'_>) {
        let looks = self.rest.look.is_some() && matches!(self.phase, Phase::Watching);
        if looks {
            return;
        }
        for Cancel { to, operator, reason } in std::mem::take(&mut self.rest.cancels) {
            let result = if self.at_rest() == Some(Still::Idle) {
                let words = Stop::by(&operator, "a cancellation was asked for", reason.as_deref()).words;
                self.mention(turn, format!("{}; nothing ran, so there was nothing to cancel", short(&words)));
                let what = "nothing runs in this session, so there is nothing to cancel".to_owned();
                Ok(SessionDone { approval: None, what })
            } else {
                self.cancel_by(turn, operator, reason)
            };
            turn.out.push(Effect::Done { to, result });
        }
    }

    /// Everything is stopped. A session that is known to rest is looked at once more, and not paused unless that look differs; one
    /// that was just found at rest is not paused unless whoever watches it sees something else.
    pub(super) fn rests_through(&mut self, turn: &mut Turn<'_>) -> bool {
        let rests = self.at_rest().is_some();
        self.rest.sure = false;
        if rests {
            self.look(turn);
        }
        rests || (self.rest.listed && matches!(self.phase, Phase::Watching))
    }

    /// The stop is over that a session was found in.
    pub(super) fn found_no_more(&mut self) {
        self.rest.listed = false;
    }

    /// Everything is stopped. An agent whose question is open waits, or so it seems: that is looked at once more.
    pub(super) fn look_at_question(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Asking(_)) {
            self.poll(turn);
        }
    }

    /// A read where a question is open is a look as well. While everything is stopped it is repeated soon until it is known
    /// whether the agent waits.
    pub(super) fn question_looked_at(&mut self, turn: &Turn<'_>, seen: &Observed) {
        if !matches!(self.phase, Phase::Asking(_)) {
            return;
        }
        self.rest.seen(still_of(seen), turn.now.mono);
        if self.is_halted() && !self.rest.sure {
            self.look_soon(turn);
        }
    }

    /// Whether a look shows that an agent may act although its question is open, where nothing may.
    pub(super) fn acts_on(&self, seen: &Observed) -> bool {
        self.is_halted() && matches!(self.phase, Phase::Asking(_)) && still_of(seen).is_none()
    }

    /// At the end of a turn: what is said to rest, and is not known to, is looked at.
    pub(super) fn doubt_rest(&mut self, turn: &Turn<'_>) {
        let is_open = self.rest.told.is_some() && !self.rest.sure && self.rest.look.is_none();
        if is_open && matches!(self.phase, Phase::Watching) {
            self.rest.next.get_or_insert(turn.now.mono + APART);
        }
    }

    /// When the next look is due; while something is held, that has looks of its own.
    pub(super) fn rest_due(&self) -> Option<Duration> {
        self.rest.next.filter(|_| self.rest.look.is_none() && self.caught_up && matches!(self.phase, Phase::Watching))
    }

    pub(super) fn rest_tick(&mut self, turn: &mut Turn<'_>) {
        if self.rest_due().is_some_and(|due| due <= turn.now.mono) {
            self.look(turn);
        }
    }

    fn look(&mut self, turn: &mut Turn<'_>) {
        let call = self.read(turn);
        (self.rest.look, self.rest.next) = (Some(call), None);
    }

    /// A look was answered. What does not say that nothing runs may mean that the agent acts.
    pub(super) fn rest_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Answer::Read(result) = answer else { return };
        if self.rest.look != Some(call) {
            return;
        }
        let still = result.as_ref().ok().and_then(still_of);
        self.rest.seen(still, turn.now.mono);
        self.rest.next = still.is_none().then(|| turn.now.mono + self.settings.hold_poll);
        turn.moves |= still.is_none();
    }
}

/// Why nothing runs, as far as one look shows. A word that is not known may mean that the agent acts, and an execution status
/// that may is believed before a lifecycle status that says otherwise.
fn still_of(seen: &Observed) -> Option<Still> {
    if seen.has_class(StatusClass::Unknown) || seen.is_paused() {
        return None;
    }
    if seen.has_ended() {
        return Some(Still::Idle);
    }
    let acts = seen.execution.as_ref().is_some_and(|status| status.class().may_act());
    (seen.is_waiting() && !acts).then_some(Still::Waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_say_so_mean_that_nothing_runs() {
        for (lifecycle, execution, still) in [
            (None, Some("finished"), Some(Still::Idle)),
            (Some("ready"), Some("finished"), Some(Still::Idle)),
            (Some("running"), Some("finished"), Some(Still::Idle)),
            (Some("ready"), Some("error"), Some(Still::Idle)),
            (Some("terminated"), Some("running"), Some(Still::Idle)),
            (Some("running"), Some("waiting_for_input"), Some(Still::Waiting)),
            (None, Some("waiting_for_input"), Some(Still::Waiting)),
            (Some("waiting_for_input"), None, Some(Still::Waiting)),
            (Some("waiting_for_input"), Some("waiting_for_input"), Some(Still::Waiting)),
            (Some("waiting_for_input"), Some("running"), None),
            (Some("waiting_for_input"), Some("initializing"), None),
            (Some("waiting_for_input"), Some("thinking"), None),
            (Some("waiting_for_input"), Some("finished"), Some(Still::Idle)),
            (Some("ready"), Some("running"), None),
            (Some("paused"), Some("finished"), None),
            (Some("paused"), Some("waiting_for_input"), None),
            (Some("resting"), Some("finished"), None),
            (Some("ready"), Some("thinking"), None),
            (Some("running"), Some("running"), None),
            (None, None, None),
        ] {
            let status = |word: Option<&str>| word.map(|word| Status(word.to_owned()));
            let seen = Observed { lifecycle: status(lifecycle), execution: status(execution) };
            assert_eq!(still_of(&seen), still, "{lifecycle:?} {execution:?}");
        }
    }
}
