//! Recorded runs as scenarios: `traces.jsonl`, one trace per line, played event by event.
//!
//! What the trace calls consequential becomes a commit that follows the event announcing it, so that it really happens unless
//! the session is stopped in time. What a trace says is data of strangers; it is only ever sent as text.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::scenario::{Action, Commit, Metadata, Page, Scenario, Start, Step};
use super::span::Span;

/// The longest description of a commit, in characters.
const WHAT_MAX: usize = 200;

/// One recorded run, as far as it is played.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Trace {
    /// Its id.
    pub id: String,
    /// The goal.
    #[serde(default)]
    pub task: String,
    /// What happened.
    pub events: Vec<TraceEvent>,
    /// Indices of events that perform what cannot be taken back.
    #[serde(default)]
    pub consequential: Vec<usize>,
    /// The category of each of them.
    #[serde(default)]
    pub categories: Vec<String>,
}

/// One event of a recorded run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TraceEvent {
    /// `thought`, `action`, `tool_call`, `observation`, `question` or `message`.
    pub kind: String,
    /// Its text.
    #[serde(default)]
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
    /// `user` or `assistant`.
    #[serde(default)]
    pub role: Option<String>,
}

/// How traces are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two events.
    pub step: Span,
    /// From an event that announces something consequential to its being done.
    pub commit: Span,
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
        if line.trim().is_empty() {
            continue;
        }
        let broken = |source| TraceError::Parse { path: path.to_owned(), line: index + 1, source };
        let trace: Trace = serde_json::from_str(&line).map_err(broken)?;
        if id.is_none_or(|id| id == trace.id) {
            traces.push(trace);
        }
    }
    match id {
        Some(id) if traces.is_empty() => Err(TraceError::NoSuchId { path: path.to_owned(), id: id.to_owned() }),
        Some(_) | None => Ok(traces),
    }
}

impl Trace {
    /// The scenario that plays this run: it starts when somebody watches, and its end is a `done`.
    #[must_use]
    pub fn scenario(&self, pace: Pace) -> Scenario {
        let mut steps = Vec::with_capacity(self.events.len() + self.consequential.len() + 1);
        for (index, event) in self.events.iter().enumerate() {
            steps.push(step(event));
            if let Some(nth) = self.consequential.iter().position(|at| *at == index) {
                steps.push(self.commit(event, nth, pace));
            }
        }
        steps.push(Step::of(Action::Done("The recorded run ends here.".into())));
        Scenario {
            pace: pace.step,
            start: Start::OnStream,
            goal: Some(self.task.clone()),
            ..Scenario::of(&self.id, steps)
        }
    }

    fn commit(&self, event: &TraceEvent, nth: usize, pace: Pace) -> Step {
        let kind = self.categories.get(nth).cloned().unwrap_or_else(|| "consequential".to_owned());
        let what = event.text.chars().take(WHAT_MAX).collect();
        let commit = Commit { kind, what, amount: None, takes: pace.commit, in_flight: false };
        Step { after: Some(Span::default()), ..Step::of(Action::Commit(commit)) }
    }
}

fn step(event: &TraceEvent) -> Step {
    let page = event.url.as_ref().map(|url| Page { url: url.clone(), title: String::new() });
    let text = || Value::String(event.text.clone());
    let (action, metadata) = match (event.kind.as_str(), event.role.as_deref()) {
        ("action" | "tool_call", _) => (Action::Step(payload(event)), Metadata::Usual),
        ("observation", _) => (Action::Log(text()), origin("environment")),
        ("question", _) => (Action::Question(text(), Default::default()), Metadata::Usual),
        ("message", Some("user")) => (Action::User(text()), Metadata::Usual),
        _ => (Action::Thought(text()), Metadata::Usual),
    };
    Step { page, metadata, ..Step::of(action) }
}

fn payload(event: &TraceEvent) -> Value {
    let mut payload = Map::from_iter([("text".to_owned(), event.text.as_str().into())]);
    if let Some(tool) = &event.tool {
        payload.insert("tool".to_owned(), tool.as_str().into());
    }
    if let Some(args) = &event.args {
        payload.insert("args".to_owned(), args.clone());
    }
    if let Some(url) = &event.url {
        payload.insert("url".to_owned(), url.as_str().into());
    }
    Value::Object(payload)
}

fn origin(origin: &str) -> Metadata {
    match json!({ "origin": origin }) {
        Value::Object(map) => Metadata::Given(map),
        _ => Metadata::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_becomes_a_script_with_a_commit_behind_what_is_consequential() {
        let line = r#"{"id":"t/1","task":"pay","consequential":[1],"categories":["payment"],"surface":"tools","events":[
            {"kind":"thought","text":"I will pay"},
            {"kind":"tool_call","text":"send_money({})","tool":"send_money","args":{"amount":5}},
            {"kind":"observation","text":"ok","tool":"send_money"},
            {"kind":"message","role":"user","text":"thanks"}]}"#;
        let trace: Trace = serde_json::from_str(line).unwrap();
        let pace = Pace { step: "1s".parse().unwrap(), commit: "500ms".parse().unwrap() };
        let scenario = trace.scenario(pace);
        let commit = Commit {
            kind: "payment".into(),
            what: "send_money({})".into(),
            amount: None,
            takes: pace.commit,
            in_flight: false,
        };
        let step = json!({ "text": "send_money({})", "tool": "send_money", "args": { "amount": 5 } });
        let expected = [
            Step::of(Action::Thought("I will pay".into())),
            Step::of(Action::Step(step)),
            Step { after: Some(Span::default()), ..Step::of(Action::Commit(commit)) },
            Step { metadata: origin("environment"), ..Step::of(Action::Log("ok".into())) },
            Step::of(Action::User("thanks".into())),
            Step::of(Action::Done("The recorded run ends here.".into())),
        ];
        assert_eq!(*scenario.steps, expected);
        assert_eq!((scenario.start, scenario.goal.as_deref()), (Start::OnStream, Some("pay")));
    }
}
