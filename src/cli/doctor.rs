//! `holdpoint doctor`: one line for each thing that has to be right, with what to do where it is not.
//!
//! Changes nothing, makes nothing, calls no provider, and never prints the key. Works without a daemon. Where one answers, what
//! only a daemon needs and this user has not is worth a warning; without one it is why nothing works.

mod checkpoint;
mod daemon;
mod host;
mod setup;

use serde::Serialize;

use super::oneshot::link::Common;
use super::print;
use crate::crash;
use crate::error::{Exit, Failure};

/// What to say of something that only a daemon needs where one answers.
const OWN: &str =
    "the daemon that answers has its own, and answering approvals takes none; a daemon of this user's would need it";

/// Arguments of `holdpoint doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
}

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and should be looked at.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    /// What was looked at, in a word or two.
    check: &'static str,
    verdict: Verdict,
    /// What was found, escaped.
    found: String,
    /// What to do.
    hint: Option<String>,
}

impl Check {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), hint: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, hint: Some(hint.into()), ..Self::ok(check, found) }
    }

    fn fail(check: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, hint: Some(hint.into()), ..Self::ok(check, found) }
    }

    /// What a start of the daemon takes and this user has not. Where a daemon answers it has it: an operator
    /// needs none of it. Where none does, this may be why, and `hint` says what to do.
    fn for_a_start(attended: bool, check: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        if attended { Self::warn(check, found, OWN) } else { Self::fail(check, found, hint) }
    }

    fn lines(&self) -> String {
        let found = self.found.replace('\n', "\n                       ");
        let hint = self.hint.as_ref().map(|hint| format!("\n                       hint: {hint}")).unwrap_or_default();
        format!("{:4}  {:15}  {found}{hint}", self.verdict.name(), self.check)
    }
}

/// Looks at everything, in the order in which a start needs it.
///
/// # Errors
/// [`Exit::Error`] when something does not work.
pub async fn run(args: Args) -> Result<(), Failure> {
    // Whether a daemon answers tells what this user's own setup has to have.
    let daemon = daemon::reach(&args.common.target).await;
    let (config, mut checks) = setup::checks(&args.common.target, daemon.is_ok());
    if crash::is_built_in() {
        let hint = "build holdpoint without the feature crash-points";
        checks.push(Check::fail("build", "a test build with crash points, which can end itself", hint));
    }
    if let Some(config) = &config {
        checks.extend(checkpoint::checks(&config.store, daemon.is_ok()).await);
    }
    checks.extend(daemon::checks(&daemon, config.as_ref()));
    checks.extend(host::checks());
    if args.common.json {
        print(&super::oneshot::to_json(&checks))?;
    } else {
        checks.iter().try_for_each(|check| print(&check.lines()))?;
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    if failed { Err(Failure::told(Exit::Error)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_verdict_first_and_its_hint_below() {
        let check = Check::warn("open files", "only 256", "raise it");
        assert_eq!(check.lines(), "warn  open files       only 256\n                       hint: raise it");
    }
}
