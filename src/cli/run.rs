//! `holdpoint run`: the daemon, with a prompt where there is a terminal.

mod attend;
mod key;
mod limits;
mod manager;
mod places;
mod provider;
mod signals;
mod status;
mod watchdog;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::{Config, Loaded, PromptConfig};
use crate::daemon::{self, Daemon};
use crate::error::{Exit, Failure};
use crate::notify;
use crate::operator::log;
use crate::operator::prompt::PromptSettings;
use crate::store::{Lock, Store};
use crate::telemetry;
use manager::Manager;
use signals::Signals;

pub(super) use key::fetch as fetch_key;
pub(super) use places::{config_path, store_path};

/// How often idle control connections are used, so that they stay open: common servers close idle ones after 5 s.
const WARM_EVERY: Duration = Duration::from_secs(4);

/// Arguments of `holdpoint run`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without it $XDG_CONFIG_HOME/holdpoint/config.toml, then /etc/holdpoint/config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the daemon until a signal stops it.
///
/// # Errors
/// When it cannot be started; nothing was started then.
pub async fn run(args: Args) -> Result<(), Failure> {
    let manager = Manager::from_environment();
    let done = serve(args, &manager).await;
    if let Err(failure) = &done {
        manager.status(&failure.to_string());
    }
    manager.finish();
    done
}

async fn serve(args: Args, manager: &Manager) -> Result<(), Failure> {
    let path = config_path(args.config.as_deref())?;
    let Loaded { config, notes } =
        Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    let (sink, lines) = log::channel();
    let _written = sink.written();
    telemetry::init(&config.log, sink);
    for note in notes {
        tracing::warn!("{note}");
    }
    limits::raise();
    let file = store_path(&config.store)?;
    let agi = provider::client(&config.provider)?;
    let ways = notify::configured::ways(&config.notify)
        .map_err(|error| Failure::of(Exit::Configuration, &error).hint(error.hint()))?;
    let signals = signals::listen()?;
    let _lock = Lock::take(&file).map_err(words::locked)?;
    let store = Store::open(&file).await.map_err(words::not_opened)?;
    words::say_started(&config, &file);
    let key = config.provider.api_key.clone();
    let prompt = prompt_settings(&config.prompt);
    let mut parts = daemon::Config::new(config, Arc::new(agi.clone()), &file);
    parts.notify.ways = ways;
    let mut daemon = Daemon::start(parts, store).await.map_err(words::unreadable)?;
    let warm = tokio::spawn(async move { agi.keep_warm(WARM_EVERY).await });
    manager.status("starting: waiting for the provider's first answer");
    // A provider that hangs must not keep a signal waiting.
    if let Some(Err(error)) = signals.stop.run_until_cancelled(daemon.accepted()).await {
        daemon.stop().await;
        return Err(words::refused(&error, &key));
    }
    let stop = signals.stop.clone();
    if !stop.is_cancelled() {
        manager.ready();
        let _told = told(&daemon, manager);
        tokio::select! {
            () = attend::attend(&daemon, prompt, lines, &stop) => (),
            () = answer_hangups(signals) => (),
        }
    }
    warm.abort();
    end(daemon, manager).await;
    Ok(())
}

/// Keeps the service manager up to date until it is dropped.
fn told(daemon: &Daemon, manager: &Manager) -> tokio_util::sync::DropGuard {
    let until = CancellationToken::new();
    let (ended, status) = (until.clone(), status::keep(daemon.desk().clone(), manager.clone()));
    tokio::spawn(async move { ended.run_until_cancelled(status).await });
    let (ended, watchdog) = (until.clone(), watchdog::keep(daemon.pulse(), manager.clone()));
    tokio::spawn(async move { ended.run_until_cancelled(watchdog).await });
    until.drop_guard()
}

async fn end(daemon: Daemon, manager: &Manager) {
    tracing::info!("stopping: nothing more is decided, calls in flight finish");
    manager.stopping();
    manager.status("stopping: nothing more is decided, calls in flight finish");
    let held = daemon.stop().await;
    words::say_held(&held);
    manager.status(&words::stopped(held.len()));
}

async fn answer_hangups(mut signals: Signals) {
    while signals.reload.recv().await.is_some() {
        tracing::warn!("SIGHUP: the daemon goes on with the configuration it has");
    }
    std::future::pending().await
}

pub(super) fn prompt_settings(config: &PromptConfig) -> PromptSettings {
    PromptSettings { arm: config.arm, arm_high: config.arm_high, ..PromptSettings::default() }
}
