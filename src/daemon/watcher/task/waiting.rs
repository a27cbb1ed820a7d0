//! The watcher's turn: it begins, and opens its stream again, when the ramp lets it.
//!
//! Who waits sees nothing, and the clock of sight runs.

use tokio::time::Instant;

use super::slots::{Poll, Stream, until};
use super::{FIRST_POLL, Over, Task};
use crate::daemon::ramp::{Rank, Turn, Went};
use crate::daemon::watcher::Seen;

impl Task {
    /// Nothing is asked before the first turn.
    pub(super) async fn wait_for_turn(&mut self) -> Result<(), Over> {
        let why = "it waits for its turn to be followed";
        self.sight.fail(why.to_owned());
        self.steps.fail(why.to_owned());
        let (ramp, session) = (self.place.ramp.clone(), self.session.clone());
        let mut turn = std::pin::pin!(ramp.turn(session, self.place.rank, false));
        let turn = loop {
            tokio::select! {
                biased;
                turn = &mut turn => break turn,
                () = until(self.next_alarm()) => self.alarm().await?,
            }
        };
        let now = Instant::now();
        self.turn = Some(turn);
        self.poll = Poll::Due(now);
        self.stream = Stream::Closed { reopen_at: now + FIRST_POLL };
        Ok(())
    }

    /// Opens the stream, in its turn: the first one is part of the turn that watching began with.
    pub(super) fn open_in_turn(&mut self) {
        if self.turn.is_some() {
            return self.start_opening();
        }
        let (ramp, session, failed) = (self.place.ramp.clone(), self.session.clone(), self.streams.failing);
        let rank = self.status.as_ref().map_or(self.place.rank, Rank::of);
        self.stream = Stream::Waiting(Box::pin(async move { ramp.turn(session, rank, failed).await }));
    }

    pub(super) fn has_turn(&mut self, turn: Turn) {
        self.turn = Some(turn);
        self.start_opening();
    }

    pub(super) fn turn_went(&mut self, went: Went) {
        if let Some(turn) = self.turn.take() {
            turn.went(went);
        }
    }

    /// Where no task runs there is no stream to open.
    pub(super) async fn rest_in_sight(&mut self) -> Result<(), Over> {
        let Stream::Idle = self.stream else { return Ok(()) };
        self.turn_went(Went::Well);
        self.follows().await
    }

    /// Tells that the session is followed, once.
    pub(super) async fn follows(&mut self) -> Result<(), Over> {
        if std::mem::replace(&mut self.followed, true) { Ok(()) } else { self.tell(Seen::Followed).await }
    }
}
