//! `audit export`: every entry as a line of JSON, with what is needed to check the chain elsewhere.

use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{Broken, Head};
use crate::cli::oneshot::to_json;
use crate::cli::{counted, say};
use crate::error::{Exit, Failure};
use crate::gate::Digest;
use crate::operator::escape::short;
use crate::store::{Row, Store, StoreError};

use super::since::{self, Since};
use super::trail::{Trail, broken, unreadable};

/// How many entries are read at once.
const PIECE: u32 = 500;

/// Arguments of `holdpoint audit export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only what follows this entry: what an earlier export ended with
    #[arg(long, value_name = "SEQ", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
    /// Only what was written since then: so long ago (2h, 7d), a day, or a time
    #[arg(long, value_name = "TIME", value_parser = since::read, conflicts_with = "after")]
    since: Option<Since>,
    #[command(flatten)]
    trail: Trail,
}

/// One entry with its hash and the one that it covers.
#[derive(Serialize)]
struct Line<'a> {
    seq: i64,
    at: &'a str,
    entry: &'a str,
    session_id: Option<&'a str>,
    approval_id: Option<&'a str>,
    /// JSON, as the text that it was written as: what is hashed is what any reader of JSON gets out of this.
    body: &'a str,
    previous: Digest,
    hash: Digest,
}

/// Exports.
///
/// # Errors
/// When the store or standard output fails, or the chain is broken: then the last line is the last one that is whole.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let store = args.trail.open().await?;
    let end = store.newest().await.map_err(|error| unreadable(&error))?;
    let after = match args.since {
        Some(since) => {
            store.before(since.before(Timestamp::now())).await.map_err(|error| unreadable(&error))?.min(end.seq)
        }
        None => args.after,
    };
    let mut head = begin(&store, after, end).await?;
    while head.seq < end.seq {
        let rows = store.journal(head.seq, PIECE).await.map_err(|error| unreadable(&error))?;
        if rows.is_empty() {
            break;
        }
        let rows = rows.iter().take_while(|row| row.entry.seq <= end.seq);
        print(&mut head, rows)?.map_err(|why| broken(&store, &why))?;
    }
    if head != end {
        let why = Broken::Head { last: head.seq, head: Some(end.seq) };
        return Err(broken(&store, &why));
    }
    let (path, count) = (short(&store.path().to_string_lossy()), counted(head.seq - after, "entry", "entries"));
    say(format_args!("{path}: {count} exported; head {} {}", head.seq, head.hash));
    store.close().await;
    Ok(())
}

/// The entry that the first line follows.
async fn begin(store: &Store, after: i64, end: Head) -> Result<Head, Failure> {
    if after == 0 {
        return Ok(Head::EMPTY);
    }
    let before: Result<Vec<Row>, StoreError> = store.journal(after - 1, 1).await;
    let before = before.map_err(|error| unreadable(&error))?;
    match before.first().filter(|row| row.entry.seq == after) {
        Some(row) => Ok(Head { seq: after, hash: row.hash }),
        None => Err(Failure::new(Exit::Error, format!("there is no entry {after}: the newest is {}", end.seq))
            .hint("was the store replaced, or cut off? Without --after everything is exported")),
    }
}

/// Prints the rows that follow `head` and moves it, up to the first row that does not follow.
fn print<'r>(head: &mut Head, rows: impl Iterator<Item = &'r Row>) -> Result<Result<(), Broken>, Failure> {
    let goes_on = "what was written is whole up to its last line; `--after` with its seq goes on from there";
    let failed = |error: std::io::Error| Failure::unwritten(&error, goes_on);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut whole = Ok(());
    for row in rows {
        match head.link(&row.entry, row.hash) {
            Ok(next) => {
                writeln!(out, "{}", line(*head, row)).map_err(failed)?;
                *head = next;
            }
            Err(broken) => {
                whole = Err(broken);
                break;
            }
        }
    }
    out.flush().map_err(failed)?;
    Ok(whole)
}

fn line(head: Head, Row { entry, hash }: &Row) -> String {
    to_json(&Line {
        seq: entry.seq,
        at: &entry.at,
        entry: &entry.entry,
        session_id: entry.session.as_deref(),
        approval_id: entry.approval.as_deref(),
        body: &entry.body,
        previous: head.hash,
        hash: *hash,
    })
}
