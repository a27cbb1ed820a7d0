//! The shared client of providers: one trait for what the gate needs, and the model its answers are read into.
//!
//! Tolerant on reading (open statuses, unknown events, opaque payloads), strict on acting. A second provider is one more
//! file beside [`agi`]. Nothing here decides anything; nothing here retries a call that releases.

pub mod agi;
pub mod backoff;
pub mod http;
pub mod model;
pub mod paced;
pub mod stream;

use std::pin::Pin;

use async_trait::async_trait;
use futures_util::Stream;

pub use model::{
    Event, EventKind, MessageId, Messages, Screenshot, Session, SessionId, Status, StatusClass, StreamItem,
};

/// A provider's session API, as far as the daemon needs it.
///
/// Control calls ([`pause`](Provider::pause), [`resume`](Provider::resume), [`cancel`](Provider::cancel),
/// [`message`](Provider::message), [`delete`](Provider::delete)) use connections of their own that no stream and no read can
/// exhaust. Each method makes exactly one attempt unless its documentation says otherwise; the caller owns repetition,
/// because only the caller knows whether repeating releases.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What this provider can do.
    fn capabilities(&self) -> Capabilities;

    /// Tells `turns` from now on of requests that the caller of a method does not see: repetitions, hedges, connections kept
    /// warm. Each method's first request is the caller's to count, and so are rate limits: they are answered and not waited
    /// out here any more.
    fn count_with(&self, _turns: &paced::turns::Turns) {}

    /// Tells that an event stream ended or broke before it was given up: only who reads it knows that.
    fn stream_broke(&self) {}

    /// All sessions of the account. Retries transient failures a few times.
    async fn list(&self) -> Result<Vec<Session>, ApiError>;

    /// One session's lifecycle state. Retries transient failures a few times.
    async fn session(&self, id: &SessionId) -> Result<Session, ApiError>;

    /// The execution status of a session. Retries transient failures a few times.
    async fn status(&self, id: &SessionId) -> Result<Status, ApiError>;

    /// Messages with an id strictly greater than `after`, in id order, with the execution status. Retries transient
    /// failures a few times.
    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError>;

    /// Opens the session's event stream, history included. One attempt; the stream ends when the server closes it.
    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError>;

    /// Asks for a soft pause. Hedged: a second attempt starts when the first is slow. Repeating is safe.
    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError>;

    /// Releases a paused session. Exactly one request; never retried here.
    async fn resume(&self, id: &SessionId) -> Result<(), ApiError>;

    /// Ends the session's task. One request; repeating is safe.
    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError>;

    /// Deletes the session. One request; repeating is safe. The answer "no such session" is success.
    async fn delete(&self, id: &SessionId) -> Result<(), ApiError>;

    /// Sends a message of 1 to 10 000 characters. Exactly one request; never retried here.
    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError>;

    /// The page as the agent sees it. One attempt.
    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError>;
}

/// An open event stream. Items arrive as the server sends them; an `Err` is the last item.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StreamItem, ApiError>> + Send>>;

/// What a provider can do, so that nothing has to name vendors. With one provider nothing depends on it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// A pause lets the step in flight finish, so it can be late.
    pub soft_pause: bool,
    /// A running step can be interrupted.
    pub hard_interrupt: bool,
    /// The provider itself waits for an approval that names the action.
    pub native_approval: bool,
}

/// How the provider took a pause that it did not refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseAnswer {
    /// A request of ours was accepted.
    Accepted,
    /// The session was paused already, and no request of this call can have been the cause.
    AlreadyPaused,
    /// The session was paused already, and a request of this call whose answer is missing may have been the cause.
    InDoubt,
}

/// Why a call to a provider failed. Displays are escaped and never carry the API key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {class}")]
pub struct ApiError {
    /// The call that failed, as method and path, e.g. `POST /v1/sessions/…/pause`.
    pub call: String,
    /// What kind of failure it was; decides what may be done next.
    pub class: ErrorClass,
}

/// Classes of failure, each with one right reaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorClass {
    /// 401 or 403: stop and alarm.
    #[error("the provider refused the API key ({status}): {detail}")]
    Auth {
        /// HTTP status.
        status: u16,
        /// First line of the answer, escaped.
        detail: String,
    },
    /// 404: the session does not exist, is not ours, or is gone.
    #[error("no such session ({detail})")]
    NotFound {
        /// First line of the answer, escaped.
        detail: String,
    },
    /// The answer says `already_paused`, whatever its HTTP status.
    #[error("the session is paused already")]
    AlreadyPaused,
    /// The answer says `not_paused`, whatever its HTTP status.
    #[error("the session is not paused")]
    NotPaused,
    /// 429.
    #[error("rate limited; retry after {}", retry_after.map_or_else(|| "an unstated time".to_owned(), |d| format!("{} s", d.as_secs())))]
    RateLimited {
        /// The `Retry-After` header, when there was one.
        retry_after: Option<std::time::Duration>,
    },
    /// Any other definite refusal: 4xx, or a 2xx body that says `success: false`. The call had no effect.
    #[error("refused ({status}): {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// First line of the answer, escaped.
        detail: String,
    },
    /// 5xx, time-out, reset, or a body that cannot be read: the call may or may not have had its effect.
    #[error("result unknown: {detail}")]
    Unknown {
        /// What happened, escaped.
        detail: String,
    },
    /// The request never left: no connection could be made. The call had no effect.
    #[error("cannot reach the provider: {detail}")]
    Unreachable {
        /// What happened, escaped.
        detail: String,
    },
}
