//! Calls whose answer is lost, before or after they had their effect: what releases is never repeated on a guess.

use holdpoint::control::Act;
use holdpoint::gate::{Delivery, Outcome};
use holdpoint::simulator::fault::Endpoint;
use serde_json::{Value, json};

use crate::operator::{Operator, outcome};
use crate::stage::{Play, Stage, each, impatient, set, stage};

const LOST: [&str; 2] = ["reset", "hang"];
const WAYS: [(&str, bool); 4] = [("reset", true), ("reset", false), ("hang", true), ("hang", false)];

fn lost(endpoint: &str, how: &str, applied: bool) -> Value {
    json!({ "endpoint": endpoint, "answer": how, "applied": applied })
}

async fn held() -> (Stage, Operator, holdpoint::control::ApprovalView) {
    let stage = stage(Play { client: impatient, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    (stage, operator, card)
}

#[tokio::test]
async fn a_pause_whose_answer_is_lost_is_repeated_until_it_is_confirmed() {
    each(WAYS, async |(how, applied)| {
        let mut stage = set(Play { client: impatient, ..Play::default() }).await;
        stage.fault(json!({ "endpoint": "pause", "answer": how, "applied": applied, "times": 2 })).await;
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        assert_eq!(stage.ledger().await, [""; 0], "{how} {applied}");
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved), "{how} {applied}");
        assert_eq!(stage.bought().await, ["tea"], "{how} {applied}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_resume_that_took_effect_but_was_not_answered_is_read_back_and_not_repeated() {
    each(LOST, async |how| {
        let (stage, mut operator, card) = held().await;
        stage.fault(lost("resume", how, true)).await;
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
        let ending = operator.ending(card.card.approval).await;
        assert_eq!((ending.outcome, ending.delivery), (Outcome::Approved, Delivery::Applied), "{how}");
        assert_eq!(stage.bought().await, ["tea"], "{how}");
        assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1, "{how}");
        stage.finish().await;
    })
    .await;
}

/// It is sent again only after the session was found still paused.
#[tokio::test]
async fn a_resume_that_never_arrived_is_sent_again_once_that_is_known() {
    each(LOST, async |how| {
        let (stage, mut operator, card) = held().await;
        stage.fault(lost("resume", how, false)).await;
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
        assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied, "{how}");
        assert_eq!(stage.bought().await, ["tea"], "{how}");
        let resumes = stage.calls(Endpoint::Resume).await;
        assert_eq!(resumes.len(), 2, "{how}");
        let calls = stage.sim.calls().await.unwrap();
        let between = &calls[resumes[0].seq..resumes[1].seq];
        assert!(between.iter().any(|call| call.endpoint == Some(Endpoint::Session)), "{how}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_that_arrived_but_was_not_answered_is_found_and_not_repeated() {
    each(LOST, async |how| {
        let (stage, mut operator, card) = held().await;
        stage.fault(lost("message", how, true)).await;
        let text = "Take the cheaper one.".to_owned();
        operator.decide(&card, Act::Instruct { text: text.clone() }).await.unwrap();
        assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied, "{how}");
        assert_eq!(stage.messages().await, [text], "{how}");
        assert_eq!(stage.bought().await, ["tea"], "{how}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_that_cannot_be_found_is_not_repeated_but_asked_about() {
    each(LOST, async |how| {
        let (stage, mut operator, card) = held().await;
        stage.fault(lost("message", how, false)).await;
        let text = "Take the cheaper one.".to_owned();
        operator.decide(&card, Act::Instruct { text: text.clone() }).await.unwrap();
        let ending = operator.ending(card.card.approval).await;
        assert_eq!((ending.outcome, ending.delivery), (Outcome::Approved, Delivery::Unknown), "{how}");
        assert_eq!(stage.messages().await, [text.clone()], "{how}");
        assert!(stage.is_paused().await, "{how}");
        let again = operator.next_card(&card).await;
        operator.approve(&again).await.unwrap();
        assert_eq!(stage.bought().await, ["tea"], "{how}");
        assert_eq!(stage.messages().await, [text], "{how}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_cancel_whose_answer_is_lost_is_read_back_and_repeated_if_need_be() {
    each(WAYS, async |(how, applied)| {
        let (stage, mut operator, card) = held().await;
        stage.fault(lost("cancel", how, applied)).await;
        operator.deny(&card).await.unwrap();
        let ending = operator.ending(card.card.approval).await;
        assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"), "{how} {applied}");
        assert_eq!(stage.ledger().await, [""; 0]);
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn an_approval_whose_last_look_fails_releases_nothing() {
    let (stage, mut operator, card) = held().await;
    stage.fault(json!({ "endpoint": "session", "answer": { "error": { "status": 500 } }, "times": 8 })).await;
    let refused = operator.approve(&card).await;
    assert!(matches!(refused, Err(holdpoint::control::Refusal::Unverified { .. })), "{refused:?}");
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.sim.clear_faults().await.unwrap();
    let card = operator.card().await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}
