//! Feeding the gate: what the watcher saw, what operators want, what holds for every session, what calls came back with.
//!
//! Lets a pause leave before everything else of its turn. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::carrying::begin_pause;
use super::overload::Look;
use super::{Acted, Back, Driver, Order};
use crate::api::{Event, EventKind, Status};
use crate::control::Ordered;
use crate::crash::{self, Point};
use crate::daemon::reins::Told;
use crate::daemon::standing::Standing;
use crate::daemon::watcher::Seen;
use crate::gate::{Answer, Effect, Input, ReplyTo};
use crate::policy::{self, Verdict};

/// How often a moving cursor is kept.
const CURSOR_EVERY: Duration = Duration::from_secs(1);

/// The status that a session has, as far as a list tells, in which a task has begun.
const LISTED: &str = "running";

/// An event that was judged, and when it came.
pub(super) struct Judged {
    event: Event,
    verdict: Verdict,
    backlog: bool,
    arrived: Instant,
    at: Timestamp,
}

impl Judged {
    /// Whether it is news of what the agent says or does, on which no rule fires.
    fn is_plain(&self) -> bool {
        let agents = matches!(self.event.kind, EventKind::Thought | EventKind::Step);
        agents && !self.backlog && self.verdict.effect == policy::Effect::Allow
    }
}

impl Driver {
    /// Takes in what the watcher told. An event of which nothing follows is given back: what others have to tell may be judged first,
    /// and then it [enters](Self::enter).
    pub(super) fn looked(&mut self, look: Look) -> Option<Box<Judged>> {
        match look {
            Look::Seen(seen) => return self.saw(seen),
            Look::Behind(since) => {
                let lasted = since.as_secs();
                let why = format!("its events have come faster than they are judged for {lasted} s");
                tracing::warn!(session = %self.session, "session {}: {why}", self.session);
                self.out_of_sight(since, why);
            }
            Look::CaughtUp => self.in_sight_again(),
        }
        None
    }

    fn saw(&mut self, seen: Seen) -> Option<Box<Judged>> {
        let arrived = Instant::now();
        match seen {
            Seen::Event { event, backlog } => {
                if let Some(judged) = self.judged(event, backlog, arrived) {
                    if judged.is_plain() && self.gate.only_watches() {
                        return Some(Box::new(judged));
                    }
                    self.enter(judged);
                }
            }
            Seen::Followed => self.showing.followed(),
            // A step that is still replayed does not hold up what the messages say already.
            Seen::MessagesRead { .. } => self.feed_pause_first(Some(arrived), Input::CaughtUp),
            Seen::Caught { .. } => self.feed_pause_first(Some(arrived), Input::CaughtUp),
            // Only what the watcher tells: the gate's greatest id may be the stream's own, or hide one that comes late.
            Seen::Cursor(up_to) => self.cursor = up_to,
            Seen::Status(status) => {
                tracing::debug!(session = %self.session, status = ?status.class(), "status");
                self.feed_pause_first(Some(arrived), Input::Status(status));
            }
            // Where everything is stopped it is paused before it was read: a poll may be refused, and a pause does not wait for it.
            Seen::Begins if self.known.halt.is_some() => {
                self.feed_pause_first(Some(arrived), Input::Status(Status(LISTED.to_owned())));
            }
            Seen::Begins => (),
            Seen::Blind { since, why } => {
                self.sights.unseen = true;
                self.out_of_sight(since, why);
            }
            Seen::Sighted => {
                self.sights.unseen = false;
                self.in_sight_again();
            }
            Seen::Gap { after, why } => self.feed(Input::Gap { after, why }),
            Seen::Gone => self.feed(Input::Gone),
            Seen::AuthRefused(why) => {
                // A full queue says the same already.
                let _ = self.alarm.try_send(why);
            }
        }
        self.move_cursor();
        None
    }

    fn out_of_sight(&mut self, since: Duration, why: String) {
        self.showing.blind(self.now(), since, &why);
        self.feed(Input::Blind { why });
    }

    /// Unless it is out of sight for another reason still.
    fn in_sight_again(&mut self) {
        if !self.sights.is_blind() {
            self.showing.sighted();
            self.feed(Input::Sighted);
        }
    }

    /// An event that is seen for the first time, with its verdict. A pause that the verdict will ask for leaves as soon as that is
    /// certain.
    pub(super) fn judged(&mut self, event: Event, backlog: bool, arrived: Instant) -> Option<Judged> {
        let now = self.clock.now();
        let verdict = self.evaluator.evaluate(&event, now, &mut || {
            if let Some(call) = self.gate.foresee(&event, backlog) {
                begin_pause(&mut self.calls, self.executor.clone(), call);
                self.metrics.pause_requested(arrived.elapsed());
                crash::at(Point::PauseAlone);
            }
        })?;
        Some(Judged { event, verdict, backlog, arrived, at: now.wall })
    }

    /// Writes down what was judged, and lets the gate take it in.
    pub(super) fn enter(&mut self, judged: Judged) {
        let arrived = judged.arrived;
        let input = self.noted(judged);
        self.feed_pause_first(Some(arrived), input);
    }

    fn noted(&mut self, judged: Judged) -> Input {
        let Judged { event, verdict, backlog, at, arrived: _ } = judged;
        self.recorder.note(at, &event, &verdict);
        if let Some(odd) = self.tally.count(&event) {
            tracing::warn!(session = %self.session, "session {}: {odd}", self.session);
        }
        Input::Seen { event, verdict, backlog }
    }

    /// Lets a pause leave before what is written down, logged and shown beside it. What arrived from the provider is measured from
    /// there.
    fn feed_pause_first(&mut self, arrived: Option<Instant>, input: Input) {
        let effects = self.gate.handle(self.now(), &mut self.ids, input);
        let is_pause = |effect: &Effect| matches!(effect, Effect::Pause { .. });
        let (pauses, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_pause);
        if !pauses.is_empty() {
            self.carry_out(pauses);
            crash::at(Point::PauseAlone);
            if let Some(arrived) = arrived {
                self.metrics.pause_requested(arrived.elapsed());
            }
        }
        self.carry_out(others);
    }

    pub(super) fn move_cursor(&mut self) {
        if self.cursor_kept.1.elapsed() >= CURSOR_EVERY {
            self.keep_cursor();
        }
    }

    /// Never ahead of a record: what was seen but not written down has to be seen again after a crash.
    pub(super) fn keep_cursor(&mut self) {
        if !self.unsent.is_empty() || self.cursor_kept.0 == self.cursor {
            return;
        }
        self.cursor_kept = (self.cursor, Instant::now());
        crash::at(Point::CursorUnsent);
        self.writer.cursor(&self.session, self.cursor);
    }

    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Stands(now) => self.stand(now),
            Told::Order(order) => self.ordered(*order),
        }
    }

    fn ordered(&mut self, order: Order) {
        match order {
            Order::Decide(Ordered { operator, decision, reply: answer, .. }) => {
                self.next_reply += 1;
                let reply = ReplyTo(self.next_reply);
                self.replies.insert(reply, answer);
                self.feed(Input::Decide { reply, operator, decision });
            }
            Order::Act(Acted { operator, order, reply: answer }) => {
                self.next_reply += 1;
                let reply = ReplyTo(self.next_reply);
                self.asked.insert(reply, answer);
                let input = Input::Directed { reply, operator, act: order.act, reason: order.reason };
                self.feed_pause_first(None, input);
            }
            Order::Screenshot(order) => {
                if let Some(saving) = self.pictures.save(order) {
                    self.calls.spawn(async move {
                        saving.await;
                        Back::Saved
                    });
                }
            }
        }
    }

    /// What holds for every session is another: a stop first, whose pause must not wait.
    fn stand(&mut self, now: Arc<Standing>) {
        let before = std::mem::replace(&mut self.known, now.clone());
        if before.halt != now.halt {
            let input = now.halt.clone().map_or(Input::EndHalt, Input::Halt);
            self.feed_pause_first(None, input);
        }
        if !before.rules_as(&now) {
            self.evaluator.adopt(now.policy.clone());
            let verdicts = self.gate.open_card().map(|card| self.evaluator.again(card, self.now())).unwrap_or_default();
            self.feed_pause_first(None, Input::Reconfigured { settings: now.settings.clone(), verdicts });
        }
    }

    pub(super) fn came_back(&mut self, back: Result<Back, JoinError>) {
        match back {
            Ok(Back::Answer(call, answer)) => {
                self.feed(Input::Answered { call, answer });
                crash::at(Point::AnswerHeard);
            }
            Ok(Back::Recorded(ticket, result)) => {
                crash::at(Point::DecisionUnheard);
                self.writing -= 1;
                self.feed(Input::Recorded { ticket, result });
            }
            Ok(Back::Read(call, Ok((events, observed)))) => {
                let arrived = Instant::now();
                for event in events {
                    if let Some(judged) = self.judged(event, false, arrived) {
                        let input = self.noted(judged);
                        self.feed(input);
                    }
                }
                crash::at(Point::LookHalfHeard);
                self.feed(Input::Answered { call, answer: Answer::Read(Ok(observed)) });
            }
            Ok(Back::Read(call, Err(error))) => {
                self.feed(Input::Answered { call, answer: Answer::Read(Err(error)) });
            }
            Ok(Back::Picture(call, approval, picture)) => {
                let page = picture.map(|picture| {
                    let page = self.evaluator.page(picture.url.clone(), picture.title.clone());
                    self.pictures.took(approval, picture);
                    page
                });
                self.feed(Input::Answered { call, answer: Answer::Screenshot(page) });
            }
            Ok(Back::Tried) => {
                self.writing -= 1;
                self.answer_promised();
            }
            Ok(Back::Saved) => (),
            // A bug in a call would leave the gate waiting for ever; the supervisor starts this session anew.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => {
                    tracing::error!(session = %self.session, "session {}: a call was dropped: {cancelled}", self.session)
                }
            },
        }
    }
}
