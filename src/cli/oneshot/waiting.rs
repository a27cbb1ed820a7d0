//! `wait`: blocks until an approval has its outcome, through restarts of the daemon.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::ended::{is_waited, waited};
use super::json::{self, Approval};
use super::link::{Common, Link};
use super::refused::refused;
use super::words;
use crate::cli::{print, say};
use crate::config::units;
use crate::control::{ApprovalView, Refusal};
use crate::error::{Exit, Failure};
use crate::operator::escape::short;

/// How long a daemon that is gone is left alone before it is tried again.
const AGAIN: Duration = Duration::from_millis(300);
/// As good as for ever.
const AGES: Duration = Duration::from_secs(365 * 86_400);

/// Arguments of `holdpoint wait`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The approval: its code, or its whole id
    #[arg(value_name = "ID")]
    id: String,
    /// Give up after this long, with exit code 124; without it `wait` waits as long as it takes
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,
    #[command(flatten)]
    common: Common,
}

/// Reads a duration as it is written in the configuration: `90s`, `10m`.
///
/// # Errors
/// With what a duration looks like.
pub fn duration(text: &str) -> Result<Duration, String> {
    units::duration(text).ok_or_else(|| "a duration is a number with ms, s, m, h or d, such as 90s or 1h30m".to_owned())
}

/// Waits.
///
/// # Errors
/// With an exit code for every outcome but an approval that was delivered.
pub async fn run(args: Args) -> Result<(), Failure> {
    let deadline = Instant::now() + args.timeout.unwrap_or(AGES);
    let link = Link::open(&args.common.target).await?;
    let first = link.approval(&args.id).await?;
    let id = first.card.approval.to_string();
    let view = match timeout_at(deadline, outcome(link, &id)).await {
        Ok(view) => view?,
        Err(_) => return Err(timed_out(&short(&args.id), args.timeout)),
    };
    if args.common.json {
        print(&json::text(&Approval::from(&view)))?;
    } else if let Some(ending) = words::ending(&view) {
        print(&ending)?;
    }
    waited(&view).map_or(Ok(()), |exit| Err(Failure::told(exit)))
}

async fn outcome(link: Link, id: &str) -> Result<ApprovalView, Failure> {
    let socket = link.socket.clone();
    let mut link = link;
    loop {
        match link.requests.approval(id).await {
            Ok(view) => {
                if let Ok(view) = link.follow(view, is_waited).await {
                    return Ok(view);
                }
            }
            Err(refusal) if is_passing(&refusal) => {}
            Err(refusal) => return Err(refused(id, &refusal)),
        }
        say("the daemon is gone; waiting for it to come back");
        link = back(socket.clone()).await;
    }
}

async fn back(socket: PathBuf) -> Link {
    loop {
        sleep(AGAIN).await;
        if let Ok(link) = Link::to(socket.clone()).await {
            return link;
        }
    }
}

/// Whether a refusal says no more than that the daemon is not there just now.
fn is_passing(refusal: &Refusal) -> bool {
    super::refused::exit(refusal) == Exit::Unreachable
}

fn timed_out(name: &str, after: Option<Duration>) -> Failure {
    let after = after.map(words::span).unwrap_or_default();
    Failure::new(Exit::TimedOut, format!("{name}: no outcome within {after}"))
        .hint("nothing was decided by that; `holdpoint show ID` tells what it waits for")
}
