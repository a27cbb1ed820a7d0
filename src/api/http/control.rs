//! Calls that act: each is one request, over a connection that is open already where there is one.
//!
//! A pause must not wait until a pool has found a connection and another task was woken to write: its request goes to the socket in the
//! first moment in which the call is polled, by whoever polls it. Never sends a request twice, and decides nothing about
//! repeating. A connection is taken only if nothing says that it was closed; one that was closed and not heard of yet gives a result
//! that nobody knows, as one does that breaks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use http::header::HeaderMap;
use tokio::io::ReadBuf;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::dial::{Dialer, Wire};
use super::head::Requests;
use super::{Answer, Call, live, too_late};
use crate::api::ErrorClass;

/// So many connections are kept open: one for a pause, and one for its hedge.
const WARM: usize = 2;

/// So many are kept for a while, after many calls at once.
const IDLE_MOST: usize = 8;

/// The connections of calls that act.
pub(super) struct Control {
    dialer: Dialer,
    base: Url,
    requests: Requests,
    /// Connections that carry no request, the last used one last. A task to ask for one would be another waking before a pause
    /// leaves, so this is a lock, held for as long as one is put in or taken out.
    idle: Mutex<VecDeque<Wire>>,
}

impl Control {
    /// Opens no connection yet.
    pub(super) fn new(dialer: Dialer, base: Url, headers: &HeaderMap) -> Self {
        let requests = Requests::new(&base, headers);
        Self { dialer, base, requests, idle: Mutex::default() }
    }

    /// Sends one request and reads the whole answer, at most `limit` bytes of it, all within `within`. Without a connection nothing was
    /// sent, and that is said.
    pub(super) async fn exchange(&self, call: &Call, limit: usize, within: Duration) -> Result<Answer, ErrorClass> {
        let wire = self.newest();
        self.over(wire, call, limit, within).await
    }

    /// The same over the connection that has carried nothing for the longest time, or over one more while there are few: so each
    /// is used in turn and stays open, and the others are there for a pause meanwhile.
    pub(super) async fn refresh(&self, call: &Call, limit: usize, within: Duration) -> Result<Answer, ErrorClass> {
        let wire = self.oldest();
        self.over(wire, call, limit, within).await
    }

    async fn over(
        &self,
        wire: Option<Wire>,
        call: &Call,
        limit: usize,
        within: Duration,
    ) -> Result<Answer, ErrorClass> {
        let deadline = Instant::now() + within;
        let wire = match wire {
            Some(wire) => wire,
            None => self.dialer.dial(&self.base, within).await?,
        };
        let exchanging = async { Ok(live::exchange(wire, &self.requests.of(call)).await?.whole(limit, within).await) };
        let (answer, wire) = timeout_at(deadline, exchanging).await.unwrap_or_else(|_| Err(too_late(within)))?;
        if let Some(wire) = wire {
            self.keep(wire);
        }
        Ok(answer)
    }

    fn newest(&self) -> Option<Wire> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop_back()).find_map(open)
    }

    fn oldest(&self) -> Option<Wire> {
        let mut idle = self.idle();
        while idle.len() >= WARM {
            if let Some(wire) = idle.pop_front().and_then(open) {
                return Some(wire);
            }
        }
        None
    }

    fn keep(&self, wire: Wire) {
        let mut idle = self.idle();
        idle.push_back(wire);
        if idle.len() > IDLE_MOST {
            idle.pop_front();
        }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Wire>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, unless the server has closed it or sent what nobody asked for. Looks without waiting.
fn open(mut wire: Wire) -> Option<Wire> {
    let mut byte = [0];
    let look = wire.as_mut().poll_read(&mut Context::from_waker(Waker::noop()), &mut ReadBuf::new(&mut byte));
    look.is_pending().then_some(wire)
}
