//! One request and its answer over the socket. Never follows a redirect, uses a proxy or sends anything twice.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::Unreachable;
use crate::control::http::{CLIENT_HEADER, Plain};
use crate::control::protocol::Refusal;
use crate::error::chain;
use crate::operator::escape::short;

/// How long any answer may take. A decision waits for a last look at the provider.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a daemon that is there takes to be connected to.
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than the daemon keeps idle connections, so that none ends under a request.
const IDLE: Duration = Duration::from_secs(30);
/// HTTP wants an address; which one does not matter on a socket.
const BASE: &str = "http://holdpoint/v1";

/// A way to the daemon.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    socket: PathBuf,
    http: Client,
    base: Url,
    client: Option<HeaderValue>,
}

impl Wire {
    /// Makes sure that somebody listens.
    pub(super) async fn to(socket: &Path) -> Result<Self, Unreachable> {
        // What the system says of a plain connection is clearer than what is left of it under an HTTP client.
        let tried = tokio::time::timeout(CONNECT, UnixStream::connect(socket)).await;
        match tried {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(closed(socket, &error)),
            Err(_) => return Err(nobody(socket, "it does not take connections; is it stopped, or busy?")),
        }
        let broken = |error: String| nobody(socket, &format!("this client cannot be set up: {error}"));
        // Err means that a provider is installed already, which is as good.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .user_agent(concat!("holdpoint/", env!("CARGO_PKG_VERSION")))
            .unix_socket(socket)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tls_certs_only([])
            .pool_idle_timeout(IDLE)
            .connect_timeout(CONNECT);
        let http = http.build().map_err(|error| broken(error.to_string()))?;
        let base = Url::parse(BASE).map_err(|error| broken(error.to_string()))?;
        Ok(Self { socket: socket.to_owned(), http, base, client: None })
    }

    /// From here on, requests name the client's event stream.
    pub(super) fn speak_for(&mut self, token: &str) -> Result<(), Unreachable> {
        let token = HeaderValue::from_str(token).map_err(|_| self.nobody("its first word has no client token"))?;
        self.client = Some(token);
        Ok(())
    }

    pub(super) fn nobody(&self, why: &str) -> Unreachable {
        nobody(&self.socket, why)
    }

    /// The answer to a request for the event stream, which has no end.
    pub(super) async fn events(&self) -> Result<Response, Unreachable> {
        let answer = tokio::time::timeout(PATIENCE, self.request(Method::GET, &["events"]).send()).await;
        let answer = answer.map_err(|_| self.nobody("it took the connection and says nothing; is it stopped?"))?;
        let answer = answer.map_err(|error| self.nobody(&describe(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let socket = self.socket.clone();
        let why = match refusal(answer).await {
            Refusal::Unreachable { why } => why,
            refusal => short(&refusal.to_string()),
        };
        if status.as_u16() == 403 { Err(Unreachable::NotPermitted { socket, why }) } else { Err(self.nobody(&why)) }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Refusal> {
        let answer = accepted(self.request(Method::GET, path).timeout(PATIENCE).send().await.map_err(unasked)?).await?;
        answer.json().await.map_err(unasked)
    }

    pub(super) async fn bytes(&self, path: &[&str]) -> Result<Vec<u8>, Refusal> {
        let answer = accepted(self.request(Method::GET, path).timeout(PATIENCE).send().await.map_err(unasked)?).await?;
        Ok(answer.bytes().await.map_err(unasked)?.to_vec())
    }

    /// For what changes nothing at the provider: a lost answer is as good as an unasked question.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T, Refusal> {
        let request = self.request(Method::POST, path).json(body).timeout(PATIENCE);
        accepted(request.send().await.map_err(unasked)?).await?.json().await.map_err(unasked)
    }

    /// For what does something: a lost answer means that nobody here knows.
    pub(super) async fn act<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T, Refusal> {
        let request = self.request(Method::POST, path).json(body).timeout(PATIENCE);
        accepted(request.send().await.map_err(lost)?).await?.json().await.map_err(lost)
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Result<(), Refusal> {
        let request = self.request(Method::DELETE, path).timeout(PATIENCE);
        accepted(request.send().await.map_err(lost)?).await.map(drop)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        let mut headers = HeaderMap::new();
        if let Some(client) = &self.client {
            headers.insert(CLIENT_HEADER, client.clone());
        }
        self.http.request(method, url).headers(headers)
    }
}

async fn accepted(answer: Response) -> Result<Response, Refusal> {
    if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
}

/// What an answer that is no success says. What is no refusal of the desk was refused before it got there.
async fn refusal(answer: Response) -> Refusal {
    let status = answer.status();
    let Ok(body) = answer.bytes().await else {
        return Refusal::Unreachable { why: format!("it answered {status} and broke off") };
    };
    if let Ok(refusal) = serde_json::from_slice(&body) {
        return refusal;
    }
    let said = serde_json::from_slice::<Plain>(&body).map(|plain| short(&plain.message));
    Refusal::Unreachable { why: said.unwrap_or_else(|_| format!("it answered {status}, in words not understood")) }
}

fn unasked(error: reqwest::Error) -> Refusal {
    Refusal::Unreachable { why: describe(&error) }
}

fn lost(error: reqwest::Error) -> Refusal {
    let why = describe(&error);
    if error.is_connect() || error.is_builder() {
        return Refusal::Unreachable { why };
    }
    Refusal::Unknown { why: format!("the daemon's answer was lost ({why})") }
}

/// The error's causes in one line, without itself: it names the address. Not escaped.
fn describe(error: &reqwest::Error) -> String {
    error.source().map_or_else(|| "the request failed".to_owned(), |cause| chain(cause).join(": "))
}

fn nobody(socket: &Path, why: &str) -> Unreachable {
    Unreachable::Nobody { socket: socket.to_owned(), why: why.to_owned() }
}

fn closed(socket: &Path, error: &std::io::Error) -> Unreachable {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => nobody(socket, "there is no socket; start the daemon with `holdpoint run`"),
        ErrorKind::ConnectionRefused => {
            nobody(socket, "nobody listens there any more; start the daemon with `holdpoint run`")
        }
        ErrorKind::PermissionDenied => Unreachable::NotPermitted {
            socket: socket.to_owned(),
            why: "the socket is closed to this user; it takes the group that `[control] group` names".to_owned(),
        },
        _ => nobody(socket, &error.to_string()),
    }
}
