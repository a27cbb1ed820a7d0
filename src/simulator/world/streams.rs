//! Open event streams: who gets which event, and when a stream is closed.

use std::sync::Arc;

use super::{Slot, World};
use crate::clock::Moment;
use crate::simulator::fault::StreamFault;
use crate::simulator::record::Emitted;
use crate::simulator::request::StreamQuery;

/// An open stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// What is handed to an open stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// An event.
    Event(Arc<Emitted>),
    /// The server closes the stream.
    Close,
}

/// A stream that was just opened.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamOpen {
    /// Its id.
    pub id: StreamId,
    /// What it begins with.
    pub backlog: Vec<Frame>,
    /// What will go wrong in it.
    pub fault: StreamFault,
    /// Whether it gets heartbeats.
    pub heartbeats: bool,
}

#[derive(Debug)]
pub(super) struct Subscription {
    session: Arc<str>,
    query: StreamQuery,
}

impl World {
    /// Frames for open streams since the last time, in order.
    pub fn drain(&mut self) -> Vec<(StreamId, Frame)> {
        std::mem::take(&mut self.outbox)
    }

    /// The client of a stream has gone.
    pub fn hang_up(&mut self, stream: StreamId) {
        let Some(subscription) = self.streams.remove(&stream) else { return };
        if let Some(slot) = self.slots.get_mut(&subscription.session) {
            slot.streams.retain(|other| *other != stream);
        }
    }

    pub(super) fn open(&mut self, now: Moment, id: &str, query: StreamQuery, fault: StreamFault) -> Option<StreamOpen> {
        self.watch(now, id)?;
        let (session, slot) = self.slots.get_key_value(id)?;
        let session = Arc::clone(session);
        let mut backlog = slot.backlog(&query);
        let stream = StreamId(self.next_stream);
        self.next_stream += 1;
        let heartbeats = query.names.as_ref().is_none_or(|names| names.iter().any(|name| name == "heartbeat"));
        if slot.is_over_after(&backlog) {
            backlog.push(Frame::Close);
        } else {
            self.streams.insert(stream, Subscription { session: Arc::clone(&session), query });
            self.slots.get_mut(&session)?.streams.push(stream);
        }
        Some(StreamOpen { id: stream, backlog, fault, heartbeats })
    }

    /// Somebody watches a session that exists.
    pub(super) fn watch(&mut self, now: Moment, id: &str) -> Option<()> {
        self.with(now, id, |session| {
            session.watched(now.mono);
            ((), Vec::new())
        })
    }

    pub(super) fn publish(&mut self, session: &str, event: &Arc<Emitted>) {
        let Some(slot) = self.slots.get(session) else { return };
        let closes = event.closes && !slot.session.scenario().streams_stay_open;
        for stream in slot.streams.clone() {
            if self.streams.get(&stream).is_some_and(|subscription| subscription.query.wants(event)) {
                self.outbox.push((stream, Frame::Event(Arc::clone(event))));
            }
            if closes {
                self.close(stream);
            }
        }
    }

    pub(super) fn close(&mut self, stream: StreamId) {
        self.hang_up(stream);
        self.outbox.push((stream, Frame::Close));
    }
}

impl Slot {
    fn backlog(&self, query: &StreamQuery) -> Vec<Frame> {
        let replayed = self.history.iter().filter(|event| query.replays(event));
        replayed.cloned().map(Frame::Event).collect()
    }

    /// Whether nothing more can come after a replay that ends with the end of a task.
    fn is_over_after(&self, backlog: &[Frame]) -> bool {
        let ended = backlog.iter().any(|frame| matches!(frame, Frame::Event(event) if event.closes));
        ended && !self.session.has_task() && !self.session.scenario().streams_stay_open
    }
}

impl StreamQuery {
    fn wants(&self, event: &Emitted) -> bool {
        let named = self.names.as_ref().is_none_or(|names| names.contains(&event.name));
        named && !(self.sanitize && event.hidden)
    }

    fn replays(&self, event: &Emitted) -> bool {
        self.history && event.id.is_some_and(|id| id > self.after) && self.wants(event)
    }
}
