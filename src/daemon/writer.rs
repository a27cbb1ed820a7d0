//! The writer: the one task that writes the store.
//!
//! What a release waits for is written at once or refused at once; everything else is kept until it is written, in order,
//! so that a full disk loses nothing that happened. Pauses and denials never wait for this task.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::liveness::Beat;
use super::recorder::{self, Recording};
use crate::api::{MessageId, SessionId};
use crate::clock::Clock;
use crate::control::DeskService;
use crate::crash::{self, Point};
use crate::error::chain;
use crate::operator::log::TOLD;
use crate::store::{Conflict, Durable, Write};
use crate::telemetry::metrics::Metrics;

/// How many requests may wait before the writer is called too slow.
const QUEUE: usize = 4096;
/// How many records one transaction takes.
const BATCH: usize = 128;
/// How often a store that failed is tried again, and how long cursors may wait.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the end waits for a store that fails, and how often it tries.
const GRACE: Duration = Duration::from_secs(3);
/// How long it waits for a store that does not answer at all: for what is under way, and to close it.
const LAST: Duration = Duration::from_secs(5);
/// How long the end takes at most, whatever the disk does: the last writes, the recorded events, the closing.
pub const END: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(100);

/// What the writer is asked.
#[derive(Debug)]
enum Request {
    /// Write these, all or none.
    Record(Queued),
    /// A session's events were evaluated up to here.
    Cursor { session: SessionId, up_to: MessageId },
    /// Whether the writer turns.
    Beat(Beat),
}

/// How a store was left at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Everything that happened is in it, and it is closed.
    Whole,
    /// Something is missing, or it did not answer: the log says which.
    Unfinished,
}

/// The handle to the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {
    requests: mpsc::Sender<Request>,
}

/// Feels the writer's pulse, and does not keep it going.
#[derive(Clone, Debug)]
pub struct WriterPulse {
    requests: mpsc::WeakSender<Request>,
}

impl WriterPulse {
    /// Asks for an answer behind everything that waits to be written.
    pub async fn beat(&self, beat: Beat) {
        if let Some(requests) = self.requests.upgrade() {
            // A writer that has ended answers by the beat that is dropped.
            let _ = requests.send(Request::Beat(beat)).await;
        }
    }
}

/// Tells how many requests wait, without keeping the writer alive.
#[derive(Clone, Debug)]
pub struct Backlog {
    requests: mpsc::WeakSender<Request>,
}

impl Backlog {
    /// How many requests the writer has not taken yet; none once it has ended.
    #[must_use]
    pub fn length(&self) -> usize {
        self.requests.upgrade().map_or(0, |requests| requests.max_capacity() - requests.capacity())
    }
}

impl Writer {
    /// Starts the task. It ends, with everything written that can be, when all handles are gone.
    #[must_use]
    pub(super) fn start(
        store: Arc<dyn Durable>,
        desk: DeskService,
        metrics: Arc<Metrics>,
        recording: Recording,
        clock: Clock,
    ) -> (Self, JoinHandle<Left>) {
        Self::start_with(store, desk, metrics, recording, clock, LAST)
    }

    fn start_with(
        store: Arc<dyn Durable>,
        desk: DeskService,
        metrics: Arc<Metrics>,
        recording: Recording,
        clock: Clock,
        last: Duration,
    ) -> (Self, JoinHandle<Left>) {
        let (requests, inbox) = mpsc::channel(QUEUE);
        let task = Task {
            store,
            desk,
            metrics,
            inbox,
            recording,
            clock,
            queue: VecDeque::new(),
            cursors: BTreeMap::new(),
            failing: false,
            due: Instant::now() + PERIOD,
            last,
        };
        (Self { requests }, tokio::spawn(task.run()))
    }

    /// A handle that feels whether the task turns.
    #[must_use]
    pub fn pulse(&self) -> WriterPulse {
        WriterPulse { requests: self.requests.downgrade() }
    }

    /// Tells how many requests wait.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        Backlog { requests: self.requests.downgrade() }
    }

    /// Queues `write` to be written now or never; the answer says which. A queue that is full counts as never.
    ///
    /// # Errors
    /// When it could not even be queued.
    pub fn must(&self, write: Write) -> Result<oneshot::Receiver<Result<(), String>>, String> {
        let (answer, answered) = oneshot::channel();
        match self.requests.try_send(Request::Record(Queued { writes: vec![write], wanted: Wanted::Now(answer) })) {
            Ok(()) => Ok(answered),
            Err(mpsc::error::TrySendError::Full(_)) => Err(format!("the store is too slow: {QUEUE} records wait")),
            Err(mpsc::error::TrySendError::Closed(_)) => Err("the writer is gone".to_owned()),
        }
    }

    /// Writes what is to be kept when that is possible, in order, in one transaction. Gives it back when the queue is full.
    ///
    /// # Errors
    /// What was to be kept, to be tried again.
    pub fn keep(&self, Keep { writes, tried }: Keep) -> Result<(), Keep> {
        match self.requests.try_send(Request::Record(Queued { writes, wanted: Wanted::Sometime(tried) })) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(Request::Cursor { .. } | Request::Beat(_))) => Ok(()),
            Err(mpsc::error::TrySendError::Full(Request::Record(Queued { writes, wanted }))) => match wanted {
                Wanted::Sometime(tried) => Err(Keep { writes, tried }),
                Wanted::Now(_) => Ok(()),
            },
            Err(mpsc::error::TrySendError::Closed(_)) => {
                tracing::error!("a record of what happened is lost: the writer is gone; restart holdpoint");
                Ok(())
            }
        }
    }

    /// Moves a session's cursor, soon. Losing one only makes events be evaluated again.
    pub fn cursor(&self, session: &SessionId, up_to: MessageId) {
        let _ = self.requests.try_send(Request::Cursor { session: session.clone(), up_to });
    }
}

/// Records that stand or fall together, and are kept until they are written.
#[derive(Debug)]
pub struct Keep {
    /// The records, in order.
    pub writes: Vec<Write>,
    /// Told once they are durable, or could not be written at the first try. Dropped when the writer is gone.
    pub tried: Option<oneshot::Sender<()>>,
}

/// Records that are not written yet.
#[derive(Debug)]
struct Queued {
    writes: Vec<Write>,
    wanted: Wanted,
}

/// How long records may wait.
#[derive(Debug)]
enum Wanted {
    /// They are written by the next transaction, or refused.
    Now(oneshot::Sender<Result<(), String>>),
    /// They are kept until they are written.
    Sometime(Option<oneshot::Sender<()>>),
}

impl Queued {
    fn is_waited_for(&self) -> bool {
        match &self.wanted {
            Wanted::Now(_) => true,
            Wanted::Sometime(tried) => tried.is_some(),
        }
    }

    /// They are durable, or stand in conflict with what is.
    fn written(self, result: Result<(), String>) {
        match self.wanted {
            // Whoever asked may have given up by now.
            Wanted::Now(answer) => answer.send(result).unwrap_or(()),
            Wanted::Sometime(tried) => tell(tried),
        }
    }

    /// They could not be written: what was wanted now is refused, the rest is given back.
    fn failed(self, why: &str) -> Option<Self> {
        match self.wanted {
            Wanted::Now(answer) => {
                let _ = answer.send(Err(why.to_owned()));
                None
            }
            Wanted::Sometime(tried) => {
                tell(tried);
                Some(Self { writes: self.writes, wanted: Wanted::Sometime(None) })
            }
        }
    }
}

fn tell(tried: Option<oneshot::Sender<()>>) {
    if let Some(tried) = tried {
        let _ = tried.send(());
    }
}

struct Task {
    store: Arc<dyn Durable>,
    desk: DeskService,
    metrics: Arc<Metrics>,
    inbox: mpsc::Receiver<Request>,
    recording: Recording,
    clock: Clock,
    /// Not yet written, oldest first.
    queue: VecDeque<Queued>,
    cursors: BTreeMap<SessionId, MessageId>,
    failing: bool,
    due: Instant,
    /// How long the end waits for a store that does not answer.
    last: Duration,
}

impl Task {
    async fn run(mut self) -> Left {
        loop {
            let mut batch = Vec::new();
            let idle = self.queue.is_empty() && self.cursors.is_empty();
            // What happened goes before events that are recorded for later.
            tokio::select! {
                biased;
                taken = self.inbox.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = tokio::time::sleep_until(self.due), if !idle => (),
                () = self.recording.ready() => {
                    self.recording.write(&*self.store).await;
                    continue;
                }
            }
            self.take(batch).await;
        }
        let written = self.finish().await;
        self.recording.finish(&*self.store, recorder::LAST).await;
        let closed = timeout(self.last, self.store.close()).await.is_ok();
        if !closed {
            let path = self.store.path().display();
            tracing::error!(
                "the store {path} cannot be closed: the disk does not answer; what was written before is in it"
            );
        }
        if written && closed { Left::Whole } else { Left::Unfinished }
    }

    /// The last chance of what could not be written so far; whether all of it was.
    async fn finish(&mut self) -> bool {
        let end = Instant::now() + GRACE;
        crash::at(Point::WriteLast);
        while !self.last_write().await && Instant::now() < end {
            tokio::time::sleep(AGAIN).await;
        }
        let lost: usize = self.queue.iter().map(|queued| queued.writes.len()).sum();
        if lost > 0 {
            let path = self.store.path().display();
            tracing::error!(
                "the store {path} cannot be written to the end: {lost} records of what happened are lost, as far as the disk tells"
            );
        }
        lost == 0
    }

    /// Whether nothing is left to write. A store that does not answer may still write what was under way.
    async fn last_write(&mut self) -> bool {
        timeout(self.last, self.write()).await.is_ok() && self.queue.is_empty()
    }

    /// Sorts a batch: what is waited for is written at once, the rest at once unless the store fails.
    async fn take(&mut self, batch: Vec<Request>) {
        let (mut asked, mut beats) = (false, Vec::new());
        for request in batch {
            match request {
                Request::Cursor { session, up_to } => {
                    self.cursors.insert(session, up_to);
                }
                Request::Record(queued) => {
                    asked |= queued.is_waited_for();
                    self.queue.push_back(queued);
                }
                Request::Beat(beat) => beats.push(beat),
            }
        }
        let due = self.due <= Instant::now();
        if asked || due || (!self.failing && !self.queue.is_empty()) {
            self.write().await;
        }
        // Whoever asked may have given up by now.
        beats.into_iter().for_each(|beat| beat.send(()).unwrap_or(()));
    }

    /// Everything that is queued, in order, in transactions of bounded size; cursors go with the last.
    async fn write(&mut self) {
        self.due = Instant::now() + PERIOD;
        while !self.queue.is_empty() || !self.cursors.is_empty() {
            let batch = self.queue.len().min(BATCH);
            let last = batch == self.queue.len();
            let writes: Vec<Write> =
                self.queue.iter().take(batch).flat_map(|queued| queued.writes.iter().cloned()).collect();
            let none = BTreeMap::new();
            let cursors = if last { &self.cursors } else { &none };
            crash::at(Point::WriteUnbegun);
            match self.store.append(&writes, cursors, self.clock.wall()).await {
                Ok(results) => self.written(batch, last, results),
                Err(error) => return self.failed(&chain(&error).join(": ")),
            }
        }
    }

    fn written(&mut self, batch: usize, last: bool, results: Vec<Result<(), Conflict>>) {
        crash::at(Point::WriteUntold);
        if last {
            self.cursors.clear();
        }
        self.metrics.store_wrote();
        let mut results = results.into_iter();
        for queued in self.queue.drain(..batch) {
            let mut answered = Ok(());
            for (write, result) in queued.writes.iter().zip(results.by_ref()) {
                if let Err(conflict) = result {
                    let (session, entry) = (&write.session, write.record.entry.name());
                    tracing::error!(%session, entry, "session {session}: {entry} is not recorded: {conflict}");
                    answered = Err(conflict.to_string());
                }
            }
            queued.written(answered);
        }
        crash::at(Point::WriteTold);
        if std::mem::take(&mut self.failing) {
            tracing::warn!(target: TOLD, "the store can be written again");
            self.desk.notice("the store can be written again".to_owned());
        }
    }

    /// What is waited for is refused; the rest stays queued.
    fn failed(&mut self, why: &str) {
        self.metrics.store_failed();
        self.queue = std::mem::take(&mut self.queue).into_iter().filter_map(|queued| queued.failed(why)).collect();
        self.say_failing(why);
    }

    fn say_failing(&mut self, why: &str) {
        if std::mem::replace(&mut self.failing, true) {
            return;
        }
        let text = format!("the store cannot be written: {why}; releases are refused, pauses and denials still go out");
        tracing::error!(target: TOLD, "{text}");
        self.desk.notice(text);
    }
}

#[cfg(test)]
mod tests;
