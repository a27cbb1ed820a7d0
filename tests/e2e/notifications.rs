//! Somebody is called, and what happened can be measured.

use std::path::PathBuf;
use std::time::Duration;

use holdpoint::api::SessionId;
use holdpoint::daemon;
use holdpoint::gate::Delivery;
use holdpoint::notify::Way;
use holdpoint::notify::exec::Hook;
use holdpoint::telemetry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::stage::{LIMIT, Play, Stage, stage};

/// A hook that writes each notification into a file; approvals have 15 s, and are called again after 1.5 s.
fn called(config: &mut daemon::Config) {
    config.settings.timeout = Duration::from_secs(15);
    config.desk.daemon.settings.escalate_percent = 10;
    let folder = config.pictures.parent().unwrap();
    let words = ["/bin/sh", "-c", "cat >> \"$0\"/calls", folder.to_str().unwrap()];
    let hook = Hook::new(&words.map(str::to_owned), Duration::from_secs(10)).unwrap();
    config.notify.ways = vec![Way::Exec(hook)];
}

fn file(stage: &Stage) -> PathBuf {
    stage.file().with_file_name("calls")
}

fn calls(stage: &Stage) -> Vec<Value> {
    let text = std::fs::read_to_string(file(stage)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let wait = async {
        while !met() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what}: never"));
}

#[tokio::test]
async fn a_purchase_leads_to_one_call_and_one_escalation() {
    let mut stage = stage(Play { tune: called, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    until("two calls", || calls(&stage).len() == 2).await;
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.stop().await;
    let said = calls(&stage);
    let kinds: Vec<&str> = said.iter().filter_map(|call| call["kind"].as_str()).collect();
    assert_eq!(kinds, ["opened", "escalated"]);
    for call in &said {
        assert_eq!(call["id"], card.card.approval.to_string());
        assert_eq!(call["amount"], "41.00 USD");
        assert_eq!(call["answer_with"], "holdpoint attach");
        let session: SessionId = serde_json::from_value(call["session_id"].clone()).unwrap();
        assert_eq!(session, card.card.session);
    }
    assert!(!std::fs::read_to_string(file(&stage)).unwrap().contains(stage.key()));
    stage.finish().await;
}

#[tokio::test]
async fn what_happened_is_measured_and_served_on_loopback() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.deny(&card).await.unwrap();
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);

    let stop = CancellationToken::new();
    let served = telemetry::http::serve("127.0.0.1:0".parse().unwrap(), stage.scrape(), stop.clone()).await.unwrap();
    let get = |path: &str| reqwest::get(format!("http://{served}{path}"));
    let expected = [
        "holdpoint_approvals_opened_total{effect=\"ask\",risk=\"medium\"} 1",
        "holdpoint_approvals_ended_total{outcome=\"denied\"} 1",
        "holdpoint_deliveries_total{result=\"applied\"} 1",
        "holdpoint_pause_request_seconds_count 1",
        "holdpoint_pause_confirmed_seconds_count 1",
        "holdpoint_provider_calls_total{endpoint=\"cancel\",class=\"ok\"} 1",
        "holdpoint_approvals_pending 0",
    ];
    let mut text = String::new();
    for _ in 0..1000 {
        let answer = get("/metrics").await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
        text = answer.text().await.unwrap();
        if expected.iter().all(|line| text.lines().any(|said| said == *line)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let missing: Vec<_> = expected.into_iter().filter(|line| !text.lines().any(|said| said == *line)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "{text}");
    assert!(!text.contains(&stage.session), "a session's id is a label");

    let health = get("/healthz").await.unwrap();
    assert_eq!(health.status(), 200);
    assert_eq!(health.text().await.unwrap(), "{\"status\":\"ok\",\"reasons\":[]}");
    assert_eq!(get("/v1/snapshot").await.unwrap().status(), 404);
    stop.cancel();
    let everybody = telemetry::http::serve("0.0.0.0:0".parse().unwrap(), stage.scrape(), stop).await;
    assert!(everybody.is_err(), "other machines could read it");
    stage.finish().await;
}
