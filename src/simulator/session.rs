//! One simulated session: a pure state machine that plays a scenario.
//!
//! Time comes in as an argument (since the simulator's start) and what happens goes out as [`Effect`]s; it knows no ids, no
//! HTTP and no clock. [`super::world`] gives ids to what it emits and writes down what it commits.

mod effect;
mod script;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::scenario::{Act, ActTime, Action, Page, PauseSign, Scenario, Step};
use super::span::Speed;
pub use effect::{Draft, Effect};
use script::Task;

/// A simulated session.
#[derive(Debug)]
pub struct Session {
    scenario: Arc<Scenario>,
    speed: Speed,
    seed: u64,
    page: Page,
    task: Option<Task>,
    awaits_stream: bool,
    ended: Ended,
    pause: Pause,
    acts: Vec<(Duration, Act)>,
    acts_after_pause: Vec<u32>,
    instructions: Vec<String>,
}

/// What became of the last task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// There was none.
    Never,
    /// It said `done`.
    Finished,
    /// It said `error`.
    Error,
    /// It was cancelled.
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Off,
    Pending(Duration),
    On,
}

/// How a call to pause or resume was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Accepted.
    Accepted,
    /// The session is in that state already.
    Already,
    /// There is no task.
    NoTask,
}

impl Session {
    /// A session without a task; its first one plays `scenario`. `seed` is of what is random in it.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>, speed: Speed, seed: u64) -> Self {
        let awaits_stream = scenario.start == super::scenario::Start::OnStream;
        Self {
            page: scenario.page.clone(),
            scenario,
            speed,
            seed,
            task: None,
            awaits_stream,
            ended: Ended::Never,
            pause: Pause::Off,
            acts: Vec::new(),
            acts_after_pause: Vec::new(),
            instructions: Vec::new(),
        }
    }

    /// The scenario that it plays, or will play.
    #[must_use]
    pub fn scenario(&self) -> &Arc<Scenario> {
        &self.scenario
    }

    /// Where its browser is.
    #[must_use]
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The messages that it got, in order.
    #[must_use]
    pub fn instructions(&self) -> &[String] {
        &self.instructions
    }

    /// What became of the last task.
    #[must_use]
    pub fn ended(&self) -> Ended {
        self.ended
    }

    /// Whether a task runs, waits or is paused.
    #[must_use]
    pub fn has_task(&self) -> bool {
        self.task.is_some()
    }

    /// Whether a pause is in effect, whatever the API shows.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pause == Pause::On
    }

    /// Lifecycle status as `GET /v1/sessions/{id}` tells it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (&self.task, self.shows(PauseSign::Session)) {
            (Some(_), true) => "paused",
            (Some(_), false) => "running",
            (None, _) if self.awaits_stream => "running",
            (None, _) => "ready",
        }
    }

    /// Execution status as `/status` and `/messages` tell it.
    #[must_use]
    pub fn execution(&self) -> &'static str {
        match (&self.task, self.ended) {
            (Some(_), _) if self.shows(PauseSign::Status) => "paused",
            (Some(task), _) if task.is_asking() => "waiting_for_input",
            (Some(_), _) => "running",
            (None, _) if self.awaits_stream => "running",
            (None, Ended::Finished) => "finished",
            (None, Ended::Error) => "error",
            (None, Ended::Never | Ended::Cancelled) => "ready",
        }
    }

    /// What happened before the first task.
    #[must_use]
    pub fn history(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for step in &Arc::clone(&self.scenario).history {
            self.perform(step, &mut effects);
            self.ended = script::end_of(&step.action).unwrap_or(self.ended);
        }
        effects
    }

    /// When [`Session::advance`] has something to do.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        self.next_due().map(|(at, _)| at)
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((at, due)) = self.next_due() {
            if at > now {
                break;
            }
            match due {
                Due::Pause => self.take_hold(at, &mut effects),
                Due::Act(index) => {
                    let (_, act) = self.acts.remove(index);
                    self.act_into(at, act, &mut effects);
                }
                Due::Script => self.play(at, &mut effects),
            }
        }
        effects
    }

    /// Somebody watches: a task that waits for that starts.
    pub fn watched(&mut self, now: Duration) {
        if self.awaits_stream {
            self.start(now);
        }
    }

    /// A message arrives: it starts a task, answers a question or adds to the instructions.
    ///
    /// `choice` is the scenario that a new task plays; `None` keeps the session's own.
    pub fn message(&mut self, now: Duration, text: &str, choice: Option<Arc<Scenario>>) -> Vec<Effect> {
        self.instructions.push(text.to_owned());
        let effects = vec![Effect::Emit(Draft::plain("user", "USER", text.into()))];
        if self.task.is_some() {
            self.hear(now, text);
            return effects;
        }
        if let Some(scenario) = choice {
            self.page = scenario.page.clone();
            self.scenario = scenario;
        }
        self.start(now);
        effects
    }

    /// Somebody asks for a pause.
    pub fn pause(&mut self, now: Duration) -> (Taken, Vec<Effect>) {
        let mut effects = Vec::new();
        self.watched(now);
        if self.task.is_none() {
            return (Taken::NoTask, effects);
        }
        match self.pause {
            Pause::On => return (Taken::Already, effects),
            Pause::Pending(_) => {}
            Pause::Off if !self.scenario.pause.effective => {}
            Pause::Off => {
                let lag = self.scenario.pause.lag.at_speed(self.speed);
                self.pause = Pause::Pending(now + lag);
                effects = self.advance_pause(now);
            }
        }
        (Taken::Accepted, effects)
    }

    /// Somebody asks for a resume; a pause that lags is called off.
    pub fn resume(&mut self, now: Duration) -> (Taken, Vec<Effect>) {
        let mut effects = Vec::new();
        match (self.pause, self.task.is_some()) {
            (Pause::Off, _) | (_, false) => return (Taken::Already, effects),
            (Pause::Pending(_) | Pause::On, true) if !self.scenario.resume.effective => {}
            (Pause::Pending(_), true) => self.pause = Pause::Off,
            (Pause::On, true) => self.let_go(now, &mut effects),
        }
        (Taken::Accepted, effects)
    }

    /// Somebody cancels the task, if there is one; what was not done is not done.
    pub fn cancel(&mut self) {
        if self.scenario.cancel.effective {
            self.end(Ended::Cancelled);
        }
    }

    /// The session is deleted: its task ends whatever the scenario says of cancels.
    pub fn cancel_for_good(&mut self) {
        self.end(Ended::Cancelled);
    }

    /// The browser is sent elsewhere.
    pub fn navigate(&mut self, page: Page) {
        self.page = page;
    }

    /// Somebody else, or a test, will do something to the session once its task has run until `at`, if it still runs then.
    pub fn act_at(&mut self, at: Duration, act: Act) {
        if self.task.is_some() {
            self.acts.push((at, act));
        }
    }

    /// Somebody else, or a test, does something to the session.
    pub fn act(&mut self, now: Duration, act: Act) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.act_into(now, act, &mut effects);
        effects
    }

    fn act_into(&mut self, now: Duration, act: Act, effects: &mut Vec<Effect>) {
        match act {
            Act::Pause if self.task.is_some() && self.pause != Pause::On => self.take_hold(now, effects),
            Act::Resume if self.pause == Pause::On => self.let_go(now, effects),
            Act::Pause | Act::Resume => {}
            Act::Cancel => self.end(Ended::Cancelled),
            Act::Delete => {
                self.end(Ended::Cancelled);
                effects.push(Effect::Gone);
            }
            Act::Message(text) => effects.extend(self.message(now, &text, None)),
            Act::Emit(step) => self.emit(&step, effects),
        }
    }

    /// Beside the script: nothing waits, nothing takes time, nothing ends.
    fn emit(&mut self, step: &Step, effects: &mut Vec<Effect>) {
        let before = effects.len();
        self.perform(step, effects);
        for effect in &mut effects[before..] {
            if let Effect::Emit(draft) = effect {
                draft.beside = true;
            }
        }
        if let Action::Commit(commit) = &step.action {
            effects.push(Effect::Commit { commit: commit.clone(), while_paused: self.is_paused() });
        }
    }

    fn start(&mut self, now: Duration) {
        self.awaits_stream = false;
        self.pause = Pause::Off;
        self.acts_after_pause = self.scenario.acts.iter().map(|act| act.times).collect();
        self.acts = self.scenario.acts.iter().filter_map(|act| at_start(act, now, self.speed)).collect();
        self.task = Some(Task::start(&self.scenario, now, self.speed, self.seed));
    }

    fn end(&mut self, how: Ended) {
        if self.task.take().is_some() {
            self.ended = how;
        }
        self.awaits_stream = false;
        self.pause = Pause::Off;
        self.acts.clear();
    }

    fn advance_pause(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Pause::Pending(at) = self.pause
            && at <= now
        {
            self.take_hold(now, &mut effects);
        }
        effects
    }

    fn take_hold(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.pause = Pause::On;
        if let Some(task) = &mut self.task {
            task.freeze(now);
        }
        let scenario = Arc::clone(&self.scenario);
        for (act, left) in scenario.acts.iter().zip(&mut self.acts_after_pause) {
            if let ActTime::AfterPause(after) = act.when
                && *left > 0
            {
                *left -= 1;
                self.acts.push((now + after.at_speed(self.speed), act.act.clone()));
            }
        }
        self.sign("paused", effects);
    }

    fn let_go(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.pause = Pause::Off;
        if let Some(task) = &mut self.task {
            task.thaw(now);
        }
        self.sign("resumed", effects);
    }

    fn sign(&self, name: &str, effects: &mut Vec<Effect>) {
        if self.scenario.pause.shows.contains(&PauseSign::Event) {
            effects.push(Effect::Emit(Draft::notice(name)));
        }
    }

    fn shows(&self, sign: PauseSign) -> bool {
        self.is_paused() && self.scenario.pause.shows.contains(&sign)
    }

    fn next_due(&self) -> Option<(Duration, Due)> {
        let pause = match self.pause {
            Pause::Pending(at) => Some((at, Due::Pause)),
            Pause::Off | Pause::On => None,
        };
        let acts = self.acts.iter().enumerate().map(|(index, (at, _))| (*at, Due::Act(index)));
        let script = self.task.as_ref().and_then(Task::due).map(|at| (at, Due::Script));
        pause.into_iter().chain(acts).chain(script).min_by_key(|(at, _)| *at)
    }
}

#[derive(Clone, Copy)]
enum Due {
    Pause,
    Act(usize),
    Script,
}

fn at_start(act: &super::scenario::TimedAct, now: Duration, speed: Speed) -> Option<(Duration, Act)> {
    match act.when {
        ActTime::At(at) => Some((now + at.at_speed(speed), act.act.clone())),
        ActTime::AfterPause(_) => None,
    }
}

#[cfg(test)]
mod tests;
