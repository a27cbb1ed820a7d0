//! Somebody else has hands on the session too, and the agent does not stand still.

use holdpoint::control::{ApprovalView, Refusal, State};
use holdpoint::daemon;
use holdpoint::gate::{Delivery, Hold, Outcome, Timing};
use holdpoint::simulator::Act;
use holdpoint::simulator::fault::Endpoint;
use serde_json::json;

use crate::operator::outcome;
use crate::stage::{Play, emits, impatient, set, stage};

/// An agent that announces a purchase and then is silent, whoever pauses and resumes it.
const SILENT: &str = "
    [[step]]
    thought = \"Clicking 'Place your order' now\"
";

#[tokio::test]
async fn a_held_session_that_somebody_resumes_is_paused_again_loudly() {
    let stage = stage(Play { scenario: SILENT, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(Act::Resume).await;
    operator.notice("somebody else resumed the session; paused again").await;
    let revised = operator.revised(&card).await;
    assert_eq!(revised.card.timing, Timing::Late);
    assert!(revised.card.notes.iter().any(|note| note.contains("somebody else resumed")), "{:?}", revised.card.notes);
    assert!(stage.is_paused().await);
    assert!(matches!(operator.approve(&card).await, Err(Refusal::Stale { .. })));
    assert_eq!(operator.approve(&revised).await, outcome(Outcome::Approved));
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert!(!stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_kept_paused_that_somebody_resumes_is_paused_again_and_asked_about() {
    let stage = stage(Play { scenario: SILENT, approvals: "on_deny = 'keep_paused'", ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.somebody(Act::Resume).await;
    let again = operator.next_card(&card).await;
    assert_eq!(again.card.timing, Timing::Late);
    assert!(stage.is_paused().await);
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_somebody_else_had_paused_is_never_resumed_by_us() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        act = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'ok'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(card.card.hold, Hold::ByOthers);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Approved, Delivery::Applied, "not resumed: somebody else paused it"));
    assert!(stage.is_paused().await);
    stage.somebody(Act::Resume).await;
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.finish().await;
}

/// Somebody else comes first, and the answers to our first pause are lost: nobody can tell whose the pause is.
#[tokio::test]
async fn a_pause_that_may_be_somebody_elses_is_said_and_only_an_operator_resumes_it() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        act = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'ok'
    ";
    let stage = set(Play { scenario, client: impatient, ..Play::default() }).await;
    stage.fault(json!({ "endpoint": "pause", "answer": "reset", "times": 2 })).await;
    let mut stage = stage;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(matches!(card.card.hold, Hold::InDoubt { .. }), "{:?}", card.card.hold);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_task_that_somebody_else_cancels_withdraws_its_card() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(Act::Cancel).await;
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Withdrawn, Delivery::Applied, "the task ended while it was held"));
    assert!(matches!(operator.approve(&card).await, Err(Refusal::AlreadyDecided { .. })));
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn what_the_agent_does_after_the_card_makes_it_stale() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(emits("thought = 'I also added a warranty'")).await;
    let revised = operator.revised(&card).await;
    assert!(matches!(operator.approve(&card).await, Err(Refusal::Stale { .. })));
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    assert_eq!(revised.card.after.last().unwrap().text, "I also added a warranty");
    assert_eq!(operator.approve(&revised).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

/// The agent speaks up in the very moment in which the approval is being checked.
#[tokio::test]
async fn what_the_agent_does_during_the_last_look_makes_the_approval_stale() {
    let tune = |config: &mut daemon::Config| config.settings.hold_poll = std::time::Duration::from_secs(3600);
    let stage = stage(Play { tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let looks = stage.calls(Endpoint::Session).await.len();
    stage.fault(json!({ "endpoint": "session", "delay": "1s" })).await;
    let (refused, ()) = tokio::join!(operator.approve(&card), async {
        stage.called(Endpoint::Session, looks + 1).await;
        stage.somebody(emits("thought = 'I also added a warranty'")).await;
    });
    assert!(matches!(refused, Err(Refusal::Stale { .. })), "{refused:?}");
    let revised = operator.revised(&card).await;
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    assert_eq!(operator.approve(&revised).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

/// Where there is no stream, the last look itself is what finds the news.
#[tokio::test]
async fn the_last_look_reads_messages_that_nobody_has_shown_yet() {
    let scenario = "
        [[fault]]
        endpoint = 'events'
        answer = { error = { status = 503 } }
        always = true
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        done = 'ok'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(emits("thought = 'I also added a warranty'")).await;
    let refused = operator.approve(&card).await;
    assert!(matches!(refused, Err(Refusal::Stale { .. } | Refusal::NotPausedYet)), "{refused:?}");
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    let revised = operator.revised(&card).await;
    operator.approve(&revised).await.unwrap();
    stage.bought().await;
    stage.finish().await;
}

#[tokio::test]
async fn more_rules_that_fire_on_a_held_session_join_its_approval() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(emits("thought = \"Clicking 'Pay now' for 410.00 USD in total\"")).await;
    let revised = operator.revised(&card).await;
    assert_eq!((revised.card.approval, revised.card.triggers), (card.card.approval, 2));
    let open = operator.known().into_iter().filter(|view| view.state == State::Open).cloned();
    assert_eq!(open.collect::<Vec<ApprovalView>>().len(), 1);
    operator.deny(&revised).await.unwrap();
    operator.ending(revised.card.approval).await;
    stage.finish().await;
}
