//! The thin shell around the world: HTTP/1.1 on loopback.
//!
//! It stamps a call when its head is read, hands it to the world, and does with the connection what the world decides.

mod fleet;
mod line;
mod list;
mod stream_body;
mod truth;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::actor::{Link, Stopped};
use super::lag::Lag;
use super::request::RawCall;
use super::wire::Answer;
use super::world::{Decided, Outcome, StreamId};
use crate::clock::Moment;
pub(super) use line::{Line, Lines};

/// The largest body of a call.
const BODY_MAX: usize = 1 << 20;

/// What every handler has.
#[derive(Clone)]
pub(super) struct Shell {
    pub(super) link: Link,
    pub(super) api_key: Arc<SecretString>,
    pub(super) heartbeat: Duration,
    pub(super) lag: Arc<Lag>,
    pub(super) stop: CancellationToken,
}

/// All routes.
pub(super) fn router(shell: Shell) -> Router {
    Router::new()
        .route("/v1", any(call))
        .route("/v1/{*rest}", any(call))
        .nest("/_sim", truth::router())
        .fallback(nothing_here)
        .with_state(shell)
}

async fn nothing_here() -> Response {
    Answer::detail(404, "Not Found").into_response()
}

async fn call(State(shell): State<Shell>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let received = shell.link.now();
    let stop = shell.stop.clone();
    tokio::select! {
        biased;
        response = handle(shell, line, request, received) => response,
        () = stop.cancelled() => Answer::detail(503, "Shutting down").into_response(),
    }
}

async fn handle(shell: Shell, line: Line, request: Request, received: Moment) -> Response {
    let raw = match read(&shell, request, received).await {
        Ok(raw) => Arc::new(raw),
        Err(answer) => return answer.into_response(),
    };
    let stopped = |Stopped| Answer::detail(503, "Shutting down").into_response();
    answer(&shell, line, raw).await.unwrap_or_else(stopped)
}

async fn answer(shell: &Shell, line: Line, raw: Arc<RawCall>) -> Result<Response, Stopped> {
    let (hold, decided, frames) = decide(shell, raw).await?;
    let held_back = async {
        // A timer of zero still waits for its next tick.
        if !hold.is_zero() {
            tokio::time::sleep(hold).await;
        }
    };
    match decided {
        Decided::List => {
            let list = list::response(&shell.link).await?;
            held_back.await;
            Ok(list)
        }
        Decided::Answer(answer) => {
            held_back.await;
            Ok(answer.into_response())
        }
        Decided::Stream(open) => {
            held_back.await;
            Ok(stream_body::response(shell, line, open, frames))
        }
        Decided::Hang => std::future::pending().await,
        Decided::Reset => {
            held_back.await;
            Ok(line.reset())
        }
    }
}

type Frames = tokio::sync::mpsc::UnboundedReceiver<super::world::Frame>;

/// Gives also how long the answer is held back.
async fn decide(shell: &Shell, raw: Arc<RawCall>) -> Result<(Duration, Decided, Frames), Stopped> {
    let first = Arc::clone(&raw);
    let mut step = shell.link.open(move |world, now| world.call(now, &first), opened).await?;
    loop {
        match step {
            (Outcome::Wait(delay, ticket), _) => {
                tokio::time::sleep(delay).await;
                let raw = Arc::clone(&raw);
                step = shell.link.open(move |world, now| world.resume_call(now, &raw, ticket), opened).await?;
            }
            (Outcome::Decided(hold, decided), frames) => return Ok((hold, decided, frames)),
        }
    }
}

fn opened(outcome: &Outcome) -> Option<StreamId> {
    match outcome {
        Outcome::Decided(_, Decided::Stream(open)) => Some(open.id),
        Outcome::Decided(_, Decided::Answer(_) | Decided::List | Decided::Hang | Decided::Reset)
        | Outcome::Wait(..) => None,
    }
}

async fn read(shell: &Shell, request: Request, received: Moment) -> Result<RawCall, Answer> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await.map_err(|_| Answer::detail(413, "Body too large"))?;
    let query = head.uri.query().unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let query: BTreeMap<String, String> = pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    Ok(RawCall {
        method: head.method.to_string(),
        path: head.uri.path().trim_end_matches('/').to_owned(),
        query,
        target: head.uri.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
        authorized: is_authorized(&head.headers, &shell.api_key),
        received,
        fresh_id: super::fresh_id(),
    })
}

fn is_authorized(headers: &HeaderMap, key: &SecretString) -> bool {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    header.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|sent| sent == key.expose_secret())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status).header(header::CONTENT_TYPE, self.content_type);
        if let Some(after) = self.retry_after {
            response = response.header(header::RETRY_AFTER, after);
        }
        // Only a fault that was written with an impossible status or header gets the plain 500.
        response.body(Body::from(self.body)).unwrap_or_else(|_| {
            (axum::http::StatusCode::INTERNAL_SERVER_ERROR, "impossible answer scripted").into_response()
        })
    }
}
