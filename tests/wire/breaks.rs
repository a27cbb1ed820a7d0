//! Connections that break, at any byte of a request or of its answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdpoint::gate::{Delivery, Outcome};

use crate::operator::{Operator, outcome};
use crate::proxy::{Harm, Proxy};
use crate::stage::{LIMIT, Play, Stage, impatient, set};

/// Where an answer breaks: in its status, its head, its body, and after the last byte that a client needs.
const BYTES: [usize; 14] = [0, 1, 5, 9, 12, 17, 33, 64, 95, 128, 160, 190, 215, 240];

/// The requests of a purchase that is approved.
const APPROVED: [&str; 5] = ["/pause ", "/resume ", "/messages?", "GET /v1/sessions/", "/events"];

/// A stage with a proxy before its provider.
pub async fn behind(play: Play) -> (Stage, Proxy) {
    let mut stage = set(play).await;
    let proxy = Proxy::start(stage.sim.address()).await;
    stage.through = Some(proxy.address);
    (stage, proxy)
}

/// Approves until that is delivered: a look that fails refuses an approval, and a delivery that fails asks anew.
pub async fn insist(operator: &mut Operator) {
    let delivered = async {
        let mut card = operator.card().await;
        loop {
            if operator.approve(&card).await != outcome(Outcome::Approved) {
                tokio::time::sleep(Duration::from_millis(10)).await; // As somebody would who reads the refusal.
                card = operator.card().await;
            } else if operator.ending(card.card.approval).await.delivery == Delivery::Applied {
                return;
            } else {
                card = operator.next_card(&card).await;
            }
        }
    };
    tokio::time::timeout(2 * LIMIT, delivered).await.expect("an approval is delivered in the end");
}

/// A purchase that is approved although this happens to one request: it is bought once. Returns whether anything happened.
async fn approved(line: &'static str, harm: Harm, times: usize) -> bool {
    let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
    proxy.harms(line, harm, times);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    operator.card().await;
    assert_eq!(stage.ledger().await, [""; 0], "{line} {harm:?}: bought before anybody was asked");
    insist(&mut operator).await;
    assert_eq!(stage.bought().await, ["tea"], "{line} {harm:?}");
    stage.finish().await;
    proxy.done() > 0
}

/// A purchase that is denied although this happens to the cancellation: nothing is bought.
async fn denied(harm: Harm) -> bool {
    let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
    proxy.harms("/cancel ", harm, 2);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied), "{harm:?}");
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.delivery, Delivery::Applied, "{harm:?}");
    assert_eq!(stage.ledger().await, [""; 0], "{harm:?}: bought although it was denied");
    stage.finish().await;
    proxy.done() > 0
}

/// Runs `story` for all of `cases`, eight at a time, and returns how often something happened.
async fn all<T: Copy, F: Future<Output = bool>>(cases: &[T], story: impl Fn(T) -> F) -> usize {
    let happened = AtomicUsize::new(0);
    for some in cases.chunks(8) {
        let one = async |case| happened.fetch_add(usize::from(story(case).await), Ordering::Relaxed);
        futures_util::future::join_all(some.iter().copied().map(one)).await;
    }
    happened.into_inner()
}

#[tokio::test]
async fn an_answer_that_is_reset_at_any_byte_loses_nothing_and_repeats_nothing() {
    for line in APPROVED {
        let happened = all(&BYTES, |byte| approved(line, Harm::ResetAnswer(byte), 1)).await;
        assert!(happened > BYTES.len() / 2, "{line}: {happened} of {} harms happened", BYTES.len());
    }
}

#[tokio::test]
async fn an_answer_that_ends_at_any_byte_loses_nothing_and_repeats_nothing() {
    for line in APPROVED {
        let happened = all(&BYTES, |byte| approved(line, Harm::CutAnswer(byte), 1)).await;
        assert!(happened > BYTES.len() / 2, "{line}: {happened} of {} harms happened", BYTES.len());
    }
}

#[tokio::test]
async fn a_request_that_is_reset_at_any_byte_is_made_again_only_where_that_is_safe() {
    for line in APPROVED {
        let happened = all(&BYTES, |byte| approved(line, Harm::ResetRequest(byte), 1)).await;
        assert_eq!(happened, BYTES.len(), "{line}");
    }
}

#[tokio::test]
async fn a_cancellation_that_breaks_at_any_byte_is_repeated_until_the_task_has_ended() {
    let harms: Vec<_> = BYTES.iter().flat_map(|byte| [Harm::ResetRequest(*byte), Harm::ResetAnswer(*byte)]).collect();
    assert!(all(&harms, denied).await > BYTES.len());
}
