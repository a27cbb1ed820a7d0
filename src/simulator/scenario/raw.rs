//! Steps and acts as they are written, before it is checked that they say exactly one thing.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Act, ActTime, Action, Branch, Commit, Metadata, Page, RawEvent, Step, TimedAct};
use crate::simulator::span::Span;

const KINDS: &str = "thought, step, log, user, question, error, done, commit, event, act, waits_for";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStep {
    after: Option<Span>,
    page: Option<Page>,
    metadata: Option<RawMetadata>,
    #[serde(default)]
    hidden: bool,
    thought: Option<Value>,
    step: Option<Value>,
    log: Option<Value>,
    user: Option<Value>,
    question: Option<Value>,
    answer: Option<Vec<Branch>>,
    error: Option<Value>,
    status_code: Option<u16>,
    fatal: Option<bool>,
    done: Option<Value>,
    commit: Option<RawCommit>,
    takes: Option<Span>,
    #[serde(default)]
    in_flight: bool,
    event: Option<RawEvent>,
    act: Option<Act>,
    waits_for: Option<Awaited>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Awaited {
    Pause,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawMetadata {
    Switch(bool),
    Given(Map<String, Value>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommit {
    kind: String,
    what: String,
    amount: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAct {
    at: Option<Span>,
    after_pause: Option<Span>,
    times: Option<u32>,
    #[serde(rename = "do")]
    act: Act,
}

impl TryFrom<RawStep> for Step {
    type Error = String;

    fn try_from(raw: RawStep) -> Result<Self, String> {
        raw.check_companions()?;
        let metadata = match raw.metadata {
            None | Some(RawMetadata::Switch(true)) => Metadata::Usual,
            Some(RawMetadata::Switch(false)) => Metadata::Missing,
            Some(RawMetadata::Given(map)) => Metadata::Given(map),
        };
        let commit = raw.commit.map(|commit| {
            Action::Commit(Commit {
                kind: commit.kind,
                what: commit.what,
                amount: commit.amount,
                takes: raw.takes.unwrap_or_default(),
                in_flight: raw.in_flight,
            })
        });
        let error = raw.error.map(|content| Action::Error {
            content,
            status_code: raw.status_code.unwrap_or(500),
            fatal: raw.fatal.unwrap_or(true),
        });
        let actions = [
            raw.thought.map(Action::Thought),
            raw.step.map(Action::Step),
            raw.log.map(Action::Log),
            raw.user.map(Action::User),
            raw.question.map(|content| Action::Question(content, raw.answer.unwrap_or_default().into())),
            error,
            raw.done.map(Action::Done),
            commit,
            raw.event.map(Action::Event),
            raw.act.map(Action::Act),
            raw.waits_for.map(|Awaited::Pause| Action::AwaitPause),
        ];
        let mut actions = actions.into_iter().flatten();
        let action = actions.next().unwrap_or(Action::Nothing);
        if actions.next().is_some() {
            return Err(format!("a step does one thing: write only one of {KINDS}"));
        }
        if action == Action::Nothing && raw.after.is_none() && raw.page.is_none() {
            return Err(format!("this step does nothing: write one of {KINDS}, or `after`, or `page`"));
        }
        let in_flight = raw.in_flight && !matches!(action, Action::Commit(_));
        Ok(Self { after: raw.after, page: raw.page, metadata, hidden: raw.hidden, in_flight, action })
    }
}

impl RawStep {
    fn check_companions(&self) -> Result<(), String> {
        let misplaced = [
            ("answer", "question", self.answer.is_some() && self.question.is_none()),
            ("status_code", "error", self.status_code.is_some() && self.error.is_none()),
            ("fatal", "error", self.fatal.is_some() && self.error.is_none()),
            ("takes", "commit", self.takes.is_some() && self.commit.is_none()),
        ];
        match misplaced.into_iter().find(|(_, _, wrong)| *wrong) {
            None => Ok(()),
            Some((key, owner, _)) => Err(format!("`{key}` belongs to a step with `{owner}`")),
        }
    }
}

impl TryFrom<RawAct> for TimedAct {
    type Error = String;

    fn try_from(raw: RawAct) -> Result<Self, String> {
        let when = match (raw.at, raw.after_pause) {
            (Some(at), None) => ActTime::At(at),
            (None, Some(after)) => ActTime::AfterPause(after),
            (None, None) | (Some(_), Some(_)) => {
                return Err("an act has exactly one of `at` and `after_pause`".to_owned());
            }
        };
        Ok(Self { when, times: raw.times.unwrap_or(1), act: raw.act })
    }
}
