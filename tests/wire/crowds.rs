//! Many sessions on a network that breaks one connection in ten.

use std::collections::BTreeSet;
use std::time::Duration;

use holdpoint::control::{ApprovalView, State};
use holdpoint::daemon;
use holdpoint::gate::Outcome;
use holdpoint::simulator::World;

use crate::breaks::behind;
use crate::operator::{Operator, outcome};
use crate::stage::{BUYS, LIMIT, Play, impatient};

/// So many sessions, each with a purchase.
const SESSIONS: usize = 20;

/// So many event streams the server has room for.
const STREAMS: usize = 100;
/// So many sessions there are beyond that.
const BEYOND: usize = 4;

/// One connection in ten is reset, somewhere in its first kilobyte of answers. The same connections each time, as far as a run
/// opens them in the same order.
fn one_in_ten(number: u64) -> Option<usize> {
    let drawn = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33;
    drawn.is_multiple_of(10).then_some(usize::try_from(drawn / 10 % 1024).unwrap_or_default())
}

/// A server, or an HTTP/2 connection to it, has room for a hundred event streams; the others wait for ever. A session without a
/// stream is followed by polling, and held for being out of sight if that does not show what it does.
#[tokio::test]
async fn behind_a_limit_of_a_hundred_streams_nothing_is_bought_unseen() {
    let blind = |config: &mut daemon::Config| config.watch.config.blind_after = Duration::from_secs(2);
    let (mut stage, proxy) = behind(Play { client: impatient, tune: blind, ..Play::default() }).await;
    proxy.limits("/events", STREAMS);
    let mut sessions = vec![stage.session.clone()];
    for _ in 1..STREAMS + BEYOND {
        sessions.push(stage.another(BUYS).await);
    }
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let held = |me: &Operator| {
        let open = me.known().into_iter().filter(|view| view.state == State::Open);
        let sessions: BTreeSet<_> = open.map(|view| view.card.session.as_str().to_owned()).collect();
        (sessions.len() == STREAMS + BEYOND).then_some(())
    };
    operator.until("a card for every session", held).await;
    for session in &sessions {
        assert!(stage.sim.session(session).await.unwrap().paused, "{session} runs");
    }
    assert_eq!(stage.ledger().await, [""; 0]);
    assert!(proxy.done() >= BEYOND, "no stream had to wait");
    stage.finish().await;
}

#[tokio::test]
async fn with_one_connection_in_ten_reset_every_purchase_is_asked_about_and_happens_once() {
    let (mut stage, proxy) = behind(Play { client: impatient, ..Play::default() }).await;
    let mut sessions = vec![stage.session.clone()];
    for _ in 1..SESSIONS {
        sessions.push(stage.another(BUYS).await);
    }
    proxy.tempts(one_in_ten);
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let mut answered = BTreeSet::new();
    let finished = |world: &World, session: &String| {
        world.session(session).is_some_and(|state| state.execution_status == "finished")
    };
    let done = tokio::time::timeout(3 * LIMIT, async {
        loop {
            let mut cards = operator.known().into_iter().filter(|view| view.state == State::Open);
            let new = |view: &&ApprovalView| !answered.contains(&(view.card.approval, view.card.revision));
            let next = cards.find(new).cloned();
            if let Some(card) = next {
                // What is refused is asked again, at another revision or as another approval.
                answered.insert((card.card.approval, card.card.revision));
                let said = operator.approve(&card).await;
                if said != outcome(Outcome::Approved) {
                    answered.remove(&(card.card.approval, card.card.revision));
                    tokio::task::yield_now().await;
                }
                continue;
            }
            let names = sessions.clone();
            let all = stage
                .sim
                .until(Duration::from_millis(50), move |world| names.iter().all(|session| finished(world, session)));
            if all.await.is_ok() {
                return;
            }
            operator = stage.operator("ops").await; // Who looks anew sees everything.
        }
    });
    done.await.expect("every session comes to its end");
    assert_eq!(stage.ledger().await, vec!["tea"; SESSIONS]);
    assert!(proxy.done() > 0, "nothing was reset");
    stage.finish().await;
}
