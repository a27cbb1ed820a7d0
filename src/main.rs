//! The `holdpoint` binary.

use std::process::ExitCode;

use clap::Parser;
use holdpoint::cli::simulate;

#[derive(Parser)]
#[command(name = "holdpoint", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// The simulated Sessions API by itself, on loopback
    Simulate(simulate::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Simulate(args) = Cli::parse().command;
    let Err(error) = simulate::run(args).await else { return ExitCode::SUCCESS };
    eprintln!("holdpoint: {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        eprintln!("  {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
