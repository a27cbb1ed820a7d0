//! Recorded events: what was evaluated, kept for a while so that other rules can be tried on it.
//!
//! Nothing depends on them, and they are no part of the chain. How they are written stands in `recording`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::policy::{Effect, SessionInfo};

/// One evaluated event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it was evaluated.
    pub at: Timestamp,
    /// The session, as the policy knew it.
    pub session: Arc<SessionInfo>,
    /// The event.
    pub event: Event,
    /// What the policy said.
    pub effect: Effect,
}

/// How much is kept. Nothing, when either is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventBounds {
    /// For how long.
    pub age: Duration,
    /// How many bytes, together.
    pub bytes: u64,
}

/// Where reading goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventPage(i64);

/// What an event counts for beside its texts: its row and its place in the indices.
const ROW: usize = 100;
/// How many events are read at once.
const PAGE: i64 = 500;

impl Recorded {
    /// How many bytes it counts for, its session aside.
    #[must_use]
    pub fn bytes(&self) -> usize {
        ROW + self.event.text.len() + length(&self.event.url) + length(&self.event.title)
    }

    /// How many bytes its session counts for, once for all of its events.
    #[must_use]
    pub fn session_bytes(&self) -> usize {
        ROW + self.session.id.as_str().len() + length(&self.session.agent) + length(&self.session.goal)
    }
}

fn length(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

impl Store {
    /// The next recorded events since `since`, in the order in which they were evaluated, and where to go on; an empty page
    /// is the end, and all that a store of an older version has. Works beside a running daemon.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn recorded(&self, since: Timestamp, page: EventPage) -> Result<(Vec<Recorded>, EventPage), StoreError> {
        if page == EventPage::default() && !self.has_events().await? {
            return Ok((Vec::new(), page));
        }
        let rows = sqlx::query(
            "SELECT events.*, session_id, agent, goal FROM events JOIN event_sessions ON event_sessions.id = session
             WHERE events.id > ? AND at >= ? ORDER BY events.id LIMIT ?",
        )
        .bind(page.0)
        .bind(since.as_millisecond())
        .bind(PAGE);
        let rows = rows.fetch_all(&self.pool).await.map_err(|source| self.sql("read", source))?;
        let mut last = page;
        let mut recorded = Vec::with_capacity(rows.len());
        for row in &rows {
            last = EventPage(self.column(row, "id")?);
            recorded.push(self.recorded_row(row)?);
        }
        Ok((recorded, last))
    }

    /// Whether the schema knows events: a reader does not bring it up to date.
    async fn has_events(&self) -> Result<bool, StoreError> {
        let tables = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'events'");
        let tables: i64 = tables.fetch_one(&self.pool).await.map_err(|source| self.sql("read", source))?;
        Ok(tables > 0)
    }

    fn recorded_row(&self, row: &SqliteRow) -> Result<Recorded, StoreError> {
        let wrong = |what: &dyn std::fmt::Display| self.row(format!("event: {what}"));
        let id: String = self.column(row, "session_id")?;
        let id = SessionId::try_from(id).map_err(|error| wrong(&error))?;
        let at = Timestamp::from_millisecond(self.column(row, "at")?).map_err(|error| wrong(&error))?;
        let (kind, effect): (String, String) = (self.column(row, "kind")?, self.column(row, "effect")?);
        let effect = Effect::ALL.into_iter().find(|one| one.name() == effect).ok_or_else(|| wrong(&"its effect"))?;
        let sent: Option<String> = self.column(row, "sent")?;
        let message: Option<i64> = self.column(row, "message_id")?;
        let event = Event {
            id: message.and_then(|id| u64::try_from(id).ok()).map(MessageId),
            kind: EventKind::from_wire(&kind),
            text: self.column(row, "text")?,
            at: sent.and_then(|at| at.parse().ok()),
            url: self.column(row, "url")?,
            title: self.column(row, "title")?,
            truncated: self.column(row, "truncated")?,
        };
        let session = SessionInfo { id, agent: self.column(row, "agent")?, goal: self.column(row, "goal")? };
        Ok(Recorded { at, session: Arc::new(session), event, effect })
    }
}
