//! The daemon stops, or dies, and comes back: what was under way is taken up, and nothing is released twice.

use std::time::Duration;

use holdpoint::control::{SessionState, Sight, State};
use holdpoint::gate::{Delivery, Outcome, Timing};
use holdpoint::simulator::Act;
use holdpoint::simulator::fault::Endpoint;
use holdpoint::store::Store;
use serde_json::json;

use crate::operator::outcome;
use crate::stage::{Play, Stage, emits, impatient, stage};

/// How a daemon ends.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Stops,
    Dies,
}

const BOTH: [Ends; 2] = [Ends::Stops, Ends::Dies];

async fn end(stage: &mut Stage, how: Ends) {
    match how {
        Ends::Stops => assert!(stage.stop().await.contains(&stage.session)),
        Ends::Dies => stage.crash(),
    }
}

#[tokio::test]
async fn a_pending_approval_is_armed_again_at_a_new_revision() {
    crate::stage::each(BOTH, async |how| {
        let mut stage = stage(Play::default()).await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        stage.recorded("revised", 1).await;
        end(&mut stage, how).await;
        assert!(stage.is_paused().await);
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        let again = operator.card().await;
        assert_eq!(again.card.approval, card.card.approval);
        assert!(again.card.revision > card.card.revision);
        assert!(again.card.notes.iter().any(|note| note.contains("restarted")), "{:?}", again.card.notes);
        assert!(operator.approve(&card).await.is_err(), "the old card is stale");
        assert_eq!(operator.approve(&again).await, outcome(Outcome::Approved));
        assert_eq!(stage.bought().await, ["tea"]);
        assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
        stage.finish().await;
    })
    .await;
}

/// Every call of a session after the restart, in the order in which they were received.
#[tokio::test]
async fn pauses_leave_before_anything_is_read_and_streams_are_opened_when_all_is_armed() {
    let mut stage = stage(Play::default()).await;
    let mut sessions = vec![stage.session.clone()];
    for _ in 0..4 {
        sessions.push(stage.another(crate::stage::BUYS).await);
    }
    stage.recorded("opened", sessions.len()).await;
    stage.recorded("revised", sessions.len()).await;
    // In good order: of a process that dies, calls are still on their way.
    stage.stop().await;
    let before = stage.sim.calls().await.unwrap().len();
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    for session in &sessions {
        operator.session(session, |view| view.sight == Sight::Seen && view.state == SessionState::Held).await;
    }
    let calls = stage.sim.calls().await.unwrap().split_off(before);
    let of = |endpoint| calls.iter().filter(move |call| call.session.is_some() && call.endpoint == Some(endpoint));
    let last_first = |endpoint| {
        let first = |session| of(endpoint).find(|call| call.session.as_ref() == Some(session)).map(|call| call.seq);
        sessions.iter().map(first).max().flatten().expect("a call of each")
    };
    let read = [Endpoint::Session, Endpoint::Messages, Endpoint::Screenshot, Endpoint::Events];
    let first_read = read.into_iter().filter_map(|endpoint| Some(of(endpoint).next()?.seq)).min().expect("reads");
    assert!(last_first(Endpoint::Pause) < first_read, "{calls:#?}");
    let stream = of(Endpoint::Events).next().expect("a stream").seq;
    let looks = of(Endpoint::Session).filter(|call| call.seq < stream).count();
    assert!(looks >= 2 * sessions.len(), "two looks at each before the first stream: {calls:#?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_pending_question_is_asked_again() {
    let scenario = "
        [[step]]
        question = 'May I subscribe you?'
        [[step.answer]]
        step = [{ done = 'ok' }]
    ";
    let rules = "[[rule]]\nname = 'questions'\neffect = 'ask'\nevents = ['question']\nanswer = 'Yes.'\n";
    let mut stage = stage(Play { scenario, rules, ..Play::default() }).await;
    let card = stage.operator("ops").await.card().await;
    stage.stop().await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let again = operator.card().await;
    assert_eq!(again.card.approval, card.card.approval);
    operator.approve(&again).await.unwrap();
    stage.bought().await;
    assert_eq!(stage.messages().await, ["Yes."]);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_vanished_meanwhile_is_withdrawn() {
    let mut stage = stage(Play::default()).await;
    let card = stage.operator("ops").await.card().await;
    stage.recorded("opened", 1).await;
    stage.crash();
    stage.somebody(Act::Delete).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Withdrawn, Delivery::Applied, "the session is gone"));
    stage.finish().await;
}

#[tokio::test]
async fn a_task_that_ended_meanwhile_is_withdrawn() {
    let mut stage = stage(Play::default()).await;
    let card = stage.operator("ops").await.card().await;
    stage.recorded("opened", 1).await;
    stage.crash();
    stage.somebody(Act::Cancel).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    assert_eq!(operator.ending(card.card.approval).await.outcome, Outcome::Withdrawn);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_somebody_resumed_meanwhile_is_paused_again() {
    let scenario = "[[step]]\nthought = \"Clicking 'Place your order' now\"";
    let mut stage = stage(Play { scenario, ..Play::default() }).await;
    stage.operator("ops").await.card().await;
    stage.recorded("opened", 1).await;
    stage.crash();
    stage.somebody(Act::Resume).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(stage.is_paused().await);
    operator.approve(&card).await.unwrap();
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
    assert!(!stage.is_paused().await);
    stage.finish().await;
}

/// The decision is on the disk; the resume was sent and took effect, or never arrived, and then the daemon dies.
#[tokio::test]
async fn a_durable_approval_is_delivered_exactly_once() {
    crate::stage::each([true, false], async |arrived| {
        let mut stage = stage(Play::default()).await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        stage.fault(json!({ "endpoint": "resume", "answer": "hang", "applied": arrived })).await;
        assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
        stage.called(Endpoint::Resume, 1).await;
        stage.crash();
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        if arrived {
            stage.bought().await;
        } else {
            assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Applied);
        }
        assert_eq!(stage.bought().await, ["tea"]);
        let sent = if arrived { 1 } else { 2 };
        assert_eq!(stage.calls(Endpoint::Resume).await.len(), sent, "{arrived}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_durable_instruction_is_sent_exactly_once() {
    crate::stage::each([true, false], async |arrived| {
        let mut stage = stage(Play { client: impatient, ..Play::default() }).await;
        let mut operator = stage.operator("ops").await;
        let card = operator.card().await;
        stage.fault(json!({ "endpoint": "message", "answer": "hang", "applied": arrived })).await;
        let text = "Take the cheaper one.".to_owned();
        let act = holdpoint::control::Act::Instruct { text: text.clone() };
        assert_eq!(operator.decide(&card, act).await, outcome(Outcome::Approved));
        stage.called(Endpoint::Message, 1).await;
        stage.crash();
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        if !arrived {
            // It cannot be told whether it arrived: it is asked about again, and never repeated.
            let again = operator.next_card(&card).await;
            operator.approve(&again).await.unwrap();
        }
        assert_eq!(stage.bought().await, ["tea"]);
        assert_eq!(stage.messages().await, [text], "{arrived}");
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_durable_approval_is_not_delivered_when_the_agent_acted_in_between() {
    let mut stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "resume", "answer": "hang" })).await;
    operator.approve(&card).await.unwrap();
    stage.called(Endpoint::Resume, 1).await;
    stage.crash();
    stage.somebody(emits("thought = 'I also added a warranty'")).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let again = operator.next_card(&card).await;
    assert_eq!(operator.ending(card.card.approval).await.delivery, Delivery::Failed);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    assert!(stage.is_paused().await);
    operator.deny(&again).await.unwrap();
    operator.ending(again.card.approval).await;
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_denial_is_carried_out_again() {
    let mut stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.fault(json!({ "endpoint": "cancel", "answer": "hang" })).await;
    operator.deny(&card).await.unwrap();
    stage.called(Endpoint::Cancel, 1).await;
    stage.recorded("decided", 1).await;
    stage.crash();
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(stage.ledger().await, [""; 0]);
    stage.finish().await;
}

#[tokio::test]
async fn a_deadline_that_passed_meanwhile_is_carried_out() {
    let tune = |config: &mut holdpoint::daemon::Config| {
        config.settings.timeout = std::time::Duration::from_millis(1500);
    };
    let mut stage = stage(Play { tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let approval = operator.approval().await;
    let deadline = operator.known()[0].deadline;
    stage.recorded("opened", 1).await;
    stage.crash();
    let left = std::time::Duration::try_from(deadline.duration_since(jiff::Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left).await; // The deadline itself is what is waited for.
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let ending = operator.ending(approval).await;
    assert_eq!(ending.words(), (Outcome::Expired, Delivery::Applied, "cancelled, confirmed"));
    stage.finish().await;
}

#[tokio::test]
async fn a_session_kept_paused_stays_kept() {
    let mut stage = stage(Play { approvals: "on_deny = 'keep_paused'", ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.deny(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    assert_eq!(stage.stop().await, [stage.session.clone()]);
    stage.start().await;
    let reads = stage.calls(Endpoint::Session).await.len();
    stage.called(Endpoint::Session, reads + 2).await;
    assert!(stage.is_paused().await);
    assert_eq!(stage.stop().await, [stage.session.clone()]);
    assert_eq!(stage.calls(Endpoint::Cancel).await, []);
    stage.finish().await;
}

/// An agent that shops on, announced its purchase while nobody watched, and waits to be paused.
const SHOPS: &str = "
    [[step]]
    thought = 'Looking at teas'
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
    [[step]]
    done = 'ok'
";

#[tokio::test]
async fn a_purchase_announced_while_we_were_down_is_held() {
    let mut stage = stage(Play { scenario: SHOPS, ..Play::default() }).await;
    stage.watched().await;
    stage.stop().await;
    stage.somebody(emits("thought = \"Clicking 'Place your order' now\"")).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert_eq!(card.card.timing, Timing::Unknown, "nobody looked when it was announced");
    operator.approve(&card).await.unwrap();
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_purchase_announced_while_we_were_down_is_late_when_the_agent_went_on() {
    let mut stage = stage(Play { scenario: SHOPS, ..Play::default() }).await;
    stage.watched().await;
    stage.crash();
    stage.somebody(emits("thought = \"Clicking 'Place your order' now\"")).await;
    stage.somebody(emits("thought = 'The confirmation page is shown'")).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let late = operator
        .until("late card", |me| {
            let open = me.known().into_iter().find(|view| view.state == State::Open)?;
            (open.card.timing == Timing::Late).then(|| open.clone())
        })
        .await;
    operator.deny(&late).await.unwrap();
    operator.ending(late.card.approval).await;
    stage.finish().await;
}

#[tokio::test]
async fn what_was_decided_before_a_restart_is_not_asked_about_again() {
    let scenario = "
        [[step]]
        thought = \"Clicking 'Place your order' now\"
        [[step]]
        waits_for = 'pause'
        [[step]]
        commit = { kind = 'purchase', what = 'tea' }
        [[step]]
        thought = 'Waiting for the parcel'
    ";
    let mut stage = stage(Play { scenario, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    operator.approve(&card).await.unwrap();
    operator.ending(card.card.approval).await;
    stage.until(|world| world.record().events.iter().any(|event| event.data.to_string().contains("parcel"))).await;
    stage.stop().await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    stage.somebody(emits("thought = \"Clicking 'Buy now' for more tea\"")).await;
    let next = operator.card().await;
    assert_ne!(next.card.approval, card.card.approval);
    assert!(next.card.trigger.text.contains("more tea"), "{}", next.card.trigger.text);
    operator.deny(&next).await.unwrap();
    operator.ending(next.card.approval).await;
    assert_eq!(stage.ledger().await, ["tea"]);
    stage.finish().await;
}

/// A row for each session that was ever watched would be read by every start.
#[tokio::test]
async fn a_session_that_is_gone_leaves_no_cursor_unless_the_next_start_drives_it_by_its_name() {
    crate::stage::each([false, true], async |named| {
        let mut stage = crate::stage::set(Play {
            scenario: "[[step]]\nthought = 'Looking'\n[[step]]\nwaits_for = 'pause'",
            ..Play::default()
        })
        .await;
        if named {
            let rules = format!("{}\n[watch]\nsessions = ['{}']\n", crate::stage::PURCHASE, stage.session);
            stage.play.rules = rules.leak();
        }
        stage.start().await;
        let store = Store::open_to_read(&stage.file()).await.unwrap();
        // What was there at first is read again, and again what came then; the last of these is answered.
        stage.called(Endpoint::Messages, 7).await;
        stage.stop().await;
        assert_eq!(store.cursors().await.unwrap().len(), 1);
        stage.start().await;
        let mut operator = stage.operator("ops").await;
        until(async || operator.client.snapshot().await.unwrap().sessions.len() == 1).await;
        stage.somebody(Act::Delete).await;
        until(async || operator.client.snapshot().await.unwrap().sessions.is_empty()).await;
        stage.stop().await;
        assert_eq!(store.cursors().await.unwrap().len(), usize::from(named));
    })
    .await;
}

async fn until(mut met: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !met().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::stage::LIMIT, wait).await.expect("in time");
}
