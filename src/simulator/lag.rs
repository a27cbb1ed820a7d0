//! How late frames of event streams leave against their script: counted, in classes of time, and waited for by nothing.
//!
//! What a measurement says of a client is worth nothing where the simulator itself was late; this tells.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Classes of each power of two of microseconds; a class is at most an eighth wide.
const STEPS: u32 = 8;
/// Room for more than an hour.
const CLASSES: usize = 33 * STEPS as usize;

/// Counts of frames by how late they were. Shared by all connections.
#[derive(Debug)]
pub struct Lag(Box<[AtomicU64]>);

impl Default for Lag {
    fn default() -> Self {
        Self((0..CLASSES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Lag {
    /// Counts a frame that left so late.
    pub fn note(&self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let class = class(micros).min(CLASSES - 1);
        if let Some(count) = self.0.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many frames were late by less than so many microseconds, but not by less than the entry before; classes without
    /// frames are left out.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<u64, u64> {
        let counts = self.0.iter().enumerate().map(|(class, count)| (below(class), count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

fn class(micros: u64) -> usize {
    let power = (micros.max(1)).ilog2();
    let step = if power >= 3 { (micros >> (power - 3)) & 7 } else { (micros << (3 - power)) & 7 };
    usize::try_from(u64::from(power * STEPS) + step).unwrap_or(CLASSES)
}

/// The least number of microseconds that is above the class.
fn below(class: usize) -> u64 {
    let class = u64::try_from(class).unwrap_or_default();
    let (power, step) = (class / 8, class % 8);
    ((8 + step + 1) << power).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lateness_is_in_a_class_that_is_an_eighth_wide() {
        for micros in [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 999, 1_000, 123_456, 3_600_000_000] {
            let lag = Lag::default();
            lag.note(Duration::from_micros(micros));
            let counts = lag.counts();
            let (below, count) = counts.first_key_value().expect("one class");
            assert_eq!((counts.len(), *count), (1, 1), "{micros}");
            assert!(*below > micros && *below <= micros + micros / 8 + 2, "{micros} is below {below}");
        }
    }
}
