//! `verify` finds whatever was changed behind the store's back, and names it.

use std::collections::BTreeMap;

use holdpoint::audit::Broken;
use holdpoint::gate::{Delivery, Entry, Outcome};
use holdpoint::store::Store;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};

use crate::approvals::{Place, at, closed, note, open, write};

/// Five entries about two approvals, one of them decided.
async fn store() -> Place {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let (one, two) = (open(1), open(2));
    let approved = closed(&one, Outcome::Approved, Delivery::Applied);
    let writes = [
        write(Entry::Opened, &one, 1),
        note("a gap", 2),
        write(Entry::Opened, &two, 3),
        write(Entry::Decided, &approved, 20),
        note("the end", 30),
    ];
    store.append(&writes, &BTreeMap::new(), at(30)).await.unwrap();
    store.close().await;
    place
}

async fn editor(place: &Place) -> SqliteConnection {
    SqliteConnectOptions::new().filename(&place.file).foreign_keys(false).connect().await.unwrap()
}

/// Edits as somebody who owns the file could, triggers and constraints out of the way.
async fn edit(place: &Place, sql: &str) {
    let mut editor = editor(place).await;
    let open = "DROP TRIGGER journal_never_changes; DROP TRIGGER journal_never_shrinks;";
    let edited = editor.execute(sqlx::AssertSqlSafe(format!("{open} {sql}")).into_sql_str()).await;
    let edited = edited.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert!(edited.rows_affected() > 0, "{sql} changes nothing");
    editor.close().await.unwrap();
}

async fn verify(place: &Place) -> Result<i64, Broken> {
    let store = Store::open_to_read(&place.file).await.unwrap();
    let verified = store.verify().await.unwrap();
    store.close().await;
    verified.map(|report| report.entries)
}

async fn found(sql: &str) -> Broken {
    let place = store().await;
    assert_eq!(verify(&place).await, Ok(5));
    edit(&place, sql).await;
    verify(&place).await.expect_err(sql)
}

#[tokio::test]
async fn the_journal_cannot_be_changed_or_shrunk_by_mistake() {
    let place = store().await;
    let mut editor = editor(&place).await;
    for sql in ["UPDATE journal SET at = at", "DELETE FROM journal", "DELETE FROM journal WHERE seq = 5"] {
        let error =
            editor.execute(sqlx::AssertSqlSafe(sql.to_owned()).into_sql_str()).await.expect_err(sql).to_string();
        assert!(error.contains("the journal is append-only"), "{sql}: {error}");
    }
    assert_eq!(verify(&place).await, Ok(5));
}

#[tokio::test]
async fn every_changed_field_of_every_entry_is_found() {
    let changes = [
        "at = '2026-11-23T00:00:00Z'",
        "entry = 'seen'",
        "session_id = 'another'",
        "session_id = NULL",
        "approval_id = 'another'",
        "body = '{}'",
        "body = body || ' '",
        "body = replace(body, '\"', '''')",
        "hash = (SELECT hash FROM head)",
        "hash = upper(hash)",
        "hash = ''",
    ];
    for change in changes {
        let sql = format!("UPDATE journal SET {change} WHERE seq = 3");
        assert_eq!(found(&sql).await, Broken::Hash { seq: 3 }, "{sql}");
    }
    for seq in [1, 2, 4, 5] {
        assert_eq!(found(&format!("UPDATE journal SET at = '' WHERE seq = {seq}")).await, Broken::Hash { seq });
    }
    let renumbered = found("UPDATE journal SET seq = 9 WHERE seq = 5").await;
    assert_eq!(renumbered, Broken::Sequence { expected: 5, found: 9 });
}

#[tokio::test]
async fn removed_entries_are_found_wherever_they_were() {
    assert_eq!(found("DELETE FROM journal WHERE seq = 1").await, Broken::Sequence { expected: 1, found: 2 });
    assert_eq!(found("DELETE FROM journal WHERE seq = 3").await, Broken::Sequence { expected: 3, found: 4 });
    assert_eq!(found("DELETE FROM journal WHERE seq = 5").await, Broken::Head { last: 4, head: Some(5) });
    assert_eq!(found("DELETE FROM journal").await, Broken::Head { last: 0, head: Some(5) });
    let closed_up = "DELETE FROM journal WHERE seq = 2; UPDATE journal SET seq = seq - 1 WHERE seq > 2";
    assert_eq!(found(closed_up).await, Broken::Hash { seq: 2 });
}

#[tokio::test]
async fn moved_and_inserted_entries_are_found() {
    let swapped = "UPDATE journal SET seq = -2 WHERE seq = 2; UPDATE journal SET seq = 2 WHERE seq = 3;
                   UPDATE journal SET seq = 3 WHERE seq = -2";
    assert_eq!(found(swapped).await, Broken::Hash { seq: 2 });
    let doubled = "UPDATE journal SET seq = seq + 10 WHERE seq > 2; UPDATE journal SET seq = seq - 9 WHERE seq > 2;
                   INSERT INTO journal SELECT 3, at, entry, session_id, approval_id, body, hash FROM journal WHERE seq = 2";
    assert_eq!(found(doubled).await, Broken::Hash { seq: 3 });
    let more =
        "INSERT INTO journal SELECT 6, at, entry, session_id, approval_id, body, hash FROM journal WHERE seq = 5";
    assert_eq!(found(more).await, Broken::Hash { seq: 6 });
    let before =
        "INSERT INTO journal SELECT 0, at, entry, session_id, approval_id, body, hash FROM journal WHERE seq = 1";
    assert_eq!(found(before).await, Broken::Sequence { expected: 1, found: 0 });
}

#[tokio::test]
async fn a_changed_head_is_found() {
    assert_eq!(found("UPDATE head SET seq = 4").await, Broken::Head { last: 5, head: Some(4) });
    assert_eq!(found("DELETE FROM head").await, Broken::Head { last: 5, head: Some(0) });
    assert_eq!(found("UPDATE head SET hash = 'what'").await, Broken::Head { last: 5, head: None });
    let other = found("UPDATE head SET hash = (SELECT hash FROM journal WHERE seq = 1)").await;
    assert_eq!(other, Broken::Head { last: 5, head: Some(5) });
    assert!(other.to_string().contains("its head has another hash"), "{other}");
}

#[tokio::test]
async fn changed_removed_and_added_approvals_are_found() {
    let id = open(1).card.approval.to_string();
    let cases = [
        ("UPDATE approvals SET kept = replace(kept, 'ana', 'eve') WHERE @", "its row was changed"),
        ("UPDATE approvals SET kept = kept || ' ' WHERE @", "its row was changed"),
        ("UPDATE approvals SET seq = 3 WHERE @", "its row was changed"),
        ("UPDATE approvals SET session_id = 'another' WHERE @", "its columns were changed"),
        ("UPDATE approvals SET outcome = 'denied' WHERE @", "its columns were changed"),
        ("UPDATE approvals SET outcome = NULL WHERE @", "its columns were changed"),
        ("UPDATE approvals SET delivery = 'unknown' WHERE @", "its columns were changed"),
        ("UPDATE approvals SET live = 1 WHERE @", "its columns were changed"),
        ("UPDATE approvals SET live = 2 WHERE @", "its columns were changed"),
        ("DELETE FROM approvals WHERE @", "its row is missing"),
    ];
    for (sql, why) in cases {
        let sql = sql.replace('@', &format!("id = '{id}'"));
        let broken = found(&sql).await;
        assert_eq!(broken, Broken::Approval { approval: id.clone(), why: why.to_owned() }, "{sql}");
    }
    let unknown = |approval: &str| Broken::Approval {
        approval: approval.to_owned(),
        why: "no entry made it, or it stands twice".to_owned(),
    };
    let added =
        "INSERT INTO approvals SELECT 'ffff', session_id, seq, outcome, delivery, live, kept FROM approvals LIMIT 1";
    assert_eq!(found(added).await, unknown("ffff"));
    let renamed = format!("UPDATE approvals SET id = '0' WHERE id = '{id}'");
    assert_eq!(found(&renamed).await, unknown("0"));
}

#[tokio::test]
async fn an_approval_set_back_to_an_older_state_is_found() {
    let old = "UPDATE approvals SET seq = 1, outcome = NULL, delivery = NULL, live = 1,
               kept = (SELECT json_extract(body, '$.kept') FROM journal WHERE seq = 1) WHERE outcome IS NOT NULL";
    let broken = found(old).await;
    assert!(matches!(&broken, Broken::Approval { why, .. } if why == "its row was changed"), "{broken}");
}
