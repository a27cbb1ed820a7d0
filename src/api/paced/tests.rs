//! What users of one provider share, under a clock that jumps: a provider with a limit of its own, and a fleet.

use std::sync::Mutex;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::api::Status;

/// A provider that takes so many requests a second and refuses the others; answers at once.
struct Limited {
    per_second: u32,
    /// When a request came, and whether it was taken.
    came: Mutex<Vec<(Instant, bool)>>,
    paid_until: Mutex<Instant>,
}

impl Limited {
    fn new(per_second: u32) -> Arc<Self> {
        Arc::new(Self { per_second, came: Mutex::default(), paid_until: Mutex::new(Instant::now()) })
    }

    fn take(&self) -> Result<(), ApiError> {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut paid_until = self.paid_until.lock().unwrap();
        let taken = *paid_until + second / self.per_second <= now + second;
        if taken {
            *paid_until = (*paid_until).max(now) + second / self.per_second;
        }
        self.came.lock().unwrap().push((now, taken));
        let class = ErrorClass::RateLimited { retry_after: Some(second) };
        if taken { Ok(()) } else { Err(ApiError { call: "GET /".to_owned(), class }) }
    }

    /// How many came, and how many were refused, from `from` on.
    fn counts(&self, from: Instant) -> (usize, usize) {
        let came = self.came.lock().unwrap();
        let since: Vec<_> = came.iter().filter(|(at, _)| *at >= from).collect();
        (since.len(), since.iter().filter(|(_, taken)| !taken).count())
    }
}

#[async_trait]
impl Provider for Limited {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        self.take().map(|()| Vec::new())
    }

    async fn session(&self, _: &SessionId) -> Result<Session, ApiError> {
        unreachable!("not asked here")
    }

    async fn status(&self, _: &SessionId) -> Result<Status, ApiError> {
        self.take().map(|()| Status("running".to_owned()))
    }

    async fn messages(&self, _: &SessionId, _: MessageId) -> Result<Messages, ApiError> {
        self.take().map(|()| Messages { events: Vec::new(), status: Status("running".to_owned()) })
    }

    async fn events(&self, _: &SessionId) -> Result<EventStream, ApiError> {
        unreachable!("not asked here")
    }

    async fn pause(&self, _: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.take().map(|()| PauseAnswer::Accepted)
    }

    async fn resume(&self, _: &SessionId) -> Result<(), ApiError> {
        unreachable!("not asked here")
    }

    async fn cancel(&self, _: &SessionId) -> Result<(), ApiError> {
        self.take()
    }

    async fn delete(&self, _: &SessionId) -> Result<(), ApiError> {
        unreachable!("not asked here")
    }

    async fn message(&self, _: &SessionId, _: &str) -> Result<(), ApiError> {
        unreachable!("not asked here")
    }

    async fn screenshot(&self, _: &SessionId) -> Result<Screenshot, ApiError> {
        unreachable!("not asked here")
    }
}

fn id() -> SessionId {
    SessionId::try_from("s-1").expect("an id")
}

const SECOND: Duration = Duration::from_secs(1);

/// Watchers that each read every two seconds, for ever.
fn fleet(pace: &Pace, watchers: usize) -> JoinSet<()> {
    let one = |provider: Arc<dyn Provider>| async move {
        loop {
            let _ = provider.messages(&id(), MessageId(0)).await;
            tokio::time::sleep(2 * SECOND).await;
        }
    };
    (0..watchers).map(|_| one(pace.watching())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_known_is_kept_while_gates_lists_and_pauses_go_first() {
    let provider = Limited::new(12);
    let pace = Pace::new(provider.clone(), Some(Rate::per_minute(600)));
    let began = Instant::now();
    let fleet = fleet(&pace, 100);
    tokio::time::sleep(20 * SECOND).await;
    // A hundred are read in turn: each waits for the others.
    let waited = pace.pressure().borrow().waited(Lane::Watch, Instant::now());
    assert!(waited > 5 * SECOND && waited < 10 * SECOND, "{waited:?}");
    for _ in 0..5 {
        let asked = Instant::now();
        pace.acting().pause(&id()).await.expect("a pause");
        assert_eq!(asked.elapsed(), Duration::ZERO);
        pace.acting().status(&id()).await.expect("a status");
        // The pause is paid for, and somebody who went before.
        assert!(asked.elapsed() <= Duration::from_millis(300), "{:?}", asked.elapsed());
        pace.listing().list().await.expect("a list");
        assert!(asked.elapsed() <= Duration::from_millis(2300), "{:?}", asked.elapsed());
    }
    drop(fleet);
    assert_eq!(provider.counts(began).1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_told_is_learned_and_what_is_learned_uses_most_of_it() {
    let provider = Limited::new(20);
    let pace = Pace::new(provider.clone(), None);
    let fleet = fleet(&pace, 100);
    tokio::time::sleep(60 * SECOND).await;
    let learned = Instant::now();
    tokio::time::sleep(600 * SECOND).await;
    let (came, refused) = provider.counts(learned);
    assert!(refused * 50 < came, "{refused} of {came} were refused");
    assert!(came > 600 * 20 / 2, "{came} in ten minutes");
    // Whoever acts does not wait, whatever was refused.
    let asked = Instant::now();
    let _ = pace.acting().cancel(&id()).await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
    drop(fleet);
    // A provider that is asked for less is soon not bounded any more.
    tokio::time::sleep(100 * SECOND).await;
    let (asked, many) = (Instant::now(), pace.watching());
    let _ = many.messages(&id(), MessageId(0)).await;
    assert_eq!((asked.elapsed(), pace.pressure().borrow().rate), (Duration::ZERO, None));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_dropped_leaves_its_turn_to_the_next() {
    let provider = Limited::new(100);
    let pace = Pace::new(provider.clone(), Some(Rate::per_minute(60)));
    let began = Instant::now();
    pace.watching().messages(&id(), MessageId(0)).await.expect("messages");
    let (watching, id) = (pace.watching(), id());
    for _ in 0..50 {
        let read = watching.messages(&id, MessageId(0));
        assert!(tokio::time::timeout(Duration::from_millis(10), read).await.is_err());
    }
    // One request in each second: those who left took none of them.
    watching.messages(&id, MessageId(0)).await.expect("messages");
    assert_eq!((began.elapsed(), provider.counts(began).0), (SECOND, 2));
    assert_eq!(pace.pressure().borrow().since, [None; 3]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_known_and_nothing_refused_nobody_waits() {
    let provider = Limited::new(1_000_000);
    let pace = Pace::new(provider.clone(), None);
    let began = Instant::now();
    let (watching, id) = (pace.watching(), id());
    let reads = (0..1000).map(|_| watching.messages(&id, MessageId(0)));
    futures_util::future::try_join_all(reads).await.expect("messages");
    assert_eq!((began.elapsed(), provider.counts(began).0), (Duration::ZERO, 1000));
}
