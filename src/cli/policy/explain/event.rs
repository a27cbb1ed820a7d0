//! An event as a user writes it, read as the daemon would read it.

use std::io::Read as _;

use serde_json::{Map, Value};

use super::Question;
use crate::api::{Event, SessionId, agi};
use crate::error::{Exit, Failure};
use crate::operator::escape::short;
use crate::policy::{Context, SessionInfo};

/// The largest event that is read, in bytes.
const LARGEST: u64 = 16 << 20;
/// The longest text of an event, in bytes, as a daemon is configured where nothing is said.
const TEXT_MAX: usize = 1 << 20;

/// Reads one event or a list of them.
pub(super) fn question(argument: &str) -> Result<Question, Failure> {
    let text = if argument == "-" { read_input()? } else { argument.to_owned() };
    let value: Value = serde_json::from_str(&text).map_err(|error| unread(&format!("this is not JSON: {error}")))?;
    let list = match value {
        Value::Array(list) => list,
        other => vec![other],
    };
    let mut objects = Vec::new();
    for one in list {
        let Value::Object(object) = one else { return Err(unread("an event is a JSON object")) };
        objects.push(object);
    }
    let named = |key| objects.iter().rev().find_map(|object| Some(object.get(key)?.as_str()?.to_owned()));
    let id = named("session").map_or_else(|| SessionId::try_from("event"), SessionId::try_from);
    let id = id.map_err(|error| unread(&format!("`session`: {error}")))?;
    let session = SessionInfo { id, agent: named("agent"), goal: named("goal") };
    let events: Vec<Event> = objects.into_iter().map(event).collect();
    let Some(last) = events.len().checked_sub(1) else { return Err(unread("the list of events is empty")) };
    Ok(Question { session, context: Context::default(), events, before: last })
}

fn event(mut object: Map<String, Value>) -> Event {
    for key in ["session", "agent", "goal"] {
        object.remove(key);
    }
    let kind = ["kind", "type", "event"].iter().find_map(|key| object.remove(*key));
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or("thought").to_owned();
    let truncated = object.remove("truncated").and_then(|cut| cut.as_bool()).unwrap_or_default();
    let decoded = agi::decode_event(&kind, &Value::Object(object).to_string(), TEXT_MAX);
    Event { truncated: truncated || decoded.truncated, ..decoded }
}

fn read_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LARGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Exit::Error, format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

fn unread(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("--event cannot be read: {}", short(why)))
        .hint(r#"write it as '{"kind": "thought", "text": "Clicking Place order"}', in single quotes"#)
}
