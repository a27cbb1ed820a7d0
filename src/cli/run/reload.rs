//! Reading the configuration again while the daemon runs: parse, validate, and only then swap.
//!
//! A file that is wrong changes nothing, and that is said in the log and to every operator. Keys that cannot change while
//! the daemon runs are named and left as they are.

mod fixed;

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::api::Api;
use super::manager::Manager;
use crate::config::{Config, ConfigError, Loaded, NotifyConfig};
use crate::control::Refusal;
use crate::control::http::Reload;
use crate::daemon::{Changed, Daemon, Reconfiguration};
use crate::notify::{self, Way};
use crate::operator::escape::short;
use crate::operator::log::TOLD;
use crate::telemetry::Level;
pub(super) use fixed::Fixed;

/// How many errors of a file are said in one sentence.
const SAID: usize = 3;

/// Reads the configuration again when it is asked to.
pub(super) struct Reloader {
    /// The file it is read from.
    pub(super) file: PathBuf,
    /// What the daemon was started with and cannot change.
    pub(super) fixed: Fixed,
    /// Who is called now.
    pub(super) notify: NotifyConfig,
    /// The level of the log.
    pub(super) level: Level,
    /// Who is told of it.
    pub(super) manager: Manager,
}

impl Reloader {
    /// Serves signals and wishes, one after the other; never returns.
    pub(super) async fn serve(
        mut self,
        daemon: &Daemon,
        api: &Api,
        mut signals: mpsc::Receiver<()>,
        mut wishes: mpsc::Receiver<Reload>,
    ) -> std::convert::Infallible {
        loop {
            tokio::select! {
                // Who sent a signal reads the log.
                Some(()) = signals.recv() => drop(self.reload(daemon, api).await),
                Some(wish) = wishes.recv() => {
                    let answer = self.reload(daemon, api).await.map_err(|why| Refusal::NotPossible { why });
                    // Whoever wished may have gone.
                    let _ = wish.send(answer);
                }
                else => return std::future::pending().await,
            }
        }
    }

    /// Uses what is in the file, or says why not. The answer is said in the log and to every operator already.
    async fn reload(&mut self, daemon: &Daemon, api: &Api) -> Result<String, String> {
        self.manager.reloading();
        let answer = match self.load().await {
            Ok((loaded, ways)) => self.swap(daemon, api, loaded, ways).await,
            Err(why) => Err(format!(
                "{} cannot be used, and what was read before stays in force: {why}",
                short(&self.file.to_string_lossy())
            )),
        };
        if let Err(text) = &answer {
            tracing::error!(target: TOLD, "{text}");
        }
        let (Ok(text) | Err(text)) = &answer;
        daemon.desk().notice(text.clone());
        self.manager.ready();
        answer
    }

    /// Compiling rules can take a while, and nothing else may wait for it.
    async fn load(&self) -> Result<(Loaded, Vec<Way>), String> {
        let file = self.file.clone();
        match tokio::task::spawn_blocking(move || read(&file)).await {
            Ok(read) => read,
            Err(error) => Err(format!("reading it failed: {}", short(&error.to_string()))),
        }
    }

    async fn swap(&mut self, daemon: &Daemon, api: &Api, loaded: Loaded, ways: Vec<Way>) -> Result<String, String> {
        let Loaded { config, notes } = loaded;
        for note in notes {
            tracing::warn!("{note}");
        }
        let restart = self.fixed.different(&Fixed::of(&config));
        let (level, control, notify) = (config.log.level, config.control.clone(), config.notify.clone());
        let mut with = Reconfiguration::new(config);
        with.notify.ways = ways;
        let changed = daemon.reconfigure(with).await.map_err(|stopping| stopping.to_string())?;
        self.level.set(level);
        api.allow(&control);
        let changed = Changed { notify: self.notify != notify, restart, ..changed };
        self.notify = notify;
        let text = format!("the configuration was read again: {changed}");
        if changed.restart.is_empty() {
            tracing::info!(target: TOLD, "{text}");
        } else {
            tracing::warn!(target: TOLD, "{text}");
        }
        Ok(text)
    }
}

/// Reads a configuration, and the secret of its webhook, which may be another although the file is the same.
fn read(file: &Path) -> Result<(Loaded, Vec<Way>), String> {
    let loaded = Config::load(file).map_err(|error| in_short(&error))?;
    let ways = notify::configured::ways(&loaded.config.notify);
    let ways = ways.map_err(|error| format!("{error}; {}", error.hint()))?;
    Ok((loaded, ways))
}

/// What is wrong with a file, in a line.
fn in_short(error: &ConfigError) -> String {
    let wrong = match error {
        ConfigError::Read { source, .. } => return source.to_string(),
        ConfigError::Invalid(wrong) => wrong,
    };
    let mut said: Vec<String> = wrong.sentences().take(SAID).collect();
    if let Some(more @ 1..) = wrong.list().len().checked_sub(SAID) {
        said.push(format!("and {more} more, see `holdpoint config check`"));
    }
    said.join("; ")
}
