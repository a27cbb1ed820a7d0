//! What can go wrong around a simulator.

use std::net::SocketAddr;
use std::time::Duration;

use super::actor::Stopped;
use super::record::Call;
use super::scenario::ScenarioError;
use super::world::SessionState;

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from elsewhere.
    #[error("the simulator listens on loopback only; {0} is not a loopback address, use 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// Why a wait ended without what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// It did not come in time.
    #[error("not within {limit:?}; sessions: {sessions:#?}; last calls: {calls:#?}")]
    TimedOut {
        /// How long it was waited for.
        limit: Duration,
        /// The sessions at the end.
        sessions: Vec<SessionState>,
        /// The last few calls.
        calls: Vec<Call>,
    },
    /// The simulator was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why something cannot be done to a session.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No such session, or it is deleted.
    #[error("the simulator has no session {0:?}")]
    NoSession(String),
    /// No such scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The simulator was stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
