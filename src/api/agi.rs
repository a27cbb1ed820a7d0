//! AGI's Agent Sessions API as a [`Provider`].
//!
//! Facts about the wire are the vendor's documentation (docs.agi.tech) and its SDKs; where those disagree, the reading side
//! accepts all of them. Decides nothing, and repeats nothing that releases: [`resume`](Provider::resume) and
//! [`message`](Provider::message) are one HTTP request each (why the layers below keep that is told in [`super::http`]).

mod decode;
pub mod event;
mod json;
mod pause;
mod sse;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::backoff::{Backoff, Bounds};
use super::http::{BaseUrl, Call, Transport, TransportError, class};
use super::paced::turns::Turns;
use super::{
    ApiError, Capabilities, ErrorClass, Event, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot,
    Session, SessionId, Status,
};
use crate::operator::escape::short;
use crate::quiet;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How long keeping one connection warm takes at most: the other one gets cold meanwhile.
const WARM_MOST: Duration = Duration::from_secs(2);

/// Attempts of a read, the first included.
const READ_ATTEMPTS: u32 = 3;

/// Waits between the attempts of a read.
const READ_BACKOFF: Bounds = Bounds { first: Duration::from_millis(200), max: Duration::from_secs(2) };

/// A read waits no longer for `Retry-After`; a longer one is the caller's to honour.
const MAX_READ_WAIT: Duration = Duration::from_secs(5);

/// The vendor's bound on a message, in characters.
const MAX_MESSAGE: usize = 10_000;

/// A longer answer is read on a thread of its own, in bytes: a list of ten thousand sessions would keep a pause waiting.
const LARGE: usize = 256 * KIB;

/// How to reach the API, and how long to wait for it. The `Debug` form does not show the key.
#[derive(Clone, Debug)]
pub struct AgiConfig {
    /// Base URL, with or without `/v1`.
    pub base_url: BaseUrl,
    /// API key; sent as a bearer token.
    pub key: SecretString,
    /// Bound on making a connection, TLS included. Default 3 s.
    pub connect_timeout: Duration,
    /// Bound on one attempt of a read, and on the head of an event stream's answer. Default 20 s. What
    /// came in time is decoded however long that takes.
    pub read_timeout: Duration,
    /// Bound on resume, cancel, message and delete. Default 30 s, which the vendor recommends for every call.
    pub control_timeout: Duration,
    /// Bound on a whole pause, its hedge and repetition included. Default 5 s.
    pub pause_timeout: Duration,
    /// A pause without an answer after this time is sent again on another connection. Default 250 ms.
    pub hedge_after: Duration,
    /// Bound on one event's payload, in bytes; the rest is skipped and the event marked as cut. Default 256 KiB.
    pub max_event_bytes: usize,
}

impl AgiConfig {
    /// The documented defaults.
    #[must_use]
    pub fn new(base_url: BaseUrl, key: SecretString) -> Self {
        Self {
            base_url,
            key,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(20),
            control_timeout: Duration::from_secs(30),
            pause_timeout: Duration::from_secs(5),
            hedge_after: Duration::from_millis(250),
            max_event_bytes: 256 * KIB,
        }
    }
}

/// A client of the Agent Sessions API. Cheap to share; opens connections as they are needed.
#[derive(Clone, Debug)]
pub struct Agi {
    transport: Arc<Transport>,
    config: AgiConfig,
    /// How many sessions of the last list could not be read.
    skipped: Arc<AtomicUsize>,
    /// Where requests are counted that no caller sees.
    turns: Arc<OnceLock<Turns>>,
}

/// Why a client could not be built.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadAgiConfig(#[from] TransportError);

/// Reads an event's data as the client reads it from a stream, under the name of its frame, which is not a heartbeat's.
/// `max` bounds its text, in bytes.
#[must_use]
pub fn decode_event(name: &str, data: &str, max: usize) -> Event {
    event::from_data(name, data, max)
}

impl Agi {
    /// Builds the client. Opens no connection.
    ///
    /// # Errors
    ///
    /// When the key cannot stand in a header, or HTTPS cannot be set up.
    pub fn new(config: AgiConfig) -> Result<Self, BadAgiConfig> {
        if !config.base_url.is_https() && !config.base_url.is_loopback() {
            tracing::warn!(base_url = %config.base_url, "plain HTTP to another machine shows the API key to the network");
        }
        let transport = Transport::new(config.base_url.clone(), &config.key, config.connect_timeout)?;
        Ok(Self { transport: Arc::new(transport), config, skipped: Arc::default(), turns: Arc::default() })
    }

    /// Opens two control connections (one for a pause, one for its hedge) with a cheap read of the model list, or uses them
    /// that way one after the other, so that the other one is there for a pause. Any answer but a refused key will do.
    ///
    /// # Errors
    ///
    /// When the provider cannot be reached or refuses the key.
    pub async fn warm(&self) -> Result<(), ApiError> {
        let first = self.warm_one().await;
        first.and(self.warm_one().await)
    }

    /// Keeps control connections [`warm`](Agi::warm) until dropped: servers close idle ones after seconds (uvicorn 5 s,
    /// nginx 75 s). Failures are logged when they begin and end. While calls have them, more are opened for those that follow.
    pub async fn keep_warm(&self, every: Duration) {
        tokio::join!(self.refresh(every), self.transport.stay_ahead(self.config.connect_timeout));
    }

    async fn refresh(&self, every: Duration) {
        let mut failing = false;
        loop {
            let began = tokio::time::Instant::now();
            let warm = self.warm().await;
            match &warm {
                Err(error) if !failing => tracing::warn!(%error, "cannot keep control connections open"),
                Ok(()) if failing => tracing::info!("control connections are open again"),
                Ok(()) | Err(_) => {}
            }
            failing = warm.is_err();
            // Each is used again so long after it was begun to be used, however long that took.
            tokio::time::sleep_until(began + every).await;
        }
    }

    async fn warm_one(&self) -> Result<(), ApiError> {
        self.spend();
        let call = Call::new(Method::GET, "/v1/models".to_owned());
        let answer = self.transport.refresh(&call, self.config.read_timeout.min(WARM_MOST), MIB).await;
        let answer = answer.map_err(|class| call.failed(class))?;
        match class::of_read(&answer, Timestamp::now()) {
            Err(class @ ErrorClass::Auth { .. }) => Err(call.failed(class)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Reads with a few attempts; `decode` says what it could not find.
    async fn read<T: Send + 'static>(&self, path: String, limit: usize, decode: impl Decode<T>) -> Result<T, ApiError> {
        let call = Call::new(Method::GET, path);
        let mut backoff = Backoff::new(READ_BACKOFF);
        let mut attempt = 1;
        loop {
            let class = match self.read_once(&call, limit, decode.clone()).await {
                Ok(found) => return Ok(found),
                Err(class) => class,
            };
            let wait = self.wait_before_repeating(&class, backoff.next(fastrand::f64()));
            let Some(wait) = wait.filter(|_| attempt < READ_ATTEMPTS) else {
                return Err(call.failed(class));
            };
            tracing::debug!(call = %call.path, attempt, error = %class, "a read failed; trying again");
            tokio::time::sleep(wait).await;
            self.spend();
            attempt += 1;
        }
    }

    async fn read_once<T: Send + 'static>(
        &self,
        call: &Call,
        limit: usize,
        decode: impl Decode<T>,
    ) -> Result<T, ErrorClass> {
        let answer = self.transport.read(call, self.config.read_timeout, limit).await?;
        let (large, now) = (answer.body.len() > LARGE, Timestamp::now());
        let decoded = move || {
            let body = class::of_read(&answer, now)?;
            decode(body).map_err(|missing| class::unknown(&format!("the answer cannot be read: {missing}")))
        };
        if !large {
            return decoded();
        }
        apart(decoded).await.unwrap_or_else(|| Err(class::unknown("the answer was not read to its end")))
    }

    /// A request leaves that the caller does not see.
    fn spend(&self) {
        if let Some(turns) = self.turns.get() {
            turns.spend();
        }
    }

    fn wait_before_repeating(&self, class: &ErrorClass, backoff: Duration) -> Option<Duration> {
        match class {
            ErrorClass::Unknown { .. } | ErrorClass::Unreachable { .. } => Some(backoff),
            // Who gives turns has to know, and repeats it in its turn.
            ErrorClass::RateLimited { .. } if self.turns.get().is_some() => None,
            ErrorClass::RateLimited { retry_after: Some(wait) } => {
                (*wait <= MAX_READ_WAIT).then_some((*wait).max(backoff))
            }
            // Who is asked to slow down without a time does not ask again at once; the caller backs off.
            ErrorClass::RateLimited { retry_after: None }
            | ErrorClass::Auth { .. }
            | ErrorClass::NotFound { .. }
            | ErrorClass::AlreadyPaused
            | ErrorClass::NotPaused
            | ErrorClass::Refused { .. } => None,
        }
    }

    /// Acts with exactly one request.
    async fn act(&self, call: Call) -> Result<(), ApiError> {
        let answer = self.transport.act(&call, self.config.control_timeout, 64 * KIB).await;
        answer.and_then(|answer| class::of_action(&answer, Timestamp::now())).map_err(|class| call.failed(class))
    }
}

/// The result of what takes long, done [apart](quiet::apart); `None` where it panics, or there is no thread to be had.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let work = move || drop(done.send(work()));
    quiet::apart("large answer", work).ok()?;
    result.await.ok()
}

/// How an answer's body is read.
trait Decode<T>: Fn(&str) -> Result<T, String> + Clone + Send + 'static {}

impl<T, F: Fn(&str) -> Result<T, String> + Clone + Send + 'static> Decode<T> for F {}

fn post(id: &SessionId, verb: &str) -> Call {
    Call::new(Method::POST, ["/v1/sessions/", id.as_str(), "/", verb].concat())
}

#[async_trait]
impl Provider for Agi {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    fn count_with(&self, turns: &Turns) {
        // Who comes first stays: a client serves one daemon.
        let _ = self.turns.set(turns.clone());
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        let list = self.read("/v1/sessions".to_owned(), 64 * MIB, decode::sessions).await?;
        // Said when it changes, not at each listing.
        if self.skipped.swap(list.skipped, Ordering::Relaxed) != list.skipped && list.skipped > 0 {
            tracing::warn!(skipped = list.skipped, "sessions in the list cannot be read and are not watched");
        }
        Ok(list.sessions)
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        self.read(format!("/v1/sessions/{id}"), MIB, decode::session).await
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        self.read(format!("/v1/sessions/{id}/status"), 64 * KIB, decode::status).await
    }

    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        let path = format!("/v1/sessions/{id}/messages?after_id={after}");
        let most = self.config.max_event_bytes;
        self.read(path, 8 * MIB, move |body| decode::messages(body, most)).await
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        let call = Call::new(Method::GET, format!("/v1/sessions/{id}/events?include_history=true"));
        let within = self.config.read_timeout;
        let opened = match self.transport.open(&call, within).await {
            Ok(live) => sse::open(&self.transport, live, within).await,
            Err(class) => Err(class),
        };
        let body = opened.map_err(|class| call.failed(class))?;
        Ok(sse::items(body, call, self.config.max_event_bytes))
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        let call = post(id, "pause");
        let first = AtomicBool::new(true);
        let request = || {
            if !first.swap(false, Ordering::Relaxed) {
                self.spend();
            }
            let (transport, call, within) = (self.transport.clone(), call.clone(), self.config.pause_timeout);
            async move {
                let answer = transport.act(&call, within, 64 * KIB).await?;
                class::of_action(&answer, Timestamp::now())
            }
        };
        let answer = pause::hedged(self.config.hedge_after, self.config.pause_timeout, request).await;
        answer.map_err(|class| call.failed(class))
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act(post(id, "resume")).await
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act(post(id, "cancel")).await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        let call = Call::new(Method::DELETE, format!("/v1/sessions/{id}"));
        let answer = self.transport.act(&call, self.config.control_timeout, 64 * KIB).await;
        answer.and_then(|answer| class::of_deletion(&answer, Timestamp::now())).map_err(|class| call.failed(class))
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        let call = post(id, "message");
        let length = text.chars().count();
        if !(1..=MAX_MESSAGE).contains(&length) {
            let detail = short(&format!("not sent: a message has 1 to {MAX_MESSAGE} characters, this one {length}"));
            return Err(call.failed(ErrorClass::Refused { status: 422, detail }));
        }
        let body = serde_json::json!({ "message": text }).to_string().into_bytes();
        self.act(Call { body: Some(body), ..call }).await
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        let call = Call::new(Method::GET, format!("/v1/sessions/{id}/screenshot"));
        let read = self.read_once(&call, 16 * MIB, |body| Ok(decode::screenshot(body))).await;
        read.map_err(|class| call.failed(class))
    }
}
