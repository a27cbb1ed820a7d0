//! The service with real tasks and made-up drivers.

use std::collections::BTreeMap;

use super::*;
use crate::control::fixtures::{by, ended, open};
use crate::control::protocol::{Act, Change, ClientSettings, Nonce, SessionState, Sight, Update};
use crate::gate::{Delivery, Outcome};

struct World {
    desk: DeskService,
    decisions: mpsc::Receiver<Ordered>,
    screenshots: mpsc::Receiver<ScreenshotOrder>,
    orders: mpsc::Receiver<Directed>,
}

fn world() -> World {
    let (to_decisions, decisions) = mpsc::channel(1);
    let (to_screenshots, screenshots) = mpsc::channel(1);
    let (to_orders, orders) = mpsc::channel(1);
    let drivers = Drivers { decisions: to_decisions, screenshots: to_screenshots, orders: to_orders };
    let settings = DeskSettings {
        daemon: DaemonInfo {
            settings: ClientSettings { min_dwell_ms: 0, ..ClientSettings::default() },
            ..DaemonInfo::default()
        },
        ..DeskSettings::default()
    };
    World { desk: DeskService::start(settings, drivers, crate::clock::Clock::start()), decisions, screenshots, orders }
}

async fn client(desk: &DeskService, name: &str) -> Client {
    desk.connect(OperatorName(name.to_owned())).await.expect("the keeper lives")
}

fn approve(view: &ApprovalView, nonce: Nonce) -> Decision {
    let card = &view.card;
    let (approval, revision, digest) = (card.approval, card.revision, view.digest);
    Decision { approval, revision, digest, nonce: Some(nonce), typed: None, act: Act::approve() }
}

#[tokio::test]
async fn a_decision_goes_to_the_driver_and_its_answer_comes_back() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let ops = client(&world.desk, "ops1").await;
    let nonce = ops.presented(view.card.approval, view.card.revision, view.digest).await.expect("open");
    let driver = tokio::spawn(async move {
        let order = world.decisions.recv().await.expect("an order");
        assert_eq!((order.session.as_str(), order.operator.0.as_str()), ("refund-bot-14", "ops1"));
        order.reply.send(Ok(Decided::Outcome { outcome: Outcome::Approved })).expect("the client waits");
    });
    assert_eq!(ops.decide(approve(&view, nonce)).await, Ok(Decided::Outcome { outcome: Outcome::Approved }));
    driver.await.expect("no panic");
}

#[tokio::test]
async fn a_refused_decision_never_reaches_a_driver() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let ops = client(&world.desk, "ops1").await;
    assert_eq!(ops.decide(approve(&view, Nonce(1))).await, Err(Refusal::NotPresented));
    assert!(world.decisions.try_recv().is_err());
}

#[tokio::test]
async fn a_driver_that_drops_the_order_leaves_the_result_unknown_and_one_that_is_gone_took_nothing() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let ops = client(&world.desk, "ops1").await;
    let nonce = ops.presented(view.card.approval, view.card.revision, view.digest).await.expect("open");
    let deciding = tokio::spawn({
        let (requests, view) = (ops.requests(), view.clone());
        async move { requests.decide(approve(&view, nonce)).await }
    });
    drop(world.decisions.recv().await);
    assert!(matches!(deciding.await, Ok(Err(Refusal::Unknown { .. }))));
    drop(world.decisions);
    let nonce = ops.presented(view.card.approval, view.card.revision, view.digest).await.expect("open");
    assert_eq!(ops.decide(approve(&view, nonce)).await, Err(Refusal::Stopping));
}

#[tokio::test]
async fn every_client_sees_every_change_after_its_snapshot() {
    let world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let mut ops = client(&world.desk, "ops1").await;
    let over = ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "");
    world.desk.publish(over.clone());
    world.desk.notice("blind".into());
    assert_eq!(ops.snapshot().await.map(|s| (s.seq, s.approvals)), Ok((2, vec![view])));
    assert_eq!(ops.next_update().await, Ok(Update { seq: 3, change: Change::Approval { view: Box::new(over) } }));
    assert_eq!(ops.next_update().await, Ok(Update { seq: 4, change: Change::Notice { text: "blind".into() } }));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_with_a_reason_and_others_go_on() {
    let world = world();
    let (mut slow, mut quick) = (client(&world.desk, "ops1").await, client(&world.desk, "ops2").await);
    let mut seen = 0;
    for n in 0..400 {
        world.desk.notice(format!("{n}"));
        seen += u32::from(quick.next_update().await.is_ok());
    }
    assert_eq!(seen, 400);
    let mut read = 0;
    let end = loop {
        match slow.next_update().await {
            Ok(_) => read += 1,
            Err(gone) => break gone,
        }
    };
    assert_eq!((read, end), (384, Gone::TooSlow));
    let id = open(1, "Buying").card.approval;
    world.desk.publish(open(1, "Buying"));
    assert_eq!(
        slow.presented(id, crate::gate::Revision(1), open(1, "Buying").digest).await,
        Err(Refusal::NotPresented)
    );
}

/// Who has to guess what a missing number was takes everything there is anew.
#[tokio::test]
async fn a_client_is_told_every_change_of_a_burst_that_its_line_holds() {
    let world = world();
    let mut ops = client(&world.desk, "ops1").await;
    for state in [SessionState::Watching, SessionState::Idle] {
        for n in 0..100 {
            world.desk.session(session(n, state), None);
        }
    }
    // Behind all of it.
    let last = world.desk.snapshot().await.expect("a desk").seq;
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        told.push(ops.next_update().await.expect("it is not dropped").seq);
    }
    assert_eq!(told, Vec::from_iter(last - 199..=last));
}

/// A stop of everything tells more changes at once than anybody reads meanwhile.
#[tokio::test]
async fn a_client_that_is_behind_is_told_the_newest_of_each_thing_and_every_sentence() {
    let world = world();
    let mut ops = client(&world.desk, "ops1").await;
    for state in [SessionState::Watching, SessionState::Idle, SessionState::Waiting, SessionState::Idle] {
        for n in 0..1_000 {
            world.desk.session(session(n, state), None);
        }
        world.desk.publish(open(1, state.name()));
        world.desk.notice(state.name().to_owned());
    }
    let gone = SessionId::try_from("s-7").expect("an id");
    world.desk.session_gone(gone.clone());
    // Behind all of it.
    assert_eq!(world.desk.snapshot().await.map(|known| known.sessions.len()), Some(999));
    let (mut told, mut said, mut seq, mut read) = (BTreeMap::new(), Vec::new(), 0, 0);
    while told.get(&gone) != Some(&None) {
        let update = ops.next_update().await.expect("it is not dropped");
        assert!(update.seq > seq, "in order");
        (seq, read) = (update.seq, read + 1);
        match update.change {
            Change::Session { view } => drop(told.insert(view.session, Some(view.state))),
            Change::SessionGone { session } => drop(told.insert(session, None)),
            Change::Notice { text } => said.push(text),
            Change::Approval { view } => assert_eq!(view.card.approval, open(1, "").card.approval),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(said, ["watching", "idle", "waiting", "idle"]);
    assert_eq!(told.len(), 1_000);
    assert!(told.iter().all(|(id, state)| *id == gone || *state == Some(SessionState::Idle)), "{told:?}");
    assert!(read < 1_400, "{read} were told");
}

fn session(n: u32, state: SessionState) -> SessionView {
    SessionView {
        session: SessionId::try_from(format!("s-{n}")).expect("an id"),
        agent: None,
        goal: None,
        state,
        since: jiff::Timestamp::UNIX_EPOCH,
        standing: crate::control::Stillness::NothingRuns,
        sight: Sight::Seen,
        events: 0,
        last: None,
        approval: None,
    }
}

#[tokio::test]
async fn a_dropped_client_takes_its_nonce_with_it() {
    let world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let first = client(&world.desk, "ops1").await;
    let nonce = first.presented(view.card.approval, view.card.revision, view.digest).await.expect("open");
    drop(first);
    let second = client(&world.desk, "ops1").await;
    assert_eq!(second.decide(approve(&view, nonce)).await, Err(Refusal::NotPresented));
}

#[tokio::test]
async fn a_screenshot_is_asked_of_the_driver() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let ops = client(&world.desk, "ops1").await;
    tokio::spawn(async move {
        let wish = world.screenshots.recv().await.expect("a wish");
        wish.reply.send(Ok("/tmp/a.jpg".into())).expect("the client waits");
    });
    assert_eq!(ops.screenshot(view.card.approval).await, Ok("/tmp/a.jpg".into()));
    assert_eq!(ops.screenshot(open(2, "").card.approval).await, Err(Refusal::NoSuchApproval));
    assert_eq!(ops.requests().resolve("3333").await, Ok(view.card.approval));
}

#[tokio::test]
async fn what_an_operator_does_of_its_own_accord_goes_out_in_its_name_and_the_answer_comes_back() {
    let mut world = world();
    let ops = client(&world.desk, "ops1").await;
    let requests = ops.requests();
    let halting = tokio::spawn(async move { requests.halt(Some("fire".to_owned())).await });
    let Some(Directed::Halt { operator, reason, reply }) = world.orders.recv().await else { panic!("no halt") };
    assert_eq!((operator.0.as_str(), reason.as_deref()), ("ops1", Some("fire")));
    let halt = crate::control::Halt { by: operator, at: jiff::Timestamp::UNIX_EPOCH, reason };
    reply.send(Ok(halt.clone())).expect("the client waits");
    assert_eq!(halting.await.expect("no panic"), Ok(halt));
}

#[tokio::test]
async fn a_stopping_daemon_takes_no_act_and_one_that_does_not_answer_leaves_it_unknown() {
    let mut world = world();
    let ops = client(&world.desk, "ops1").await;
    let requests = ops.requests();
    let ending = tokio::spawn(async move { requests.end_halt().await });
    drop(world.orders.recv().await);
    assert!(matches!(ending.await, Ok(Err(Refusal::Unknown { .. }))));
    world.desk.stopping();
    let session = crate::api::SessionId::try_from("refund-bot-14").expect("an id");
    let order = crate::control::SessionOrder { session, act: crate::control::SessionAct::Pause, reason: None };
    assert_eq!(ops.requests().session(order).await, Err(Refusal::Stopping));
}

#[tokio::test]
async fn a_reason_without_words_is_none_wherever_one_is_given() {
    let mut world = world();
    let view = open(1, "Buying");
    world.desk.publish(view.clone());
    let ops = client(&world.desk, "ops1").await;
    let blank = || Some(" \t\n".to_owned());
    let session = view.card.session.clone();
    let driver = tokio::spawn(async move {
        let denial = world.decisions.recv().await.expect("a decision");
        assert_eq!(denial.decision.act, Act::Deny { reason: None });
        drop(denial.reply.send(Ok(Decided::Outcome { outcome: Outcome::Denied })));
        let Some(Directed::Session { order, reply, .. }) = world.orders.recv().await else { panic!("an order") };
        assert_eq!(order.reason, None);
        drop(reply.send(Err(Refusal::Stopping)));
        let Some(Directed::Halt { reason, .. }) = world.orders.recv().await else { panic!("a stop") };
        assert_eq!(reason, None);
    });
    let denial = Decision { act: Act::Deny { reason: blank() }, ..approve(&view, Nonce(1)) };
    assert!(ops.decide(denial).await.is_ok());
    let act = crate::control::SessionAct::Pause;
    assert!(ops.requests().session(SessionOrder { session, act, reason: blank() }).await.is_err());
    assert!(ops.requests().halt(blank()).await.is_err(), "nobody answers it here");
    driver.await.expect("no panic");
}
