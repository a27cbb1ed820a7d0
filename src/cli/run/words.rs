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
            Some((code, deadline)) => {
                tracing::warn!(%session, "session {session} stays held: {code} waits for an answer until {deadline:.0}");
            }
            None => tracing::warn!(%session, "session {session} stays held"),
        }
    }
    match held.len() {
        0 => tracing::info!("{}", stopped(0)),
        n => tracing::warn!("{}", stopped(n)),
    }
}

/// How it ended.
pub(super) fn stopped(held: usize) -> String {
    match held {
        0 => "stopped; no session is held".to_owned(),
        1 => "stopped; 1 session stays held, its deadline goes on, and the next start takes it up".to_owned(),
        n => format!("stopped; {n} sessions stay held, their deadlines go on, and the next start takes them up"),
    }
}

pub(super) fn not_opened(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Directory { .. } => "put the store where this user can write, with [store] path",
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

pub(super) fn unreadable(error: StoreError) -> Failure {
    Failure::of(Exit::Error, &error).hint("`holdpoint audit verify` tells what is wrong with the store")
}

pub(super) fn refused(error: &ApiError, key: &KeySource) -> Failure {
    Failure::new(Exit::Unavailable, format!("the provider does not accept the API key: {error}"))
        .hint(format!("check the key in {key}, and that provider.base_url is the API that it is for"))
}
