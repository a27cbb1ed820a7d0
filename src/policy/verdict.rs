//! A verdict: which rules fired on an event, on which words, and what follows from the strictest.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::consent::Consent;

/// What a rule does when it fires, from mildest to strictest; the order is the precedence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing happens.
    #[default]
    Allow,
    /// It is recorded and said, the session goes on.
    Alert,
    /// Pause, send the rule's message, resume.
    Instruct,
    /// Pause, wait, resume.
    Cooldown,
    /// Pause and ask an operator.
    Ask,
    /// Pause and do what `on_deny` says, without asking.
    Deny,
}

impl Effect {
    /// All of them, from mildest to strictest.
    pub const ALL: [Self; 6] = [Self::Allow, Self::Alert, Self::Instruct, Self::Cooldown, Self::Ask, Self::Deny];

    /// The word in rules and on cards.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alert => "alert",
            Self::Instruct => "instruct",
            Self::Cooldown => "cooldown",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// How much is at stake; decides how long a prompt arms and whether approving takes typing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Easily undone.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Money, credentials, things that cannot be undone.
    High,
}

/// What approving takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirm {
    /// `y` and Enter.
    Key,
    /// Typing the amount or the approval's code.
    Type,
}

/// Which decisions need a reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonFor {
    /// None.
    #[default]
    Nothing,
    /// Approvals.
    Approve,
    /// Denials.
    Deny,
    /// Both.
    Both,
}

/// What follows when an operator or a rule denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDeny {
    /// The session's task is cancelled; if that keeps failing, the session is deleted.
    #[default]
    Cancel,
    /// The rule's `refusal` is sent as a message, then the session resumes.
    Instruct,
    /// The session stays paused.
    KeepPaused,
}

/// What follows when the deadline passes without an answer. There is no variant that approves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// The task is cancelled as after a denial, but the outcome is `expired`.
    #[default]
    Cancel,
    /// The session stays paused, the outcome is `expired`.
    KeepPaused,
}

/// The part of a rule that matters after it fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTerms {
    /// The rule's name.
    pub name: String,
    /// Where it stands, as `config.toml:41`.
    pub place: String,
    /// Its effect as written.
    pub effect: Effect,
    /// Its risk.
    pub risk: Risk,
    /// What approving takes; `None` leaves it to the default (type for high risk with an amount).
    pub confirm: Option<Confirm>,
    /// How long a cooldown lasts. Set exactly when `effect` is [`Effect::Cooldown`].
    pub cooldown: Option<Duration>,
    /// How often cooldown or instruct may act in a row on one session before it asks instead; at least 1.
    pub max_repeats: u32,
    /// The message of an instruct rule. Set exactly when `effect` is [`Effect::Instruct`]; 1 to 10 000 characters.
    pub instruct: Option<String>,
    /// What `y` answers to a question; `None` is the default answer.
    pub answer: Option<String>,
    /// What is sent to refuse a question, or after a denial with [`OnDeny::Instruct`].
    pub refusal: Option<String>,
    /// What a denial does; `None` leaves it to `[approvals] on_deny`.
    pub on_deny: Option<OnDeny>,
    /// How long operators have; `None` leaves it to `[approvals] timeout`.
    pub timeout: Option<Duration>,
    /// Who has to agree, and how; what it leaves open is left to `[approvals]`.
    pub consent: Consent,
}

/// Something in the event that made a condition true. The words are untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Match {
    /// The condition: `text`, `regex`, `detect purchase`, `domains`, `amount_over`, …
    pub condition: String,
    /// The words of the event it matched on, cut to 200 characters.
    pub words: String,
}

/// Why a condition on the place could not be decided.
pub(crate) const NOWHERE: &str = "it is not known where the session is";
/// Why a condition on the page's address could not be decided.
pub(crate) const NO_ADDRESS: &str = "the page's address is not known";
/// Why a condition on the page's title could not be decided.
pub(crate) const NO_TITLE: &str = "the page's title is not known";

/// One rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The rule.
    pub rule: Arc<RuleTerms>,
    /// The effect it has here: its own, or [`Effect::Ask`] for a `deny` some of whose conditions could not be decided.
    pub effect: Effect,
    /// What matched.
    pub matched: Vec<Match>,
    /// Conditions that could not be decided (domain unknown, no price seen), in words; such a rule fires only if it asks or
    /// denies.
    pub undecided: Vec<String>,
}

/// An amount that bears on the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AmountSeen {
    /// The number as an operator would type it, e.g. `410.00`; `None` when the price could not be read.
    pub number: Option<String>,
    /// ISO currency code, e.g. `USD`; `None` when unknown.
    pub currency: Option<String>,
    /// The words it was read from, untrusted.
    pub words: String,
    /// Whether it stood in an earlier event of the session, not in this one.
    pub earlier: bool,
}

/// What the policy says about one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The strictest effect of all rules that fired; [`Effect::Allow`] when none did.
    pub effect: Effect,
    /// The rules that fired, strictest first, then in file order.
    pub fired: Vec<Fired>,
    /// The amount this event is about, as far as it is known.
    pub amount: Option<AmountSeen>,
    /// The host the session is at, lower case, IDNA-encoded (punycode), as far as it is known.
    pub domain: Option<String>,
}

impl Verdict {
    /// The rule that decides: the first of the strictest.
    #[must_use]
    pub fn deciding(&self) -> Option<&Fired> {
        self.fired.first()
    }
}
