//! `approve`, `answer` and `extend`: what needs the card.
//!
//! At a terminal the card is drawn and the question is put, as the prompt does it. A script proves with the card's digest
//! that it saw it, and is held to the same time to read. Answers are never read from a pipe.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::ended::{decided, is_settled};
use super::json::{self, Approval};
use super::link::{Common, Link, gone};
use super::refused::refused;
use super::words;
use crate::cli::{print, say};
use crate::control::{Act, ApprovalView, Decided, Decision, Nonce, Refusal, Role, State, desk};
use crate::error::{Exit, Failure};
use crate::gate::{Digest, Outcome};
use crate::operator::escape::short;
use crate::operator::{terminal, terms};

/// How often the daemon may say "too soon" before that is an error.
const TRIES: u8 = 5;

/// How a decision that needs the card is made.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Proof {
    /// The digest of the card, all 64 digits, as `show --json` prints it: proof that the script saw this card. Without it the
    /// card is shown at the terminal, and answered there
    #[arg(long, value_name = "HEX")]
    pub digest: Option<String>,
    /// What a card takes that wants typing: its amount or its code
    #[arg(long, value_name = "TEXT", requires = "digest")]
    pub confirm: Option<String>,
    #[command(flatten)]
    pub patience: Patience,
}

/// How long the delivery is waited for.
#[derive(Clone, Debug, clap::Args)]
pub struct Patience {
    /// How long to wait until the provider has confirmed what was decided
    #[arg(long, value_name = "DURATION", value_parser = super::waiting::duration, default_value = "30s")]
    pub wait: Duration,
    /// Do not wait for that
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self { wait: Duration::from_secs(30), no_wait: false }
    }
}

/// Arguments of `holdpoint approve`.
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The approval: its code, or its whole id
    #[arg(value_name = "ID")]
    id: String,
    /// More of them, which is refused with what to do.
    #[arg(value_name = "ID", hide = true)]
    more: Vec<String>,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Send this to the agent first, then let the session go on
    #[arg(long, value_name = "TEXT", conflicts_with = "reason")]
    instruct: Option<String>,
    #[command(flatten)]
    proof: Proof,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `holdpoint answer`.
#[derive(Debug, clap::Args)]
pub struct Answer {
    /// The approval of the question: its code, or its whole id
    #[arg(value_name = "ID")]
    id: String,
    /// The answer, 1 to 10 000 characters
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    proof: Proof,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `holdpoint extend`.
#[derive(Debug, clap::Args)]
pub struct Extend {
    /// The approval: its code, or its whole id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    common: Common,
}

/// Approves.
///
/// # Errors
/// When it was not approved, or not delivered.
pub async fn approve(args: Approve) -> Result<(), Failure> {
    if !args.more.is_empty() {
        return Err(one_at_a_time(1 + args.more.len()));
    }
    let act = match args.instruct {
        Some(text) => Act::Instruct { text },
        None => Act::Approve { reason: args.reason },
    };
    let link = Link::open(&args.common.target).await?;
    let view = link.approval(&args.id).await?;
    release(link, view, act, args.proof, args.common.json).await
}

/// Answers a question.
///
/// # Errors
/// When it was not answered.
pub async fn answer(args: Answer) -> Result<(), Failure> {
    let link = Link::open(&args.common.target).await?;
    let view = link.approval(&args.id).await?;
    release(link, view, Act::Answer { text: args.text }, args.proof, args.common.json).await
}

/// Gives everybody more time. It releases nothing, so no digest is asked for.
///
/// # Errors
/// When it cannot be extended.
pub async fn extend(args: Extend) -> Result<(), Failure> {
    let link = Link::open(&args.common.target).await?;
    let view = link.approval(&args.id).await?;
    let decision = Decision { act: Act::Extend, ..decision(&view, view.digest) };
    let code = view.card.code().to_string();
    let taken =
        present_and_decide(&link, decision, Duration::ZERO).await.map_err(|refusal| refused(&code, &refusal))?;
    report(&taken, &link.approval(&view.card.approval.to_string()).await?, args.common.json)
}

/// Lets a session go on, after the operator or the script has seen the card.
///
/// # Errors
/// When it was not released, or the release was not delivered.
pub async fn release(mut link: Link, view: ApprovalView, act: Act, proof: Proof, json: bool) -> Result<(), Failure> {
    let code = view.card.code().to_string();
    let ended = matches!(view.state, State::Ended { .. });
    if !ended {
        // Before anybody reads a card for nothing.
        possible(&link, &view, &act).map_err(|refusal| refused(&code, &refusal))?;
    }
    let Some(digest) = &proof.digest else {
        if terminal::is_usable() && !ended {
            return super::asking::ask(link, &view, act, !proof.patience.no_wait, json).await;
        }
        return if ended { Err(refused(&code, &already(&view))) } else { Err(without_proof(&code)) };
    };
    let digest = parsed(digest)?;
    if !ended {
        say_stopped(&link);
    }
    let typed = proof.confirm.clone();
    let decision = Decision { act, typed: proof.confirm, ..decision(&view, digest) };
    let dwell = Duration::from_millis(link.hello().snapshot.daemon.settings.min_dwell_ms);
    let taken = match &view.state {
        // The same decision again is success, and the daemon knows whether it is the same.
        State::Ended { .. } => link.requests.decide(decision).await,
        State::Draft | State::Open | State::Deciding { .. } if digest != view.digest => {
            Err(Refusal::Stale { revision: view.card.revision })
        }
        State::Draft | State::Open | State::Deciding { .. } => present_and_decide(&link, decision, dwell).await,
    };
    let taken = taken.map_err(|refusal| match (&refusal, &typed) {
        (Refusal::NotConfirmed { .. }, Some(typed)) => unconfirmed(&code, typed),
        (refusal, _) => refused(&code, refusal),
    })?;
    conclude(&mut link, &view, &taken, &proof.patience, json).await
}

/// Whether the daemon would take such an act of this operator at all.
fn possible(link: &Link, view: &ApprovalView, act: &Act) -> Result<(), Refusal> {
    let you = &link.hello().you;
    if you.role < Role::Decide {
        return Err(Refusal::NotPermitted { who: you.operator.0.clone(), needed: Role::Decide });
    }
    desk::fits(&view.card, act)
}

/// A release during a stop of everything counts: a script is told what the card says at a terminal.
fn say_stopped(link: &Link) {
    if let Some(halt) = &link.hello().snapshot.daemon.halt {
        let stopped = crate::operator::words::stopped(halt);
        say(format_args!("{stopped}: what is approved here goes on all the same, everything else stays stopped"));
    }
}

/// Says what became of a decision, after waiting for its delivery.
async fn conclude(
    link: &mut Link,
    view: &ApprovalView,
    taken: &Decided,
    patience: &Patience,
    json: bool,
) -> Result<(), Failure> {
    let view = match taken {
        Decided::Outcome { .. } => delivered(link, view, patience).await?,
        Decided::Counted { .. } | Decided::Extended { .. } => link.approval(&view.card.approval.to_string()).await?,
    };
    report(taken, &view, json)?;
    let failed = match taken {
        Decided::Outcome { outcome } => exit(&view, *outcome, patience),
        Decided::Counted { .. } | Decided::Extended { .. } => None,
    };
    failed.map_or(Ok(()), |exit| Err(Failure::told(exit)))
}

/// The exit code of a decision that was taken.
pub fn exit(view: &ApprovalView, meant: Outcome, patience: &Patience) -> Option<Exit> {
    decided(view, meant, !patience.no_wait)
}

/// The approval once its outcome is delivered, or as it is when the patience is over.
///
/// # Errors
/// When the connection breaks.
pub async fn delivered(link: &mut Link, view: &ApprovalView, patience: &Patience) -> Result<ApprovalView, Failure> {
    let id = view.card.approval.to_string();
    let now = link.approval(&id).await?;
    if patience.no_wait {
        return Ok(now);
    }
    match timeout(patience.wait, link.follow(now, is_settled)).await {
        Ok(view) => view.map_err(gone),
        Err(_) => link.approval(&id).await,
    }
}

/// Presents, waits as long as anybody needs to read, and decides.
async fn present_and_decide(link: &Link, mut decision: Decision, dwell: Duration) -> Result<Decided, Refusal> {
    let nonce: Nonce = link.requests.presented(decision.approval, decision.revision, decision.digest).await?;
    decision.nonce = Some(nonce);
    sleep(dwell).await;
    decide_patiently(link, decision).await
}

/// Sends a decision on a card that was presented, again where the daemon says that it came too soon.
pub async fn decide_patiently(link: &Link, decision: Decision) -> Result<Decided, Refusal> {
    for _ in 0..TRIES {
        match link.requests.decide(decision.clone()).await {
            Err(Refusal::TooSoon { wait_ms }) => sleep(Duration::from_millis(wait_ms)).await,
            taken => return taken,
        }
    }
    link.requests.decide(decision).await
}

fn decision(view: &ApprovalView, digest: Digest) -> Decision {
    let (approval, revision) = (view.card.approval, view.card.revision);
    Decision { approval, revision, digest, nonce: None, typed: None, act: Act::approve() }
}

fn parsed(digest: &str) -> Result<Digest, Failure> {
    Digest::try_from(digest.to_owned()).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("all of it, as `holdpoint show ID --json` prints it; a part proves nothing")
    })
}

/// There is no approve-all, and no way to approve what was not read.
fn one_at_a_time(named: usize) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{named} approvals were named, and one is approved at a time: each card is read before it counts"),
    )
    .hint("`holdpoint attach` shows one card after the other; `holdpoint deny` takes several")
}

fn without_proof(code: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{code}: there is no terminal to ask at, and no --digest says that the card was seen"),
    )
    .hint(format!("take the digest from `holdpoint show {code} --json`, after reading the card"))
}

/// What was given to confirm the card confirms another one, or none.
fn unconfirmed(code: &str, typed: &str) -> Failure {
    let typed = short(typed);
    Failure::new(Exit::Usage, format!("{code}: \"{typed}\" is neither its amount nor its code: nothing was decided"))
        .hint(format!("`holdpoint show {code}` shows what it takes"))
}

fn already(view: &ApprovalView) -> Refusal {
    match &view.state {
        State::Ended { outcome, by, .. } => {
            Refusal::AlreadyDecided { outcome: *outcome, by: crate::control::desk::who(by) }
        }
        State::Draft | State::Open | State::Deciding { .. } => Refusal::Stale { revision: view.card.revision },
    }
}

/// Prints what became of it.
fn report(taken: &Decided, view: &ApprovalView, json: bool) -> Result<(), Failure> {
    if json {
        return print(&json::text(&Approval::from(view)));
    }
    let code = view.card.code();
    match taken {
        Decided::Outcome { outcome } => print(&words::ending(view).unwrap_or_else(|| format!("{code} {outcome}"))),
        Decided::Counted { given, needed } => {
            print(&format!("{code} your approval counts: {given} of {needed} operators; nothing is released yet"))
        }
        Decided::Extended { extensions_left, .. } if view.frozen => print(&format!(
            "{code} has its whole time again once everything goes on: until then its deadline stands still; {}",
            terms::extensions(*extensions_left)
        )),
        Decided::Extended { deadline, extensions_left } => {
            print(&format!("{code} now waits until {deadline:.0}, {}", terms::extensions(*extensions_left)))
        }
    }
}
