//! Recorded events: what was evaluated, kept for a while so that other rules can be tried on it.
//!
//! Nothing depends on them. They are no part of the chain, they are written over a connection of their own that does not
//! wait for the disk, and what is too old or too much is deleted, a bounded number at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor as _, SqliteConnection};

use super::{Store, StoreError};
use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::crash::{self, Point};
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
/// How many events are deleted at once, and how many bytes of them, beside as many as are written. What is deleted is
/// overwritten, so it costs what writing costs.
const PRUNED: usize = 200;
const PRUNED_BYTES: u64 = 512 << 10;

/// How much one transaction deletes.
struct Most {
    events: usize,
    bytes: u64,
}

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

/// What a row of `event_sessions` counts for, as [`Recorded::session_bytes`] says.
const SESSION_BYTES: &str = "100 + length(CAST(session_id AS BLOB)) + ifnull(length(CAST(agent AS BLOB)), 0) \
                             + ifnull(length(CAST(goal AS BLOB)), 0)";

impl Store {
    /// Writes `events`, and deletes the oldest ones that are beyond the bounds: at most 200 and half a MiB more than it writes,
    /// or one that is larger. Whether there may be more to delete is the answer. What is written is not waited for: the last seconds may be missing after
    /// a loss of power.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was then.
    pub async fn record(&self, events: &[Recorded], bounds: EventBounds, now: Timestamp) -> Result<bool, StoreError> {
        let mut connection = self.events.acquire().await.map_err(|source| self.sql("written", source))?;
        let recorded = self.record_all(&mut connection, events, bounds, now).await;
        if recorded.is_err() {
            // SQLite may have rolled back by itself.
            let _ = connection.execute("ROLLBACK").await;
        }
        recorded
    }

    async fn record_all(
        &self,
        connection: &mut SqliteConnection,
        events: &[Recorded],
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = |source| self.sql("written", source);
        connection.execute("BEGIN IMMEDIATE").await.map_err(sql)?;
        let total: i64 =
            sqlx::query_scalar("SELECT bytes FROM event_totals").fetch_one(&mut *connection).await.map_err(sql)?;
        let before = u64::try_from(total).unwrap_or_default();
        let mut total = before;
        for event in events {
            let session = self.insert_session(connection, event, &mut total).await?;
            self.insert_event(connection, event, session).await?;
            total += event.bytes() as u64;
        }
        let most = Most { events: events.len() + PRUNED, bytes: total - before + PRUNED_BYTES };
        let more = self.prune(connection, &mut total, most, bounds, now).await?;
        if total != before {
            let totals = sqlx::query("UPDATE event_totals SET bytes = ?");
            let totals = totals.bind(i64::try_from(total).unwrap_or(i64::MAX));
            totals.execute(&mut *connection).await.map_err(sql)?;
        }
        crash::at(Point::EventsUncommitted);
        connection.execute("COMMIT").await.map_err(sql)?;
        crash::at(Point::EventsCommitted);
        Ok(more)
    }

    /// The row of the event's session, written only when it is new or was told anew.
    async fn insert_session(
        &self,
        connection: &mut SqliteConnection,
        recorded: &Recorded,
        total: &mut u64,
    ) -> Result<i64, StoreError> {
        let sql = |source| self.sql("written", source);
        let session = &recorded.session;
        let known = format!(
            "SELECT id, agent IS ? AND goal IS ? AS same, {SESSION_BYTES} AS bytes FROM event_sessions WHERE session_id = ?"
        );
        let known = sqlx::query(sqlx::AssertSqlSafe(known)).bind(&session.agent).bind(&session.goal);
        let known = known.bind(session.id.as_str()).fetch_optional(&mut *connection).await.map_err(sql)?;
        if let Some(row) = &known {
            if self.column::<bool>(row, "same")? {
                return self.column(row, "id");
            }
            *total = total.saturating_sub(u64::try_from(self.column::<i64>(row, "bytes")?).unwrap_or_default());
        }
        *total += recorded.session_bytes() as u64;
        let written = sqlx::query_scalar(
            "INSERT INTO event_sessions (session_id, agent, goal) VALUES (?, ?, ?)
             ON CONFLICT (session_id) DO UPDATE SET agent = excluded.agent, goal = excluded.goal RETURNING id",
        );
        let written = written.bind(session.id.as_str()).bind(&session.agent).bind(&session.goal);
        written.fetch_one(&mut *connection).await.map_err(sql)
    }

    async fn insert_event(
        &self,
        connection: &mut SqliteConnection,
        recorded: &Recorded,
        session: i64,
    ) -> Result<(), StoreError> {
        let Recorded { at, session: _, event, effect } = recorded;
        sqlx::query(
            "INSERT INTO events (at, session, bytes, effect, kind, message_id, sent, truncated, url, title, text)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(at.as_millisecond())
        .bind(session)
        .bind(i64::try_from(recorded.bytes()).unwrap_or(i64::MAX))
        .bind(effect.name())
        .bind(event.kind.name())
        .bind(event.id.and_then(|id| i64::try_from(id.0).ok()))
        .bind(event.at.map(|at| at.to_string()))
        .bind(event.truncated)
        .bind(&event.url)
        .bind(&event.title)
        .bind(&event.text)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| self.sql("written", source))
    }

    /// Deletes from the oldest on what is too old or too much, at most `most`.
    async fn prune(
        &self,
        connection: &mut SqliteConnection,
        total: &mut u64,
        most: Most,
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = |source| self.sql("written", source);
        let oldest = i64::try_from(bounds.age.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.as_millisecond().saturating_sub(oldest);
        let rows = sqlx::query("SELECT id, at, session, bytes FROM events ORDER BY id LIMIT ?")
            .bind(i64::try_from(most.events).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await
            .map_err(sql)?;
        let (mut last, mut sessions) = (None, std::collections::BTreeSet::new());
        let (mut deleted, mut deleted_bytes, mut full) = (0, 0, false);
        for row in &rows {
            let (id, at): (i64, i64) = (self.column(row, "id")?, self.column(row, "at")?);
            if at > oldest && *total <= bounds.bytes {
                break;
            }
            let bytes = u64::try_from(self.column::<i64>(row, "bytes")?).unwrap_or_default();
            deleted_bytes += bytes;
            if last.is_some() && deleted_bytes > most.bytes {
                full = true;
                break;
            }
            last = Some(id);
            deleted += 1;
            sessions.insert(self.column::<i64>(row, "session")?);
            *total = total.saturating_sub(bytes);
        }
        let Some(last) = last else { return Ok(false) };
        sqlx::query("DELETE FROM events WHERE id <= ?").bind(last).execute(&mut *connection).await.map_err(sql)?;
        for session in sessions {
            let orphan = format!(
                "DELETE FROM event_sessions WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM events WHERE session = ?1)
                 RETURNING {SESSION_BYTES}"
            );
            let orphan = sqlx::query_scalar(sqlx::AssertSqlSafe(orphan)).bind(session);
            let freed: Option<i64> = orphan.fetch_optional(&mut *connection).await.map_err(sql)?;
            *total = total.saturating_sub(u64::try_from(freed.unwrap_or_default()).unwrap_or_default());
        }
        Ok(full || deleted == most.events)
    }

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
