//! A provider's own rate limit: so many requests of one key a second, and the others are answered with 429. Pure.

use std::num::NonZeroU32;
use std::time::Duration;

/// How many requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many a second on average.
    pub per_second: NonZeroU32,
    /// So many at once, after a time without any.
    pub burst: NonZeroU32,
}

/// The requests that were taken: a token bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    limit: Limit,
    /// Up to when they are paid for.
    paid_until: Duration,
}

impl Limit {
    /// So many requests a second, and a second's worth at once.
    #[must_use]
    pub fn per_second(requests: NonZeroU32) -> Self {
        Self { per_second: requests, burst: requests }
    }
}

impl Taken {
    pub(super) fn none(limit: Limit) -> Self {
        Self { limit, paid_until: Duration::ZERO }
    }

    /// Takes a request.
    ///
    /// # Errors
    /// In how many whole seconds there is room for it, if there is none now.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), u64> {
        let each = Duration::from_secs(1) / self.limit.per_second.get();
        let free_at = self.paid_until.saturating_sub(each * (self.limit.burst.get() - 1));
        if free_at > now {
            let wait = free_at - now;
            return Err(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        }
        self.paid_until = self.paid_until.max(now) + each;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_as_many_as_the_rate_allows_and_no_refused_one_counts() {
        let of = |number| NonZeroU32::new(number).unwrap();
        let mut taken = Taken::none(Limit { per_second: of(10), burst: of(3) });
        let at = |taken: &mut Taken, millis| taken.take(Duration::from_millis(millis));
        assert_eq!(
            [0, 0, 0, 0, 99, 100, 100].map(|millis| at(&mut taken, millis).is_ok()),
            [true, true, true, false, false, true, false]
        );
        assert_eq!(at(&mut taken, 150), Err(1));
        assert_eq!(
            [5_000, 5_000, 5_000, 5_000].map(|millis| at(&mut taken, millis).is_ok()),
            [true, true, true, false]
        );
        let mut slow = Taken::none(Limit { per_second: of(1), burst: of(1) });
        assert_eq!([at(&mut slow, 0), at(&mut slow, 0), at(&mut slow, 1)], [Ok(()), Err(1), Err(1)]);
    }
}
