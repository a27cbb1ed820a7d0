//! Another configuration while the daemon runs: what changes, and what is said of it.
//!
//! Nothing here reads a file: whoever calls has a configuration that is valid as a whole.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::supervisor::Watch;
use super::{Config, LIST_LEAST};
use crate::control::DeskService;
use crate::gate::Settings;
use crate::policy::Policy;

/// What sessions are driven by, for the supervisor.
pub struct Adopt {
    /// The rules.
    pub policy: Arc<Policy>,
    /// What gates do where rules do not say.
    pub settings: Arc<Settings>,
    /// Which sessions are watched.
    pub watch: Watch,
    /// How many running sessions go by it now.
    pub reply: oneshot::Sender<usize>,
}

/// What became of another configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconfigured {
    /// How many sessions that were watched before go by it.
    pub sessions: usize,
}

/// Where the parts of a running daemon are told.
#[derive(Debug)]
pub(super) struct Reconfiguration {
    pub(super) supervisor: mpsc::Sender<Adopt>,
    pub(super) list_every: watch::Sender<Duration>,
    pub(super) desk: DeskService,
}

impl Reconfiguration {
    /// The sessions first, then the clients, whose nonces die with the old policy. `None` once the daemon stops.
    pub(super) async fn apply(&self, config: Config) -> Option<Reconfigured> {
        let Config { provider: _, policy, settings, desk, watch, list_every, pictures: _ } = config;
        let (reply, answer) = oneshot::channel();
        let adopt = Adopt { policy: Arc::new(policy), settings: Arc::new(settings), watch, reply };
        self.supervisor.send(adopt).await.ok()?;
        let sessions = answer.await.ok()?;
        self.list_every.send_replace(list_every.max(LIST_LEAST));
        self.desk.configured(desk.daemon);
        Some(Reconfigured { sessions })
    }
}
