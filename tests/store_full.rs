//! A disk without room. The limit is the process's own, so this is the only test of its file.

use std::collections::BTreeMap;

use holdpoint::api::SessionId;
use holdpoint::gate::{Entry, Record};
use holdpoint::store::{Store, Write};
use jiff::Timestamp;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

fn note(n: usize) -> Write {
    let record = Record { entry: Entry::Noted, kept: None, note: Some(format!("{n} {}", "x".repeat(2000))) };
    Write { session: SessionId::try_from("s").expect("an id"), record, at: Timestamp::UNIX_EPOCH }
}

fn room(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).expect("a limit");
}

async fn append(store: &Store, n: usize) -> bool {
    store.append(&[note(n)], &BTreeMap::new(), Timestamp::UNIX_EPOCH).await.is_ok()
}

#[tokio::test]
async fn without_room_nothing_counts_as_written_and_with_room_again_everything_does() {
    let _instead_of_being_killed = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).expect("a handler");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("holdpoint.db");
    let store = Store::open(&file).await.expect("a store");

    // Twice, because what a failure leaves behind may only show at the next one.
    let mut written = 0;
    for round in 1..=2 {
        room(Some(round * 100_000));
        while append(&store, written).await {
            written += 1;
            assert!(written < 1000, "the limit does not hold");
        }
        room(Some(0));
        assert!(!append(&store, written).await && !append(&store, written).await, "it stays impossible");
        let rows = store.journal(0, 1000).await.expect("reading goes on");
        assert_eq!(rows.len(), written);
        room(None);
        assert!(append(&store, written).await, "with room it is possible again");
        written += 1;
        // Another process sees it: it was committed, not only said to be.
        let other = Store::open_to_read(&file).await.expect("a store");
        let report = other.verify().await.expect("readable").expect("whole");
        assert_eq!(usize::try_from(report.entries), Ok(written));
        other.close().await;
    }
    store.close().await;
    let store = Store::open(&file).await.expect("a store");
    assert_eq!(usize::try_from(store.verify().await.expect("readable").expect("whole").entries), Ok(written));
}
