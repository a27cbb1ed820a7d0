//! Every call, as the vendor documents it.

use std::net::SocketAddr;

use holdpoint::simulator::{Options, Simulator, StartError};
use serde_json::json;

use crate::client::{LIMIT, fast, read, slow, with};

#[tokio::test]
async fn a_session_is_created_listed_and_read() {
    let api = slow().await;
    assert_eq!(api.call("GET ").await, (200, json!([])));
    let (status, made) = api.post("POST ", json!({ "goal": "Look up headsets", "agent_name": "agi-0-fast" })).await;
    let id = made["session_id"].as_str().unwrap().to_owned();
    let expected = json!({
        "session_id": id,
        "vnc_url": format!("https://vnc.example.com/{id}"),
        "agent_name": "agi-0-fast",
        "status": "ready",
        "created_at": made["created_at"],
        "goal": "Look up headsets",
        "agent_session_type": "managed-cdp",
    });
    assert_eq!((status, &made), (200, &expected));
    let mut listed = expected.clone();
    listed.as_object_mut().unwrap().remove("vnc_url");
    assert_eq!(api.call("GET ").await, (200, json!([listed])));
    assert_eq!(api.call(&format!("GET /{id}")).await, (200, expected));
    assert_eq!(api.call(&format!("GET /{id}/status")).await, (200, json!({ "status": "ready" })));
}

#[tokio::test]
async fn a_list_of_hundreds_has_each_once_and_says_how_long_it_is() {
    let api = slow().await;
    let (_, made) = api.truth("POST /sessions", Some(json!({ "scenario": "purchase", "count": 300 }))).await;
    let mut made: Vec<_> = made["session_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    made.sort_unstable();
    let answer = api.send("GET ", None).await.unwrap();
    let told = answer.content_length();
    let body = answer.bytes().await.unwrap();
    let list: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let listed: Vec<_> = list.as_array().unwrap().iter().map(|one| one["session_id"].as_str().unwrap()).collect();
    assert_eq!((listed, told), (made, Some(body.len() as u64)));
    assert!(body.len() > 32 << 10, "{} bytes are one piece", body.len());
}

#[tokio::test]
async fn an_empty_create_body_is_accepted_and_a_wrong_one_is_not() {
    let api = slow().await;
    assert_eq!(api.post("POST ", json!({})).await.0, 200);
    for wrong in [json!([]), json!({ "webhook_url": "ftp://x" }), json!({ "max_steps": 0 }), json!({ "goal": 3 })] {
        let (status, body) = api.post("POST ", wrong.clone()).await;
        assert!(status == 422 && body["detail"].is_array(), "{wrong}: {status} {body}");
    }
}

#[tokio::test]
async fn a_message_starts_a_task_whose_first_message_is_its_echo() {
    let api = slow().await;
    let (_, made) = api.post("POST ", json!({})).await;
    let id = made["session_id"].as_str().unwrap();
    let sent = api.post(&format!("POST /{id}/message"), json!({ "message": "Look up headsets" })).await;
    assert_eq!(sent, (200, json!({ "success": true, "message": "Message sent successfully" })));
    let (_, messages) = api.call(&format!("GET /{id}/messages")).await;
    let first = &messages["messages"][0];
    assert!(first["id"].as_u64().unwrap() > 352_000, "{first}");
    let expected = json!({
        "messages": [{
            "id": first["id"],
            "type": "USER",
            "content": "Look up headsets",
            "timestamp": first["timestamp"],
            "metadata": {},
        }],
        "status": "running",
        "has_agent": true,
    });
    assert_eq!(messages, expected);
}

#[tokio::test]
async fn pause_resume_and_cancel_answer_success_or_the_state() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    let ok = |what: &str| (200, json!({ "success": true, "message": format!("Session {what} successfully") }));
    assert_eq!(api.call(&format!("POST /{id}/pause")).await, ok("paused"));
    let (status, again) = api.call(&format!("POST /{id}/pause")).await;
    assert!(status == 400 && again["detail"].as_str().unwrap().contains("already_paused"), "{status} {again}");
    assert_eq!(api.call(&format!("GET /{id}/status")).await.1, json!({ "status": "paused" }));
    assert_eq!(api.call(&format!("POST /{id}/resume")).await, ok("resumed"));
    let (status, again) = api.call(&format!("POST /{id}/resume")).await;
    assert!(status == 400 && again["detail"].as_str().unwrap().contains("not_paused"), "{status} {again}");
    assert_eq!(api.call(&format!("POST /{id}/cancel")).await, ok("cancelled"));
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "ready");
}

#[tokio::test]
async fn already_paused_and_not_paused_can_be_conflicts() {
    let api = slow().await;
    let id = api.play("[pause]\nagain = 409").await;
    assert_eq!(api.call(&format!("POST /{id}/resume")).await.0, 409);
    assert_eq!(api.call(&format!("POST /{id}/pause")).await.0, 200);
    assert_eq!(api.call(&format!("POST /{id}/pause")).await.0, 409);
}

#[tokio::test]
async fn navigating_changes_the_page_of_the_screenshot() {
    let api = slow().await;
    let id = api.play("").await;
    let url = "https://shop.example.com/checkout";
    let went = api.post(&format!("POST /{id}/navigate"), json!({ "url": url })).await;
    assert_eq!(went, (200, json!({ "current_url": url })));
    assert_eq!(api.post(&format!("POST /{id}/navigate"), json!({ "url": "javascript:1" })).await.0, 400);
    let (status, shot) = api.call(&format!("GET /{id}/screenshot")).await;
    assert_eq!((status, &shot["url"], &shot["title"]), (200, &json!(url), &json!("shop.example.com")));
    assert!(shot["screenshot"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"), "{shot}");
}

#[tokio::test]
async fn deleting_ends_the_task_and_makes_the_session_unknown() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    let gone = json!({ "success": true, "deleted": true, "message": "Session deleted successfully" });
    assert_eq!(api.call(&format!("DELETE /{id}?save_snapshot_mode=none")).await, (200, gone));
    for call in ["GET /ID", "GET /ID/status", "POST /ID/pause", "GET /ID/events", "POST /ID/message"] {
        let (status, body) = api.call(&call.replace("ID", &id)).await;
        assert_eq!((status, body), (404, json!({ "detail": "Session not found" })), "{call}");
    }
    assert_eq!(api.call(&format!("DELETE /{id}")).await.1["deleted"], false);
    let others = [api.play("").await, api.play("").await];
    assert_eq!(api.call("DELETE ").await.1["message"], "2 sessions deleted");
    assert_eq!(api.call(&format!("GET /{}", others[1])).await.0, 404);
}

#[tokio::test]
async fn a_wrong_key_is_401_or_as_chosen_403() {
    for (auth_status, options) in [(401, Options::default()), (403, Options { auth_status: 403, ..Options::default() })]
    {
        let api = with(options).await;
        for key in ["", "wrong"] {
            let url = format!("{}/v1/sessions", api.sim.base_url());
            let (status, body) = read(api.http.get(url).bearer_auth(key).send().await.unwrap()).await;
            assert_eq!((status, body), (auth_status, json!({ "detail": "Invalid API key" })));
        }
    }
}

#[tokio::test]
async fn there_are_models() {
    let api = slow().await;
    let models = api.call("GET /../models").await;
    assert_eq!(models.0, 200, "{models:?}");
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let refused = Simulator::start(Options { listen, ..Options::default() }).await;
    assert!(matches!(refused, Err(StartError::NotLoopback(address)) if address == listen));
}

#[tokio::test]
async fn many_simulators_live_side_by_side_and_a_stopped_one_is_gone() {
    let (one, two) = (fast().await, fast().await);
    assert_ne!(one.sim.base_url(), two.sim.base_url());
    let hanging = one.sim.create("harmless").await.unwrap();
    let url = one.sim.base_url();
    let stream = one.send(&format!("GET /{hanging}/events"), None).await.unwrap();
    tokio::time::timeout(LIMIT, one.sim.shutdown()).await.expect("the shutdown does not end");
    assert!(stream.bytes().await.is_ok());
    assert!(one.http.get(url).send().await.unwrap_err().is_connect());
    assert_eq!(two.call("GET ").await.0, 200);
}
