//! One decision against one approval.

use std::time::Duration;

use super::{Shown, who};
use crate::clock::Moment;
use crate::control::protocol::{Act, ApprovalView, Decided, Decision, EndedBy, OperatorName, Refusal, State};
use crate::gate::{Card, Outcome, Revision, Subject};
use crate::policy::Confirm;

/// The most characters of a typed message, answer or reason; the provider's own limit.
const LONGEST: usize = 10_000;

/// Refuses a decision on an approval that has no outcome yet, or lets it pass.
pub(super) fn decision(
    view: &ApprovalView,
    decision: &Decision,
    shown: Option<&Shown>,
    min_dwell: Duration,
    now: Moment,
) -> Result<(), Refusal> {
    fits(&view.card, &decision.act)?;
    let current = decision.revision == view.card.revision && decision.digest == view.digest;
    let denies = matches!(decision.act, Act::Deny { .. });
    if denies && !view.card.denial_releases() {
        return Ok(());
    }
    match &view.state {
        State::Draft => return Err(Refusal::NotPausedYet),
        // No wins over yes, as long as nothing is recorded.
        State::Deciding { by } if !denies => return Err(Refusal::Deciding { by: by.0.clone() }),
        State::Open | State::Deciding { .. } | State::Ended { .. } => {}
    }
    if view.card.revision == Revision(0) {
        return Err(Refusal::NotPausedYet);
    }
    if !current {
        return Err(stale(view));
    }
    let Some(shown) = shown.filter(|shown| {
        Some(shown.nonce) == decision.nonce && shown.revision == decision.revision && shown.digest == decision.digest
    }) else {
        return Err(Refusal::NotPresented);
    };
    if let Act::Extend = decision.act {
        return Ok(());
    }
    if view.card.confirm == Confirm::Type
        && !denies
        && !decision.typed.as_deref().is_some_and(|typed| view.card.is_confirmed_by(typed))
    {
        return Err(Refusal::NotConfirmed { code: view.card.code().to_string() });
    }
    let dwelt = now.mono.saturating_sub(shown.at.mono);
    if dwelt >= min_dwell {
        return Ok(());
    }
    let wait = min_dwell.saturating_sub(dwelt);
    Err(Refusal::TooSoon { wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1) })
}

/// What the decision that ended `view` was answered, when `decision` is that same decision of the same operator.
pub(super) fn again(view: &ApprovalView, decision: &Decision, operator: &OperatorName) -> Option<Decided> {
    let State::Ended { outcome, by: EndedBy::Operator { name, note }, .. } = &view.state else { return None };
    let (meant, matches) = match &decision.act {
        Act::Approve { reason } => {
            (Outcome::Approved, note == reason || (reason.is_none() && *note == view.card.then.answer))
        }
        Act::Instruct { text } | Act::Answer { text } => (Outcome::Approved, note.as_ref() == Some(text)),
        Act::Deny { reason } => (Outcome::Denied, note == reason),
        Act::Extend => return None,
    };
    let same_card = decision.revision == view.card.revision && decision.digest == view.digest;
    (matches && same_card && name == operator && meant == *outcome).then_some(Decided::Outcome { outcome: *outcome })
}

/// The refusal for an approval that has an outcome.
pub(super) fn already(view: &ApprovalView) -> Refusal {
    match &view.state {
        State::Ended { outcome, by, .. } => Refusal::AlreadyDecided { outcome: *outcome, by: who(by) },
        State::Draft | State::Open | State::Deciding { .. } => stale(view),
    }
}

fn stale(view: &ApprovalView) -> Refusal {
    Refusal::Stale { revision: view.card.revision }
}

/// Whether an act is one that the approval takes, whoever decides and whenever.
///
/// # Errors
///
/// [`Refusal::NotPossible`] with what is possible.
pub fn fits(card: &Card, act: &Act) -> Result<(), Refusal> {
    match (act, card.subject) {
        (Act::Approve { .. }, Subject::Question) if card.then.answer.is_none() => {
            not_possible("there is no set answer; type one")
        }
        (Act::Instruct { .. }, Subject::Question) => not_possible("a question takes an answer, not an instruction"),
        (Act::Answer { .. }, Subject::Hold) => not_possible("nothing was asked; send an instruction instead"),
        (Act::Instruct { text }, Subject::Hold) | (Act::Answer { text }, Subject::Question) => sized(text, 1),
        (Act::Deny { reason: Some(text) } | Act::Approve { reason: Some(text) }, Subject::Hold | Subject::Question) => {
            sized(text, 0)
        }
        (
            Act::Approve { reason: None } | Act::Deny { reason: None } | Act::Extend,
            Subject::Hold | Subject::Question,
        ) => Ok(()),
    }
}

fn sized(text: &str, least: usize) -> Result<(), Refusal> {
    let characters = text.trim().chars().count().min(text.chars().count());
    if characters < least || text.chars().count() > LONGEST {
        return not_possible(&format!("the text has to have {least} to {LONGEST} characters"));
    }
    Ok(())
}

fn not_possible(why: &str) -> Result<(), Refusal> {
    Err(Refusal::NotPossible { why: why.to_owned() })
}
