//! Reading: what a restart goes on from, and what an auditor looks at.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError};
use crate::api::{MessageId, SessionId};
use crate::audit::{Broken, Entry, Head, Verifier};
use crate::gate::{Digest, Kept};

/// One journal row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The entry.
    pub entry: Entry,
    /// Its stored hash.
    pub hash: Digest,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many journal entries there are.
    pub entries: i64,
    /// How many approvals there are.
    pub approvals: u64,
    /// The hash of the newest entry.
    pub head: Digest,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    kept: Option<&'a serde_json::value::RawValue>,
}

impl Store {
    /// The approvals that a restart has to go on from, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn live(&self) -> Result<Vec<Kept>, StoreError> {
        self.kept("SELECT kept FROM approvals WHERE live = 1 ORDER BY id").await
    }

    /// The newest 1000 approvals that a restart has nothing to do for, newest first: what their cards show was evaluated.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn done(&self) -> Result<Vec<Kept>, StoreError> {
        self.kept("SELECT kept FROM approvals WHERE live = 0 ORDER BY id DESC LIMIT 1000").await
    }

    async fn kept(&self, query: &'static str) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query(query).fetch_all(&self.pool).await.map_err(|source| self.sql("read", source))?;
        rows.iter()
            .map(|row| {
                let text: String = self.column(row, "kept")?;
                serde_json::from_str(&text).map_err(|error| self.row(format!("approval: {error}")))
            })
            .collect()
    }

    /// How far each session's events were evaluated.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn cursors(&self) -> Result<BTreeMap<SessionId, MessageId>, StoreError> {
        let rows = sqlx::query("SELECT session_id, message_id FROM cursors").fetch_all(&self.pool).await;
        let rows = rows.map_err(|source| self.sql("read", source))?;
        rows.iter()
            .map(|row| {
                let session: String = self.column(row, "session_id")?;
                let session = SessionId::try_from(session).map_err(|error| self.row(format!("cursor: {error}")))?;
                let cursor: i64 = self.column(row, "message_id")?;
                Ok((session, MessageId(u64::try_from(cursor).unwrap_or_default())))
            })
            .collect()
    }

    /// The newest entry of the journal.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn chain_head(&self) -> Result<Head, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|source| self.sql("read", source))?;
        self.head(&mut connection).await
    }

    /// The hash of one entry of the journal; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read, or the row cannot be understood.
    pub async fn hash_at(&self, seq: i64) -> Result<Option<Digest>, StoreError> {
        let row = sqlx::query("SELECT hash FROM journal WHERE seq = ?").bind(seq);
        let row = row.fetch_optional(&self.pool).await.map_err(|source| self.sql("read", source))?;
        row.map(|row| self.digest(self.column(&row, "hash")?)).transpose()
    }

    /// Journal rows after `after`, in order, at most `most`.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn journal(&self, after: i64, most: u32) -> Result<Vec<Row>, StoreError> {
        let rows = sqlx::query("SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?").bind(after).bind(most);
        let rows = rows.fetch_all(&self.pool).await.map_err(|source| self.sql("read", source))?;
        rows.iter().map(|row| self.journal_row(row)).collect()
    }

    /// Walks the whole journal and compares every approval with it.
    ///
    /// # Errors
    /// The outer error when the store cannot be read, the inner one when it was tampered with.
    pub async fn verify(&self) -> Result<Result<Report, Broken>, StoreError> {
        // One read transaction: the daemon may go on writing meanwhile.
        let mut snapshot = self.pool.begin().await.map_err(|source| self.sql("read", source))?;
        let head = match self.head(&mut snapshot).await {
            Ok(head) => Some(head),
            Err(StoreError::Row { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut verifier = Verifier::default();
        {
            let mut rows = sqlx::query("SELECT * FROM journal ORDER BY seq").fetch(&mut *snapshot);
            while let Some(row) = rows.try_next().await.map_err(|source| self.sql("read", source))? {
                if let Err(broken) = self.verify_row(&mut verifier, &row) {
                    return Ok(Err(broken));
                }
            }
        }
        self.verify_approvals(&mut snapshot, verifier, head).await
    }

    fn verify_row(&self, verifier: &mut Verifier, row: &SqliteRow) -> Result<(), Broken> {
        let seq = row.try_get("seq").unwrap_or_default();
        let row = self.journal_row(row).map_err(|_| Broken::Hash { seq })?;
        let body: Body<'_> = serde_json::from_str(&row.entry.body).unwrap_or(Body { kept: None });
        verifier.take(&row.entry, row.hash, body.kept.map(serde_json::value::RawValue::get))
    }

    async fn verify_approvals(
        &self,
        connection: &mut sqlx::SqliteConnection,
        mut verifier: Verifier,
        head: Option<Head>,
    ) -> Result<Result<Report, Broken>, StoreError> {
        let head = match verifier.end(head) {
            Ok(head) => head,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut approvals = 0;
        let rows = sqlx::query("SELECT * FROM approvals ORDER BY id").fetch_all(connection).await;
        for row in rows.map_err(|source| self.sql("read", source))? {
            let id: String = self.column(&row, "id")?;
            let kept: String = self.column(&row, "kept")?;
            let seq = self.column(&row, "seq")?;
            let checked = verifier.approval(&id, seq, &kept).and_then(|()| self.columns_agree(&row, &id, &kept));
            if let Err(broken) = checked {
                return Ok(Err(broken));
            }
            approvals += 1;
        }
        let report = Report { entries: head.seq, approvals, head: head.hash };
        Ok(verifier.approvals_end().map(|()| report))
    }

    /// The columns beside `kept` say the same as `kept`.
    fn columns_agree(&self, row: &SqliteRow, id: &str, kept: &str) -> Result<(), Broken> {
        let broken = || Broken::Approval { approval: id.to_owned(), why: "its columns were changed".to_owned() };
        let kept: Kept = serde_json::from_str(kept).map_err(|_| broken())?;
        let closed = kept.closed.as_ref();
        let said = (
            Some(kept.card.session.to_string()),
            closed.map(|closed| closed.outcome.name().to_owned()),
            closed.map(|closed| closed.delivery.name().to_owned()),
            i64::from(kept.is_live()),
        );
        let column = |name| self.column::<Option<String>>(row, name).map_err(|_| broken());
        let live: i64 = self.column(row, "live").map_err(|_| broken())?;
        let stored = (column("session_id")?, column("outcome")?, column("delivery")?, live);
        if said == stored { Ok(()) } else { Err(broken()) }
    }

    pub(super) fn journal_row(&self, row: &SqliteRow) -> Result<Row, StoreError> {
        let hash = self.digest(self.column(row, "hash")?)?;
        let entry = Entry {
            seq: self.column(row, "seq")?,
            at: self.column(row, "at")?,
            entry: self.column(row, "entry")?,
            session: self.column(row, "session_id")?,
            approval: self.column(row, "approval_id")?,
            body: self.column(row, "body")?,
        };
        Ok(Row { entry, hash })
    }

    pub(super) fn column<'r, T>(&self, row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        row.try_get(name).map_err(|source| self.sql("read", source))
    }
}
