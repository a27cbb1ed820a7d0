//! Messages and stream frames, read into [`Event`]s.
//!
//! The vendor documents the payload of few kinds; the rest is opaque. So nothing is required, and nothing that a rule
//! could want to see is dropped: what cannot be read becomes an event of an unknown kind that carries its raw text.

use jiff::Timestamp;

use super::json::{Fields, elements, leaves, leaves_of, number, string};
use crate::api::model::{Event, EventKind, MessageId, StreamItem};
use crate::api::stream::RawEvent;

/// Where a payload's text stands, in the order of the vendor's own consumers (`content || message || text`), then errors.
const TEXT: [&str; 4] = ["content", "message", "text", "error"];

/// Members that name or date the event and are not part of what the agent says or does.
const BOOKKEEPING: [&str; 10] =
    ["id", "message_id", "session_id", "type", "event", "role", "timestamp", "created_at", "status_code", "metadata"];

/// Members that tell the page.
const PAGE: [&str; 2] = ["url", "current_url"];

/// Members whose objects, or elements that are objects, say what an act is about: a page they name is one that it asks for.
const ASKED_FOR: [&str; 6] = ["content", "args", "arguments", "parameters", "input", "action"];

/// Reads one frame of the event stream. `max` bounds the event's text, in bytes.
pub fn from_frame(frame: &RawEvent, max: usize) -> StreamItem {
    let name = frame.name.as_deref().unwrap_or_default().trim();
    if name.eq_ignore_ascii_case("heartbeat") {
        return StreamItem::Heartbeat;
    }
    let frame_id = frame.id.as_deref().and_then(|id| id.trim().parse().ok()).and_then(real_id);
    let mut event = from_data(name, &frame.data, max);
    event.id = frame_id.or(event.id);
    event.truncated |= frame.truncated;
    StreamItem::Event(event)
}

/// Reads the data of a frame that is no heartbeat. `max` bounds the event's text, in bytes.
pub(super) fn from_data(name: &str, data: &str, max: usize) -> Event {
    match Fields::read(data) {
        Some(fields) => from_fields(name, &fields, max),
        None => opaque(name, data, max),
    }
}

/// Reads one element of the message list. `max` bounds the event's text, in bytes.
pub fn from_message(json: &str, max: usize) -> Event {
    match Fields::read(json) {
        Some(fields) => from_fields("", &fields, max),
        None => opaque("unreadable", json, max),
    }
}

/// Whether a frame at the end of a broken stream is whole all the same.
pub(super) fn is_whole(frame: &RawEvent) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(&frame.data).is_ok()
}

fn from_fields(name: &str, fields: &Fields<'_>, max: usize) -> Event {
    let kind = match name {
        "" => EventKind::from_wire(fields.text(&["type", "event"]).as_deref().unwrap_or("message")),
        name => EventKind::from_wire(name),
    };
    let (text, truncated) = clip(text_of(&kind, fields), max);
    let url = page(fields, &PAGE).or_else(|| leads_elsewhere(&kind, fields).then(String::new));
    Event {
        id: ["message_id", "id"].iter().find_map(|key| real_id(number(fields.raw(&[key])?)?)),
        kind,
        text,
        at: fields.text(&["timestamp", "created_at"]).and_then(|at| timestamp(&at)),
        url,
        title: page(fields, &["title"]),
        truncated,
    }
}

/// A payload that is no object: a string's text, another value's strings, or the raw text itself.
fn opaque(name: &str, raw: &str, max: usize) -> Event {
    let kind = if name.is_empty() { "message" } else { name };
    let looks_like_json = raw.trim_start().starts_with(['{', '[', '"']);
    let found = if looks_like_json { leaves(raw) } else { Vec::new() };
    let text = if found.is_empty() { raw.to_owned() } else { found.join("\n") };
    let (text, truncated) = clip(text, max);
    Event { id: None, kind: EventKind::from_wire(kind), text, at: None, url: None, title: None, truncated }
}

/// The event's text. Where the vendor does not document the payload, or the agent may have put its action beside its
/// words, all other strings, and the numbers that are amounts, follow the text itself, so that no rule is blind to them.
fn text_of(kind: &EventKind, fields: &Fields<'_>) -> String {
    let primary = TEXT.iter().find_map(|key| Some((*key, value_text(fields.raw(&[key])?)?)));
    let Some((key, text)) = primary else {
        return everything(fields, None).join("\n");
    };
    match kind {
        EventKind::Step | EventKind::Thought | EventKind::Question | EventKind::Unknown(_) => {
            let mut text = text;
            for more in everything(fields, Some(key)) {
                text.push('\n');
                text.push_str(&more);
            }
            text
        }
        EventKind::Done
        | EventKind::Error
        | EventKind::Log
        | EventKind::User
        | EventKind::Paused
        | EventKind::Resumed => text,
    }
}

fn everything(fields: &Fields<'_>, but: Option<&str>) -> Vec<String> {
    leaves_of(fields, |name| !BOOKKEEPING.contains(&name) && Some(name) != but)
}

/// Zero is "before all" to a cursor, so an event that claims it has no id; otherwise it would never be news.
fn real_id(id: u64) -> Option<MessageId> {
    (id > 0).then_some(MessageId(id))
}

fn value_text(raw: &str) -> Option<String> {
    let text = string(raw).unwrap_or_else(|| leaves(raw).join("\n"));
    (!text.trim().is_empty()).then_some(text)
}

/// What the event itself says of the page, in its own members or in its metadata: never what its content or the arguments
/// of an act say, which anybody may have chosen.
fn page(fields: &Fields<'_>, names: &[&str]) -> Option<String> {
    fields.text(names).or_else(|| fields.object("metadata")?.text(names))
}

/// Whether an event of the agent names a page in what it is about, so that it is not known where the session is then.
fn leads_elsewhere(kind: &EventKind, fields: &Fields<'_>) -> bool {
    let names = |json: &str| Fields::read(json).is_some_and(|inner| inner.text(&PAGE).is_some());
    let any = |json: &str| names(json) || elements(json).is_some_and(|parts| parts.iter().any(|one| names(one.get())));
    kind.is_agent_emitted() && ASKED_FOR.iter().any(|holder| fields.raw(&[holder]).is_some_and(any))
}

/// Reads RFC 3339; a time without an offset is taken as UTC.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let civil = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse().ok()?).ok();
    text.parse().ok().or_else(civil)
}

fn clip(mut text: String, max: usize) -> (String, bool) {
    if text.len() <= max {
        return (text, false);
    }
    text.truncate(text.floor_char_boundary(max));
    (text, true)
}

#[cfg(test)]
mod tests;
