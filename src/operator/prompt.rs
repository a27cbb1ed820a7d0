//! The prompt: cards as append-only lines, and one question at a time, answered by typed lines.
//!
//! No cursor motion, no alternate screen: fit for screen readers, `script` and serial lines. The reducer is pure, the shell
//! around it owns the terminal. Never reads an answer from anything but a terminal, never decides by silence, end of input
//! or a time-out, and is checked again by the daemon in everything.

mod command;
mod elsewhere;
mod machine;
mod run;

use std::time::Duration;

pub use machine::{Input, Output, Prompt};
pub use run::run;

use crate::control::Act;
use crate::gate::ApprovalId;
use crate::policy::Risk;

/// The prompt's numbers and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptSettings {
    /// How long a question must have been on screen before a line counts.
    pub arm: Duration,
    /// The same for high risk.
    pub arm_high: Duration,
    /// What is said instead of asking when standard input or error is no terminal.
    pub elsewhere: String,
    /// Ask about this approval and no other, and end when it is done.
    pub only: Option<Only>,
}

/// The one approval that a prompt is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// Which.
    pub approval: ApprovalId,
    /// What `y` does: an approval, with a reason or without, an instruction or an answer.
    pub yes: Act,
    /// Whether the prompt stays until the outcome is delivered.
    pub patient: bool,
}

impl PromptSettings {
    fn arming(&self, risk: Risk) -> Duration {
        match risk {
            Risk::Low | Risk::Medium => self.arm,
            Risk::High => self.arm_high,
        }
    }
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self {
            arm: Duration::from_millis(750),
            arm_high: Duration::from_millis(1500),
            elsewhere: "nothing is asked here, because this is not a terminal: start holdpoint at a terminal to answer"
                .to_owned(),
            only: None,
        }
    }
}

/// How a prompt ended. None of them decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptEnd {
    /// The operator typed `q`.
    Left,
    /// End of input: Ctrl-D.
    Eof,
    /// The terminal is gone.
    TerminalGone,
    /// The one approval that it was for is done.
    Done,
    /// A signal asks to end, or what the prompt belongs to.
    Stopped,
    /// The daemon is stopping, or dropped this client.
    Lost,
}
