//! What handlers take from a request: who asks, for which stream, what the path names and what the body says. Each fails
//! with JSON, never with the framework's plain text.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::answer::Problem;
use super::door::Peer;
use super::word::Word;
use super::{Api, CLIENT_HEADER};
use crate::control::protocol::{Person, Refusal, Role, strict};
use crate::control::service::Requests;
use crate::operator::escape::short;

/// Who asks.
pub(super) struct Caller {
    pub(super) person: Person,
    client: Option<String>,
}

impl Caller {
    /// Refuses those whose role does not reach.
    pub(super) fn needs(&self, role: Role) -> Result<(), Refusal> {
        self.person.may(role)
    }

    /// The requests of the stream that the request names.
    pub(super) fn seat(&self, api: &Api) -> Result<Requests, Problem> {
        let token = self.client.as_deref().ok_or(Problem::NoClient)?;
        api.seats.requests(token, self.person.uid).ok_or(Problem::UnknownClient)
    }

    /// The requests of the stream that the request names, or of nobody's stream when it names none: one request alone can
    /// do what needs no card on a screen.
    pub(super) async fn seat_or_visit(&self, api: &Api) -> Result<Requests, Problem> {
        if self.client.is_some() {
            return self.seat(api);
        }
        api.desk.visit(self.person.clone()).await.ok_or(Problem::Refused(Refusal::Stopping))
    }
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Ok(ConnectInfo(Peer { uid })) = ConnectInfo::<Peer>::from_request_parts(parts, api).await else {
            return Err(Problem::Refused(Refusal::Stopping));
        };
        let person = api.people.person(uid).await?;
        // A header that is no text is no token of ours.
        let client = parts.headers.get(CLIENT_HEADER).map(|token| token.to_str().unwrap_or_default().to_owned());
        Ok(Self { person, client })
    }
}

/// The one name in the path.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Arc<Api>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, api).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(malformed(Word::BadPath, &error.body_text())),
        }
    }
}

/// A JSON body of at most 256 KiB.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let is_json = is_json(&request);
        let bytes = body(request, api).await?;
        if !is_json {
            let what = "the body has to be JSON, and say so: Content-Type: application/json";
            return Err(malformed(Word::NotJson, what));
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body, or none.
pub(super) struct SentOrNot<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<Api>> for SentOrNot<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let is_json = is_json(&request);
        let bytes = body(request, api).await?;
        match (bytes.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse(&bytes).map(Self),
            (false, false) => {
                let what = "a body has to be JSON, and say so: Content-Type: application/json";
                Err(malformed(Word::NotJson, what))
            }
        }
    }
}

async fn body(request: Request, api: &Arc<Api>) -> Result<Bytes, Problem> {
    Bytes::from_request(request, api).await.map_err(|error| {
        let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
        malformed(if too_large { Word::TooLarge } else { Word::BadBody }, &error.body_text())
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = strict::object(&mut json).and_then(|read| json.end().map(|()| read));
    read.map_err(|error| malformed(Word::BadJson, &error.to_string()))
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

pub(super) fn malformed(word: Word, message: &str) -> Problem {
    Problem::Malformed { word, message: short(message) }
}
