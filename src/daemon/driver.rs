//! The driver of one session: feeds the gate, carries out what it wants, and is otherwise dumb.
//!
//! One task owns gate and evaluation. Everything that takes time (calls, the disk, an operator) happens elsewhere and
//! comes back as an input.

mod carrying;
mod log;
mod picture;
mod showing;
mod tally;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::evaluator::Evaluator;
use super::executor::Executor;
use super::recorder::{Recorder, SessionRecorder};
use super::standing::Standing;
use super::watcher::Seen;
use super::writer::Writer;
use crate::api::{ApiError, Event, MessageId, Screenshot, SessionId};
use crate::clock::Moment;
use crate::control::{
    Decided, DeskService, OperatorName, Ordered, Refusal, ScreenshotOrder, SessionDone, SessionOrder,
};
use crate::gate::{Answer, ApprovalId, CallId, Code, Effect, Gate, Input, Kept, Mint, Observed, ReplyTo, Ticket};
use crate::store::Write;
use crate::telemetry::metrics::Metrics;

use picture::Pictures;
use showing::Showing;
use tally::Tally;

/// How long a stop waits for calls in flight.
const GRACE: Duration = Duration::from_secs(10);
/// How long a stop waits for a writer without room, and how often it offers.
const LAST_RECORDS: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);
/// How often a moving cursor is kept.
const CURSOR_EVERY: Duration = Duration::from_secs(1);

/// What an operator wants of a session.
#[derive(Debug)]
pub enum Order {
    /// A decision.
    Decide(Ordered),
    /// A picture of the page.
    Screenshot(ScreenshotOrder),
    /// An act of its own accord.
    Act(Acted),
}

/// What an operator does to a session of its own accord.
#[derive(Debug)]
pub struct Acted {
    /// Who.
    pub operator: OperatorName,
    /// What.
    pub order: SessionOrder,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<SessionDone, Refusal>>,
}

/// What a driver is made of.
pub struct Parts {
    /// The gate, new or about to recover.
    pub gate: Gate,
    /// What the gate goes on from, oldest first.
    pub kept: Vec<Kept>,
    /// Evaluates events.
    pub evaluator: Evaluator,
    /// Makes calls.
    pub executor: Executor,
    /// The session.
    pub session: SessionId,
    /// Where views go.
    pub desk: DeskService,
    /// Where records go.
    pub writer: Writer,
    /// The process's zero of monotonic time.
    pub origin: Instant,
    /// Operators' orders.
    pub orders: mpsc::Receiver<Order>,
    /// The watcher.
    pub seen: mpsc::Receiver<Seen>,
    /// Tells the supervisor that the key is refused.
    pub alarm: mpsc::Sender<String>,
    /// What holds for every session.
    pub standing: watch::Receiver<Standing>,
    /// Where pictures are saved.
    pub pictures: Arc<std::path::Path>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Where evaluated events are kept.
    pub recorder: Recorder,
}

/// How a driver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub session: SessionId,
    /// Whether it stays paused by us, and the approval that waits with its deadline.
    pub held: Option<Held>,
}

/// A session that stays paused when the daemon stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What waits for an answer, and until when.
    pub waiting: Option<(Code, jiff::Timestamp)>,
}

/// A call that came back.
enum Back {
    Answer(CallId, Answer),
    Read(CallId, Result<(Vec<Event>, Observed), ApiError>),
    Picture(CallId, ApprovalId, Result<Screenshot, String>),
    Recorded(Ticket, Result<(), String>),
    Saved,
}

/// Drives one session.
pub struct Driver {
    gate: Gate,
    evaluator: Evaluator,
    executor: Executor,
    session: SessionId,
    desk: DeskService,
    writer: Writer,
    origin: Instant,
    orders: mpsc::Receiver<Order>,
    seen: mpsc::Receiver<Seen>,
    standing: watch::Receiver<Standing>,
    /// As the gate knows it.
    known: Standing,
    alarm: mpsc::Sender<String>,
    calls: JoinSet<Back>,
    replies: BTreeMap<ReplyTo, oneshot::Sender<Result<Decided, Refusal>>>,
    /// What operators asked of their own accord.
    asked: BTreeMap<ReplyTo, oneshot::Sender<Result<SessionDone, Refusal>>>,
    next_reply: u64,
    /// Records the writer had no room for, oldest first.
    unsent: VecDeque<Vec<Write>>,
    pictures: Pictures,
    metrics: Arc<Metrics>,
    recorder: SessionRecorder,
    showing: Showing,
    tally: Tally,
    /// As the watcher told it: up to here every message is told.
    cursor: MessageId,
    /// The cursor that was kept last, and when.
    cursor_kept: (MessageId, Instant),
}

struct Fresh;

impl Mint for Fresh {
    fn approval(&mut self) -> ApprovalId {
        ApprovalId(Uuid::now_v7())
    }
}

impl Driver {
    /// Recovers the gate and makes it ready to run.
    #[must_use]
    pub fn new(mut parts: Parts) -> Self {
        let known = parts.standing.borrow_and_update().clone();
        if let Some(halt) = &known.halt {
            parts.gate.begin_halted(halt.clone());
        }
        let cursor = parts.gate.seen_up_to();
        let recorder = parts.recorder.of(parts.evaluator.session());
        let mut driver = Self {
            showing: Showing::new(parts.desk.clone(), parts.gate.about()),
            gate: parts.gate,
            evaluator: parts.evaluator,
            executor: parts.executor,
            session: parts.session,
            desk: parts.desk,
            writer: parts.writer,
            origin: parts.origin,
            orders: parts.orders,
            seen: parts.seen,
            standing: parts.standing,
            known,
            alarm: parts.alarm,
            calls: JoinSet::new(),
            replies: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_reply: 0,
            unsent: VecDeque::new(),
            pictures: Pictures::new(parts.pictures),
            metrics: parts.metrics,
            recorder,
            tally: Tally::default(),
            cursor,
            cursor_kept: (cursor, parts.origin),
        };
        for kept in parts.kept {
            log::taken_up(&driver.session, &kept);
            let effects = driver.gate.recover(driver.now(), &mut Fresh, kept);
            driver.carry_out(effects);
        }
        if let Some(halt) = driver.known.halt.clone() {
            driver.feed(Input::Halt(halt));
        }
        driver
    }

    /// Runs until the session is over or the daemon stops.
    pub async fn run(mut self, stop: CancellationToken) -> Ended {
        // What recovery pauses leaves first.
        tokio::task::yield_now().await;
        self.show();
        loop {
            if self.gate.is_over() && self.calls.is_empty() && self.unsent.is_empty() {
                break;
            }
            let due = self.due();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.drain().await;
                    break;
                }
                Ok(()) = self.standing.changed() => self.stand().await,
                Some(back) = self.calls.join_next() => self.came_back(back),
                Some(order) = self.orders.recv() => self.ordered(order).await,
                () = sleep_until(due), if due.is_some() => self.tick(),
                Some(seen) = self.seen.recv() => self.saw(seen).await,
                else => break,
            }
            self.flush();
            self.recorder.send();
            self.show();
        }
        if self.unsent.is_empty() {
            self.keep_cursor();
        }
        tracing::info!(session = %self.session, "session {} is no longer watched: {}", self.session, self.tally);
        Ended { session: self.session.clone(), held: self.held() }
    }

    fn now(&self) -> Moment {
        Moment::now(self.origin)
    }

    fn due(&self) -> Option<Instant> {
        const UNSENT: Duration = Duration::from_millis(100);
        let unsent = (!self.unsent.is_empty()).then(|| Instant::now() + UNSENT);
        let gate = self.gate.due().map(|due| self.origin + due);
        [unsent, gate, self.showing.due(self.tally.events())].into_iter().flatten().min()
    }

    fn held(&self) -> Option<Held> {
        let waiting = self.gate.waiting().map(|(id, deadline)| (id.code(), deadline.wall));
        (self.gate.holds() || waiting.is_some()).then_some(Held { waiting })
    }

    fn show(&mut self) {
        self.showing.show(&self.gate, self.tally.events(), self.now().wall);
    }

    fn tick(&mut self) {
        self.feed(Input::Tick);
    }

    fn feed(&mut self, input: Input) {
        let effects = self.gate.handle(self.now(), &mut Fresh, input);
        self.carry_out(effects);
    }

    async fn saw(&mut self, seen: Seen) {
        let arrived = Instant::now();
        match seen {
            Seen::Event { event, backlog } => {
                if let Some(input) = self.judged(event, backlog) {
                    self.feed_pause_first(Some(arrived), input).await;
                }
            }
            // A step that is still replayed does not hold up what the messages say already.
            Seen::MessagesRead { .. } => self.feed_pause_first(Some(arrived), Input::CaughtUp).await,
            Seen::Caught { .. } => self.feed_pause_first(Some(arrived), Input::CaughtUp).await,
            // Only what the watcher tells: the gate's greatest id may be the stream's own, or hide one that comes late.
            Seen::Cursor(up_to) => self.cursor = up_to,
            Seen::Status(status) => {
                tracing::debug!(session = %self.session, status = ?status.class(), "status");
                self.feed_pause_first(Some(arrived), Input::Status(status)).await;
            }
            Seen::Blind { since, why } => {
                self.showing.blind(self.now(), since, &why);
                self.feed(Input::Blind { why });
            }
            Seen::Sighted => {
                self.showing.sighted();
                self.feed(Input::Sighted);
            }
            Seen::Gap { after, why } => self.feed(Input::Gap { after, why }),
            Seen::Gone => self.feed(Input::Gone),
            Seen::AuthRefused(why) => {
                // A full queue says the same already.
                let _ = self.alarm.try_send(why);
            }
        }
        self.move_cursor();
    }

    /// An event that is seen for the first time, with its verdict.
    fn judged(&mut self, event: Event, backlog: bool) -> Option<Input> {
        let verdict = self.evaluator.evaluate(&event, self.now())?;
        self.recorder.note(&event, &verdict);
        if let Some(odd) = self.tally.count(&event) {
            tracing::warn!(session = %self.session, "session {}: {odd}", self.session);
        }
        Some(Input::Seen { event, verdict, backlog })
    }

    /// Lets a pause leave before what is written down, logged and shown beside it: on a busy runtime the spawned call would
    /// otherwise wait until this task rests, and then behind the tasks that those effects woke. What arrived from the provider
    /// is measured from there.
    async fn feed_pause_first(&mut self, arrived: Option<Instant>, input: Input) {
        let effects = self.gate.handle(self.now(), &mut Fresh, input);
        let is_pause = |effect: &Effect| matches!(effect, Effect::Pause { .. });
        let (pauses, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_pause);
        if !pauses.is_empty() {
            self.carry_out(pauses);
            tokio::task::yield_now().await;
            if let Some(arrived) = arrived {
                self.metrics.pause_requested(arrived.elapsed());
            }
        }
        self.carry_out(others);
    }

    fn move_cursor(&mut self) {
        if self.cursor_kept.1.elapsed() >= CURSOR_EVERY {
            self.keep_cursor();
        }
    }

    /// Never ahead of a record: what was seen but not written down has to be seen again after a crash.
    fn keep_cursor(&mut self) {
        if !self.unsent.is_empty() || self.cursor_kept.0 == self.cursor {
            return;
        }
        self.cursor_kept = (self.cursor, Instant::now());
        self.writer.cursor(&self.session, self.cursor);
    }

    async fn ordered(&mut self, order: Order) {
        match order {
            Order::Decide(Ordered { operator, decision, reply: answer, .. }) => {
                self.next_reply += 1;
                let reply = ReplyTo(self.next_reply);
                self.replies.insert(reply, answer);
                self.feed(Input::Decide { reply, operator, decision });
            }
            Order::Act(Acted { operator, order, reply: answer }) => {
                self.next_reply += 1;
                let reply = ReplyTo(self.next_reply);
                self.asked.insert(reply, answer);
                let input = Input::Directed { reply, operator, act: order.act, reason: order.reason };
                self.feed_pause_first(None, input).await;
            }
            Order::Screenshot(order) => {
                if let Some(saving) = self.pictures.save(order) {
                    self.calls.spawn(async move {
                        saving.await;
                        Back::Saved
                    });
                }
            }
        }
    }

    /// What holds for every session is another: a stop first, whose pause must not wait.
    async fn stand(&mut self) {
        let now = self.standing.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.known, now.clone());
        if before.halt != now.halt {
            let input = now.halt.clone().map_or(Input::EndHalt, Input::Halt);
            self.feed_pause_first(None, input).await;
        }
        if !before.rules_as(&now) {
            self.evaluator.adopt(now.policy);
            let verdicts = self.gate.open_card().map(|card| self.evaluator.again(card, self.now())).unwrap_or_default();
            self.feed_pause_first(None, Input::Reconfigured { settings: now.settings, verdicts }).await;
        }
    }

    fn came_back(&mut self, back: Result<Back, JoinError>) {
        match back {
            Ok(Back::Answer(call, answer)) => self.feed(Input::Answered { call, answer }),
            Ok(Back::Recorded(ticket, result)) => self.feed(Input::Recorded { ticket, result }),
            Ok(Back::Read(call, Ok((events, observed)))) => {
                for event in events {
                    if let Some(input) = self.judged(event, false) {
                        self.feed(input);
                    }
                }
                self.feed(Input::Answered { call, answer: Answer::Read(Ok(observed)) });
            }
            Ok(Back::Read(call, Err(error))) => {
                self.feed(Input::Answered { call, answer: Answer::Read(Err(error)) });
            }
            Ok(Back::Picture(call, approval, picture)) => {
                let page = picture.map(|picture| {
                    let page = self.evaluator.page(picture.url.clone(), picture.title.clone());
                    self.pictures.took(approval, picture);
                    page
                });
                self.feed(Input::Answered { call, answer: Answer::Screenshot(page) });
            }
            Ok(Back::Saved) => (),
            // A bug in a call would leave the gate waiting for ever; the supervisor starts this session anew.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => {
                    tracing::error!(session = %self.session, "session {}: a call was dropped: {cancelled}", self.session)
                }
            },
        }
    }

    /// Lets calls in flight finish and their results be recorded; nobody decides any more. What is on its way to the disk is
    /// answered as the disk answers.
    async fn drain(&mut self) {
        self.feed(Input::Stop);
        let finish = async {
            while let Some(back) = self.calls.join_next().await {
                self.came_back(back);
            }
        };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!(session = %self.session, "session {}: stopped with {} calls unanswered", self.session, self.calls.len());
        }
        for (_, reply) in std::mem::take(&mut self.replies) {
            let why = "the daemon stopped before it was known whether this was recorded".to_owned();
            let _ = reply.send(Err(Refusal::Unknown { why }));
        }
        self.flush_last().await;
    }

    /// What the writer had no room for is offered until it takes it, for a bounded time.
    async fn flush_last(&mut self) {
        let end = Instant::now() + LAST_RECORDS;
        self.flush();
        while !self.unsent.is_empty() && Instant::now() < end {
            tokio::time::sleep(AGAIN).await;
            self.flush();
        }
        let lost: usize = self.unsent.iter().map(Vec::len).sum();
        if lost > 0 {
            tracing::error!(session = %self.session, "session {}: {lost} records of what happened are lost", self.session);
        }
    }
}

/// Sleeps until `due`, or not at all.
pub(super) async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}
