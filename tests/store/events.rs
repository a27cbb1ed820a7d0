//! Recorded events: read as they were written, bounded by age and size, and no part of what is audited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdpoint::api::{Event, EventKind, MessageId};
use holdpoint::policy::{Effect, SessionInfo};
use holdpoint::store::{EventBounds, EventPage, Recorded, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::approvals::{Place, at, note, session};

const WIDE: EventBounds = EventBounds { age: Duration::from_secs(3_600), bytes: 1 << 20 };

fn event(name: &str, n: u64, second: i64, text: &str) -> Recorded {
    let info =
        SessionInfo { id: session(name), agent: Some("agi-0".to_owned()), goal: Some("buy \u{202e}tea".to_owned()) };
    let event = Event {
        id: Some(MessageId(n)),
        kind: EventKind::Unknown("Tool_Use".to_owned()),
        text: text.to_owned(),
        at: Some(at(second - 1)),
        url: Some("https://shop.example".to_owned()),
        title: None,
        truncated: n.is_multiple_of(2),
    };
    Recorded { at: at(second), session: Arc::new(info), event, effect: Effect::Ask }
}

async fn all(store: &Store, since: i64) -> Vec<Recorded> {
    let (mut all, mut page) = (Vec::new(), EventPage::default());
    loop {
        let (events, next) = store.recorded(at(since), page).await.unwrap();
        if events.is_empty() {
            return all;
        }
        all.extend(events);
        page = next;
    }
}

/// The ids of what is there.
async fn ids(store: &Store) -> Vec<u64> {
    all(store, -100_000).await.iter().filter_map(|one| Some(one.event.id?.0)).collect()
}

#[tokio::test]
async fn events_are_read_as_they_were_written_in_order_and_since_a_time_beside_who_writes() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let events: Vec<_> = (1..1_200).map(|n| event(if n % 3 == 0 { "a" } else { "b" }, n, n as i64, "x")).collect();
    assert!(!store.record(&events, WIDE, at(1_200)).await.unwrap());
    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(all(&reader, 0).await, events);
    assert_eq!(all(&reader, 1_198).await, events[1_197..]);
    reader.close().await;
}

#[tokio::test]
async fn what_is_too_old_is_deleted_a_bounded_number_at_a_time() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let events: Vec<_> = (1..=300).map(|n| event("a", n, 0, "a secret")).collect();
    store.record(&events, WIDE, at(0)).await.unwrap();
    assert!(store.record(&[event("b", 301, 3_700, "y")], WIDE, at(3_700)).await.unwrap(), "there is more to delete");
    assert_eq!(ids(&store).await, Vec::from_iter(202..=301));
    assert!(!store.record(&[], WIDE, at(3_700)).await.unwrap());
    assert_eq!(ids(&store).await, [301]);
    assert!(!store.record(&[], EventBounds { age: Duration::ZERO, bytes: 0 }, at(3_700)).await.unwrap());
    assert_eq!(ids(&store).await, Vec::<u64>::new());
    store.close().await;
    let bytes = std::fs::read(&place.file).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"secret"), "what is deleted is overwritten");
}

#[tokio::test]
async fn the_oldest_go_when_all_are_too_much_together() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let one = event("a", 1, 0, &"x".repeat(1_000));
    let bounds = EventBounds { bytes: (3 * one.bytes() + one.session_bytes()) as u64, ..WIDE };
    for n in 1..=10 {
        store.record(&[event("a", n, n as i64, &"x".repeat(1_000))], bounds, at(10)).await.unwrap();
    }
    assert_eq!(ids(&store).await, [8, 9, 10]);
}

#[tokio::test]
async fn goals_count_once_for_a_session_and_are_bounded_with_the_events() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let goal = |name: &str, n: u64| {
        let one = event(name, n, n as i64, "x");
        let info = SessionInfo { goal: Some("\u{e9}".repeat(5_000)), ..(*one.session).clone() };
        Recorded { session: Arc::new(info), ..one }
    };
    let (event, session) = (goal("s1", 1).bytes() as u64, goal("s1", 1).session_bytes() as u64);
    let bounds = EventBounds { bytes: 3 * (event + session), ..WIDE };
    for n in 1..=20 {
        store.record(&[goal("s1", n)], bounds, at(20)).await.unwrap();
    }
    assert_eq!(ids(&store).await.len(), 20, "the goal counts once");
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    for n in 2..=9 {
        store.record(&[goal(&format!("s{n}"), 100 + n)], bounds, at(20)).await.unwrap();
        let sizes = "SELECT (SELECT sum(bytes) FROM events) + (SELECT sum(100 + length(session_id) + length(agent)
                     + length(CAST(goal AS BLOB))) FROM event_sessions), bytes FROM event_totals";
        let (real, told): (i64, i64) = sqlx::query_as(sizes).fetch_one(&mut other).await.unwrap();
        assert_eq!(real, told);
        assert!(real as u64 <= bounds.bytes, "{real}");
    }
    let last = ids(&store).await;
    assert_eq!(last.last(), Some(&109));
}

/// A session's row is known by whoever wrote it, and that must not outlive the row.
#[tokio::test]
async fn a_session_whose_row_went_or_was_never_committed_is_written_again() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    let first = event("a", 1, 0, "x");
    let again = |n: u64, second: i64| Recorded { session: first.session.clone(), ..event("a", n, second, "x") };
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no room'); END";
    other.execute(trigger).await.unwrap();
    store.record(std::slice::from_ref(&first), WIDE, at(0)).await.unwrap_err();
    other.execute("DROP TRIGGER full").await.unwrap();
    store.record(std::slice::from_ref(&first), WIDE, at(0)).await.unwrap();
    store.record(&[again(2, 1)], WIDE, at(1)).await.unwrap();
    assert_eq!(all(&store, 0).await, [first.clone(), again(2, 1)]);
    store.record(&[], WIDE, at(4_000)).await.unwrap();
    assert_eq!(ids(&store).await, Vec::<u64>::new());
    store.record(&[again(3, 4_000)], WIDE, at(4_000)).await.unwrap();
    assert_eq!(all(&store, 0).await, [again(3, 4_000)]);
    let told: i64 = sqlx::query_scalar("SELECT bytes FROM event_totals").fetch_one(&mut other).await.unwrap();
    assert_eq!(told as usize, first.bytes() + first.session_bytes());
}

/// What a session is called may be learnt after its first events.
#[tokio::test]
async fn a_session_that_is_told_anew_is_known_by_what_was_told_last() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let one = event("a", 1, 0, "x");
    let told = |goal: Option<String>| Recorded {
        session: Arc::new(SessionInfo { goal, ..(*one.session).clone() }),
        ..one.clone()
    };
    let (long, none) = (told(Some("g".repeat(5_000))), told(None));
    store.record(std::slice::from_ref(&long), WIDE, at(0)).await.unwrap();
    store.record(&[long.clone(), none.clone()], WIDE, at(0)).await.unwrap();
    assert_eq!(all(&store, 0).await, vec![none.clone(); 3]);
    store.record(std::slice::from_ref(&long), WIDE, at(0)).await.unwrap();
    assert_eq!(all(&store, 0).await, vec![long.clone(); 4]);
    // What it is told as last is shorter than what is written with it, and the first events are too old.
    assert!(!store.record(std::slice::from_ref(&none), WIDE, at(4_000)).await.unwrap());
    assert_eq!(all(&store, 0).await, []);
}

#[tokio::test]
async fn sessions_without_events_are_forgotten_and_the_trail_knows_nothing_of_any() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    store.append(&[note("so that there is a trail", 1)], &BTreeMap::new(), at(1)).await.unwrap();
    store.record(&[event("gone", 1, 0, "x"), event("here", 2, 4_000, "x")], WIDE, at(4_000)).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    let known: Vec<String> =
        sqlx::query_scalar("SELECT session_id FROM event_sessions").fetch_all(&mut other).await.unwrap();
    assert_eq!(known, ["here"]);
    other.execute("UPDATE events SET text = 'something else'").await.unwrap();
    other.close().await.unwrap();
    assert!(store.verify().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_store_of_an_older_version_has_no_events_until_it_is_opened() {
    let place = Place::new();
    Store::open(&place.file).await.unwrap().close().await;
    let mut other = SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap();
    for table in ["events", "event_sessions", "event_totals"] {
        other.execute(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).await.unwrap();
    }
    other.execute("DELETE FROM _sqlx_migrations WHERE version = 3").await.unwrap();
    other.close().await.unwrap();
    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(ids(&reader).await, Vec::<u64>::new());
    reader.close().await;
    let store = Store::open(&place.file).await.unwrap();
    store.record(&[event("a", 1, 0, "x")], WIDE, at(0)).await.unwrap();
    assert_eq!(ids(&store).await, [1]);
}
