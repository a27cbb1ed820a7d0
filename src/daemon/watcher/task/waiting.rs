//! The watcher's turn: it begins, and opens its stream again, when the ramp lets it.
//!
//! Who waits sees nothing, and the clock of sight runs.

use tokio::time::Instant;

use super::slots::{Poll, Stream};
use super::{FIRST_POLL, Task};
use crate::daemon::ramp::{Rank, Turn, Went};
use crate::daemon::watcher::Seen;

impl Task {
    /// Nothing is asked before the first turn.
    pub(super) fn wait_for_turn(&mut self) {
        tracing::debug!(session = %self.session, cursor = %self.read_to, "watching");
        let why = "it waits for its turn to be followed";
        self.sight.fail(why.to_owned());
        self.steps.fail(why.to_owned());
        self.stream = Stream::Waiting(Box::pin(self.place.ramp.turn(self.session.clone(), self.place.rank, false)));
    }

    /// Opens the stream, in its turn: the first one is part of the turn that watching began with.
    pub(super) fn open_in_turn(&mut self) {
        if self.turn.is_some() {
            return self.start_opening();
        }
        let rank = self.status.as_ref().map_or(self.place.rank, Rank::of);
        let turn = self.place.ramp.turn(self.session.clone(), rank, self.streams.failing);
        self.stream = Stream::Waiting(Box::pin(turn));
    }

    /// What comes first of all is a read: the stream follows it.
    pub(super) fn has_turn(&mut self, turn: Turn) {
        self.turn = Some(turn);
        if let Poll::Not = self.poll {
            let now = Instant::now();
            self.poll = Poll::Due(now);
            self.stream = Stream::Closed { reopen_at: now + FIRST_POLL };
        } else {
            self.start_opening();
        }
    }

    pub(super) fn turn_went(&mut self, went: Went) {
        if let Some(turn) = self.turn.take() {
            turn.went(went);
        }
    }

    /// Where no task runs there is no stream to open.
    pub(super) fn rest_in_sight(&mut self) {
        let Stream::Idle = self.stream else { return };
        self.turn_went(Went::Well);
        self.follows();
    }

    /// Tells that the session is followed, once.
    pub(super) fn follows(&mut self) {
        if !std::mem::replace(&mut self.followed, true) {
            self.tell(Seen::Followed);
        }
    }
}
