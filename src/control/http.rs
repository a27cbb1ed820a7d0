//! The local API: the desk's requests and updates as HTTP/1.1 and JSON over a Unix socket.
//!
//! Who asks is what the kernel says of the process at the other end, never what a request says. Every answer is JSON, the
//! refused ones too, except the event stream, pictures and metrics. Decides nothing itself: the desk and the gate check
//! everything again. Never listens on a network.

mod access;
mod answer;
mod document;
mod door;
mod events;
mod extract;
mod operations;
mod people;
mod routes;
mod seats;
#[cfg(test)]
mod tests;
mod whole;
mod word;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use access::{Access, Principal};
pub(super) use answer::Plain;
pub use document::text as openapi;
pub(super) use events::Farewell;

use super::protocol::Refusal;
use super::service::DeskService;
use door::{Door, Peer};
use people::People;
use seats::Seats;

/// The header that names a client's event stream.
pub(super) const CLIENT_HEADER: &str = "holdpoint-client";

/// How long a stop waits for answers that are on their way.
const DRAIN: Duration = Duration::from_secs(2);

/// A wish that the configuration be read again; the answer says what changed.
pub type Reload = oneshot::Sender<Result<String, Refusal>>;

/// What the server works with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What it serves.
    pub desk: DeskService,
    /// Who may do what, besides root and this process's own user, who may do everything.
    pub access: Access,
    /// What is served beside it to everybody who can connect: metrics and health.
    pub beside: axum::Router,
    /// Where wishes to read the configuration again go, when somebody takes them.
    pub reload: Option<mpsc::Sender<Reload>>,
}

/// What every request is answered from.
#[derive(Debug)]
struct Api {
    desk: DeskService,
    people: People,
    seats: Seats,
    reload: Option<mpsc::Sender<Reload>>,
    stop: CancellationToken,
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    api: Arc<Api>,
    task: JoinHandle<()>,
    /// Cancelled when it serves nobody any more.
    over: CancellationToken,
}

impl Server {
    /// Serves `parts` to whoever connects to `listener`, on the current runtime.
    #[must_use]
    pub fn start(listener: UnixListener, parts: Parts) -> Self {
        let Parts { desk, access, beside, reload } = parts;
        let stop = CancellationToken::new();
        let api = Arc::new(Api { desk, people: People::new(access), seats: Seats::default(), reload, stop });
        let service = routes::router(api.clone(), beside).into_make_service_with_connect_info::<Peer>();
        let stopped = api.stop.clone().cancelled_owned();
        let (over, broken) = (CancellationToken::new(), CancellationToken::new());
        let (ends, door) = (over.clone().drop_guard(), Door::new(listener, broken.clone()));
        let task = tokio::spawn(async move {
            let _over = ends;
            let served = async { axum::serve(door, service).with_graceful_shutdown(stopped).await };
            if let Some(Err(error)) = broken.run_until_cancelled(served).await {
                tracing::error!("the local API ended: {error}");
            }
        });
        Self { api, task, over }
    }

    /// Waits until it serves nobody any more: it was stopped, or it failed.
    pub async fn ended(&self) {
        self.over.cancelled().await;
    }

    /// Lets other people in, or fewer. Streams of people who may no longer look end within seconds.
    pub fn allow(&self, access: Access) {
        self.api.people.allow(access);
    }

    /// Ends every stream, lets answers that are on their way go out for two seconds at most, and closes the socket.
    pub async fn stop(mut self) {
        self.api.stop.cancel();
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
