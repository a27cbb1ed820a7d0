//! Doubting: one odd read ends nothing. A status can be stale right after a new task began, and a gateway can answer 404 for
//! a provider that is well; two reads that agree, some time apart, are believed. Never delays a pause.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass};

use super::phase::Phase;
use super::{ApprovalId, Gate, Observed, Turn};

/// How far apart two reads are that confirm each other.
pub(super) const APART: Duration = Duration::from_millis(500);

/// A read that would end what waits, and when it came first.
#[derive(Debug)]
pub(super) struct Doubt {
    /// What waited.
    approval: Option<ApprovalId>,
    odd: Odd,
    /// On the monotonic clock.
    since: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    /// No task seems to run.
    Ended,
    /// The provider seems not to know the session.
    Missing,
    /// Everything is stopped, and the agent seems to act although its question is open.
    Acts,
}

impl Gate {
    /// Whether a read would end what waits and has not been confirmed yet: it is to be read again.
    ///
    /// A lifecycle status that says that the session is over for good counts at once.
    pub(super) fn is_doubted(&mut self, turn: &Turn<'_>, result: &Result<Observed, ApiError>) -> bool {
        let odd = match result {
            Ok(seen) if seen.has_ended() && !seen.is_over() => Odd::Ended,
            Ok(seen) if self.acts_on(seen) => Odd::Acts,
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => Odd::Missing,
            Ok(_) => {
                self.doubt = None;
                return false;
            }
            Err(_) => return false, // Says nothing either way.
        };
        let now = turn.now.mono;
        let approval = self.case.as_ref().map(|case| case.id());
        match &self.doubt {
            Some(doubt) if doubt.approval == approval && doubt.odd == odd => now.saturating_sub(doubt.since) < APART,
            Some(_) | None => {
                self.doubt = Some(Doubt { approval, odd, since: now });
                true
            }
        }
    }

    /// Reads again as soon as that could confirm a doubt.
    pub(super) fn look_soon(&mut self, turn: &Turn<'_>) {
        let at = turn.now.mono + APART;
        match &mut self.phase {
            Phase::Settling(settling) => settling.look_at(at),
            Phase::Held(poll) | Phase::Cooling(poll) | Phase::Asking(poll) | Phase::Kept(poll) => poll.look_at(at),
            Phase::Checking(checking) => checking.again_at = Some(at),
            Phase::Pausing(_) // Reads after its next attempt, which is armed already.
            | Phase::Watching
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Over => (),
        }
    }
}
