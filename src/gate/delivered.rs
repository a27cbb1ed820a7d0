//! What became of an outcome at the provider: it is written down and shown, and the session is watched again, or held anew.
//!
//! Sends no release. What is asked anew at the same session stands in `reopening`.

use crate::api::Event;
use crate::policy::Verdict;

use super::phase::Phase;
use super::{Delivery, Entry, Gate, Turn};

impl Gate {
    /// Writes down and shows what became of the outcome.
    pub(super) fn delivered(&mut self, turn: &mut Turn<'_>, delivery: Delivery, detail: &str) {
        let Some(closed) = self.case.as_mut().and_then(|case| case.kept.closed.as_mut()) else { return };
        if closed.delivery == delivery && closed.detail == detail {
            return;
        }
        closed.delivery = delivery;
        detail.clone_into(&mut closed.detail);
        self.record(turn, Entry::Delivered);
        self.publish(turn);
    }

    /// The release reached its end: the session is watched again.
    pub(super) fn deliver_end(&mut self, turn: &mut Turn<'_>, delivery: Delivery, detail: &str) {
        self.delivered(turn, delivery, detail);
        match delivery {
            Delivery::Applied => self.cover(turn),
            // Nobody's decision is why the session goes on, if it does.
            Delivery::Applying | Delivery::Failed | Delivery::Unknown => self.pass_no_more(),
        }
        self.case = None;
        self.phase = Phase::Watching;
    }

    /// The release reached its end, `proven` to have arrived or not, and the session is held anew at once for `event`.
    pub(super) fn deliver_end_and_hold(
        &mut self,
        turn: &mut Turn<'_>,
        proven: bool,
        detail: &str,
        event: &Event,
        verdict: &Verdict,
    ) {
        self.deliver_end(turn, if proven { Delivery::Applied } else { Delivery::Unknown }, detail);
        self.open_hold(turn, event, verdict);
        if let Some(case) = self.case.as_mut().filter(|_| !proven) {
            // The resume may be on its way or lost: a session found paused may still be so because of us.
            case.owning = case.owning.in_doubt();
        }
    }
}
