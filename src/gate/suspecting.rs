//! Suspecting: a held session that somebody else may have resumed is paused again first, and the answer tells whether it ran.
//!
//! Never takes a hint for a proof: what ran is paused again, loudly, and asked about anew.

use crate::api::{Event, EventKind, PauseAnswer};
use crate::policy::Verdict;

use super::owning::Stirred;
use super::pausing::Since;
use super::phase::Phase;
use super::{Answer, CallId, Effect, Entry, Gate, Subject, Turn};

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

    /// What the stream says of pauses and resumes, whatever else follows from it. A `resumed` event names nobody: it is
    /// somebody else's unless it is older than the hold, or a resume is known that it can speak of. A `paused` event comes
    /// after the events of the resumes before it.
    pub(super) fn hear(&mut self, turn: &mut Turn<'_>, event: &Event) {
        if event.kind == EventKind::Paused {
            self.paused_heard = self.next_call();
        }
        let known = match event.kind {
            EventKind::Paused | EventKind::Resumed => std::mem::take(&mut self.resume_unheard),
            EventKind::Step
            | EventKind::Thought
            | EventKind::Question
            | EventKind::Done
            | EventKind::Error
            | EventKind::Log
            | EventKind::Unknown(_) => return,
            EventKind::User => return self.hear_message(turn, event),
        };
        let next = self.next_call();
        let Some(case) = self.case.as_mut().filter(|case| case.card().subject == Subject::Hold) else { return };
        if known || event.kind == EventKind::Paused || event.id.is_some_and(|id| id <= case.held_since) {
            return;
        }
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) | Phase::Kept(_) => {
                case.resumed(next);
                self.record(turn, Entry::Revised); // The answer may find another process.
            }
            Phase::Recording(_) => case.resumed(next), // Spoiled.
            Phase::Delivering(ref delivering) if !delivering.may_run() => case.resumed(next),
            // No pause looks: the one that is repeated does, at once, because what was sent before may be spent.
            Phase::Pausing(_) => {
                case.resumed(next);
                let ours = case.kept.owned == Some(true);
                case.paused_by_somebody();
                if ours {
                    self.may_be_anothers(turn);
                }
                self.pause_again(turn);
            }
            Phase::Delivering(_) | Phase::Watching | Phase::Asking(_) | Phase::Cancelling(_) | Phase::Over => (),
        }
    }

    /// A message to a held session may begin another task, where somebody ended the one that was held between two looks, and
    /// whoever sent it may pause that before our pause does. An echo of our own comes while a release is delivered.
    fn hear_message(&mut self, turn: &mut Turn<'_>, event: &Event) {
        let next = self.next_call();
        let Some(case) = self.case.as_mut().filter(|case| case.card().subject == Subject::Hold) else { return };
        if event.id.is_some_and(|id| id <= case.held_since) {
            return;
        }
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) | Phase::Kept(_) => {
                case.messaged(next);
                self.record(turn, Entry::Revised); // The answer may find another process.
            }
            Phase::Recording(_) => case.messaged(next), // Spoiled.
            Phase::Pausing(_)
            | Phase::Delivering(_)
            | Phase::Watching
            | Phase::Asking(_)
            | Phase::Cancelling(_)
            | Phase::Over => (),
        }
    }

    /// Somebody else's doing was seen, and the session is paused: by whom cannot be told.
    fn may_be_anothers(&mut self, turn: &mut Turn<'_>) {
        let Some(case) = &mut self.case else { return };
        let done = case.owning.pending().unwrap_or(Stirred::Resumed).told();
        case.paused_by_somebody();
        let at = turn.now.wall.strftime("%H:%M:%SZ");
        let note = format!("somebody else {done}, and somebody may have paused it again ({at})");
        case.mark_late(&format!("somebody else {done} while it was held"));
        case.note(note.clone());
        self.notice(turn, note);
    }

    /// The pause that followed somebody else's resume found the session paused: that hold is not known to be ours.
    fn it_was_paused_again(&mut self, turn: &mut Turn<'_>) {
        self.abort_check(turn);
        self.may_be_anothers(turn);
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) => {
                if let Some(case) = &mut self.case {
                    case.show_owner(turn.now.wall);
                }
                self.record(turn, Entry::Revised);
                self.changed(turn);
            }
            // Spoiled by the event, and nothing goes out.
            Phase::Recording(_)
            | Phase::Kept(_) // Stays as it is; whoever resumed it is told of.
            | Phase::Pausing(_)
            | Phase::Checking(_)
            | Phase::Watching
            | Phase::Asking(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Over => (),
        }
    }

    /// A `resumed` event while the session is held, or a rule that fires. It may be old news of our own resume, or of a step
    /// that was in flight, so the pause goes out first and its answer tells: accepted means that the session really ran.
    pub(super) fn suspect(&mut self, turn: &mut Turn<'_>) {
        let call = self.name_call();
        turn.out.push(Effect::Pause { call });
        self.suspicions.insert(call);
    }

    pub(super) fn suspicion_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        if self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question) {
            return; // Sent for an earlier hold: what it stopped is asked about after the question.
        }
        match answer {
            Answer::Pause(Ok(PauseAnswer::Accepted)) => self.it_ran(turn, call),
            Answer::Pause(Ok(PauseAnswer::InDoubt) | Err(_)) => self.it_may_run(turn),
            Answer::Pause(Ok(PauseAnswer::AlreadyPaused)) if self.stirred_meanwhile() => self.it_was_paused_again(turn),
            Answer::Pause(Ok(PauseAnswer::AlreadyPaused))
            | Answer::Act(_)
            | Answer::Read(_)
            | Answer::Screenshot(_) => (),
        }
    }

    /// The pause that looked whether a held session runs was accepted: it ran, and this pause is ours, unless a resume was
    /// heard after it had left.
    fn it_ran(&mut self, turn: &mut Turn<'_>, call: CallId) {
        // Once its `paused` event has come, before its answer, the event of the resume before it has come or never will.
        self.resume_unheard |= !self.stirred_meanwhile() && call >= self.paused_heard;
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) => {
                self.abort_check(turn);
                self.paused_anew(turn, call);
                self.tell_resumed(turn);
            }
            Phase::Recording(_) => {
                if let Some(case) = &mut self.case {
                    case.ran_until(call);
                }
                self.spoil("somebody else resumed the session");
            }
            Phase::Kept(_) => {
                self.paused_anew(turn, call);
                self.reopen_kept(turn);
            }
            // It ran, and is being paused again already: by this pause.
            Phase::Pausing(_) => {
                if let Some(case) = &mut self.case {
                    case.ran_until(call);
                }
            }
            Phase::Watching | Phase::Asking(_) | Phase::Delivering(_) | Phase::Cancelling(_) | Phase::Over => (),
        }
    }

    /// Says the doubt where nothing repeats the pause that looked.
    fn doubt_resumed(&mut self, turn: &mut Turn<'_>) {
        if self.stirred_meanwhile() {
            self.may_be_anothers(turn);
        }
    }

    /// That pause failed or its result is unknown: it is repeated until the provider confirms.
    fn it_may_run(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Checking(_) => {
                self.abort_check(turn);
                let since = if self.stirred_meanwhile() { Since::Perhaps } else { Since::Before };
                self.pause_anew(turn, since);
                self.record(turn, Entry::Revised);
                self.publish(turn);
            }
            Phase::Recording(_) => {
                self.spoil("it is unknown whether the session still pauses");
                self.doubt_resumed(turn);
            }
            // Whether it runs, the next poll tells, or the pause that is being repeated.
            Phase::Kept(_) | Phase::Pausing(_) => self.doubt_resumed(turn),
            Phase::Watching | Phase::Asking(_) | Phase::Delivering(_) | Phase::Cancelling(_) | Phase::Over => (),
        }
    }
}

/// Whether an event of a held session may mean that it runs: a message may give it another task, where somebody ended the one
/// that was held.
pub(super) fn hints_at_running(event: &Event, verdict: &Verdict) -> bool {
    matches!(event.kind, EventKind::Resumed | EventKind::User) || verdict.effect > crate::policy::Effect::Alert
}
