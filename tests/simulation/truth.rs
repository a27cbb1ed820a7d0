//! The provider as it really is: one session, who paused it, what was said, and who hears it.

use std::collections::BTreeMap;
use std::time::Duration;

use holdpoint::api::{ApiError, ErrorClass};
use holdpoint::api::{Event, EventKind, MessageId, Messages, Session, SessionId, Status, StreamItem};
use tokio::sync::mpsc;

use crate::world::{Happening, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Running,
    Waiting,
    Idle,
}

/// Who paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Us,
    Stranger,
}

/// Why nobody can know of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A crash took its approval before that was durable.
    TakenByACrash,
    /// Another request of the same call had been accepted, and the hold released.
    LostItsRace,
}

/// One thing said.
#[derive(Clone, Debug)]
pub struct Said {
    pub event: Event,
    /// When.
    pub said_at: Duration,
    /// A stranger's resume.
    pub foreign: bool,
}

/// One open stream.
#[derive(Debug)]
pub struct Stream {
    pub out: mpsc::UnboundedSender<Result<StreamItem, ApiError>>,
    /// What of `said` comes next.
    pub next: usize,
    /// What was said before it was opened.
    pub history: usize,
    pub opened: Duration,
    /// Whether its next item is on its way.
    pub busy: bool,
    /// Which of the happenings in the queue brings it; all others are out of date.
    pub turn: u64,
    pub stalled: bool,
    /// It has left something out, and ends soon.
    pub ends: bool,
}

#[derive(Debug)]
pub struct Truth {
    pub id: SessionId,
    pub task: Task,
    pub gone: bool,
    pub paused: Option<By>,
    /// A pause that takes effect when the step in flight is finished.
    pub pausing: Option<By>,
    /// A step in flight: what it will be reported as.
    pub step: Option<String>,
    pub said: Vec<Said>,
    pub streams: BTreeMap<u64, Stream>,
    /// When pauses left that were accepted.
    pub accepted: Vec<Duration>,
    /// When pauses of ours took effect.
    pub took: Vec<Duration>,
    /// When we last ended what held it.
    pub released: Duration,
    /// The newest resume of a stranger that the daemon has heard of: when it was, and when it was heard.
    pub meddled: Option<(Duration, Duration)>,
    /// When the pause of ours that holds it left, and since when it holds.
    pub pause_left: Duration,
    pub held_since: Duration,
    /// Why nobody can know of the pause that holds it.
    pub unknown: Option<Unknown>,
    /// When operators were told last that it is paused, and that nothing is known of that.
    pub told: Option<Duration>,
    /// Since when it has not been accounted for.
    pub forgotten: Option<Duration>,
}

impl Truth {
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            task: Task::Running,
            gone: false,
            paused: None,
            pausing: None,
            step: None,
            said: Vec::new(),
            streams: BTreeMap::new(),
            accepted: Vec::new(),
            took: Vec::new(),
            released: Duration::ZERO,
            meddled: None,
            pause_left: Duration::ZERO,
            held_since: Duration::ZERO,
            unknown: None,
            told: None,
            forgotten: None,
        }
    }

    /// Whether the agent can act on.
    pub fn runs(&self) -> bool {
        !self.gone && self.task == Task::Running && self.paused.is_none() && self.pausing.is_none()
    }

    /// Who holds it.
    pub fn held_by(&self) -> Option<By> {
        self.paused.or(self.pausing)
    }

    pub fn session(&self, hides: bool) -> Result<Session, ErrorClass> {
        self.found()?;
        let (lifecycle, _) = self.statuses(hides);
        Ok(Session {
            id: self.id.clone(),
            agent: Some("agi-0".to_owned()),
            status: Status(lifecycle.to_owned()),
            goal: Some("Shop.".to_owned()),
            created_at: None,
        })
    }

    /// Steps are told by streams alone, and so are pauses.
    pub fn messages(&self, after: MessageId, hides: bool) -> Result<Messages, ErrorClass> {
        self.found()?;
        let polled = |event: &Event| event.id.is_some_and(|id| id > after) && event.kind != EventKind::Step;
        let events = self.said.iter().map(|said| &said.event).filter(|event| polled(event)).cloned().collect();
        Ok(Messages { events, status: Status(self.statuses(hides).1.to_owned()) })
    }

    pub fn status(&self, hides: bool) -> Result<Status, ErrorClass> {
        self.found()?;
        Ok(Status(self.statuses(hides).1.to_owned()))
    }

    fn statuses(&self, hides: bool) -> (&'static str, &'static str) {
        match self.task {
            _ if self.paused.is_some() && !hides => ("paused", "running"),
            Task::Running => ("running", "running"),
            Task::Waiting => ("running", "waiting_for_input"),
            Task::Idle => ("ready", "finished"),
        }
    }

    pub fn found(&self) -> Result<(), ErrorClass> {
        if self.gone { Err(ErrorClass::NotFound { detail: "gone".to_owned() }) } else { Ok(()) }
    }
}

/// What befalls a session. Each says it in the log, and to whoever listens.
impl World {
    pub fn begin_session(&mut self) {
        let id = SessionId::try_from(format!("s-{}", self.sessions.len() + 1)).expect("an id");
        self.step(format_args!("{id} begins"));
        self.sessions.insert(id.clone(), Truth::new(id.clone()));
        let wait = self.millis(0, 3_000);
        self.after(wait, Happening::Agent(id));
    }

    pub fn truth(&mut self, id: &SessionId) -> &mut Truth {
        self.sessions.get_mut(id).expect("a session")
    }

    pub fn says(&mut self, id: &SessionId, kind: EventKind, text: &str) {
        self.messages += self.rng.u64(1..=4);
        let quiet = matches!(kind, EventKind::Paused | EventKind::Resumed);
        let number = (!quiet).then_some(MessageId(self.messages));
        self.step(format_args!("{id} says {} {:?}: {text}", kind.name(), number.map(|id| id.0)));
        let (at, text) = (Some(self.wall()), text.to_owned());
        let event = Event { id: number, kind, text, at, url: None, title: None, truncated: false };
        self.judge_said(id, &event);
        let said_at = self.now();
        let truth = self.truth(id);
        truth.said.push(Said { event, said_at, foreign: false });
        let waiting: Vec<u64> = truth.streams.iter().filter(|(_, stream)| !stream.busy).map(|(n, _)| *n).collect();
        for stream in waiting {
            self.item_soon(id, stream);
        }
    }

    /// The next item of a stream is on its way.
    pub fn item_soon(&mut self, id: &SessionId, number: u64) {
        let wait = if self.chance(self.faults.slow) { self.millis(200, 5_000) } else { self.millis(1, 40) };
        let turn = self.number();
        let Some(stream) = self.truth(id).streams.get_mut(&number) else { return };
        (stream.busy, stream.turn) = (true, turn);
        self.after(wait, Happening::Item(id.clone(), number, turn));
    }

    pub fn pause(&mut self, id: &SessionId, by: By) -> Result<(), ErrorClass> {
        let now = self.now();
        let truth = self.truth(id);
        truth.found()?;
        if truth.held_by().is_some() {
            return Err(ErrorClass::AlreadyPaused);
        }
        if truth.task == Task::Idle {
            return Err(refused("nothing runs"));
        }
        truth.held_since = now;
        if by == By::Us {
            truth.took.push(now);
        }
        if truth.step.is_some() {
            truth.pausing = Some(by);
            self.note(format_args!("{id} will be paused by {by:?} after its step"));
        } else {
            truth.paused = Some(by);
            self.note(format_args!("{id} is paused by {by:?}"));
            self.says(id, EventKind::Paused, "paused");
        }
        Ok(())
    }

    pub fn resume(&mut self, id: &SessionId, by: By) -> Result<(), ErrorClass> {
        let now = self.now();
        let truth = self.truth(id);
        truth.found()?;
        if truth.pausing.take().is_none() && truth.paused.take().is_none() {
            return Err(ErrorClass::NotPaused);
        }
        truth.unknown = None;
        if by == By::Us {
            truth.released = now;
        }
        self.note(format_args!("{id} is resumed by {by:?}"));
        self.says(id, EventKind::Resumed, "resumed");
        if let Some(said) = self.truth(id).said.last_mut() {
            said.foreign = by == By::Stranger;
        }
        Ok(())
    }

    pub fn cancel(&mut self, id: &SessionId) -> Result<(), ErrorClass> {
        let now = self.now();
        let truth = self.truth(id);
        truth.found()?;
        (truth.task, truth.paused, truth.pausing, truth.step) = (Task::Idle, None, None, None);
        (truth.unknown, truth.released) = (None, now);
        self.note(format_args!("{id} is cancelled"));
        Ok(())
    }

    pub fn delete(&mut self, id: &SessionId) -> Result<(), ErrorClass> {
        let truth = self.truth(id);
        (truth.gone, truth.paused, truth.pausing, truth.step) = (true, None, None, None);
        // Whoever listens hears its end.
        truth.streams.clear();
        self.note(format_args!("{id} is deleted"));
        Ok(())
    }

    pub fn message(&mut self, id: &SessionId, text: &str) -> Result<(), ErrorClass> {
        self.truth(id).found()?;
        self.says(id, EventKind::User, text);
        self.truth(id).task = Task::Running;
        Ok(())
    }

    pub fn finish_step(&mut self, id: &SessionId) {
        let truth = self.truth(id);
        let Some(text) = truth.step.take() else { return };
        let pausing = truth.pausing.take();
        self.says(id, EventKind::Step, &text);
        if let Some(by) = pausing {
            self.truth(id).paused = Some(by);
            self.note(format_args!("{id} is paused by {by:?}"));
            self.says(id, EventKind::Paused, "paused");
        }
    }
}

pub fn refused(detail: &str) -> ErrorClass {
    ErrorClass::Refused { status: 409, detail: detail.to_owned() }
}
