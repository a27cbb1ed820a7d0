//! The watcher's fast source: opening the stream, reading it, and leaving it.

use std::time::Duration;

use tokio::time::Instant;

use super::slots::{Open, Poll, Stream};
use super::{STABLE, Source, Task};
use crate::api::{ApiError, ErrorClass, Event, EventStream, StreamItem};
use crate::daemon::ramp::Went;
use crate::daemon::watcher::Seen;

impl Task {
    pub(super) fn start_opening(&mut self) {
        let (provider, at_rest) = self.reader();
        self.opening_at_rest = at_rest;
        let session = self.session.clone();
        self.stream = Stream::Opening(Box::pin(async move { provider.events(&session).await }));
    }

    pub(super) fn opened(&mut self, items: EventStream) {
        self.turn_went(Went::Well);
        self.found(Source::Streams);
        let now = Instant::now();
        self.streams.refused = false;
        self.streams.limits.reset();
        self.streamed.begin(self.now(), self.history_to.map(|_| self.known.greatest()));
        let silent_at = now + self.config.heartbeat_timeout;
        self.stream = Stream::Open(Open { items, opened_at: now, silent_at, fruitful: None });
        self.poll_soon();
        self.follows();
    }

    pub(super) fn not_opened(&mut self, error: &ApiError) {
        self.turn_went(went(error));
        self.failed(Source::Streams, error);
        self.close();
        if self.streams.refused {
            self.reopen_in(self.config.auth_retry);
        }
        self.catch_up_without_stream();
    }

    pub(super) fn ended(&mut self, error: Option<&ApiError>) {
        self.provider.stream_broke();
        let replay_was_running = self.streamed.deadline().is_some();
        self.close();
        if error.is_none() {
            self.steps.fail("the provider ends it".to_owned());
        }
        match error {
            Some(error) => self.failed(Source::Streams, error),
            None if replay_was_running => self.replay_over(),
            None => {}
        }
        self.catch_up_without_stream();
    }

    pub(super) fn silent(&mut self) {
        let why = format!("no sign of life for {} s", self.config.heartbeat_timeout.as_secs());
        self.sight.fail(why.clone());
        self.steps.fail(why);
        self.mute = true;
        tracing::warn!(session = %self.session, "session {}: the event stream fell silent; opening it again", self.session);
        self.close();
    }

    /// Leaves the stream, to be opened again after the back-off, and reads back at once.
    fn close(&mut self) {
        if let Stream::Open(open) = &self.stream
            && (open.fruitful.is_some() || open.opened_at.elapsed() >= STABLE)
        {
            self.backoff.reset();
        }
        let wait = self.backoff.next(fastrand::f64());
        if matches!(self.stream, Stream::Open(_)) && self.streamed.deadline().is_none() && !self.mute {
            self.steps.prove(self.now());
        }
        self.streamed.end();
        self.reopen_in(wait);
        self.missed.get_or_insert(0);
        self.poll_soon();
    }

    pub(super) fn reopen_in(&mut self, wait: Duration) {
        self.stream = Stream::Closed { reopen_at: (Instant::now() + wait).max(self.streams.not_before) };
    }

    pub(super) fn item(&mut self, item: StreamItem) -> Option<Seen> {
        let at = Instant::now();
        let now = at.duration_since(self.origin);
        self.sight.prove(now);
        self.steps.prove(now);
        self.mute = false;
        (self.streams.failing, self.streams.said) = (false, false);
        if let Stream::Open(open) = &mut self.stream {
            open.silent_at = at + self.config.heartbeat_timeout;
        }
        // One that runs reads back all that was missed: it began after the stream was opened, or another follows it for that.
        if self.sight.is_blind() && !matches!(self.poll, Poll::Running(_)) {
            self.poll_soon();
        }
        let seen = match item {
            StreamItem::Event(event) => self.event(at, event),
            StreamItem::Heartbeat => None,
        };
        if !self.steps.is_blind() {
            return seen;
        }
        // Sight is told behind what it was proven by.
        self.told.extend(seen);
        // It is back once what was missed of steps has been replayed.
        if self.streamed.deadline().is_none() {
            self.restore_steps();
        }
        None
    }

    fn event(&mut self, at: Instant, event: Event) -> Option<Seen> {
        let now = at.duration_since(self.origin);
        if event.id.is_some_and(|id| self.streamed.meet_id(now, id)) {
            self.replay_over();
        }
        let is_new = match event.id {
            Some(id) => self.known.is_new(id, &event),
            None => self.streamed.is_new(now, &event),
        };
        if !is_new {
            return None;
        }
        if let Stream::Open(open) = &mut self.stream {
            open.fruitful = Some(at);
        }
        self.unread = true;
        Some(self.news(event))
    }
}

/// Whether a failure says that the provider has too much to do.
fn went(error: &ApiError) -> Went {
    match error.class {
        ErrorClass::RateLimited { .. } | ErrorClass::Unknown { .. } | ErrorClass::Unreachable { .. } => Went::Refused,
        ErrorClass::Auth { .. }
        | ErrorClass::NotFound { .. }
        | ErrorClass::AlreadyPaused
        | ErrorClass::NotPaused
        | ErrorClass::Refused { .. } => Went::Nowhere,
    }
}
