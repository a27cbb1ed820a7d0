//! `holdpoint demo`: simulated API, daemon and prompt in one process, over real HTTP on loopback.
//!
//! Nothing of it is special: the daemon is the one of `holdpoint run`, with a small policy of its own and a store in a
//! folder that is removed at the end.

mod narrator;
mod summary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::agi::{Agi, AgiConfig};
use crate::api::http::BaseUrl;
use crate::config::{Config, Loaded};
use crate::control::{Client, remote};
use crate::daemon::{self, Daemon};
use crate::error::{Exit, Failure};
use crate::operator::layout::wrap;
use crate::operator::log;
use crate::operator::prompt::{self, PromptEnd};
use crate::operator::terminal;
use crate::simulator::{Options, Simulator};
use crate::store::{Lock, Store};
use crate::telemetry;

use super::identity;
use super::run::{LocalApi, prompt_settings};

const POLICY: &str = include_str!("demo/policy.toml");

const WELCOME: &str = "\
An AI agent works in a hosted browser session. It was told: \"Order a wireless headset from Example Shop, 450 dollars at \
most.\" holdpoint watches it over the vendor's API (a simulated one, on this machine; no money is spent). When the agent is \
about to buy, the session is paused and you are asked: y lets it go on, n cancels it. Ctrl-C leaves at any time.";

/// Arguments of `holdpoint demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Plays the story, asks, and sums up.
///
/// # Errors
/// When a part of it cannot be started.
pub async fn run(_args: Args) -> Result<(), Failure> {
    // First, so that no signal can leave the folder behind.
    let stop = stop_on_interrupt()?;
    let folder = Folder::new()?;
    let (sink, lines) = log::channel();
    let _written = sink.written();
    telemetry::init_story(sink);
    wrap(WELCOME, columns()).iter().for_each(|line| crate::cli::say(line.trim_end()));
    crate::cli::say("");
    let sim = Simulator::start(Options::default()).await.map_err(|error| failed(&error))?;
    let sim = Arc::new(sim);
    let (_lock, daemon, api, settings) = start(&sim, &folder.0).await?;
    let ended = stop.child_token();
    let client = remote::connect(api.path()).await.map_err(|error| failed(&error))?;
    let Some(audience) = daemon.desk().connect(identity::operator()).await else {
        return Err(Failure::new(Exit::Error, "the demo's daemon did not start").hint(NEEDS));
    };
    let story = tokio::spawn(tell(sim.clone(), audience, ended.clone()));
    let end = prompt::run(client, None, settings, lines, ended.clone()).await;
    let left = match end {
        PromptEnd::Left | PromptEnd::Eof | PromptEnd::TerminalGone | PromptEnd::Done => true,
        PromptEnd::Stopped | PromptEnd::Lost => false,
    };
    // Without a terminal nothing is asked: the deadlines of the demo's policy end the story.
    if !left {
        ended.cancelled().await;
    }
    let finished = !left && !stop.is_cancelled();
    ended.cancel();
    let _ = story.await;
    daemon.stop().await;
    api.stop().await;
    let told = summary::tell(&sim, &folder.0.join("holdpoint.db"), finished).await;
    if let Some(sim) = Arc::into_inner(sim) {
        sim.shutdown().await;
    }
    told
}

/// What one line may take: less than the terminal has, and never so much that it is tiring to read.
fn columns() -> usize {
    if terminal::is_usable() { terminal::width().min(WIDEST) } else { WIDEST }
}

/// A part of the demo cannot be started.
fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::of(Exit::Error, error).hint(NEEDS)
}

async fn start(sim: &Simulator, folder: &Path) -> Result<(Lock, Daemon, LocalApi, prompt::PromptSettings), Failure> {
    let Loaded { mut config, .. } =
        Config::parse("demo policy", POLICY).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    if !terminal::is_usable() {
        let seconds = UNATTENDED.as_secs();
        crate::cli::say(format_args!(
            "There is no terminal here, so nobody can answer: what waits is cancelled after {seconds} seconds.\n"
        ));
        config.approvals.timeout = UNATTENDED;
    }
    let file = folder.join("holdpoint.db");
    let lock = Lock::take(&file).map_err(|error| failed(&error))?;
    let store = Store::open(&file).await.map_err(|error| failed(&error))?;
    let base_url: BaseUrl = sim
        .base_url()
        .parse()
        .map_err(|error| Failure::new(Exit::Error, format!("simulated API: {error}")).hint(NEEDS))?;
    let agi = Agi::new(AgiConfig::new(base_url, sim.api_key().clone()));
    let agi = agi.map_err(|error| failed(&error))?;
    let settings = prompt_settings(&config.prompt);
    let control = config.control.clone();
    let socket = LocalApi::bind(&folder.join("holdpoint.sock"), &control)?;
    let daemon = Daemon::start(daemon::Config::new(config, Arc::new(agi), &file), store).await;
    let daemon = daemon.map_err(|error| failed(&error))?;
    let api = LocalApi::serve(socket, &daemon, &control, None)?;
    Ok((lock, daemon, api, settings))
}

/// Starts the agent, tells what it does, and ends the demo when it has ended and everything is delivered.
async fn tell(sim: Arc<Simulator>, audience: Client, ended: CancellationToken) {
    let story = narrator::tell(&sim, audience);
    if let Some(Err(error)) = ended.run_until_cancelled(story).await {
        tracing::error!(target: "story", "the story broke off: {error}");
    }
    // The prompt has heard the same news and is about to print it.
    let _ = ended.run_until_cancelled(tokio::time::sleep(AFTERWORD)).await;
    ended.cancel();
}

fn stop_on_interrupt() -> Result<CancellationToken, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).map_err(|error| {
            Failure::new(Exit::Error, format!("signals cannot be received: {error}")).hint(crate::error::SYSTEM)
        })
    };
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let stop = CancellationToken::new();
    for kind in kinds {
        let (mut received, cancel) = (listen(kind)?, stop.clone());
        tokio::spawn(async move {
            received.recv().await;
            cancel.cancel();
        });
    }
    Ok(stop)
}

/// A folder of our own, closed to others, removed with everything in it at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("holdpoint-demo-{}", uuid::Uuid::now_v7()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Failure::new(Exit::Error, format!("{} cannot be made: {error}", path.display())))
            .map_err(|failure| failure.hint("name a folder that you can write with $TMPDIR"))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            crate::cli::say(format_args!("{} could not be removed: {error}", self.0.display()));
        }
    }
}

/// What all of it needs.
const NEEDS: &str = "the demo needs a port of 127.0.0.1 and room in $TMPDIR, nothing else";
/// The longest line of a text that is read as one.
const WIDEST: usize = 120;
/// How long an approval waits where nobody can answer it.
const UNATTENDED: Duration = Duration::from_secs(5);
/// How long the prompt has for its last lines.
const AFTERWORD: Duration = Duration::from_millis(500);
/// How long the summary waits for a simulator that should answer at once.
const SOON: Duration = Duration::from_secs(5);
