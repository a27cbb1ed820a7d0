//! Appending: journal, chain head and projection in one transaction.
//!
//! Each statement would be a round trip to the thread that has the connection, which costs a third of what the disk takes. So a
//! transaction of up to 128 entries is one query: the rows of all its records in one statement for each table. It is written upon
//! what this process left, which it knows; the statements themselves fail where that is not so, and then it is read first, by a
//! query before.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::journal::{COMMIT, Hand};
use super::plan::{Line, Plan, Standing, Stands};
use super::{Conflict, Cursors, Store, StoreError, Write};
use crate::api::MessageId;
use crate::audit::{Head, approval_name};
use crate::crash::{self, Point};
use crate::gate::{self, ApprovalId, Kept};

/// How many entries one statement writes at most.
const ROWS: usize = 128;

/// What a transaction is written upon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upon {
    /// This is the newest entry, and no approval that is written of has an outcome: as long as it has none, it is live. The statements
    /// fail where it is not so.
    Expected(Head),
    /// What is read in the same transaction, after this was expected as the newest entry.
    Read(Option<Head>),
}

impl Store {
    /// Writes `writes` in order and moves `cursors`, or forgets them, all or nothing, durably.
    ///
    /// The answer has one result per write: a [`Conflict`] says that this one would have changed an outcome that stands;
    /// it is left out and the others are written. The same outcome written twice is success, and stands once.
    ///
    /// # Errors
    /// When the transaction fails; then nothing of it may be assumed, and writing the same again is safe.
    pub async fn append<W: Borrow<Write> + Sync>(
        &self,
        writes: &[W],
        cursors: &Cursors,
        at: jiff::Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let writes: Vec<&Write> = writes.iter().map(Borrow::borrow).collect();
        let mut hand = self.journal.take_up().await.map_err(|source| self.sql("written", source))?;
        // What follows a decision has an outcome that stands.
        let fresh = writes.iter().all(|write| write.record.entry != gate::Entry::Delivered);
        let left = hand.head.take();
        if let Some(head) = left.filter(|_| fresh) {
            match self.transact(&mut hand, Upon::Expected(head), &writes, cursors, at).await {
                // It is not as expected, or a record is to blame: which one, shows where nothing is expected.
                Err(error) if error.may_be_of_one_record() => (),
                done => return done,
            }
        }
        self.transact(&mut hand, Upon::Read(left), &writes, cursors, at).await
    }

    /// One transaction. What is known of the head is what a transaction left that was committed.
    async fn transact(
        &self,
        hand: &mut Hand,
        upon: Upon,
        writes: &[&Write],
        cursors: &Cursors,
        at: jiff::Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        hand.in_transaction();
        match self.append_all(&mut hand.connection, upon, writes, cursors, at).await {
            Ok(plan) => {
                hand.committed(Some(plan.head));
                Ok(plan.results)
            }
            Err(error) => {
                hand.roll_back().await;
                Err(error)
            }
        }
    }

    /// The transaction is begun and ended by hand: sqlx's own counts one that SQLite rolled back as still open, and makes
    /// what comes next a savepoint in it.
    async fn append_all(
        &self,
        connection: &mut SqliteConnection,
        upon: Upon,
        writes: &[&Write],
        cursors: &Cursors,
        at: jiff::Timestamp,
    ) -> Result<Plan, StoreError> {
        let (head, standing) = match upon {
            Upon::Expected(head) => (head, Standing::new()),
            Upon::Read(left) => {
                let (head, standing) = self.read(connection, writes).await?;
                if left.is_some_and(|left| left != head) {
                    let (path, seq) = (self.path.display(), head.seq);
                    tracing::warn!(
                        "somebody else writes the store {path} as well: its newest entry, {seq}, is not ours; nothing but one \
                         daemon may, and `holdpoint audit verify` tells whether it is whole"
                    );
                }
                (head, standing)
            }
        };
        let plan = Plan::of(head, standing, writes).map_err(|error| self.row(format!("record: {error}")))?;
        let mut query = match upon {
            Upon::Expected(_) => self.begin(connection).await?,
            Upon::Read(_) => QueryBuilder::new(""),
        };
        let mut rest = plan.lines.as_slice();
        while rest.len() > ROWS {
            let (lines, more) = rest.split_at(ROWS);
            insert_lines(&mut query, lines, upon);
            self.run(connection, std::mem::take(&mut query)).await?;
            rest = more;
        }
        insert_lines(&mut query, rest, upon);
        if !rest.is_empty() {
            move_head(&mut query, plan.head, upon);
        }
        move_cursors(&mut query, cursors, at);
        self.commit(connection, query, writes, cursors).await?;
        Ok(plan)
    }

    /// Begins a transaction and reads the head of the chain and which of the approvals have an outcome.
    async fn read<'a>(
        &self,
        connection: &mut SqliteConnection,
        writes: &[&Write],
    ) -> Result<(Head, Standing<'a>), StoreError> {
        let sql = |source| self.sql("read", source);
        let kept = writes.iter().filter_map(|write| write.record.kept.as_ref());
        let by_name: BTreeMap<String, ApprovalId> =
            kept.map(|kept| (approval_name(kept.card.approval), kept.card.approval)).collect();
        let names: Vec<&String> = by_name.keys().collect();
        let names = serde_json::to_string(&names).map_err(|error| self.row(format!("record: {error}")))?;
        let mut query = self.begin(connection).await?;
        query.push("SELECT seq, hash, NULL AS id, NULL AS outcome, NULL AS kept FROM head WHERE id = 1 UNION ALL ");
        query.push("SELECT NULL, NULL, id, outcome, kept FROM approvals WHERE outcome IS NOT NULL ");
        query.push("AND id IN (SELECT value FROM json_each(").push_bind(names).push("))");
        // What fails first is the beginning of what is to be written.
        let rows = query.build().fetch_all(connection).await.map_err(|source| self.sql("written", source))?;
        let (mut head, mut standing) = (Head::EMPTY, Standing::new());
        for row in rows {
            let Some(name) = row.try_get::<Option<String>, _>("id").map_err(sql)? else {
                head = self.head_of(&row)?;
                continue;
            };
            let Some(id) = by_name.get(&name) else { continue };
            let kept: String = row.try_get("kept").map_err(sql)?;
            let kept = serde_json::from_str::<Kept>(&kept).ok();
            let outcome: String = row.try_get("outcome").map_err(sql)?;
            let closed = kept.and_then(|kept| kept.closed).map(Cow::Owned);
            standing.insert(*id, Stands { outcome: outcome.into(), closed });
        }
        Ok((head, standing))
    }

    /// How a transaction's first query begins. Only where a process is to be killed in between it is a query of its own.
    async fn begin(&self, connection: &mut SqliteConnection) -> Result<QueryBuilder<Sqlite>, StoreError> {
        const BEGIN: &str = "BEGIN IMMEDIATE; ";
        if !crash::aims_within_transactions() {
            return Ok(QueryBuilder::new(BEGIN));
        }
        self.run(connection, QueryBuilder::new(BEGIN)).await?;
        crash::at(Point::TransactionBegun);
        Ok(QueryBuilder::new(""))
    }

    /// Runs a transaction's last query, and ends it; again as one where nobody is to be killed in between.
    async fn commit(
        &self,
        connection: &mut SqliteConnection,
        mut query: QueryBuilder<Sqlite>,
        writes: &[&Write],
        cursors: &Cursors,
    ) -> Result<(), StoreError> {
        if crash::aims_within_transactions() {
            self.run(connection, std::mem::take(&mut query)).await?;
            pass(0, writes, cursors);
        }
        query.push(COMMIT);
        query.build().fetch_one(connection).await.map_err(|source| self.sql("written", source))?;
        pass(1, writes, cursors);
        Ok(())
    }

    async fn run(&self, connection: &mut SqliteConnection, mut query: QueryBuilder<Sqlite>) -> Result<(), StoreError> {
        query.build().execute(connection).await.map(drop).map_err(|source| self.sql("written", source))
    }
}

fn move_head(query: &mut QueryBuilder<Sqlite>, head: Head, upon: Upon) {
    query.push("INSERT INTO head (id, seq, hash) VALUES (1, ");
    match upon {
        // No head has no position.
        Upon::Expected(before) => query
            .push("iif(EXISTS (SELECT 1 FROM head WHERE id = 1 AND seq = ")
            .push_bind(before.seq)
            .push(" AND hash = ")
            .push_bind(before.hash.to_string())
            .push("), ")
            .push_bind(head.seq)
            .push(", NULL)"),
        Upon::Read(_) => query.push_bind(head.seq),
    };
    query.push(", ").push_bind(head.hash.to_string());
    query.push(") ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash; ");
}

/// Writes entries and how they leave their approvals. There are as many rows as a power of two has, empty ones to fill them up, so
/// that the connection keeps few compiled statements and not one for each number.
fn insert_lines(query: &mut QueryBuilder<Sqlite>, lines: &[Line], upon: Upon) {
    if lines.is_empty() {
        return;
    }
    let rows = lines.len().next_power_of_two();
    query.push("INSERT INTO journal (seq, at, entry, session_id, approval_id, body, hash) SELECT * FROM (");
    query.push_values((0..rows).map(|row| lines.get(row)), |mut row, line| {
        let entry = line.map(|line| &line.entry);
        row.push_bind(entry.map(|entry| entry.seq));
        row.push_bind(entry.map(|entry| entry.at.as_str()));
        row.push_bind(entry.map(|entry| entry.entry.as_str()));
        row.push_bind(entry.and_then(|entry| entry.session.as_deref()));
        row.push_bind(entry.and_then(|entry| entry.approval.as_deref()));
        row.push_bind(entry.map(|entry| entry.body.as_str()));
        row.push_bind(line.map(|line| line.hash.to_string()));
    });
    query.push(") WHERE column1 IS NOT NULL; ");
    let states: Vec<_> = lines.iter().filter_map(|line| Some((line.entry.seq, line.state.as_ref()?))).collect();
    if states.is_empty() {
        return;
    }
    query.push("INSERT INTO approvals (id, session_id, seq, outcome, delivery, live, kept) SELECT * FROM (");
    query.push_values((0..rows).map(|row| states.get(row)), |mut row, line| {
        let state = line.map(|(_, state)| *state);
        row.push_bind(state.map(|state| state.id.as_str()));
        row.push_bind(state.map(|state| state.session.as_str()));
        row.push_bind(line.map(|(seq, _)| *seq));
        row.push_bind(state.and_then(|state| state.outcome));
        row.push_bind(state.and_then(|state| state.delivery));
        row.push_bind(state.map(|state| state.live));
        row.push_bind(state.map(|state| state.kept.as_str()));
    });
    // An outcome that stands leaves no position to an entry that was not judged by it.
    query.push(") WHERE column1 IS NOT NULL ON CONFLICT (id) DO UPDATE SET seq = iif(approvals.outcome IS NULL");
    // To set that it is live where it is would write a page of the index of those that are.
    let stay_live = matches!(upon, Upon::Expected(_)) && states.iter().all(|(_, state)| state.live);
    match upon {
        Upon::Expected(_) if stay_live => drop(query.push(" AND approvals.live = 1")),
        Upon::Expected(_) => (),
        Upon::Read(_) => drop(query.push(" OR approvals.outcome = excluded.outcome")),
    }
    query.push(", excluded.seq, NULL), outcome = excluded.outcome, delivery = excluded.delivery, kept = excluded.kept");
    query.push(if stay_live { "; " } else { ", live = excluded.live; " });
}

fn move_cursors(query: &mut QueryBuilder<Sqlite>, cursors: &Cursors, at: jiff::Timestamp) {
    let over: Vec<_> =
        cursors.iter().filter(|(_, cursor)| cursor.is_none()).map(|(session, _)| session.as_str()).collect();
    if !over.is_empty() {
        query.push("DELETE FROM cursors WHERE session_id IN (SELECT value FROM json_each(");
        query.push_bind(serde_json::json!(over).to_string()).push(")); ");
    }
    let position = |cursor: MessageId| i64::try_from(cursor.0).unwrap_or(i64::MAX);
    let moved = cursors.iter().filter_map(|(session, cursor)| Some((session.as_str(), position((*cursor)?))));
    let rows: Vec<_> = moved.collect();
    if rows.is_empty() {
        return;
    }
    query.push("INSERT INTO cursors (session_id, message_id, at) SELECT value ->> 0, value ->> 1, ");
    query.push_bind(at.to_string()).push(" FROM json_each(").push_bind(serde_json::json!(rows).to_string());
    query.push(") WHERE true ON CONFLICT (session_id) DO UPDATE SET ");
    query.push("message_id = max(message_id, excluded.message_id), at = excluded.at; ");
}

/// Passes the crash points of a transaction that is not committed yet (the first of each pair), or that is (the second).
fn pass(side: usize, writes: &[&Write], cursors: &Cursors) {
    for write in writes {
        let points = match write.record.entry {
            gate::Entry::Opened => [Point::OpenedUncommitted, Point::OpenedCommitted],
            gate::Entry::Revised => [Point::RevisedUncommitted, Point::RevisedCommitted],
            gate::Entry::Decided => [Point::DecidedUncommitted, Point::DecidedCommitted],
            gate::Entry::Delivered => [Point::DeliveredUncommitted, Point::DeliveredCommitted],
            gate::Entry::Voted
            | gate::Entry::Extended
            | gate::Entry::Frozen
            | gate::Entry::Thawed
            | gate::Entry::Noted => [Point::OtherUncommitted, Point::OtherCommitted],
        };
        crash::at(points[side]);
    }
    if !cursors.is_empty() {
        crash::at([Point::CursorUncommitted, Point::CursorCommitted][side]);
    }
}
