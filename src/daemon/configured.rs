//! From the configuration to what a daemon is made of. Only copies; starts nothing and reads no key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Config, Ids, Watch, watcher};
use crate::api::Provider;
use crate::api::backoff::Bounds;
use crate::api::paced::bucket::Rate;
use crate::clock::Clock;
use crate::config::{self, ApprovalsConfig, OnBlind, OnCancelFailure, WatchConfig};
use crate::control::{ClientSettings, DaemonInfo, DeskSettings};
use crate::gate::Settings;
use crate::notify;
use crate::store::EventBounds;

/// While a stream is open, messages are polled this often, or three times until a session would count as unseen.
const CROSS_CHECK: Duration = Duration::from_secs(15);

/// However long a session may be unseen, a stream is tried again as if it were no longer than this.
const LONG: Duration = Duration::from_secs(120);

impl Config {
    /// What `config` says besides whom to call (`notify.ways`), with `provider` for the vendor and pictures in a folder beside the store's file `store`.
    #[must_use]
    pub fn new(config: config::Config, provider: Arc<dyn Provider>, store: &Path) -> Self {
        let desk = DeskSettings { daemon: info(&config), ..DeskSettings::default() };
        let list_every = config.watch.poll_interval;
        let notify = notify::Config::new(&config.notify);
        Self {
            provider,
            rate: config.provider.requests_per_minute.map(Rate::per_minute),
            policy: config.policy,
            settings: settings(&config.approvals, &config.watch),
            desk,
            watch: watch(config.watch),
            list_every,
            pictures: store.with_file_name("screenshots"),
            notify,
            events: config.store.events.map(|age| EventBounds { age, bytes: config.store.events_max }),
            clock: Clock::start(),
            ids: Ids::fresh(),
        }
    }
}

/// What clients are told of the daemon.
pub(super) fn info(config: &config::Config) -> DaemonInfo {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    DaemonInfo {
        started_at: Timestamp::now(),
        provider: config.provider.base_url.to_string(),
        policy: config.policy.hash(),
        rules: config.policy.len() as u64,
        settings: ClientSettings {
            min_dwell_ms: ms(config.approvals.min_dwell),
            arm_ms: ms(config.prompt.arm),
            arm_high_ms: ms(config.prompt.arm_high),
            escalate_percent: config.approvals.escalate_percent,
        },
        ..DaemonInfo::default()
    }
}

pub(super) fn settings(approvals: &ApprovalsConfig, watch: &WatchConfig) -> Settings {
    Settings {
        timeout: approvals.timeout,
        on_timeout: approvals.on_timeout,
        on_deny: approvals.on_deny,
        settle: approvals.settle,
        hold_poll: watch.poll_interval,
        answer: approvals.answer.clone(),
        refusal: approvals.refusal.clone(),
        delete_when_cancel_fails: approvals.on_cancel_failure == OnCancelFailure::Delete,
        screenshots: approvals.screenshots,
        pause_when_blind: watch.on_blind == OnBlind::Pause,
        blind_after: watch.blind_after,
        consent: approvals.consent.clone(),
    }
}

pub(super) fn watch(config: WatchConfig) -> Watch {
    let defaults = watcher::WatchConfig::default();
    let reconnect = Bounds { max: config.blind_after.min(LONG) / 4, ..defaults.reconnect };
    Watch {
        discover: config.discover,
        sessions: config.sessions,
        agents: config.agents,
        config: watcher::WatchConfig {
            heartbeat_timeout: config.heartbeat_timeout,
            blind_after: config.blind_after,
            poll_interval: config.poll_interval,
            cross_check: CROSS_CHECK.min(config.blind_after / 3),
            reconnect,
            ..defaults
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_polls_and_four_attempts_to_open_the_stream_fit_into_the_time_until_a_session_counts_as_unseen() {
        for (text, cross_check, longest) in [
            ("", Duration::from_secs(20) / 3, Duration::from_secs(5)),
            ("[watch]\nblind_after = '9s'\n", Duration::from_secs(3), Duration::from_millis(2250)),
            ("[watch]\nblind_after = '1h'\n", Duration::from_secs(15), Duration::from_secs(30)),
        ] {
            let config = watch(config::Config::parse("c.toml", text).expect("a configuration").config.watch).config;
            assert_eq!((config.cross_check, config.reconnect.max), (cross_check, longest), "{text}");
        }
    }
}
