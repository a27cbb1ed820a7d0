//! Recorded events: read as they were written, bounded by age and size, and no part of what is audited.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdpoint::api::{Event, EventKind, MessageId};
use holdpoint::policy::{Effect, SessionInfo};
use holdpoint::store::{EventBounds, EventPage, Noted, Recorded, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};

use crate::approvals::{Place, at, note, session};

const WIDE: EventBounds = EventBounds { age: Duration::from_secs(3_600), bytes: 1 << 20 };
const NOTHING: EventBounds = EventBounds { age: Duration::ZERO, bytes: 0 };

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

/// Writes them as one batch; whether there is more to delete.
async fn record(store: &Store, events: &[Recorded], bounds: EventBounds, now: i64) -> Result<bool, StoreError> {
    let noted = |one: &Recorded| Noted::of(one.at, one.session.clone(), &one.event, one.effect).expect("a line");
    let events: Vec<Noted> = events.iter().map(noted).collect();
    store.record(&events, bounds, at(now)).await
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

/// A hand of somebody else in the store's file.
async fn hand(place: &Place) -> SqliteConnection {
    SqliteConnectOptions::new().filename(&place.file).connect().await.unwrap()
}

/// The sessions that have a row.
async fn sessions(hand: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT session_id FROM event_sessions ORDER BY id").fetch_all(hand).await.unwrap()
}

/// What there is counts for, told from the texts themselves, and the total that is kept.
async fn sizes(hand: &mut SqliteConnection) -> (i64, i64) {
    let sizes = "SELECT (SELECT ifnull(sum(100 + length(CAST(body AS BLOB))), 0) FROM event_batches)
                 + (SELECT ifnull(sum(100 + length(session_id) + length(agent) + length(CAST(ifnull(goal, '') AS BLOB))), 0)
                    FROM event_sessions), bytes FROM event_totals";
    sqlx::query_as(sizes).fetch_one(hand).await.unwrap()
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
    for batch in events.chunks(256) {
        assert!(!record(&store, batch, WIDE, 1_200).await.unwrap());
    }
    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(all(&reader, 0).await, events);
    assert_eq!(all(&reader, 1_198).await, events[1_197..]);

    let (first, page) = reader.recorded(at(0), EventPage::default()).await.unwrap();
    let later = event("c", 2_000, 5_000, "what comes while somebody reads");
    record(&store, std::slice::from_ref(&later), WIDE, 5_000).await.unwrap();
    assert!(first.len() < events.len() && events.starts_with(&first), "a page is not everything");
    let (second, page) = reader.recorded(at(0), page).await.unwrap();
    let (third, _) = reader.recorded(at(0), page).await.unwrap();
    assert_eq!((second.is_empty(), third), (true, Vec::new()), "those were too old, and went with the batch that came");
    assert_eq!(all(&reader, 0).await, [later]);
    reader.close().await;
}

#[tokio::test]
async fn texts_are_kept_to_the_last_byte_whatever_is_in_them() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let odd = event("a", 1, 0, "two\nlines, \"quotes\", \\, \0, \u{7f}, \u{202e}, \u{1f375}, [1,2");
    let bare = Event { id: None, at: None, url: None, title: Some("]\n[".to_owned()), ..odd.event.clone() };
    let bare = Recorded { event: bare, effect: Effect::Allow, ..odd.clone() };
    let events = [odd, bare];
    record(&store, &events, WIDE, 0).await.unwrap();
    assert_eq!(all(&store, 0).await, events);
    let mut hand = hand(&place).await;
    let body: String = sqlx::query_scalar("SELECT body FROM event_batches").fetch_one(&mut hand).await.unwrap();
    assert_eq!(body.lines().count(), 2, "a line for each, for who reads it with other tools");
}

#[tokio::test]
async fn what_is_too_old_is_deleted_a_bounded_number_of_batches_at_a_time() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    for n in 1..=300 {
        record(&store, &[event("a", n, 0, "a secret")], WIDE, 0).await.unwrap();
    }
    assert!(record(&store, &[event("b", 301, 3_700, "y")], WIDE, 3_700).await.unwrap(), "there is more to delete");
    assert_eq!(ids(&store).await, Vec::from_iter(201..=301));
    assert!(!record(&store, &[], WIDE, 3_700).await.unwrap());
    assert_eq!(ids(&store).await, [301]);
    assert!(!record(&store, &[], NOTHING, 3_700).await.unwrap());
    assert_eq!(ids(&store).await, Vec::<u64>::new());
    let mut hand = hand(&place).await;
    assert_eq!((sessions(&mut hand).await, sizes(&mut hand).await), (vec![], (0, 0)));
    hand.close().await.unwrap();
    store.close().await;
    let bytes = std::fs::read(&place.file).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"secret"), "what is deleted is overwritten");
}

#[tokio::test]
async fn a_batch_goes_when_its_first_event_is_too_old_so_that_no_event_is_kept_too_long() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    record(&store, &[event("a", 2, 1, "x"), event("a", 1, 0, "x"), event("a", 3, 2, "x")], WIDE, 2).await.unwrap();
    record(&store, &[event("a", 4, 3, "x")], WIDE, 3_599).await.unwrap();
    assert_eq!(ids(&store).await, [2, 1, 3, 4]);
    record(&store, &[], WIDE, 3_600).await.unwrap();
    assert_eq!(ids(&store).await, [4]);
}

#[tokio::test]
async fn the_oldest_go_when_all_are_too_much_together() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut hand = hand(&place).await;
    record(&store, &[event("a", 0, 0, &"x".repeat(1_000))], WIDE, 10).await.unwrap();
    let (session, batch): (i64, i64) =
        sqlx::query_as("SELECT event_sessions.bytes, event_batches.bytes FROM event_sessions, event_batches")
            .fetch_one(&mut hand)
            .await
            .unwrap();
    // Ids of two digits take a byte more, and so does what was not cut.
    let bounds = EventBounds { bytes: (session + 3 * (batch + 2)) as u64, ..WIDE };
    for n in 1..=20 {
        assert!(!record(&store, &[event("a", n, n as i64, &"x".repeat(1_000))], bounds, 10).await.unwrap());
        let (real, told) = sizes(&mut hand).await;
        assert_eq!(real, told);
        assert!(real as u64 <= bounds.bytes, "{real}");
    }
    assert_eq!(ids(&store).await, [18, 19, 20]);
}

#[tokio::test]
async fn a_batch_that_is_too_much_by_itself_goes_next() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let bounds = EventBounds { bytes: 1_000, ..WIDE };
    assert!(record(&store, &[event("a", 1, 0, &"x".repeat(1_000))], bounds, 0).await.unwrap());
    assert!(!record(&store, &[], bounds, 0).await.unwrap());
    let mut hand = hand(&place).await;
    assert_eq!((sessions(&mut hand).await, sizes(&mut hand).await), (vec![], (0, 0)));
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
    let bounds = EventBounds { bytes: 33_000, ..WIDE };
    for n in 1..=20 {
        record(&store, &[goal("s1", n)], bounds, 20).await.unwrap();
    }
    assert_eq!(ids(&store).await.len(), 20, "the goal counts once");
    let mut hand = hand(&place).await;
    for n in 2..=9 {
        record(&store, &[goal(&format!("s{n}"), 100 + n)], bounds, 20).await.unwrap();
        let (real, told) = sizes(&mut hand).await;
        assert_eq!(real, told);
        assert!(real as u64 <= bounds.bytes, "{real}");
    }
    assert_eq!(ids(&store).await, [107, 108, 109], "as many goals as there is room for");
}

/// A session's row is known by whoever wrote it, and that must not outlive the row.
#[tokio::test]
async fn a_session_whose_row_went_or_was_never_committed_is_written_again() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    let mut other = hand(&place).await;
    let first = event("a", 1, 0, "x");
    let again = |n: u64, second: i64| Recorded { session: first.session.clone(), ..event("a", n, second, "x") };
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON event_batches BEGIN SELECT RAISE(ABORT, 'no room'); END";
    other.execute(trigger).await.unwrap();
    record(&store, std::slice::from_ref(&first), WIDE, 0).await.unwrap_err();
    other.execute("DROP TRIGGER full").await.unwrap();
    record(&store, std::slice::from_ref(&first), WIDE, 0).await.unwrap();
    record(&store, &[again(2, 1)], WIDE, 1).await.unwrap();
    assert_eq!(all(&store, 0).await, [first.clone(), again(2, 1)]);
    record(&store, &[], WIDE, 4_000).await.unwrap();
    assert_eq!(sessions(&mut other).await, Vec::<String>::new());
    record(&store, &[again(3, 4_000)], WIDE, 4_000).await.unwrap();
    assert_eq!(all(&store, 0).await, [again(3, 4_000)]);
    let (real, told) = sizes(&mut other).await;
    assert_eq!(real, told);
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
    record(&store, std::slice::from_ref(&long), WIDE, 0).await.unwrap();
    record(&store, &[long.clone(), none.clone()], WIDE, 0).await.unwrap();
    assert_eq!(all(&store, 0).await, vec![none.clone(); 3]);
    let mut hand = hand(&place).await;
    let (real, counted) = sizes(&mut hand).await;
    assert_eq!(real, counted);
    record(&store, std::slice::from_ref(&long), WIDE, 0).await.unwrap();
    assert_eq!(all(&store, 0).await, vec![long.clone(); 4]);
    let (real, counted) = sizes(&mut hand).await;
    assert_eq!(real, counted);
    // What it is told as last is shorter than what is written with it, and the first events are too old.
    let new = Recorded { at: at(4_000), ..none.clone() };
    assert!(!record(&store, std::slice::from_ref(&new), WIDE, 4_000).await.unwrap());
    assert_eq!(all(&store, 0).await, [new]);
}

#[tokio::test]
async fn sessions_without_events_are_forgotten_and_the_trail_knows_nothing_of_any() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    store.append(&[note("so that there is a trail", 1)], &BTreeMap::new(), at(1)).await.unwrap();
    record(&store, &[event("gone", 1, 0, "x"), event("stays", 2, 0, "x")], WIDE, 0).await.unwrap();
    record(&store, &[event("stays", 3, 2_000, "x"), event("here", 4, 2_000, "x")], WIDE, 2_000).await.unwrap();
    record(&store, &[], WIDE, 4_000).await.unwrap();
    let mut other = hand(&place).await;
    assert_eq!(sessions(&mut other).await, ["stays", "here"]);
    assert_eq!(ids(&store).await, [3, 4]);
    other.execute("UPDATE event_batches SET body = replace(body, 'x', 'something else')").await.unwrap();
    other.close().await.unwrap();
    assert!(store.verify().await.unwrap().is_ok());
}

/// When a clock is set, what a session is known by must not go before its events.
#[tokio::test]
async fn a_session_stays_as_long_as_it_has_events_whatever_the_clock_did_and_whoever_wrote_before() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    record(&store, &[event("a", 1, 50_000, "x")], WIDE, 50_000).await.unwrap();
    record(&store, &[event("a", 2, 0, "x"), event("b", 3, 0, "x")], WIDE, 0).await.unwrap();
    store.close().await;
    let store = Store::open(&place.file).await.unwrap();
    record(&store, &[event("b", 4, 1, "x"), event("c", 5, 1, "x")], WIDE, 1).await.unwrap();
    record(&store, &[event("b", 6, 3_601, "x")], WIDE, 3_601).await.unwrap();
    assert_eq!(ids(&store).await, [1, 2, 3, 4, 5, 6], "the oldest one is of a later time");
    record(&store, &[], WIDE, 53_600).await.unwrap();
    assert_eq!(ids(&store).await, Vec::<u64>::new());
    let mut other = hand(&place).await;
    assert_eq!(sessions(&mut other).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_named() {
    let place = Place::new();
    let store = Store::open(&place.file).await.unwrap();
    record(&store, &[event("a", 1, 0, "x"), event("a", 2, 0, "x")], WIDE, 0).await.unwrap();
    let mut other = hand(&place).await;
    let body: String = sqlx::query_scalar("SELECT body FROM event_batches").fetch_one(&mut other).await.unwrap();
    let first = body.lines().next().unwrap();
    for (wrong, why) in [
        (body.replace("\"ask\"", "\"perhaps\""), "events 1, line 1: its effect"),
        (format!("{first}\n[1,2]\n"), "events 1, line 2: invalid length 2"),
        (format!("{first}\n"), "events 1: it has 1 of 2"),
        (format!("{first}\n{}\n", first.replacen("[1,", "[9,", 1)), "events 1: session 9 is not there"),
    ] {
        sqlx::query("UPDATE event_batches SET body = ?").bind(&wrong).execute(&mut other).await.unwrap();
        let error = store.recorded(at(0), EventPage::default()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}\n{wrong}");
    }
}

/// As a store of a version was that wrote a row for each event.
async fn of_schema_3(place: &Place) -> SqliteConnection {
    let mut other = before_events(place).await;
    let batch = include_str!("../../src/store/migrations/0003_events.sql");
    other.execute(batch).await.unwrap();
    let was =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT * FROM third";
    other.execute(was).await.unwrap();
    other.execute("DROP TABLE third").await.unwrap();
    other
}

/// As a store was before events were recorded; what is known of the third migration waits in a table.
async fn before_events(place: &Place) -> SqliteConnection {
    Store::open(&place.file).await.unwrap().close().await;
    let mut other = hand(place).await;
    for table in ["event_batches", "event_sessions", "event_totals"] {
        other.execute(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).await.unwrap();
    }
    let third =
        "CREATE TABLE third AS SELECT version, description, success, checksum, execution_time FROM _sqlx_migrations
                 WHERE version = 3";
    other.execute(third).await.unwrap();
    other.execute("DELETE FROM _sqlx_migrations WHERE version >= 3").await.unwrap();
    other
}

/// Writes a row as that version did.
async fn row(hand: &mut SqliteConnection, session: i64, one: &Recorded) {
    sqlx::query(
        "INSERT INTO events (at, session, bytes, effect, kind, message_id, sent, truncated, url, title, text)
         VALUES (?1, ?2, 100 + length(?10), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(one.at.as_millisecond())
    .bind(session)
    .bind(one.effect.name())
    .bind(one.event.kind.name())
    .bind(one.event.id.map(|id| id.0 as i64))
    .bind(one.event.at.map(|at| at.to_string()))
    .bind(one.event.truncated)
    .bind(&one.event.url)
    .bind(&one.event.title)
    .bind(&one.event.text)
    .execute(hand)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_store_with_a_row_for_each_event_is_read_and_becomes_batches_when_it_is_opened_for_writing() {
    let place = Place::new();
    let mut other = of_schema_3(&place).await;
    for name in ["a", "b", "without events"] {
        let session = sqlx::query("INSERT INTO event_sessions (session_id, agent, goal) VALUES (?, 'agi-0', ?)");
        session.bind(name).bind("buy \u{202e}tea").execute(&mut other).await.unwrap();
    }
    let odd = "a \"secret\"\n\\ \0 \u{1f375}";
    let few = (1..=20).map(|n| event("a", n, n as i64, odd));
    let many = (21..=800).map(|n| event("b", n, 1_000 + n as i64 / 10, &"x".repeat(500)));
    let events: Vec<Recorded> = few.chain(many).collect();
    other.execute("BEGIN").await.unwrap();
    for (n, one) in events.iter().enumerate() {
        row(&mut other, if n < 20 { 1 } else { 2 }, one).await;
    }
    other.execute("COMMIT").await.unwrap();

    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(all(&reader, 0).await, events, "a reader changes nothing and reads it");
    assert_eq!(all(&reader, 1_080).await, events[799..]);
    let (first, page) = reader.recorded(at(0), EventPage::default()).await.unwrap();

    let store = Store::open(&place.file).await.unwrap();
    assert_eq!(all(&store, 0).await, events);
    let (second, _) = reader.recorded(at(0), page).await.unwrap();
    let both: std::collections::BTreeSet<_> = first.iter().chain(&second).map(|one| one.event.id).collect();
    assert_eq!(both.len(), events.len(), "who reads meanwhile misses nothing");
    reader.close().await;

    let batches: Vec<(i64, i64)> =
        sqlx::query_as("SELECT events, bytes FROM event_batches ORDER BY id").fetch_all(&mut other).await.unwrap();
    assert!(batches.len() > 2 && batches[0].0 == 20, "by time and size: {batches:?}");
    assert!(batches.iter().all(|(_, bytes)| *bytes < 80 << 10), "{batches:?}");
    let (real, told) = sizes(&mut other).await;
    assert_eq!(real, told);

    // They go as others do, and their sessions with them.
    record(&store, &[event("c", 900, 3_700, "x")], WIDE, 3_700).await.unwrap();
    assert_eq!(sessions(&mut other).await, ["b", "c"]);
    assert_eq!(ids(&store).await.first(), Some(&21));
    while record(&store, &[], WIDE, 5_000).await.unwrap() {}
    assert_eq!((ids(&store).await, sessions(&mut other).await), (vec![900], vec!["c".to_owned()]));
    other.close().await.unwrap();
    store.close().await;
    let bytes = std::fs::read(&place.file).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"secret"), "what was a row is overwritten as well");
}

#[tokio::test]
async fn a_store_from_before_events_were_recorded_has_none_until_it_is_opened_for_writing() {
    let place = Place::new();
    let mut other = before_events(&place).await;
    other.execute("DROP TABLE third").await.unwrap();
    other.close().await.unwrap();
    let reader = Store::open_to_read(&place.file).await.unwrap();
    assert_eq!(ids(&reader).await, Vec::<u64>::new());
    reader.close().await;
    let store = Store::open(&place.file).await.unwrap();
    record(&store, &[event("a", 1, 0, "x")], WIDE, 0).await.unwrap();
    assert_eq!(ids(&store).await, [1]);
}
