//! Recorded runs: `traces.jsonl`, one trace a line, read for whoever plays them or measures on them.
//!
//! Also says what a provider would have sent for each event of a run, so that a measurement sees what the daemon would
//! see. What a trace says is data of strangers; nothing here acts on it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::api::{Event, MessageId, SessionId, agi};
use crate::clock::Moment;
use crate::policy::SessionInfo;

/// The longest text of an event, in bytes, as a daemon is configured where nothing is said.
const EVENT_MAX: usize = 1 << 20;

/// One recorded run. Members of a line that are not here are ignored, and `null` is as if a member were missing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Trace {
    /// Its id, a text or a number; where the line tells none, [`load`] fills in the line's number.
    #[serde(default, deserialize_with = "id")]
    pub id: String,
    /// The goal.
    #[serde(default, deserialize_with = "nullable")]
    pub task: String,
    /// What kind of surface the agent worked on: `browser`, `tools`, `web-text`.
    #[serde(default = "unknown", deserialize_with = "named")]
    pub surface: String,
    /// Where it was published.
    #[serde(default = "unknown", deserialize_with = "named")]
    pub source: String,
    /// The agent's name.
    #[serde(default)]
    pub agent: Option<String>,
    /// What happened.
    pub events: Vec<TraceEvent>,
    /// Indices of events that perform what cannot be taken back.
    #[serde(default, deserialize_with = "nullable")]
    pub consequential: Vec<usize>,
    /// Indices of events that are reversible or prepare something: asking about them is neither right nor wrong.
    #[serde(default, deserialize_with = "nullable")]
    pub soft: Vec<usize>,
    /// The category of each consequential event.
    #[serde(default, deserialize_with = "nullable")]
    pub categories: Vec<String>,
}

/// One event of a recorded run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TraceEvent {
    /// `thought`, `action`, `tool_call`, `observation`, `question` or `message`.
    pub kind: String,
    /// Its text.
    #[serde(default, deserialize_with = "nullable")]
    pub text: String,
    /// The page.
    #[serde(default)]
    pub url: Option<String>,
    /// The tool.
    #[serde(default)]
    pub tool: Option<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Option<Value>,
    /// `user` or `assistant`; a `message` is the agent's only with the latter.
    #[serde(default)]
    pub role: Option<String>,
}

/// What an event is to a session's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The agent says something.
    Thought,
    /// The agent acts.
    Step,
    /// The agent asks.
    Question,
    /// The world answers: a page, a tool's result.
    Log,
    /// The user speaks.
    User,
}

/// Why traces cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read the traces file {path:?}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no trace.
    #[error("{path:?}, line {line}: not a trace")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A trace marks an event that it does not have.
    #[error("{path:?}, line {line}: not a trace: it marks event {index}, but has {events} events")]
    Marked {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The event that is not there.
        index: usize,
        /// How many there are.
        events: usize,
    },
    /// No trace has this id.
    #[error("{path:?} has no trace with the id {id:?}")]
    NoSuchId {
        /// The file.
        path: PathBuf,
        /// The id.
        id: String,
    },
}

/// Reads all traces of a file, or the one with this id.
///
/// # Errors
/// When the file cannot be read, a line is no trace, or the id is not there.
pub fn load(path: &Path, id: Option<&str>) -> Result<Vec<Trace>, TraceError> {
    let unreadable = |source| TraceError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut traces = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(unreadable)?;
        // A mark of byte order, as some editors write.
        let line = line.strip_prefix('\u{feff}').filter(|_| index == 0).unwrap_or(&line);
        if line.trim().is_empty() {
            continue;
        }
        let trace = parse(path, index + 1, line)?;
        if id.is_none_or(|id| id == trace.id) {
            traces.push(trace);
        }
    }
    match id {
        Some(id) if traces.is_empty() => Err(TraceError::NoSuchId { path: path.to_owned(), id: id.to_owned() }),
        Some(_) | None => Ok(traces),
    }
}

fn parse(path: &Path, line: usize, text: &str) -> Result<Trace, TraceError> {
    let broken = |source| TraceError::Parse { path: path.to_owned(), line, source };
    let mut trace: Trace = serde_json::from_str(text).map_err(broken)?;
    if trace.id.trim().is_empty() {
        trace.id = line.to_string();
    }
    let events = trace.events.len();
    match trace.consequential.iter().chain(&trace.soft).find(|index| **index >= events) {
        Some(index) => Err(TraceError::Marked { path: path.to_owned(), line, index: *index, events }),
        None => Ok(trace),
    }
}

/// When the events of a run are taken to arrive, one after the other: runs do not tell, so it is a second between two.
pub fn moments() -> impl Iterator<Item = Moment> {
    (0..).map(|second| Moment::of(Timestamp::UNIX_EPOCH).after(Duration::from_secs(second)))
}

impl Trace {
    /// The session that the daemon would watch.
    #[must_use]
    pub fn session(&self) -> Option<SessionInfo> {
        let id = SessionId::try_from("trace").ok()?;
        Some(SessionInfo { id, agent: self.agent.clone(), goal: Some(self.task.clone()) })
    }

    /// The events that the daemon would see, one for each of the run: each is written as the provider would send it, and
    /// read by the provider's own decoder. A step names the page that the run is at, as far as the run has told it.
    #[must_use]
    pub fn played(&self) -> Vec<Event> {
        let mut page = None;
        let mut played = Vec::with_capacity(self.events.len());
        for (index, event) in self.events.iter().enumerate() {
            page = event.url.as_deref().or(page);
            let decoded = agi::decode_event(event.part().name(), &event.data(page).to_string(), EVENT_MAX);
            played.push(Event { id: Some(MessageId(index as u64 + 1)), ..decoded });
        }
        played
    }
}

impl TraceEvent {
    /// What it is to a session's API.
    #[must_use]
    pub fn part(&self) -> Part {
        match (self.kind.as_str(), self.role.as_deref()) {
            ("action" | "tool_call", _) => Part::Step,
            ("observation", _) => Part::Log,
            ("question", _) => Part::Question,
            ("message", Some("assistant")) | ("thought", _) => Part::Thought,
            ("message", _) => Part::User,
            _ => Part::Thought,
        }
    }

    /// The payload of a step.
    #[must_use]
    pub fn payload(&self) -> Value {
        let mut payload = Map::from_iter([("text".to_owned(), self.text.as_str().into())]);
        if let Some(tool) = &self.tool {
            payload.insert("tool".to_owned(), tool.as_str().into());
        }
        if let Some(args) = &self.args {
            payload.insert("args".to_owned(), args.clone());
        }
        if let Some(url) = &self.url {
            payload.insert("url".to_owned(), url.as_str().into());
        }
        Value::Object(payload)
    }

    /// The data of the stream's frame, at `page`.
    fn data(&self, page: Option<&str>) -> Value {
        let mut data = match self.part() {
            Part::Step => self.payload(),
            Part::Thought | Part::Question | Part::Log | Part::User => json!({ "text": self.text }),
        };
        if let (Part::Step, Some(page), Value::Object(data)) = (self.part(), page, &mut data) {
            data.insert("url".to_owned(), page.into());
        }
        data
    }
}

impl Part {
    /// Whether the agent itself speaks or acts: what counts when a policy is measured.
    #[must_use]
    pub fn is_agent_emitted(self) -> bool {
        match self {
            Self::Thought | Self::Step | Self::Question => true,
            Self::Log | Self::User => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Thought => "thought",
            Self::Step => "step",
            Self::Question => "question",
            Self::Log => "log",
            Self::User => "user",
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

fn named<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_else(unknown))
}

fn id<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Option::deserialize(value)? {
        Some(Id::Text(text)) => text,
        Some(Id::Number(number)) => number.to_string(),
        None => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::EventKind;

    #[test]
    fn a_run_becomes_what_the_daemon_would_see() {
        let line = r#"{"id":"t/1","task":"pay","agent":"a","novel":1,"events":[
            {"kind":"thought","text":"I will pay","url":"https://bank.example/"},
            {"kind":"tool_call","text":"send_money({})","tool":"send_money","args":{"to":"Ana"}},
            {"kind":"observation","text":"ok","tool":"send_money"},
            {"kind":"message","role":"user","text":"thanks"},
            {"kind":"message","role":"assistant","text":"done"}]}"#;
        let trace: Trace = serde_json::from_str(line).unwrap();
        let seen: Vec<_> = trace.played().into_iter().map(|event| (event.kind, event.text, event.url)).collect();
        let plain = |kind, text: &str| (kind, text.to_owned(), None);
        let url = "https://bank.example/";
        let step = format!("send_money({{}})\nAna\nsend_money\n{url}");
        assert_eq!(
            seen,
            [
                plain(EventKind::Thought, "I will pay"),
                (EventKind::Step, step, Some(url.to_owned())),
                plain(EventKind::Log, "ok"),
                plain(EventKind::User, "thanks"),
                plain(EventKind::Thought, "done"),
            ]
        );
        assert_eq!((trace.surface.as_str(), trace.source.as_str()), ("unknown", "unknown"));
    }

    #[test]
    fn what_a_line_leaves_out_or_calls_null_is_as_if_it_were_empty() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let null = r#"{"id":7,"task":null,"surface":null,"soft":null,"consequential":null,"categories":null,
            "agent":null,"events":[{"kind":"thought","text":null,"url":null,"tool":null,"args":null,"role":null}]}"#;
        let text = format!("\u{feff}{}\n\n{{\"id\":null,\"events\":[]}}\n{{\"events\":[]}}\n", null.replace('\n', " "));
        std::fs::write(file.path(), text).unwrap();
        let traces = load(file.path(), None).unwrap();
        let ids: Vec<_> = traces.iter().map(|trace| trace.id.as_str()).collect();
        assert_eq!(ids, ["7", "3", "4"]);
        let plain = r#"{"id":"7","events":[{"kind":"thought"}]}"#;
        assert_eq!(traces[0], serde_json::from_str(plain).unwrap());
        assert_eq!(load(file.path(), Some("7")).unwrap().len(), 1);
    }

    #[test]
    fn a_message_is_the_agents_only_when_it_says_so() {
        let part = |role: Value| {
            let event: TraceEvent = serde_json::from_value(json!({ "kind": "message", "role": role })).unwrap();
            event.part()
        };
        assert_eq!(part("assistant".into()), Part::Thought);
        for role in [Value::Null, "user".into(), "system".into(), "tool".into()] {
            assert_eq!(part(role), Part::User);
        }
    }

    #[test]
    fn a_broken_line_is_told_with_its_number() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let good = r#"{"id":"a","events":[{"kind":"thought","text":"x"}]}"#;
        let said = |second: &str| {
            std::fs::write(file.path(), format!("{good}\n\n{second}\n")).unwrap();
            load(file.path(), None).unwrap_err().to_string()
        };
        assert!(said("{").ends_with("line 3: not a trace"));
        let marked = r#"{"id":"b","events":[{"kind":"thought","text":"x"}],"soft":[1]}"#;
        assert!(said(marked).ends_with("line 3: not a trace: it marks event 1, but has 1 events"));
    }
}
