//! What an operator decides about a card, and what the daemon answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Role, strict};
use crate::gate::{ApprovalId, Digest, Outcome, Revision};

/// An authenticated person: the Unix user name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct OperatorName(pub String);

/// Proof that a client announced having drawn a card. It dies on disconnect, on a new revision, and after one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(maximum = 9_007_199_254_740_991u64)]
pub struct Nonce(pub u64);

impl strict::Whole for Nonce {
    fn from_whole(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

impl strict::Whole for Revision {
    fn from_whole(number: u64) -> Option<Self> {
        u32::try_from(number).ok().map(Self)
    }
}

/// What an operator decides about one card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The approval.
    pub approval: ApprovalId,
    /// The revision that was shown.
    #[serde(deserialize_with = "strict::whole")]
    pub revision: Revision,
    /// The digest of the card that was shown.
    pub digest: Digest,
    /// The nonce given for having presented it. Denials do not need one.
    #[serde(default, deserialize_with = "strict::whole_or_none")]
    pub nonce: Option<Nonce>,
    /// What was typed to confirm, where the card's `confirm` is `type`: the amount or the code.
    #[serde(default)]
    pub typed: Option<String>,
    /// What the operator does.
    #[serde(deserialize_with = "strict::object")]
    pub act: Act,
}

/// An operator's act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case", from = "Sent")]
pub enum Act {
    /// Let the session go on; for a question, send the configured answer.
    Approve {
        /// Why, as typed; white space alone counts as no reason.
        #[serde(default)]
        #[schema(max_length = 10_000)]
        reason: Option<String>,
    },
    /// Send this message first (1 to 10 000 characters), then let the session go on.
    Instruct {
        /// The message.
        #[schema(min_length = 1, max_length = 10_000)]
        text: String,
    },
    /// Answer a question as typed (1 to 10 000 characters).
    Answer {
        /// The answer.
        #[schema(min_length = 1, max_length = 10_000)]
        text: String,
    },
    /// Say no.
    Deny {
        /// Why, as typed; white space alone counts as no reason.
        #[serde(default)]
        #[schema(max_length = 10_000)]
        reason: Option<String>,
    },
    /// Give everybody more time: one more `[approvals] extension` from now, at most `extensions` times.
    Extend,
}

/// An act as it is read. serde takes every field for an act that has none, but not where it has an empty list of them.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum Sent {
    Approve {
        #[serde(default)]
        reason: Option<String>,
    },
    Instruct {
        text: String,
    },
    Answer {
        text: String,
    },
    Deny {
        #[serde(default)]
        reason: Option<String>,
    },
    Extend {},
}

impl From<Sent> for Act {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Approve { reason } => Self::Approve { reason },
            Sent::Instruct { text } => Self::Instruct { text },
            Sent::Answer { text } => Self::Answer { text },
            Sent::Deny { reason } => Self::Deny { reason },
            Sent::Extend {} => Self::Extend,
        }
    }
}

impl Act {
    /// An approval without a reason.
    #[must_use]
    pub const fn approve() -> Self {
        Self::Approve { reason: None }
    }

    /// The act as it counts: a reason without words is none.
    #[must_use]
    pub fn with_reason_or_none(self) -> Self {
        match self {
            Self::Approve { reason } => Self::Approve { reason: reason.and_then(worded) },
            Self::Deny { reason } => Self::Deny { reason: reason.and_then(worded) },
            Self::Instruct { .. } | Self::Answer { .. } | Self::Extend => self,
        }
    }
}

/// A reason as it was typed, where it says anything.
#[must_use]
pub fn worded(reason: String) -> Option<String> {
    (!reason.trim().is_empty()).then_some(reason)
}

/// What the daemon answers to a decision that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "decided", rename_all = "snake_case")]
pub enum Decided {
    /// The outcome is durable (a denial may be on its way before it is); the delivery follows as an update.
    Outcome {
        /// Which.
        outcome: Outcome,
    },
    /// The approval of this operator counts, and another operator's is needed: nothing is released yet.
    Counted {
        /// How many have approved.
        given: u8,
        /// How many are needed.
        needed: u8,
    },
    /// The deadline was moved.
    Extended {
        /// The new deadline.
        deadline: Timestamp,
        /// How often it can still be moved.
        extensions_left: u8,
    },
}

/// Why a decision was not taken. Nothing was decided by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// No approval has this id.
    #[error("no such approval")]
    NoSuchApproval,
    /// A newer revision exists, or the digest is another card's.
    #[error("the card changed (it is at revision {revision} now): read it again")]
    Stale {
        /// The current revision.
        revision: Revision,
    },
    /// The card was not presented to this client, or its nonce died.
    #[error("this card was not shown on this terminal in its present form: read it again")]
    NotPresented,
    /// Approved sooner after being shown than anybody can read.
    #[error("too soon: the card must be on screen for {wait_ms} ms more")]
    TooSoon {
        /// How much longer.
        wait_ms: u64,
    },
    /// Approving this card takes typing its amount or its code, and that was not typed.
    #[error("approving this takes typing its amount or its code, {code}")]
    NotConfirmed {
        /// The code.
        code: String,
    },
    /// The provider has not confirmed the pause, or the card is not complete.
    #[error("the session is not paused yet")]
    NotPausedYet,
    /// Somebody's decision is being checked or delivered.
    #[error("{by} has just decided; that is being carried out")]
    Deciding {
        /// Who.
        by: String,
    },
    /// It has an outcome already.
    #[error("already {outcome} by {by}")]
    AlreadyDecided {
        /// Which.
        outcome: Outcome,
        /// Who or what decided.
        by: String,
    },
    /// The act does not fit the approval, or its text has no or too many characters.
    #[error("{why}")]
    NotPossible {
        /// Why, and what is possible.
        why: String,
    },
    /// The deadline cannot be moved, or not any more.
    #[error("{why}")]
    NotExtendable {
        /// What the bound is.
        why: String,
    },
    /// The rule wants a reason for this.
    #[error("this needs a reason")]
    ReasonRequired,
    /// The rule excludes this operator from approving.
    #[error("{who} may not approve this: the rule excludes {what}")]
    Excluded {
        /// The operator.
        who: String,
        /// The user or the group that the rule names.
        what: String,
    },
    /// The operator's role does not include this.
    #[error("{who} may not do this: it takes the role {needed}", needed = .needed.name())]
    NotPermitted {
        /// The operator.
        who: String,
        /// The role that it takes.
        needed: Role,
    },
    /// No watched session has this id.
    #[error("no such session is watched")]
    NoSuchSession,
    /// The provider could not be read just before the release; nothing was released.
    #[error("the provider could not be read before the release: {why}; nothing was released, try again")]
    Unverified {
        /// What the provider or the network said, escaped.
        why: String,
    },
    /// The store cannot be written: nothing can be released.
    #[error("the store cannot be written, so nothing can be released: {why}; denying still works")]
    StoreFailed {
        /// What the store said.
        why: String,
    },
    /// What becomes of it cannot be told yet; the approval itself will say it.
    #[error("{why}; look at the approval again")]
    Unknown {
        /// What is known.
        why: String,
    },
    /// The daemon is going down; nothing was decided.
    #[error("the daemon is stopping; nothing was decided")]
    Stopping,
    /// The daemon could not be asked; nothing was decided. Only clients say this, the daemon never does.
    #[error("the daemon could not be asked: {why}")]
    Unreachable {
        /// What failed, escaped.
        why: String,
    },
}
