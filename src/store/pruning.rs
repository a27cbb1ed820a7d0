//! Deleting of recorded events that are too old or too much, oldest batch first, and of sessions that have none left.
//!
//! A transaction deletes not much more than it writes: what is deleted is overwritten, so it costs what writing costs.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::events::EventBounds;
use super::known::Sessions;
use super::recording::Batch;
use super::{Store, StoreError};

/// How many rows of each table are deleted at once, and how many bytes of batches beside as many as are written.
const ROWS: usize = 200;
const BYTES: u64 = 512 << 10;

/// What is there, seen from its oldest end.
struct Oldest {
    /// All bytes.
    total: u64,
    /// Whether there are sessions without events.
    orphans: bool,
    batches: Vec<Old>,
}

/// A batch that may have to go.
struct Old {
    id: i64,
    first_at: i64,
    bytes: u64,
}

/// All bytes, whether there are sessions without events, and of a batch its id, first event's time and bytes.
type Looked = (i64, bool, Option<i64>, Option<i64>, Option<i64>);

impl Store {
    /// Deletes the oldest batches, as long as the first event of one is too old or all are more than the bound together with the
    /// one that comes. Whether there may be more to delete is the answer.
    pub(super) async fn prune(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        coming: Option<&Batch>,
        bounds: EventBounds,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let age = i64::try_from(bounds.age.as_millis()).unwrap_or(i64::MAX);
        let too_old = now.as_millisecond().saturating_sub(age);
        // No batch is left: only the sessions of the one that comes stay.
        let span = coming.map_or(i64::MAX, |batch| batch.span);
        let coming = coming.map_or(0, Batch::bytes);
        let (mut batches, mut bytes, mut sessions) = (0, 0, 0);
        // One at first, since sessions that go with it may be enough; twice as many each time, since there may be very many.
        let mut look = 1;
        loop {
            let oldest = self.oldest(connection, look, span).await?;
            let mut total = oldest.total + coming;
            let (mut last, mut full) = (None, sessions >= ROWS);
            for old in oldest.batches {
                if full || (old.first_at > too_old && total <= bounds.bytes) {
                    break;
                }
                full = batches >= ROWS || (batches > 0 && bytes + old.bytes > coming + BYTES);
                if !full {
                    last = Some(old.id);
                    (batches, bytes, total) = (batches + 1, bytes + old.bytes, total.saturating_sub(old.bytes));
                }
            }
            if let Some(last) = last {
                let delete = sqlx::query("DELETE FROM event_batches WHERE id <= ?").bind(last);
                delete.execute(&mut *connection).await.map_err(|source| self.sql("written", source))?;
            }
            if last.is_some() || (oldest.orphans && !full) {
                sessions += self.forget(connection, known, span).await?;
            }
            if full || (last.is_none() && !oldest.orphans) {
                return Ok(full || total > bounds.bytes);
            }
            look = (2 * look).min(ROWS);
        }
    }

    /// The `most` oldest batches and what else is to be known. A batch without rows before it is of `span`.
    async fn oldest(&self, connection: &mut SqliteConnection, most: usize, span: i64) -> Result<Oldest, StoreError> {
        // The limit is written out: one that is bound would have SQLite compile the statement again for each batch.
        let rows = format!(
            "SELECT event_totals.bytes, EXISTS (
                 SELECT 1 FROM event_sessions WHERE span < ifnull((SELECT span FROM event_batches ORDER BY id LIMIT 1), ?)
             ), old.id, old.first_at, old.bytes
             FROM event_totals LEFT JOIN (SELECT id, first_at, bytes FROM event_batches ORDER BY id LIMIT {most}) AS old
             ORDER BY old.id"
        );
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(rows)).bind(span).fetch_all(connection).await;
        let rows: Vec<Looked> = rows.map_err(|source| self.sql("read", source))?;
        let positive = |number: i64| u64::try_from(number).unwrap_or_default();
        let first = rows.first().map(|row| (positive(row.0), row.1));
        let (total, orphans) = first.ok_or_else(|| self.row("event_totals: it has none".to_owned()))?;
        let batches = rows.into_iter().filter_map(|(_, _, id, first_at, bytes)| {
            Some(Old { id: id?, first_at: first_at?, bytes: positive(bytes?) })
        });
        Ok(Oldest { total, orphans, batches: batches.collect() })
    }

    /// Deletes sessions that have no events any more, and says how many.
    async fn forget(
        &self,
        connection: &mut SqliteConnection,
        known: &mut Sessions,
        span: i64,
    ) -> Result<usize, StoreError> {
        let orphans = format!(
            "DELETE FROM event_sessions WHERE id IN (
                 SELECT id FROM event_sessions
                 WHERE span < ifnull((SELECT span FROM event_batches ORDER BY id LIMIT 1), ?) ORDER BY span LIMIT {ROWS}
             ) RETURNING id"
        );
        let orphans = sqlx::query_scalar(sqlx::AssertSqlSafe(orphans)).bind(span).fetch_all(connection).await;
        let orphans: Vec<i64> = orphans.map_err(|source| self.sql("written", source))?;
        orphans.iter().for_each(|row| known.forget(*row));
        Ok(orphans.len())
    }
}
