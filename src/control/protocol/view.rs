//! An approval as clients see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OperatorName;
use crate::gate::{Card, Delivery, Digest, Outcome};

/// Who or what ended an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum EndedBy {
    /// An operator.
    Operator {
        /// The name.
        name: OperatorName,
        /// The reason as typed, or what the agent was told: `told the agent: …`, `answered: …`.
        note: Option<String>,
    },
    /// A rule of the policy (cooldown, instruct, deny).
    Rule {
        /// Its name.
        name: String,
    },
    /// The deadline.
    Deadline,
    /// The session itself: it ended, vanished, or somebody else answered.
    Session {
        /// What happened.
        what: String,
    },
}

/// Where an approval stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = ApprovalState)]
pub enum State {
    /// The card is a draft: the pause is not confirmed or the settle time runs. It can be denied.
    Draft,
    /// Waits for a decision.
    Open,
    /// A decision is being checked and recorded; nobody else can decide meanwhile, except to deny what is being approved.
    Deciding {
        /// Who decided.
        by: OperatorName,
    },
    /// It has its outcome.
    Ended {
        /// Which.
        outcome: Outcome,
        /// Who or what ended it.
        by: EndedBy,
        /// When.
        at: Timestamp,
        /// What became of it at the provider.
        delivery: Delivery,
        /// The delivery in words, e.g. "resumed, confirmed" or "resume failed: still paused". Escaped.
        detail: String,
    },
}

/// One approval as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// The card at its current revision.
    pub card: Card,
    /// The card's digest.
    pub digest: Digest,
    /// Where it stands.
    pub state: State,
    /// When it expires.
    pub deadline: Timestamp,
    /// Whether the deadline stands still, because everything is stopped.
    #[serde(default)]
    #[schema(required)]
    pub frozen: bool,
    /// Who has approved this revision so far, where more than one has to; oldest first.
    #[serde(default)]
    #[schema(required)]
    pub votes: Vec<Vote>,
    /// How often it can still be extended.
    #[serde(default)]
    #[schema(required)]
    pub extensions_left: u8,
}

/// One of several approvals that are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vote {
    /// Whose.
    pub by: OperatorName,
    /// When.
    pub at: Timestamp,
    /// Why, as typed.
    pub reason: Option<String>,
}
