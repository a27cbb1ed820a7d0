//! More than can be judged at once: one session floods, others announce purchases.

use holdpoint::simulator::fault::Endpoint;
use holdpoint::store::Store;
use serde_json::json;

use crate::stage::{BUYS, Play, set};

/// How many events the flood has, each of which fires a rule; a debug build takes long for them.
const FLOOD: usize = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

/// An agent whose pause never takes effect, and which announces purchase after purchase.
fn floods() -> String {
    let step = "[[step]]\nthought = \"Clicking 'Place your order' now, 41.00 USD in total\"\n";
    step.repeat(FLOOD) + "[[step]]\ndone = 'never'\nafter = '1h'\n"
}

#[tokio::test]
async fn while_one_session_floods_the_others_are_paused_and_the_flood_is_one_approval_with_a_count() {
    let mut stage = set(Play::default()).await;
    // The flood's first pause does nothing, and it does not stop for it.
    let answer = json!({ "error": { "status": 200, "body": "message", "text": "Session paused successfully" } });
    let flood = stage.another(&floods()).await;
    stage.fault(json!({ "endpoint": "pause", "session": flood, "answer": answer, "always": true })).await;
    let mut buyers = vec![stage.session.clone()];
    for _ in 0..4 {
        buyers.push(stage.another(BUYS).await);
    }
    stage.start().await;
    let paused = buyers.clone();
    stage.until(move |world| paused.iter().all(|id| world.session(id).is_some_and(|one| one.paused))).await;
    let watched = flood.clone();
    stage
        .until(move |world| {
            let calls = world.record().calls.iter().filter(|call| call.endpoint == Some(Endpoint::Pause));
            calls.filter(|call| call.session.as_ref() == Some(&watched)).count() >= 1
        })
        .await;
    let mut operator = stage.operator("ops").await;
    let card = operator
        .until("the count of the flood", |me| {
            let of_flood = |view: &&holdpoint::control::ApprovalView| view.card.session.as_str() == flood;
            me.known().into_iter().filter(of_flood).find(|view| view.card.triggers as usize == FLOOD).cloned()
        })
        .await;
    assert!(card.card.after.len() <= 50, "{} lines are kept", card.card.after.len());
    assert_eq!(card.card.after.len() + card.card.left_out as usize + 1, FLOOD, "the rest is counted");
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.stop().await;
    let store = Store::open_to_read(&stage.file()).await.unwrap();
    let live = store.live().await.unwrap();
    assert_eq!(live.iter().filter(|kept| kept.card.session.as_str() == flood).count(), 1, "one approval");
    assert_eq!(live.len(), buyers.len() + 1);
    let written = store.chain_head().await.unwrap().seq;
    assert!(written < 1_000, "{written} entries: the flood is not written down event by event");
    stage.finish().await;
}
