//! How often a session is polled, under a clock that jumps.

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
use crate::daemon::listing::{Entry, Roll};

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

/// A list that says this every two seconds, as long as it is polled.
async fn list(entry: &Entry, says: &str) {
    loop {
        entry.says(&Status(says.to_owned()), Instant::now());
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// What a watcher tells until `time` has passed, while a list says so.
async fn look_listed(watcher: &mut Watcher, entry: &Entry, says: &str, time: Duration) -> Vec<Seen> {
    tokio::select! {
        biased;
        () = list(entry, says) => unreachable!(),
        told = look(watcher, time) => told,
    }
}

/// A list of which another session has shown that it tells of tasks.
async fn proved() -> Roll {
    let roll = Roll::new();
    let (entry, mut listed) = roll.entry();
    let before = Instant::now();
    tokio::time::advance(Duration::from_millis(1)).await;
    entry.says(&Status("running".to_owned()), Instant::now());
    assert!(!listed.compare(before));
    roll
}

fn is_blind(told: &[Seen]) -> bool {
    told.iter().any(|seen| matches!(seen, Seen::Blind { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_session_that_a_proved_list_shows_at_rest_is_polled_a_third_as_often_and_at_once_when_a_task_is_listed() {
    let (status, messages) = (Mutex::new("finished"), Mutex::new(vec![5]));
    let provider = Arc::new(Quiet { status, messages, ..Quiet::default() });
    let (entry, listed) = proved().await.entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    let began = Instant::now();
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(120)).await;
    assert!(!is_blind(&told), "{told:?}");
    let polls: Vec<u64> = provider.polls(began).into_iter().map(|(at, _)| at).collect();
    assert_eq!(polls, [0, 0, 20, 160, 300, 440, 620, 800, 980, 1160]);

    *provider.status.lock().unwrap() = "running";
    let began = Instant::now();
    let task = look_listed(&mut watcher, &entry, "running", Duration::from_millis(1)).await;
    assert!(matches!(task.as_slice(), [Seen::Status(_)]), "{task:?}");
    assert_eq!(began.elapsed(), Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn however_long_the_intervals_are_a_session_at_rest_is_asked_itself_before_it_would_count_as_unseen() {
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    for poll_interval in [1, 3, 6, 10] {
        let (entry, listed) = proved().await.entry();
        let config = WatchConfig { poll_interval: Duration::from_secs(poll_interval), ..WatchConfig::default() };
        let (began, mut watcher) = (Instant::now(), listed_watcher(&provider, config, listed));
        look_listed(&mut watcher, &entry, "ready", Duration::from_secs(120)).await;
        let polls = provider.polls(began);
        let in_time = polls.windows(2).all(|two| two[1].0 - two[0].0 <= 200);
        assert!(in_time && polls.len() >= 6, "{poll_interval} s: {polls:?}");
    }
}

/// What came behind it, before the stream broke, nobody has read.
#[tokio::test(start_paused = true)]
async fn rest_that_is_listed_counts_no_more_once_the_stream_has_brought_something_until_that_was_read_back() {
    let (status, speaks) = (Mutex::new("finished"), Some(Duration::from_secs(5)));
    let provider = Arc::new(Quiet { status, speaks, streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(4)).await;
    provider.fail_with(Fails::Limited);
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(30)).await;
    assert!(is_blind(&told), "{told:?}");
}

/// Its steps could not be seen before it was known that there are any.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_listed_at_rest_until_it_is_first_read_has_the_whole_time_to_open_its_stream() {
    let (status, latency) = (Mutex::new("running"), Duration::from_secs(38));
    let provider = Arc::new(Quiet { status, latency, opens_never: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(37 + 18)).await;
    assert!(!is_blind(&told) && told.iter().any(|seen| matches!(seen, Seen::Status(_))), "{told:?}");
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(5)).await;
    assert!(is_blind(&told), "{told:?}");
}

/// What is out of sight is read before what rests.
#[tokio::test(start_paused = true)]
async fn a_read_that_waits_among_those_that_rest_waits_among_those_that_act_once_sight_is_lost() {
    let resting = Arc::new(Quiet { latency: Duration::from_secs(10_000), ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    entry.says(&Status("ready".to_owned()), Instant::now());
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    let told = look(&mut watcher, Duration::from_secs(25)).await;
    assert!(is_blind(&told) && told.contains(&Seen::Sighted), "{told:?}");
    assert!(!acting.polls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_proved_nothing_puts_no_poll_off_and_one_that_falls_silent_puts_off_no_more() {
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut unproved = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut unproved, &entry, "ready", Duration::from_secs(60)).await;
    assert_eq!(std::mem::take(&mut *provider.polls.lock().unwrap()).len(), 14);

    let (entry, listed) = proved().await.entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(30)).await;
    let fell_silent = Instant::now();
    provider.polls(fell_silent);
    let told = look(&mut watcher, Duration::from_secs(60)).await;
    assert!(!is_blind(&told), "{told:?}");
    let polls = provider.polls(fell_silent);
    assert!(polls.len() > 6 && polls[0].0 <= 120, "{polls:?}");
}

/// Its first read takes longer than anybody may be blind, as behind a rate limit.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_never_read_is_in_sight_while_it_is_listed_at_rest_and_not_once_a_task_was() {
    let latency = Duration::from_secs(10_000);
    let provider = Arc::new(Quiet { latency, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    assert_eq!(look_listed(&mut watcher, &entry, "ready", Duration::from_secs(100)).await, []);
    assert_eq!(look_listed(&mut watcher, &entry, "running", Duration::from_secs(7)).await, []);
    // What ran meanwhile was not read.
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(14)).await;
    assert!(is_blind(&told), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_counts_beside_reads_that_are_refused_for_the_rate_and_not_beside_others_that_fail() {
    for (fails, blind) in [(Fails::Limited, false), (Fails::Refused, true)] {
        let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
        let (entry, listed) = Roll::new().entry();
        let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
        provider.fail_with(fails);
        let first = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(60)).await;
        assert_eq!(is_blind(&first), blind, "before it was read: {first:?}");

        let (entry, listed) = Roll::new().entry();
        let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
        provider.polls_fail.store(false, Relaxed);
        look_listed(&mut watcher, &entry, "ready", Duration::from_secs(10)).await;
        provider.fail_with(fails);
        let later = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(60)).await;
        assert_eq!(is_blind(&later), blind, "once it was: {later:?}");
    }
}

/// What waits behind others is not waited for.
#[tokio::test(start_paused = true)]
async fn what_rests_is_read_apart_and_among_what_acts_as_soon_as_a_task_is_listed() {
    let never = Duration::from_secs(10_000);
    let resting = Arc::new(Quiet { latency: never, ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("running"), streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    entry.says(&Status("ready".to_owned()), Instant::now());
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(1)).await;
    let count = |provider: &Quiet| std::mem::take(&mut *provider.polls.lock().unwrap()).len();
    assert_eq!((count(&resting), count(&acting)), (1, 0));
    let told = look_listed(&mut watcher, &entry, "running", Duration::from_millis(10)).await;
    assert!(told.contains(&Seen::Followed), "{told:?}");
    assert_eq!(count(&resting), 0);
    assert!(acting.opened.load(Relaxed) && count(&acting) > 0);
}

/// Its stream was to be opened among those that rest when a read shows that its task runs.
#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_among_those_that_rest_is_opened_at_once_when_the_session_itself_acts() {
    let (status, opens_never) = (Mutex::new("finished"), true);
    let resting = Arc::new(Quiet { status, opens_never, ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("running"), streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    entry.says(&Status("ready".to_owned()), Instant::now());
    look(&mut watcher, Duration::from_secs(1)).await;
    *resting.status.lock().unwrap() = "running";
    look(&mut watcher, Duration::from_secs(2)).await;
    assert!(acting.opened.load(Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_says_that_nothing_runs_where_something_does_is_refuted_and_that_is_said_once() {
    let lines = Lines::default();
    let _listening = lines.listen();
    let roll = Roll::new();
    let refuted = |status: &'static str| {
        let provider = Arc::new(Quiet { status: Mutex::new(status), ..Quiet::default() });
        let (wrong, listed) = roll.entry();
        (listed_watcher(&provider, WatchConfig::default(), listed), wrong)
    };
    let (other, rests) = roll.entry();
    other.says(&Status("ready".to_owned()), Instant::now());
    // A word that nobody knows shows no task.
    let (mut unknown, wrong) = refuted("dozing");
    look_listed(&mut unknown, &wrong, "ready", Duration::from_secs(30)).await;
    assert!(rests.rested_at().is_some());
    let (mut acts, wrong) = refuted("running");
    look_listed(&mut acts, &wrong, "ready", Duration::from_secs(30)).await;
    assert!(rests.rested_at().is_none());
    let said = lines.all();
    assert_eq!(said.iter().filter(|line| line.contains("not relied on")).count(), 1, "{said:?}");
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
