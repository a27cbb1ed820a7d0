//! The daemon: wiring of the parts that touch the world, start and drain.
//!
//! ```text
//! lister ─sessions─▶ supervisor ─orders─▶ driver (gate, evaluation) ─calls─▶ executor ─▶ provider
//!                        ▲                  ▲    │ │
//!      desk ──decisions──┘         watcher ─┘    │ └─records─▶ writer ─▶ store
//!        ▲                                       │
//!        └──────────────views────────────────────┘
//! ```
//!
//! Every arrow is a channel, every box a task; the driver and the watcher exist once per session.

mod alarm;
mod configured;
pub mod driver;
pub mod evaluator;
pub mod executor;
mod halting;
mod ids;
mod lateness;
mod lister;
pub mod listing;
pub mod liveness;
pub mod ramp;
mod reconfigured;
mod recorder;
pub mod reins;
mod scrape;
mod standing;
pub mod supervisor;
pub mod watcher;
pub mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::paced::Pace;
use crate::api::paced::bucket::Rate;
use crate::api::{ApiError, ErrorClass, Provider, SessionId};
use crate::clock::Clock;
use crate::control::{DeskService, DeskSettings, Drivers, Halt};
use crate::crash::{self, Point};
use crate::gate::{Kept, Settings};
use crate::notify::{self, Notifier};
use crate::operator::words;
use crate::policy::Policy;
use crate::store::{Durable, EventBounds, StoreError};
use crate::telemetry::ledger;
use crate::telemetry::measured::Measured;
use crate::telemetry::metrics::Metrics;

pub use driver::{Held, Stays};
pub use ids::Ids;
pub use reconfigured::{Changed, NotReconfigured, Reconfiguration};
pub use scrape::Scrape;
pub use supervisor::Watch;
pub use writer::Left;

use liveness::{Beat, Pulse};
use standing::Standing;
use supervisor::{AtEnd, Inlets, Supervision, Supervisor};
use writer::Writer;

/// How many orders of operators may wait.
const ORDERS: usize = 256;
/// How often sessions are listed at most, whatever the configuration says.
const LIST_LEAST: Duration = Duration::from_millis(100);

/// How long a start waits for the provider's first answer before it goes on without.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// What a daemon is made of.
pub struct Config {
    /// The vendor.
    pub provider: Arc<dyn Provider>,
    /// How many requests it takes, if that is known.
    pub rate: Option<Rate>,
    /// The rules.
    pub policy: Policy,
    /// What gates do where rules do not say.
    pub settings: Settings,
    /// How operators' clients are treated.
    pub desk: DeskSettings,
    /// Which sessions are watched.
    pub watch: Watch,
    /// How often sessions are listed.
    pub list_every: Duration,
    /// Where screenshots are saved when an operator asks.
    pub pictures: PathBuf,
    /// Who is called when an approval waits.
    pub notify: notify::Config,
    /// How much of what was evaluated is kept; `None` for nothing.
    pub events: Option<EventBounds>,
    /// What time it is.
    pub clock: Clock,
    /// How new approvals are called.
    pub ids: Ids,
}

/// How a daemon ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The sessions that stay held, and those whose questions wait on.
    pub held: BTreeMap<SessionId, Held>,
    /// The stop of everything that is still in force, and on the disk.
    pub halt: Option<Halt>,
    /// Whether the store has all that happened.
    pub store: Left,
}

/// A running daemon.
pub struct Daemon {
    desk: DeskService,
    reconfigure: mpsc::Sender<supervisor::Reconfigure>,
    stop: CancellationToken,
    lister: JoinHandle<()>,
    supervisor: JoinHandle<AtEnd>,
    writer: JoinHandle<Left>,
    pulse: Pulse,
    list_every: watch::Sender<Duration>,
    /// Keeps the supervisor's queue of beats open.
    _beats: mpsc::Sender<Beat>,
    notifier: Notifier,
    ledger: JoinHandle<()>,
    lateness: JoinHandle<()>,
    scrape: Scrape,
    /// How the provider's first answer went; taken by whoever waits for it.
    answered: Option<oneshot::Receiver<Result<(), ApiError>>>,
}

impl Daemon {
    /// Starts: takes up what the store says is under way, and watches. Open holds are paused again at once, before sessions
    /// are listed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(config: Config, store: impl Durable) -> Result<Self, StoreError> {
        let (store, clock): (Arc<dyn Durable>, _) = (Arc::new(store), config.clock);
        let live = store.live().await?;
        let cursors = store.cursors().await?;
        let done = store.done().await?;
        let halt = store.halt().await?;
        crash::at(Point::StoreRead);
        let (decisions, decided) = mpsc::channel(ORDERS);
        let (screenshots, wished) = mpsc::channel(ORDERS);
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (reconfigure, reconfigured) = mpsc::channel(1);
        if let Some(halt) = &halt {
            tracing::warn!("{}: that outlives a restart; {}", words::stopped(halt), words::ENDS_STOP);
        }
        let mut settings = config.desk;
        settings.daemon.halt.clone_from(&halt);
        let info = settings.daemon.clone();
        let ended_kept = settings.ended_kept;
        let metrics = Arc::new(Metrics::new());
        let waiting = decisions.downgrade();
        let desk = DeskService::start(settings, Drivers { decisions, screenshots, orders }, clock.clone());
        // History, before anybody counts or calls.
        done.iter().take(ended_kept).rev().filter_map(Kept::as_ended).for_each(|view| desk.publish(view));
        let ledger = tokio::spawn(ledger::run(desk.clone(), metrics.clone(), clock.clone()));
        let notifier = Notifier::start(config.notify, desk.clone(), metrics.clone(), clock.clone());
        let provider: Arc<dyn Provider> = Arc::new(Measured::new(config.provider, metrics.clone()));
        let pace = Pace::new(provider, config.rate);
        let (listed, lists) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let (recorder, recording) = recorder::channel(config.events, metrics.clone(), clock.clone());
        let (writer, writing) = Writer::start(store.clone(), desk.clone(), metrics.clone(), recording, clock.clone());
        let (beats, felt) = mpsc::channel(1);
        let pulse = Pulse { supervisor: beats.downgrade(), desk: desk.clone(), writer: writer.pulse() };
        let scrape = Scrape::new(metrics.clone(), desk.clone(), writer.backlog(), waiting, pace.pressure());
        let supervision = Supervision {
            provider: pace.acting(),
            watched: pace.watching(),
            resting: pace.resting(),
            rate: config.rate,
            standing: Standing { halt, policy: Arc::new(config.policy), settings: Arc::new(config.settings) },
            info,
            watch: config.watch,
            store,
            desk: desk.clone(),
            writer,
            clock,
            ids: config.ids,
            pictures: config.pictures.into(),
            metrics,
            recorder,
        };
        let supervisor = Supervisor::new(supervision, cursors, done, stop.clone());
        let inlets = Inlets {
            decisions: decided,
            screenshots: wished,
            orders: ordered,
            reconfigured,
            listed: lists,
            beats: felt,
        };
        let supervisor = tokio::spawn(supervisor.run(live, inlets));
        let (list_every, period) = watch::channel(config.list_every.max(LIST_LEAST));
        let (first, answered) = oneshot::channel();
        let lateness = tokio::spawn(lateness::run(pace.pressure(), period.clone(), desk.clone()));
        let lister = tokio::spawn(lister::run(pace.listing(), period, desk.clone(), listed, first));
        Ok(Self {
            desk,
            reconfigure,
            stop,
            lister,
            supervisor,
            writer: writing,
            pulse,
            list_every,
            _beats: beats,
            notifier,
            ledger,
            lateness,
            scrape,
            answered: Some(answered),
        })
    }

    /// Waits for the provider's first answer, at most ten seconds: a provider that cannot be reached is said and tried on.
    ///
    /// # Errors
    /// When it refuses the key, with which nothing could be paused. The daemon should be stopped then.
    pub async fn accepted(&mut self) -> Result<(), ApiError> {
        let Some(answered) = self.answered.take() else { return Ok(()) };
        match tokio::time::timeout(FIRST_ANSWER, answered).await {
            Ok(Ok(Err(error))) if matches!(error.class, ErrorClass::Auth { .. }) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Takes over another configuration while running: the rules count from the next event on, and open approvals get
    /// stricter where they say so, never milder. What takes a restart is named in the answer.
    ///
    /// # Errors
    /// When the daemon is stopping.
    pub async fn reconfigure(&self, with: Reconfiguration) -> Result<Changed, NotReconfigured> {
        self.list_every.send_replace(with.watch.config.poll_interval.max(LIST_LEAST));
        let notify = with.notify.clone();
        let (reply, answer) = oneshot::channel();
        let order = supervisor::Reconfigure { with: Box::new(with), reply };
        self.reconfigure.send(order).await.map_err(|_| NotReconfigured)?;
        let changed = answer.await.map_err(|_| NotReconfigured)?;
        self.notifier.reconfigure(notify);
        Ok(changed)
    }

    /// The operators' side.
    #[must_use]
    pub fn desk(&self) -> &DeskService {
        &self.desk
    }

    /// For feeling whether the daemon's loops turn.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// What the daemon tells of itself: metrics and health.
    #[must_use]
    pub fn scrape(&self) -> &Scrape {
        &self.scrape
    }

    /// Where what happens is counted.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        self.scrape.metrics()
    }

    /// Stops: nothing is decided any more, calls in flight finish, what happened is written, held sessions stay held. A disk
    /// that does not answer is given up after 20 seconds.
    pub async fn stop(self) -> Stopped {
        self.desk.stopping();
        self.lister.abort();
        self.lateness.abort();
        self.stop.cancel();
        let AtEnd { held, halt } = self.supervisor.await.unwrap_or_else(|error| {
            tracing::error!("the supervisor failed: {error}; which sessions are held is in the store");
            AtEnd::default()
        });
        crash::at(Point::StopUnwritten);
        self.notifier.stop().await;
        self.ledger.abort();
        let store = written(self.writer).await;
        crash::at(Point::Stopped);
        Stopped { held, halt, store }
    }
}

/// Waits for the writer's end.
async fn written(mut writer: JoinHandle<Left>) -> Left {
    match tokio::time::timeout(writer::END, &mut writer).await {
        Ok(Ok(left)) => left,
        Ok(Err(error)) => {
            tracing::error!("the writer failed: {error}");
            Left::Unfinished
        }
        Err(_) => {
            writer.abort();
            tracing::error!(
                "the store does not answer: what was still to be written is lost, as far as the disk tells"
            );
            Left::Unfinished
        }
    }
}
