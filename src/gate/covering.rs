//! What an approval covers: the announced act's own execution, once, and nothing else.

use std::time::Duration;

use crate::api::{Event, EventKind};
use crate::control::EndedBy;
use crate::policy::{AmountSeen, Effect as RuleEffect, Verdict};

use super::case::Case;
use super::{Deliver, Gate, Outcome, Turn};

/// What an operator has just approved: its own execution is not asked about again.
///
/// An announced act is approved before it happens; when the next step of the agent is the very act (the same rules, no
/// other amount, the same host), asking twice for one purchase would teach operators to approve blindly. It ends soon.
#[derive(Debug)]
pub(super) struct Covered {
    rules: Vec<String>,
    amount: Option<AmountSeen>,
    domain: Option<String>,
    /// Until when, on the monotonic clock.
    until: Duration,
    /// How many more events of the agent it may wait for.
    events: u32,
}

/// So long after its release an approved act is recognised.
const COVERED_FOR: Duration = Duration::from_secs(60);
/// Among so many events of the agent after the release it is recognised.
const COVERED_EVENTS: u32 = 3;

impl Gate {
    pub(super) fn is_covered(&mut self, event: &Event, verdict: &Verdict) -> bool {
        event.kind == EventKind::Step && self.covered.take().is_some_and(|covered| covered.covers(verdict))
    }

    /// What was approved is no longer recognised after its time, after some events, or once the task is another one.
    pub(super) fn age_cover(&mut self, turn: &Turn<'_>, event: &Event) {
        let Some(covered) = &mut self.covered else { return };
        let other_task = matches!(event.kind, EventKind::User | EventKind::Done);
        let by_agent = event.kind.is_agent_emitted();
        if other_task || turn.now.mono >= covered.until || (by_agent && covered.events == 0) {
            self.covered = None;
        } else if by_agent {
            covered.events -= 1;
        }
    }

    /// Whether an event is the very act whose approval is being delivered. It passes once.
    pub(super) fn carries_out(&mut self, event: &Event, verdict: &Verdict) -> bool {
        let Some(case) = self.case.as_mut().filter(|case| !case.carried_out) else { return false };
        let own = event.kind == EventKind::Step;
        let covers = own && Covered::of(case, Duration::MAX).is_some_and(|covered| covered.covers(verdict));
        case.carried_out |= covers;
        covers
    }

    /// Remembers what was approved, so that its own execution passes.
    pub(super) fn cover(&mut self, turn: &Turn<'_>) {
        let case = self.case.as_ref().filter(|case| !case.carried_out);
        let until = turn.now.mono.saturating_add(COVERED_FOR);
        self.covered = case.and_then(|case| Covered::of(case, until)).map(Box::new);
    }
}

impl Covered {
    /// What an operator's plain approval of an announced act covers. A trigger that was a step has been executed already; a
    /// rule's own release, and an instruction, approve no act.
    fn of(case: &Case, until: Duration) -> Option<Self> {
        let closed = case.kept.closed.as_ref()?;
        let by_operator = matches!(closed.by, EndedBy::Operator { .. });
        let card = case.card();
        let plain = closed.outcome == Outcome::Approved && matches!(closed.deliver, Deliver::Resume | Deliver::Nothing);
        if !by_operator || !plain || card.trigger.kind != EventKind::Thought {
            return None;
        }
        let rules = card.rules.iter().map(|rule| rule.name.clone()).collect();
        let (amount, domain) = (card.amount.clone(), card.domain.clone());
        Some(Self { rules, amount, domain, until, events: COVERED_EVENTS })
    }

    fn covers(&self, verdict: &Verdict) -> bool {
        let rules = verdict.fired.iter().all(|fired| self.rules.contains(&fired.rule.name));
        let number = |amount: &Option<AmountSeen>| amount.as_ref().map(|a| (a.number.clone(), a.currency.clone()));
        let amount = verdict.amount.is_none() || number(&verdict.amount) == number(&self.amount);
        rules && amount && verdict.domain == self.domain && verdict.effect < RuleEffect::Deny
    }
}
