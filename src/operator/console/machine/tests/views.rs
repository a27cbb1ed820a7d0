//! The cards that the tests ask about.

use crate::control::fixtures::{open, revised};
use crate::control::{Act, ApprovalView, State};
use crate::gate::{Card, Hold, Revision};

pub(super) fn buying() -> ApprovalView {
    open(1, "Clicking 'Place your order'")
}

pub(super) fn with(change: impl FnOnce(&mut Card)) -> ApprovalView {
    revised(&buying(), change)
}

pub(super) fn draft(n: u8) -> ApprovalView {
    let view = revised(&open(n, "Buying"), |card| {
        card.revision = Revision(0);
        card.hold = Hold::NotYetPaused;
    });
    ApprovalView { state: State::Draft, ..view }
}

pub(super) fn deny(reason: Option<&str>) -> Act {
    Act::Deny { reason: reason.map(str::to_owned) }
}
