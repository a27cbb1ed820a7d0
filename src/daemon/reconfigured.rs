//! What a running daemon can take over of another configuration, and what it says about that.
//!
//! Open approvals only get stricter by it; what takes a restart is named and left as it is.

use std::fmt;

use super::{Config, Watch};
use crate::config;
use crate::control::DaemonInfo;
use crate::gate::{Digest, Settings};
use crate::notify;
use crate::policy::Policy;

/// The parts of a configuration that a running daemon takes over.
pub struct Reconfiguration {
    /// The rules; they count from the next event on.
    pub policy: Policy,
    /// What gates do where rules do not say; open approvals keep their deadlines and what their answers do.
    pub settings: Settings,
    /// Which sessions are watched; sessions that are watched already stay so, as they are.
    pub watch: Watch,
    /// What clients are told.
    pub daemon: DaemonInfo,
    /// Who is called when an approval waits.
    pub notify: notify::Config,
}

impl Reconfiguration {
    /// What `config` says besides whom to call (`notify.ways`).
    #[must_use]
    pub fn new(config: config::Config) -> Self {
        let daemon = super::configured::info(&config);
        let settings = super::configured::settings(&config.approvals, &config.watch);
        let (watch, notify) = (super::configured::watch(config.watch), notify::Config::new(&config.notify));
        Self { policy: config.policy, settings, watch, daemon, notify }
    }
}

impl From<Config> for Reconfiguration {
    fn from(config: Config) -> Self {
        let Config { policy, settings, watch, desk, notify, .. } = config;
        Self { policy, settings, watch, daemon: desk.daemon, notify }
    }
}

/// What became of a [`Reconfiguration`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The policy before and now.
    pub policy: (Digest, Digest),
    /// How many rules it has now.
    pub rules: u64,
    /// Whether settings of approvals, prompts or watching differ.
    pub settings: bool,
    /// Whether `[notify]` differs; a secret that is another without that is taken over as well.
    pub notify: bool,
    /// What differs and takes a restart.
    pub restart: Vec<&'static str>,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, now) = self.policy;
        let rules = if self.rules == 1 { "1 rule".to_owned() } else { format!("{} rules", self.rules) };
        if before == now {
            write!(f, "the policy is the same ({rules})")?;
        } else {
            let short = |digest: Digest| digest.to_string().chars().take(12).collect::<String>();
            write!(f, "the policy changed from {} to {} ({rules})", short(before), short(now))?;
        }
        if self.settings {
            f.write_str("; settings changed")?;
        }
        if self.notify {
            f.write_str("; notifications changed")?;
        }
        if !self.restart.is_empty() {
            write!(f, "; this takes a restart: {}", self.restart.join(", "))?;
        }
        Ok(())
    }
}

/// Why a daemon took nothing over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is stopping: nothing was taken over")]
pub struct NotReconfigured;
