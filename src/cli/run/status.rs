//! How the daemon is, in one line, for `systemctl status`; kept current. Nothing untrusted is in it.

use std::time::Duration;

use jiff::Timestamp;

use super::manager::Manager;
use crate::cli::counted;
use crate::control::{DeskService, SessionState, Sight, Snapshot, State};
use crate::operator::words;

/// How often the line is made again, at first and for so many sessions; it is told when it is another one. All sessions are copied for it,
/// which takes some microseconds for each, and a pause may be due.
const EVERY: Duration = Duration::from_secs(2);
const EVERY_OF_ONE: Duration = Duration::from_millis(3);

/// Keeps the manager's line current until the daemon ends; does nothing where there is no manager.
pub(super) async fn keep(desk: DeskService, manager: Manager) {
    if !manager.listens() {
        return;
    }
    let mut told = String::new();
    while let Some(snapshot) = desk.snapshot().await {
        let now = line(&snapshot, Timestamp::now());
        if now != told {
            manager.status(&now);
            told = now;
        }
        let sessions = u32::try_from(snapshot.sessions.len()).unwrap_or(u32::MAX);
        drop(snapshot);
        tokio::time::sleep(EVERY.max(EVERY_OF_ONE.saturating_mul(sessions))).await;
    }
}

fn line(snapshot: &Snapshot, now: Timestamp) -> String {
    let watched = snapshot.sessions.iter().filter(|view| view.state != SessionState::Over);
    let blind = watched.clone().filter(|view| matches!(view.sight, Sight::Blind { .. })).count();
    let watching = match snapshot.unfollowed() {
        0 => format!("watching {}", sessions(watched.count())),
        unfollowed => {
            let all = watched.count() as u64;
            words::watching(all.saturating_sub(unfollowed), all)
        }
    };
    let mut line = format!("{watching}, {}", waiting(snapshot, now));
    if blind > 0 {
        line.push_str(&format!("; blind on {}", sessions(blind)));
    }
    if snapshot.daemon.halt.is_some() {
        line.push_str("; everything is stopped");
    }
    line
}

fn sessions(count: usize) -> String {
    counted(count as u32, "session", "sessions")
}

fn waiting(snapshot: &Snapshot, now: Timestamp) -> String {
    let open = snapshot.approvals.iter().filter(|view| match view.state {
        State::Draft | State::Open | State::Deciding { .. } => true,
        State::Ended { .. } => false,
    });
    let Some(oldest) = open.clone().map(|view| view.card.opened_at).min() else {
        return "nothing waits for an answer".to_owned();
    };
    let count = open.count();
    let what = counted(count as u32, "approval waits", "approvals wait");
    format!("{what} for an answer, {}{}", if count == 1 { "for " } else { "the oldest for " }, age(now, oldest))
}

/// In whole minutes or hours, so that the line does not change all the time.
fn age(now: Timestamp, since: Timestamp) -> String {
    let minutes = now.duration_since(since).as_secs() / 60;
    match minutes {
        ..1 => "less than a minute".to_owned(),
        1..120 => format!("{minutes}m"),
        120.. => format!("{}h", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{SessionView, fixtures};

    fn session(id: &str, sight: Sight, state: SessionState) -> SessionView {
        SessionView { sight, state, ..fixtures::session(id) }
    }

    #[test]
    fn the_line_counts_what_is_watched_what_waits_and_what_is_not_seen() {
        let mut snapshot = fixtures::snapshot(Vec::new());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(line(&snapshot, now), "watching 0 sessions, nothing waits for an answer");

        let blind = Sight::Blind { since: now, why: String::new() };
        snapshot.sessions = vec![
            session("a", Sight::Seen, SessionState::Watching),
            session("b", blind.clone(), SessionState::Held),
            session("c", blind, SessionState::Over),
        ];
        let followed = snapshot.sessions.clone();
        snapshot.sessions.push(session("d", Sight::NotYet, SessionState::Watching));
        let ramp = "watching 2 of 3 sessions, nothing waits for an answer; blind on 1 session";
        assert_eq!(line(&snapshot, now), ramp);
        snapshot.sessions = followed;
        let mut view = fixtures::open(1, "a");
        view.card.opened_at = now - jiff::SignedDuration::from_secs(20);
        snapshot.approvals = vec![view.clone()];
        let one = "watching 2 sessions, 1 approval waits for an answer, for less than a minute; blind on 1 session";
        assert_eq!(line(&snapshot, now), one);

        view.card.opened_at = now - jiff::SignedDuration::from_secs(270);
        snapshot.approvals.push(view);
        snapshot.sessions.pop();
        snapshot.sessions.pop();
        let two = "watching 1 session, 2 approvals wait for an answer, the oldest for 4m";
        assert_eq!(line(&snapshot, now), two);
    }
}
