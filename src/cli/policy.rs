//! `holdpoint policy`: looking at rules, trying them out and measuring them. Nothing here needs a running daemon, pauses
//! anything or calls a provider.

mod check;
mod diff;
mod eval;
mod explain;
mod history;
mod presets;
mod replay;
mod source;
mod test;
mod told;

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
    /// Evaluates what the daemon recorded by the rules as they are now
    #[command(long_about = replay::ABOUT, after_help = "Example: holdpoint policy replay --config config.toml --since 2d")]
    Replay(replay::Args),
    /// Says what other rules would have asked, allowed and denied
    #[command(
        long_about = diff::ABOUT,
        after_help = "Example: holdpoint policy diff config.toml new.toml --since 2d\n         \
                      holdpoint policy diff quiet balanced --traces traces.jsonl"
    )]
    Diff(diff::Args),
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
        Command::Replay(args) => replay::run(args).await,
        Command::Diff(args) => diff::run(args).await,
        Command::Presets(args) => presets::run(&args),
    }
}
