//! The watcher's slow source: reading messages back, and asking whether the session exists.

use std::time::Duration;

use tokio::time::Instant;

use super::slots::{Answer, Poll, Stream};
use super::{ABSENCES, CHECKS_PUT_OFF, IDLE_POLLS, Over, POLLS_BEFORE_GAP, Source, Task, may_act};
use crate::api::{ApiError, ErrorClass, Event, Messages, Session, Status, StatusClass};
use crate::daemon::watcher::{Replay, Seen};

impl Task {
    pub(super) fn start_poll(&mut self) {
        self.poll_began = self.now();
        // Whoever sees nothing wants to see all of it.
        self.reads_on = std::mem::take(&mut self.soon) && !self.sight.is_blind() && !self.may_settle();
        let after = if self.reads_on { self.read_to } else { self.read_after };
        let (provider, at_rest) = self.reader();
        self.poll_at_rest = at_rest;
        let session = self.session.clone();
        self.put_off = 0;
        self.poll = Poll::Running(if self.absences == 0 {
            Box::pin(async move { Answer::Messages(provider.messages(&session, after).await) })
        } else {
            Box::pin(async move { Answer::Session(provider.session(&session).await) })
        });
    }

    /// Polls at once, or again at once when a poll is in flight that cannot know yet.
    pub(super) fn poll_soon(&mut self) {
        self.soon = true;
        match &mut self.poll {
            Poll::Running(_) => self.poll_again = true,
            Poll::Not => {}
            Poll::Due(_) | Poll::Check(_) if self.polls.refused || self.absences > 0 => {}
            Poll::Due(_) | Poll::Check(_) => self.poll_in(Duration::ZERO),
        }
    }

    pub(super) fn poll_in(&mut self, wait: Duration) {
        self.poll = Poll::Due((Instant::now() + wait).max(self.polls.not_before));
    }

    /// A stream that keeps bringing what happens proves sight by itself: what it should have shown is then read less often.
    pub(super) fn check(&mut self) {
        let lively = match &self.stream {
            Stream::Open(open) => open.fruitful.is_some_and(|at| at.elapsed() < self.config.cross_check),
            Stream::Closed { .. } | Stream::Idle | Stream::Waiting(_) | Stream::Opening(_) => false,
        };
        if lively && self.put_off < CHECKS_PUT_OFF {
            self.put_off += 1;
            return self.check_later();
        }
        if self.may_wait(self.config.cross_check) {
            return self.check_later();
        }
        self.start_poll();
    }

    pub(super) fn poll_unless_listed(&mut self) {
        let later = self.config.idle_interval();
        if self.may_wait(later) { self.poll_in(later) } else { self.start_poll() }
    }

    /// Whether a poll may wait for so long: a list that says that the session rests is one read for all of them. What was read has been
    /// read twice, and the session itself is asked within `blind_after`.
    fn may_wait(&self, later: Duration) -> bool {
        let listed = &self.place.listed;
        let rests = self.is_idle() && self.may_rest() && listed.is_proved() && listed.rests(self.config.cross_check);
        let sees = self.absences == 0 && !self.soon && !self.polls.failing && !self.sight.is_blind();
        let in_time = self.now() + later + self.config.confirm_after <= self.poll_began + self.config.blind_after;
        rests && sees && in_time && self.read_after == self.read_to
    }

    /// Where the agent acts, as this answer says and the one before it did, the list should have said so meanwhile.
    fn compare_with_list(&mut self, acts: bool) {
        let before = std::mem::replace(&mut self.acted, acts.then(Instant::now));
        let Some(before) = before.filter(|_| acts) else { return };
        if self.place.listed.compare(before) {
            tracing::warn!(
                session = %self.session,
                "the provider's list says that nothing runs in session {}, which acts: it is not relied on as long as that is so, and sessions at \
                 rest are asked themselves", self.session
            );
        }
    }

    fn check_later(&mut self) {
        self.poll = Poll::Check((Instant::now() + self.config.cross_check).max(self.polls.not_before));
    }

    /// Sets the time of the next poll when nothing special happens.
    fn poll_as_usual(&mut self) {
        if self.polls.refused {
            return self.poll_in(self.config.auth_retry);
        }
        if self.absences > 0 {
            return self.poll_in(self.config.confirm_after);
        }
        match &self.stream {
            Stream::Open(_) if self.missed.is_none() => self.check_later(),
            Stream::Idle if self.idle_polls >= IDLE_POLLS => self.poll_in(self.config.idle_interval()),
            Stream::Open(_) | Stream::Closed { .. } | Stream::Idle | Stream::Waiting(_) | Stream::Opening(_) => {
                self.poll_in(self.config.poll_interval);
            }
        }
    }

    pub(super) fn messages(&mut self, messages: Messages) -> Result<(), Over> {
        self.sight.prove(self.now());
        self.polls.refused = false;
        self.polls.limits.reset();
        (self.absences, self.polls.failing) = (0, false);
        self.found(Source::Polls);
        if std::mem::take(&mut self.polls.said) {
            tracing::info!(session = %self.session, "session {}: its messages can be read again", self.session);
        }
        let is_first = !std::mem::replace(&mut self.polled, true);
        let news = self.read_back(messages.events);
        if !std::mem::replace(&mut self.messages_read, true) {
            // All messages of the history are told; steps may follow, but what they mean need not wait for them.
            let up_to = self.history_to.unwrap_or_default();
            self.tell(Seen::MessagesRead { up_to });
        }
        self.tell_cursor();
        self.prove_by_list();
        self.place.listed.read(self.origin + self.poll_began);
        let acts = messages.status.class() == StatusClass::Active;
        let changed = self.tell_status(messages.status)?;
        self.compare_with_list(acts);
        let again = std::mem::take(&mut self.poll_again);
        if !again && !self.reads_on {
            self.unread = false;
            self.missed = None;
            self.restore_sight();
        }
        self.wake_or_rest(is_first, news || changed);
        let at_rest = matches!(self.stream, Stream::Idle) && !news && !changed;
        self.idle_polls = if at_rest { self.idle_polls.saturating_add(1) } else { 0 };
        self.rest_in_sight();
        match (again, self.reads_on) {
            (true, _) => self.poll_in(Duration::ZERO),
            (false, true) => self.poll_in(self.config.poll_interval.min(self.config.cross_check)),
            (false, false) => self.poll_as_usual(),
        }
        Ok(())
    }

    /// Whether the newest poll began late enough to find what became visible late below what was read when it began to settle.
    fn may_settle(&self) -> bool {
        self.settling.is_none_or(|(since, _)| self.poll_began.saturating_sub(since) >= self.config.poll_interval)
    }

    /// Tells what is new among polled events, and moves the cursors; says whether anything was.
    fn read_back(&mut self, events: Vec<Event>) -> bool {
        let now = self.now();
        let greatest = events.iter().filter_map(|event| event.id).max().unwrap_or_default();
        self.read_to = self.read_to.max(greatest);
        self.known.polled(self.read_to);
        if !self.reads_on && self.may_settle() {
            if let Some((_, up_to)) = self.settling {
                self.read_after = up_to;
            }
            self.settling = Some((now, self.read_to));
        }
        self.history_to.get_or_insert(self.read_to);
        if let Some(listed) = &mut self.listed {
            listed.begin(now, None);
        }
        let mut news = false;
        for event in events {
            let is_new = match event.id {
                Some(id) => self.known.is_new(id, &event),
                None => {
                    let quiet = self.config.replay_quiet;
                    let listed = self.listed.get_or_insert_with(|| {
                        let mut listed = Box::new(Replay::new(quiet));
                        listed.begin(now, None);
                        listed
                    });
                    listed.is_new(now, &event)
                }
            };
            if is_new {
                news = true;
                let seen = self.news(event);
                self.tell(seen);
            }
        }
        news
    }

    /// Tells how far everything is told, when that changed.
    fn tell_cursor(&mut self) {
        if self.cursor != self.read_after {
            self.cursor = self.read_after;
            self.tell(Seen::Cursor(self.cursor));
        }
    }

    /// Tells a status that changed; one that is over ends the watching.
    fn tell_status(&mut self, status: Status) -> Result<bool, Over> {
        if status.0.trim().is_empty() || self.status.as_ref() == Some(&status) {
            return Ok(false);
        }
        let class = status.class();
        if may_act(Some(&status)) && !may_act(self.status.as_ref()) {
            // What it does from now on is to be seen.
            self.steps.prove(self.now());
        }
        self.status = Some(status.clone());
        if class.may_act() {
            self.hurries();
        }
        self.tell(Seen::Status(status));
        if class == StatusClass::Over {
            return self.gone().map(|()| true);
        }
        if class == StatusClass::Idle {
            // No task runs, so there are no steps to be missed.
            self.restore_steps();
        }
        Ok(true)
    }

    /// Opens the stream as soon as there is something to see, and lets it rest while no task runs.
    fn wake_or_rest(&mut self, is_first: bool, news: bool) {
        let idle = self.status.as_ref().is_some_and(|status| status.class() == StatusClass::Idle);
        match self.stream {
            Stream::Closed { .. } if self.streams.refused => {}
            Stream::Closed { .. } if is_first || news => self.reopen_in(Duration::ZERO),
            Stream::Closed { .. } | Stream::Waiting(_) if idle && !news => self.stream = Stream::Idle,
            Stream::Idle if news || !idle => self.reopen_in(Duration::ZERO),
            Stream::Closed { .. } | Stream::Idle | Stream::Waiting(_) | Stream::Opening(_) | Stream::Open(_) => {}
        }
    }

    pub(super) fn poll_failed(&mut self, error: &ApiError) {
        (self.poll_again, self.soon, self.acted) = (false, false, None);
        self.failed(Source::Polls, error);
        self.count_missed(error);
        let is_first = !std::mem::replace(&mut self.polled, true);
        if let Stream::Closed { .. } = self.stream
            && is_first
        {
            // The first poll brings nothing; the stream may.
            self.start_opening();
        }
        self.poll_as_usual();
    }

    /// A break that cannot be read back although the stream is there again becomes a gap.
    fn count_missed(&mut self, error: &ApiError) {
        let Some(failures) = self.missed.map(|failures| failures + 1) else { return };
        self.missed = Some(failures);
        let proven = matches!(self.stream, Stream::Open(_)) && self.sight.has_proof(self.now());
        if failures < POLLS_BEFORE_GAP || !proven {
            return;
        }
        self.missed = None;
        tracing::warn!(session = %self.session, after = %self.read_to, "session {}: messages cannot be read back: {error}", self.session);
        self.tell(Seen::Gap { after: self.read_to, why: error.to_string() });
        self.restore_sight();
    }

    pub(super) fn suspect_absence(&mut self) {
        if self.absences == 0 {
            self.absences = 1;
            match self.poll {
                Poll::Due(_) | Poll::Check(_) => self.poll_in(self.config.confirm_after),
                Poll::Not | Poll::Running(_) => {}
            }
        }
    }

    pub(super) fn existence(&mut self, answer: Result<Session, ApiError>) -> Result<(), Over> {
        match answer {
            Ok(session) => {
                self.absences = 0;
                if let Some((source, why)) = self.absent.take() {
                    // The session is there: what was not found is missing.
                    self.say_failing(source, &why);
                }
                if session.status.class() == StatusClass::Over {
                    self.tell_status(session.status)?;
                }
                self.poll_in(self.config.poll_interval);
            }
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => {
                self.absences += 1;
                if self.absences >= ABSENCES {
                    return self.gone();
                }
                self.poll_in(self.config.confirm_after);
            }
            Err(error) => self.poll_failed(&error),
        }
        Ok(())
    }
}
