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
use crate::control::{DeskService, DeskSettings, Drivers};
use crate::crash::{self, Point};
use crate::error::chain;
use crate::operator::log::TOLD;
use crate::store::{Conflict, Cursors, Durable, StoreError, Write};
use crate::telemetry::metrics::Metrics;

/// How many requests may wait before the writer is called too slow.
const QUEUE: usize = 4096;
/// How many records one transaction takes.
const BATCH: usize = 128;
/// How often a store that failed is tried again, and how long cursors may wait.
const PERIOD: Duration = Duration::from_secs(1);
/// A transaction that takes so long is told of.
const SLOW: Duration = Duration::from_secs(1);
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
    /// A session's events were evaluated up to here; or it is over.
    Cursor { session: SessionId, up_to: Option<MessageId> },
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
    /// A writer with no daemon around it, for measuring: nobody is told anything, and nothing is recorded beside it.
    #[must_use]
    pub fn alone(store: Arc<dyn Durable>) -> (Self, JoinHandle<Left>) {
        let closed =
            || Drivers { decisions: mpsc::channel(1).0, screenshots: mpsc::channel(1).0, orders: mpsc::channel(1).0 };
        let clock = Clock::start();
        let desk = DeskService::start(DeskSettings::default(), closed(), clock.clone());
        let metrics = Arc::new(Metrics::new());
        let (_, recording) = recorder::channel(None, metrics.clone(), clock.clone());
        Self::start(store, desk, metrics, recording, clock)
    }

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
            stuck: Stuck::default(),
            cursors: BTreeMap::new(),
            failing: false,
            together: false,
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
        self.move_cursor(session, Some(up_to));
    }

    /// Forgets the cursor of a session that is over, soon: all of its events would be judged anew if it were there again. Losing this
    /// only leaves a row behind.
    pub fn forget_cursor(&self, session: &SessionId) {
        self.move_cursor(session, None);
    }

    fn move_cursor(&self, session: &SessionId, up_to: Option<MessageId>) {
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
    /// The session that its records are about.
    fn session(&self) -> String {
        self.writes.first().map(|write| write.session.to_string()).unwrap_or_default()
    }

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

/// Records that cannot be written although others can, oldest first, with what came after them of their sessions.
#[derive(Debug, Default)]
struct Stuck(Vec<Queued>);

impl Stuck {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.0.iter()
    }

    fn is_of(&self, session: &SessionId) -> bool {
        self.0.iter().flat_map(|stuck| &stuck.writes).any(|write| write.session == *session)
    }

    fn has(&self, queued: &Queued) -> bool {
        !self.is_empty() && queued.writes.iter().any(|write| self.is_of(&write.session))
    }

    /// Gives `queued` back unless something of its session is stuck: then it waits behind that, or is refused.
    fn behind(&mut self, queued: Queued) -> Option<Queued> {
        if !self.has(&queued) {
            return Some(queued);
        }
        self.0.extend(queued.failed("an earlier record of this session cannot be written"));
        None
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
    /// What cannot be written although others can, and what came after it of the same session.
    stuck: Stuck,
    cursors: Cursors,
    failing: bool,
    /// Whether the newest transaction was of several requests.
    together: bool,
    due: Instant,
    /// How long the end waits for a store that does not answer.
    last: Duration,
}

impl Task {
    async fn run(mut self) -> Left {
        loop {
            let mut batch = Vec::new();
            let idle = self.queue.is_empty() && self.stuck.is_empty() && self.cursors.is_empty();
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
            if !batch.is_empty() && std::mem::take(&mut self.together) {
                self.gather(&mut batch).await;
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

    /// Whoever was answered together asks together again: lets them, rather than write the first one's by itself while they wait.
    async fn gather(&mut self, batch: &mut Vec<Request>) {
        tokio::task::yield_now().await;
        let more = BATCH.saturating_sub(batch.len());
        batch.extend(std::iter::from_fn(|| self.inbox.try_recv().ok()).take(more));
    }

    /// The last chance of what could not be written so far; whether all of it was.
    async fn finish(&mut self) -> bool {
        let end = Instant::now() + GRACE;
        crash::at(Point::WriteLast);
        while !self.last_write().await && Instant::now() < end {
            tokio::time::sleep(AGAIN).await;
        }
        let lost: usize = self.queue.iter().chain(self.stuck.iter()).map(|queued| queued.writes.len()).sum();
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
        self.due = Instant::now();
        timeout(self.last, self.write()).await.is_ok() && self.queue.is_empty() && self.stuck.is_empty()
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
                    self.queue.extend(self.stuck.behind(queued));
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

    /// Everything that is queued, in order, in transactions of bounded size; cursors go with the last. What waits together
    /// shares one transaction, whichever sessions it is of, and so one wait for the disk.
    async fn write(&mut self) {
        let due = self.due <= Instant::now();
        self.due = Instant::now() + PERIOD;
        if due {
            self.write_stuck().await;
        }
        while !self.queue.is_empty() || !self.cursors.is_empty() {
            let batch = self.queue.len().min(BATCH);
            let last = batch == self.queue.len();
            let writes: Vec<&Write> = self.queue.iter().take(batch).flat_map(|queued| &queued.writes).collect();
            // Never ahead of a record.
            let may_move = |session: &SessionId| last && !self.stuck.is_of(session);
            let cursors: Cursors = self
                .cursors
                .iter()
                .filter(|(session, _)| may_move(session))
                .map(|(s, up_to)| (s.clone(), *up_to))
                .collect();
            if writes.is_empty() && cursors.is_empty() {
                return;
            }
            crash::at(Point::WriteUnbegun);
            let (began, records) = (Instant::now(), writes.len());
            let appended = self.store.append(&writes, &cursors, self.clock.wall()).await;
            self.say_slow(began.elapsed(), records);
            match appended {
                Ok(results) => self.written(batch, last, results),
                Err(error) if batch > 1 && error.may_be_of_one_record() => {
                    if let Err(error) = self.one_by_one(batch).await {
                        return self.failed(&chain(&error).join(": "));
                    }
                }
                Err(error) => return self.failed(&chain(&error).join(": ")),
            }
        }
    }

    /// Writes records in a transaction of their own.
    async fn append(&self, queued: &Queued) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let writes: Vec<&Write> = queued.writes.iter().collect();
        self.store.append(&writes, &BTreeMap::new(), self.clock.wall()).await
    }

    /// One record cannot be written, and those that wait with it need not suffer for it: each has a transaction of its own.
    ///
    /// # Errors
    /// When none can be written, or the store fails: then it is not one record's fault. What was written is; the rest is queued.
    async fn one_by_one(&mut self, batch: usize) -> Result<(), StoreError> {
        let (mut aside, mut first, mut wrote) = (Stuck::default(), None, false);
        let mut rest: VecDeque<Queued> = self.queue.drain(..batch).collect();
        while let Some(queued) = rest.pop_front() {
            if aside.has(&queued) {
                aside.0.push(queued);
                continue;
            }
            match self.append(&queued).await {
                Ok(results) => {
                    wrote = true;
                    self.queue.push_front(queued);
                    self.written(1, false, results);
                }
                Err(error) if error.may_be_of_one_record() => {
                    aside.0.push(queued);
                    first.get_or_insert(error);
                }
                Err(error) => {
                    aside.0.push(queued);
                    first = Some(error);
                    wrote = false;
                    break;
                }
            }
        }
        match first {
            Some(error) if !wrote => {
                let back = aside.0.into_iter().chain(rest);
                back.rev().for_each(|queued| self.queue.push_front(queued));
                Err(error)
            }
            Some(error) => {
                self.set_aside(aside, &error);
                // What waits behind it, in this batch or not, must not overtake it.
                let queue = std::mem::take(&mut self.queue);
                self.queue = queue.into_iter().filter_map(|queued| self.stuck.behind(queued)).collect();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// What cannot be written is kept and tried again by itself; of what is waited for nothing is kept.
    fn set_aside(&mut self, aside: Stuck, error: &StoreError) {
        let why = chain(error).join(": ");
        self.metrics.store_failed();
        for queued in aside.0 {
            let session = queued.session();
            let Some(queued) = queued.failed(&why) else { continue };
            if !self.stuck.has(&queued) {
                let text = format!(
                    "a record of session {session} cannot be written: {why}; it is kept and tried again, and until then \
                     nothing of this session is released"
                );
                tracing::error!(target: TOLD, "{text}");
                self.desk.notice(text);
            }
            self.stuck.0.push(queued);
        }
    }

    /// What was set aside, each by itself; of each session in its order. None is tried where the store itself fails.
    async fn write_stuck(&mut self) {
        let mut store_fails = false;
        for queued in std::mem::take(&mut self.stuck.0) {
            if store_fails || self.stuck.has(&queued) {
                self.stuck.0.push(queued);
                continue;
            }
            match self.append(&queued).await {
                Ok(results) => {
                    self.queue.push_front(queued);
                    self.written(1, false, results);
                }
                Err(error) => {
                    store_fails = !error.may_be_of_one_record();
                    self.stuck.0.push(queued);
                }
            }
        }
    }

    fn written(&mut self, batch: usize, last: bool, results: Vec<Result<(), Conflict>>) {
        crash::at(Point::WriteUntold);
        if last {
            self.cursors.retain(|session, _| self.stuck.is_of(session));
        }
        self.metrics.store_wrote();
        self.together = batch > 1;
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

    fn say_slow(&self, took: Duration, records: usize) {
        if took >= SLOW {
            let (path, took) = (self.store.path().display(), took.as_millis());
            tracing::warn!("the store {path} took {took} ms to write {records} records: decisions wait for its disk");
        }
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
