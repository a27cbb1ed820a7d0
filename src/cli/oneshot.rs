//! The one-shot commands: what a person or a script asks of the daemon once.
//!
//! Each is a client like any other; nothing is decided here that the daemon does not check again. Standard output is data,
//! with `--json` in a form that scripts can rely on; what went wrong is said on standard error, with what to do.

mod asking;
mod deciding;
mod denying;
mod ended;
mod json;
pub mod link;
mod listing;
mod ordering;
mod refused;
pub(super) mod screen;
mod status;
mod stopping;
pub(super) mod table;
mod waiting;
pub(super) mod words;

use crate::error::Failure;

pub(super) use json::text as to_json;

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Lists what waits for an answer, the highest risk first
    #[command(after_help = "Example: holdpoint pending --json | jq -r '.[].code'")]
    Pending(listing::Pending),
    /// Shows the whole card of one approval
    #[command(after_help = "Example: holdpoint show 7K2M")]
    Show(listing::Show),
    /// Lets a session go on: shows the card and asks, or takes the card's digest from a script
    #[command(after_help = "Example: holdpoint approve 7K2M
         holdpoint approve 7K2M --digest 9f86d081… --json")]
    Approve(deciding::Approve),
    /// Says no to one approval, to several, or to all
    #[command(after_help = "Example: holdpoint deny 7K2M 9ABC --reason 'not this month'")]
    Deny(denying::Args),
    /// Answers an agent's question
    #[command(after_help = "Example: holdpoint answer 7K2M 'the blue one'")]
    Answer(deciding::Answer),
    /// Gives everybody more time for one approval
    #[command(after_help = "Example: holdpoint extend 7K2M")]
    Extend(deciding::Extend),
    /// Blocks until an approval has its outcome: exits with 0 approved, 10 denied, 11 expired, 12 withdrawn, 124 timed out
    #[command(after_help = "Example: holdpoint wait 7K2M --timeout 5m && ./ship.sh")]
    Wait(waiting::Args),
    /// Lists the sessions that are watched; EVENTS counts what this daemon has judged of each
    #[command(after_help = "Example: holdpoint sessions")]
    Sessions(listing::Sessions),
    /// Pauses a session and opens an approval for it; where nothing runs there is nothing to pause, and that is said
    #[command(after_help = "Example: holdpoint pause refund-bot-14 --reason 'looks lost'")]
    Pause(ordering::Order),
    /// Lets a session go on by approving what is open for it; one that is kept paused is asked about first
    #[command(after_help = "Example: holdpoint resume refund-bot-14")]
    Resume(ordering::Resume),
    /// Ends a session's task; an open approval is denied by it, and where nothing runs nothing is done
    #[command(after_help = "Example: holdpoint cancel refund-bot-14 --reason 'wrong customer'")]
    Cancel(ordering::Order),
    /// Pauses every watched session that acts, or may, at once, one in which nothing runs as soon as it begins to act, and
    /// stops every deadline; or ends that
    #[command(after_help = "Example: holdpoint stop-all --reason 'strange orders'
         holdpoint stop-all --end")]
    StopAll(stopping::Args),
    /// Says how the daemon is
    #[command(after_help = "Example: holdpoint status --json | jq .pending")]
    Status(status::Args),
}

/// Runs a command.
///
/// # Errors
/// With the exit code and what to print.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Pending(args) => listing::pending(args).await,
        Command::Show(args) => listing::show(args).await,
        Command::Approve(args) => deciding::approve(args).await,
        Command::Deny(args) => denying::run(args).await,
        Command::Answer(args) => deciding::answer(args).await,
        Command::Extend(args) => deciding::extend(args).await,
        Command::Wait(args) => waiting::run(args).await,
        Command::Sessions(args) => listing::sessions(args).await,
        Command::Pause(args) => ordering::pause(args).await,
        Command::Resume(args) => ordering::resume(args).await,
        Command::Cancel(args) => ordering::cancel(args).await,
        Command::StopAll(args) => stopping::run(args).await,
        Command::Status(args) => status::run(args).await,
    }
}
