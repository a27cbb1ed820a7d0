//! What operators do of their own accord: pause, cancel and ask about a session, stop everything, and another policy while
//! the daemon runs.

use std::time::Duration;

use holdpoint::config::Config;
use holdpoint::control::{
    Change, Halt, Refusal, SessionAct, SessionDone, SessionOrder, SessionState, SessionView, State,
};
use holdpoint::daemon::Reconfiguration;
use holdpoint::gate::{Delivery, Outcome};
use holdpoint::simulator::fault::Endpoint;

use crate::operator::{Operator, outcome};
use crate::stage::{LIMIT, PURCHASE, Play, Stage, each, stage};

/// An agent that nothing stops until somebody pauses it.
const WORKS: &str = "
    [[step]]
    thought = 'Looking at the cart'
    [[step]]
    waits_for = 'pause'
    [[step]]
    thought = 'Looking at it again'
    [[step]]
    done = 'Looked.'
";

fn works() -> Play {
    Play { scenario: WORKS, ..Play::default() }
}

async fn act(stage: &Stage, operator: &Operator, act: SessionAct) -> Result<SessionDone, Refusal> {
    let session = stage.session.as_str().try_into().unwrap();
    let order = SessionOrder { session, act, reason: Some("smoke".to_owned()) };
    operator.client.requests().session(order).await
}

async fn session(stage: &Stage, operator: &mut Operator, met: impl Fn(&SessionView) -> bool) -> SessionView {
    operator.session(&stage.session, met).await
}

async fn in_state(stage: &Stage, operator: &mut Operator, state: SessionState) -> SessionView {
    session(stage, operator, |view| view.state == state).await
}

async fn is_halted(operator: &mut Operator) -> Option<Halt> {
    operator.client.snapshot().await.unwrap().daemon.halt
}

#[tokio::test]
async fn a_session_that_is_paused_by_hand_goes_on_only_when_somebody_approves() {
    let stage = stage(works()).await;
    stage.watched().await;
    let mut ops = stage.operator("ops1").await;
    in_state(&stage, &mut ops, SessionState::Watching).await;
    let done = act(&stage, &ops, SessionAct::Pause).await.unwrap();
    let card = ops.card().await;
    assert_eq!(done.approval, Some(card.card.approval));
    assert_eq!(card.card.rules[0].name, "operator ops1");
    assert_eq!(card.card.trigger.text, "paused by ops1: smoke");
    let held = in_state(&stage, &mut ops, SessionState::Held).await;
    assert_eq!(held.approval, Some(card.card.approval));
    let again = act(&stage, &ops, SessionAct::Pause).await.unwrap();
    assert_eq!(again.approval, Some(card.card.approval));
    assert!(stage.is_paused().await);
    assert_eq!(ops.approve(&card).await, outcome(Outcome::Approved));
    stage.bought().await;
    assert_eq!(ops.ending(card.card.approval).await.words().1, Delivery::Applied);
    let view = in_state(&stage, &mut ops, SessionState::Watching).await;
    assert_eq!(view.approval, None);
    assert_eq!(stage.calls(Endpoint::Resume).await.len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_is_cancelled_by_hand_ends_denied_by_that_operator() {
    each([WORKS, crate::stage::BUYS], async |scenario| {
        let stage = stage(Play { scenario, ..Play::default() }).await;
        stage.watched().await;
        let mut ops = stage.operator("ops1").await;
        session(&stage, &mut ops, |view| view.events > 0).await;
        if scenario != WORKS {
            ops.card().await;
        }
        let done = act(&stage, &ops, SessionAct::Cancel).await.unwrap();
        let ending = ops.ending(done.approval.unwrap()).await;
        assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
        assert_eq!(stage.ledger().await, Vec::<String>::new());
        assert!(stage.calls(Endpoint::Cancel).await.len() == 1);
        stage.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_that_stays_paused_is_let_go_after_a_new_look() {
    let stage = stage(Play { approvals: "on_deny = 'keep_paused'\n", ..Play::default() }).await;
    let mut ops = stage.operator("ops1").await;
    let card = ops.card().await;
    assert!(matches!(act(&stage, &ops, SessionAct::Ask).await, Err(Refusal::NotPossible { .. })));
    ops.deny(&card).await.unwrap();
    in_state(&stage, &mut ops, SessionState::Kept).await;
    let done = act(&stage, &ops, SessionAct::Ask).await.unwrap();
    let anew = ops.next_card(&card).await;
    assert_eq!(done.approval, Some(anew.card.approval));
    assert!(anew.card.notes.iter().any(|note| note == "asked about again by ops1: smoke"), "{:?}", anew.card.notes);
    assert_eq!(ops.approve(&anew).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_session_that_nobody_watches_is_refused_and_one_that_is_gone_is_no_longer_shown() {
    let stage = stage(works()).await;
    stage.watched().await;
    let mut ops = stage.operator("ops1").await;
    in_state(&stage, &mut ops, SessionState::Watching).await;
    let order = SessionOrder { session: "none".try_into().unwrap(), act: SessionAct::Pause, reason: None };
    assert_eq!(ops.client.requests().session(order).await, Err(Refusal::NoSuchSession));
    stage.somebody(holdpoint::simulator::Act::Delete).await;
    let wait = async {
        while !ops.client.snapshot().await.unwrap().sessions.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::stage::LIMIT, wait).await.unwrap();
    assert_eq!(act(&stage, &ops, SessionAct::Pause).await, Err(Refusal::NoSuchSession));
    stage.finish().await;
}

#[tokio::test]
async fn a_stop_of_everything_pauses_every_session_and_those_found_later() {
    let stage = stage(works()).await;
    stage.watched().await;
    let other = stage.another(WORKS).await;
    let mut ops = stage.operator("ops1").await;
    for session in [&stage.session, &other] {
        ops.session(session, |view| view.state == SessionState::Watching && view.events > 0).await;
    }
    let halt = ops.client.requests().halt(Some("fire".to_owned())).await.unwrap();
    assert_eq!((halt.by.0.as_str(), halt.reason.as_deref()), ("ops1", Some("fire")));
    let second = stage.operator("ops2").await;
    assert_eq!(second.client.requests().halt(None).await, Ok(halt.clone()), "the first one is answered");
    assert_eq!(is_halted(&mut ops).await, Some(halt));
    let later = stage.another(WORKS).await;
    for session in [&stage.session, &other, &later] {
        let held = ops.session(session, |view| view.state == SessionState::Held).await;
        let id = held.approval.unwrap();
        let wanted = |me: &Operator| {
            me.known().into_iter().find(|view| view.card.approval == id && view.state == State::Open).cloned()
        };
        let view = ops.until("open card", wanted).await;
        assert!(view.frozen);
        assert_eq!(view.card.rules[0].name, "stop of everything by ops1");
        assert!(stage.sim.session(session).await.unwrap().paused);
    }
    // One is let go by hand, and stays so.
    let card =
        ops.until("its card", |me| me.known().into_iter().find(|view| view.card.session.as_str() == other).cloned());
    let card = card.await;
    assert_eq!(ops.approve(&card).await, outcome(Outcome::Approved));
    stage
        .sim
        .until(crate::stage::LIMIT, {
            let other = other.clone();
            move |world| world.session(&other).is_some_and(|state| state.execution_status == "finished")
        })
        .await
        .unwrap();
    ops.client.requests().end_halt().await.unwrap();
    ops.client.requests().end_halt().await.unwrap();
    assert_eq!(is_halted(&mut ops).await, None);
    for session in [&stage.session, &later] {
        assert!(stage.sim.session(session).await.unwrap().paused, "the end of a stop releases nothing");
    }
    stage.recorded("halted", 1).await;
    stage.recorded("halt_ended", 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_stop_of_everything_opens_nothing_where_nothing_runs_and_pauses_what_begins_to_act() {
    let scenario = "
        [[step]]
        thought = 'Looking at the cart'
        [[step]]
        done = 'Looked.'
    ";
    let stage = stage(Play { scenario, ..Play::default() }).await;
    let mut ops = stage.operator("ops1").await;
    let before = in_state(&stage, &mut ops, SessionState::Idle).await;
    ops.client.requests().halt(None).await.unwrap();
    let looked_at = async {
        let (mut stopped, mut looked) = (false, false);
        loop {
            match ops.client.next_update().await.unwrap().change {
                Change::Daemon { daemon } => stopped |= daemon.halt.is_some(),
                Change::Session { view } if view.state == SessionState::Watching => looked = stopped,
                Change::Session { view } if looked && view.state == SessionState::Idle => return view,
                _ => {}
            }
        }
    };
    let after = tokio::time::timeout(LIMIT, looked_at).await.expect("it is looked at once more");
    assert_eq!(after.since, before.since, "nothing has begun");
    assert_eq!(stage.calls(Endpoint::Pause).await, []);
    assert_eq!(ops.client.snapshot().await.unwrap().approvals, []);
    stage.somebody(crate::stage::emits("thought = 'Looking again'")).await;
    stage.called(Endpoint::Pause, 1).await;
    stage.recorded("opened", 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_stop_survives_a_crash_and_no_deadline_passes_while_it_lasts() {
    let play = Play { tune: |config| config.settings.timeout = Duration::from_secs(2), ..Play::default() };
    let mut stage = stage(play).await;
    let mut ops = stage.operator("ops1").await;
    let card = ops.card().await;
    let halt = ops.client.requests().halt(None).await.unwrap();
    stage.recorded("frozen", 1).await;
    stage.crash();
    // The deadline passes by the clock while nobody is there.
    let past = card.deadline.duration_since(jiff::Timestamp::now()).unsigned_abs() + Duration::from_millis(200);
    tokio::time::sleep(past).await;
    stage.start().await;
    let mut ops = stage.operator("ops1").await;
    assert_eq!(is_halted(&mut ops).await, Some(halt));
    let again = ops.card().await;
    assert_eq!((again.card.approval, again.frozen), (card.card.approval, true));
    ops.client.requests().end_halt().await.unwrap();
    let ending = ops.ending(card.card.approval).await;
    assert_eq!(ending.outcome, Outcome::Expired, "it goes on with what was left");
    stage.stop().await;
    stage.start().await;
    assert_eq!(is_halted(&mut stage.operator("ops1").await).await, None);
    stage.finish().await;
}

fn rules(stage: &Stage, rules: &str) -> Reconfiguration {
    let text = format!("[provider]\nbase_url = '{}'\n{rules}", stage.sim.base_url());
    let config = Config::parse("test.toml", &text).unwrap_or_else(|error| panic!("{error}")).config;
    Reconfiguration { policy: config.policy, ..Reconfiguration::from(stage.configured()) }
}

#[tokio::test]
async fn another_policy_makes_an_open_card_stricter_and_never_milder() {
    let stage = stage(Play::default()).await;
    let mut ops = stage.operator("ops1").await;
    let card = ops.card().await;
    let nonce = ops.client.presented(card.card.approval, card.card.revision, card.digest).await.unwrap();
    // Milder first: nothing asks any more, and the card stays.
    stage.reconfigure(rules(&stage, "")).await;
    let still = ops.card().await;
    assert_eq!(still.digest, card.digest);
    let decision = holdpoint::control::Decision {
        nonce: Some(nonce),
        ..crate::operator::decision(&card, holdpoint::control::Act::approve())
    };
    assert_eq!(ops.client.decide(decision).await, Err(Refusal::NotPresented), "another policy is in force");
    let stricter = PURCHASE.replace("confirm = 'key'", "confirm = 'type'\nrisk = 'high'");
    let more = format!("{stricter}[[rule]]\nname = 'orders'\neffect = 'ask'\ntext = 'order'\n");
    let changed = stage.reconfigure(rules(&stage, &more)).await;
    assert_ne!(changed.policy.0, changed.policy.1);
    assert_eq!(changed.rules, 2);
    let revised = ops.revised(&card).await;
    let names: Vec<_> = revised.card.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["purchase", "orders"]);
    assert_eq!(revised.card.confirm, holdpoint::policy::Confirm::Type);
    assert!(revised.card.notes.iter().any(|note| note.contains("the policy changed")), "{:?}", revised.card.notes);
    assert_eq!(revised.card.triggers, 1);
    let denies = "[[rule]]\nname = 'never'\neffect = 'deny'\ntext = 'order'\n";
    stage.reconfigure(rules(&stage, denies)).await;
    let ending = ops.ending(card.card.approval).await;
    assert_eq!(ending.words().0, Outcome::Denied);
    assert_eq!(ending.by, holdpoint::control::EndedBy::Rule { name: "never".to_owned() });
    stage.finish().await;
}

#[tokio::test]
async fn events_after_another_policy_are_judged_by_it() {
    let stage = stage(Play { rules: "", ..works() }).await;
    stage.watched().await;
    let mut ops = stage.operator("ops1").await;
    session(&stage, &mut ops, |view| view.events > 0).await;
    let text = "[[rule]]\nname = 'looks'\neffect = 'ask'\ntext = 'looking'\n";
    stage.reconfigure(rules(&stage, text)).await;
    stage.somebody(crate::stage::emits("thought = 'Looking around'")).await;
    let card = ops.card().await;
    assert_eq!(card.card.rules[0].name, "looks");
    stage.finish().await;
}
