//! The stop of everything: the session is paused, nothing lets it go but an operator's decision on its own card, and the
//! deadline of what waits stands still.
//!
//! Ending the stop releases nothing; deadlines go on with the time that was left. That time is kept, so that a restart
//! finds it.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::EventKind;
use crate::clock::Moment;
use crate::control::{EndedBy, Halt};

use super::deciding::STOPPED;
use super::directed::{Stop, Stopped};
use super::phase::Phase;
use super::{CallId, Closed, Deliver, Delivery, Entry, Gate, Input, Kept, Outcome, Plan, Turn};

/// A stop of everything, as one session has it.
#[derive(Debug)]
pub(super) struct Halted {
    halt: Halt,
    /// The last call before it.
    after: CallId,
    /// Whether an operator has let this session go on since, and nothing has asked anew.
    passes: bool,
}

impl Gate {
    /// A gate that is made while everything is stopped; called before [`Gate::recover`]. What is not held yet is paused by
    /// the [`Input::Halt`] that follows; none does where an operator has `let_go` of the session since ([`was_let_go`]).
    pub fn begin_halted(&mut self, halt: Halt, let_go: bool) {
        self.halted = Some(Box::new(Halted { halt, after: CallId(self.next_name), passes: let_go }));
    }

    pub(super) fn halt(&mut self, turn: &mut Turn<'_>, halt: Halt) {
        let stop = stop_of(&halt);
        self.begin_halted(halt, false);
        self.stop_votes(turn);
        if self.rests_through(turn) {
            return;
        }
        if self.stop_session(turn, &stop) == Stopped::Asked {
            self.stop_denial(turn);
        }
        self.look_at_question(turn);
    }

    /// A denial whose refusal would let the session go on, and which has not left yet, does not leave any more.
    fn stop_denial(&mut self, turn: &mut Turn<'_>) {
        let Some(Plan::Deny { by }) = self.case.as_ref().map(|case| case.kept.plan.clone()) else { return };
        self.deny_and_keep(turn, by, STOPPED);
    }

    /// Denied, and nothing is sent: `why` says why not.
    pub(super) fn deny_and_keep(&mut self, turn: &mut Turn<'_>, by: EndedBy, why: &str) {
        self.close(turn, Outcome::Denied, by, Deliver::Nothing, why);
        self.keep(turn);
        // An agent whose question is left unanswered is paused like every other.
        turn.moves = true;
    }

    pub(super) fn end_halt(&mut self, turn: &mut Turn<'_>) {
        if self.halted.take().is_none() {
            return;
        }
        self.found_no_more();
        if !self.settings.pause_when_blind {
            self.blind = None;
        }
        let recording = matches!(self.phase, Phase::Recording(_));
        let open = |case: &&mut Box<super::case::Case>| case.kept.closed.is_none();
        let Some(case) = self.case.as_mut().filter(open) else { return };
        if case.kept.frozen.take().is_some() && !recording {
            self.record(turn, Entry::Thawed);
            self.publish(turn);
        }
    }

    /// Whether everything is stopped, and a call left before that: its answer may tell how things were then.
    pub(super) fn left_before_stop(&self, call: CallId) -> bool {
        self.halted.as_ref().is_some_and(|halted| call <= halted.after)
    }

    /// Whether a session that acts, or may, is paused because everything is stopped.
    pub(super) fn stops_what_acts(&self) -> bool {
        self.halted.as_ref().is_some_and(|halted| !halted.passes)
    }

    /// When the stop began that is in force. No other has the same time, to the nanosecond.
    pub(super) fn began_stop(&self) -> Option<Timestamp> {
        self.halted.as_ref().map(|halted| halted.halt.at)
    }

    /// Whether nothing happens by itself.
    pub(super) fn is_halted(&self) -> bool {
        self.halted.is_some()
    }

    /// At the beginning of a turn: time has passed, and the deadline has not come nearer.
    pub(super) fn stand_still(&mut self, now: Moment) {
        if !self.is_halted() {
            return;
        }
        if let Some((case, left)) = self.case.as_mut().and_then(|case| case.kept.frozen.map(|left| (case, left))) {
            case.deadline = now.after(left);
            case.kept.deadline = case.deadline.wall;
        }
    }

    /// At the end of a turn: what asks from now on, or was given more time, has its time kept.
    pub(super) fn freeze(&mut self, turn: &mut Turn<'_>) {
        let asks = self.is_halted() && self.is_being_asked();
        let Some(case) = self.case.as_mut().filter(|_| asks) else { return };
        let left = Some(case.deadline.mono.saturating_sub(turn.now.mono));
        if case.kept.frozen != left {
            case.kept.frozen = left;
            self.record(turn, Entry::Frozen);
            self.publish(turn);
        }
    }

    /// After a restart: the deadline goes on, or still stands, with the time that was left when everything was stopped.
    pub(super) fn take_up_deadline(&mut self, turn: &mut Turn<'_>) {
        let stopped_at = self.began_stop();
        let Some(case) = &mut self.case else { return };
        let left = match (case.kept.frozen, stopped_at) {
            (None, None) => return,
            (Some(left), _) => left,
            // The stop was written down, and this had not been when the process died.
            (None, Some(at)) => Duration::try_from(case.kept.deadline.duration_since(at)).unwrap_or_default(),
        };
        let left = left.min(case.kept.most_time());
        case.deadline = turn.now.after(left);
        case.kept.deadline = case.deadline.wall;
        let frozen = stopped_at.map(|_| left);
        if case.kept.frozen == frozen || case.kept.closed.is_some() {
            return;
        }
        case.kept.frozen = frozen;
        self.record(turn, if frozen.is_some() { Entry::Frozen } else { Entry::Thawed });
    }

    /// An operator's decision lets the session go on: it leaves, or there is nothing of ours to end. What was decided before
    /// everything was stopped has been taken back, and does not come here.
    pub(super) fn let_pass(&mut self) {
        self.passes(true);
    }

    /// Something asks anew, or what was decided did not arrive: the session has not been let go.
    pub(super) fn pass_no_more(&mut self) {
        self.passes(false);
    }

    fn passes(&mut self, passes: bool) {
        if let Some(halted) = &mut self.halted {
            halted.passes = passes;
        }
    }

    /// While everything is stopped, a session that begins to act is paused; not one that an operator has let go since.
    pub(super) fn stop_what_moves(&mut self, turn: &mut Turn<'_>) {
        let Some(halted) = self.halted.as_ref().filter(|halted| turn.moves && !halted.passes) else { return };
        if matches!(self.phase, Phase::Watching) {
            let stop = stop_of(&halted.halt);
            self.stop_session(turn, &stop);
        }
    }
}

/// Of a session in which nothing is under way: whether an operator has let it go since `halt` and nothing was asked about since, as
/// the approvals in `done` tell. They count in any order: a clock that was set back has given the later ones lower names. One that ended under this stop
/// in another way says that it was asked about, before or after.
pub fn was_let_go<'k>(halt: &Halt, done: impl IntoIterator<Item = &'k Kept>) -> bool {
    let closed = done.into_iter().filter_map(|kept| kept.closed.as_ref());
    let mut under = closed.filter(|closed| closed.under == Some(halt.at)).peekable();
    under.peek().is_some() && under.all(Closed::has_let_go)
}

impl Closed {
    /// Whether an operator let the session go, and it arrived. A pause of somebody else's was nobody's of us to end.
    fn has_let_go(&self) -> bool {
        let by_operator = matches!(self.by, EndedBy::Operator { .. });
        let approved = self.outcome == Outcome::Approved && self.delivery == Delivery::Applied;
        by_operator && approved && self.deliver.releases()
    }
}

/// Whether an input shows that a session acts, or is about to. A status that is not known may say so.
pub(super) fn shows_acting(input: &Input) -> bool {
    match input {
        Input::Seen { event, backlog: false, .. } => {
            event.kind == EventKind::User || (event.kind.is_agent_emitted() && event.kind != EventKind::Done)
        }
        Input::Status(status) => status.class().may_act(),
        Input::Seen { backlog: true, .. }
        | Input::CaughtUp
        | Input::Blind { .. }
        | Input::Sighted
        | Input::Gap { .. }
        | Input::Gone
        | Input::Answered { .. }
        | Input::Recorded { .. }
        | Input::Decide { .. }
        | Input::Directed { .. }
        | Input::Halt(_)
        | Input::EndHalt
        | Input::Reconfigured { .. }
        | Input::Tick
        | Input::Stop => false,
    }
}

fn stop_of(halt: &Halt) -> Stop {
    let why = halt.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Stop {
        rule: format!("stop of everything by {}", halt.by.0),
        words: format!("stop of everything by {}{why}", halt.by.0),
    }
}
