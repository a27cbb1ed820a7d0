//! What all who watch share, against a server that counts their calls.

#[path = "support/server.rs"]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdpoint::api::paced::Pace;
use holdpoint::api::paced::bucket::Rate;
use holdpoint::api::{MessageId, PauseAnswer, Provider, SessionId};

use server::{Reply, Server, json};

fn id() -> SessionId {
    SessionId::try_from("s-1").expect("an id")
}

fn answer(line: &str) -> Reply {
    match line {
        "POST /v1/sessions/s-1/pause" => json(200, r#"{"success":true}"#),
        "GET /v1/sessions" => Reply::Answer(429, "retry-after: 3600\r\n", "{}".to_owned()),
        _ => json(200, r#"{"messages":[],"status":"running"}"#),
    }
}

#[tokio::test]
async fn a_rate_limit_that_one_meets_holds_off_who_watches_and_nobody_who_has_to_know() {
    let server = Server::start(|request, _| answer(&request.line)).await;
    let provider: Arc<dyn Provider> = Arc::new(server.client());
    let pace = Pace::new(provider.clone(), None);
    let began = Instant::now();
    pace.listing().list().await.expect_err("limited");
    let watching = pace.watching();
    let watching = tokio::spawn(async move { watching.messages(&id(), MessageId(0)).await });
    provider.status(&id()).await.expect("a status");
    assert_eq!(provider.pause(&id()).await, Ok(PauseAnswer::Accepted));
    assert_eq!(server.count("GET /v1/sessions/s-1/messages"), 0);
    // An hour was asked for: whoever was told keeps to it, the others try again after seconds.
    watching.await.expect("a task").expect("messages");
    assert!(began.elapsed() >= Duration::from_secs(4));
}

#[tokio::test]
async fn hundreds_of_reads_that_hang_keep_no_gate_and_no_pause_waiting() {
    let server = Server::start(|request, _| match request.line.as_str() {
        "POST /v1/sessions/s-1/pause" => answer(&request.line),
        "GET /v1/sessions/s-1/status" => answer(&request.line),
        _ => Reply::Hang,
    })
    .await;
    let provider: Arc<dyn Provider> = Arc::new(server.client());
    let pace = Pace::new(provider.clone(), None);
    let reads: Vec<_> = (0..300)
        .map(|_| {
            let watching = pace.watching();
            tokio::spawn(async move { watching.messages(&id(), MessageId(0)).await })
        })
        .collect();
    server.wait_for("GET /v1/sessions/s-1/messages", 256).await;
    assert_eq!(provider.pause(&id()).await, Ok(PauseAnswer::Accepted));
    provider.status(&id()).await.expect("a status");
    // Those that hang keep the others waiting for two seconds.
    server.wait_for("GET /v1/sessions/s-1/messages", 300).await;
    reads.iter().for_each(tokio::task::JoinHandle::abort);
}

/// The client repeats reads and pauses by itself; whoever comes after pays for these as well.
#[tokio::test]
async fn requests_that_no_caller_sees_are_counted_and_pauses_do_not_wait_for_what_they_cost() {
    let server = Server::start(|request, earlier| match (request.line.as_str(), earlier) {
        ("GET /v1/sessions/s-1/status", 0 | 1) => Reply::Answer(502, "", String::new()),
        ("POST /v1/sessions/s-1/pause", 0 | 2) => Reply::Answer(502, "", String::new()),
        (line, _) => answer(line),
    })
    .await;
    let pace = Pace::new(Arc::new(server.client()), Some(Rate::per_minute(60)));
    let (acting, began) = (pace.acting(), Instant::now());
    acting.status(&id()).await.expect("a status");
    for _ in 0..2 {
        assert_eq!(acting.pause(&id()).await, Ok(PauseAnswer::Accepted));
    }
    let paused = began.elapsed();
    assert_eq!(server.count("POST /v1/sessions/s-1/pause"), 4);
    for _ in 0..3 {
        pace.watching().status(&id()).await.expect("a status");
    }
    // Seven requests are paid for at one a second, and watchers go at half of that meanwhile: after 2, 4 and 6 s. Were only the
    // three calls counted, the third would go after 5 s.
    assert!(began.elapsed() >= Duration::from_millis(5_700), "{:?}", began.elapsed());
    assert!(paused < Duration::from_secs(2), "{paused:?}");
}
