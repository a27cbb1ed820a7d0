//! Reads a request's body before anything answers it, needed or not.
//!
//! An answer to half a request costs the connection: what is left of the body would be taken for the next request, so the
//! server has to close it, and a client that has begun its next request there sees it lost, which for a decision means that
//! nobody knows. And what was asked by half a request was not asked: a body that is too large, breaks off or does not come is
//! answered here, for every operation, and nothing is done.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::answer::Problem;
use super::extract::malformed;
use super::word::Word;

/// The largest body that is read, in bytes. The longest text an operator may type is 10 000 characters, each of which may come
/// as an escaped pair of 12 bytes.
pub(super) const LARGEST_BODY: usize = 256 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Goes on with requests that are whole. The limit of a body is the one that the router sets around this.
pub(super) async fn whole(request: Request, next: Next) -> Response {
    match read(request, PATIENCE).await {
        Ok(request) => next.run(request).await,
        Err(problem) => closing(problem.into_response()),
    }
}

async fn read(request: Request, patience: Duration) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    if announced(&head.headers).is_some_and(|length| length > LARGEST_BODY as u64) {
        return Err(malformed(Word::TooLarge, &format!("a body has at most {LARGEST_BODY} bytes")));
    }
    let reading = bytes(head.clone(), body);
    let bytes = tokio::time::timeout(patience, reading).await.unwrap_or_else(|_| {
        Err(malformed(Word::BadBody, &format!("the body did not arrive within {} s", patience.as_secs())))
    })?;
    Ok(Request::from_parts(head, Body::from(bytes)))
}

async fn bytes(head: Parts, body: Body) -> Result<Bytes, Problem> {
    Bytes::from_request(Request::from_parts(head, body), &()).await.map_err(|error| {
        let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
        malformed(if too_large { Word::TooLarge } else { Word::BadBody }, &error.body_text())
    })
}

/// A length that is no number never gets as far as this.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn closing(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let late = read(Request::new(body), Duration::from_millis(5)).await.expect_err("nothing comes");
        assert_eq!((late.word(), late.message().as_str()), (Word::BadBody, "the body did not arrive within 0 s"));
    }
}
