//! A simulated AGI Agent Sessions API: real HTTP on loopback, scripted agents, scripted faults, and a ledger of what really
//! happened.
//!
//! For tests, the demo and measurements. It never listens beyond loopback, never talks to anybody else, and its API key
//! keeps nothing secret. The wire facts are those of the vendor's documentation and official SDKs; where they are silent,
//! a scenario can choose.
//!
//! # Theory of operation
//!
//! ```text
//! HTTP ──▶ server (stamps, reads) ──jobs──▶ actor (one task) ──▶ world ──▶ session (plays a scenario)
//!   ◀── answers, frames, resets ─────────────┘   wakes when the world is due; feeds streams; answers waiters
//! ```
//!
//! [`session`], [`world`], [`request`], [`wire`], [`stream`], [`fault`] and [`limit`] are pure: time comes in as an argument. One task
//! owns the world; nothing polls: it sleeps until the next thing is due or asked.
//!
//! # Use
//!
//! ```no_run
//! # async fn story() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use holdpoint::simulator::{Options, Simulator};
//!
//! let sim = Simulator::start(Options::default()).await?;
//! let session = sim.create("purchase").await?;          // its task runs
//! sim.until(Duration::from_secs(10), |world| !world.record().ledger.is_empty()).await?;
//! assert_eq!(sim.ledger().await?[0].session, session);
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod actor;
mod error;
pub mod fault;
pub mod lag;
pub mod limit;
pub mod picture;
pub mod record;
pub mod request;
pub mod scenario;
mod server;
pub mod session;
pub mod span;
pub mod stream;
pub mod traces;
pub mod wire;
pub mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use actor::Stopped;
pub use error::{ControlError, StartError, WaitError};
pub use fault::Fault;
pub use limit::Limit;
pub use record::{Call, Emitted, Order};
pub use scenario::{Act, Scenario, ScenarioError};
pub use span::Speed;
pub use world::{NewSession, SessionState, World};

/// How long a shutdown waits for connections to end.
const GRACE: Duration = Duration::from_secs(2);

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen: a loopback address; port 0 (the default) takes a free one.
    pub listen: SocketAddr,
    /// The API key; absent: a new random one.
    pub api_key: Option<SecretString>,
    /// Scenarios beside the built-in ones; they come first, and the very first is the default.
    pub scenarios: Vec<Scenario>,
    /// How much faster than written scripts run; faults and heartbeats are not changed.
    pub speed: Speed,
    /// Between two heartbeats of a stream; the vendor's are about 30 s apart.
    pub heartbeat: Duration,
    /// What a wrong API key is answered with: 401 or 403.
    pub auth_status: u16,
    /// What deleting an unknown session is answered with: 200 (`deleted: false`) or 404.
    pub delete_unknown: u16,
    /// How many requests are taken, of the API and not of the truth beside it; absent: all. Others are answered with 429 and a
    /// `Retry-After`, and take no effect.
    pub limit: Option<Limit>,
    /// Whether each event leaves at its moment and each call is read at once, which keeps a processor busy. Otherwise both may
    /// take a millisecond more.
    pub exact: bool,
    /// Seed of the gaps between message ids.
    pub seed: u64,
}

/// A running simulator. Dropping it stops it.
pub struct Simulator {
    link: actor::Link,
    address: SocketAddr,
    api_key: Arc<SecretString>,
    origin: Instant,
    stop: CancellationToken,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: None,
            scenarios: Vec::new(),
            speed: Speed::NORMAL,
            heartbeat: Duration::from_secs(30),
            auth_status: 401,
            delete_unknown: 200,
            limit: None,
            exact: false,
            seed: 0,
        }
    }
}

impl Simulator {
    /// Starts a simulator; it answers when this returns.
    ///
    /// # Errors
    /// When the address is not a loopback address or cannot be listened on.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(options.listen));
        }
        let world = World::new(world::Rules {
            speed: options.speed,
            auth_status: options.auth_status,
            delete_unknown: options.delete_unknown,
            limit: options.limit,
            seed: options.seed,
            scenarios: options.scenarios.into_iter().chain(scenario::builtin::all()?).map(Arc::new).collect(),
        });
        let failed = |source| StartError::Listen { address: options.listen, source };
        let listener = listen(options.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (origin, stop) = (Instant::now(), CancellationToken::new());
        let link = actor::Link::start(world, origin, options.exact, stop.clone());
        let api_key = Arc::new(options.api_key.unwrap_or_else(random_key));
        let shell = server::Shell {
            link: link.clone(),
            api_key: Arc::clone(&api_key),
            heartbeat: options.heartbeat.max(Duration::from_millis(1)),
            lag: Arc::default(),
            stop: stop.clone(),
        };
        let service = server::router(shell).into_make_service_with_connect_info::<server::Line>();
        let serve = axum::serve(server::Lines(listener), service);
        let serve = serve.with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = Some(tokio::spawn(serve.into_future()));
        Ok(Self { link, address, api_key, origin, stop, server })
    }

    /// The base URL, without `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API key that calls must bear.
    #[must_use]
    pub fn api_key(&self) -> &SecretString {
        &self.api_key
    }

    /// The zero of all nanoseconds in the record.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Makes a session of a scenario (a built-in name, one of [`Options::scenarios`], or a file) and starts its task with
    /// its goal as the first message, unless the scenario starts by itself.
    ///
    /// # Errors
    /// When there is no such scenario, or the simulator is stopped.
    pub async fn create(&self, scenario: &str) -> Result<String, ControlError> {
        let name = scenario.to_owned();
        let known = self.link.ask(move |world, _| world.scenario(&name)).await?;
        let scenario = match known {
            Some(scenario) => scenario,
            None => Arc::new(scenario::builtin::find(scenario)?),
        };
        Ok(self.create_of(scenario).await?)
    }

    /// Makes a session of `scenario`, as [`Simulator::create`] does.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn create_of(&self, scenario: Arc<Scenario>) -> Result<String, Stopped> {
        let waits = scenario.start == scenario::Start::OnStream;
        let text = scenario.goal.clone().unwrap_or_else(|| "Go ahead.".to_owned());
        let id = self.create_idle(NewSession { scenario: Some(scenario), ..NewSession::default() }).await?;
        if !waits {
            let session = id.clone();
            self.link.ask(move |world, now| world.message(now, &session, &text)).await?;
        }
        Ok(id)
    }

    /// Makes a session whose task has not started.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn create_idle(&self, new: NewSession) -> Result<String, Stopped> {
        let id = fresh_id();
        let session = id.clone();
        self.link.ask(move |world, now| world.create(now, &session, new)).await?;
        Ok(id)
    }

    /// Sends a session a message that is not recorded as a call.
    ///
    /// # Errors
    /// When there is no such session, or the simulator is stopped.
    pub async fn message(&self, session: &str, text: &str) -> Result<(), ControlError> {
        let (id, text) = (session.to_owned(), text.to_owned());
        let known = self.link.ask(move |world, now| world.message(now, &id, &text)).await?;
        if known { Ok(()) } else { Err(ControlError::NoSession(session.to_owned())) }
    }

    /// Does something to a session as somebody else would; it is not recorded as a call.
    ///
    /// # Errors
    /// When there is no such session, or the simulator is stopped.
    pub async fn act(&self, session: &str, act: Act) -> Result<(), ControlError> {
        let id = session.to_owned();
        let known = self.link.ask(move |world, now| world.act(now, &id, act)).await?;
        if known { Ok(()) } else { Err(ControlError::NoSession(session.to_owned())) }
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn fault(&self, fault: Fault) -> Result<(), Stopped> {
        self.link.ask(move |world, _| world.fault(fault)).await
    }

    /// Removes all faults.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn clear_faults(&self) -> Result<(), Stopped> {
        self.link.ask(|world, _| world.clear_faults()).await
    }

    /// From now on so many requests are taken; absent: all.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn limit(&self, limit: Option<Limit>) -> Result<(), Stopped> {
        self.link.ask(move |world, _| world.limit(limit)).await
    }

    /// What was really done, in order.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn ledger(&self) -> Result<Vec<Order>, Stopped> {
        self.look(|world| world.record().ledger.clone()).await
    }

    /// The calls received, in order.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn calls(&self) -> Result<Vec<Call>, Stopped> {
        self.look(|world| world.record().calls.clone()).await
    }

    /// The events written, in order.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn events(&self) -> Result<Vec<Arc<Emitted>>, Stopped> {
        self.look(|world| world.record().events.clone()).await
    }

    /// The true state of a session, deleted ones included.
    ///
    /// # Errors
    /// When there never was such a session, or the simulator is stopped.
    pub async fn session(&self, session: &str) -> Result<SessionState, ControlError> {
        let id = session.to_owned();
        let state = self.look(move |world| world.session(&id)).await?;
        state.ok_or_else(|| ControlError::NoSession(session.to_owned()))
    }

    /// The true states of all sessions, in order of creation, deleted ones included.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn sessions(&self) -> Result<Vec<SessionState>, Stopped> {
        self.look(World::sessions).await
    }

    /// Looks at the world.
    ///
    /// # Errors
    /// When the simulator is stopped.
    pub async fn look<T: Send + 'static>(&self, look: impl FnOnce(&World) -> T + Send + 'static) -> Result<T, Stopped> {
        self.link.ask(|world, _| look(world)).await
    }

    /// Waits until `met` says so of the world. It is asked now and after every change; nothing polls.
    ///
    /// # Errors
    /// When it is not met within `limit`, or the simulator is stopped.
    pub async fn until(
        &self,
        limit: Duration,
        met: impl FnMut(&World) -> bool + Send + 'static,
    ) -> Result<(), WaitError> {
        if let Ok(result) = tokio::time::timeout(limit, self.link.until(met)).await {
            return Ok(result?);
        }
        let look =
            |world: &World| (world.sessions(), world.record().calls.iter().rev().take(8).rev().cloned().collect());
        let (sessions, calls) = self.look(look).await?;
        Err(WaitError::TimedOut { limit, sessions, calls })
    }

    /// Stops: streams end, calls that wait or hang are answered with 503. Returns when the port is closed, after two
    /// seconds at the latest.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let Some(mut server) = self.server.take() else { return };
        if tokio::time::timeout(GRACE, &mut server).await.is_err() {
            server.abort();
        }
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Listens, with room for a fleet that connects at once.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// The id of a new session: a UUID, in order of creation.
fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A key that looks like the vendor's, a bare UUID. It keeps nothing secret.
fn random_key() -> SecretString {
    let bytes = std::array::from_fn(|_| fastrand::u8(..));
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into()
}
