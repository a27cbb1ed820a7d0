//! Recording of evaluated events: copies on their way to the store, where they wait for whoever tries other rules on them.
//!
//! Nothing waits for them and nothing depends on them: what finds no room is dropped and counted, what cannot be written is
//! dropped and counted, and the writer takes them up only when no record of what happened waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::driver::sleep_until;
use crate::api::Event;
use crate::clock::Clock;
use crate::error::chain;
use crate::policy::{Effect, SessionInfo, Verdict};
use crate::store::{Durable, EventBounds, Noted};
use crate::telemetry::metrics::Metrics;

/// How many events may wait, and how many bytes of them.
const QUEUE: usize = 4_096;
const QUEUE_BYTES: usize = 8 << 20;
/// How many events one transaction takes, and how many bytes of them where it is more than one: few, because a decision
/// may have to wait for it. Half as many would hold it up for four fifths of the time, but twice as often.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 512 << 10;
/// How long events wait for others, and how long deleting waits when there is more of it.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the writer leaves those alone that come one by one: each would wake it, for nothing that it does at once.
const GATHER: Duration = Duration::from_millis(25);
/// How often the oldest events are looked at when none come.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How long the end waits for a store that does not answer.
pub(super) const LAST: Duration = Duration::from_secs(3);
/// The longest text that is kept of an event, in bytes. A longer one is cut, and counts as cut when it is evaluated again.
const TEXT: usize = 64 << 10;
/// The longest address and title that are kept, in bytes.
const PAGE: usize = 4 << 10;

/// What a daemon's recorders and its writer share.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Nothing is recorded without it.
    events: Option<mpsc::Sender<Noted>>,
    waiting: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

/// The recorder of one session.
#[derive(Debug)]
pub struct SessionRecorder {
    recorder: Recorder,
    session: Arc<SessionInfo>,
    /// Copied in this turn, not yet on their way.
    noted: Vec<Noted>,
}

/// The writer's end.
#[derive(Debug)]
pub(super) struct Recording {
    inbox: mpsc::Receiver<Noted>,
    waiting: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    clock: Clock,
    bounds: EventBounds,
    /// Taken, not yet written.
    batch: Vec<Noted>,
    /// Until when no more are taken.
    gathers: Option<Instant>,
    /// When there is something to write or to delete.
    due: Option<Instant>,
    failing: bool,
}

/// Makes both ends. Without bounds nothing is recorded, and what was recorded before is deleted.
pub(super) fn channel(bounds: Option<EventBounds>, metrics: Arc<Metrics>, clock: Clock) -> (Recorder, Recording) {
    let (events, inbox) = mpsc::channel(QUEUE);
    let waiting = Arc::<AtomicUsize>::default();
    let recorder = Recorder(Arc::new(Shared {
        events: bounds.map(|_| events),
        waiting: waiting.clone(),
        metrics: metrics.clone(),
    }));
    let bounds = bounds.unwrap_or(EventBounds { age: Duration::ZERO, bytes: 0 });
    let due = Some(Instant::now() + PERIOD);
    let recording =
        Recording { inbox, waiting, metrics, clock, bounds, batch: Vec::new(), gathers: None, due, failing: false };
    (recorder, recording)
}

impl Recorder {
    /// The recorder of one session.
    #[must_use]
    pub fn of(&self, session: Arc<SessionInfo>) -> SessionRecorder {
        SessionRecorder { recorder: self.clone(), session, noted: Vec::new() }
    }
}

impl SessionRecorder {
    /// Writes down an event, evaluated `at`, and what was said of it, in the words of the store. Does nothing else: a pause
    /// may be due, and this takes as long as to copy the event.
    pub fn note(&mut self, at: Timestamp, event: &Event, verdict: &Verdict) {
        if self.recorder.0.events.is_none() {
            return;
        }
        match noted(at, self.session.clone(), event, verdict.effect) {
            Ok(noted) => self.noted.push(noted),
            Err(_) => self.recorder.0.metrics.events_dropped(1),
        }
    }

    /// Sends what was noted to the writer, as far as there is room.
    pub fn send(&mut self) {
        let Some(events) = &self.recorder.0.events else { return };
        // Room of its own would lie in no cache when the next event comes.
        for noted in std::mem::take(&mut self.noted) {
            let bytes = noted.bytes();
            let waiting = self.recorder.0.waiting.fetch_add(bytes, Ordering::Relaxed);
            if waiting + bytes > QUEUE_BYTES || events.try_send(noted).is_err() {
                self.recorder.0.waiting.fetch_sub(bytes, Ordering::Relaxed);
                self.recorder.0.metrics.events_dropped(1);
            }
        }
    }
}

/// However a driver ends, what it noted is recorded, or counted.
impl Drop for SessionRecorder {
    fn drop(&mut self) {
        self.send();
    }
}

impl Recording {
    /// Waits until there is something to write or to delete. Loses nothing when it is given up.
    pub(super) async fn ready(&mut self) {
        while self.batch.len() < BATCH {
            let room = BATCH - self.batch.len();
            tokio::select! {
                biased;
                () = sleep_until(self.due), if self.due.is_some() => return,
                () = sleep_until(self.gathers), if self.gathers.is_some() => self.gathers = None,
                taken = self.inbox.recv_many(&mut self.batch, room), if self.gathers.is_none() && self.may_come() => {
                    if taken > 0 {
                        let now = Instant::now();
                        self.due = Some(self.due.map_or(now + PERIOD, |due| due.min(now + PERIOD)));
                        self.gathers = (self.batch.len() < BATCH).then_some(now + GATHER);
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Writes one batch, and deletes what is too old or too much.
    pub(super) async fn write(&mut self, store: &dyn Durable) {
        let mut bytes = 0;
        let fits = self.batch.iter().take_while(|noted| {
            bytes += noted.bytes();
            bytes <= BATCH_BYTES
        });
        let fits = fits.count().max(1).min(self.batch.len());
        let batch: Vec<Noted> = self.batch.drain(..fits).collect();
        self.waiting.fetch_sub(batch.iter().map(Noted::bytes).sum(), Ordering::Relaxed);
        let more = match store.record(&batch, self.bounds, self.clock.wall()).await {
            Ok(more) => {
                self.metrics.events_recorded(batch.len() as u64);
                self.failing = false;
                more
            }
            Err(error) => {
                self.metrics.events_dropped(batch.len() as u64);
                self.say_failing(&chain(&error).join(": "));
                false
            }
        };
        let after = match (self.batch.is_empty(), more) {
            (false, _) => Duration::ZERO,
            (true, true) => PERIOD,
            (true, false) => PRUNE_EVERY,
        };
        self.due = Some(Instant::now() + after);
    }

    /// Writes what is left when nothing more comes, for so long at most; the rest is dropped and counted.
    pub(super) async fn finish(&mut self, store: &dyn Durable, patience: Duration) {
        let end = Instant::now() + patience;
        self.inbox.close();
        while let Ok(noted) = self.inbox.try_recv() {
            self.batch.push(noted);
        }
        while !self.batch.is_empty() {
            let left = self.batch.len();
            if tokio::time::timeout_at(end, self.write(store)).await.is_err() {
                self.batch.clear();
                self.metrics.events_dropped(left as u64);
                tracing::warn!("{left} events are not recorded: the store did not answer within {patience:?}");
            }
        }
    }

    fn may_come(&self) -> bool {
        !self.inbox.is_closed() || !self.inbox.is_empty()
    }

    fn say_failing(&mut self, why: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!("events are not recorded: {why}; only `holdpoint policy replay` and `diff` will miss them");
        }
    }
}

fn noted(at: Timestamp, session: Arc<SessionInfo>, event: &Event, effect: Effect) -> Result<Noted, serde_json::Error> {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    if event.text.len() <= TEXT && length(&event.url) <= PAGE && length(&event.title) <= PAGE {
        return Noted::of(at, session, event, effect);
    }
    Noted::of(at, session, &cut(event), effect)
}

fn cut(event: &Event) -> Event {
    let head = |text: &str, most: usize| text[..text.floor_char_boundary(most)].to_owned();
    Event {
        id: event.id,
        kind: event.kind.clone(),
        text: head(&event.text, TEXT),
        at: event.at,
        url: event.url.as_deref().map(|url| head(url, PAGE)),
        title: event.title.as_deref().map(|title| head(title, PAGE)),
        truncated: event.truncated || event.text.len() > TEXT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EventKind, SessionId};
    use crate::store::{EventPage, Store};

    const BOUNDS: EventBounds = EventBounds { age: Duration::from_secs(3_600), bytes: 64 << 20 };

    fn session() -> Arc<SessionInfo> {
        Arc::new(SessionInfo { id: SessionId::try_from("s").expect("an id"), agent: None, goal: None })
    }

    fn thought(text: &str) -> Event {
        let (kind, text) = (EventKind::Thought, text.to_owned());
        Event { id: None, kind, text, at: None, url: None, title: None, truncated: false }
    }

    fn told(metrics: &Metrics, name: &str) -> String {
        let text = metrics.text();
        text.lines().find_map(|line| line.strip_prefix(&format!("{name}_total "))).expect("a counter").to_owned()
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("holdpoint.db")).await.expect("a store");
        (folder, store)
    }

    async fn texts(store: &Store) -> Vec<(usize, bool)> {
        let (events, _) = store.recorded(Timestamp::MIN, EventPage::default()).await.expect("events");
        events.iter().map(|one| (one.event.text.len(), one.event.truncated)).collect()
    }

    #[tokio::test]
    async fn what_was_noted_is_written_in_small_batches_and_long_texts_are_cut() {
        let (_folder, store) = store().await;
        let metrics = Arc::<Metrics>::default();
        let (recorder, mut recording) = channel(Some(BOUNDS), metrics.clone(), Clock::start());
        let mut recorder = recorder.of(session());
        for _ in 0..20 {
            recorder.note(Timestamp::now(), &thought(&"ä".repeat(TEXT)), &Verdict::default());
        }
        recorder.send();
        recording.ready().await;
        recording.write(&store).await;
        assert_eq!(texts(&store).await, [(TEXT, true); 7], "no transaction takes more than half a MiB");
        recording.finish(&store, LAST).await;
        assert_eq!(texts(&store).await.len(), 20);
        assert_eq!(told(&metrics, "holdpoint_events_recorded"), "20");
        assert_eq!(recording.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_counted() {
        let metrics = Arc::<Metrics>::default();
        let (recorder, _recording) = channel(Some(BOUNDS), metrics.clone(), Clock::start());
        let mut recorder = recorder.of(session());
        for _ in 0..QUEUE + 3 {
            recorder.note(Timestamp::now(), &thought("x"), &Verdict::default());
        }
        recorder.send();
        assert_eq!(told(&metrics, "holdpoint_events_dropped"), "3");
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_at_the_end_is_given_up_and_what_is_left_is_counted() {
        let (_folder, store) = store().await;
        let metrics = Arc::<Metrics>::default();
        let (recorder, mut recording) = channel(Some(BOUNDS), metrics.clone(), Clock::start());
        let mut recorder = recorder.of(session());
        (0..BATCH + 5).for_each(|_| recorder.note(Timestamp::now(), &thought("x"), &Verdict::default()));
        recorder.send();
        let _held = store.hold().await;
        let began = Instant::now();
        recording.finish(&store, Duration::from_millis(20)).await;
        assert!(began.elapsed() < LAST, "{:?}", began.elapsed());
        assert_eq!(told(&metrics, "holdpoint_events_dropped"), (BATCH + 5).to_string());
        recorder.note(Timestamp::now(), &thought("late"), &Verdict::default());
        drop(recorder);
        assert_eq!(told(&metrics, "holdpoint_events_dropped"), (BATCH + 6).to_string(), "nobody takes it any more");
    }

    #[tokio::test]
    async fn what_was_judged_last_is_recorded_however_its_driver_ends() {
        let (_folder, store) = store().await;
        let metrics = Arc::<Metrics>::default();
        let (recorder, mut recording) = channel(Some(BOUNDS), metrics.clone(), Clock::start());
        let mut recorder = recorder.of(session());
        recorder.note(Timestamp::now(), &thought("x"), &Verdict::default());
        drop(recorder);
        recording.finish(&store, LAST).await;
        assert_eq!(texts(&store).await, [(1, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_one_by_one_is_gathered_and_a_full_batch_does_not_wait_for_the_period() {
        let (recorder, mut recording) = channel(Some(BOUNDS), Arc::default(), Clock::start());
        let mut recorder = recorder.of(session());
        let began = Instant::now();
        tokio::spawn(async move {
            for _ in 0..BATCH {
                recorder.note(Timestamp::now(), &thought("x"), &Verdict::default());
                recorder.send();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let mut looks = 0;
        let mut ready = Box::pin(recording.ready());
        std::future::poll_fn(|context| {
            looks += 1;
            ready.as_mut().poll(context)
        })
        .await;
        drop(ready);
        assert_eq!(recording.batch.len(), BATCH);
        assert!(began.elapsed() < PERIOD, "{:?}", began.elapsed());
        assert!(looks < BATCH / 2, "{looks}");
    }

    /// Deleted bytes are overwritten, and a decision may wait for that.
    #[tokio::test]
    async fn no_transaction_deletes_much_more_than_it_writes() {
        let (_folder, store) = store().await;
        let large = || noted(Timestamp::now(), session(), &thought(&"x".repeat(TEXT)), Effect::Ask).expect("a line");
        for _ in 0..5 {
            let seven: Vec<Noted> = (0..7).map(|_| large()).collect();
            store.record(&seven, BOUNDS, Timestamp::now()).await.expect("room");
        }
        let nothing = EventBounds { age: Duration::ZERO, bytes: 0 };
        let mut left = Vec::new();
        loop {
            let more = store.record(&[], nothing, Timestamp::now()).await.expect("room");
            left.push(texts(&store).await.len());
            if !more {
                break;
            }
        }
        assert_eq!(left, [28, 21, 14, 7, 0]);
    }

    #[tokio::test]
    async fn off_records_nothing_and_deletes_what_was_recorded() {
        let (_folder, store) = store().await;
        let metrics = Arc::<Metrics>::default();
        let was = noted(Timestamp::now(), session(), &thought("x"), Effect::Ask).expect("a line");
        store.record(&[was], BOUNDS, Timestamp::now()).await.expect("room");
        let (recorder, mut recording) = channel(None, metrics.clone(), Clock::start());
        let mut recorder = recorder.of(session());
        recorder.note(Timestamp::now(), &thought("x"), &Verdict::default());
        recorder.send();
        recording.ready().await;
        recording.write(&store).await;
        assert_eq!(texts(&store).await, []);
        assert_eq!((told(&metrics, "holdpoint_events_dropped").as_str(), recorder.noted.len()), ("0", 0));
    }
}
