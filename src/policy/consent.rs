//! Consent: who has to agree before a session goes on, as a rule or a section writes it.
//!
//! Plain values and how they combine. Knows no card and no operator.

use std::collections::BTreeSet;
use std::time::Duration;

use super::verdict::ReasonFor;

/// What a rule or `[approvals]` says about agreeing; what it leaves open stands elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// How many distinct operators have to approve; 1 to 10.
    pub approvals: Option<u8>,
    /// Unix users, and groups as `@name`, who may not approve.
    pub not_by: BTreeSet<String>,
    /// Which decisions need a reason.
    pub reason: Option<ReasonFor>,
    /// How much time one extension gives; where nothing says it, as much as operators had at first.
    pub extension: Option<Duration>,
    /// How often an approval can be extended; at most 100.
    pub extensions: Option<u8>,
}

impl Consent {
    /// What holds where nothing is written: one operator, whoever it is, without a reason; three extensions.
    #[must_use]
    pub fn usual() -> Self {
        Self { approvals: Some(1), reason: Some(ReasonFor::Nothing), extensions: Some(3), ..Self::default() }
    }

    /// This, and `general` where this says nothing. Whom either excludes is excluded: a rule cannot let in whom
    /// `[approvals]` keeps out.
    #[must_use]
    pub fn or(&self, general: &Self) -> Self {
        Self {
            approvals: self.approvals.or(general.approvals),
            not_by: self.not_by.union(&general.not_by).cloned().collect(),
            reason: self.reason.or(general.reason),
            extension: self.extension.or(general.extension),
            extensions: self.extensions.or(general.extensions),
        }
    }
}

impl ReasonFor {
    /// The word in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Both => "both",
        }
    }

    /// Whether an approval needs one.
    #[must_use]
    pub fn approving(self) -> bool {
        matches!(self, Self::Approve | Self::Both)
    }

    /// Whether a denial needs one.
    #[must_use]
    pub fn denying(self) -> bool {
        matches!(self, Self::Deny | Self::Both)
    }

    /// A reason wherever one of the two wants one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.approving() || other.approving(), self.denying() || other.denying()) {
            (false, false) => Self::Nothing,
            (true, false) => Self::Approve,
            (false, true) => Self::Deny,
            (true, true) => Self::Both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_leaves_open_is_general_and_nobody_is_let_in_again() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let rule = Consent { approvals: Some(2), not_by: names(&["ops1"]), ..Consent::default() };
        let general = Consent { not_by: names(&["@agents"]), extensions: Some(5), ..Consent::usual() };
        let both = rule.or(&general);
        assert_eq!((both.approvals, both.reason, both.extensions), (Some(2), Some(ReasonFor::Nothing), Some(5)));
        assert_eq!(both.not_by, names(&["@agents", "ops1"]));
    }

    #[test]
    fn reasons_add_up() {
        use ReasonFor::{Approve, Both, Deny, Nothing};
        for (one, other, both) in [(Nothing, Nothing, Nothing), (Approve, Nothing, Approve), (Approve, Deny, Both)] {
            assert_eq!((one.and(other), other.and(one)), (both, both));
        }
        assert_eq!(Both.and(Deny), Both);
    }
}
