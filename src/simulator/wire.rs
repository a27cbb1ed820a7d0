//! How answers, errors and messages look on the wire. Pure.
//!
//! Shapes are the vendor's documentation's; where that is silent, what the official Python SDK's types accept.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::fault::{BodyShape, ErrorAnswer, RetryAfter};
use super::record::Emitted;

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

impl Answer {
    /// An answer of JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string(), retry_after: None }
    }

    /// Status 200 with JSON.
    #[must_use]
    pub fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// Status 200 with `{"success": true, "message": …}`.
    #[must_use]
    pub fn success(message: &str) -> Self {
        Self::ok(&json!({ "success": true, "message": message }))
    }

    /// An error in the vendor's way.
    #[must_use]
    pub fn detail(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({ "detail": detail }))
    }

    /// Status 422 in the way of FastAPI.
    #[must_use]
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::json(422, &validation(field, message))
    }

    /// The error that a fault asks for.
    #[must_use]
    pub fn fault(error: &ErrorAnswer) -> Self {
        let text = error.text.clone().unwrap_or_else(|| usual_words(error.status).to_owned());
        let retry_after = error.retry_after.as_ref().map(|after| match after {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Text(text) => text.clone(),
        });
        let body = match error.body {
            BodyShape::Detail => json!({ "detail": text }).to_string(),
            BodyShape::Validation => validation("body", &text).to_string(),
            BodyShape::Message => json!({ "message": text }).to_string(),
            BodyShape::Error => json!({ "error": text, "code": error.status }).to_string(),
            BodyShape::ErrorObject => json!({ "error": { "message": text } }).to_string(),
            BodyShape::Html => html(error.status, &text),
            BodyShape::Empty => String::new(),
            BodyShape::Plain => text,
        };
        let content_type = match error.body {
            BodyShape::Html => "text/html",
            BodyShape::Empty | BodyShape::Plain => "text/plain",
            BodyShape::Detail | BodyShape::Validation | BodyShape::Message | BodyShape::Error => "application/json",
            BodyShape::ErrorObject => "application/json",
        };
        Self { status: error.status, content_type, body, retry_after }
    }
}

/// A message as `/messages` lists it.
#[must_use]
pub fn message(event: &Emitted) -> Option<Value> {
    let message_type = event.message_type.as_ref()?;
    let mut message = Map::from_iter([
        ("id".to_owned(), event.id.into()),
        ("type".to_owned(), message_type.as_str().into()),
        ("content".to_owned(), event.content.clone()),
        ("timestamp".to_owned(), iso(event.at).into()),
    ]);
    if let Some(metadata) = &event.metadata {
        message.insert("metadata".to_owned(), Value::Object(metadata.clone()));
    }
    Some(Value::Object(message))
}

/// A time as the vendor writes it: ISO 8601, UTC, milliseconds.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn validation(field: &str, message: &str) -> Value {
    json!({ "detail": [{ "loc": ["body", field], "msg": message, "type": "value_error" }] })
}

fn usual_words(status: u16) -> &'static str {
    match status {
        401 => "Invalid API key",
        403 => "Forbidden",
        404 => "Session not found",
        429 => "Rate limit exceeded: too many requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

fn html(status: u16, text: &str) -> String {
    format!(
        "<html>\r\n<head><title>{status} {text}</title></head>\r\n<body>\r\n<center><h1>{status} {text}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}
