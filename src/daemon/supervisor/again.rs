//! The end of a driver, and sessions whose driver failed: they are taken up again from the store, later each time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::{Id, JoinError};
use tokio::time::Instant;

use super::Supervisor;
use super::driving::{FirstSeen, by_session};
use crate::api::{MessageId, SessionId};
use crate::daemon::driver::Ended;
use crate::gate::{About, Kept, was_let_go};
use crate::operator::escape::short;
use crate::operator::log::TOLD;
use crate::store::{Durable, StoreError};

/// How long a session whose driver failed waits before it is taken up again, the first time and at most.
const AGAIN_FIRST: Duration = Duration::from_secs(1);
const AGAIN_MOST: Duration = Duration::from_secs(60);

/// When a session whose driver failed is taken up again.
pub(super) struct Retry {
    at: Instant,
    failures: u32,
}

/// What the store says a driver goes on from.
pub(super) struct Found {
    live: Vec<Kept>,
    cursors: BTreeMap<SessionId, MessageId>,
    done: Vec<Kept>,
}

impl Supervisor {
    pub(super) fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        match ended {
            Ok((id, ended)) => {
                self.driven.remove(&id);
                self.drivers.remove(&ended.session);
                self.parts.desk.session_gone(ended.session.clone());
                self.retries.remove(&ended.session);
                self.forget(&ended);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// The cursor of a session that is gone; here as well as in the store, so that one that was taken for gone and is there again is
    /// judged from its beginning now, and not only after the next start. One that the configuration names is driven by each start, and
    /// goes on from there.
    pub(super) fn forget(&mut self, ended: &Ended) {
        if ended.over && !self.parts.watch.sessions.contains(&ended.session) {
            self.cursors.remove(&ended.session);
            self.done.remove(&ended.session);
            self.parts.writer.forget_cursor(&ended.session);
        }
    }

    /// A driver that failed is a bug; its session is taken up again from the store, as after a crash, a little later each
    /// time: an event that makes it fail again must not keep the processor busy.
    fn failed(&mut self, error: &JoinError) {
        let Some(session) = self.driven.remove(&error.id()) else { return };
        self.drivers.remove(&session);
        let error = short(&error.to_string());
        let text = format!("the driver of session {session} failed ({error}); it is started again from the store");
        tracing::error!(target: TOLD, %session, "{text}");
        self.parts.desk.notice(text);
        self.take_up_later(session);
    }

    fn take_up_later(&mut self, session: SessionId) {
        let retry = self.retries.entry(session).or_insert(Retry { at: Instant::now(), failures: 0 });
        let wait = AGAIN_FIRST.saturating_mul(1 << retry.failures.min(6));
        retry.at = Instant::now() + wait.min(AGAIN_MOST);
        retry.failures += 1;
    }

    /// Looks, in what the store was just read to have, whether an operator has let a session go since everything was stopped.
    pub(super) fn find_let_go(&mut self, session: &SessionId) {
        let halt = self.standing.halt.as_ref();
        if let (Some(halt), Some(done)) = (halt, self.done.get(session))
            && was_let_go(halt, done)
        {
            self.let_go.insert(session.clone());
        }
    }

    /// When the store is to be read next. Not while it is being read: one answer is for all that were due.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        if !self.reading.is_empty() {
            return None;
        }
        let waiting = self.retries.iter().filter(|(session, _)| !self.drivers.contains_key(session));
        waiting.map(|(_, retry)| retry.at).min()
    }

    /// Reads the store for what is due, in a task of its own: a slow disk delays no order.
    pub(super) fn retry(&mut self) {
        let (store, asked) = (self.parts.store.clone(), Instant::now());
        self.reading.spawn(async move { (asked, from(&*store).await) });
    }

    /// The store was read: what was due when it was asked goes on from there.
    pub(super) fn read(&mut self, read: Result<(Instant, Result<Found, StoreError>), JoinError>) {
        let (asked, found) = match read {
            Ok((asked, found)) => (asked, found.map_err(|error| error.to_string())),
            Err(error) => (Instant::now(), Err(error.to_string())),
        };
        let due = |(session, retry): &(&SessionId, &Retry)| retry.at <= asked && !self.drivers.contains_key(session);
        let due: Vec<SessionId> = self.retries.iter().filter(due).map(|(session, _)| session.clone()).collect();
        match found {
            Ok(Found { live, cursors, done }) => {
                (self.cursors, self.done) = (cursors, by_session(done));
                for session in due {
                    self.find_let_go(&session);
                    let kept = live.iter().filter(|kept| kept.card.session == session).cloned().collect();
                    self.drive(About { session, agent: None, goal: None }, kept, FirstSeen::NotYet);
                }
            }
            Err(error) => {
                tracing::error!("sessions cannot be taken up from the store yet: {error}; trying on");
                due.into_iter().for_each(|session| self.take_up_later(session));
            }
        }
    }
}

async fn from(store: &dyn Durable) -> Result<Found, StoreError> {
    Ok(Found { live: store.live().await?, cursors: store.cursors().await?, done: store.done().await? })
}
