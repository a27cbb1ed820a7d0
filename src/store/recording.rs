//! Writing of recorded events: over a connection of its own that does not wait for the disk, and bounded in all it does.
//!
//! A batch is one row, and its transaction few statements, because each is a round trip to the thread that has the connection.
//! What is too old or too much is deleted on the way (`pruning`). Nothing here touches the chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Executor as _, SqliteConnection};

use super::events::EventBounds;
use super::known::Sessions;
use super::noted::Noted;
use super::{Store, StoreError};
use crate::crash::{self, Point};
use crate::policy::SessionInfo;

/// How many sessions one statement writes; SQLite takes 32 766 values.
const ROWS: usize = 512;
/// What a row counts for beside its texts, as the schema has it.
const ROW: usize = 100;

/// Events that become one row.
pub(super) struct Batch {
    pub(super) span: i64,
    first_at: i64,
    last_at: i64,
    events: usize,
    body: String,
}

impl Store {
    /// Writes `events` as one batch, and deletes the oldest batches that are beyond the bounds: at most 200, and half a MiB
    /// more than it writes, or one that is larger. Whether there may be more to delete is the answer. What is written is not
    /// waited for: the last seconds may be missing after a loss of power.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was then.
    pub async fn record(&self, events: &[Noted], bounds: EventBounds, now: Timestamp) -> Result<bool, StoreError> {
        let mut connection = self.events.acquire().await.map_err(|source| self.sql("written", source))?;
        let mut known = self.known.take();
        known.tidy(events.is_empty());
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
        events: &[Noted],
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = |source| self.sql("written", source);
        connection.execute("BEGIN IMMEDIATE").await.map_err(sql)?;
        let batch = match events {
            [] => None,
            events => Some(self.batch(connection, known, events, bounds, now).await?),
        };
        // Before the batch comes, so that it is written where that was and the file's pages are written once.
        let more = self.prune(connection, known, batch.as_ref(), bounds, now).await?;
        if let Some(batch) = batch {
            self.insert_batch(connection, batch).await?;
        }
        crash::at(Point::EventsUncommitted);
        connection.execute("COMMIT").await.map_err(sql)?;
        crash::at(Point::EventsCommitted);
        Ok(more)
    }

    /// Puts the lines together. They were made where the events were judged; here they are copied, which a decision that waits
    /// does not feel: 64 KiB take some 20 µs.
    async fn batch(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        events: &[Noted],
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<Batch, StoreError> {
        let span = match known.span(bounds, now) {
            Some(span) => span,
            None => {
                let next = sqlx::query_scalar("SELECT ifnull(max(span), 0) + 1 FROM event_sessions");
                let next = next.fetch_one(&mut *connection).await.map_err(|source| self.sql("written", source))?;
                known.begin(next, now)
            }
        };
        let rows: Vec<Option<i64>> = events.iter().map(|event| known.standing(&event.session, span)).collect();
        let new = events.iter().zip(&rows).filter(|(_, row)| row.is_none());
        let new = self.insert_sessions(connection, known, new.map(|(event, _)| &event.session), span).await?;
        let mut body = String::with_capacity(events.iter().map(Noted::bytes).sum());
        for (event, row) in events.iter().zip(rows) {
            let row = row.or_else(|| new.get(event.session.id.as_str()).copied());
            let row = row.ok_or_else(|| self.row("event_sessions: none was written".to_owned()))?;
            event.write(row, &mut body);
        }
        let at = || events.iter().map(|event| event.at);
        let (first_at, last_at) = (at().min().unwrap_or_default(), at().max().unwrap_or_default());
        Ok(Batch { span, first_at, last_at, events: events.len(), body })
    }

    /// Writes the rows of sessions that are new to this process or this span, or were told anew. As many at once as a power of
    /// two has, so that the connection keeps ten compiled statements and not one for each number. Gives the rows by id.
    async fn insert_sessions<'a>(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        sessions: impl Iterator<Item = &'a Arc<SessionInfo>>,
        span: i64,
    ) -> Result<BTreeMap<&'a str, i64>, StoreError> {
        // By id: what was told last counts.
        let sessions: BTreeMap<&str, &Arc<SessionInfo>> =
            sessions.map(|session| (session.id.as_str(), session)).collect();
        let all: Vec<&Arc<SessionInfo>> = sessions.values().copied().collect();
        let (mut left, mut rows_of) = (all.as_slice(), BTreeMap::new());
        while let Some(power) = left.len().checked_ilog2() {
            let (these, rest) = left.split_at((1 << power).min(ROWS));
            let rows = vec!["(?, ?, ?, ?)"; these.len()].join(", ");
            let insert = format!(
                "INSERT INTO event_sessions (session_id, agent, goal, span) VALUES {rows} ON CONFLICT (session_id)
                 DO UPDATE SET agent = excluded.agent, goal = excluded.goal, span = excluded.span RETURNING session_id, id, bytes"
            );
            let mut insert = sqlx::query_as(sqlx::AssertSqlSafe(insert));
            for session in these {
                insert = insert.bind(session.id.as_str()).bind(&session.agent).bind(&session.goal).bind(span);
            }
            let written = insert.fetch_all(&mut *connection).await;
            let written: Vec<(String, i64, i64)> = written.map_err(|source| self.sql("written", source))?;
            for (id, row, bytes) in written {
                if let Some(session) = sessions.get(id.as_str()) {
                    known.learn(session, row, u64::try_from(bytes).unwrap_or_default(), span);
                    rows_of.insert(session.id.as_str(), row);
                }
            }
            left = rest;
        }
        Ok(rows_of)
    }

    async fn insert_batch(&self, connection: &mut SqliteConnection, batch: Batch) -> Result<(), StoreError> {
        let Batch { span, first_at, last_at, events, body } = batch;
        sqlx::query("INSERT INTO event_batches (span, first_at, last_at, events, body) VALUES (?, ?, ?, ?, ?)")
            .bind(span)
            .bind(first_at)
            .bind(last_at)
            .bind(i64::try_from(events).unwrap_or(i64::MAX))
            .bind(body)
            .execute(connection)
            .await
            .map_err(|source| self.sql("written", source))?;
        Ok(())
    }
}

impl Batch {
    /// What it counts for.
    pub(super) fn bytes(&self) -> u64 {
        (ROW + self.body.len()) as u64
    }
}
