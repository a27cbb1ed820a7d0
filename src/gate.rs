//! The gate: for one session, what to do about what was seen, answered and decided.
//!
//! A machine that does no I/O. [`Gate::handle`] takes the time, a source of identity and one [`Input`], and returns the
//! [`Effect`]s to carry out in order; [`Gate::due`] says when it wants the next [`Input::Tick`]. The driver outside is dumb.
//!
//! ```text
//! Watching ─▶ Pausing ─▶ Settling ─▶ Held ─▶ Checking ─▶ Recording ─▶ Delivering ─▶ Watching
//!     │          ▲          │  ▲       │                                  │
//!     │          └──────────┴──┴───────┤ resumed by somebody else         ├─▶ a new approval when delivery failed
//!     │                     └─▶ Cooling┤
//!     └─▶ Asking (a question)          └─▶ Cancelling ─▶ Watching | Over        Kept (paused for good)
//! ```
//!
//! The pause is always the first effect of the input that asks for it. A release leaves only with a [`Release`], and one
//! exists only where the gate was told that the decision is durable.

pub mod approval;
mod cancelling;
pub mod card;
mod case;
mod confirming;
mod covering;
mod deciding;
mod delivered;
mod delivering;
mod directed;
mod doubting;
mod halting;
mod held;
mod history;
mod io;
mod opening;
mod owning;
mod pausing;
mod phase;
mod recording;
mod recover;
mod reopening;
mod resting;
mod straying;
mod suspecting;
mod terms;
#[cfg(test)]
mod tests;
mod tightening;
mod voting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::clock::Moment;
use crate::control::{EndedBy, Refusal, SessionState, Stillness};
use crate::policy::{self, Verdict};

pub use approval::{ApprovalId, BadDigest, Code, Delivery, Digest, Outcome, Revision, Timing};
pub use card::{Card, EventLine, Hold, RuleLine, Subject, Terms, Then};
pub use case::{Closed, Deliver, Kept, Plan, Proof};
pub use directed::BY_HAND;
pub use halting::was_let_go;
pub use io::{
    Answer, CallId, Effect, Entry, Input, Mint, Notice, Observed, Page, Record, Release, ReplyTo, Settings, Ticket,
};
pub use terms::Bound;
pub use voting::Votes;

use case::{Case, line_of};
use covering::Covered;
use doubting::Doubt;
use halting::Halted;
use history::Missed;
use opening::{Blind, Early, Repeats};
use owning::Arrival;
use phase::Phase;
use resting::Rest;
use straying::Straying;
use voting::Voting;

/// What is known of a session besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its id.
    pub session: SessionId,
    /// The agent's name.
    pub agent: Option<String>,
    /// Its goal.
    pub goal: Option<String>,
}

/// The state machine of one session.
#[derive(Debug)]
pub struct Gate {
    about: About,
    settings: Arc<Settings>,
    phase: Phase,
    case: Option<Box<Case>>,
    before: VecDeque<EventLine>,
    seen_up_to: MessageId,
    /// The newest end of a task: what fired before it is over. A message of the user may be an instruction within a task.
    task_began: MessageId,
    /// Whether the messages of the history have been read.
    caught_up: bool,
    missed: Option<Box<Missed>>,
    /// What is taken in now came before the session was watched.
    looks_back: bool,
    covered: Option<Box<Covered>>,
    repeats: BTreeMap<String, Repeats>,
    /// Pauses sent because a `resumed` event came; accepted means that the session really ran.
    suspicions: BTreeSet<CallId>,
    /// A resume is known, ours or not, whose event has not come: the next `resumed` event speaks of it.
    resume_unheard: bool,
    /// The first call that is named after the newest `paused` event.
    paused_heard: CallId,
    /// Pauses without an answer: one that arrived after a release would stop the session with nobody to ask.
    unanswered: BTreeSet<CallId>,
    /// A pause sent before the hold it is for could be opened: while a decision is recorded, or an event is judged.
    early: Option<Early>,
    /// A pause of ours arrived, or may have, where nothing is held: somebody has to be asked.
    stray: Option<Arrival>,
    /// Pauses of ours that may take effect although no answer tells of them.
    straying: Straying,
    /// Why the session is out of sight, where that could not be acted upon yet.
    blind: Option<Blind>,
    /// The daemon is stopping: nothing new is released.
    stopping: bool,
    /// A read that would end what waits, not confirmed yet.
    doubt: Option<Doubt>,
    /// Whether anything runs where nothing is held.
    rest: Rest,
    /// Everything is stopped: nothing happens by itself.
    halted: Option<Box<Halted>>,
    /// Votes on their way to the disk.
    voting: Vec<Voting>,
    /// A pause of an earlier process may hold of which nothing was kept.
    perhaps_paused: bool,
    next_name: u64,
}

/// One turn of the machine: what came with the input, and what goes out.
pub(crate) struct Turn<'a> {
    now: Moment,
    mint: &'a mut dyn Mint,
    /// Whether the input shows that the agent acts, or is about to.
    moves: bool,
    /// Whether the input answers a call that left before everything was stopped.
    precedes_stop: bool,
    out: Vec<Effect>,
}

impl Gate {
    /// A gate that watches; `seen_up_to` is the last event evaluated before a restart.
    #[must_use]
    pub fn new(about: About, settings: Arc<Settings>, seen_up_to: MessageId) -> Self {
        Self {
            about,
            settings,
            phase: Phase::Watching,
            case: None,
            before: VecDeque::new(),
            seen_up_to,
            task_began: MessageId::default(),
            caught_up: false,
            missed: None,
            looks_back: false,
            covered: None,
            repeats: BTreeMap::new(),
            suspicions: BTreeSet::new(),
            resume_unheard: false,
            paused_heard: CallId(0),
            unanswered: BTreeSet::new(),
            early: None,
            stray: None,
            straying: Straying::default(),
            blind: None,
            stopping: false,
            doubt: None,
            rest: Rest::default(),
            halted: None,
            voting: Vec::new(),
            perhaps_paused: false,
            next_name: 0,
        }
    }

    /// Takes one input; returns what is to be done, in order.
    pub fn handle(&mut self, now: Moment, mint: &mut dyn Mint, input: Input) -> Vec<Effect> {
        let mut turn = Turn { now, mint, moves: halting::shows_acting(&input), precedes_stop: false, out: Vec::new() };
        if turn.moves {
            self.rest_ends();
            self.look_again_for_end(&mut turn);
            // A status that is told does not count: some providers' say nothing of pauses.
            self.perhaps_paused &= !matches!(input, Input::Seen { .. });
        }
        self.stand_still(now);
        self.expire_if_due(&mut turn);
        match input {
            Input::Seen { event, verdict, backlog } => {
                self.seen(&mut turn, &event, &verdict, backlog);
                self.remember(event);
            }
            Input::CaughtUp => self.caught_up(&mut turn),
            Input::Blind { why } => self.blind(&mut turn, &why),
            Input::Sighted => self.sighted(&mut turn),
            Input::Gap { after, why } => self.gap(&mut turn, after, &why),
            Input::Status(status) => {
                self.may_show_a_stray(now, &status);
                self.told_status(&turn, &status);
            }
            Input::Gone => self.gone(&mut turn),
            Input::Answered { call, answer } => {
                turn.precedes_stop = self.left_before_stop(call);
                self.rest_answered(&mut turn, call, &answer);
                self.stray_answered(now, call, &answer);
                self.answered(&mut turn, call, answer);
            }
            Input::Recorded { ticket, result } => self.recorded(&mut turn, ticket, result),
            Input::Decide { reply, operator, decision } => self.decide(&mut turn, reply, operator, decision),
            Input::Directed { reply, operator, act, reason } => {
                self.directed(&mut turn, reply, operator, act, reason);
            }
            Input::Halt(halt) => self.halt(&mut turn, halt),
            Input::EndHalt => self.end_halt(&mut turn),
            Input::Reconfigured { settings, verdicts } => self.reconfigured(&mut turn, settings, &verdicts),
            Input::Tick => self.tick(&mut turn),
            Input::Stop => self.stop(&mut turn),
        }
        self.expire_if_due(&mut turn);
        self.catch_up_on_holds(&mut turn);
        self.stray_no_more(now);
        self.stray_tick(&mut turn);
        self.stop_what_moves(&mut turn);
        self.cancel_unless_at_rest(&mut turn);
        self.doubt_rest(&turn);
        self.freeze(&mut turn);
        self.drop_stale_votes(&mut turn);
        // A pause that was foretold and is for nothing counts as one that strays.
        self.early.take_if(|_| matches!(self.phase, Phase::Watching));
        self.finish(turn)
    }

    /// When the next tick is wanted, on the monotonic clock.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let deadline = self.case.as_ref().filter(|_| self.deadline_counts()).map(|case| case.deadline.mono);
        [self.phase.due(), self.rest_due(), self.stray_due(), deadline].into_iter().flatten().min()
    }

    /// Whether the session is, or is about to be, paused by us: what a shutdown has to name.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.phase {
            Phase::Watching | Phase::Asking(_) | Phase::Over => false,
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Kept(_) => true,
            Phase::Checking(_) | Phase::Recording(_) | Phase::Delivering(_) | Phase::Cancelling(_) => {
                self.case.as_ref().is_none_or(|case| case.card().subject == Subject::Hold)
            }
        }
    }

    /// Whether the session is to be paused by us, or ended, and nothing has confirmed that it is paused.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.holds() && self.case.as_ref().is_none_or(|case| case.kept.proof.is_none())
    }

    /// Whether a pause was sent that has no answer yet.
    #[must_use]
    pub fn awaits_pause(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// Whether a hold is on its way to be approvable: being paused, or not yet settled.
    #[must_use]
    pub fn is_arming(&self) -> bool {
        matches!(self.phase, Phase::Pausing(_) | Phase::Settling(_))
    }

    /// What it is about.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What is done with the session, as clients are told.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.phase.state().unwrap_or_else(|| self.watching_state())
    }

    /// Whether the session stands still, and why.
    #[must_use]
    pub fn stillness(&self) -> Stillness {
        match self.phase {
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Kept(_) => Stillness::Paused,
            Phase::Watching | Phase::Asking(_) if self.rest.known().is_some() => Stillness::NothingRuns,
            Phase::Over => Stillness::NothingRuns,
            Phase::Watching
            | Phase::Asking(_)
            | Phase::Pausing(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_) => Stillness::NotYet,
        }
    }

    /// The open approval that clients are shown.
    #[must_use]
    pub fn shown_approval(&self) -> Option<ApprovalId> {
        let case = self.case.as_deref().filter(|case| case.kept.closed.is_none())?;
        match case.kept.plan {
            Plan::Ask | Plan::Deny { .. } => Some(case.id()),
            Plan::Cooldown { .. } | Plan::Instruct { .. } => None,
        }
    }

    /// The newest event that the agent reported.
    #[must_use]
    pub fn newest(&self) -> Option<&EventLine> {
        self.before.back()
    }

    /// The approval that waits for an operator, with its deadline, if there is one.
    #[must_use]
    pub fn waiting(&self) -> Option<(ApprovalId, Moment)> {
        let case = self.case.as_deref().filter(|case| case.kept.closed.is_none() && case.kept.plan == Plan::Ask)?;
        Some((case.id(), case.deadline))
    }

    /// Whether the session is gone for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The newest event that was evaluated.
    #[must_use]
    pub fn seen_up_to(&self) -> MessageId {
        self.seen_up_to
    }

    /// Pauses leave before everything else of the turn; the rest stays in order.
    fn finish(&mut self, turn: Turn<'_>) -> Vec<Effect> {
        let mut out = turn.out;
        out.sort_by_key(|effect| !matches!(effect, Effect::Pause { .. }));
        self.unanswered.extend(out.iter().filter_map(|effect| match effect {
            Effect::Pause { call } => Some(*call),
            Effect::Cancel { .. }
            | Effect::Delete { .. }
            | Effect::Resume { .. }
            | Effect::Message { .. }
            | Effect::Read { .. }
            | Effect::Screenshot { .. }
            | Effect::Record { .. }
            | Effect::Publish(_)
            | Effect::Notice(_)
            | Effect::Reply { .. }
            | Effect::Done { .. } => None,
        }));
        out
    }

    fn seen(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict, backlog: bool) {
        self.seen_up_to = self.seen_up_to.max(event.id.unwrap_or_default());
        if event.kind == EventKind::Done {
            self.task_began = self.task_began.max(event.id.unwrap_or_default());
        }
        let watching = matches!(self.phase, Phase::Watching | Phase::Over);
        // Once the messages are read, only what belongs to an earlier task is history: a step without an id may be live.
        let earlier = event.id.is_some_and(|id| id < self.task_began);
        if backlog && watching && (earlier || !self.caught_up) {
            self.seen_in_history(turn, event, verdict);
        } else {
            if !backlog {
                self.may_have_strayed(turn.now, event);
                self.hear(turn, event);
            }
            self.alert(turn, event, verdict);
            self.looks_back = backlog;
            self.seen_now(turn, event, verdict);
            self.looks_back = false;
        }
    }

    /// Whether an event is older than what the open case is about, though it came later: a stream replays what polled
    /// messages have overtaken, and an echo may be slow. It says nothing about what became of the case.
    fn precedes_the_trigger(&self, event: &Event) -> bool {
        let trigger = self.case.as_ref().and_then(|case| case.card().trigger.id);
        trigger.zip(event.id).is_some_and(|(trigger, id)| id < trigger)
    }

    fn seen_now(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if verdict.effect <= policy::Effect::Alert && self.precedes_the_trigger(event) {
            return;
        }
        match self.phase {
            Phase::Watching | Phase::Over => self.seen_watching(turn, event, verdict),
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) => {
                self.seen_in_hold(turn, event, verdict);
            }
            Phase::Asking(_) => self.seen_asking(turn, event, verdict),
            Phase::Checking(_) => self.seen_checking(turn, event, verdict),
            Phase::Recording(_) => self.seen_recording(turn, event, verdict),
            Phase::Delivering(_) => self.seen_delivering(turn, event, verdict),
            Phase::Cancelling(_) => self.seen_cancelling(turn, event, verdict),
            Phase::Kept(_) => self.seen_kept(turn, event, verdict),
        }
    }

    fn answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: Answer) {
        let ours = self.unanswered.remove(&call);
        let last_pause = ours && self.unanswered.is_empty();
        if ours {
            self.stray = self.stray.max(self.strays(&answer));
            self.note_lost(turn.now, &answer);
            self.own_pause_answered(turn, call, &answer);
        }
        if self.suspicions.remove(&call) {
            self.suspicion_answered(turn, call, &answer);
        } else if let Answer::Screenshot(page) = answer {
            self.page_seen(call, page);
        } else {
            self.answered_in_phase(turn, call, &answer);
        }
        if last_pause {
            self.look_again(turn);
        }
    }

    fn answered_in_phase(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        match self.phase {
            Phase::Pausing(_) => self.pausing_answered(turn, call, answer),
            Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_) | Phase::Asking(_) | Phase::Kept(_) => {
                self.read_back(turn, call, answer);
            }
            Phase::Checking(_) => self.check_answered(turn, call, answer),
            Phase::Delivering(_) => self.delivering_answered(turn, call, answer),
            Phase::Cancelling(_) => self.cancelling_answered(turn, call, answer),
            Phase::Recording(_) => self.recording_answered(call, answer),
            Phase::Watching | Phase::Over => (),
        }
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        self.rest_tick(turn);
        if self.phase.due().is_none_or(|due| due > turn.now.mono) {
            return;
        }
        match self.phase {
            Phase::Pausing(_) => self.pause_again(turn),
            Phase::Settling(_) => self.settle_tick(turn),
            Phase::Held(_) | Phase::Asking(_) | Phase::Kept(_) => self.poll(turn),
            Phase::Cooling(_) => self.cooling_tick(turn),
            Phase::Delivering(_) => self.delivering_tick(turn),
            Phase::Cancelling(_) => self.cancelling_tick(turn),
            Phase::Recording(_) => self.recording_tick(turn),
            Phase::Checking(_) => self.checking_tick(turn),
            Phase::Watching | Phase::Over => (),
        }
    }

    /// The provider no longer knows the session: whatever waited is withdrawn.
    fn gone(&mut self, turn: &mut Turn<'_>) {
        match self.phase {
            Phase::Over => return,
            Phase::Delivering(_) => self.deliver_end(turn, Delivery::Failed, "the session is gone"),
            Phase::Cancelling(_) => self.cancel_end(turn, Delivery::Applied, "the session is gone"),
            Phase::Recording(_) => return self.spoil("the session is gone"),
            Phase::Watching
            | Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Asking(_)
            | Phase::Checking(_)
            | Phase::Kept(_) => self.withdraw(turn, "the session is gone"),
        }
        self.phase = Phase::Over;
    }

    /// Ends the open approval because of what the session did, and watches again.
    fn withdraw(&mut self, turn: &mut Turn<'_>, what: &str) {
        if let Phase::Checking(checking) = &self.phase
            && let Some(to) = checking.reply
        {
            let refusal = Refusal::AlreadyDecided { outcome: Outcome::Withdrawn, by: what.to_owned() };
            turn.out.push(Effect::Reply { to, result: Err(refusal) });
        }
        match self.case.as_ref().map(|case| case.kept.plan.clone()) {
            // An operator or a rule has said no already; only the message had to wait for the hold.
            Some(Plan::Deny { by }) => self.close(turn, Outcome::Denied, by, Deliver::Nothing, what),
            Some(Plan::Ask | Plan::Cooldown { .. } | Plan::Instruct { .. }) | None => {
                let by = EndedBy::Session { what: what.to_owned() };
                self.close(turn, Outcome::Withdrawn, by, Deliver::Nothing, what);
            }
        }
        self.let_go(turn);
        self.case = None;
        self.phase = Phase::Watching;
    }

    /// Gives the open case its outcome, writes it down and shows it. Does nothing when it has one already.
    fn close(&mut self, turn: &mut Turn<'_>, outcome: Outcome, by: EndedBy, deliver: Deliver, detail: &str) {
        let under = self.began_stop();
        let Some(case) = self.case.as_mut().filter(|case| case.kept.closed.is_none()) else { return };
        let delivery = if deliver == Deliver::Nothing { Delivery::Applied } else { Delivery::Applying };
        let revision = case.card().revision;
        let (name, at, detail) = (by.clone(), turn.now.wall, detail.to_owned());
        case.kept.closed = Some(Closed { outcome, revision, by, at, under, deliver, delivery, detail });
        self.record(turn, Entry::Decided);
        self.publish(turn);
        self.end_votes(turn, outcome, &name);
    }

    fn remember(&mut self, event: Event) {
        const MOST: usize = 5;
        if !is_remembered(&event) {
            return;
        }
        // No more room than for these, in each of ten thousand sessions.
        self.before.reserve_exact(MOST.saturating_sub(self.before.len()));
        if self.before.len() == MOST {
            self.before.pop_front();
        }
        self.before.push_back(line_of(event));
    }

    fn record(&self, turn: &mut Turn<'_>, entry: Entry) {
        let Some(case) = &self.case else { return };
        let record = Box::new(Record { entry, kept: Some(case.to_keep()), note: None });
        turn.out.push(Effect::Record { ticket: None, record });
    }

    /// Writes down and tells operators what should wake somebody.
    fn notice(&self, turn: &mut Turn<'_>, text: String) {
        self.say(turn, text, true);
    }

    /// Writes down and tells operators what is a rule's ordinary course.
    fn mention(&self, turn: &mut Turn<'_>, text: String) {
        self.say(turn, text, false);
    }

    fn say(&self, turn: &mut Turn<'_>, text: String, wakes: bool) {
        // A decision on its way to the disk is ahead of what is known here: this record must not stand after it as the state.
        let recording = matches!(self.phase, Phase::Recording(_));
        let kept = self.case.as_ref().filter(|_| !recording).map(|case| case.to_keep());
        let record = Box::new(Record { entry: Entry::Noted, kept, note: Some(text.clone()) });
        turn.out.push(Effect::Record { ticket: None, record });
        let text = format!("session {}: {text}", self.about.session);
        turn.out.push(Effect::Notice(Notice { text, wakes }));
    }

    /// Shows the case to clients. Cooldowns and instructions are shown only once they ask or have ended badly.
    fn publish(&self, turn: &mut Turn<'_>) {
        let Some(case) = &self.case else { return };
        match case.kept.plan {
            Plan::Cooldown { .. } | Plan::Instruct { .. } => (),
            Plan::Ask | Plan::Deny { .. } => {
                turn.out.push(Effect::Publish(Box::new(case.view(self.phase.decider()))));
            }
        }
    }

    /// What the next call will be named.
    fn next_call(&self) -> CallId {
        CallId(self.next_name + 1)
    }

    fn name_call(&mut self) -> CallId {
        self.next_name += 1;
        CallId(self.next_name)
    }

    fn read(&mut self, turn: &mut Turn<'_>) -> CallId {
        let call = self.name_call();
        turn.out.push(Effect::Read { call, after: self.seen_up_to });
        call
    }
}

/// Whether an event is one of those that a card shows as what came before.
fn is_remembered(event: &Event) -> bool {
    event.kind.is_agent_emitted() || event.kind == EventKind::Error
}

/// Whether an event changes what an operator would decide on: the agent did something, or a rule fired.
fn is_news(event: &Event, verdict: &Verdict) -> bool {
    event.kind.is_agent_emitted() || verdict.effect > policy::Effect::Alert
}
