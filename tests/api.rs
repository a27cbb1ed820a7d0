//! The client of the Agent Sessions API, over real HTTP against a server that misbehaves as scripted.

#[path = "support/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use holdpoint::api::agi::{Agi, AgiConfig};
use holdpoint::api::{
    ApiError, ErrorClass, Event, EventKind, MessageId, PauseAnswer, Provider, SessionId, Status, StreamItem,
};
use tokio::sync::mpsc;

use server::{KEY, Reply, Server, config, json, late};

const ACCEPTED: &str = r#"{"success":true,"message":"done"}"#;

fn id() -> SessionId {
    SessionId::try_from("s-1").expect("an id")
}

fn class<T: std::fmt::Debug>(result: Result<T, ApiError>) -> ErrorClass {
    result.expect_err("a failure").class
}

fn text(kind: EventKind, id: u64, text: &str) -> Event {
    Event { id: Some(MessageId(id)), kind, text: text.to_owned(), at: None, url: None, title: None, truncated: false }
}

// --- acting -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn each_call_is_the_documented_request_with_the_key() {
    let server = Server::start(|_, _| json(200, ACCEPTED)).await;
    let agi = server.client();
    agi.resume(&id()).await.expect("resume");
    agi.cancel(&id()).await.expect("cancel");
    agi.delete(&id()).await.expect("delete");
    agi.message(&id(), "use \"guest\" checkout").await.expect("message");
    assert_eq!(agi.pause(&id()).await, Ok(PauseAnswer::Accepted));
    let requests = server.requests();
    let lines: Vec<_> = requests.iter().map(|request| (request.line.as_str(), request.body.as_str())).collect();
    assert_eq!(
        lines,
        [
            ("POST /v1/sessions/s-1/resume", ""),
            ("POST /v1/sessions/s-1/cancel", ""),
            ("DELETE /v1/sessions/s-1", ""),
            ("POST /v1/sessions/s-1/message", r#"{"message":"use \"guest\" checkout"}"#),
            ("POST /v1/sessions/s-1/pause", ""),
        ]
    );
    for request in &requests {
        assert!(request.head.contains(&format!("authorization: bearer {KEY}\r\n")), "{}", request.head);
        assert_eq!(request.head.matches("content-length").count(), 1, "{}", request.head);
    }
}

#[tokio::test]
async fn a_call_that_releases_is_never_sent_twice() {
    type Misbehaviour = fn() -> Reply;
    let misbehaviours: [(&str, Misbehaviour); 6] = [
        ("reset", || Reply::Reset),
        ("502", || Reply::Answer(502, "", "<html>\n<b>Bad Gateway</b>".to_owned())),
        ("half a head", || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())),
        ("half a body", || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"succ".to_vec())),
        ("not JSON", || Reply::Answer(200, "", "<html>".to_owned())),
        ("closed", || Reply::Raw(Vec::new())),
    ];
    for (name, reply) in misbehaviours {
        // A first call makes a connection that is used again: one that the server may have closed, where to repeat would be tempting.
        let server = Server::start(move |_, before| if before == 0 { json(200, ACCEPTED) } else { reply() }).await;
        let agi = server.client();
        agi.resume(&id()).await.expect("the first");
        agi.message(&id(), "hi").await.expect("the first");
        assert!(matches!(class(agi.resume(&id()).await), ErrorClass::Unknown { .. }), "{name}");
        assert!(matches!(class(agi.message(&id(), "hi").await), ErrorClass::Unknown { .. }), "{name}");
        assert_eq!(server.count("POST /v1/sessions/s-1/resume"), 2, "{name}");
        assert_eq!(server.count("POST /v1/sessions/s-1/message"), 2, "{name}");
    }
}

#[tokio::test]
async fn a_call_without_an_answer_is_unknown_after_its_time() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let config = AgiConfig { control_timeout: Duration::from_millis(50), ..server.config() };
    let agi = Agi::new(config).expect("a client");
    let failed = agi.resume(&id()).await.expect_err("no answer");
    assert_eq!(failed.to_string(), "POST /v1/sessions/s-1/resume: result unknown: no answer within 50 ms");
    server.wait_for("POST", 1).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nothing_listening_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let agi = Agi::new(config(&format!("http://{address}"))).expect("a client");
    assert!(matches!(class(agi.resume(&id()).await), ErrorClass::Unreachable { .. }));
    assert!(matches!(class(agi.pause(&id()).await), ErrorClass::Unreachable { .. }));
    assert!(matches!(class(agi.list().await), ErrorClass::Unreachable { .. }));
    assert!(matches!(class(agi.events(&id()).await.map(drop)), ErrorClass::Unreachable { .. }));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (status, body, want) in [
        (401, r#"{"detail":"bad key"}"#, ErrorClass::Auth { status: 401, detail: "bad key".to_owned() }),
        (404, r#"{"detail":"Session not found"}"#, ErrorClass::NotFound { detail: "Session not found".to_owned() }),
        (409, r#"{"detail":"not_paused"}"#, ErrorClass::NotPaused),
        (400, r#"{"error":{"message":"already_paused"}}"#, ErrorClass::AlreadyPaused),
        (429, "slow down", ErrorClass::RateLimited { retry_after: None }),
        (422, r#"{"message":"no"}"#, ErrorClass::Refused { status: 422, detail: "no".to_owned() }),
        (
            200,
            r#"{"success":false,"message":"no task"}"#,
            ErrorClass::Refused { status: 200, detail: "no task".to_owned() },
        ),
    ] {
        let server = Server::start(move |_, _| json(status, body)).await;
        assert_eq!(class(server.client().resume(&id()).await), want, "{status} {body}");
        assert_eq!(server.requests().len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_the_key_goes_nowhere_else() {
    let elsewhere = Server::start(|_, _| json(200, ACCEPTED)).await;
    let location: &'static str = format!("location: http://{}/v1/x\r\n", elsewhere.address).leak();
    let server = Server::start(move |_, _| Reply::Answer(307, location, String::new())).await;
    assert!(matches!(class(server.client().resume(&id()).await), ErrorClass::Refused { status: 307, .. }));
    assert!(matches!(class(server.client().list().await), ErrorClass::Refused { status: 307, .. }));
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_success() {
    for (status, body) in [(404, "{}"), (200, r#"{"success":true,"deleted":false,"message":"Session not found"}"#)] {
        let server = Server::start(move |_, _| json(status, body)).await;
        assert_eq!(server.client().delete(&id()).await, Ok(()), "{status}");
    }
}

#[tokio::test]
async fn a_message_out_of_bounds_is_not_sent() {
    let server = Server::start(|_, _| json(200, ACCEPTED)).await;
    let agi = server.client();
    for text in [String::new(), "é".repeat(10_001)] {
        assert!(matches!(class(agi.message(&id(), &text).await), ErrorClass::Refused { .. }));
    }
    agi.message(&id(), &"é".repeat(10_000)).await.expect("just within bounds");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_key_is_in_no_debug_form_and_no_error() {
    let server = Server::start(|_, _| Reply::Reset).await;
    let agi = server.client();
    let failed = agi.resume(&id()).await.expect_err("a reset");
    for shown in [format!("{agi:?}"), format!("{:?}", server.config()), format!("{failed:?}"), failed.to_string()] {
        assert!(!shown.contains("secret-key"), "{shown}");
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused_at_once() {
    for key in ["", "  ", "two words", "line\nbreak"] {
        let config = AgiConfig { key: key.into(), ..config("http://127.0.0.1:1") };
        assert!(Agi::new(config).is_err(), "{key:?}");
    }
}

// --- pausing ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_slow_pause_is_hedged_on_another_connection() {
    let server = Server::start(|_, before| if before == 0 { Reply::Hang } else { json(200, ACCEPTED) }).await;
    let config = AgiConfig { hedge_after: Duration::from_millis(20), ..server.config() };
    let started = Instant::now();
    assert_eq!(Agi::new(config).expect("a client").pause(&id()).await, Ok(PauseAnswer::Accepted));
    assert!(started.elapsed() < Duration::from_secs(4), "the hung request was waited for");
    let connections: BTreeSet<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 2);
}

#[tokio::test]
async fn paused_already_is_in_doubt_when_a_request_without_an_answer_may_have_done_it() {
    let already = || json(409, r#"{"detail":"already_paused"}"#);
    let server = Server::start(move |_, _| already()).await;
    assert_eq!(server.client().pause(&id()).await, Ok(PauseAnswer::AlreadyPaused));
    let server = Server::start(move |_, before| if before == 0 { Reply::Reset } else { already() }).await;
    assert_eq!(server.client().pause(&id()).await, Ok(PauseAnswer::InDoubt));
    assert_eq!(server.requests().len(), 2);
    let server = Server::start(move |_, before| if before == 0 { late(2000, already()) } else { already() }).await;
    let config = AgiConfig { hedge_after: Duration::from_millis(20), ..server.config() };
    assert_eq!(Agi::new(config).expect("a client").pause(&id()).await, Ok(PauseAnswer::AlreadyPaused));
}

#[tokio::test]
async fn a_pause_that_fails_is_sent_once_more_at_once() {
    let server = Server::start(|_, before| if before == 0 { json(502, "<html>") } else { json(200, ACCEPTED) }).await;
    assert_eq!(server.client().pause(&id()).await, Ok(PauseAnswer::Accepted));
    let server = Server::start(|_, _| json(502, "<html>")).await;
    assert!(matches!(class(server.client().pause(&id()).await), ErrorClass::Unknown { .. }));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_pause_ends_within_its_budget() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let (pause_timeout, hedge_after) = (Duration::from_millis(100), Duration::from_millis(10));
    let agi = Agi::new(AgiConfig { pause_timeout, hedge_after, ..server.config() }).expect("a client");
    assert!(matches!(class(agi.pause(&id()).await), ErrorClass::Unknown { .. }));
    server.wait_for("POST", 2).await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_warm_connection_carries_the_pause() {
    let server = Server::start(|_, _| json(200, "{}")).await;
    let agi = server.client();
    agi.warm().await.expect("warm");
    agi.pause(&id()).await.expect("pause");
    let requests = server.requests();
    let warm: BTreeSet<_> = requests.iter().filter(|r| r.line == "GET /v1/models").map(|r| r.connection).collect();
    let pause = requests.iter().find(|r| r.line.ends_with("/pause")).expect("a pause");
    assert!(warm.contains(&pause.connection), "{requests:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_between_calls_is_replaced_without_a_second_request() {
    let server = Server::start(|_, _| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec())).await;
    let agi = server.client();
    for done in 1..=20 {
        assert_eq!(agi.pause(&id()).await, Ok(PauseAnswer::Accepted));
        // The close may still be under way: then the result is unknown, and nothing was repeated.
        let resumed = agi.resume(&id()).await;
        assert!(matches!(resumed, Ok(()) | Err(ApiError { class: ErrorClass::Unknown { .. }, .. })), "{resumed:?}");
        assert!(server.count("POST /v1/sessions/s-1/resume") <= done);
    }
}

#[tokio::test]
async fn a_connection_is_used_again_only_where_the_answer_allows_it() {
    const BODY: &str = r#"{"status":"running"}"#;
    let whole = |head: &str, behind: &str| {
        let length = BODY.len();
        format!("HTTP/1.1 200 OK\r\n{head}content-length: {length}\r\n\r\n{BODY}{behind}").into_bytes()
    };
    let long = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 70000\r\n\r\n{}", " ".repeat(70_000));
    let odd = "HTTP/1.1 500 Odd\r\ncontent-length: 0\r\n\r\n";
    let chunked = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n14\r\n{BODY}\r\n0\r\n\r\n{odd}");
    for (name, reply, is_taken) in [
        ("says close", whole("connection: close\r\n", ""), true),
        ("an answer that nobody asked for", whole("", odd), true),
        ("one behind chunks", chunked.into_bytes(), true),
        ("longer than is read", long("200 OK").into_bytes(), false),
        ("a refusal longer than is read", long("400 Odd").into_bytes(), false),
    ] {
        let server = Server::start(move |_, _| Reply::Kept(reply.clone())).await;
        let agi = server.client();
        for _ in 0..2 {
            assert_eq!(agi.resume(&id()).await.is_ok(), is_taken, "{name}");
            assert_eq!(agi.status(&id()).await.is_ok(), is_taken, "{name}");
        }
        let requests = server.requests();
        let connections: BTreeSet<_> = requests.iter().map(|request| request.connection).collect();
        assert_eq!(connections.len(), requests.len(), "{name}");
    }
}

#[tokio::test]
async fn keeping_warm_leaves_a_connection_for_a_pause() {
    let (sender, mut asked) = mpsc::unbounded_channel();
    let server = Server::start(move |request, before| match request.line.as_str() {
        "GET /v1/models" if before >= 2 => {
            let _ = sender.send(());
            late(500, json(200, "{}"))
        }
        _ => json(200, ACCEPTED),
    })
    .await;
    let agi = server.client();
    agi.warm().await.expect("warm");
    let again = tokio::spawn({
        let agi = agi.clone();
        async move { agi.warm().await }
    });
    asked.recv().await.expect("a slow answer");
    agi.pause(&id()).await.expect("pause");
    again.await.expect("a task").expect("warm");
    let connections: BTreeSet<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 2, "{:?}", server.requests());
}

#[tokio::test]
async fn keeping_warm_goes_on_through_failures() {
    let server = Server::start(|_, before| if before < 2 { Reply::Reset } else { json(200, "{}") }).await;
    let agi = server.client();
    let keeping = tokio::spawn(async move { agi.keep_warm(Duration::from_millis(5)).await });
    server.wait_for("GET /v1/models", 6).await;
    keeping.abort();
}

#[tokio::test]
async fn https_to_a_server_without_it_is_unreachable() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let agi = Agi::new(config(&format!("https://{}", server.address))).expect("a client");
    assert!(matches!(class(agi.resume(&id()).await), ErrorClass::Unreachable { .. }));
}

#[tokio::test]
async fn warming_needs_any_answer_but_a_refused_key() {
    let server = Server::start(|_, _| json(404, "{}")).await;
    assert_eq!(server.client().warm().await, Ok(()));
    let server = Server::start(|_, _| json(403, "{}")).await;
    assert!(matches!(class(server.client().warm().await), ErrorClass::Auth { .. }));
}

#[tokio::test]
async fn control_reads_and_streams_share_no_connection() {
    let server = Server::start(|request, _| match request.line.as_str() {
        line if line.contains("/events") => Reply::Events(mpsc::unbounded_channel().1),
        line if line.ends_with("/status") => json(200, r#"{"status":"running"}"#),
        _ => json(200, ACCEPTED),
    })
    .await;
    let agi = server.client();
    for _ in 0..3 {
        agi.status(&id()).await.expect("status");
        agi.resume(&id()).await.expect("resume");
        let mut events = agi.events(&id()).await.expect("events");
        assert!(events.next().await.is_none());
    }
    let on = |part: &str| -> BTreeSet<usize> {
        server.requests().iter().filter(|r| r.line.contains(part)).map(|r| r.connection).collect()
    };
    let (status, resume, events) = (on("/status"), on("/resume"), on("/events"));
    assert_eq!((status.len(), resume.len()), (1, 1), "kept open");
    assert!(status.is_disjoint(&resume) && status.is_disjoint(&events) && resume.is_disjoint(&events));
}

#[tokio::test]
async fn two_hundred_open_streams_do_not_delay_a_pause() {
    let server = Server::start(|request, _| match request.line.as_str() {
        line if line.contains("/events") => {
            let (sender, frames) = mpsc::unbounded_channel();
            tokio::spawn(async move { sender.closed().await });
            Reply::Events(frames)
        }
        _ => json(200, ACCEPTED),
    })
    .await;
    let agi = server.client();
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(agi.events(&id()).await.expect("a stream"));
    }
    assert_eq!(agi.pause(&id()).await, Ok(PauseAnswer::Accepted));
    assert_eq!(server.count("POST"), 1);
}

// --- reading ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_read_is_tried_three_times() {
    let server = Server::start(|_, before| match before {
        0 => Reply::Reset,
        1 => json(503, "busy"),
        _ => json(200, r#"{"status":"waiting_for_input"}"#),
    })
    .await;
    assert_eq!(server.client().status(&id()).await, Ok(Status("waiting_for_input".to_owned())));
    let server = Server::start(|_, _| Reply::Answer(502, "", "\n<html>\u{1b}[2J".to_owned())).await;
    let failed = class(server.client().status(&id()).await);
    assert!(matches!(&failed, ErrorClass::Unknown { detail } if detail.starts_with("HTTP 502: <html>")), "{failed}");
    assert!(!failed.to_string().contains('\u{1b}'));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_read_that_is_rate_limited_without_a_time_is_not_repeated_at_once() {
    let server = Server::start(|_, _| Reply::Answer(429, "", String::new())).await;
    assert_eq!(class(server.client().status(&id()).await), ErrorClass::RateLimited { retry_after: None });
    assert_eq!(server.count("GET"), 1);
}

#[tokio::test]
async fn a_read_honours_retry_after_within_reason() {
    let limited = |head| {
        move |_: &server::Request, before| match before {
            0 => Reply::Answer(429, head, String::new()),
            _ => json(200, r#"{"status":"running"}"#),
        }
    };
    let server = Server::start(limited("retry-after: 1\r\n")).await;
    let started = Instant::now();
    server.client().status(&id()).await.expect("after a second");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let server = Server::start(limited("retry-after: 600\r\n")).await;
    let retry_after = Some(Duration::from_secs(600));
    assert_eq!(class(server.client().status(&id()).await), ErrorClass::RateLimited { retry_after });
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_definite_refusal_is_not_read_again() {
    for status in [400, 401, 403, 404] {
        let server = Server::start(move |_, _| json(status, "{}")).await;
        class(server.client().session(&id()).await);
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_no_list_is_unknown() {
    for reply in [
        || Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"messages\":[".to_vec()),
        || json(200, "<html>maintenance</html>"),
        || json(200, r#"{"messages":[{]}"#),
    ] {
        let server = Server::start(move |_, _| reply()).await;
        assert!(matches!(class(server.client().messages(&id(), MessageId(7)).await), ErrorClass::Unknown { .. }));
        assert_eq!(server.count("GET /v1/sessions/s-1/messages?after_id=7"), 3);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Server::start(|_, _| {
        let (sender, frames) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while sender.send(vec![b' '; 65_536]).is_ok() {
                tokio::task::yield_now().await
            }
        });
        Reply::Events(frames)
    })
    .await;
    let failed = class(server.client().status(&id()).await);
    assert_eq!(failed.to_string(), "result unknown: the answer is longer than 65536 bytes");
}

#[tokio::test]
async fn lists_sessions_and_screenshots_are_read() {
    let server = Server::start(|request, _| match request.line.as_str() {
        "GET /v1/sessions" => {
            json(200, r#"{"sessions":[{"session_id":"s-1","status":"paused"},{"session_id":"a/b"}]}"#)
        }
        "GET /v1/sessions/s-1" => json(200, r#"{"session_id":"s-1","status":"ready","hasAgent":true}"#),
        _ => json(200, r#"{"screenshot":"data:image/jpeg;base64,/9j/4","url":"https://a.example/pay","title":"Pay"}"#),
    })
    .await;
    let agi = server.client();
    let listed: Vec<_> = agi.list().await.expect("a list").into_iter().map(|s| (s.id, s.status.0)).collect();
    assert_eq!(listed, [(id(), "paused".to_owned())]);
    assert_eq!(agi.session(&id()).await.expect("a session").status, Status("ready".to_owned()));
    let shot = agi.screenshot(&id()).await.expect("a screenshot");
    assert_eq!((shot.image.as_slice(), shot.title.as_deref()), ([0xFF, 0xD8, 0xFF].as_slice(), Some("Pay")));
}

// --- streaming --------------------------------------------------------------------------------------------------------

async fn stream_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Vec<Result<StreamItem, ApiError>> {
    let server = Server::start(move |_, _| reply()).await;
    let config = AgiConfig { max_event_bytes: 100, ..server.config() };
    let agi = Agi::new(config).expect("a client");
    agi.events(&id()).await.expect("a stream").collect().await
}

fn frames(pieces: &[&[u8]]) -> Reply {
    let (sender, frames) = mpsc::unbounded_channel();
    for piece in pieces {
        sender.send(piece.to_vec()).expect("room");
    }
    Reply::Events(frames)
}

#[tokio::test]
async fn a_stream_brings_events_and_heartbeats_whatever_the_pieces() {
    let items = stream_of(|| {
        frames(&[
            b": hello\n\nid: 4",
            b"2\r\nevent: thought\r\ndata: {\"te",
            b"xt\":\"\xc3",
            b"\xa9\"}\r",
            b"\n\r\nevent: heartbeat\ndata: {\"timestamp\":\"t\"}\n\nevent: step\nid: 43\ndata: {\"tool\":\"click\"}",
        ])
    })
    .await;
    assert_eq!(
        items,
        [
            Ok(StreamItem::Heartbeat),
            Ok(StreamItem::Event(text(EventKind::Thought, 42, "é"))),
            Ok(StreamItem::Heartbeat),
            Ok(StreamItem::Event(text(EventKind::Step, 43, "click"))),
        ]
    );
}

#[tokio::test]
async fn half_a_frame_at_the_end_is_left_to_the_next_replay() {
    let items = stream_of(|| frames(&[b"id: 1\nevent: step\ndata: {\"tool\":\"cli"])).await;
    assert_eq!(items, []);
}

#[tokio::test]
async fn a_giant_event_is_cut_and_marked_and_the_next_is_whole() {
    let items = stream_of(|| {
        let giant = format!("id: 1\nevent: thought\ndata: {{\"text\":\"{}\"}}\n\n", "x".repeat(300_000));
        frames(&[giant.as_bytes(), b"id: 2\nevent: done\ndata: {\"text\":\"ok\"}\n\n"])
    })
    .await;
    let cut = Event { truncated: true, ..text(EventKind::Thought, 1, &"x".repeat(91)) };
    assert_eq!(items, [Ok(StreamItem::Event(cut)), Ok(StreamItem::Event(text(EventKind::Done, 2, "ok")))]);
}

#[tokio::test]
async fn a_stream_that_breaks_says_so_last() {
    let items = stream_of(|| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        Reply::Raw(format!("{head}12\r\nid: 1\nevent: log\n\n\r\n99\r\nhalf").into_bytes())
    })
    .await;
    assert_eq!(items.len(), 2, "{items:?}");
    assert_eq!(items[0], Ok(StreamItem::Event(text(EventKind::Log, 1, ""))));
    assert!(matches!(&items[1], Err(ApiError { class: ErrorClass::Unknown { .. }, .. })), "{items:?}");
}

#[tokio::test]
async fn interim_answers_before_a_stream_are_skipped() {
    let items = stream_of(|| {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 18\r\n\r\n";
        Reply::Raw(format!("{interim}{head}id: 1\nevent: log\n\nleft over").into_bytes())
    })
    .await;
    assert_eq!(items, [Ok(StreamItem::Event(text(EventKind::Log, 1, "")))]);
}

#[tokio::test]
async fn a_stream_asks_for_its_history_and_for_events() {
    let server = Server::start(|_, _| frames(&[])).await;
    let _stream = server.client().events(&id()).await.expect("a stream");
    let requests = server.requests();
    assert_eq!(requests[0].line, "GET /v1/sessions/s-1/events?include_history=true");
    assert!(requests[0].head.contains("accept: text/event-stream\r\n"));
}

#[tokio::test]
async fn what_is_no_stream_is_an_error() {
    let refused = |status, body| async move {
        let server = Server::start(move |_, _| json(status, body)).await;
        class(server.client().events(&id()).await.map(drop))
    };
    assert!(matches!(refused(401, "{}").await, ErrorClass::Auth { .. }));
    assert!(matches!(refused(404, "{}").await, ErrorClass::NotFound { .. }));
    assert!(matches!(refused(502, "<html>").await, ErrorClass::Unknown { .. }));
    let page = refused(200, "<html>\nlogin").await.to_string();
    assert_eq!(page, "result unknown: no event stream but application/json: <html>");
}
