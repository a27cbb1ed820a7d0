//! Straying: a pause of ours whose answer is lost, and which takes effect after its reason has ended.
//!
//! A request that was given up may still be on its way, through the release of its hold and through a restart. Nobody can
//! call it back; but a `paused` event that comes soon after, where nothing is held, may be its doing, and then nobody else
//! will resume the session. So somebody is asked, on a card that says that the pause is in doubt. Resumes nothing.

use std::time::Duration;

use crate::api::{Event, EventKind};
use crate::clock::Moment;

use super::owning::Arrival;
use super::phase::Phase;
use super::{Answer, Gate, Proof};

/// How long a request that was given up may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(120);

impl Gate {
    /// A pause may be on its way of which no answer tells: one that was given up, or one of the process before.
    pub(super) fn pause_lost(&mut self, now: Moment) {
        self.lost_until = Some(now.mono + ON_ITS_WAY);
    }

    pub(super) fn note_lost(&mut self, now: Moment, answer: &Answer) {
        if let Answer::Pause(result) = answer
            && Arrival::of(result) == Arrival::Unknown
        {
            self.pause_lost(now);
        }
    }

    /// What the stream says of a pause where nothing is held. While a resume of ours has not been heard of, it speaks of the
    /// hold before it.
    pub(super) fn may_have_strayed(&mut self, now: Moment, event: &Event) {
        let expected = event.kind == EventKind::Paused && !self.resume_unheard;
        if !expected || self.lost_until.is_none_or(|until| until <= now.mono) {
            return;
        }
        let hidden = self.case.as_ref().is_some_and(|case| case.kept.proof == Some(Proof::Event));
        let unheld = match self.phase {
            Phase::Watching | Phase::Asking(_) => true,
            // Where statuses show pauses, verifying the release finds it.
            Phase::Delivering(ref delivering) => hidden && delivering.may_run(),
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => false,
        };
        if unheld {
            self.lost_until = None;
            self.stray = self.stray.max(Some(Arrival::Unknown));
        }
    }
}
