//! Pausing: the pause is repeated until the provider confirms it or the session is over.
//!
//! Whose the pause is, is told beside (`owning`). While an answer is still out it is unknown, and a card is not complete.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind, PauseAnswer};
use crate::policy::Verdict;

use super::held::Settling;
use super::owning::Owning;
use super::phase::{Phase, back_off};
use super::suspecting::hints_at_running;
use super::{Answer, CallId, Effect, Gate, Hold, Observed, Proof, Turn};

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(5);
/// One in so many pauses that are refused for the rate is followed by a look.
const REFUSED_LOOKS: u32 = 5;
/// How long a pause that the provider took is not repeated for want of the look that tells whether it holds.
const LOOK_MOST: Duration = Duration::from_secs(1);
/// So often, over some seconds, a provider must say "paused already" before it is believed against its own statuses.
const ALREADY_ENOUGH: u32 = 5;

/// A pause under way.
#[derive(Debug)]
pub(super) struct Pausing {
    call: Option<CallId>,
    read: Option<CallId>,
    /// Looks before that one which are not back: where reads are slower than pauses are repeated, the newest never is in time.
    earlier: BTreeSet<CallId>,
    attempts: u32,
    /// When the pause is sent again, on the monotonic clock.
    pub again_at: Option<Duration>,
    /// When it would be sent again if the look under way were back already.
    unless_looking: Option<Duration>,
    /// Whether the provider took a pause of this phase, so that an event can speak of it.
    taken: bool,
    /// Whether a `paused` event came.
    event: bool,
    /// How often the provider said that the session is paused already.
    already: u32,
    /// Whether the operators were told that it does not succeed.
    told: bool,
    /// What a refusal said that the read behind it may explain: where no task runs, nothing has to be told.
    refused: Option<ApiError>,
}

impl Pausing {
    /// A pause whose first attempt has just been sent.
    pub fn sent(call: CallId) -> Self {
        Self {
            call: Some(call),
            read: None,
            earlier: BTreeSet::new(),
            attempts: 1,
            again_at: None,
            unless_looking: None,
            taken: false,
            event: false,
            already: 0,
            told: false,
            refused: None,
        }
    }

    /// A pause that the provider has taken already; `read` looks whether it holds.
    fn taken(read: CallId, again_at: Duration) -> Self {
        Self {
            call: None,
            read: Some(read),
            earlier: BTreeSet::new(),
            attempts: 1,
            again_at: Some(again_at),
            unless_looking: None,
            taken: true,
            event: false,
            already: 0,
            told: false,
            refused: None,
        }
    }
}

/// Since when whose the pause is has to be told anew, where a session is paused again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// It was seen to run: only what is sent from now on can be why it stands.
    Now,
    /// It may have run, or not: the pause of before may hold still.
    Perhaps,
    /// Nothing shows that it ran: the pause is as it was.
    Before,
}

impl Gate {
    pub(super) fn pausing_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Phase::Pausing(pausing) = &mut self.phase else { return };
        match answer {
            Answer::Pause(result) if pausing.call == Some(call) => {
                pausing.call = None;
                self.pause_answered(turn, result);
            }
            Answer::Read(result) if pausing.read == Some(call) => {
                pausing.read = None;
                self.pause_read(turn, result);
            }
            Answer::Read(Ok(seen)) if pausing.earlier.remove(&call) => {
                // It left after a pause had been answered: what it shows of one counts, and nothing else does.
                if seen.is_paused() && !seen.has_ended() {
                    self.confirmed(turn, Proof::Status);
                }
            }
            Answer::Pause(_) | Answer::Read(_) | Answer::Act(_) | Answer::Screenshot(_) => (),
        }
    }

    fn pause_answered(&mut self, turn: &mut Turn<'_>, result: &Result<PauseAnswer, ApiError>) {
        let Phase::Pausing(pausing) = &mut self.phase else { return };
        let attempts = pausing.attempts;
        if self.taken_confirms(result) {
            return self.confirmed(turn, Proof::Event);
        }
        let mut wait = back_off(attempts, FIRST, MOST);
        if let Err(error) = result {
            wait = if attempts == 1 { Duration::ZERO } else { wait };
            if let ErrorClass::RateLimited { retry_after } = error.class {
                // Where a whole fleet is refused, each that repeats as soon as it may takes what the others need, and all else.
                wait = back_off(attempts, FIRST, MOST).max(retry_after.unwrap_or_default().min(MOST));
            }
            match error.class {
                ErrorClass::Refused { .. } => self.refused(error),
                ErrorClass::Auth { .. }
                | ErrorClass::NotFound { .. }
                | ErrorClass::AlreadyPaused
                | ErrorClass::NotPaused
                | ErrorClass::RateLimited { .. }
                | ErrorClass::Unknown { .. }
                | ErrorClass::Unreachable { .. } => self.tell_once(turn, error),
            }
        }
        let again_at = turn.now.mono + wait;
        if let (Err(ApiError { class: ErrorClass::RateLimited { .. }, .. }), Phase::Pausing(pausing)) =
            (result, &mut self.phase)
            && !attempts.is_multiple_of(REFUSED_LOOKS)
        {
            // It did nothing. What a look could tell, that the task has ended say, is worth two requests now and then.
            pausing.again_at = Some(again_at);
            return;
        }
        let read = self.read(turn);
        if let Phase::Pausing(pausing) = &mut self.phase {
            let before = pausing.read.replace(read);
            pausing.earlier.extend(before);
            pausing.again_at = Some(if result.is_ok() { again_at.max(turn.now.mono + LOOK_MOST) } else { again_at });
            pausing.unless_looking = Some(again_at);
        }
    }

    /// Whether an answer completes the confirmation: with a `paused` event, or where statuses are known to hide pauses.
    fn taken_confirms(&mut self, result: &Result<PauseAnswer, ApiError>) -> bool {
        let Phase::Pausing(pausing) = &mut self.phase else { return false };
        let Ok(answer) = result else { return false };
        let already = match answer {
            PauseAnswer::Accepted => false,
            PauseAnswer::AlreadyPaused | PauseAnswer::InDoubt => true,
        };
        pausing.taken = true;
        pausing.already = pausing.already.saturating_add(u32::from(already));
        pausing.event || (already && self.case.as_ref().is_some_and(|case| case.hidden))
    }

    fn refused(&mut self, error: &ApiError) {
        if let Phase::Pausing(pausing) = &mut self.phase {
            pausing.refused = Some(error.clone());
        }
    }

    fn pause_read(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        let ended = result.as_ref().is_ok_and(Observed::has_ended);
        if let Phase::Pausing(pausing) = &mut self.phase
            && let Some(again_at) = pausing.unless_looking.take()
        {
            pausing.again_at = pausing.again_at.map(|at| at.min(again_at));
        }
        if let Phase::Pausing(pausing) = &mut self.phase
            && let Some(error) = pausing.refused.take()
            && !ended
        {
            self.tell_once(turn, &error);
        }
        if self.is_doubted(turn, result) {
            return; // The next attempt is armed already, and reads again.
        }
        match result {
            Ok(seen) if seen.is_paused() => self.confirmed(turn, Proof::Status),
            Ok(seen) if seen.has_ended() => {
                let over = seen.is_over();
                self.came_to_rest(turn, seen);
                let by_hand = self.case.as_ref().is_some_and(|case| case.card().is_by_hand());
                let why = match by_hand {
                    true => "no task runs, so nothing is paused",
                    false => "the task had ended before the pause took effect",
                };
                self.withdraw(turn, why);
                if over {
                    self.phase = Phase::Over;
                }
            }
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => self.gone(turn),
            Ok(_) if matches!(&self.phase, Phase::Pausing(pausing) if pausing.already >= ALREADY_ENOUGH) => {
                self.confirmed(turn, Proof::Event);
            }
            Ok(_) | Err(_) => (), // The next attempt is armed already.
        }
    }

    /// Sends the pause again; what was under way is no longer waited for.
    pub(super) fn pause_again(&mut self, turn: &mut Turn<'_>) {
        let call = self.name_call();
        turn.out.push(Effect::Pause { call });
        if let Phase::Pausing(pausing) = &mut self.phase {
            pausing.call = Some(call);
            pausing.attempts = pausing.attempts.saturating_add(1);
            (pausing.again_at, pausing.unless_looking) = (None, None);
        }
    }

    /// The provider confirmed the pause.
    pub(super) fn confirmed(&mut self, turn: &mut Turn<'_>, proof: Proof) {
        let all_answered = self.unanswered.is_empty();
        let Some(case) = &mut self.case else { return };
        case.kept.proof = Some(proof);
        case.held_since = case.held_since.max(self.seen_up_to);
        let after = turn.now.mono.saturating_sub(case.triggered_at.mono);
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let (at, after_ms) = *case.began.get_or_insert((turn.now.wall, after_ms));
        case.kept.card.hold = Hold::Paused { at, after_ms };
        if all_answered {
            case.settle_owner();
            case.show_owner(turn.now.wall);
        }
        if case.kept.closed.is_some() {
            // Kept paused by a decision made before the pause was confirmed.
            return self.keep(turn);
        }
        let approval = case.id();
        let screenshot = self.settings.screenshots.then(|| self.name_call());
        self.phase = Phase::Settling(Settling::start(turn.now.mono, self.settings.settle, screenshot));
        if let Some(call) = screenshot {
            turn.out.push(Effect::Screenshot { call, approval });
        }
    }

    /// Pauses a session that should be paused but is not, or may not be; everything is asked again.
    pub(super) fn pause_anew(&mut self, turn: &mut Turn<'_>, since: Since) {
        let call = self.name_call();
        turn.out.push(Effect::Pause { call });
        let may_stray = self.straying.may_come(turn.now);
        self.resume_unheard |= since == Since::Now && !self.stirred_meanwhile();
        self.pauses_anew();
        if let Some(case) = &mut self.case {
            case.unconfirm();
            match since {
                Since::Now if !may_stray => (case.kept.owned, case.owning) = (None, Owning::since(call)),
                Since::Now | Since::Perhaps => (case.kept.owned, case.owning) = (None, Owning::since(call).in_doubt()),
                Since::Before => (),
            }
        }
        self.phase = Phase::Pausing(Pausing::sent(call));
    }

    /// The same where `call` has been taken already, which is how it showed that the session ran.
    pub(super) fn paused_anew(&mut self, turn: &mut Turn<'_>, call: CallId) {
        let read = self.read(turn);
        if let Some(case) = &mut self.case {
            case.unconfirm();
            if case.ran_until(call) {
                (case.kept.owned, case.owning) = (Some(true), Owning::since(read));
            }
        }
        self.phase = Phase::Pausing(Pausing::taken(read, turn.now.mono + FIRST));
    }

    /// Any event while the session is being paused or held, before anybody has approved.
    pub(super) fn seen_in_hold(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let pausing = matches!(self.phase, Phase::Pausing(_));
        if pausing && event.kind == EventKind::Paused {
            return self.paused_event(turn);
        }
        if !pausing && hints_at_running(event, verdict) {
            self.suspect(turn);
        }
        self.taken_in(turn, event, verdict);
    }

    /// A `paused` event confirms a pause that the provider took: its statuses need not show one. Without that answer it
    /// may speak of an earlier pause.
    fn paused_event(&mut self, turn: &mut Turn<'_>) {
        let Phase::Pausing(pausing) = &mut self.phase else { return };
        pausing.event = true;
        if pausing.taken {
            self.confirmed(turn, Proof::Event);
        }
    }

    fn tell_once(&mut self, turn: &mut Turn<'_>, error: &ApiError) {
        let Phase::Pausing(pausing) = &mut self.phase else { return };
        if pausing.told {
            return;
        }
        pausing.told = true;
        self.notice(turn, format!("the pause has not succeeded yet and is repeated: {error}"));
    }
}
