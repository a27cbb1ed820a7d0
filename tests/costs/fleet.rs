//! A provider and a store in memory, which keep all they need before anything is counted: what is counted is the daemon's.

#![allow(dead_code, reason = "benches use their own part")]

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use futures_util::Stream;
use holdpoint::api::{
    ApiError, Capabilities, Event, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session,
    SessionId, Status, StreamItem,
};
use holdpoint::control::{Halt, OperatorName};
use holdpoint::gate::Kept;
use holdpoint::store::{Conflict, Cursors, Durable, EventBounds, Noted, StoreError, Write};
use jiff::Timestamp;

/// How many events one session may have waiting.
const QUEUE: usize = 16;

/// A provider of so many sessions, of which some are there.
#[derive(Clone)]
pub struct Fleet(Arc<Mutex<State>>);

struct State {
    sessions: Vec<One>,
    index: BTreeMap<SessionId, usize>,
    there: Range<usize>,
}

struct One {
    id: SessionId,
    status: &'static str,
    events: VecDeque<Event>,
    beats: bool,
    reads: Option<Waker>,
}

impl Fleet {
    /// None of them is there yet.
    pub fn of(count: usize) -> Self {
        let id = |n: usize| SessionId::try_from(format!("01939d10-0000-7000-8000-{n:012}")).expect("an id");
        let one =
            |n| One { id: id(n), status: "running", events: VecDeque::with_capacity(QUEUE), beats: false, reads: None };
        let index = (0..count).map(|n| (id(n), n)).collect();
        Self(Arc::new(Mutex::new(State { sessions: (0..count).map(one).collect(), index, there: 0..0 })))
    }

    /// These are there, and run.
    pub fn show(&self, there: Range<usize>) {
        self.state().there = there;
    }

    /// A session's agent does or says something.
    pub fn tell(&self, session: usize, event: Event) {
        let mut state = self.state();
        let one = &mut state.sessions[session];
        assert!(one.events.len() < QUEUE, "session {session} is not read");
        one.events.push_back(event);
        if let Some(reads) = one.reads.take() {
            reads.wake();
        }
    }

    /// All streams that are read show that they live.
    pub fn beat(&self) {
        for one in &mut self.state().sessions {
            one.beats = true;
            if let Some(reads) = one.reads.take() {
                reads.wake();
            }
        }
    }

    /// They are over for good.
    pub fn end(&self, sessions: Range<usize>) {
        let mut state = self.state();
        for one in &mut state.sessions[sessions] {
            one.status = "terminated";
        }
    }

    /// How many of these are paused.
    pub fn paused(&self, sessions: Range<usize>) -> usize {
        self.state().sessions[sessions].iter().filter(|one| one.status == "paused").count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, id: &SessionId, work: impl FnOnce(&mut One) -> T) -> T {
        let mut state = self.state();
        let at = state.index[id];
        work(&mut state.sessions[at])
    }

    fn set(&self, id: &SessionId, status: &'static str) {
        self.with(id, |one| {
            if one.status != "terminated" {
                one.status = status;
            }
        });
    }
}

fn listed(one: &One) -> Session {
    Session {
        id: one.id.clone(),
        agent: Some("agi-0".to_owned()),
        status: Status(one.status.to_owned()),
        goal: Some("Find a headset.".to_owned()),
        created_at: None,
    }
}

#[async_trait]
impl Provider for Fleet {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        let state = self.state();
        Ok(state.sessions[state.there.clone()].iter().filter(|one| one.status != "terminated").map(listed).collect())
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        Ok(self.with(id, |one| listed(one)))
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        Ok(self.with(id, |one| Status(one.status.to_owned())))
    }

    async fn messages(&self, id: &SessionId, _: MessageId) -> Result<Messages, ApiError> {
        Ok(Messages { events: Vec::new(), status: self.status(id).await? })
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        Ok(Box::pin(Events { fleet: self.clone(), session: self.state().index[id] }))
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.set(id, "paused");
        Ok(PauseAnswer::Accepted)
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.set(id, "running");
        Ok(())
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.set(id, "ready");
        Ok(())
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.set(id, "terminated");
        Ok(())
    }

    async fn message(&self, id: &SessionId, _: &str) -> Result<(), ApiError> {
        self.set(id, "running");
        Ok(())
    }

    async fn screenshot(&self, _: &SessionId) -> Result<Screenshot, ApiError> {
        Ok(Screenshot { image: Vec::new(), media_type: "image/png".to_owned(), url: None, title: None })
    }
}

/// A session's event stream; it never ends by itself.
struct Events {
    fleet: Fleet,
    session: usize,
}

impl Stream for Events {
    type Item = Result<StreamItem, ApiError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.fleet.state();
        let one = &mut state.sessions[self.session];
        if let Some(event) = one.events.pop_front() {
            return Poll::Ready(Some(Ok(StreamItem::Event(event))));
        }
        if std::mem::take(&mut one.beats) {
            return Poll::Ready(Some(Ok(StreamItem::Heartbeat)));
        }
        one.reads = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A store that has nothing and takes everything.
pub struct Nowhere;

#[async_trait]
impl Durable for Nowhere {
    fn was_there(&self) -> bool {
        false
    }

    async fn live(&self) -> Result<Vec<Kept>, StoreError> {
        Ok(Vec::new())
    }

    async fn done(&self) -> Result<Vec<Kept>, StoreError> {
        Ok(Vec::new())
    }

    async fn cursors(&self) -> Result<BTreeMap<SessionId, MessageId>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        Ok(None)
    }

    async fn append(
        &self,
        writes: &[&Write],
        _: &Cursors,
        _: Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        Ok(writes.iter().map(|_| Ok(())).collect())
    }

    async fn halted(&self, _: &Halt) -> Result<(), StoreError> {
        Ok(())
    }

    async fn halt_ended(&self, _: &Halt, _: &OperatorName, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn record(&self, _: &[Noted], _: EventBounds, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn path(&self) -> &Path {
        Path::new("/nowhere/holdpoint.db")
    }

    async fn close(&self) {}
}
