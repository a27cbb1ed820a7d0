//! The sections of the configuration besides the rules: their types, defaults and bounds.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::reader::{Item, Section};
use crate::api::SessionId;
use crate::policy::glob::Glob;
use crate::policy::{OnDeny, OnTimeout};

/// `[provider]`: whose API is watched, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// The vendor.
    pub kind: ProviderKind,
    /// The base address, with or without `/v1`. HTTPS, or HTTP to this machine.
    pub base_url: Url,
    /// Where the API key is found. The key itself is never in the configuration.
    pub api_key: KeySource,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a call may take, besides pauses.
    pub request_timeout: Duration,
    /// How long one attempt to pause may take.
    pub pause_timeout: Duration,
    /// After which time without an answer a second attempt to pause starts beside the first.
    pub hedge_after: Duration,
    /// The largest event that is read whole, in bytes; larger ones are cut and count as risk.
    pub max_event: usize,
}

/// A vendor of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// AGI's Agent Sessions API.
    Agi,
}

/// Where the API key is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In this environment variable.
    Environment(String),
    /// In this file, which nobody else may read.
    File(PathBuf),
}

/// `[watch]`: which sessions are watched, and what happens when they cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// Whether new sessions of the account are found and watched.
    pub discover: bool,
    /// How often sessions and messages are polled beside the streams.
    pub poll_interval: Duration,
    /// Sessions to watch; with `discover = false` only these.
    pub sessions: Vec<SessionId>,
    /// Names of agents whose sessions are watched; empty for all.
    pub agents: Vec<Glob>,
    /// How long a session may be unseen, neither stream nor polling, before `on_blind` follows.
    pub blind_after: Duration,
    /// What follows.
    pub on_blind: OnBlind,
    /// How long a stream may be silent before it is opened anew.
    pub heartbeat_timeout: Duration,
}

/// What follows when a session cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBlind {
    /// It is paused and an operator asked.
    Pause,
    /// It is recorded and said.
    Alert,
}

/// `[approvals]`: how operators are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalsConfig {
    /// How long operators have, unless a rule says otherwise.
    pub timeout: Duration,
    /// What follows when they do not answer. There is no value that approves.
    pub on_timeout: OnTimeout,
    /// What follows when they deny, unless a rule says otherwise.
    pub on_deny: OnDeny,
    /// How long events are collected after a pause before the card counts as complete.
    pub settle: Duration,
    /// How long a card must have been on screen before an approval is accepted.
    pub min_dwell: Duration,
    /// What `y` answers to a question, unless a rule says otherwise.
    pub answer: String,
    /// What is sent to refuse, unless a rule says otherwise; `None` cancels instead.
    pub refusal: Option<String>,
    /// What follows when cancelling keeps failing.
    pub on_cancel_failure: OnCancelFailure,
    /// Whether a screenshot is taken of held sessions.
    pub screenshots: bool,
}

/// What follows when a denied session cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCancelFailure {
    /// It is deleted.
    Delete,
    /// It stays paused.
    KeepPaused,
}

/// `[prompt]`: the prompt at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptConfig {
    /// How long a card is on screen before keys count.
    pub arm: Duration,
    /// The same for cards of high risk; at least `arm`.
    pub arm_high: Duration,
}

/// `[store]`: where approvals and the audit chain are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// The database file; `None` for the default, which [`super::state_path`] finds.
    pub path: Option<PathBuf>,
}

/// `[log]`: the log on standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Its form.
    pub format: LogFormat,
    /// The least level that is logged.
    pub level: LogLevel,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A level of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// What should wake somebody, and failures.
    Warn,
    /// Changes a user feels, and the above.
    Info,
    /// For finding faults.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word in the configuration, which `tracing` reads too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

impl ProviderConfig {
    /// The vendor's public address.
    pub const BASE_URL: &'static str = "https://api.agi.tech";

    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        section.refuse(
            "api_key",
            "the API key does not belong in the configuration file",
            "put it into an environment variable (`api_key_env`) or a file of its own that only you can read (`api_key_file`)",
        );
        let kind = section.get("kind").and_then(|item| item.word(&[("agi", ProviderKind::Agi)]));
        let base_url = section
            .get_or_env("base_url", "HOLDPOINT_PROVIDER_BASE_URL")
            .and_then(|item| base_url(&item))
            .or_else(|| Url::parse(Self::BASE_URL).ok());
        let api_key = key_source(&mut section);
        let duration = |section: &mut Section<'_>, key, default, range| {
            section.get(key).and_then(|item| item.duration(range)).unwrap_or(default)
        };
        let config = Self {
            kind: kind.unwrap_or(ProviderKind::Agi),
            base_url: base_url?,
            api_key,
            connect_timeout: duration(&mut section, "connect_timeout", secs(5), ms(100)..=secs(60)),
            request_timeout: duration(&mut section, "request_timeout", secs(30), secs(1)..=secs(300)),
            pause_timeout: duration(&mut section, "pause_timeout", secs(5), ms(500)..=secs(60)),
            hedge_after: duration(&mut section, "hedge_after", ms(750), ms(50)..=secs(30)),
            max_event: section.get("max_event").and_then(|item| item.size(4_096..=16 << 20)).unwrap_or(1 << 20),
        };
        section.finish();
        Some(config)
    }
}

fn base_url(item: &Item<'_>) -> Option<Url> {
    let expected = "an https address such as \"https://api.agi.tech\"";
    let url = match Url::parse(item.text()?) {
        Ok(url) if url.has_host() => url,
        Ok(_) | Err(_) if item.text()?.contains('@') => {
            item.wrong_secret("this is not an address", expected, None);
            return None;
        }
        Ok(_) | Err(_) => {
            item.wrong(&format!("{} is not an address", item.shown()), expected);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        item.wrong_secret("the address has a user, a query or a fragment", expected, None);
        return None;
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if is_loopback(&url) => Some(url),
        "http" => {
            let hint =
                "the API key would travel in the clear; use https, or http only to this machine (127.0.0.1, localhost)";
            item.wrong_with("http to another machine", expected, Some(hint.to_owned()));
            None
        }
        _ => {
            item.wrong(&format!("{} is neither https nor http", item.shown()), expected);
            None
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn key_source(section: &mut Section<'_>) -> KeySource {
    let variable = section.get_or_env("api_key_env", "HOLDPOINT_PROVIDER_API_KEY_ENV");
    let file = section.get_or_env("api_key_file", "HOLDPOINT_PROVIDER_API_KEY_FILE");
    if let (Some(_), Some(file)) = (&variable, &file) {
        let hint = "keep one of them; without either, the key is taken from AGI_API_KEY".to_owned();
        file.wrong_with("both `api_key_env` and `api_key_file` are set", "exactly one of the two", Some(hint));
    }
    let path = file.and_then(|item| item.words(4_096)).map(|path| KeySource::File(PathBuf::from(path)));
    path.or_else(|| variable.and_then(|item| variable_name(&item)).map(KeySource::Environment))
        .unwrap_or_else(|| KeySource::Environment("AGI_API_KEY".to_owned()))
}

fn variable_name(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(name.to_owned());
    }
    let hint = "this is the variable's name, not the key: `api_key_env = \"AGI_API_KEY\"`".to_owned();
    item.wrong_secret("this is not the name of an environment variable", "letters, digits and `_`", Some(hint));
    None
}

impl WatchConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let discover = section.get_or_env("discover", "HOLDPOINT_WATCH_DISCOVER");
        let discover_flag = discover.as_ref().and_then(Item::flag).unwrap_or(true);
        let interval = section.get("poll_interval").and_then(|item| item.duration(ms(500)..=secs(60)));
        let sessions: Vec<SessionId> = section.get("sessions").map(|item| session_ids(&item)).unwrap_or_default();
        let agents: Vec<Glob> = section.get("agents").map(|item| globs(&item)).unwrap_or_default();
        let blind_after = section.get("blind_after").and_then(|item| item.duration(secs(1)..=secs(3_600)));
        let on_blind =
            section.get("on_blind").and_then(|item| item.word(&[("pause", OnBlind::Pause), ("alert", OnBlind::Alert)]));
        let heartbeat = section.get("heartbeat_timeout").and_then(|item| item.duration(secs(5)..=secs(3_600)));
        if let Some(item) = discover.filter(|_| !discover_flag && sessions.is_empty()) {
            item.wrong("nothing would be watched", "`discover = true`, or `sessions` with at least one id");
        }
        section.finish();
        Self {
            discover: discover_flag,
            poll_interval: interval.unwrap_or(secs(2)),
            sessions,
            agents,
            blind_after: blind_after.unwrap_or(secs(20)),
            on_blind: on_blind.unwrap_or(OnBlind::Pause),
            heartbeat_timeout: heartbeat.unwrap_or(secs(75)),
        }
    }
}

fn session_ids(item: &Item<'_>) -> Vec<SessionId> {
    let one = |item: Item<'_>| {
        let id = SessionId::try_from(item.text()?);
        if let Err(error) = &id {
            item.wrong(&format!("{} is not a session id", item.shown()), &error.to_string());
        }
        id.ok()
    };
    item.list("a list of texts, such as [\"a\", \"b\"]").into_iter().flatten().filter_map(one).collect()
}

pub(super) fn globs(item: &Item<'_>) -> Vec<Glob> {
    let one = |item: Item<'_>| {
        let glob = Glob::new(item.text()?);
        if let Err(error) = &glob {
            item.wrong("this is not a pattern", &error.to_string());
        }
        glob.ok()
    };
    item.list("a list of texts, such as [\"a\", \"b\"]").into_iter().flatten().filter_map(one).collect()
}

/// Words that would approve, which no configuration can ask for.
const APPROVING: [&str; 9] =
    ["approve", "approved", "resume", "allow", "accept", "continue", "release", "yes", "proceed"];

impl ApprovalsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let timeout = section
            .get_or_env("timeout", "HOLDPOINT_APPROVALS_TIMEOUT")
            .and_then(|item| item.duration(secs(10)..=secs(86_400)));
        let on_timeout = section.get("on_timeout").and_then(|item| on_timeout(&item));
        let config = Self {
            timeout: timeout.unwrap_or(secs(600)),
            on_timeout: on_timeout.unwrap_or_default(),
            on_deny: section.get("on_deny").and_then(|item| on_deny(&item)).unwrap_or_default(),
            settle: section.get("settle").and_then(|item| item.duration(ms(0)..=secs(10))).unwrap_or(ms(300)),
            min_dwell: section.get("min_dwell").and_then(|item| item.duration(ms(0)..=secs(60))).unwrap_or(ms(700)),
            answer: section.get("answer").and_then(|item| item.words(10_000)).unwrap_or_else(|| "Yes.".to_owned()),
            refusal: section.get("refusal").and_then(|item| item.words(10_000)),
            on_cancel_failure: section
                .get("on_cancel_failure")
                .and_then(|item| {
                    item.word(&[("delete", OnCancelFailure::Delete), ("keep_paused", OnCancelFailure::KeepPaused)])
                })
                .unwrap_or(OnCancelFailure::Delete),
            screenshots: section.get("screenshots").and_then(|item| item.flag()).unwrap_or(true),
        };
        section.finish();
        config
    }
}

fn on_timeout(item: &Item<'_>) -> Option<OnTimeout> {
    if APPROVING.contains(&item.text()?.trim().to_ascii_lowercase().as_str()) {
        let hint = "holdpoint never approves by itself: silence is not an answer".to_owned();
        let message = format!("`{}` cannot be {}", item.key, item.shown());
        item.wrong_with(&message, "one of `cancel`, `keep_paused`", Some(hint));
        return None;
    }
    item.word(&[("cancel", OnTimeout::Cancel), ("keep_paused", OnTimeout::KeepPaused)])
}

pub(super) fn on_deny(item: &Item<'_>) -> Option<OnDeny> {
    item.word(&[("cancel", OnDeny::Cancel), ("instruct", OnDeny::Instruct), ("keep_paused", OnDeny::KeepPaused)])
}

impl PromptConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let arm = section.get("arm").and_then(|item| item.duration(ms(100)..=secs(60))).unwrap_or(ms(750));
        let item = section.get("arm_high");
        let arm_high = item.as_ref().and_then(|item| item.duration(ms(100)..=secs(60)));
        if let (Some(item), true) = (&item, arm_high.is_some_and(|high| high < arm)) {
            item.wrong("`prompt.arm_high` is shorter than `prompt.arm`", "at least as long as `arm`");
        }
        section.finish();
        Self { arm, arm_high: arm_high.unwrap_or(ms(1_500)).max(arm) }
    }
}

impl StoreConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let path = section.get_or_env("path", "HOLDPOINT_STORE_PATH").and_then(|item| item.words(4_096));
        section.finish();
        Self { path: path.map(PathBuf::from) }
    }
}

impl LogConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let format = section
            .get_or_env("format", "HOLDPOINT_LOG_FORMAT")
            .and_then(|item| item.word(&[("text", LogFormat::Text), ("json", LogFormat::Json)]));
        let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
        let level = section
            .get_or_env("level", "HOLDPOINT_LOG_LEVEL")
            .and_then(|item| item.word(&levels.map(|level| (level.name(), level))));
        section.finish();
        Self { format: format.unwrap_or(LogFormat::Text), level: level.unwrap_or(LogLevel::Info) }
    }
}
