//! A question of the agent becomes an approval without a pause.

use holdpoint::control::{Act, ApprovalView, EndedBy, OperatorName, Refusal};
use holdpoint::gate::{Delivery, Hold, Outcome, Subject};
use holdpoint::simulator::fault::Endpoint;
use serde_json::json;

use crate::operator::{Operator, outcome};
use crate::stage::{Play, Stage, each, impatient, stage};

const ASKS: &str = "
    [[step]]
    question = 'May I subscribe you?'
    [[step.answer]]
    contains = ['yes']
    step = [{ commit = { kind = 'subscription', what = 'newsletter' } }, { done = 'Subscribed.' }]
    [[step.answer]]
    step = [{ done = 'Not subscribed.' }]
";

const QUESTIONS: &str = "
    [[rule]]
    name = 'questions'
    effect = 'ask'
    events = ['question']
    answer = 'Yes, please.'
    refusal = 'No, thank you.'
";

/// The same, without anything to say no with.
const CANCELLED: &str = "
    [[rule]]
    name = 'questions'
    effect = 'ask'
    events = ['question']
    answer = 'Yes, please.'
";

async fn asked(rules: &'static str) -> (Stage, Operator, ApprovalView) {
    let stage = stage(Play { scenario: ASKS, rules, client: impatient, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!((card.card.subject, &card.card.hold), (Subject::Question, &Hold::None));
    (stage, operator, card)
}

#[tokio::test]
async fn y_sends_the_answer_of_the_rule() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["newsletter"]);
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.messages().await, ["Yes, please."]);
    assert_eq!((stage.calls(Endpoint::Pause).await, stage.calls(Endpoint::Resume).await), (vec![], vec![]));
    stage.finish().await;
}

#[tokio::test]
async fn a_typed_answer_is_sent_as_typed() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    let text = "  Rather not \u{2013} ask me next year.".to_owned();
    assert_eq!(operator.decide(&card, Act::Answer { text: text.clone() }).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, [""; 0]);
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.messages().await, [text]);
    stage.finish().await;
}

#[tokio::test]
async fn n_sends_the_refusal() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    assert_eq!(stage.bought().await, [""; 0]);
    let ending = operator.ending(card.card.approval).await;
    assert_eq!((ending.outcome, ending.delivery), (Outcome::Denied, Delivery::Applied));
    assert_eq!(stage.messages().await, ["No, thank you."]);
    stage.finish().await;
}

#[tokio::test]
async fn n_without_a_refusal_cancels_the_task() {
    let (stage, mut operator, card) = asked(CANCELLED).await;
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(stage.messages().await, [""; 0]);
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_question_that_somebody_else_answers_is_withdrawn() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    stage.sim.message(&stage.session, "No.").await.unwrap();
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Withdrawn, Delivery::Applied, "somebody else answered"));
    let refusal =
        Refusal::AlreadyDecided { outcome: Outcome::Withdrawn, by: "the session (somebody else answered)".into() };
    assert_eq!(operator.approve(&card).await, Err(refusal));
    assert_eq!(stage.messages().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn an_answer_whose_answer_is_lost_is_sent_once() {
    each(["reset", "hang"], async |how| {
        let (stage, mut operator, card) = asked(QUESTIONS).await;
        stage.fault(json!({ "endpoint": "message", "answer": how, "applied": true })).await;
        operator.approve(&card).await.unwrap();
        assert_eq!(stage.bought().await, ["newsletter"], "{how}");
        assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied, "{how}");
        assert_eq!(stage.messages().await, ["Yes, please."], "{how}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_never_arrived_is_asked_about_again() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    stage.fault(json!({ "endpoint": "message", "answer": "reset" })).await;
    operator.approve(&card).await.unwrap();
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Unknown);
    let again = operator.next_card(&card).await;
    operator.approve(&again).await.unwrap();
    assert_eq!(stage.bought().await, ["newsletter"]);
    stage.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_refused_is_asked_about_again() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    stage.fault(json!({ "endpoint": "message", "answer": { "error": { "status": 422, "body": "validation" } } })).await;
    operator.approve(&card).await.unwrap();
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Failed);
    let again = operator.next_card(&card).await;
    operator.approve(&again).await.unwrap();
    assert_eq!(stage.bought().await, ["newsletter"]);
    stage.finish().await;
}

#[tokio::test]
async fn an_operator_of_a_question_is_named_with_what_was_typed() {
    let (stage, mut operator, card) = asked(QUESTIONS).await;
    operator.decide(&card, Act::Answer { text: "no".to_owned() }).await.unwrap();
    let by = operator.ending(card.card.approval).await.by;
    let note = Some("answered: no".to_owned());
    assert_eq!(by, EndedBy::Operator { name: OperatorName("ops".to_owned()), note });
    stage.finish().await;
}
