//! From what became of an approval to an exit code. Pure.

use crate::control::{ApprovalView, State};
use crate::error::Exit;
use crate::gate::{Delivery, Outcome};

/// Whether nothing more is to come of it.
pub fn is_settled(view: &ApprovalView) -> bool {
    match &view.state {
        State::Draft | State::Open | State::Deciding { .. } => false,
        State::Ended { delivery, .. } => is_delivered(*delivery),
    }
}

fn is_delivered(delivery: Delivery) -> bool {
    match delivery {
        Delivery::Applying => false,
        Delivery::Applied | Delivery::Failed | Delivery::Unknown => true,
    }
}

/// What a decision that meant `meant` exits with; `None` is success. `patient` says whether the delivery was waited for.
pub fn decided(view: &ApprovalView, meant: Outcome, patient: bool) -> Option<Exit> {
    let State::Ended { outcome, delivery, .. } = &view.state else { return Some(Exit::NotDelivered) };
    match (*outcome == meant, outcome, delivery) {
        (true, _, Delivery::Applied) => None,
        (true, _, Delivery::Applying) if !patient => None,
        (true, _, Delivery::Applying | Delivery::Failed | Delivery::Unknown) => Some(Exit::NotDelivered),
        (false, Outcome::Expired, _) => Some(Exit::Expired),
        (false, Outcome::Approved | Outcome::Denied | Outcome::Withdrawn, _) => Some(Exit::DecidedOtherwise),
    }
}

/// Whether `wait` has what it waits for: an outcome, and for an approval also what became of it.
pub fn is_waited(view: &ApprovalView) -> bool {
    match &view.state {
        State::Draft | State::Open | State::Deciding { .. } => false,
        State::Ended { outcome: Outcome::Approved, delivery, .. } => is_delivered(*delivery),
        State::Ended { outcome: Outcome::Denied | Outcome::Expired | Outcome::Withdrawn, .. } => true,
    }
}

/// What `wait` exits with; `None` is success.
pub fn waited(view: &ApprovalView) -> Option<Exit> {
    let State::Ended { outcome, delivery, .. } = &view.state else { return Some(Exit::TimedOut) };
    match (outcome, delivery) {
        (Outcome::Approved, Delivery::Applied) => None,
        (Outcome::Approved, Delivery::Applying) => Some(Exit::TimedOut),
        (Outcome::Approved, Delivery::Failed | Delivery::Unknown) => Some(Exit::NotDelivered),
        (Outcome::Denied, _) => Some(Exit::WaitedDenied),
        (Outcome::Expired, _) => Some(Exit::WaitedExpired),
        (Outcome::Withdrawn, _) => Some(Exit::WaitedWithdrawn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{by, ended, open};

    fn view(outcome: Outcome, delivery: Delivery) -> ApprovalView {
        ended(&open(1, "x"), outcome, by("ana", None), delivery, "")
    }

    #[test]
    fn a_decision_succeeds_only_as_it_was_meant_and_delivered() {
        use Delivery::{Applied, Applying, Failed, Unknown};
        use Outcome::{Approved, Denied, Expired, Withdrawn};
        let table = [
            (Approved, Applied, None),
            (Approved, Applying, Some(Exit::NotDelivered)),
            (Approved, Failed, Some(Exit::NotDelivered)),
            (Approved, Unknown, Some(Exit::NotDelivered)),
            (Denied, Applied, Some(Exit::DecidedOtherwise)),
            (Withdrawn, Applied, Some(Exit::DecidedOtherwise)),
            (Expired, Applied, Some(Exit::Expired)),
        ];
        for (outcome, delivery, exit) in table {
            assert_eq!(decided(&view(outcome, delivery), Approved, true), exit, "{outcome} {delivery}");
        }
        assert_eq!(decided(&view(Approved, Applying), Approved, false), None, "nobody wanted to wait");
        assert_eq!(decided(&view(Denied, Applied), Denied, true), None);
        assert_eq!(decided(&open(1, "x"), Approved, true), Some(Exit::NotDelivered));
    }

    #[test]
    fn waiting_ends_with_a_code_for_each_outcome_and_0_only_for_a_release_that_arrived() {
        use Delivery::{Applied, Applying, Failed, Unknown};
        use Outcome::{Approved, Denied, Expired, Withdrawn};
        let table = [
            (Approved, Applied, true, None),
            (Approved, Applying, false, Some(Exit::TimedOut)),
            (Approved, Failed, true, Some(Exit::NotDelivered)),
            (Approved, Unknown, true, Some(Exit::NotDelivered)),
            (Denied, Applying, true, Some(Exit::WaitedDenied)),
            (Denied, Failed, true, Some(Exit::WaitedDenied)),
            (Expired, Applied, true, Some(Exit::WaitedExpired)),
            (Withdrawn, Applied, true, Some(Exit::WaitedWithdrawn)),
        ];
        for (outcome, delivery, done, exit) in table {
            let view = view(outcome, delivery);
            assert_eq!((is_waited(&view), waited(&view)), (done, exit), "{outcome} {delivery}");
        }
        assert_eq!((is_waited(&open(1, "x")), waited(&open(1, "x"))), (false, Some(Exit::TimedOut)));
    }
}
