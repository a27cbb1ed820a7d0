//! What each refusal means to a script, and what to do about it.

use crate::control::Refusal;
use crate::error::{Exit, Failure};
use crate::gate::Outcome;
use crate::operator::escape::again;

/// The failure that a refusal is, said of `name`: an approval, a session, or what was tried.
pub fn refused(name: &str, refusal: &Refusal) -> Failure {
    let (exit, hint) = meaning(refusal);
    Failure::new(exit, format!("{name}: {}", again(&refusal.to_string()))).hint(hint)
}

/// What a refusal exits with.
pub fn exit(refusal: &Refusal) -> Exit {
    meaning(refusal).0
}

/// The exit code and the hint of every refusal.
fn meaning(refusal: &Refusal) -> (Exit, &'static str) {
    match refusal {
        Refusal::NoSuchApproval => (
            Exit::NoSuch,
            "`holdpoint pending` lists what waits; the console's history (`holdpoint attach`, 3) shows what was",
        ),
        Refusal::NoSuchSession => (Exit::NoSuch, "`holdpoint sessions` lists what is watched"),
        Refusal::Stale { .. } | Refusal::NotPresented => {
            (Exit::Stale, "`holdpoint show ID` shows the card as it is now, with its digest")
        }
        Refusal::AlreadyDecided { outcome, .. } => (already(*outcome), "`holdpoint show ID` tells how it ended"),
        Refusal::Deciding { .. } => (Exit::DecidedOtherwise, "`holdpoint wait ID` tells how it ends"),
        Refusal::NotConfirmed { .. } => (Exit::Usage, "give the amount or the code with --confirm TEXT"),
        Refusal::ReasonRequired => (Exit::Usage, "give one with --reason TEXT"),
        Refusal::NotPossible { .. } => (Exit::Usage, "`holdpoint show ID` tells what can be done about it"),
        Refusal::NotExtendable { .. } => (
            Exit::NotPermitted,
            "`extensions` says how often and `extension` for how long, in the rule or under [approvals] of the daemon's \
             configuration",
        ),
        Refusal::Excluded { .. } => (Exit::NotPermitted, "somebody else has to; denying is open to you"),
        Refusal::NotPermitted { .. } => {
            (Exit::NotPermitted, "roles are given under [control] in the daemon's configuration")
        }
        Refusal::TooSoon { .. } => (Exit::Error, "nothing was decided; try again in a moment"),
        Refusal::NotPausedYet => (Exit::Error, "try again in a moment; a denial that cancels works at once"),
        Refusal::Unverified { .. } => (Exit::Error, "the session stays paused; try again, or deny it"),
        Refusal::StoreFailed { .. } => (Exit::Error, "`holdpoint doctor` looks at the store"),
        Refusal::Unknown { .. } => (Exit::NotDelivered, "`holdpoint wait ID` tells how it ends"),
        Refusal::Stopping => (Exit::Unreachable, "it stays as it is; try again when the daemon is back"),
        Refusal::Unreachable { .. } => (Exit::Unreachable, "`holdpoint doctor` looks into what is missing"),
    }
}

fn already(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Expired => Exit::Expired,
        Outcome::Approved | Outcome::Denied | Outcome::Withdrawn => Exit::DecidedOtherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Role;
    use crate::gate::Revision;

    fn why() -> String {
        "why".to_owned()
    }

    #[test]
    fn each_refusal_has_its_exit_code_and_a_hint() {
        let already = |outcome| Refusal::AlreadyDecided { outcome, by: why() };
        let table = [
            (Refusal::NoSuchApproval, 3),
            (Refusal::NoSuchSession, 3),
            (Refusal::Stale { revision: Revision(2) }, 5),
            (Refusal::NotPresented, 5),
            (Refusal::TooSoon { wait_ms: 1 }, 1),
            (Refusal::NotConfirmed { code: why() }, 2),
            (Refusal::NotPausedYet, 1),
            (Refusal::Deciding { by: why() }, 4),
            (already(Outcome::Approved), 4),
            (already(Outcome::Denied), 4),
            (already(Outcome::Withdrawn), 4),
            (already(Outcome::Expired), 6),
            (Refusal::NotPossible { why: why() }, 2),
            (Refusal::NotExtendable { why: why() }, 8),
            (Refusal::ReasonRequired, 2),
            (Refusal::Excluded { who: why(), what: why() }, 8),
            (Refusal::NotPermitted { who: why(), needed: Role::Decide }, 8),
            (Refusal::Unverified { why: why() }, 1),
            (Refusal::StoreFailed { why: why() }, 1),
            (Refusal::Unknown { why: why() }, 9),
            (Refusal::Stopping, 7),
            (Refusal::Unreachable { why: why() }, 7),
        ];
        for (refusal, code) in table {
            let failure = refused("7K2M", &refusal);
            assert_eq!(failure.exit as u8, code, "{refusal:?}");
            let said = failure.to_string();
            assert!(said.starts_with("7K2M: ") && said.contains("\n  hint: "), "{said}");
        }
    }
}
