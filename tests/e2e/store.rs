//! A disk that cannot be written: nothing is released, everything else goes on.

use holdpoint::control::Refusal;
use holdpoint::gate::{Delivery, Outcome};
use holdpoint::simulator::fault::Endpoint;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use crate::operator::outcome;
use crate::stage::{Play, Stage, stage};

async fn beside(stage: &Stage) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(stage.file()).busy_timeout(crate::stage::LIMIT);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// From now on every journal entry fails to be written, as on a full disk.
async fn break_disk(stage: &Stage) {
    let mut connection = beside(stage).await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    connection.execute(trigger).await.unwrap();
    connection.close().await.unwrap();
}

async fn mend_disk(stage: &Stage) {
    let mut connection = beside(stage).await;
    connection.execute("DROP TRIGGER full").await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn nothing_is_released_while_the_store_cannot_be_written_and_later_it_is() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.recorded("revised", 1).await;
    break_disk(&stage).await;
    let refused = operator.approve(&card).await;
    assert!(matches!(&refused, Err(Refusal::StoreFailed { why }) if why.contains("disk full")), "{refused:?}");
    operator.notice("the store cannot be written").await;
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    assert!(stage.is_paused().await);
    mend_disk(&stage).await;
    operator.notice("the store can be written again").await;
    let card = operator.card().await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn pauses_and_denials_go_out_while_the_store_cannot_be_written() {
    let mut stage = crate::stage::set(Play::default()).await;
    // The store is made first, so that there is something to break.
    holdpoint::store::Store::open(&stage.file()).await.unwrap().close().await;
    break_disk(&stage).await;
    stage.start().await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    assert!(stage.is_paused().await);
    assert_eq!(operator.deny(&card).await, outcome(Outcome::Denied));
    let ending = operator.ending(card.card.approval).await;
    assert_eq!(ending.words(), (Outcome::Denied, Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(stage.ledger().await, [""; 0]);
    mend_disk(&stage).await;
    stage.recorded("decided", 1).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_store_that_somebody_locks_refuses_releases_until_it_is_free() {
    let stage = stage(Play::default()).await;
    let mut operator = stage.operator("ops").await;
    let card = operator.card().await;
    stage.recorded("revised", 1).await;
    let mut other = beside(&stage).await;
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let refused = operator.approve(&card).await;
    assert!(matches!(&refused, Err(Refusal::StoreFailed { why }) if why.contains("locked")), "{refused:?}");
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    operator.notice("the store can be written again").await;
    let card = operator.card().await;
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_rule_that_would_resume_by_itself_asks_when_it_cannot_be_recorded() {
    let scenario = "
        [[step]]
        log = 'HTTP 429: too many requests'
        [[step]]
        waits_for = 'pause'
        [[step]]
        done = 'ok'
    ";
    let rules = "
        [[rule]]
        name = 'rate limit'
        effect = 'cooldown'
        events = ['log']
        text = ['too many requests']
        cooldown = '1s'
    ";
    let stage = stage(Play { scenario, rules, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    stage.recorded("revised", 1).await;
    break_disk(&stage).await;
    let card = operator.card().await;
    assert!(card.card.notes.iter().any(|note| note.contains("the store cannot be written")), "{:?}", card.card.notes);
    assert!(stage.is_paused().await);
    assert_eq!(stage.calls(Endpoint::Resume).await, []);
    mend_disk(&stage).await;
    operator.notice("the store can be written again").await;
    operator.approve(&card).await.unwrap();
    stage.bought().await;
    stage.finish().await;
}
