//! Keeps sight of one session: every event once, in the order it was found, and never a silent gap.
//!
//! # Theory of operation
//!
//! It is part of its driver's task, which asks it for what is next, and owns two sources. The event *stream* is fast and has every kind, but it may end early, withhold or
//! fall silent. *Polling* the messages is slow and has only some kinds (no steps), but it says what the stream should have
//! shown. Both run side by side, and neither waits for the other:
//!
//! - The stream is reopened whenever it ends, history included, with jittered back-off. What it repeats is recognised by
//!   message id, kind and text, or by content where there is no id ([`Known`], [`Replay`]).
//! - Polling runs right after the stream opens, when it ends, slowly while it is up ([`WatchConfig::cross_check`], and a third
//!   as often while it keeps bringing news), and fast while it is not ([`WatchConfig::poll_interval`]). It starts further back than it has read, because global
//!   ids may become visible out of order: at what was read twice, the second time at least one such interval later. That is also the
//!   cursor that may be kept ([`Seen::Cursor`]). A poll because the stream opens or ends, within an interval
//!   of the last one that was that late, reads only on from where that ended, and is followed by another after an interval at most.
//! - An end of stream is not an end of the task: only the execution status says that the session is idle, and then polling
//!   alone watches for it to begin again: as fast at first, and less often once a few polls found nothing
//!   ([`WatchConfig::idle_interval`]). Where the provider's list says the same, and was right before, a third as often;
//!   it is polled at once when the list says that a task runs ([`Listed`]).
//! - Proof of sight is an item of the stream or a poll that was answered ([`Sight`]). A poll in flight has
//!   [`WatchConfig::blind_after`] for its answer. Where no task ran when last asked, or no poll was answered yet, a list
//!   that says that nothing runs is proof as well: not while polls fail for anything but the rate, nor once a list has shown a task, until a
//!   poll was answered again, nor while the list is refuted.
//! - Only the stream shows steps. While the agent may act, sight also needs a stream that opens, stays open or brings
//!   something, at least every `blind_after`; polling alone is no sight then.
//!
//! - Watching begins, and a stream is opened again, when the [ramp](super::ramp) gives a turn. Whoever waits for one sees
//!   nothing, and the clock of sight runs.
//!
//! Decides nothing about events and calls nothing that acts. Control never waits for it: it never waits itself, and what
//! nobody asks for stays with the provider's stream and is not lost.

mod known;
mod replay;
mod sight;
mod task;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;

pub use known::Known;
pub use replay::Replay;
pub use sight::Sight;

use super::listing::Listed;
use super::ramp::{Ramp, Rank};
use crate::api::backoff::Bounds;
use crate::api::{Event, MessageId, Provider, SessionId, Status};

/// What a watcher tells about its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// An event, told once.
    Event {
        /// The event.
        event: Event,
        /// Whether it was history already when watching began.
        backlog: bool,
    },
    /// The session is followed: its event stream is open, or its messages were read and no task runs. Told once.
    Followed,
    /// The first poll has told all messages of the history; its steps, which only the stream has, may follow. Told once.
    MessagesRead {
        /// The greatest id of the history.
        up_to: MessageId,
    },
    /// Every message up to here has been polled, has had time to become visible, and was told before. Only this may be kept
    /// as the next start's cursor: ids of the stream may be of another kind, and any greatest id may hide a smaller one that
    /// becomes visible late. Told after [`Seen::MessagesRead`], when it changed.
    Cursor(MessageId),
    /// The history was read to its end; what follows is news. Told once.
    Caught {
        /// The greatest message id of the history; no safe cursor (see [`Seen::Cursor`]).
        up_to: MessageId,
    },
    /// The execution status changed, or is told for the first time.
    Status(Status),
    /// The provider's list says that a task has begun; what the session says itself is asked for.
    Begins,
    /// Sight is lost.
    Blind {
        /// For how long there has been no proof of sight.
        since: Duration,
        /// The last failure, escaped.
        why: String,
    },
    /// Sight is back, and what was missed has been read back or told as a [`Seen::Gap`].
    Sighted,
    /// What happened after `after` could not be read back.
    Gap {
        /// The greatest id known before the gap.
        after: MessageId,
        /// Why, escaped.
        why: String,
    },
    /// The session does not exist any more (confirmed twice), or its status is over. The watcher has ended.
    Gone,
    /// The provider refuses the key; told once until it accepts it again. The watcher keeps trying slowly.
    AuthRefused(String),
}

/// How a session is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// A stream without any item for this long is given up and reopened. Default 75 s: the vendor sends a heartbeat about
    /// every 30 s.
    pub heartbeat_timeout: Duration,
    /// Without any proof of sight, or of an event stream while the agent may act, for this long, the watcher is blind.
    /// Default 20 s; should be at least three times `cross_check`, so that a poll has time to answer.
    pub blind_after: Duration,
    /// Interval of polling while no stream is open. Default 2 s: the vendor asks for 1 to 3 s.
    pub poll_interval: Duration,
    /// Interval of polling while a stream is open. Default a third of `blind_after`: the vendor's heartbeat of 30 s cannot be
    /// the proof of sight.
    pub cross_check: Duration,
    /// A stream's replay of its history is over when it has been quiet for this long. Default 1 s.
    pub replay_quiet: Duration,
    /// Interval of trying again after the key was refused. Default 30 s.
    pub auth_retry: Duration,
    /// Interval of the two reads that confirm that a session is gone. Default 1 s.
    pub confirm_after: Duration,
    /// Back-off of reopening the stream. Default 100 ms to a quarter of `blind_after`: one that works again has to be open
    /// in time.
    pub reconnect: Bounds,
}

impl WatchConfig {
    /// Interval of polling while no task runs and the provider's list does not say so: three times `poll_interval`, as far as sight is still proven as often as
    /// `cross_check` proves it. A task that begins is seen after so long at the latest, and what the poll takes.
    #[must_use]
    pub fn idle_interval(&self) -> Duration {
        (self.poll_interval * 3).min(self.cross_check).max(self.poll_interval)
    }
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            heartbeat_timeout: Duration::from_secs(75),
            blind_after: Duration::from_secs(20),
            poll_interval: Duration::from_secs(2),
            cross_check: Duration::from_secs(20) / 3,
            replay_quiet: Duration::from_secs(1),
            auth_retry: Duration::from_secs(30),
            confirm_after: Duration::from_secs(1),
            reconnect: Bounds { first: Duration::from_millis(100), max: Duration::from_secs(20) / 4 },
        }
    }
}

/// Where a session stands among others.
pub struct Place {
    /// Who gives turns.
    pub ramp: Ramp,
    /// How urgent it is, as far as is known before anything was read.
    pub rank: Rank,
    /// What the provider's list says of it.
    pub listed: Listed,
    /// The provider for what is read while no task runs: it may wait for what is read of others.
    pub resting: Arc<dyn Provider>,
}

/// Sight of one session, as a stream of what is seen; it ends when the session is gone. It does nothing while it is not
/// asked, and dropping it drops its calls in flight, which only read.
pub struct Watcher(task::Task);

impl Watcher {
    /// Watches `session`, in its turn. Events with an id up to `cursor` count as told. Boxed, once: whoever keeps it as one stream among
    /// others would box it again.
    #[must_use]
    pub fn new(
        provider: Arc<dyn Provider>,
        session: SessionId,
        cursor: Option<MessageId>,
        config: impl Into<Arc<WatchConfig>>,
        place: Place,
    ) -> Box<Self> {
        Box::new(Self(task::Task::new(provider, session, cursor.unwrap_or_default(), config.into(), place)))
    }
}

impl Stream for Watcher {
    type Item = Seen;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Seen>> {
        self.0.poll_told(cx)
    }
}
