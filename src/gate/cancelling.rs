//! Cancelling: the task is ended, again and again while the session stays, and the session deleted if nothing else helps.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event};
use crate::policy::Verdict;

use super::held::Poll;
use super::opening::holds;
use super::phase::{Phase, back_off};
use super::{Answer, CallId, Delivery, Effect, Gate, Observed, Turn};

const FIRST: Duration = Duration::from_millis(200);
const MOST: Duration = Duration::from_secs(30);
const CANCELS_MOST: u32 = 5;

/// A cancellation under way.
#[derive(Debug)]
pub(super) struct Cancelling {
    call: Option<CallId>,
    read: Option<CallId>,
    attempts: u32,
    /// How many attempts reached the provider and did not end the task. An outage is no reason to delete a session.
    failures: u32,
    /// When it is tried again, on the monotonic clock.
    pub again_at: Option<Duration>,
    last_error: Option<String>,
    deleting: bool,
}

impl Gate {
    /// Sends the cancellation. Every repetition pauses as well.
    pub(super) fn start_cancelling(&mut self, turn: &mut Turn<'_>) {
        self.rest_ends();
        let call = self.name_call();
        turn.out.push(Effect::Cancel { call });
        self.phase = Phase::Cancelling(Cancelling {
            call: Some(call),
            read: None,
            attempts: 1,
            failures: 0,
            again_at: None,
            last_error: None,
            deleting: false,
        });
    }

    pub(super) fn cancelling_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Phase::Cancelling(cancelling) = &mut self.phase else { return };
        match answer {
            Answer::Act(result) if cancelling.call == Some(call) => {
                cancelling.call = None;
                cancelling.last_error = result.as_ref().err().map(ToString::to_string);
                cancelling.failures += u32::from(reached(result));
                let wait = back_off(cancelling.attempts - 1, FIRST, MOST);
                cancelling.again_at = Some(turn.now.mono + wait);
                let read = self.read(turn);
                if let Phase::Cancelling(cancelling) = &mut self.phase {
                    cancelling.read = Some(read);
                }
            }
            Answer::Read(result) if cancelling.read == Some(call) => {
                cancelling.read = None;
                self.cancel_read(turn, result);
            }
            Answer::Act(_) | Answer::Read(_) | Answer::Pause(_) | Answer::Screenshot(_) => (),
        }
    }

    /// A pause of ours arrived after the task could have ended, or the agent was seen to act: a look that is older confirms no
    /// end.
    pub(super) fn look_again_for_end(&mut self, turn: &mut Turn<'_>) {
        let Phase::Cancelling(Cancelling { read: Some(_), .. }) = &self.phase else { return };
        let read = self.read(turn);
        if let Phase::Cancelling(cancelling) = &mut self.phase {
            cancelling.read = Some(read);
        }
    }

    fn cancel_read(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        let Phase::Cancelling(cancelling) = &self.phase else { return };
        let deleting = cancelling.deleting;
        match result {
            Ok(seen) if seen.has_ended() => {
                let over = seen.is_over();
                self.cancel_end(turn, Delivery::Applied, "cancelled, confirmed");
                self.begins_to_rest(turn, seen);
                if over {
                    self.phase = Phase::Over;
                }
            }
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => {
                let detail =
                    if deleting { "cancel kept failing: the session was deleted" } else { "the session is gone" };
                self.cancel_end(turn, Delivery::Applied, detail);
                self.phase = Phase::Over;
            }
            Ok(_) | Err(_) => (), // The next attempt is armed already.
        }
    }

    pub(super) fn cancelling_tick(&mut self, turn: &mut Turn<'_>) {
        let Phase::Cancelling(cancelling) = &self.phase else { return };
        let (failures, deleting) = (cancelling.failures, cancelling.deleting);
        let why = cancelling.last_error.clone().unwrap_or_else(|| "the session did not end".to_owned());
        if failures < CANCELS_MOST {
            return self.cancel_again(turn);
        }
        if !deleting {
            self.notice(turn, format!("cancel failed {failures} times: {why}"));
            if !self.settings.delete_when_cancel_fails {
                return self.cancel_end(turn, Delivery::Failed, "cancel failed: left paused");
            }
        }
        self.delete(turn, failures, &why);
    }

    /// Pauses and cancels once more: repeating either is safe.
    fn cancel_again(&mut self, turn: &mut Turn<'_>) {
        let pause = self.name_call();
        let call = self.name_call();
        turn.out.push(Effect::Pause { call: pause });
        turn.out.push(Effect::Cancel { call });
        self.cancel_sent(call, false);
    }

    fn delete(&mut self, turn: &mut Turn<'_>, failures: u32, why: &str) {
        let call = self.name_call();
        turn.out.push(Effect::Delete { call });
        self.cancel_sent(call, true);
        if failures > CANCELS_MOST + 2 {
            let detail = format!("neither cancel nor delete succeeded yet: {why}");
            self.delivered(turn, Delivery::Applying, &detail);
        }
    }

    fn cancel_sent(&mut self, call: CallId, deleting: bool) {
        if let Phase::Cancelling(cancelling) = &mut self.phase {
            cancelling.call = Some(call);
            cancelling.attempts = cancelling.attempts.saturating_add(1);
            cancelling.again_at = None;
            cancelling.deleting = deleting;
        }
    }

    pub(super) fn cancel_end(&mut self, turn: &mut Turn<'_>, delivery: Delivery, detail: &str) {
        self.delivered(turn, delivery, detail);
        match delivery {
            Delivery::Failed => {
                self.phase = Phase::Kept(Poll::start(turn.now.mono, self.settings.hold_poll));
                self.keep(turn);
            }
            Delivery::Applying | Delivery::Applied | Delivery::Unknown => {
                self.case = None;
                self.phase = Phase::Watching;
            }
        }
    }

    /// A rule that fires on a task that is being ended stops it at least.
    pub(super) fn seen_cancelling(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if holds(event, verdict) {
            let call = self.name_call();
            turn.out.push(Effect::Pause { call });
        }
        self.overlooked(turn, event, verdict);
    }
}

/// Whether the provider took the call in, whatever it made of it.
fn reached(result: &Result<(), ApiError>) -> bool {
    let Err(error) = result else { return true };
    match error.class {
        ErrorClass::Unreachable { .. } | ErrorClass::RateLimited { .. } | ErrorClass::Auth { .. } => false,
        ErrorClass::NotFound { .. }
        | ErrorClass::AlreadyPaused
        | ErrorClass::NotPaused
        | ErrorClass::Refused { .. }
        | ErrorClass::Unknown { .. } => true,
    }
}
