//! How often a session is polled, under a clock that jumps.

use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::*;
use crate::api::{ApiError, Capabilities, ErrorClass, EventStream, Messages, PauseAnswer, Screenshot, Session};

/// A provider of one session that says nothing. Its status is set by hand; polls are noted; no stream opens.
struct Quiet {
    status: Mutex<&'static str>,
    polls: Mutex<Vec<Instant>>,
}

#[async_trait]
impl Provider for Quiet {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        Err(refused())
    }

    async fn session(&self, _: &SessionId) -> Result<Session, ApiError> {
        Err(refused())
    }

    async fn status(&self, _: &SessionId) -> Result<Status, ApiError> {
        Err(refused())
    }

    async fn messages(&self, _: &SessionId, _: MessageId) -> Result<Messages, ApiError> {
        self.polls.lock().unwrap().push(Instant::now());
        Ok(Messages { events: Vec::new(), status: Status((*self.status.lock().unwrap()).to_owned()) })
    }

    async fn events(&self, _: &SessionId) -> Result<EventStream, ApiError> {
        Err(refused())
    }

    async fn pause(&self, _: &SessionId) -> Result<PauseAnswer, ApiError> {
        Err(refused())
    }

    async fn resume(&self, _: &SessionId) -> Result<(), ApiError> {
        Err(refused())
    }

    async fn cancel(&self, _: &SessionId) -> Result<(), ApiError> {
        Err(refused())
    }

    async fn delete(&self, _: &SessionId) -> Result<(), ApiError> {
        Err(refused())
    }

    async fn message(&self, _: &SessionId, _: &str) -> Result<(), ApiError> {
        Err(refused())
    }

    async fn screenshot(&self, _: &SessionId) -> Result<Screenshot, ApiError> {
        Err(refused())
    }
}

fn refused() -> ApiError {
    let class = ErrorClass::Refused { status: 400, detail: "not here".to_owned() };
    ApiError { call: "GET /".to_owned(), class }
}

/// What a watcher tells until `time` has passed.
async fn look(watcher: &mut Watcher, time: Duration) -> Vec<Seen> {
    let mut told = Vec::new();
    let _ = tokio::time::timeout(time, async {
        while let Some(seen) = watcher.next().await {
            told.push(seen);
        }
    })
    .await;
    told
}

#[tokio::test(start_paused = true)]
async fn a_session_at_rest_is_polled_a_third_as_often_stays_in_sight_and_is_seen_to_begin_within_that_time() {
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), polls: Mutex::default() });
    let session = SessionId::try_from("s-1").expect("an id");
    let place = Place { ramp: Ramp::start().0, rank: Rank::Rests };
    let config = WatchConfig::default();
    let mut watcher = Watcher::new(provider.clone(), session, None, config, place);
    let told = look(&mut watcher, Duration::from_secs(120)).await;
    assert!(!told.iter().any(|seen| matches!(seen, Seen::Blind { .. })), "{told:?}");
    let polls = std::mem::take(&mut *provider.polls.lock().unwrap());
    let gaps: Vec<_> = polls.windows(2).map(|two| (two[1] - two[0]).as_millis() / 100).collect();
    // As fast as ever at first: what follows a task may be another one.
    let at_rest = gaps.iter().position(|gap| *gap == 60).expect("a session at rest");
    assert!(at_rest >= 5 && gaps[..at_rest].iter().all(|gap| *gap <= 20), "{gaps:?}");
    assert!(gaps.len() > 20 && gaps[at_rest..].iter().all(|gap| *gap == 60), "{gaps:?}");

    let began = Instant::now();
    *provider.status.lock().unwrap() = "running";
    while !matches!(watcher.next().await, Some(Seen::Status(_))) {}
    assert!(began.elapsed() <= config.idle_interval(), "{:?}", began.elapsed());
}

#[test]
fn a_session_at_rest_is_polled_no_more_often_than_others_and_often_enough_to_be_in_sight() {
    let of = |poll_interval: u64, cross_check: u64| {
        let [poll_interval, cross_check] = [poll_interval, cross_check].map(Duration::from_millis);
        WatchConfig { poll_interval, cross_check, ..WatchConfig::default() }.idle_interval().as_millis()
    };
    assert_eq!([of(2_000, 6_667), of(500, 6_667), of(5_000, 6_667), of(60_000, 15_000)], [6_000, 1_500, 6_667, 60_000]);
}
