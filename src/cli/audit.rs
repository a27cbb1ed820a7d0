//! `holdpoint audit`: what happened, and is the trail whole?
//!
//! Reads the store itself, beside a running daemon or without one; never writes to it.

mod export;
mod list;
mod said;
mod since;
mod trail;
mod verify;

use crate::error::Failure;

/// Commands about the audit trail.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Lists what happened, for people: the newest entries, or those about a session or an approval
    #[command(after_help = "Example: holdpoint audit list --approval 7K2M
         holdpoint audit list --since 2h --session refund-bot-14 --json")]
    List(list::Args),
    /// Prints every entry with its hash as JSON Lines, checking the chain on the way
    #[command(after_help = "Example: holdpoint audit export > trail.jsonl
         holdpoint audit export --after 2314 >> trail.jsonl

Each line has `seq`, `at`, `entry`, `session_id`, `approval_id`, `body`, `previous` and `hash`. `body` is JSON in a string
(`jq '.body | fromjson'`). The hash is SHA-256 over the 32 bytes of `previous`, `seq` as 8 bytes, and `at`, `entry`,
`session_id`, `approval_id` and `body`, each as a byte 1, the length of its UTF-8 in bytes as 8 bytes and that UTF-8, or as
a byte 0 where it is null; numbers are big-endian. The texts are what a JSON parser makes of the line, with every \\u escape
undone.")]
    Export(export::Args),
    /// Walks the whole hash chain and compares every approval with it; works beside a running daemon
    #[command(after_help = "Example: holdpoint audit verify --config config.toml")]
    Verify(verify::Args),
}

/// Runs a command.
///
/// # Errors
/// With the exit code and what to print.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Verify(args) => verify::run(args).await,
    }
}
