//! What a provider's answers are read into: normalised, open, and never trusted.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A session's id at its provider: 1 to 128 characters of `A-Z a-z 0-9 - _ . :`, so that it can stand in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z0-9._:-]{1,128}$")]
pub struct SessionId(Arc<str>);

/// A text that cannot be a session id.
#[derive(Debug, thiserror::Error)]
#[error("a session id is 1 to 128 characters of A-Z a-z 0-9 - _ . : and not only dots")]
pub struct BadSessionId;

impl SessionId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = BadSessionId;

    fn try_from(text: String) -> Result<Self, BadSessionId> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let fits = (1..=128).contains(&text.len()) && text.chars().all(plain) && text.chars().any(|c| c != '.');
        if fits { Ok(Self(text.into())) } else { Err(BadSessionId) }
    }
}

impl TryFrom<&str> for SessionId {
    type Error = BadSessionId;

    fn try_from(text: &str) -> Result<Self, BadSessionId> {
        Self::try_from(text.to_owned())
    }
}

impl From<Uuid> for SessionId {
    /// A UUID is an id, as the first provider gives them.
    fn from(id: Uuid) -> Self {
        Self(id.to_string().into())
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provider's message id. Ids grow, are global, and have gaps; the cursor is the greatest one seen. Zero is "before all".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lifecycle or execution status: an open string, classed for what it means to a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Status(pub String);

/// What a status means to a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    /// The agent may act: `initializing`, `running`.
    Active,
    /// The agent waits for an answer: `waiting_for_input`.
    Waiting,
    /// `paused`.
    Paused,
    /// No task runs but one may be started: `ready`, `completed`, `finished`, `error`.
    Idle,
    /// The session is gone for good: `terminated`, `deleted`.
    Over,
    /// A word we do not know; treated as if the agent may act.
    Unknown,
}

impl StatusClass {
    /// Whether the agent may act.
    #[must_use]
    pub fn may_act(self) -> bool {
        match self {
            Self::Active | Self::Unknown => true,
            Self::Waiting | Self::Paused | Self::Idle | Self::Over => false,
        }
    }
}

impl Status {
    /// Classes the status; case and surrounding space do not matter.
    #[must_use]
    pub fn class(&self) -> StatusClass {
        match self.0.trim().to_ascii_lowercase().as_str() {
            "initializing" | "running" => StatusClass::Active,
            "waiting_for_input" => StatusClass::Waiting,
            "paused" => StatusClass::Paused,
            "ready" | "completed" | "finished" | "error" => StatusClass::Idle,
            "terminated" | "deleted" => StatusClass::Over,
            _ => StatusClass::Unknown,
        }
    }
}

/// One session as the provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The agent's model or name, e.g. `agi-0`.
    pub agent: Option<String>,
    /// Lifecycle status.
    pub status: Status,
    /// The goal it was created with, when the provider tells.
    pub goal: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// What an event is. Names that are not known are kept, and count as agent activity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The agent acted.
    Step,
    /// The agent thinks, or announces what it is about to do.
    Thought,
    /// The agent asks and waits.
    Question,
    /// The task is finished.
    Done,
    /// The task or the provider failed.
    Error,
    /// A line of the environment's log; not the agent's own act.
    Log,
    /// A message of the user, echoed.
    User,
    /// The session was paused.
    Paused,
    /// The session was resumed.
    Resumed,
    /// A kind this version does not know.
    Unknown(String),
}

impl EventKind {
    /// Reads a wire name in any case.
    #[must_use]
    pub fn from_wire(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "step" => Self::Step,
            "thought" => Self::Thought,
            "question" => Self::Question,
            "done" => Self::Done,
            "error" => Self::Error,
            "log" => Self::Log,
            "user" => Self::User,
            "paused" => Self::Paused,
            "resumed" => Self::Resumed,
            _ => Self::Unknown(name.to_owned()),
        }
    }

    /// The name used in rules, cards and logs. Untrusted for [`EventKind::Unknown`].
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Step => "step",
            Self::Thought => "thought",
            Self::Question => "question",
            Self::Done => "done",
            Self::Error => "error",
            Self::Log => "log",
            Self::User => "user",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Unknown(name) => name,
        }
    }

    /// Whether the agent itself speaks or acts in such an event. Unknown kinds count: what is not understood is risk. Rules
    /// that name no kinds look at all of these but `done`: it reports, and nothing follows that could be held.
    #[must_use]
    pub fn is_agent_emitted(&self) -> bool {
        match self {
            Self::Step | Self::Thought | Self::Question | Self::Done | Self::Unknown(_) => true,
            Self::Error | Self::Log | Self::User | Self::Paused | Self::Resumed => false,
        }
    }
}

/// One normalised observation of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The provider's message id, never zero; some events have none.
    pub id: Option<MessageId>,
    /// What it is.
    pub kind: EventKind,
    /// The text: `content`, `message`, `text` or `error` of the payload, or all its string leaves in order, one per line.
    /// Steps, thoughts, questions and unknown kinds carry their other strings (tool names, arguments) on further lines, so
    /// that an action beside harmless words is seen. Numbers are left out, but for amounts: a number whose member is called
    /// `amount`, `totalPrice` or the like stands there with its name and the currency of its object, `amount: 150.00 EUR`.
    pub text: String,
    /// The provider's own time.
    pub at: Option<Timestamp>,
    /// The page's address, when the payload itself or its metadata names one (`url`, `current_url`). Empty, when only its
    /// content or its arguments do: it is not known then where the session is.
    pub url: Option<String>,
    /// The page's title, when the payload names one (`title`).
    pub title: Option<String>,
    /// Whether the payload was cut to the size bound, so that `text` is not all there was.
    pub truncated: bool,
}

/// Messages after a cursor, with the execution status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// In id order.
    pub events: Vec<Event>,
    /// Execution status.
    pub status: Status,
}

/// One item of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem {
    /// The stream lives; proof of sight.
    Heartbeat,
    /// An event.
    Event(Event),
}

/// A page as the agent sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// Encoded picture, empty when it could not be decoded.
    pub image: Vec<u8>,
    /// Media type, e.g. `image/jpeg`.
    pub media_type: String,
    /// The page's address.
    pub url: Option<String>,
    /// The page's title.
    pub title: Option<String>,
}

impl fmt::Debug for Screenshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screenshot")
            .field("image", &format_args!("{} bytes", self.image.len()))
            .field("media_type", &self.media_type)
            .field("url", &self.url)
            .field("title", &self.title)
            .finish()
    }
}
