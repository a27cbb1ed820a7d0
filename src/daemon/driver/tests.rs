//! What leaves first, with a provider that looks how much waits to be written when a call arrives.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use async_trait::async_trait;
use futures_util::StreamExt as _;

use super::overload::Look;
use super::*;
use crate::api::{Capabilities, EventStream, Messages, PauseAnswer, Provider, Session, Status};
use crate::control::{DeskSettings, Drivers, Halt, SessionAct};
use crate::daemon::recorder::channel;
use crate::daemon::reins::{Lines, Reins};
use crate::gate::About;
use crate::policy::SessionInfo;
use crate::store::Store;

/// Only pauses are answered.
struct Looks {
    waiting: crate::daemon::writer::Backlog,
    /// How many records waited when a pause arrived.
    paused: Mutex<Vec<usize>>,
}

#[async_trait]
impl Provider for Looks {
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
        self.paused.lock().expect("whole").push(self.waiting.length());
        Ok(PauseAnswer::Accepted)
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

struct World {
    provider: Arc<Looks>,
    reins: Reins,
    seen: mpsc::Sender<Seen>,
    standing: Standing,
    driver: Option<Box<Driver>>,
    store: Store,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.db");
    let store = Store::open(&file).await.expect("a store");
    let (decisions, _) = mpsc::channel(1);
    let (screenshots, _) = mpsc::channel(1);
    let (directed, _) = mpsc::channel(1);
    let drivers = Drivers { decisions, screenshots, orders: directed };
    let clock = Clock::start();
    let desk = DeskService::start(DeskSettings::default(), drivers, clock.clone());
    let metrics = Arc::new(Metrics::new());
    let (recorder, recording) = channel(None, metrics.clone(), clock.clone());
    let written = Arc::new(store.clone());
    let (writer, _) = Writer::start(written, desk.clone(), metrics.clone(), recording, clock.clone());
    let provider = Arc::new(Looks { waiting: writer.backlog(), paused: Mutex::default() });
    let rule = "[[rule]]\nname = 'all'\neffect = 'ask'\ntext = 'words'\n";
    let text = format!("[provider]\nbase_url = 'http://127.0.0.1:9'\napi_key_env = 'PATH'\n{rule}");
    let config = crate::config::Config::parse("test.toml", &text).expect("a configuration").config;
    let config = crate::daemon::Config::new(config, provider.clone(), &file);
    let (policy, settings) = (Arc::new(config.policy), Arc::new(config.settings));
    let session = SessionId::try_from("s-1").expect("an id");
    let about = About { session: session.clone(), agent: None, goal: None };
    let info = SessionInfo { id: session.clone(), agent: None, goal: None };
    let standing = Standing { halt: None, policy: policy.clone(), settings: settings.clone() };
    let (reins, inbox) = Lines::default().reins();
    let ((seen, sights), (alarm, _)) = (mpsc::channel(4), mpsc::channel(1));
    let driver = Driver::new(Box::new(Parts {
        let_go: false,
        gate: Gate::new(about, settings, MessageId(0)),
        kept: Vec::new(),
        evaluator: Evaluator::new(policy, info, []),
        executor: Executor::new(provider.clone(), session.clone()),
        session,
        desk,
        writer,
        clock,
        ids: Ids::fresh(),
        inbox,
        seen: futures_util::stream::unfold(sights, async |mut sights| Some((sights.recv().await?, sights)))
            .fuse()
            .boxed(),
        alarm,
        standing: Arc::new(standing.clone()),
        pictures: folder.path().into(),
        metrics,
        recorder,
        recovering: None,
    }));
    World { provider, reins, seen, standing, driver: Some(driver), store, _folder: folder }
}

impl World {
    fn stands(&mut self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.standing);
        self.reins.stands(Arc::new(self.standing.clone()));
    }

    fn run(&mut self) -> tokio::task::JoinHandle<Ended> {
        tokio::spawn(self.driver.take().expect("once").run(CancellationToken::new()))
    }

    /// Has an operator pause the session.
    async fn pause(&mut self) -> oneshot::Receiver<Result<SessionDone, Refusal>> {
        let (reply, answer) = oneshot::channel();
        let session = SessionId::try_from("s-1").expect("an id");
        let order = SessionOrder { session, act: SessionAct::Pause, reason: None };
        let acted = Acted { operator: OperatorName("ops1".to_owned()), order, reply };
        self.reins.order(Box::new(Order::Act(acted))).expect("room");
        answer
    }

    /// Runs the driver until the first pause has arrived, and tells how many records waited then.
    async fn first_pause(&mut self) -> usize {
        let running = self.run();
        let waited = self.paused().await;
        running.abort();
        waited
    }

    async fn paused(&self) -> usize {
        let wait = async {
            loop {
                if let Some(waited) = self.provider.paused.lock().expect("whole").first() {
                    return *waited;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("a pause")
    }
}

#[tokio::test]
async fn an_operator_s_pause_leaves_before_it_is_written_down() {
    let mut world = world().await;
    let _answer = world.pause().await;
    assert_eq!(world.first_pause().await, 0);
}

/// An answer that a crash could take back is none.
#[tokio::test]
async fn an_operator_is_answered_once_that_is_on_the_disk_and_the_act_waits_for_neither() {
    let mut world = world().await;
    let disk = world.store.hold().await;
    let mut answer = world.pause().await;
    let _running = world.run();
    world.paused().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(answer.try_recv().is_err(), "answered before it is written");
    drop(disk);
    let answered = tokio::time::timeout(Duration::from_secs(10), answer).await.expect("in time");
    assert!(matches!(answered, Ok(Ok(_))), "{answered:?}");
    assert_eq!(world.store.live().await.expect("readable").len(), 1);
}

#[tokio::test]
async fn a_disk_that_does_not_answer_keeps_no_operator_waiting() {
    let mut world = world().await;
    let _disk = world.store.hold().await;
    let answer = world.pause().await;
    let _running = world.run();
    let answered = tokio::time::timeout(Duration::from_secs(8), answer).await.expect("before the disk");
    assert!(matches!(answered, Ok(Ok(_))), "{answered:?}");
}

#[tokio::test]
async fn the_pause_of_a_stop_of_everything_leaves_before_it_is_written_down() {
    let mut world = world().await;
    let halt = Halt { by: OperatorName("ops1".to_owned()), at: jiff::Timestamp::UNIX_EPOCH, reason: None };
    world.stands(|standing| standing.halt = Some(halt));
    assert_eq!(world.first_pause().await, 0);
}

#[tokio::test]
async fn the_pause_of_a_rule_leaves_before_it_is_written_down() {
    let mut world = world().await;
    let kind = crate::api::EventKind::Thought;
    let text = "words".to_owned();
    let event = Event { id: Some(MessageId(7)), kind, text, at: None, url: None, title: None, truncated: false };
    world.seen.send(Seen::Event { event, backlog: false }).await.expect("room");
    assert_eq!(world.first_pause().await, 0);
}

/// No task, no turn of the gate and no look of anybody is in between.
#[tokio::test]
async fn a_pause_has_begun_when_its_event_is_judged_and_before_the_gate_has_seen_it() {
    let mut world = world().await;
    let mut driver = world.driver.take().expect("a driver");
    let Seen::Event { event, .. } = quiet(7) else { unreachable!() };
    assert!(driver.judged(event.clone(), false, Instant::now()).is_some());
    assert_eq!(*world.provider.paused.lock().expect("whole"), [0; 0]);
    let event = Event { id: Some(MessageId(8)), text: "words".to_owned(), ..event };
    let Some(judged) = driver.judged(event, false, Instant::now()) else { panic!("news") };
    assert_eq!(*world.provider.paused.lock().expect("whole"), [0]);
    assert!(driver.gate.waiting().is_none(), "no approval is open yet");
    driver.enter(judged);
    assert_eq!(*world.provider.paused.lock().expect("whole"), [0], "it is that hold's pause, and no other is sent");
    assert!(driver.gate.waiting().is_some());
}

#[tokio::test]
async fn what_nothing_follows_of_is_written_down_when_others_were_judged_and_what_holds_is_not_put_off() {
    let mut world = world().await;
    let mut driver = world.driver.take().expect("a driver");
    let Seen::Event { event, .. } = quiet(6) else { unreachable!() };
    assert!(driver.looked(Look::Seen(Seen::Event { event, backlog: true })).is_none(), "history");
    let before = driver.tally.events();
    let judged = driver.looked(Look::Seen(quiet(7))).expect("put off");
    assert_eq!(driver.tally.events(), before);
    driver.enter(*judged);
    assert_eq!(driver.tally.events(), before + 1);
    let Seen::Event { event, .. } = quiet(8) else { unreachable!() };
    let holds = Seen::Event { event: Event { text: "words".to_owned(), ..event }, backlog: false };
    assert!(driver.looked(Look::Seen(holds)).is_none());
    assert!(driver.gate.waiting().is_some());
    assert!(driver.looked(Look::Seen(quiet(9))).is_none(), "what a held session says is looked at at once");
    assert_eq!(driver.tally.events(), before + 3);
}

/// How often a task asked to be run again.
#[derive(Default)]
struct Asked(AtomicUsize);

impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_driver_lets_others_run_between_what_it_judged_and_its_writing_down() {
    let mut world = world().await;
    let mut running = Box::pin(world.driver.take().expect("a driver").run(CancellationToken::new()));
    let asked = Arc::new(Asked::default());
    let waker = Waker::from(asked.clone());
    let mut poll = || assert!(running.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    for _ in 0..10 {
        poll();
        tokio::task::yield_now().await;
    }
    world.seen.send(quiet(7)).await.expect("room");
    asked.0.store(0, Ordering::Relaxed);
    poll();
    assert_eq!(asked.0.load(Ordering::Relaxed), 1, "judged, and others go first");
    poll();
    assert_eq!(asked.0.load(Ordering::Relaxed), 1, "nothing is left to do");
}

fn quiet(id: u64) -> Seen {
    let kind = crate::api::EventKind::Thought;
    let text = "nothing of note".to_owned();
    let event = Event { id: Some(MessageId(id)), kind, text, at: None, url: None, title: None, truncated: false };
    Seen::Event { event, backlog: false }
}

/// No event of it fires a rule.
#[tokio::test]
async fn a_session_whose_events_outrun_their_evaluation_is_treated_as_blind_and_paused() {
    let mut world = world().await;
    world.stands(|standing| {
        let mut settings = (*standing.settings).clone();
        settings.blind_after = Duration::ZERO;
        standing.settings = Arc::new(settings);
    });
    let seen = world.seen.clone();
    let _flood = tokio::spawn(async move {
        for id in 1.. {
            seen.send(quiet(id)).await.expect("a driver");
        }
    });
    while world.seen.capacity() > 0 {
        tokio::task::yield_now().await;
    }
    let running = world.run();
    world.paused().await;
    let live = async {
        loop {
            if let Some(kept) = world.store.live().await.expect("readable").pop() {
                return kept;
            }
        }
    };
    let kept = tokio::time::timeout(Duration::from_secs(10), live).await.expect("written down");
    assert_eq!(kept.card.rules[0].name, "on_blind");
    let why = &kept.card.trigger.text;
    assert!(why.contains("its events have come faster than they are judged"), "{why}");
    running.abort();
}
