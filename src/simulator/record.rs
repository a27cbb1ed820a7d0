//! The ground truth: what really happened, which calls were received, which events were written.
//!
//! All times are of one clock, in nanoseconds since the simulator started, with the wall time beside them. Nothing is removed
//! from a record unless whoever reads it says that it was read ([`Record::forget`]); a simulator is not a service.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::fault::Endpoint;
use crate::clock::Moment;

/// Everything that is written down.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Acts that cannot be taken back, in order.
    pub ledger: Vec<Order>,
    /// Calls, in the order received.
    pub calls: Vec<Call>,
    /// Events of all sessions, in the order emitted.
    pub events: Vec<Arc<Emitted>>,
    /// When events that were emitted beside a script were written to streams, in the order written.
    pub sent: Vec<Sent>,
    /// How many of each were there and are forgotten: the place of the first one that is there.
    pub forgotten: Places,
}

/// Places in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Places {
    /// In the ledger.
    pub ledger: usize,
    /// Among the calls.
    pub calls: usize,
    /// Among the events.
    pub events: usize,
    /// Among what was sent.
    pub sent: usize,
}

impl Record {
    /// The place behind the newest of each.
    #[must_use]
    pub fn end(&self) -> Places {
        let Places { ledger, calls, events, sent } = self.forgotten;
        Places {
            ledger: ledger + self.ledger.len(),
            calls: calls + self.calls.len(),
            events: events + self.events.len(),
            sent: sent + self.sent.len(),
        }
    }

    /// Forgets what was written down so far, for runs that turn over more than fits into memory. What comes is at the places
    /// where it would have been.
    pub fn forget(&mut self) {
        *self = Self { forgotten: self.end(), ..Self::default() };
    }

    /// A call by its place, as long as it is there.
    pub fn call_mut(&mut self, seq: usize) -> Option<&mut Call> {
        self.calls.get_mut(seq.checked_sub(self.forgotten.calls)?)
    }

    /// The ledger from a place on.
    #[must_use]
    pub fn ledger_from(&self, place: usize) -> &[Order] {
        from(&self.ledger, self.forgotten.ledger, place)
    }

    /// Calls from a place on.
    #[must_use]
    pub fn calls_from(&self, place: usize) -> &[Call] {
        from(&self.calls, self.forgotten.calls, place)
    }

    /// Events from a place on.
    #[must_use]
    pub fn events_from(&self, place: usize) -> &[Arc<Emitted>] {
        from(&self.events, self.forgotten.events, place)
    }

    /// What was sent, from a place on.
    #[must_use]
    pub fn sent_from(&self, place: usize) -> &[Sent] {
        from(&self.sent, self.forgotten.sent, place)
    }
}

fn from<T>(list: &[T], first: usize, place: usize) -> &[T] {
    list.get(place.saturating_sub(first)..).unwrap_or_default()
}

/// Something that was really done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The session that did it.
    pub session: String,
    /// `purchase`, `message`, …
    pub kind: String,
    /// What was bought, sent, deleted.
    pub what: String,
    /// For how much.
    pub amount: Option<String>,
    /// Whether it was completed while the session was paused (a step in flight).
    pub while_paused: bool,
    /// When, nanoseconds since the start.
    pub at_ns: u64,
    /// When, civil time.
    pub at: Timestamp,
}

/// A call that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its place in the record, from 0.
    pub seq: usize,
    /// Which call it is; `None`: no call of the API.
    pub endpoint: Option<Endpoint>,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The session named in the path.
    pub session: Option<String>,
    /// The body, when there was one.
    pub body: Option<String>,
    /// When its head was read, nanoseconds since the start.
    pub received_ns: u64,
    /// When its head was read, civil time.
    pub received_at: Timestamp,
    /// The status it was, or will be, answered with; `None`: not decided yet, hung or reset.
    pub status: Option<u16>,
    /// Whether a fault struck it.
    pub faulted: bool,
    /// Whether it took effect (a read: whether it was truly answered).
    pub applied: bool,
}

/// An event that was emitted, and its message if it has one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Emitted {
    /// The session.
    pub session: String,
    /// Message id.
    pub id: Option<u64>,
    /// Its name in the stream.
    pub name: String,
    /// Its data in the stream.
    pub data: Value,
    /// The type of its message; `None`: `/messages` does not have it.
    pub message_type: Option<String>,
    /// Content of the message.
    pub content: Value,
    /// Metadata of the message.
    pub metadata: Option<Map<String, Value>>,
    /// Whether `sanitize=true` drops it.
    pub hidden: bool,
    /// Whether streams are closed after it.
    pub closes: bool,
    /// Whether it was emitted beside the script, by somebody's act.
    pub beside: bool,
    /// When it was due by the script, nanoseconds since the start.
    pub due_ns: u64,
    /// When it was handed to the streams, nanoseconds since the start.
    pub written_ns: u64,
    /// When, civil time.
    pub at: Timestamp,
}

/// An event that was emitted beside a script, written to one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The session.
    pub session: String,
    /// When its frame was handed to the connection, which writes it next, nanoseconds since the start.
    pub sent_ns: u64,
}

/// Nanoseconds since the start.
#[must_use]
pub fn nanos(moment: Moment) -> u64 {
    u64::try_from(moment.mono.as_nanos()).unwrap_or(u64::MAX)
}
