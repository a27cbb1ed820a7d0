//! A store that fails and recovers, on the real one: a trigger refuses what is inserted, until it is dropped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};

use super::super::recorder::channel;
use super::*;
use crate::control::{Change, Client, DeskSettings, Drivers, OperatorName};
use crate::gate::{Entry, Record};
use crate::store::Store;

/// How long the end waits here for a disk that does not answer.
const LAST_HERE: Duration = Duration::from_millis(300);

struct Bench {
    writer: Writer,
    task: JoinHandle<Left>,
    store: Store,
    audience: Client,
    /// Another connection to the same file.
    other: SqliteConnection,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

fn session() -> SessionId {
    SessionId::try_from("s").expect("an id")
}

fn note(text: &str) -> Write {
    note_of("s", text)
}

fn note_of(session: &str, text: &str) -> Write {
    let record = Record { entry: Entry::Noted, kept: None, note: Some(text.to_owned()) };
    Write { session: SessionId::try_from(session).expect("an id"), record, at: Timestamp::UNIX_EPOCH }
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("holdpoint.db");
        let store = Store::open(&file).await.expect("a store");
        let drivers =
            Drivers { decisions: mpsc::channel(1).0, screenshots: mpsc::channel(1).0, orders: mpsc::channel(1).0 };
        let desk = DeskService::start(DeskSettings::default(), drivers, crate::clock::Clock::start());
        let audience = desk.connect(OperatorName("ana".to_owned())).await.expect("a desk");
        let (clock, metrics) = (Clock::start(), Arc::<Metrics>::default());
        let (_, recording) = channel(None, metrics.clone(), clock.clone());
        let durable = Arc::new(store.clone());
        let (writer, task) = Writer::start_with(durable, desk, metrics, recording, clock, LAST_HERE);
        let other = SqliteConnectOptions::new().filename(&file).connect().await.expect("a connection");
        Self { writer, task, store, audience, other, file, _folder: folder }
    }

    async fn fails(&mut self) {
        let trigger = "CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no room'); END";
        self.other.execute(trigger).await.expect("a trigger");
    }

    async fn works(&mut self) {
        self.other.execute("DROP TRIGGER full").await.expect("no trigger");
    }

    fn keep(&self, text: &str) {
        self.writer.keep(Keep { writes: vec![note(text)], tried: None }).expect("room");
    }

    /// Every handle is gone; how the store was left.
    async fn ends(&mut self) -> Left {
        drop(std::mem::replace(&mut self.writer, Writer { requests: mpsc::channel(1).0 }));
        (&mut self.task).await.expect("no panic")
    }

    async fn must(&self, text: &str) -> Result<(), String> {
        self.writer.must(note(text)).expect("room").await.expect("an answer")
    }

    async fn notice(&mut self) -> String {
        loop {
            if let Change::Notice { text } = self.audience.next_update().await.expect("a desk").change {
                return text;
            }
        }
    }

    async fn written(&self) -> Vec<String> {
        let store = Store::open_to_read(&self.file).await.expect("a store");
        store.verify().await.expect("readable").expect("whole");
        let rows = store.journal(0, 100).await.expect("rows");
        rows.into_iter().map(|row| row.entry.body.replace(r#"{"note":""#, "").replace(r#""}"#, "")).collect()
    }
}

#[tokio::test]
async fn what_is_waited_for_is_durable_when_it_is_answered_and_stands_in_order() {
    let bench = Bench::new().await;
    bench.keep("one");
    bench.keep("two");
    let three = bench.writer.must(note("three")).expect("room");
    bench.keep("four");
    assert_eq!(three.await.expect("an answer"), Ok(()));
    assert_eq!(bench.must("five").await, Ok(()));
    assert_eq!(bench.written().await, ["one", "two", "three", "four", "five"]);
}

#[tokio::test]
async fn a_store_that_fails_refuses_what_is_waited_for_and_keeps_the_rest_until_it_works() {
    let mut bench = Bench::new().await;
    bench.fails().await;
    bench.keep("one");
    let said = bench.notice().await;
    assert!(said.contains("holdpoint.db cannot be written") && said.contains("no room"), "{said}");
    assert!(said.contains("releases are refused, pauses and denials still go out"), "{said}");
    let why = bench.must("a release").await.expect_err("nothing is written");
    assert!(why.contains("no room"), "{why}");
    bench.keep("two");
    bench.writer.cursor(&session(), MessageId(7));
    assert!(bench.must("another release").await.is_err());
    assert_eq!(bench.written().await, [""; 0]);

    bench.works().await;
    assert_eq!(bench.notice().await, "the store can be written again", "without being asked");
    assert_eq!(bench.must("three").await, Ok(()));
    assert_eq!(bench.written().await, ["one", "two", "three"], "what was refused is not written later");
    let store = Store::open_to_read(&bench.file).await.expect("a store");
    assert_eq!(store.cursors().await.expect("cursors"), BTreeMap::from([(session(), MessageId(7))]));
}

#[tokio::test]
async fn a_release_goes_through_as_soon_as_the_store_works_again() {
    let mut bench = Bench::new().await;
    bench.fails().await;
    assert!(bench.must("a release").await.is_err());
    bench.keep("kept");
    bench.works().await;
    assert_eq!(bench.must("the same release").await, Ok(()));
    assert_eq!(bench.written().await, ["kept", "the same release"]);
}

#[tokio::test]
async fn nothing_that_can_be_written_is_lost_at_the_end() {
    let mut bench = Bench::new().await;
    bench.fails().await;
    bench.keep("one");
    bench.notice().await;
    bench.keep("two");
    drop(std::mem::replace(&mut bench.writer, Writer { requests: mpsc::channel(1).0 }));
    // The writer is in its last attempts now, or about to be.
    bench.works().await;
    assert_eq!((&mut bench.task).await.expect("no panic"), Left::Whole);
    assert_eq!(bench.written().await, ["one", "two"]);
}

#[tokio::test]
async fn events_that_cannot_be_recorded_are_dropped_and_decisions_go_on() {
    let mut bench = Bench::new().await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON event_batches BEGIN SELECT RAISE(ABORT, 'no room'); END";
    bench.other.execute(trigger).await.expect("a trigger");
    let metrics = Arc::<Metrics>::default();
    let bounds = crate::store::EventBounds { age: Duration::from_secs(3_600), bytes: 1 << 20 };
    let (recorder, mut recording) = channel(Some(bounds), metrics.clone(), Clock::start());
    let info = crate::policy::SessionInfo { id: session(), agent: None, goal: None };
    let kind = crate::api::EventKind::Thought;
    let event =
        crate::api::Event { id: None, kind, text: "x".to_owned(), at: None, url: None, title: None, truncated: false };
    let mut recorder = recorder.of(Arc::new(info));
    recorder.note(Timestamp::now(), &event, &Default::default());
    recorder.send();
    let store = Store::open(&bench.file).await.expect("the store");
    recording.finish(&store, recorder::LAST).await;
    assert!(metrics.text().contains("holdpoint_events_dropped_total 1"), "{}", metrics.text());
    assert!(!metrics.is_store_failing());
    assert_eq!(bench.must("decided").await, Ok(()));
}

#[tokio::test]
async fn a_disk_that_does_not_answer_at_the_end_is_given_up_and_told() {
    let mut bench = Bench::new().await;
    let hung = bench.store.hold().await;
    bench.keep("one");
    let began = Instant::now();
    assert_eq!(bench.ends().await, Left::Unfinished);
    assert!(began.elapsed() < END, "{:?}", began.elapsed());
    drop(hung);
}

#[tokio::test]
async fn a_store_that_only_cannot_be_closed_is_told_as_well() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.must("one").await, Ok(()));
    let hung = bench.store.hold().await;
    assert_eq!(bench.ends().await, Left::Unfinished);
    drop(hung);
    assert_eq!(bench.written().await, ["one"]);
}

#[tokio::test]
async fn records_that_could_not_be_written_to_the_end_are_told() {
    let mut bench = Bench::new().await;
    bench.fails().await;
    bench.keep("one");
    bench.notice().await;
    assert_eq!(bench.ends().await, Left::Unfinished);
}

#[tokio::test]
async fn what_waits_together_is_one_transaction_whichever_sessions_it_is_of() {
    let mut bench = Bench::new().await;
    let disk = bench.store.hold().await;
    // The first one is taken at once, and waits for the disk; all others gather behind it.
    let first = bench.writer.must(note_of("first", "1")).expect("room");
    while bench.writer.backlog().length() > 0 {
        tokio::task::yield_now().await;
    }
    let gates = (0..64).map(|n| format!("s-{n}"));
    let waiting: Vec<_> = gates.map(|gate| bench.writer.must(note_of(&gate, "yes")).expect("room")).collect();
    let count = "CREATE TABLE commits (at INTEGER); CREATE TRIGGER one AFTER INSERT ON journal BEGIN
                 INSERT INTO commits SELECT seq FROM head; END";
    bench.other.execute(count).await.expect("a trigger");
    drop(disk);
    assert_eq!(first.await.expect("an answer"), Ok(()));
    for answer in waiting {
        assert_eq!(answer.await.expect("an answer"), Ok(()));
    }
    // Within a transaction every entry finds the head that stood before it.
    let heads = sqlx::query_scalar("SELECT count(DISTINCT at) FROM commits WHERE at > 0").fetch_one(&mut bench.other);
    let heads: i64 = heads.await.expect("a count");
    assert_eq!(heads, 1, "64 decisions, one commit");
    assert_eq!(bench.written().await.len(), 65);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_holds_up_its_own_session_and_no_other_one() {
    let mut bench = Bench::new().await;
    let trigger = "CREATE TRIGGER bad BEFORE INSERT ON journal WHEN NEW.session_id = 'bad'
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    bench.other.execute(trigger).await.expect("a trigger");
    let disk = bench.store.hold().await;
    bench.keep("one");
    while bench.writer.backlog().length() > 0 {
        tokio::task::yield_now().await;
    }
    bench.keep("two");
    bench.writer.keep(Keep { writes: vec![note_of("bad", "first")], tried: None }).expect("room");
    let refused = bench.writer.must(note_of("bad", "a release")).expect("room");
    let passes = bench.writer.must(note("three")).expect("room");
    bench.writer.cursor(&SessionId::try_from("bad").expect("an id"), MessageId(7));
    drop(disk);
    assert_eq!(passes.await.expect("an answer"), Ok(()));
    assert!(refused.await.expect("an answer").expect_err("not written").contains("not this one"));
    let said = bench.notice().await;
    assert!(said.contains("a record of session bad cannot be written") && said.contains("not this one"), "{said}");
    assert_eq!(bench.written().await, ["one", "two", "three"]);

    // What comes after it waits behind it, and its cursor as well; a release is refused; the others go on.
    bench.writer.keep(Keep { writes: vec![note_of("bad", "second")], tried: None }).expect("room");
    let refused = bench.writer.must(note_of("bad", "another release")).expect("room").await.expect("an answer");
    assert_eq!(refused, Err("an earlier record of this session cannot be written".to_owned()));
    assert_eq!(bench.must("four").await, Ok(()));
    let store = Store::open_to_read(&bench.file).await.expect("a store");
    assert_eq!(store.cursors().await.expect("cursors"), BTreeMap::new());

    bench.other.execute("DROP TRIGGER bad").await.expect("no trigger");
    while bench.written().await.len() < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bench.written().await, ["one", "two", "three", "four", "first", "second"]);
    assert_eq!(bench.writer.must(note_of("bad", "third")).expect("room").await.expect("an answer"), Ok(()));
    assert_eq!(bench.ends().await, Left::Whole);
    assert_eq!(store.cursors().await.expect("cursors").len(), 1, "the cursor follows");
}

#[tokio::test]
async fn a_record_that_can_never_be_written_is_told_at_the_end() {
    let mut bench = Bench::new().await;
    let trigger = "CREATE TRIGGER bad BEFORE INSERT ON journal WHEN NEW.session_id = 'bad'
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    bench.other.execute(trigger).await.expect("a trigger");
    let disk = bench.store.hold().await;
    bench.keep("one");
    while bench.writer.backlog().length() > 0 {
        tokio::task::yield_now().await;
    }
    bench.writer.keep(Keep { writes: vec![note_of("bad", "first")], tried: None }).expect("room");
    bench.keep("two");
    drop(disk);
    assert_eq!(bench.ends().await, Left::Unfinished);
    assert_eq!(bench.written().await, ["one", "two"]);
}
