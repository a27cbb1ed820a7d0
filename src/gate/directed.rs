//! What an operator does to a session of its own accord: pause it, end its task, ask about one that stays paused.
//!
//! Pauses leave first, as for a rule; the operator stands on the card like one. Nothing here releases: letting go takes an
//! approval, always.

use crate::api::{Event, EventKind};
use crate::control::{Act, EndedBy, OperatorName, Refusal, SessionAct, SessionDone};
use crate::operator::escape::short;
use crate::policy::Verdict;

use super::deciding::{checked_reason, name_of};
use super::held::Settling;
use super::opening::own_verdict;
use super::phase::Phase;
use super::{ApprovalId, Effect, Gate, Outcome, Plan, ReplyTo, Turn};

/// Why a session is stopped without a rule, as it stands on a card.
pub(super) struct Stop {
    /// What stands on the card where a rule's name does.
    pub rule: String,
    /// What happened, as typed.
    pub words: String,
}

/// What stopping a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It is paused now, and an approval asks.
    Now,
    /// It was held, and an approval asks.
    Asked,
    /// A release was on its way and is taken back as far as it can be.
    TakenBack,
    /// Its task is being ended.
    Cancelling,
    /// It stays paused after its approval ended.
    Kept,
    /// There is nothing to stop.
    Over,
}

/// Where what an operator does of its own accord stands, as a rule stands in a file.
pub const BY_HAND: &str = "by hand";

impl Stop {
    pub(super) fn by(operator: &OperatorName, did: &str, reason: Option<&str>) -> Self {
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        Self { rule: format!("operator {}", operator.0), words: format!("{did} by {}{why}", operator.0) }
    }

    /// A line that says itself what it is: nothing of the agent made this happen.
    pub fn event(&self) -> Event {
        let text = self.words.clone();
        Event { id: None, kind: EventKind::Log, text, at: None, url: None, title: None, truncated: false }
    }

    pub fn verdict(&self) -> Verdict {
        own_verdict(&self.rule, BY_HAND)
    }
}

impl Gate {
    pub(super) fn directed(
        &mut self,
        turn: &mut Turn<'_>,
        to: ReplyTo,
        operator: OperatorName,
        act: SessionAct,
        reason: Option<String>,
    ) {
        let checked = checked_reason(reason.as_deref());
        let cancels = checked.is_ok() && act == SessionAct::Cancel;
        if cancels && self.cancels_at_rest(turn, to, &operator, reason.as_deref()) {
            return;
        }
        let result = checked.and_then(|()| match act {
            SessionAct::Pause => self.pause_by(turn, &operator, reason.as_deref()),
            SessionAct::Cancel => self.cancel_by(turn, operator, reason),
            SessionAct::Ask => self.ask_by(turn, &operator, reason.as_deref()),
        });
        turn.out.push(Effect::Done { to, result });
    }

    fn pause_by(
        &mut self,
        turn: &mut Turn<'_>,
        operator: &OperatorName,
        reason: Option<&str>,
    ) -> Result<SessionDone, Refusal> {
        let what = match self.stop_session(turn, &Stop::by(operator, "paused", reason)) {
            Stopped::Now => "the session is being paused",
            Stopped::Asked => "an approval is open for this session already",
            Stopped::TakenBack => "the release that was on its way is taken back",
            Stopped::Cancelling => "the session's task is being ended already",
            Stopped::Kept => "the session stays paused already; ask, to let it go",
            Stopped::Over => return Err(over()),
        };
        Ok(SessionDone { approval: self.named(), what: what.to_owned() })
    }

    /// Pauses the session and makes somebody be asked, whatever is under way. What asks already stays as it is.
    pub(super) fn stop_session(&mut self, turn: &mut Turn<'_>, stop: &Stop) -> Stopped {
        let closed = self.case.as_ref().is_some_and(|case| case.kept.closed.is_some());
        match self.phase {
            Phase::Watching => {
                self.open_hold(turn, &stop.event(), &stop.verdict());
                Stopped::Now
            }
            Phase::Pausing(_) if closed => Stopped::Kept,
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Asking(_) => {
                if self.asks_somebody() {
                    return Stopped::Asked;
                }
                self.join_stop(turn, stop);
                Stopped::Now
            }
            Phase::Checking(_) => {
                self.abort_check(turn);
                self.join_stop(turn, stop);
                Stopped::TakenBack
            }
            Phase::Recording(_) => {
                self.spoil(&short(&stop.words));
                Stopped::TakenBack
            }
            Phase::Delivering(_) => {
                self.stop_delivering(turn, stop);
                Stopped::TakenBack
            }
            Phase::Cancelling(_) => Stopped::Cancelling,
            Phase::Kept(_) => Stopped::Kept,
            Phase::Over => Stopped::Over,
        }
    }

    /// Whether what is held waits for somebody, and not for a rule's own release.
    fn asks_somebody(&self) -> bool {
        self.case.as_ref().is_some_and(|case| match case.kept.plan {
            Plan::Ask | Plan::Deny { .. } => true,
            Plan::Cooldown { .. } | Plan::Instruct { .. } => false,
        })
    }

    fn join_stop(&mut self, turn: &mut Turn<'_>, stop: &Stop) {
        if let Some(case) = &mut self.case {
            case.note(short(&stop.words));
        }
        self.taken_in(turn, &stop.event(), &stop.verdict());
    }

    /// Ends the task, whatever a denial of its approval would do.
    pub(super) fn cancel_by(
        &mut self,
        turn: &mut Turn<'_>,
        operator: OperatorName,
        reason: Option<String>,
    ) -> Result<SessionDone, Refusal> {
        let stop = Stop::by(&operator, "cancelled", reason.as_deref());
        let act = Act::Deny { reason: reason.clone() };
        if self.open_card().is_some_and(|card| card.terms.lacks_reason(&act)) {
            return Err(Refusal::ReasonRequired);
        }
        let by = EndedBy::Operator { name: operator, note: reason };
        match self.phase {
            Phase::Over => return Err(over()),
            Phase::Cancelling(_) => {
                let what = "the session's task is being ended already".to_owned();
                return Ok(SessionDone { approval: self.named(), what });
            }
            Phase::Watching | Phase::Delivering(_) => {
                self.stop_session(turn, &stop);
            }
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Asking(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Kept(_) => (),
        }
        if self.case.as_ref().is_some_and(|case| case.kept.closed.is_some()) {
            self.reopen(turn, &short(&stop.words));
        }
        Ok(self.cancel_open(turn, by))
    }

    fn cancel_open(&mut self, turn: &mut Turn<'_>, by: EndedBy) -> SessionDone {
        let asks = self.asks_somebody();
        if let Some(case) = &mut self.case {
            case.cancels = true;
            if !asks {
                // A rule's own release is not shown; what an operator ended is.
                case.ask_from(turn.now);
            }
        }
        let approval = self.named();
        if matches!(self.phase, Phase::Recording(_)) {
            self.overrule(turn, by);
            let what = "a decision is on its way to the disk; it no longer lets the session go on, \
                        and the task is ended whatever the disk answers";
            return SessionDone { approval, what: what.to_owned() };
        }
        self.abort_check_because(turn, || Refusal::AlreadyDecided { outcome: Outcome::Denied, by: name_of(&by) });
        self.deny(turn, by);
        SessionDone { approval, what: "the session's task is being ended".to_owned() }
    }

    /// Asks about a session that stays paused after its approval ended.
    fn ask_by(
        &mut self,
        turn: &mut Turn<'_>,
        operator: &OperatorName,
        reason: Option<&str>,
    ) -> Result<SessionDone, Refusal> {
        let closed = self.case.as_ref().is_some_and(|case| case.kept.closed.is_some());
        let not = |why: &str| Err(Refusal::NotPossible { why: why.to_owned() });
        match self.phase {
            Phase::Kept(_) => {
                self.phase = Phase::Settling(Settling::start(turn.now.mono, self.settings.settle, None));
            }
            // Its pause is still being repeated; once it is confirmed the new approval waits.
            Phase::Pausing(_) if closed => (),
            Phase::Watching => return not("nothing is held here: pause the session first"),
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Asking(_) => {
                return not("an approval is open for this session already: decide that one");
            }
            Phase::Cooling(_) => return not("a rule lets this session go by itself: pause it, to be asked"),
            Phase::Checking(_) | Phase::Recording(_) | Phase::Delivering(_) => {
                return not("the session is being let go already");
            }
            Phase::Cancelling(_) => return not("the session's task is being ended: there is nothing to let go"),
            Phase::Over => return Err(over()),
        }
        self.reopen(turn, &short(&Stop::by(operator, "asked about again", reason).words));
        let what = "the session stays paused, and an approval asks whether it may go on".to_owned();
        Ok(SessionDone { approval: self.named(), what })
    }

    fn named(&self) -> Option<ApprovalId> {
        self.case.as_ref().map(|case| case.id())
    }
}

fn over() -> Refusal {
    Refusal::NotPossible { why: "the session is over: there is nothing to do".to_owned() }
}
