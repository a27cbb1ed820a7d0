//! `audit list`: what happened, for people.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::oneshot::{screen, table::Table, to_json};
use crate::cli::{counted, print, say};
use crate::error::{Exit, Failure};
use crate::gate::ApprovalId;
use crate::operator::escape::short;
use crate::store::{Filter, Row, Store};

use super::said::said;
use super::since::{self, Since};
use super::trail::{Trail, unreadable};

/// Arguments of `holdpoint audit list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only what is about this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only what is about this approval: its code, or its whole id
    #[arg(long, value_name = "ID")]
    approval: Option<String>,
    /// Only what was written since then: so long ago (2h, 7d), a day, or a time
    #[arg(long, value_name = "TIME", value_parser = since::read)]
    since: Option<Since>,
    /// Only the newest so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,
    /// Print JSON: an array of objects
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trail: Trail,
}

/// One entry, as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    seq: i64,
    at: &'a str,
    entry: &'a str,
    session_id: Option<&'a str>,
    approval_id: Option<&'a str>,
    code: Option<String>,
    /// What the entry says, for people: escaped, and free to change.
    said: String,
    hash: String,
}

/// Lists.
///
/// # Errors
/// When the store cannot be read, or has no such approval.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let store = args.trail.open().await?;
    let filter = filter(&store, &args).await?;
    let head = store.newest().await.map_err(|error| unreadable(&error))?;
    let path = short(&store.path().to_string_lossy());
    let found = store.count(&filter, head.seq).await.map_err(|error| unreadable(&error))?;
    let rows = store.newest_of(&filter, head.seq, args.last).await.map_err(|error| unreadable(&error))?;
    store.close().await;
    let lines: Vec<Line<'_>> = rows.iter().map(line).collect();
    if args.json {
        print(&to_json(&lines))?;
    } else if !lines.is_empty() {
        print(&table(&lines).lines_with_whole_last(screen::columns()).join("\n"))?;
    }
    // Of the trail as a whole: what was filtered out is in its hash as well.
    let of = if filter == Filter::default() { String::new() } else { format!(" of {}", head.seq) };
    say(format_args!("{path}: {}{of}; head {} {}", counted(found, "entry", "entries"), head.seq, head.hash));
    if found > i64::from(args.last) {
        say(format_args!("the newest {} are listed; `--last {found}` lists all", args.last));
    }
    Ok(())
}

async fn filter(store: &Store, args: &Args) -> Result<Filter, Failure> {
    let approvals = match &args.approval {
        Some(name) => Some(called(store, name).await?),
        None => None,
    };
    let since = args.since.map(|since| since.before(Timestamp::now()));
    Ok(Filter { session: args.session.clone(), approvals, since })
}

/// Codes are short, and a trail is long: all that were called so are listed, and that is said.
async fn called(store: &Store, name: &str) -> Result<Vec<ApprovalId>, Failure> {
    let found = store.approvals_called(name).await.map_err(|error| unreadable(&error))?;
    if found.is_empty() {
        return Err(Failure::new(Exit::NoSuch, format!("no approval in the trail is called {}", short(name)))
            .hint("`holdpoint audit list` shows the codes of the newest entries, `--last NUMBER` of more"));
    }
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
        say(format_args!("{} approvals were called {}: {}", found.len(), short(name), ids.join(", ")));
    }
    Ok(found)
}

fn line(row: &Row) -> Line<'_> {
    let entry = &row.entry;
    let code = entry.approval.as_deref().and_then(|id| id.parse().ok()).map(|id| ApprovalId(id).code().to_string());
    Line {
        seq: entry.seq,
        at: &entry.at,
        entry: &entry.entry,
        session_id: entry.session.as_deref(),
        approval_id: entry.approval.as_deref(),
        code,
        said: said(entry),
        hash: row.hash.to_string(),
    }
}

fn table(lines: &[Line<'_>]) -> Table {
    let mut table = Table::new(&["SEQ", "AT", "ENTRY", "CODE", "SESSION", "WHAT"]);
    for line in lines {
        table.row(vec![
            line.seq.to_string(),
            at(line.at),
            short(line.entry),
            line.code.clone().unwrap_or_default(),
            line.session_id.map(short).unwrap_or_default(),
            line.said.clone(),
        ]);
    }
    table
}

/// To the second, where it is a time.
fn at(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| short(text), |at| format!("{at:.0}"))
}
