//! Notifications: calls somebody when an approval waits, whether or not an operator is attached.
//!
//! ```text
//! desk ─updates─▶ notifier (plan) ─messages─▶ one queue per way ─▶ hook, webhook
//! ```
//!
//! Listens at the desk like a client, decides nothing, and holds nobody up: queues are bounded, what finds no room is said in
//! the log, and a notifier that fell behind reads the snapshot again. A notification never carries what would approve.

pub mod address;
pub mod configured;
pub mod exec;
pub mod message;
pub mod plan;
mod queue;
#[cfg(test)]
mod tests;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::{Clock, Moment};
use crate::control::{Change, Client, DeskService};
use crate::telemetry::metrics::{Metrics, Path, Sent};

use exec::Hook;
use message::{Kind, Message};
use plan::{Plan, Said, Settings};
use queue::Queue;
use webhook::Webhook;

/// How long a stop waits for notifications that are under way.
const GRACE: Duration = Duration::from_secs(5);

/// One way to call somebody.
#[derive(Clone, Debug)]
pub enum Way {
    /// A program.
    Exec(Hook),
    /// An address.
    Webhook(Webhook),
}

/// One notification on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id, the same when it is tried again.
    pub id: Uuid,
    /// Why it is sent.
    pub kind: Kind,
    /// The JSON.
    pub body: Arc<[u8]>,
}

impl Delivery {
    /// `message`, ready to be sent.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        Self { id: Uuid::now_v7(), kind: message.kind, body: message.json().into() }
    }
}

impl Way {
    /// What it is called in logs, escaped.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Exec(hook) => format!("the hook {}", hook.name()),
            Self::Webhook(webhook) => format!("the webhook at {}", webhook.name()),
        }
    }

    /// Delivers, and tries again where that may help: a program once, a webhook as often as configured.
    ///
    /// # Errors
    /// Why it was given up, as the end of a sentence that begins with the [name](Way::name). Escaped.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<(), String> {
        match self {
            Self::Exec(hook) => match hook.run(&delivery.body).await {
                Ok(()) => Ok(()),
                Err(first) => {
                    tracing::debug!("{} {first}; trying once more", self.name());
                    hook.run(&delivery.body).await.map_err(|why| format!("{why} (2 attempts)"))
                }
            },
            Self::Webhook(webhook) => webhook.post(delivery.id, &delivery.body).await,
        }
    }

    fn path(&self) -> Path {
        match self {
            Self::Exec(_) => Path::Exec,
            Self::Webhook(_) => Path::Webhook,
        }
    }
}

/// What a notifier is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom to call; nobody is called when there is none.
    pub ways: Vec<Way>,
    /// When.
    pub plan: Settings,
    /// How many calls of one way may be under way at once; at least 1.
    pub at_once: usize,
}

/// A running notifier.
#[derive(Debug)]
pub struct Notifier {
    stop: CancellationToken,
    wanted: watch::Sender<Config>,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Starts to listen.
    #[must_use]
    pub fn start(config: Config, desk: DeskService, metrics: Arc<Metrics>, clock: Clock) -> Self {
        let stop = CancellationToken::new();
        let plan = Plan::new(config.plan);
        let (wanted, mut news) = watch::channel(config);
        news.mark_changed();
        let task = Task { plan, wanted: news, queues: Vec::new(), leaving: JoinSet::new(), metrics, clock };
        let task = tokio::spawn(task.run(desk, stop.clone()));
        Self { stop, wanted, task }
    }

    /// Calls as `config` says from now on. What waits to be delivered is delivered in the new way of its kind; where that
    /// is no longer configured, it has five seconds to arrive. Nobody is called twice about the same by this.
    pub fn reconfigure(&self, config: Config) {
        self.wanted.send_replace(config);
    }

    /// Stops; what is under way has five seconds to arrive.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!("the notifier failed: {error}");
        }
    }
}

struct Task {
    plan: Plan,
    /// How to call; marked as changed until it was taken over.
    wanted: watch::Receiver<Config>,
    queues: Vec<Queue>,
    /// Queues of ways that are no longer configured, until they are empty.
    leaving: JoinSet<()>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl Task {
    async fn run(mut self, desk: DeskService, stop: CancellationToken) {
        let _stopped = stop.run_until_cancelled(self.serve(&desk)).await;
        queue::drain(self.queues, GRACE).await;
        while self.leaving.join_next().await.is_some() {}
    }

    /// Until the daemon stops.
    async fn serve(&mut self, desk: &DeskService) {
        while self.wanted.has_changed().is_ok() {
            self.take_over();
            if self.queues.is_empty() {
                // Whoever calls nobody need not listen. Its error ends the loop.
                let _ = self.wanted.changed().await;
                self.wanted.mark_changed();
                continue;
            }
            let Some(client) = desk.listen().await else { return };
            // One that fell behind is told why it gets no more, and reads everything again.
            self.attend(client).await;
        }
    }

    /// Calls as is wanted now.
    fn take_over(&mut self) {
        if !self.wanted.has_changed().unwrap_or_default() {
            return;
        }
        let Config { ways, plan, at_once } = self.wanted.borrow_and_update().clone();
        self.plan.reconfigure(plan);
        let mut before = std::mem::take(&mut self.queues);
        for way in ways {
            let queue = match before.iter().position(|queue| queue.takes(&way)) {
                Some(at) => before.swap_remove(at),
                None => Queue::start(way.clone(), at_once, self.metrics.clone()),
            };
            queue.change(way, at_once);
            self.queues.push(queue);
        }
        if !before.is_empty() {
            self.leaving.spawn(queue::drain(before, GRACE));
        }
    }

    /// Until the daemon stops or drops us, or nobody is to be called any more.
    async fn attend(&mut self, mut client: Client) {
        let Ok(snapshot) = client.snapshot().await else { return };
        self.plan.escalate_at(snapshot.daemon.settings.escalate_percent);
        let mut now = self.clock.now();
        let said = self.plan.snapshot(now, snapshot.approvals);
        self.say(said);
        loop {
            let due = self.plan.due(now);
            let said = tokio::select! {
                // What comes after another configuration is told as that says.
                biased;
                wanted = self.wanted.changed() => {
                    self.wanted.mark_changed();
                    self.take_over();
                    if wanted.is_err() || self.queues.is_empty() {
                        return;
                    }
                    now = self.clock.now();
                    self.plan.tick(now)
                }
                update = client.next_update() => match update.map(|update| update.change) {
                    Err(_) => return,
                    Ok(change) => {
                        now = self.clock.now();
                        self.changed(now, change)
                    }
                },
                () = sleep(due), if due.is_some() => {
                    now = self.clock.now();
                    self.plan.tick(now)
                }
            };
            self.say(said);
        }
    }

    fn changed(&mut self, now: Moment, change: Change) -> Vec<Said> {
        match change {
            Change::Approval { view } => self.plan.approval(now, *view),
            Change::Daemon { daemon } => {
                self.plan.escalate_at(daemon.settings.escalate_percent);
                self.plan.tick(now)
            }
            Change::Session { .. }
            | Change::SessionGone { .. }
            | Change::Presence { .. }
            | Change::Notice { .. }
            | Change::Stopping => self.plan.tick(now),
        }
    }

    fn say(&self, said: Vec<Said>) {
        for said in said {
            match said {
                Said::Call(call) => {
                    let delivery = Delivery::of(&Message::of(&call));
                    self.queues.iter().for_each(|queue| queue.push(delivery.clone()));
                }
                Said::LeftOut(why) => {
                    tracing::info!("notifications: {why}");
                    self.metrics.notification_left_out();
                }
            }
        }
    }
}

async fn sleep(due: Option<Duration>) {
    // A clock that is set while we sleep is noticed after a minute.
    const LONGEST: Duration = Duration::from_secs(60);
    if let Some(due) = due {
        tokio::time::sleep(due.min(LONGEST)).await;
    }
}

/// Counts what became of a delivery.
fn count(metrics: &Metrics, way: &Way, kind: Kind, sent: Sent) {
    metrics.notification(way.path(), kind, sent);
}
