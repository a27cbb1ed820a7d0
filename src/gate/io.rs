//! What goes into a gate and what comes out: plain values, so that a driver can be dumb and a test can be exact.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{ApiError, Event, MessageId, PauseAnswer, Status, StatusClass};
use crate::control::{ApprovalView, Decided, Decision, Halt, OperatorName, Refusal, SessionAct, SessionDone};
use crate::policy::{Consent, OnDeny, OnTimeout, Verdict};

use super::approval::{ApprovalId, Revision};
use super::case::Kept;

/// How a gate behaves where the rule that fired does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long operators have.
    pub timeout: Duration,
    /// What the deadline does.
    pub on_timeout: OnTimeout,
    /// What a denial does.
    pub on_deny: OnDeny,
    /// How long after a confirmed pause late events are collected before the card is complete.
    pub settle: Duration,
    /// How often the state of a held session is read back.
    pub hold_poll: Duration,
    /// What `y` answers to a question when the rule does not say.
    pub answer: String,
    /// What is sent to refuse, when the rule does not say.
    pub refusal: Option<String>,
    /// Whether a session whose cancellation keeps failing is deleted.
    pub delete_when_cancel_fails: bool,
    /// Whether a page is asked for when a session is held.
    pub screenshots: bool,
    /// Whether losing sight of a session pauses it.
    pub pause_when_blind: bool,
    /// How long a session may be out of sight, or its events may come faster than they are judged.
    pub blind_after: Duration,
    /// Who has to agree, and how.
    pub consent: Consent,
}

/// Where identity comes from.
pub trait Mint {
    /// A fresh id.
    fn approval(&mut self) -> ApprovalId;
}

/// Names one provider call, so that its answer finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names one record whose durability the gate waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Names one operator's request, so that the answer finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplyTo(pub u64);

/// What a gate is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// An event was seen for the first time, and evaluated.
    Seen {
        /// The event.
        event: Event,
        /// What the policy says.
        verdict: Verdict,
        /// Whether it is history from before the session was caught up with.
        backlog: bool,
    },
    /// History has been read to its end.
    CaughtUp,
    /// There has been no proof of sight for too long.
    Blind {
        /// Why, escaped.
        why: String,
    },
    /// Back in sight; what was missed has been read back.
    Sighted,
    /// Events may have been missed that cannot be read back.
    Gap {
        /// The last event before the gap.
        after: MessageId,
        /// Why, escaped.
        why: String,
    },
    /// The execution status is another one.
    Status(Status),
    /// The provider no longer knows the session.
    Gone,
    /// A call has its answer. The events a read brought came as [`Input::Seen`] before.
    Answered {
        /// Which call.
        call: CallId,
        /// The answer.
        answer: Answer,
    },
    /// A record that was waited for is durable, or is not.
    Recorded {
        /// Which.
        ticket: Ticket,
        /// What the store said.
        result: Result<(), String>,
    },
    /// An operator decides.
    Decide {
        /// Where the answer goes.
        reply: ReplyTo,
        /// Who.
        operator: OperatorName,
        /// What.
        decision: Decision,
    },
    /// An operator does something of its own accord.
    Directed {
        /// Where the answer goes.
        reply: ReplyTo,
        /// Who.
        operator: OperatorName,
        /// What.
        act: SessionAct,
        /// Why, as typed.
        reason: Option<String>,
    },
    /// Everything is stopped: nothing happens by itself any more.
    Halt(Halt),
    /// The stop of everything is over. Releases nothing.
    EndHalt,
    /// Another policy and other settings hold from here on.
    Reconfigured {
        /// The settings.
        settings: Arc<Settings>,
        /// What the policy says now about the events on the open card; no event is new by that.
        verdicts: Vec<Verdict>,
    },
    /// Time has passed.
    Tick,
    /// The daemon is stopping: what is durable, or on its way to be, goes on; nothing else is released any more.
    Stop,
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Effect::Pause`].
    Pause(Result<PauseAnswer, ApiError>),
    /// To [`Effect::Resume`], [`Effect::Cancel`], [`Effect::Delete`] and [`Effect::Message`].
    Act(Result<(), ApiError>),
    /// To [`Effect::Read`].
    Read(Result<Observed, ApiError>),
    /// To [`Effect::Screenshot`].
    Screenshot(Result<Page, String>),
}

/// A session's two statuses, read together after its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Lifecycle status.
    pub lifecycle: Option<Status>,
    /// Execution status.
    pub execution: Option<Status>,
}

impl Observed {
    /// Whether either status says paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.classes().contains(&Some(StatusClass::Paused))
    }

    /// Whether no task runs any more: the session is over, or nothing in it says that the agent acts, waits or is paused.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let classes = self.classes();
        let is = |class: StatusClass| classes.contains(&Some(class));
        if is(StatusClass::Over) {
            return true;
        }
        let finished = classes[1] == Some(StatusClass::Idle) && !is(StatusClass::Paused);
        let idle = is(StatusClass::Idle)
            && ![StatusClass::Active, StatusClass::Waiting, StatusClass::Paused, StatusClass::Unknown]
                .into_iter()
                .any(is);
        finished || idle
    }

    /// Whether the session can never run again.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.classes().contains(&Some(StatusClass::Over))
    }

    /// Whether the agent waits for an answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.classes().contains(&Some(StatusClass::Waiting))
    }

    /// Whether one of the statuses means this.
    pub(super) fn has_class(&self, class: StatusClass) -> bool {
        self.classes().contains(&Some(class))
    }

    fn classes(&self) -> [Option<StatusClass>; 2] {
        [self.lifecycle.as_ref().map(Status::class), self.execution.as_ref().map(Status::class)]
    }
}

/// What a screenshot says about the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its address, untrusted.
    pub url: Option<String>,
    /// Its title, untrusted.
    pub title: Option<String>,
    /// Its host, IDNA-encoded.
    pub domain: Option<String>,
}

/// What a gate wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the provider to pause the session.
    Pause {
        /// Name of the call.
        call: CallId,
    },
    /// Ask it to end the task.
    Cancel {
        /// Name of the call.
        call: CallId,
    },
    /// Ask it to delete the session.
    Delete {
        /// Name of the call.
        call: CallId,
    },
    /// Let the session go on.
    Resume {
        /// Name of the call.
        call: CallId,
        /// The durable approval that allows it.
        release: Release,
    },
    /// Send a message.
    Message {
        /// Name of the call.
        call: CallId,
        /// The durable approval that allows it.
        release: Release,
        /// What to send.
        text: String,
    },
    /// Read messages after `after`, then both statuses.
    Read {
        /// Name of the call.
        call: CallId,
        /// The cursor.
        after: MessageId,
    },
    /// Ask for the page, with its address and title.
    Screenshot {
        /// Name of the call.
        call: CallId,
        /// The approval it belongs to.
        approval: ApprovalId,
    },
    /// Write this down. With a ticket: at once or not at all, and say which. Without: keep it until it is written.
    Record {
        /// Whether the gate waits for it.
        ticket: Option<Ticket>,
        /// What.
        record: Box<Record>,
    },
    /// Show clients what an approval has become.
    Publish(Box<ApprovalView>),
    /// Tell operators something that asks nothing.
    Notice(Notice),
    /// Answer an operator.
    Reply {
        /// To which request.
        to: ReplyTo,
        /// What.
        result: Result<Decided, Refusal>,
    },
    /// Answer an operator who did something of its own accord.
    Done {
        /// To which request.
        to: ReplyTo,
        /// What.
        result: Result<SessionDone, Refusal>,
    },
}

/// A sentence for operators that asks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The sentence, escaped.
    pub text: String,
    /// Whether it should wake somebody; otherwise it is the ordinary course of a rule.
    pub wakes: bool,
}

/// The right to release: exists only where the gate was told that the decision is durable.
///
/// The executor takes one by reference for every resume and every message; nothing else can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub(super) approval: ApprovalId,
    pub(super) revision: Revision,
}

impl Release {
    /// The approval that allows the release.
    #[must_use]
    pub fn approval(&self) -> ApprovalId {
        self.approval
    }

    /// The revision that was approved.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }
}

/// A change of state to be written down, with everything needed to go on from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What happened.
    pub entry: Entry,
    /// The approval as it is now; `None` for entries about no approval.
    pub kept: Option<Kept>,
    /// What happened, in a sentence, where the approval does not say it. Escaped.
    pub note: Option<String>,
}

/// What happened, as the journal names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// An approval was opened; the pause has been sent.
    Opened,
    /// Its card is complete at a new revision, or what follows from it changed before it was.
    Revised,
    /// One of several operators who have to approve did; that releases nothing.
    Voted,
    /// Its deadline moved.
    Extended,
    /// Its deadline stands still, because everything is stopped.
    Frozen,
    /// Its deadline goes on.
    Thawed,
    /// It has its outcome.
    Decided,
    /// Its delivery changed.
    Delivered,
    /// Something that changes no approval: an alert, a gap, a foreign resume, an act seen too late.
    Noted,
}

impl Entry {
    /// The word in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Revised => "revised",
            Self::Voted => "voted",
            Self::Extended => "extended",
            Self::Frozen => "frozen",
            Self::Thawed => "thawed",
            Self::Decided => "decided",
            Self::Delivered => "delivered",
            Self::Noted => "noted",
        }
    }

    /// The entry with this word; `None` for words of other parts and of newer versions.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        use Entry::{Decided, Delivered, Extended, Frozen, Noted, Opened, Revised, Thawed, Voted};
        [Opened, Revised, Voted, Extended, Frozen, Thawed, Decided, Delivered, Noted]
            .into_iter()
            .find(|entry| entry.name() == word)
    }
}
