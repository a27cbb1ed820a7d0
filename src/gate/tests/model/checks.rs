//! The invariants of the crate's first page, as far as they concern the gate, each as a check with its number.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{ApiError, ErrorClass, EventKind};
use crate::clock::Moment;
use crate::control::{Act, ApprovalView, Decided, Decision, EndedBy, OperatorName, State};
use crate::gate::phase::Phase;
use crate::gate::{
    Answer, ApprovalId, CallId, Closed, Delivery, Digest, Effect, Entry, Gate, Hold, Input, Kept, Outcome, Plan,
    Record, Release, ReplyTo, Revision,
};
use crate::policy;

use super::provider::{By, Provider};
use super::stops::Stops;
use super::world::Held;

/// What the checks remember of a run.
#[derive(Debug, Default)]
pub struct Checks {
    pub pauses: u64,
    /// Who really approved what: the newest card, as it was shown as open.
    approved: Vec<(OperatorName, ApprovalId, Revision, Digest)>,
    /// The outcome of each approval as this process has it.
    emitted: BTreeMap<ApprovalId, Outcome>,
    /// The outcome of each approval as the disk has it.
    written: BTreeMap<ApprovalId, Outcome>,
    /// How many of our pauses had taken effect when the present hold was last known to begin, and the pause it began with.
    holds_since: (Option<CallId>, u64),
    /// How many of our pauses counted before a stranger's resume was seen of which nothing is written down: a crash forgets it.
    unwritten: Option<u64>,
    /// Whether the daemon is stopping: nothing that would release may begin.
    pub stopped: bool,
    /// Messages sent, by approval, and whether the last is known not to have arrived.
    messages: BTreeMap<ApprovalId, (CallId, bool)>,
    /// Resumes sent, by approval, and whether the session was read since.
    resumes: BTreeMap<ApprovalId, bool>,
    replies: BTreeMap<ReplyTo, ApprovalId>,
    promised: BTreeMap<ApprovalId, Outcome>,
    /// A crash lost an approval whose pause had left: nobody knows of it.
    pub orphan: bool,
    /// What concerns stops and another policy.
    pub stops: Stops,
}

impl Checks {
    /// Whether the input must be answered with a pause.
    pub fn before(&mut self, gate: &Gate, input: &Input) -> bool {
        let Input::Seen { event, verdict, backlog: false } = input else { return false };
        let asks = event.kind == EventKind::Question && verdict.effect >= policy::Effect::Ask;
        let holds = verdict.effect > policy::Effect::Alert && event.kind != EventKind::Done && !asks;
        let covered = event.kind == EventKind::Step && gate.covered.is_some();
        holds && !covered && matches!(gate.phase, Phase::Watching | Phase::Asking(_) | Phase::Cancelling(_))
    }

    pub fn decided(
        &mut self,
        now: Moment,
        reply: ReplyTo,
        operator: &OperatorName,
        decision: &Decision,
        views: &BTreeMap<ApprovalId, Vec<ApprovalView>>,
    ) {
        self.replies.insert(reply, decision.approval);
        self.stops.decided(decision);
        let shown = views.get(&decision.approval).and_then(|views| views.last());
        let true_card = shown.is_some_and(|view| {
            let same = view.card.revision == decision.revision && view.digest == decision.digest;
            view.state == State::Open && same && (view.frozen || now.wall < view.deadline)
        });
        if true_card && matches!(decision.act, Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. }) {
            self.approved.push((operator.clone(), decision.approval, decision.revision, decision.digest));
        }
    }

    pub fn answered(&mut self, call: CallId, answer: &Answer) {
        match answer {
            Answer::Act(Err(ApiError {
                class: ErrorClass::Unreachable { .. } | ErrorClass::RateLimited { .. } | ErrorClass::Refused { .. },
                ..
            })) => self.messages.values_mut().filter(|(sent, _)| *sent == call).for_each(|(_, again)| *again = true),
            Answer::Read(_) => self.resumes.values_mut().for_each(|read| *read = true),
            Answer::Act(_) | Answer::Pause(_) | Answer::Screenshot(_) => (),
        }
    }

    pub fn effects(&mut self, now: Moment, effects: &[Effect], durable: &[Record], provider: &Provider) -> Held {
        let late_pause = effects.iter().skip_while(|effect| matches!(effect, Effect::Pause { .. }));
        if late_pause.clone().any(|effect| matches!(effect, Effect::Pause { .. })) {
            return Err("invariant 3: a pause stands behind something else".to_owned());
        }
        for effect in effects {
            self.stops.effect(effect)?;
            if let Effect::Resume { release, .. } | Effect::Message { release, .. } = effect {
                in_time(now, release, durable)?;
            }
            match effect {
                Effect::Pause { .. } => self.pauses += 1,
                Effect::Resume { release, .. } => self.resume(release, durable, provider)?,
                Effect::Message { call, release, .. } => self.message(*call, release, durable)?,
                Effect::Record { ticket, record } => {
                    one_outcome(&self.emitted, record)?;
                    if ticket.is_some() && self.stopped {
                        return Err("a release began although the daemon was stopping".to_owned());
                    }
                    self.emitted.extend(outcome_of(record).filter(|_| ticket.is_none()));
                }
                Effect::Reply { to, result } => {
                    let Some(approval) = self.replies.remove(to) else {
                        return Err("an operator was answered twice".to_owned());
                    };
                    if let Ok(Decided::Counted { given, needed }) = result
                        && given >= needed
                    {
                        return Err("all needed approvals only count".to_owned());
                    }
                    if let Ok(Decided::Outcome { outcome }) = result
                        && self.promised.insert(approval, *outcome).is_some_and(|before| before != *outcome)
                    {
                        return Err("invariant 2: two operators were promised two outcomes".to_owned());
                    }
                }
                Effect::Cancel { .. }
                | Effect::Delete { .. }
                | Effect::Read { .. }
                | Effect::Screenshot { .. }
                | Effect::Publish(_)
                | Effect::Notice(_)
                | Effect::Done { .. } => (),
            }
        }
        Ok(())
    }

    /// After every input: where whose the pause is has to be told anew, only what takes effect from now on is ours.
    pub fn owned(&mut self, gate: &Gate, provider: &Provider) {
        let Some(case) = &gate.case else { return };
        let first = case.owning.first();
        if first != self.holds_since.0 {
            let took = if case.kept.owned == Some(true) { self.holds_since.1 } else { provider.took };
            self.holds_since = (first, took);
        }
    }

    /// A stranger's resume is seen while the session is held: only a pause of ours that takes effect after it is why the session
    /// stands.
    pub fn saw_foreign_resume(&mut self, gate: &Gate, took: u64) {
        let held = match &gate.phase {
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Kept(_) => true,
            Phase::Delivering(delivering) => !delivering.may_run(),
            Phase::Watching | Phase::Asking(_) | Phase::Cancelling(_) | Phase::Over => false,
        };
        if held {
            self.unwritten = self.unwritten.or(Some(self.holds_since.1));
            self.holds_since.1 = self.holds_since.1.max(took);
        }
    }

    /// Invariant 8: a stranger's pause ends only by an operator's approval of a card that says that it may be one.
    fn not_a_strangers(&self, release: &Release, durable: &[Record], provider: &Provider) -> Held {
        if !provider.is_paused_by_a_stranger() || provider.took > self.holds_since.1 {
            return Ok(());
        }
        let kept = approved(release, durable);
        let told = kept.is_some_and(|kept| matches!(kept.card.hold, Hold::InDoubt { .. }));
        let closed = kept.and_then(|kept| kept.closed.as_ref());
        let informed = closed
            .is_some_and(|closed| closed.outcome == Outcome::Approved && matches!(closed.by, EndedBy::Operator { .. }));
        if told && informed {
            return Ok(());
        }
        Err("invariant 8: resumes a session that no pause of ours had stopped".to_owned())
    }

    fn resume(&mut self, release: &Release, durable: &[Record], provider: &Provider) -> Held {
        self.released(release, durable)?;
        self.not_a_strangers(release, durable, provider)?;
        if self.resumes.insert(release.approval(), false) == Some(false) {
            return Err("a resume was repeated without reading the state".to_owned());
        }
        Ok(())
    }

    fn message(&mut self, call: CallId, release: &Release, durable: &[Record]) -> Held {
        self.released(release, durable)?;
        if let Some((_, false)) = self.messages.insert(release.approval(), (call, false)) {
            return Err("a message was sent twice on a guess".to_owned());
        }
        Ok(())
    }

    /// Invariants 1, 5 and 7: what allows a release.
    fn released(&self, release: &Release, durable: &[Record]) -> Held {
        let Some(kept) = approved(release, durable) else {
            return Err("invariant 1: a release without a durable approval".to_owned());
        };
        let Some(closed) = &kept.closed else { return Ok(()) };
        match closed.outcome {
            Outcome::Approved if matches!(closed.by, EndedBy::Operator { .. }) => self.agreed(kept, closed, durable),
            Outcome::Approved => match (&closed.by, &kept.plan) {
                (EndedBy::Rule { .. }, Plan::Cooldown { .. } | Plan::Instruct { .. }) => Ok(()),
                _ => Err("invariant 5: approved by nobody".to_owned()),
            },
            Outcome::Denied if kept.card.then.refusal.is_some() => Ok(()),
            Outcome::Denied | Outcome::Expired | Outcome::Withdrawn => {
                Err(format!("invariant 1: released although {}", closed.outcome))
            }
        }
    }

    /// Everybody needed has approved exactly this card, durably, and nobody who may not.
    fn agreed(&self, kept: &Kept, closed: &Closed, durable: &[Record]) -> Held {
        let EndedBy::Operator { name: last, .. } = &closed.by else { return Ok(()) };
        let voted =
            durable.iter().filter(|record| record.entry == Entry::Voted).filter_map(|record| record.kept.as_ref());
        let same = |vote: &&Kept| vote.card == kept.card;
        let voters = voted.filter(same).filter_map(|vote| Some(&vote.votes.at(closed.revision).last()?.by));
        let approvers: BTreeSet<&OperatorName> = voters.chain([last]).collect();
        let really = |name: &OperatorName| {
            self.approved.contains(&(name.clone(), kept.card.approval, closed.revision, kept.card.digest()))
        };
        if !approvers.iter().all(|name| really(name)) {
            return Err("invariant 7: approved is not what was shown and decided".to_owned());
        }
        if approvers.len() < usize::from(kept.card.terms.approvals) {
            return Err("invariant 1: released before everybody needed had approved durably".to_owned());
        }
        if approvers.iter().any(|name| kept.card.terms.not_by.contains(&name.0)) {
            return Err("invariant 1: released by somebody who may not approve".to_owned());
        }
        Ok(())
    }

    /// A record with a ticket counts only once it is written; the others count at once.
    pub fn written(&mut self, record: &Record) -> Held {
        one_outcome(&self.written, record)?;
        if record.kept.as_ref().is_some_and(|kept| kept.owned != Some(true)) {
            self.unwritten = None;
        }
        if let Some((id, outcome)) = outcome_of(record) {
            self.written.insert(id, outcome);
            self.emitted.insert(id, outcome);
        }
        Ok(())
    }

    pub fn crashed(&mut self, durable: &[Record], lost: &[Record]) {
        self.orphan |= lost.iter().any(|record| record.entry == Entry::Opened);
        self.replies.clear();
        self.stops.crashed();
        let is_durable = |id: &ApprovalId| {
            let mut of = durable.iter().filter_map(|record| record.kept.as_ref());
            of.rfind(|kept| kept.card.approval == *id).is_some_and(|kept| kept.closed.is_some())
        };
        // A denial may be on its way before it is durable.
        self.promised.retain(|id, _| is_durable(id));
        // What only the process knew is forgotten.
        self.emitted.clone_from(&self.written);
        self.holds_since.1 = self.unwritten.take().unwrap_or(self.holds_since.1);
    }

    /// A restart finds the session paused by us although nothing was kept: people are told to look after it, and not asked.
    pub fn found(&mut self, paused: bool) {
        self.orphan |= paused;
    }

    pub fn is_held(&self, gate: &Gate) -> bool {
        matches!(gate.phase, Phase::Held(_) | Phase::Cooling(_) | Phase::Kept(_))
    }

    pub fn after_every_step(
        &self,
        gate: &Gate,
        views: &BTreeMap<ApprovalId, Vec<ApprovalView>>,
        awaited: usize,
    ) -> Held {
        let resting = matches!(gate.phase, Phase::Watching | Phase::Over);
        if !resting && gate.due().is_none() && awaited == 0 {
            return Err("stuck: nothing is due and nothing is awaited".to_owned());
        }
        if let Phase::Pausing(pausing) = &gate.phase
            && pausing.again_at.is_none()
            && awaited == 0
        {
            return Err("invariant 3: an unconfirmed pause is not repeated".to_owned());
        }
        if resting != gate.case.is_none() {
            return Err("a case without a phase, or a phase without a case".to_owned());
        }
        let Some(case) = &gate.case else { return Ok(()) };
        let Some(view) = views.get(&case.id()).and_then(|views| views.last()) else { return Ok(()) };
        if view.state == State::Open && view.digest != case.card().digest() {
            return Err("invariant 7: the open card is not what clients were shown".to_owned());
        }
        if view.state == State::Open && !case.says_owner() {
            return Err("invariant 8: the open card does not say whose the pause is".to_owned());
        }
        if view.state == State::Open && !matches!(gate.phase, Phase::Held(_) | Phase::Asking(_)) {
            return Err("clients are shown an open card that cannot be decided".to_owned());
        }
        Ok(())
    }

    pub fn at_rest(&self, gate: &Gate, durable: &[Record], provider: &Provider) -> Held {
        let mut last = BTreeMap::new();
        for kept in durable.iter().filter_map(|record| record.kept.as_ref()) {
            last.insert(kept.card.approval, kept);
        }
        for (id, kept) in &last {
            let Some(closed) = &kept.closed else {
                return Err(format!("liveness: approval {id} never got an outcome"));
            };
            if closed.delivery == Delivery::Applying {
                return Err(format!("liveness: approval {id} is still being delivered"));
            }
            if self.promised.get(id).is_some_and(|promised| *promised != closed.outcome) {
                return Err(format!("invariant 2: an operator was told otherwise about {id}"));
            }
        }
        self.stops.at_rest()?;
        if !self.replies.is_empty() {
            return Err("an operator never got an answer".to_owned());
        }
        let paused_by_us = !provider.gone && provider.paused == Some(By::Us);
        if matches!(gate.phase, Phase::Watching) && paused_by_us && !self.orphan {
            return Err("liveness: left paused by us with nobody asked".to_owned());
        }
        Ok(())
    }
}

/// Invariant 1: what an operator approved leaves before its deadline, or not at all. A deadline that stands still has none.
fn in_time(now: Moment, release: &Release, durable: &[Record]) -> Held {
    match approved(release, durable) {
        Some(kept) if kept.plan == Plan::Ask && kept.frozen.is_none() && kept.deadline <= now.wall => {
            Err("invariant 1: released after the deadline".to_owned())
        }
        Some(_) | None => Ok(()),
    }
}

/// What the disk has of the approval that allows a release.
fn approved<'d>(release: &Release, durable: &'d [Record]) -> Option<&'d Kept> {
    durable.iter().filter_map(|record| record.kept.as_ref()).find(|kept| {
        let closed = kept.closed.as_ref();
        kept.card.approval == release.approval()
            && closed.is_some_and(|closed| closed.revision == release.revision() && closed.deliver.releases())
    })
}

fn outcome_of(record: &Record) -> Option<(ApprovalId, Outcome)> {
    let kept = record.kept.as_ref()?;
    Some((kept.card.approval, kept.closed.as_ref()?.outcome))
}

fn one_outcome(known: &BTreeMap<ApprovalId, Outcome>, record: &Record) -> Held {
    let Some(kept) = &record.kept else { return Ok(()) };
    let now = kept.closed.as_ref().map(|closed| closed.outcome);
    match known.get(&kept.card.approval) {
        Some(before) if now != Some(*before) => Err(format!("invariant 2: {before} became {now:?}")),
        Some(_) | None => Ok(()),
    }
}
