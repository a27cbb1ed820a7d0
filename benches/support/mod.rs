//! What micro-benchmarks share: the median of many short batches, and a table of what was measured.
//!
//! Asserts nothing; `tests/costs` has what is the same on every machine.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long one figure is measured.
const SPAN: Duration = Duration::from_millis(400);
/// How long calls are counted before, to know how many a batch has.
const WARM: Duration = Duration::from_millis(50);

/// The median time of one call, over batches that take about a millisecond each.
pub fn measure(mut call: impl FnMut()) -> Duration {
    let started = Instant::now();
    let mut calls = 0u32;
    while started.elapsed() < WARM {
        call();
        calls += 1;
    }
    let batch = (calls / 50).max(1);
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < SPAN {
        let one = Instant::now();
        for _ in 0..batch {
            call();
        }
        times.push(one.elapsed() / batch);
    }
    median(&mut times)
}

/// The median time of one call on something that is made anew for it, which is not measured.
pub fn measure_each<T>(mut make: impl FnMut() -> T, mut call: impl FnMut(&mut T)) -> Duration {
    let mut times = Vec::new();
    let started = Instant::now();
    while started.elapsed() < SPAN || times.len() < 100 {
        let mut made = make();
        let one = Instant::now();
        call(&mut made);
        times.push(one.elapsed());
    }
    median(&mut times)
}

pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// One line of the table.
pub fn show(what: &str, time: Duration) -> Duration {
    println!("{what:<60} {:>12}", spoken(time));
    time
}

/// A time in the unit that fits it.
pub fn spoken(time: Duration) -> String {
    match time.as_nanos() {
        n if n < 10_000 => format!("{n} ns"),
        n if n < 10_000_000 => format!("{:.1} µs", n as f64 / 1e3),
        n => format!("{:.1} ms", n as f64 / 1e6),
    }
}

pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-12)
}

/// A folder on the disk that is measured: the build's, or what `HOLDPOINT_BENCH_DIR` names.
pub fn folder() -> tempfile::TempDir {
    let folder =
        std::env::var_os("HOLDPOINT_BENCH_DIR").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    tempfile::tempdir_in(folder).expect("a folder")
}
