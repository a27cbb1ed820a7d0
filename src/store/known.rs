//! What the writer of recorded events knows of the rows of their sessions, so that not every event looks for its own.
//!
//! It writes nothing itself. Time is cut into spans, which only count: a session's row has the span in which it was written last,
//! and is written again in each in which it has events. So a session without events is told from the spans alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;

use super::EventBounds;
use crate::policy::SessionInfo;

/// How many sessions' rows are known, before all are forgotten and written again.
const KNOWN: usize = 32_768;
/// How long a span lasts at most, and which part of all bytes its sessions may count for: for so long, and so many, rows of
/// sessions can outlive their events.
const SPAN: Duration = Duration::from_secs(600);
const SPAN_PART: u64 = 8;

/// What is known, shared by the clones of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Sessions>>);

/// The rows that this process wrote and that stand.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By the session's id.
    rows: HashMap<String, Row>,
    span: Option<Span>,
}

/// A session's row, and what it was told as. Whoever tells the same again shows the same allocation, which is not used for
/// anything else while it is known here.
#[derive(Debug)]
struct Row {
    row: i64,
    span: i64,
    told: Weak<SessionInfo>,
}

#[derive(Debug)]
struct Span {
    number: i64,
    began: Timestamp,
    bytes: u64,
}

impl Known {
    /// Takes what is known. What is learnt in a transaction that fails, or is given up, is never put back.
    pub(super) fn take(&self) -> Sessions {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put(&self, sessions: Sessions) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sessions;
    }
}

impl Sessions {
    /// The span that is under way, or the next one where it is over. None where none began here.
    pub(super) fn span(&mut self, bounds: EventBounds, now: Timestamp) -> Option<i64> {
        if self.rows.len() > KNOWN {
            self.rows.clear();
        }
        let Span { number, began, bytes } = self.span.as_ref()?;
        let (number, lasted) = (*number, now.duration_since(*began).unsigned_abs());
        let goes_on = lasted < SPAN && *bytes < bounds.bytes / SPAN_PART;
        Some(if goes_on { number } else { self.begin(number + 1, now) })
    }

    /// Begins a span.
    pub(super) fn begin(&mut self, number: i64, now: Timestamp) -> i64 {
        self.span = Some(Span { number, began: now, bytes: 0 });
        number
    }

    /// The session's row, where it stands as it is told here, and was written in this span.
    pub(super) fn standing(&self, session: &Arc<SessionInfo>, span: i64) -> Option<i64> {
        let row = self.rows.get(session.id.as_str())?;
        (row.span == span && std::ptr::eq(row.told.as_ptr(), Arc::as_ptr(session))).then_some(row.row)
    }

    /// The session's row, whoever told it last.
    pub(super) fn row(&self, session: &SessionInfo) -> Option<i64> {
        Some(self.rows.get(session.id.as_str())?.row)
    }

    /// The session's row, which counts for so many bytes, was written in the span that is under way.
    pub(super) fn learn(&mut self, session: &Arc<SessionInfo>, row: i64, bytes: u64, span: i64) {
        if let Some(span) = &mut self.span {
            span.bytes += bytes;
        }
        self.rows.insert(session.id.as_str().to_owned(), Row { row, span, told: Arc::downgrade(session) });
    }

    /// The session's row is gone.
    pub(super) fn forget(&mut self, session: &str) {
        self.rows.remove(session);
    }
}
