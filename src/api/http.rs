//! The transport under a provider's client: three connection pools, authentication, time-outs, and answers turned into
//! classes.
//!
//! Control calls, reads and event streams have a pool each, over HTTP/1.1, so that neither a hundred streams nor a slow read
//! can take a pause's connection. Never follows a redirect (it would carry the key elsewhere), never uses a proxy from the
//! environment, never keeps cookies, and never sends a request twice:
//!
//! - reqwest's own retries are off (`reqwest::retry::never`; its default would repeat requests that the protocol says were
//!   not processed).
//! - hyper-util below it repeats a request only if the pooled connection turned out to be closed before the request was taken
//!   from the queue, that is, before any byte of it was written (`retry_canceled_requests`, "requests that get disrupted
//!   before ever starting to write"; hyper hands such a request back unsent). A request that was written, even in part,
//!   fails with an error and is not repeated.

mod base;
pub(crate) mod class;

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Request, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

pub use base::{BadBaseUrl, BaseUrl};

use super::{ApiError, ErrorClass};
use crate::operator::escape::short;

/// Bound on the body of an answer that is not a 2xx, in bytes; the rest is not read.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Keys shorter than this are not looked for in answers: a word of the protocol could be one. Real ones are longer.
const QUOTABLE: usize = 12;

/// The three pools, each with the base address and the key.
#[derive(Debug)]
pub(crate) struct Transport {
    base: BaseUrl,
    control: Client,
    reads: Client,
    streams: Client,
    key: SecretString,
}

/// Which connections a call uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    /// Calls that act; kept warm.
    Control,
    /// Calls that read and end.
    Reads,
    /// Event streams; no time-out once the answer has begun.
    Streams,
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
        let path = self.path.split('?').next().unwrap_or_default();
        ApiError { call: format!("{} {path}", self.method), class }
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
    /// Builds the three pools. Opens no connection.
    ///
    /// # Errors
    ///
    /// When the key cannot stand in a header, or TLS cannot be set up.
    pub(crate) fn new(base: BaseUrl, key: &SecretString, connect_timeout: Duration) -> Result<Self, TransportError> {
        // Err means that a provider is installed already, which is as good.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let headers = headers(key)?;
        let client = || shared(&base, headers.clone(), connect_timeout);
        // Idle control connections are kept as long as the server lets them; the others may go.
        let keep = Duration::from_secs(3600);
        let control = build(client().pool_idle_timeout(keep).pool_max_idle_per_host(8))?;
        let reads = build(client().pool_idle_timeout(Duration::from_secs(60)))?;
        let streams = build(client().pool_max_idle_per_host(0))?;
        Ok(Self { base, control, reads, streams, key: key.expose_secret().trim().into() })
    }

    /// Sends one request and reads the whole answer, at most `limit` bytes of it, all within `within`.
    pub(crate) async fn exchange(
        &self,
        pool: Pool,
        call: &Call,
        within: Duration,
        limit: usize,
    ) -> Result<Answer, ErrorClass> {
        let work = async { Ok(self.read(self.send(pool, call).await?, limit).await) };
        timeout(within, work).await.unwrap_or_else(|_| Err(too_late(within)))
    }

    /// Sends one request and returns the answer's head, which has to come within `within`.
    pub(crate) async fn open(&self, pool: Pool, call: &Call, within: Duration) -> Result<Response, ErrorClass> {
        timeout(within, self.send(pool, call)).await.unwrap_or_else(|_| Err(too_late(within)))
    }

    /// Reads an answer's body up to the bound: `limit` bytes of a 2xx, 64 KiB of anything else. A key that the server, or a
    /// gateway before it, quotes is taken out: what an answer says ends up in logs, on cards and in the store.
    pub(crate) async fn read(&self, response: Response, limit: usize) -> Answer {
        let mut answer = read(response, limit).await;
        let key = self.key.expose_secret();
        if key.len() >= QUOTABLE && answer.body.contains(key) {
            answer.body = answer.body.replace(key, "[API key]");
        }
        answer
    }

    async fn send(&self, pool: Pool, call: &Call) -> Result<Response, ErrorClass> {
        let client = match pool {
            Pool::Control => &self.control,
            Pool::Reads => &self.reads,
            Pool::Streams => &self.streams,
        };
        let mut request = Request::new(call.method.clone(), self.base.at(&call.path));
        if call.method != Method::GET {
            let length = call.body.as_ref().map_or(0, Vec::len);
            request.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
        }
        if let Some(body) = &call.body {
            request.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.clone().into());
        }
        if pool == Pool::Streams {
            request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        }
        client.execute(request).await.map_err(|error| class::of_send(&error))
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

async fn read(mut response: Response, limit: usize) -> Answer {
    let status = response.status();
    let limit = if status.is_success() { limit } else { MAX_ERROR_BODY };
    let mut body = Vec::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                body.extend_from_slice(&chunk[..limit - body.len()]);
                break Some(format!("the answer is longer than {limit} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break None,
            Err(error) => break Some(format!("the answer broke off: {}", class::describe(&error))),
        }
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: status.as_u16(), headers: response.headers().clone(), body, broken }
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

fn shared(base: &BaseUrl, headers: HeaderMap, connect_timeout: Duration) -> ClientBuilder {
    let client = Client::builder()
        .user_agent(concat!("holdpoint/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .tcp_keepalive_interval(Duration::from_secs(5));
    // Plain HTTP needs no root certificates, and a system without any should still run the demo.
    if base.is_https() { client } else { client.tls_certs_only([]) }
}

fn build(client: ClientBuilder) -> Result<Client, TransportError> {
    client.build().map_err(|error| TransportError::Tls(short(&class::describe(&error))))
}
