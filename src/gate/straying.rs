//! Straying: a pause of ours whose answer is lost, and which takes effect after its reason has ended.
//!
//! A request that was given up may still be on its way, through the release of its hold and through a restart. Nobody can
//! call it back; but what shows that a session is paused soon after, where nothing is held, may be its doing, and then nobody
//! else will resume the session. So somebody is asked, on a card that says that the pause is in doubt.
//!
//! A `paused` event may also be late and speak of the hold before. It does not where the event of that hold had come, or the
//! one of the resume after it; otherwise the state is read. It is read as well where the watcher tells that the session is
//! paused, and once more when nothing can be on its way any more, because events may be lost. Resumes nothing.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind, Status, StatusClass};
use crate::clock::Moment;

use super::owning::Arrival;
use super::phase::Phase;
use super::{Answer, CallId, Gate, Proof, Subject, Turn};

/// How long a request that was given up may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(120);

/// What may still come of pauses of which no answer tells.
#[derive(Debug, Default)]
pub(super) struct Straying {
    /// Until when one may take effect, on the monotonic clock.
    until: Option<Duration>,
    /// Whether the state is read once that time is over.
    looks_last: bool,
    /// Whether the `paused` event of the hold that was released last has come: the next one speaks of another pause.
    pause_heard: bool,
    /// When the next look is due, on the monotonic clock.
    next: Option<Duration>,
    /// The look under way.
    look: Option<CallId>,
}

impl Straying {
    /// Whether a pause of ours may take effect still of which no answer tells: what is "paused already" may be its doing.
    pub(super) fn may_come(&self, now: Moment) -> bool {
        self.until.is_some_and(|until| now.mono < until)
    }

    fn is_over(&mut self) {
        (self.until, self.looks_last, self.next, self.look) = (None, false, None, None);
    }
}

impl Gate {
    /// Begins where an earlier process may have sent a pause that is on its way still, and of which nothing was kept; called
    /// before any input. This process began at `began` on the monotonic clock; what shows a pause in its first two minutes is
    /// asked about.
    pub fn begin_after_another(&mut self, began: Duration) {
        self.straying.until = Some(began + ON_ITS_WAY);
    }

    /// A pause may be on its way of which no answer tells: one that was given up, or one of the process before.
    pub(super) fn pause_lost(&mut self, now: Moment) {
        self.straying.until = Some(now.mono + ON_ITS_WAY);
        self.straying.looks_last = true;
    }

    pub(super) fn note_lost(&mut self, now: Moment, answer: &Answer) {
        if let Answer::Pause(result) = answer
            && Arrival::of(result) == Arrival::Unknown
        {
            self.pause_lost(now);
        }
    }

    /// A hold begins, or stands: a pause that takes effect while it does is no stray one.
    pub(super) fn stray_no_more(&mut self, now: Moment) {
        // A question holds nothing, whatever phase its answer is in.
        let asks = self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question);
        if asks || self.is_unheld() || matches!(self.phase, Phase::Delivering(_)) {
            return;
        }
        (self.straying.next, self.straying.look) = (None, None);
        if !self.straying.may_come(now) {
            self.straying.is_over();
        }
    }

    /// A pause of ours leaves for a session that runs: its event is still to come.
    pub(super) fn pauses_anew(&mut self) {
        self.straying.pause_heard = false;
    }

    /// What the stream says of a pause. Where something is held it speaks of that.
    pub(super) fn may_have_strayed(&mut self, now: Moment, event: &Event) {
        if event.kind != EventKind::Paused {
            return;
        }
        let hidden = self.case.as_ref().is_some_and(|case| case.kept.proof == Some(Proof::Event));
        let unheld = match self.phase {
            // Where statuses show pauses, verifying the release finds it.
            Phase::Delivering(ref delivering) => hidden && delivering.may_run(),
            Phase::Watching
            | Phase::Asking(_)
            | Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => self.is_unheld(),
        };
        let of_before = self.resume_unheard && !self.straying.pause_heard;
        if !unheld {
            self.straying.pause_heard = true;
        } else if self.straying.may_come(now) && of_before {
            self.straying.next = Some(now.mono);
        } else if self.straying.may_come(now) {
            self.strayed();
        }
    }

    /// The watcher tells a status: one that shows a pause where nothing is held is looked into.
    pub(super) fn may_show_a_stray(&mut self, now: Moment, status: &Status) {
        if status.class() == StatusClass::Paused && self.is_unheld() && self.straying.may_come(now) {
            self.straying.next = Some(now.mono);
        }
    }

    /// When the next look is due; while something is held, that has looks of its own.
    pub(super) fn stray_due(&self) -> Option<Duration> {
        let Straying { until, looks_last, next, look, .. } = &self.straying;
        let last = until.filter(|_| *looks_last);
        next.or(last).filter(|_| look.is_none() && matches!(self.phase, Phase::Watching))
    }

    pub(super) fn stray_tick(&mut self, turn: &mut Turn<'_>) {
        if self.stray_due().is_some_and(|due| due <= turn.now.mono) {
            let call = self.read(turn);
            self.straying.look = Some(call);
            self.straying.next = None;
        }
    }

    /// A look was answered, and nothing is held.
    pub(super) fn stray_answered(&mut self, now: Moment, call: CallId, answer: &Answer) {
        let Answer::Read(result) = answer else { return };
        if self.straying.look != Some(call) {
            return;
        }
        self.straying.look = None;
        match result {
            Ok(seen) if seen.is_paused() && self.is_unheld() => self.strayed(),
            Ok(_) if self.straying.may_come(now) => (),
            Ok(_) => self.straying.is_over(),
            // The watcher tells whether it is gone.
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => self.straying.is_over(),
            Err(_) => self.straying.next = Some(now.mono + self.settings.hold_poll),
        }
    }

    /// One has landed. There may be another: one of the process before, and one that was given up since.
    fn strayed(&mut self) {
        (self.straying.next, self.straying.look) = (None, None);
        self.stray = self.stray.max(Some(Arrival::Unknown));
    }

    /// Whether nothing is held or about to be, so that a pause would stop a session about which nobody is asked.
    fn is_unheld(&self) -> bool {
        match self.phase {
            Phase::Watching | Phase::Asking(_) => true,
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => false,
        }
    }

    /// Whether it is not known yet that nothing strays.
    #[cfg(test)]
    pub(super) fn looks_for_strays(&self) -> bool {
        self.stray_due().is_some() || self.straying.look.is_some()
    }
}
