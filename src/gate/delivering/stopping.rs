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
        let detail = if proven {
            "resumed, and stopped by an operator"
        } else {
            "stopped by an operator before it was known whether it arrived"
        };
        self.deliver_end_and_hold(turn, proven, detail, &stop.event(), &stop.verdict());
    }
}
