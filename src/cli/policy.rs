//! `holdpoint policy`: looking at rules, trying them out and measuring them. Nothing here needs a running daemon, pauses
//! anything or calls a provider.

mod check;
mod eval;
mod explain;
mod presets;
mod source;
mod test;

use clap::Subcommand;

use crate::error::Failure;

/// Commands about rules.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Says what in the rules was hardly meant: rules that never fire, are shadowed, duplicate, contradict or cost much
    #[command(long_about = check::ABOUT, after_help = "Example: holdpoint policy check --config config.toml")]
    Check(check::Args),
    /// Runs the tests that stand beside the rules, and tells what came of each
    #[command(long_about = test::ABOUT, after_help = "Example: holdpoint policy test --config config.toml")]
    Test(test::Args),
    /// Says which rules fire on an event or nearly do, and on which words
    #[command(
        long_about = explain::ABOUT,
        after_help = "Example: holdpoint policy explain --event '{\"kind\": \"thought\", \"text\": \"Clicking Place order\"}'\n         \
                      holdpoint policy explain --approval 7K2M"
    )]
    Explain(explain::Args),
    /// Measures rules on recorded runs: what they catch, whom they disturb, how often they are right
    #[command(
        long_about = eval::ABOUT,
        after_help = "Example: holdpoint policy eval --preset balanced --traces traces.jsonl --by source --misses"
    )]
    Eval(eval::Args),
    /// Lists the ready-made rules, or prints those of one preset
    #[command(after_help = "Example: holdpoint policy presets balanced")]
    Presets(presets::Args),
}

/// Runs a command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Explain(args) => explain::run(args).await,
        Command::Eval(args) => eval::run(&args),
        Command::Presets(args) => presets::run(&args),
    }
}
