//! `holdpoint policy`: looking at rules, trying them out and measuring them. Nothing here needs a running daemon, pauses
//! anything or calls a provider.

mod eval;
mod source;

use clap::Subcommand;

use crate::error::Failure;

/// Commands about rules.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measures rules on recorded runs: what they catch, whom they disturb, how often they are right
    #[command(
        long_about = eval::ABOUT,
        after_help = "Example: holdpoint policy eval --preset balanced --traces traces.jsonl --by source --misses"
    )]
    Eval(eval::Args),
}

/// Runs a command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Eval(args) => eval::run(&args),
    }
}
