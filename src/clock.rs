//! The one way time enters the pure parts: as an argument.
//!
//! Never reads a clock outside [`Moment::now`], which only the shell calls.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// One reading of both clocks.
///
/// Intervals (settling, back-off, dwell) are measured on `mono`; what is stored or shown is `wall`. A deadline has passed
/// when either clock says so: a wall clock set back never prolongs it, a sleeping laptop never hides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time since an arbitrary origin in this process; never goes back.
    pub mono: Duration,
    /// Civil time, UTC.
    pub wall: Timestamp,
}

impl Moment {
    /// Reads both clocks; `origin` is the process's own zero for `mono`.
    #[must_use]
    pub fn now(origin: Instant) -> Self {
        Self { mono: origin.elapsed(), wall: Timestamp::now() }
    }

    /// A moment of a record, for judging it again: `mono` is the time since 1970, zero before.
    #[must_use]
    pub fn of(wall: Timestamp) -> Self {
        Self { mono: Duration::from_millis(u64::try_from(wall.as_millisecond()).unwrap_or_default()), wall }
    }

    /// The moment `by` later on both clocks; saturates at the end of time.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let wall = jiff::SignedDuration::try_from(by)
            .ok()
            .and_then(|by| self.wall.checked_add(by).ok())
            .unwrap_or(Timestamp::MAX);
        Self { mono: self.mono.saturating_add(by), wall }
    }

    /// Whether `self`, taken as a deadline, has passed at `now` on either clock.
    #[must_use]
    pub fn has_passed(self, now: Moment) -> bool {
        now.mono >= self.mono || now.wall >= self.wall
    }
}
