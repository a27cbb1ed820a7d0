//! A provider that takes only so many requests, and opens no streams.

use std::num::NonZeroU32;
use std::time::Duration;

use holdpoint::api::paced::bucket::Rate;
use holdpoint::daemon;
use holdpoint::gate::Outcome;
use holdpoint::simulator::Limit;
use holdpoint::simulator::fault::Endpoint;
use serde_json::json;

use crate::operator::outcome;
use crate::stage::{Play, Stage, emits, set};

/// An agent that works until it is paused.
const WORKS: &str = "
    [[step]]
    thought = 'Looking at the cart'
    [[step]]
    waits_for = 'pause'
    [[step]]
    done = 'Nothing bought.'
";

/// How many sessions there are, the one that buys included.
const SESSIONS: u32 = 30;

/// What the configuration says the provider takes in a second, and what it really takes.
const RATE: u32 = 10;
const LIMIT: u32 = 13;

/// As the README says: an interval of polling, and a round in which each session is polled and its stream tried; and two
/// seconds for a busy machine.
const LATEST: Duration = Duration::from_millis((500 + SESSIONS * 2 * 1000 / RATE + 2000) as u64);

fn tune(config: &mut daemon::Config) {
    config.watch.config.poll_interval = Duration::from_millis(500);
    config.list_every = Duration::from_millis(500);
    config.settings.hold_poll = Duration::from_millis(500);
    // Without a stream every session counts as unseen; that has tests of its own.
    config.watch.config.blind_after = Duration::from_secs(3600);
}

fn tune_and_tell(config: &mut daemon::Config) {
    tune(config);
    config.rate = Some(Rate::per_minute(RATE * 60));
}

/// Many sessions that were each polled twice.
async fn crowd(tune: fn(&mut daemon::Config)) -> Stage {
    let mut stage = set(Play { scenario: WORKS, tune, ..Play::default() }).await;
    for _ in 1..SESSIONS {
        stage.another(WORKS).await;
    }
    stage.sim.limit(NonZeroU32::new(LIMIT).map(Limit::per_second)).await.unwrap();
    stage.fault(json!({ "endpoint": "events", "answer": { "error": { "status": 503 } }, "always": true })).await;
    stage.start().await;
    let sessions: Vec<_> = stage.sim.sessions().await.unwrap().into_iter().map(|session| session.session_id).collect();
    stage.each_called(&sessions, Some(200), 2).await;
    stage
}

#[tokio::test]
async fn where_streams_are_refused_and_requests_are_few_a_purchase_is_paused_in_time_and_the_limit_is_kept() {
    let stage = crowd(tune_and_tell).await;
    let mut operator = stage.operator("ops").await;
    stage.somebody(emits("thought = \"Clicking 'Place your order' now, 41.00 USD in total\"")).await;
    let card = operator.card().await;
    assert_eq!(card.card.session.as_str(), stage.session);
    stage.called(Endpoint::Pause, 1).await;

    let announced = stage.sim.events().await.unwrap().into_iter().find(|event| event.beside).unwrap().written_ns;
    let paused = stage.calls(Endpoint::Pause).await[0].received_ns;
    let after = Duration::from_nanos(paused - announced);
    assert!(after <= LATEST, "paused after {after:?}");
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    operator.ending(card.card.approval).await;

    let calls = stage.sim.calls().await.unwrap();
    let refused: Vec<_> = calls.iter().filter(|call| call.status == Some(429)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    // Operators were told that it is late, once.
    let heard = stage.heard.lock().unwrap().join("\n");
    assert_eq!(heard.matches("sessions are polled late").count(), 1, "{heard}");
    assert!(stage.scrape().text().contains("\nholdpoint_provider_rate 10.0\n"));
    stage.finish().await;
}

#[tokio::test]
async fn a_limit_that_nobody_told_is_learned_from_its_refusals_and_no_pause_waits_for_them() {
    let stage = crowd(tune).await;
    let mut operator = stage.operator("ops").await;
    stage.somebody(emits("thought = \"Clicking 'Place your order' now, 41.00 USD in total\"")).await;
    let card = operator.card().await;
    assert_eq!(card.card.session.as_str(), stage.session);
    // A pause may be refused like anything else, and is repeated as ever.
    let session = stage.session.clone();
    stage.until(move |world| world.session(&session).is_some_and(|session| session.paused)).await;
    assert!(stage.sim.calls().await.unwrap().iter().any(|call| call.status == Some(429)));
    stage.finish().await;
}
