//! `pending`, `show` and `sessions`: looking, and nothing else.

use jiff::Timestamp;

use super::json::{self, Approval, Session, Shown};
use super::link::{Common, Link};
use super::screen;
use super::table::Table;
use super::words;
use crate::cli::print;
use crate::control::{ApprovalView, SessionView, Sight, State};
use crate::error::Failure;
use crate::operator::escape::escape;
use crate::operator::terms;

/// Arguments of `holdpoint pending`.
#[derive(Debug, clap::Args)]
pub struct Pending {
    #[command(flatten)]
    common: Common,
}

/// Arguments of `holdpoint show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The approval: its code, or its whole id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `holdpoint sessions`.
#[derive(Debug, clap::Args)]
pub struct Sessions {
    #[command(flatten)]
    common: Common,
}

/// Lists what waits.
///
/// # Errors
/// When the daemon cannot be asked.
pub async fn pending(args: Pending) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    let waiting = waiting(link.snapshot().await?.approvals);
    if args.common.json {
        return print(&json::text(&waiting.iter().map(Approval::from).collect::<Vec<_>>()));
    }
    if waiting.is_empty() {
        crate::cli::say("nothing waits for an answer");
        return Ok(());
    }
    lines(&approvals(&waiting, Timestamp::now()))
}

/// Shows one card.
///
/// # Errors
/// When there is none, or the daemon cannot be asked.
pub async fn show(args: Show) -> Result<(), Failure> {
    let link = Link::open(&args.common.target).await?;
    let view = link.approval(&args.id).await?;
    if args.common.json {
        return print(&json::text(&Shown { approval: Approval::from(&view), card: &view.card }));
    }
    let columns = screen::columns().unwrap_or(100);
    print(screen::details(&view, columns).trim_end())?;
    words::ending(&view).map_or(Ok(()), |ending| print(&ending))
}

/// Lists what is watched.
///
/// # Errors
/// When the daemon cannot be asked.
pub async fn sessions(args: Sessions) -> Result<(), Failure> {
    let mut link = Link::open(&args.common.target).await?;
    let watched = link.snapshot().await?.sessions;
    if args.common.json {
        return print(&json::text(&watched.iter().map(Session::from).collect::<Vec<_>>()));
    }
    if watched.is_empty() {
        crate::cli::say("no session is watched");
        return Ok(());
    }
    lines(&session_table(&watched, Timestamp::now()))
}

/// What has no outcome yet: the highest risk first, and within it the least time left.
pub fn waiting(mut approvals: Vec<ApprovalView>) -> Vec<ApprovalView> {
    approvals.retain(|view| !matches!(view.state, State::Ended { .. }));
    approvals.sort_by_key(terms::rank);
    approvals
}

/// A table of approvals.
pub fn approvals(approvals: &[ApprovalView], now: Timestamp) -> Table {
    let mut table = Table::new(&["CODE", "RISK", "LEFT", "AMOUNT", "RULE", "DOMAIN", "TIMING", "STATE", "SESSION"])
        .with_whole("SESSION");
    for view in approvals {
        let card = &view.card;
        table.row(vec![
            card.code().to_string(),
            words::risk(card.risk).to_owned(),
            words::left(view, now),
            words::amount(card),
            words::rule(card),
            words::domain(card),
            card.timing.name().to_owned(),
            words::state(view),
            card.session.to_string(),
        ]);
    }
    table
}

/// A table of sessions.
pub fn session_table(sessions: &[SessionView], now: Timestamp) -> Table {
    let mut table = Table::new(&["SESSION", "STATE", "FOR", "SEEN", "EVENTS", "CODE", "GOAL"]).with_whole("SESSION");
    for view in sessions {
        table.row(vec![
            view.session.to_string(),
            view.state.name().to_owned(),
            words::span(words::between(view.since, now)),
            match &view.sight {
                Sight::Seen => "yes".to_owned(),
                Sight::NotYet => "not yet".to_owned(),
                Sight::Blind { since, .. } => format!("not for {}", words::span(words::between(*since, now))),
            },
            view.events.to_string(),
            view.approval.map(|id| id.code().to_string()).unwrap_or_default(),
            view.goal.as_deref().map(|goal| escape(goal, 120).text).unwrap_or_default(),
        ]);
    }
    table
}

fn lines(table: &Table) -> Result<(), Failure> {
    print(&table.lines(screen::columns()).join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{at, by, ended, open, revised};
    use crate::gate::{Delivery, Outcome};
    use crate::policy::Risk;

    #[test]
    fn what_waits_is_ordered_by_risk_and_then_by_time_left() {
        let medium = open(1, "a");
        let soon = ApprovalView { deadline: at("2026-11-23T13:03:00Z"), ..open(2, "b") };
        let high = revised(&open(3, "c"), |card| card.risk = Risk::High);
        let over = ended(&open(4, "d"), Outcome::Denied, by("ops2", None), Delivery::Applied, "");
        let waiting = waiting(vec![medium.clone(), over, soon.clone(), high.clone()]);
        assert_eq!(waiting, [high, soon, medium]);
    }

    #[test]
    fn hostile_text_in_a_table_is_shown_and_stays_on_its_line() {
        let view = revised(&open(1, "x"), |card| {
            card.domain = Some("a\u{202e}b\u{1b}[2J\nshop".to_owned());
            card.rules[0].name = "pur\u{9b}chase\r".to_owned();
        });
        let lines = approvals(&[view], at("2026-11-23T13:02:59Z")).lines(None);
        insta::assert_snapshot!(lines.join("\n"), @r"
        CODE  RISK    LEFT    AMOUNT      RULE                      DOMAIN                        TIMING   STATE  SESSION
        3333  medium  9m 12s  410.00 USD  pur<U+009B>chase<U+000D>  a<U+202E>b<U+001B>[2J ⏎ shop  in time  open   refund-bot-14
        ");
    }
}
