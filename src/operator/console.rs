//! The console: the full-screen place where an operator reads cards and answers them.
//!
//! Every input is one event, the reducer returns what is to be done, and the shell does it. The reducer and the screen are
//! pure; the shell owns the terminal and the connection. The card under the finger never changes by itself, and nothing is
//! decided by silence, pastes, lost connections or keys that were typed for something else. The daemon checks it all again.

mod frame;
mod machine;
mod notify;
mod picture;
mod run;
mod view;

use std::time::Duration;

pub use machine::{Console, Input, Moment, Output, Shot};
pub use run::{Left, run};

/// What the console is told about its terminal and its operator's wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Whether approvals that wait are called out: bell, window title, notification.
    pub calls: bool,
    /// Whether colours are used; words carry the meaning either way.
    pub colours: bool,
    /// How long no key must have been pressed before `y` counts.
    pub quiet: Duration,
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { calls: true, colours: true, quiet: Duration::from_millis(400) }
    }
}

/// How a console ended. None of them decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleEnd {
    /// The operator detached.
    Left,
    /// The terminal is gone.
    TerminalGone,
    /// A signal asks to end.
    Stopped,
}
