//! What of a configuration cannot change while the daemon runs: connections, the store and the log are made once.

use crate::config::{Config, ControlConfig, LogConfig, ProviderConfig, StoreConfig};

/// The sections with keys that need a restart.
#[derive(Clone, Debug)]
pub(in crate::cli::run) struct Fixed {
    provider: ProviderConfig,
    control: ControlConfig,
    store: StoreConfig,
    log: LogConfig,
}

impl Fixed {
    pub(in crate::cli::run) fn of(config: &Config) -> Self {
        Self {
            provider: config.provider.clone(),
            control: config.control.clone(),
            store: config.store.clone(),
            log: config.log.clone(),
        }
    }

    /// The keys that are different in `other`, and would need a restart.
    pub(in crate::cli::run) fn different(&self, other: &Self) -> Vec<&'static str> {
        let (was, is) = (&self.provider, &other.provider);
        let same = [
            ("provider.kind", was.kind == is.kind),
            ("provider.base_url", was.base_url == is.base_url),
            ("the place of the API key", was.api_key == is.api_key),
            ("provider.connect_timeout", was.connect_timeout == is.connect_timeout),
            ("provider.request_timeout", was.request_timeout == is.request_timeout),
            ("provider.pause_timeout", was.pause_timeout == is.pause_timeout),
            ("provider.hedge_after", was.hedge_after == is.hedge_after),
            ("provider.max_event", was.max_event == is.max_event),
            ("provider.requests_per_minute", was.requests_per_minute == is.requests_per_minute),
            ("store.path", self.store.path == other.store.path),
            ("store.checkpoint", self.store.checkpoint == other.store.checkpoint),
            ("store.events", self.store.events == other.store.events),
            ("store.events_max", self.store.events_max == other.store.events_max),
            ("control.socket", self.control.socket == other.control.socket),
            ("control.group", self.control.group == other.control.group),
            ("control.http", self.control.http == other.control.http),
            ("log.format", self.log.format == other.log.format),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> Fixed {
        Fixed::of(&Config::parse("config.toml", text).unwrap_or_else(|error| panic!("{error}")).config)
    }

    #[test]
    fn each_key_that_needs_a_restart_is_named_when_it_changes() {
        let before = fixed("");
        for (text, named) in [
            ("", None),
            ("[provider]\nbase_url = 'https://other.example'", Some("provider.base_url")),
            ("[provider]\napi_key_env = 'OTHER'", Some("the place of the API key")),
            ("[provider]\nconnect_timeout = '9s'", Some("provider.connect_timeout")),
            ("[provider]\nrequest_timeout = '9s'", Some("provider.request_timeout")),
            ("[provider]\npause_timeout = '9s'", Some("provider.pause_timeout")),
            ("[provider]\nhedge_after = '9s'", Some("provider.hedge_after")),
            ("[provider]\nmax_event = '2MiB'", Some("provider.max_event")),
            ("[provider]\nrequests_per_minute = 600", Some("provider.requests_per_minute")),
            ("[store]\npath = 'other.db'", Some("store.path")),
            ("[store]\ncheckpoint = 'head'", Some("store.checkpoint")),
            ("[store]\nevents = 'off'", Some("store.events")),
            ("[store]\nevents_max = '1MiB'", Some("store.events_max")),
            ("[control]\nsocket = '/tmp/other.sock'", Some("control.socket")),
            ("[control]\ngroup = 'ops'", Some("control.group")),
            ("[control]\nhttp = '127.0.0.1:9464'", Some("control.http")),
            ("[control]\ndecide = ['ana']", None),
            ("[notify]\nresolved = true", None),
            ("[log]\nformat = 'json'", Some("log.format")),
            ("[log]\nlevel = 'debug'", None),
            ("[watch]\npoll_interval = '3s'\n[approvals]\ntimeout = '1m'\n[prompt]\narm = '1s'", None),
        ] {
            assert_eq!(before.different(&fixed(text)), Vec::from_iter(named), "{text}");
        }
    }
}
