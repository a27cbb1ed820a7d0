//! `holdpoint run`: the daemon, with a prompt where there is a terminal.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::api::agi::{Agi, AgiConfig};
use crate::api::http::BaseUrl;
use crate::api::{ApiError, SessionId};
use crate::config::{Config, KeySource, Loaded, PromptConfig, ProviderConfig, ProviderKind, StoreConfig, state_path};
use crate::daemon::{self, Daemon, Held};
use crate::error::{Exit, Failure};
use crate::operator::log::{self, LogLines};
use crate::operator::prompt::{self, PromptEnd, PromptSettings};
use crate::operator::terminal;
use crate::store::{Lock, LockError, Store, StoreError};
use crate::telemetry;

use super::identity;

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
    let path = config_path(args.config.as_deref())?;
    let Loaded { config, notes } =
        Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    let (sink, lines) = log::channel();
    let _written = sink.written();
    telemetry::init(&config.log, sink);
    for note in notes {
        tracing::warn!("{note}");
    }
    let file = store_path(&config.store)?;
    let agi = client(&config.provider)?;
    let stop = stop_on_signals()?;
    let _lock = Lock::take(&file).map_err(locked)?;
    let store = Store::open(&file).await.map_err(not_opened)?;
    say_started(&config, &file);
    let key = KeyPlace(config.provider.api_key.clone());
    let prompt_settings = prompt_settings(&config.prompt);
    let parts = daemon::Config::new(config, Arc::new(agi.clone()), &file);
    let mut daemon = Daemon::start(parts, store).await.map_err(unreadable)?;
    let warm = tokio::spawn(async move { agi.keep_warm(WARM_EVERY).await });
    // A provider that hangs must not keep a signal waiting.
    if let Some(Err(error)) = stop.run_until_cancelled(daemon.accepted()).await {
        daemon.stop().await;
        return Err(refused(&error, &key));
    }
    attend(&daemon, prompt_settings, lines, &stop).await;
    warm.abort();
    tracing::info!("stopping: nothing more is decided, calls in flight finish");
    say_held(&daemon.stop().await);
    Ok(())
}

/// Prompts while there is a terminal and an operator; returns when a signal asks to stop.
async fn attend(daemon: &Daemon, settings: PromptSettings, lines: LogLines, stop: &CancellationToken) {
    if !terminal::is_usable() {
        tracing::info!(
            "no terminal: nobody is asked here; sessions are held, and what waits is logged with its deadline"
        );
        stop.cancelled().await;
        return;
    }
    if let Some(client) = daemon.desk().connect(identity::operator()).await {
        let end = prompt::run(client, settings, lines, stop.clone()).await;
        // The prompt may hear of a signal a moment before we do.
        let signalled = tokio::time::timeout(Duration::from_millis(500), stop.cancelled()).await.is_ok();
        match end {
            PromptEnd::Left | PromptEnd::Eof if !signalled => {
                tracing::warn!("nobody is asked here any more; the daemon goes on, Ctrl-C stops it");
            }
            PromptEnd::TerminalGone if !signalled => tracing::warn!("the terminal is gone; the daemon goes on"),
            PromptEnd::Stopped if !signalled => tracing::warn!("the prompt ended; the daemon goes on, Ctrl-C stops it"),
            PromptEnd::Left | PromptEnd::Eof | PromptEnd::TerminalGone | PromptEnd::Stopped | PromptEnd::Done => (),
        }
    }
    stop.cancelled().await;
}

/// A token that SIGINT and SIGTERM cancel. SIGHUP only says that a restart is needed to load another configuration.
fn stop_on_signals() -> Result<CancellationToken, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Error, format!("signals cannot be received: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hangup = listen(SignalKind::hangup())?;
    // A limit on file sizes must fail a write, not end the process and with it every hold.
    let mut too_large = listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = too_large.recv() => (),
                _ = hangup.recv() => tracing::warn!("SIGHUP: the daemon goes on with the configuration it has"),
            }
        }
        cancel.cancel();
    });
    Ok(stop)
}

fn say_started(config: &Config, store: &Path) {
    let (version, url, store) = (env!("CARGO_PKG_VERSION"), &config.provider.base_url, store.display());
    tracing::info!(
        "holdpoint {version} watches {url} with policy {:.12}, store {store}",
        config.policy.hash().to_string()
    );
}

fn say_held(held: &BTreeMap<SessionId, Held>) {
    for (session, held) in held {
        match &held.waiting {
            Some((code, deadline)) => {
                tracing::warn!(%session, "session {session} stays held: {code} waits for an answer until {deadline:.0}");
            }
            None => tracing::warn!(%session, "session {session} stays held"),
        }
    }
    match held.len() {
        0 => tracing::info!("stopped; no session is held"),
        1 => tracing::warn!("stopped; 1 session stays held, its deadline goes on, and the next start takes it up"),
        n => tracing::warn!("stopped; {n} sessions stay held, their deadlines go on, and the next start takes them up"),
    }
}

/// The configuration file: the argument, or the first of the usual places that is there.
pub(super) fn config_path(argument: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = argument {
        return Ok(path.to_owned());
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let user = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let places = [user, Some(PathBuf::from("/etc"))].into_iter().flatten();
    let places: Vec<PathBuf> = places.map(|place| place.join("holdpoint").join("config.toml")).collect();
    places.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let named: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        Failure::new(Exit::Configuration, format!("there is no configuration file: neither {}", named.join(" nor ")))
            .hint("name one with --config FILE; config.example.toml is a commented beginning")
    })
}

/// The store file the configuration names, or the default.
pub(super) fn store_path(config: &StoreConfig) -> Result<PathBuf, Failure> {
    config.path.clone().or_else(|| state_path(|name| std::env::var_os(name))).ok_or_else(|| {
        Failure::new(Exit::Configuration, "there is no place for the store: neither [store] path nor HOME is set")
            .hint("set [store] path in the configuration")
    })
}

fn client(config: &ProviderConfig) -> Result<Agi, Failure> {
    let ProviderKind::Agi = config.kind;
    let wrong = |message: String| Failure::new(Exit::Configuration, message);
    let base_url: BaseUrl =
        config.base_url.as_str().parse().map_err(|error| wrong(format!("provider.base_url: {error}")))?;
    let client = AgiConfig {
        connect_timeout: config.connect_timeout,
        read_timeout: config.request_timeout,
        control_timeout: config.request_timeout,
        pause_timeout: config.pause_timeout,
        hedge_after: config.hedge_after,
        max_event_bytes: config.max_event,
        ..AgiConfig::new(base_url, key(&config.api_key)?)
    };
    Agi::new(client).map_err(|error| Failure::of(Exit::Configuration, &error).hint("is the API key one line of text?"))
}

pub(super) fn key(source: &KeySource) -> Result<SecretString, Failure> {
    let missing = |why: String| {
        Failure::new(Exit::Configuration, format!("there is no API key: {why}"))
            .hint("set it, or name another place with provider.api_key_env or provider.api_key_file")
    };
    let place = KeyPlace(source.clone());
    let text = match source {
        KeySource::Environment(name) => std::env::var(name).unwrap_or_default(),
        KeySource::File(path) => {
            std::fs::read_to_string(path).map_err(|error| missing(format!("{place} cannot be read: {error}")))?
        }
    };
    match text.trim() {
        "" => Err(missing(format!("{place} is empty or not set"))),
        text => Ok(SecretString::from(text)),
    }
}

/// Where the key is, in words.
struct KeyPlace(KeySource);

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            KeySource::Environment(name) => write!(f, "the environment variable {name}"),
            KeySource::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

pub(super) fn prompt_settings(config: &PromptConfig) -> PromptSettings {
    PromptSettings { arm: config.arm, arm_high: config.arm_high, ..PromptSettings::default() }
}

fn not_opened(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Directory { .. } => "put the store where this user can write, with [store] path",
        StoreError::Open { .. } | StoreError::Foreign { .. } => {
            "[store] path names the file; nothing in it was changed"
        }
        StoreError::Newer { .. } => "start the holdpoint that made it, or name another store with [store] path",
        StoreError::Sql { .. } | StoreError::Row { .. } => {
            "`holdpoint audit verify` tells what is wrong with the store"
        }
    };
    Failure::of(Exit::Error, &error).hint(hint)
}

fn locked(error: LockError) -> Failure {
    match error {
        LockError::Held { .. } => Failure::of(Exit::Locked, &error)
            .hint("stop the other one (what it holds stays held, the next start takes it up), or give this one a store of its own with [store] path"),
        LockError::File { .. } => {
            Failure::of(Exit::Error, &error).hint("put the store where this user can write, with [store] path")
        }
    }
}

fn unreadable(error: StoreError) -> Failure {
    Failure::of(Exit::Error, &error).hint("`holdpoint audit verify` tells what is wrong with the store")
}

fn refused(error: &ApiError, key: &KeyPlace) -> Failure {
    Failure::new(Exit::Unavailable, format!("the provider does not accept the API key: {error}"))
        .hint(format!("check the key in {key}, and that provider.base_url is the API that it is for"))
}
