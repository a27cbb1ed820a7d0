//! Pausing: the pause is repeated until the provider confirms it or the session is over.
//!
//! Whose the pause is: ours when one of ours was accepted, and when the answer of one was lost, so that it may be why the
//! session is paused already; a flaky network must not make every hold unresumable. It is somebody else's when every pause
//! of ours provably had no effect. While an answer is still out it is unknown, and a card is not complete before it is known.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind, PauseAnswer};
use crate::policy::Verdict;

use super::held::Settling;
use super::phase::{Phase, back_off};
use super::{Answer, CallId, Effect, Entry, Gate, Hold, Observed, Proof, Subject, Turn};

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(5);
/// So often, over some seconds, a provider must say "paused already" before it is believed against its own statuses.
const ALREADY_ENOUGH: u32 = 5;

/// A pause under way.
#[derive(Debug)]
pub(super) struct Pausing {
    call: Option<CallId>,
    read: Option<CallId>,
    attempts: u32,
    /// When the pause is sent again, on the monotonic clock.
    pub again_at: Option<Duration>,
    /// Whether the provider took a pause of this phase, so that an event can speak of it.
    taken: bool,
    /// Whether a `paused` event came.
    event: bool,
    /// How often the provider said that the session is paused already.
    already: u32,
    /// Whether a pause of this phase took effect or may have: "paused already" may then be because of it.
    may_be_ours: bool,
    /// Whether the operators were told that it does not succeed.
    told: bool,
}

impl Pausing {
    /// A pause whose first attempt has just been sent.
    pub fn sent(call: CallId) -> Self {
        Self {
            call: Some(call),
            read: None,
            attempts: 1,
            again_at: None,
            taken: false,
            event: false,
            already: 0,
            may_be_ours: false,
            told: false,
        }
    }

    /// A pause that the provider has taken already; `read` looks whether it holds.
    fn taken(read: CallId, again_at: Duration) -> Self {
        Self {
            call: None,
            read: Some(read),
            attempts: 1,
            again_at: Some(again_at),
            taken: true,
            event: false,
            already: 0,
            may_be_ours: true,
            told: false,
        }
    }
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
            Answer::Pause(_) | Answer::Read(_) | Answer::Act(_) | Answer::Screenshot(_) => (),
        }
    }

    fn pause_answered(&mut self, turn: &mut Turn<'_>, result: &Result<PauseAnswer, ApiError>) {
        let Phase::Pausing(pausing) = &mut self.phase else { return };
        let attempts = pausing.attempts;
        pausing.may_be_ours |= may_have_arrived(result);
        let may_be_ours = pausing.may_be_ours;
        // Another pause of ours that is still on its way may be why it is paused already.
        let only = self.unanswered.is_empty();
        if let Some(case) = &mut self.case {
            match result {
                Ok(PauseAnswer::AlreadyPaused) if !may_be_ours && only && case.kept.owned.is_none() => {
                    case.kept.owned = Some(false);
                }
                Ok(PauseAnswer::Accepted) => case.kept.owned = Some(true),
                Ok(PauseAnswer::AlreadyPaused) => case.kept.owned = case.kept.owned.or(Some(true)),
                Err(_) => (),
            }
        }
        if self.taken_confirms(result) {
            return self.confirmed(turn, Proof::Event);
        }
        let mut wait = back_off(attempts, FIRST, MOST);
        if let Err(error) = result {
            wait = if attempts == 1 { Duration::ZERO } else { wait };
            if let ErrorClass::RateLimited { retry_after: Some(asked) } = error.class {
                wait = asked.min(MOST);
            }
            self.tell_once(turn, error);
        }
        let read = self.read(turn);
        if let Phase::Pausing(pausing) = &mut self.phase {
            pausing.read = Some(read);
            pausing.again_at = Some(turn.now.mono + wait);
        }
    }

    /// What the answer to any pause of ours tells beside its phase: whose the pause is, and which looks are too old.
    pub(super) fn own_pause_answered(&mut self, turn: &mut Turn<'_>, answer: &Answer) {
        let Answer::Pause(result) = answer else { return };
        let arrived = may_have_arrived(result);
        if arrived {
            self.look_past_pause(turn);
        }
        let last = self.unanswered.is_empty();
        let confirmed = matches!(
            self.phase,
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) | Phase::Kept(_)
        );
        let Some(case) = &mut self.case else { return };
        case.may_be_ours |= arrived;
        if !confirmed || case.kept.owned.is_some() || case.card().subject == Subject::Question {
            return;
        }
        if last || matches!(result, Ok(PauseAnswer::Accepted)) {
            case.kept.owned = Some(case.may_be_ours);
            if !case.may_be_ours {
                case.kept.card.hold = Hold::ByOthers;
            }
        }
    }

    /// Whether an answer completes the confirmation: with a `paused` event, or where statuses are known to hide pauses.
    fn taken_confirms(&mut self, result: &Result<PauseAnswer, ApiError>) -> bool {
        let Phase::Pausing(pausing) = &mut self.phase else { return false };
        let Ok(answer) = result else { return false };
        let already = *answer == PauseAnswer::AlreadyPaused;
        pausing.taken = true;
        pausing.already = pausing.already.saturating_add(u32::from(already));
        pausing.event || (already && self.case.as_ref().is_some_and(|case| case.hidden))
    }

    fn pause_read(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        if self.is_doubted(turn, result) {
            return; // The next attempt is armed already, and reads again.
        }
        match result {
            Ok(seen) if seen.is_paused() => self.confirmed(turn, Proof::Status),
            Ok(seen) if seen.has_ended() => {
                let over = seen.is_over();
                self.withdraw(turn, "the task had ended before the pause took effect");
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
            pausing.again_at = None;
        }
    }

    /// The provider confirmed the pause.
    pub(super) fn confirmed(&mut self, turn: &mut Turn<'_>, proof: Proof) {
        let none_of_ours = matches!(&self.phase, Phase::Pausing(pausing) if !pausing.may_be_ours);
        let all_answered = self.unanswered.is_empty();
        let Some(case) = &mut self.case else { return };
        if none_of_ours && all_answered && case.kept.owned.is_none() {
            // Every pause of ours provably had no effect, and yet it is paused: that was somebody else.
            case.kept.owned = Some(false);
        }
        case.kept.proof = Some(proof);
        let after = turn.now.mono.saturating_sub(case.triggered_at.mono);
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let by_others = case.kept.owned == Some(false);
        let begun = case.earlier.take().unwrap_or(Hold::Paused { at: turn.now.wall, after_ms });
        case.kept.card.hold = if by_others { Hold::ByOthers } else { begun };
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

    /// Pauses a session that should be paused but is not; everything is asked again.
    pub(super) fn pause_anew(&mut self, turn: &mut Turn<'_>, owned: Option<bool>) {
        let call = self.name_call();
        turn.out.push(Effect::Pause { call });
        if let Some(case) = &mut self.case {
            case.unconfirm(owned);
        }
        self.phase = Phase::Pausing(Pausing::sent(call));
    }

    /// The same where the pause has been taken already, which is how it showed that the session ran.
    pub(super) fn paused_anew(&mut self, turn: &mut Turn<'_>) {
        let read = self.read(turn);
        if let Some(case) = &mut self.case {
            case.unconfirm(Some(true));
        }
        self.phase = Phase::Pausing(Pausing::taken(read, turn.now.mono + FIRST));
    }

    /// Somebody else resumed a session that we hold: it is paused again, loudly.
    pub(super) fn resumed_by_others(&mut self, turn: &mut Turn<'_>) {
        self.pause_anew(turn, None);
        self.tell_resumed(turn);
    }

    fn tell_resumed(&mut self, turn: &mut Turn<'_>) {
        let note = format!("somebody else resumed the session; paused again ({})", turn.now.wall.strftime("%H:%M:%SZ"));
        if let Some(case) = &mut self.case {
            case.mark_late("somebody else resumed the session while it was held");
            case.note(note.clone());
        }
        self.notice(turn, note);
        self.record(turn, Entry::Revised);
        self.publish(turn);
    }

    /// A `resumed` event while the session is held, or a rule that fires. It may be old news of our own resume, or of a step
    /// that was in flight, so the pause goes out first and its answer tells: accepted means that the session really ran.
    pub(super) fn suspect(&mut self, turn: &mut Turn<'_>) {
        let call = self.name_call();
        turn.out.push(Effect::Pause { call });
        self.suspicions.insert(call);
    }

    pub(super) fn suspicion_answered(&mut self, turn: &mut Turn<'_>, answer: &Answer) {
        if self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question) {
            return; // Sent for an earlier hold: what it stopped is asked about after the question.
        }
        match answer {
            Answer::Pause(Ok(PauseAnswer::Accepted)) => self.it_ran(turn),
            Answer::Pause(Err(_)) => self.it_may_run(turn),
            Answer::Pause(Ok(PauseAnswer::AlreadyPaused))
            | Answer::Act(_)
            | Answer::Read(_)
            | Answer::Screenshot(_) => (),
        }
    }

    /// The pause that looked whether a held session runs was accepted: it ran, and this pause is ours.
    fn it_ran(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) => {
                self.abort_check(turn);
                self.paused_anew(turn);
                self.tell_resumed(turn);
            }
            Phase::Recording(_) => self.spoil("somebody else resumed the session"),
            Phase::Kept(_) => {
                self.paused_anew(turn);
                self.reopen_kept(turn);
            }
            // It ran, and is being paused again already: by this pause.
            Phase::Pausing(_) => {
                if let Some(case) = &mut self.case {
                    case.kept.owned = Some(true);
                }
            }
            Phase::Watching | Phase::Asking(_) | Phase::Delivering(_) | Phase::Cancelling(_) | Phase::Over => (),
        }
    }

    /// That pause failed or its result is unknown: it is repeated until the provider confirms.
    fn it_may_run(&mut self, turn: &mut Turn<'_>) {
        let owned = self.case.as_ref().and_then(|case| case.kept.owned);
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) => {
                self.abort_check(turn);
                self.pause_anew(turn, owned);
                self.record(turn, Entry::Revised);
                self.publish(turn);
            }
            Phase::Recording(_) => self.spoil("it is unknown whether the session still pauses"),
            // Being paused again already; "paused already" may be because of the one whose result is unknown.
            Phase::Pausing(ref mut pausing) => pausing.may_be_ours = true,
            Phase::Watching
            | Phase::Asking(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_) // The next poll tells.
            | Phase::Over => (),
        }
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

/// Whether a pause took effect, or may have.
fn may_have_arrived(result: &Result<PauseAnswer, ApiError>) -> bool {
    match result {
        Ok(PauseAnswer::Accepted) => true,
        Ok(PauseAnswer::AlreadyPaused) => false,
        Err(error) => matches!(error.class, ErrorClass::Unknown { .. }),
    }
}

/// Whether an event of a held session may mean that it runs.
pub(super) fn hints_at_running(event: &Event, verdict: &Verdict) -> bool {
    event.kind == EventKind::Resumed || verdict.effect > crate::policy::Effect::Alert
}
