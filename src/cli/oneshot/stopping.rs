//! `stop-all`: the kill switch. Every watched session that acts, or may, is paused at once, and one in which nothing runs as soon
//! as it begins to act; no deadline runs, nothing is released until it is ended.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{sleep, timeout};

use super::json;
use super::link::{Common, Link, gone};
use super::refused::refused;
use super::screen;
use super::table::Table;
use super::words;
use crate::cli::target::Target;
use crate::cli::{counted, print, say};
use crate::control::{Gone, Halt, Hello, SessionView, Stillness, worded};
use crate::error::{Exit, Failure};
use crate::operator::words::stopped;

/// How long after its end a stream is opened again.
const AGAIN: Duration = Duration::from_millis(100);

/// Of so many sessions each has a line; of more, those in which nothing runs are counted.
const ALL: usize = 20;

/// What holds whatever this command could not find out.
const IN_FORCE: &str = "the stop is in force all the same; `holdpoint sessions` shows how the sessions stand";

/// Arguments of `holdpoint stop-all`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Why; it is recorded, and every operator sees it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// End the stop: deadlines run again, and what was paused is asked about. Nothing is released by it
    #[arg(long, conflicts_with_all = ["reason", "wait"])]
    end: bool,
    /// How long to wait until every session is confirmed to be paused, or to have nothing that runs
    #[arg(long, value_name = "DURATION", value_parser = super::waiting::duration, default_value = "10s")]
    wait: Duration,
    #[command(flatten)]
    common: Common,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Who stopped everything.
    by: &'a str,
    /// Since when.
    at: Timestamp,
    /// Why.
    reason: Option<&'a str>,
    /// Whether that was before this command: then its reason, if it gave one, is not the stop's.
    earlier: bool,
    /// Whether no session acts any more: each is confirmed to be paused, or nothing in it runs.
    confirmed: bool,
    /// Each session.
    sessions: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    session_id: &'a str,
    /// The stop is asked for.
    requested: bool,
    /// Whether it stands still.
    confirmed: bool,
    /// Why it stands still: `paused`, `nothing_runs` (no task, or the agent waits for an answer), or `not_yet`.
    standing: Stillness,
    state: &'static str,
}

/// Stops everything, or ends the stop.
///
/// # Errors
/// [`Exit::NotDelivered`] when a session may still act after the time to wait.
pub async fn run(args: Args) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    if args.end {
        link.requests.end_halt().await.map_err(|refusal| refused("stop-all --end", &refusal))?;
        return ended(link.hello().snapshot.daemon.halt.as_ref(), args.common.json);
    }
    let reason = args.reason.and_then(worded);
    let halt = link.requests.halt(reason.clone()).await.map_err(|refusal| refused("stop-all", &refusal))?;
    let earlier = is_earlier(&halt, reason.as_deref(), link.hello());
    // First: whatever becomes of this command now, everything is stopped.
    if !args.common.json {
        print(&stopped(&halt))?;
    }
    if earlier {
        say(already(reason.is_some()));
    }
    // Read after the stop: what stood still before it may have begun to act.
    let now = link.requests.snapshot().await.map_err(|refusal| refused("stop-all", &refusal).hint(IN_FORCE))?;
    let mut sessions = now.sessions;
    // When the time is over, what is confirmed by then is in the list.
    let followed = timeout(args.wait, follow(&mut link, &args.common.target, &mut sessions)).await;
    report(&halt, earlier, &sessions, args.common.json)?;
    if let Ok(Err(failure)) = followed {
        return Err(failure.hint(IN_FORCE));
    }
    let open = sessions.iter().filter(|view| !stands(view)).count();
    if open == 0 {
        return Ok(());
    }
    let (open, all) = (counted(len(open), "session", "sessions"), sessions.len());
    Err(Failure::new(Exit::NotDelivered, format!("{open} of {all} not confirmed within {}", words::wait(args.wait)))
        .hint("the pauses are being repeated; `holdpoint sessions` shows how they stand"))
}

/// Whether the stop in force is not the one that was asked for here, but one that was there before it.
fn is_earlier(halt: &Halt, reason: Option<&str>, hello: &Hello) -> bool {
    let known = hello.snapshot.daemon.halt.as_ref() == Some(halt);
    known || halt.by != hello.you.operator || halt.reason.as_deref() != reason
}

fn already(with_reason: bool) -> &'static str {
    match with_reason {
        true => {
            "everything was stopped already: that stop stands, with the reason it was given; yours is told to everybody \
             who is attached, and is not part of the trail"
        }
        false => "everything was stopped already: that stop stands",
    }
}

/// Waits until every session stands still. A stream that ends says nothing about the sessions: another one is opened, and they
/// are read anew.
async fn follow(link: &mut Link, target: &Target, sessions: &mut Vec<SessionView>) -> Result<(), Failure> {
    while let Err(why) = link.follow_sessions(sessions, stands).await {
        match why {
            Gone::NotPermitted => return Err(gone(why)),
            Gone::TooSlow | Gone::Ended | Gone::Lost => {
                sleep(AGAIN).await;
                *link = Link::open(target).await?;
                *sessions = link.snapshot().await?.sessions;
            }
        }
    }
    Ok(())
}

fn stands(view: &SessionView) -> bool {
    view.standing != Stillness::NotYet
}

/// `was`: the stop that was in force when this command came.
fn ended(was: Option<&Halt>, json: bool) -> Result<(), Failure> {
    print(match was {
        _ if json => "{\"halt\":null}",
        Some(_) => "everything may go on: deadlines run again, and what is held is still held",
        None => "nothing was stopped, so there is no stop to end; what is held is still held",
    })
}

fn report(halt: &Halt, earlier: bool, sessions: &[SessionView], json: bool) -> Result<(), Failure> {
    if json {
        let lines = sessions.iter().map(|view| Line {
            session_id: view.session.as_str(),
            requested: true,
            confirmed: stands(view),
            standing: view.standing,
            state: view.state.name(),
        });
        let confirmed = sessions.iter().all(stands);
        let (by, reason) = (halt.by.0.as_str(), halt.reason.as_deref());
        return print(&json::text(&Report { by, at: halt.at, reason, earlier, confirmed, sessions: lines.collect() }));
    }
    print(&lines(sessions, screen::columns()).join("\n"))
}

fn lines(sessions: &[SessionView], columns: Option<usize>) -> Vec<String> {
    if sessions.is_empty() {
        return vec!["no session is watched".to_owned()];
    }
    let mut table = Table::new(&["SESSION", "REQUESTED", "CONFIRMED", "STATE"]).with_whole("SESSION");
    let shown = sessions.iter().filter(|view| sessions.len() <= ALL || view.standing != Stillness::NothingRuns);
    for view in shown.clone() {
        let confirmed = match view.standing {
            Stillness::Paused => "paused",
            Stillness::NothingRuns => "nothing runs",
            Stillness::NotYet => "not yet",
        };
        table.row(vec![view.session.to_string(), "yes".into(), confirmed.into(), view.state.name().into()]);
    }
    let table = if shown.count() > 0 { table.lines(columns) } else { Vec::new() };
    table.into_iter().chain([in_all(sessions)]).collect()
}

/// How many sessions there are of each kind.
fn in_all(sessions: &[SessionView]) -> String {
    let of = |standing| sessions.iter().filter(|view| view.standing == standing).count();
    let kinds = [
        (of(Stillness::Paused), "paused"),
        (of(Stillness::NothingRuns), "in which nothing runs"),
        (of(Stillness::NotYet), "not confirmed yet"),
    ];
    let some = kinds.iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = some.map(|(count, what)| format!("{count} {what}")).collect();
    format!("{}: {}", counted(len(sessions.len()), "session", "sessions"), kinds.join(", "))
}

fn len(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::session;

    fn standing(id: &str, standing: Stillness) -> SessionView {
        SessionView { standing, ..session(id) }
    }

    #[test]
    fn a_few_sessions_have_a_line_each_and_are_counted() {
        let sessions = [standing("a", Stillness::Paused), standing("b", Stillness::NothingRuns)];
        let told = lines(&sessions, None);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[1].starts_with('a') && told[1].contains("paused"), "{told:?}");
        assert!(told[2].starts_with('b') && told[2].contains("nothing runs"), "{told:?}");
        assert_eq!(told[3], "2 sessions: 1 paused, 1 in which nothing runs");
    }

    #[test]
    fn of_a_fleet_only_what_may_act_or_is_paused_has_a_line() {
        let resting = (0..300).map(|number| standing(&format!("rests-{number}"), Stillness::NothingRuns));
        let idle: Vec<SessionView> = resting.collect();
        assert_eq!(lines(&idle, None), ["300 sessions: 300 in which nothing runs"]);
        let open = [standing("a", Stillness::NotYet), standing("b", Stillness::Paused)];
        let told = lines(&[idle, open.to_vec()].concat(), None);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[1].starts_with('a') && told[1].contains("not yet"), "{told:?}");
        assert_eq!(told[3], "302 sessions: 1 paused, 300 in which nothing runs, 1 not confirmed yet");
    }
}
