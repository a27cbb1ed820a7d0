//! What a watcher waits for: two sources, each in one of a few states, and what wakes it.
//!
//! Waiting may be dropped and begun again at any time without losing anything.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::api::{ApiError, EventStream, Messages, Session, StreamItem};
use crate::daemon::ramp::Turn;

/// The stream of events.
pub(super) enum Stream {
    /// Not open; opened again at this time.
    Closed { reopen_at: Instant },
    /// Not open, and not wanted: no task runs.
    Idle,
    /// To be opened in its turn.
    Waiting(BoxFuture<'static, Turn>),
    /// Being opened.
    Opening(BoxFuture<'static, Result<EventStream, ApiError>>),
    /// Open.
    Open(Open),
}

/// An open stream.
pub(super) struct Open {
    pub(super) items: EventStream,
    pub(super) opened_at: Instant,
    /// Given up if nothing comes until then.
    pub(super) silent_at: Instant,
    /// When it last brought anything that was not known.
    pub(super) fruitful: Option<Instant>,
}

/// Polling: one read at a time.
pub(super) enum Poll {
    /// The next read starts at this time.
    Due(Instant),
    /// The next read starts at this time, unless the stream shows by then that it brings what happens.
    Check(Instant),
    /// A read is in flight.
    Running(BoxFuture<'static, Answer>),
}

/// What a read brought.
pub(super) enum Answer {
    /// Messages after the cursor.
    Messages(Result<Messages, ApiError>),
    /// Whether the session exists.
    Session(Result<Session, ApiError>),
}

/// Why the watcher woke up.
pub(super) enum Wake {
    OpenDue,
    Turn(Turn),
    Opened(Result<EventStream, ApiError>),
    Item(StreamItem),
    /// The stream ended, with an error or without.
    Ended(Option<ApiError>),
    Silent,
    PollDue,
    CheckDue,
    Answered(Answer),
    Alarm,
}

/// Waits for the first of all. Answers go before items, items before timers, so that lateness of ours is never taken for
/// silence of theirs.
pub(super) async fn next(stream: &mut Stream, poll: &mut Poll, alarm: Option<Instant>) -> Wake {
    tokio::select! {
        biased;
        wake = poll.wake() => wake,
        wake = stream.wake() => wake,
        () = until(alarm) => Wake::Alarm,
    }
}

impl Stream {
    async fn wake(&mut self) -> Wake {
        match self {
            Self::Closed { reopen_at } => {
                sleep_until(*reopen_at).await;
                Wake::OpenDue
            }
            Self::Idle => std::future::pending().await,
            Self::Waiting(turn) => Wake::Turn(turn.await),
            Self::Opening(opening) => Wake::Opened(opening.await),
            Self::Open(open) => open.wake().await,
        }
    }
}

impl Open {
    async fn wake(&mut self) -> Wake {
        tokio::select! {
            biased;
            item = self.items.next() => match item {
                Some(Ok(item)) => Wake::Item(item),
                Some(Err(error)) => Wake::Ended(Some(error)),
                None => Wake::Ended(None),
            },
            () = sleep_until(self.silent_at) => Wake::Silent,
        }
    }
}

impl Poll {
    async fn wake(&mut self) -> Wake {
        match self {
            Self::Due(at) => {
                sleep_until(*at).await;
                Wake::PollDue
            }
            Self::Check(at) => {
                sleep_until(*at).await;
                Wake::CheckDue
            }
            Self::Running(read) => Wake::Answered(read.await),
        }
    }
}

pub(super) async fn until(alarm: Option<Instant>) {
    match alarm {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
