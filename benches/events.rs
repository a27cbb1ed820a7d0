//! What recording an evaluated event costs in processor time, in all threads of the process.
//!
//! `cargo bench --bench events` prints medians. Nothing here asserts times. `HOLDPOINT_BENCH_DIR` names another folder than the build's.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdpoint::api::{Event, EventKind, MessageId, SessionId};
use holdpoint::policy::{Effect, SessionInfo};
use holdpoint::store::{EventBounds, Noted, Store};
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

use support::median;

/// As many sessions as a large fleet has, each with an event in turn.
const SESSIONS: usize = 10_000;
/// As the daemon writes them.
const BATCH: usize = 512;
const BATCHES: usize = 100;
const ROUNDS: usize = 5;
const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let folder = support::folder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&folder.path().join("holdpoint.db")).await.expect("a store");
        let mut bench = Bench { store, sessions: (0..SESSIONS).map(session).collect(), made: 0 };
        let wide = EventBounds { age: DAY, bytes: 4 << 30 };
        let narrow = EventBounds { age: DAY, bytes: 16 << 20 };
        for (what, bounds) in [("nothing to delete", wide), ("as much deleted as written", narrow)] {
            // Sessions are new to the store, or what is too much goes.
            bench.prepare(bounds).await;
            let mut cpu = Vec::new();
            let mut waits = Vec::new();
            for _ in 0..ROUNDS {
                let time = bench.record(BATCHES, bounds, &mut waits).await;
                cpu.push(time / (BATCHES * BATCH) as u32);
            }
            let (each, wait) = (median(&mut cpu), median(&mut waits));
            println!("{what:<56} {:>11.2} µs an event", each.as_secs_f64() * 1e6);
            println!("{:<56} {:>11.0} events a second of it", "", 1.0 / each.as_secs_f64());
            println!(
                "{:<56} {:>11.2} ms, from end to end",
                format!("    a transaction of {BATCH}"),
                wait.as_secs_f64() * 1e3
            );
        }
    });
}

struct Bench {
    store: Store,
    sessions: Vec<Arc<SessionInfo>>,
    made: usize,
}

impl Bench {
    async fn prepare(&mut self, bounds: EventBounds) {
        self.record(SESSIONS / BATCH + 1, bounds, &mut Vec::new()).await;
        while self.store.record(&[], bounds, Timestamp::now()).await.expect("room") {}
        self.record(BATCHES, bounds, &mut Vec::new()).await;
    }

    /// Writes down as many batches of events as are judged, and records them; the processor time that takes.
    async fn record(&mut self, batches: usize, bounds: EventBounds, waits: &mut Vec<Duration>) -> Duration {
        let events: Vec<_> = (0..batches * BATCH).map(|_| self.event()).collect();
        let began = process();
        for batch in events.chunks(BATCH) {
            let now = Timestamp::now();
            let note = |(session, event): &(Arc<SessionInfo>, Event)| {
                Noted::of(now, session.clone(), event, Effect::Allow).expect("a line")
            };
            let batch: Vec<Noted> = batch.iter().map(note).collect();
            let began = Instant::now();
            self.store.record(&batch, bounds, now).await.expect("room");
            waits.push(began.elapsed());
        }
        process() - began
    }

    fn event(&mut self) -> (Arc<SessionInfo>, Event) {
        self.made += 1;
        let said = "The page shows \"three\" offers; comparing prices, delivery times and what others say of each.";
        let event = Event {
            id: Some(MessageId(self.made as u64)),
            kind: EventKind::Step,
            text: format!("{:08} {said}\n", self.made),
            at: Some(Timestamp::now()),
            url: Some("https://shop.example/basket".to_owned()),
            title: None,
            truncated: false,
        };
        (self.sessions[self.made % SESSIONS].clone(), event)
    }
}

fn session(n: usize) -> Arc<SessionInfo> {
    let id = SessionId::try_from(format!("01939d10-0000-7000-8000-{n:012}")).expect("an id");
    Arc::new(SessionInfo {
        id,
        agent: Some("agi-0".to_owned()),
        goal: Some("buy tea, a kettle and two cups".to_owned()),
    })
}

/// The processor time of all threads so far.
fn process() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or_default())
}
