//! Answering operators: last, so that whoever has the answer finds everything else shown as it says; and what promises
//! something not before that is on the disk, so that no crash takes it back.
//!
//! Only the answer waits. What was decided is carried out meanwhile, and a disk that fails, or takes too long, keeps nobody
//! waiting for it.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Back, Driver};
use crate::control::{Decided, Refusal, SessionDone};
use crate::crash::{self, Point};
use crate::gate::ReplyTo;

/// How long an answer waits for the disk at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an operator is told.
pub(super) enum Said {
    /// Of a decision.
    Decided(ReplyTo, Result<Decided, Refusal>),
    /// Of an act of its own accord.
    Done(ReplyTo, Result<SessionDone, Refusal>),
}

impl Said {
    fn promises(&self) -> bool {
        match self {
            Self::Decided(_, result) => result.is_ok(),
            Self::Done(_, result) => result.is_ok(),
        }
    }
}

/// An answer that waits for the disk.
pub(super) struct Promised {
    said: Said,
    /// When it waits no longer.
    due: Instant,
}

impl Driver {
    /// Keeps the answers that promise something until what they rest on is durable; `records` says whether this turn has any.
    /// Gives back those that need not wait.
    pub(super) fn promise(&mut self, answers: Vec<Said>, records: bool) -> Vec<Said> {
        if answers.is_empty() {
            return answers;
        }
        let waits = records || self.writing > 0;
        let (promises, rest) = answers.into_iter().partition::<Vec<_>, _>(|said| waits && said.promises());
        let due = Instant::now() + PATIENCE;
        self.promised.extend(promises.into_iter().map(|said| Promised { said, due }));
        rest
    }

    /// What has the writer say when it tried to write, where an answer waits for it.
    pub(super) fn told_when_tried(&mut self) -> Option<oneshot::Sender<()>> {
        if self.promised.is_empty() {
            return None;
        }
        let (tried, when) = oneshot::channel();
        self.writing += 1;
        self.calls.spawn(async move {
            // A writer that is gone has said so.
            let _ = when.await;
            Back::Tried
        });
        Some(tried)
    }

    /// Sends the answers that have waited long enough.
    pub(super) fn answer_promised(&mut self) {
        if self.promised.is_empty() {
            return;
        }
        let (now, written) = (Instant::now(), self.writing == 0);
        let (ready, waiting) = std::mem::take(&mut self.promised)
            .into_iter()
            .partition::<Vec<_>, _>(|promised| written || promised.due <= now);
        self.promised = waiting;
        self.answer(ready.into_iter().map(|promised| promised.said).collect());
    }

    /// When an answer will have waited long enough.
    pub(super) fn answer_due(&self) -> Option<Instant> {
        self.promised.iter().map(|promised| promised.due).min()
    }

    /// Answers. A client that left has no use for it; what was decided stands in the journal.
    pub(super) fn answer(&mut self, answers: Vec<Said>) {
        if answers.is_empty() {
            return;
        }
        self.show();
        crash::at(Point::ReplyUnsent);
        for said in answers {
            match said {
                Said::Decided(to, result) => {
                    let _ = self.replies.remove(&to).map(|reply| reply.send(result));
                }
                Said::Done(to, result) => {
                    let _ = self.asked.remove(&to).map(|reply| reply.send(result));
                }
            }
        }
        crash::at(Point::ReplySent);
    }
}
