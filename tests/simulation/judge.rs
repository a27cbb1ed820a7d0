//! The judge: what the provider, the disk and the operators saw is held against the invariants. It never asks the daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use holdpoint::api::{ErrorClass, Event, EventKind, SessionId};
use holdpoint::control::{Act, ApprovalView, Decided, Decision, EndedBy, OperatorName, Refusal, Snapshot, State};
use holdpoint::gate::{
    ApprovalId, Closed, Deliver, Delivery, Digest, Entry, Hold, Kept, Outcome, Plan, Record, Revision,
};

use crate::network::What;
use crate::promises::Promises;
use crate::truth::By;
use crate::world::{Happening, World};

pub type Held = Result<(), String>;

/// How soon a pause leaves after the event that asks for it has arrived.
const AT_ONCE: Duration = Duration::from_millis(2);

/// How long after an event has arrived the daemon has to have understood it.
const HEARD: Duration = Duration::from_secs(1);

/// What is remembered of a run.
#[derive(Default)]
pub struct Judge {
    /// Who really approved what, and was shown it.
    approved: BTreeSet<(OperatorName, ApprovalId, Revision, Digest)>,
    /// Who denied what.
    denied: BTreeSet<(OperatorName, SessionId)>,
    /// Who cancelled which session of its own accord.
    pub cancels: BTreeSet<(OperatorName, SessionId)>,
    /// What was approved as it was shown, by enough people.
    agreed: BTreeSet<ApprovalId>,
    /// What operators were told.
    pub promises: Promises,
    /// When paused sessions were gone through last.
    pub holds_looked: Duration,
    /// Resumes by approval, and whether the session was read since.
    resumes: BTreeMap<ApprovalId, bool>,
    /// Messages by approval, and whether the last is known not to have arrived.
    messages: BTreeMap<ApprovalId, bool>,
    /// The approval by which a session was let go last.
    released: BTreeMap<SessionId, ApprovalId>,
    /// When the last pause left.
    paused: BTreeMap<SessionId, Duration>,
    /// What was decided since everything was stopped.
    halted: Option<BTreeSet<ApprovalId>>,
    /// When an approval was first durable.
    opened: BTreeMap<ApprovalId, Duration>,
    /// When something was last written down of a session.
    pub written: BTreeMap<SessionId, Duration>,
    /// When a session last said what every policy asks about.
    risky: BTreeMap<SessionId, Duration>,
    /// What was checked, so that a check that never runs shows.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Judge {
    pub fn is_halted(&self) -> bool {
        self.halted.is_some()
    }

    pub fn halted(&mut self) {
        self.halted.get_or_insert_default();
    }

    pub fn halt_ended(&mut self) {
        self.halted = None;
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

impl World {
    /// A process is gone: what it was asked has no answer, and what only it knew is forgotten.
    pub fn judge_end(&mut self) {
        let checked = self.judge_promises_after_the_end();
        self.holds(checked);
        self.judge_holds_after_the_end();
        // Whoever paused it since a durable release left is forgotten with the process that heard of it.
        let releasing = self.disk.approvals.values().filter(|kept| kept.is_live() && kept.closed.is_some());
        let forgotten = releasing.filter(|kept| kept.owned == Some(true)).map(|kept| kept.card.session.clone());
        for session in forgotten.collect::<Vec<_>>() {
            self.truth(&session).meddled = None;
        }
        self.judge.halted = self.disk.halt.as_ref().map(|_| BTreeSet::new());
    }

    /// A request leaves.
    pub fn judge_call(&mut self, what: &What, session: Option<&SessionId>) -> Held {
        let Some(session) = session else { return Ok(()) };
        match what {
            What::Pause => {
                let now = self.now();
                self.judge.count("pauses");
                self.judge.paused.insert(session.clone(), now);
                Ok(())
            }
            What::Resume => self.judge_resume(session),
            What::Message(text) => self.judge_message(session, text),
            What::List
            | What::Session
            | What::Status
            | What::Messages(_)
            | What::Stream
            | What::Screenshot
            | What::Cancel
            | What::Delete => Ok(()),
        }
    }

    /// Its answer arrives.
    pub fn judge_answer(&mut self, what: &What, session: Option<&SessionId>, answer: Result<(), &ErrorClass>) -> Held {
        let Some(approval) = session.and_then(|session| self.judge.released.get(session)).copied() else {
            return Ok(());
        };
        match (what, answer) {
            (What::Session, _) => drop(self.judge.resumes.entry(approval).and_modify(|read| *read = true)),
            (
                What::Message(_),
                Err(ErrorClass::Unreachable { .. } | ErrorClass::RateLimited { .. } | ErrorClass::Refused { .. }),
            ) => drop(self.judge.messages.entry(approval).and_modify(|again| *again = true)),
            _ => (),
        }
        Ok(())
    }

    fn judge_resume(&mut self, session: &SessionId) -> Held {
        let kept = self.judge_release(session)?;
        self.judge.count("resumes");
        let id = kept.card.approval;
        let closed = kept.closed.as_ref().map(|closed| &closed.deliver);
        if !matches!(closed, Some(Deliver::Resume | Deliver::MessageThenResume { .. })) {
            return Err(format!("invariant 1: {} allows no resume of {session}", id.code()));
        }
        if let Some(Deliver::MessageThenResume { .. }) = closed
            && !self.judge.messages.contains_key(&id)
        {
            return Err(format!("{} resumes {session} before its message was sent", id.code()));
        }
        if self.judge.resumes.insert(id, false) == Some(false) {
            return Err(format!("a resume of {session} was repeated without reading its state"));
        }
        self.judge_owner(session, &kept)
    }

    /// Invariant 8: a stranger's pause ends only by an operator's approval of a card that says that it may be one.
    fn judge_owner(&mut self, session: &SessionId, kept: &Kept) -> Held {
        let truth = &self.sessions[session];
        if truth.held_by() != Some(By::Stranger) {
            return Ok(());
        }
        self.judge.count("resumes of a stranger's pause");
        let closed = kept.closed.as_ref();
        let informed = closed.is_some_and(|closed| matches!(closed.by, EndedBy::Operator { .. }));
        if informed && matches!(kept.card.hold, Hold::InDoubt { .. }) {
            return Ok(());
        }
        // Somebody who resumes and pauses again between two looks is not seen: a pause of ours counts that took effect since we
        // let the session go, or since the last resume of a stranger of which the daemon has heard.
        let heard = truth.meddled.filter(|(_, heard)| *heard + HEARD < self.now());
        let since = truth.released.max(heard.map_or(Duration::ZERO, |(at, _)| at));
        if truth.took.iter().any(|took| *took >= since) {
            return Ok(());
        }
        Err(format!("invariant 8: {session} is resumed, and no pause of ours had stopped it"))
    }

    fn judge_message(&mut self, session: &SessionId, text: &str) -> Held {
        let kept = self.judge_release(session)?;
        self.judge.count("messages");
        let id = kept.card.approval;
        let allowed = match kept.closed.as_ref().map(|closed| &closed.deliver) {
            Some(Deliver::MessageThenResume { text } | Deliver::Message { text }) => Some(text.as_str()),
            Some(Deliver::Resume | Deliver::Cancel | Deliver::Nothing) | None => None,
        };
        if allowed != Some(text) {
            return Err(format!("invariant 1: {} allows no message {text:?}, but {allowed:?}", id.code()));
        }
        if self.judge.messages.insert(id, false) == Some(false) {
            return Err(format!("a message to {session} was repeated on a guess"));
        }
        Ok(())
    }

    /// Invariants 1, 5 and 7: what allows a release is durable, and somebody's answer to what was shown.
    fn judge_release(&mut self, session: &SessionId) -> Result<Kept, String> {
        let releases = self.disk.releases(session);
        let Some(kept) = releases.last().map(|kept| (*kept).clone()) else {
            return Err(format!("invariant 1: {session} is released without a durable approval"));
        };
        if releases.len() > 1 {
            return Err(format!("two approvals release {session} at once"));
        }
        let (id, code) = (kept.card.approval, kept.card.code());
        let Some(closed) = kept.closed.clone() else { return Err("invariant 1: not decided".to_owned()) };
        if kept.plan == Plan::Ask && kept.frozen.is_none() && kept.deadline <= self.wall() {
            return Err(format!("invariant 1: {session} is released after the deadline of {code}"));
        }
        if !self.judge.agreed.contains(&id) {
            self.judge_approval(&kept, &closed)?;
        }
        if let Some(decided) = &self.judge.halted
            && !decided.contains(&id)
        {
            return Err(format!(
                "everything is stopped, and {code}, which no operator decided since, releases {session}"
            ));
        }
        self.judge.released.insert(session.clone(), id);
        Ok(kept)
    }

    /// Who has approved, and whether that is enough.
    fn judge_approval(&mut self, kept: &Kept, closed: &Closed) -> Held {
        let code = kept.card.code();
        match (closed.outcome, &closed.by) {
            (Outcome::Approved, EndedBy::Operator { name, .. }) => {
                let card = (kept.card.approval, closed.revision, kept.card.digest());
                let mut approvers = self.judge.promises.voters(&card);
                approvers.insert(name.clone());
                let really =
                    |name: &OperatorName| self.judge.approved.contains(&(name.clone(), card.0, card.1, card.2));
                if let Some(name) = approvers.iter().find(|name| !really(name)) {
                    return Err(format!("invariant 7: {} did not approve {code} as it is", name.0));
                }
                if approvers.len() < usize::from(kept.card.terms.approvals) {
                    return Err(format!("invariant 1: {code} takes {} approvals", kept.card.terms.approvals));
                }
                self.judge.count("approvals of operators");
                self.judge.agreed.insert(kept.card.approval);
                Ok(())
            }
            (Outcome::Approved, EndedBy::Rule { .. })
                if matches!(kept.plan, Plan::Cooldown { .. } | Plan::Instruct { .. }) =>
            {
                Ok(())
            }
            (Outcome::Denied, _) if kept.card.then.refusal.is_some() => Ok(()),
            (outcome, by) => Err(format!("invariant 5: {code} was {outcome} by {by:?}, and that releases")),
        }
    }

    /// A record becomes durable.
    pub fn judge_record(&mut self, record: &Record) -> Held {
        let Some(kept) = &record.kept else { return Ok(()) };
        let (id, code, now) = (kept.card.approval, kept.card.code(), self.now());
        self.judge.opened.entry(id).or_insert(now);
        self.judge.promises.recorded(record, kept);
        let Some(closed) = &kept.closed else { return Ok(()) };
        if record.entry == Entry::Decided {
            self.judge.count("outcomes");
            match (closed.outcome, &closed.by) {
                (Outcome::Approved, _) => self.judge_approval(kept, closed)?,
                (Outcome::Denied, EndedBy::Operator { name, .. }) if !self.has_denied(name, kept) => {
                    return Err(format!("{} did not deny {code}", name.0));
                }
                (Outcome::Expired, by) if *by != EndedBy::Deadline => {
                    return Err(format!("{code} expired by {by:?}"));
                }
                // A wall clock that is set ends a time early, and never late.
                (Outcome::Expired, _) if self.setup.faults.jumps == 0 => {
                    self.judge.promises.had_its_time(id, closed.at)?;
                }
                _ => (),
            }
        }
        Ok(())
    }

    fn has_denied(&self, name: &OperatorName, kept: &Kept) -> bool {
        // A denial while an approval is delivered opens another one.
        let said = (name.clone(), kept.card.session.clone());
        self.judge.denied.contains(&said) || self.judge.cancels.contains(&said)
    }

    /// An operator decides; what it has really seen is what counts.
    pub fn judge_decision(
        &mut self,
        name: &OperatorName,
        view: &ApprovalView,
        decision: &Decision,
        presented: bool,
    ) -> u64 {
        let id = decision.approval;
        let same = decision.revision == view.card.revision && decision.digest == view.digest && presented;
        let act = match &decision.act {
            Act::Approve { .. } => "approve",
            Act::Instruct { .. } => "instruct",
            Act::Answer { .. } => "answer",
            Act::Deny { .. } => "deny",
            Act::Extend => "extend",
        };
        self.step(format_args!(
            "{} decides {}: {act} r{}{}",
            name.0,
            id.code(),
            decision.revision,
            if same { "" } else { ", clumsily" }
        ));
        match decision.act {
            Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } => {
                if same {
                    self.judge.approved.insert((name.clone(), id, decision.revision, decision.digest));
                }
            }
            Act::Deny { .. } => drop(self.judge.denied.insert((name.clone(), view.card.session.clone()))),
            Act::Extend => return self.asks(),
        }
        if let Some(decided) = &mut self.judge.halted {
            decided.insert(id);
        }
        self.asks()
    }

    /// An operator asks for something.
    pub fn asks(&mut self) -> u64 {
        let now = self.now();
        self.judge.promises.asks(now)
    }

    pub fn judge_decided(
        &mut self,
        asked: u64,
        by: &OperatorName,
        decision: &Decision,
        answer: &Result<Decided, Refusal>,
    ) -> Held {
        let told = match answer {
            Ok(Decided::Counted { given, needed }) if given >= needed => {
                Err(format!("all approvals that {} takes only count", decision.approval.code()))
            }
            Ok(decided) => {
                self.judge.count(match decided {
                    Decided::Outcome { outcome: Outcome::Approved } => "approvals confirmed",
                    Decided::Outcome { .. } => "denials confirmed",
                    Decided::Counted { .. } => "votes counted",
                    Decided::Extended { .. } => "extensions",
                });
                self.judge_told(asked, by, decision, decided)
            }
            Err(_) => {
                self.judge.count("decisions refused");
                Ok(())
            }
        };
        self.judge.promises.is_answered(asked);
        told
    }

    /// What an operator is shown, `made` promises having been made before it asked.
    pub fn judge_snapshot(&mut self, snapshot: &Snapshot, made: usize) {
        let checked = self.judge_shown(snapshot, made);
        self.holds(checked);
        for view in &snapshot.approvals {
            let id = view.card.approval;
            let stands =
                self.disk.approvals.get(&id).and_then(|kept| kept.closed.as_ref()).map(|closed| closed.outcome);
            if let State::Ended { outcome: Outcome::Approved, .. } = view.state
                && stands != Some(Outcome::Approved)
            {
                self.breaks(format!("invariant 1: {} is shown as approved and is {stands:?}", id.code()));
            }
            if view.digest != view.card.digest() {
                self.breaks(format!("invariant 7: {} is shown with another card's digest", id.code()));
            }
        }
    }

    /// Something is said. What asks is written down sooner or later, however it becomes known.
    pub fn judge_said(&mut self, id: &SessionId, event: &Event) {
        let now = self.now();
        if is_risky(event) {
            self.judge.risky.insert(id.clone(), now);
        }
    }

    /// An event arrives at the daemon. One that asks is answered with a pause, whatever else is slow.
    pub fn judge_item(&mut self, id: &SessionId, event: &Event, live: bool, said: Duration) {
        let held = self.disk.approvals.values().any(|kept| kept.card.session == *id && kept.is_live());
        if live && is_risky(event) && !held && !self.judge.is_halted() && self.sessions[id].runs() {
            self.after(AT_ONCE, Happening::Due(id.clone(), said));
        }
    }

    /// Whether a pause has left since what was said at `said`, which has just arrived; a poll may have brought it before.
    pub fn judge_due(&mut self, id: &SessionId, said: Duration) -> Held {
        let left = self.judge.paused.get(id).is_some_and(|left| *left >= said);
        if left || !self.sessions[id].runs() {
            self.judge.count("pauses in time");
            return Ok(());
        }
        Err(format!("invariant 3: {id} asked for a pause at {} and none has left", said.as_millis()))
    }

    /// While everything is stopped and the network is well, nothing runs for long that nobody has let go.
    pub fn judge_stopped(&mut self) -> Held {
        let Some(decided) = self.judge.halted.clone().filter(|_| self.disk.halt.is_some()) else { return Ok(()) };
        self.judge.count("stops of everything");
        let of = |id: &ApprovalId| self.disk.approvals.get(id).map(|kept| &kept.card.session);
        let let_go: BTreeSet<&SessionId> = decided.iter().filter_map(of).collect();
        match self.sessions.values().find(|truth| truth.runs() && !let_go.contains(&truth.id)) {
            Some(truth) => Err(format!("everything is stopped, and {} runs, which nobody has let go", truth.id)),
            None => Ok(()),
        }
    }

    /// Whether everything has come to its end.
    pub fn at_rest(&self) -> bool {
        let done = |kept: &Kept| kept.closed.as_ref().is_some_and(|closed| closed.delivery != Delivery::Applying);
        let still = self
            .sessions
            .values()
            .all(|truth| truth.gone || truth.task != crate::truth::Task::Running || truth.paused.is_some());
        self.disk.approvals.values().all(done)
            && self.disk.halt.is_none()
            && still
            && self.judge.promises.all_answered()
    }

    /// When the world has been well for long: nothing hangs, nothing is forgotten.
    pub fn judge_end_of_run(&mut self) -> Held {
        for (id, kept) in &self.disk.approvals {
            let Some(closed) = &kept.closed else {
                return Err(format!("liveness: {} of {} never got an outcome", id.code(), kept.card.session));
            };
            if closed.delivery == Delivery::Applying {
                return Err(format!("liveness: {} is still being delivered", id.code()));
            }
        }
        self.judge_promises_at_rest()?;
        if !self.judge.promises.all_answered() {
            return Err("an operator never got an answer".to_owned());
        }
        for (id, said) in &self.judge.risky {
            let written = self.judge.written.get(id).is_some_and(|written| written >= said);
            if !written && !self.sessions[id].gone {
                return Err(format!("invariant 4: what {id} said at {} is written down nowhere", said.as_millis()));
            }
        }
        self.judge_holds_at_rest()
    }
}

/// Whether every configuration has a rule that asks about this, or denies it.
fn is_risky(event: &Event) -> bool {
    let asks = ["buy", "transfer", "sell", "drop"].iter().any(|word| event.text.contains(word));
    asks && matches!(event.kind, EventKind::Thought | EventKind::Unknown(_))
}
