//! `holdpoint run`: the daemon, with a prompt where there is a terminal.

mod activation;
mod api;
mod attend;
mod checkpoint;
mod key;
mod limits;
mod manager;
mod places;
mod provider;
mod reload;
mod signals;
mod status;
mod watchdog;
mod words;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::api::agi::Agi;
use crate::config::places::of_store;
use crate::config::{Config, Loaded, PromptConfig};
use crate::control::socket::Socket;
use crate::crash;
use crate::daemon::{self, Daemon, Left, Stopped};
use crate::error::{Exit, Failure};
use crate::notify;
use crate::operator::log::{self, LogLines};
use crate::operator::prompt::PromptSettings;
use crate::store::{Lock, Store};
use crate::telemetry;
use api::Api;
use checkpoint::Keeper;
use manager::Manager;
use reload::{Fixed, Reloader};
use signals::Signals;

pub(super) use api::Api as LocalApi;
pub(super) use checkpoint::{agrees as checkpoint_agrees, read as read_checkpoint};
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
    crash::permitted().map_err(|error| {
        Failure::of(Exit::Configuration, &error).hint("build holdpoint without the feature crash-points")
    })?;
    let path = config_path(args.config.as_deref())?;
    let Loaded { config, notes } = Config::load(&path)
        .map_err(|error| Failure::new(Exit::Configuration, format!("{error}; nothing was started")))?;
    let (sink, lines) = log::channel();
    let _written = sink.written();
    let level = telemetry::init(&config.log, sink);
    for note in notes {
        tracing::warn!("{note}");
    }
    limits::raise();
    let (fixed, called) = (Fixed::of(&config), config.notify.clone());
    let reloader = Reloader { file: path, fixed, notify: called, level, manager: manager.clone() };
    let inherited = activation::inherited()?;
    let file = store_path(&config.store)?;
    let agi = provider::client(&config.provider)?;
    let ways = notify::configured::ways(&config.notify)
        .map_err(|error| Failure::of(Exit::Configuration, &error).hint(error.hint()))?;
    let signals = signals::listen()?;
    // Before a lock is laid beside it.
    Store::look(&file).await.map_err(words::not_opened)?;
    let _lock = Lock::take(&file).map_err(words::locked)?;
    let socket = match inherited {
        Some(listener) => Api::adopt(listener)?,
        None => Api::bind(&places::socket_path(&config.control, &file), &config.control)?,
    };
    let store = Store::open(&file).await.map_err(words::not_opened)?;
    words::say_started(&config, &file);
    if let Some(checkpoint) = &config.store.checkpoint {
        let own = of_store(&file).into_iter();
        let own: Vec<PathBuf> = own.chain([places::socket_path(&config.control, &file)]).collect();
        checkpoint::apart_from(checkpoint, &own)?;
        checkpoint::compare(checkpoint, &store).await?;
    }
    let start = Start { config, file, agi, ways, store, socket };
    operate(start, signals, reloader, lines, manager).await
}

/// What a daemon is started from.
struct Start {
    config: Config,
    file: PathBuf,
    agi: Agi,
    /// How somebody is called.
    ways: Vec<notify::Way>,
    store: Store,
    /// Where operators' clients connect.
    socket: Socket,
}

/// From the start of the daemon to its end.
async fn operate(
    start: Start,
    Signals { stop, reload }: Signals,
    reloader: Reloader,
    lines: LogLines,
    manager: &Manager,
) -> Result<(), Failure> {
    let Start { config, file, agi, ways, store, socket } = start;
    let (key, prompt) = (config.provider.api_key.clone(), prompt_settings(&config.prompt));
    let (control, checkpoint) = (config.control.clone(), config.store.checkpoint.clone());
    let mut parts = daemon::Config::new(config, Arc::new(agi.clone()), &file);
    parts.notify.ways = ways;
    let mut daemon = Daemon::start(parts, store).await.map_err(words::unreadable)?;
    let keeper = checkpoint.map(|checkpoint| Keeper::start(checkpoint, file, daemon.metrics()));
    let _warm = AbortOnDropHandle::new(tokio::spawn(async move { agi.keep_warm(WARM_EVERY).await }));
    let (wish, wishes) = mpsc::channel(1);
    let api = match Api::serve(socket, &daemon, &control, Some(wish)) {
        Ok(api) => api,
        Err(failure) => {
            drop(stop_all(daemon, keeper).await);
            return Err(failure);
        }
    };
    manager.status("starting: waiting for the provider's first answer");
    // A provider that hangs must not keep a signal waiting.
    let refused = stop.run_until_cancelled(daemon.accepted()).await.and_then(Result::err);
    let mut failed = refused.map(|error| words::refused(&error, &key));
    if let (Some(address), None) = (control.http, &failed) {
        failed = serve_metrics(address, &daemon, &stop).await.err();
    }
    if failed.is_none() && !stop.is_cancelled() {
        manager.ready();
        let _told = told(&daemon, manager);
        tokio::select! {
            () = attend::attend(api.path(), prompt, lines, &stop) => (),
            never = reloader.serve(&daemon, &api, reload, wishes) => match never {},
            failure = api.failed() => failed = Some(failure),
        }
    }
    match &failed {
        None => failed = end(daemon, keeper, manager).await,
        // The same drain; the service manager is told the failure instead.
        Some(_) => words::say_held(&stop_all(daemon, keeper).await),
    }
    // After the daemon, so that clients hear how it ended.
    api.stop().await;
    failed.map_or(Ok(()), Err)
}

/// Serves metrics and health on the port that is configured.
async fn serve_metrics(address: SocketAddr, daemon: &Daemon, stop: &CancellationToken) -> Result<(), Failure> {
    let served = telemetry::http::serve(address, daemon.scrape().clone(), stop.clone()).await;
    let address = served.map_err(|error| {
        Failure::new(Exit::Error, format!("metrics cannot be served on {address}: {error}"))
            .hint("name another port with [control] http")
    })?;
    tracing::info!("metrics and health are served on http://{address}/metrics and /healthz");
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

/// Drains; a store that does not have all that happened is a failure.
async fn end(daemon: Daemon, keeper: Option<Keeper>, manager: &Manager) -> Option<Failure> {
    tracing::info!("stopping: nothing more is decided, calls in flight finish");
    manager.stopping();
    manager.status("stopping: nothing more is decided, calls in flight finish");
    let stopped = stop_all(daemon, keeper).await;
    words::say_held(&stopped);
    manager.status(&words::stopped(&stopped.held));
    (stopped.store == Left::Unfinished).then(words::unfinished)
}

/// Stops the daemon, and then what keeps its checkpoint.
async fn stop_all(daemon: Daemon, keeper: Option<Keeper>) -> Stopped {
    if let Some(keeper) = &keeper {
        keeper.let_go().await;
    }
    let stopped = daemon.stop().await;
    if let Some(keeper) = keeper {
        keeper.finish().await;
    }
    stopped
}

pub(super) fn prompt_settings(config: &PromptConfig) -> PromptSettings {
    PromptSettings { arm: config.arm, arm_high: config.arm_high, ..PromptSettings::default() }
}
