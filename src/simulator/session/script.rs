//! A task: where its script is, and what its next step emits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Draft, Effect, Ended, Session};
use crate::simulator::scenario::{Action, Branch, Commit, Page, RawEvent, Scenario, Step};
use crate::simulator::span::{Span, Speed};

/// A running script.
#[derive(Debug)]
pub(super) struct Task {
    steps: Arc<[Step]>,
    next: usize,
    rounds_left: u32,
    scenario: Arc<Scenario>,
    speed: Speed,
    random: fastrand::Rng,
    frozen: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Before(Clock),
    Committing(Clock, Commit),
    Asking(Arc<[Branch]>),
    AwaitingPause,
    Silent,
}

/// When a phase ends: a time, or, while paused, what is left of it.
#[derive(Clone, Copy, Debug)]
enum Clock {
    At(Duration),
    Left(Duration),
}

impl Task {
    pub(super) fn start(scenario: &Arc<Scenario>, now: Duration, speed: Speed, seed: u64) -> Self {
        let mut task = Self {
            steps: Arc::clone(&scenario.steps),
            next: 0,
            rounds_left: scenario.repeat.saturating_sub(1),
            scenario: Arc::clone(scenario),
            speed,
            random: fastrand::Rng::with_seed(seed),
            frozen: false,
            phase: Phase::Silent,
        };
        task.await_next(now);
        task
    }

    pub(super) fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Asking(_))
    }

    pub(super) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Before(Clock::At(at)) | Phase::Committing(Clock::At(at), _) => Some(at),
            Phase::Before(Clock::Left(_)) | Phase::Committing(Clock::Left(_), _) => None,
            Phase::Asking(_) | Phase::AwaitingPause | Phase::Silent => None,
        }
    }

    /// A pause takes effect. What is in flight keeps its time.
    pub(super) fn freeze(&mut self, now: Duration) {
        self.frozen = true;
        let next_flies = self.steps.get(self.next).is_some_and(|step| step.in_flight);
        match &mut self.phase {
            Phase::Committing(_, commit) if commit.in_flight => {}
            Phase::Before(_) if next_flies => {}
            Phase::Before(clock) | Phase::Committing(clock, _) => clock.freeze(now),
            Phase::AwaitingPause => self.await_next(now),
            Phase::Asking(_) | Phase::Silent => {}
        }
    }

    pub(super) fn thaw(&mut self, now: Duration) {
        self.frozen = false;
        match &mut self.phase {
            Phase::Before(clock) | Phase::Committing(clock, _) => clock.thaw(now),
            Phase::Asking(_) | Phase::AwaitingPause | Phase::Silent => {}
        }
    }

    fn switch(&mut self, steps: Arc<[Step]>) {
        self.steps = steps;
        self.next = 0;
        self.rounds_left = 0;
    }

    /// The next step, or nothing when the script has run out.
    fn take(&mut self) -> Option<Step> {
        let step = self.steps.get(self.next).cloned()?;
        self.next += 1;
        Some(step)
    }

    fn await_next(&mut self, now: Duration) {
        if self.next >= self.steps.len() && self.rounds_left > 0 {
            self.rounds_left -= 1;
            self.next = 0;
        }
        self.phase = match self.steps.get(self.next) {
            None => Phase::Silent,
            Some(step) => {
                let length = self.scenario.jitter.vary(self.scenario.delay(step), self.random.f64());
                Phase::Before(self.clock(now, length, step.in_flight))
            }
        };
    }

    fn clock(&self, now: Duration, written: Duration, in_flight: bool) -> Clock {
        let length = Span(written).at_speed(self.speed);
        if self.frozen && !in_flight { Clock::Left(length) } else { Clock::At(now + length) }
    }
}

impl Clock {
    fn freeze(&mut self, now: Duration) {
        if let Self::At(at) = *self {
            *self = Self::Left(at.saturating_sub(now));
        }
    }

    fn thaw(&mut self, now: Duration) {
        if let Self::Left(left) = *self {
            *self = Self::At(now + left);
        }
    }
}

impl Session {
    /// Plays what is due at `at`: one step, or the end of a commit.
    pub(super) fn play(&mut self, at: Duration, effects: &mut Vec<Effect>) {
        let paused = self.is_paused();
        let Some(task) = &mut self.task else { return };
        if let Phase::Committing(_, commit) = &task.phase {
            effects.push(Effect::Commit { commit: commit.clone(), while_paused: paused });
            task.await_next(at);
            return;
        }
        let Some(step) = task.take() else {
            task.phase = Phase::Silent;
            return;
        };
        self.perform(&step, effects);
        self.proceed(at, step.action, effects);
    }

    /// A message comes to a task: it answers, or chooses what is done from now on.
    pub(super) fn hear(&mut self, now: Duration, text: &str) {
        let Some(task) = &mut self.task else { return };
        let (branches, answers) = match &task.phase {
            Phase::Asking(branches) => (Arc::clone(branches), true),
            Phase::Before(_) | Phase::Committing(..) | Phase::AwaitingPause | Phase::Silent => {
                (Arc::clone(&self.scenario.on_message), false)
            }
        };
        let branch = branches.iter().find(|branch| branch.fits(text)).filter(|branch| !branch.steps.is_empty());
        if let Some(branch) = branch {
            task.switch(Arc::clone(&branch.steps));
        }
        let committing = matches!(task.phase, Phase::Committing(..));
        if answers || (branch.is_some() && !committing) {
            task.await_next(now);
        }
    }

    /// Emits what a step says.
    pub(super) fn perform(&mut self, step: &Step, effects: &mut Vec<Effect>) {
        if let Some(page) = &step.page {
            self.page = page.clone();
        }
        if let Some(mut draft) = draft(step, &self.page) {
            draft.hidden = step.hidden;
            effects.push(Effect::Emit(draft));
        }
    }

    fn proceed(&mut self, at: Duration, action: Action, effects: &mut Vec<Effect>) {
        if let Some(how) = end_of(&action) {
            return self.end(how);
        }
        let paused = self.is_paused();
        match action {
            Action::Act(act) => self.act_into(at, act, effects),
            Action::Commit(commit) => return self.begin(at, commit),
            Action::Question(_, branches) => return self.ask(branches),
            Action::AwaitPause if !paused => return self.await_pause(),
            Action::AwaitPause => {}
            Action::Thought(_) | Action::Step(_) | Action::Log(_) | Action::User(_) | Action::Done(_) => {}
            Action::Error { .. } | Action::Event(_) | Action::Nothing => {}
        }
        if let Some(task) = &mut self.task {
            task.await_next(at);
        }
    }

    fn begin(&mut self, at: Duration, commit: Commit) {
        if let Some(task) = &mut self.task {
            task.phase = Phase::Committing(task.clock(at, commit.takes.0, false), commit);
        }
    }

    fn await_pause(&mut self) {
        if let Some(task) = &mut self.task {
            task.phase = Phase::AwaitingPause;
        }
    }

    fn ask(&mut self, branches: Arc<[Branch]>) {
        if let Some(task) = &mut self.task {
            task.phase = Phase::Asking(branches);
        }
    }
}

/// How a task ends with this action, if it does.
pub(super) fn end_of(action: &Action) -> Option<Ended> {
    match action {
        Action::Done(_) => Some(Ended::Finished),
        Action::Error { fatal: true, .. } => Some(Ended::Error),
        Action::Error { fatal: false, .. } | Action::Thought(_) | Action::Step(_) | Action::Log(_) => None,
        Action::User(_) | Action::Question(..) | Action::Commit(_) | Action::Event(_) => None,
        Action::Act(_) | Action::AwaitPause | Action::Nothing => None,
    }
}

fn draft(step: &Step, page: &Page) -> Option<Draft> {
    let agent = |draft: Draft| draft.with_metadata(&step.metadata, "agent");
    Some(match &step.action {
        Action::Thought(content) => agent(Draft::plain("thought", "THOUGHT", content.clone())),
        Action::Question(content, _) => agent(Draft::plain("question", "QUESTION", content.clone())),
        Action::Step(payload) => agent(acted(payload, page)),
        Action::Log(content) => log(content, step),
        Action::User(content) => Draft::plain("user", "USER", content.clone()).with_metadata(&step.metadata, "user"),
        Action::Done(content) => agent(done(content)),
        Action::Error { content, status_code, fatal } => agent(error(content, *status_code, *fatal)),
        Action::Event(event) => agent(raw(event)),
        Action::Commit(_) | Action::Act(_) | Action::AwaitPause | Action::Nothing => return None,
    })
}

fn acted(payload: &Value, page: &Page) -> Draft {
    let mut data = match payload {
        Value::Object(map) => map.clone(),
        other => serde_json::Map::from_iter([("text".to_owned(), other.clone())]),
    };
    data.entry("url").or_insert_with(|| page.url.as_str().into());
    data.entry("title").or_insert_with(|| page.title.as_str().into());
    Draft { message_type: None, data: Value::Object(data), ..Draft::plain("step", "STEP", payload.clone()) }
}

fn log(content: &Value, step: &Step) -> Draft {
    let mut draft = Draft::plain("log", "LOG", content.clone()).with_metadata(&step.metadata, "environment");
    if let (Some(metadata), Value::Object(data)) = (&draft.metadata, &mut draft.data) {
        data.insert("metadata".to_owned(), Value::Object(metadata.clone()));
    }
    draft
}

fn done(content: &Value) -> Draft {
    let (text, result) = match content {
        Value::String(text) => (text.clone(), json!({})),
        Value::Object(map) => {
            let text = map.get("text").and_then(Value::as_str).map_or_else(|| content.to_string(), str::to_owned);
            (text, content.clone())
        }
        other => (other.to_string(), json!({ "items": other })),
    };
    let data = json!({ "text": text, "result": result });
    Draft { data, closes: true, ..Draft::plain("done", "DONE", content.clone()) }
}

fn error(content: &Value, status_code: u16, fatal: bool) -> Draft {
    let data = json!({ "error": content, "status_code": status_code });
    Draft { data, closes: fatal, ..Draft::plain("error", "ERROR", content.clone()) }
}

fn raw(event: &RawEvent) -> Draft {
    Draft {
        message_type: event.message_type.clone(),
        data: event.data.clone(),
        has_id: event.id,
        ..Draft::plain(&event.name, "", event.content.clone())
    }
}
