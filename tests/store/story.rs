//! What is written stands, once, whole and in order.

use std::collections::BTreeMap;
use std::future::{Future as _, poll_fn};
use std::task::Poll;

use holdpoint::api::MessageId;
use holdpoint::audit::Head;
use holdpoint::control::{Halt, OperatorName};
use holdpoint::gate::{ApprovalId, Delivery, Entry, Kept, Outcome};
use holdpoint::store::{Conflict, Cursors, Durable as _, Store, Write};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use uuid::Uuid;

use crate::approvals::{Place, at, closed, note, open, session, write};

const NO_CURSORS: Cursors = BTreeMap::new();

#[tokio::test]
async fn a_story_from_the_first_record_to_the_last() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    assert!(!store.was_there());
    assert_eq!(store.live().await.unwrap(), []);
    assert_eq!(cursors_of(&store).await, NO_CURSORS);
    assert_eq!(store.verify().await.unwrap().unwrap().head, Head::EMPTY.hash);

    // Two approvals are opened; a note belongs to none.
    let (one, two) = (open(1), open(2));
    let writes = [write(Entry::Opened, &two, 1), write(Entry::Opened, &one, 2), note("a gap", 3)];
    let cursors =
        BTreeMap::from([(session("session-1"), Some(MessageId(7))), (session("session-2"), Some(MessageId(u64::MAX)))]);
    assert_eq!(store.append(&writes, &cursors, at(3)).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(store.live().await.unwrap(), [one.clone(), two.clone()], "oldest first");

    // Cursors never go back.
    let back = BTreeMap::from([(session("session-1"), Some(MessageId(6)))]);
    assert_eq!(store.append::<Write>(&[], &back, at(4)).await.unwrap(), []);
    let kept = store.cursors().await.unwrap();
    assert_eq!(kept[&session("session-1")], MessageId(7));
    assert_eq!(kept[&session("session-2")], MessageId(i64::MAX as u64));

    // Those of sessions that are over are forgotten, while others move.
    let over = BTreeMap::from([(session("session-1"), Some(MessageId(8))), (session("session-2"), None)]);
    store.append::<Write>(&[], &over, at(5)).await.unwrap();
    assert_eq!(cursors_of(&store).await, BTreeMap::from([(session("session-1"), Some(MessageId(8)))]));

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
    assert!(store.was_there());
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
    let cursors = BTreeMap::from([(session("session-1"), Some(MessageId(9)))]);
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
    assert_eq!(cursors_of(&store).await, cursors);
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

#[tokio::test]
async fn records_of_one_approval_in_one_batch_are_judged_by_those_before_them() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let other = Store::open(&place.file).await.unwrap();
    let one = open(1);
    let approved = closed(&one, Outcome::Approved, Delivery::Applying);
    let applied = closed(&one, Outcome::Approved, Delivery::Applied);
    let mut later = approved.clone();
    later.closed.as_mut().unwrap().at = at(22);
    let batch = [
        write(Entry::Opened, &one, 1),
        write(Entry::Decided, &approved, 20),
        write(Entry::Decided, &closed(&one, Outcome::Denied, Delivery::Applying), 21),
        write(Entry::Decided, &approved, 20),
        write(Entry::Decided, &later, 22),
        write(Entry::Revised, &one, 23),
        note("after the conflicts", 24),
    ];
    let conflict = Err(Conflict { approval: one.card.approval.to_string(), outcome: "approved".to_owned() });
    let judged = [Ok(()), Ok(()), conflict.clone(), Ok(()), conflict.clone(), conflict, Ok(())];
    assert_eq!(store.append(&batch, &NO_CURSORS, at(24)).await.unwrap(), judged);
    assert_eq!(entries(&store, 0).await, ["opened", "decided", "noted"]);
    assert_eq!(store.live().await.unwrap(), std::slice::from_ref(&approved));

    // What follows it, in one batch with it and later, by this process and by another one, is what became of it.
    let (two, three) = (open(2), open(3));
    let batch = [
        write(Entry::Delivered, &applied, 25),
        write(Entry::Opened, &two, 25),
        write(Entry::Decided, &closed(&two, Outcome::Denied, Delivery::Applying), 26),
        write(Entry::Delivered, &closed(&two, Outcome::Denied, Delivery::Applied), 27),
    ];
    assert_eq!(store.append(&batch, &NO_CURSORS, at(27)).await.unwrap(), [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(store.live().await.unwrap(), []);
    assert_eq!(other.append(&[write(Entry::Opened, &three, 28)], &NO_CURSORS, at(28)).await.unwrap(), [Ok(())]);
    assert_eq!(store.live().await.unwrap(), [three]);
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 8);
}

/// Two stores stand for whatever else may write the file: one that is opened beside it, the stop of everything.
#[tokio::test]
async fn what_others_wrote_meanwhile_is_read_before_anything_is_written_upon_it() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let other = Store::open(&place.file).await.unwrap();
    let (one, two) = (open(1), open(2));
    store.append(&[write(Entry::Opened, &one, 1), write(Entry::Opened, &two, 1)], &NO_CURSORS, at(1)).await.unwrap();
    let approved = closed(&one, Outcome::Approved, Delivery::Applying);
    let denied = closed(&one, Outcome::Denied, Delivery::Applying);
    other.append(&[write(Entry::Decided, &approved, 2)], &NO_CURSORS, at(2)).await.unwrap();

    // Neither the head nor the outcome is what this one left.
    let batch = [write(Entry::Decided, &denied, 3), write(Entry::Decided, &approved, 2), note("three", 3)];
    let conflict = Conflict { approval: one.card.approval.to_string(), outcome: "approved".to_owned() };
    let cursors = BTreeMap::from([(session("session-1"), Some(MessageId(3)))]);
    assert_eq!(store.append(&batch, &cursors, at(3)).await.unwrap(), [Err(conflict.clone()), Ok(()), Ok(())]);
    assert_eq!(store.live().await.unwrap(), [approved.clone(), two.clone()]);
    assert_eq!(cursors_of(&store).await, cursors);

    // The head is, and the outcome is one that stood all the time.
    let batch = [write(Entry::Decided, &denied, 4), write(Entry::Decided, &approved, 4), note("four", 4)];
    assert_eq!(store.append(&batch, &NO_CURSORS, at(4)).await.unwrap(), [Err(conflict.clone()), Ok(()), Ok(())]);
    assert_eq!(other.append(&[write(Entry::Revised, &one, 5)], &NO_CURSORS, at(5)).await.unwrap(), [Err(conflict)]);

    // A stop of everything moves the head as well.
    let halt = Halt { by: OperatorName("ana".to_owned()), at: at(6), reason: None };
    store.halted(&halt).await.unwrap();
    let withdrawn = write(Entry::Decided, &closed(&two, Outcome::Withdrawn, Delivery::Applied), 7);
    assert_eq!(store.append(&[withdrawn], &NO_CURSORS, at(7)).await.unwrap(), [Ok(())]);
    assert_eq!(entries(&store, 2).await, ["decided", "noted", "noted", "halted", "decided"]);
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 7);
}

/// Whatever else is told of an approval whose outcome stands, to a store that knows nothing of it and to one that does.
#[tokio::test]
async fn nothing_that_is_told_of_an_approval_later_changes_its_outcome() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let one = open(1);
    let approved = closed(&one, Outcome::Approved, Delivery::Applying);
    let opened = [write(Entry::Opened, &one, 1), write(Entry::Decided, &approved, 2)];
    store.append(&opened, &NO_CURSORS, at(2)).await.unwrap();
    let conflict = Conflict { approval: one.card.approval.to_string(), outcome: "approved".to_owned() };
    for entry in [Entry::Revised, Entry::Voted, Entry::Extended, Entry::Frozen, Entry::Thawed, Entry::Noted] {
        let (back, again) = (write(entry, &one, 3), write(entry, &approved, 3));
        for writes in [[back.clone(), again.clone()], [again, back]] {
            let results = store.append(&writes, &NO_CURSORS, at(3)).await.unwrap();
            let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
            assert_eq!(refused, std::slice::from_ref(&conflict), "{entry:?}");
        }
    }
    assert_eq!(store.live().await.unwrap(), [approved]);
    store.verify().await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_gives_up_a_write_leaves_a_store_of_use() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let (one, none) = (open(1), NO_CURSORS);
    for n in 1..20 {
        let opened = [write(Entry::Opened, &one, 1), note("beside", n)];
        let mut given_up = Box::pin(store.append(&opened, &none, at(n)));
        let waits = poll_fn(|cx| Poll::Ready(given_up.as_mut().poll(cx).is_pending())).await;
        drop(given_up);
        assert!(waits, "nothing is on the disk at once");
        assert_eq!(store.append(&[note("then", n)], &NO_CURSORS, at(n)).await.unwrap(), [Ok(())]);
    }
    store.append(&[write(Entry::Opened, &one, 1)], &NO_CURSORS, at(20)).await.unwrap();
    assert_eq!(store.live().await.unwrap(), [one]);
    store.verify().await.unwrap().unwrap();
}

/// Not ours to mend, but nothing may be written upon a chain that is not there.
#[tokio::test]
async fn a_head_that_somebody_changed_is_what_is_written_upon_and_shows() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    store.append(&[note("one", 1)], &NO_CURSORS, at(1)).await.unwrap();
    let mut hand = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    let changed = format!("UPDATE head SET hash = '{}'", "0".repeat(64));
    hand.execute(sqlx::AssertSqlSafe(changed)).await.unwrap();
    assert_eq!(store.append(&[note("two", 2)], &NO_CURSORS, at(2)).await.unwrap(), [Ok(())]);
    assert_eq!(entries(&store, 0).await, ["noted", "noted"]);
    store.verify().await.unwrap().unwrap_err();
    hand.execute("DELETE FROM head").await.unwrap();
    store.append(&[note("three", 3)], &NO_CURSORS, at(3)).await.unwrap_err();
    assert_eq!(entries(&store, 0).await, ["noted", "noted"]);
}

#[tokio::test]
async fn a_batch_of_any_size_is_whole_with_its_cursors() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut entry = 0;
    for size in [1_u64, 2, 3, 63, 64, 127, 128, 129, 300] {
        let opened: Vec<Kept> = (0..size).map(|_| fresh()).collect();
        let writes: Vec<Write> = opened.iter().map(|kept| write(Entry::Opened, kept, 1)).collect();
        let cursor = |n| (session(&format!("s-{n}")), Some(MessageId(size + n)));
        let cursors: BTreeMap<_, _> = (0..size).map(cursor).collect();
        assert!(store.append(&writes, &cursors, at(1)).await.unwrap().iter().all(Result::is_ok), "{size}");
        assert_eq!(cursors_of(&store).await, cursors);
        // Each is approved, with a note before it: as many records again, and twice as many as approvals.
        let approved = |kept| closed(kept, Outcome::Approved, Delivery::Applied);
        let decided = opened.iter().flat_map(|kept| [note("so", 2), write(Entry::Decided, &approved(kept), 2)]);
        let decided: Vec<Write> = decided.collect();
        assert!(store.append(&decided, &NO_CURSORS, at(2)).await.unwrap().iter().all(Result::is_ok), "{size}");
        entry += 3 * i64::try_from(size).unwrap();
        assert_eq!(store.verify().await.unwrap().unwrap().entries, entry, "{size}");
    }
    assert_eq!(store.live().await.unwrap(), []);
}

#[tokio::test]
async fn a_record_that_is_refused_in_the_midst_of_a_batch_leaves_nothing_and_the_store_is_of_use() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    store.append(&[note("one", 1)], &NO_CURSORS, at(1)).await.unwrap();
    let refuse = "CREATE TRIGGER bad BEFORE INSERT ON approvals WHEN NEW.session_id = 'session-2'
                  BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    other.execute(refuse).await.unwrap();
    let writes: Vec<Write> = (1..=3).map(|n| write(Entry::Opened, &open(n), 2)).collect();
    let cursors = BTreeMap::from([(session("session-1"), Some(MessageId(7)))]);
    // Twice: with what is known before, and without.
    for _ in 0..2 {
        let error = store.append(&writes, &cursors, at(2)).await.unwrap_err();
        assert!(error.may_be_of_one_record(), "{error:?}");
        assert_eq!(entries(&store, 0).await, ["noted"]);
        assert_eq!(store.live().await.unwrap(), []);
        assert_eq!(cursors_of(&store).await, NO_CURSORS);
    }
    // Nothing is left open: another connection can write, and so can this one.
    other.execute("DROP TRIGGER bad").await.unwrap();
    assert_eq!(store.append(&writes, &cursors, at(2)).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(cursors_of(&store).await, cursors);
    assert_eq!(store.verify().await.unwrap().unwrap().entries, 4);
}

async fn cursors_of(store: &Store) -> Cursors {
    store.cursors().await.unwrap().into_iter().map(|(session, cursor)| (session, Some(cursor))).collect()
}

async fn entries(store: &Store, after: i64) -> Vec<String> {
    store.journal(after, 1000).await.unwrap().into_iter().map(|row| row.entry.entry).collect()
}

/// An approval that is no other one.
fn fresh() -> Kept {
    let mut kept = open(1);
    kept.card.approval = ApprovalId(Uuid::now_v7());
    kept
}

/// Whoever decided waits for each page to be written to the log.
#[tokio::test]
async fn a_decision_writes_few_pages() {
    const PAGE: u64 = 4096 + 24;
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let opened: Vec<Kept> = std::iter::repeat_with(|| {
        let mut kept = open(1);
        kept.card.approval = ApprovalId(Uuid::now_v7());
        kept
    })
    .take(40)
    .collect();
    let writes: Vec<Write> = opened.iter().map(|kept| write(Entry::Opened, kept, 1)).collect();
    store.append(&writes, &NO_CURSORS, at(1)).await.unwrap();
    let log = || std::fs::metadata(place.beside("-wal")).unwrap().len();
    let before = log();
    for kept in &opened {
        let decided = write(Entry::Decided, &closed(kept, Outcome::Approved, Delivery::Applying), 20);
        assert_eq!(store.append(&[decided], &NO_CURSORS, at(20)).await.unwrap(), [Ok(())]);
    }
    let pages = (log() - before) / PAGE;
    assert!((40 * 3..=40 * 9 / 2).contains(&pages), "{pages} pages for 40 decisions");
    assert_eq!(store.live().await.unwrap().len(), 40);
}

/// As nothing of ours leaves it: an approval without an outcome is live.
#[tokio::test]
async fn an_approval_that_somebody_marked_as_done_is_live_again_with_its_next_entry() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let one = open(1);
    store.append(&[write(Entry::Opened, &one, 1)], &NO_CURSORS, at(1)).await.unwrap();
    let mut hand = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    hand.execute("UPDATE approvals SET live = 0").await.unwrap();
    assert_eq!(store.live().await.unwrap(), []);
    let approved = closed(&one, Outcome::Approved, Delivery::Applying);
    let decided = write(Entry::Decided, &approved, 2);
    assert_eq!(store.append(&[decided], &NO_CURSORS, at(2)).await.unwrap(), [Ok(())]);
    assert_eq!(store.live().await.unwrap(), [approved]);
}
