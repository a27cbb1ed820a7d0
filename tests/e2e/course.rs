//! The course of a session over several approvals, tasks and lives of the daemon.

use std::time::Duration;

use holdpoint::control::{Act, Decision, Refusal, State};
use holdpoint::daemon;
use holdpoint::gate::{Delivery, Digest, Outcome, Revision};
use holdpoint::simulator;
use holdpoint::simulator::fault::Endpoint;
use serde_json::json;

use crate::operator::{decision, outcome};
use crate::stage::{BUYS, PURCHASE, Play, each, impatient, set, stage};

#[tokio::test]
async fn an_agent_that_buys_twice_is_asked_about_twice() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' for tea\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        thought = \"Clicking 'Place your order' for milk\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'milk' }
        [[step]]
        done = 'ok'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let tea = operator.card().await;
    operator.approve(&tea).await.unwrap();
    let milk = operator.next_card(&tea).await;
    assert_eq!(stage.ledger().await, ["tea"]);
    assert!(milk.card.trigger.text.contains("milk"));
    assert_eq!(operator.approve(&tea).await, Err(already("ops")));
    operator.approve(&milk).await.unwrap();
    assert_eq!(stage.bought().await, ["tea", "milk"]);
    for card in [tea, milk] {
        assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    }
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 2);
    stage.finish().await;
}

fn already(by: &str) -> Refusal {
    Refusal::AlreadyDecided { outcome: Outcome::Approved, by: by.to_owned() }
}

#[tokio::test]
async fn a_new_task_after_a_denial_is_watched_like_the_first() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let first = operator.card().await;
    operator.deny(&first).await.unwrap();
    operator.ending(first.card.approval).await;
    stage.sim.message(&stage.session, "Try again").await.unwrap();
    let second = operator.next_card(&first).await;
    assert_eq!(operator.approve(&second).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_decision_said_again_is_success_and_another_one_is_not() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let nonce = operator.client.presented(card.card.approval, card.card.revision, card.digest).await.unwrap();
    operator.approve(&card).await.unwrap();
    let same = Decision { nonce: Some(nonce), ..decision(&card, Act::approve()) };
    assert_eq!(operator.client.decide(same).await, outcome(Outcome::Approved));
    assert_eq!(operator.deny(&card).await, Err(already("ops")));
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn an_approval_without_proof_of_the_card_is_refused() {
    let stage = stage(Play { approvals: "", ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let other = stage.operator("other").await;
    let card = operator.card().await;
    assert_eq!(operator.client.decide(decision(&card, Act::approve())).await, Err(Refusal::NotPresented));
    let nonce = operator.client.presented(card.card.approval, card.card.revision, card.digest).await.unwrap();
    let named = Decision { nonce: Some(nonce), ..decision(&card, Act::approve()) };
    assert_eq!(other.client.decide(named.clone()).await, Err(Refusal::NotPresented), "somebody else's nonce");
    let forged = Decision { digest: Digest::ZERO, ..named.clone() };
    assert_eq!(operator.client.decide(forged).await, Err(Refusal::Stale { revision: Revision(1) }));
    let early = Decision { revision: Revision(0), ..named };
    assert!(operator.client.decide(early).await.is_err());
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn an_approval_faster_than_anybody_reads_is_too_soon() {
    let tune = |config: &mut daemon::Config| config.desk.daemon.settings.min_dwell_ms = 3_600_000;
    let stage = stage(Play { tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let nonce = operator.client.presented(card.card.approval, card.card.revision, card.digest).await.unwrap();
    let hasty = Decision { nonce: Some(nonce), ..decision(&card, Act::approve()) };
    assert!(matches!(operator.client.decide(hasty).await, Err(Refusal::TooSoon { .. })));
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied), "no is never too soon");
    operator.ending(card.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_hidden_pause_that_somebody_ends_is_noticed_and_paused_again() {
    let scenario = "
        pause = { shows = ['event'] }
        [[step]]
        thought = \"Clicking 'Place your order' now\"
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.somebody(simulator::Act::Resume).await;
    operator.notice("somebody else resumed the session; paused again").await;
    let revised = operator.revised(&card).await;
    assert!(stage.is_paused().await);
    operator.deny(&revised).await.unwrap();
    operator.ending(revised.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_cooldown_goes_on_after_a_crash_and_resumes_once() {
    let scenario = "
        [[step]]
        log = 'HTTP 429: too many requests'
        [[step]]
        waits_for = 'pause'
        [[step]]
        done = 'ok'
    ";
    let rules = "
        [[rule]]
        name = 'rate limit'
        effect = 'cooldown'
        events = ['log']
        text = ['too many requests']
        cooldown = '1s'
    ";
    let mut stage = stage(Play { scenario, rules, ..Play::default() }).await;
    stage.recorded("revised", 1).await;
    stage.crash();
    assert!(stage.is_paused().await);
    stage.start().await;
    assert_eq!(stage.bought().await, [""; 0]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_longer_deadline_outlives_a_crash() {
    let mut stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.decide(&card, Act::Extend).await.unwrap();
    stage.recorded("extended", 1).await;
    let id = card.card.approval;
    let longer = operator
        .until("longer deadline", |me| {
            let view = me.known().into_iter().find(|view| view.card.approval == id)?;
            (view.deadline > card.deadline).then_some(view.deadline)
        })
        .await;
    stage.crash();
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    assert_eq!(operator.card().await.deadline, longer);
    stage.finish().await;
}

/// The daemon stops while the provider has taken the resume and has not answered yet.
#[tokio::test]
async fn a_stop_waits_for_the_release_in_flight() {
    let mut stage = stage(Play { client: impatient, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "resume", "hold": "500ms" })).await;
    operator.approve(&card).await.unwrap();
    stage.called(Endpoint::Resume, 1).await;
    assert_eq!(stage.bought().await, ["tea"]);
    stage.stop().await;
    stage.start().await;
    stage.each_called(&[stage.session.clone()], Some(200), 3).await;
    stage.stop().await;
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn only_the_sessions_that_are_named_are_watched() {
    let mut stage = set(Play { scenario: "", ..Play::default() }).await;
    let named = stage.another(BUYS).await;
    let rules = format!("{PURCHASE}[watch]\ndiscover = false\nsessions = ['{named}']\npoll_interval = '500ms'\n");
    stage.play.rules = rules.leak();
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(card.card.session.as_str(), named);
    assert_eq!(stage.calls(Endpoint::Messages).await, [], "the other one is left alone");
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_screenshot_is_saved_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    for answer in [json!(null), json!("bare_screenshot")] {
        let mut stage = set(Play::default()).await;
        if !answer.is_null() {
            stage.fault(json!({ "endpoint": "screenshot", "answer": answer })).await;
        }
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        let path = operator.client.screenshot(card.card.approval).await.unwrap();
        let saved = std::fs::metadata(&path).unwrap();
        assert!(saved.len() > 0);
        assert_eq!(saved.permissions().mode() & 0o777, 0o600);
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_said_and_holds_nothing_up() {
    let faults = [json!({ "error": { "status": 500 } }), json!("broken_screenshot"), json!("hang")];
    each(faults, async |answer| {
        let mut stage = set(Play { client: impatient, ..Play::default() }).await;
        stage.fault(json!({ "endpoint": "screenshot", "answer": answer, "always": true })).await;
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        let told = card.card.notes.iter().any(|note| note.contains("page"));
        assert!(told || card.card.url.is_some(), "{answer}: {:?}", card.card.notes);
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
        assert_eq!(stage.bought().await, ["tea"]);
        stage.finish().await;
    })
    .await;
}

/// The pause leaves although everything else of the provider is slow.
#[tokio::test]
async fn a_pause_does_not_wait_for_slow_reads() {
    let mut stage = set(Play::default()).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    for endpoint in ["session", "status", "list", "screenshot"] {
        stage.fault(json!({ "endpoint": endpoint, "delay": "2s", "always": true })).await;
    }
    stage.called(Endpoint::Pause, 1).await;
    let calls = stage.sim.calls().await.unwrap();
    let announced = stage
        .sim
        .events()
        .await
        .unwrap()
        .iter()
        .find(|event| event.data.to_string().contains("Place"))
        .map(|event| event.written_ns);
    let paused = calls.iter().find(|call| call.endpoint == Some(Endpoint::Pause)).unwrap().received_ns;
    assert!(paused - announced.unwrap() < Duration::from_secs(2).as_nanos() as u64, "the pause waited for a read");
    stage.sim.clear_faults().await.unwrap();
    let card = operator.draft().await;
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    assert!(operator.known().iter().all(|view| matches!(view.state, State::Ended { .. })));
    stage.finish().await;
}
