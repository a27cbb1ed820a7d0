//! The watcher at work: looks for one thing at a time that happened, and handles it.
//!
//! Rules of judging are in the pure parts beside it; this file only connects them to the provider and the channel.

mod polling;
mod slots;
mod streaming;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll::{Pending, Ready};
use std::task::{Context, ready};
use std::time::Duration;

use tokio::time::Instant;

use self::slots::{Answer, Poll, Stream, Wake};
use super::{Known, Place, Replay, Seen, Sight, WatchConfig};
use crate::api::backoff::{Backoff, Bounds, RATE_LIMIT_MAX};
use crate::api::{ApiError, ErrorClass, Event, MessageId, Provider, SessionId, Status, StatusClass};
use crate::daemon::alarm::Alarm;
use crate::daemon::ramp::Turn;

/// The stream is opened without a first poll's answer after this long.
const FIRST_POLL: Duration = Duration::from_secs(2);

/// A stream that lasted this long counts as a success, whatever it brought.
const STABLE: Duration = Duration::from_secs(10);

/// Failed polls after a break, while the stream is open, until the break is told as a gap.
const POLLS_BEFORE_GAP: u32 = 3;

/// Cross-checks in a row that a lively stream puts off.
const CHECKS_PUT_OFF: u8 = 2;

/// Polls in a row that find a session idle and nothing new, until it is polled less often.
const IDLE_POLLS: u8 = 5;

/// Answers "no such session" until the session counts as gone: the first, and two that confirm it.
const ABSENCES: u32 = 3;

/// Watching is over: the session is gone.
pub(super) struct Over;

pub(super) struct Task {
    provider: Arc<dyn Provider>,
    session: SessionId,
    config: Arc<WatchConfig>,
    place: Place,
    /// Leave to open a stream, from when it was given until it was opened, or is not wanted.
    turn: Option<Turn>,
    /// Whether it was told that the session is followed.
    followed: bool,
    origin: Instant,
    stream: Stream,
    backoff: Backoff,
    poll: Poll,
    /// Another poll is wanted at once, because something happened after the running one was sent.
    poll_again: bool,
    /// What was read up to here was read once more, at least one interval of polling later: nothing below is taken to become visible
    /// any more. Once it was told, it is the cursor.
    read_after: MessageId,
    /// What `read_after` will be next, and since when that is read; none before the first answer.
    settling: Option<(Duration, MessageId)>,
    /// The greatest id that polling has brought.
    read_to: MessageId,
    /// A poll is wanted at once, for a stream that opened or broke.
    soon: bool,
    /// The newest poll began for that, in sight, and within an interval of the one since which what was read settles: it reads on from
    /// `read_to` only, and the next one, an interval later at most, reads again.
    reads_on: bool,
    /// The cursor that was told last.
    cursor: MessageId,
    /// Whether the first poll has been answered.
    polled: bool,
    /// Whether a poll has brought messages.
    messages_read: bool,
    known: Known,
    streamed: Replay,
    /// Only where polls bring what has no id.
    listed: Option<Box<Replay>>,
    sight: Sight,
    /// Sight of steps, which only the stream shows.
    steps: Sight,
    /// The last stream fell silent and none has brought anything since: that one is open is no proof.
    mute: bool,
    /// Cross-checks that a lively stream put off since the last poll.
    put_off: u8,
    /// The stream has brought something since the newest poll that was answered began.
    unread: bool,
    /// Polls in a row that found the session idle and nothing new.
    idle_polls: u8,
    /// Whether the newest poll, and the newest opening of the stream, wait among those that rest.
    poll_at_rest: bool,
    opening_at_rest: bool,
    /// When the poll that is in flight began.
    poll_began: Duration,
    /// Failed polls since a break that has not been read back yet.
    missed: Option<u32>,
    /// The greatest id of the first poll: history ends there.
    history_to: Option<MessageId>,
    first_replay_over: bool,
    caught: bool,
    status: Option<Status>,
    /// When the newest poll was answered, if it says that the agent acts.
    acted: Option<Instant>,
    absences: u32,
    /// What was not found, until it is known whether the session is gone.
    absent: Option<(Source, String)>,
    polls: Trouble,
    streams: Trouble,
    /// For all that is due by itself.
    timer: Alarm,
    /// Told, and not taken yet.
    told: VecDeque<Seen>,
    over: bool,
}

/// What is wrong with one source.
struct Trouble {
    /// The last call failed.
    failing: bool,
    /// It was refused for the rate.
    limited: bool,
    /// That was logged.
    said: bool,
    /// The key is refused.
    refused: bool,
    /// The provider asked for no call before this time.
    not_before: Instant,
    /// How long a rate limit is respected that names no time; doubled until a success.
    limits: Backoff,
}

impl Trouble {
    fn none(now: Instant, first: Duration) -> Self {
        let limits = Backoff::new(Bounds { first, max: RATE_LIMIT_MAX });
        Self { failing: false, limited: false, said: false, refused: false, not_before: now, limits }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Polls,
    Streams,
}

impl Task {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        session: SessionId,
        cursor: MessageId,
        config: Arc<WatchConfig>,
        place: Place,
    ) -> Self {
        let origin = Instant::now();
        let mut task = Self {
            provider,
            session,
            place,
            turn: None,
            followed: false,
            origin,
            stream: Stream::Idle,
            backoff: Backoff::new(config.reconnect),
            poll: Poll::Not,
            poll_again: false,
            read_after: cursor,
            settling: None,
            read_to: cursor,
            soon: false,
            reads_on: false,
            cursor,
            polled: false,
            messages_read: false,
            known: Known::up_to(cursor),
            streamed: Replay::new(config.replay_quiet),
            listed: None,
            sight: Sight::new(Duration::ZERO, config.blind_after),
            steps: Sight::new(Duration::ZERO, config.blind_after),
            mute: false,
            put_off: 0,
            unread: false,
            idle_polls: 0,
            poll_at_rest: false,
            opening_at_rest: false,
            poll_began: Duration::ZERO,
            missed: None,
            history_to: None,
            first_replay_over: false,
            caught: false,
            status: None,
            acted: None,
            absences: 0,
            absent: None,
            polls: Trouble::none(origin, config.poll_interval),
            streams: Trouble::none(origin, config.poll_interval),
            timer: Alarm::default(),
            told: VecDeque::new(),
            over: false,
            config,
        };
        task.wait_for_turn();
        task
    }

    /// The next thing that is told; none when watching is over.
    pub(super) fn poll_told(&mut self, cx: &mut Context<'_>) -> std::task::Poll<Option<Seen>> {
        loop {
            if let Some(seen) = self.told.pop_front() {
                if self.told.is_empty() {
                    // Ten thousand sessions would each keep room for what they never need at once.
                    self.told = VecDeque::new();
                }
                return Ready(Some(seen));
            }
            if self.over {
                return Ready(None);
            }
            let wake = ready!(self.poll_wake(cx));
            match self.take(wake) {
                Ok(Some(seen)) if self.told.is_empty() => return Ready(Some(seen)),
                Ok(seen) => self.told.extend(seen),
                Err(Over) => {
                    tracing::debug!(session = %self.session, "no longer watching");
                    self.over = true;
                }
            }
        }
    }

    /// The first of all that may happen. Answers go before items, items before what is due by itself, so that lateness of ours
    /// is never taken for silence of theirs.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> std::task::Poll<Wake> {
        if let Ready(wake) = self.poll.poll(cx) {
            return Ready(wake);
        }
        if let Ready(wake) = self.stream.poll(cx) {
            return Ready(wake);
        }
        // One that is open brings what a task does, and nothing waits behind what acts.
        let waits = !matches!(self.stream, Stream::Open(_)) || self.poll_at_rest;
        if waits && self.place.listed.poll_begins(cx).is_ready() {
            return Ready(Wake::Begins);
        }
        let alarm = self.next_alarm().map(|at| (at, Wake::Alarm));
        let due = [self.poll.due(), self.stream.due(), alarm].into_iter().flatten();
        // Of what is due at the same time the first comes first.
        let Some((at, wake)) = due.min_by_key(|(at, _)| *at) else { return Pending };
        self.timer.poll(cx, Some(at)).map(|()| wake)
    }

    /// Handles what happened, and gives what is to be told behind all that was told on the way.
    fn take(&mut self, wake: Wake) -> Result<Option<Seen>, Over> {
        match wake {
            Wake::PollDue => self.poll_unless_listed(),
            Wake::Begins => self.begins(),
            Wake::CheckDue => self.check(),
            Wake::OpenDue => self.open_in_turn(),
            Wake::Turn(turn) => self.has_turn(turn),
            Wake::Opened(Ok(items)) => self.opened(items),
            Wake::Opened(Err(error)) => self.not_opened(&error),
            Wake::Item(item) => return Ok(self.item(item)),
            Wake::Ended(error) => self.ended(error.as_ref()),
            Wake::Silent => self.silent(),
            Wake::Answered(Answer::Messages(Ok(messages))) => self.messages(messages)?,
            Wake::Answered(Answer::Messages(Err(error))) => self.poll_failed(&error),
            Wake::Answered(Answer::Session(answer)) => self.existence(answer)?,
            Wake::Alarm => self.alarm(),
        }
        Ok(None)
    }

    fn next_alarm(&self) -> Option<Instant> {
        let alarms = [self.sight_until(), self.steps_until(), self.streamed.deadline()];
        alarms.into_iter().flatten().min().map(|at| self.origin + at)
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn tell(&mut self, seen: Seen) {
        self.told.push_back(seen);
    }

    fn alarm(&mut self) {
        let now = self.now();
        if self.streamed.tick(now) {
            if !self.mute {
                self.steps.prove(now);
            }
            self.replay_over();
        }
        self.prove_by_list();
        if self.sight_until().is_some_and(|until| now >= until)
            && let Some((since, why)) = self.sight.lose(now)
        {
            self.missed.get_or_insert(0);
            self.hurries();
            self.tell_blind(self.steps.is_blind(), since, why);
        }
        if self.steps_until().is_some_and(|until| now >= until)
            && let Some((since, why)) = self.steps.lose(now)
        {
            self.hurries();
            let why = format!("no event stream can be kept open, so steps are not seen: {why}");
            self.tell_blind(self.sight.is_blind(), since, why);
        }
    }
}

/// Rest: no task runs, as far as is known.
impl Task {
    fn is_idle(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.class() == StatusClass::Idle)
    }

    /// Whether no task runs, as far as the session itself has told.
    fn may_rest(&self) -> bool {
        (self.status.is_none() || self.is_idle()) && !self.unread
    }

    /// Who reads, and whether it waits among those that rest: where a list of late says so, and nothing is out of sight.
    fn reader(&self) -> (Arc<dyn Provider>, bool) {
        let listed = self.place.listed.rests(self.config.cross_check);
        let rests = listed && self.may_rest() && !self.sight.is_blind();
        (if rests { &self.place.resting } else { &self.provider }.clone(), rests)
    }

    /// A task runs, says the list, or the session itself: what waits among those that rest waits among those that act from here on.
    fn hurries(&mut self) {
        if let Poll::Running(_) = self.poll
            && self.poll_at_rest
        {
            self.poll_in(Duration::ZERO);
        }
        if let Stream::Opening(_) = self.stream
            && self.opening_at_rest
        {
            self.start_opening();
        }
    }

    fn begins(&mut self) {
        self.tell(Seen::Begins);
        self.hurries();
        self.poll_soon();
    }
}

/// Sight: of anything at all, and of steps. It is told lost when one is, and back when both are.
impl Task {
    /// Nothing is to be seen where nothing runs, says the list.
    fn prove_by_list(&mut self) {
        let counts = self.may_rest() && (!self.polls.failing || self.polls.limited);
        let Some(at) = self.place.listed.rested_at().filter(|_| counts) else { return };
        let at = at.saturating_duration_since(self.origin);
        self.sight.prove(at);
        self.steps.prove(at);
    }

    /// When sight will be lost. A poll that is in flight has its own time to answer.
    fn sight_until(&self) -> Option<Duration> {
        let until = self.sight.deadline()?;
        Some(match self.poll {
            Poll::Running(_) => until.max(self.poll_began.saturating_add(self.config.blind_after)),
            Poll::Not | Poll::Due(_) | Poll::Check(_) => until,
        })
    }

    /// When sight of steps will be lost; never while the agent cannot act or a stream is open.
    fn steps_until(&self) -> Option<Duration> {
        let open = matches!(self.stream, Stream::Open(_)) && !self.mute;
        if open || !may_act(self.status.as_ref()) { None } else { self.steps.deadline() }
    }

    fn tell_blind(&mut self, told: bool, since: Duration, why: String) {
        tracing::debug!(session = %self.session, ?since, "session {}: sight is lost: {why}", self.session);
        if !told {
            self.tell(Seen::Blind { since, why });
        }
    }

    fn restore_sight(&mut self) {
        if self.sight.restore() && !self.steps.is_blind() {
            self.tell_sighted();
        }
    }

    fn restore_steps(&mut self) {
        if self.steps.restore() && !self.sight.is_blind() {
            self.tell_sighted();
        }
    }

    fn tell_sighted(&mut self) {
        tracing::debug!(session = %self.session, "session {}: sight is back", self.session);
        self.tell(Seen::Sighted);
    }
}

/// Whether the agent may act. No word at all may mean it.
fn may_act(status: Option<&Status>) -> bool {
    status.is_none_or(|status| status.class().may_act())
}

/// What is told, whichever source it came from.
impl Task {
    fn replay_over(&mut self) {
        self.first_replay_over = true;
        self.catch_up(self.history_to.unwrap_or_else(|| self.known.greatest()));
        // Steps that were missed have been replayed by now.
        if self.steps.has_proof(self.now()) {
            self.restore_steps();
        }
    }

    fn catch_up_without_stream(&mut self) {
        if let Some(up_to) = self.history_to {
            self.catch_up(up_to);
        }
    }

    fn catch_up(&mut self, up_to: MessageId) {
        if std::mem::replace(&mut self.caught, true) {
            return;
        }
        // A first poll that succeeds only now must not turn news into history.
        self.history_to = Some(up_to);
        self.tell(Seen::Caught { up_to });
    }

    fn news(&self, event: Event) -> Seen {
        let backlog = match (event.id, self.history_to) {
            (Some(id), Some(history_to)) => id <= history_to,
            (Some(_), None) | (None, _) => !self.first_replay_over,
        };
        Seen::Event { event, backlog }
    }

    fn gone(&mut self) -> Result<(), Over> {
        tracing::info!(session = %self.session, "session {} is gone", self.session);
        self.tell(Seen::Gone);
        Err(Over)
    }

    /// What any failed call means, whichever source it belongs to.
    fn failed(&mut self, source: Source, error: &ApiError) {
        self.sight.fail(error.to_string());
        match source {
            Source::Polls => {}
            Source::Streams => self.steps.fail(error.to_string()),
        }
        let limited = matches!(error.class, ErrorClass::RateLimited { .. });
        (self.trouble(source).failing, self.trouble(source).limited) = (true, limited);
        if matches!(error.class, ErrorClass::NotFound { .. }) {
            // Most that are not found are gone, which is no trouble; that is known in a moment.
            self.absent.get_or_insert_with(|| (source, error.to_string()));
        } else {
            self.say_failing(source, error);
        }
        match &error.class {
            ErrorClass::Auth { .. } => self.key_refused(source, error),
            ErrorClass::NotFound { .. } => self.suspect_absence(),
            ErrorClass::RateLimited { retry_after } => {
                let trouble = self.trouble(source);
                let wait = trouble.limits.next(fastrand::f64()).max(retry_after.unwrap_or_default());
                trouble.not_before = Instant::now() + wait;
            }
            ErrorClass::AlreadyPaused
            | ErrorClass::NotPaused
            | ErrorClass::Refused { .. }
            | ErrorClass::Unknown { .. }
            | ErrorClass::Unreachable { .. } => {}
        }
    }

    /// What `source` reads is there after all.
    fn found(&mut self, source: Source) {
        self.absent = self.absent.take().filter(|(missing, _)| *missing != source);
    }

    fn say_failing(&mut self, source: Source, why: &dyn std::fmt::Display) {
        if !std::mem::replace(&mut self.trouble(source).said, true) {
            tracing::warn!(session = %self.session, "session {} cannot be watched: {why}; trying on", self.session);
        }
    }

    fn trouble(&mut self, source: Source) -> &mut Trouble {
        match source {
            Source::Polls => &mut self.polls,
            Source::Streams => &mut self.streams,
        }
    }

    fn key_refused(&mut self, source: Source, error: &ApiError) {
        let told = self.polls.refused || self.streams.refused;
        self.trouble(source).refused = true;
        if told {
            return;
        }
        tracing::debug!(session = %self.session, "session {}: the provider refuses the API key: {error}", self.session);
        self.tell(Seen::AuthRefused(error.to_string()));
    }
}
