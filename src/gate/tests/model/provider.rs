//! The reference provider: one session, who paused it, what is in flight, and what was said.

use crate::api::{ApiError, ErrorClass, Event, EventKind, MessageId, PauseAnswer, Status};
use crate::gate::Observed;
use crate::policy::Verdict;

use super::super::harness::event;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Running,
    Waiting,
    Idle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Us,
    Stranger,
}

/// One thing said, and whether the watcher has handed it to the gate.
#[derive(Clone, Debug)]
pub struct Said {
    pub event: Event,
    pub verdict: Verdict,
    pub seen: bool,
    /// Of a stranger's resume: how many of our pauses had taken effect by then.
    pub foreign: Option<u64>,
}

#[derive(Debug)]
pub struct Provider {
    pub task: Task,
    pub gone: bool,
    pub paused: Option<By>,
    /// A pause that takes effect when the step in flight is finished.
    pub pausing: Option<By>,
    pub step: Option<Verdict>,
    /// How many of our pauses took effect.
    pub took: u64,
    pub said: Vec<Said>,
    pub next_id: u64,
    hides_pauses: bool,
}

impl Provider {
    pub fn new(hides_pauses: bool) -> Self {
        Self {
            task: Task::Running,
            gone: false,
            paused: None,
            pausing: None,
            step: None,
            took: 0,
            said: Vec::new(),
            next_id: 100,
            hides_pauses,
        }
    }

    /// Whether the agent can act on.
    pub fn runs(&self) -> bool {
        !self.gone && self.task == Task::Running && self.paused.is_none() && self.pausing.is_none()
    }

    pub fn is_listed_paused(&self) -> bool {
        self.paused.is_some() && !self.hides_pauses
    }

    /// Whether a stranger's pause holds the session now.
    pub fn is_paused_by_a_stranger(&self) -> bool {
        self.paused.or(self.pausing) == Some(By::Stranger)
    }

    pub fn says(&mut self, kind: EventKind, text: &str, verdict: Verdict) {
        self.next_id += 3;
        let mut said = event(self.next_id, kind, text);
        if matches!(said.kind, EventKind::Paused | EventKind::Resumed) {
            said.id = None;
        }
        self.said.push(Said { event: said, verdict, seen: false, foreign: None });
    }

    pub fn pause(&mut self, by: By) -> Result<PauseAnswer, ApiError> {
        self.found()?;
        if self.paused.is_some() || self.pausing.is_some() {
            return Ok(PauseAnswer::AlreadyPaused);
        }
        if self.task == Task::Idle {
            return Err(refused("nothing runs"));
        }
        self.took += u64::from(by == By::Us);
        if self.step.is_some() {
            self.pausing = Some(by);
        } else {
            self.paused = Some(by);
            self.says(EventKind::Paused, "paused", Verdict::default());
        }
        Ok(PauseAnswer::Accepted)
    }

    pub fn resume(&mut self, by: By) -> Result<(), ApiError> {
        self.found()?;
        if self.pausing.take().is_none() && self.paused.take().is_none() {
            return Err(error(ErrorClass::NotPaused));
        }
        self.says(EventKind::Resumed, "resumed", Verdict::default());
        if let Some(said) = self.said.last_mut().filter(|_| by == By::Stranger) {
            said.foreign = Some(self.took);
        }
        Ok(())
    }

    pub fn cancel(&mut self) -> Result<(), ApiError> {
        self.found()?;
        (self.task, self.paused, self.pausing, self.step) = (Task::Idle, None, None, None);
        Ok(())
    }

    pub fn delete(&mut self) {
        self.gone = true;
        (self.paused, self.pausing, self.step) = (None, None, None);
    }

    pub fn message(&mut self, text: &str) -> Result<(), ApiError> {
        self.found()?;
        self.says(EventKind::User, text, Verdict::default());
        self.task = Task::Running;
        Ok(())
    }

    /// The agent goes on, and no event says so.
    pub fn wake(&mut self) {
        if !self.gone {
            self.task = Task::Running;
        }
    }

    pub fn finish_step(&mut self) {
        let Some(verdict) = self.step.take() else { return };
        self.says(EventKind::Step, "a step is finished", verdict);
        if let Some(by) = self.pausing.take() {
            self.paused = Some(by);
            self.says(EventKind::Paused, "paused", Verdict::default());
        }
    }

    pub fn read(&self) -> Result<Observed, ApiError> {
        self.found()?;
        let (lifecycle, execution) = match self.task {
            _ if self.paused.is_some() && !self.hides_pauses => ("paused", "running"),
            Task::Running => ("running", "running"),
            Task::Waiting => ("running", "waiting_for_input"),
            Task::Idle => ("ready", "finished"),
        };
        let status = |word: &str| Some(Status(word.to_owned()));
        Ok(Observed { lifecycle: status(lifecycle), execution: status(execution) })
    }

    /// What `messages?after_id=` brings: the numbered events that the gate has not seen.
    pub fn unread(&self) -> Vec<MessageId> {
        self.said.iter().filter(|said| !said.seen).filter_map(|said| said.event.id).collect()
    }

    fn found(&self) -> Result<(), ApiError> {
        if self.gone { Err(error(ErrorClass::NotFound { detail: "gone".to_owned() })) } else { Ok(()) }
    }
}

pub fn error(class: ErrorClass) -> ApiError {
    ApiError { call: "model".to_owned(), class }
}

pub fn refused(detail: &str) -> ApiError {
    error(ErrorClass::Refused { status: 409, detail: detail.to_owned() })
}
