//! Metrics, in the OpenMetrics text format.
//!
//! A value that the wiring makes and hands to the parts that act; the pure parts do not know it. Labels are words of closed
//! sets, never ids, names or anything from outside. All series exist from the beginning, so counting is an atomic increment
//! and never takes a lock.

mod label;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use crate::api::ErrorClass;
use crate::api::paced::bucket::{Lane, Rate};
use crate::api::paced::turns::Pressure;
use crate::control::SessionState;
use crate::gate::{Delivery, Outcome};
use crate::notify::message::Kind;
use crate::policy::{Effect, Risk};

pub use label::{Class, Endpoint, Label, Path, Queue, Sent};
use label::{Each, Labels, counters};

/// From 0.1 ms to 10 s: what one wants to know of a pause.
const PAUSE_BUCKETS: [f64; 16] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

type Seconds = Counter<f64, AtomicU64>;
/// Of seconds, or of a rate.
type SecondsGauge = Gauge<f64, AtomicU64>;

/// All metrics of one daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Each<(Endpoint, Class), Counter>,
    waits: Each<Lane, SecondsGauge>,
    rate: SecondsGauge,
    stream_breaks: Counter,
    pause_requested: Histogram,
    pause_confirmed: Histogram,
    store_failures: Counter,
    checkpoint_failures: Counter,
    checkpoint_kept: SecondsGauge,
    notifications: Each<(Path, Kind, Sent), Counter>,
    notifications_left_out: Counter,
    events_recorded: Counter,
    events_dropped: Counter,
    opened: Each<(Effect, Risk), Counter>,
    outcomes: Each<Outcome, Counter>,
    deliveries: Each<Delivery, Counter>,
    blind: Seconds,
    pending: Gauge,
    oldest: SecondsGauge,
    sessions: Each<SessionState, Gauge>,
    blind_sessions: Gauge,
    unfollowed: Gauge,
    operators: Gauge,
    clients: Gauge,
    queues: Each<Queue, Gauge>,
    halted: Gauge,
    key_refused: AtomicBool,
    store_failing: AtomicBool,
}

/// What is true now, as clients of the desk are told it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Now {
    /// How many approvals wait.
    pub pending: usize,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
    /// Watched sessions, each by its state.
    pub sessions: Vec<SessionState>,
    /// How many of them are not seen.
    pub blind: usize,
    /// How many of them wait for their turn to be followed.
    pub unfollowed: usize,
    /// How many operators are attached.
    pub operators: usize,
    /// With how many clients.
    pub clients: usize,
    /// Whether everything is stopped.
    pub halted: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("holdpoint");
        let r = &mut registry;
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        r.register("build", "The program", Info::new(version));
        let calls = counters(r, "provider_calls", "Calls to the provider, by endpoint and class of answer");
        let waits = Family::<Labels, SecondsGauge>::default();
        let help = "How long the read that waits longest has waited for the provider's limits, by what it is for";
        r.register_with_unit("provider_wait", help, Unit::Seconds, waits.clone());
        let waits = Each::of(&waits);
        let rate = SecondsGauge::default();
        let help = "Requests to the provider that may leave in a second; 0 where nothing is known to bound them";
        r.register("provider_rate", help, rate.clone());
        let stream_breaks = counter(r, "stream_reconnects", "Event streams that ended or broke, and are opened again");
        let pause_requested =
            histogram(r, "pause_request", "From the arrival of an event to the request to pause leaving");
        let pause_confirmed =
            histogram(r, "pause_confirmed", "From the arrival of an event to the provider's confirmation of the pause");
        let store_failures = counter(r, "store_write_failures", "Transactions that the store refused");
        let checkpoint_failures =
            counter(r, "checkpoint_failures", "Looks after which the checkpoint was not up to date");
        let checkpoint_kept = SecondsGauge::default();
        let help = "When the checkpoint was last up to date, as Unix time; 0 where none is kept";
        r.register_with_unit("checkpoint_timestamp", help, Unit::Seconds, checkpoint_kept.clone());
        let notifications = counters(r, "notifications", "Notifications, by way, kind and what became of them");
        let notifications_left_out =
            counter(r, "notifications_left_out", "Times that approvals ended before anybody was called about them");
        let events_recorded = counter(r, "events_recorded", "Evaluated events that were kept for replay");
        let events_dropped = counter(r, "events_dropped", "Evaluated events that were not kept for replay");
        let opened = counters(r, "approvals_opened", "Approvals opened, by effect and risk");
        let outcomes = counters(r, "approvals_ended", "Approvals ended, by outcome");
        let deliveries = counters(r, "deliveries", "What became of outcomes at the provider");
        let blind = Seconds::default();
        r.register_with_unit("blind", "Time that sessions were watched and not seen", Unit::Seconds, blind.clone());
        let pending = gauge(r, "approvals_pending", "Approvals that wait for an answer");
        let oldest = SecondsGauge::default();
        r.register_with_unit("approvals_oldest_age", "Age of the oldest of them", Unit::Seconds, oldest.clone());
        let sessions = gauges(r, "sessions", "Watched sessions, by state");
        let blind_sessions = gauge(r, "sessions_blind", "Watched sessions that are not seen now");
        let unfollowed = gauge(r, "sessions_unfollowed", "Watched sessions that wait for their turn to be followed");
        let operators = gauge(r, "operators_attached", "Operators who are attached");
        let clients = gauge(r, "clients_attached", "Clients that they are attached with");
        let queues = gauges(r, "queue_length", "Entries that wait in a queue of the daemon");
        let halted = gauge(r, "halted", "1 while everything is stopped by an operator");
        Self {
            registry,
            calls,
            waits,
            rate,
            stream_breaks,
            pause_requested,
            pause_confirmed,
            store_failures,
            checkpoint_failures,
            checkpoint_kept,
            notifications,
            notifications_left_out,
            events_recorded,
            events_dropped,
            opened,
            outcomes,
            deliveries,
            blind,
            pending,
            oldest,
            sessions,
            blind_sessions,
            unfollowed,
            operators,
            clients,
            queues,
            halted,
            key_refused: AtomicBool::new(false),
            store_failing: AtomicBool::new(false),
        }
    }

    /// All of them, in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail; if it ever did, half of the text would end without its end mark.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A call to the provider came back.
    pub fn call(&self, endpoint: Endpoint, error: Option<&ErrorClass>) {
        let class = error.map_or(Class::Ok, Class::of);
        if let Some(counter) = self.calls.get((endpoint, class)) {
            counter.inc();
        }
        match class {
            Class::Auth => self.key_refused.store(true, Ordering::Relaxed),
            Class::Ok | Class::NotFound | Class::AlreadyPaused | Class::NotPaused => {
                self.key_refused.store(false, Ordering::Relaxed);
            }
            Class::RateLimited | Class::Refused | Class::Unknown | Class::Unreachable => (),
        }
    }

    /// An event stream ended or broke.
    pub fn stream_broke(&self) {
        self.stream_breaks.inc();
    }

    /// A request to pause left, so long after its event arrived.
    pub fn pause_requested(&self, after: Duration) {
        self.pause_requested.observe(after.as_secs_f64());
    }

    /// A pause was confirmed, so long after its event arrived.
    pub fn pause_confirmed(&self, after: Duration) {
        self.pause_confirmed.observe(after.as_secs_f64());
    }

    /// The store refused a transaction.
    pub fn store_failed(&self) {
        self.store_failures.inc();
        self.store_failing.store(true, Ordering::Relaxed);
    }

    /// The store took a transaction.
    pub fn store_wrote(&self) {
        self.store_failing.store(false, Ordering::Relaxed);
    }

    /// The checkpoint was up to date at `at`.
    pub fn checkpoint_kept(&self, at: Timestamp) {
        self.checkpoint_kept.set(at.as_duration().as_secs_f64());
    }

    /// The checkpoint could not be looked after.
    pub fn checkpoint_failed(&self) {
        self.checkpoint_failures.inc();
    }

    /// What became of a notification. Tests are not counted.
    pub fn notification(&self, path: Path, kind: Kind, sent: Sent) {
        if let Some(counter) = self.notifications.get((path, kind, sent)) {
            counter.inc();
        }
    }

    /// Approvals were not told, and the log says why.
    pub fn notification_left_out(&self) {
        self.notifications_left_out.inc();
    }

    /// Evaluated events were kept.
    pub fn events_recorded(&self, count: u64) {
        self.events_recorded.inc_by(count);
    }

    /// Evaluated events could not be kept. Nothing else depends on them.
    pub fn events_dropped(&self, count: u64) {
        self.events_dropped.inc_by(count);
    }

    /// An approval was opened.
    pub fn opened(&self, effect: Effect, risk: Risk) {
        if let Some(counter) = self.opened.get((effect, risk)) {
            counter.inc();
        }
    }

    /// An approval has its outcome.
    pub fn ended(&self, outcome: Outcome) {
        if let Some(counter) = self.outcomes.get(outcome) {
            counter.inc();
        }
    }

    /// An outcome was delivered, or not. What is still under way is not counted.
    pub fn delivered(&self, delivery: Delivery) {
        if let Some(counter) = self.deliveries.get(delivery) {
            counter.inc();
        }
    }

    /// Sessions were not seen for so long, taken together.
    pub fn blind_for(&self, time: Duration) {
        self.blind.inc_by(time.as_secs_f64());
    }

    /// What is true now.
    pub fn now(&self, now: &Now) {
        set(&self.pending, now.pending);
        self.oldest.set(now.oldest.as_secs_f64());
        for state in SessionState::all() {
            if let Some(gauge) = self.sessions.get(state) {
                set(gauge, now.sessions.iter().filter(|of| **of == state).count());
            }
        }
        set(&self.blind_sessions, now.blind);
        set(&self.unfollowed, now.unfollowed);
        set(&self.operators, now.operators);
        set(&self.clients, now.clients);
        set(&self.halted, usize::from(now.halted));
    }

    /// How much is wanted of the provider, and how much it takes.
    pub fn pressure(&self, pressure: &Pressure, now: Instant) {
        for lane in Lane::ALL {
            if let Some(gauge) = self.waits.get(lane) {
                gauge.set(pressure.waited(lane, now).as_secs_f64());
            }
        }
        self.rate.set(pressure.rate.map_or(0.0, Rate::as_per_second));
    }

    /// How many entries wait in a queue.
    pub fn queue(&self, queue: Queue, length: usize) {
        if let Some(gauge) = self.queues.get(queue) {
            set(gauge, length);
        }
    }

    /// How many sessions are not seen now.
    #[must_use]
    pub fn blind_sessions(&self) -> i64 {
        self.blind_sessions.get()
    }

    /// Whether everything is stopped.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.halted.get() != 0
    }

    /// Whether the provider refused the key when it was last asked.
    #[must_use]
    pub fn is_key_refused(&self) -> bool {
        self.key_refused.load(Ordering::Relaxed)
    }

    /// Whether the store refused what was last written.
    #[must_use]
    pub fn is_store_failing(&self) -> bool {
        self.store_failing.load(Ordering::Relaxed)
    }
}

fn set(gauge: &Gauge, number: usize) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn gauges<L: Label>(registry: &mut Registry, name: &str, help: &str) -> Each<L, Gauge> {
    let family = Family::<Labels, Gauge>::default();
    registry.register(name, help, family.clone());
    Each::of(&family)
}

fn histogram(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let histogram = Histogram::new(PAUSE_BUCKETS);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}
