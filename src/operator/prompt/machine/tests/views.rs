//! The cards that the tests ask about.

use crate::control::fixtures::{open, revised};
use crate::control::{Act, ApprovalView, State};
use crate::gate::{Revision, Subject};
use crate::policy::{Confirm, Risk};

pub(super) const NO: Act = Act::Deny { reason: None };

pub(super) fn buying() -> ApprovalView {
    open(1, "Buying")
}

pub(super) fn to_type() -> ApprovalView {
    revised(&buying(), |card| {
        card.confirm = Confirm::Type;
        card.risk = Risk::High;
    })
}

pub(super) fn question() -> ApprovalView {
    revised(&buying(), |card| {
        card.subject = Subject::Question;
        card.hold = crate::gate::Hold::None;
        card.then.answer = Some("Yes, go on".into());
    })
}

pub(super) fn draft() -> ApprovalView {
    let view = revised(&buying(), |card| card.revision = Revision(0));
    ApprovalView { state: State::Draft, ..view }
}
