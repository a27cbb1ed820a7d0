//! What `run` says: how it started, what stays held at its end, and why it could not start.

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::{ApiError, SessionId};
use crate::config::{Config, KeySource};
use crate::daemon::Held;
use crate::error::{Exit, Failure};
use crate::store::{LockError, StoreError};

pub(super) fn say_started(config: &Config, store: &Path) {
    let (version, url, store) = (env!("CARGO_PKG_VERSION"), &config.provider.base_url, store.display());
    tracing::info!(
        "holdpoint {version} watches {url} with policy {:.12}, store {store}",
        config.policy.hash().to_string()
    );
}

pub(super) fn say_held(held: &BTreeMap<SessionId, Held>) {
    for (session, held) in held {
        match &held.waiting {
            Some((code, _)) if held.frozen => {
                let stopped = "everything is stopped, and its deadline stands still";
                tracing::warn!(%session, "session {session} stays held: {code} waits for an answer; {stopped}");
            }
            Some((code, deadline)) => {
                tracing::warn!(%session, "session {session} stays held: {code} waits for an answer until {deadline:.0}");
            }
            None => tracing::warn!(%session, "session {session} stays held"),
        }
    }
    let ended = stopped(held);
    if held.is_empty() { tracing::info!("{ended}") } else { tracing::warn!("{ended}") }
}

/// How it ended.
pub(super) fn stopped(held: &BTreeMap<SessionId, Held>) -> String {
    let frozen = held.values().any(|held| held.frozen);
    match (held.len(), frozen) {
        (0, _) => "stopped; no session is held".to_owned(),
        (1, false) => "stopped; 1 session stays held, its deadline goes on, and the next start takes it up".to_owned(),
        (n, false) => {
            format!("stopped; {n} sessions stay held, their deadlines go on, and the next start takes them up")
        }
        (1, true) => {
            "stopped; 1 session stays held, its deadline stands still, and the next start takes it up".to_owned()
        }
        (n, true) => {
            format!("stopped; {n} sessions stay held, their deadlines stand still, and the next start takes them up")
        }
    }
}

pub(super) fn not_opened(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Directory { .. } => "put the store where this user can write, with [store] path",
        StoreError::ReadOnly { .. } => {
            "`ls -ld` shows whose it is; make it writable for this user, or name another place with [store] path"
        }
        StoreError::Open { .. } | StoreError::Foreign { .. } => {
            "[store] path names the file; nothing in it was changed"
        }
        StoreError::Newer { .. } => "start the holdpoint that made it, or name another store with [store] path",
        StoreError::Sql { .. } | StoreError::Row { .. } => {
            "`holdpoint audit verify` tells what is wrong with the store"
        }
    };
    Failure::of(Exit::Error, &error).hint(hint)
}

pub(super) fn locked(error: LockError) -> Failure {
    match error {
        LockError::Held { .. } => Failure::of(Exit::Locked, &error)
            .hint("stop the other one (what it holds stays held, the next start takes it up), or give this one a store of its own with [store] path"),
        LockError::File { .. } => {
            Failure::of(Exit::Error, &error).hint("put the store where this user can write, with [store] path")
        }
    }
}

/// The end of a daemon whose store has not all that happened.
pub(super) fn unfinished() -> Failure {
    Failure::new(Exit::Error, "the store was not written to its end; the log above says what is missing")
        .hint("`holdpoint doctor` looks at the store; the next start asks the provider how the sessions stand")
}

pub(super) fn unreadable(error: StoreError) -> Failure {
    Failure::of(Exit::Error, &error).hint("`holdpoint audit verify` tells what is wrong with the store")
}

pub(super) fn refused(error: &ApiError, key: &KeySource) -> Failure {
    Failure::new(Exit::Unavailable, format!("the provider does not accept the API key: {error}"))
        .hint(format!("check the key in {key}, and that provider.base_url is the API that it is for"))
}
