//! The three recipes of the vendor's page: approval, cooldown, parameter update.

use std::time::Duration;

use holdpoint::control::{Act, Decided, EndedBy, OperatorName, Refusal};
use holdpoint::gate::{Delivery, Hold, Outcome, Revision, Timing};
use holdpoint::simulator::fault::Endpoint;

use crate::operator::{decision, is_draft, outcome};
use crate::stage::{BUYS, Play, stage};

#[tokio::test]
async fn y_lets_a_held_purchase_happen() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(stage.ledger().await, [""; 0]);
    assert_eq!((card.card.revision, card.card.timing), (Revision(1), Timing::InTime));
    assert!(matches!(card.card.hold, Hold::Paused { .. }));
    assert_eq!(card.card.url.as_deref(), Some("https://shop.example.com/checkout"));
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Approved, Delivery::Applied, "resumed, confirmed"));
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn n_cancels_and_nothing_is_bought() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(stage.ledger().await, [""; 0]);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn nobody_answers_and_the_task_is_cancelled() {
    let tune = |config: &mut holdpoint::daemon::Config| config.settings.timeout = Duration::from_millis(700);
    let stage = stage(Play { tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let approval = operator.approval().await;
    let ending = operator.ending(approval).await;
    assert_eq!(ending.words(), (Outcome::Expired, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(ending.by, EndedBy::Deadline);
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn nobody_answers_and_the_session_is_kept_paused() {
    let tune = |config: &mut holdpoint::daemon::Config| config.settings.timeout = Duration::from_millis(700);
    let mut stage = stage(Play { approvals: "on_timeout = 'keep_paused'", tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let approval = operator.approval().await;
    let ending = operator.ending(approval).await;
    assert_eq!((ending.outcome, ending.delivery), (Outcome::Expired, Delivery::Applied));
    assert!(stage.is_paused().await);
    assert_eq!(stage.stop().await, [stage.session.clone()]);
    assert!(stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Cancel).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn the_first_answer_wins_and_the_other_operator_is_told() {
    let stage = stage(Play::default()).await;
    let (mut first, mut second) = (stage.operator("one").await, stage.operator("two").await);
    let card = first.card().await;
    let same = second.card().await;
    assert_eq!(card, same);
    let nonce = second.client.presented(card.card.approval, card.card.revision, card.digest).await.unwrap();
    assert_eq!(first.deny(&card).await, outcome(Outcome::Denied));
    let late = holdpoint::control::Decision { nonce: Some(nonce), ..decision(&same, Act::approve()) };
    let refusal = Refusal::AlreadyDecided { outcome: Outcome::Denied, by: "one".to_owned() };
    assert_eq!(second.client.decide(late).await, Err(refusal));
    let ending = second.ending(card.card.approval).await;
    assert_eq!(ending.by, EndedBy::Operator { name: OperatorName("one".to_owned()), note: None });
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn an_instruction_is_sent_before_the_session_goes_on() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let text = "Take the cheaper one, at most 20 dollars.".to_owned();
    let decided = operator.decide(&card, Act::Instruct { text: text.clone() }).await;
    assert_eq!(decided, outcome(Outcome::Approved));
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.messages().await, [text]);
    let (message, resume) = (stage.calls(Endpoint::Message).await, stage.calls(Endpoint::Resume).await);
    assert_eq!(resume.len(), 1);
    assert!(message[0].seq < resume[0].seq);
    stage.finish().await;
}

#[tokio::test]
async fn more_time_can_be_had_three_times() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let mut deadline = card.deadline;
    for left in [2, 1, 0] {
        let decided = operator.decide(&card, Act::Extend).await;
        let Ok(Decided::Extended { deadline: later, extensions_left }) = decided else {
            panic!("not extended: {decided:?}");
        };
        assert!(later > deadline && extensions_left == left, "{decided:?}");
        deadline = later;
    }
    assert!(matches!(operator.decide(&card, Act::Extend).await, Err(Refusal::NotExtendable { .. })));
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_card_cannot_be_approved_before_the_pause_is_confirmed() {
    let scenario = "
        pause = { effective = false }
        [[step]]
        thought = \"Clicking 'Place your order' now\"
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let draft = operator.draft().await;
    assert!(is_draft(&draft));
    assert_eq!(operator.approve(&draft).await, Err(Refusal::NotPausedYet));
    stage.called(Endpoint::Pause, 3).await;
    assert_eq!(operator.deny(&draft).await, outcome(Outcome::Denied));
    assert_eq!(operator.ending(draft.card.approval).await.delivery, Delivery::Applied);
    stage.finish().await;
}

const RATE_LIMIT: &str = "
    [[rule]]
    name = 'rate limit'
    effect = 'cooldown'
    events = ['error', 'log']
    text = ['too many requests']
    cooldown = '1s'
    max_repeats = 2
";

#[tokio::test]
async fn a_rate_limit_is_waited_out_and_the_session_resumed_by_the_rule() {
    let scenario = "
        [[step]]
        log = 'HTTP 429: too many requests, slow down'
        [[step]]
        waits_for = 'pause'
        [[step]]
        done = 'All pages read.'
    ";
    let stage = stage(Play { scenario, rules: RATE_LIMIT, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    operator.notice("pausing: rule rate limit").await;
    assert_eq!(stage.bought().await, [""; 0]);
    let (pause, resume) = (stage.calls(Endpoint::Pause).await, stage.calls(Endpoint::Resume).await);
    assert_eq!((pause.len(), resume.len()), (1, 1));
    assert!(resume[0].received_ns - pause[0].received_ns >= Duration::from_secs(1).as_nanos() as u64);
    assert_eq!(operator.known(), Vec::<&holdpoint::control::ApprovalView>::new(), "nobody is asked");
    stage.finish().await;
}

#[tokio::test]
async fn a_rule_that_has_cooled_down_too_often_asks() {
    let scenario = "
        repeat = 20
        [[step]]
        log = 'HTTP 429: too many requests, slow down'
        [[step]]
        waits_for = 'pause'
        [[step]]
        after = '1ms'
    ";
    let stage = stage(Play { scenario, rules: RATE_LIMIT, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 2);
    assert!(card.card.notes.iter().any(|note| note.contains("has acted 2 times in a row")), "{:?}", card.card.notes);
    assert!(stage.is_paused().await);
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_rule_that_instructs_sends_its_message_and_resumes() {
    let scenario = "
        [[step]]
        thought = 'I will sign up for the newsletter'
        [[step]]
        waits_for = 'pause'
        [[step]]
        done = 'Done without it.'
    ";
    let rules = "
        [[rule]]
        name = 'no newsletters'
        effect = 'instruct'
        text = ['newsletter']
        instruct = 'Do not sign up for newsletters.'
    ";
    let stage = stage(Play { scenario, rules, ..Play::default() }).await;
    assert_eq!(stage.bought().await, [""; 0]);
    assert_eq!(stage.messages().await, ["Do not sign up for newsletters."]);
    let order = [Endpoint::Pause, Endpoint::Message, Endpoint::Resume];
    let mut seqs = Vec::new();
    for endpoint in order {
        let calls = stage.calls(endpoint).await;
        assert_eq!(calls.len(), 1, "{endpoint:?}");
        seqs.push(calls[0].seq);
    }
    assert!(seqs.is_sorted());
    stage.finish().await;
}

#[tokio::test]
async fn the_approved_act_itself_is_not_asked_about_twice() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now, 41.00 USD in total\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        step = { action = 'click', element = 'Place your order' }
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        done = 'Finished.'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert_eq!(stage.calls(Endpoint::Pause).await.len(), 1);
    assert_eq!(operator.known().len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_rule_that_denies_cancels_without_asking() {
    let rules = "
        [[rule]]
        name = 'never'
        effect = 'deny'
        detect = ['purchase']
    ";
    let stage = stage(Play { rules, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let id = operator.approval().await;
    let ending = operator.ending(id).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(ending.by, EndedBy::Rule { name: "never".to_owned() });
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_denial_can_tell_the_agent_and_let_it_go_on() {
    let approvals = "on_deny = 'instruct'\nrefusal = 'No. Please do not buy this.'";
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        after = '1h'
        [[on_message]]
        contains = ['do not buy']
        step = [{ done = 'Bought nothing.' }]
    ";
    let stage = stage(Play { scenario, approvals, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!((ending.outcome, ending.delivery), (Outcome::Denied, Delivery::Applied));
    assert_eq!(stage.bought().await, [""; 0]);
    assert_eq!(stage.messages().await, ["No. Please do not buy this."]);
    stage.finish().await;
}

#[tokio::test]
async fn two_sessions_are_held_and_answered_each_for_itself() {
    let stage = stage(Play::default()).await;
    let other = stage.another(BUYS).await;
    let mut operator = stage.operator("ops").await;
    let of = |session: &str| {
        let session = session.to_owned();
        move |me: &crate::operator::Operator| {
            let open = me
                .known()
                .into_iter()
                .find(|view| view.card.session.as_str() == session && view.state == holdpoint::control::State::Open);
            open.cloned()
        }
    };
    let theirs = operator.until("card of the other", of(&other)).await;
    let ours = operator.until("card of the first", of(&stage.session)).await;
    operator.deny(&theirs).await.unwrap();
    operator.approve(&ours).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    assert_eq!(operator.ending(theirs.card.approval).await.outcome, Outcome::Denied);
    let orders = stage.sim.ledger().await.unwrap();
    assert_eq!(orders.iter().map(|order| order.session.as_str()).collect::<Vec<_>>(), [stage.session.as_str()]);
    stage.finish().await;
}

/// Two rules at once: the strictest decides.
#[tokio::test]
async fn the_strictest_rule_wins_whatever_the_order() {
    const RULES: &str = "
        [[rule]]
        name = 'tell it'
        effect = 'instruct'
        text = ['order']
        instruct = 'Wait.'
        [[rule]]
        name = 'purchase'
        effect = 'ask'
        detect = ['purchase']
    ";
    let stage = stage(Play { rules: RULES, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    let names: Vec<_> = card.card.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["purchase", "tell it"]);
    assert_eq!(stage.messages().await, [""; 0]);
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.finish().await;
}
