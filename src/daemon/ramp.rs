//! The ramp: how many watchers begin to follow their session at a time, and which first.
//!
//! A start may find ten thousand sessions, and an outage of the provider breaks as many streams at once. Whoever has to open an
//! event stream, or to read a session for the first time, takes a turn: at most 256 are out, fewer at first and where the
//! provider refuses some, and sessions whose agents may act come first. After a restart the first pauses of what is taken up
//! come before all reading: nobody has a turn, and recovery looks at nothing, before they were answered. The sessions taken up
//! have theirs when all of them are armed again.
//!
//! Only watching waits here. What controls never asks for a turn; a session that waits for one is not seen, and its watcher
//! says so when that has lasted too long. Nothing is held back for good: each wait for recovery has an end, and so has a turn.

mod queue;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::api::{SessionId, Status, StatusClass};
use queue::Queue;

/// How long turns wait for the first pauses of recovery at most.
const PAUSES: Duration = Duration::from_secs(1);
/// How long those of sessions taken up wait until all of these are armed again.
const ARMED: Duration = Duration::from_secs(3);

/// How urgent it is to follow a session, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Its agent may act.
    Acts,
    /// It was taken up after a restart, and is paused by recovery, or looked at.
    Held,
    /// Its agent waits for an answer.
    Waits,
    /// It is paused, or no task runs.
    Rests,
}

impl Rank {
    /// The rank of a session with such a status. A word that is not known may mean that the agent acts.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        match status.class() {
            StatusClass::Active | StatusClass::Unknown => Self::Acts,
            StatusClass::Waiting => Self::Waits,
            StatusClass::Paused | StatusClass::Idle | StatusClass::Over => Self::Rests,
        }
    }
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// The provider answered.
    Well,
    /// It did not, or it asked for fewer calls.
    Refused,
    /// It was not used, or something else failed.
    Nowhere,
}

enum Request {
    Turn { session: SessionId, rank: Rank, failed: bool, reply: oneshot::Sender<Turn> },
    Back { turn: u64, went: Went },
    Act(BTreeSet<SessionId>),
}

/// Where turns are asked for. Cheap to clone; the task behind it ends with the last one.
#[derive(Clone, Debug)]
pub struct Ramp {
    /// No longer than there are sessions: each waits for one turn, or gives one back.
    requests: mpsc::UnboundedSender<Request>,
    waiting: Arc<AtomicUsize>,
}

/// Held by whatever takes part in recovery, as long as turns shall wait for it.
#[derive(Clone, Debug)]
pub struct Recovering {
    pauses: Option<mpsc::Sender<Infallible>>,
    _armed: mpsc::Sender<Infallible>,
    paused: CancellationToken,
}

impl Recovering {
    /// The first pause was answered, or none is needed: only the turns of sessions taken up wait from here on.
    pub fn paused(&mut self) {
        self.pauses = None;
    }

    /// Waits until all have been answered, or that took too long: looks of recovery leave after its pauses.
    pub fn after_pauses(&self) -> impl Future<Output = ()> + Send + 'static {
        self.paused.clone().cancelled_owned()
    }
}

/// Leave to open one event stream, and to read a session for the first time. Counts for two seconds at most.
#[derive(Debug)]
pub struct Turn {
    number: u64,
    back: mpsc::UnboundedSender<Request>,
    went: Went,
}

impl Turn {
    /// Gives it back.
    pub fn went(mut self, went: Went) {
        self.went = went;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A ramp that is gone gives no more turns.
        let _ = self.back.send(Request::Back { turn: self.number, went: self.went });
    }
}

impl Ramp {
    /// Starts the task. Turns wait until all [`Recovering`] are dropped, for a bounded time.
    #[must_use]
    pub fn start() -> (Self, Recovering) {
        let (requests, inbox) = mpsc::unbounded_channel();
        let ((pauses, paused), (looks, armed)) = (mpsc::channel(1), mpsc::channel(1));
        let (waiting, all_paused) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let recovering = Recovering { pauses: Some(pauses), _armed: looks, paused: all_paused.clone() };
        let task = Task {
            back: requests.downgrade(),
            inbox,
            queue: Queue::new(),
            held_back: Vec::new(),
            stage: Stage::Pauses(paused, armed),
            paused: Some(all_paused.drop_guard()),
            origin: Instant::now(),
            waiting: waiting.clone(),
        };
        tokio::spawn(task.run());
        (Self { requests, waiting }, recovering)
    }

    /// Asks for a turn of a session at once, and waits for it when polled; `failed` says that its last one brought nothing,
    /// which lets others go first.
    pub fn turn(&self, session: SessionId, rank: Rank, failed: bool) -> impl Future<Output = Turn> + Send + use<> {
        let (reply, turn) = oneshot::channel();
        let _ = self.requests.send(Request::Turn { session, rank, failed, reply });
        let back = self.requests.clone();
        async move {
            // The task fails only by a bug: then watching goes on without a bound.
            turn.await.unwrap_or_else(|_| Turn { number: 0, back, went: Went::Nowhere })
        }
    }

    /// These sessions may act, says the provider's list.
    pub fn act(&self, sessions: impl FnOnce() -> BTreeSet<SessionId>) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            let _ = self.requests.send(Request::Act(sessions()));
        }
    }
}

/// What turns wait for.
enum Stage {
    /// For the first pauses of recovery.
    Pauses(mpsc::Receiver<Infallible>, mpsc::Receiver<Infallible>),
    /// Those of sessions taken up, until all are armed again.
    Armed(mpsc::Receiver<Infallible>),
    /// For their turn alone.
    Open,
}

struct Task {
    back: mpsc::WeakUnboundedSender<Request>,
    inbox: mpsc::UnboundedReceiver<Request>,
    queue: Queue<oneshot::Sender<Turn>>,
    /// Sessions taken up, until they are armed.
    held_back: Vec<(SessionId, oneshot::Sender<Turn>)>,
    stage: Stage,
    /// Lets the looks of recovery leave.
    paused: Option<DropGuard>,
    origin: Instant,
    waiting: Arc<AtomicUsize>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let overdue = self.queue.overdue().map(|at| self.origin + at);
            tokio::select! {
                biased;
                request = self.inbox.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                () = self.stage.ends(self.origin) => self.open(),
                () = sleep_until(overdue.unwrap_or(self.origin)), if overdue.is_some() => {
                    self.queue.end_overdue(self.origin.elapsed());
                }
            }
            self.give();
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Turn { session, rank: Rank::Held, reply, .. } if !matches!(self.stage, Stage::Open) => {
                self.held_back.push((session, reply));
            }
            Request::Turn { session, rank, failed, reply } => self.queue.wants(session, rank, failed, reply),
            Request::Back { turn, went } => self.queue.back(turn, went),
            Request::Act(sessions) => self.queue.act(&sessions),
        }
    }

    fn open(&mut self) {
        self.paused = None;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Open) {
            Stage::Pauses(_, armed) => Stage::Armed(armed),
            Stage::Armed(_) | Stage::Open => Stage::Open,
        };
        if let Stage::Open = self.stage {
            for (session, reply) in std::mem::take(&mut self.held_back) {
                self.queue.wants(session, Rank::Held, false, reply);
            }
        }
    }

    fn give(&mut self) {
        let closed = matches!(self.stage, Stage::Pauses(..));
        while let Some(back) = self.back.upgrade().filter(|_| !closed)
            && let Some((number, reply)) = self.queue.next(self.origin.elapsed())
        {
            // Who waits no longer gives the turn back by dropping it.
            let _ = reply.send(Turn { number, back, went: Went::Nowhere });
        }
        self.waiting.store(self.queue.waiting() + self.held_back.len(), Ordering::Relaxed);
    }
}

impl Stage {
    async fn ends(&mut self, origin: Instant) {
        // Nothing is ever sent: a receiver ends when everybody has let go.
        match self {
            Self::Pauses(paused, _) => drop(tokio::time::timeout_at(origin + PAUSES, paused.recv()).await),
            Self::Armed(armed) => drop(tokio::time::timeout_at(origin + ARMED, armed.recv()).await),
            Self::Open => std::future::pending().await,
        }
    }
}
