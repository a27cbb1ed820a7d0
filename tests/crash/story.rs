//! What is played: an agent, the rules that watch it, what the operator does, and how it has to end.

use std::fmt;

use holdpoint::control::Act;
use holdpoint::gate::Outcome;
use holdpoint::simulator::SessionState;
use holdpoint::simulator::session::Ended;
use serde_json::{Value, json};

/// What an operator or a rule tells the agent.
pub const TEXT: &str = "Take the cheaper one, please.";

/// One story: everything that happens around one approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// An operator approves a purchase.
    Approve,
    /// An operator denies it.
    Deny,
    /// Nobody answers until the deadline.
    Expire,
    /// A rule waits, then resumes by itself.
    Cooldown,
    /// An operator approves with an instruction.
    Instruct,
    /// A rule sends its instruction and resumes by itself.
    Rule,
    /// An operator answers a question of the agent.
    Answer,
    /// An operator denies, which tells the agent so and lets it go on.
    Refuse,
    /// An operator denies, and the task cannot be cancelled: the session is deleted.
    Delete,
    /// Everything is stopped while an approval waits; the stop is ended, and the approval given.
    Halt,
    /// Two operators have to approve, and both do.
    Votes,
    /// An operator extends the time, and approves when it would have been over.
    Extend,
}

impl Story {
    pub const ALL: [Self; 12] = [
        Self::Approve,
        Self::Deny,
        Self::Expire,
        Self::Cooldown,
        Self::Instruct,
        Self::Rule,
        Self::Answer,
        Self::Refuse,
        Self::Delete,
        Self::Halt,
        Self::Votes,
        Self::Extend,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Expire => "expire",
            Self::Cooldown => "cooldown",
            Self::Instruct => "instruct",
            Self::Rule => "rule",
            Self::Answer => "answer",
            Self::Refuse => "refuse",
            Self::Delete => "delete",
            Self::Halt => "halt",
            Self::Votes => "votes",
            Self::Extend => "extend",
        }
    }

    /// What the agent does. It does nothing of weight before it is let go, so that no run is a race.
    pub fn scenario(self) -> &'static str {
        match self {
            Self::Approve
            | Self::Deny
            | Self::Expire
            | Self::Instruct
            | Self::Delete
            | Self::Halt
            | Self::Votes
            | Self::Extend => BUYS,
            Self::Cooldown => LIMITED,
            Self::Rule => SIGNS_UP,
            Self::Answer => ASKS,
            Self::Refuse => IS_TOLD,
        }
    }

    /// The rules and the keys of `[approvals]`.
    pub fn config(self) -> &'static str {
        match self {
            Self::Approve | Self::Deny | Self::Instruct | Self::Delete | Self::Halt => PURCHASE,
            Self::Expire => PURCHASE_SOON,
            Self::Cooldown => COOLDOWN,
            Self::Rule => INSTRUCT,
            Self::Answer => QUESTION,
            Self::Refuse => REFUSAL,
            Self::Votes => TWO,
            Self::Extend => EXTENDED,
        }
    }

    /// Whether it takes two Unix users, and so root, who alone can become another one.
    pub fn takes_two(self) -> bool {
        self == Self::Votes
    }

    /// What goes wrong at the provider, as a scenario would say it.
    pub fn fault(self) -> Option<Value> {
        let broken = json!({ "endpoint": "cancel", "answer": { "error": { "status": 500 } }, "always": true });
        (self == Self::Delete).then_some(broken)
    }

    /// What the operator does with an open card; `instructed` when an instruction was given before and is not given twice.
    pub fn act(self, instructed: bool) -> Option<Act> {
        let approve = || Some(Act::approve());
        match self {
            // Where a restart leaves in doubt whose the pause is, the rule does not act by itself: an operator is asked.
            Self::Approve | Self::Halt | Self::Votes | Self::Extend | Self::Cooldown | Self::Rule => approve(),
            Self::Instruct if instructed => approve(),
            Self::Instruct => Some(Act::Instruct { text: TEXT.to_owned() }),
            Self::Answer => Some(Act::Answer { text: TEXT.to_owned() }),
            Self::Deny | Self::Refuse | Self::Delete => Some(Act::Deny { reason: None }),
            Self::Expire => None,
        }
    }

    /// Which outcomes an approval of it may have.
    pub fn outcomes(self) -> &'static [Outcome] {
        match self {
            Self::Approve | Self::Cooldown | Self::Instruct | Self::Rule | Self::Answer | Self::Halt | Self::Votes => {
                &[Outcome::Approved]
            }
            // Killed before the extension was confirmed, its time may be over.
            Self::Extend => &[Outcome::Approved, Outcome::Expired, Outcome::Withdrawn],
            // A denial and a deadline do not wait for the disk: killed between the cancellation and its record, the task
            // has ended and nobody was told that it was denied.
            Self::Deny | Self::Delete => &[Outcome::Denied, Outcome::Withdrawn],
            Self::Expire => &[Outcome::Expired, Outcome::Withdrawn],
            Self::Refuse => &[Outcome::Denied],
        }
    }

    /// Whether the session is where the story leads.
    pub fn has_ended(self, session: &SessionState) -> bool {
        match self {
            Self::Extend => matches!(session.last_task, Ended::Finished | Ended::Cancelled) && !session.paused,
            Self::Deny | Self::Expire => session.last_task == Ended::Cancelled && !session.paused,
            Self::Delete => session.deleted,
            Self::Approve
            | Self::Cooldown
            | Self::Instruct
            | Self::Rule
            | Self::Answer
            | Self::Refuse
            | Self::Halt
            | Self::Votes => session.last_task == Ended::Finished && !session.paused,
        }
    }

    /// What must have been bought, sent or signed in the end; `approved` where an approval of it was given.
    pub fn ledger(self, approved: bool) -> &'static [&'static str] {
        match self {
            Self::Extend if !approved => &[],
            Self::Approve | Self::Instruct | Self::Halt | Self::Votes | Self::Extend => &["tea"],
            Self::Cooldown => &["the report"],
            Self::Rule | Self::Deny | Self::Expire | Self::Refuse | Self::Delete => &[],
            Self::Answer => &["newsletter"],
        }
    }

    /// The text that must have arrived once, if any.
    pub fn message(self) -> Option<&'static str> {
        match self {
            Self::Instruct | Self::Rule | Self::Answer => Some(TEXT),
            Self::Refuse => Some("No, do not buy this."),
            Self::Approve
            | Self::Deny
            | Self::Expire
            | Self::Cooldown
            | Self::Delete
            | Self::Halt
            | Self::Votes
            | Self::Extend => None,
        }
    }

    /// Whether a hold of it may stay for good: a denial that wanted to let the agent go on where it is in doubt whose the
    /// pause is.
    pub fn may_be_kept(self) -> bool {
        self == Self::Refuse
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const BUYS: &str = "
    page = { url = 'https://shop.example.com/checkout', title = 'Checkout' }
    [[step]]
    thought = 'Looking at the cart'
    [[step]]
    thought = \"Clicking 'Place your order' now, 41.00 USD in total\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea', amount = '41.00 USD' }
    [[step]]
    done = 'Bought tea.'
";

const LIMITED: &str = "
    [[step]]
    thought = 'Fetching the pages'
    [[step]]
    log = 'HTTP 429: too many requests, slow down'
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'message', what = 'the report' }
    [[step]]
    done = 'All pages read.'
";

const SIGNS_UP: &str = "
    [[step]]
    thought = 'I will sign up for the newsletter'
    [[step]]
    waits_for = 'pause'
    [[step]]
    done = 'Done without it.'
";

const ASKS: &str = "
    [[step]]
    thought = 'There are two teas'
    [[step]]
    question = 'Which one shall I take?'
    [[step.answer]]
    contains = ['cheaper']
    step = [{ commit = { kind = 'subscription', what = 'newsletter' } }, { done = 'Subscribed.' }]
    [[step.answer]]
    step = [{ done = 'Took neither.' }]
";

const IS_TOLD: &str = "
    [[step]]
    thought = \"Clicking 'Place your order' now, 41.00 USD in total\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
    after = '1h'
    [[on_message]]
    contains = ['do not buy']
    step = [{ done = 'Bought nothing.' }]
";

const PURCHASE: &str = "
    timeout = '10m'
    [[rule]]
    name = 'purchase'
    effect = 'ask'
    detect = ['purchase']
    confirm = 'key'
";

const PURCHASE_SOON: &str = "
    timeout = '10s'
    [[rule]]
    name = 'purchase'
    effect = 'ask'
    detect = ['purchase']
    confirm = 'key'
";

const TWO: &str = "
    timeout = '10m'
    [[rule]]
    name = 'purchase'
    effect = 'ask'
    detect = ['purchase']
    confirm = 'key'
    approvals = 2
";

const EXTENDED: &str = "
    timeout = '10s'
    extension = '10m'
    [[rule]]
    name = 'purchase'
    effect = 'ask'
    detect = ['purchase']
    confirm = 'key'
";

const COOLDOWN: &str = "
    timeout = '10m'
    [[rule]]
    name = 'rate limit'
    effect = 'cooldown'
    events = ['error', 'log']
    text = ['too many requests']
    cooldown = '1s'
    confirm = 'key'
";

const INSTRUCT: &str = "
    timeout = '10m'
    [[rule]]
    name = 'no newsletters'
    effect = 'instruct'
    text = ['newsletter']
    instruct = 'Take the cheaper one, please.'
    confirm = 'key'
";

const QUESTION: &str = "
    timeout = '10m'
    [[rule]]
    name = 'questions'
    effect = 'ask'
    events = ['question']
    confirm = 'key'
";

const REFUSAL: &str = "
    timeout = '10m'
    on_deny = 'instruct'
    refusal = 'No, do not buy this.'
    [[rule]]
    name = 'purchase'
    effect = 'ask'
    detect = ['purchase']
    confirm = 'key'
";
