//! What `run` says: how it started, what stays held at its end, and why it could not start.

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::{ApiError, SessionId};
use crate::config::{Config, KeySource};
use crate::daemon::{Held, Stays, Stopped};
use crate::error::{Exit, Failure};
use crate::operator::words;
use crate::store::{LockError, StoreError};

pub(super) fn say_started(config: &Config, store: &Path) {
    let (version, url, store) = (env!("CARGO_PKG_VERSION"), &config.provider.base_url, store.display());
    tracing::info!(
        "holdpoint {version} watches {url} with policy {:.12}, store {store}",
        config.policy.hash().to_string()
    );
}

pub(super) fn say_held(Stopped { held, halt, .. }: &Stopped) {
    for (session, held) in held {
        let stays = match held.stays {
            Stays::Paused => "stays held",
            Stays::Unconfirmed => "may go on, because no pause of it was confirmed",
            Stays::Unheld => "is not held",
        };
        match &held.waiting {
            Some((code, _)) if held.frozen => {
                let stopped = "everything is stopped, and its deadline stands still";
                tracing::warn!(%session, "session {session} {stays}: {code} waits for an answer; {stopped}");
            }
            Some((code, deadline)) => {
                tracing::warn!(%session, "session {session} {stays}: {code} waits for an answer until {deadline:.0}");
            }
            None => tracing::warn!(%session, "session {session} {stays}"),
        }
    }
    let ended = stopped(held);
    if held.is_empty() {
        tracing::info!("{ended}")
    } else {
        tracing::warn!("{ended}")
    }
    if let Some(halt) = halt {
        tracing::warn!("{}: the next start keeps to that; {}", words::stopped(halt), words::ENDS_STOP);
    }
}

/// How it ended.
pub(super) fn stopped(held: &BTreeMap<SessionId, Held>) -> String {
    let count = |stays: Stays| held.values().filter(|held| held.stays == stays).count();
    let stay = match count(Stays::Paused) {
        0 => "no session is held".to_owned(),
        1 => "1 session stays held".to_owned(),
        n => format!("{n} sessions stay held"),
    };
    let stay = match count(Stays::Unconfirmed) {
        0 => stay,
        n => format!("{stay}, {n} may go on because no pause of them was confirmed"),
    };
    let wait = match count(Stays::Unheld) {
        0 => String::new(),
        1 => "1 question waits, ".to_owned(),
        n => format!("{n} questions wait, "),
    };
    let runs = match (held.len(), held.values().any(|held| held.frozen)) {
        (0, _) => return format!("stopped; {stay}"),
        (1, false) => "its deadline goes on, and the next start takes it up",
        (1, true) => "its deadline stands still, and the next start takes it up",
        (_, false) => "their deadlines go on, and the next start takes them up",
        (_, true) => "their deadlines stand still, and the next start takes them up",
    };
    format!("stopped; {stay}, {wait}{runs}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_and_what_waits_are_counted_apart() {
        let all = |counts: [usize; 3], frozen| {
            let each = [Stays::Paused, Stays::Unconfirmed, Stays::Unheld].into_iter().zip(counts);
            let all = each.flat_map(|(stays, n)| std::iter::repeat_n(stays, n));
            let held = (0..).zip(all).map(|(n, stays): (usize, _)| {
                let session = SessionId::try_from(format!("s-{n}")).expect("an id");
                (session, Held { stays, waiting: None, frozen })
            });
            stopped(&held.collect())
        };
        let told = |paused, questions, frozen| all([paused, 0, questions], frozen);
        assert_eq!(told(0, 0, false), "stopped; no session is held");
        let one = "stopped; 1 session stays held, its deadline goes on, and the next start takes it up";
        assert_eq!(told(1, 0, false), one);
        let question =
            "stopped; no session is held, 1 question waits, its deadline stands still, and the next start takes it up";
        assert_eq!(told(0, 1, true), question);
        let several =
            "stopped; 2 sessions stay held, 3 questions wait, their deadlines go on, and the next start takes them up";
        assert_eq!(told(2, 3, false), several);
        let unconfirmed = "stopped; 1 session stays held, 4 may go on because no pause of them was confirmed, \
                           their deadlines go on, and the next start takes them up";
        assert_eq!(all([1, 4, 0], false), unconfirmed);
    }
}
