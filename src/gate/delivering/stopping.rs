//! An operator stops a session while its release is under way.

use super::super::directed::Stop;
use super::super::phase::Phase;
use super::super::{Delivery, Gate, Turn};
use super::Step;

impl Gate {
    /// What has not left does not leave any more. Where it may have, the session is paused again and somebody is asked.
    pub(in crate::gate) fn stop_delivering(&mut self, turn: &mut Turn<'_>, stop: &Stop) {
        let Phase::Delivering(delivering) = &self.phase else { return };
        let unsent = match delivering.step {
            Step::Messaging(_) | Step::LookingForEcho(_) => delivering.resumes,
            Step::MessageAgain | Step::ResumeAgain(_) | Step::LookingAgain(_) => true,
            Step::Resuming(_) | Step::Verifying(_) | Step::Recovering(_) => false,
        };
        let proven = delivering.ran;
        if unsent {
            return self.not_delivered(turn, Delivery::Failed, "stopped by an operator before it was delivered");
        }
        let (delivery, detail) = if proven {
            (Delivery::Applied, "resumed, and stopped by an operator")
        } else {
            (Delivery::Unknown, "stopped by an operator before it was known whether it arrived")
        };
        self.deliver_end(turn, delivery, detail);
        self.open_hold(turn, &stop.event(), &stop.verdict());
        if let Some(case) = self.case.as_mut().filter(|_| !proven) {
            // The resume may be on its way or lost: a session found paused may still be so because of us.
            case.owning = case.owning.in_doubt();
        }
    }
}
