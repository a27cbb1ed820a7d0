//! The provider out of sight, the key refused, nobody at the terminal.

use std::time::Duration;

use holdpoint::api::ErrorClass;
use holdpoint::control::{Refusal, Sight, State};
use holdpoint::daemon::{self, Daemon};
use holdpoint::gate::Outcome;
use holdpoint::simulator::fault::Endpoint;
use holdpoint::store::Store;
use serde_json::json;

use crate::operator::outcome;
use crate::stage::{BUYS, Play, set, stage};

/// Blind after one second.
fn short_sighted(config: &mut daemon::Config) {
    config.watch.config.blind_after = Duration::from_secs(1);
}

/// An agent that can only be watched by polling.
const READS: &str = "
    [[fault]]
    endpoint = 'events'
    answer = { error = { status = 503 } }
    always = true
    [[step]]
    thought = 'Reading the news'
    [[step]]
    waits_for = 'pause'
    [[step]]
    done = 'ok'
";

#[tokio::test]
async fn a_session_out_of_sight_is_paused_and_asked_about() {
    let stage =
        stage(Play { scenario: READS, tune: short_sighted, client: crate::stage::impatient, ..Play::default() }).await;
    stage.watched().await;
    let mut operator = stage.operator("ops").await;
    stage.fault(json!({ "endpoint": "any", "answer": "reset", "always": true })).await;
    let draft = operator.draft().await;
    assert_eq!(draft.card.rules[0].name, "on_blind");
    stage.called(Endpoint::Pause, 2).await;
    stage.sim.clear_faults().await.unwrap();
    operator.notice("back in sight").await;
    let card = operator
        .until("card with its note", |me| {
            let open = me.known().into_iter().find(|view| view.state == State::Open)?;
            open.card.notes.iter().any(|note| note.contains("back in sight")).then(|| open.clone())
        })
        .await;
    assert!(stage.is_paused().await);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    stage.bought().await;
    stage.finish().await;
}

#[tokio::test]
async fn a_session_out_of_sight_is_only_told_when_the_policy_says_so() {
    let tune = |config: &mut daemon::Config| {
        short_sighted(config);
        config.settings.pause_when_blind = false;
    };
    let stage = stage(Play { scenario: READS, tune, client: crate::stage::impatient, ..Play::default() }).await;
    stage.watched().await;
    let mut operator = stage.operator("ops").await;
    stage.fault(json!({ "endpoint": "any", "answer": "reset", "always": true })).await;
    operator.notice("out of sight").await;
    let blind = operator.session(&stage.session, |view| matches!(view.sight, Sight::Blind { .. })).await;
    assert!(matches!(&blind.sight, Sight::Blind { why, .. } if !why.is_empty()), "{blind:?}");
    assert_eq!(blind.last.map(|line| line.text).as_deref(), Some("Reading the news"));
    stage.sim.clear_faults().await.unwrap();
    operator.notice("back in sight").await;
    operator.session(&stage.session, |view| view.sight == Sight::Seen).await;
    assert_eq!(stage.calls(Endpoint::Pause).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn a_refused_key_is_told_once_for_all_sessions() {
    let tune = |config: &mut daemon::Config| config.watch.config.auth_retry = Duration::from_millis(50);
    let mut stage = stage(Play { scenario: READS, tune, ..Play::default() }).await;
    let sessions = [stage.session.clone(), stage.another(READS).await, stage.another(READS).await];
    stage.each_called(&sessions, Some(200), 2).await;
    stage.fault(json!({ "endpoint": "any", "answer": { "error": { "status": 401 } }, "always": true })).await;
    let mut operator = stage.operator("ops").await;
    operator.notice("ALARM: the provider refuses the API key").await;
    stage.each_called(&sessions, Some(401), 3).await;
    stage.stop().await;
    operator.notice("stopping").await;
    let alarms = operator.notices.iter().filter(|text| text.contains("ALARM")).count();
    assert_eq!(alarms, 1, "{:?}", operator.notices);
    stage.finish().await;
}

#[tokio::test]
async fn a_wrong_key_at_the_start_starts_nothing() {
    for status in [401, 403] {
        let stage = set(Play::default()).await;
        stage.fault(json!({ "endpoint": "list", "answer": { "error": { "status": status } } })).await;
        let store = Store::open(&stage.file()).await.unwrap();
        let mut daemon = Daemon::start(stage.configured(), store).await.unwrap();
        let error = daemon.accepted().await.unwrap_err();
        assert!(matches!(error.class, ErrorClass::Auth { .. }), "{error}");
        daemon.stop().await;
        assert_eq!(stage.calls(Endpoint::Messages).await, []);
    }
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_tried_on() {
    let mut stage = set(Play::default()).await;
    stage.fault(json!({ "endpoint": "list", "answer": "reset", "times": 6 })).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_made_later_is_found_and_watched() {
    let stage = stage(Play { scenario: READS, ..Play::default() }).await;
    stage.watched().await;
    let later = stage.another(BUYS).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(card.card.session.as_str(), later);
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.finish().await;
}

/// Standing where nobody can answer: held sessions stay held, and the stop says which.
#[tokio::test]
async fn a_stop_leaves_held_sessions_held_and_decides_nothing() {
    let mut stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(stage.stop().await, [stage.session.clone()]);
    operator.notice("stopping").await;
    assert!(operator.approve(&card).await.is_err());
    assert!(stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    assert_eq!(stage.calls(Endpoint::Cancel).await, []);
    stage.finish().await;
}

/// An approval that is only being checked when the stop comes has decided nothing, and then releases nothing.
#[tokio::test]
async fn a_stop_takes_back_an_approval_that_is_being_checked() {
    let mut stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "session", "hold": "1s", "always": true })).await;
    let mut other = stage.operator("other").await;
    let approving = async move { operator.approve(&card).await };
    let stopping = async {
        other
            .until("approval that is checked", |me| {
                me.known().into_iter().any(|view| matches!(view.state, State::Deciding { .. })).then_some(())
            })
            .await;
        stage.stop().await
    };
    let (approved, held) = tokio::join!(approving, stopping);
    assert_eq!(approved, Err(Refusal::Stopping));
    assert_eq!(held, [stage.session.clone()]);
    assert!(stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.finish().await;
}
