//! Looking through the journal: entries about something, in pieces, beside the process that writes.
//!
//! Each piece is a read of its own, so that nobody who looks for long keeps the writer from tidying up; entries are only
//! ever added, so the pieces fit together.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{Row, Store, StoreError};
use crate::audit::Head;
use crate::gate::ApprovalId;

/// Which entries are looked for; one that is empty looks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only about this session.
    pub session: Option<String>,
    /// Only about one of these approvals.
    pub approvals: Option<Vec<ApprovalId>>,
    /// Only written at this time or later, to the second.
    pub since: Option<jiff::Timestamp>,
}

impl Store {
    /// The newest entry of the journal, as the store keeps it beside the chain.
    ///
    /// # Errors
    /// When the store cannot be read, or the head cannot be understood.
    pub async fn newest(&self) -> Result<Head, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|source| self.sql("read", source))?;
        self.head(&mut connection).await
    }

    /// The approvals that people call `name`: by id, or by code, which several may share.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approvals_called(&self, name: &str) -> Result<Vec<ApprovalId>, StoreError> {
        let rows = sqlx::query_scalar("SELECT id FROM approvals ORDER BY id").fetch_all(&self.pool).await;
        let ids: Vec<String> = rows.map_err(|source| self.sql("read", source))?;
        let is_called =
            |id: &ApprovalId| id.to_string() == name.to_lowercase() || id.code().as_str() == name.to_uppercase();
        Ok(ids.iter().filter_map(|id| id.parse().ok()).map(ApprovalId).filter(is_called).collect())
    }

    /// How many entries `filter` finds up to entry `head`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(&self, filter: &Filter, head: i64) -> Result<i64, StoreError> {
        let mut query = QueryBuilder::new("SELECT count(*) FROM journal WHERE seq <= ");
        query.push_bind(head);
        narrow(&mut query, filter);
        query.build_query_scalar().fetch_one(&self.pool).await.map_err(|source| self.sql("read", source))
    }

    /// The newest entries that `filter` finds up to entry `head`, at most `most`, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn newest_of(&self, filter: &Filter, head: i64, most: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = QueryBuilder::new("SELECT * FROM journal WHERE seq <= ");
        query.push_bind(head);
        narrow(&mut query, filter);
        query.push(" ORDER BY seq DESC LIMIT ").push_bind(most);
        let rows: Vec<SqliteRow> =
            query.build().fetch_all(&self.pool).await.map_err(|source| self.sql("read", source))?;
        rows.iter().rev().map(|row| self.journal_row(row)).collect()
    }

    /// The entry before the first one that was written at `since` or later: where reading from then on begins.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn before(&self, since: jiff::Timestamp) -> Result<i64, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT min(seq) - 1 AS before, (SELECT max(seq) FROM journal) AS all_of_them FROM journal WHERE TRUE",
        );
        narrow(&mut query, &Filter { since: Some(since), ..Filter::default() });
        let row: SqliteRow = query.build().fetch_one(&self.pool).await.map_err(|source| self.sql("read", source))?;
        let column = |name| row.try_get::<Option<i64>, _>(name).map_err(|source| self.sql("read", source));
        Ok(column("before")?.or(column("all_of_them")?).unwrap_or_default())
    }
}

fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(session) = &filter.session {
        query.push(" AND session_id = ").push_bind(session.clone());
    }
    if let Some(approvals) = &filter.approvals {
        query.push(" AND approval_id IN (");
        let mut ids = query.separated(", ");
        for id in approvals {
            ids.push_bind(id.to_string());
        }
        query.push(")");
    }
    if let Some(since) = filter.since {
        // Without its fraction and its `Z` a time sorts before every way to write a time in its second.
        query.push(" AND at >= ").push_bind(since.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    }
}
