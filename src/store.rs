//! The store: what happened and what is under way, in one SQLite file.
//!
//! State changes and their journal entry commit in one transaction (invariant 6); an outcome is a conditional update that
//! can succeed once (invariant 2). The store decides nothing and retries nothing: its caller knows what must not wait.

mod append;
mod durable;
mod events;
mod halt;
mod journal;
mod known;
mod lock;
mod noted;
mod plan;
mod pruning;
mod read;
mod recording;
mod trail;

use std::path::{Path, PathBuf};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _, SqlSafeStr as _, SqlitePool};

use crate::api::SessionId;
use crate::audit::Head;
use crate::crash::{self, Point};
use crate::gate::{Digest, Record};

pub use durable::{Cursors, Durable};
pub use events::{EventBounds, EventPage, Recorded};
pub use lock::{Lock, LockError};
pub use noted::Noted;
pub use read::{Report, Row};
pub use trail::Filter;

/// An open store. One process writes; others may read.
#[derive(Clone, Debug)]
pub struct Store {
    /// For reading.
    pool: SqlitePool,
    journal: journal::Journal,
    /// For recorded events, which do not wait for the disk. The daemon's one writer writes them and the journal in turn, so that
    /// these contend only with a stop of everything.
    events: SqlitePool,
    /// Whose rows stand, of what `events` writes.
    known: known::Known,
    path: PathBuf,
    /// Whether it was a store before it was opened here.
    was_there: bool,
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
    /// It is there, and this user cannot write it or what SQLite lays beside it.
    #[error("{path} cannot be written, and whoever keeps a store there has to be able to")]
    ReadOnly {
        /// The store's file or its directory.
        path: PathBuf,
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
    /// The file is a database of something else.
    #[error("{path} is not a store of holdpoint: it is another program's database")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The store was made by a newer version, whose schema this one does not know.
    #[error("the store {path} was made by a newer holdpoint (its schema is version {found}, this one knows {known})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The store's.
        found: i64,
        /// Ours.
        known: i64,
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

impl StoreError {
    /// Whether the failure may be that of one record, so that others could be written without it. A disk that is full, hangs
    /// or fails, and a lock, are the whole store's.
    #[must_use]
    pub fn may_be_of_one_record(&self) -> bool {
        match self {
            Self::Row { .. } => true,
            Self::Sql { source, .. } => {
                let code = source.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse().ok());
                code.is_some_and(|code: u32| OF_ONE.contains(&(code & 0xff)))
            }
            Self::Directory { .. }
            | Self::ReadOnly { .. }
            | Self::Open { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. } => false,
        }
    }
}

impl Store {
    /// Opens the store for writing and brings it to this version's schema; makes file and directory (modes 0600, 0700).
    ///
    /// # Errors
    /// When the directory cannot be made or the file cannot be opened or is not a store.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        lock::protected_directory(path)?;
        lock::private_file(path)?;
        let was_there = Self::look(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(2));
        let mut store = Self::connect(path, options.clone()).await?;
        let migrated = migrator().run(&store.pool).await;
        migrated.map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })?;
        // What is deleted is overwritten: it may be what somebody typed. What a statement needs to be undone stays in memory.
        let events = options.synchronous(SqliteSynchronous::Normal).pragma("secure_delete", "ON");
        let events = events.pragma("temp_store", "MEMORY");
        store.events = Self::pool(path, events).await?;
        store.was_there = was_there;
        let opened = store.journal.take_up().await.map(drop);
        opened.map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })?;
        crash::at(Point::StoreOpened);
        Ok(store)
    }

    /// Opens an existing store for reading only, as other processes do beside the daemon.
    ///
    /// # Errors
    /// When there is no such file, or it is not a store.
    pub async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let there = tokio::fs::metadata(path).await;
        there.map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })?;
        let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
        let store = Self::connect(path, options).await?;
        match store.identity().await? {
            Identity::Ours => Ok(store),
            Identity::Empty | Identity::Foreign => Err(StoreError::Foreign { path: path.to_owned() }),
            Identity::Newer(found) => Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION }),
        }
    }

    /// Refuses a file that is not ours, or cannot be written, before anything in it, or beside it, is changed. One that is not
    /// there, or has nothing in it, may become ours: whether it is already is the answer.
    ///
    /// # Errors
    /// When the file or its directory cannot be written, or it cannot be read, or is not a store of this version or an older one.
    pub async fn look(path: &Path) -> Result<bool, StoreError> {
        if let Err(error) = tokio::fs::metadata(path).await
            && error.kind() == std::io::ErrorKind::NotFound
        {
            return Ok(false);
        }
        lock::writable(path)?;
        let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
        let store = Self::connect(path, options).await?;
        let identity = store.identity().await;
        store.close().await;
        match identity? {
            Identity::Ours => Ok(true),
            Identity::Empty => Ok(false),
            Identity::Foreign => Err(StoreError::Foreign { path: path.to_owned() }),
            Identity::Newer(found) => Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION }),
        }
    }

    /// Whose file this is.
    async fn identity(&self) -> Result<Identity, StoreError> {
        let opened = |source| StoreError::Open { path: self.path.clone(), source: Box::new(source) };
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'")
            .fetch_one(&self.pool)
            .await
            .map_err(opened)?;
        if tables == 0 {
            return Ok(Identity::Empty);
        }
        let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&self.pool).await.map_err(opened)?;
        if id != APPLICATION_ID {
            return Ok(Identity::Foreign);
        }
        let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&self.pool)
            .await
            .map_err(opened)?;
        Ok(found.filter(|found| *found > VERSION).map_or(Identity::Ours, Identity::Newer))
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        // What a statement needs to be undone stays in memory. A slow one would be logged whole, with a row of marks for each record.
        let journal = options.clone().pragma("temp_store", "MEMORY").pragma("wal_autocheckpoint", CHECKPOINT);
        let journal = journal::Journal::new(journal.disable_statement_logging());
        let pool = Self::pool(path, options).await?;
        let (events, known) = (pool.clone(), known::Known::default());
        Ok(Self { events, known, journal, pool, path: path.to_owned(), was_there: true })
    }

    async fn pool(path: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
        SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(journal::PATIENCE)
            .connect_with(options)
            .await
            .map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the store; what was committed is on disk.
    pub async fn close(self) {
        self.events.close().await;
        self.journal.close().await;
        self.pool.close().await;
    }

    /// Keeps the store from answering until what is returned is dropped, as a slow disk would.
    #[cfg(test)]
    pub(crate) async fn hold(&self) -> impl Sized + use<> {
        let pools = [self.events.acquire().await.expect("a store"), self.pool.acquire().await.expect("a store")];
        (pools, self.journal.hold().await)
    }

    async fn head(&self, connection: &mut sqlx::SqliteConnection) -> Result<Head, StoreError> {
        let row = sqlx::query("SELECT seq, hash FROM head WHERE id = 1").fetch_optional(connection).await;
        let row = row.map_err(|source| self.sql("read", source))?;
        row.map_or(Ok(Head::EMPTY), |row| self.head_of(&row))
    }

    fn head_of(&self, row: &sqlx::sqlite::SqliteRow) -> Result<Head, StoreError> {
        let hash: String = row.try_get("hash").map_err(|source| self.sql("read", source))?;
        let hash = self.digest(hash)?;
        let seq = row.try_get("seq").map_err(|source| self.sql("read", source))?;
        Ok(Head { seq, hash })
    }

    /// A hash exactly as we write it, so that no other spelling of it passes.
    fn digest(&self, text: String) -> Result<Digest, StoreError> {
        let digest = Digest::try_from(text.clone()).map_err(|error| self.row(format!("hash: {error}")))?;
        if digest.to_string() == text { Ok(digest) } else { Err(self.row("hash: not as it was written".to_owned())) }
    }

    fn sql(&self, doing: &'static str, source: sqlx::Error) -> StoreError {
        StoreError::Sql { path: self.path.clone(), doing, source }
    }

    fn row(&self, what: String) -> StoreError {
        StoreError::Row { path: self.path.clone(), what }
    }
}

/// SQLite's primary codes for what is wrong with a value: TOOBIG, CONSTRAINT, MISMATCH, RANGE.
const OF_ONE: [u32; 4] = [18, 19, 20, 25];
/// "HOLD", as the first migration sets it.
const APPLICATION_ID: i64 = 0x484f_4c44;
/// After how many pages of 4 KiB a decision copies SQLite's log into the file, before it is answered. Recorded events do so after the
/// usual 1000, so that a decision has to where few events are recorded, and seldom.
const CHECKPOINT: &str = "4000";
/// The newest schema this version knows.
const VERSION: i64 = 4;

enum Identity {
    Ours,
    /// Nothing is in it: a new file.
    Empty,
    Foreign,
    Newer(i64),
}

fn migrator() -> Migrator {
    let first = include_str!("store/migrations/0001_first.sql").into_sql_str();
    let halts = include_str!("store/migrations/0002_halts.sql").into_sql_str();
    let events = include_str!("store/migrations/0003_events.sql").into_sql_str();
    let batches = include_str!("store/migrations/0004_event_batches.sql").into_sql_str();
    Migrator::with_migrations(vec![
        Migration::new(1, "first".into(), MigrationType::Simple, first, false),
        Migration::new(2, "halts".into(), MigrationType::Simple, halts, false),
        Migration::new(3, "events".into(), MigrationType::Simple, events, false),
        Migration::new(VERSION, "event batches".into(), MigrationType::Simple, batches, false),
    ])
}
