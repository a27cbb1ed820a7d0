//! `holdpoint notify`: do notifications arrive?

use std::path::PathBuf;
use std::time::Instant;

use crate::config::{Config, Loaded};
use crate::error::{Exit, Failure};
use crate::notify::message::Message;
use crate::notify::{Delivery, configured};

use super::run::config_path;

/// Commands about notifications.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Sends a test notification in every configured way, and says what became of it
    #[command(after_help = "Example: holdpoint notify test --config config.toml")]
    Test {
        /// The configuration file; without it $XDG_CONFIG_HOME/holdpoint/config.toml, then /etc/holdpoint/config.toml
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Runs a command.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Test { config } = command;
    let path = config_path(config.as_deref())?;
    let Loaded { config, .. } =
        Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    if config.notify.is_empty() {
        let nobody = format!("{} configures no notifications", path.display());
        return Err(Failure::new(Exit::Error, nobody).hint("set [notify] exec, or [notify] webhook"));
    }
    let ways = configured::ways(&config.notify)
        .map_err(|error| Failure::of(Exit::Configuration, &error).hint(error.hint()))?;
    let delivery = Delivery::of(&Message::test());
    let mut failed = 0;
    for way in &ways {
        let began = Instant::now();
        match way.deliver(&delivery).await {
            Ok(()) => super::print(&format!("{}: delivered in {} ms", way.name(), began.elapsed().as_millis()))?,
            Err(why) => {
                failed += 1;
                super::print(&format!("{}: not delivered: {why}", way.name()))?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(Failure::new(Exit::Error, format!("{failed} of {} ways did not deliver", ways.len()))
            .hint("the daemon sends in the same way, as its own user and with its own environment")),
    }
}
