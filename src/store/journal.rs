//! The connection that writes the journal: one, in one hand at a time.
//!
//! No pool is before it: that asks a connection whether it is alive before and after each use, and each time is a round trip to the
//! thread that has the connection. So it is looked at where it failed, and opened anew if that thread is gone: what was to be written
//! then is refused. Nothing is retried here.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::timeout;

use crate::audit::Head;

/// Ends a transaction, and tells that it did: whoever waits for a query whose thread has died meanwhile is told that it is over, as if
/// all had gone well. The row comes only after what was committed is on the disk; without it the query failed.
pub(super) const COMMIT: &str = "COMMIT; SELECT 1";

/// How long is waited for whoever writes, and for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where the connection is when nobody writes. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    options: SqliteConnectOptions,
    place: Arc<Mutex<Place>>,
}

#[derive(Debug, Default)]
pub(super) struct Place {
    closed: bool,
    hand: Option<Hand>,
}

/// The connection, in use.
#[derive(Debug)]
pub(super) struct Hand {
    pub(super) connection: SqliteConnection,
    /// The newest entry of the journal as this hand left it. Others may have written since; `append` finds that out.
    pub(super) head: Option<Head>,
    /// Whether it is to be opened anew: a transaction has begun and nobody saw its end, or its thread is gone.
    lost: bool,
}

impl Journal {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self { options, place: Arc::default() }
    }

    /// Takes the connection up, and opens it where there is none.
    ///
    /// # Errors
    /// When somebody else has it for too long, it cannot be opened, or the store is closed.
    pub(super) async fn take_up(&self) -> Result<MappedMutexGuard<'_, Hand>, sqlx::Error> {
        let mut place = timeout(PATIENCE, self.place.lock()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        if place.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        if place.hand.as_ref().is_none_or(|hand| hand.lost) {
            // One that is lost lets go of the file first.
            place.hand = None;
            let connecting = timeout(PATIENCE, self.options.connect());
            let connection = connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            place.hand = Some(Hand { connection, head: None, lost: false });
        }
        MutexGuard::try_map(place, |place| place.hand.as_mut()).map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Closes it, once nobody has it.
    pub(super) async fn close(&self) {
        let mut place = self.place.lock().await;
        place.closed = true;
        if let Some(hand) = place.hand.take() {
            // What was committed is on the disk, whatever becomes of the file beside it.
            let _ = hand.connection.close().await;
        }
    }

    /// Keeps everybody from writing until what is returned is dropped.
    #[cfg(test)]
    pub(super) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<Place> {
        self.place.clone().lock_owned().await
    }
}

impl Hand {
    /// A transaction begins. Whoever waits for it may give up: then the connection is not used again.
    pub(super) fn in_transaction(&mut self) {
        self.lost = true;
    }

    /// The transaction was committed, and left `head` as the newest entry, where that is known.
    pub(super) fn committed(&mut self, head: Option<Head>) {
        (self.head, self.lost) = (head, false);
    }

    /// Ends a transaction that failed. SQLite has rolled back by itself when the disk is full; then there is nothing to roll back,
    /// which is no news.
    pub(super) async fn roll_back(&mut self) {
        let rolled_back = self.connection.execute("ROLLBACK").await;
        self.lost = matches!(rolled_back, Err(sqlx::Error::WorkerCrashed));
    }
}
