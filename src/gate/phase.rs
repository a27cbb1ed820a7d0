//! Where a gate stands, and when it wants to be woken.

use std::time::Duration;

use crate::control::{EndedBy, OperatorName, SessionState};

use super::cancelling::Cancelling;
use super::deciding::Checking;
use super::delivering::Delivering;
use super::held::{Poll, Settling};
use super::pausing::Pausing;
use super::recording::Recording;

/// The phases of a gate. The case beside it says what the phase is about.
#[derive(Debug)]
pub(super) enum Phase {
    /// Nothing is held.
    Watching,
    /// A pause was asked for and is repeated until the provider confirms it.
    Pausing(Pausing),
    /// Paused; late events are collected before the card is complete.
    Settling(Settling),
    /// Paused, the card is complete, an operator is asked.
    Held(Poll),
    /// Paused until a rule's time is over.
    Cooling(Poll),
    /// The agent waits for an answer; an operator is asked.
    Asking(Poll),
    /// Somebody approved; the session is read once more.
    Checking(Checking),
    /// The approval is being made durable.
    Recording(Box<Recording>),
    /// The durable decision is carried out.
    Delivering(Delivering),
    /// The task is being ended.
    Cancelling(Cancelling),
    /// Paused for good by a decision; only watched over.
    Kept(Poll),
    /// The session is gone.
    Over,
}

impl Phase {
    pub fn due(&self) -> Option<Duration> {
        match self {
            Self::Watching | Self::Over => None,
            Self::Checking(checking) => checking.again_at,
            Self::Recording(recording) => recording.due,
            Self::Pausing(pausing) => pausing.again_at,
            Self::Settling(settling) => settling.due(),
            Self::Held(poll) | Self::Cooling(poll) | Self::Asking(poll) | Self::Kept(poll) => poll.due(),
            Self::Delivering(delivering) => delivering.wake_at,
            Self::Cancelling(cancelling) => cancelling.again_at,
        }
    }

    /// What clients are told of it; `None` where nothing is held, which says nothing of what the agent does.
    pub fn state(&self) -> Option<SessionState> {
        Some(match self {
            Self::Watching => return None,
            Self::Pausing(_) => SessionState::Pausing,
            Self::Settling(_) | Self::Held(_) => SessionState::Held,
            Self::Cooling(_) => SessionState::Cooling,
            Self::Asking(_) => SessionState::Asking,
            Self::Checking(_) | Self::Recording(_) | Self::Delivering(_) => SessionState::Releasing,
            Self::Cancelling(_) => SessionState::Cancelling,
            Self::Kept(_) => SessionState::Kept,
            Self::Over => SessionState::Over,
        })
    }

    /// The operator whose approval is being checked or recorded.
    pub fn decider(&self) -> Option<&OperatorName> {
        let by = match self {
            Self::Checking(checking) => &checking.by,
            Self::Recording(recording) => &recording.by,
            Self::Watching
            | Self::Pausing(_)
            | Self::Settling(_)
            | Self::Held(_)
            | Self::Cooling(_)
            | Self::Asking(_)
            | Self::Delivering(_)
            | Self::Cancelling(_)
            | Self::Kept(_)
            | Self::Over => return None,
        };
        match by {
            EndedBy::Operator { name, .. } => Some(name),
            EndedBy::Rule { .. } | EndedBy::Deadline | EndedBy::Session { .. } => None,
        }
    }
}

/// The pause before the next attempt: `first` doubled `attempt` times, at most `most`.
pub(super) fn back_off(attempt: u32, first: Duration, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(most)
}
