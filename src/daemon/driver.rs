//! The driver of one session: feeds the gate, carries out what it wants, and is otherwise dumb.
//!
//! One task owns gate and evaluation. Everything that takes time (calls, the disk, an operator) happens elsewhere and
//! comes back as an input.

mod answering;
mod carrying;
mod draining;
mod feeding;
mod log;
mod overload;
mod picture;
mod showing;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Ids;
use super::alarm::Alarm;
use super::evaluator::Evaluator;
use super::executor::Executor;
use super::ramp::Recovering;
use super::recorder::{Recorder, SessionRecorder};
use super::reins::Inbox;
use super::standing::Standing;
use super::watcher::Seen;
use super::writer::{Keep, Writer};
use crate::api::{ApiError, Event, MessageId, Screenshot, SessionId};
use crate::clock::{Clock, Moment};
use crate::control::{
    Decided, DeskService, OperatorName, Ordered, Refusal, ScreenshotOrder, SessionDone, SessionOrder,
};
use crate::crash::{self, Point};
use crate::gate::{Answer, ApprovalId, CallId, Code, Gate, Input, Kept, Observed, ReplyTo, Subject, Ticket};
use crate::telemetry::metrics::Metrics;

use answering::Promised;
use overload::Sights;
use picture::Pictures;
use showing::Showing;
use tally::Tally;

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
    /// Whether an operator has let the session go since everything was stopped.
    pub let_go: bool,
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
    /// What time it is.
    pub clock: Clock,
    /// How new approvals are called.
    pub ids: Ids,
    /// Operators' orders, and what holds for every session from then on.
    pub inbox: Inbox,
    /// What the watcher tells.
    pub seen: BoxStream<'static, Seen>,
    /// Tells the supervisor that the key is refused.
    pub alarm: mpsc::Sender<String>,
    /// What holds for every session.
    pub standing: Arc<Standing>,
    /// Where pictures are saved.
    pub pictures: Arc<std::path::Path>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Where evaluated events are kept.
    pub recorder: Recorder,
    /// Holds watchers back while recovery pauses and looks; none where nothing is taken up.
    pub recovering: Option<Recovering>,
}

/// How a driver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub session: SessionId,
    /// What goes on without the daemon.
    pub held: Option<Held>,
    /// Whether the session is gone for good, and all that happened in it on its way to the store.
    pub over: bool,
}

/// A session that stays paused when the daemon stops, or whose question waits on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether it stays paused by us, as far as is known.
    pub stays: Stays,
    /// What waits for an answer, and until when.
    pub waiting: Option<(Code, jiff::Timestamp)>,
    /// Whether everything is stopped, so that no deadline runs.
    pub frozen: bool,
}

/// Whether a session stays paused by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It does.
    Paused,
    /// It was being paused, and nothing confirms that it is: its agent may act.
    Unconfirmed,
    /// It was not to be paused.
    Unheld,
}

/// A call that came back.
enum Back {
    Answer(CallId, Answer),
    Read(CallId, Result<(Vec<Event>, Observed), ApiError>),
    Picture(CallId, ApprovalId, Result<Screenshot, String>),
    Recorded(Ticket, Result<(), String>),
    Tried,
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
    clock: Clock,
    ids: Ids,
    inbox: Inbox,
    sights: Sights,
    /// As the gate knows it.
    known: Arc<Standing>,
    alarm: mpsc::Sender<String>,
    calls: JoinSet<Back>,
    replies: BTreeMap<ReplyTo, oneshot::Sender<Result<Decided, Refusal>>>,
    /// What operators asked of their own accord.
    asked: BTreeMap<ReplyTo, oneshot::Sender<Result<SessionDone, Refusal>>>,
    next_reply: u64,
    /// Records the writer had no room for, oldest first.
    unsent: VecDeque<Keep>,
    /// How many records are on their way to the disk whose arrival is waited for.
    writing: usize,
    /// Answers that wait for the disk.
    promised: Vec<Promised>,
    pictures: Pictures,
    metrics: Arc<Metrics>,
    recorder: SessionRecorder,
    recovering: Option<Recovering>,
    showing: Showing,
    tally: Tally,
    /// As the watcher told it: up to here every message is told.
    cursor: MessageId,
    /// The cursor that was kept last, and when.
    cursor_kept: (MessageId, Instant),
}

impl Driver {
    /// Recovers the gate and makes it ready to run. Boxed: the task that runs it would hold it twice.
    #[must_use]
    pub fn new(mut parts: Box<Parts>) -> Box<Self> {
        let known = parts.standing;
        if let Some(halt) = &known.halt {
            parts.gate.begin_halted(halt.clone(), parts.let_go);
        }
        let cursor = parts.gate.seen_up_to();
        let recorder = parts.recorder.of(parts.evaluator.session().clone());
        let mut driver = Box::new(Self {
            showing: Showing::new(parts.desk.clone()),
            gate: parts.gate,
            evaluator: parts.evaluator,
            executor: parts.executor,
            session: parts.session,
            desk: parts.desk,
            writer: parts.writer,
            ids: parts.ids,
            inbox: parts.inbox,
            sights: Sights::new(parts.seen),
            known,
            alarm: parts.alarm,
            calls: JoinSet::new(),
            replies: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_reply: 0,
            unsent: VecDeque::new(),
            writing: 0,
            promised: Vec::new(),
            pictures: Pictures::new(parts.pictures),
            metrics: parts.metrics,
            recorder,
            recovering: parts.recovering,
            tally: Tally::default(),
            cursor,
            cursor_kept: (cursor, parts.clock.origin()),
            clock: parts.clock,
        });
        for kept in parts.kept {
            log::taken_up(&driver.session, &kept);
            let effects = driver.gate.recover(driver.now(), &mut driver.ids, kept);
            driver.carry_out(effects);
            crash::at(Point::TakenUp);
        }
        if let Some(halt) = driver.known.halt.clone().filter(|_| !parts.let_go) {
            driver.feed(Input::Halt(halt));
        }
        // A hold is told of again once its card is complete.
        let card = driver.gate.open_card().filter(|card| card.subject == Subject::Question);
        if let Some((card, (_, deadline))) = card.zip(driver.gate.waiting()) {
            log::waits(&driver.session, card, deadline.wall, driver.known.halt.is_some());
        }
        driver.recovers();
        driver
    }

    /// Runs until the session is over or the daemon stops.
    pub async fn run(mut self: Box<Self>, stop: CancellationToken) -> Ended {
        // What recovery pauses leaves first.
        tokio::task::yield_now().await;
        self.show();
        let (mut alarm, mut stopped) = (Alarm::default(), std::pin::pin!(stop.cancelled()));
        loop {
            if self.gate.is_over() && self.calls.is_empty() && self.unsent.is_empty() {
                break;
            }
            let due = self.due();
            tokio::select! {
                biased;
                () = &mut stopped => {
                    // Ten thousand tasks would keep room for it from their beginning.
                    Box::pin(self.drain()).await;
                    break;
                }
                Some(told) = self.inbox.next() => self.told(told),
                Some(back) = self.calls.join_next() => self.came_back(back),
                () = alarm.until(due) => self.tick(),
                Some(look) = self.sights.next(self.known.settings.blind_after) => {
                    if let Some(judged) = self.looked(look) {
                        self.sights.others_first(self.known.settings.blind_after).await;
                        self.enter(*judged);
                        self.move_cursor();
                    }
                }
                else => break,
            }
            self.flush();
            self.answer_promised();
            self.recorder.send();
            self.show();
            self.recovers();
        }
        // The end may have judged events, too.
        self.recorder.send();
        if self.unsent.is_empty() {
            self.keep_cursor();
        }
        tracing::info!(session = %self.session, "session {} is no longer watched: {}", self.session, self.tally);
        let over = self.gate.is_over() && self.unsent.is_empty();
        Ended { session: self.session.clone(), held: self.held(), over }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn due(&self) -> Option<Instant> {
        const UNSENT: Duration = Duration::from_millis(100);
        let unsent = (!self.unsent.is_empty()).then(|| Instant::now() + UNSENT);
        let gate = self.gate.due().map(|due| self.clock.origin() + due);
        [unsent, gate, self.answer_due(), self.showing.due(self.tally.events())].into_iter().flatten().min()
    }

    fn held(&self) -> Option<Held> {
        let waiting = self.gate.waiting().map(|(id, deadline)| (id.code(), deadline.wall));
        let stays = match (self.gate.holds(), self.gate.is_unconfirmed()) {
            (_, true) => Stays::Unconfirmed,
            (true, false) => Stays::Paused,
            (false, false) => Stays::Unheld,
        };
        let frozen = self.known.halt.is_some();
        (stays != Stays::Unheld || waiting.is_some()).then_some(Held { stays, waiting, frozen })
    }

    fn show(&mut self) {
        let Self { showing, gate, known, tally, clock, .. } = self;
        showing.show(gate, known.halt.as_ref(), tally.events(), clock);
    }

    /// Lets watchers begin as far as recovery is through here.
    fn recovers(&mut self) {
        let Some(recovering) = &mut self.recovering else { return };
        if self.gate.awaits_pause() {
            return;
        }
        recovering.paused();
        if !self.gate.is_arming() {
            self.recovering = None;
        }
    }

    fn tick(&mut self) {
        self.feed(Input::Tick);
    }

    fn feed(&mut self, input: Input) {
        let effects = self.gate.handle(self.now(), &mut self.ids, input);
        self.carry_out(effects);
    }
}

/// Sleeps until `due`, or not at all.
pub(super) async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
}
