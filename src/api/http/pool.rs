//! Calls: each is one request, over a connection that is open already where there is one.
//!
//! A pause must not wait until another task was woken to write: its request goes to the socket in the
//! first moment in which the call is polled, by whoever polls it. Never sends a request twice, and decides nothing about
//! repeating. A connection is taken only if nothing says that it was closed; one that was closed and not heard of yet gives a result
//! that nobody knows, as one does that breaks.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::header::HeaderMap;
use tokio::io::ReadBuf;
use tokio::sync::Notify;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::dial::{Dialer, Wire};
use super::head::Requests;
use super::{Answer, Call, live, too_late};
use crate::api::ErrorClass;

/// So many connections are refreshed: one for a pause, and one for its hedge.
const WARM: usize = 2;

/// So many are open for what comes next once a call has left: where one session is paused, others often are in the same moment,
/// sooner than one that is opened only then is there.
const AHEAD: usize = 4;

/// One that has carried nothing for so long is not used again: a router on the way may have forgotten it without a word.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// Connections to one address for calls of one kind.
pub(super) struct Pool {
    dialer: Dialer,
    base: Url,
    requests: Requests,
    /// So many are kept that carry no request.
    most: usize,
    /// Those, and since when; the last used one last, and what was opened ahead first. A task to ask for one would be another
    /// waking before a pause leaves, so this is a lock, held for as long as one is put in, taken out, or looked at.
    idle: Mutex<VecDeque<(Wire, Instant)>>,
    /// A request left, and fewer than [`AHEAD`] are idle.
    short: Notify,
}

impl Pool {
    /// Opens no connection yet; keeps `most` that are idle, and uses none again that was idle for a minute.
    pub(super) fn new(dialer: Dialer, base: Url, headers: &HeaderMap, most: usize) -> Self {
        let requests = Requests::new(&base, headers);
        Self { dialer, base, requests, most, idle: Mutex::default(), short: Notify::new() }
    }

    /// Sends one request and reads the whole answer, at most `limit` bytes of it, all within `within`. Without a connection nothing was
    /// sent, and that is said.
    pub(super) async fn exchange(&self, call: &Call, limit: usize, within: Duration) -> Result<Answer, ErrorClass> {
        let wire = self.newest();
        self.over(wire, None, call, limit, within).await
    }

    /// The same, and whoever [stays ahead](Pool::stay_ahead) is told once the request has left.
    pub(super) async fn act(&self, call: &Call, limit: usize, within: Duration) -> Result<Answer, ErrorClass> {
        let wire = self.newest();
        self.over(wire, Some(&self.short), call, limit, within).await
    }

    /// The same over the connection that has carried nothing for the longest time, or over one more while there are few: so each
    /// is used in turn and stays open, and the others are there for a pause meanwhile.
    pub(super) async fn refresh(&self, call: &Call, limit: usize, within: Duration) -> Result<Answer, ErrorClass> {
        let wire = self.oldest();
        self.over(wire, None, call, limit, within).await
    }

    /// What only matters without a connection or behind the request is boxed: a call is moved a few times before its request leaves,
    /// and it would be kilobytes.
    async fn over(
        &self,
        wire: Option<Wire>,
        short: Option<&Notify>,
        call: &Call,
        limit: usize,
        within: Duration,
    ) -> Result<Answer, ErrorClass> {
        let deadline = Instant::now() + within;
        let wire = match wire {
            Some(wire) => wire,
            None => Box::pin(self.dialer.dial(&self.base, within)).await?,
        };
        let exchanging = async {
            let sent = live::send(wire, &self.requests.of(call)).await?;
            // Behind the request: whoever is woken by it takes no time before a pause leaves.
            if let Some(short) = short.filter(|_| self.open() < AHEAD) {
                short.notify_one();
            }
            Box::pin(async { Ok(sent.answer().await?.whole(limit, within).await) }).await
        };
        let (answer, wire) = timeout_at(deadline, exchanging).await.unwrap_or_else(|_| Err(too_late(within)))?;
        if let Some(wire) = wire {
            self.keep(wire);
        }
        Ok(answer)
    }

    /// Opens connections ahead, each within `within`, whenever a request has left and few are idle: the pause that comes next then
    /// waits for no handshake. Ends never; one that cannot be opened is tried again with the next request.
    pub(super) async fn stay_ahead(&self, within: Duration) -> Infallible {
        loop {
            self.short.notified().await;
            let missing = AHEAD.saturating_sub(self.open());
            let mut dials: FuturesUnordered<_> = (0..missing).map(|_| self.dialer.dial(&self.base, within)).collect();
            while let Some(dialled) = dials.next().await {
                let mut idle = self.idle();
                if let Ok(wire) = dialled
                    && idle.len() < self.most
                {
                    // Behind those that have carried something.
                    idle.push_front((wire, Instant::now()));
                }
            }
        }
    }

    fn newest(&self) -> Option<Wire> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop_back())
            .map(|(wire, _)| wire)
            .find_map(|mut wire| is_open(&mut wire).then_some(wire))
    }

    fn oldest(&self) -> Option<Wire> {
        let mut idle = self.idle();
        while idle.len() >= WARM {
            if let Some((mut wire, _)) = idle.pop_front()
                && is_open(&mut wire)
            {
                return Some(wire);
            }
        }
        None
    }

    /// How many are idle and not closed.
    fn open(&self) -> usize {
        let mut idle = self.idle();
        idle.retain_mut(|(wire, _)| is_open(wire));
        idle.len()
    }

    fn keep(&self, wire: Wire) {
        let mut idle = self.idle();
        idle.push_back((wire, Instant::now()));
        if idle.len() > self.most {
            idle.pop_front();
        }
    }

    /// Without those that were idle for too long.
    fn idle(&self) -> MutexGuard<'_, VecDeque<(Wire, Instant)>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|(_, since)| now.duration_since(*since) <= IDLE_FOR);
        idle
    }
}

/// Whether the server has neither closed it nor sent what nobody asked for. Looks without waiting, and also where a task that did
/// much is to let others go first: not to have looked is not to have found nothing.
fn is_open(wire: &mut Wire) -> bool {
    let (mut byte, now) = ([0], &mut Context::from_waker(Waker::noop()));
    let mut room = ReadBuf::new(&mut byte);
    let look = pin!(unconstrained(poll_fn(|cx| wire.as_mut().poll_read(cx, &mut room)))).poll(now);
    look.is_pending()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Method;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio::task::coop::{consume_budget, has_budget_remaining};
    use tokio::time::timeout;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    /// A server whose every answer is empty, and how many connections it has had.
    async fn server() -> (Url, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("a URL");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                        if request.ends_with(b"\r\n\r\n") {
                            request.clear();
                            connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("open");
                        }
                    }
                });
            }
        });
        (base, connections)
    }

    async fn exchange(pool: &Pool) {
        let call = Call::new(Method::GET, "/v1/models".to_owned());
        assert_eq!(pool.exchange(&call, 1, WITHIN).await.expect("an answer").status, 204);
    }

    #[test]
    fn a_call_is_small_until_its_request_has_left() {
        let base = "http://127.0.0.1:1".parse().expect("a URL");
        let pool = Pool::new(Dialer::new(None, WITHIN), base, &HeaderMap::new(), 8);
        let call = Call::new(Method::POST, "/v1/sessions/s/pause".to_owned());
        let size = size_of_val(&pool.act(&call, 1, WITHIN));
        assert!(size <= 1024, "{size} bytes");
    }

    #[tokio::test]
    async fn a_connection_is_used_again_for_a_minute() {
        let (base, connections) = server().await;
        let pool = Pool::new(Dialer::new(None, WITHIN), base, &HeaderMap::new(), 8);
        exchange(&pool).await;
        exchange(&pool).await;
        assert_eq!(connections.load(Ordering::Relaxed), 1);
        tokio::time::pause();
        tokio::time::advance(IDLE_FOR + Duration::from_millis(1)).await;
        tokio::time::resume();
        exchange(&pool).await;
        assert_eq!(connections.load(Ordering::Relaxed), 2);
    }

    /// Its share of the runtime's time is used up, as that of a driver is that has judged many events.
    #[tokio::test]
    async fn a_connection_that_was_closed_is_not_used_again_by_whoever_has_to_let_others_go_first() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base: Url = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("a URL");
        let mut wire = Dialer::new(None, WITHIN).dial(&base, WITHIN).await.expect("a connection");
        drop(listener.accept().await.expect("the same"));
        let closed = async {
            while is_open(&mut wire) {
                tokio::task::yield_now().await;
                while has_budget_remaining() {
                    consume_budget().await;
                }
            }
        };
        timeout(WITHIN, closed).await.expect("seen to be closed");
    }

    /// Two pauses, whose answers take their time, leave connections open for the next two.
    #[tokio::test]
    async fn while_calls_have_the_connections_others_are_opened() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base: Url = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("a URL");
        let pool = Arc::new(Pool::new(Dialer::new(None, WITHIN), base, &HeaderMap::new(), 8));
        let mut tasks = JoinSet::new();
        let ahead = pool.clone();
        tasks.spawn(async move { match ahead.stay_ahead(WITHIN).await {} });
        let mut open = Vec::new();
        for begun in 1..=2 {
            let pool_of_call = pool.clone();
            tasks.spawn(async move {
                let call = Call::new(Method::POST, "/v1/sessions/s-1/pause".to_owned());
                let _nobody_answers = pool_of_call.act(&call, 1, WITHIN).await;
            });
            while open.len() < begun + AHEAD {
                open.push(timeout(WITHIN, listener.accept()).await.expect("in time").expect("one more"));
            }
            let idle = async {
                while pool.open() < AHEAD {
                    tokio::task::yield_now().await;
                }
            };
            timeout(WITHIN, idle).await.expect("others are open");
        }
    }

    #[tokio::test]
    async fn so_many_connections_are_kept_and_no_more() {
        let (base, connections) = server().await;
        let pool = Pool::new(Dialer::new(None, WITHIN), base, &HeaderMap::new(), 2);
        for opened in [3, 4] {
            tokio::join!(exchange(&pool), exchange(&pool), exchange(&pool));
            assert_eq!(connections.load(Ordering::Relaxed), opened);
        }
    }
}
