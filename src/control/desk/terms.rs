//! What a card's terms say to one operator: who may not approve, which acts need a reason, and votes that were given before.
//!
//! Only compares. The gate knows names; groups are known here alone.

use crate::control::protocol::{Act, ApprovalView, Decided, Decision, OperatorName, Refusal, State};
use crate::gate::Outcome;

/// Refuses what the terms of a card do not let an operator with these groups do, or lets it pass.
pub(super) fn agree(view: &ApprovalView, act: &Act, operator: &OperatorName, groups: &[String]) -> Result<(), Refusal> {
    // Time is part of the decision; and some denials let the agent go on.
    let has_a_say = match act {
        Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } | Act::Extend => true,
        Act::Deny { .. } => view.card.denial_releases(),
    };
    let terms = &view.card.terms;
    if has_a_say {
        return terms.permit(operator, groups, act);
    }
    if terms.lacks_reason(act) { Err(Refusal::ReasonRequired) } else { Ok(()) }
}

/// What an approval was answered that this operator has given before as one of several.
pub(super) fn given_before(view: &ApprovalView, decision: &Decision, operator: &OperatorName) -> Option<Decided> {
    let same_card = decision.revision == view.card.revision && decision.digest == view.digest;
    let voted = view.votes.iter().any(|vote| vote.by == *operator);
    if !same_card || !voted || !matches!(decision.act, Act::Approve { .. }) {
        return None;
    }
    match view.state {
        State::Ended { outcome: Outcome::Approved, .. } => Some(Decided::Outcome { outcome: Outcome::Approved }),
        State::Open => {
            let given = u8::try_from(view.votes.len()).unwrap_or(u8::MAX);
            Some(Decided::Counted { given, needed: view.card.terms.approvals })
        }
        State::Draft
        | State::Deciding { .. }
        | State::Ended { outcome: Outcome::Denied | Outcome::Expired | Outcome::Withdrawn, .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{open, revised};
    use crate::gate::card::Terms;
    use crate::policy::{OnDeny, ReasonFor};

    fn without(who: &str) -> ApprovalView {
        revised(&open(1, "Buying"), |card| card.terms = Terms { not_by: vec![who.to_owned()], ..Terms::default() })
    }

    fn may(view: &ApprovalView, act: &Act, groups: &[&str]) -> bool {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        agree(view, act, &OperatorName("ops1".to_owned()), &groups).is_ok()
    }

    #[test]
    fn a_group_keeps_its_members_from_everything_but_a_denial_that_releases_nothing() {
        let view = without("@agents");
        let text = || "go".to_owned();
        for act in [Act::approve(), Act::Instruct { text: text() }, Act::Answer { text: text() }, Act::Extend] {
            assert!(!may(&view, &act, &["adm", "agents"]), "{act:?}");
            assert!(may(&view, &act, &["adm"]), "{act:?}");
        }
        let no = Act::Deny { reason: None };
        assert!(may(&view, &no, &["agents"]));
        let releasing = revised(&view, |card| card.then.deny = OnDeny::Instruct);
        assert!(!may(&releasing, &no, &["agents"]));
    }

    #[test]
    fn a_missing_reason_is_said_before_anything_is_spent() {
        let view = revised(&open(1, "Buying"), |card| card.terms.reason = ReasonFor::Both);
        let ops = OperatorName("ops1".to_owned());
        for act in [Act::approve(), Act::Deny { reason: Some(" ".to_owned()) }] {
            assert_eq!(agree(&view, &act, &ops, &[]), Err(Refusal::ReasonRequired));
        }
        assert!(may(&view, &Act::Deny { reason: Some("too dear".to_owned()) }, &[]));
    }
}
