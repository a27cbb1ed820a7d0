//! Answers: results as JSON, and every refusal as JSON with the status that fits it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};

use super::people::Stranger;
use super::word::Word;
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
    Malformed { word: Word, message: String },
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

impl Problem {
    /// Which refusal it is.
    pub(super) fn word(&self) -> Word {
        match self {
            Self::Refused(refusal) => Word::of(refusal),
            Self::Stranger(_) => Word::Stranger,
            Self::UnknownClient => Word::UnknownClient,
            Self::NoClient => Word::NoClient,
            Self::Malformed { word, .. } => *word,
        }
    }

    /// What is wrong and what to do, in a sentence.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Stranger(Stranger { name }) => {
                format!("{name} has no role here: the [control] section of the daemon's configuration gives them")
            }
            Self::UnknownClient => {
                "no open event stream of yours has this client token: open /v1/events first and keep it open".to_owned()
            }
            Self::NoClient => {
                "this takes the header Holdpoint-Client with the token of your open /v1/events stream".to_owned()
            }
            Self::Malformed { message, .. } => message.clone(),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.message();
        match self {
            Self::Refused(refusal) => Detailed { refusal, message }.serialize(serializer),
            Self::Stranger(_) | Self::UnknownClient | Self::NoClient | Self::Malformed { .. } => {
                Plain { refusal: self.word().name().to_owned(), message }.serialize(serializer)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.word().status(), Json(self)).into_response()
    }
}
