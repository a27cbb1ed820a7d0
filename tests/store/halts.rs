//! The stop of everything in the store: it stands until it is ended, and the journal says both.

use holdpoint::control::{Halt, OperatorName};
use holdpoint::store::Store;

use crate::approvals::at;

fn halt(by: &str, second: i64) -> Halt {
    Halt { by: OperatorName(by.to_owned()), at: at(second), reason: Some("fire".to_owned()) }
}

#[tokio::test]
async fn a_stop_stands_over_a_restart_until_it_is_ended_and_each_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holdpoint.db");
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.halt().await.unwrap(), None);
    let first = halt("ops1", 1);
    store.halted(&first).await.unwrap();
    store.halted(&first).await.unwrap();
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.halt().await.unwrap(), Some(first.clone()));
    let chief = OperatorName("chief".to_owned());
    store.halt_ended(&halt("ops2", 1), &chief, at(2)).await.unwrap();
    assert_eq!(store.halt().await.unwrap(), Some(first.clone()), "another stop's end ends nothing");
    store.halt_ended(&first, &chief, at(3)).await.unwrap();
    store.halt_ended(&first, &chief, at(4)).await.unwrap();
    assert_eq!(store.halt().await.unwrap(), None);
    let entries = store.journal(0, 10).await.unwrap();
    let entries: Vec<_> = entries.iter().map(|row| (row.entry.entry.as_str(), row.entry.session.clone())).collect();
    assert_eq!(entries, [("halted", None), ("halt_ended", None)]);
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 2);
    store.close().await;
}
