//! What is written stands, once, whole and in order.

use std::collections::BTreeMap;

use holdpoint::api::MessageId;
use holdpoint::audit::Head;
use holdpoint::gate::{Delivery, Entry, Outcome};
use holdpoint::store::{Conflict, Store};

use crate::approvals::{Place, at, closed, note, open, session, write};

const NO_CURSORS: BTreeMap<holdpoint::api::SessionId, MessageId> = BTreeMap::new();

#[tokio::test]
async fn a_story_from_the_first_record_to_the_last() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    assert_eq!(store.live().await.unwrap(), []);
    assert_eq!(store.cursors().await.unwrap(), NO_CURSORS);
    assert_eq!(store.verify().await.unwrap().unwrap().head, Head::EMPTY.hash);

    // Two approvals are opened; a note belongs to none.
    let (one, two) = (open(1), open(2));
    let writes = [write(Entry::Opened, &two, 1), write(Entry::Opened, &one, 2), note("a gap", 3)];
    let cursors = BTreeMap::from([(session("session-1"), MessageId(7)), (session("session-2"), MessageId(u64::MAX))]);
    assert_eq!(store.append(&writes, &cursors, at(3)).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(store.live().await.unwrap(), [one.clone(), two.clone()], "oldest first");

    // Cursors never go back.
    let back = BTreeMap::from([(session("session-1"), MessageId(6))]);
    assert_eq!(store.append(&[], &back, at(4)).await.unwrap(), []);
    let kept = store.cursors().await.unwrap();
    assert_eq!(kept[&session("session-1")], MessageId(7));
    assert_eq!(kept[&session("session-2")], MessageId(i64::MAX as u64));

    // An outcome stands; its delivery may still change.
    let approved = closed(&one, Outcome::Approved, Delivery::Applying);
    let applied = closed(&one, Outcome::Approved, Delivery::Applied);
    let decided = write(Entry::Decided, &approved, 20);
    assert_eq!(store.append(&[decided], &NO_CURSORS, at(20)).await.unwrap(), [Ok(())]);
    assert_eq!(store.live().await.unwrap(), [approved, two.clone()]);
    let delivered = write(Entry::Delivered, &applied, 21);
    assert_eq!(store.append(&[delivered], &NO_CURSORS, at(21)).await.unwrap(), [Ok(())]);
    assert_eq!(store.live().await.unwrap(), std::slice::from_ref(&two));

    // The journal says all of it, in order, and goes on after a restart.
    store.close().await;
    let store = Store::open(&place.file).await.unwrap();
    let rows = store.journal(0, 100).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.entry.seq, row.entry.entry.as_str())).collect();
    assert_eq!(told, [(1, "opened"), (2, "opened"), (3, "noted"), (4, "decided"), (5, "delivered")]);
    assert_eq!(store.journal(3, 1).await.unwrap(), rows[3..4]);
    assert_eq!(rows[2].entry.approval, None);
    assert_eq!(rows[2].entry.body, r#"{"note":"a gap"}"#);
    assert_eq!(rows[3].entry.at, at(20).to_string());
    let report = store.verify().await.unwrap().unwrap();
    assert_eq!((report.entries, report.approvals, report.head), (5, 2, rows[4].hash));
    store.append(&[note("after a restart", 30)], &NO_CURSORS, at(30)).await.unwrap();
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 6);
}

#[tokio::test]
async fn one_outcome_stands_and_another_is_a_conflict_that_leaves_the_others_in() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let (one, two) = (open(1), open(2));
    store.append(&[write(Entry::Opened, &one, 1), write(Entry::Opened, &two, 1)], &NO_CURSORS, at(1)).await.unwrap();
    let approved = write(Entry::Decided, &closed(&one, Outcome::Approved, Delivery::Applying), 20);
    store.append(std::slice::from_ref(&approved), &NO_CURSORS, at(20)).await.unwrap();

    // The same again is success, and stands once.
    assert_eq!(store.append(&[approved], &NO_CURSORS, at(20)).await.unwrap(), [Ok(())]);
    assert_eq!(store.journal(0, 100).await.unwrap().len(), 3);

    // Another outcome, another decision with the same outcome, and a return to open are conflicts.
    let denied = write(Entry::Decided, &closed(&one, Outcome::Denied, Delivery::Applying), 21);
    let mut later = closed(&one, Outcome::Approved, Delivery::Applying);
    later.closed.as_mut().unwrap().at = at(22);
    let cursors = BTreeMap::from([(session("session-1"), MessageId(9))]);
    let writes = [
        write(Entry::Decided, &closed(&two, Outcome::Expired, Delivery::Applied), 20),
        denied,
        write(Entry::Decided, &later, 22),
        write(Entry::Revised, &one, 23),
        note("after the conflicts", 24),
    ];
    let conflict = Err(Conflict { approval: one.card.approval.to_string(), outcome: "approved".to_owned() });
    let results = store.append(&writes, &cursors, at(24)).await.unwrap();
    assert_eq!(results, [Ok(()), conflict.clone(), conflict.clone(), conflict, Ok(())]);
    let told: Vec<_> = store.journal(3, 100).await.unwrap().into_iter().map(|row| row.entry.entry).collect();
    assert_eq!(told, ["decided", "noted"]);
    assert_eq!(store.cursors().await.unwrap(), cursors);
    assert_eq!(store.live().await.unwrap(), [closed(&one, Outcome::Approved, Delivery::Applying)]);
    store.verify().await.unwrap().unwrap();
}

#[tokio::test]
async fn an_approval_that_still_holds_its_session_stays_live() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut kept = closed(&open(1), Outcome::Denied, Delivery::Applied);
    kept.holding = true;
    store.append(&[write(Entry::Decided, &kept, 1)], &NO_CURSORS, at(1)).await.unwrap();
    assert_eq!(store.live().await.unwrap(), [kept.clone()]);
    kept.holding = false;
    store.append(&[write(Entry::Delivered, &kept, 2)], &NO_CURSORS, at(2)).await.unwrap();
    assert_eq!(store.live().await.unwrap(), []);
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_what_was_committed_and_can_write_nothing() {
    let place = Place::new();
    let writer = Store::open(&place.file).await.unwrap();
    writer.append(&[note("one", 1)], &NO_CURSORS, at(1)).await.unwrap();
    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(reader.verify().await.unwrap().unwrap().entries, 1);
    writer.append(&[note("two", 2)], &NO_CURSORS, at(2)).await.unwrap();
    assert_eq!(reader.verify().await.unwrap().unwrap().entries, 2);
    assert!(reader.append(&[note("three", 3)], &NO_CURSORS, at(3)).await.is_err());
    assert_eq!(writer.verify().await.unwrap().unwrap().entries, 2);
}
