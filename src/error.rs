//! Errors at the edge: what failed, what to do about it, and the exit code that says so to a script.
//!
//! Inside, each part has errors of its own; here they become one sentence, its causes and hints, printed once.

use std::fmt;

use crate::operator::escape::short;

/// Exit codes. Those below 64 are the project's own, those from 64 on are sysexits'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed.
    Error = 1,
    /// The arguments do not fit, or a flag is needed.
    Usage = 2,
    /// No approval or session has that name.
    NoSuch = 3,
    /// It was decided otherwise, or somebody's decision is being carried out.
    DecidedOtherwise = 4,
    /// The card changed, or was not shown in its present form.
    Stale = 5,
    /// The approval has expired.
    Expired = 6,
    /// The daemon cannot be reached, or is going down.
    Unreachable = 7,
    /// The operator may not do this.
    NotPermitted = 8,
    /// It was decided, but the delivery failed, or what became of it is not known.
    NotDelivered = 9,
    /// `wait`: the approval was denied.
    WaitedDenied = 10,
    /// `wait`: the approval expired.
    WaitedExpired = 11,
    /// `wait`: the approval was withdrawn.
    WaitedWithdrawn = 12,
    /// `wait`: nothing happened in time.
    TimedOut = 124,
    /// Whoever read standard output stopped reading: what a shell shows of a program that SIGPIPE ended. Nothing is said.
    ReaderGone = 141,
    /// The provider refuses us at the start.
    Unavailable = 69,
    /// Another instance holds the lock.
    Locked = 75,
    /// The configuration is not valid.
    Configuration = 78,
}

/// What to do where the system refuses what every process may do.
pub const SYSTEM: &str = "is the system out of memory, processes or open files? `holdpoint doctor` looks at the limits";

/// What is printed of a panic: a bug, where, and its message, which may quote anything and is escaped.
#[must_use]
pub fn of_panic(info: &std::panic::PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().map(short).unwrap_or_default();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    format!("holdpoint: a bug: {message} ({place}); nothing was decided by it")
}

/// A failure on its way to the user.
#[derive(Debug)]
pub struct Failure {
    /// What it exits with.
    pub exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// A failure that is said in `message`, escaped already.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A failure that is `error`, with its causes.
    #[must_use]
    pub fn of(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut said = chain(error);
        let causes = said.split_off(1);
        Self { exit, message: said.concat(), causes, hints: Vec::new() }
    }

    /// A failure that standard output has told already: only the exit code is left to say.
    #[must_use]
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// A failure to write standard output, with a hint. A reader that went away, as `head` does, is told nothing.
    #[must_use]
    pub fn unwritten(error: &std::io::Error, hint: &str) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::told(Exit::ReaderGone),
            _ => Self::new(Exit::Error, format!("standard output cannot be written: {error}")).hint(hint),
        }
    }

    /// Whether there is nothing to print any more.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.message.is_empty()
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because {cause}")?;
        }
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// What an error and its causes say, outermost first; at least one sentence. A cause that the one before quotes is left
/// out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the store cannot be opened")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("error: {0}")]
    struct Quoting(#[source] std::io::Error);

    #[test]
    fn nothing_is_said_twice() {
        assert_eq!(chain(&Quoting(std::io::Error::other("disk full"))), ["error: disk full"]);
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let error = Outer(std::io::Error::other("disk full"));
        let failure = Failure::of(Exit::Error, &error).hint("free some space");
        assert_eq!(failure.to_string(), "the store cannot be opened\n  because disk full\n  hint: free some space");
    }
}
