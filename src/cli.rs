//! The command line: one file per group of commands. Standard output is data, standard error is talk.

mod attach;
mod audit;
mod config;
mod demo;
mod doctor;
mod identity;
mod notify;
pub mod oneshot;
mod policy;
mod reference;
pub mod run;
pub mod simulate;
pub mod target;

use clap::{Parser, Subcommand};

use crate::crash;
use crate::error::{Exit, Failure};

/// What `--version` says. A test build must be known for one, and a bug report should tell how its binary was made.
const VERSION: &str = if crash::is_built_in() {
    concat!(env!("CARGO_PKG_VERSION"), " (a test build with crash points, not for use)")
} else if option_env!("HOLDPOINT_TRAINED").is_some() {
    // Set by deploy/trained.sh.
    concat!(env!("CARGO_PKG_VERSION"), " (trained)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Watches hosted AI-agent sessions, pauses one the moment a rule fires, asks an operator, then resumes or cancels.
#[derive(Debug, Parser)]
#[command(name = "holdpoint", version = VERSION, about, after_help = "Example: holdpoint demo")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole pipeline against the built-in simulated API, in under two minutes; asks at this terminal
    #[command(after_help = "Example: holdpoint demo")]
    Demo(demo::Args),
    /// The daemon; asks here when standard input and standard error are terminals
    #[command(after_help = "Example: AGI_API_KEY=… holdpoint run --config config.toml")]
    Run(run::Args),
    /// The operator's console: what waits, full screen or as lines
    #[command(after_help = "Example: holdpoint attach")]
    Attach(attach::Args),
    #[command(flatten)]
    Once(oneshot::Command),
    /// Looks at everything that has to be right, and says what to do where it is not
    #[command(after_help = "Example: holdpoint doctor")]
    Doctor(doctor::Args),
    /// The simulated Sessions API by itself, on loopback
    #[command(after_help = "Example: holdpoint simulate --listen 127.0.0.1:8700 --scenario purchase")]
    Simulate(simulate::Args),
    /// Looks into the audit trail
    #[command(after_help = "Example: holdpoint audit verify --config config.toml")]
    #[command(subcommand)]
    Audit(audit::Command),
    /// Looks at rules: checks, tries and measures them
    #[command(after_help = "Example: holdpoint policy eval --preset balanced --traces traces.jsonl")]
    #[command(subcommand)]
    Policy(policy::Command),
    /// Looks into the configuration
    #[command(after_help = "Example: holdpoint config check --config config.toml")]
    #[command(subcommand)]
    Config(config::Command),
    /// Tries whether notifications arrive
    #[command(after_help = "Example: holdpoint notify test --config config.toml")]
    #[command(subcommand)]
    Notify(notify::Command),
    /// Prints the completions for a shell
    #[command(
        after_help = "Example: holdpoint completions bash > ~/.local/share/bash-completion/completions/holdpoint"
    )]
    Completions(reference::Completions),
    /// Prints the manual page, or writes the pages of all commands
    #[command(after_help = "Example: holdpoint man --out ~/.local/share/man/man1")]
    Man(reference::Man),
    /// Prints the OpenAPI document of the local API, as `GET /v1/openapi.json` on its socket serves it
    #[command(after_help = "Example: holdpoint openapi > openapi.json")]
    Openapi,
}

/// Prints a line of data. Somebody who stops reading ends the command, without a word and without a panic.
fn print(line: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let printed = writeln!(out, "{line}").and_then(|()| out.flush());
    printed.map_err(|error| Failure::unwritten(&error, "is the disk full? What the command did besides is done"))
}

/// Says a line of talk. A standard error that is closed has nobody to tell.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A number with its noun.
fn counted(count: impl Into<i128>, one: &str, many: &str) -> String {
    let count = count.into();
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Prints what clap has to say about arguments it did not take, or the help that was asked for; the exit code is 0 for
/// help, 2 for wrong usage, and sysexits' 64 for wrong usage of the daemon.
#[must_use]
pub fn usage(error: &clap::Error) -> std::process::ExitCode {
    // Nobody is left to tell when the output is closed.
    let _ = error.print();
    let daemon = std::env::args_os().nth(1).is_some_and(|command| command == "run");
    match (error.use_stderr(), daemon) {
        (false, _) => std::process::ExitCode::SUCCESS,
        (true, true) => std::process::ExitCode::from(64),
        (true, false) => std::process::ExitCode::from(2),
    }
}

impl Cli {
    /// Does what the arguments say.
    ///
    /// # Errors
    /// With the exit code and what to print.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Once(command) => oneshot::run(command).await,
            Command::Simulate(args) => {
                simulate::run(args).await.map_err(|error| Failure::of(Exit::Error, &error).hint(error.hint()))
            }
            Command::Audit(command) => audit::run(command).await,
            Command::Policy(command) => policy::run(command).await,
            Command::Config(command) => config::run(&command),
            Command::Doctor(args) => doctor::run(args).await,
            Command::Completions(args) => reference::completions(&args),
            Command::Man(args) => reference::man(&args),
            Command::Openapi => reference::openapi(),
            Command::Attach(args) => attach::run(args).await,
            Command::Notify(command) => notify::run(command).await,
        }
    }
}
