//! What must hold while everything is stopped, when operators act of their own accord, and over another policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::{Act, ApprovalView, Decision, State, Stillness};
use crate::gate::{ApprovalId, Card, Delivery, Effect, Entry, Gate, Outcome, Record, Release, ReplyTo, Revision};
use crate::policy;

use super::provider::Provider;
use super::world::Held;

#[derive(Debug, Default)]
pub struct Stops {
    /// Acts of operators' own accord that are not answered yet.
    asked: BTreeSet<ReplyTo>,
    /// Everything is stopped.
    halted: Option<Since>,
    /// What approvals came to.
    outcomes: BTreeMap<ApprovalId, Outcome>,
    /// The open card before another policy.
    before: Option<Card>,
    /// Cards that another policy has made stricter, as they were.
    tightened: BTreeSet<(ApprovalId, Revision)>,
}

/// What happened since everything was stopped.
#[derive(Debug, Default)]
struct Since {
    /// What operators decided.
    decided: BTreeSet<ApprovalId>,
    /// Of it, what has left.
    left: BTreeSet<ApprovalId>,
    /// Whether one of these decisions has let the session go, and nothing was asked anew.
    let_go: bool,
    /// Whether the session stood still at any time.
    stood: bool,
}

impl Stops {
    pub fn asked(&mut self, reply: ReplyTo) {
        self.asked.insert(reply);
    }

    /// What was decided before everything was stopped lets nothing go any more.
    pub fn halted(&mut self) {
        self.halted = Some(Since::default());
    }

    /// A process that starts takes a session for one that was let go where what was decided since the stop arrived. That it
    /// `asked_anew` is lost where it was not on the disk yet: an event that it asked about is read again, and an operator's own
    /// pause is lost as it is without a stop.
    pub fn restarted(&mut self, let_go: bool, asked_anew: bool) -> Held {
        if let_go && !self.has_let_go() && !asked_anew {
            return Err("everything is stopped, and a restart takes a session for one that was let go".to_owned());
        }
        self.halted = Some(Since { let_go, ..Since::default() });
        Ok(())
    }

    pub fn ended(&mut self) {
        self.halted = None;
    }

    pub fn crashed(&mut self) {
        self.asked.clear();
    }

    pub fn decided(&mut self, decision: &Decision) {
        if let Some(since) = self.halted.as_mut().filter(|_| decision.act != Act::Extend) {
            since.decided.insert(decision.approval);
        }
    }

    /// Whether a session may run although everything is stopped: an operator has let it go since.
    pub fn has_let_go(&self) -> bool {
        self.halted.as_ref().is_some_and(|since| since.let_go)
    }

    /// Whether the session stands still is as the provider has it now.
    pub fn stands(&mut self, provider: &Provider) {
        if let Some(since) = &mut self.halted {
            since.stood |= !provider.runs();
        }
    }

    /// After every input: nobody is told that nothing runs who could not have seen it since the stop.
    pub fn after(&mut self, gate: &Gate, provider: &Provider) -> Held {
        self.stands(provider);
        let stood = self.halted.as_ref().is_none_or(|since| since.stood);
        if gate.stillness() == Stillness::NothingRuns && !stood {
            return Err(
                "everything is stopped, and a session is said to stand still that has run all the time".to_owned()
            );
        }
        Ok(())
    }

    pub fn effect(&mut self, effect: &Effect) -> Held {
        match effect {
            Effect::Resume { release, .. } | Effect::Message { release, .. } => self.released(release),
            Effect::Record { record, .. } => self.recorded(record),
            Effect::Done { to, .. } if self.asked.remove(to) => Ok(()),
            Effect::Done { .. } => Err("an act of an operator's own accord was answered twice".to_owned()),
            Effect::Publish(view) => {
                self.shown(view);
                Ok(())
            }
            Effect::Pause { .. }
            | Effect::Cancel { .. }
            | Effect::Delete { .. }
            | Effect::Read { .. }
            | Effect::Screenshot { .. }
            | Effect::Notice(_)
            | Effect::Reply { .. } => Ok(()),
        }
    }

    fn released(&mut self, release: &Release) -> Held {
        let approved = self.outcomes.get(&release.approval()) == Some(&Outcome::Approved);
        if approved && self.tightened.contains(&(release.approval(), release.revision())) {
            return Err("released as approved before another policy asked for more".to_owned());
        }
        let Some(since) = &mut self.halted else { return Ok(()) };
        if !since.decided.contains(&release.approval()) {
            return Err("everything is stopped, and what no operator decided since lets a session go".to_owned());
        }
        since.left.insert(release.approval());
        Ok(())
    }

    /// A session is let go by what arrived: an approval, or a refusal that had to be sent.
    fn shown(&mut self, view: &ApprovalView) {
        let State::Ended { outcome, delivery, .. } = view.state else { return };
        let id = view.card.approval;
        let Some(since) = self.halted.as_mut().filter(|since| since.decided.contains(&id)) else { return };
        if outcome == Outcome::Approved || since.left.contains(&id) {
            since.let_go = delivery == Delivery::Applied;
        }
    }

    fn recorded(&mut self, record: &Record) -> Held {
        if let Some(since) = self.halted.as_mut().filter(|_| record.entry == Entry::Opened) {
            since.let_go = false;
        }
        let closed = record.kept.as_ref().and_then(|kept| kept.closed.as_ref());
        if let Some((kept, closed)) = record.kept.as_ref().zip(closed) {
            self.outcomes.insert(kept.card.approval, closed.outcome);
        }
        let expired = closed.is_some_and(|closed| closed.outcome == Outcome::Expired);
        if self.halted.is_some() && expired && record.entry == Entry::Decided {
            return Err("a deadline passed although everything is stopped".to_owned());
        }
        Ok(())
    }

    pub fn before_policy(&mut self, gate: &Gate) {
        self.before = gate.open_card().cloned();
    }

    /// Another policy makes no open card milder, and ends none but by a denial.
    pub fn after_policy(&mut self, gate: &Gate) -> Held {
        let Some(before) = self.before.take() else { return Ok(()) };
        let Some(case) = gate.case.as_deref().filter(|case| case.id() == before.approval) else {
            return match self.outcomes.get(&before.approval) {
                Some(Outcome::Denied) => Ok(()),
                Some(_) | None => Err("another policy withdrew an open approval".to_owned()),
            };
        };
        if let Some(closed) = case.kept.closed.as_ref().filter(|closed| closed.outcome != Outcome::Denied) {
            return Err(format!("another policy ended an approval as {}", closed.outcome));
        }
        let now = case.card();
        if *now != before {
            self.tightened.insert((before.approval, before.revision));
        }
        let still =
            |old: &crate::gate::RuleLine| now.rules.iter().any(|new| new.name == old.name && new.effect >= old.effect);
        let untyped = before.confirm == policy::Confirm::Type && now.confirm != before.confirm;
        let fewer = now.terms.approvals < before.terms.approvals;
        if now.effect < before.effect || now.risk < before.risk || untyped || fewer {
            return Err("another policy made an open card milder".to_owned());
        }
        if !before.rules.iter().all(still) {
            return Err("another policy took a rule from an open card".to_owned());
        }
        if *now != before && now.revision == before.revision && !now.notes.iter().any(|note| note.contains("policy")) {
            return Err("another policy changed an open card and did not say so".to_owned());
        }
        Ok(())
    }

    pub fn at_rest(&self) -> Held {
        if self.asked.is_empty() { Ok(()) } else { Err("an act of an operator was never answered".to_owned()) }
    }
}
