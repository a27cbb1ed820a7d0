//! `holdpoint audit`: is the trail whole?

use std::path::PathBuf;

use crate::config::Config;
use crate::error::{Exit, Failure};
use crate::store::{Store, StoreError};

use super::counted;
use super::run::{config_path, store_path};

/// Commands about the audit trail.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Walks the whole hash chain and compares every approval with it; works beside a running daemon
    #[command(after_help = "Example: holdpoint audit verify --config config.toml")]
    Verify {
        /// The configuration that names the store
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The store itself
        #[arg(long, value_name = "FILE", conflicts_with = "config")]
        store: Option<PathBuf>,
    },
}

/// Runs a command.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Verify { config, store } = command;
    let path = match store {
        Some(path) => path,
        None => store_named(config)?,
    };
    let failed = |error: StoreError| {
        let failure = Failure::of(Exit::Error, &error);
        match error {
            StoreError::Open { .. } | StoreError::Foreign { .. } => {
                failure.hint("name the store with --store FILE, or the configuration of the daemon with --config FILE")
            }
            StoreError::Directory { .. }
            | StoreError::Newer { .. }
            | StoreError::Sql { .. }
            | StoreError::Row { .. } => failure,
        }
    };
    let store = Store::open_to_read(&path).await.map_err(failed)?;
    let verified = store.verify().await.map_err(failed)?;
    store.close().await;
    let report = verified.map_err(|broken| {
        Failure::new(Exit::Error, format!("{}: the audit trail is broken: {broken}", path.display()))
            .hint("keep the file as it is, and compare it with a backup")
    })?;
    super::print(&format!(
        "{}: whole, {}, {}, head {}",
        path.display(),
        counted(report.entries, "entry", "entries"),
        counted(report.approvals, "approval", "approvals"),
        report.head
    ))
}

fn store_named(config: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let path = config_path(config.as_deref())?;
    let loaded = Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    store_path(&loaded.config.store)
}
