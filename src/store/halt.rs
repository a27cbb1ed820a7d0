//! The stop of everything: two kinds of journal entries, of which the newest says whether it is in force.
//!
//! There is no table of it: what keeps a stop over a restart is as hard to remove unseen as any other entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Executor as _, Row as _, SqliteConnection};

use super::journal::COMMIT;
use super::{Store, StoreError};
use crate::audit::{Entry, Head};
use crate::control::{Halt, OperatorName};
use crate::crash::{self, Point};
use crate::operator::escape::short;

const HALTED: &str = "halted";
const ENDED: &str = "halt_ended";
const CHECKPOINT: &str = "checkpoint";

#[derive(Serialize, Deserialize)]
struct Body {
    note: String,
    halt: Halt,
}

impl Store {
    /// The stop of everything that is in force.
    ///
    /// # Errors
    /// When the store cannot be read, or the entry cannot be understood.
    pub async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|source| self.sql("read", source))?;
        self.standing_halt(&mut connection).await
    }

    /// Writes down that everything is stopped. Writing the same again changes nothing.
    ///
    /// # Errors
    /// When it cannot be written; then nothing of it may be assumed.
    pub async fn halted(&self, halt: &Halt) -> Result<(), StoreError> {
        let why = halt.reason.as_deref().map(|reason| format!(": {}", short(reason))).unwrap_or_default();
        let note = format!("everything was stopped by {}{why}", short(&halt.by.0));
        let body = Body { note, halt: halt.clone() };
        self.write_halt(halt.at, HALTED, &body, |standing| standing != Some(halt)).await
    }

    /// Writes down that the stop `halt` was ended. Does nothing when that one is not in force.
    ///
    /// # Errors
    /// When it cannot be written; then nothing of it may be assumed.
    pub async fn halt_ended(&self, halt: &Halt, by: &OperatorName, at: Timestamp) -> Result<(), StoreError> {
        let note = format!("the stop of everything was ended by {}", short(&by.0));
        let body = Body { note, halt: halt.clone() };
        self.write_halt(at, ENDED, &body, |standing| standing == Some(halt)).await
    }

    /// Whether the head of the journal was ever kept elsewhere as well.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_checkpoint(&self) -> Result<bool, StoreError> {
        let any = sqlx::query("SELECT 1 FROM journal WHERE entry = ? LIMIT 1").bind(CHECKPOINT);
        let row = any.fetch_optional(&self.pool).await.map_err(|source| self.sql("read", source))?;
        Ok(row.is_some())
    }

    /// Writes down, once, that the head of the journal is kept at `place` as well, so that a missing one is noticed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keeps_checkpoint(&self, place: &str, at: Timestamp) -> Result<(), StoreError> {
        if self.has_checkpoint().await? {
            return Ok(());
        }
        let body = serde_json::json!({ "note": format!("the head of the trail is kept in {} as well", short(place)) });
        self.write_entry(at, CHECKPOINT, body.to_string(), |_| true).await
    }

    async fn write_halt(
        &self,
        at: Timestamp,
        entry: &str,
        body: &Body,
        is_news: impl Fn(Option<&Halt>) -> bool,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(body).map_err(|error| self.row(format!("record: {error}")))?;
        self.write_entry(at, entry, body, is_news).await
    }

    async fn write_entry(
        &self,
        at: Timestamp,
        entry: &str,
        body: String,
        is_news: impl Fn(Option<&Halt>) -> bool,
    ) -> Result<(), StoreError> {
        let mut hand = self.journal.take_up().await.map_err(|source| self.sql("written", source))?;
        hand.head = None;
        hand.in_transaction();
        let written = self.write_halt_entry(&mut hand.connection, at, entry, body, is_news).await;
        match written {
            Ok(()) => hand.committed(None),
            Err(_) => hand.roll_back().await,
        }
        written
    }

    async fn write_halt_entry(
        &self,
        connection: &mut SqliteConnection,
        at: Timestamp,
        entry: &str,
        body: String,
        is_news: impl Fn(Option<&Halt>) -> bool,
    ) -> Result<(), StoreError> {
        let sql = |source| self.sql("written", source);
        connection.execute("BEGIN IMMEDIATE").await.map_err(sql)?;
        if is_news(self.standing_halt(connection).await?.as_ref()) {
            let head = self.head(connection).await?;
            let (at, entry) = (at.to_string(), entry.to_owned());
            let entry = Entry { seq: head.seq + 1, at, entry, session: None, approval: None, body };
            let head = head.then(&entry);
            self.insert_entry(connection, &entry, head).await?;
        }
        crash::at(Point::HaltUncommitted);
        sqlx::query(COMMIT).fetch_one(connection).await.map_err(sql)?;
        Ok(())
    }

    /// Writes an entry that is about no approval, and the head.
    async fn insert_entry(
        &self,
        connection: &mut SqliteConnection,
        entry: &Entry,
        head: Head,
    ) -> Result<(), StoreError> {
        let sql = |source| self.sql("written", source);
        let hash = head.hash.to_string();
        sqlx::query("INSERT INTO journal (seq, at, entry, body, hash) VALUES (?, ?, ?, ?, ?)")
            .bind(entry.seq)
            .bind(&entry.at)
            .bind(&entry.entry)
            .bind(&entry.body)
            .bind(&hash)
            .execute(&mut *connection)
            .await
            .map_err(sql)?;
        let move_head = "INSERT INTO head (id, seq, hash) VALUES (1, ?, ?)
                         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
        sqlx::query(move_head).bind(head.seq).bind(&hash).execute(connection).await.map(drop).map_err(sql)
    }

    async fn standing_halt(&self, connection: &mut SqliteConnection) -> Result<Option<Halt>, StoreError> {
        let newest =
            "SELECT entry, body FROM journal WHERE entry IN ('halted', 'halt_ended') ORDER BY seq DESC LIMIT 1";
        let row = sqlx::query(newest).fetch_optional(connection).await.map_err(|source| self.sql("read", source))?;
        let Some(row) = row else { return Ok(None) };
        let entry: String = row.try_get("entry").map_err(|source| self.sql("read", source))?;
        if entry != HALTED {
            return Ok(None);
        }
        let body: String = row.try_get("body").map_err(|source| self.sql("read", source))?;
        let body: Body =
            serde_json::from_str(&body).map_err(|error| self.row(format!("stop of everything: {error}")))?;
        Ok(Some(body.halt))
    }
}
