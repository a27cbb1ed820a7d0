//! What the daemon needs of a store, whatever keeps it.
//!
//! One process writes. What an answer says is durable survives a crash at any later moment; what was asked and not answered
//! may or may not have been written, and asking again is safe.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Conflict, EventBounds, Noted, Store, StoreError, Write};
use crate::api::{MessageId, SessionId};
use crate::control::{Halt, OperatorName};
use crate::gate::Kept;

/// How far sessions' events were evaluated; none of what is over, whose cursor is forgotten.
pub type Cursors = BTreeMap<SessionId, Option<MessageId>>;

/// A store as the daemon uses it. The words of [`Store`]'s own methods hold for every other.
#[async_trait]
pub trait Durable: Send + Sync + 'static {
    /// Whether it was one before this process opened it, so that another one may have used it.
    fn was_there(&self) -> bool;

    /// The approvals that a restart has to go on from, oldest first.
    async fn live(&self) -> Result<Vec<Kept>, StoreError>;

    /// The newest 1000 approvals that a restart has nothing to do for, newest first.
    async fn done(&self) -> Result<Vec<Kept>, StoreError>;

    /// How far each session's events were evaluated.
    async fn cursors(&self) -> Result<BTreeMap<SessionId, MessageId>, StoreError>;

    /// The stop of everything that is in force.
    async fn halt(&self) -> Result<Option<Halt>, StoreError>;

    /// Writes `writes` in order and moves `cursors`, all or nothing, durably. One answer for each write: an outcome that
    /// stands is not changed.
    async fn append(
        &self,
        writes: &[&Write],
        cursors: &Cursors,
        at: Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError>;

    /// Writes down that everything is stopped. Writing the same again changes nothing.
    async fn halted(&self, halt: &Halt) -> Result<(), StoreError>;

    /// Writes down that the stop `halt` was ended. Does nothing when that one is not in force.
    async fn halt_ended(&self, halt: &Halt, by: &OperatorName, at: Timestamp) -> Result<(), StoreError>;

    /// Writes evaluated events, and deletes some of what is beyond the bounds: whether there may be more to delete.
    async fn record(&self, events: &[Noted], bounds: EventBounds, now: Timestamp) -> Result<bool, StoreError>;

    /// Where it is, for messages.
    fn path(&self) -> &Path;

    /// Closes it; what was written is durable.
    async fn close(&self);
}

#[async_trait]
impl Durable for Store {
    fn was_there(&self) -> bool {
        self.was_there
    }

    async fn live(&self) -> Result<Vec<Kept>, StoreError> {
        Self::live(self).await
    }

    async fn done(&self) -> Result<Vec<Kept>, StoreError> {
        Self::done(self).await
    }

    async fn cursors(&self) -> Result<BTreeMap<SessionId, MessageId>, StoreError> {
        Self::cursors(self).await
    }

    async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        Self::halt(self).await
    }

    async fn append(
        &self,
        writes: &[&Write],
        cursors: &Cursors,
        at: Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        Self::append(self, writes, cursors, at).await
    }

    async fn halted(&self, halt: &Halt) -> Result<(), StoreError> {
        Self::halted(self, halt).await
    }

    async fn halt_ended(&self, halt: &Halt, by: &OperatorName, at: Timestamp) -> Result<(), StoreError> {
        Self::halt_ended(self, halt, by, at).await
    }

    async fn record(&self, events: &[Noted], bounds: EventBounds, now: Timestamp) -> Result<bool, StoreError> {
        Self::record(self, events, bounds, now).await
    }

    fn path(&self) -> &Path {
        Self::path(self)
    }

    async fn close(&self) {
        self.clone().close().await;
    }
}
