//! `audit verify`: is the trail whole?

use serde::Serialize;

use crate::cli::oneshot::to_json;
use crate::cli::{counted, print};
use crate::error::Failure;
use crate::gate::Digest;
use crate::store::{Report, Store};

use super::trail::{Trail, broken, unreadable};

/// Arguments of `holdpoint audit verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON: an object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trail: Trail,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Verified<'a> {
    /// The store's file.
    store: &'a str,
    /// Whether the chain is whole and every approval is as it says.
    whole: bool,
    /// What is broken, for people: free to change. Null when nothing is.
    broken: Option<String>,
    /// How many entries there are; null when the trail is broken.
    entries: Option<i64>,
    /// How many approvals there are; null when the trail is broken.
    approvals: Option<u64>,
    /// The hash of the newest entry, worth keeping elsewhere; null when the trail is broken.
    head: Option<Digest>,
}

/// Verifies.
///
/// # Errors
/// When the store cannot be read, or was tampered with.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let store = args.trail.open().await?;
    let verified = store.verify().await.map_err(|error| unreadable(&error))?;
    if args.json {
        let said = verified.as_ref().map_err(ToString::to_string);
        print(&to_json(&as_json(&store.path().to_string_lossy(), said)))?;
    }
    let report = verified.map_err(|why| broken(&store, &why))?;
    if !args.json {
        print(&line(&store, &report))?;
    }
    store.close().await;
    Ok(())
}

fn line(store: &Store, report: &Report) -> String {
    format!(
        "{}: whole, {}, {}, head {}",
        store.path().display(),
        counted(report.entries, "entry", "entries"),
        counted(report.approvals, "approval", "approvals"),
        report.head
    )
}

fn as_json<'s>(store: &'s str, verified: Result<&Report, String>) -> Verified<'s> {
    match verified {
        Ok(&Report { entries, approvals, head }) => Verified {
            store,
            whole: true,
            broken: None,
            entries: Some(entries),
            approvals: Some(approvals),
            head: Some(head),
        },
        Err(why) => Verified { store, whole: false, broken: Some(why), entries: None, approvals: None, head: None },
    }
}
