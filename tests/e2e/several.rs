//! More than one operator has to agree.

use holdpoint::control::{Act, ApprovalView, Decided, Refusal};
use holdpoint::gate::Outcome;
use holdpoint::store::Store;
use serde_json::Value;

use crate::operator::{Operator, outcome};
use crate::stage::{Play, Stage, stage};

/// A rule that takes two operators, neither of them the one who runs the agent, and reasons.
const TWO: &str = "[[rule]]\nname = 'purchase'\neffect = 'ask'\ndetect = ['purchase']\nconfirm = 'key'\n\
                   approvals = 2\nnot_by = ['runner']\nreason = 'approve'\n";

fn yes(reason: &str) -> Act {
    Act::Approve { reason: Some(reason.to_owned()) }
}

fn counted(given: u8) -> Result<Decided, Refusal> {
    Ok(Decided::Counted { given, needed: 2 })
}

/// Who has approved, as a client sees it.
fn voters(view: &ApprovalView) -> Vec<String> {
    view.votes.iter().map(|vote| vote.by.0.clone()).collect()
}

async fn counts(operator: &mut Operator, votes: usize) -> ApprovalView {
    operator.until("votes", |me| me.known().into_iter().find(|view| view.votes.len() == votes).cloned()).await
}

/// What the journal says of each entry of this name.
async fn journal(stage: &Stage, entry: &str) -> Vec<Value> {
    let store = Store::open_to_read(&stage.file()).await.unwrap();
    let rows = store.journal(0, 1000).await.unwrap();
    store.close().await;
    let of = rows.iter().filter(|row| row.entry.entry == entry);
    of.map(|row| serde_json::from_str::<Value>(&row.entry.body).unwrap()["kept"].clone()).collect()
}

#[tokio::test]
async fn the_second_operator_completes_what_the_first_began_and_the_journal_names_both() {
    let mut stage = stage(Play { rules: TWO, ..Play::default() }).await;
    let (mut one, mut two) = (stage.operator("ops1").await, stage.operator("ops2").await);
    let runner = stage.operator("runner").await;
    let card = one.card().await;
    assert_eq!((card.card.terms.approvals, card.votes.len()), (2, 0));
    let excluded = Refusal::Excluded { who: "runner".to_owned(), what: "runner".to_owned() };
    assert_eq!(runner.decide(&card, yes("it is mine")).await, Err(excluded));
    assert_eq!(one.approve(&card).await, Err(Refusal::ReasonRequired));
    assert_eq!(one.decide(&card, yes("seen the invoice")).await, counted(1));
    assert_eq!(one.decide(&card, yes("seen the invoice")).await, counted(1), "the same operator counts once");
    assert!(stage.is_paused().await);
    assert_eq!(voters(&counts(&mut two, 1).await), ["ops1"]);
    assert_eq!(two.decide(&card, yes("so have I")).await, outcome(Outcome::Approved));
    let ending = two.ending(card.card.approval).await;
    assert_eq!(
        ending.by,
        holdpoint::control::EndedBy::Operator {
            name: holdpoint::control::OperatorName("ops2".to_owned()),
            note: Some("so have I".to_owned()),
        }
    );
    assert_eq!(voters(&counts(&mut one, 2).await), ["ops1", "ops2"]);
    assert_eq!(stage.bought().await, ["tea"]);
    stage.stop().await;

    assert_eq!(journal(&stage, "voted").await.len(), 1);
    let decided = journal(&stage, "decided").await;
    let given = decided[0]["votes"]["given"].as_array().unwrap();
    let said: Vec<_> = given.iter().map(|vote| (vote["by"].as_str(), vote["reason"].as_str())).collect();
    assert_eq!(said, [(Some("ops1"), Some("seen the invoice")), (Some("ops2"), Some("so have I"))]);
    stage.finish().await;
}

#[tokio::test]
async fn a_vote_does_not_outlive_a_crash() {
    let mut stage = stage(Play { rules: TWO, ..Play::default() }).await;
    let mut one = stage.operator("ops1").await;
    let card = one.card().await;
    assert_eq!(one.decide(&card, yes("seen")).await, counted(1));
    stage.recorded("voted", 1).await;
    drop(one);
    stage.crash();
    stage.start().await;
    let mut two = stage.operator("ops2").await;
    let again = two.card().await;
    assert!(again.card.revision > card.card.revision && again.votes.is_empty(), "{again:?}");
    assert_eq!(two.decide(&again, yes("seen")).await, counted(1));
    assert!(stage.is_paused().await);
    let one = stage.operator("ops1").await;
    assert_eq!(one.decide(&again, yes("seen again")).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}
