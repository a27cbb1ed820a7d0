//! The door: connections are counted, their users taken from the kernel, and those that stand still are closed.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// How many connections are open at most; more wait until one ends.
const CONNECTIONS: usize = 256;
/// How many of them one user may have, so that nobody can keep the others out. Further ones are closed at once.
const PER_USER: usize = 64;
/// A connection to which nothing was written for so long is closed. This one rule bounds slow heads, slow bodies, idle
/// connections and readers that do not read; event streams are written to every 15 s.
const STILL: Duration = Duration::from_secs(60);
/// After a failure to accept (no file descriptors left, say).
const RETRY: Duration = Duration::from_millis(200);

/// What no waiting mends: the socket itself is none any more that could be listened on.
const BROKEN: [Errno; 4] = [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::OPNOTSUPP];

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) uid: u32,
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        *stream.remote_addr()
    }
}

/// A listener that lets in as many as there is room for.
pub(super) struct Door {
    listener: UnixListener,
    room: Arc<Semaphore>,
    users: Users,
    /// Cancelled when nobody will ever come in any more.
    broken: CancellationToken,
}

impl Door {
    pub(super) fn new(listener: UnixListener, broken: CancellationToken) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(CONNECTIONS)), users: Users::default(), broken }
    }

    async fn next(&self) -> io::Result<(Guarded, Peer)> {
        let room = self.room.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, _) = self.listener.accept().await?;
        let uid = stream.peer_cred()?.uid();
        let Some(place) = self.users.enter(uid) else {
            return Err(io::Error::other(format!("uid {uid} has {PER_USER} connections already")));
        };
        Ok((Guarded::new(stream, STILL, (room, place)), Peer { uid }))
    }
}

impl Listener for Door {
    type Io = Guarded;
    type Addr = Peer;

    async fn accept(&mut self) -> (Guarded, Peer) {
        loop {
            match self.next().await {
                Ok(connection) => return connection,
                Err(error) if is_broken(&error) => {
                    tracing::error!("the local API's socket cannot be listened on any more: {error}");
                    self.broken.cancel();
                    return std::future::pending().await;
                }
                Err(error) => {
                    tracing::warn!("a connection to the local API was not taken: {error}");
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer { uid: rustix::process::geteuid().as_raw() })
    }
}

fn is_broken(error: &io::Error) -> bool {
    BROKEN.iter().any(|broken| error.raw_os_error() == Some(broken.raw_os_error()))
}

/// How many connections each user has.
#[derive(Clone, Default)]
struct Users {
    open: Arc<Mutex<BTreeMap<u32, usize>>>,
}

struct Place {
    users: Users,
    uid: u32,
}

impl Users {
    fn enter(&self, uid: u32) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(uid).or_default();
        if *count >= PER_USER {
            return None;
        }
        *count += 1;
        Some(Place { users: self.clone(), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.users.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.uid);
            }
        }
    }
}

/// A connection that fails when it stands still.
pub(super) struct Guarded {
    stream: UnixStream,
    patience: Duration,
    still: Pin<Box<Sleep>>,
    _places: (OwnedSemaphorePermit, Place),
}

impl Guarded {
    fn new(stream: UnixStream, patience: Duration, places: (OwnedSemaphorePermit, Place)) -> Self {
        Self { stream, patience, still: Box::pin(sleep(patience)), _places: places }
    }

    fn stands(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.still.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn moved(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(1..)) = written {
            let until = Instant::now() + self.patience;
            self.still.as_mut().reset(until);
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stands(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stands(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.moved(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stands(cx)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.moved(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_cannot_take_every_place_and_a_place_left_is_free_again() {
        let users = Users::default();
        let mut taken: Vec<Place> = (0..PER_USER).filter_map(|_| users.enter(7)).collect();
        assert_eq!((taken.len(), users.enter(7).is_some(), users.enter(8).is_some()), (PER_USER, false, true));
        taken.pop();
        assert!(users.enter(7).is_some());
    }

    #[tokio::test]
    async fn a_connection_that_sends_half_a_request_for_ever_is_closed() {
        use tokio::io::AsyncReadExt as _;
        let (near, _far) = UnixStream::pair().expect("a pair");
        let patience = Duration::from_millis(20);
        let room = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("open");
        let place = Users::default().enter(7).expect("free");
        let mut guarded = Guarded::new(near, patience, (room, place));
        let began = Instant::now();
        let error = guarded.read(&mut [0; 8]).await.expect_err("nothing comes");
        assert_eq!((error.kind(), began.elapsed() >= patience), (io::ErrorKind::TimedOut, true));
    }
}
