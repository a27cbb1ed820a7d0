//! The watcher, with the real client, over real HTTP against a provider that misbehaves as scripted.

#[path = "support/server.rs"]
mod server;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use holdpoint::api::agi::{Agi, AgiConfig};
use holdpoint::api::backoff::Bounds;
use holdpoint::api::{Event, EventKind, MessageId, SessionId, Status};
use holdpoint::daemon::listing::Roll;
use holdpoint::daemon::ramp::{Ramp, Rank};
use holdpoint::daemon::watcher::{Place, Seen, WatchConfig, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use server::{Reply, Request, Server, json, late};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the scripted provider knows.
struct State {
    messages: Vec<(u64, &'static str)>,
    status: &'static str,
    messages_fail: Option<fn() -> Reply>,
    events_fail: Option<fn() -> Reply>,
    session_fail: Option<fn() -> Reply>,
}

type StreamSender = mpsc::UnboundedSender<Vec<u8>>;

struct World {
    server: Server,
    state: Arc<Mutex<State>>,
    /// Each event stream that is opened.
    streams: mpsc::UnboundedReceiver<StreamSender>,
    seen: mpsc::Receiver<Seen>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

fn quick() -> WatchConfig {
    WatchConfig {
        heartbeat_timeout: PATIENCE,
        blind_after: PATIENCE,
        poll_interval: Duration::from_millis(20),
        cross_check: Duration::from_millis(40),
        replay_quiet: Duration::from_millis(100),
        auth_retry: Duration::from_millis(30),
        confirm_after: Duration::from_millis(10),
        reconnect: Bounds { first: Duration::from_millis(5), max: Duration::from_millis(50) },
    }
}

fn running(messages: &[(u64, &'static str)]) -> State {
    State { messages: messages.to_vec(), status: "running", messages_fail: None, events_fail: None, session_fail: None }
}

fn reply(state: &State, streams: &mpsc::UnboundedSender<StreamSender>, request: &Request) -> Reply {
    let line = request.line.as_str();
    if let Some((_, after)) = line.split_once("/messages?after_id=") {
        if let Some(fail) = state.messages_fail {
            return fail();
        }
        let after: u64 = after.parse().expect("a number");
        let list: Vec<_> = (state.messages.iter().filter(|(id, _)| *id > after))
            .map(|(id, text)| serde_json::json!({"id": id, "type": "THOUGHT", "content": text}))
            .collect();
        return json(200, &serde_json::json!({"messages": list, "status": state.status}).to_string());
    }
    if line.contains("/events") {
        if let Some(fail) = state.events_fail {
            return fail();
        }
        let (sender, frames) = mpsc::unbounded_channel();
        streams.send(sender).expect("the test listens");
        return Reply::Events(frames);
    }
    assert_eq!(line, "GET /v1/sessions/s-1");
    match state.session_fail {
        Some(fail) => fail(),
        None => json(200, r#"{"session_id":"s-1","status":"running"}"#),
    }
}

impl World {
    async fn start(state: State, cursor: Option<u64>, config: WatchConfig, capacity: usize) -> Self {
        // Nothing is taken up, so turns are there at once.
        Self::start_in(Ramp::start().0, Rank::Acts, state, cursor, config, capacity).await
    }

    async fn start_in(
        ramp: Ramp,
        rank: Rank,
        state: State,
        cursor: Option<u64>,
        config: WatchConfig,
        capacity: usize,
    ) -> Self {
        let state = Arc::new(Mutex::new(state));
        let (opened, streams) = mpsc::unbounded_channel();
        let shared = state.clone();
        let server = Server::start(move |request, _| reply(&shared.lock().expect("state"), &opened, request)).await;
        let agi = Agi::new(AgiConfig { read_timeout: Duration::from_secs(2), ..server.config() }).expect("a client");
        let agi = Arc::new(agi);
        let place = Place { ramp, rank, listed: Roll::new().entry().1, resting: agi.clone() };
        let (out, seen) = mpsc::channel(capacity);
        let cancel = CancellationToken::new();
        let session = SessionId::try_from("s-1").expect("an id");
        let mut watcher = Watcher::new(agi, session, cursor.map(MessageId), config, place);
        let stop = cancel.clone();
        let task = tokio::spawn(async move {
            while let Some(Some(seen)) = stop.run_until_cancelled(watcher.next()).await {
                if out.send(seen).await.is_err() {
                    return;
                }
            }
        });
        Self { server, state, streams, seen, cancel, task }
    }

    async fn watch(state: State) -> Self {
        Self::start(state, None, quick(), 1000).await
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("state"));
    }

    async fn stream(&mut self) -> StreamSender {
        timeout(PATIENCE, self.streams.recv()).await.expect("no stream was opened").expect("a server")
    }

    /// What is told next; that it is followed, that the first poll was told, and the cursor, have tests of their own.
    async fn next(&mut self) -> Option<Seen> {
        loop {
            let seen = timeout(PATIENCE, self.seen.recv()).await.expect("nothing was seen");
            if !matches!(seen, Some(Seen::Followed | Seen::MessagesRead { .. } | Seen::Cursor(_))) {
                return seen;
            }
        }
    }

    /// Everything up to and including the first that fits.
    async fn until(&mut self, fits: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let waited = timeout(PATIENCE, self.seen.recv()).await;
            let Ok(Some(seen)) = waited else { panic!("not seen; only {all:?}") };
            if matches!(seen, Seen::Followed | Seen::MessagesRead { .. } | Seen::Cursor(_)) && !fits(&seen) {
                continue;
            }
            let found = fits(&seen);
            all.push(seen);
            if found {
                return all;
            }
        }
    }

    async fn until_text(&mut self, text: &str) -> Vec<Seen> {
        self.until(|seen| matches!(seen, Seen::Event { event, .. } if event.text == text)).await
    }

    /// Waits for so many further requests with this prefix.
    async fn more(&self, prefix: &str, count: usize) {
        self.server.wait_for(prefix, self.server.count(prefix) + count).await;
    }
}

const POLL: &str = "GET /v1/sessions/s-1/messages";
const OPEN: &str = "GET /v1/sessions/s-1/events";

fn event(id: Option<u64>, kind: EventKind, text: &str, backlog: bool) -> Seen {
    let event = Event {
        id: id.map(MessageId),
        kind,
        text: text.to_owned(),
        at: None,
        url: None,
        title: None,
        truncated: false,
    };
    Seen::Event { event, backlog }
}

fn thought(id: u64, text: &str, backlog: bool) -> Seen {
    event(Some(id), EventKind::Thought, text, backlog)
}

fn status(text: &str) -> Seen {
    Seen::Status(Status(text.to_owned()))
}

fn caught(up_to: u64) -> Seen {
    Seen::Caught { up_to: MessageId(up_to) }
}

fn frame(sender: &StreamSender, id: u64, text: &str) {
    let frame = format!("id: {id}\nevent: thought\ndata: {{\"text\":\"{text}\",\"message_id\":{id}}}\n\n");
    sender.send(frame.into_bytes()).expect("an open stream");
}

fn step(sender: &StreamSender, text: &str) {
    sender.send(format!("event: step\ndata: {{\"tool\":\"{text}\"}}\n\n").into_bytes()).expect("an open stream");
}

fn told(seen: &[Seen]) -> Vec<(&str, bool)> {
    let events = seen.iter().filter_map(|seen| match seen {
        Seen::Event { event, backlog } => Some((event.text.as_str(), *backlog)),
        _ => None,
    });
    events.collect()
}

#[tokio::test]
async fn history_is_backlog_and_what_follows_is_news_and_each_is_told_once() {
    let mut world = World::watch(running(&[(1, "one"), (2, "two")])).await;
    let stream = world.stream().await;
    frame(&stream, 1, "one");
    frame(&stream, 2, "two");
    frame(&stream, 5, "five");
    assert_eq!(
        world.until_text("five").await,
        [thought(1, "one", true), thought(2, "two", true), status("running"), caught(2), thought(5, "five", false)]
    );
}

#[tokio::test]
async fn what_the_messages_say_is_told_before_the_stream_is_opened() {
    let mut world = World::watch(running(&[(1, "one"), (2, "two")])).await;
    let read = Seen::MessagesRead { up_to: MessageId(2) };
    let seen = world.until(|seen| *seen == read).await;
    assert_eq!(seen, [thought(1, "one", true), thought(2, "two", true), read]);
}

#[tokio::test]
async fn steps_in_the_history_that_only_the_stream_has_are_backlog() {
    let mut world = World::watch(running(&[(1, "one"), (9, "nine")])).await;
    let stream = world.stream().await;
    step(&stream, "old");
    frame(&stream, 4, "four");
    let seen = world.until(|seen| *seen == caught(9)).await;
    assert_eq!(told(&seen), [("one", true), ("nine", true), ("old", true), ("four", true)]);
    step(&stream, "new");
    assert_eq!(world.next().await, Some(event(None, EventKind::Step, "new", false)));
}

#[tokio::test]
async fn events_up_to_the_cursor_are_not_told_again() {
    let mut world = World::start(running(&[(1, "one"), (2, "two"), (3, "three")]), Some(2), quick(), 100).await;
    let stream = world.stream().await;
    frame(&stream, 2, "two");
    assert_eq!(world.until(|seen| *seen == caught(3)).await, [thought(3, "three", true), status("running"), caught(3)]);
}

#[tokio::test]
async fn what_the_stream_withholds_is_found_by_polling_even_below_the_greatest_id() {
    let mut world = World::watch(running(&[])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(0)).await;
    frame(&stream, 9, "nine");
    assert_eq!(world.next().await, Some(thought(9, "nine", false)));
    world.set(|state| state.messages = vec![(7, "withheld"), (9, "nine")]);
    assert_eq!(world.next().await, Some(thought(7, "withheld", false)));
    frame(&stream, 7, "withheld");
    frame(&stream, 10, "ten");
    assert_eq!(world.next().await, Some(thought(10, "ten", false)));
    // A lower id that becomes visible after a greater one was polled is found too.
    world.set(|state| state.messages = vec![(7, "withheld"), (8, "late"), (9, "nine")]);
    assert_eq!(world.next().await, Some(thought(8, "late", false)));
}

#[tokio::test]
async fn the_cursor_follows_polled_messages_that_had_time_and_no_id_of_the_stream() {
    let mut world = World::watch(running(&[(11, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(11)).await;
    frame(&stream, 1_763_900_000_000, "a time as its id");
    frame(&stream, 12, "twelve");
    let seen = world.until_text("twelve").await;
    assert_eq!(told(&seen), [("a time as its id", false), ("twelve", false)]);
    world.more(POLL, 5).await;
    world.set(|state| state.messages.push((13, "thirteen")));
    let seen = world.until(|seen| matches!(seen, Seen::Cursor(MessageId(13)))).await;
    assert_eq!(told(&seen), [("thirteen", false)], "and it is told before the cursor is");
    // An id above that becomes visible later than a greater one is found, whatever was streamed.
    world.set(|state| state.messages.push((20, "twenty")));
    world.until_text("twenty").await;
    world.set(|state| state.messages.push((19, "late")));
    world.until_text("late").await;
}

#[tokio::test]
async fn the_cursor_is_told_even_when_the_first_poll_failed() {
    let mut world = World::watch(State { messages_fail: Some(|| json(400, "{}")), ..running(&[(3, "three")]) }).await;
    let _stream = world.stream().await;
    world.until(|seen| matches!(seen, Seen::Caught { .. })).await;
    world.set(|state| state.messages_fail = None);
    world.until(|seen| matches!(seen, Seen::MessagesRead { .. })).await;
    world.until(|seen| matches!(seen, Seen::Cursor(MessageId(3)))).await;
}

#[tokio::test]
async fn one_id_with_another_kind_or_other_words_is_told_and_its_repetition_is_not() {
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    frame(&stream, 2, "Reading");
    let step = "id: 2\nevent: step\ndata: {\"text\":\"Place order\",\"message_id\":2}\n\n";
    stream.send(step.into()).expect("an open stream");
    world.set(|state| state.messages.push((2, "Reading")));
    world.more(POLL, 3).await;
    frame(&stream, 2, "Paying now");
    world.set(|state| state.messages.push((2, "Paying now")));
    world.more(POLL, 3).await;
    frame(&stream, 2, "Reading");
    frame(&stream, 3, "three");
    let seen = world.until_text("three").await;
    assert_eq!(
        seen,
        [
            thought(2, "Reading", false),
            event(Some(2), EventKind::Step, "Place order", false),
            thought(2, "Paying now", false),
            thought(3, "three", false),
        ]
    );
}

#[tokio::test]
async fn content_that_is_an_object_or_a_list_is_the_same_event_in_both_sources() {
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    for data in [
        r#"{"text":"Paying","message_id":5,"args":{"element":"Place order"}}"#,
        r#"{"message_id":5,"content":{"text":"Paying","args":{"element":"Place order"}}}"#,
        r#"{"message_id":5,"content":[{"type":"text","text":"Paying"},{"text":"Place order"}],"timestamp":"2025-10-05T18:05:01Z"}"#,
    ] {
        stream.send(format!("event: thought\ndata: {data}\n\n").into_bytes()).expect("an open stream");
    }
    frame(&stream, 6, "six");
    let seen = world.until_text("six").await;
    // The third says "text" as well: a type that the others do not have.
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[tokio::test]
async fn a_stream_that_ends_is_reopened_and_its_replay_tells_only_what_was_missed() {
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    frame(&stream, 2, "two");
    step(&stream, "click");
    world.until_text("click").await;
    drop(stream);
    let stream = world.stream().await;
    frame(&stream, 1, "one");
    frame(&stream, 2, "two");
    step(&stream, "click");
    step(&stream, "click");
    frame(&stream, 3, "three");
    step(&stream, "click");
    frame(&stream, 4, "four");
    let seen = world.until_text("four").await;
    assert_eq!(told(&seen), [("click", false), ("three", false), ("click", false), ("four", false)]);
}

#[tokio::test]
async fn a_stream_without_any_sign_of_life_is_reopened() {
    let config = WatchConfig { heartbeat_timeout: Duration::from_millis(300), ..quick() };
    let mut world = World::start(running(&[]), None, config, 100).await;
    let first = world.stream().await;
    let second = world.stream().await;
    timeout(PATIENCE, first.closed()).await.expect("the silent stream was left");
    frame(&second, 3, "three");
    world.until_text("three").await;
}

#[tokio::test]
async fn a_finished_task_rests_the_stream_until_the_session_acts_again() {
    let mut world = World::watch(State { status: "finished", ..running(&[(1, "done")]) }).await;
    drop(world.stream().await);
    let seen = world.until(|seen| *seen == caught(1)).await;
    assert_eq!(seen, [thought(1, "done", true), status("finished"), caught(1)]);
    world.more(POLL, 5).await;
    let opened = world.server.count(OPEN);
    world.more(POLL, 10).await;
    assert_eq!(world.server.count(OPEN), opened, "a resting session's stream is not opened");
    while world.streams.try_recv().is_ok() {}
    world.set(|state| state.status = "running");
    let stream = world.stream().await;
    assert_eq!(world.next().await, Some(status("running")));
    frame(&stream, 1, "done");
    frame(&stream, 2, "again");
    assert_eq!(world.next().await, Some(thought(2, "again", false)));
}

#[tokio::test]
async fn a_task_that_begins_and_ends_between_two_polls_is_seen() {
    let mut world = World::watch(State { status: "finished", ..running(&[(1, "done")]) }).await;
    drop(world.stream().await);
    world.until(|seen| *seen == caught(1)).await;
    world.more(POLL, 5).await;
    world.set(|state| state.messages.push((2, "quick")));
    assert_eq!(world.next().await, Some(thought(2, "quick", false)));
    while world.streams.try_recv().is_ok() {}
    world.more(OPEN, 0).await;
}

#[tokio::test]
async fn sight_that_is_lost_is_told_and_what_was_missed_is_read_back_before_it_returns() {
    let config = WatchConfig { blind_after: Duration::from_millis(300), ..quick() };
    let mut world = World::start(running(&[(1, "one")]), None, config, 100).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    world.set(|state| {
        state.messages_fail = Some(|| Reply::Reset);
        state.events_fail = Some(|| json(502, "<html>Bad Gateway"));
    });
    drop(stream);
    let Some(Seen::Blind { since, why }) = world.next().await else { panic!("not blind") };
    assert!(since >= Duration::from_millis(300), "{since:?}");
    assert!(!why.is_empty());
    world.set(|state| {
        state.messages.push((4, "missed"));
        state.messages_fail = None;
        state.events_fail = None;
    });
    assert_eq!(world.next().await, Some(thought(4, "missed", false)));
    assert_eq!(world.next().await, Some(Seen::Sighted));
}

#[tokio::test]
async fn polling_keeps_sight_of_an_agent_that_cannot_act_while_the_stream_cannot_be_opened() {
    let state = State { events_fail: Some(|| json(502, "<html>")), status: "paused", ..running(&[(1, "one")]) };
    let config = WatchConfig { blind_after: Duration::from_millis(500), ..quick() };
    let mut world = World::start(state, None, config, 100).await;
    world.until(|seen| *seen == caught(1)).await;
    world.more(OPEN, 8).await;
    world.set(|state| state.messages.push((2, "two")));
    assert_eq!(world.next().await, Some(thought(2, "two", false)));
}

#[tokio::test]
async fn an_agent_that_acts_without_an_event_stream_is_out_of_sight_until_its_steps_were_replayed() {
    let config = WatchConfig { blind_after: Duration::from_secs(1), ..quick() };
    let state = State { events_fail: Some(|| json(502, "<html>Bad Gateway")), ..running(&[(1, "one")]) };
    let mut world = World::start(state, None, config, 1000).await;
    let seen = world.until(|seen| matches!(seen, Seen::Blind { .. })).await;
    let Some(Seen::Blind { since, why }) = seen.last() else { panic!("not blind") };
    assert!(*since >= Duration::from_secs(1), "{since:?}");
    assert!(why.contains("steps are not seen") && why.contains("502"), "{why}");
    world.set(|state| state.messages.push((2, "two")));
    assert_eq!(world.next().await, Some(thought(2, "two", false)), "polling goes on, and blindness is told once");
    world.more(POLL, 3).await;
    world.set(|state| state.events_fail = None);
    let stream = world.stream().await;
    step(&stream, "missed");
    let seen = world.until(|seen| *seen == Seen::Sighted).await;
    assert_eq!(told(&seen), [("missed", true)]);
    drop(stream);
    // A stream that is ended and opened again in time is none lost.
    for _ in 0..5 {
        drop(world.stream().await);
    }
    let stream = world.stream().await;
    frame(&stream, 3, "three");
    assert_eq!(world.next().await, Some(thought(3, "three", false)));
}

#[tokio::test]
async fn streams_that_end_at_once_and_bring_nothing_are_no_sight_of_steps() {
    let config = WatchConfig { blind_after: Duration::from_millis(500), ..quick() };
    let state = State {
        events_fail: Some(|| Reply::Answer(200, "content-type: text/event-stream\r\n", String::new())),
        ..running(&[])
    };
    let mut world = World::start(state, None, config, 1000).await;
    let seen = world.until(|seen| matches!(seen, Seen::Blind { .. })).await;
    assert!(matches!(seen.last(), Some(Seen::Blind { why, .. }) if why.contains("the provider ends it")), "{seen:?}");
    // When the task is over there are no steps to see.
    world.set(|state| state.status = "finished");
    assert_eq!([world.next().await, world.next().await], [Some(status("finished")), Some(Seen::Sighted)]);
}

#[tokio::test]
async fn a_slow_poll_beside_a_quiet_stream_is_not_blindness() {
    let config =
        WatchConfig { blind_after: Duration::from_millis(1200), cross_check: Duration::from_millis(900), ..quick() };
    let mut world = World::start(running(&[(1, "one")]), None, config, 1000).await;
    let _stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    // Proof comes every 1500 ms only, but each poll answers within its 1200 ms.
    world.set(|state| {
        state.messages_fail = Some(|| late(600, json(200, r#"{"messages":[],"status":"running"}"#)));
    });
    world.more(POLL, 3).await;
    world.set(|state| {
        state.messages.push((2, "two"));
        state.messages_fail = None;
    });
    assert_eq!(world.next().await, Some(thought(2, "two", false)));
}

#[tokio::test]
async fn a_break_that_cannot_be_read_back_is_a_gap() {
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    world.set(|state| state.messages_fail = Some(|| json(400, r#"{"detail":"no \u001b messages"}"#)));
    drop(stream);
    let stream = world.stream().await;
    stream.send(b"event: heartbeat\ndata: {}\n\n".to_vec()).expect("an open stream");
    let Some(Seen::Gap { after, why }) = world.next().await else { panic!("no gap") };
    assert_eq!(after, MessageId(1));
    assert!(why.contains("/messages: refused (400)") && !why.contains('\u{1b}'), "{why}");
    frame(&stream, 2, "two");
    assert_eq!(world.next().await, Some(thought(2, "two", false)));
}

#[tokio::test]
async fn the_stream_does_not_wait_for_a_first_poll_that_fails() {
    let mut world = World::watch(State { messages_fail: Some(|| json(400, "{}")), ..running(&[]) }).await;
    let stream = world.stream().await;
    frame(&stream, 3, "three");
    assert_eq!(world.next().await, Some(thought(3, "three", true)));
    let seen = world.until(|seen| matches!(seen, Seen::Caught { .. })).await;
    assert_eq!(seen.last(), Some(&caught(3)));
    frame(&stream, 4, "four");
    let seen = world.until_text("four").await;
    assert_eq!(told(&seen), [("four", false)]);
    // What polling finds at last is news as well.
    world.set(|state| (state.messages, state.messages_fail) = (vec![(3, "three"), (5, "five")], None));
    let seen = world.until_text("five").await;
    assert_eq!(told(&seen), [("five", false)]);
}

#[tokio::test]
async fn a_passing_404_is_not_the_end() {
    let mut world = World::watch(State { messages_fail: Some(|| json(404, "{}")), ..running(&[(1, "one")]) }).await;
    world.more("GET /v1/sessions/s-1", 8).await;
    world.set(|state| state.messages_fail = None);
    let seen = world.until_text("one").await;
    assert!(!seen.contains(&Seen::Gone), "{seen:?}");
}

#[tokio::test]
async fn a_session_that_is_not_there_when_asked_twice_more_is_gone() {
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    world.set(|state| {
        state.messages_fail = Some(|| json(404, r#"{"detail":"Session not found"}"#));
        state.events_fail = state.messages_fail;
        state.session_fail = state.messages_fail;
    });
    drop(stream);
    assert_eq!(world.next().await, Some(Seen::Gone));
    assert_eq!(world.next().await, None);
    assert!(world.server.requests().iter().filter(|request| request.line == "GET /v1/sessions/s-1").count() >= 2);
    timeout(PATIENCE, world.task).await.expect("the task ended").expect("no panic");
}

#[tokio::test]
async fn a_status_that_is_over_ends_the_watching() {
    let mut world = World::watch(State { status: "terminated", ..running(&[]) }).await;
    assert_eq!([world.next().await, world.next().await], [Some(status("terminated")), Some(Seen::Gone)]);
    assert_eq!(world.next().await, None);
}

#[tokio::test]
async fn a_refused_key_is_told_once_and_watching_goes_on_when_it_is_accepted() {
    let fail: Option<fn() -> Reply> = Some(|| json(401, r#"{"detail":"bad key"}"#));
    let mut world =
        World::watch(State { messages_fail: fail, events_fail: fail, session_fail: fail, ..running(&[(1, "one")]) })
            .await;
    let Some(Seen::AuthRefused(why)) = world.next().await else { panic!("not told") };
    assert!(why.contains("bad key"), "{why}");
    world.more(POLL, 4).await;
    world.more(OPEN, 4).await;
    world.set(|state| (state.messages_fail, state.events_fail) = (None, None));
    assert_eq!(world.next().await, Some(thought(1, "one", true)));
}

#[tokio::test]
async fn a_provider_that_asks_for_time_gets_it() {
    let limited: fn() -> Reply = || Reply::Answer(429, "retry-after: 3600\r\n", String::new());
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    world.set(|state| (state.messages_fail, state.events_fail) = (Some(limited), Some(limited)));
    world.more(POLL, 1).await;
    drop(stream);
    world.more(OPEN, 1).await;
    let (polls, opens) = (world.server.count(POLL), world.server.count(OPEN));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((world.server.count(POLL), world.server.count(OPEN)), (polls, opens));
}

#[tokio::test]
async fn a_rate_limit_that_names_no_time_is_backed_off_from_until_a_success() {
    let limited: fn() -> Reply = || json(429, "{}");
    let mut world = World::watch(running(&[(1, "one")])).await;
    let stream = world.stream().await;
    world.until(|seen| *seen == caught(1)).await;
    world.set(|state| (state.messages_fail, state.events_fail) = (Some(limited), Some(limited)));
    drop(stream);
    world.more(POLL, 1).await;
    let began = Instant::now();
    world.more(POLL, 6).await;
    // At least half of 40 + 80 + 160 + 320 + 640 ms.
    assert!(began.elapsed() >= Duration::from_millis(620), "{:?}", began.elapsed());
    world.set(|state| {
        state.messages.push((2, "two"));
        (state.messages_fail, state.events_fail) = (None, None);
    });
    assert_eq!(world.next().await, Some(thought(2, "two", false)));
    let began = Instant::now();
    world.more(POLL, 5).await;
    assert!(began.elapsed() < Duration::from_secs(5), "the pace is the usual one again");
}

#[tokio::test]
async fn a_full_channel_loses_nothing() {
    let mut world = World::start(running(&[]), None, quick(), 2).await;
    let stream = world.stream().await;
    for id in 1..=500 {
        frame(&stream, id, &format!("t{id}"));
    }
    drop(stream);
    world.more(OPEN, 0).await;
    let seen = world.until_text("t500").await;
    let want: Vec<_> = (1..=500).map(|id| format!("t{id}")).collect();
    assert_eq!(told(&seen).iter().map(|(text, _)| *text).collect::<Vec<_>>(), want);
}

#[tokio::test]
async fn cancelling_ends_the_watcher_and_so_does_a_dropped_receiver() {
    let world = World::watch(running(&[])).await;
    world.cancel.cancel();
    timeout(PATIENCE, world.task).await.expect("the task ended").expect("no panic");
    let mut world = World::watch(running(&[(1, "one")])).await;
    world.until_text("one").await;
    drop(world.seen);
    world.state.lock().expect("state").messages.push((2, "two"));
    timeout(PATIENCE, world.task).await.expect("the task ended").expect("no panic");
}

#[tokio::test]
async fn who_waits_too_long_for_its_turn_is_blind_and_in_sight_when_it_had_it() {
    let (ramp, recovering) = Ramp::start();
    let config = WatchConfig { blind_after: Duration::from_millis(200), ..quick() };
    let mut world = World::start_in(ramp, Rank::Held, running(&[(1, "hm")]), None, config, 1000).await;
    let blind = world.next().await;
    assert!(matches!(&blind, Some(Seen::Blind { why, .. }) if why.contains("its turn")), "{blind:?}");
    assert!(world.streams.try_recv().is_err(), "nothing is asked before its turn");
    drop(recovering);
    let _stream = world.stream().await;
    world.until(|seen| *seen == Seen::Followed).await;
    world.until(|seen| *seen == Seen::Sighted).await;
}
