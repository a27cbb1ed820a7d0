//! What a store makes, what it refuses to open, and who may have it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use holdpoint::store::{Lock, LockError, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::approvals::{Place, at, note};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}\n")).collect()
}

#[tokio::test]
async fn what_it_makes_is_closed_to_others() {
    let place = Place::new();
    let _lock = Lock::take(&place.file).unwrap();
    let store = Store::open(&place.file).await.unwrap();
    store.append(&[note("so that there is a log", 1)], &BTreeMap::new(), at(1)).await.unwrap();
    assert_eq!(mode(place.file.parent().unwrap()), 0o700);
    for end in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&place.beside(end)), 0o600, "{end}");
    }
    store.close().await;
    assert!(!place.beside("-wal").exists(), "closing leaves one file");
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_was() {
    let place = Place::new();
    std::fs::create_dir(place.file.parent().unwrap()).unwrap();

    let bytes: Vec<u8> = (0..8192_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    std::fs::write(&place.file, &bytes).unwrap();
    for error in [Store::open(&place.file).await.unwrap_err(), Store::open_to_read(&place.file).await.unwrap_err()] {
        let text = told(&error);
        assert!(text.contains("holdpoint.db cannot be opened") && text.contains("not a database"), "{text}");
    }
    assert_eq!(std::fs::read(&place.file).unwrap(), bytes);

    std::fs::remove_file(&place.file).unwrap();
    let options = SqliteConnectOptions::new().filename(&place.file).create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    other.execute("CREATE TABLE bookmarks (url TEXT)").await.unwrap();
    other.close().await.unwrap();
    let bytes = std::fs::read(&place.file).unwrap();
    for error in [Store::open(&place.file).await.unwrap_err(), Store::open_to_read(&place.file).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    }
    assert_eq!(std::fs::read(&place.file).unwrap(), bytes);

    let folder = place.folder.path();
    assert!(matches!(Store::open(folder).await.unwrap_err(), StoreError::Open { .. }));
    assert!(matches!(Store::open_to_read(folder).await.unwrap_err(), StoreError::Open { .. }));
}

#[tokio::test]
async fn a_reader_makes_nothing() {
    let place = Place::new();
    assert!(matches!(Store::open_to_read(&place.file).await.unwrap_err(), StoreError::Open { .. }));
    assert!(!place.file.parent().unwrap().exists());
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let place = Place::new();
    Store::open(&place.file).await.unwrap().close().await;
    let mut editor = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (7, 'seventh', 1, x'00', 0)";
    editor.execute(newer).await.unwrap();
    editor.close().await.unwrap();
    for error in [Store::open(&place.file).await.unwrap_err(), Store::open_to_read(&place.file).await.unwrap_err()] {
        assert!(error.to_string().contains("made by a newer holdpoint (its schema is version 7, this one knows 4)"));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said() {
    let place = Place::new();
    std::fs::write(place.folder.path().join("state"), "a file, not a folder").unwrap();
    let error = Store::open(&place.file).await.unwrap_err();
    assert!(told(&error).contains("directory") && matches!(error, StoreError::Directory { .. }), "{error:?}");
    assert!(matches!(Lock::take(&place.file), Err(LockError::File { .. })));
    // Not even root can make a folder here.
    let nowhere = Store::open(Path::new("/proc/holdpoint/holdpoint.db")).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::Directory { .. }), "{nowhere:?}");
}

#[tokio::test]
async fn a_store_that_another_program_locks_fails_and_works_again_when_it_lets_go() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = store.append(&[note("one", 1)], &BTreeMap::new(), at(1)).await.unwrap_err();
    assert!(told(&error).contains("cannot be written\n") && told(&error).contains("database is locked"), "{error:?}");
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 0, "reading goes on");
    other.execute("ROLLBACK").await.unwrap();
    store.append(&[note("one", 1)], &BTreeMap::new(), at(1)).await.unwrap();
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 1);
}

#[test]
fn a_second_taker_of_the_lock_is_refused_until_the_first_lets_go() {
    let place = Place::new();
    let lock = Lock::take(&place.file).unwrap();
    let error = Lock::take(&place.file).unwrap_err();
    assert!(
        matches!(&error, LockError::Held { store, pid } if *store == place.file && *pid == Some(std::process::id())),
        "{error:?}"
    );
    drop(lock);
    drop(Lock::take(&place.file).unwrap());
    assert!(place.beside(".lock").exists(), "the file stays, so that nobody can lock one that was removed");
    Lock::take(&place.file).unwrap();
}
