//! Appending: journal, chain head and projection in one transaction.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{Executor as _, Row as _, SqliteConnection};

use super::{Conflict, Store, StoreError, Write, outcome_name};
use crate::api::{MessageId, SessionId};
use crate::audit::{Entry, Head, approval_name};
use crate::crash::{self, Point};
use crate::gate::{self, Kept};

/// What the journal keeps beside the columns.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'a serde_json::value::RawValue>,
}

impl Store {
    /// Writes `writes` in order and moves `cursors`, all or nothing, durably.
    ///
    /// The answer has one result per write: a [`Conflict`] says that this one would have changed an outcome that stands;
    /// it is left out and the others are written. The same outcome written twice is success, and stands once.
    ///
    /// # Errors
    /// When the transaction fails; then nothing of it may be assumed, and writing the same again is safe.
    pub async fn append(
        &self,
        writes: &[Write],
        cursors: &BTreeMap<SessionId, MessageId>,
        at: jiff::Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|source| self.sql("written", source))?;
        let appended = self.append_all(&mut connection, writes, cursors, at).await;
        if appended.is_err() {
            // SQLite has rolled back by itself when the disk is full; then there is nothing to roll back, which is no news.
            let _ = connection.execute("ROLLBACK").await;
        }
        appended
    }

    /// The transaction is begun and ended by hand: sqlx's own counts one that SQLite rolled back as still open, and makes
    /// what comes next a savepoint in it.
    async fn append_all(
        &self,
        connection: &mut SqliteConnection,
        writes: &[Write],
        cursors: &BTreeMap<SessionId, MessageId>,
        at: jiff::Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let sql = |source| self.sql("written", source);
        connection.execute("BEGIN IMMEDIATE").await.map_err(sql)?;
        crash::at(Point::TransactionBegun);
        let start = self.head(connection).await?;
        let mut head = start;
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            results.push(self.append_one(connection, &mut head, write).await?);
        }
        if head != start {
            self.move_head(connection, head).await?;
        }
        for (session, cursor) in cursors {
            self.move_cursor(connection, session, *cursor, at).await?;
        }
        pass(0, writes, cursors);
        connection.execute("COMMIT").await.map_err(sql)?;
        pass(1, writes, cursors);
        Ok(results)
    }

    async fn append_one(
        &self,
        connection: &mut SqliteConnection,
        head: &mut Head,
        write: &Write,
    ) -> Result<Result<(), Conflict>, StoreError> {
        if let Some(kept) = &write.record.kept {
            match self.standing(connection, kept).await? {
                Standing::Free => (),
                Standing::Same if write.record.entry == gate::Entry::Decided => return Ok(Ok(())),
                Standing::Same => (),
                Standing::Other(conflict) => return Ok(Err(conflict)),
            }
        }
        let kept = write.record.kept.as_ref().map(serde_json::value::to_raw_value).transpose();
        let kept = kept.map_err(|error| self.row(format!("record: {error}")))?;
        let body = Body { note: write.record.note.as_deref(), kept: kept.as_deref() };
        let entry = Entry {
            seq: head.seq + 1,
            at: write.at.to_string(),
            entry: write.record.entry.name().to_owned(),
            session: Some(write.session.to_string()),
            approval: write.record.kept.as_ref().map(|kept| approval_name(kept.card.approval)),
            body: serde_json::to_string(&body).map_err(|error| self.row(format!("record: {error}")))?,
        };
        *head = head.then(&entry);
        self.insert_entry(connection, &entry, *head).await?;
        crash::at(Point::EntryAlone);
        if let (Some(kept), Some(text)) = (&write.record.kept, &kept) {
            self.project(connection, entry.seq, kept, text.get()).await?;
            crash::at(Point::EntryProjected);
        }
        Ok(Ok(()))
    }

    /// Whether an outcome stands already, and whether it is the one to be written.
    async fn standing(&self, connection: &mut SqliteConnection, kept: &Kept) -> Result<Standing, StoreError> {
        let id = approval_name(kept.card.approval);
        let row = sqlx::query("SELECT outcome, kept FROM approvals WHERE id = ?").bind(&id);
        let row = row.fetch_optional(connection).await.map_err(|source| self.sql("read", source))?;
        let Some(row) = row else { return Ok(Standing::Free) };
        let outcome: Option<String> = row.try_get("outcome").map_err(|source| self.sql("read", source))?;
        let Some(outcome) = outcome else { return Ok(Standing::Free) };
        let stored: String = row.try_get("kept").map_err(|source| self.sql("read", source))?;
        // A row that cannot be read refuses this approval only, not everything else that waits to be written.
        let Ok(stored) = serde_json::from_str::<Kept>(&stored) else {
            return Ok(Standing::Other(Conflict { approval: id, outcome }));
        };
        let essence = |kept: &Kept| {
            kept.closed.as_ref().map(|closed| (closed.outcome, closed.revision, closed.by.clone(), closed.at))
        };
        if essence(&stored) == essence(kept) {
            return Ok(Standing::Same);
        }
        Ok(Standing::Other(Conflict { approval: id, outcome }))
    }

    pub(super) async fn insert_entry(
        &self,
        connection: &mut SqliteConnection,
        entry: &Entry,
        head: Head,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO journal (seq, at, entry, session_id, approval_id, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(entry.seq)
        .bind(&entry.at)
        .bind(&entry.entry)
        .bind(&entry.session)
        .bind(&entry.approval)
        .bind(&entry.body)
        .bind(head.hash.to_string())
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| self.sql("written", source))
    }

    async fn project(
        &self,
        connection: &mut SqliteConnection,
        seq: i64,
        kept: &Kept,
        text: &str,
    ) -> Result<(), StoreError> {
        let closed = kept.closed.as_ref();
        sqlx::query(
            "INSERT INTO approvals (id, session_id, seq, outcome, delivery, live, kept) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, outcome = excluded.outcome,
             delivery = excluded.delivery, live = excluded.live, kept = excluded.kept
             WHERE approvals.outcome IS NULL OR approvals.outcome = excluded.outcome",
        )
        .bind(approval_name(kept.card.approval))
        .bind(kept.card.session.as_str())
        .bind(seq)
        .bind(outcome_name(closed.map(|closed| closed.outcome)))
        .bind(closed.map(|closed| closed.delivery.name()))
        .bind(kept.is_live())
        .bind(text)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| self.sql("written", source))
    }

    pub(super) async fn move_head(&self, connection: &mut SqliteConnection, head: Head) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO head (id, seq, hash) VALUES (1, ?, ?)
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        )
        .bind(head.seq)
        .bind(head.hash.to_string())
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| self.sql("written", source))
    }

    async fn move_cursor(
        &self,
        connection: &mut SqliteConnection,
        session: &SessionId,
        cursor: MessageId,
        at: jiff::Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO cursors (session_id, message_id, at) VALUES (?, ?, ?)
             ON CONFLICT (session_id) DO UPDATE SET message_id = max(message_id, excluded.message_id), at = excluded.at",
        )
        .bind(session.as_str())
        .bind(i64::try_from(cursor.0).unwrap_or(i64::MAX))
        .bind(at.to_string())
        .execute(connection)
        .await
        .map(drop)
        .map_err(|source| self.sql("written", source))
    }
}

/// Passes the crash points of a transaction that is not committed yet (the first of each pair), or that is (the second).
fn pass(side: usize, writes: &[Write], cursors: &BTreeMap<SessionId, MessageId>) {
    for write in writes {
        let points = match write.record.entry {
            gate::Entry::Opened => [Point::OpenedUncommitted, Point::OpenedCommitted],
            gate::Entry::Revised => [Point::RevisedUncommitted, Point::RevisedCommitted],
            gate::Entry::Decided => [Point::DecidedUncommitted, Point::DecidedCommitted],
            gate::Entry::Delivered => [Point::DeliveredUncommitted, Point::DeliveredCommitted],
            gate::Entry::Voted
            | gate::Entry::Extended
            | gate::Entry::Frozen
            | gate::Entry::Thawed
            | gate::Entry::Noted => [Point::OtherUncommitted, Point::OtherCommitted],
        };
        crash::at(points[side]);
    }
    if !cursors.is_empty() {
        crash::at([Point::CursorUncommitted, Point::CursorCommitted][side]);
    }
}

enum Standing {
    Free,
    Same,
    Other(Conflict),
}
