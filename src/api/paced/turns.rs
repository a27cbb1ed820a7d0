//! The shell around the [bucket](super::bucket): one task that owns it, and the handles that ask it.
//!
//! Whoever acts tells it and goes on at once; whoever reads waits for a turn. Whoever no longer wants a turn gives it back by
//! dropping the wait. It decides nothing that the bucket does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::bucket::{Bucket, Lane, Rate, Waiter};

/// Asks for turns. Cheap to clone; the task ends with the last one.
#[derive(Clone, Debug)]
pub struct Turns {
    /// Without a bound: each caller has one request in it at most, or goes on at once.
    told: mpsc::UnboundedSender<Told>,
    pressed: watch::Receiver<Pressure>,
    next: Arc<AtomicU64>,
}

/// How much is wanted of a provider and how much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// How many requests may leave, where that is bounded.
    pub rate: Option<Rate>,
    /// Since when the first of each lane waits, if anybody does.
    pub since: [Option<Instant>; 3],
}

#[derive(Debug)]
enum Told {
    /// A request that acts leaves.
    Spent,
    /// A turn is wanted.
    Asked(Lane, Waiter, oneshot::Sender<()>),
    /// It is not wanted any more, or was not used.
    Left(Lane, Waiter),
    /// A request was refused because there were too many.
    Refused(Option<Duration>),
}

impl Turns {
    /// Starts the task that gives turns, at most `rate` of them, if that is known.
    #[must_use]
    pub fn start(rate: Option<Rate>) -> Self {
        let (told, inbox) = mpsc::unbounded_channel();
        let (press, pressed) = watch::channel(Pressure { rate, ..Pressure::default() });
        let giver = Giver { bucket: Bucket::new(rate), origin: Instant::now(), replies: BTreeMap::new(), press };
        tokio::spawn(giver.run(inbox));
        Self { told, pressed, next: Arc::default() }
    }

    /// Says that a request leaves which waits for nobody. Never waits.
    pub fn spend(&self) {
        self.tell(Told::Spent);
    }

    /// Says that the provider refused a request because there were too many. Never waits.
    pub fn refused(&self, retry_after: Option<Duration>) {
        self.tell(Told::Refused(retry_after));
    }

    /// Waits until a request may leave.
    pub async fn turn(&self, lane: Lane) {
        let waiter = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, given) = oneshot::channel();
        self.tell(Told::Asked(lane, waiter, reply));
        let mut wait = Wait { turns: self, lane, waiter, over: false };
        // A task that has ended gives no turns; then nobody waits for any.
        let _ = given.await;
        wait.over = true;
    }

    /// How much is wanted, as it changes.
    #[must_use]
    pub fn pressure(&self) -> watch::Receiver<Pressure> {
        self.pressed.clone()
    }

    fn tell(&self, told: Told) {
        // A task that has ended has nothing to count.
        let _ = self.told.send(told);
    }
}

impl Pressure {
    /// How long the first of a lane has waited.
    #[must_use]
    pub fn waited(&self, lane: Lane, now: Instant) -> Duration {
        let since = Lane::ALL.into_iter().zip(self.since).find(|(of, _)| *of == lane);
        since.and_then(|(_, since)| since).map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// A wait for a turn: dropped before it is over, the turn goes to somebody else.
struct Wait<'a> {
    turns: &'a Turns,
    lane: Lane,
    waiter: Waiter,
    over: bool,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.turns.tell(Told::Left(self.lane, self.waiter));
        }
    }
}

/// The task that owns the bucket.
struct Giver {
    bucket: Bucket,
    origin: Instant,
    replies: BTreeMap<Waiter, oneshot::Sender<()>>,
    press: watch::Sender<Pressure>,
}

impl Giver {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Told>) {
        loop {
            let wake = self.give();
            let wakes = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(self.origin + at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                told = inbox.recv() => match told {
                    Some(told) => self.take(told),
                    None => return,
                },
                () = wakes => {}
            }
            // Those who came together are served in the order of their lanes.
            while let Ok(told) = inbox.try_recv() {
                self.take(told);
            }
        }
    }

    fn take(&mut self, told: Told) {
        let now = self.origin.elapsed();
        match told {
            Told::Spent => self.bucket.spend(now),
            Told::Asked(lane, waiter, reply) => {
                self.bucket.ask(now, lane, waiter);
                self.replies.insert(waiter, reply);
            }
            Told::Left(lane, waiter) => {
                self.replies.remove(&waiter);
                self.bucket.leave(now, lane, waiter);
            }
            Told::Refused(retry_after) => self.bucket.refused(now, retry_after),
        }
    }

    /// Gives all turns there are; says when there will be more.
    fn give(&mut self) -> Option<Duration> {
        let now = self.origin.elapsed();
        while let Some(waiter) = self.bucket.next(now) {
            // Whoever has gone says so by itself.
            let _ = self.replies.remove(&waiter).map(|reply| reply.send(()));
        }
        let since = Lane::ALL.map(|lane| self.bucket.waits_since(lane).map(|since| self.origin + since));
        let pressure = Pressure { rate: self.bucket.rate(now), since };
        self.press.send_if_modified(|pressed| std::mem::replace(pressed, pressure) != pressure);
        self.bucket.wake(now)
    }
}
