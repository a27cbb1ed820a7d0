//! What a client is told: all of it once, then every change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApprovalView, Halt, OperatorName, SessionView, Sight};
use crate::api::SessionId;
use crate::gate::{ApprovalId, Digest};

/// What an operator may do; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Observe,
    /// Decide, pause and cancel sessions, stop everything.
    Decide,
    /// Read the configuration again, end a stop of everything.
    Admin,
}

impl Role {
    /// The word in the configuration and in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Decide => "decide",
            Self::Admin => "admin",
        }
    }
}

/// The first thing a client is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// What the client names in its requests, so that what it was shown is known to be its own; dies with the connection.
    pub client: String,
    /// Who it speaks for.
    pub you: You,
    /// Everything there is; updates with a greater `seq` follow.
    pub snapshot: Snapshot,
}

/// Who a client speaks for, as the daemon sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct You {
    /// The Unix user.
    pub operator: OperatorName,
    /// What it may do.
    pub role: Role,
}

/// Everything a client needs to begin; updates with a greater `seq` follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The number of the last update that is contained in it.
    pub seq: u64,
    /// Open approvals and remembered ended ones, in the order in which they were opened.
    pub approvals: Vec<ApprovalView>,
    /// Watched sessions, by id.
    pub sessions: Vec<SessionView>,
    /// Who is attached, by name.
    pub operators: Vec<Presence>,
    /// What the daemon is.
    pub daemon: DaemonInfo,
}

impl Snapshot {
    /// How many sessions wait for their turn to be followed.
    #[must_use]
    pub fn unfollowed(&self) -> u64 {
        self.sessions.iter().filter(|session| session.sight == Sight::NotYet).count() as u64
    }
}

/// What the daemon is, and how it treats clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DaemonInfo {
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The provider's address, without credentials.
    pub provider: String,
    /// SHA-256 of the policy that is in force.
    pub policy: Digest,
    /// How many rules it has.
    pub rules: u64,
    /// Whether everything is stopped.
    pub halt: Option<Halt>,
    /// Numbers for prompts.
    pub settings: ClientSettings,
}

impl Default for DaemonInfo {
    /// This program, watching nothing.
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            provider: String::new(),
            policy: Digest::ZERO,
            rules: 0,
            halt: None,
            settings: ClientSettings::default(),
        }
    }
}

/// Numbers that prompts go by. The daemon enforces the dwell time itself; arming protects the operator from own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientSettings {
    /// How long a card has to be on screen before an approval is taken, in milliseconds.
    pub min_dwell_ms: u64,
    /// How long a question has to be on screen before keys count, in milliseconds.
    pub arm_ms: u64,
    /// The same for high risk.
    pub arm_high_ms: u64,
    /// At which share of an approval's time it is called out again, in per cent; 100 is never.
    pub escalate_percent: u8,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self { min_dwell_ms: 700, arm_ms: 750, arm_high_ms: 1_500, escalate_percent: 50 }
    }
}

/// One operator who is attached, with one client or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// Who.
    pub operator: OperatorName,
    /// Since when, the oldest client.
    pub since: Timestamp,
    /// How many clients.
    pub clients: u32,
    /// What is on their screens.
    pub looking_at: Vec<ApprovalId>,
}

/// One change, in the order the daemon made it. A gap in `seq` means: take a new snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Update {
    /// Grows by one.
    pub seq: u64,
    /// What changed.
    pub change: Change,
}

/// What can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An approval was opened, revised, decided or delivered; this is all of it, as it is now.
    Approval {
        /// The approval.
        view: Box<ApprovalView>,
    },
    /// A session was taken up, or changed its state or its sight; its counters come along.
    Session {
        /// The session.
        view: Box<SessionView>,
    },
    /// A session is no longer watched.
    SessionGone {
        /// Which.
        session: SessionId,
    },
    /// Somebody came, left, or looks at something else.
    Presence {
        /// Everybody who is attached.
        operators: Vec<Presence>,
    },
    /// The daemon's own facts changed: another policy, everything stopped or going on. Cards have to be presented again
    /// after another policy.
    Daemon {
        /// All of them.
        daemon: Box<DaemonInfo>,
    },
    /// Something an operator should see that asks nothing: an alert, an auth failure, blindness. Escaped.
    Notice {
        /// The sentence.
        text: String,
    },
    /// The daemon is going down; nothing more will be decided.
    Stopping,
}
