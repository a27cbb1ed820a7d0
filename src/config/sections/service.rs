//! `[prompt]`, `[store]` and `[log]`: what the process does beside watching.

use std::path::PathBuf;
use std::time::Duration;

use super::super::reader::Section;
use super::{ms, secs};

const HOUR: Duration = secs(3_600);

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
    /// The database file; `None` for the default, which [`crate::config::state_path`] finds.
    pub path: Option<PathBuf>,
    /// Where the newest entry of the journal is written as well; `None` for nowhere.
    pub checkpoint: Option<PathBuf>,
    /// For how long evaluated events are kept; `None` keeps none.
    pub events: Option<Duration>,
    /// How many bytes of them, together.
    pub events_max: u64,
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

impl PromptConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
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
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        let path = section.get_or_env("path", "HOLDPOINT_STORE_PATH").and_then(|item| item.words(4_096));
        let checkpoint = section.get("checkpoint").and_then(|item| item.words(4_096));
        let events = section.get("events");
        let off = events.as_ref().is_some_and(|item| item.is("off"));
        let age =
            events.filter(|_| !off).and_then(|item| item.duration(HOUR..=HOUR * 24 * 3_650)).unwrap_or(HOUR * 24 * 30);
        let max = section.get("events_max").and_then(|item| item.size(1 << 20..=1 << 40)).unwrap_or(256 << 20);
        section.finish();
        Self {
            path: path.map(PathBuf::from),
            checkpoint: checkpoint.map(PathBuf::from),
            events: (!off).then_some(age),
            events_max: max as u64,
        }
    }
}

impl LogConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
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
