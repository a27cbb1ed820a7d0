//! The transport under a provider's client: connections, authentication, time-outs, and answers turned into
//! classes.
//!
//! Calls that act and reads have connections of their own (`pool`), and so has every event stream (`live`), over HTTP/1.1, so
//! that neither a hundred streams nor a slow read can take a pause's connection. Never follows a redirect (it would carry the key
//! elsewhere), never uses a proxy from the environment, never keeps cookies, and never sends a request twice: each is written once,
//! to a connection that is not known to be closed. If that fails, so does the call.

mod base;
pub(crate) mod class;
mod dial;
mod framing;
mod head;
pub(crate) mod live;
mod pool;

use std::convert::Infallible;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

pub use base::{BadBaseUrl, BaseUrl};

use dial::Dialer;
use head::Requests;
use live::Live;
use pool::Pool;

use super::{ApiError, ErrorClass};
use crate::operator::escape::short;

/// So many idle connections are kept: of calls that act, after many at once, and of reads.
const IDLE_ACTS: usize = 8;
const IDLE_READS: usize = 64;

/// Who asks.
const WHO: &str = concat!("holdpoint/", env!("CARGO_PKG_VERSION"));

/// Bound on the body of an answer that is not a 2xx, in bytes; the rest is not read.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Keys shorter than this are not looked for in answers: a word of the protocol could be one. Real ones are longer.
const QUOTABLE: usize = 12;

/// Connections that are silent for so long are probed by the kernel, again and again until they are given up.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The time between two such probes.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// All connections, with the base address and the key.
pub(crate) struct Transport {
    base: BaseUrl,
    acts: Pool,
    reads: Pool,
    dialer: Dialer,
    /// What every request of a stream says.
    streams: Requests,
    key: SecretString,
}

impl std::fmt::Debug for Transport {
    /// Without the key, and without the headers that carry it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A request before it has a host: what errors and logs name.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Method.
    pub(crate) method: Method,
    /// Path with query, from `/v1` on. Holds only characters that need no escape.
    pub(crate) path: String,
    /// JSON body.
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    /// A call without a body.
    pub(crate) fn new(method: Method, path: String) -> Self {
        Self { method, path, body: None }
    }

    /// The failure of this call.
    pub(crate) fn failed(&self, class: ErrorClass) -> ApiError {
        ApiError { call: self.name(), class }
    }

    /// What errors call it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// Why the transport could not be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The key is empty or has characters that no HTTP header can carry.
    #[error("the API key is empty or not plain text; check the file or variable it comes from")]
    Key,
    /// TLS could not be set up, e.g. because the system has no root certificates.
    #[error("cannot set up HTTPS: {0}")]
    Tls(String),
}

impl Transport {
    /// Opens no connection.
    ///
    /// # Errors
    ///
    /// When the key cannot stand in a header, or TLS cannot be set up.
    pub(crate) fn new(base: BaseUrl, key: &SecretString, connect_timeout: Duration) -> Result<Self, TransportError> {
        // Err means that a provider is installed already, which is as good.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let headers = headers(key)?;
        let tls = base.is_https().then(tls).transpose()?;
        let dialer = Dialer::new(tls, connect_timeout);
        let says = |accept| {
            let mut headers = headers.clone();
            headers.insert(USER_AGENT, HeaderValue::from_static(WHO));
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            headers
        };
        let pool = |most| Pool::new(dialer.clone(), base.url().clone(), &says("*/*"), most);
        let (acts, reads) = (pool(IDLE_ACTS), pool(IDLE_READS));
        let streams = Requests::new(base.url(), &says("text/event-stream"));
        Ok(Self { base, acts, reads, dialer, streams, key: key.expose_secret().trim().into() })
    }

    /// Acts: sends one request and reads the whole answer, at most `limit` bytes of it, all within `within`.
    pub(crate) async fn act(&self, call: &Call, within: Duration, limit: usize) -> Result<Answer, ErrorClass> {
        self.acts.act(call, limit, within).await.map(|answer| self.without_key(answer))
    }

    /// The same over a connection of those that act which has carried nothing for long, for a call that does not matter.
    pub(crate) async fn refresh(&self, call: &Call, within: Duration, limit: usize) -> Result<Answer, ErrorClass> {
        self.acts.refresh(call, limit, within).await.map(|answer| self.without_key(answer))
    }

    /// Opens connections for those that act ahead, each within `within`, whenever few are idle. Ends never.
    pub(crate) async fn stay_ahead(&self, within: Duration) -> Infallible {
        self.acts.stay_ahead(within).await
    }

    /// Reads: sends one request and reads the whole answer, at most `limit` bytes of it, all within `within`.
    pub(crate) async fn read(&self, call: &Call, within: Duration, limit: usize) -> Result<Answer, ErrorClass> {
        self.reads.exchange(call, limit, within).await.map(|answer| self.without_key(answer))
    }

    /// Opens an event stream: a `GET` on a connection of its own, whose answer's head has to come within `within`.
    pub(crate) async fn open(&self, call: &Call, within: Duration) -> Result<Live, ErrorClass> {
        let opening = async {
            let wire = self.dialer.dial(self.base.url(), within).await?;
            live::send(wire, &self.streams.of(call)).await?.answer().await
        };
        timeout(within, opening).await.unwrap_or_else(|_| Err(too_late(within)))
    }

    /// Reads a whole answer that is no stream, at most `limit` bytes of it, within `within`.
    pub(crate) async fn read_live(&self, live: Live, limit: usize, within: Duration) -> Answer {
        let (answer, _wire) = live.whole(limit, within).await;
        self.without_key(answer)
    }

    /// A key that the server, or a gateway before it, quotes is taken out: what an answer says ends up in logs, on cards and
    /// in the store.
    fn without_key(&self, mut answer: Answer) -> Answer {
        let key = self.key.expose_secret();
        if key.len() >= QUOTABLE && answer.body.contains(key) {
            answer.body = answer.body.replace(key, "[API key]");
        }
        answer
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body as text; invalid UTF-8 is replaced.
    pub(crate) body: String,
    /// Why the body is not whole, if it is not.
    pub(crate) broken: Option<String>,
}

fn too_late(within: Duration) -> ErrorClass {
    ErrorClass::Unknown { detail: format!("no answer within {} ms", within.as_millis()) }
}

fn headers(key: &SecretString) -> Result<HeaderMap, TransportError> {
    let key = key.expose_secret().trim();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| TransportError::Key)?;
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(TransportError::Key);
    }
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
}

/// One configuration for all connections, so that they also resume each other's TLS sessions. Certificates are judged by the
/// system's roots.
fn tls() -> Result<ClientConfig, TransportError> {
    let config = ClientConfig::with_platform_verifier();
    let mut config = config.map_err(|error| TransportError::Tls(short(&error.to_string())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
