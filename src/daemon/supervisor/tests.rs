//! The supervisor's loop beside a store that does not answer, and with thousands of sessions.

mod many;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::api::{ApiError, Capabilities, EventStream, Messages, PauseAnswer, Screenshot, Status};
use crate::control::{DeskSettings, Drivers, OperatorName};
use crate::daemon::recorder::channel;
use crate::store::Store;

/// Nothing is answered, and a pause is a bug.
struct Fails {
    pauses: AtomicUsize,
}

#[async_trait]
impl Provider for Fails {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        std::future::pending().await
    }

    async fn session(&self, _id: &SessionId) -> Result<Session, ApiError> {
        std::future::pending().await
    }

    async fn status(&self, _id: &SessionId) -> Result<Status, ApiError> {
        std::future::pending().await
    }

    async fn messages(&self, _id: &SessionId, _after: MessageId) -> Result<Messages, ApiError> {
        std::future::pending().await
    }

    async fn events(&self, _id: &SessionId) -> Result<EventStream, ApiError> {
        std::future::pending().await
    }

    async fn pause(&self, _id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.pauses.fetch_add(1, Ordering::SeqCst);
        panic!("a bug");
    }

    async fn resume(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn cancel(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn delete(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn message(&self, _id: &SessionId, _text: &str) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn screenshot(&self, _id: &SessionId) -> Result<Screenshot, ApiError> {
        std::future::pending().await
    }
}

/// A supervisor of nothing yet.
struct World {
    supervision: Supervision,
    inlets: Inlets,
    store: Store,
    orders: mpsc::Sender<Directed>,
    list: mpsc::Sender<List>,
    beat: mpsc::Sender<Beat>,
    /// Kept open.
    _others: (mpsc::Sender<Ordered>, mpsc::Sender<ScreenshotOrder>, mpsc::Sender<Reconfigure>),
    _folder: tempfile::TempDir,
}

async fn world(provider: Arc<dyn Provider>, sessions: Vec<SessionId>) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.db");
    let store = Store::open(&file).await.expect("a store");
    let ((decide, decisions), (wish, screenshots), (order, orders)) =
        (mpsc::channel(1), mpsc::channel(1), mpsc::channel(1));
    let drivers = Drivers { decisions: decide.clone(), screenshots: wish.clone(), orders: order.clone() };
    let clock = Clock::start();
    let desk = DeskService::start(DeskSettings::default(), drivers, clock.clone());
    let metrics = Arc::new(Metrics::new());
    let (recorder, recording) = channel(None, metrics.clone(), clock.clone());
    let (writer, _) = Writer::start(Arc::new(store.clone()), desk.clone(), metrics.clone(), recording, clock.clone());
    let rule = "[[rule]]\nname = 'all'\neffect = 'ask'\ntext = 'words'\n";
    let text = format!("[provider]\nbase_url = 'http://127.0.0.1:9'\napi_key_env = 'PATH'\n{rule}");
    let config = crate::config::Config::parse("test.toml", &text).expect("a configuration").config;
    let config = crate::daemon::Config::new(config, provider.clone(), &file);
    let supervision = Supervision {
        watched: provider.clone(),
        resting: provider.clone(),
        rate: None,
        provider,
        standing: Standing { halt: None, policy: Arc::new(config.policy), settings: Arc::new(config.settings) },
        info: DaemonInfo::default(),
        watch: Watch { discover: sessions.is_empty(), sessions, ..config.watch },
        store: Arc::new(store.clone()),
        desk,
        writer,
        clock,
        ids: Ids::fresh(),
        pictures: folder.path().into(),
        metrics,
        recorder,
    };
    let ((again, reconfigured), (list, listed), (beat, beats)) = (mpsc::channel(1), mpsc::channel(1), mpsc::channel(1));
    let inlets = Inlets { decisions, screenshots, orders, reconfigured, listed, beats };
    let _others = (decide, wish, again);
    World { supervision, inlets, store, orders: order, list, beat, _others, _folder: folder }
}

/// Asks whether the supervisor turns.
async fn feel(beat: &mpsc::Sender<Beat>) {
    let (answer, felt) = oneshot::channel();
    beat.send(answer).await.expect("a supervisor");
    let felt = tokio::time::timeout(Duration::from_secs(3), felt).await;
    assert!(matches!(felt, Ok(Ok(()))), "the supervisor stands still: {felt:?}");
}

#[tokio::test]
async fn a_slow_store_delays_no_order_while_a_failed_driver_waits_for_it() {
    let provider = Arc::new(Fails { pauses: AtomicUsize::new(0) });
    let session = SessionId::try_from("s-1").expect("an id");
    let world = world(provider.clone(), vec![session]).await;
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), Vec::new(), stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    let held = world.store.hold().await;
    let (reply, _answer) = oneshot::channel();
    let halt = Directed::Halt { operator: OperatorName("ops1".to_owned()), reason: None, reply };
    world.orders.send(halt).await.expect("a supervisor");
    while provider.pauses.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The driver is taken up after a second, and then the store is read, which does not answer.
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1_500) {
        feel(&world.beat).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(provider.pauses.load(Ordering::SeqCst), 1, "not driven before the store was read");
    drop(held);
    while provider.pauses.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    supervisor.await.expect("no panic");
}
