//! The queue before one way to call somebody: bounded, and worked off by a few tasks at once.
//!
//! Never makes whoever fills it wait. What finds no room is counted, and the log says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::{Delivery, Way, count};
use crate::telemetry::metrics::{Metrics, Sent};

/// How many notifications may wait for one way.
const ROOM: usize = 64;

/// A way, and how many calls of it may be under way at once.
#[derive(Clone)]
struct Paced {
    way: Way,
    at_once: usize,
}

/// The entrance of a queue.
pub(super) struct Queue {
    way: watch::Sender<Paced>,
    entrance: mpsc::Sender<Delivery>,
    overflow: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
    task: JoinHandle<()>,
}

impl Queue {
    pub(super) fn start(way: Way, at_once: usize, metrics: Arc<Metrics>) -> Self {
        let (entrance, waiting) = mpsc::channel(ROOM);
        let overflow = Arc::new(AtomicU64::new(0));
        let (way, now) = watch::channel(Paced { way, at_once });
        let worker = Worker { way: now, overflow: overflow.clone(), metrics: metrics.clone() };
        let task = tokio::spawn(worker.run(waiting));
        Self { way, entrance, overflow, metrics, task }
    }

    /// Whether `way` is the same kind of call, to another receiver perhaps.
    pub(super) fn takes(&self, way: &Way) -> bool {
        self.way.borrow().way.path() == way.path()
    }

    /// What waits and what comes is delivered in this way from now on.
    pub(super) fn change(&self, way: Way, at_once: usize) {
        self.way.send_replace(Paced { way, at_once });
    }

    pub(super) fn push(&self, delivery: Delivery) {
        let kind = delivery.kind;
        if self.entrance.try_send(delivery).is_ok() {
            return;
        }
        let way = self.way.borrow().way.clone();
        count(&self.metrics, &way, kind, Sent::Overflow);
        // Said once, and counted until there is room again.
        if self.overflow.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!("{} is too slow: {ROOM} notifications wait, further ones are not sent", way.name());
        }
    }
}

/// Closes all entrances, and waits until what is in them has arrived, for a bounded time altogether.
pub(super) async fn drain(queues: Vec<Queue>, grace: Duration) {
    let end = Instant::now() + grace;
    let ending: Vec<_> = queues.into_iter().map(|queue| (queue.way, queue.task)).collect();
    for (way, mut task) in ending {
        if tokio::time::timeout_at(end, &mut task).await.is_err() {
            tracing::warn!("{} did not take the last notifications in time", way.borrow().way.name());
            task.abort();
        }
    }
}

struct Worker {
    way: watch::Receiver<Paced>,
    overflow: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

impl Worker {
    async fn run(self, mut waiting: mpsc::Receiver<Delivery>) {
        let mut under_way = JoinSet::new();
        loop {
            let at_once = self.way.borrow().at_once.max(1);
            tokio::select! {
                Some(_) = under_way.join_next() => (),
                next = waiting.recv(), if under_way.len() < at_once => match next {
                    Some(delivery) => {
                        self.say_overflow();
                        let (way, metrics) = (self.way.borrow().way.clone(), self.metrics.clone());
                        under_way.spawn(async move { send(&way, &delivery, &metrics).await });
                    }
                    None => break,
                },
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    fn say_overflow(&self) {
        let lost = self.overflow.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!("{} takes notifications again; {lost} were not sent", self.way.borrow().way.name());
        }
    }
}

async fn send(way: &Way, delivery: &Delivery, metrics: &Metrics) {
    match way.deliver(delivery).await {
        Ok(()) => count(metrics, way, delivery.kind, Sent::Delivered),
        Err(why) => {
            count(metrics, way, delivery.kind, Sent::Failed);
            tracing::error!("a notification ({}) was not delivered: {} {why}", delivery.kind.name(), way.name());
        }
    }
}
