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
/// After so many batches, rows of sessions that nobody tells of any more are forgotten.
const TIDY_EVERY: u32 = 64;
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
    /// By where what the session was told as lies in memory. Whoever tells the same again shows the same allocation, which is not used
    /// for anything else while it is known here; and its id need not be looked at for every event.
    rows: HashMap<usize, Row>,
    /// Where that is of which row: what was told last of a session is what its row says.
    places: HashMap<i64, usize>,
    span: Option<Span>,
    /// Batches since rows were looked through.
    batches: u32,
}

/// A session's row.
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
            self.places.clear();
        }
        let Span { number, began, bytes } = self.span.as_ref()?;
        let (number, lasted) = (*number, now.duration_since(*began).unsigned_abs());
        let goes_on = lasted < SPAN && *bytes < bounds.bytes / SPAN_PART;
        Some(if goes_on { number } else { self.begin(number + 1, now) })
    }

    /// Forgets the rows of sessions that nobody tells of any more: those that have ended. Looks through all of them when there
    /// is `leisure`, and else now and then. One that is told of again is written again.
    pub(super) fn tidy(&mut self, leisure: bool) {
        self.batches += 1;
        if !leisure && self.batches < TIDY_EVERY {
            return;
        }
        self.batches = 0;
        self.rows.retain(|_, row| row.told.strong_count() > 0);
        self.places.retain(|_, place| self.rows.contains_key(place));
        if self.rows.capacity() / 4 > self.rows.len() {
            self.rows.shrink_to(self.rows.len() * 2);
            self.places.shrink_to(self.rows.len() * 2);
        }
    }

    /// Begins a span.
    pub(super) fn begin(&mut self, number: i64, now: Timestamp) -> i64 {
        self.span = Some(Span { number, began: now, bytes: 0 });
        number
    }

    /// The session's row, where it stands as it is told here, and was written in this span.
    pub(super) fn standing(&self, session: &Arc<SessionInfo>, span: i64) -> Option<i64> {
        let row = self.rows.get(&place(session))?;
        (row.span == span).then_some(row.row)
    }

    /// The session's row, which counts for so many bytes, was written in the span that is under way.
    pub(super) fn learn(&mut self, session: &Arc<SessionInfo>, row: i64, bytes: u64, span: i64) {
        if let Some(span) = &mut self.span {
            span.bytes += bytes;
        }
        let place = place(session);
        if let Some(old) = self.places.insert(row, place).filter(|old| *old != place) {
            self.rows.remove(&old);
        }
        self.rows.insert(place, Row { row, span, told: Arc::downgrade(session) });
    }

    /// The row is gone.
    pub(super) fn forget(&mut self, row: i64) {
        if let Some(place) = self.places.remove(&row) {
            self.rows.remove(&place);
        }
    }
}

fn place(session: &Arc<SessionInfo>) -> usize {
    Arc::as_ptr(session).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::SessionId;

    const WIDE: EventBounds = EventBounds { age: SPAN, bytes: 1 << 30 };

    fn session(n: usize) -> Arc<SessionInfo> {
        let id = SessionId::try_from(format!("s-{n}")).expect("an id");
        Arc::new(SessionInfo { id, agent: None, goal: None })
    }

    fn learnt(sessions: &[Arc<SessionInfo>]) -> Sessions {
        let mut known = Sessions::default();
        known.begin(1, Timestamp::UNIX_EPOCH);
        (1..).zip(sessions).for_each(|(row, session)| known.learn(session, row, 100, 1));
        known
    }

    #[test]
    fn ten_thousand_sessions_that_have_ended_leave_nothing_behind_and_one_that_goes_on_is_known() {
        let mut sessions: Vec<_> = (0..10_001).map(session).collect();
        let mut known = learnt(&sessions);
        sessions.truncate(1);
        (1..TIDY_EVERY).for_each(|_| known.tidy(false));
        assert_eq!(known.rows.len(), 10_001, "not all are looked through for each batch");
        known.tidy(false);
        assert_eq!((known.rows.len(), known.standing(&sessions[0], 1)), (1, Some(1)));
        assert!(known.rows.capacity() < 64, "{}", known.rows.capacity());
        assert_eq!(known.span(WIDE, Timestamp::UNIX_EPOCH), Some(1));
    }

    #[test]
    fn a_row_stands_as_it_was_told_last_and_not_at_all_once_it_is_forgotten() {
        let (one, again, other) = (session(0), session(0), session(1));
        let mut known = learnt(&[one.clone(), other.clone()]);
        known.learn(&again, 1, 100, 1);
        assert_eq!([&one, &again, &other].map(|told| known.standing(told, 1)), [None, Some(1), Some(2)]);
        assert_eq!(known.standing(&again, 2), None, "in another span it is written again");
        known.forget(1);
        assert_eq!([&again, &other].map(|told| known.standing(told, 1)), [None, Some(2)]);
        // The number of a row that is gone may be given again.
        known.learn(&one, 1, 100, 1);
        known.forget(2);
        assert_eq!([&one, &again, &other].map(|told| known.standing(told, 1)), [Some(1), None, None]);
        assert_eq!((known.rows.len(), known.places.len()), (1, 1));
    }

    #[test]
    fn where_there_is_nothing_to_write_ended_sessions_are_forgotten_at_once() {
        let mut known = learnt(&[session(0), session(1)]);
        known.tidy(true);
        assert!(known.rows.is_empty());
    }
}
