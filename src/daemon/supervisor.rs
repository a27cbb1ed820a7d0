//! The supervisor: finds sessions, gives each its driver and watcher, and hands operators' orders to them.
//!
//! One task owns the map of sessions. Listing is a task of its own, so that a slow provider delays no order.

mod everything;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::driver::{Acted, Driver, Ended, Held, Order, Parts, sleep_until};
use super::evaluator::Evaluator;
use super::executor::Executor;
use super::halting::{self, Wish};
use super::liveness::Beat;
use super::recorder::Recorder;
use super::standing::Standing;
use super::watcher::{WatchConfig, Watcher};
use super::writer::Writer;
use super::{Changed, Reconfiguration};
use crate::api::{MessageId, Provider, Session, SessionId, StatusClass};
use crate::control::{DaemonInfo, Decision, DeskService, Directed, Ordered, Refusal, ScreenshotOrder};
use crate::gate::{About, Gate, Kept};
use crate::operator::escape::short;
use crate::operator::log::TOLD;
use crate::policy::{Glob, SessionInfo};
use crate::store::Store;
use crate::telemetry::metrics::Metrics;

/// How many orders one session may have waiting.
const ORDERS: usize = 64;
/// How many sights one session may have waiting before its watcher waits.
const SIGHTS: usize = 256;
/// How often a refused key is said again.
const ALARM_EVERY: Duration = Duration::from_secs(60);
/// How long a session whose driver failed waits before it is taken up again, the first time and at most.
const AGAIN_FIRST: Duration = Duration::from_secs(1);
const AGAIN_MOST: Duration = Duration::from_secs(60);
/// How long the end waits for a stop of everything to be written.
const LAST_HALT: Duration = Duration::from_secs(3);

/// Which sessions are watched, and how.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Whether sessions are looked for.
    pub discover: bool,
    /// Watched whatever the list says.
    pub sessions: Vec<SessionId>,
    /// Which agents' sessions are watched; empty means all.
    pub agents: Vec<Glob>,
    /// How each is watched.
    pub config: WatchConfig,
}

impl Watch {
    /// Whether both mean the same.
    fn is_as(&self, other: &Self) -> bool {
        let same = self.discover == other.discover && self.sessions == other.sessions && self.agents == other.agents;
        same && self.config == other.config
    }

    fn wants(&self, session: &Session) -> bool {
        if self.sessions.contains(&session.id) {
            return true;
        }
        let agent = session.agent.as_deref().unwrap_or_default();
        self.discover && (self.agents.is_empty() || self.agents.iter().any(|glob| glob.matches(agent)))
    }
}

/// What the supervisor is made of.
pub struct Supervision {
    /// The vendor.
    pub provider: Arc<dyn Provider>,
    /// What holds for every session at the start.
    pub standing: Standing,
    /// What clients are told of the daemon.
    pub info: DaemonInfo,
    /// Which sessions.
    pub watch: Watch,
    /// Where a restarted driver finds what it goes on from.
    pub store: Store,
    /// Where views go.
    pub desk: DeskService,
    /// Where records go.
    pub writer: Writer,
    /// The process's zero of monotonic time.
    pub origin: Instant,
    /// Where pictures are saved.
    pub pictures: Arc<std::path::Path>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Where evaluated events are kept.
    pub recorder: Recorder,
}

/// Where the supervisor's work comes from.
pub struct Inlets {
    /// Decisions that passed the desk.
    pub decisions: mpsc::Receiver<Ordered>,
    /// Wishes for pictures.
    pub screenshots: mpsc::Receiver<ScreenshotOrder>,
    /// What operators do of their own accord.
    pub orders: mpsc::Receiver<Directed>,
    /// Another configuration.
    pub reconfigured: mpsc::Receiver<Reconfigure>,
    /// Sessions as the provider lists them.
    pub listed: mpsc::Receiver<Vec<Session>>,
    /// Questions whether the supervisor turns.
    pub beats: mpsc::Receiver<Beat>,
}

/// Another configuration, to be taken over.
pub struct Reconfigure {
    /// What it says.
    pub with: Box<Reconfiguration>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Changed>,
}

/// When a session whose driver failed is taken up again.
struct Retry {
    at: Instant,
    failures: u32,
}

/// Owns the drivers.
pub struct Supervisor {
    parts: Supervision,
    /// What holds for every session now; drivers look at it.
    standing: watch::Sender<Standing>,
    /// Writes stops of everything down.
    halts: mpsc::UnboundedSender<Wish>,
    halts_ended: mpsc::UnboundedReceiver<halting::Ended>,
    halting: JoinHandle<()>,
    /// Whether the stop in force is about to end: another one begins anew.
    ending: bool,
    cursors: BTreeMap<SessionId, MessageId>,
    /// What a cursor is behind of, and was decided all the same.
    done: Vec<Kept>,
    drivers: BTreeMap<SessionId, mpsc::Sender<Order>>,
    tasks: JoinSet<Ended>,
    /// Which session a task drives, for the tasks that panic.
    driven: BTreeMap<Id, SessionId>,
    alarm: mpsc::Sender<String>,
    alarms: mpsc::Receiver<String>,
    alarmed: Option<Instant>,
    held: BTreeMap<SessionId, Held>,
    /// Sessions of the configuration that were driven without being listed: once, they may be gone.
    named: BTreeSet<SessionId>,
    /// Sessions whose driver failed.
    retries: BTreeMap<SessionId, Retry>,
    stop: CancellationToken,
}

impl Supervisor {
    /// A supervisor of no sessions yet. What the approvals in `done` show is not asked about again.
    #[must_use]
    pub fn new(
        parts: Supervision,
        cursors: BTreeMap<SessionId, MessageId>,
        done: Vec<Kept>,
        stop: CancellationToken,
    ) -> Self {
        let (alarm, alarms) = mpsc::channel(16);
        let (halts, wishes) = mpsc::unbounded_channel();
        let (ended, halts_ended) = mpsc::unbounded_channel();
        let halting = tokio::spawn(halting::run(parts.store.clone(), parts.desk.clone(), wishes, ended));
        Self {
            standing: watch::Sender::new(parts.standing.clone()),
            halts,
            halts_ended,
            halting,
            ending: false,
            parts,
            cursors,
            done,
            drivers: BTreeMap::new(),
            tasks: JoinSet::new(),
            driven: BTreeMap::new(),
            alarm,
            alarms,
            alarmed: None,
            held: BTreeMap::new(),
            named: BTreeSet::new(),
            retries: BTreeMap::new(),
            stop,
        }
    }

    /// Takes up what was kept, then runs until `stop`; returns the sessions that stay paused.
    pub async fn run(mut self, live: Vec<Kept>, mut inlets: Inlets) -> BTreeMap<SessionId, Held> {
        self.take_up(live);
        loop {
            let retry = self.next_retry();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(beat) = inlets.beats.recv() => beat.send(()).unwrap_or(()),
                Some(order) = inlets.orders.recv() => self.directed(order),
                Some(ended) = self.halts_ended.recv() => self.halt_ended(ended),
                Some(order) = inlets.reconfigured.recv() => self.reconfigure(order),
                Some(order) = inlets.decisions.recv() => self.decide(order),
                Some(order) = inlets.screenshots.recv() => self.screenshot(order),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = sleep_until(retry), if retry.is_some() => self.retry().await,
                Some(why) = self.alarms.recv() => self.key_refused(&why),
                Some(sessions) = inlets.listed.recv() => self.found(&sessions),
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(ended) => self.note_held(ended),
                Err(error) => tracing::error!("a session's driver failed while stopping: {error}"),
            }
        }
        drop(self.halts);
        if tokio::time::timeout(LAST_HALT, self.halting).await.is_err() {
            tracing::error!("the stop of everything is not written down: the disk does not answer");
        }
        self.held
    }

    /// Recovery: every session with something open is driven again, listed or not.
    fn take_up(&mut self, live: Vec<Kept>) {
        let mut by_session: BTreeMap<SessionId, Vec<Kept>> = BTreeMap::new();
        for kept in live {
            by_session.entry(kept.card.session.clone()).or_default().push(kept);
        }
        for (session, kept) in by_session {
            let card = kept.last().map(|kept| &kept.card);
            let agent = card.and_then(|card| card.agent.clone());
            let goal = card.and_then(|card| card.goal.clone());
            self.drive(About { session, agent, goal }, kept);
        }
        if !self.parts.watch.discover {
            self.watch_named();
        }
    }

    fn found(&mut self, sessions: &[Session]) {
        for session in sessions {
            let over = session.status.class() == StatusClass::Over;
            let known = self.drivers.contains_key(&session.id) || self.retries.contains_key(&session.id);
            if over || known || !self.parts.watch.wants(session) {
                continue;
            }
            tracing::info!(session = %session.id, "watching session {}", session.id);
            if session.status.class() == StatusClass::Paused {
                // A crash between a pause and its record leaves one like this, too.
                let text =
                    format!("session {} is paused, and no approval of ours is open for it: look after it", session.id);
                tracing::warn!(target: TOLD, session = %session.id, "{text}");
                self.parts.desk.notice(text);
            }
            let (agent, goal) = (session.agent.clone(), session.goal.clone());
            self.drive(About { session: session.id.clone(), agent, goal }, Vec::new());
        }
        self.watch_named();
    }

    /// Sessions that the configuration names are watched whether they are listed or not.
    fn watch_named(&mut self) {
        for session in self.parts.watch.sessions.clone() {
            if !self.drivers.contains_key(&session) && self.named.insert(session.clone()) {
                self.drive(About { session, agent: None, goal: None }, Vec::new());
            }
        }
    }

    /// Starts driver and watcher of a session.
    fn drive(&mut self, about: About, kept: Vec<Kept>) {
        let session = about.session.clone();
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (seen, sights) = mpsc::channel(SIGHTS);
        let stop = self.stop.child_token();
        let cursor = start(self.cursors.get(&session).copied(), &kept);
        let info = SessionInfo { id: session.clone(), agent: about.agent.clone(), goal: about.goal.clone() };
        let done = self.done.iter().filter(|done| done.card.session == session);
        let cards = kept.iter().chain(done).map(|kept| &kept.card);
        let standing = self.standing.subscribe();
        let (policy, settings) = (standing.borrow().policy.clone(), standing.borrow().settings.clone());
        let evaluator = Evaluator::new(policy, info, cards);
        let start = cursor.unwrap_or_default();
        let parts = Parts {
            gate: Gate::new(about, settings, start),
            standing,
            kept,
            evaluator,
            executor: Executor::new(self.parts.provider.clone(), session.clone()),
            session: session.clone(),
            desk: self.parts.desk.clone(),
            writer: self.parts.writer.clone(),
            origin: self.parts.origin,
            orders: inbox,
            seen: sights,
            alarm: self.alarm.clone(),
            pictures: self.parts.pictures.clone(),
            metrics: self.parts.metrics.clone(),
            recorder: self.parts.recorder.clone(),
        };
        let provider = self.parts.provider.clone();
        let config = self.parts.watch.config;
        let watched = session.clone();
        let task = self.tasks.spawn(async move {
            let watching = stop.child_token();
            let _stopped_with_driver = watching.clone().drop_guard();
            // Recovery first: its pauses leave before anything is read.
            let driver = Driver::new(parts);
            Watcher::spawn(provider, watched, cursor, config, seen, watching);
            driver.run(stop).await
        });
        self.driven.insert(task.id(), session.clone());
        self.drivers.insert(session, orders);
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        match ended {
            Ok((id, ended)) => {
                self.driven.remove(&id);
                self.drivers.remove(&ended.session);
                self.parts.desk.session_gone(ended.session.clone());
                self.retries.remove(&ended.session);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// A driver that failed is a bug; its session is taken up again from the store, as after a crash, a little later each
    /// time: an event that makes it fail again must not keep the processor busy.
    fn failed(&mut self, error: &JoinError) {
        let Some(session) = self.driven.remove(&error.id()) else { return };
        self.drivers.remove(&session);
        let error = short(&error.to_string());
        let text = format!("the driver of session {session} failed ({error}); it is started again from the store");
        tracing::error!(target: TOLD, %session, "{text}");
        self.parts.desk.notice(text);
        self.take_up_later(session);
    }

    fn take_up_later(&mut self, session: SessionId) {
        let retry = self.retries.entry(session).or_insert(Retry { at: Instant::now(), failures: 0 });
        let wait = AGAIN_FIRST.saturating_mul(1 << retry.failures.min(6));
        retry.at = Instant::now() + wait.min(AGAIN_MOST);
        retry.failures += 1;
    }

    fn next_retry(&self) -> Option<Instant> {
        let waiting = self.retries.iter().filter(|(session, _)| !self.drivers.contains_key(session));
        waiting.map(|(_, retry)| retry.at).min()
    }

    async fn retry(&mut self) {
        let now = Instant::now();
        let due = |(session, retry): &(&SessionId, &Retry)| retry.at <= now && !self.drivers.contains_key(session);
        let due: Vec<SessionId> = self.retries.iter().filter(due).map(|(session, _)| session.clone()).collect();
        if due.is_empty() {
            return;
        }
        let store = &self.parts.store;
        match (store.live().await, store.cursors().await, store.done().await) {
            (Ok(live), Ok(cursors), Ok(done)) => {
                (self.cursors, self.done) = (cursors, done);
                for session in due {
                    let kept = live.iter().filter(|kept| kept.card.session == session).cloned().collect();
                    self.drive(About { session, agent: None, goal: None }, kept);
                }
            }
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                tracing::error!("sessions cannot be taken up from the store yet: {error}; trying on");
                due.into_iter().for_each(|session| self.take_up_later(session));
            }
        }
    }

    fn note_held(&mut self, ended: Ended) {
        if let Some(held) = ended.held {
            self.held.insert(ended.session, held);
        }
    }

    fn decide(&mut self, order: Ordered) {
        let Some(driver) = self.drivers.get(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(refused) = driver.try_send(Order::Decide(order))
            && let Order::Decide(Ordered { reply, decision: Decision { .. }, .. }) = refused.into_inner()
        {
            let _ = reply.send(Err(too_many()));
        }
    }

    fn screenshot(&mut self, order: ScreenshotOrder) {
        let Some(driver) = self.drivers.get(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(refused) = driver.try_send(Order::Screenshot(order))
            && let Order::Screenshot(order) = refused.into_inner()
        {
            let _ = order.reply.send(Err(too_many()));
        }
    }

    fn directed(&mut self, order: Directed) {
        match order {
            Directed::Session { operator, order, reply } => self.direct(Acted { operator, order, reply }),
            Directed::Halt { operator, reason, reply } => self.halt(operator, reason, reply),
            Directed::EndHalt { operator, reply } => self.end_halt(operator, reply),
        }
    }

    fn direct(&self, acted: Acted) {
        let Some(driver) = self.drivers.get(&acted.order.session) else {
            let _ = acted.reply.send(Err(Refusal::NoSuchSession));
            return;
        };
        if let Err(refused) = driver.try_send(Order::Act(acted))
            && let Order::Act(Acted { reply, .. }) = refused.into_inner()
        {
            let _ = reply.send(Err(too_many()));
        }
    }

    /// A key that is refused while running: nothing can be paused or released until it works again.
    fn key_refused(&mut self, why: &str) {
        if self.alarmed.is_some_and(|at| at.elapsed() < ALARM_EVERY) {
            return;
        }
        self.alarmed = Some(Instant::now());
        let text = format!("ALARM: the provider refuses the API key, so nothing can be paused: {why}; renew the key");
        tracing::error!(target: TOLD, "{text}");
        self.parts.desk.notice(text);
    }
}

/// Where watching begins. What is open has to see again what came after its card; with no cursor kept yet, what its card
/// shows is all that is known to have been seen.
fn start(cursor: Option<MessageId>, kept: &[Kept]) -> Option<MessageId> {
    let Some(cursor) = cursor else {
        let cards = kept.iter().map(|kept| &kept.card);
        let shown = cards.flat_map(|card| card.before.iter().chain([&card.trigger])).filter_map(|line| line.id);
        return shown.min().map(|id| MessageId(id.0.saturating_sub(1)));
    };
    Some(kept.iter().map(|kept| kept.seen_up_to).fold(cursor, MessageId::min))
}

fn too_many() -> Refusal {
    Refusal::NotPossible { why: format!("{ORDERS} orders wait for this session already; try again") }
}
