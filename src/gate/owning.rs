//! Owning: whose the pause is, told from what our pauses were answered. Sends nothing and decides nothing.
//!
//! A provider says that a session is paused, and never who paused it. What can be told is told by the answers:
//!
//! - *Ours*, as soon as one of our pauses was accepted: the session ran, and that pause stopped it.
//! - *Somebody else's*, when every pause of ours was answered and none can have had an effect: it was paused already, or
//!   the call did not get there.
//! - *In doubt*, when none was accepted and the answer of one is lost. It may be why the session is paused, or somebody else
//!   may have come first.
//!
//! Nothing at hand decides a doubt. The answer that a second pause gets is "paused already" in either case. A `paused` event
//! names nobody, and one comes whoever paused; its time, where there is one, is the provider's clock, and the time at which
//! our lost request arrived there is what was lost. The agent's event shows only that the session ran *before* our pause
//! left. So the doubt is said and not guessed away: the card has it ([`Hold::InDoubt`]), and only an operator's approval of
//! that very card resumes; what is released without a person's look at it (a cooldown, a rule's instruction, a refusal
//! after a denial) is not. A flaky network costs a sentence on a card, and no hold.
//!
//! "Since" is since the session was last known to run: an answer to a pause that was sent before then tells of another
//! pause than the one that holds now, and can only raise a doubt. A hold that was ours stays ours until something shows that
//! the session ran: a look, an accepted pause, or a `resumed` event that is not of a resume known already. Whoever resumes *and*
//! pauses where the event of it is lost, or between a durable decision and a crash, is not seen.

use jiff::Timestamp;

use crate::api::{ApiError, ErrorClass, PauseAnswer};

use super::card::{Hold, Subject};
use super::case::{Case, Kept};
use super::phase::Phase;
use super::{Answer, CallId, Gate, Turn};

/// What the answers to our pauses tell, beside [`Kept::owned`](super::Kept), which a restart finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owning {
    /// The first pause since the session was last known to run.
    since: Option<CallId>,
    /// Whether a pause may have taken effect of which no answer says so.
    lost: bool,
    /// What was seen of somebody else, where the pause that looks what came of it is not answered.
    stirred: Option<Stirred>,
}

/// What somebody else did to a session that is held, so that the pause that holds now may be theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stirred {
    /// Resumed it.
    Resumed,
    /// Sent it a message: another task, perhaps, after the one that was held was ended.
    Messaged,
}

impl Stirred {
    /// In words, of somebody else.
    pub fn told(self) -> &'static str {
        match self {
            Self::Resumed => "resumed the session",
            Self::Messaged => "sent the session a message",
        }
    }
}

impl Owning {
    /// Nothing is answered yet; what was sent before `first` tells nothing of the pause that is coming.
    pub fn since(first: CallId) -> Self {
        Self { since: Some(first), lost: false, stirred: None }
    }

    /// The same where a pause may hold already of which nothing is known.
    pub fn in_doubt(self) -> Self {
        Self { lost: true, ..self }
    }

    /// What somebody else did of which it is not known yet what came of it.
    pub fn pending(self) -> Option<Stirred> {
        self.stirred
    }

    /// The first pause that counts.
    #[cfg(test)]
    pub fn first(self) -> Option<CallId> {
        self.since
    }
}

impl Case {
    /// Somebody else's resume was seen: what was sent before `first` tells nothing of the pause that may hold now.
    pub(super) fn resumed(&mut self, first: CallId) {
        self.owning = Owning { stirred: Some(Stirred::Resumed), ..Owning::since(first).in_doubt() };
    }

    /// Somebody else's message was seen: the same, unless more is known to have happened.
    pub(super) fn messaged(&mut self, first: CallId) {
        if self.owning.stirred.is_none() {
            self.owning = Owning { stirred: Some(Stirred::Messaged), ..Owning::since(first).in_doubt() };
        }
    }

    /// The session stands, and nothing says that a pause of ours stopped it since that resume.
    pub(super) fn paused_by_somebody(&mut self) {
        self.owning.stirred = None;
        self.kept.owned = self.kept.owned.filter(|ours| !*ours);
    }

    /// The session ran until `call` stopped it. Returns whether that pause is why the session stands: a resume that was heard
    /// after it had left may be a later one, and what came of that the pause tells that looked then.
    pub(super) fn ran_until(&mut self, call: CallId) -> bool {
        if self.owning.stirred.is_some() && self.owning.since.is_some_and(|since| call < since) {
            return false;
        }
        self.owning.stirred = None;
        true
    }

    /// What is written down of it. A resume of somebody else whose look is not answered is doubt already: a process that dies
    /// now never hears the answer.
    pub(super) fn to_keep(&self) -> Kept {
        let mut kept = self.kept.clone();
        if self.owning.stirred.is_some() {
            kept.owned = kept.owned.filter(|ours| !ours);
        }
        kept
    }

    /// A pause of ours was answered.
    fn pause_answered(&mut self, call: CallId, result: &Result<PauseAnswer, ApiError>) {
        let counts = self.owning.since.is_none_or(|since| call >= since);
        match Arrival::of(result) {
            Arrival::Effective if counts => self.kept.owned = Some(true),
            // A pause before the session ran again: whether it had its effect before or after that is not known.
            Arrival::Effective | Arrival::Unknown => {
                self.owning.lost = true;
                self.kept.owned = self.kept.owned.filter(|ours| *ours);
            }
            Arrival::None => (),
        }
    }

    /// The session is paused, and every pause of ours is answered: what is not known by now stays unknown.
    pub(super) fn settle_owner(&mut self) {
        if self.kept.owned.is_none() && !self.owning.lost {
            self.kept.owned = Some(false);
        }
    }

    /// Puts on the card whose the pause is.
    pub(super) fn show_owner(&mut self, now: Timestamp) {
        if self.card().subject == Subject::Question {
            return;
        }
        let (at, after_ms) = *self.began.get_or_insert((now, 0));
        self.kept.card.hold = match self.kept.owned {
            Some(true) => Hold::Paused { at, after_ms },
            Some(false) => Hold::ByOthers,
            None => Hold::InDoubt { at, after_ms },
        };
    }

    /// Whether the card says whose the pause is as it is known now. A question has none.
    pub(super) fn says_owner(&self) -> bool {
        match (&self.card().hold, self.kept.owned) {
            (Hold::None, _) | (Hold::Paused { .. }, Some(true)) => true,
            (Hold::ByOthers, Some(false)) | (Hold::InDoubt { .. }, None) => true,
            (Hold::NotYetPaused | Hold::Paused { .. } | Hold::ByOthers | Hold::InDoubt { .. }, _) => false,
        }
    }
}

impl Gate {
    /// What the answer to any pause of ours tells beside its phase: whose the pause is, and which looks are too old.
    pub(super) fn own_pause_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Answer::Pause(result) = answer else { return };
        if Arrival::of(result) != Arrival::None {
            self.look_again_for_end(turn);
        }
        let last = self.unanswered.is_empty();
        let confirmed = match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) | Phase::Kept(_) => true,
            Phase::Watching
            | Phase::Pausing(_)
            | Phase::Asking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Over => false,
        };
        let Some(case) = self.case.as_mut().filter(|case| case.card().subject == Subject::Hold) else { return };
        case.pause_answered(call, result);
        if confirmed && last {
            case.settle_owner();
        }
    }

    /// Whether somebody else's resume or message was seen, and it is not known yet what came of it.
    pub(super) fn stirred_meanwhile(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.owning.pending().is_some())
    }

    /// Whether it is not known yet whose the pause is, because an answer to one of ours is still out.
    pub(super) fn owner_is_pending(&self) -> bool {
        let unknown = |case: &Case| case.kept.owned.is_none() || case.owning.pending().is_some();
        !self.unanswered.is_empty() && self.case.as_deref().is_some_and(unknown)
    }
}

/// What an answer to a pause says of its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Arrival {
    /// It had none.
    None,
    /// It may have stopped the session.
    Unknown,
    /// It stopped the session.
    Effective,
}

impl Arrival {
    pub(super) fn of(result: &Result<PauseAnswer, ApiError>) -> Self {
        match result {
            Ok(PauseAnswer::Accepted) => Self::Effective,
            Ok(PauseAnswer::InDoubt) => Self::Unknown,
            Ok(PauseAnswer::AlreadyPaused) => Self::None,
            Err(ApiError { class: ErrorClass::Unknown { .. }, .. }) => Self::Unknown,
            Err(_) => Self::None,
        }
    }
}
