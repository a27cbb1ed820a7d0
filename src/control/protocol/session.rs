//! Watched sessions as clients see them, and what an operator may do to one without being asked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OperatorName;
use crate::api::SessionId;
use crate::gate::{ApprovalId, EventLine};

/// One watched session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    pub session: SessionId,
    /// The agent's name, untrusted.
    pub agent: Option<String>,
    /// Its goal, untrusted.
    pub goal: Option<String>,
    /// What we do with it.
    pub state: SessionState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Whether it stands still, and why.
    pub standing: Stillness,
    /// Whether its events are seen.
    pub sight: Sight,
    /// How many events were evaluated since it was taken up.
    pub events: u64,
    /// The newest of them that the agent reported; its text is cut.
    pub last: Option<EventLine>,
    /// The approval that is open for it.
    pub approval: Option<ApprovalId>,
}

/// What we do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It acts, or may, and is watched.
    Watching,
    /// It is watched, and no task of it runs: there is nothing to pause.
    Idle,
    /// It is watched, and its agent waits for an answer that nobody here is asked for.
    Waiting,
    /// A pause was asked for, and is not confirmed.
    Pausing,
    /// It is paused by us, or stays paused by others, and an operator is asked.
    Held,
    /// The agent waits for an answer that an operator is asked for.
    Asking,
    /// It is paused by a rule that lets it go on by itself.
    Cooling,
    /// It is being let go: the last look, the record, the call.
    Releasing,
    /// It is being cancelled.
    Cancelling,
    /// It stays paused after its approval ended.
    Kept,
    /// It is over.
    Over,
}

impl SessionState {
    /// The word that clients show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Pausing => "pausing",
            Self::Held => "held",
            Self::Asking => "asking",
            Self::Cooling => "cooling",
            Self::Releasing => "releasing",
            Self::Cancelling => "cancelling",
            Self::Kept => "kept paused",
            Self::Over => "over",
        }
    }
}

/// Whether a session stands still, and why. While everything is stopped, that nothing runs has been seen since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stillness {
    /// It is paused, and the provider has confirmed it.
    Paused,
    /// Nothing in it runs: no task, or the agent waits for an answer. While everything is stopped it is paused as soon as it
    /// begins to act.
    NothingRuns,
    /// It acts, or may; or everything is stopped, and it was not looked at since.
    NotYet,
}

/// Whether a session's events are seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "sight", rename_all = "snake_case")]
pub enum Sight {
    /// They are not read yet: its watcher waits for its turn. The time of `blind_after` runs already.
    NotYet,
    /// They are.
    Seen,
    /// They are not.
    Blind {
        /// Since when.
        since: Timestamp,
        /// Why, escaped.
        why: String,
    },
}

/// What an operator wants of a session, recorded like everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOrder {
    /// Which session.
    pub session: SessionId,
    /// What.
    pub act: SessionAct,
    /// Why, as typed; at most 10 000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An operator's act on a session. None of them releases: letting a session go on takes an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionAct {
    /// Pause it and open an approval, as if a rule had asked.
    Pause,
    /// End its task. An open approval is denied by it.
    Cancel,
    /// Open an approval for a session that stays paused after its approval ended, so that it can be let go.
    Ask,
}

/// What became of a session order that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionDone {
    /// The approval that stands for it: opened, already open, or ended by it; null where there was nothing to do.
    pub approval: Option<ApprovalId>,
    /// What was done, in a sentence, escaped.
    pub what: String,
}

/// The kill switch is on: every watched session that acts, or may, is paused at once, and one in which nothing runs as soon as
/// it begins to act; no deadline runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Halt {
    /// Who stopped everything.
    pub by: OperatorName,
    /// When.
    pub at: Timestamp,
    /// Why, as typed.
    pub reason: Option<String>,
}
