//! What the terminal behind standard output has room for, and reading a line that was typed at one.

use std::io::IsTerminal as _;

use rustix::stdio::{stdin, stdout};
use rustix::termios::{QueueSelector, tcflush, tcgetwinsize};

use crate::cli::say;
use crate::control::ApprovalView;
use crate::error::{Exit, Failure};
use crate::operator::card;

/// How many columns the terminal has that standard output goes to; `None` when it goes elsewhere.
pub fn columns() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let size = tcgetwinsize(stdout()).ok().filter(|size| size.ws_col > 0);
    Some(size.map_or(80, |size| usize::from(size.ws_col)))
}

/// Asks at the terminal for exactly these words; what was typed before the question does not count.
///
/// # Errors
/// [`Exit::Usage`] where there is no terminal, with `otherwise`; [`Exit::Error`] when something else was typed.
pub async fn typed(question: &str, words: &str, otherwise: &str) -> Result<(), Failure> {
    if !crate::operator::terminal::is_usable() {
        return Err(Failure::new(Exit::Usage, "this is asked at a terminal, and there is none").hint(otherwise));
    }
    say(question);
    // A terminal that refuses is gone, and reading from it will say so.
    let _ = tcflush(stdin(), QueueSelector::IFlush);
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    match line.await {
        Ok(Ok(line)) if line.trim() == words => Ok(()),
        Ok(Ok(_) | Err(_)) | Err(_) => Err(Failure::new(Exit::Error, "that was not typed; nothing was done")
            .hint(format!("to go on, type exactly `{words}` and Enter; {otherwise}"))),
    }
}

/// Everything a card has, as lines for people.
pub fn details(view: &ApprovalView, columns: usize) -> String {
    let zone = jiff::tz::TimeZone::system();
    card::details(view, &card::Frame { columns, zone: &zone, waiting: 0, margin: None }).finish()
}
