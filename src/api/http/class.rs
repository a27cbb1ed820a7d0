//! What a failure means: pure functions from answers to [`ErrorClass`].
//!
//! Everything that reaches an error text is escaped here. Decides nothing about repeating.

use std::time::Duration;

use http::header::{HeaderMap, LOCATION, RETRY_AFTER};
use jiff::Timestamp;
use serde_json::Value;

use super::Answer;
use crate::api::ErrorClass;
use crate::operator::escape::short;

/// No `Retry-After` is taken to be longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Reads the answer to a call that acts: any 2xx is an acceptance, unless its body says otherwise or cannot be read.
///
/// The vendor's clients disagree about the body of an acceptance (`{success, message}` or `{status}`), so no field of it is
/// required.
pub(crate) fn of_action(answer: &Answer, now: Timestamp) -> Result<(), ErrorClass> {
    if !(200..300).contains(&answer.status) {
        return Err(of_failure(answer, now));
    }
    if let Some(broken) = &answer.broken {
        return Err(unknown(broken));
    }
    if answer.body.trim().is_empty() {
        return Ok(());
    }
    let Ok(body) = serde_json::from_str::<Value>(&answer.body) else {
        return Err(unknown(&format!("HTTP {} with {}", answer.status, first_line(&answer.body))));
    };
    let refused = body.get("success").unwrap_or(&body) == &Value::Bool(false);
    match told_state(&answer.body, refused) {
        Some(state) => Err(state),
        None if refused => Err(ErrorClass::Refused { status: answer.status, detail: detail(&answer.body) }),
        None => Ok(()),
    }
}

/// Reads the answer to a deletion: a session that is not there is as good as deleted.
pub(crate) fn of_deletion(answer: &Answer, now: Timestamp) -> Result<(), ErrorClass> {
    match of_action(answer, now) {
        Err(ErrorClass::NotFound { .. }) => Ok(()),
        Err(ErrorClass::Refused { status, .. }) if (200..300).contains(&status) && says_missing(&answer.body) => Ok(()),
        result => result,
    }
}

/// Reads the answer to a call that reads: the body of a 2xx.
pub(crate) fn of_read(answer: &Answer, now: Timestamp) -> Result<&str, ErrorClass> {
    if !(200..300).contains(&answer.status) {
        return Err(of_failure(answer, now));
    }
    match &answer.broken {
        Some(broken) => Err(unknown(broken)),
        None => Ok(&answer.body),
    }
}

/// Classes an answer that is not a 2xx.
pub(crate) fn of_failure(answer: &Answer, now: Timestamp) -> ErrorClass {
    let Answer { status, headers, body, .. } = answer;
    if matches!(status, 401 | 403) {
        return ErrorClass::Auth { status: *status, detail: detail(body) };
    }
    if let Some(state) = told_state(body, true) {
        return state;
    }
    match status {
        404 | 410 => ErrorClass::NotFound { detail: detail(body) },
        429 => ErrorClass::RateLimited { retry_after: retry_after(headers, now) },
        300..400 => ErrorClass::Refused { status: *status, detail: redirect(headers) },
        // The server gave up waiting for the request: it says nothing about what it did with it.
        408 => unknown(&format!("HTTP 408: {}", detail(body))),
        400..500 => ErrorClass::Refused { status: *status, detail: detail(body) },
        _ => unknown(&format!("HTTP {status}: {}", detail(body))),
    }
}

/// A result nobody knows; `detail` is escaped here.
pub(crate) fn unknown(detail: &str) -> ErrorClass {
    ErrorClass::Unknown { detail: short(detail) }
}

/// `already_paused` or `not_paused` anywhere in the body. In a refusal, a space or hyphen is as good as the underscore.
fn told_state(body: &str, refused: bool) -> Option<ErrorClass> {
    let mut body = body.to_ascii_lowercase();
    if refused {
        body = body.replace([' ', '-'], "_");
    }
    if body.contains("already_paused") {
        return Some(ErrorClass::AlreadyPaused);
    }
    body.contains("not_paused").then_some(ErrorClass::NotPaused)
}

fn says_missing(body: &str) -> bool {
    let deleted = serde_json::from_str::<Value>(body).ok().and_then(|body| body.get("deleted").cloned());
    let body = body.to_ascii_lowercase();
    deleted == Some(Value::Bool(false)) && (body.contains("not found") || body.contains("no such"))
}

fn redirect(headers: &HeaderMap) -> String {
    let to = headers.get(LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    short(&format!("a redirect to {}, which is not followed", to.as_deref().unwrap_or("nowhere")))
}

/// What the body says, in one escaped line: `detail`, `message`, `error` (text or object), FastAPI's list, or its first line.
fn detail(body: &str) -> String {
    let told = serde_json::from_str::<Value>(body).ok().and_then(|body| told(&body));
    told.map_or_else(|| first_line(body), |told| first_line(&told))
}

fn told(body: &Value) -> Option<String> {
    ["detail", "message", "error", "errors", "msg"].iter().find_map(|key| match body.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(complaint).collect::<Vec<_>>().join("; ")),
        inner @ Value::Object(_) => told(inner),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// One element of FastAPI's list of validation errors: `body.message: field required`.
fn complaint(one: &Value) -> Option<String> {
    let Some(message) = one.get("msg").and_then(Value::as_str) else {
        return one.as_str().map(str::to_owned).or_else(|| told(one));
    };
    let place = one.get("loc").and_then(Value::as_array).into_iter().flatten();
    let place: Vec<_> = place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    Some(if place.is_empty() { message.to_owned() } else { format!("{}: {message}", place.join(".")) })
}

fn first_line(text: &str) -> String {
    short(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("an empty answer"))
}

/// Reads `Retry-After` in seconds or as a date; bounded by an hour, a past date is zero.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
