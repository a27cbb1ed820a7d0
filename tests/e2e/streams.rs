//! Bad event streams: whatever happens to them, the purchase is held, once.

use std::time::Duration;

use holdpoint::control::State;
use holdpoint::daemon;
use holdpoint::gate::Outcome;
use holdpoint::simulator::fault::Endpoint;
use serde_json::{Value, json};

use crate::operator::outcome;
use crate::stage::{BUYS, PURCHASE, Play, each, set};

/// A purchase is held, asked about once, approved and made, although `fault` strikes the streams.
async fn held_although(scenario: &'static str, fault: Value) {
    let tune = |config: &mut daemon::Config| config.watch.config.heartbeat_timeout = Duration::from_millis(1500);
    let mut stage = set(Play { scenario, tune, ..Play::default() }).await;
    stage.fault(json!({ "endpoint": "events", "stream": fault, "always": true })).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let mut card = operator.card().await;
    assert_eq!(stage.ledger().await, [""; 0], "{fault}");
    // What a bad stream tells late may still be added to the card.
    while operator.approve(&card).await != outcome(Outcome::Approved) {
        card = operator.revised(&card).await;
    }
    assert_eq!(stage.bought().await, ["tea"], "{fault}");
    operator.ending(card.card.approval).await;
    assert_eq!(operator.known().len(), 1, "{fault}");
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1, "{fault}");
    stage.finish().await;
}

#[tokio::test]
async fn streams_that_break_off_lose_nothing() {
    let faults = [
        json!({ "eof_after": 0 }),
        json!({ "eof_after": 1 }),
        json!({ "reset_after": 1 }),
        json!({ "stall_after": 0 }),
        json!({ "stall_after": 1 }),
        json!({ "no_heartbeat": true }),
    ];
    each(faults, async |fault| held_although(BUYS, fault).await).await;
}

#[tokio::test]
async fn streams_with_strange_frames_lose_nothing_and_tell_nothing_twice() {
    let faults = [
        json!({ "split": 1 }),
        json!({ "split": 7, "crlf": true }),
        json!({ "twice": true }),
        json!({ "no_ids": true, "twice": true }),
        json!({ "no_ids": true }),
    ];
    each(faults, async |fault| held_although(BUYS, fault).await).await;
}

#[tokio::test]
async fn bytes_that_cannot_be_read_are_no_reason_to_look_away() {
    let faults = [json!({ "invalid_utf8": true }), json!({ "not_json": true }), json!({ "giant": 3_000_000 })];
    each(faults, async |fault| held_although(BUYS, fault).await).await;
}

#[tokio::test]
async fn a_finished_earlier_task_does_not_end_the_watching() {
    let scenario = "
        [[history]]
        thought = 'Looking around'
        [[history]]
        done = 'An earlier task.'
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'ok'
    ";
    held_although(scenario, json!({})).await;
}

#[tokio::test]
async fn a_purchase_in_an_event_of_an_unknown_kind_is_held() {
    let scenario = "
        [[step]]
        event = { name = 'tool_use', data = { name = 'submit', label = 'Place your order' } }
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'ok'
    ";
    held_although(scenario, json!({})).await;
}

#[tokio::test]
async fn a_purchase_announced_in_an_object_or_a_list_is_held() {
    let scenario = "
        [[step]]
        thought = [{ type = 'text', text = \"Clicking 'Place your order' now\" }]
        metadata = false
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = { order = 'placed' }
    ";
    held_although(scenario, json!({})).await;
}

#[tokio::test]
async fn a_purchase_in_an_earlier_finished_task_is_not_held() {
    let scenario = "
        start = 'on_message'
        [[history]]
        thought = \"Clicking 'Place your order' now\"
        [[history]]
        done = 'Bought tea.'
    ";
    let rules = "[[rule]]\nname = 'news'\neffect = 'alert'\ntext = ['news']\n".to_owned() + PURCHASE;
    let stage = crate::stage::stage(Play { scenario, rules: rules.leak(), ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    operator.notice("happened before we watched: rule purchase").await;
    stage.somebody(crate::stage::emits("thought = 'Reading the news'")).await;
    operator.notice("alert: rule news").await;
    assert_eq!(operator.known(), Vec::<&holdpoint::control::ApprovalView>::new());
    assert_eq!(stage.calls(Endpoint::Pause).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_found_right_after_its_announcement_is_held() {
    let scenario = "
        start = 'on_message'
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'ok'
    ";
    let mut stage = set(Play { scenario, ..Play::default() }).await;
    stage.until(|world| world.record().events.iter().any(|event| event.name == "thought")).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn hostile_text_reaches_notices_only_escaped() {
    let scenario = "
        [[step]]
        log = \"rate \\u001b[2J\\u202e limit\"
    ";
    let rules = "[[rule]]\nname = 'limit'\neffect = 'alert'\nevents = ['log']\ntext = ['limit']\n";
    let stage = crate::stage::stage(Play { scenario, rules, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let notice = operator.notice("alert").await;
    assert!(notice.contains("<U+001B>") && notice.contains("<U+202E>"), "{notice}");
    assert!(!notice.chars().any(char::is_control), "{notice:?}");
    assert!(operator.known().iter().all(|view| view.state != State::Open));
    stage.finish().await;
}
