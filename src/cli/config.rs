//! `holdpoint config`: is this file right?

use std::path::PathBuf;

use crate::config;
use crate::error::{Exit, Failure};

use super::counted;
use super::run::config_path;

/// Commands about the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Reads the configuration and says what is wrong with it, or that nothing is
    #[command(after_help = "Example: holdpoint config check --config config.toml")]
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Runs a command.
pub fn run(command: &Command) -> Result<(), Failure> {
    let Command::Check { config } = command;
    let path = config_path(config.as_deref())?;
    let summary = config::check(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    for note in &summary.notes {
        super::say(format_args!("note: {note}"));
    }
    super::print(&format!(
        "{}: valid, {}, provider {}, policy {}",
        path.display(),
        counted(i128::try_from(summary.rules).unwrap_or(i128::MAX), "rule", "rules"),
        summary.base_url,
        summary.policy
    ))
}
