//! The one way time enters the pure parts: as an argument, read from the shell's [`Clock`].
//!
//! Nothing in the daemon reads a clock elsewhere. So a runtime whose time is paused, with a wall clock that is told, is all
//! the time there is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// The shell's clocks: the runtime's monotonic one since an origin, and the wall's. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    origin: Instant,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Clock {
    /// The clocks of this machine; the process's zero of monotonic time is now.
    #[must_use]
    pub fn start() -> Self {
        Self::told(Timestamp::now)
    }

    /// The same with a wall clock that says what `wall` says.
    #[must_use]
    pub fn told(wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { origin: Instant::now(), wall: Arc::new(wall) }
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment { mono: self.origin.elapsed(), wall: self.wall() }
    }

    /// Reads the wall clock.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    /// The process's zero of monotonic time.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("origin", &self.origin).finish_non_exhaustive()
    }
}

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
