//! How often a session is polled, under a clock that jumps.

mod listed;

use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::*;
use crate::api::{
    ApiError, Capabilities, ErrorClass, EventKind, EventStream, Messages, PauseAnswer, Screenshot, Session, StreamItem,
};
use crate::daemon::listing::Roll;

/// A provider of one session. Its status, its messages, and what fails, are set by hand; polls are noted; a stream opens, where one
/// does, and says nothing but heartbeats.
#[derive(Default)]
struct Quiet {
    status: Mutex<&'static str>,
    messages: Mutex<Vec<u64>>,
    latency: Duration,
    streams: bool,
    /// Between two heartbeats.
    heartbeat: Option<Duration>,
    out: Arc<AtomicBool>,
    /// Streams that were open are cut off, and do not end.
    cut: Arc<AtomicBool>,
    /// How many streams were told to have ended or broken.
    broken: AtomicUsize,
    polls_fail: AtomicBool,
    /// Where they fail: refused for the rate.
    limited: AtomicBool,
    /// A stream says something once, so long after it was opened.
    speaks: Option<Duration>,
    /// Opening a stream is not answered.
    opens_never: bool,
    /// No such session, or nothing of it but its messages.
    gone: AtomicBool,
    streams_missing: bool,
    /// Whether a stream was opened since that was last said not to be.
    opened: AtomicBool,
    /// When each poll came, and from where it read.
    polls: Mutex<Vec<(Instant, MessageId)>>,
}

/// How polls fail.
#[derive(Clone, Copy)]
enum Fails {
    Limited,
    Refused,
}

impl Quiet {
    fn fail_with(&self, fails: Fails) {
        self.polls_fail.store(true, Relaxed);
        self.limited.store(matches!(fails, Fails::Limited), Relaxed);
    }

    /// Seconds since `began`, and the id that was read after, of the polls since the last look.
    fn polls(&self, began: Instant) -> Vec<(u64, u64)> {
        let polls = std::mem::take(&mut *self.polls.lock().unwrap());
        polls.into_iter().map(|(at, after)| ((at - began).as_millis() as u64 / 100, after.0)).collect()
    }
}

#[async_trait]
impl Provider for Quiet {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        Err(refused())
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        if self.gone.load(Relaxed) {
            return Err(missing("GET /session"));
        }
        let status = Status((*self.status.lock().unwrap()).to_owned());
        Ok(Session { id: id.clone(), agent: None, status, goal: None, created_at: None })
    }

    async fn status(&self, _: &SessionId) -> Result<Status, ApiError> {
        Err(refused())
    }

    async fn messages(&self, _: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        self.polls.lock().unwrap().push((Instant::now(), after));
        tokio::time::sleep(self.latency).await;
        if self.gone.load(Relaxed) {
            return Err(missing("GET /messages"));
        }
        if self.polls_fail.load(Relaxed) {
            return Err(if self.limited.load(Relaxed) { limited() } else { refused() });
        }
        let events = self.messages.lock().unwrap().iter().copied().filter(|id| *id > after.0).map(event).collect();
        Ok(Messages { events, status: Status((*self.status.lock().unwrap()).to_owned()) })
    }

    async fn events(&self, _: &SessionId) -> Result<EventStream, ApiError> {
        if self.streams_missing || self.gone.load(Relaxed) {
            return Err(missing("GET /events"));
        }
        if self.opens_never {
            return std::future::pending().await;
        }
        if !self.streams || self.out.load(Relaxed) {
            return Err(refused());
        }
        self.opened.store(true, Relaxed);
        if let Some(speaks) = self.speaks {
            let once = futures_util::stream::once(async move {
                tokio::time::sleep(speaks).await;
                Ok(StreamItem::Event(event(7)))
            });
            return Ok(once.chain(futures_util::stream::pending()).boxed());
        }
        let Some(heartbeat) = self.heartbeat else { return Ok(futures_util::stream::pending().boxed()) };
        let beats = futures_util::stream::unfold((self.out.clone(), self.cut.clone()), move |(out, cut)| async move {
            tokio::time::sleep(heartbeat).await;
            let item = if cut.load(Relaxed) { Err(refused()) } else { Ok(StreamItem::Heartbeat) };
            (!out.load(Relaxed)).then_some((item, (out, cut)))
        });
        Ok(beats.boxed())
    }

    fn stream_broke(&self) {
        self.broken.fetch_add(1, Relaxed);
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

fn event(id: u64) -> Event {
    Event {
        id: Some(MessageId(id)),
        kind: EventKind::Thought,
        text: format!("message {id}"),
        at: None,
        url: None,
        title: None,
        truncated: false,
    }
}

fn refused() -> ApiError {
    let class = ErrorClass::Refused { status: 400, detail: "not here".to_owned() };
    ApiError { call: "GET /".to_owned(), class }
}

fn limited() -> ApiError {
    ApiError { call: "GET /".to_owned(), class: ErrorClass::RateLimited { retry_after: None } }
}

fn missing(call: &str) -> ApiError {
    ApiError { call: call.to_owned(), class: ErrorClass::NotFound { detail: "not found".to_owned() } }
}

/// The lines of the log of this thread, until it is dropped.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let lines = self.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || lines.clone());
        tracing::subscriber::set_default(log.finish())
    }

    fn all(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn watcher(provider: &Arc<Quiet>, config: WatchConfig) -> Box<Watcher> {
    listed_watcher(provider, config, Roll::new().entry().1)
}

/// The same, of whose session a list tells.
fn listed_watcher(provider: &Arc<Quiet>, config: WatchConfig, listed: Listed) -> Box<Watcher> {
    watcher_apart(provider, provider, config, listed)
}

/// The same, read from another provider while it rests.
fn watcher_apart(acting: &Arc<Quiet>, resting: &Arc<Quiet>, config: WatchConfig, listed: Listed) -> Box<Watcher> {
    let session = SessionId::try_from("s-1").expect("an id");
    // Nothing is taken up, so turns are there at once, whatever the rank.
    let place = Place { ramp: Ramp::start().0, rank: Rank::Acts, listed, resting: resting.clone() };
    Watcher::new(acting.clone(), session, None, config, place)
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
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    let config = WatchConfig::default();
    let mut watcher = watcher(&provider, config);
    let told = look(&mut watcher, Duration::from_secs(120)).await;
    assert!(!told.iter().any(|seen| matches!(seen, Seen::Blind { .. })), "{told:?}");
    let polls = std::mem::take(&mut *provider.polls.lock().unwrap());
    let gaps: Vec<_> = polls.windows(2).map(|two| (two[1].0 - two[0].0).as_millis() / 100).collect();
    // As fast as ever at first: what follows a task may be another one.
    let at_rest = gaps.iter().position(|gap| *gap == 60).expect("a session at rest");
    assert!(at_rest >= 5 && gaps[..at_rest].iter().all(|gap| *gap <= 20), "{gaps:?}");
    assert!(gaps.len() > 20 && gaps[at_rest..].iter().all(|gap| *gap == 60), "{gaps:?}");

    let began = Instant::now();
    *provider.status.lock().unwrap() = "running";
    while !matches!(watcher.next().await, Some(Seen::Status(_))) {}
    assert!(began.elapsed() <= config.idle_interval(), "{:?}", began.elapsed());
}

/// What became visible late below what was read is found at the next whole read, an interval later, and what was read twice is read
/// no more.
#[tokio::test(start_paused = true)]
async fn a_poll_because_a_stream_opens_reads_only_on_and_an_interval_later_the_next_one_reads_again() {
    let provider = Arc::new(Quiet {
        status: Mutex::new("running"),
        messages: Mutex::new(vec![5]),
        streams: true,
        ..Quiet::default()
    });
    let (began, config) = (Instant::now(), WatchConfig::default());
    let mut watcher = watcher(&provider, config);
    look(&mut watcher, Duration::from_secs(1)).await;
    assert_eq!(provider.polls(began), [(0, 0), (0, 5)]);
    provider.messages.lock().unwrap().push(3);
    let told = look(&mut watcher, Duration::from_secs(15)).await;
    let late = |seen: &Seen| matches!(seen, Seen::Event { event, .. } if event.id == Some(MessageId(3)));
    assert!(told.iter().any(late), "{told:?}");
    assert_eq!(told.last(), Some(&Seen::Cursor(MessageId(5))), "{told:?}");
    assert_eq!(provider.polls(began), [(20, 0), (86, 5), (153, 5)]);
}

/// Where checks are more frequent than polls of a session without a stream, each reads whatever may have become visible late.
#[tokio::test(start_paused = true)]
async fn only_a_poll_because_of_a_stream_reads_on_however_often_it_is_checked() {
    let provider = Arc::new(Quiet {
        status: Mutex::new("running"),
        messages: Mutex::new(vec![5]),
        streams: true,
        ..Quiet::default()
    });
    let [poll_interval, cross_check] = [20, 5].map(Duration::from_secs);
    let (began, config) = (Instant::now(), WatchConfig { poll_interval, cross_check, ..WatchConfig::default() });
    let mut watcher = watcher(&provider, config);
    look(&mut watcher, Duration::from_secs(34)).await;
    assert_eq!(provider.polls(began), [(0, 0), (0, 5), (50, 0), (100, 0), (150, 0), (200, 0), (250, 5), (300, 5)]);
}

/// However much the stream has to tell meanwhile: a poll takes longer than the next item of it.
#[tokio::test(start_paused = true)]
async fn sight_is_back_with_the_first_poll_that_was_sent_since_the_stream_is_open_again() {
    let latency = Duration::from_millis(300);
    let (status, heartbeat) = (Mutex::new("running"), Some(Duration::from_millis(100)));
    let provider = Arc::new(Quiet { status, latency, streams: true, heartbeat, ..Quiet::default() });
    let mut watcher = watcher(&provider, WatchConfig::default());
    look(&mut watcher, Duration::from_secs(1)).await;
    provider.polls_fail.store(true, Relaxed);
    provider.out.store(true, Relaxed);
    let told = look(&mut watcher, Duration::from_secs(40)).await;
    assert!(matches!(told.as_slice(), [.., Seen::Blind { .. }]), "{told:?}");
    provider.opened.store(false, Relaxed);
    provider.out.store(false, Relaxed);
    while !provider.opened.load(Relaxed) {
        let told = look(&mut watcher, Duration::from_millis(50)).await;
        assert_eq!(told, [], "what was missed cannot be read back yet");
    }
    provider.polls_fail.store(false, Relaxed);
    // What the stream replays is over a second after it was opened.
    let told = look(&mut watcher, Duration::from_secs(2)).await;
    assert!(told.contains(&Seen::Sighted), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn that_the_stream_of_a_session_is_missing_is_warned_of_once_and_that_a_session_is_gone_is_not() {
    let lines = Lines::default();
    let _listening = lines.listen();
    let provider = Quiet { status: Mutex::new("running"), streams_missing: true, ..Quiet::default() };
    let provider = Arc::new(provider);
    let mut missing = watcher(&provider, WatchConfig::default());
    look(&mut missing, Duration::from_secs(120)).await;
    let said = lines.all();
    assert!(matches!(said.as_slice(), [one] if one.contains("WARN") && one.contains("GET /events")), "{said:?}");

    let provider = Arc::new(Quiet { status: Mutex::new("running"), streams: true, ..Quiet::default() });
    let mut gone = watcher(&provider, WatchConfig::default());
    look(&mut gone, Duration::from_secs(10)).await;
    provider.gone.store(true, Relaxed);
    let told = look(&mut gone, Duration::from_secs(10)).await;
    assert_eq!(told.last(), Some(&Seen::Gone), "{told:?}");
    let said = lines.all();
    assert!(matches!(said.as_slice(), [_, one] if one.contains("INFO") && one.contains("is gone")), "{said:?}");
}

#[test]
fn a_session_at_rest_is_polled_no_more_often_than_others_and_often_enough_to_be_in_sight() {
    let of = |poll_interval: u64, cross_check: u64| {
        let [poll_interval, cross_check] = [poll_interval, cross_check].map(Duration::from_millis);
        WatchConfig { poll_interval, cross_check, ..WatchConfig::default() }.idle_interval().as_millis()
    };
    assert_eq!([of(2_000, 6_667), of(500, 6_667), of(5_000, 6_667), of(60_000, 15_000)], [6_000, 1_500, 6_667, 60_000]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_or_is_cut_off_is_told_of_and_one_that_is_given_up_is_not() {
    let beats = Some(Duration::from_secs(5));
    let open = |heartbeat| {
        let running = Mutex::new("running");
        Arc::new(Quiet { status: running, streams: true, heartbeat, ..Quiet::default() })
    };
    let (ended, cut, silent) = (open(beats), open(beats), open(None));
    for provider in [&ended, &cut, &silent] {
        let mut watcher = watcher(provider, WatchConfig::default());
        look(&mut watcher, Duration::from_secs(12)).await;
        assert!(provider.opened.swap(false, Relaxed));
        assert_eq!(provider.broken.load(Relaxed), 0);
        ended.out.store(true, Relaxed);
        cut.cut.store(true, Relaxed);
        look(&mut watcher, Duration::from_secs(4)).await;
        ended.out.store(false, Relaxed);
        cut.cut.store(false, Relaxed);
        look(&mut watcher, Duration::from_secs(75)).await;
        assert!(provider.opened.load(Relaxed), "it is opened again");
    }
    assert_eq!([ended, cut, silent].map(|provider| provider.broken.load(Relaxed)), [1, 1, 0]);
}
