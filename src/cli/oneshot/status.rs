//! `status`: how the daemon is, on one screen.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::json;
use super::link::{Common, Link};
use super::listing::waiting;
use super::words;
use crate::cli::{counted, print};
use crate::control::{Halt, Hello, Role, SessionView, Sight};
use crate::error::Failure;
use crate::gate::Digest;
use crate::operator::escape::{again, short};
use crate::operator::words::{stopped, watching};

/// How many sessions that are not seen are named.
const NAMED: usize = 3;

/// Arguments of `holdpoint status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Status<'a> {
    /// The daemon's version.
    version: &'a str,
    /// When it started.
    started_at: Timestamp,
    /// Seconds since then.
    uptime_s: u64,
    /// The provider's address.
    provider: &'a str,
    /// SHA-256 of the policy.
    policy: Digest,
    /// How many rules it has.
    rules: u64,
    /// How many approvals wait.
    pending: usize,
    /// How long the oldest of them has waited; null when none does.
    oldest_age_s: Option<u64>,
    /// How many sessions are in which state.
    sessions: BTreeMap<&'static str, u64>,
    /// How many of them wait for their turn to be followed.
    unfollowed: u64,
    /// Sessions whose events are not seen.
    blind: Vec<&'a str>,
    /// Who is attached; this command is one of them.
    operators: Vec<&'a str>,
    /// The stop of everything; null when there is none.
    halt: Option<&'a Halt>,
    /// Who asks, as the daemon sees it.
    you: &'a str,
    /// What that user may do.
    role: Role,
}

/// Prints how the daemon is.
///
/// # Errors
/// When it cannot be asked.
pub async fn run(args: Args) -> Result<(), Failure> {
    let link = Link::open(&args.common.target).await?;
    let status = status(link.hello(), Timestamp::now());
    if args.common.json { print(&json::text(&status)) } else { print(&lines(&status, link.hello()).join("\n")) }
}

fn status(hello: &Hello, now: Timestamp) -> Status<'_> {
    let (snapshot, daemon) = (&hello.snapshot, &hello.snapshot.daemon);
    let waiting = waiting(snapshot.approvals.clone());
    let oldest = waiting.iter().map(|view| view.card.opened_at).min();
    let mut sessions = BTreeMap::new();
    snapshot.sessions.iter().for_each(|view| *sessions.entry(view.state.name()).or_default() += 1);
    let blind = snapshot.sessions.iter().filter(|view| matches!(view.sight, Sight::Blind { .. }));
    Status {
        version: &daemon.version,
        started_at: daemon.started_at,
        uptime_s: words::between(daemon.started_at, now).as_secs(),
        provider: &daemon.provider,
        policy: daemon.policy,
        rules: daemon.rules,
        pending: waiting.len(),
        oldest_age_s: oldest.map(|opened| words::between(opened, now).as_secs()),
        sessions,
        unfollowed: snapshot.unfollowed(),
        blind: blind.map(|view| view.session.as_str()).collect(),
        operators: snapshot.operators.iter().map(|present| present.operator.0.as_str()).collect(),
        halt: daemon.halt.as_ref(),
        you: &hello.you.operator.0,
        role: hello.you.role,
    }
}

fn lines(status: &Status<'_>, hello: &Hello) -> Vec<String> {
    let age = |seconds| words::span(std::time::Duration::from_secs(seconds));
    let or_none = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let oldest = status.oldest_age_s.map(|seconds| format!(", the oldest for {}", age(seconds))).unwrap_or_default();
    let states = status.sessions.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let rules = counted(status.rules, "rule", "rules");
    let row = |label: &str, text: String| format!("{label:10}{text}");
    let mut lines = vec![
        row("daemon", format!("holdpoint {}, up for {}", short(status.version), age(status.uptime_s))),
        row("provider", again(status.provider)),
        row("policy", format!("{:.12}, {rules}", status.policy.to_string())),
        row("pending", format!("{}{oldest}", status.pending)),
        row("sessions", or_none(states)),
        row("blind", or_none(blind(&hello.snapshot.sessions))),
        row("operators", or_none(status.operators.iter().map(|name| short(name)).collect())),
        row("you", format!("{}, {}", short(status.you), status.role.name())),
    ];
    let all = hello.snapshot.sessions.len() as u64;
    if status.unfollowed > 0 {
        let followed = watching(all.saturating_sub(status.unfollowed), all);
        lines.insert(5, row("following", format!("{followed}; the others wait for their turn")));
    }
    lines.extend(status.halt.map(|halt| row("STOPPED", stopped(halt))));
    lines
}

/// Some that are not seen, each with why; one screen has no room for all of a fleet.
fn blind(sessions: &[SessionView]) -> Vec<String> {
    let blind = sessions.iter().filter_map(|view| match &view.sight {
        Sight::Seen | Sight::NotYet => None,
        Sight::Blind { since, why } => Some(format!("{} since {since:.0} ({})", view.session, again(why))),
    });
    let mut blind: Vec<String> = blind.collect();
    if blind.len() > NAMED + 1 {
        let (all, more) = (blind.len(), blind.len() - NAMED);
        blind.truncate(NAMED);
        blind[0] = format!("{all} sessions: {}", blind[0]);
        blind.push(format!("and {more} more, which `holdpoint sessions` shows"));
    }
    blind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{at, session};

    #[test]
    fn of_a_fleet_that_is_not_seen_some_are_named_and_all_are_counted() {
        let unseen = |number: usize| SessionView {
            sight: Sight::Blind { since: at("2026-11-23T13:02:11Z"), why: "no answer".to_owned() },
            ..session(&format!("s-{number}"))
        };
        let told =
            |count: usize| blind(&(0..count).map(unseen).chain([session("seen")]).collect::<Vec<_>>()).join(", ");
        assert_eq!(told(0), "");
        assert_eq!(told(1), "s-0 since 2026-11-23T13:02:11Z (no answer)");
        assert_eq!(told(4).matches("(no answer)").count(), 4);
        let many = told(300);
        assert!(many.starts_with("300 sessions: s-0 since 2026-11-23T13:02:11Z (no answer), s-1 since "), "{many}");
        assert!(
            many.ends_with(
                "s-2 since 2026-11-23T13:02:11Z (no answer), and 297 more, which `holdpoint sessions` shows"
            ),
            "{many}"
        );
    }
}
