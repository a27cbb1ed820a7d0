//! `pause`, `resume` and `cancel`: an operator's own wish for one session, recorded like everything else.
//!
//! `resume` is an approval like any other: there is no way around the card.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::deciding::{Patience, Proof, release};
use super::json::{self, Session};
use super::link::{Common, Link, gone};
use super::refused::refused;
use super::words;
use crate::api::SessionId;
use crate::cli::{print, say};
use crate::control::{Act, SessionAct, SessionDone, SessionOrder, SessionState, SessionView, Stillness};
use crate::error::{Exit, Failure};
use crate::operator::escape::{again, short};

/// How long it may take until a session whose task has ended is known to rest: it is looked at once more for that.
const RESTS_WITHIN: Duration = Duration::from_secs(5);

/// Arguments of `holdpoint pause` and `holdpoint cancel`.
#[derive(Debug, clap::Args)]
pub struct Order {
    /// The session's id
    #[arg(value_name = "SESSION")]
    session: String,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `holdpoint resume`.
#[derive(Debug, clap::Args)]
pub struct Resume {
    /// The session's id
    #[arg(value_name = "SESSION")]
    session: String,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    proof: Proof,
    #[command(flatten)]
    common: Common,
}

/// What an order prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// What was done, in a sentence.
    what: &'a str,
    /// Whether the provider confirmed it while it was waited for.
    confirmed: bool,
    /// The session as it is now; null when it is no longer watched.
    session: Option<Session<'a>>,
}

/// Pauses a session.
///
/// # Errors
/// When it was refused, or not confirmed in time.
pub async fn pause(args: Order) -> Result<(), Failure> {
    order(args, SessionAct::Pause, is_pause_settled, is_paused).await
}

/// Ends a session's task.
///
/// # Errors
/// When it was refused, or not confirmed in time.
pub async fn cancel(args: Order) -> Result<(), Failure> {
    order(args, SessionAct::Cancel, is_cancelled, is_cancelled).await
}

/// Gives an order, and waits until it is `settled`: what became of it is known then, whether or not it is as `wanted`.
async fn order(
    args: Order,
    act: SessionAct,
    settled: fn(&SessionView) -> bool,
    wanted: fn(&SessionView) -> bool,
) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    let session = named(&args.session)?;
    let done = send(&link, &session, act, args.reason).await?;
    let mut now = link.requests.snapshot().await.map_err(|refusal| refused(session.as_str(), &refusal))?.sessions;
    now.retain(|view| view.session == session);
    let nothing_ran = done.approval.is_none() && now.iter().all(rests);
    if !args.patience.no_wait
        && let Ok(followed) = timeout(args.patience.wait, link.follow_sessions(&mut now, settled)).await
    {
        followed.map_err(gone)?;
    }
    let confirmed = now.iter().all(wanted);
    let has_ended = act == SessionAct::Cancel && confirmed && !nothing_ran;
    if has_ended && !args.patience.no_wait {
        // That it is not known yet contradicts nothing: what matters is confirmed.
        let _ = timeout(RESTS_WITHIN, link.follow_sessions(&mut now, rests)).await;
    }
    let view = now.first();
    let missed = view.filter(|_| !confirmed && !args.patience.no_wait);
    let nothing = missed.and_then(|view| came_to_nothing(act, view.state));
    let what = match nothing {
        // What was begun is no news of what has turned out to be nothing.
        Some((why, _)) => why,
        None if has_ended => "the session's task has ended",
        None => &*done.what,
    };
    if args.common.json {
        print(&json::text(&Report { what, confirmed, session: view.map(Session::from) }))?;
    } else if nothing.is_none() {
        let state = view.map_or("no longer watched", |view| view.state.name());
        print(&format!("{session}: {}; now {state}", again(what)))?;
    }
    if missed.is_none() {
        return Ok(());
    }
    let failed = |why: &str| Failure::new(Exit::NotDelivered, format!("{session}: {why}"));
    Err(match nothing {
        Some((why, hint)) => failed(why).hint(hint),
        None => {
            let noun = if act == SessionAct::Cancel { "cancellation" } else { "pause" };
            failed(&format!("the {noun} was not confirmed within {}", words::wait(args.patience.wait)))
                .hint("it is being repeated; `holdpoint sessions` shows how it stands")
        }
    })
}

/// Why a pause came to nothing, as the session is now, and what there is to do.
fn came_to_nothing(act: SessionAct, state: SessionState) -> Option<(&'static str, &'static str)> {
    match (act, state) {
        (SessionAct::Pause, SessionState::Idle | SessionState::Waiting) => Some((
            "it is not paused: nothing runs there, so there is nothing to pause",
            "nobody pauses it if it begins to act; `holdpoint stop-all` pauses whatever begins to",
        )),
        (SessionAct::Pause, SessionState::Asking) => Some((
            "it is not paused: its agent waits for the answer to a question",
            "`holdpoint pending` lists the question; `holdpoint cancel` ends its task",
        )),
        (SessionAct::Pause, SessionState::Watching) => Some((
            "it is not paused any more: what paused it has ended meanwhile",
            "`holdpoint audit list --session SESSION` tells what became of it",
        )),
        (SessionAct::Pause | SessionAct::Cancel | SessionAct::Ask, _) => None,
    }
}

async fn send(
    link: &Link,
    session: &SessionId,
    act: SessionAct,
    reason: Option<String>,
) -> Result<SessionDone, Failure> {
    let order = SessionOrder { session: session.clone(), act, reason };
    link.requests.session(order).await.map_err(|refusal| refused(session.as_str(), &refusal))
}

fn named(session: &str) -> Result<SessionId, Failure> {
    SessionId::try_from(session).map_err(|error| {
        Failure::new(Exit::NoSuch, format!("{}: {error}", short(session)))
            .hint("`holdpoint sessions` lists what is watched")
    })
}

/// Lets a session go on that waits for an answer or was kept paused.
///
/// # Errors
/// When it is not paused by us, or was not released.
pub async fn resume(args: Resume) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    let session = named(&args.session)?;
    let watched = link.hello().snapshot.sessions.iter().find(|view| view.session == session);
    let missing = || refused(session.as_str(), &crate::control::Refusal::NoSuchSession);
    let (open, state) = watched.map(|view| (view.approval, view.state)).ok_or_else(missing)?;
    let view = match (open, standing(state)) {
        (Some(approval), _) => link.approval(&approval.to_string()).await?,
        (None, Standing::Kept) => {
            let done = send(&link, &session, SessionAct::Ask, args.reason.clone()).await?;
            say(format_args!("{session}: {}", again(&done.what)));
            let approval = done.approval.ok_or_else(|| not_ours(&session, state))?;
            let view = link.approval(&approval.to_string()).await?;
            // A prompt begins with what its connection was told first, and on this one that is older than the approval.
            link = Link::open(&args.common.target).await?;
            view
        }
        (None, Standing::Free | Standing::Busy) => return Err(not_ours(&session, state)),
    };
    release(link, view, Act::Approve { reason: args.reason }, args.proof, args.common.json).await
}

fn not_ours(session: &SessionId, state: SessionState) -> Failure {
    let (exit, why) = match standing(state) {
        Standing::Free => (Exit::NoSuch, "is not paused by us, so there is nothing to resume"),
        Standing::Kept | Standing::Busy => (Exit::DecidedOtherwise, "has nothing open that could be approved"),
    };
    Failure::new(exit, format!("{session} {why}: it is {}", state.name()))
        .hint("`holdpoint sessions` shows how each session stands; a pause of somebody else's is theirs to end")
}

/// How a session without an open approval stands to being resumed.
enum Standing {
    /// Nobody of us paused it.
    Free,
    /// It stays paused until somebody asks.
    Kept,
    /// Something is being done with it.
    Busy,
}

fn standing(state: SessionState) -> Standing {
    match state {
        SessionState::Watching
        | SessionState::Idle
        | SessionState::Waiting
        | SessionState::Asking
        | SessionState::Over => Standing::Free,
        SessionState::Kept => Standing::Kept,
        SessionState::Pausing
        | SessionState::Held
        | SessionState::Cooling
        | SessionState::Releasing
        | SessionState::Cancelling => Standing::Busy,
    }
}

/// Whether a session is paused, as far as the provider has confirmed it, or gone.
fn is_paused(view: &SessionView) -> bool {
    view.state == SessionState::Over || view.standing == Stillness::Paused
}

/// Whether what became of a pause is known. The session was being paused when the order was answered: where it is only watched
/// since then, there was nothing to pause, or the pause has ended.
fn is_pause_settled(view: &SessionView) -> bool {
    match view.state {
        SessionState::Watching | SessionState::Idle | SessionState::Waiting | SessionState::Asking => true,
        SessionState::Pausing
        | SessionState::Held
        | SessionState::Cooling
        | SessionState::Releasing
        | SessionState::Cancelling
        | SessionState::Kept
        | SessionState::Over => is_paused(view),
    }
}

/// Whether it is known that nothing runs in a session.
fn rests(view: &SessionView) -> bool {
    match view.state {
        SessionState::Idle | SessionState::Waiting | SessionState::Over => true,
        SessionState::Watching
        | SessionState::Pausing
        | SessionState::Held
        | SessionState::Asking
        | SessionState::Cooling
        | SessionState::Releasing
        | SessionState::Cancelling
        | SessionState::Kept => false,
    }
}

/// Whether nothing of a session's task is left to cancel.
fn is_cancelled(view: &SessionView) -> bool {
    match view.state {
        SessionState::Watching | SessionState::Idle | SessionState::Waiting | SessionState::Over => true,
        SessionState::Pausing
        | SessionState::Held
        | SessionState::Asking
        | SessionState::Cooling
        | SessionState::Releasing
        | SessionState::Cancelling
        | SessionState::Kept => false,
    }
}
