//! `deny`: one approval or many. All of them are tried, whatever becomes of the others.

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::deciding::{Patience, decide_patiently, delivered, exit};
use super::json::{self, Approval};
use super::link::{Common, Link};
use super::listing;
use super::refused::refused;
use super::screen;
use super::words;
use crate::cli::{counted, print, say};
use crate::control::{Act, ApprovalView, Decision, State};
use crate::error::{Exit, Failure};
use crate::gate::Outcome;

/// Arguments of `holdpoint deny`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The approvals: their codes, or their whole ids
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Everything that waits, after it was listed and confirmed at the terminal
    #[arg(long)]
    all: bool,
    /// With --all: do not ask for the confirmation
    #[arg(long, requires = "all")]
    yes: bool,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    common: Common,
}

/// What became of one of them.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// As it was named.
    name: &'a str,
    /// What it would exit with alone.
    exit: u8,
    /// What went wrong.
    error: Option<String>,
    /// The approval, as far as it was found.
    approval: Option<Approval<'a>>,
}

/// Denies.
///
/// # Errors
/// The greatest exit code of them all; what became of each is printed.
pub async fn run(args: Args) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    let names = match args.all {
        true => everything(&mut link, args.yes).await?,
        false => args.ids,
    };
    let taken = deny_all(&link, &names, args.reason.as_deref()).await;
    let mut ends = Vec::new();
    for denied in taken {
        ends.push(match denied {
            Ok(view) => delivered(&mut link, &view, &args.patience).await,
            Err(failure) => Err(failure),
        });
    }
    tell(&names, &ends, &args.patience, args.common.json)
}

/// Denies every one of them. What only ends something is denied at once; where the denial lets the agent go on, the card is
/// presented and the time to read it is waited for, once for all of them.
async fn deny_all(link: &Link, names: &[String], reason: Option<&str>) -> Vec<Result<ApprovalView, Failure>> {
    let mut begun = Vec::new();
    for name in names {
        begun.push(begin(link, name, reason).await);
    }
    let is_presented = |begun: &Result<Begun, Failure>| matches!(begun, Ok(Begun::Presented(..)));
    if begun.iter().any(is_presented) {
        sleep(Duration::from_millis(link.hello().snapshot.daemon.settings.min_dwell_ms)).await;
    }
    let mut taken = Vec::new();
    for begun in begun {
        taken.push(match begun {
            Ok(Begun::Denied(view)) => Ok(*view),
            Ok(Begun::Presented(view, decision)) => decide_patiently(link, decision)
                .await
                .map_err(|refusal| refused(view.card.code().as_str(), &refusal))
                .map(|_| *view),
            Err(failure) => Err(failure),
        });
    }
    taken
}

/// How far one of them is.
enum Begun {
    /// The daemon has taken it.
    Denied(Box<ApprovalView>),
    /// Its card is presented; this is sent once it could be read.
    Presented(Box<ApprovalView>, Decision),
}

async fn begin(link: &Link, name: &str, reason: Option<&str>) -> Result<Begun, Failure> {
    let view = Box::new(link.approval(name).await?);
    let (approval, revision, digest) = (view.card.approval, view.card.revision, view.digest);
    let act = Act::Deny { reason: reason.map(str::to_owned) };
    let mut decision = Decision { approval, revision, digest, nonce: None, typed: None, act };
    let refused = |refusal| refused(view.card.code().as_str(), &refusal);
    if view.card.denial_releases() && !matches!(view.state, State::Ended { .. }) {
        decision.nonce = Some(link.requests.presented(approval, revision, digest).await.map_err(refused)?);
        return Ok(Begun::Presented(view, decision));
    }
    link.requests.decide(decision).await.map_err(refused)?;
    Ok(Begun::Denied(view))
}

async fn everything(link: &mut Link, sure: bool) -> Result<Vec<String>, Failure> {
    let waiting = listing::waiting(link.snapshot().await?.approvals);
    if waiting.is_empty() {
        say("nothing waits for an answer");
    } else if !sure {
        let table = listing::approvals(&waiting, jiff::Timestamp::now());
        say(table.lines(Some(screen::columns().unwrap_or(80))).join("\n"));
        let words = format!("deny {}", waiting.len());
        let question = format!("type \"{words}\" and Enter to deny them all; anything else does nothing");
        screen::typed(&question, &words, "say --yes if no confirmation is wanted").await?;
    }
    Ok(waiting.iter().map(|view| view.card.approval.to_string()).collect())
}

fn tell(
    names: &[String],
    ends: &[Result<ApprovalView, Failure>],
    patience: &Patience,
    json: bool,
) -> Result<(), Failure> {
    let code = |end: &Result<ApprovalView, Failure>| match end {
        Ok(view) => exit(view, Outcome::Denied, patience),
        Err(failure) => Some(failure.exit),
    };
    if json {
        let lines = names.iter().zip(ends).map(|(name, end)| Line {
            name,
            exit: code(end).map_or(0, |exit| exit as u8),
            error: end.as_ref().err().map(ToString::to_string),
            approval: end.as_ref().ok().map(Approval::from),
        });
        print(&json::text(&lines.collect::<Vec<_>>()))?;
    } else {
        ends.iter().try_for_each(told)?;
    }
    let worst = ends.iter().filter_map(code).max_by_key(|exit| *exit as u8);
    worst.map_or(Ok(()), |exit| Err(summary(ends, exit, json)))
}

fn told(end: &Result<ApprovalView, Failure>) -> Result<(), Failure> {
    match end {
        Ok(view) => print(&words::ending(view).unwrap_or_else(|| format!("{} denied", view.card.code()))),
        Err(failure) => {
            say(format_args!("holdpoint: {failure}"));
            Ok(())
        }
    }
}

/// What is left to say after every line.
fn summary(ends: &[Result<ApprovalView, Failure>], exit: Exit, json: bool) -> Failure {
    let failed = ends.iter().filter(|end| end.is_err()).count();
    if ends.len() < 2 || failed == 0 || json {
        return Failure::told(exit);
    }
    let all = counted(i128::try_from(ends.len()).unwrap_or_default(), "approval", "approvals");
    Failure::new(exit, format!("{failed} of {all} could not be denied"))
        .hint("what is said of each above tells why; denying again is safe")
}
