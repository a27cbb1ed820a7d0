//! Answers: results as JSON, and every refusal as JSON with the status that fits it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::people::Stranger;
use crate::control::protocol::Refusal;

/// A request that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The daemon says no.
    Refused(Refusal),
    /// Whoever asks has no role.
    Stranger(Stranger),
    /// The request names a client that is not this user's, or whose stream has ended.
    UnknownClient,
    /// The request does not name a client, and this one has to.
    NoClient,
    /// The request is none of this API.
    Malformed { status: StatusCode, refusal: &'static str, message: String },
}

/// A request that was not carried out, as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::control) struct Plain {
    /// Which kind.
    pub(in crate::control) refusal: String,
    /// What is wrong and what to do, in a sentence.
    pub(in crate::control) message: String,
}

#[derive(Serialize)]
struct Detailed<'a> {
    #[serde(flatten)]
    refusal: &'a Refusal,
    message: String,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Stranger> for Problem {
    fn from(stranger: Stranger) -> Self {
        Self::Stranger(stranger)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => {
                let message = refusal.to_string();
                (status(&refusal), Json(Detailed { refusal: &refusal, message })).into_response()
            }
            Self::Stranger(Stranger { name }) => plain(
                StatusCode::FORBIDDEN,
                "stranger",
                format!("{name} has no role here: the [control] section of the daemon's configuration gives them"),
            ),
            Self::UnknownClient => plain(
                StatusCode::FORBIDDEN,
                "unknown_client",
                "no open event stream of yours has this client token: open /v1/events first and keep it open"
                    .to_owned(),
            ),
            Self::NoClient => plain(
                StatusCode::BAD_REQUEST,
                "no_client",
                "this takes the header Holdpoint-Client with the token of your open /v1/events stream".to_owned(),
            ),
            Self::Malformed { status, refusal, message } => plain(status, refusal, message),
        }
    }
}

fn plain(status: StatusCode, refusal: &str, message: String) -> Response {
    (status, Json(Plain { refusal: refusal.to_owned(), message })).into_response()
}

/// The status of a refusal.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchApproval | Refusal::NoSuchSession => StatusCode::NOT_FOUND,
        Refusal::NotPermitted { .. } | Refusal::Excluded { .. } => StatusCode::FORBIDDEN,
        Refusal::NotPossible { .. } | Refusal::ReasonRequired => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Stopping | Refusal::StoreFailed { .. } | Refusal::Unreachable { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refusal::Stale { .. }
        | Refusal::NotPresented
        | Refusal::TooSoon { .. }
        | Refusal::NotConfirmed { .. }
        | Refusal::NotPausedYet
        | Refusal::Deciding { .. }
        | Refusal::AlreadyDecided { .. }
        | Refusal::Unverified { .. }
        | Refusal::Unknown { .. } => StatusCode::CONFLICT,
    }
}
