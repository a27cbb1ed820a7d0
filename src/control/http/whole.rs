//! Reads a request's body before anything answers it, needed or not.
//!
//! An answer to half a request costs the connection: what is left of the body would be taken for the next request, so the
//! server has to close it, and a client that has begun its next request there sees it lost, which for a decision means that
//! nobody knows. A body that is too large is not read; its answer says that the connection ends with it.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The largest body that is read, in bytes. The longest text an operator may type is 10 000 characters, each of which may come
/// as an escaped pair of 12 bytes.
pub(super) const LARGEST_BODY: usize = 256 * 1024;

pub(super) async fn whole(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    if announced(&head.headers).is_some_and(|length| length > LARGEST_BODY) {
        return closing(next.run(Request::from_parts(head, body)).await);
    }
    match to_bytes(body, LARGEST_BODY).await {
        Ok(bytes) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        // Too large, or broken off, and then nobody is left to tell. Whoever needs a body gets one that is too large, too.
        Err(_) => closing(next.run(Request::from_parts(head, Body::from(vec![0; LARGEST_BODY + 1]))).await),
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn closing(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
