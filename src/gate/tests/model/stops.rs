//! What must hold while everything is stopped, when operators act of their own accord, and over another policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::{Act, Decision};
use crate::gate::{ApprovalId, Card, Effect, Entry, Gate, Outcome, Record, Release, ReplyTo, Revision};
use crate::policy;

use super::world::Held;

#[derive(Debug, Default)]
pub struct Stops {
    /// Acts of operators' own accord that are not answered yet.
    asked: BTreeSet<ReplyTo>,
    /// Everything is stopped, and which approvals operators decided since.
    halted: Option<BTreeSet<ApprovalId>>,
    /// What approvals came to.
    outcomes: BTreeMap<ApprovalId, Outcome>,
    /// The open card before another policy.
    before: Option<Card>,
    /// Cards that another policy has made stricter, as they were.
    tightened: BTreeSet<(ApprovalId, Revision)>,
}

impl Stops {
    pub fn asked(&mut self, reply: ReplyTo) {
        self.asked.insert(reply);
    }

    /// What was decided before everything was stopped lets nothing go any more.
    pub fn halted(&mut self) {
        self.halted = Some(BTreeSet::new());
    }

    pub fn ended(&mut self) {
        self.halted = None;
    }

    pub fn crashed(&mut self) {
        self.asked.clear();
    }

    pub fn decided(&mut self, decision: &Decision) {
        if let Some(decided) = self.halted.as_mut().filter(|_| decision.act != Act::Extend) {
            decided.insert(decision.approval);
        }
    }

    pub fn effect(&mut self, effect: &Effect) -> Held {
        match effect {
            Effect::Resume { release, .. } | Effect::Message { release, .. } => self.released(release),
            Effect::Record { record, .. } => self.recorded(record),
            Effect::Done { to, .. } if self.asked.remove(to) => Ok(()),
            Effect::Done { .. } => Err("an act of an operator's own accord was answered twice".to_owned()),
            Effect::Pause { .. }
            | Effect::Cancel { .. }
            | Effect::Delete { .. }
            | Effect::Read { .. }
            | Effect::Screenshot { .. }
            | Effect::Publish(_)
            | Effect::Notice(_)
            | Effect::Reply { .. } => Ok(()),
        }
    }

    fn released(&self, release: &Release) -> Held {
        let approved = self.outcomes.get(&release.approval()) == Some(&Outcome::Approved);
        if approved && self.tightened.contains(&(release.approval(), release.revision())) {
            return Err("released as approved before another policy asked for more".to_owned());
        }
        match &self.halted {
            Some(decided) if !decided.contains(&release.approval()) => {
                Err("everything is stopped, and what no operator decided since lets a session go".to_owned())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn recorded(&mut self, record: &Record) -> Held {
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
