//! The end of a driver: calls in flight finish, what happened is handed to the writer, nothing new begins.

use std::time::Duration;

use tokio::time::Instant;

use super::Driver;
use crate::control::Refusal;
use crate::crash::{self, Point};
use crate::gate::Input;

/// How long a stop waits for calls in flight.
const GRACE: Duration = Duration::from_secs(10);
/// How long a stop waits for a writer without room, and how often it offers.
const LAST_RECORDS: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);

impl Driver {
    /// Lets calls in flight finish and their results be recorded; nobody decides any more. What is on its way to the disk is
    /// answered as the disk answers.
    pub(super) async fn drain(&mut self) {
        self.feed(Input::Stop);
        crash::at(Point::DrainBegun);
        let finish = async {
            while let Some(back) = self.calls.join_next().await {
                self.came_back(back);
            }
        };
        if tokio::time::timeout(GRACE, finish).await.is_err() {
            tracing::warn!(session = %self.session, "session {}: stopped with {} calls unanswered", self.session, self.calls.len());
        }
        for (_, reply) in std::mem::take(&mut self.replies) {
            let why = "the daemon stopped before it was known whether this was recorded".to_owned();
            let _ = reply.send(Err(Refusal::Unknown { why }));
        }
        crash::at(Point::DrainUnflushed);
        self.flush_last().await;
    }

    /// What the writer had no room for is offered until it takes it, for a bounded time.
    async fn flush_last(&mut self) {
        let end = Instant::now() + LAST_RECORDS;
        self.flush();
        while !self.unsent.is_empty() && Instant::now() < end {
            tokio::time::sleep(AGAIN).await;
            self.flush();
        }
        let lost: usize = self.unsent.iter().map(|keep| keep.writes.len()).sum();
        if lost > 0 {
            tracing::error!(session = %self.session, "session {}: {lost} records of what happened are lost", self.session);
        }
    }
}
