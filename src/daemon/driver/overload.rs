//! Overload: whether a session's events come faster than they are judged, so that what is judged is no longer what happens.
//!
//! Nothing is lost then: the watcher waits, and the provider's stream behind it. But whoever is always behind does not see, so
//! it counts as blindness, until nothing waits any more. Only looks at how much waits; a session that fills its room for a
//! moment, as one does that is caught up on, is not behind.

use std::time::Duration;

use tokio::time::Instant;

/// Part of the room in which less has to wait, at some look, for a session that is followed.
const FOLLOWED: usize = 4;

/// How a session is followed.
#[derive(Debug, Default)]
pub(super) struct Overload {
    /// Since when more has waited at every look.
    since: Option<Instant>,
    /// Whether that was told.
    behind: bool,
    /// Whether the watcher sees nothing.
    pub unseen: bool,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tide {
    /// Events have outrun their evaluation for so long.
    Behind(Duration),
    /// Everything that waited is judged.
    CaughtUp,
}

impl Overload {
    /// A look: `waiting` of `room` sights wait to be judged.
    pub fn look(&mut self, waiting: usize, room: usize, now: Instant, blind_after: Duration) -> Option<Tide> {
        if waiting == 0 || (!self.behind && waiting.saturating_mul(FOLLOWED) < room) {
            self.since = None;
            return std::mem::take(&mut self.behind).then_some(Tide::CaughtUp);
        }
        let lasted = now.duration_since(*self.since.get_or_insert(now));
        if self.behind || lasted < blind_after {
            return None;
        }
        self.behind = true;
        Some(Tide::Behind(lasted))
    }

    /// Whether the session counts as out of sight for either reason.
    pub fn is_blind(&self) -> bool {
        self.behind || self.unseen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(20);

    #[test]
    fn a_session_is_behind_once_its_room_was_never_nearly_empty_for_the_whole_time_and_until_nothing_waits() {
        let (mut overload, start) = (Overload::default(), Instant::now());
        let mut look = |waiting, seconds| overload.look(waiting, 256, start + Duration::from_secs(seconds), AFTER);
        assert_eq!([look(256, 0), look(64, 10), look(256, 19)], [None; 3]);
        assert_eq!(look(63, 19), None, "it was followed for a moment");
        assert_eq!([look(256, 20), look(200, 39)], [None; 2]);
        assert_eq!(look(256, 40), Some(Tide::Behind(AFTER)));
        assert_eq!([look(256, 41), look(1, 50)], [None; 2], "told once, and over only when everything is judged");
        assert_eq!(look(0, 51), Some(Tide::CaughtUp));
        assert_eq!([look(0, 52), look(256, 53), look(256, 72)], [None; 3]);
        assert_eq!(look(256, 73), Some(Tide::Behind(AFTER)), "and again");
    }
}
