//! Scripted bad days of single calls.

use std::num::NonZeroU32;
use std::time::Duration;

use holdpoint::simulator::fault::{Endpoint, FaultAnswer};
use holdpoint::simulator::{Fault, Limit};
use serde_json::{Value, json};

use crate::client::{LIMIT, slow};

fn fault(json: Value) -> Fault {
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn errors_come_in_every_shape_that_was_seen() {
    let cases = [
        (json!({ "status": 500 }), "application/json", r#"{"detail":"Internal Server Error"}"#),
        (json!({ "status": 404 }), "application/json", r#"{"detail":"Session not found"}"#),
        (json!({ "status": 500, "body": "message", "text": "oh" }), "application/json", r#"{"message":"oh"}"#),
        (json!({ "status": 500, "body": "error", "text": "oh" }), "application/json", r#"{"code":500,"error":"oh"}"#),
        (
            json!({ "status": 500, "body": "error_object", "text": "oh" }),
            "application/json",
            r#"{"error":{"message":"oh"}}"#,
        ),
        (json!({ "status": 503, "body": "empty" }), "text/plain", ""),
        (json!({ "status": 409, "body": "plain", "text": "already_paused" }), "text/plain", "already_paused"),
    ];
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    for (error, content_type, body) in cases {
        api.sim.fault(fault(json!({ "endpoint": "pause", "answer": { "error": error } }))).await.unwrap();
        let response = api.send(&format!("POST /{id}/pause"), None).await.unwrap();
        assert_eq!(u64::from(response.status().as_u16()), error["status"].as_u64().unwrap());
        assert_eq!(response.headers()["content-type"], content_type, "{error}");
        assert_eq!(response.text().await.unwrap(), body, "{error}");
    }
    assert!(!api.sim.session(&id).await.unwrap().paused);
}

#[tokio::test]
async fn a_gateway_answers_in_html() {
    let api = slow().await;
    api.sim
        .fault(fault(json!({ "endpoint": "list", "answer": { "error": { "status": 502, "body": "html" } } })))
        .await
        .unwrap();
    let response = api.send("GET ", None).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (502, &"text/html".parse().unwrap()));
    assert!(response.text().await.unwrap().starts_with("<html>"));
    assert_eq!(api.call("GET ").await.0, 200, "a fault strikes once");
}

#[tokio::test]
async fn a_rate_limit_may_say_when_to_come_back() {
    let api = slow().await;
    for (retry_after, expected) in [(json!(7), Some("7")), (json!("tomorrow"), Some("tomorrow")), (Value::Null, None)] {
        let error = json!({ "status": 429, "retry_after": retry_after });
        api.sim.fault(fault(json!({ "endpoint": "list", "answer": { "error": error } }))).await.unwrap();
        let response = api.send("GET ", None).await.unwrap();
        let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((response.status().as_u16(), after.as_deref()), (429, expected));
    }
}

#[tokio::test]
async fn a_reset_loses_the_answer_with_or_without_the_effect() {
    for applied in [false, true] {
        let api = slow().await;
        let id = api.sim.create("purchase").await.unwrap();
        api.sim.fault(Fault { applied, ..Fault::once(Endpoint::Pause, FaultAnswer::Reset) }).await.unwrap();
        let error = api.send(&format!("POST /{id}/pause"), None).await.unwrap_err();
        assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
        assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
        assert_eq!(api.sim.session(&id).await.unwrap().paused, applied);
        let call = api.sim.calls().await.unwrap().remove(0);
        assert_eq!((call.endpoint, call.status, call.applied), (Some(Endpoint::Pause), None, applied));
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_let_go_by_a_shutdown_only() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    let fault = Fault { applied: true, ..Fault::once(Endpoint::Pause, FaultAnswer::Hang) };
    api.sim.fault(fault).await.unwrap();
    let url = format!("{}/v1/sessions/{id}/pause", api.sim.base_url());
    let key = secrecy::ExposeSecret::expose_secret(api.sim.api_key()).to_owned();
    let hanging = tokio::spawn(api.http.post(url).bearer_auth(key).send());
    api.becomes(&id, "paused").await;
    assert!(!hanging.is_finished());
    api.sim.shutdown().await;
    let answer = tokio::time::timeout(LIMIT, hanging).await.expect("still hanging").unwrap();
    assert_eq!(answer.unwrap().status(), 503);
}

#[tokio::test]
async fn a_call_can_be_delayed_before_its_effect_or_after_it() {
    let api = slow().await;
    for (fault, at_once) in [
        (json!({ "endpoint": "pause", "delay": "50ms" }), false),
        (json!({ "endpoint": "pause", "hold": "50ms" }), true),
    ] {
        let id = api.sim.create("purchase").await.unwrap();
        api.sim.fault(serde_json::from_value(fault).unwrap()).await.unwrap();
        let (before, session) = (api.sim.calls().await.unwrap().len(), id.clone());
        // Asked right after the call is taken, before any delay can be over.
        let taken = api.sim.until(LIMIT, move |world| {
            let paused = world.session(&session).is_some_and(|state| state.paused);
            world.record().calls.len() > before && paused == at_once
        });
        let call = format!("POST /{id}/pause");
        let (answer, taken) = tokio::join!(api.call(&call), taken);
        taken.unwrap();
        assert_eq!(answer.0, 200);
        assert!(api.sim.session(&id).await.unwrap().paused);
    }
}

#[tokio::test]
async fn a_success_can_be_false_or_shaped_like_a_status() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    api.sim.fault(Fault::once(Endpoint::Pause, FaultAnswer::Refuse)).await.unwrap();
    api.sim.fault(Fault::once(Endpoint::Pause, FaultAnswer::StatusShape)).await.unwrap();
    let refused = json!({ "success": false, "message": "Could not be done" });
    assert_eq!(api.call(&format!("POST /{id}/pause")).await, (200, refused));
    assert!(!api.sim.session(&id).await.unwrap().paused);
    assert_eq!(api.call(&format!("POST /{id}/pause")).await, (200, json!({ "status": "paused" })));
    assert!(api.sim.session(&id).await.unwrap().paused);
}

#[tokio::test]
async fn a_cancel_can_fail_so_that_only_a_delete_works() {
    let api = slow().await;
    let id = api.play("[[fault]]\nendpoint = 'cancel'\nalways = true\nanswer = { error = { status = 500 } }").await;
    for _ in 0..3 {
        assert_eq!(api.call(&format!("POST /{id}/cancel")).await.0, 500);
    }
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "running");
    assert_eq!(api.call(&format!("DELETE /{id}")).await.1["deleted"], true);
}

#[tokio::test]
async fn a_screenshot_can_lack_its_prefix_or_its_end() {
    let api = slow().await;
    let id = api.play("").await;
    let picture = holdpoint::simulator::picture::data_url();
    api.sim.fault(Fault::once(Endpoint::Screenshot, FaultAnswer::BareScreenshot)).await.unwrap();
    api.sim.fault(Fault::once(Endpoint::Screenshot, FaultAnswer::BrokenScreenshot)).await.unwrap();
    let bare = api.call(&format!("GET /{id}/screenshot")).await.1["screenshot"].as_str().unwrap().to_owned();
    let broken = api.call(&format!("GET /{id}/screenshot")).await.1["screenshot"].as_str().unwrap().to_owned();
    assert_eq!(format!("data:image/jpeg;base64,{bare}"), picture);
    assert!(picture.starts_with(&broken) && !(broken.len() - "data:image/jpeg;base64,".len()).is_multiple_of(4));
}

#[tokio::test]
async fn a_fault_of_the_scenario_strikes_its_own_sessions_only() {
    let api = slow().await;
    let struck = api.play("[[fault]]\nendpoint = 'any'\nanswer = { error = { status = 503 } }").await;
    let spared = api.play("").await;
    assert_eq!(api.call(&format!("GET /{spared}")).await.0, 200);
    assert_eq!(api.call(&format!("GET /{struck}")).await.0, 503);
    assert_eq!(api.call(&format!("GET /{struck}")).await.0, 200);
}

#[tokio::test]
async fn a_wait_that_is_not_met_tells_what_it_saw() {
    let api = slow().await;
    api.play("goal = 'x'").await;
    let error = api.sim.until(Duration::from_millis(1), |_| false).await.unwrap_err().to_string();
    assert!(error.contains("not within 1ms") && error.contains("scenario: \"test\""), "{error}");
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_answered_with_429_and_a_time_and_takes_no_effect() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    api.sim.limit(NonZeroU32::new(1).map(Limit::per_second)).await.unwrap();
    let call = format!("POST /{id}/message");
    let messages = (0..20).map(|_| api.send(&call, Some(json!({ "message": "go on" }))));
    let answers = futures_util::future::try_join_all(messages).await.unwrap();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status() == 429).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|answer| answer.headers()["retry-after"] == "1"));
    // Its goal is the first.
    let instructions = api.sim.session(&id).await.unwrap().instructions.len() - 1;
    assert_eq!(instructions, answers.len() - refused.len());
}
