//! A daemon's recorded events: which store, since when, and each event once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::run::{config_path, store_path};
use crate::cli::say;
use crate::config::{Config, units};
use crate::error::{Exit, Failure};
use crate::gate::Digest;
use crate::store::{EventPage, Recorded, Store, StoreError};

/// Where a history begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    Ago(Duration),
    At(Timestamp),
}

/// Recorded events, read a page at a time.
pub(super) struct History {
    store: Store,
    since: Timestamp,
    page: EventPage,
    /// What was seen: a restart evaluates some events again.
    known: BTreeSet<Digest>,
    any: bool,
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || {
            let date: jiff::civil::Date = text.parse().ok()?;
            jiff::tz::TimeZone::system().to_timestamp(date.at(0, 0, 0, 0)).ok()
        };
        let at = || text.parse().ok().or_else(day).map(Self::At);
        let since = units::duration(text).map(Self::Ago).or_else(at);
        since.ok_or_else(|| {
            "a duration such as 2d or 90m, or a time such as 2026-11-25T08:00:00Z or 2026-11-25".to_owned()
        })
    }
}

impl Since {
    fn begins(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(time) => now.checked_sub(time).unwrap_or(Timestamp::MIN),
            Self::At(at) => at,
        }
    }
}

impl History {
    /// Opens the store for reading; works beside a running daemon.
    pub(super) async fn open(
        store: Option<&Path>,
        config: Option<&Path>,
        since: Option<Since>,
    ) -> Result<Self, Failure> {
        let path = match store {
            Some(path) => path.to_owned(),
            None => named(config)?,
        };
        let store = Store::open_to_read(&path).await.map_err(failed)?;
        let since = since.map_or(Timestamp::MIN, |since| since.begins(Timestamp::now()));
        Ok(Self { store, since, page: EventPage::default(), known: BTreeSet::new(), any: false })
    }

    /// The next events in the order in which they were evaluated; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Recorded>>, Failure> {
        let (events, page) = self.store.recorded(self.since, self.page).await.map_err(failed)?;
        self.page = page;
        if events.is_empty() {
            if !self.any {
                say("nothing is recorded from then on; [store] events in the daemon's configuration says what is kept");
            }
            return Ok(None);
        }
        self.any = true;
        Ok(Some(events.into_iter().filter(|event| is_new(&mut self.known, event)).collect()))
    }
}

/// Whether it was not seen before: by session, id, kind and text, as the daemon tells them apart.
fn is_new(known: &mut BTreeSet<Digest>, recorded: &Recorded) -> bool {
    let Recorded { session, event, .. } = recorded;
    let Some(id) = event.id else { return true };
    let name = format!("{}\n{id}\n{}\n{}", session.id, event.kind.name(), event.text);
    known.insert(Digest::of(name.as_bytes()))
}

fn named(config: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = config_path(config)?;
    let loaded = Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    store_path(&loaded.config.store)
}

fn failed(error: StoreError) -> Failure {
    let failure = Failure::of(Exit::Error, &error);
    match error {
        StoreError::Open { .. } | StoreError::Foreign { .. } => {
            failure.hint("name the daemon's store with --store FILE, or its configuration with --config FILE")
        }
        StoreError::Directory { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Newer { .. }
        | StoreError::Sql { .. }
        | StoreError::Row { .. } => failure,
    }
}
