//! `/_sim/`: the ground truth and control from outside the process.

use serde_json::json;

use crate::client::{LIMIT, fast, slow};

#[tokio::test]
async fn calls_are_recorded_with_body_status_and_times() {
    let api = slow().await;
    let id = api.play("").await;
    api.post(&format!("POST /{id}/message?x=1"), json!({ "message": "hello" })).await;
    api.call("GET /nobody/status").await;
    let (_, calls) = api.truth("GET /calls", None).await;
    let (first, second) = (&calls[0], &calls[1]);
    let expected = json!({
        "seq": 0,
        "endpoint": "message",
        "method": "POST",
        "path": format!("/v1/sessions/{id}/message?x=1"),
        "session": id,
        "body": "{\"message\":\"hello\"}",
        "received_ns": first["received_ns"],
        "received_at": first["received_at"],
        "status": 200,
        "faulted": false,
        "applied": true,
    });
    assert_eq!(first, &expected);
    assert_eq!((&second["status"], &second["session"]), (&json!(404), &json!("nobody")));
    assert!(first["received_ns"].as_u64().unwrap() < second["received_ns"].as_u64().unwrap());
    assert_eq!(api.truth("GET /calls?from=1", None).await.1, json!([second]));
}

#[tokio::test]
async fn events_and_calls_share_one_clock() {
    let api = fast().await;
    let id = api.play("[[step]]\nthought = 'now'").await;
    api.sim.until(LIMIT, |world| world.record().events.len() == 2).await.unwrap();
    api.call(&format!("POST /{id}/pause")).await;
    let written = api.truth("GET /events", None).await.1[1]["written_ns"].as_u64().unwrap();
    let received = api.truth("GET /calls", None).await.1[0]["received_ns"].as_u64().unwrap();
    let now = api.truth("GET /clock", None).await.1["now_ns"].as_u64().unwrap();
    assert!(written < received && received < now, "{written} {received} {now}");
}

#[tokio::test]
async fn sessions_faults_and_acts_can_be_made_from_outside() {
    let api = slow().await;
    let (_, made) = api.truth("POST /sessions", Some(json!({ "scenario": "purchase" }))).await;
    let id = made["session_id"].as_str().unwrap();
    assert_eq!(api.truth("POST /sessions", Some(json!({ "scenario": "none" }))).await.0, 422);

    let fault = json!({ "endpoint": "pause", "answer": { "error": { "status": 429, "retry_after": 1 } } });
    assert_eq!(api.truth("POST /faults", Some(fault.clone())).await.0, 200);
    assert_eq!(api.call(&format!("POST /{id}/pause")).await.0, 429);
    api.truth("POST /faults", Some(fault)).await;
    assert_eq!(api.truth("DELETE /faults", None).await.0, 200);
    assert_eq!(api.call(&format!("POST /{id}/pause")).await.0, 200);

    let act = |what| json!({ "do": what });
    let path = format!("POST /sessions/{id}/act");
    assert_eq!(api.truth(&path, Some(act(json!("resume")))).await.0, 200);
    let emit = json!({ "emit": { "commit": { "kind": "purchase", "what": "tea" } } });
    assert_eq!(api.truth(&path, Some(act(emit))).await.0, 200);
    assert_eq!(api.truth(&path, Some(act(json!("dance")))).await.0, 422);
    assert_eq!(api.truth("POST /sessions/nobody/act", Some(act(json!("pause")))).await.0, 404);

    let (_, ledger) = api.truth("GET /ledger", None).await;
    assert_eq!((&ledger[0]["what"], &ledger[0]["session"]), (&json!("tea"), &json!(id)));
    let (_, state) = api.truth(&format!("GET /sessions/{id}"), None).await;
    assert_eq!((&state["scenario"], &state["paused"]), (&json!("purchase"), &json!(false)));
}

#[tokio::test]
async fn of_a_fleet_the_announcements_sent_and_the_pauses_received_are_told_once() {
    let api = slow().await;
    let (_, made) = api.truth("POST /sessions", Some(json!({ "scenario": "purchase", "count": 3 }))).await;
    let ids: Vec<String> = serde_json::from_value(made["session_ids"].clone()).unwrap();
    assert_eq!(ids.len(), 3);
    let mut stream = api.send(&format!("GET /{}/events?include_history=false", ids[1]), None).await.unwrap();
    let say = json!({ "after": "1ms", "do": { "emit": { "thought": "buying" } } });
    assert_eq!(api.truth(&format!("POST /sessions/{}/act", ids[1]), Some(say)).await.0, 200);
    let frame = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&frame).contains("buying"));
    api.call(&format!("POST /{}/pause", ids[1])).await;
    let (_, news) = api.truth("GET /fleet", None).await;
    let (sent, paused) = (&news["sent"][0], &news["paused"][0]);
    assert_eq!((&sent["session"], &paused["session"]), (&json!(ids[1]), &json!(ids[1])));
    assert!(sent["sent_ns"].as_u64().unwrap() < paused["received_ns"].as_u64().unwrap(), "{news}");
    assert_eq!((&news["streams"], &news["running"], &news["calls"]), (&json!(1), &json!(3), &json!(2)));
    let late: u64 = news["late_us"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert!(late >= 1, "{news}");
    let (_, again) = api.truth("GET /fleet?calls=2&sent=1", None).await;
    assert_eq!((&again["sent"], &again["paused"]), (&json!([]), &json!([])));
}
