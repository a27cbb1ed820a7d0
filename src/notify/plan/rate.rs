//! How many calls there are in a minute, and what becomes of those beyond.

use std::collections::VecDeque;
use std::time::Duration;

use super::{About, Wish};
use crate::notify::message::Kind;

const MINUTE: Duration = Duration::from_secs(60);

/// Calls of the last minute.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    per_minute: usize,
    made: VecDeque<Duration>,
}

impl Rate {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX).max(1), made: VecDeque::new() }
    }

    /// So many calls a minute from now on; those of the last minute count.
    pub(super) fn allow(&mut self, per_minute: u32) {
        self.per_minute = Self::new(per_minute).per_minute;
    }

    /// Which calls are made now, most urgent first in `wishes`. When there is not room for all, the last one made sums up
    /// the rest; without any room none is made.
    pub(super) fn admit(&mut self, now: Duration, mut wishes: Vec<Wish>) -> Vec<Wish> {
        let room = self.room(now);
        if room == 0 {
            return Vec::new();
        }
        if wishes.len() > room {
            let rest = wishes.split_off(room - 1);
            wishes.extend(summary(rest));
        }
        self.made.extend(wishes.iter().map(|_| now));
        wishes
    }

    /// Whether one call may be made now; it is counted then.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let room = self.room(now) > 0;
        if room {
            self.made.push_back(now);
        }
        room
    }

    /// How long until there is room.
    pub(super) fn room_in(&self, now: Duration) -> Duration {
        match self.made.front() {
            Some(oldest) if self.made.len() >= self.per_minute => (*oldest + MINUTE).saturating_sub(now),
            Some(_) | None => Duration::ZERO,
        }
    }

    fn room(&mut self, now: Duration) -> usize {
        while self.made.front().is_some_and(|at| now >= *at + MINUTE) {
            self.made.pop_front();
        }
        self.per_minute.saturating_sub(self.made.len())
    }
}

fn summary(wishes: Vec<Wish>) -> Option<Wish> {
    let deadline = wishes.iter().map(|wish| wish.deadline).min()?;
    let count = wishes.iter().map(|wish| wish.count).sum();
    let of = wishes.into_iter().flat_map(|wish| wish.of).collect();
    Some(Wish { kind: Kind::Grouped, about: About::Everything, count, of, deadline })
}
