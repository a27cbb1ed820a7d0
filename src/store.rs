//! The store: what happened and what is under way, in one SQLite file.
//!
//! State changes and their journal entry commit in one transaction (invariant 6); an outcome is a conditional update that
//! can succeed once (invariant 2). The store decides nothing and retries nothing: its caller knows what must not wait.

mod append;
mod lock;
mod read;

use std::path::{Path, PathBuf};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlSafeStr as _, SqlitePool};

use crate::api::SessionId;
use crate::audit::Head;
use crate::gate::{Digest, Outcome, Record};

pub use lock::{Lock, LockError};
pub use read::{Report, Row};

/// An open store. One process writes; others may read.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    path: PathBuf,
}

/// One record to be written.
#[derive(Clone, Debug)]
pub struct Write {
    /// The session it is about.
    pub session: SessionId,
    /// What happened.
    pub record: Record,
    /// When.
    pub at: jiff::Timestamp,
}

/// Why one record was not written although the others were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("approval {approval} is {outcome} already")]
pub struct Conflict {
    /// The approval.
    pub approval: String,
    /// The outcome it has.
    pub outcome: String,
}

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its directory cannot be made.
    #[error("the store's directory {dir} cannot be made or protected")]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be opened, or is no store of this version.
    #[error("the store {path} cannot be opened")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A statement failed.
    #[error("the store {path} cannot be {doing}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A row cannot be understood.
    #[error("the store {path} has a row that cannot be read ({what}); `holdpoint audit verify` tells more")]
    Row {
        /// The file.
        path: PathBuf,
        /// Which, and why.
        what: String,
    },
}

impl Store {
    /// Opens the store for writing and brings it to this version's schema; makes file and directory (modes 0600, 0700).
    ///
    /// # Errors
    /// When the directory cannot be made or the file cannot be opened or is not a store.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        lock::protected_directory(path)?;
        lock::private_file(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(2));
        let store = Self::connect(path, options).await?;
        let migrated = migrator().run(&store.pool).await;
        migrated.map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })?;
        Ok(store)
    }

    /// Opens an existing store for reading only, as other processes do beside the daemon.
    ///
    /// # Errors
    /// When there is no such file, or it is not a store.
    pub async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
        Self::connect(path, options).await
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(std::time::Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })?;
        Ok(Self { pool, path: path.to_owned() })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the store; what was committed is on disk.
    pub async fn close(self) {
        self.pool.close().await;
    }

    async fn head(&self, connection: &mut sqlx::SqliteConnection) -> Result<Head, StoreError> {
        let row = sqlx::query("SELECT seq, hash FROM head WHERE id = 1").fetch_optional(connection).await;
        let Some(row) = row.map_err(|source| self.sql("read", source))? else { return Ok(Head::EMPTY) };
        let hash: String = row.try_get("hash").map_err(|source| self.sql("read", source))?;
        let hash = Digest::try_from(hash).map_err(|error| self.row(format!("head: {error}")))?;
        let seq = row.try_get("seq").map_err(|source| self.sql("read", source))?;
        Ok(Head { seq, hash })
    }

    fn sql(&self, doing: &'static str, source: sqlx::Error) -> StoreError {
        StoreError::Sql { path: self.path.clone(), doing, source }
    }

    fn row(&self, what: String) -> StoreError {
        StoreError::Row { path: self.path.clone(), what }
    }
}

fn migrator() -> Migrator {
    let first = include_str!("store/migrations/0001_first.sql").into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, "first".into(), MigrationType::Simple, first, false)])
}

fn outcome_name(outcome: Option<Outcome>) -> Option<&'static str> {
    outcome.map(Outcome::name)
}
