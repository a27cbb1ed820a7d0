//! Reading a call: method, path, query and body into what is asked. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::Endpoint;
use super::wire::Answer;

/// The longest message, in characters (the vendor's documentation).
const MESSAGE_MAX: usize = 10_000;
/// The longest URL, in characters (the vendor's documentation).
const URL_MAX: usize = 2_000;

/// A call as the shell hands it in.
#[derive(Clone, Debug)]
pub struct RawCall {
    /// HTTP method.
    pub method: String,
    /// The path, `/v1/…`.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// Path and query as sent.
    pub target: String,
    /// The body as text; what is not UTF-8 is replaced.
    pub body: String,
    /// Whether the API key was right.
    pub authorized: bool,
    /// When the head was read.
    pub received: crate::clock::Moment,
    /// The id that a session gets if the call creates one.
    pub fresh_id: String,
}

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which call.
    pub endpoint: Endpoint,
    /// Of which session.
    pub session: Option<String>,
}

/// The body of a create call, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Create {
    /// `agent_name`
    pub agent_name: Option<String>,
    /// `goal`
    pub goal: Option<String>,
    /// `agent_session_type`
    pub kind: Option<String>,
}

/// What an event stream is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamQuery {
    /// `include_history`, default true.
    pub history: bool,
    /// `after_id` (undocumented; the C# SDK sends it), default 0.
    pub after: u64,
    /// `sanitize`, default true.
    pub sanitize: bool,
    /// `event_types`; `None`: all.
    pub names: Option<Vec<String>>,
}

/// Finds out which call it is.
///
/// # Errors
/// The answer to a path or method that does not exist.
pub fn target(method: &str, path: &str) -> Result<Target, Answer> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (endpoint, session) = match (method, parts.as_slice()) {
        ("GET", ["v1", "models"]) => (Endpoint::Models, None),
        ("POST", ["v1", "sessions"]) => (Endpoint::Create, None),
        ("GET", ["v1", "sessions"]) => (Endpoint::List, None),
        ("DELETE", ["v1", "sessions"]) => (Endpoint::DeleteAll, None),
        ("GET", ["v1", "sessions", id]) => (Endpoint::Session, Some(*id)),
        ("DELETE", ["v1", "sessions", id]) => (Endpoint::Delete, Some(*id)),
        (method, ["v1", "sessions", id, verb]) => (of_session(method, verb)?, Some(*id)),
        _ => return Err(Answer::detail(404, "Not Found")),
    };
    Ok(Target { endpoint, session: session.map(str::to_owned) })
}

/// Reads the body of a create call. Unknown keys are let pass, as the vendor does.
///
/// # Errors
/// The 422 that the body deserves.
pub fn create(body: &str) -> Result<Create, Answer> {
    let body = if body.trim().is_empty() { "{}" } else { body };
    let body = object(body)?;
    if let Some(url) = text(&body, "webhook_url")? {
        check_url(&url).map_err(|why| Answer::invalid("webhook_url", why))?;
    }
    let steps = body.get("max_steps").filter(|steps| !steps.is_null());
    if steps.is_some_and(|steps| steps.as_u64().is_none_or(|steps| steps == 0)) {
        return Err(Answer::invalid("max_steps", "Input should be a positive integer"));
    }
    Ok(Create {
        agent_name: text(&body, "agent_name")?,
        goal: text(&body, "goal")?,
        kind: text(&body, "agent_session_type")?,
    })
}

/// Reads a message and its `start_url`.
///
/// # Errors
/// The 422 that the body deserves.
pub fn message(body: &str) -> Result<(String, Option<String>), Answer> {
    let body = object(body)?;
    let Some(message) = text(&body, "message")? else {
        return Err(Answer::invalid("message", "Field required"));
    };
    let length = message.chars().count();
    if length == 0 || length > MESSAGE_MAX {
        return Err(Answer::invalid("message", "String should have 1 to 10000 characters"));
    }
    let start_url = text(&body, "start_url")?;
    if let Some(url) = &start_url {
        check_url(url).map_err(|why| Answer::invalid("start_url", why))?;
    }
    Ok((message, start_url))
}

/// Reads where to navigate.
///
/// # Errors
/// The 400 or 422 that the body deserves.
pub fn navigate(body: &str) -> Result<String, Answer> {
    let body = object(body)?;
    let Some(url) = text(&body, "url")? else { return Err(Answer::invalid("url", "Field required")) };
    check_url(&url).map_err(|why| Answer::detail(400, why))?;
    Ok(url)
}

/// Reads the query of an event stream.
///
/// # Errors
/// The 422 that the query deserves.
pub fn stream(query: &BTreeMap<String, String>) -> Result<StreamQuery, Answer> {
    let names = query.get("event_types").map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
    Ok(StreamQuery {
        history: flag(query, "include_history", true)?,
        after: after(query)?,
        sanitize: flag(query, "sanitize", true)?,
        names,
    })
}

/// Reads `after_id` and `sanitize` of a messages call.
///
/// # Errors
/// The 422 that the query deserves.
pub fn messages(query: &BTreeMap<String, String>) -> Result<(u64, bool), Answer> {
    Ok((after(query)?, flag(query, "sanitize", true)?))
}

/// Checks the query of a delete call.
///
/// # Errors
/// The 422 that the query deserves.
pub fn delete(query: &BTreeMap<String, String>) -> Result<(), Answer> {
    let mode = query.get("save_snapshot_mode").map_or("none", String::as_str);
    if !["none", "memory", "filesystem"].contains(&mode) {
        return Err(Answer::invalid("save_snapshot_mode", "Input should be 'none', 'memory' or 'filesystem'"));
    }
    if flag(query, "save_as_default", false)? && mode == "none" {
        return Err(Answer::invalid("save_as_default", "needs a save_snapshot_mode"));
    }
    Ok(())
}

fn of_session(method: &str, verb: &str) -> Result<Endpoint, Answer> {
    let (wanted, endpoint) = match verb {
        "message" => ("POST", Endpoint::Message),
        "status" => ("GET", Endpoint::Status),
        "messages" => ("GET", Endpoint::Messages),
        "events" => ("GET", Endpoint::Events),
        "pause" => ("POST", Endpoint::Pause),
        "resume" => ("POST", Endpoint::Resume),
        "cancel" => ("POST", Endpoint::Cancel),
        "navigate" => ("POST", Endpoint::Navigate),
        "screenshot" => ("GET", Endpoint::Screenshot),
        _ => return Err(Answer::detail(404, "Not Found")),
    };
    if method == wanted { Ok(endpoint) } else { Err(Answer::detail(405, "Method Not Allowed")) }
}

fn object(body: &str) -> Result<serde_json::Map<String, Value>, Answer> {
    match serde_json::from_str(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Answer::invalid("body", "Input should be an object")),
        Err(_) => Err(Answer::invalid("body", "JSON decode error")),
    }
}

fn text(body: &serde_json::Map<String, Value>, key: &str) -> Result<Option<String>, Answer> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Answer::invalid(key, "Input should be a valid string")),
    }
}

fn check_url(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > URL_MAX {
        return Err("URL is longer than 2000 characters");
    }
    match url::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => Ok(()),
        Ok(_) | Err(_) => Err("Invalid URL: must be http or https"),
    }
}

fn after(query: &BTreeMap<String, String>) -> Result<u64, Answer> {
    let Some(text) = query.get("after_id") else { return Ok(0) };
    text.parse().map_err(|_| Answer::invalid("after_id", "Input should be a valid integer"))
}

fn flag(query: &BTreeMap<String, String>, key: &str, default: bool) -> Result<bool, Answer> {
    match query.get(key).map(|text| text.to_ascii_lowercase()).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some("false" | "0" | "no" | "off") => Ok(false),
        Some(_) => Err(Answer::invalid(key, "Input should be a valid boolean")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_call_and_its_session() {
        let found = |method, path| target(method, path).map(|t| (t.endpoint, t.session)).map_err(|a| a.status);
        assert_eq!(found("POST", "/v1/sessions"), Ok((Endpoint::Create, None)));
        assert_eq!(found("POST", "/v1/sessions/a/pause"), Ok((Endpoint::Pause, Some("a".to_owned()))));
        assert_eq!(found("GET", "/v1/sessions/a/pause"), Err(405));
        assert_eq!(found("GET", "/sessions"), Err(404));
        assert_eq!(found("POST", "/v1/sessions/a/messages"), Err(405));
    }

    #[test]
    fn a_message_has_one_to_ten_thousand_characters() {
        let of = |length: usize| message(&serde_json::json!({ "message": "ä".repeat(length) }).to_string());
        assert_eq!(of(0).map_err(|answer| answer.status), Err(422));
        assert_eq!(of(10_000), Ok(("ä".repeat(10_000), None)));
        assert_eq!(of(10_001).map_err(|answer| answer.status), Err(422));
        assert_eq!(message("{}").map_err(|answer| answer.status), Err(422));
        assert_eq!(message("no json").map_err(|answer| answer.status), Err(422));
    }

    #[test]
    fn only_http_addresses_can_be_navigated_to() {
        assert_eq!(navigate(r#"{"url":"ftp://x"}"#).map_err(|answer| answer.status), Err(400));
        assert_eq!(navigate(r#"{"url":"https://x/"}"#), Ok("https://x/".to_owned()));
    }
}
