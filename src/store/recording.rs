//! Writing of recorded events: over a connection of its own that does not wait for the disk, and bounded in all it does.
//!
//! A batch is one transaction of few statements, because each is a round trip to the thread that has the connection. What is
//! too old or too much is deleted on the way, a bounded number at a time. Nothing here touches the chain.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use sqlx::{Executor as _, SqliteConnection};

use super::events::{EventBounds, Recorded};
use super::{Store, StoreError};
use crate::crash::{self, Point};
use crate::policy::SessionInfo;

/// How many events one statement inserts; SQLite takes 32 766 values.
const ROWS: usize = 512;
/// How many events are deleted at once, and how many bytes of them, beside as many as are written. What is deleted is
/// overwritten, so it costs what writing costs.
const PRUNED: usize = 200;
const PRUNED_BYTES: u64 = 512 << 10;
/// How many sessions' rows are known at once. Beyond, all are forgotten and looked up again.
const KNOWN: usize = 32_768;
/// What a row of `event_sessions` counts for, as [`Recorded::session_bytes`] says.
const SESSION_BYTES: &str = "100 + length(CAST(session_id AS BLOB)) + ifnull(length(CAST(agent AS BLOB)), 0) \
                             + ifnull(length(CAST(goal AS BLOB)), 0)";

/// How much one transaction deletes.
struct Most {
    events: usize,
    bytes: u64,
}

/// The rows of sessions that this process wrote or found and that stand, so that not every event looks for its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Sessions>>);

/// By the session's id.
type Sessions = HashMap<String, KnownRow>;

/// A session's row, and what it was told as. Whoever tells the same again shows the same allocation, which is not used for
/// anything else while it is known here.
#[derive(Debug)]
struct KnownRow {
    row: i64,
    told: Weak<SessionInfo>,
}

impl Known {
    /// Takes what is known. What is learnt in a transaction that fails, or is given up, is never put back.
    fn take(&self) -> Sessions {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, sessions: Sessions) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sessions;
    }
}

impl Store {
    /// Writes `events`, and deletes the oldest ones that are beyond the bounds: at most 200 and half a MiB more than it writes,
    /// or one that is larger. Whether there may be more to delete is the answer. What is written is not waited for: the last
    /// seconds may be missing after a loss of power.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was then.
    pub async fn record(&self, events: &[Recorded], bounds: EventBounds, now: Timestamp) -> Result<bool, StoreError> {
        let mut connection = self.events.acquire().await.map_err(|source| self.sql("written", source))?;
        let mut known = self.known.take();
        let recorded = self.record_all(&mut connection, &mut known, events, bounds, now).await;
        match &recorded {
            Ok(_) => self.known.put(known),
            // SQLite may have rolled back by itself.
            Err(_) => drop(connection.execute("ROLLBACK").await),
        }
        recorded
    }

    async fn record_all(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        events: &[Recorded],
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = |source| self.sql("written", source);
        connection.execute("BEGIN IMMEDIATE").await.map_err(sql)?;
        let totals = sqlx::query_as("SELECT bytes, (SELECT at FROM events ORDER BY id LIMIT 1) FROM event_totals");
        let (total, first): (i64, Option<i64>) = totals.fetch_one(&mut *connection).await.map_err(sql)?;
        let first = first.or_else(|| Some(events.first()?.at.as_millisecond()));
        let before = u64::try_from(total).unwrap_or_default();
        let mut total = before;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            rows.push((event, self.session_row(connection, known, event, &mut total).await?));
            total += event.bytes() as u64;
        }
        self.insert_events(connection, &rows).await?;
        let oldest = i64::try_from(bounds.age.as_millis()).unwrap_or(i64::MAX);
        let oldest = now.as_millisecond().saturating_sub(oldest);
        let mut more = false;
        if total > bounds.bytes || first.is_some_and(|first| first <= oldest) {
            let most = Most { events: events.len() + PRUNED, bytes: total.saturating_sub(before) + PRUNED_BYTES };
            more = self.prune(connection, known, &mut total, most, bounds.bytes, oldest).await?;
        }
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

    /// The row of the event's session. It is looked up only when the session is new here or was told anew.
    async fn session_row(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        recorded: &Recorded,
        total: &mut u64,
    ) -> Result<i64, StoreError> {
        let session = &recorded.session;
        if let Some(one) = known.get(session.id.as_str())
            && std::ptr::eq(one.told.as_ptr(), Arc::as_ptr(session))
        {
            return Ok(one.row);
        }
        let row = self.insert_session(connection, recorded, total).await?;
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(session.id.as_str().to_owned(), KnownRow { row, told: Arc::downgrade(session) });
        Ok(row)
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

    /// As many at once as a power of two has, so that the connection keeps ten compiled statements and not one for each number.
    async fn insert_events(
        &self,
        connection: &mut SqliteConnection,
        mut events: &[(&Recorded, i64)],
    ) -> Result<(), StoreError> {
        while let Some(power) = events.len().checked_ilog2() {
            let (these, rest) = events.split_at((1 << power).min(ROWS));
            let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; these.len()].join(", ");
            let insert = format!(
                "INSERT INTO events (at, session, bytes, effect, kind, message_id, sent, truncated, url, title, text) VALUES {rows}"
            );
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(insert));
            for (recorded, session) in these {
                let Recorded { at, session: _, event, effect } = recorded;
                insert = insert
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
                    .bind(&event.text);
            }
            insert.execute(&mut *connection).await.map_err(|source| self.sql("written", source))?;
            events = rest;
        }
        Ok(())
    }

    /// Deletes from the first on what was evaluated at `oldest` or before, or makes more than `bound`, at most `most`.
    async fn prune(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        total: &mut u64,
        most: Most,
        bound: u64,
        oldest: i64,
    ) -> Result<bool, StoreError> {
        let sql = |source| self.sql("written", source);
        let rows = sqlx::query_as("SELECT id, at, session, bytes FROM events ORDER BY id LIMIT ?");
        let rows = rows.bind(i64::try_from(most.events).unwrap_or(i64::MAX));
        let mut rows: BoxStream<'_, Result<(i64, i64, i64, i64), sqlx::Error>> = rows.fetch(&mut *connection);
        let (mut last, mut sessions) = (None, BTreeSet::new());
        let (mut deleted, mut deleted_bytes, mut full) = (0, 0, false);
        while let Some((id, at, session, bytes)) = rows.try_next().await.map_err(sql)? {
            if at > oldest && *total <= bound {
                break;
            }
            let bytes = u64::try_from(bytes).unwrap_or_default();
            deleted_bytes += bytes;
            if last.is_some() && deleted_bytes > most.bytes {
                full = true;
                break;
            }
            last = Some(id);
            deleted += 1;
            sessions.insert(session);
            *total = total.saturating_sub(bytes);
        }
        drop(rows);
        let Some(last) = last else { return Ok(false) };
        sqlx::query("DELETE FROM events WHERE id <= ?").bind(last).execute(&mut *connection).await.map_err(sql)?;
        self.forget(connection, known, total, sessions).await?;
        Ok(full || deleted == most.events)
    }

    /// Deletes those of `sessions` that have no events any more.
    async fn forget(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        total: &mut u64,
        sessions: BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let orphans = format!(
            "DELETE FROM event_sessions WHERE id IN (SELECT value FROM json_each(?))
             AND NOT EXISTS (SELECT 1 FROM events WHERE session = event_sessions.id) RETURNING session_id, {SESSION_BYTES}"
        );
        let sessions = serde_json::Value::from(Vec::from_iter(sessions)).to_string();
        let orphans = sqlx::query_as(sqlx::AssertSqlSafe(orphans)).bind(sessions).fetch_all(connection).await;
        let orphans: Vec<(String, i64)> = orphans.map_err(|source| self.sql("written", source))?;
        for (session, bytes) in orphans {
            known.remove(&session);
            *total = total.saturating_sub(u64::try_from(bytes).unwrap_or_default());
        }
        Ok(())
    }
}
