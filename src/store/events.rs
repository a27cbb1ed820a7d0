//! Recorded events: what was evaluated, kept for a while so that other rules can be tried on it.
//!
//! Nothing depends on them, and they are no part of the chain. How they are written stands in `recording`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::noted::Line;
use super::{Store, StoreError};
use crate::api::{Event, SessionId};
use crate::policy::{Effect, SessionInfo};

/// One evaluated event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it was evaluated.
    pub at: Timestamp,
    /// The session, as the policy knew it.
    pub session: Arc<SessionInfo>,
    /// The event.
    pub event: Event,
    /// What the policy said.
    pub effect: Effect,
}

/// How much is kept. Nothing, when either is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventBounds {
    /// For how long.
    pub age: Duration,
    /// How many bytes, together.
    pub bytes: u64,
}

/// Where reading goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventPage(i64);

/// How many events are read at once, and what their batch has beyond that.
const PAGE: usize = 500;
/// Batches since a time: id, number of events, lines.
const BATCHES: &str = "SELECT id, events, body FROM event_batches WHERE id > ? AND last_at >= ? ORDER BY id LIMIT 500";
/// The same of a store of schema 3, which had a row for each event and is read as it is: only who writes brings it up to date.
const SINGLE: &str = "SELECT id, 1, json_array(session, at, effect, kind, text, message_id, sent,
                          json(iif(truncated, 'true', 'false')), url, title)
                      FROM events WHERE id > ? AND at >= ? ORDER BY id LIMIT 500";

impl Store {
    /// The next recorded events since `since`, in the order in which they were evaluated, and where to go on; an empty page
    /// is the end, and all that a store has that is older than recorded events. Works beside a running daemon.
    ///
    /// # Errors
    /// When the store cannot be read, or a row cannot be understood.
    pub async fn recorded(&self, since: Timestamp, page: EventPage) -> Result<(Vec<Recorded>, EventPage), StoreError> {
        let sql = |source| self.sql("read", source);
        // One view of it: a daemon may delete meanwhile.
        let mut connection = self.pool.begin().await.map_err(sql)?;
        let Some(batches) = self.batches(&mut connection).await? else { return Ok((Vec::new(), page)) };
        let batches = sqlx::query_as(batches).bind(page.0).bind(since.as_millisecond());
        let mut batches: BoxStream<'_, Result<(i64, i64, String), _>> = batches.fetch(&mut *connection);
        let (mut last, mut lines) = (page, Vec::new());
        while lines.len() < PAGE
            && let Some((id, events, body)) = batches.try_next().await.map_err(sql)?
        {
            last = EventPage(id);
            self.lines(id, events, &body, &mut lines)?;
        }
        drop(batches);
        lines.retain(|(_, line)| line.at >= since);
        let sessions = self.sessions(&mut connection, &lines).await?;
        let recorded = lines.into_iter().map(|(batch, line)| {
            let Line { session, at, event, effect } = line;
            let known = sessions.get(&session).cloned();
            let session = known.ok_or_else(|| self.row(format!("events {batch}: session {session} is not there")))?;
            Ok(Recorded { at, session, event, effect })
        });
        Ok((recorded.collect::<Result<_, _>>()?, last))
    }

    /// How batches are read; not at all where the schema knows none.
    async fn batches(&self, connection: &mut SqliteConnection) -> Result<Option<&'static str>, StoreError> {
        let tables = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE name IN ('events', 'event_batches')");
        let tables: Vec<String> = tables.fetch_all(connection).await.map_err(|source| self.sql("read", source))?;
        let has = |name| tables.iter().any(|table| table == name);
        Ok(if has("event_batches") { Some(BATCHES) } else { has("events").then_some(SINGLE) })
    }

    fn lines(&self, id: i64, events: i64, body: &str, lines: &mut Vec<(i64, Line)>) -> Result<(), StoreError> {
        let before = lines.len();
        for (n, line) in body.lines().enumerate() {
            let line = Line::read(line).map_err(|why| self.row(format!("events {id}, line {}: {why}", n + 1)))?;
            lines.push((id, line));
        }
        let found = lines.len() - before;
        if usize::try_from(events) == Ok(found) {
            return Ok(());
        }
        Err(self.row(format!("events {id}: it has {found} of {events}")))
    }

    /// The sessions of these lines, by their rows.
    async fn sessions(
        &self,
        connection: &mut SqliteConnection,
        lines: &[(i64, Line)],
    ) -> Result<BTreeMap<i64, Arc<SessionInfo>>, StoreError> {
        let rows: BTreeSet<i64> = lines.iter().map(|(_, line)| line.session).collect();
        let rows = serde_json::Value::from(Vec::from_iter(rows)).to_string();
        let sessions = sqlx::query_as(
            "SELECT id, session_id, agent, goal FROM event_sessions WHERE id IN (SELECT value FROM json_each(?))",
        );
        let sessions = sessions.bind(rows).fetch_all(connection).await;
        let sessions: Vec<(i64, String, _, _)> = sessions.map_err(|source| self.sql("read", source))?;
        let session = |(row, id, agent, goal)| {
            let id = SessionId::try_from(id).map_err(|error| self.row(format!("event_sessions {row}: {error}")))?;
            Ok((row, Arc::new(SessionInfo { id, agent, goal })))
        };
        sessions.into_iter().map(session).collect()
    }
}
