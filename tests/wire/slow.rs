//! Connections that are slow, stand still, or bring things in another order.

use std::time::Duration;

use holdpoint::gate::{Delivery, Hold, Outcome};
use holdpoint::simulator::fault::Endpoint;

use crate::breaks::{behind, insist};
use crate::operator::outcome;
use crate::proxy::Harm;
use crate::stage::{Play, each, impatient};

#[tokio::test]
async fn whatever_stands_still_is_given_up_and_looked_at_anew() {
    let lines = ["/pause ", "/resume ", "/messages?", "GET /v1/sessions/", "/events"];
    each(lines, async |line| {
        each([0, 20, 120], async |byte| {
            let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
            proxy.harms(line, Harm::Stall(byte), 1);
            stage.start().await;
            let mut operator = stage.operator("ops").await;
            operator.card().await;
            assert_eq!(stage.ledger().await, [""; 0], "{line} {byte}");
            insist(&mut operator).await;
            assert_eq!(stage.bought().await, ["tea"], "{line} {byte}");
            assert!(proxy.done() > 0, "{line} {byte}");
            stage.finish().await;
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_comes_a_byte_at_a_time_is_an_answer() {
    each(["/pause ", "/resume ", "/messages?", "/events"], async |line| {
        let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
        proxy.harms(line, Harm::Trickle(Duration::from_millis(1)), 1);
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved), "{line}");
        assert_eq!(stage.bought().await, ["tea"], "{line}");
        assert!(proxy.done() > 0, "{line}");
        stage.finish().await;
    })
    .await;
}

/// Every call is late by a fifth of a second each way, pauses and their hedges as well.
#[tokio::test]
async fn on_a_slow_line_everything_takes_longer_and_nothing_else() {
    let (mut stage, proxy) = behind(Play::default()).await;
    proxy.harms("/v1/", Harm::Delay(Duration::from_millis(200)), usize::MAX);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(matches!(card.card.hold, Hold::Paused { .. } | Hold::InDoubt { .. }), "{:?}", card.card.hold);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!((ending.outcome, ending.delivery), (Outcome::Approved, Delivery::Applied));
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1, "late is not lost");
    stage.finish().await;
}

/// The copy is answered as if it were the only one; the request itself finds it done.
#[tokio::test]
async fn a_request_that_arrives_twice_has_one_effect() {
    each(["/resume ", "/cancel "], async |line| {
        let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
        proxy.harms(line, Harm::Twice, 1);
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        let denies = line == "/cancel ";
        let said = if denies { operator.deny(&card).await } else { operator.approve(&card).await };
        assert_eq!(said, outcome(if denies { Outcome::Denied } else { Outcome::Approved }), "{line}");
        assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied, "{line}");
        let bought = if denies { stage.ledger().await } else { stage.bought().await };
        assert_eq!(bought.len(), usize::from(!denies), "{line}: {bought:?}");
        assert_eq!(proxy.done(), 1, "{line}");
        stage.finish().await;
    })
    .await;
}

/// A copy of our pause that comes first looks like somebody else's: nothing is resumed then, and the card says so.
#[tokio::test]
async fn a_pause_whose_copy_comes_first_is_taken_for_somebody_elses() {
    let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
    proxy.harms("/pause ", Harm::Twice, 1);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(card.card.hold, Hold::ByOthers);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.detail, "not resumed: somebody else paused it");
    assert!(stage.is_paused().await);
    assert_eq!(stage.ledger().await, [""; 0]);
    assert_eq!(proxy.done(), 1);
    stage.finish().await;
}

/// The first pause is overtaken by its hedge, and arrives when that was answered.
#[tokio::test]
async fn a_pause_that_is_overtaken_by_its_hedge_changes_nothing() {
    let (mut stage, proxy) = behind(Play::default()).await;
    proxy.harms("/pause ", Harm::Overtaken, 1);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(stage.ledger().await, [""; 0]);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(proxy.done(), 1);
    let pauses = stage.calls(Endpoint::Pause).await;
    assert!(pauses.len() >= 2, "{pauses:#?}");
    stage.finish().await;
}
