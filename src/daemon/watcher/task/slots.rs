//! What a watcher waits for: two sources, each in one of a few states, and what wakes it.
//!
//! Looking loses nothing, however often and with whatever result it is done.

use std::task::Context;
use std::task::Poll::Pending;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

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
    /// Nothing is read before the first turn.
    Not,
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
    /// The list says that a task runs where none did.
    Begins,
    Answered(Answer),
    Alarm,
}

impl Stream {
    /// What it brings, if that is there.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> std::task::Poll<Wake> {
        match self {
            Self::Closed { .. } | Self::Idle => Pending,
            Self::Waiting(turn) => turn.as_mut().poll(cx).map(Wake::Turn),
            Self::Opening(opening) => opening.as_mut().poll(cx).map(Wake::Opened),
            Self::Open(open) => open.items.poll_next_unpin(cx).map(|item| match item {
                Some(Ok(item)) => Wake::Item(item),
                Some(Err(error)) => Wake::Ended(Some(error)),
                None => Wake::Ended(None),
            }),
        }
    }

    /// When it has to be looked after by itself, and what that means.
    pub(super) fn due(&self) -> Option<(Instant, Wake)> {
        match self {
            Self::Closed { reopen_at } => Some((*reopen_at, Wake::OpenDue)),
            Self::Open(open) => Some((open.silent_at, Wake::Silent)),
            Self::Idle | Self::Waiting(_) | Self::Opening(_) => None,
        }
    }
}

impl Poll {
    /// The answer of a read, if it is there.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> std::task::Poll<Wake> {
        match self {
            Self::Not | Self::Due(_) | Self::Check(_) => Pending,
            Self::Running(read) => read.as_mut().poll(cx).map(Wake::Answered),
        }
    }

    /// When the next read is due, and of what kind.
    pub(super) fn due(&self) -> Option<(Instant, Wake)> {
        match self {
            Self::Due(at) => Some((*at, Wake::PollDue)),
            Self::Check(at) => Some((*at, Wake::CheckDue)),
            Self::Not | Self::Running(_) => None,
        }
    }
}
