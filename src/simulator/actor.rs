//! The one task that owns the world: runs jobs on it, wakes when it is due, feeds open streams, answers waiters.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::record::Sent;
use super::world::{Frame, StreamId, World};
use crate::clock::Moment;

/// The world's task has ended; the simulator is being shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulator is stopped")]
pub struct Stopped;

type Job = Box<dyn FnOnce(&mut Actor, Moment) + Send>;

/// A way to the world, cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    jobs: mpsc::UnboundedSender<Job>,
    origin: Instant,
}

/// The world and everything that waits for it.
pub(super) struct Actor {
    world: World,
    exact: bool,
    streams: BTreeMap<StreamId, mpsc::UnboundedSender<Frame>>,
    waiters: Vec<Waiter>,
}

struct Waiter {
    met: Box<dyn FnMut(&World) -> bool + Send>,
    tell: oneshot::Sender<()>,
}

impl Link {
    /// Starts the task; it ends when `stop` is cancelled. `origin` is the zero of all times. One that is `exact` never sleeps.
    pub(super) fn start(world: World, origin: Instant, exact: bool, stop: CancellationToken) -> Self {
        let (jobs, inbox) = mpsc::unbounded_channel();
        let actor = Actor { world, exact, streams: BTreeMap::new(), waiters: Vec::new() };
        tokio::spawn(actor.run(inbox, origin, stop));
        Self { jobs, origin }
    }

    /// Reads both clocks.
    pub(super) fn now(&self) -> Moment {
        moment(self.origin)
    }

    /// Runs `job` on the world.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut World, Moment) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        self.ask_actor(|actor, now| job(&mut actor.world, now)).await
    }

    /// The client of a stream has gone.
    pub(super) fn hang_up(&self, stream: StreamId) {
        let job = move |actor: &mut Actor, _| {
            actor.streams.remove(&stream);
            actor.world.hang_up(stream);
        };
        // An actor that has ended has hung up already.
        let _ = self.jobs.send(Box::new(job));
    }

    /// An event that was emitted beside a script was written to a stream.
    pub(super) fn sent(&self, sent: Sent) {
        // An actor that has ended keeps no record.
        let _ = self.jobs.send(Box::new(move |actor, _| actor.world.sent(sent)));
    }

    /// Runs `job` on the world and, when it opens a stream, connects the stream.
    pub(super) async fn open<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut World, Moment) -> T + Send + 'static,
        opened: fn(&T) -> Option<StreamId>,
    ) -> Result<(T, mpsc::UnboundedReceiver<Frame>), Stopped> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let job = move |actor: &mut Actor, now| {
            let result = job(&mut actor.world, now);
            if let Some(stream) = opened(&result) {
                actor.streams.insert(stream, sender);
            }
            result
        };
        Ok((self.ask_actor(job).await?, receiver))
    }

    /// Waits until `met` says so of the world; it is asked now and after every change.
    pub(super) async fn until(&self, met: impl FnMut(&World) -> bool + Send + 'static) -> Result<(), Stopped> {
        let (tell, told) = oneshot::channel();
        let waiter = Waiter { met: Box::new(met), tell };
        self.jobs.send(Box::new(|actor, _| actor.waiters.push(waiter))).map_err(|_| Stopped)?;
        told.await.map_err(|_| Stopped)
    }

    async fn ask_actor<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Actor, Moment) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (tell, told) = oneshot::channel();
        let job = |actor: &mut Actor, now: Moment| {
            // A caller that no longer waits needs no answer.
            let _ = tell.send(job(actor, now));
        };
        self.jobs.send(Box::new(job)).map_err(|_| Stopped)?;
        told.await.map_err(|_| Stopped)
    }
}

impl Actor {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Job>, origin: Instant, stop: CancellationToken) {
        loop {
            let wake = self.world.wake().and_then(|wake| origin.checked_add(wake));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = wait_until(wake, self.exact) => self.world.advance(moment(origin)),
                job = inbox.recv() => {
                    let Some(job) = job else { return };
                    let now = moment(origin);
                    self.world.advance(now);
                    job(&mut self, now);
                }
            }
            self.feed();
            self.answer();
        }
    }

    fn feed(&mut self) {
        for (stream, frame) in self.world.drain() {
            let last = frame == Frame::Close;
            let gone = self.streams.get(&stream).is_none_or(|sender| sender.send(frame).is_err());
            if last || gone {
                self.streams.remove(&stream);
                self.world.hang_up(stream);
            }
        }
    }

    fn answer(&mut self) {
        let world = &self.world;
        let met = self.waiters.extract_if(.., |waiter| waiter.tell.is_closed() || (waiter.met)(world));
        for waiter in met {
            // A waiter that has given up needs no answer.
            let _ = waiter.tell.send(());
        }
    }
}

fn moment(origin: Instant) -> Moment {
    Moment { mono: origin.elapsed(), wall: Timestamp::now() }
}

/// A timer is off by up to a millisecond, and whoever sleeps takes a while to wake: not to sleep costs a processor.
async fn wait_until(at: Option<Instant>, exact: bool) {
    if exact {
        loop {
            // Others go first, also where it is late.
            tokio::task::yield_now().await;
            if at.is_some_and(|at| Instant::now() >= at) {
                return;
            }
        }
    }
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
