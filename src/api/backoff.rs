//! Exponential back-off with jitter.
//!
//! Pure: randomness comes in as an argument, and nothing here sleeps.

use std::time::Duration;

/// Bounds of a back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first wait; doubled after each failure.
    pub first: Duration,
    /// No wait is longer.
    pub max: Duration,
}

/// Counts failures and says how long to wait after each.
#[derive(Clone, Debug)]
pub struct Backoff {
    bounds: Bounds,
    failures: u32,
}

/// The longest back-off from a rate limit that names no time: the vendor's advice is to wait 60 s, or 2^n s.
pub const RATE_LIMIT_MAX: Duration = Duration::from_secs(60);

impl Backoff {
    /// A back-off that has seen no failure.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, failures: 0 }
    }

    /// The wait after one more failure: half to all of the doubled bound. `random` is in `0.0..1.0`.
    pub fn next(&mut self, random: f64) -> Duration {
        let whole = self.bounds.first.saturating_mul(1 << self.failures.min(20)).min(self.bounds.max);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { first: Duration::from_millis(100), max: Duration::from_secs(1) };

    #[test]
    fn waits_double_up_to_the_bound_and_start_again_after_a_reset() {
        let mut backoff = Backoff::new(BOUNDS);
        let waits: Vec<_> = (0..6).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.next(0.0), Duration::from_millis(50));
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::new(BOUNDS);
        let last = (0..1000).map(|_| backoff.next(1.0)).last();
        assert_eq!(last, Some(BOUNDS.max));
    }
}
