//! One recorded event as a line of its batch: JSON that a person can read, made once, where the event was judged.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::{Event, EventKind, MessageId};
use crate::policy::{Effect, SessionInfo};

/// What a line takes beside its texts, about, in bytes.
const BESIDE: usize = 112;

/// An evaluated event on its way to the store, in the words that stand there.
#[derive(Clone, Debug)]
pub struct Noted {
    /// When it was evaluated, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) session: Arc<SessionInfo>,
    /// The JSON array of all but the session, whose row only the store knows.
    fields: String,
}

/// A line that was read.
pub(super) struct Line {
    /// The session's row.
    pub(super) session: i64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
    pub(super) effect: Effect,
}

/// What a line has, in its order: session, evaluated at, effect, kind, text, message id, sent at, truncated, url, title.
type Fields =
    (i64, i64, String, String, String, Option<MessageId>, Option<Timestamp>, bool, Option<String>, Option<String>);

impl Noted {
    /// Writes down `event` of `session`, as it was evaluated `at`, with what the policy said.
    ///
    /// # Errors
    /// When it cannot be told as JSON.
    pub fn of(
        at: Timestamp,
        session: Arc<SessionInfo>,
        event: &Event,
        effect: Effect,
    ) -> Result<Self, serde_json::Error> {
        let Event { id, kind, text, at: sent, url, title, truncated } = event;
        let at = at.as_millisecond();
        let said = [Some(text), url.as_ref(), title.as_ref()].into_iter().flatten().map(String::len).sum::<usize>();
        let mut fields = Vec::with_capacity(said + BESIDE);
        serde_json::to_writer(&mut fields, &(at, effect.name(), kind.name(), text, id, sent, truncated, url, title))?;
        // One with much to escape has grown past what it takes.
        if fields.capacity() > fields.len() + fields.len() / 4 + BESIDE {
            fields.shrink_to_fit();
        }
        let fields = String::from_utf8(fields).map_err(serde::ser::Error::custom)?;
        Ok(Self { at, session, fields })
    }

    /// How many bytes it takes in memory, its session aside, and not much less in the store.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.fields.capacity()
    }

    /// Adds its line to `body`, with its session's row.
    pub(super) fn write(&self, session: i64, body: &mut String) {
        body.push('[');
        body.push_str(&session.to_string());
        body.push(',');
        body.push_str(self.fields.trim_start_matches('['));
        body.push('\n');
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let fields: Fields = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let (session, at, effect, kind, text, id, sent, truncated, url, title) = fields;
        let at = Timestamp::from_millisecond(at).map_err(|error| error.to_string())?;
        let effect = Effect::ALL.into_iter().find(|one| one.name() == effect).ok_or("its effect")?;
        let event = Event { id, kind: EventKind::from_wire(&kind), text, at: sent, url, title, truncated };
        Ok(Self { session, at, event, effect })
    }
}
