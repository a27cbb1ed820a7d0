//! One gate on a stage: inputs by short names, effects as short sentences, in order.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind, MessageId, PauseAnswer, Status};
use crate::clock::Moment;
use crate::control::{Act, Decision, Halt, OperatorName, Refusal, State, Vote};
use crate::gate::{Answer, CallId, Effect, Gate, Input, Kept, Observed, Record, ReplyTo, Settings, Ticket};
use crate::policy::{Effect as RuleEffect, OnDeny, Verdict};

use super::harness::{Counting, POLL, SETTLE, about, event, fires, rule, settings, shared, start};

pub struct Scene {
    pub gate: Gate,
    pub now: Moment,
    settings: Settings,
    mint: Counting,
    last_id: u64,
    pause: CallId,
    act: CallId,
    read: CallId,
    page: CallId,
    pub ticket: Ticket,
    pub records: Vec<Record>,
}

pub type Said = Vec<String>;

impl Scene {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: Settings) -> Self {
        let none = CallId(0);
        Self {
            gate: Gate::new(about(), shared(settings.clone()), MessageId(0)),
            now: start(),
            settings,
            mint: Counting::default(),
            last_id: 100,
            pause: none,
            act: none,
            read: none,
            page: none,
            ticket: Ticket(0),
            records: Vec::new(),
        }
    }

    /// A session that is held for an operator's answer at revision 1.
    pub fn held() -> Self {
        Self::held_by(asks())
    }

    pub fn held_by(verdict: Verdict) -> Self {
        let mut scene = Self::new();
        scene.hold(verdict);
        scene
    }

    pub fn hold(&mut self, verdict: Verdict) -> Said {
        self.seen(EventKind::Thought, verdict);
        self.paused(Ok(PauseAnswer::Accepted));
        self.read(paused());
        self.after(SETTLE);
        self.read(paused())
    }

    /// A held session whose approval is durable and whose resume has been sent.
    pub fn resuming() -> Self {
        let mut scene = Self::held();
        scene.decide(Act::approve());
        scene.read(paused());
        scene.recorded(Ok(()));
        scene
    }

    pub fn asking() -> Self {
        let mut scene = Self::new();
        scene.seen(EventKind::Question, asks());
        scene
    }

    pub fn seen(&mut self, kind: EventKind, verdict: Verdict) -> Said {
        self.seen_text(kind, "words", verdict)
    }

    pub fn seen_text(&mut self, kind: EventKind, text: &str, verdict: Verdict) -> Said {
        self.last_id += 1;
        let event = event(self.last_id, kind, text);
        self.input(Input::Seen { event, verdict, backlog: false })
    }

    /// An event that is older than everything seen so far, though it comes only now.
    pub fn overtaken(&mut self, kind: EventKind, verdict: Verdict) -> Said {
        let event = event(7, kind, "words");
        self.input(Input::Seen { event, verdict, backlog: false })
    }

    pub fn history(&mut self, kind: EventKind, verdict: Verdict) -> Said {
        self.last_id += 1;
        let event: Event = event(self.last_id, kind, "words");
        self.input(Input::Seen { event, verdict, backlog: true })
    }

    /// The pause that was sent last, to be answered later than others.
    pub fn last_pause(&self) -> CallId {
        self.pause
    }

    /// The read that was sent last, to be answered later than others.
    pub fn last_read(&self) -> CallId {
        self.read
    }

    pub fn paused_as(&mut self, call: CallId, result: Result<PauseAnswer, ApiError>) -> Said {
        self.input(Input::Answered { call, answer: Answer::Pause(result) })
    }

    pub fn read_as(&mut self, call: CallId, result: Result<Observed, ApiError>) -> Said {
        self.input(Input::Answered { call, answer: Answer::Read(result) })
    }

    pub fn paused(&mut self, result: Result<PauseAnswer, ApiError>) -> Said {
        self.input(Input::Answered { call: self.pause, answer: Answer::Pause(result) })
    }

    pub fn acted(&mut self, result: Result<(), ApiError>) -> Said {
        self.input(Input::Answered { call: self.act, answer: Answer::Act(result) })
    }

    pub fn read(&mut self, result: Result<Observed, ApiError>) -> Said {
        self.input(Input::Answered { call: self.read, answer: Answer::Read(result) })
    }

    pub fn page(&mut self, result: Result<crate::gate::Page, String>) -> Said {
        self.input(Input::Answered { call: self.page, answer: Answer::Screenshot(result) })
    }

    pub fn recorded(&mut self, result: Result<(), &str>) -> Said {
        self.recorded_as(self.ticket, result)
    }

    pub fn recorded_as(&mut self, ticket: Ticket, result: Result<(), &str>) -> Said {
        self.input(Input::Recorded { ticket, result: result.map_err(str::to_owned) })
    }

    /// Time passes, and the tick comes.
    pub fn after(&mut self, span: Duration) -> Said {
        self.now = self.now.after(span);
        self.input(Input::Tick)
    }

    /// The tick comes when it is wanted.
    pub fn when_due(&mut self) -> Said {
        let due = self.gate.due().expect("something is due");
        self.after(due.saturating_sub(self.now.mono))
    }

    /// A decision on the card as it is now.
    pub fn decide(&mut self, act: Act) -> Said {
        let case = self.gate.case.as_ref().expect("a case");
        let card = case.card();
        let decision = Decision {
            approval: card.approval,
            revision: card.revision,
            digest: card.digest(),
            nonce: None,
            typed: None,
            act,
        };
        self.decide_on(decision)
    }

    pub fn decision(&self, act: Act) -> Decision {
        let card = self.gate.case.as_ref().expect("a case").card();
        Decision {
            approval: card.approval,
            revision: card.revision,
            digest: card.digest(),
            nonce: None,
            typed: None,
            act,
        }
    }

    pub fn decide_on(&mut self, decision: Decision) -> Said {
        self.decide_as("ops", decision)
    }

    /// An operator's decision on the card as it is now.
    pub fn by(&mut self, operator: &str, act: Act) -> Said {
        let decision = self.decision(act);
        self.decide_as(operator, decision)
    }

    fn decide_as(&mut self, operator: &str, decision: Decision) -> Said {
        self.input(Input::Decide { reply: ReplyTo(1), operator: OperatorName(operator.to_owned()), decision })
    }

    pub fn input(&mut self, input: Input) -> Said {
        let effects = self.gate.handle(self.now, &mut self.mint, input);
        self.take(effects)
    }

    /// Starts again from what was kept last.
    pub fn restart(&mut self) -> Said {
        let kept = self.kept();
        self.restart_from(kept)
    }

    pub fn restart_from(&mut self, kept: Kept) -> Said {
        let cursor = self.gate.seen_up_to();
        self.gate = Gate::new(about(), shared(self.settings.clone()), cursor);
        if !kept.is_live() {
            return vec!["nothing to go on from".to_owned()];
        }
        let effects = self.gate.recover(self.now, &mut self.mint, kept);
        self.take(effects)
    }

    /// Starts again from what was kept, while everything is stopped or no longer.
    pub fn restart_from_halted(&mut self, kept: Kept, halt: Option<Halt>) -> Said {
        self.gate = Gate::new(about(), shared(self.settings.clone()), self.gate.seen_up_to());
        let let_go = halt.as_ref().is_some_and(|halt| crate::gate::was_let_go(halt, [&kept]));
        if let Some(halt) = &halt {
            self.gate.begin_halted(halt.clone(), let_go);
        }
        let live = kept.is_live().then_some(kept);
        let effects = live.map(|kept| self.gate.recover(self.now, &mut self.mint, kept));
        let mut said = self.take(effects.unwrap_or_default());
        if let Some(halt) = halt.filter(|_| !let_go) {
            said.extend(self.input(Input::Halt(halt)));
        }
        said
    }

    /// What was kept last.
    pub fn kept(&self) -> Kept {
        self.records.iter().rev().find_map(|record| record.kept.clone()).expect("a record")
    }

    fn take(&mut self, effects: Vec<Effect>) -> Said {
        for effect in &effects {
            match effect {
                Effect::Pause { call } => self.pause = *call,
                Effect::Cancel { call }
                | Effect::Delete { call }
                | Effect::Resume { call, .. }
                | Effect::Message { call, .. } => self.act = *call,
                Effect::Read { call, .. } => self.read = *call,
                Effect::Screenshot { call, .. } => self.page = *call,
                Effect::Record { ticket, record } => {
                    self.ticket = ticket.unwrap_or(self.ticket);
                    self.records.push((**record).clone());
                }
                Effect::Publish(_) | Effect::Notice(_) | Effect::Reply { .. } | Effect::Done { .. } => (),
            }
        }
        effects.iter().map(sentence).collect()
    }
}

pub fn asks() -> Verdict {
    fires(rule("purchase", RuleEffect::Ask))
}

pub fn deny() -> Act {
    Act::Deny { reason: None }
}

/// A rule whose denial sends a refusal and lets the agent go on.
pub fn refusing() -> Verdict {
    let mut rule = rule("purchase", RuleEffect::Ask);
    rule.on_deny = Some(OnDeny::Instruct);
    rule.refusal = Some("No.".to_owned());
    fires(rule)
}

pub fn quiet() -> Verdict {
    Verdict::default()
}

pub fn paused() -> Result<Observed, ApiError> {
    observed("paused", "running")
}

pub fn running() -> Result<Observed, ApiError> {
    observed("running", "running")
}

pub fn waiting() -> Result<Observed, ApiError> {
    observed("running", "waiting_for_input")
}

pub fn ended() -> Result<Observed, ApiError> {
    observed("ready", "finished")
}

fn observed(lifecycle: &str, execution: &str) -> Result<Observed, ApiError> {
    let status = |word: &str| Some(Status(word.to_owned()));
    Ok(Observed { lifecycle: status(lifecycle), execution: status(execution) })
}

pub fn failed<T>(class: ErrorClass) -> Result<T, ApiError> {
    Err(ApiError { call: "POST".to_owned(), class })
}

pub fn lost<T>() -> Result<T, ApiError> {
    failed(ErrorClass::Unknown { detail: "time-out".to_owned() })
}

pub fn refused<T>() -> Result<T, ApiError> {
    failed(ErrorClass::Refused { status: 409, detail: "no".to_owned() })
}

pub fn missing<T>() -> Result<T, ApiError> {
    failed(ErrorClass::NotFound { detail: "gone".to_owned() })
}

pub fn poll(scene: &mut Scene) -> Said {
    scene.after(POLL)
}

fn sentence(effect: &Effect) -> String {
    match effect {
        Effect::Pause { .. } => "pause".to_owned(),
        Effect::Cancel { .. } => "cancel".to_owned(),
        Effect::Delete { .. } => "delete".to_owned(),
        Effect::Resume { release, .. } => format!("resume r{}", release.revision()),
        Effect::Message { release, text, .. } => format!("message r{} {text}", release.revision()),
        Effect::Read { .. } => "read".to_owned(),
        Effect::Screenshot { .. } => "screenshot".to_owned(),
        Effect::Record { ticket, record } => {
            let closed = record.kept.as_ref().and_then(|kept| kept.closed.as_ref());
            let closed = closed.map(|c| format!(" {} {}", c.outcome, c.delivery)).unwrap_or_default();
            let waits = if ticket.is_some() { " and wait" } else { "" };
            format!("record {}{closed}{waits}", record.entry.name())
        }
        Effect::Publish(view) => match &view.state {
            State::Draft => format!("show draft r{}", view.card.revision),
            State::Open => format!("show open r{}{}", view.card.revision, by(&view.votes)),
            State::Deciding { by } => format!("show {} deciding", by.0),
            State::Ended { outcome, delivery, .. } => format!("show {outcome} {delivery}{}", by(&view.votes)),
        },
        Effect::Notice(_) => "notice".to_owned(),
        Effect::Done { result: Ok(done), .. } => format!("done: {}", done.what),
        Effect::Done { result: Err(refusal), .. } => format!("refuse {}", name_of(refusal)),
        Effect::Reply { result, .. } => match result {
            Ok(crate::control::Decided::Outcome { outcome }) => format!("reply {outcome}"),
            Ok(crate::control::Decided::Extended { .. }) => "reply extended".to_owned(),
            Ok(crate::control::Decided::Counted { given, needed }) => format!("reply {given} of {needed}"),
            Err(refusal) => format!("refuse {}", name_of(refusal)),
        },
    }
}

/// Who has approved, where more than one has to.
fn by(votes: &[Vote]) -> String {
    votes.iter().map(|vote| format!(" +{}", vote.by.0)).collect()
}

fn name_of(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoSuchApproval => "no such approval".to_owned(),
        Refusal::Stale { revision } => format!("stale, now r{revision}"),
        Refusal::NotPresented => "not presented".to_owned(),
        Refusal::TooSoon { .. } => "too soon".to_owned(),
        Refusal::NotPausedYet => "not paused yet".to_owned(),
        Refusal::NotConfirmed { .. } => "not confirmed".to_owned(),
        Refusal::Deciding { by } => format!("{by} is deciding"),
        Refusal::AlreadyDecided { outcome, by } => format!("already {outcome} by {by}"),
        Refusal::NotPossible { .. } => "not possible".to_owned(),
        Refusal::ReasonRequired => "reason required".to_owned(),
        Refusal::Excluded { who, .. } => format!("{who} is excluded"),
        Refusal::NotPermitted { who, .. } => format!("{who} may not"),
        Refusal::NoSuchSession => "no such session".to_owned(),
        Refusal::Unverified { .. } => "unverified".to_owned(),
        Refusal::StoreFailed { .. } => "store failed".to_owned(),
        Refusal::Unknown { .. } => "unknown".to_owned(),
        Refusal::Stopping => "stopping".to_owned(),
        Refusal::NotExtendable { .. } => "not extendable".to_owned(),
        Refusal::Unreachable { .. } => "unreachable".to_owned(),
    }
}
