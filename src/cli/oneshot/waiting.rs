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

/// Reads a duration as it is written in the configuration: `90s`, `10m`. A whole number alone is seconds, as it is for
/// `sleep` and `timeout`.
///
/// # Errors
/// With what a duration looks like.
pub fn duration(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = if is_number { units::duration(&format!("{text}s")) } else { units::duration(text) };
    read.ok_or_else(|| {
        "a duration is a number of seconds, or one with ms, s, m, h or d, such as 90s or 1h30m".to_owned()
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_seconds_and_anything_else_needs_its_unit() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (text, read) in [
            ("2", seconds(2)),
            ("0", seconds(0)),
            ("90s", seconds(90)),
            ("1h30m", seconds(5_400)),
            ("250ms", Some(Duration::from_millis(250))),
            ("", None),
            ("-2", None),
            ("2.5", None),
            ("soon", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(duration(text).ok(), read, "{text:?}");
        }
        assert!(
            duration("soon").expect_err("no duration").contains("a number of seconds, or one with ms, s, m, h or d")
        );
    }
}
