//! The types that operators' clients and the daemon exchange.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::{ApprovalId, Card, Delivery, Digest, Outcome, Revision};

/// An authenticated person: the Unix user name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorName(pub String);

/// Proof that a client announced having drawn a card. It dies on disconnect, on a new revision, and after one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(pub u64);

/// What an operator decides about one card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The approval.
    pub approval: ApprovalId,
    /// The revision that was shown.
    pub revision: Revision,
    /// The digest of the card that was shown.
    pub digest: Digest,
    /// The nonce given for having presented it. Denials do not need one.
    pub nonce: Option<Nonce>,
    /// What was typed to confirm, where the card takes typing ([`crate::policy::Confirm::Type`]): the amount or the code.
    #[serde(default)]
    pub typed: Option<String>,
    /// What the operator does.
    pub act: Act,
}

/// An operator's act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Let the session go on; for a question, send the configured answer.
    Approve,
    /// Send this message first (1 to 10 000 characters), then let the session go on.
    Instruct {
        /// The message.
        text: String,
    },
    /// Answer a question as typed (1 to 10 000 characters).
    Answer {
        /// The answer.
        text: String,
    },
    /// Say no.
    Deny {
        /// Why, as typed.
        reason: Option<String>,
    },
    /// Give everybody more time: one more `[approvals] timeout` from now, at most three times.
    Extend,
}

/// What the daemon answers to a decision that it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decided", rename_all = "snake_case")]
pub enum Decided {
    /// The outcome is durable (a denial may be on its way before it is); the delivery follows as an [`Update`].
    Outcome {
        /// Which.
        outcome: Outcome,
    },
    /// The deadline was moved.
    Extended {
        /// The new deadline.
        deadline: Timestamp,
    },
}

/// Why a decision was not taken. Nothing was decided by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
}

/// Who or what ended an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum EndedBy {
    /// An operator.
    Operator {
        /// The name.
        name: OperatorName,
        /// The reason or the text, as typed.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The card is a draft: the pause is not confirmed or the settle time runs. It can be denied.
    Draft,
    /// Waits for a decision.
    Open,
    /// An approval was given and is being checked and recorded; nobody else can decide meanwhile, except to deny.
    Deciding {
        /// Who gave it.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// The card at its current revision.
    pub card: Card,
    /// The card's digest.
    pub digest: Digest,
    /// Where it stands.
    pub state: State,
    /// When it expires.
    pub deadline: Timestamp,
}

/// One change, in the order the daemon made it. A gap in `seq` means: take a new snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Grows by one.
    pub seq: u64,
    /// What changed.
    pub change: Change,
}

/// What can change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An approval was opened, revised, decided or delivered; this is all of it, as it is now.
    Approval {
        /// The approval.
        view: Box<ApprovalView>,
    },
    /// Something an operator should see that asks nothing: an alert, an auth failure, blindness. Escaped.
    Notice {
        /// The sentence.
        text: String,
    },
    /// The daemon is going down; nothing more will be decided.
    Stopping,
}
