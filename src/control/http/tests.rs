//! The server on a real socket, spoken to by the real client and by hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::api::SessionId;
use crate::control::fixtures::{by, ended, open};
use crate::control::protocol::{
    Act, Change, ClientSettings, DaemonInfo, Decided, Decision, Halt, Nonce, Role, SessionAct, SessionDone,
    SessionOrder, SessionState, SessionView, Sight, Update,
};
use crate::control::remote::{self, Unreachable};
use crate::control::{ApprovalView, DeskSettings, Directed, Drivers, Gone, Ordered, ScreenshotOrder};
use crate::gate::{Delivery, Outcome, Revision};

struct World {
    desk: DeskService,
    server: Server,
    decisions: mpsc::Receiver<Ordered>,
    screenshots: mpsc::Receiver<ScreenshotOrder>,
    orders: mpsc::Receiver<Directed>,
    socket: PathBuf,
    _folder: TempDir,
}

fn world() -> World {
    world_with(0, None)
}

fn world_with(min_dwell_ms: u64, reload: Option<mpsc::Sender<Reload>>) -> World {
    let (to_decisions, decisions) = mpsc::channel(1);
    let (to_screenshots, screenshots) = mpsc::channel(1);
    let (to_orders, orders) = mpsc::channel(1);
    let drivers = Drivers { decisions: to_decisions, screenshots: to_screenshots, orders: to_orders };
    let settings = ClientSettings { min_dwell_ms, ..ClientSettings::default() };
    let daemon = DaemonInfo { settings, ..DaemonInfo::default() };
    let desk =
        DeskService::start(DeskSettings { daemon, ..DeskSettings::default() }, drivers, crate::clock::Clock::start());
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("holdpoint.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    let server = Server::start(
        listener,
        Parts { desk: desk.clone(), access: Access::default(), beside: axum::Router::new(), reload },
    );
    World { desk, server, decisions, screenshots, orders, socket, _folder: folder }
}

/// A socket that can never be listened on again is not only logged, again and again.
#[tokio::test]
async fn a_server_whose_socket_is_broken_says_that_it_ended() {
    let world = world();
    let _client = world.client().await;
    let ended = tokio::time::timeout(Duration::from_millis(50), world.server.ended()).await;
    assert!(ended.is_err(), "it serves");
    let folder = tempfile::tempdir().expect("a folder");
    // A socket of another kind: something arrives at it, and nothing of it can be accepted.
    let (path, other) = (folder.path().join("broken.sock"), std::os::unix::net::UnixDatagram::unbound());
    let broken = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    broken.set_nonblocking(true).expect("a socket");
    other.expect("a socket").send_to(b"x", &path).expect("room");
    let listener = std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(broken));
    let parts =
        Parts { desk: world.desk.clone(), access: Access::default(), beside: axum::Router::new(), reload: None };
    let server = Server::start(UnixListener::from_std(listener).expect("a socket"), parts);
    tokio::time::timeout(Duration::from_secs(10), server.ended()).await.expect("its end");
    server.stop().await;
    world.server.stop().await;
}

impl World {
    async fn client(&self) -> remote::Client {
        remote::connect(&self.socket).await.expect("a daemon")
    }

    /// One request by hand, as `curl --unix-socket` sends it: status and body.
    async fn raw(&self, request: &str) -> (u16, String) {
        let (head, body) = self.exchange(request).await;
        (head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status"), body)
    }

    async fn exchange(&self, request: &str) -> (String, String) {
        let mut stream = UnixStream::connect(&self.socket).await.expect("a socket");
        // The daemon may have answered and closed before all of a large body is written.
        let _written = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _closed = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }

    async fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> (u16, serde_json::Value) {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\nContent-Length: {length}\r\n");
        let (status, body) = self.raw(&format!("{head}{more}\r\n{body}")).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }

    async fn get(&self, path: &str) -> (u16, serde_json::Value) {
        self.ask("GET", path, "", "").await
    }
}

const JSON: &str = "Content-Type: application/json\r\n";

fn approve(view: &ApprovalView, nonce: Option<Nonce>) -> Decision {
    let card = &view.card;
    let (approval, revision, digest) = (card.approval, card.revision, view.digest);
    Decision { approval, revision, digest, nonce, typed: None, act: Act::approve() }
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("JSON")
}

#[tokio::test]
async fn a_client_is_told_who_it_is_and_what_there_is_and_then_every_change() {
    let world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let mut client = world.client().await;
    assert_eq!(client.hello().you.role, Role::Admin);
    assert_eq!(client.snapshot().await.map(|snapshot| snapshot.approvals), Ok(vec![view.clone()]));
    let over = ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "");
    world.desk.publish(over.clone());
    let told = loop {
        match client.next_update().await.expect("an update").change {
            Change::Approval { view } => break view,
            _ => continue,
        }
    };
    assert_eq!(*told, over);
    assert_eq!(client.snapshot().await.map(|snapshot| snapshot.approvals), Ok(vec![over]));
}

#[tokio::test]
async fn a_decision_goes_from_the_socket_to_the_driver_and_its_answer_comes_back() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let client = world.client().await;
    let requests = client.requests();
    let you = client.hello().you.operator.clone();
    let (id, revision, digest) = (view.card.approval, view.card.revision, view.digest);
    assert_eq!(requests.approval("3333").await.map(|view| view.card.approval), Ok(id));
    let nonce = requests.presented(id, revision, digest).await.expect("open");
    let driver = tokio::spawn(async move {
        let order = world.decisions.recv().await.expect("an order");
        assert_eq!(order.operator, you);
        order.reply.send(Ok(Decided::Outcome { outcome: Outcome::Approved })).expect("somebody waits");
        world
    });
    let answer = requests.decide(approve(&view, Some(nonce))).await;
    assert_eq!(answer, Ok(Decided::Outcome { outcome: Outcome::Approved }));
    drop(driver.await.expect("no panic"));
}

#[tokio::test]
async fn a_nonce_dies_with_its_stream_and_another_streams_token_is_no_use_for_it() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let (first, second) = (world.client().await, world.client().await);
    let (id, revision, digest) = (view.card.approval, view.card.revision, view.digest);
    let nonce = first.requests().presented(id, revision, digest).await.expect("open");
    let stolen = second.requests().decide(approve(&view, Some(nonce))).await;
    assert_eq!(stolen, Err(Refusal::NotPresented), "shown on another screen");
    let requests = first.requests();
    drop(first);
    // The daemon hears of the closed stream when it writes to it next, at the latest.
    let refused = loop {
        world.desk.notice("anybody there?".into());
        if let Err(refusal) = requests.presented(id, revision, digest).await {
            break refusal;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(matches!(&refused, Refusal::Unreachable { why } if why.contains("/v1/events")), "{refused:?}");
    let late = requests.decide(approve(&view, Some(nonce))).await;
    assert!(matches!(late, Err(Refusal::Unreachable { .. })), "{late:?}");
    assert!(world.decisions.try_recv().is_err(), "nothing reached a driver");
}

#[tokio::test]
async fn the_token_of_somebody_elses_stream_is_refused() {
    let world = world();
    let client = world.client().await;
    let token = client.hello().client.clone();
    assert!(world.server.api.seats.requests(&token, rustix::process::geteuid().as_raw()).is_some());
    assert!(world.server.api.seats.requests(&token, 4711).is_none(), "another user's");
    let header = format!("{JSON}Holdpoint-Client: {}\r\n", "0".repeat(32));
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let (status, answer) =
        world.ask("POST", "/v1/approvals/3333/decision", &header, &text(&approve(&view, None))).await;
    assert_eq!((status, answer["refusal"].as_str()), (403, Some("unknown_client")));
}

#[tokio::test]
async fn everything_that_is_no_request_of_this_api_is_answered_in_json() {
    let world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let id = view.card.approval;
    let decide = format!("/v1/approvals/{id}/decision");
    let large = format!("{{\"act\":\"{}\"}}", "x".repeat(300_000));
    let other = text(&approve(&open(2, "Other"), None));
    let cases: [(&str, &str, &str, &str, u16, &str); 18] = [
        ("GET", "/", "", "", 404, "no_such_path"),
        ("GET", "/v2/snapshot", "", "", 404, "no_such_path"),
        ("DELETE", "/v1/snapshot", "", "", 405, "no_such_method"),
        ("GET", "/v1/approvals/%ff", "", "", 400, "bad_path"),
        ("GET", "/v1/approvals/ZZZZ", "", "", 404, "no_such_approval"),
        ("GET", "/v1/approvals?state=lost", "", "", 400, "bad_query"),
        ("POST", &decide, "", "{}", 415, "not_json"),
        ("POST", &decide, JSON, "{", 400, "bad_json"),
        ("POST", &decide, JSON, "{}", 400, "bad_json"),
        ("POST", &decide, JSON, "[]", 400, "bad_json"),
        ("POST", "/v1/halt", JSON, "[]", 400, "bad_json"),
        ("POST", "/v1/sessions/s-1/pause", JSON, "{} {}", 400, "bad_json"),
        ("POST", "/v1/halt", JSON, "{\"reson\":\"fire\"}", 400, "bad_json"),
        ("POST", &decide, JSON, &large, 413, "too_large"),
        ("POST", &decide, JSON, &other, 422, "not_possible"),
        ("POST", "/v1/approvals/3333/presented", JSON, "{\"revision\":1,\"digest\":\"00\"}", 400, "bad_json"),
        ("POST", "/v1/sessions/%20/pause", "", "", 404, "no_such_session"),
        ("POST", "/v1/reload", "", "", 422, "not_possible"),
    ];
    for (method, path, head, body, status, refusal) in cases {
        let (was, answer) = world.ask(method, path, head, body).await;
        assert_eq!((was, answer["refusal"].as_str()), (status, Some(refusal)), "{method} {path}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    }
}

#[tokio::test]
async fn the_longest_reason_is_read_however_it_is_escaped() {
    let world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let refused = Decision { act: Act::Deny { reason: Some("REASON".to_owned()) }, ..approve(&open(2, "Other"), None) };
    let body = text(&refused).replace("REASON", &"\\ud83d\\ude00".repeat(10_000));
    let (status, answer) = world.ask("POST", "/v1/approvals/3333/decision", JSON, &body).await;
    assert_eq!((status, answer["refusal"].as_str()), (422, Some("not_possible")), "read, and about another approval");
}

#[tokio::test]
async fn a_refused_request_does_not_cost_its_connection_and_one_that_is_too_large_says_so() {
    let world = world();
    let mut stream = UnixStream::connect(&world.socket).await.expect("a socket");
    for request in ["DELETE /v1/snapshot", "GET /v1/status", "POST /v1/reload", "POST /v1/nowhere", "PUT /v1/halt"] {
        let head = format!("{request} HTTP/1.1\r\nHost: holdpoint\r\nContent-Length: 10\r\n\r\n");
        // The head arrives alone, and nothing is said before the body is there.
        stream.write_all(head.as_bytes()).await.expect(request);
        let mut answer = Vec::new();
        let early = tokio::time::timeout(Duration::from_millis(20), stream.read_buf(&mut answer)).await;
        assert!(early.is_err(), "{request}: {early:?} {}", String::from_utf8_lossy(&answer));
        stream.write_all(b"0123456789").await.expect(request);
        while !answer.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut answer).await.expect(request), 0, "{request}: closed");
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains("connection: close"), "{request}: {answer}");
    }
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 300_000, "x".repeat(300_000));
    for (length, body) in [("Transfer-Encoding: chunked", chunk), ("Content-Length: 300000", "x".repeat(300_000))] {
        for (request, status) in [("POST /v1/halt", 413), ("GET /v1/status", 413), ("GET /v1/nowhere", 413)] {
            let head = format!("{request} HTTP/1.1\r\nHost: holdpoint\r\n{JSON}{length}\r\n\r\n");
            let mut stream = UnixStream::connect(&world.socket).await.expect("a socket");
            // The daemon may have answered and closed before all of it is written.
            let _written = stream.write_all(format!("{head}{body}").as_bytes()).await;
            let mut answer = Vec::new();
            while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut answer).await.expect(request), 0, "{request} {length}: closed");
            }
            let head = String::from_utf8_lossy(&answer);
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request} {length}: {head}");
            assert!(head.contains("connection: close"), "{request} {length}: {head}");
        }
    }
}

/// Nobody asked for what half a request says, whether the operation reads a body or not.
#[tokio::test]
async fn half_a_request_does_nothing_and_is_refused() {
    let mut world = world();
    let requests =
        ["DELETE /v1/halt", "POST /v1/halt", "POST /v1/reload", "POST /v1/sessions/s-1/pause", "GET /v1/status"];
    for request in requests {
        let cases = [
            ("Content-Length: 10", "abc", 400, "bad_body"),
            ("Transfer-Encoding: chunked", "a\r\nabc", 400, "bad_body"),
            ("Content-Length: 99999999", "abc", 413, "too_large"),
            ("Content-Length: 9223372036854775807", "abc", 413, "too_large"),
        ];
        for (length, body, status, refusal) in cases {
            let mut stream = UnixStream::connect(&world.socket).await.expect("a socket");
            let head = format!("{request} HTTP/1.1\r\nHost: holdpoint\r\n{JSON}{length}\r\n\r\n{body}");
            stream.write_all(head.as_bytes()).await.expect("written");
            stream.shutdown().await.expect("shut");
            let mut answer = Vec::new();
            let _closed = stream.read_to_end(&mut answer).await;
            let answer = String::from_utf8(answer).expect("UTF-8");
            // Where the other end is closed already, the server need not answer; it must not do anything either.
            let refused = answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(refusal);
            assert!(refused || answer.is_empty(), "{request} {length}: {answer}");
            assert!(!answer.is_empty() || status == 400, "{request} {length}: no answer");
        }
    }
    // Everything before this one has been handled, and nothing of it reached whoever carries orders out.
    assert_eq!(world.get("/v1/status").await.0, 200);
    assert!(world.orders.try_recv().is_err(), "an order");
}

#[tokio::test]
async fn what_is_served_is_what_is_described() {
    let world = world();
    let (status, served) =
        world.raw("GET /v1/openapi.json HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\n\r\n").await;
    assert_eq!((status, served.as_str()), (200, super::openapi()));
    let document: serde_json::Value = serde_json::from_str(&served).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    // The others are served beside the API, and not here.
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
        let described: Vec<String> = item.as_object().expect("methods").keys().map(|m| m.to_uppercase()).collect();
        for method in
            ["DELETE", "GET", "PATCH", "POST", "PUT"].into_iter().filter(|m| !described.contains(&(*m).into()))
        {
            let path = path.replace("{name}", "7K2M");
            let request = format!("{method} {path} HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\n\r\n");
            let (head, body) = world.exchange(&request).await;
            assert!(
                head.starts_with("HTTP/1.1 405 ") && body.contains("\"no_such_method\""),
                "{method} {path}: {head}"
            );
            let allowed = head.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap_or_default();
            let mut allowed: Vec<&str> = allowed.split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, described, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn one_request_alone_can_look_and_deny_but_not_approve() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let (status, listed) = world.get("/v1/approvals").await;
    assert_eq!((status, listed[0]["digest"].as_str().map(str::to_owned)), (200, Some(view.digest.to_string())));
    assert_eq!(world.get("/v1/approvals?state=ended").await, (200, serde_json::json!([])));
    assert_eq!(world.get("/v1/status").await.1["pending"], 1);
    let path = format!("/v1/approvals/{}/decision", view.card.approval);
    let (status, answer) = world.ask("POST", &path, JSON, &text(&approve(&view, Some(Nonce(1))))).await;
    assert_eq!((status, answer["refusal"].as_str()), (409, Some("not_presented")));
    let denial = Decision { act: Act::Deny { reason: None }, ..approve(&view, None) };
    let driver = tokio::spawn({
        let mut decisions = std::mem::replace(&mut world.decisions, mpsc::channel(1).1);
        async move {
            let order = decisions.recv().await.expect("an order");
            order.reply.send(Ok(Decided::Outcome { outcome: Outcome::Denied })).expect("somebody waits");
        }
    });
    let (status, answer) = world.ask("POST", &path, JSON, &text(&denial)).await;
    assert_eq!((status, answer["outcome"].as_str()), (200, Some("denied")), "{answer}");
    driver.await.expect("no panic");
    assert_eq!(world.get("/v1/snapshot").await.1["operators"], serde_json::json!([]), "nobody is attached");
}

#[tokio::test]
async fn too_soon_stale_ended_and_repeated_decisions_are_what_they_are() {
    let world = world_with(60_000, None);
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let client = world.client().await;
    let requests = client.requests();
    let (id, revision, digest) = (view.card.approval, view.card.revision, view.digest);
    let nonce = requests.presented(id, revision, digest).await.expect("open");
    let early = requests.decide(approve(&view, Some(nonce))).await;
    assert!(matches!(early, Err(Refusal::TooSoon { wait_ms: 1..=60_000 })), "{early:?}");
    let newer = crate::control::fixtures::revised(&view, |card| card.revision = Revision(2));
    world.desk.publish(newer.clone());
    assert_eq!(requests.decide(approve(&view, Some(nonce))).await, Err(Refusal::Stale { revision: Revision(2) }));
    assert_eq!(requests.presented(id, Revision(2), digest).await, Err(Refusal::Stale { revision: Revision(2) }));
    let you = client.hello().you.operator.0.clone();
    world.desk.publish(ended(&newer, Outcome::Approved, by(&you, None), Delivery::Applied, ""));
    assert_eq!(
        requests.decide(approve(&newer, Some(nonce))).await,
        Ok(Decided::Outcome { outcome: Outcome::Approved }),
        "the same decision again is success"
    );
    let other = Decision { act: Act::Deny { reason: None }, ..approve(&newer, None) };
    let already = Refusal::AlreadyDecided { outcome: Outcome::Approved, by: you };
    assert_eq!(requests.decide(other).await, Err(already));
}

#[tokio::test]
async fn orders_go_to_their_driver_and_a_reload_to_whoever_reads_the_configuration() {
    let (reload, mut wishes) = mpsc::channel::<Reload>(1);
    let mut world = world_with(0, Some(reload));
    let client = world.client().await;
    let mut orders = std::mem::replace(&mut world.orders, mpsc::channel(1).1);
    tokio::spawn(async move {
        let wish = wishes.recv().await.expect("a wish");
        wish.send(Ok("nothing changed".into())).expect("somebody waits");
        while let Some(order) = orders.recv().await {
            match order {
                Directed::EndHalt { reply, .. } => reply.send(Ok(())).expect("somebody waits"),
                Directed::Session { order, reply, .. } => {
                    let what = format!("{:?} {}", order.act, order.reason.unwrap_or_default());
                    reply.send(Ok(SessionDone { approval: None, what })).expect("somebody waits");
                }
                Directed::Halt { operator, reason, reply } => {
                    let at = jiff::Timestamp::UNIX_EPOCH;
                    reply.send(Ok(Halt { by: operator, at, reason })).expect("somebody waits");
                }
            }
        }
    });
    let requests = client.requests();
    assert_eq!(requests.reload().await, Ok("nothing changed".to_owned()));
    let session = SessionId::try_from("refund-bot-14").expect("an id");
    let order = SessionOrder { session, act: SessionAct::Pause, reason: Some("odd".into()) };
    assert_eq!(requests.session(order).await.map(|done| done.what), Ok("Pause odd".to_owned()));
    let halt = requests.halt(Some("fire".into())).await.expect("a halt");
    assert_eq!((halt.by, halt.reason.as_deref()), (client.hello().you.operator.clone(), Some("fire")));
    assert_eq!(requests.end_halt().await, Ok(()));
}

#[tokio::test]
async fn a_stop_tells_every_client_and_ends_in_time_even_with_streams_open() {
    let world = world();
    let mut client = world.client().await;
    world.desk.stopping();
    assert_eq!(client.next_update().await.map(|update| update.change), Ok(Change::Stopping));
    let began = Instant::now();
    world.server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(client.next_update().await, Err(Gone::Ended));
    let nobody = remote::connect(&world.socket).await.expect_err("closed");
    assert!(matches!(&nobody, Unreachable::Nobody { why, .. } if why.contains("holdpoint run")), "{nobody}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped_and_the_daemon_goes_on() {
    let world = world();
    let mut quick = world.client().await;
    let mut slow = UnixStream::connect(&world.socket).await.expect("a socket");
    slow.write_all(b"GET /v1/events HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\n\r\n").await.expect("written");
    let mut first = [0; 12];
    slow.read_exact(&mut first).await.expect("the first word");
    let long = "x".repeat(10_000);
    let mut seen = 0;
    while seen < 600 {
        world.desk.notice(long.clone());
        loop {
            if let Update { change: Change::Notice { .. }, .. } = quick.next_update().await.expect("an update") {
                break;
            }
        }
        seen += 1;
    }
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.expect("an end");
    let rest = String::from_utf8_lossy(&rest);
    let last = rest.rfind("event: gone").expect("a last word");
    assert!(rest[last..].contains("too_slow"), "{}", &rest[last..]);
}

#[tokio::test]
async fn a_picture_is_saved_by_the_daemon_and_its_bytes_can_be_had() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let path = world.socket.with_file_name("picture.png");
    std::fs::write(&path, b"a picture").expect("written");
    let mut wishes = std::mem::replace(&mut world.screenshots, mpsc::channel(1).1);
    let saved = path.clone();
    tokio::spawn(async move {
        while let Some(wish) = wishes.recv().await {
            wish.reply.send(Ok(saved.clone())).expect("somebody waits");
        }
    });
    let client = world.client().await;
    assert_eq!(client.requests().screenshot(view.card.approval).await, Ok(path));
    assert_eq!(client.requests().picture(view.card.approval).await, Ok(b"a picture".to_vec()));
}

#[tokio::test]
async fn a_client_that_falls_behind_a_thousand_sessions_is_not_dropped_and_ends_with_each_as_it_is() {
    let world = world();
    let mut client = world.client().await;
    let view = |n: u32, state| SessionView {
        session: SessionId::try_from(format!("s-{n}")).expect("an id"),
        agent: None,
        goal: Some("x".repeat(4_000)),
        state,
        standing: crate::control::Stillness::NothingRuns,
        since: jiff::Timestamp::UNIX_EPOCH,
        sight: Sight::Seen,
        events: 0,
        last: None,
        approval: None,
    };
    for state in [SessionState::Watching, SessionState::Idle] {
        (0..1_000).for_each(|n| world.desk.session(view(n, state), None));
        world.desk.notice(state.name().to_owned());
        // Taken in by the keeper, and not read by the client.
        assert_eq!(world.desk.snapshot().await.map(|known| known.sessions.len()), Some(1_000));
    }
    let (mut idle, mut said) = (std::collections::BTreeSet::new(), Vec::new());
    while idle.len() < 1_000 || said.len() < 2 {
        match client.next_update().await.expect("it is not dropped").change {
            Change::Session { view } if view.state == SessionState::Idle => drop(idle.insert(view.session)),
            Change::Notice { text } => said.push(text),
            _ => {}
        }
    }
    assert_eq!(said, ["watching", "idle"]);
}

/// Between a client and the server: passes everything on, except the parts of event streams that are to be lost.
async fn lossy(upstream: PathBuf, at: PathBuf, lost: Arc<AtomicBool>, snapshots: Arc<AtomicUsize>) {
    let listener = UnixListener::bind(at).expect("a socket");
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&upstream).await.expect("a server");
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let snapshots = snapshots.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                let asks = String::from_utf8_lossy(&bytes[..count]).starts_with("GET /v1/snapshot ");
                snapshots.fetch_add(usize::from(asks), Ordering::SeqCst);
                to_server.write_all(&bytes[..count]).await.expect("a server");
            }
        });
        let lost = lost.clone();
        tokio::spawn(async move {
            let (mut bytes, mut held) = ([0; 4096], Vec::new());
            while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                held.extend_from_slice(&bytes[..count]);
                // Updates come in parts of their own: a length, the event, and an empty line.
                let is_update = String::from_utf8_lossy(&held).contains("event: update");
                if is_update && !held.ends_with(b"\n\n\r\n") {
                    continue;
                }
                if !(is_update && lost.load(Ordering::SeqCst)) {
                    to_client.write_all(&held).await.expect("a client");
                }
                held.clear();
            }
        });
    }
}

#[tokio::test]
async fn a_client_that_misses_an_update_notices_the_gap_and_reads_everything_anew() {
    let world = world();
    let (lost, snapshots) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let between = world.socket.with_file_name("lossy.sock");
    tokio::spawn(lossy(world.socket.clone(), between.clone(), lost.clone(), snapshots.clone()));
    while !between.exists() {
        tokio::task::yield_now().await;
    }
    let mut client = remote::connect(&between).await.expect("a daemon");
    let mut other = world.client().await;
    let (first, second) = (open(1, "Buying"), open(2, "Buying more"));
    world.desk.publish(first.clone());
    let begun = told(&mut client, &first).await;

    lost.store(true, Ordering::SeqCst);
    world.desk.publish(second.clone());
    let over = ended(&first, Outcome::Denied, by("ops2", None), Delivery::Applied, "");
    world.desk.publish(over.clone());
    told(&mut other, &over).await;
    // Who reads the stream directly has both; what went through the lossy one is lost by now, or never will be.
    tokio::time::timeout(Duration::from_millis(300), client.next_update()).await.expect_err("nothing came");
    assert_eq!(snapshots.load(Ordering::SeqCst), 0);
    lost.store(false, Ordering::SeqCst);
    world.desk.notice("anything".into());
    // In the order of the snapshot, and with its number.
    let caught_up = [told(&mut client, &over).await, told(&mut client, &second).await];
    assert_eq!(caught_up[0], caught_up[1]);
    assert!(caught_up[0] > begun + 2, "{begun} {caught_up:?}");
    assert_eq!(snapshots.load(Ordering::SeqCst), 1);
}

/// Reads until an approval is told as it is here, and returns the number of that update.
async fn told(client: &mut remote::Client, view: &ApprovalView) -> u64 {
    let wanted = Change::Approval { view: Box::new(view.clone()) };
    loop {
        let update = tokio::time::timeout(Duration::from_secs(20), client.next_update()).await;
        let update = update.expect("it comes").expect("an update");
        if update.change == wanted {
            return update.seq;
        }
    }
}
