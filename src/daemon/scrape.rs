//! What the daemon tells of itself to whoever asks: metrics and health, as they are at that moment.

use std::sync::Arc;

use tokio::sync::mpsc::WeakSender;
use tokio::sync::watch;
use tokio::time::Instant;

use super::writer::Backlog;
use crate::api::paced::turns::Pressure;
use crate::control::{DeskService, Ordered};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::{Metrics, Queue};

/// Answers for metrics and health. Cheap to clone; keeps nothing alive but the desk.
#[derive(Clone, Debug)]
pub struct Scrape {
    metrics: Arc<Metrics>,
    desk: DeskService,
    writer: Backlog,
    decisions: WeakSender<Ordered>,
    pressure: watch::Receiver<Pressure>,
}

impl Scrape {
    pub(super) fn new(
        metrics: Arc<Metrics>,
        desk: DeskService,
        writer: Backlog,
        decisions: WeakSender<Ordered>,
        pressure: watch::Receiver<Pressure>,
    ) -> Self {
        Self { metrics, desk, writer, decisions, pressure }
    }

    /// All metrics, in the OpenMetrics text format
    /// (`application/openmetrics-text; version=1.0.0; charset=utf-8`).
    #[must_use]
    pub fn text(&self) -> String {
        let waiting = self.decisions.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        self.metrics.queue(Queue::Desk, self.desk.waiting());
        self.metrics.queue(Queue::Writer, self.writer.length());
        self.metrics.queue(Queue::Decisions, waiting);
        self.metrics.pressure(&self.pressure.borrow(), Instant::now());
        self.metrics.text()
    }

    pub(super) fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Whether the daemon can do what it is for.
    #[must_use]
    pub fn health(&self) -> Health {
        Health::of(&self.metrics, self.writer.length())
    }
}
