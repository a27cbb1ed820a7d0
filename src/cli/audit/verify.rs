//! `audit verify`: is the trail whole?

use crate::cli::{counted, print};
use crate::error::Failure;

use super::trail::{Trail, broken, unreadable};

/// Arguments of `holdpoint audit verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    trail: Trail,
}

/// Verifies.
///
/// # Errors
/// When the store cannot be read, or was tampered with.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let store = args.trail.open().await?;
    let verified = store.verify().await.map_err(|error| unreadable(&error))?;
    let report = verified.map_err(|why| broken(&store, &why))?;
    print(&format!(
        "{}: whole, {}, {}, head {}",
        store.path().display(),
        counted(report.entries, "entry", "entries"),
        counted(report.approvals, "approval", "approvals"),
        report.head
    ))?;
    store.close().await;
    Ok(())
}
