//! Every error of the vendor's page, and what providers and gateways say instead of it.

use holdpoint::control::Act;
use holdpoint::gate::{Delivery, Hold, Outcome, Timing};
use holdpoint::simulator::fault::Endpoint;
use serde_json::{Value, json};

use crate::operator::outcome;
use crate::stage::{PURCHASE, Play, each, emits, set, stage};

#[tokio::test]
async fn a_session_that_vanishes_while_it_is_being_paused_is_withdrawn() {
    let mut stage = set(Play::default()).await;
    stage.fault(json!({ "endpoint": "pause", "delay": "500ms", "always": true })).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    stage.called(Endpoint::Pause, 1).await;
    stage.somebody(holdpoint::simulator::Act::Delete).await;
    let card = operator.until("approval", |me| me.known().first().map(|view| view.card.approval)).await;
    assert_eq!(operator.ending(card).await.words(), (Outcome::Withdrawn, Delivery::Applied, "the session is gone"));
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_vanishes_while_its_card_is_open_is_withdrawn() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(holdpoint::simulator::Act::Delete).await;
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Withdrawn, Delivery::Applied, "the session is gone"));
    assert!(operator.approve(&card).await.is_err());
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_vanishes_while_it_is_being_resumed_is_said_to_be_gone() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "resume", "delay": "500ms" })).await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    stage.called(Endpoint::Resume, 1).await;
    stage.somebody(holdpoint::simulator::Act::Delete).await;
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Approved, Delivery::Failed, "the session is gone"));
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_404_that_passes_does_not_let_go_of_a_session() {
    let mut stage = set(Play::default()).await;
    stage.fault(json!({ "endpoint": "pause", "answer": { "error": { "status": 404 } } })).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

/// The first pause takes effect but is slow, its hedge is told that the session is paused already.
async fn already_paused(again: &'static str) {
    let mut stage = set(Play { scenario: again, ..Play::default() }).await;
    stage.fault(json!({ "endpoint": "pause", "hold": "2s" })).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(matches!(card.card.hold, Hold::Paused { .. }), "the pause is ours: {:?}", card.card.hold);
    let statuses: Vec<_> = stage.calls(Endpoint::Pause).await.iter().map(|call| call.status).collect();
    assert!(statuses.len() >= 2, "{statuses:?}");
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

const AGAIN_400: &str = "
    pause = { again = 400 }
    [[step]]
    thought = \"Clicking 'Place your order' now\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
    [[step]]
    done = 'ok'
";

const AGAIN_409: &str = "
    pause = { again = 409 }
    [[step]]
    thought = \"Clicking 'Place your order' now\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
    [[step]]
    done = 'ok'
";

#[tokio::test]
async fn already_paused_as_400_is_an_answer_about_state() {
    already_paused(AGAIN_400).await;
}

#[tokio::test]
async fn already_paused_as_409_is_an_answer_about_state() {
    already_paused(AGAIN_409).await;
}

/// Somebody else resumes between our last look and our resume.
async fn not_paused(scenario: &'static str) {
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "resume", "delay": "500ms" })).await;
    operator.approve(&card).await.unwrap();
    stage.called(Endpoint::Resume, 1).await;
    stage.somebody(holdpoint::simulator::Act::Resume).await;
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn not_paused_as_400_means_that_the_session_runs() {
    not_paused(AGAIN_400).await;
}

#[tokio::test]
async fn not_paused_as_409_means_that_the_session_runs() {
    not_paused(AGAIN_409).await;
}

/// A purchase whose calls of `endpoint` go wrong at first is held, approved and made once all the same.
async fn approved_although(fault: Value) {
    let mut stage = set(Play::default()).await;
    stage.fault(fault.clone()).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(matches!(card.card.hold, Hold::Paused { .. }), "{fault}: {:?}", card.card.hold);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved), "{fault}");
    assert_eq!(stage.bought().await, ["tea"], "{fault}");
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied, "{fault}");
    stage.finish().await;
}

#[tokio::test]
async fn a_pause_that_is_refused_in_any_words_is_repeated() {
    each(
        [
            json!({ "error": { "status": 500 } }),
            json!({ "error": { "status": 502, "body": "html" } }),
            json!({ "error": { "status": 503, "body": "empty" } }),
            json!({ "error": { "status": 429 } }),
            json!({ "error": { "status": 429, "retry_after": 1 } }),
            json!({ "error": { "status": 422, "body": "validation" } }),
            json!("refuse"),
            json!("reset"),
        ],
        async |answer| {
            approved_although(json!({ "endpoint": "pause", "answer": answer, "times": 3 })).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_pause_answered_in_the_shape_of_a_status_counts() {
    approved_although(json!({ "endpoint": "pause", "answer": "status_shape" })).await;
}

#[tokio::test]
async fn a_pause_that_was_accepted_without_effect_is_repeated() {
    let answer = json!({ "error": { "status": 200, "body": "message", "text": "Session paused successfully" } });
    approved_although(json!({ "endpoint": "pause", "answer": answer, "times": 2 })).await;
}

#[tokio::test]
async fn a_resume_that_is_rate_limited_is_sent_again_when_the_provider_says_so() {
    each([json!(1), json!(null)], async |retry_after| {
        let mut error = json!({ "status": 429 });
        if !retry_after.is_null() {
            error["retry_after"] = retry_after;
        }
        approved_although(json!({ "endpoint": "resume", "answer": { "error": error } })).await;
    })
    .await;
}

#[tokio::test]
async fn a_resume_answered_in_the_shape_of_a_status_counts() {
    approved_although(json!({ "endpoint": "resume", "answer": "status_shape" })).await;
}

#[tokio::test]
async fn a_resume_behind_a_broken_gateway_is_sent_again_only_after_its_state_was_read() {
    approved_although(json!({ "endpoint": "resume", "answer": { "error": { "status": 502, "body": "html" } } })).await;
}

#[tokio::test]
async fn a_resume_that_took_effect_behind_a_broken_gateway_is_not_sent_again() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let html = json!({ "error": { "status": 502, "body": "html" } });
    stage.fault(json!({ "endpoint": "resume", "answer": html, "applied": true })).await;
    operator.approve(&card).await.unwrap();
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_resume_that_is_refused_leaves_the_session_paused_and_asks_again() {
    each([json!("refuse"), json!({ "error": { "status": 422, "body": "validation" } })], async |answer| {
        let stage = stage(Play::default()).await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        stage.fault(json!({ "endpoint": "resume", "answer": answer })).await;
        operator.approve(&card).await.unwrap();
        let ending = operator.ending(card.card.approval).await;
        assert_eq!((ending.outcome, ending.delivery), (Outcome::Approved, Delivery::Failed));
        assert!(ending.detail.starts_with("resume failed: still paused"), "{}", ending.detail);
        let again = operator.next_card(&card).await;
        assert!(stage.is_paused().await);
        operator.approve(&again).await.unwrap();
        assert_eq!(stage.bought().await, ["tea"]);
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_cancel_that_fails_is_repeated() {
    each(
        [
            json!({ "error": { "status": 500 } }),
            json!({ "error": { "status": 502, "body": "html" } }),
            json!({ "error": { "status": 429, "retry_after": 1 } }),
            json!("refuse"),
        ],
        async |answer| {
            let stage = stage(Play::default()).await;
            let mut operator = stage.operator("ops").await;
            let card = operator.card().await;
            stage.fault(json!({ "endpoint": "cancel", "answer": answer, "times": 2 })).await;
            operator.deny(&card).await.unwrap();
            let ending = operator.ending(card.card.approval).await;
            assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
            assert_eq!(stage.calls(Endpoint::Cancel).await.len(), 3);
            assert_eq!(stage.ledger().await, [""; 0]);
            stage.finish().await;
        },
    )
    .await;
}

const UNCANCELLABLE: &str = "
    cancel = { effective = false }
    [[step]]
    thought = \"Clicking 'Place your order' now\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
";

#[tokio::test]
async fn a_session_that_cannot_be_cancelled_is_deleted() {
    let stage = stage(Play { scenario: UNCANCELLABLE, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.deny(&card).await.unwrap();
    let ending = operator.ending(card.card.approval).await;
    let detail = "cancel kept failing: the session was deleted";
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, detail));
    assert!(stage.sim.session(&stage.session).await.unwrap().deleted);
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_cannot_be_cancelled_can_be_kept_paused_instead() {
    let approvals = "on_cancel_failure = 'keep_paused'";
    let mut stage = stage(Play { scenario: UNCANCELLABLE, approvals, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.deny(&card).await.unwrap();
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Failed, "cancel failed: left paused"));
    assert_eq!(stage.stop().await, [stage.session.clone()]);
    assert!(stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Delete).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn a_step_in_flight_while_the_pause_lags_makes_the_card_late() {
    let scenario = "
        pause = { lag = '1s' }
        [[step]]
        thought = \"Clicking 'Place your order' now\"
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    stage.called(Endpoint::Pause, 1).await;
    stage.somebody(emits("commit = { kind = 'purchase', what = 'tea' }")).await;
    stage.somebody(emits("step = { action = 'read', text = 'Thank you for your order' }")).await;
    let late = operator
        .until("late card", |me| {
            let late = |view: &&&holdpoint::control::ApprovalView| view.card.timing == Timing::Late;
            me.known().iter().find(late).filter(|view| !crate::operator::is_draft(view)).map(|view| (*view).clone())
        })
        .await;
    assert!(matches!(late.card.hold, Hold::Paused { .. }));
    assert_eq!(late.card.after.len(), 1);
    assert_eq!(stage.ledger().await, ["tea"]);
    operator.decide(&late, Act::Deny { reason: Some("too late".to_owned()) }).await.unwrap();
    operator.ending(late.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_step_that_reports_in_while_the_session_is_paused_makes_the_card_late() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        step = { action = 'click', element = 'Place your order' }
        in_flight = true
        [[step]]
        done = 'ok'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let late = operator
        .until("late card", |me| {
            let open = me.known().into_iter().find(|view| view.state == holdpoint::control::State::Open)?;
            (open.card.timing == Timing::Late).then(|| open.clone())
        })
        .await;
    operator.approve(&late).await.unwrap();
    assert_eq!(operator.ending(late.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.bought().await, [""; 0]);
    stage.finish().await;
}

/// The pause shows in one place only; a whole approval works all the same.
async fn shown_only_in(scenario: &'static str) {
    let stage = stage(Play { scenario, rules: PURCHASE, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(matches!(card.card.hold, Hold::Paused { .. }));
    stage.called(Endpoint::Session, 6).await; // It is watched over for a while.
    let card = operator.card().await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

macro_rules! shows {
    ($sign:literal) => {
        concat!(
            "pause = { shows = ['",
            $sign,
            "'] }\n[[step]]\nthought = \"Clicking 'Place your order' now\"\n[[step]]\nwaits_for = 'pause'\n[[step]]\n",
            "commit = { kind = 'purchase', what = 'tea' }\n[[step]]\ndone = 'ok'\n"
        )
    };
}

#[tokio::test]
async fn a_pause_that_shows_only_in_the_lifecycle_status_is_enough() {
    shown_only_in(shows!("session")).await;
}

#[tokio::test]
async fn a_pause_that_shows_only_in_the_execution_status_is_enough() {
    shown_only_in(shows!("status")).await;
}

#[tokio::test]
async fn a_pause_that_shows_only_as_an_event_is_enough() {
    shown_only_in(shows!("event")).await;
}
