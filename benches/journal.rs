//! A durable decision beside what the disk alone takes for the same bytes, one at a time and 64 at once, in one run.
//!
//! `cargo bench --bench journal` prints medians and ratios; docs/BENCHMARKS.md says what is measured. Nothing here asserts times.
//! It measures the disk of the build's folder; `HOLDPOINT_BENCH_DIR` names another one.

#[allow(dead_code, reason = "the tests of the store use all of it")]
#[path = "../tests/store/approvals.rs"]
mod approvals;
mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdpoint::daemon::writer::Writer;
use holdpoint::gate::{ApprovalId, Delivery, Entry, Kept, Outcome};
use holdpoint::store::{Store, Write};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

use approvals::{at, closed, open, write};
use support::median;

/// How many rounds are made, so that whatever else the disk does strikes each figure alike.
const ROUNDS: usize = 12;
/// How many decisions one round makes one after the other.
const ALONE: usize = 40;
/// How many are made at once, and how many each of those makes.
const AT_ONCE: usize = 64;
const EACH: usize = 8;

fn main() {
    let folder = support::folder();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut bench = runtime.block_on(Bench::new(folder.path()));
    let bytes = bytes(&bench.decision());
    let mut bare = Bare::new(folder.path(), bytes);
    // The first ones make files larger and compile statements.
    bare.append(ALONE);
    bench.one_at_a_time(&runtime, ALONE);
    bench.at_once(&runtime);
    let (mut appends, mut alone, mut rates, mut together) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        appends.extend(bare.append(ALONE));
        let times = bench.one_at_a_time(&runtime, ALONE);
        rates.push(per_second(ALONE, times.iter().sum()));
        alone.extend(times);
        together.push(bench.at_once(&runtime));
    }
    let (append, one) = (median(&mut appends), median(&mut alone));
    let (single, many) = (middle(&mut rates), middle(&mut together));
    println!("{:<56} {:>14}", format!("a decision of {bytes} bytes"), "median");
    println!("{:<56} {:>14}", "append and fdatasync of as many bytes", micros(append));
    println!("{:<56} {:>14}", "one approval, recorded through the writer", micros(one));
    println!("{:<56} {:>12}/s", "one after the other", single.round());
    println!("{:<56} {:>12}/s", format!("{AT_ONCE} at once"), many.round());
    println!();
    println!(
        "{:<56} {:>14.2}",
        "one approval : append and fdatasync (at most 1.3)",
        one.as_secs_f64() / append.as_secs_f64()
    );
    println!("{:<56} {:>14.2}", format!("{AT_ONCE} at once : one after the other (at least 8)"), many / single);
}

/// What a decision puts into the journal and its projection.
fn bytes(write: &Write) -> usize {
    let kept = write.record.kept.as_ref().map(|kept| serde_json::to_vec(kept).expect("JSON").len());
    // The record stands in the journal, and as the approval's state; beside it seq, times, ids and hash.
    2 * kept.unwrap_or_default() + 300
}

/// A file that grows.
struct Bare {
    file: File,
    record: Vec<u8>,
}

impl Bare {
    fn new(folder: &Path, bytes: usize) -> Self {
        Self { file: File::create_new(folder.join("bare")).expect("a file"), record: vec![b'x'; bytes] }
    }

    fn append(&mut self, times: usize) -> Vec<Duration> {
        let one = || {
            let began = Instant::now();
            self.file.write_all(&self.record).expect("room");
            self.file.sync_data().expect("a disk");
            began.elapsed()
        };
        std::iter::repeat_with(one).take(times).collect()
    }
}

/// A store with open approvals, and its writer.
struct Bench {
    store: Arc<Store>,
    writer: Writer,
    made: u64,
}

impl Bench {
    async fn new(folder: &Path) -> Self {
        let store = Arc::new(Store::open(&folder.join("holdpoint.db")).await.expect("a store"));
        let (writer, _) = Writer::alone(store.clone());
        Self { store, writer, made: 0 }
    }

    /// An open approval of its own.
    fn opened(&mut self) -> Kept {
        self.made += 1;
        let mut kept = open(1);
        kept.card.approval = ApprovalId(Uuid::now_v7());
        kept
    }

    fn decision(&mut self) -> Write {
        decided(&self.opened())
    }

    /// Approvals that wait, in the store.
    fn waiting(&mut self, runtime: &Runtime, count: usize) -> Vec<Kept> {
        let opened: Vec<Kept> = (0..count).map(|_| self.opened()).collect();
        let writes: Vec<Write> = opened.iter().map(|kept| write(Entry::Opened, kept, 1)).collect();
        runtime.block_on(self.store.append(&writes, &BTreeMap::new(), at(1))).expect("a store");
        opened
    }

    fn one_at_a_time(&mut self, runtime: &Runtime, count: usize) -> Vec<Duration> {
        let writes: Vec<Write> = self.waiting(runtime, count).iter().map(decided).collect();
        let writer = self.writer.clone();
        // Whoever decides is a task of the runtime, as the drivers of sessions are.
        let deciding = runtime.spawn(async move {
            let mut times = Vec::with_capacity(count);
            for write in writes {
                let began = Instant::now();
                decide(&writer, write).await;
                times.push(began.elapsed());
            }
            times
        });
        runtime.block_on(deciding).expect("decisions")
    }

    /// Decisions a second.
    fn at_once(&mut self, runtime: &Runtime) -> f64 {
        let mut waiting = self.waiting(runtime, AT_ONCE * EACH).into_iter();
        let mut operators: Vec<Vec<Write>> =
            (0..AT_ONCE).map(|_| waiting.by_ref().take(EACH).map(|kept| decided(&kept)).collect()).collect();
        runtime.block_on(async {
            let began = Instant::now();
            let mut tasks = JoinSet::new();
            for writes in operators.drain(..) {
                let writer = self.writer.clone();
                tasks.spawn(async move {
                    for write in writes {
                        decide(&writer, write).await;
                    }
                });
            }
            tasks.join_all().await;
            per_second(AT_ONCE * EACH, began.elapsed())
        })
    }
}

fn decided(kept: &Kept) -> Write {
    write(Entry::Decided, &closed(kept, Outcome::Approved, Delivery::Applying), 20)
}

async fn decide(writer: &Writer, write: Write) {
    let answered = writer.must(write).expect("room");
    answered.await.expect("a writer").expect("a store");
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn middle(rates: &mut [f64]) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}
