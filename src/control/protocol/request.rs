//! Bodies of the local API's requests and answers that are nothing but bodies.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DaemonInfo, Nonce, Presence, SessionState, Sight, Snapshot, State, You, strict};
use crate::gate::{Digest, Revision};

/// Which card was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its revision.
    #[serde(deserialize_with = "strict::whole")]
    pub revision: Revision,
    /// Its digest.
    pub digest: Digest,
}

/// What a decision on the card that was drawn has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presented {
    /// The nonce.
    pub nonce: Nonce,
}

/// A picture that was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// Where, on the daemon's machine.
    #[schema(value_type = String)]
    pub path: PathBuf,
}

/// Why somebody does something of their own accord.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// As typed; at most 10 000 characters, and white space alone counts as no reason.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub reason: Option<String>,
}

/// The configuration was read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// What changed, in a sentence.
    pub what: String,
}

/// How things stand, without the things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Who asks.
    pub you: You,
    /// What the daemon is.
    pub daemon: DaemonInfo,
    /// Who is attached, by name.
    pub operators: Vec<Presence>,
    /// How many approvals have no outcome.
    pub pending: u64,
    /// When the oldest of them was opened.
    pub oldest: Option<Timestamp>,
    /// How many sessions are watched.
    pub sessions: u64,
    /// How many of them do not act because of us.
    pub held: u64,
    /// How many of them are not followed yet: their watchers wait for their turn.
    pub unfollowed: u64,
    /// How many of them cannot be seen.
    pub blind: u64,
}

impl Status {
    /// Counts.
    #[must_use]
    pub fn of(snapshot: Snapshot, you: You) -> Self {
        let unfollowed = snapshot.unfollowed();
        let Snapshot { approvals, sessions, operators, daemon, seq: _ } = snapshot;
        let open = approvals.iter().filter(|view| !matches!(view.state, State::Ended { .. }));
        let holds = |state| match state {
            SessionState::Pausing
            | SessionState::Held
            | SessionState::Asking
            | SessionState::Cooling
            | SessionState::Releasing
            | SessionState::Kept => true,
            SessionState::Watching
            | SessionState::Idle
            | SessionState::Waiting
            | SessionState::Cancelling
            | SessionState::Over => false,
        };
        Self {
            you,
            daemon,
            operators,
            pending: open.clone().count() as u64,
            oldest: open.map(|view| view.card.opened_at).min(),
            sessions: sessions.len() as u64,
            held: sessions.iter().filter(|session| holds(session.state)).count() as u64,
            unfollowed,
            blind: sessions.iter().filter(|session| matches!(session.sight, Sight::Blind { .. })).count() as u64,
        }
    }
}
