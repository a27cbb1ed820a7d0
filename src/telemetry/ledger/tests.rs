//! What is counted of what clients are told.

use super::*;
use crate::control::fixtures::{at, by, ended, open, snapshot};
use crate::control::{ApprovalView, DaemonInfo, Halt, OperatorName, Stillness};
use crate::gate::Outcome;

fn said(metrics: &Metrics, line: &str) -> bool {
    metrics.text().lines().any(|said| said == format!("holdpoint_{line}"))
}

fn session(blind: Option<&str>) -> SessionView {
    let sight = blind.map_or(Sight::Seen, |since| Sight::Blind { since: at(since), why: "reset".to_owned() });
    SessionView {
        session: SessionId::try_from("refund-bot-14").unwrap(),
        agent: None,
        goal: None,
        state: SessionState::Held,
        since: at("2026-11-23T13:00:00Z"),
        standing: Stillness::Paused,
        sight,
        events: 1,
        last: None,
        approval: None,
    }
}

fn approval(ledger: &mut Ledger, metrics: &Metrics, view: ApprovalView) {
    ledger.change(Change::Approval { view: Box::new(view) }, metrics);
}

#[test]
fn an_approval_is_counted_once_whatever_is_told_again() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    approval(&mut ledger, &metrics, open(1, "x"));
    approval(&mut ledger, &metrics, open(1, "x"));
    let now = ledger.now(at("2026-11-23T13:03:11Z"), &metrics);
    assert_eq!((now.pending, now.oldest), (1, Duration::from_secs(60)));
    let denied = |delivery| ended(&open(1, "x"), Outcome::Denied, by("ann", None), delivery, "cancelling");
    approval(&mut ledger, &metrics, denied(Delivery::Applying));
    assert!(said(&metrics, "deliveries_total{result=\"applied\"} 0"));
    ledger.snapshot(snapshot(vec![denied(Delivery::Applied)]), false, &metrics);
    ledger.snapshot(snapshot(vec![denied(Delivery::Applied)]), false, &metrics);
    for line in [
        "approvals_opened_total{effect=\"ask\",risk=\"medium\"} 1",
        "approvals_ended_total{outcome=\"denied\"} 1",
        "deliveries_total{result=\"applied\"} 1",
        "pause_confirmed_seconds_count 1",
    ] {
        assert!(said(&metrics, line), "{line}");
    }
    assert_eq!(ledger.now(at("2026-11-23T13:03:11Z"), &metrics).pending, 0);
}

#[test]
fn what_ended_before_the_daemon_listened_is_not_counted() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    let over = ended(&open(1, "x"), Outcome::Denied, by("ann", None), Delivery::Applied, "cancelled");
    ledger.snapshot(snapshot(vec![over, open(2, "x")]), true, &metrics);
    assert!(said(&metrics, "approvals_ended_total{outcome=\"denied\"} 0"));
    assert!(said(&metrics, "approvals_opened_total{effect=\"ask\",risk=\"medium\"} 1"));
}

#[test]
fn blind_time_is_counted_once_and_from_its_beginning() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    let tell = |ledger: &mut Ledger, blind| {
        ledger.change(Change::Session { view: Box::new(session(blind)) }, &metrics);
    };
    tell(&mut ledger, Some("2026-11-23T13:00:00Z"));
    assert_eq!(ledger.now(at("2026-11-23T13:00:20Z"), &metrics).blind, 1);
    assert!(said(&metrics, "blind_seconds_total 20.0"));
    // Its counters change; its sight does not.
    tell(&mut ledger, Some("2026-11-23T13:00:00Z"));
    ledger.now(at("2026-11-23T13:00:30Z"), &metrics);
    assert!(said(&metrics, "blind_seconds_total 30.0"));
    // A clock that is set back takes nothing away.
    ledger.now(at("2026-11-23T12:00:00Z"), &metrics);
    tell(&mut ledger, None);
    let now = ledger.now(at("2026-11-23T13:05:00Z"), &metrics);
    assert_eq!((now.blind, now.sessions), (0, vec![SessionState::Held]));
    assert!(said(&metrics, "blind_seconds_total 30.0"));
    ledger.change(Change::SessionGone { session: session(None).session }, &metrics);
    assert_eq!(ledger.now(at("2026-11-23T13:05:00Z"), &metrics).sessions, vec![]);
}

#[test]
fn operators_and_a_stop_of_everything_are_what_clients_were_told_last() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    let one = |name: &str, clients| Presence {
        operator: OperatorName(name.to_owned()),
        since: at("2026-11-23T13:00:00Z"),
        clients,
        looking_at: vec![],
    };
    ledger.change(Change::Presence { operators: vec![one("ann", 1), one("bob", 2)] }, &metrics);
    let halt = Halt { by: OperatorName("ann".to_owned()), at: at("2026-11-23T13:00:00Z"), reason: None };
    let daemon = Box::new(DaemonInfo { halt: Some(halt), ..DaemonInfo::default() });
    ledger.change(Change::Daemon { daemon }, &metrics);
    let now = ledger.now(at("2026-11-23T13:00:00Z"), &metrics);
    assert_eq!((now.operators, now.clients, now.halted), (2, 3, true));
    metrics.now(&now);
    assert!(
        said(&metrics, "operators_attached 2") && said(&metrics, "clients_attached 3") && said(&metrics, "halted 1")
    );
}

#[test]
fn a_session_that_waits_for_its_turn_is_counted_until_it_is_followed() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    let mut unfollowed = |sight: Sight| {
        let view = SessionView { sight, ..session(None) };
        ledger.change(Change::Session { view: Box::new(view) }, &metrics);
        let now = ledger.now(at("2026-11-23T13:00:30Z"), &metrics);
        (now.sessions.len(), now.unfollowed, now.blind)
    };
    assert_eq!(unfollowed(Sight::NotYet), (1, 1, 0));
    assert_eq!(unfollowed(Sight::Blind { since: at("2026-11-23T13:00:10Z"), why: "waits".to_owned() }), (1, 0, 1));
    assert_eq!(unfollowed(Sight::Seen), (1, 0, 0));
}

#[test]
fn ten_thousand_approvals_that_have_ended_leave_no_more_behind_than_the_desk_remembers() {
    let (mut ledger, metrics) = (Ledger::default(), Metrics::new());
    let numbered = |n: u128| {
        let mut view = open(1, "x");
        view.card.approval = ApprovalId(uuid::Uuid::from_u128(n));
        view
    };
    let over = |n, delivery| ended(&numbered(n), Outcome::Denied, by("ann", None), delivery, "cancelled");
    approval(&mut ledger, &metrics, numbered(10_000));
    for n in 0..10_000 {
        approval(&mut ledger, &metrics, numbered(n));
        approval(&mut ledger, &metrics, over(n, Delivery::Applying));
    }
    // However many are delivered at the same time, what is told of one is told of no other.
    for n in 0..10_000 {
        approval(&mut ledger, &metrics, over(n, Delivery::Applied));
    }
    approval(&mut ledger, &metrics, over(9_900, Delivery::Applied));
    assert_eq!((ledger.approvals.len(), ledger.ended.len()), (ENDED_KEPT + 1, ENDED_KEPT));
    for line in [
        "approvals_opened_total{effect=\"ask\",risk=\"medium\"} 10001",
        "approvals_ended_total{outcome=\"denied\"} 10000",
        "deliveries_total{result=\"applied\"} 10000",
    ] {
        assert!(said(&metrics, line), "{line}");
    }
    assert_eq!(ledger.now(at("2026-11-23T13:03:11Z"), &metrics).pending, 1, "the one that waits is not forgotten");
}
