//! The world around one gate: carries its effects out, with the faults it is told to have, and keeps the log.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use crate::api::{ErrorClass, Event, EventKind, MessageId, PauseAnswer, Status};
use crate::clock::Moment;
use crate::control::{Act, ApprovalView, Decision, Halt, OperatorName, SessionAct};
use crate::gate::{
    Answer, ApprovalId, CallId, Digest, Effect, Entry, Gate, Input, Kept, Observed, Page, Record, ReplyTo, Settings,
    Ticket, was_let_go,
};
use crate::policy::{self, OnTimeout, Verdict};

use super::super::harness::{Counting, about, settings, shared, start};
use super::checks::Checks;
use super::provider::{By, Provider, Task, error, refused};
use super::words::{brief, short, verdict};
use super::{Action, Card, Does, Fault, Meddles, Rule, Says, Setup, Span, Who};

/// How long a pause that was given up may be on its way here: a little less than the gate has to reckon with.
const ON_ITS_WAY: Duration = Duration::from_secs(100);

/// A call on its way.
#[derive(Debug)]
struct Call {
    id: CallId,
    what: What,
    /// What it was answered, and the numbered events that the answer brings.
    answer: Option<(Answer, Vec<MessageId>)>,
}

#[derive(Clone, Debug)]
enum What {
    Pause,
    Cancel,
    Delete,
    Resume,
    Message(String),
    Read,
    Page,
}

#[derive(Debug)]
pub struct World {
    pub gate: Gate,
    settings: std::sync::Arc<Settings>,
    pub now: Moment,
    mint: Counting,
    pub provider: Provider,
    calls: Vec<Call>,
    /// Until when pauses may take effect of which no answer tells.
    given_up: Vec<Duration>,
    queue: Vec<(Option<Ticket>, Record)>,
    pub durable: Vec<Record>,
    cursor: MessageId,
    pub views: BTreeMap<ApprovalId, Vec<ApprovalView>>,
    /// What clients were shown before the last crash: they may still decide on it.
    old_views: BTreeMap<ApprovalId, Vec<ApprovalView>>,
    next_reply: u64,
    /// The status that the watcher told last.
    told: Option<Status>,
    /// What the watcher has read and not told yet.
    read: Option<Status>,
    /// The stop of everything as the disk has it: a restart finds it.
    halt: Option<Halt>,
    /// How many stops there were.
    halts: u64,
    checks: Checks,
    /// What happened, in words; only for a run that is told.
    log: Option<Vec<String>>,
}

pub type Held = Result<(), String>;

impl World {
    pub fn new(setup: Setup, told: bool) -> Self {
        let mut settings = settings();
        if setup.keeps_on_timeout {
            settings.on_timeout = OnTimeout::KeepPaused;
        }
        settings.delete_when_cancel_fails = setup.deletes;
        settings.screenshots = setup.screenshots;
        settings.consent.approvals = Some(setup.needed);
        if setup.excludes {
            settings.consent.not_by = [name(Who::Three).0].into();
        }
        let settings = shared(settings);
        Self {
            gate: Gate::new(about(), settings.clone(), MessageId(0)),
            settings,
            now: start(),
            mint: Counting::default(),
            provider: Provider::new(setup.hides_pauses),
            calls: Vec::new(),
            given_up: Vec::new(),
            queue: Vec::new(),
            durable: Vec::new(),
            cursor: MessageId(0),
            views: BTreeMap::new(),
            old_views: BTreeMap::new(),
            next_reply: 0,
            told: None,
            read: None,
            halt: None,
            halts: 0,
            checks: Checks::default(),
            log: told.then(Vec::new),
        }
    }

    pub fn report(&self, broken: &str) -> String {
        format!(
            "{broken}\n{}\nphase {:?}\nprovider {:?}",
            self.log.iter().flatten().cloned().collect::<Vec<_>>().join("\n"),
            self.gate.phase,
            self.provider
        )
    }

    fn tell(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = line(self);
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    /// Does all of it, and winds down.
    pub fn run(&mut self, actions: &[Action]) -> Held {
        self.input(Input::CaughtUp)?;
        actions.iter().try_for_each(|action| self.act(action))?;
        self.wind_down()
    }

    pub fn act(&mut self, action: &Action) -> Held {
        self.tell(|_| format!("── {action:?}"));
        match action {
            Action::Agent(says, rule) => self.agent(*says, *rule),
            Action::Begin(rule) => {
                if self.provider.runs() && self.provider.step.is_none() {
                    self.provider.step = Some(verdict(*rule));
                }
            }
            Action::Finish => self.provider.finish_step(),
            Action::Stream(events) => self.stream(usize::from(*events))?,
            Action::Carry(which, fault) => self.carry(usize::from(*which), *fault)?,
            Action::CrossPause(fault) => self.cross_pause(*fault)?,
            Action::Lands => self.lands(),
            Action::Settle => self.settle(20)?,
            Action::Write => self.write(true)?,
            Action::WriteFails => self.write(false)?,
            Action::Decide(does, card, who) => self.decide(*does, *card, *who)?,
            Action::Direct(act) => self.direct(*act)?,
            Action::Halt => self.halt()?,
            Action::EndHalt => self.end_halt()?,
            Action::Policy(rule) => {
                // What has passed already has passed.
                self.input(Input::Tick)?;
                let verdicts = self.gate.open_card().map(|_| verdict(*rule)).into_iter().collect();
                self.checks.stops.before_policy(&self.gate);
                let settings = self.settings.clone();
                self.input(Input::Reconfigured { settings, verdicts })?;
                self.checks.stops.after_policy(&self.gate)?;
            }
            Action::Stranger(meddles) => self.meddle(*meddles)?,
            Action::Wait(span) => self.wait(match span {
                Span::Blink => Duration::from_millis(50),
                Span::Second => Duration::from_secs(1),
                Span::Poll => Duration::from_secs(4),
                Span::Minute => Duration::from_secs(70),
                Span::Deadline => Duration::from_secs(601),
            })?,
            Action::Jump(seconds) => {
                let by = SignedDuration::from_secs(i64::from(*seconds));
                self.now.wall = self.now.wall.checked_add(by).unwrap();
            }
            Action::Crash => self.crash()?,
            Action::Stop => self.stop()?,
            Action::Poll => self.poll()?,
            Action::LatePoll => self.late_poll()?,
            Action::Blind => self.input(Input::Blind { why: "no heartbeat".to_owned() })?,
            Action::Sighted => {
                self.stream(usize::MAX)?;
                self.input(Input::Sighted)?;
            }
            Action::Gap => self.input(Input::Gap { after: self.gate.seen_up_to(), why: "a hole".to_owned() })?,
        }
        self.checks.after_every_step(&self.gate, &self.views, self.calls.len() + self.queue.len())
    }

    fn agent(&mut self, says: Says, rule: Rule) {
        if !self.provider.runs() {
            return;
        }
        let kind = match says {
            Says::Thought => EventKind::Thought,
            Says::Step => EventKind::Step,
            Says::Question => EventKind::Question,
            Says::Done => EventKind::Done,
            Says::Error => EventKind::Error,
            Says::Log => EventKind::Log,
        };
        self.provider.says(kind, "the agent speaks", verdict(rule));
        match says {
            Says::Question => self.provider.task = Task::Waiting,
            Says::Done => (self.provider.task, self.provider.step) = (Task::Idle, None),
            Says::Thought | Says::Step | Says::Error | Says::Log => (),
        }
    }

    fn stream(&mut self, most: usize) -> Held {
        for _ in 0..most {
            let Some(i) = self.provider.said.iter().position(|said| !said.seen) else { return Ok(()) };
            self.hand_over(i, false)?;
        }
        Ok(())
    }

    fn hand_over(&mut self, i: usize, backlog: bool) -> Held {
        let said = &mut self.provider.said[i];
        said.seen = true;
        let (event, verdict) = (said.event.clone(), said.verdict.clone());
        let foreign = said.foreign.filter(|_| !backlog);
        if let Some(took) = foreign {
            self.checks.saw_foreign_resume(&self.gate, took);
        }
        let foreseen = self.foresee(&event, &verdict, backlog);
        self.input_after(foreseen, Input::Seen { event, verdict, backlog })
    }

    /// For every other event that holds, the pause leaves before the verdict is whole.
    fn foresee(&mut self, event: &Event, verdict: &Verdict, backlog: bool) -> bool {
        let told = verdict.effect > policy::Effect::Alert && event.id.is_some_and(|id| id.0 % 2 == 0);
        let Some(call) = told.then(|| self.gate.foresee(event, backlog)).flatten() else { return false };
        self.tell(|_| format!("      {call:?} leaves ahead of the verdict"));
        self.checks.pauses += 1;
        self.calls.push(Call { id: call, what: What::Pause, answer: None });
        true
    }

    fn carry(&mut self, which: usize, fault: Fault) -> Held {
        if self.calls.is_empty() {
            return Ok(());
        }
        let which = which % self.calls.len();
        if self.calls[which].answer.is_none() {
            let what = self.calls[which].what.clone();
            let unread = self.provider.unread();
            let answer = self.arrive(&what, fault);
            let brings = if matches!(answer, Answer::Read(Ok(_))) { unread } else { Vec::new() };
            self.tell(|world| format!("   {:?} {what:?} arrives: {answer:?}", world.calls[which].id));
            self.calls[which].answer = Some((answer, brings));
            return Ok(());
        }
        let call = self.calls.remove(which);
        let Some((answer, brings)) = call.answer else { return Ok(()) };
        for id in brings {
            let unseen = |said: &super::provider::Said| said.event.id == Some(id) && !said.seen;
            if let Some(i) = self.provider.said.iter().position(unseen) {
                self.hand_over(i, false)?;
            }
        }
        self.checks.answered(call.id, &answer);
        self.input(Input::Answered { call: call.id, answer })
    }

    /// A stranger is faster than a pause of ours that is on its way.
    fn cross_pause(&mut self, fault: Fault) -> Held {
        let on_its_way = |call: &Call| matches!(call.what, What::Pause) && call.answer.is_none();
        let Some(which) = self.calls.iter().position(on_its_way) else { return Ok(()) };
        drop(self.provider.pause(By::Stranger));
        self.carry(which, fault)
    }

    /// One that was given up takes effect.
    fn lands(&mut self) {
        self.given_up.retain(|until| self.now.mono < *until);
        if self.given_up.pop().is_some() {
            drop(self.provider.pause(By::Us));
        }
    }

    fn arrive(&mut self, what: &What, fault: Fault) -> Answer {
        self.checks.stops.stands(&self.provider);
        if fault == Fault::LostBefore && matches!(what, What::Pause) {
            self.given_up.push(self.now.mono + ON_ITS_WAY);
        }
        let failure = match fault {
            Fault::No | Fault::LostAfter | Fault::Hedged => None,
            Fault::LostBefore => Some(ErrorClass::Unknown { detail: "reset".to_owned() }),
            Fault::Unreachable => Some(ErrorClass::Unreachable { detail: "no route".to_owned() }),
            Fault::Limited => Some(ErrorClass::RateLimited { retry_after: None }),
            Fault::Missing if matches!(what, What::Pause) => {
                Some(ErrorClass::NotFound { detail: "a gateway".to_owned() })
            }
            Fault::Unauthorized if matches!(what, What::Pause) => {
                Some(ErrorClass::Auth { status: 401, detail: "a gateway".to_owned() })
            }
            Fault::Refused | Fault::Missing | Fault::Unauthorized => {
                return match what {
                    What::Pause => Answer::Pause(Err(refused("no"))),
                    What::Read => Answer::Read(Err(refused("no"))),
                    What::Page => Answer::Screenshot(Err("no".to_owned())),
                    What::Cancel | What::Delete | What::Resume | What::Message(..) => Answer::Act(Err(refused("no"))),
                };
            }
        };
        let lost = failure
            .or_else(|| (fault == Fault::LostAfter).then(|| ErrorClass::Unknown { detail: "time-out".to_owned() }));
        let happens = matches!(fault, Fault::No | Fault::LostAfter | Fault::Hedged);
        match what {
            What::Pause => {
                let result = happens.then(|| self.provider.pause(By::Us));
                let result = result.map(|result| {
                    result.map(|answer| if fault == Fault::Hedged { PauseAnswer::InDoubt } else { answer })
                });
                Answer::Pause(lost.map_or_else(|| result.unwrap(), |class| Err(error(class))))
            }
            What::Read => Answer::Read(lost.map_or_else(|| self.provider.read(), |class| Err(error(class)))),
            What::Page => Answer::Screenshot(if happens { Ok(Page::default()) } else { Err("no page".to_owned()) }),
            What::Cancel | What::Delete | What::Resume | What::Message(..) => {
                let result = happens.then(|| match what {
                    What::Cancel => self.provider.cancel(),
                    What::Resume => self.provider.resume(By::Us),
                    What::Message(text) => self.provider.message(text),
                    What::Delete | What::Pause | What::Read | What::Page => {
                        self.provider.delete();
                        Ok(())
                    }
                });
                Answer::Act(lost.map_or_else(|| result.unwrap(), |class| Err(error(class))))
            }
        }
    }

    /// Everything arrives, as far as it can without time.
    pub fn settle(&mut self, rounds: usize) -> Held {
        for _ in 0..rounds {
            if self.calls.is_empty() && self.queue.is_empty() && self.provider.said.iter().all(|said| said.seen) {
                return Ok(());
            }
            self.stream(usize::MAX)?;
            self.write(true)?;
            while !self.calls.is_empty() {
                self.carry(0, Fault::No)?;
                self.carry(0, Fault::No)?;
                self.write(true)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, works: bool) -> Held {
        let queue = std::mem::take(&mut self.queue);
        for (ticket, record) in queue {
            if works {
                self.checks.written(&record)?;
                self.durable.push(record);
                if let Some(ticket) = ticket {
                    self.input(Input::Recorded { ticket, result: Ok(()) })?;
                }
            } else if let Some(ticket) = ticket {
                self.input(Input::Recorded { ticket, result: Err("the disk is full".to_owned()) })?;
            } else {
                self.queue.push((None, record));
            }
        }
        if self.queue.is_empty() {
            self.cursor = self.gate.seen_up_to();
        }
        Ok(())
    }

    fn decide(&mut self, does: Does, card: Card, who: Who) -> Held {
        let Some(views) = self.views.values().last().or(self.old_views.values().last()) else { return Ok(()) };
        let index = match card {
            Card::Newest | Card::Forged => views.len() - 1,
            Card::Older => views.len().saturating_sub(2),
        };
        let view = views[index].clone();
        let text = "as typed".to_owned();
        let act = match does {
            Does::Approve => Act::approve(),
            Does::Deny => Act::Deny { reason: None },
            Does::Extend => Act::Extend,
            Does::Instruct => Act::Instruct { text },
            Does::Answer => Act::Answer { text },
        };
        let digest = if matches!(card, Card::Forged) { Digest::ZERO } else { view.digest };
        let decision = Decision {
            approval: view.card.approval,
            revision: view.card.revision,
            digest,
            nonce: None,
            typed: None,
            act,
        };
        self.next_reply += 1;
        let reply = ReplyTo(self.next_reply);
        let operator = name(who);
        self.checks.decided(self.now, reply, &operator, &decision, &self.views);
        self.input(Input::Decide { reply, operator, decision })
    }

    fn direct(&mut self, act: SessionAct) -> Held {
        self.next_reply += 1;
        let reply = ReplyTo(self.next_reply);
        self.checks.stops.asked(reply);
        let operator = OperatorName(format!("ops{}", self.next_reply));
        self.input(Input::Directed { reply, operator, act, reason: None })
    }

    fn halt(&mut self) -> Held {
        // What has passed already has passed.
        self.input(Input::Tick)?;
        // No two begin at the same time, though the clock may be set back between them.
        self.halts += 1;
        let at = self.now.wall + Duration::from_nanos(self.halts);
        let halt = Halt { by: OperatorName("chief".to_owned()), at, reason: None };
        self.halt = Some(halt.clone());
        self.checks.stops.halted();
        self.input(Input::Halt(halt))
    }

    /// As the watcher does: an answer only, and only another one.
    fn poll(&mut self) -> Held {
        let Ok(Observed { execution: Some(status), .. }) = self.provider.read() else { return Ok(()) };
        if self.told.replace(status.clone()) == Some(status.clone()) {
            return Ok(());
        }
        self.input(Input::Status(status))
    }

    /// A status that is read now and told later, in other words than those of before.
    fn late_poll(&mut self) -> Held {
        let Some(status) = self.read.take() else {
            self.read = self.provider.read().ok().and_then(|seen| seen.execution);
            return Ok(());
        };
        let status = if status.0 == "finished" { Status("completed".to_owned()) } else { status };
        if self.told.replace(status.clone()) == Some(status.clone()) {
            return Ok(());
        }
        self.input(Input::Status(status))
    }

    /// While everything is stopped and the network is well, nothing runs for long that nobody has let go.
    fn one_healthy_stop(&mut self) -> Held {
        if self.halt.is_none() {
            return Ok(());
        }
        for _ in 0..40 {
            self.settle(50)?;
            self.poll()?;
            self.settle(50)?;
            if !self.provider.runs() || self.checks.stops.has_let_go() {
                return Ok(());
            }
            self.now = self.now.after(super::super::harness::POLL);
            self.input(Input::Tick)?;
        }
        Err("everything is stopped, and a session runs that nobody has let go".to_owned())
    }

    fn end_halt(&mut self) -> Held {
        self.halt = None;
        self.checks.stops.ended();
        self.input(Input::EndHalt)
    }

    fn meddle(&mut self, meddles: Meddles) -> Held {
        match meddles {
            Meddles::Resumes => drop(self.provider.resume(By::Stranger)),
            Meddles::Pauses => drop(self.provider.pause(By::Stranger)),
            Meddles::Cancels => drop(self.provider.cancel()),
            Meddles::Deletes => self.provider.delete(),
            Meddles::Answers => drop(self.provider.message("somebody's answer")),
            Meddles::Wakes => {
                // The watcher has seen how it was before.
                self.poll()?;
                self.provider.wake();
            }
        }
        Ok(())
    }

    fn wait(&mut self, span: Duration) -> Held {
        let end = self.now.after(span);
        for _ in 0..2000 {
            let Some(due) = self.gate.due().filter(|due| *due <= end.mono) else {
                self.now = end;
                return self.input(Input::Tick);
            };
            let by = due.saturating_sub(self.now.mono);
            self.now = self.now.after(by);
            self.input(Input::Tick)?;
        }
        Err("the gate wants to be woken again and again at the same time".to_owned())
    }

    /// What is under way comes to its end, and nothing new begins.
    fn stop(&mut self) -> Held {
        self.input(Input::Stop)?;
        self.checks.stopped = true;
        let settled = self.settle(10);
        self.checks.stopped = false;
        settled?;
        self.crash()
    }

    fn crash(&mut self) -> Held {
        let pauses = self.calls.drain(..).filter(|call| matches!(call.what, What::Pause) && call.answer.is_none());
        let until = self.now.mono + ON_ITS_WAY;
        self.given_up.extend(pauses.map(|_| until));
        (self.told, self.read) = (None, None);
        let lost: Vec<_> = std::mem::take(&mut self.queue).into_iter().map(|(_, record)| record).collect();
        self.checks.crashed(&self.durable, &lost);
        let asked_anew = lost.iter().any(|record| record.entry == Entry::Opened);
        if !self.views.is_empty() {
            self.old_views = std::mem::take(&mut self.views);
        }
        let mut live = BTreeMap::new();
        for kept in self.durable.iter().filter_map(|record| record.kept.as_ref()) {
            live.insert(kept.card.approval, kept.clone());
        }
        let (live, done): (Vec<_>, Vec<_>) = live.into_values().partition(Kept::is_live);
        // What is not on a kept card is read again.
        self.cursor = live.iter().map(|kept| kept.seen_up_to).fold(self.cursor, MessageId::min);
        self.gate = Gate::new(about(), self.settings.clone(), self.cursor);
        let let_go = live.is_empty() && self.halt.as_ref().is_some_and(|halt| was_let_go(halt, &done));
        if let Some(halt) = &self.halt {
            self.gate.begin_halted(halt.clone(), let_go);
            self.checks.stops.restarted(let_go, asked_anew)?;
        }
        if live.len() > 1 {
            return Err("two approvals are live at once".to_owned());
        }
        // What is taken up is driven before anybody looked.
        if !live.is_empty() {
            self.gate.begin_perhaps_paused();
        }
        if live.is_empty() && self.provider.paused.or(self.provider.pausing).is_none() {
            self.gate.begin_after_another(self.now.mono);
        }
        // A list may be behind.
        if live.is_empty() && self.halt.is_some() && !self.provider.is_listed_paused() {
            self.gate.begin_listed_at_rest(self.now.mono);
        }
        self.checks.found(live.is_empty() && self.provider.paused == Some(By::Us));
        for kept in live {
            let effects = self.gate.recover(self.now, &mut self.mint, kept);
            self.carry_out(effects)?;
            self.checks.owned(&self.gate, &self.provider);
        }
        if let Some(halt) = self.halt.clone().filter(|_| !let_go) {
            self.input(Input::Halt(halt))?;
        }
        for i in 0..self.provider.said.len() {
            let Some(id) = self.provider.said[i].event.id else {
                self.provider.said[i].seen = true;
                continue;
            };
            if id > self.cursor {
                self.hand_over(i, true)?;
            }
        }
        self.input(Input::CaughtUp)
    }

    fn input(&mut self, input: Input) -> Held {
        self.input_after(false, input)
    }

    /// `foreseen`: its pause has left.
    fn input_after(&mut self, foreseen: bool, input: Input) -> Held {
        self.tell(|world| format!(" {} ▶ {}", world.now.mono.as_millis(), brief(&input)));
        let expected = self.checks.before(&self.gate, &input);
        let effects = self.gate.handle(self.now, &mut self.mint, input);
        let first = effects.first().cloned();
        self.carry_out(effects)?;
        self.checks.owned(&self.gate, &self.provider);
        self.checks.stops.after(&self.gate, &self.provider)?;
        let pauses = matches!(first, Some(Effect::Pause { .. }));
        if expected && !foreseen && !pauses {
            return Err("invariant 3: a rule fired and the first effect is no pause".to_owned());
        }
        if foreseen && (!expected || pauses) {
            return Err("a pause that left ahead is for no hold, or was sent again".to_owned());
        }
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Held {
        for effect in &effects {
            self.tell(|_| format!("      {}", short(effect)));
        }
        self.checks.effects(self.now, &effects, &self.durable, &self.provider)?;
        for effect in effects {
            let (id, what) = match effect {
                Effect::Pause { call } => (call, What::Pause),
                Effect::Cancel { call } => (call, What::Cancel),
                Effect::Delete { call } => (call, What::Delete),
                Effect::Resume { call, .. } => (call, What::Resume),
                Effect::Message { call, text, .. } => (call, What::Message(text)),
                Effect::Read { call, .. } => (call, What::Read),
                Effect::Screenshot { call, .. } => (call, What::Page),
                Effect::Record { ticket, record } => {
                    self.queue.push((ticket, *record));
                    continue;
                }
                Effect::Publish(view) => {
                    self.views.entry(view.card.approval).or_default().push(*view);
                    continue;
                }
                Effect::Notice(_) | Effect::Reply { .. } | Effect::Done { .. } => continue,
            };
            self.calls.push(Call { id, what, answer: None });
        }
        Ok(())
    }

    /// A healthy provider and store, nobody to answer, and much time: everything must come to its end.
    pub fn wind_down(&mut self) -> Held {
        self.tell(|_| "── wind down".to_owned());
        self.given_up.clear();
        self.one_healthy_stop()?;
        self.end_halt()?;
        self.provider.finish_step();
        self.settle(50)?;
        self.one_healthy_poll()?;
        self.poll()?;
        for round in 0..200 {
            self.provider.finish_step();
            self.settle(50)?;
            let Some(due) = self.gate.due() else { break };
            if self.is_at_rest() {
                break;
            }
            let coarse = Duration::from_secs(if round < 10 { 0 } else { 20 });
            let by = due.saturating_sub(self.now.mono).max(coarse);
            self.now = self.now.after(by);
            self.input(Input::Tick)?;
        }
        self.settle(50)?;
        if !self.is_at_rest() {
            return Err("liveness: the session never comes to rest".to_owned());
        }
        self.checks.at_rest(&self.gate, &self.durable, &self.provider)
    }

    fn is_at_rest(&self) -> bool {
        use crate::gate::phase::Phase;
        matches!(self.gate.phase, Phase::Watching | Phase::Over | Phase::Kept(_))
            && self.calls.is_empty()
            && !self.gate.looks_for_strays()
    }

    /// A session that runs although it is held is paused within one poll.
    fn one_healthy_poll(&mut self) -> Held {
        if !self.provider.runs() || !self.checks.is_held(&self.gate) {
            return Ok(());
        }
        let before = self.checks.pauses;
        let end = self.now.after(super::super::harness::POLL);
        while let Some(due) = self.gate.due().filter(|due| *due <= end.mono) {
            self.now = self.now.after(due.saturating_sub(self.now.mono));
            self.input(Input::Tick)?;
            self.settle(50)?;
            if self.checks.pauses > before || !self.checks.is_held(&self.gate) {
                return Ok(());
            }
        }
        Err("invariant 8: a held session runs, and no pause left within one poll".to_owned())
    }
}

fn name(who: Who) -> OperatorName {
    let name = match who {
        Who::One => "ops1",
        Who::Two => "ops2",
        Who::Three => "ops3",
    };
    OperatorName(name.to_owned())
}
