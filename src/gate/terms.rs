//! Terms: who has to agree on one card, and how far its deadline can be moved.
//!
//! The strictest of all rules that fired, from the first trigger to the last one that joined. Only compares; decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::{Act, OperatorName, Refusal};
use crate::policy::{self, Consent, Fired, ReasonFor};

use super::card::Terms;
use super::io::Settings;

/// How far an approval's deadline can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// How much time one extension gives; `None`: as much as operators had at first.
    pub each: Option<Duration>,
    /// How often it can be extended.
    pub most: u8,
}

impl Default for Bound {
    /// What holds where nothing is written.
    fn default() -> Self {
        Self { each: None, most: 3 }
    }
}

impl Bound {
    /// The narrower of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { each: self.each.into_iter().chain(other.each).min(), most: self.most.min(other.most) }
    }
}

impl Terms {
    /// Refuses an act that lets the session go on, or keeps others waiting, where these terms do not allow it to an operator
    /// with these groups.
    ///
    /// # Errors
    ///
    /// [`Refusal::Excluded`], [`Refusal::ReasonRequired`], or [`Refusal::NotPossible`] where several have to agree.
    pub fn permit<G: AsRef<str>>(&self, operator: &OperatorName, groups: &[G], act: &Act) -> Result<(), Refusal> {
        if let Some(what) = self.excludes(&operator.0, groups) {
            return Err(Refusal::Excluded { who: operator.0.clone(), what: what.to_owned() });
        }
        if self.lacks_reason(act) {
            return Err(Refusal::ReasonRequired);
        }
        if self.takes_several() && matches!(act, Act::Instruct { .. } | Act::Answer { .. }) {
            let why = format!("{} operators have to agree, on what is asked: approve or deny", self.approvals);
            return Err(Refusal::NotPossible { why });
        }
        Ok(())
    }

    /// Who of those that may not approve an operator is: the user as `not_by` names it, or a group as `@name`.
    #[must_use]
    pub fn excludes<G: AsRef<str>>(&self, name: &str, groups: &[G]) -> Option<&str> {
        let is_named = |who: &&String| match who.strip_prefix('@') {
            Some(group) => groups.iter().any(|own| own.as_ref() == group),
            None => *who == name,
        };
        self.not_by.iter().find(is_named).map(String::as_str)
    }

    /// Whether an act has to say why, and does not. The text of an instruction or an answer is its reason.
    #[must_use]
    pub fn lacks_reason(&self, act: &Act) -> bool {
        let is_blank = |reason: &Option<String>| reason.as_deref().is_none_or(|reason| reason.trim().is_empty());
        match act {
            Act::Approve { reason } => self.reason.approving() && is_blank(reason),
            Act::Deny { reason } => self.reason.denying() && is_blank(reason),
            Act::Instruct { .. } | Act::Answer { .. } | Act::Extend => false,
        }
    }

    /// Whether more than one operator has to approve.
    #[must_use]
    pub fn takes_several(&self) -> bool {
        self.approvals > 1
    }

    /// What satisfies both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let not_by: BTreeSet<&String> = self.not_by.iter().chain(&other.not_by).collect();
        Self {
            approvals: self.approvals.max(other.approvals),
            not_by: not_by.into_iter().cloned().collect(),
            reason: self.reason.and(other.reason),
        }
    }
}

/// What the rules that fired ask for together. Rules that only alert ask nothing.
pub(super) fn terms_of(fired: &[Fired], settings: &Settings) -> (Terms, Bound) {
    let holding = fired.iter().filter(|fired| fired.effect > policy::Effect::Alert);
    let each = holding.map(|fired| {
        let consent = fired.rule.consent.or(&settings.consent);
        resolved(&consent, fired.rule.timeout.unwrap_or(settings.timeout))
    });
    each.reduce(|(terms, bound), (more, narrower)| (terms.and(&more), bound.and(narrower)))
        .unwrap_or_else(|| resolved(&settings.consent, settings.timeout))
}

fn resolved(consent: &Consent, timeout: Duration) -> (Terms, Bound) {
    let usual = Bound::default();
    let terms = Terms {
        approvals: consent.approvals.unwrap_or(1),
        not_by: consent.not_by.iter().cloned().collect(),
        reason: consent.reason.unwrap_or(ReasonFor::Nothing),
    };
    let bound =
        Bound { each: Some(consent.extension.unwrap_or(timeout)), most: consent.extensions.unwrap_or(usual.most) };
    (terms, bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_excluded_by_name_and_by_every_group_and_never_by_half_a_name() {
        let terms = Terms { not_by: vec!["@dev".to_owned(), "ops1".to_owned()], ..Terms::default() };
        for (name, groups, excluded) in [
            ("ops1", &[][..], Some("ops1")),
            ("ops2", &["adm", "dev"][..], Some("@dev")),
            ("dev", &[][..], None),
            ("@dev", &[][..], None),
            ("ops", &["developers"][..], None),
            ("ops2", &["ops1"][..], None),
        ] {
            assert_eq!(terms.excludes(name, groups), excluded, "{name} {groups:?}");
        }
    }

    #[test]
    fn a_blank_reason_is_none() {
        let terms = Terms { reason: ReasonFor::Both, ..Terms::default() };
        for (reason, lacks) in [(None, true), (Some(""), true), (Some(" \t"), true), (Some("seen"), false)] {
            let reason = reason.map(str::to_owned);
            assert_eq!(terms.lacks_reason(&Act::Approve { reason: reason.clone() }), lacks);
            assert_eq!(terms.lacks_reason(&Act::Deny { reason }), lacks);
        }
        assert!(!terms.lacks_reason(&Act::Extend));
    }
}
