//! A proxy between the daemon and the provider that does to chosen requests what networks do.
//!
//! It knows no HTTP beyond this: a request begins where a client's bytes name its method and path, and what follows in the other
//! direction is its answer. Every harm is done once for each time that was asked for; all else passes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// What happens to a request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The connection is reset once so many bytes of the request have passed.
    ResetRequest(usize),
    /// The connection is reset once so many bytes of the answer have passed.
    ResetAnswer(usize),
    /// The answer ends in good order after so many bytes.
    CutAnswer(usize),
    /// Nothing passes any more once so many bytes of the answer have, and nobody is told.
    Stall(usize),
    /// The answer comes a byte at a time.
    Trickle(Duration),
    /// Either direction is late by this much.
    Delay(Duration),
    /// The request arrives twice: first as a copy on a connection of its own, and once that was answered as it is.
    Twice,
    /// The request is held back until another one of its kind has been sent.
    Overtaken,
}

/// The answer byte after which a connection with this number is reset.
pub type Luck = fn(u64) -> Option<usize>;

/// A harm that waits for its request.
#[derive(Clone, Debug)]
struct Planned {
    /// Part of the request line.
    line: &'static str,
    harm: Harm,
    times: usize,
}

#[derive(Debug, Default)]
struct Shared {
    planned: Mutex<Vec<Planned>>,
    done: Mutex<usize>,
    /// A request overtook another one.
    overtook: Notify,
    /// Where a server has so many places for requests of a kind: further ones wait.
    places: Mutex<Option<(&'static str, Arc<Semaphore>)>>,
    /// Each connection for itself, by its number: the answer byte after which it is reset.
    luck: Mutex<Option<Luck>>,
}

/// A running proxy; it ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _alive: watch::Sender<()>,
}

impl Proxy {
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (alive, over) = watch::channel(());
        let shared = Arc::<Shared>::default();
        tokio::spawn(serve(listener, upstream, Arc::clone(&shared), over));
        Self { address, shared, _alive: alive }
    }

    /// Does this to the next `times` requests whose line has `line` in it.
    pub fn harms(&self, line: &'static str, harm: Harm, times: usize) {
        self.shared.planned.lock().unwrap().push(Planned { line, harm, times });
    }

    /// Requests whose line has `line` in it wait while so many connections have one.
    pub fn limits(&self, line: &'static str, most: usize) {
        *self.shared.places.lock().unwrap() = Some((line, Arc::new(Semaphore::new(most))));
    }

    /// Every connection is asked for its luck.
    pub fn tempts(&self, luck: Luck) {
        *self.shared.luck.lock().unwrap() = Some(luck);
    }

    /// How many harms were done.
    pub fn done(&self) -> usize {
        *self.shared.done.lock().unwrap()
    }
}

impl Shared {
    fn harm_for(&self, bytes: &[u8]) -> Option<Harm> {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
        let line = head.lines().next()?;
        let mut planned = self.planned.lock().unwrap();
        let mut fits = planned.iter_mut().filter(|one| line.contains(one.line)).peekable();
        let of_a_kind = fits.peek().is_some();
        let Some(found) = fits.find(|one| one.times > 0) else {
            if of_a_kind {
                self.overtook.notify_waiters();
            }
            return None;
        };
        found.times -= 1;
        Some(found.harm)
    }

    /// The places that a request has to wait for; `None` when there is room for all.
    fn places_for(&self, bytes: &[u8]) -> Option<Arc<Semaphore>> {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
        let line = head.lines().next()?;
        let places = self.places.lock().unwrap();
        places.as_ref().filter(|(limited, _)| line.contains(limited)).map(|(_, places)| Arc::clone(places))
    }

    fn count(&self) {
        *self.done.lock().unwrap() += 1;
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>, mut over: watch::Receiver<()>) {
    for number in 0.. {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = over.changed() => return,
        };
        let (shared, mut over) = (Arc::clone(&shared), over.clone());
        let luck = shared.luck.lock().unwrap().and_then(|luck| luck(number));
        tokio::spawn(async move {
            tokio::select! {
                () = connection(client, upstream, &shared, luck) => (),
                _ = over.changed() => (),
            }
        });
    }
}

/// What the client's side tells the answer's side of the request that was sent last.
type Fate = watch::Sender<(u64, Option<Harm>)>;

async fn connection(client: TcpStream, upstream: SocketAddr, shared: &Shared, luck: Option<usize>) {
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let _set = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (fate, told) = watch::channel((0, luck.map(Harm::ResetAnswer)));
    let mut to_server = to_server;
    let mut answers = std::pin::pin!(answers(from_server, &to_client, shared, told));
    let reset = tokio::select! {
        reset = &mut answers => reset,
        reset = requests(from_client, &mut to_server, upstream, shared, &fate) => reset || {
            // Whoever hung up asked before: that is still answered.
            answers.await
        },
    };
    if reset {
        let _set = to_client.as_ref().set_zero_linger();
    }
}

/// Passes requests on. Returns whether the connection is to be reset.
async fn requests(
    mut from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    upstream: SocketAddr,
    shared: &Shared,
    fate: &Fate,
) -> bool {
    let mut bytes = vec![0; 64 * 1024];
    let mut place: Option<OwnedSemaphorePermit> = None;
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return false };
        let part = &bytes[..count];
        if let Some(places) = shared.places_for(part).filter(|_| place.is_none()) {
            if places.available_permits() == 0 {
                shared.count();
            }
            place = places.acquire_owned().await.ok();
        }
        let harm = shared.harm_for(part);
        if let Some(harm) = harm {
            fate.send_modify(|(number, fate)| (*number, *fate) = (*number + 1, Some(harm)));
        } else {
            let keeps = |fate: &Option<Harm>| matches!(fate, Some(Harm::ResetAnswer(_)));
            fate.send_modify(|(number, fate)| *number += u64::from(!keeps(fate)));
        }
        match harm {
            Some(Harm::ResetRequest(most)) => {
                let _sent = to.write_all(&part[..most.min(count)]).await;
                shared.count();
                return true;
            }
            Some(Harm::Delay(late)) => tokio::time::sleep(late).await,
            Some(Harm::Twice) => {
                shared.count();
                let mut copy = TcpStream::connect(upstream).await.unwrap();
                let _sent = copy.write_all(part).await;
                let _answered = copy.read(&mut [0; 4096]).await;
            }
            Some(Harm::Overtaken) => {
                shared.count();
                shared.overtook.notified().await;
            }
            Some(Harm::ResetAnswer(_) | Harm::CutAnswer(_) | Harm::Stall(_) | Harm::Trickle(_)) | None => (),
        }
        if to.write_all(part).await.is_err() {
            return false;
        }
    }
}

/// Passes answers back, as far as they come. Returns whether the connection is to be reset.
async fn answers(
    mut from: OwnedReadHalf,
    to: &OwnedWriteHalf,
    shared: &Shared,
    told: watch::Receiver<(u64, Option<Harm>)>,
) -> bool {
    let mut bytes = vec![0; 64 * 1024];
    let (mut request, mut passed) = (0, 0);
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return false };
        let (number, harm) = *told.borrow();
        if number != request {
            (request, passed) = (number, 0);
        }
        let part = &bytes[..count];
        match harm {
            Some(Harm::ResetAnswer(most) | Harm::CutAnswer(most) | Harm::Stall(most)) if passed + count > most => {
                if write(to, &part[..most.saturating_sub(passed)]).await.is_err() {
                    return false;
                }
                shared.count();
                if matches!(harm, Some(Harm::Stall(_))) {
                    std::future::pending::<()>().await;
                }
                return matches!(harm, Some(Harm::ResetAnswer(_)));
            }
            Some(Harm::Trickle(gap)) => {
                shared.count();
                for byte in part {
                    if write(to, &[*byte]).await.is_err() {
                        return false;
                    }
                    tokio::time::sleep(gap).await;
                }
            }
            Some(Harm::Delay(late)) => {
                shared.count();
                tokio::time::sleep(late).await;
                if write(to, part).await.is_err() {
                    return false;
                }
            }
            _ => {
                if write(to, part).await.is_err() {
                    return false;
                }
            }
        }
        passed += count;
    }
}

async fn write(to: &OwnedWriteHalf, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => (),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
