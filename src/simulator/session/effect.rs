//! What goes out of a session: events without ids yet, and acts that cannot be taken back.

use serde_json::{Map, Value, json};

use crate::simulator::scenario::{Commit, Metadata};

/// What a session does to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// It emits an event, perhaps with a message.
    Emit(Draft),
    /// Something that cannot be taken back has happened.
    Commit {
        /// What.
        commit: Commit,
        /// Whether the session was paused at that moment.
        while_paused: bool,
    },
    /// It is gone.
    Gone,
}

/// An event before it has an id.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name in the stream.
    pub name: String,
    /// The type of its message; `None`: it is in the stream only.
    pub message_type: Option<String>,
    /// Content of the message.
    pub content: Value,
    /// Data of the event, still without `message_id`.
    pub data: Value,
    /// Metadata of the message.
    pub metadata: Option<Map<String, Value>>,
    /// Whether `sanitize=true` drops it.
    pub hidden: bool,
    /// Whether it gets an id, and a place in the history.
    pub has_id: bool,
    /// Whether streams are closed after it.
    pub closes: bool,
    /// Whether it was emitted beside the script, by somebody's act.
    pub beside: bool,
}

impl Draft {
    /// An event with a message of `message_type`, both saying `content`.
    #[must_use]
    pub fn plain(name: &str, message_type: &str, content: Value) -> Self {
        let data = match &content {
            Value::String(_) => json!({ "text": content }),
            _ => json!({ "content": content }),
        };
        Self {
            name: name.to_owned(),
            message_type: Some(message_type.to_owned()),
            content,
            data,
            metadata: Some(Map::new()),
            hidden: false,
            has_id: true,
            closes: false,
            beside: false,
        }
    }

    /// An event without message and id.
    pub(super) fn notice(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            message_type: None,
            content: Value::Null,
            data: json!({}),
            metadata: None,
            hidden: false,
            has_id: false,
            closes: false,
            beside: false,
        }
    }

    pub(super) fn with_metadata(mut self, metadata: &Metadata, origin: &str) -> Self {
        self.metadata = match metadata {
            Metadata::Usual => Some(Map::from_iter([("origin".to_owned(), origin.into())])),
            Metadata::Missing => None,
            Metadata::Given(map) => Some(map.clone()),
        };
        self
    }
}
