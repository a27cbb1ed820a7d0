//! The sections of the configuration besides the rules: their types, defaults and bounds; one file each.

mod approvals;
mod notify;
mod provider;
mod service;
mod watch;

use std::time::Duration;

pub use approvals::{ApprovalsConfig, OnCancelFailure};
pub use notify::{NotifyConfig, WebhookConfig};
pub use provider::{KeySource, ProviderConfig, ProviderKind};
pub use service::{LogConfig, LogFormat, LogLevel, PromptConfig, StoreConfig};
pub use watch::{OnBlind, WatchConfig};

pub(super) use approvals::on_deny;
pub(super) use watch::globs;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
