//! Answers of the Agent Sessions API other than events: sessions, statuses, message lists, screenshots.
//!
//! Every function takes the body as text and says in a few words what it could not find. Nothing is required that the
//! daemon can do without.

use serde_json::value::RawValue;

use super::event;
use super::json::{Fields, elements, string};
use crate::api::model::{Event, MessageId, Messages, Screenshot, Session, SessionId, Status};
use crate::quiet::Pace;

/// A list of sessions, and how many of its elements could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SessionList {
    pub(super) sessions: Vec<Session>,
    pub(super) skipped: usize,
}

/// Reads a bare array, or one under `sessions`.
pub(super) fn sessions(body: &str) -> Result<SessionList, String> {
    let wrapped = || elements(Fields::read(body)?.raw(&["sessions"])?);
    let Some(list) = elements(body).or_else(wrapped) else {
        return Err(format!("no list of sessions in {body}"));
    };
    let sessions: Vec<_> = quietly(&list).filter_map(|one| session(one).ok()).collect();
    Ok(SessionList { skipped: list.len() - sessions.len(), sessions })
}

/// The text of one after the other, while [others](crate::quiet) have their turn in between.
fn quietly<'a>(list: &[&'a RawValue]) -> impl Iterator<Item = &'a str> {
    let mut pace = Pace::default();
    list.iter().map(|one| one.get()).inspect(move |text| pace.did(text.len()))
}

/// Reads one session; only its id is required.
pub(super) fn session(body: &str) -> Result<Session, String> {
    let unreadable = || format!("no session in {body}");
    let fields = Fields::read(body).ok_or_else(unreadable)?;
    let id = fields.text(&["session_id", "id"]).and_then(|id| SessionId::try_from(id).ok()).ok_or_else(unreadable)?;
    Ok(Session {
        id,
        agent: fields.text(&["agent_name", "agent"]),
        status: Status(fields.text(&["status"]).unwrap_or_default()),
        goal: fields.text(&["goal"]),
        created_at: fields.text(&["created_at"]).and_then(|at| event::timestamp(&at)),
    })
}

/// Reads `{"status": …}` or a bare string.
pub(super) fn status(body: &str) -> Result<Status, String> {
    let text = Fields::read(body).and_then(|fields| fields.text(&["status"])).or_else(|| string(body));
    text.map(Status).ok_or_else(|| format!("no status in {body}"))
}

/// Reads a message list; a status that is missing is an empty one. `max` bounds each event's text, in bytes.
pub(super) fn messages(body: &str, max: usize) -> Result<Messages, String> {
    let fields = Fields::read(body);
    let inner = fields.as_ref().and_then(|fields| fields.raw(&["messages"])).and_then(elements);
    let Some(list) = inner.or_else(|| elements(body)) else {
        return Err(format!("no list of messages in {body}"));
    };
    let events = in_id_order(quietly(&list).map(|one| event::from_message(one, max)).collect());
    let status = fields.and_then(|fields| fields.text(&["status"])).unwrap_or_default();
    Ok(Messages { events, status: Status(status) })
}

/// Sorts by id; an event without one stays behind its predecessor.
fn in_id_order(events: Vec<Event>) -> Vec<Event> {
    let mut last = MessageId::default();
    let mut keyed: Vec<_> = events
        .into_iter()
        .map(|event| {
            last = event.id.unwrap_or(last);
            (last, event)
        })
        .collect();
    keyed.sort_by_key(|(id, _)| *id);
    keyed.into_iter().map(|(_, event)| event).collect()
}

/// Reads a screenshot; a picture that cannot be decoded is empty, never an error.
pub(super) fn screenshot(body: &str) -> Screenshot {
    let fields = Fields::read(body).unwrap_or_default();
    let data = fields.text(&["screenshot", "image"]).unwrap_or_default();
    let (declared, encoded) = match data.trim().strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((header, encoded)) => (header.split(';').next(), encoded),
        None => (None, data.as_str()),
    };
    let image = lenient_base64(encoded);
    Screenshot {
        media_type: declared.filter(|media| is_image(media)).unwrap_or_else(|| sniff(&image)).to_owned(),
        image,
        url: fields.text(&["url", "current_url"]),
        title: fields.text(&["title"]),
    }
}

/// Decodes either alphabet; spaces, padding and a broken tail are skipped. Any other character makes the whole empty.
fn lenient_base64(text: &str) -> Vec<u8> {
    let mut image = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => continue,
            space if space.is_ascii_whitespace() => continue,
            _ => return Vec::new(),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            image.push((bits >> count & 0xFF) as u8);
        }
    }
    image
}

fn is_image(media: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+-".contains(c);
    media.len() <= 40 && media.strip_prefix("image/").is_some_and(|kind| !kind.is_empty() && kind.chars().all(plain))
}

fn sniff(image: &[u8]) -> &'static str {
    match image {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        _ => "image/jpeg",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::EventKind;

    fn bare(id: &str) -> Session {
        Session {
            id: SessionId::try_from(id).expect("an id"),
            agent: None,
            status: Status(String::new()),
            goal: None,
            created_at: None,
        }
    }

    #[test]
    fn a_list_may_be_bare_or_wrapped_and_what_cannot_be_read_is_counted() {
        let list = r#"[{"session_id":"a","vnc_url":null},{"session_id":"../b"},7,{"id":"c"}]"#;
        for body in [list.to_owned(), format!("{{\"sessions\":{list}}}")] {
            assert_eq!(sessions(&body), Ok(SessionList { sessions: vec![bare("a"), bare("c")], skipped: 2 }), "{body}");
        }
        assert!(sessions("<html>").is_err());
        assert!(sessions("{}").is_err());
    }

    #[test]
    fn a_session_is_read_with_fields_we_do_not_know() {
        let body = r#"{"session_id":"a","agent_name":"agi-0","status":"running","goal":"buy","created_at":"2025-10-05T18:05:01.555Z","new":{}}"#;
        let want = Session {
            agent: Some("agi-0".to_owned()),
            status: Status("running".to_owned()),
            goal: Some("buy".to_owned()),
            created_at: "2025-10-05T18:05:01.555Z".parse().ok(),
            ..bare("a")
        };
        assert_eq!(session(body), Ok(want));
    }

    #[test]
    fn a_status_is_an_object_or_a_string() {
        assert_eq!(status(r#"{"status":"paused"}"#), Ok(Status("paused".to_owned())));
        assert_eq!(status(r#""running""#), Ok(Status("running".to_owned())));
        assert!(status("{}").is_err());
    }

    #[test]
    fn one_bad_message_does_not_lose_the_others() {
        let body = r#"{"messages":[{"id":9,"type":"DONE","content":"b"},"what",{"id":"8","type":"USER","content":"a \ud800"}],"status":"running","has_agent":true}"#;
        let read = messages(body, 100).expect("messages");
        let seen: Vec<_> = read.events.iter().map(|e| (e.id.map(|id| id.0), e.kind.clone(), e.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Some(8), EventKind::User, "a \u{FFFD}"),
                (Some(9), EventKind::Done, "b"),
                (None, EventKind::Unknown("unreadable".to_owned()), "what"),
            ]
        );
        assert_eq!(read.status, Status("running".to_owned()));
    }

    #[test]
    fn messages_may_be_a_bare_array_but_not_a_page() {
        assert_eq!(messages("[]", 9), Ok(Messages { events: vec![], status: Status(String::new()) }));
        assert!(messages("<html>", 9).is_err());
        assert!(messages(r#"{"messages":"none"}"#, 9).is_err());
    }

    #[test]
    fn a_screenshot_is_decoded_leniently() {
        let shot =
            |data: &str| screenshot(&serde_json::json!({ "screenshot": data, "url": "u", "title": "t" }).to_string());
        for data in ["data:image/png;base64,/9j/", "/9j/", "_9j_", "/9\nj/", "/9j/==", "/9j/="] {
            let shot = shot(data);
            assert_eq!(
                (shot.image.as_slice(), shot.url.as_deref()),
                ([0xFF, 0xD8, 0xFF].as_slice(), Some("u")),
                "{data}"
            );
        }
        assert_eq!(shot("data:image/png;base64,/9j/").media_type, "image/png");
        assert_eq!(shot("data:text/html;base64,/9j/").media_type, "image/jpeg");
        assert_eq!(shot("!!").image, Vec::<u8>::new());
        assert_eq!(shot("/9j").image, [0xFF, 0xD8]);
        assert_eq!(screenshot("nonsense").image, Vec::<u8>::new());
    }
}
