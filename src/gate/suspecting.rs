//! Suspecting: a held session that somebody else may have resumed is paused again first, and the answer tells whether it ran.
//!
//! Never takes a hint for a proof: what ran is paused again, loudly, and asked about anew.

use crate::api::{Event, EventKind, PauseAnswer};
use crate::policy::Verdict;

use super::pausing::Since;
use super::phase::Phase;
use super::{Answer, Effect, Entry, Gate, Subject, Turn};

impl Gate {
    /// Somebody else resumed a session that we hold: it is paused again, loudly.
    pub(super) fn resumed_by_others(&mut self, turn: &mut Turn<'_>) {
        self.pause_anew(turn, Since::Now);
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
            Answer::Pause(Ok(PauseAnswer::InDoubt) | Err(_)) => self.it_may_run(turn),
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
            Phase::Pausing(_)
            | Phase::Watching
            | Phase::Asking(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Over => (),
        }
    }

    /// That pause failed or its result is unknown: it is repeated until the provider confirms.
    fn it_may_run(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) => {
                self.abort_check(turn);
                self.pause_anew(turn, Since::Before);
                self.record(turn, Entry::Revised);
                self.publish(turn);
            }
            Phase::Recording(_) => self.spoil("it is unknown whether the session still pauses"),
            Phase::Pausing(_) // Being paused again already.
            | Phase::Watching
            | Phase::Asking(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_) // The next poll tells.
            | Phase::Over => (),
        }
    }
}

/// Whether an event of a held session may mean that it runs.
pub(super) fn hints_at_running(event: &Event, verdict: &Verdict) -> bool {
    event.kind == EventKind::Resumed || verdict.effect > crate::policy::Effect::Alert
}
