//! What the process tells of itself: the log, on standard error, as lines for people or JSON objects; metrics and health, for
//! whoever asks.
//!
//! Colours are never on: untrusted text is escaped where it is logged, and a control character in a line would be a bug.

pub mod health;
pub mod http;
pub mod ledger;
pub mod measured;
pub mod metrics;
mod progress;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use crate::config::{LogConfig, LogFormat, LogLevel};
use crate::operator::log::LogSink;

/// The least level that is logged, while logging.
#[derive(Clone, Debug)]
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// Logs from `level` on.
    pub fn set(&self, level: LogLevel) {
        // Fails only when nothing is logged any more.
        let _ = self.0.reload(filter(level));
    }
}

/// The verifier of certificates logs an error at each attempt; whoever connected says it once, and escaped.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(format!("warn,rustls_platform_verifier=off,holdpoint={}", level.name()))
}

/// Starts logging into `sink`, once per process; later calls change nothing. The level can be changed afterwards.
pub fn init(config: &LogConfig, sink: LogSink) -> Level {
    let (filter, handle) = reload::Layer::new(filter(config.level));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_ansi(false).with_target(false).with_writer(sink);
    // For people: the ids stand in the sentence already. For machines they are fields as well.
    let sentence = format::debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        "session" | "approval" => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    });
    let _ = match config.format {
        LogFormat::Text => registry.with(layer.fmt_fields(sentence)).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    Level(handle)
}

/// Starts the demo's log: its story without any decoration, and warnings.
pub fn init_story(sink: LogSink) {
    let filter = EnvFilter::new("error,story=info");
    let layer = fmt::layer().without_time().with_level(false).with_ansi(false).with_target(false).with_writer(sink);
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}
