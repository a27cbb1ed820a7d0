//! Which store is looked into, and what to do where it cannot be.

use std::path::{Path, PathBuf};

use crate::audit::Broken;
use crate::config::Config;
use crate::error::{Exit, Failure};
use crate::operator::escape::short;
use crate::store::{Store, StoreError};

use super::super::run::{config_path, store_path};

/// The store of a system-wide service, whose unit says where: only the service itself is told.
const SYSTEM: &str = "/var/lib/holdpoint/holdpoint.db";

/// The arguments that every command about the trail shares.
#[derive(Debug, clap::Args)]
pub struct Trail {
    /// The configuration that names the store
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store itself
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    store: Option<PathBuf>,
}

impl Trail {
    /// The store's file.
    ///
    /// # Errors
    /// When the configuration that would name it cannot be used.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.store {
            return Ok(path.clone());
        }
        const NAMED: &str = "--store FILE looks into a store without a configuration";
        let path = config_path(self.config.as_deref()).map_err(|failure| failure.hint(NAMED))?;
        let loaded =
            Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()).hint(NAMED))?;
        let system = loaded.config.store.path.is_none() && std::env::var_os("STATE_DIRECTORY").is_none();
        if system && is_there(Path::new(SYSTEM)) {
            return Ok(SYSTEM.into());
        }
        store_path(&loaded.config.store)
    }

    /// The store, opened for reading.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(super) async fn open(&self) -> Result<Store, Failure> {
        Store::open_to_read(&self.path()?).await.map_err(|error| unreadable(&error))
    }
}

/// One in a directory that is closed to us is there as well: opening it says so better than another store would.
fn is_there(file: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    !matches!(std::fs::metadata(file).map_err(|error| error.kind()), Err(NotFound | NotADirectory))
}

/// The store cannot be read.
pub(super) fn unreadable(error: &StoreError) -> Failure {
    Failure::of(Exit::Error, error).hint(match error {
        StoreError::Open { .. } | StoreError::Foreign { .. } => {
            "name the store with --store FILE, or the configuration of the daemon with --config FILE; only root and the daemon's own user can read it"
        }
        StoreError::Newer { .. } => "look into it with the holdpoint that made it",
        StoreError::Directory { .. } | StoreError::ReadOnly { .. } | StoreError::Sql { .. } => {
            "only root and the daemon's own user can read the store; `holdpoint doctor` looks into what is wrong with it"
        }
        StoreError::Row { .. } => "keep the file as it is, and compare it with a backup",
    })
}

/// The trail is not whole.
pub(super) fn broken(store: &Store, broken: &Broken) -> Failure {
    let path = short(&store.path().to_string_lossy());
    Failure::new(Exit::Error, format!("{path}: the audit trail is broken: {broken}"))
        .hint("keep the file as it is, and compare it with a backup")
}
