//! The watcher's task: waits for one thing at a time and handles it.
//!
//! Rules of judging are in the pure parts beside it; this file only connects them to the provider and the channel.

mod slots;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::slots::{Answer, Open, Poll, Stream, Wake};
use super::{Known, Replay, Seen, Sight, WatchConfig};
use crate::api::backoff::Backoff;
use crate::api::{
    ApiError, ErrorClass, Event, EventStream, MessageId, Messages, Provider, Session, SessionId, Status, StatusClass,
    StreamItem,
};

/// The stream is opened without a first poll's answer after this long.
const FIRST_POLL: Duration = Duration::from_secs(2);

/// A stream that lasted this long counts as a success, whatever it brought.
const STABLE: Duration = Duration::from_secs(10);

/// Failed polls after a break, while the stream is open, until the break is told as a gap.
const POLLS_BEFORE_GAP: u32 = 3;

/// Answers "no such session" until the session counts as gone: the first, and two that confirm it.
const ABSENCES: u32 = 3;

/// Watching is over: the session is gone, or nobody listens.
pub(super) struct Over;

pub(super) struct Task {
    provider: Arc<dyn Provider>,
    session: SessionId,
    config: WatchConfig,
    out: mpsc::Sender<Seen>,
    origin: Instant,
    stream: Stream,
    backoff: Backoff,
    poll: Poll,
    /// Another poll is wanted at once, because something happened after the running one was sent.
    poll_again: bool,
    /// The next poll reads after this id: one poll further back than `read_to`.
    read_after: MessageId,
    /// The greatest id that polling has brought.
    read_to: MessageId,
    /// Whether the first poll has been answered.
    polled: bool,
    known: Known,
    streamed: Replay,
    listed: Replay,
    sight: Sight,
    /// Failed polls since a break that has not been read back yet.
    missed: Option<u32>,
    /// The greatest id of the first poll: history ends there.
    history_to: Option<MessageId>,
    first_replay_over: bool,
    caught: bool,
    status: Option<Status>,
    absences: u32,
    polls: Trouble,
    streams: Trouble,
}

/// What is wrong with one source.
struct Trouble {
    /// The last call failed, and that was logged.
    failing: bool,
    /// The key is refused.
    refused: bool,
    /// The provider asked for no call before this time.
    not_before: Instant,
}

#[derive(Clone, Copy)]
enum Source {
    Polls,
    Streams,
}

impl Task {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        session: SessionId,
        cursor: MessageId,
        config: WatchConfig,
        out: mpsc::Sender<Seen>,
    ) -> Self {
        let origin = Instant::now();
        Self {
            provider,
            session,
            config,
            out,
            origin,
            stream: Stream::Closed { reopen_at: origin + FIRST_POLL },
            backoff: Backoff::new(config.reconnect),
            poll: Poll::Due(origin),
            poll_again: false,
            read_after: cursor,
            read_to: cursor,
            polled: false,
            known: Known::up_to(cursor),
            streamed: Replay::new(config.replay_quiet),
            listed: Replay::new(config.replay_quiet),
            sight: Sight::new(Duration::ZERO, config.blind_after),
            missed: None,
            history_to: None,
            first_replay_over: false,
            caught: false,
            status: None,
            absences: 0,
            polls: Trouble { failing: false, refused: false, not_before: origin },
            streams: Trouble { failing: false, refused: false, not_before: origin },
        }
    }

    pub(super) async fn run(mut self) {
        tracing::debug!(session = %self.session, cursor = %self.read_to, "watching");
        while let Ok(()) = self.turn().await {}
        tracing::debug!(session = %self.session, "no longer watching");
    }

    async fn turn(&mut self) -> Result<(), Over> {
        let alarms = [self.sight.deadline(), self.streamed.deadline()];
        let alarm = alarms.into_iter().flatten().min().map(|at| self.origin + at);
        match slots::next(&mut self.stream, &mut self.poll, alarm).await {
            Wake::PollDue => self.start_poll(),
            Wake::OpenDue => self.start_opening(),
            Wake::Opened(Ok(items)) => self.opened(items),
            Wake::Opened(Err(error)) => self.not_opened(error).await?,
            Wake::Item(item) => self.item(item).await?,
            Wake::Ended(error) => self.ended(error).await?,
            Wake::Silent => self.silent(),
            Wake::Answered(Answer::Messages(Ok(messages))) => self.messages(messages).await?,
            Wake::Answered(Answer::Messages(Err(error))) => self.poll_failed(error).await?,
            Wake::Answered(Answer::Session(answer)) => self.existence(answer).await?,
            Wake::Alarm => self.alarm().await?,
        }
        Ok(())
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    async fn tell(&mut self, seen: Seen) -> Result<(), Over> {
        self.out.send(seen).await.map_err(|_closed| Over)
    }

    async fn alarm(&mut self) -> Result<(), Over> {
        let now = self.now();
        if self.streamed.tick(now) {
            self.replay_over().await?;
        }
        let Some((since, why)) = self.sight.lose(now) else { return Ok(()) };
        self.missed.get_or_insert(0);
        tracing::warn!(session = %self.session, ?since, why, "sight of the session is lost");
        self.tell(Seen::Blind { since, why }).await
    }
}

/// The stream.
impl Task {
    fn start_opening(&mut self) {
        let (provider, session) = (self.provider.clone(), self.session.clone());
        self.stream = Stream::Opening(Box::pin(async move { provider.events(&session).await }));
    }

    fn opened(&mut self, items: EventStream) {
        let now = Instant::now();
        self.streams.refused = false;
        self.streamed.begin(self.now(), self.history_to.map(|_| self.known.greatest()));
        let silent_at = now + self.config.heartbeat_timeout;
        self.stream = Stream::Open(Open { items, opened_at: now, silent_at, fruitful: false });
        self.poll_soon();
    }

    async fn not_opened(&mut self, error: ApiError) -> Result<(), Over> {
        self.failed(Source::Streams, &error).await?;
        self.close();
        if self.streams.refused {
            self.reopen_in(self.config.auth_retry);
        }
        self.catch_up_without_stream().await
    }

    async fn ended(&mut self, error: Option<ApiError>) -> Result<(), Over> {
        let replay_was_running = self.streamed.deadline().is_some();
        self.close();
        match error {
            Some(error) => self.failed(Source::Streams, &error).await?,
            None if replay_was_running => self.replay_over().await?,
            None => {}
        }
        self.catch_up_without_stream().await
    }

    fn silent(&mut self) {
        self.sight.fail(format!("no sign of life for {} s", self.config.heartbeat_timeout.as_secs()));
        tracing::warn!(session = %self.session, "the event stream fell silent; opening it again");
        self.close();
    }

    /// Leaves the stream, to be opened again after the back-off, and reads back at once.
    fn close(&mut self) {
        if let Stream::Open(open) = &self.stream
            && (open.fruitful || open.opened_at.elapsed() >= STABLE)
        {
            self.backoff.reset();
        }
        let wait = self.backoff.next(fastrand::f64());
        self.streamed.end();
        self.reopen_in(wait);
        self.missed.get_or_insert(0);
        self.poll_soon();
    }

    fn reopen_in(&mut self, wait: Duration) {
        self.stream = Stream::Closed { reopen_at: (Instant::now() + wait).max(self.streams.not_before) };
    }

    async fn item(&mut self, item: StreamItem) -> Result<(), Over> {
        let now = self.now();
        self.sight.prove(now);
        self.streams.failing = false;
        if let Stream::Open(open) = &mut self.stream {
            open.silent_at = Instant::now() + self.config.heartbeat_timeout;
        }
        if self.sight.is_blind() {
            self.poll_soon();
        }
        let StreamItem::Event(event) = item else { return Ok(()) };
        if event.id.is_some_and(|id| self.streamed.meet_id(now, id)) {
            self.replay_over().await?;
        }
        let is_new = match event.id {
            Some(id) => self.known.is_new(id),
            None => self.streamed.is_new(now, &event),
        };
        if is_new {
            if let Stream::Open(open) = &mut self.stream {
                open.fruitful = true;
            }
            self.tell_event(event).await?;
        }
        Ok(())
    }

    async fn replay_over(&mut self) -> Result<(), Over> {
        self.first_replay_over = true;
        self.catch_up(self.history_to.unwrap_or_else(|| self.known.greatest())).await
    }

    async fn catch_up_without_stream(&mut self) -> Result<(), Over> {
        match self.history_to {
            Some(up_to) => self.catch_up(up_to).await,
            None => Ok(()),
        }
    }

    async fn catch_up(&mut self, up_to: MessageId) -> Result<(), Over> {
        if std::mem::replace(&mut self.caught, true) {
            return Ok(());
        }
        self.tell(Seen::Caught { up_to }).await
    }

    async fn tell_event(&mut self, event: Event) -> Result<(), Over> {
        let backlog = match (event.id, self.history_to) {
            (Some(id), Some(history_to)) => id <= history_to,
            (Some(_), None) | (None, _) => !self.first_replay_over,
        };
        self.tell(Seen::Event { event, backlog }).await
    }
}

/// Polling.
impl Task {
    fn start_poll(&mut self) {
        let (provider, session, after) = (self.provider.clone(), self.session.clone(), self.read_after);
        self.poll = Poll::Running(if self.absences == 0 {
            Box::pin(async move { Answer::Messages(provider.messages(&session, after).await) })
        } else {
            Box::pin(async move { Answer::Session(provider.session(&session).await) })
        });
    }

    /// Polls at once, or again at once when a poll is in flight that cannot know yet.
    fn poll_soon(&mut self) {
        match &mut self.poll {
            Poll::Running(_) => self.poll_again = true,
            Poll::Due(_) if self.polls.refused || self.absences > 0 => {}
            Poll::Due(at) => *at = Instant::now().max(self.polls.not_before),
        }
    }

    fn poll_in(&mut self, wait: Duration) {
        self.poll = Poll::Due((Instant::now() + wait).max(self.polls.not_before));
    }

    /// The time to the next poll when nothing special happens.
    fn cadence(&self) -> Duration {
        if self.polls.refused {
            return self.config.auth_retry;
        }
        if self.absences > 0 {
            return self.config.confirm_after;
        }
        match &self.stream {
            Stream::Open(_) if self.missed.is_none() => self.config.cross_check,
            Stream::Open(_) | Stream::Closed { .. } | Stream::Idle | Stream::Opening(_) => self.config.poll_interval,
        }
    }

    async fn messages(&mut self, messages: Messages) -> Result<(), Over> {
        self.sight.prove(self.now());
        self.polls.refused = false;
        self.absences = 0;
        if std::mem::take(&mut self.polls.failing) {
            tracing::info!(session = %self.session, "the messages of the session can be read again");
        }
        let is_first = !std::mem::replace(&mut self.polled, true);
        let news = self.read_back(messages.events).await?;
        let changed = self.tell_status(messages.status).await?;
        let again = std::mem::take(&mut self.poll_again);
        if !again {
            self.missed = None;
            self.restore_sight().await?;
        }
        self.wake_or_rest(is_first, news || changed);
        let wait = if again { Duration::ZERO } else { self.cadence() };
        self.poll_in(wait);
        Ok(())
    }

    /// Tells what is new among polled events, and moves the cursors; says whether anything was.
    async fn read_back(&mut self, events: Vec<Event>) -> Result<bool, Over> {
        let now = self.now();
        let greatest = events.iter().filter_map(|event| event.id).max().unwrap_or_default();
        self.read_after = self.read_to;
        self.read_to = self.read_to.max(greatest);
        self.history_to.get_or_insert(self.read_to);
        self.listed.begin(now, None);
        let mut news = false;
        for event in events {
            let is_new = match event.id {
                Some(id) => self.known.is_new(id),
                None => self.listed.is_new(now, &event),
            };
            if is_new {
                news = true;
                self.tell_event(event).await?;
            }
        }
        Ok(news)
    }

    /// Tells a status that changed; one that is over ends the watching.
    async fn tell_status(&mut self, status: Status) -> Result<bool, Over> {
        if status.0.trim().is_empty() || self.status.as_ref() == Some(&status) {
            return Ok(false);
        }
        self.status = Some(status.clone());
        let is_over = status.class() == StatusClass::Over;
        self.tell(Seen::Status(status)).await?;
        if is_over {
            return self.gone().await.map(|()| true);
        }
        Ok(true)
    }

    async fn restore_sight(&mut self) -> Result<(), Over> {
        if self.sight.restore() {
            tracing::info!(session = %self.session, "sight of the session is back");
            self.tell(Seen::Sighted).await?;
        }
        Ok(())
    }

    /// Opens the stream as soon as there is something to see, and lets it rest while no task runs.
    fn wake_or_rest(&mut self, is_first: bool, news: bool) {
        let idle = self.status.as_ref().is_some_and(|status| status.class() == StatusClass::Idle);
        match self.stream {
            Stream::Closed { .. } if self.streams.refused => {}
            Stream::Closed { .. } if is_first || news => self.reopen_in(Duration::ZERO),
            Stream::Closed { .. } if idle => self.stream = Stream::Idle,
            Stream::Idle if news || !idle => self.reopen_in(Duration::ZERO),
            Stream::Closed { .. } | Stream::Idle | Stream::Opening(_) | Stream::Open(_) => {}
        }
    }

    async fn poll_failed(&mut self, error: ApiError) -> Result<(), Over> {
        self.poll_again = false;
        self.failed(Source::Polls, &error).await?;
        self.count_missed(&error).await?;
        let is_first = !std::mem::replace(&mut self.polled, true);
        if let Stream::Closed { .. } = self.stream
            && is_first
        {
            // The first poll brings nothing; the stream may.
            self.start_opening();
        }
        self.poll_in(self.cadence());
        Ok(())
    }

    /// A break that cannot be read back although the stream is there again becomes a gap.
    async fn count_missed(&mut self, error: &ApiError) -> Result<(), Over> {
        let Some(failures) = self.missed.map(|failures| failures + 1) else { return Ok(()) };
        self.missed = Some(failures);
        let proven = matches!(self.stream, Stream::Open(_)) && self.sight.has_proof(self.now());
        if failures < POLLS_BEFORE_GAP || !proven {
            return Ok(());
        }
        self.missed = None;
        tracing::warn!(session = %self.session, after = %self.read_to, %error, "messages cannot be read back");
        self.tell(Seen::Gap { after: self.read_to, why: error.to_string() }).await?;
        if self.sight.restore() {
            self.tell(Seen::Sighted).await?;
        }
        Ok(())
    }

    /// What any failed call means, whichever source it belongs to.
    async fn failed(&mut self, source: Source, error: &ApiError) -> Result<(), Over> {
        self.sight.fail(error.to_string());
        let trouble = self.trouble(source);
        if !std::mem::replace(&mut trouble.failing, true) {
            tracing::warn!(session = %self.session, %error, "cannot watch the session; trying on");
        }
        match &error.class {
            ErrorClass::Auth { .. } => self.key_refused(source, error).await?,
            ErrorClass::NotFound { .. } => self.suspect_absence(),
            ErrorClass::RateLimited { retry_after } => {
                self.trouble(source).not_before = Instant::now() + retry_after.unwrap_or_default();
            }
            ErrorClass::AlreadyPaused
            | ErrorClass::NotPaused
            | ErrorClass::Refused { .. }
            | ErrorClass::Unknown { .. }
            | ErrorClass::Unreachable { .. } => {}
        }
        Ok(())
    }

    fn trouble(&mut self, source: Source) -> &mut Trouble {
        match source {
            Source::Polls => &mut self.polls,
            Source::Streams => &mut self.streams,
        }
    }

    async fn key_refused(&mut self, source: Source, error: &ApiError) -> Result<(), Over> {
        let told = self.polls.refused || self.streams.refused;
        self.trouble(source).refused = true;
        if told {
            return Ok(());
        }
        tracing::error!(session = %self.session, %error, "the provider refuses the API key");
        self.tell(Seen::AuthRefused(error.to_string())).await
    }

    fn suspect_absence(&mut self) {
        if self.absences == 0 {
            self.absences = 1;
            if let Poll::Due(_) = self.poll {
                self.poll_in(self.config.confirm_after);
            }
        }
    }

    async fn existence(&mut self, answer: Result<Session, ApiError>) -> Result<(), Over> {
        match answer {
            Ok(session) => {
                self.absences = 0;
                if session.status.class() == StatusClass::Over {
                    self.tell_status(session.status).await?;
                }
                self.poll_in(self.config.poll_interval);
            }
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => {
                self.absences += 1;
                if self.absences >= ABSENCES {
                    return self.gone().await;
                }
                self.poll_in(self.config.confirm_after);
            }
            Err(error) => self.poll_failed(error).await?,
        }
        Ok(())
    }

    async fn gone(&mut self) -> Result<(), Over> {
        tracing::info!(session = %self.session, "the session is gone");
        self.tell(Seen::Gone).await?;
        Err(Over)
    }
}
