//! `holdpoint simulate`: the simulated Sessions API by itself, until it is interrupted.
//!
//! Prints one line of JSON, `{"base_url": …, "api_key": …}`, when it answers. The key keeps nothing secret: it opens a
//! simulation on loopback only.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::simulator::span::Span;
use crate::simulator::traces::Pace;
use crate::simulator::world::NewSession;
use crate::simulator::{Limit, Options, Scenario, ScenarioError, Simulator, Speed, StartError, Stopped, scenario};
use crate::traces::{self, TraceError};

/// Arguments of `holdpoint simulate`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where to listen; a loopback address, port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A built-in scenario or a scenario file; the first one is the default of new tasks
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Vec<String>,
    /// Plays recorded runs: one session per trace of this file, each starting when its event stream is first opened
    #[arg(long, value_name = "FILE")]
    traces: Option<PathBuf>,
    /// Plays only the trace with this id
    #[arg(long, value_name = "ID", requires = "traces")]
    id: Option<String>,
    /// Between two events of a recorded run
    #[arg(long, value_name = "TIME", default_value = "1s", requires = "traces")]
    pace: Span,
    /// From an event of a recorded run that announces something consequential to its being done
    #[arg(long, value_name = "TIME", default_value = "1s", requires = "traces")]
    commit_after: Span,
    /// How much faster than written scripts run
    #[arg(long, value_name = "N", default_value = "1")]
    speed: Speed,
    /// Between two heartbeats of an event stream
    #[arg(long, value_name = "TIME", default_value = "30s")]
    heartbeat: Span,
    /// So many requests a second are taken, and others answered with 429; without it all are
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// Sends each event at its moment and reads each call at once, which keeps a processor busy; without it both may take a
    /// millisecond more
    #[arg(long)]
    exact: bool,
    /// The environment variable that holds the API key; without it a random key is made
    #[arg(long, value_name = "VARIABLE")]
    api_key_env: Option<String>,
}

/// Why the simulation could not run.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The simulator could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The traces cannot be used.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// The variable with the key is not set.
    #[error("the environment variable {0:?} named by --api-key-env is not set, or is empty")]
    NoKey(String),
    /// The line could not be written, or signals cannot be received.
    #[error("cannot tell where the simulator is, or wait for a signal")]
    Io(#[from] std::io::Error),
    /// The simulator stopped by itself.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl SimulateError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Start(_) => "--listen 127.0.0.1:0 takes a free port of this machine",
            Self::Scenario(_) => "examples/scenarios/reference.toml shows every key of a scenario",
            Self::Traces(_) => "--traces takes recorded runs as JSON Lines, --id one that is among them",
            Self::NoKey(_) => "set it, or leave --api-key-env out: then a random key is made and printed",
            Self::Io(_) => crate::error::SYSTEM,
            Self::Stopped(_) => "start it again; what it simulated is gone",
        }
    }
}

/// Runs the simulation until SIGINT or SIGTERM.
///
/// # Errors
/// When it cannot be started as the arguments say.
pub async fn run(args: Args) -> Result<(), SimulateError> {
    let runs = recorded(&args)?;
    let sim = Simulator::start(options(&args)?).await?;
    for scenario in runs {
        let scenario = Some(std::sync::Arc::new(scenario));
        sim.create_idle(NewSession { scenario, ..NewSession::default() }).await?;
    }
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let interrupt = tokio::signal::ctrl_c();
    announce(&sim)?;
    tokio::select! {
        _ = term.recv() => {}
        result = interrupt => result?,
    }
    sim.shutdown().await;
    Ok(())
}

fn options(args: &Args) -> Result<Options, SimulateError> {
    Ok(Options {
        listen: args.listen,
        api_key: args.api_key_env.as_deref().map(key).transpose()?,
        scenarios: args.scenario.iter().map(|name| scenario::builtin::find(name)).collect::<Result<_, _>>()?,
        speed: args.speed,
        heartbeat: args.heartbeat.0,
        limit: args.rate_limit.map(Limit::per_second),
        exact: args.exact,
        ..Options::default()
    })
}

fn key(variable: &str) -> Result<SecretString, SimulateError> {
    let key = std::env::var(variable).ok().filter(|key| !key.is_empty());
    key.map(SecretString::from).ok_or_else(|| SimulateError::NoKey(variable.to_owned()))
}

fn recorded(args: &Args) -> Result<Vec<Scenario>, SimulateError> {
    let Some(path) = &args.traces else { return Ok(Vec::new()) };
    let pace = Pace { step: args.pace, commit: args.commit_after };
    Ok(traces::load(path, args.id.as_deref())?.iter().map(|trace| trace.scenario(pace)).collect())
}

fn announce(sim: &Simulator) -> std::io::Result<()> {
    let line = serde_json::json!({ "base_url": sim.base_url(), "api_key": sim.api_key().expose_secret() });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
