//! What a scripted agent does: a scenario is a list of steps with delays, and how its session's pause, resume and cancel behave.
//!
//! Data only; [`super::session`] plays it. Read from TOML; unknown keys are errors.
//!
//! ```toml
#![doc = include_str!("../../examples/scenarios/reference.toml")]
//! ```

pub mod builtin;
mod error;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::span::Span;
pub use error::ScenarioError;

/// A scripted agent and its session's manners.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// Words of a goal or message that choose it, compared in lower case.
    #[serde(default, rename = "match")]
    pub matches: Vec<String>,
    /// The delay before each step that names none.
    #[serde(default = "one_second")]
    pub pace: Span,
    /// Each delay is longer or shorter by up to this share of it, at random; 0 to 1.
    #[serde(default)]
    pub jitter: Share,
    /// When the task starts.
    #[serde(default)]
    pub start: Start,
    /// Where the browser is at first.
    #[serde(default)]
    pub page: Page,
    /// How often the steps are played; at least 1.
    #[serde(default = "one")]
    pub repeat: u32,
    /// The goal that a session has which is created without one.
    #[serde(default)]
    pub goal: Option<String>,
    /// What happened before the first task.
    #[serde(default)]
    pub history: Vec<Step>,
    /// What the agent does.
    #[serde(default, rename = "step", deserialize_with = "shared")]
    pub steps: Arc<[Step]>,
    /// What it does instead once a message says so.
    #[serde(default, deserialize_with = "shared")]
    pub on_message: Arc<[Branch]>,
    /// What somebody else does meanwhile.
    #[serde(default, rename = "act")]
    pub acts: Vec<TimedAct>,
    /// How a pause behaves.
    #[serde(default)]
    pub pause: PauseManners,
    /// How a resume behaves.
    #[serde(default)]
    pub resume: Manners,
    /// How a cancel behaves.
    #[serde(default)]
    pub cancel: Manners,
    /// Whether event streams stay open after `done` and `error`; the vendor closes them.
    #[serde(default)]
    pub streams_stay_open: bool,
    /// Faults of this scenario's sessions.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

/// A share of a whole: 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(f64);

/// When a scenario's task starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the first message to the ready session, as the vendor's does.
    #[default]
    OnMessage,
    /// When the session is first watched: an event stream is opened, messages are read, a pause is asked for. Until then it
    /// shows as running.
    OnStream,
}

/// A page in the agent's browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "raw::RawStep")]
pub struct Step {
    /// The delay before it; absent: the scenario's pace.
    pub after: Option<Span>,
    /// Where the browser is from this step on.
    pub page: Option<Page>,
    /// The message's metadata.
    pub metadata: Metadata,
    /// Whether it is a system message, which `sanitize=true` drops.
    pub hidden: bool,
    /// Whether a pause does not hold it back: what follows from a step in flight. Of a commit, see [`Commit::in_flight`].
    pub in_flight: bool,
    /// What happens.
    pub action: Action,
}

/// A message's metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Metadata {
    /// `{"origin": "agent"}`, or what suits the kind.
    Usual,
    /// The key is missing (`metadata = false`).
    Missing,
    /// As written.
    Given(Map<String, Value>),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `thought`: the agent thinks aloud.
    Thought(Value),
    /// `step`: the agent acts. An event without a message, as far as the vendor's documentation goes.
    Step(Value),
    /// `log`: a line of the environment.
    Log(Value),
    /// `user`: a message of the user that nobody sent now.
    User(Value),
    /// `question` and `answer`: the agent asks and waits for a message.
    Question(Value, Arc<[Branch]>),
    /// `error`, `status_code`, `fatal` (default true: the task ends).
    Error {
        /// Content of the message.
        content: Value,
        /// `status_code` of the event.
        status_code: u16,
        /// Whether the task ends.
        fatal: bool,
    },
    /// `done`: the task is finished.
    Done(Value),
    /// `commit`, `takes`: something happens that cannot be taken back.
    Commit(Commit),
    /// `event`: anything, known or not.
    Event(RawEvent),
    /// `act`: somebody else acts on the session at this point.
    Act(Act),
    /// `waits_for = "pause"`: the agent does nothing until a pause takes effect, so that what follows cannot overtake one.
    AwaitPause,
    /// None of these keys: only time passes, or only the page changes.
    Nothing,
}

/// An act in the world that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// `purchase`, `message`, … ; free.
    pub kind: String,
    /// What was bought, sent, deleted.
    pub what: String,
    /// For how much, e.g. `410.00 USD`.
    pub amount: Option<String>,
    /// From its beginning to its being done.
    pub takes: Span,
    /// Whether it completes although a pause takes effect after its beginning.
    pub in_flight: bool,
}

/// An event sent as written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEvent {
    /// The event's name in the stream.
    pub name: String,
    /// Its data; objects get the `message_id` added.
    #[serde(default)]
    pub data: Value,
    /// The type of its message; absent: it is in the stream only.
    #[serde(default, rename = "type")]
    pub message_type: Option<String>,
    /// The content of its message.
    #[serde(default)]
    pub content: Value,
    /// Whether it has an id.
    #[serde(default = "yes")]
    pub id: bool,
}

/// Steps that replace the rest of the script when a message fits.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Words, compared in lower case; none: every message fits.
    #[serde(default)]
    pub contains: Vec<String>,
    /// What the agent does then; empty: it goes on as before.
    #[serde(default, rename = "step", deserialize_with = "shared")]
    pub steps: Arc<[Step]>,
}

/// An act of somebody else and its time. Exactly one of `at` and `after_pause`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "raw::RawAct")]
pub struct TimedAct {
    /// When.
    pub when: ActTime,
    /// How often; for `at` always once per task.
    pub times: u32,
    /// What.
    pub act: Act,
}

/// The time of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActTime {
    /// Counted from the task's start.
    At(Span),
    /// Counted from each time that a pause takes effect.
    AfterPause(Span),
}

/// What somebody else, or a test, does to a session without a call that is recorded.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Pauses it, at once.
    Pause,
    /// Resumes it.
    Resume,
    /// Cancels its task.
    Cancel,
    /// Deletes it: from now on it is unknown.
    Delete,
    /// Sends it a message.
    Message(String),
    /// Makes it emit, or do, a step at once, beside its script. A `question` does not wait, a `commit` takes no time.
    Emit(Box<Step>),
}

/// How a pause behaves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PauseManners {
    /// From the accepted call to its effect.
    pub lag: Span,
    /// Whether it ever takes effect; if not, it is accepted all the same.
    pub effective: bool,
    /// HTTP status of `already_paused` and `not_paused`; the vendor does not tell.
    pub again: u16,
    /// Where it can be seen; the vendor does not tell.
    pub shows: Vec<PauseSign>,
}

/// Where a pause can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseSign {
    /// `status` of the session is `paused`.
    Session,
    /// `/status` and `/messages` say `paused`.
    Status,
    /// The stream has a `paused` (and later a `resumed`) event.
    Event,
}

/// How a resume or a cancel behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manners {
    /// Whether it takes effect; if not, it is accepted all the same.
    pub effective: bool,
}

impl Scenario {
    /// Reads a scenario from TOML; `origin` names it in errors.
    ///
    /// # Errors
    /// When the text is not TOML, has unknown keys or steps that say nothing or two things.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)
            .map_err(|source| ScenarioError::Parse { origin: origin.to_owned(), source: Box::new(source) })?;
        if scenario.repeat > 1 && scenario.steps.iter().all(|step| scenario.delay(step) == Duration::ZERO) {
            return Err(ScenarioError::Spins { origin: origin.to_owned() });
        }
        Ok(scenario)
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// As [`Scenario::parse`], and when the file cannot be read.
    pub fn load(path: &std::path::Path) -> Result<Self, ScenarioError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ScenarioError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &format!("{path:?}"))
    }

    /// A scenario of `steps` and nothing special, for tests and replays.
    #[must_use]
    pub fn of(name: &str, steps: Vec<Step>) -> Self {
        Self {
            name: name.to_owned(),
            matches: Vec::new(),
            pace: one_second(),
            jitter: Share::default(),
            start: Start::default(),
            page: Page::default(),
            repeat: 1,
            goal: None,
            history: Vec::new(),
            steps: steps.into(),
            on_message: Arc::default(),
            acts: Vec::new(),
            pause: PauseManners::default(),
            resume: Manners::default(),
            cancel: Manners::default(),
            streams_stay_open: false,
            faults: Vec::new(),
        }
    }

    /// The delay before `step`, as written.
    #[must_use]
    pub fn delay(&self, step: &Step) -> Duration {
        step.after.unwrap_or(self.pace).0
    }
}

impl Share {
    /// `length`, longer or shorter by up to this share of it. `random` is 0 to 1: the least, to the most.
    #[must_use]
    pub fn vary(self, length: Duration, random: f64) -> Duration {
        if self.0 == 0.0 { length } else { length.mul_f64((1.0 + self.0 * (2.0 * random - 1.0)).max(0.0)) }
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(format!("{share} is not from 0 to 1")) }
    }
}

impl Step {
    /// A step that does `action` after the scenario's pace.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self { after: None, page: None, metadata: Metadata::Usual, hidden: false, in_flight: false, action }
    }
}

impl Branch {
    /// Whether `text` chooses this branch.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.contains.is_empty() || self.contains.iter().any(|word| text.contains(&word.to_lowercase()))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { url: "about:blank".to_owned(), title: String::new() }
    }
}

impl Default for PauseManners {
    fn default() -> Self {
        let shows = vec![PauseSign::Session, PauseSign::Status, PauseSign::Event];
        Self { lag: Span::default(), effective: true, again: 400, shows }
    }
}

impl Default for Manners {
    fn default() -> Self {
        Self { effective: true }
    }
}

fn shared<'de, D, T>(deserializer: D) -> Result<Arc<[T]>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Vec::deserialize(deserializer).map(Arc::from)
}

fn one_second() -> Span {
    Span(Duration::from_secs(1))
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
