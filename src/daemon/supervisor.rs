//! The supervisor: finds sessions, gives each its driver and watcher, and hands operators' orders to them.
//!
//! One task owns the map of sessions and waits for nothing but its inlets. Listing and reading the store are tasks of their
//! own, so that neither a slow provider nor a slow disk delays an order.

mod again;
mod driving;
mod everything;
mod handing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinHandle, JoinSet, yield_now};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::driver::{Ended, Held, sleep_until};
use super::halting::{self, Wish, Written};
use super::lister::List;
use super::listing::{Entry, Roll};
use super::liveness::Beat;
use super::ramp::{Ramp, Recovering};
use super::recorder::Recorder;
use super::reins::{Lines, Reins};
use super::standing::Standing;
use super::watcher::WatchConfig;
use super::writer::Writer;
use super::{Changed, Ids, Reconfiguration};
use crate::api::paced::bucket::Rate;
use crate::api::{MessageId, Provider, Session, SessionId};
use crate::clock::Clock;
use crate::control::{DaemonInfo, DeskService, Directed, Halt, Ordered, ScreenshotOrder};
use crate::gate::Kept;
use crate::operator::log::TOLD;
use crate::policy::Glob;
use crate::store::{Durable, StoreError};
use crate::telemetry::metrics::Metrics;

use again::{Found, Retry};
use driving::{Sifting, by_session};

/// How often a refused key is said again.
const ALARM_EVERY: Duration = Duration::from_secs(60);
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
    /// The same, for watching.
    pub watched: Arc<dyn Provider>,
    /// The same, for watching what rests.
    pub resting: Arc<dyn Provider>,
    /// How many requests the provider takes, where that is configured.
    pub rate: Option<Rate>,
    /// What holds for every session at the start.
    pub standing: Standing,
    /// What clients are told of the daemon.
    pub info: DaemonInfo,
    /// Which sessions.
    pub watch: Watch,
    /// Where a restarted driver finds what it goes on from.
    pub store: Arc<dyn Durable>,
    /// Where views go.
    pub desk: DeskService,
    /// Where records go.
    pub writer: Writer,
    /// What time it is.
    pub clock: Clock,
    /// How new approvals are called.
    pub ids: Ids,
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
    pub listed: mpsc::Receiver<List>,
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

/// How a driven session is told of.
struct Driven {
    /// What to do.
    reins: Reins,
    /// What the list says.
    entry: Entry,
}

/// What stays as it is when a supervisor ends.
#[derive(Debug, Default)]
pub struct AtEnd {
    /// The sessions that stay held, and those whose questions wait on.
    pub held: BTreeMap<SessionId, Held>,
    /// The stop of everything that is still in force, and on the disk.
    pub halt: Option<Halt>,
}

/// Owns the drivers.
pub struct Supervisor {
    parts: Supervision,
    /// How sessions are watched; shared, because they are many.
    watching: Arc<WatchConfig>,
    /// What holds for every session now; the drivers share it.
    standing: Arc<Standing>,
    /// Writes stops of everything down.
    halts: mpsc::UnboundedSender<Wish>,
    halts_ended: mpsc::UnboundedReceiver<halting::Ended>,
    halting: JoinHandle<Written>,
    /// Whether the stop in force is about to end: another one begins anew.
    ending: bool,
    cursors: BTreeMap<SessionId, MessageId>,
    /// What a cursor is behind of, and was decided all the same.
    done: BTreeMap<SessionId, Vec<Kept>>,
    /// Listed and not looked at yet.
    listed: Option<Sifting>,
    /// Listed and not driven yet, the most urgent first, and when the list was asked for.
    fresh: VecDeque<(Session, Instant)>,
    drivers: BTreeMap<SessionId, Driven>,
    tasks: JoinSet<Ended>,
    /// Which session a task drives, for the tasks that panic.
    driven: BTreeMap<Id, SessionId>,
    alarm: mpsc::Sender<String>,
    alarms: mpsc::Receiver<String>,
    alarmed: Option<Instant>,
    held: BTreeMap<SessionId, Held>,
    /// Sessions of the configuration that were driven: without being listed only once, they may be gone.
    named: BTreeSet<SessionId>,
    /// What the lines to all drivers have in common.
    lines: Lines,
    /// What is known of the provider's list itself.
    roll: Roll,
    /// Lets watchers begin.
    ramp: Ramp,
    /// Holds them back until what is kept was taken up.
    recovering: Option<Recovering>,
    /// Sessions whose driver failed.
    retries: BTreeMap<SessionId, Retry>,
    /// Which of the sessions that are not driven yet an operator has let go since everything was stopped.
    let_go: BTreeSet<SessionId>,
    /// The store being read for them; never more than once at a time.
    reading: JoinSet<(Instant, Result<Found, StoreError>)>,
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
        let (ramp, recovering) = Ramp::start();
        let halting =
            tokio::spawn(halting::run(parts.store.clone(), parts.desk.clone(), parts.clock.clone(), wishes, ended));
        Self {
            watching: Arc::new(parts.watch.config),
            standing: Arc::new(parts.standing.clone()),
            halts,
            halts_ended,
            halting,
            ending: false,
            parts,
            cursors,
            done: by_session(done),
            listed: None,
            fresh: VecDeque::new(),
            drivers: BTreeMap::new(),
            tasks: JoinSet::new(),
            driven: BTreeMap::new(),
            alarm,
            alarms,
            alarmed: None,
            held: BTreeMap::new(),
            named: BTreeSet::new(),
            lines: Lines::default(),
            roll: Roll::new(),
            ramp,
            recovering: Some(recovering),
            retries: BTreeMap::new(),
            let_go: BTreeSet::new(),
            reading: JoinSet::new(),
            stop,
        }
    }

    /// Takes up what was kept, then runs until `stop`; returns what stays as it is.
    pub async fn run(mut self, live: Vec<Kept>, mut inlets: Inlets) -> AtEnd {
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
                () = sleep_until(retry), if retry.is_some() => self.retry(),
                Some(read) = self.reading.join_next() => self.read(read),
                Some(why) = self.alarms.recv() => self.key_refused(&why),
                Some(list) = inlets.listed.recv() => self.found(list),
                () = yield_now(), if self.listed.is_some() => self.sift_some(),
                () = yield_now(), if !self.fresh.is_empty() => self.drive_some(),
            }
        }
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(ended) => {
                    self.forget(&ended);
                    self.note_held(ended);
                }
                Err(error) => tracing::error!("a session's driver failed while stopping: {error}"),
            }
        }
        // Nobody wishes any more.
        self.halts = mpsc::unbounded_channel().0;
        let written = tokio::time::timeout(LAST_HALT, &mut self.halting).await;
        if written.is_err() {
            tracing::error!("the stop of everything is not written down: the disk does not answer");
        }
        // Whoever ended it is told, although nothing goes on by that any more.
        while let Ok(ended) = self.halts_ended.try_recv() {
            self.halt_ended(ended);
        }
        // What is not on the disk the next start does not know; that has been said.
        let halt = self.standing.halt.clone().filter(|_| matches!(written, Ok(Ok(Written::All))));
        AtEnd { held: self.held, halt }
    }

    fn note_held(&mut self, ended: Ended) {
        if let Some(held) = ended.held {
            self.held.insert(ended.session, held);
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
