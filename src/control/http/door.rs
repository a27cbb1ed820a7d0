//! The door: connections are counted, their users taken from the kernel, and those that stand still are closed.
//!
//! A connection for which there is no place is closed at once, and the next one is looked at: nobody waits at this door, so
//! nobody can stand in it. Root and this process's own user, who may do everything, always find a place.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// How many connections all users but root and our own may have open together. Further ones are closed at once.
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
    users: Users,
    /// Says which user is at the other end.
    who: fn(&UnixStream) -> io::Result<u32>,
    /// Cancelled when nobody will ever come in any more.
    broken: CancellationToken,
}

impl Door {
    pub(super) fn new(listener: UnixListener, broken: CancellationToken) -> Self {
        let masters = BTreeSet::from([0, rustix::process::geteuid().as_raw()]);
        Self { listener, users: Users::new(masters), who: |stream| Ok(stream.peer_cred()?.uid()), broken }
    }

    /// The next connection, or `None` when there is no place for it: it is closed then.
    ///
    /// Fails when nothing can be accepted; then it is of no use to ask again at once.
    async fn next(&self) -> io::Result<Option<(Guarded, Peer)>> {
        let (stream, _) = self.listener.accept().await?;
        let Ok(uid) = (self.who)(&stream) else { return Ok(None) };
        let place = self.users.enter(uid);
        Ok(place.map(|place| (Guarded::new(stream, STILL, place), Peer { uid })))
    }
}

impl Listener for Door {
    type Io = Guarded;
    type Addr = Peer;

    async fn accept(&mut self) -> (Guarded, Peer) {
        loop {
            match self.next().await {
                Ok(Some(connection)) => return connection,
                Ok(None) => {}
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
    /// Who is not counted.
    masters: Arc<BTreeSet<u32>>,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    open: BTreeMap<u32, usize>,
    all: usize,
    /// Whose connections were closed; each of them is told of once, so that nobody can fill the log.
    told: BTreeSet<u32>,
}

/// A place that is free again when it is dropped.
struct Place {
    users: Users,
    uid: u32,
}

impl Users {
    fn new(masters: BTreeSet<u32>) -> Self {
        Self { masters: Arc::new(masters), counts: Arc::default() }
    }

    fn enter(&self, uid: u32) -> Option<Place> {
        let place = || Some(Place { users: self.clone(), uid });
        if self.masters.contains(&uid) {
            return place();
        }
        let mut counts = self.counts();
        let own = counts.open.get(&uid).copied().unwrap_or_default();
        if own < PER_USER && counts.all < CONNECTIONS {
            counts.open.insert(uid, own + 1);
            counts.all += 1;
            return place();
        }
        let first = counts.told.insert(uid);
        drop(counts);
        if first {
            let most = format!("{own} of at most {PER_USER} are its own, and all have at most {CONNECTIONS}");
            tracing::warn!("the local API closes connections of the user with the id {uid}: {most}; this is said once");
        }
        None
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.users.masters.contains(&self.uid) {
            return;
        }
        let mut counts = self.users.counts();
        if let Some(own) = counts.open.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                counts.open.remove(&self.uid);
            }
            counts.all -= 1;
        }
    }
}

/// A connection that fails when it stands still.
pub(super) struct Guarded {
    stream: UnixStream,
    patience: Duration,
    still: Pin<Box<Sleep>>,
    _place: Place,
}

impl Guarded {
    fn new(stream: UnixStream, patience: Duration, place: Place) -> Self {
        Self { stream, patience, still: Box::pin(sleep(patience)), _place: place }
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
    use std::path::Path;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::UnixSocket;

    use super::*;

    const MASTER: u32 = 1;

    /// Clients say who they are by the names of their own sockets: a test has one user only.
    fn named(stream: &UnixStream) -> io::Result<u32> {
        let peer = stream.peer_addr()?;
        let name = peer.as_pathname().and_then(Path::extension).and_then(|uid| uid.to_str()?.parse().ok());
        name.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    struct House {
        folder: tempfile::TempDir,
        door: Door,
        made: usize,
    }

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let listener = UnixListener::bind(folder.path().join("door")).expect("a socket");
            let users = Users::new(BTreeSet::from([MASTER]));
            Self { folder, door: Door { listener, users, who: named, broken: CancellationToken::new() }, made: 0 }
        }

        async fn connect(&mut self, uid: u32) -> UnixStream {
            self.made += 1;
            let socket = UnixSocket::new_stream().expect("a socket");
            socket.bind(self.folder.path().join(format!("{}.{uid}", self.made))).expect("a name");
            socket.connect(self.folder.path().join("door")).await.expect("a door")
        }

        /// Who comes in next, and how long that takes.
        async fn next(&mut self) -> (Guarded, u32, Duration) {
            let began = Instant::now();
            let (guarded, Peer { uid }) = self.door.accept().await;
            (guarded, uid, began.elapsed())
        }
    }

    #[tokio::test]
    async fn a_user_who_keeps_connecting_keeps_nobody_out() {
        let mut house = House::new();
        let (mut far, mut near) = (Vec::new(), Vec::new());
        for _ in 0..PER_USER {
            far.push(house.connect(7).await);
            near.push(house.next().await.0);
        }
        let mut refused = Vec::new();
        for _ in 0..50 {
            refused.push(house.connect(7).await);
        }
        let others = [house.connect(8).await, house.connect(MASTER).await];
        let (_other, uid, took) = house.next().await;
        assert_eq!((uid, took < RETRY), (8, true), "{took:?}");
        let (_master, uid, took) = house.next().await;
        assert_eq!((uid, took < RETRY), (MASTER, true), "{took:?}");
        for mut one in refused {
            assert_eq!(one.read(&mut [0; 8]).await.expect("closed, not broken"), 0, "closed at once");
        }
        drop((near.pop(), others));
        let _again = house.connect(7).await;
        assert_eq!(house.next().await.1, 7, "a place left is free again");
    }

    #[tokio::test]
    async fn users_who_take_every_place_together_are_closed_and_the_master_comes_in() {
        let mut house = House::new();
        let (mut far, mut near) = (Vec::new(), Vec::new());
        for n in 0..CONNECTIONS {
            far.push(house.connect(10 + u32::try_from(n / PER_USER).expect("few")).await);
            near.push(house.next().await.0);
        }
        let mut late = house.connect(99).await;
        for _ in 0..3 {
            far.push(house.connect(MASTER).await);
            let (guarded, uid, took) = house.next().await;
            assert_eq!((uid, took < RETRY), (MASTER, true), "{took:?}");
            near.push(guarded);
        }
        assert_eq!(late.read(&mut [0; 8]).await.expect("closed, not broken"), 0);
    }

    #[test]
    fn a_user_is_told_of_once() {
        let users = Users::default();
        let _all: Vec<Place> = (0..PER_USER).filter_map(|_| users.enter(7)).collect();
        assert!((0..1_000).all(|_| users.enter(7).is_none()));
        assert_eq!(users.counts().told, BTreeSet::from([7]));
    }

    #[tokio::test]
    async fn a_connection_that_sends_half_a_request_for_ever_is_closed() {
        let (near, _far) = UnixStream::pair().expect("a pair");
        let patience = Duration::from_millis(20);
        let place = Users::default().enter(7).expect("free");
        let mut guarded = Guarded::new(near, patience, place);
        let began = Instant::now();
        let error = guarded.read(&mut [0; 8]).await.expect_err("nothing comes");
        assert_eq!((error.kind(), began.elapsed() >= patience), (io::ErrorKind::TimedOut, true));
    }
}
