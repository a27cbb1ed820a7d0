//! The card: what an operator is shown of one revision of an approval.
//!
//! What we derived comes first, what the agent claims is kept raw here and escaped where it is drawn. The digest binds a
//! decision to these bytes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approval::{ApprovalId, Code, Digest, Revision, Timing};
use super::confirming;
use super::directed::BY_HAND;
use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::policy::{AmountSeen, Confirm, Effect, Match, OnDeny, OnTimeout, ReasonFor, Risk};

/// One revision of what an operator is shown. Everything an operator's decision depends on is in here, except the
/// deadline, which may be extended without making the card stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// The approval.
    pub approval: ApprovalId,
    /// The revision of the card; 0 is a draft that cannot be approved.
    pub revision: Revision,
    /// The session.
    pub session: SessionId,
    /// The agent's name, untrusted.
    pub agent: Option<String>,
    /// The session's goal, untrusted.
    pub goal: Option<String>,
    /// When the approval was opened.
    pub opened_at: Timestamp,
    /// What is asked about.
    pub subject: Subject,
    /// The strictest effect of the rules.
    pub effect: Effect,
    /// The rules that fired, strictest first.
    pub rules: Vec<RuleLine>,
    /// The highest risk of the rules.
    pub risk: Risk,
    /// What approving takes.
    pub confirm: Confirm,
    /// The amount at stake, as far as it is known.
    pub amount: Option<AmountSeen>,
    /// The host, IDNA-encoded, as far as it is known.
    pub domain: Option<String>,
    /// The page's address from the provider, untrusted.
    pub url: Option<String>,
    /// The page's title from the provider, untrusted.
    pub title: Option<String>,
    /// Whether we came in time.
    pub timing: Timing,
    /// Why the timing is what it is, in our words.
    pub timing_why: String,
    /// What is known of the pause.
    pub hold: Hold,
    /// The event that made the rules fire.
    pub trigger: EventLine,
    /// The last events before the trigger, oldest first; at most 5.
    pub before: Vec<EventLine>,
    /// The agent's events after the trigger, oldest first; at most 20: the first 5 and the newest ones.
    pub after: Vec<EventLine>,
    /// How many events between those first 5 and the newest ones are left out.
    #[serde(default)]
    #[schema(required)]
    pub left_out: u32,
    /// How many triggers this approval stands for; at least 1.
    pub triggers: u32,
    /// What each answer does.
    pub then: Then,
    /// Who has to agree, and how.
    #[serde(default)]
    #[schema(required)]
    pub terms: Terms,
    /// Things an operator must know: somebody else resumed, a gap, a missed screenshot. In our words, escaped; at most 20,
    /// the newest ones, and those of a foreign resume before all others.
    pub notes: Vec<String>,
}

impl Card {
    /// The display code of the approval.
    #[must_use]
    pub fn code(&self) -> Code {
        self.approval.code()
    }

    /// Whether `typed` is what approving this card takes where it takes typing: the code in any case, or the amount, as
    /// `410.00`, `410`, `410,00` or `$410.00`, where it can mean no other one.
    #[must_use]
    pub fn is_confirmed_by(&self, typed: &str) -> bool {
        let typed = typed.trim();
        let is_code = typed.eq_ignore_ascii_case(self.code().as_str());
        is_code || self.amount.as_ref().is_some_and(|amount| confirming::names(amount, typed))
    }

    /// Whether an operator is all that the card stands on, by a stop or a pause: nothing was announced that can have happened.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        self.rules.iter().all(|rule| rule.place == BY_HAND)
    }

    /// Whether saying no sends something that lets the agent go on: such a denial is locked as an approval is.
    #[must_use]
    pub fn denial_releases(&self) -> bool {
        match (self.then.deny, self.subject) {
            (OnDeny::Instruct, _) => true,
            (OnDeny::Cancel | OnDeny::KeepPaused, Subject::Question) => self.then.refusal.is_some(),
            (OnDeny::Cancel | OnDeny::KeepPaused, Subject::Hold) => false,
        }
    }

    /// SHA-256 over the card's canonical JSON (fields in the order of the struct, no white space).
    ///
    /// Serialising cannot fail: the card has no maps with keys that are not text. If it ever did, the digest would be that
    /// of nothing, which no client can have been shown.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// What an approval is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A session that we paused, or are pausing.
    Hold,
    /// A question of the agent, which waits by itself.
    Question,
}

/// What is known of the pause behind a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Hold {
    /// There is none: the agent waits for an answer.
    None,
    /// Asked for, not yet confirmed by the provider.
    NotYetPaused,
    /// The provider confirmed it.
    Paused {
        /// When the confirmation was seen.
        at: Timestamp,
        /// Milliseconds from the trigger's arrival here to the confirmation.
        after_ms: u64,
    },
    /// The session was paused before we came: approving will not resume it.
    ByOthers,
    /// The provider confirmed that it is paused, and whether by us is not known: the answer to a pause of ours was lost, and
    /// somebody else may have come first. Approving resumes it all the same; nothing else does.
    InDoubt {
        /// When the confirmation was seen.
        at: Timestamp,
        /// Milliseconds from the trigger's arrival here to the confirmation.
        after_ms: u64,
    },
}

/// One rule on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleLine {
    /// Its name.
    pub name: String,
    /// Where it stands, as `config.toml:41`.
    pub place: String,
    /// The effect it has here.
    pub effect: Effect,
    /// What it matched on, untrusted.
    pub matched: Vec<Match>,
    /// What could not be decided.
    pub undecided: Vec<String>,
}

/// One event on a card, cut to a bounded size. The text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventLine {
    /// The provider's message id.
    pub id: Option<MessageId>,
    /// The kind.
    pub kind: EventKind,
    /// The text, at most 4 000 characters: head and tail when longer.
    pub text: String,
    /// How many characters the text had.
    pub chars: u64,
    /// SHA-256 of the whole text, when it was cut.
    pub whole: Option<Digest>,
    /// The provider's own time.
    pub at: Option<Timestamp>,
}

impl EventLine {
    /// The event as far as the card shows it. A text that was cut here counts as one that was cut on its way: it may hide a
    /// match.
    #[must_use]
    pub fn event(&self) -> Event {
        Event {
            id: self.id,
            kind: self.kind.clone(),
            text: self.text.clone(),
            at: self.at,
            url: None,
            title: None,
            truncated: self.whole.is_some(),
        }
    }

    /// Whether it is a line of our own making, and no event of the session.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.id.is_none() && self.kind == EventKind::Log
    }
}

/// What each answer does, in terms of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Then {
    /// What `y` sends before it lets the session go on: the answer to a question. `None` for a hold.
    pub answer: Option<String>,
    /// What a denial does.
    pub deny: OnDeny,
    /// What a denial sends, when it sends anything.
    pub refusal: Option<String>,
    /// What the deadline does.
    pub timeout: OnTimeout,
}

/// Who has to agree to let a session go on, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// How many distinct operators have to approve; at least 1. One denial is enough.
    pub approvals: u8,
    /// Unix users, and groups as `@name`, who may not approve.
    pub not_by: Vec<String>,
    /// Which decisions need a reason.
    pub reason: ReasonFor,
}

impl Default for Terms {
    fn default() -> Self {
        Self { approvals: 1, not_by: Vec::new(), reason: ReasonFor::Nothing }
    }
}
