//! More than one operator: votes, exclusions, reasons, and a bound on extending.

use std::time::Duration;

use crate::api::{EventKind, PauseAnswer};
use crate::control::Act;
use crate::gate::phase::Phase;
use crate::gate::{Entry, Input, Settings};
use crate::policy::{Consent, Effect as RuleEffect, OnDeny, ReasonFor, Verdict};

use super::harness::{SETTLE, TIMEOUT, fires, rule, settings};
use super::scene::{Scene, asks, lost, missing, paused, quiet};

fn yes() -> Act {
    Act::approve()
}

fn no() -> Act {
    Act::Deny { reason: None }
}

fn because(reason: &str) -> Option<String> {
    Some(reason.to_owned())
}

fn agreed(consent: Consent) -> Verdict {
    let mut rule = rule("purchase", RuleEffect::Ask);
    rule.consent = consent;
    fires(rule)
}

fn needing(approvals: u8) -> Verdict {
    agreed(Consent { approvals: Some(approvals), ..Consent::default() })
}

fn without(who: &str) -> Verdict {
    agreed(Consent { not_by: [who.to_owned()].into(), ..Consent::default() })
}

/// A session held for two operators, one of whom has approved.
fn once() -> Scene {
    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    scene.recorded(Ok(()));
    scene
}

#[test]
fn the_second_operator_completes_what_the_first_began() {
    let mut scene = Scene::held_by(needing(2));
    assert_eq!(scene.by("ops1", yes()), ["record voted and wait"]);
    assert!(matches!(scene.gate.phase, Phase::Held(_)));
    assert_eq!(scene.recorded(Ok(())), ["show open r1 +ops1", "reply 1 of 2"]);
    assert_eq!(scene.by("ops2", yes()), ["read", "show ops2 deciding"]);
    assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);
    let names: Vec<_> = scene.kept().votes.on(&scene.kept().card).iter().map(|vote| vote.by.0.clone()).collect();
    assert_eq!(names, ["ops1", "ops2"], "the durable decision names both");
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "resume r1", "show approved applying +ops1 +ops2"]);
}

#[test]
fn one_operator_counts_once_however_often() {
    let mut scene = once();
    for _ in 0..3 {
        assert_eq!(scene.by("ops1", yes()), ["reply 1 of 2"]);
    }
    let mut scene = Scene::held_by(needing(3));
    for given in 1..3 {
        scene.by(&format!("ops{given}"), yes());
        assert_eq!(scene.recorded(Ok(()))[1], format!("reply {given} of 3"));
    }
    assert_eq!(scene.by("ops1", yes()), ["reply 2 of 3"]);
    assert_eq!(scene.by("ops3", yes()), ["read", "show ops3 deciding"]);
}

#[test]
fn one_denial_is_enough_at_any_time() {
    let denied = |votes: &str| {
        let shown = format!("show denied applying{votes}");
        ["record decided denied applying".to_owned(), shown, "cancel".to_owned(), "reply denied".to_owned()]
    };
    assert_eq!(once().by("ops2", no()), denied(" +ops1"));
    assert_eq!(once().by("ops1", no()), denied(" +ops1"), "whoever approved may think again");

    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    let said = scene.by("ops2", no());
    assert_eq!(said[..3], ["record decided denied applying", "show denied applying", "refuse already denied by ops2"]);
    assert_eq!(scene.recorded(Ok(())), [""; 0], "the vote was on its way, and counts for nothing");
}

#[test]
fn a_vote_that_is_not_durable_does_not_count() {
    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    assert_eq!(scene.recorded(Err("disk full")), ["record noted", "notice", "refuse store failed"]);
    assert_eq!(scene.by("ops2", yes()), ["record voted and wait"]);
    assert_eq!(scene.recorded(Ok(()))[1], "reply 1 of 2");
}

#[test]
fn what_happens_while_a_vote_is_on_its_way_makes_it_stale() {
    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    assert_eq!(scene.seen(EventKind::Step, quiet()), ["show draft r1", "refuse stale, now r2"]);
    assert_eq!(scene.recorded(Ok(())), [""; 0]);
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);

    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    let said = scene.after(TIMEOUT);
    assert!(said.contains(&"refuse already expired by the deadline".to_owned()), "{said:?}");

    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    assert_eq!(scene.input(Input::Stop), ["refuse stopping"]);
    assert_eq!(scene.recorded(Ok(())), [""; 0]);
}

#[test]
fn votes_that_cross_on_their_way_complete_each_other() {
    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    let first = scene.ticket;
    assert_eq!(scene.by("ops1", yes()), ["refuse ops1 is deciding"]);
    assert_eq!(scene.by("ops2", yes()), ["record voted and wait"]);
    let second = scene.ticket;
    scene.by("ops3", yes());
    let third = scene.ticket;
    assert_eq!(scene.recorded_as(first, Ok(()))[1], "reply 1 of 2");
    let said = scene.recorded_as(second, Ok(()));
    assert_eq!(said, ["read", "show ops2 deciding", "refuse ops2 is deciding"], "the third is not needed");
    assert_eq!(scene.recorded_as(third, Ok(())), [""; 0]);
    scene.read(paused());
    assert_eq!(scene.recorded(Ok(()))[2], "show approved applying +ops1 +ops2");
}

#[test]
fn a_new_revision_voids_the_votes() {
    let mut scene = once();
    assert_eq!(scene.seen(EventKind::Step, quiet()), ["show draft r1"]);
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    assert_eq!(scene.by("ops2", yes()), ["record voted and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["show open r2 +ops2", "reply 1 of 2"]);
}

#[test]
fn a_restart_voids_the_votes_of_holds_and_of_questions() {
    let mut scene = once();
    assert_eq!(scene.restart(), ["pause", "show draft r1"]);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    assert_eq!(scene.by("ops2", yes()), ["record voted and wait"]);

    let mut scene = Scene::new();
    scene.seen(EventKind::Question, needing(2));
    scene.by("ops1", yes());
    scene.recorded(Ok(()));
    assert_eq!(scene.restart(), ["read", "show open r2"]);
    assert_eq!(scene.by("ops2", yes()), ["record voted and wait"]);
}

#[test]
fn a_last_approval_that_fails_leaves_the_others_standing() {
    let mut scene = once();
    scene.by("ops2", yes());
    assert_eq!(scene.read(lost()), ["refuse unverified", "show open r1 +ops1"]);
    scene.by("ops3", yes());
    scene.read(paused());
    assert_eq!(
        scene.recorded(Err("disk full")),
        ["record noted", "notice", "refuse store failed", "show open r1 +ops1"]
    );
    assert_eq!(scene.by("ops2", yes()), ["read", "show ops2 deciding"]);
}

#[test]
fn a_vote_for_a_session_that_ends_is_answered() {
    let mut scene = Scene::held_by(needing(2));
    scene.by("ops1", yes());
    let said = scene.input(Input::Gone);
    assert!(said.contains(&"refuse already withdrawn by the session is gone".to_owned()), "{said:?}");
    assert_eq!(scene.recorded(Ok(())), [""; 0]);
    assert_eq!(scene.read(missing()), [""; 0]);
}

#[test]
fn several_operators_agree_on_what_is_asked_and_on_nothing_else() {
    let text = || "use the test shop".to_owned();
    let mut scene = Scene::held_by(needing(2));
    assert_eq!(scene.by("ops1", Act::Instruct { text: text() }), ["refuse not possible"]);
    let mut scene = Scene::new();
    scene.seen(EventKind::Question, needing(2));
    assert_eq!(scene.by("ops1", Act::Answer { text: text() }), ["refuse not possible"]);
    scene.by("ops1", yes());
    scene.recorded(Ok(()));
    scene.by("ops2", yes());
    scene.read(super::scene::running());
    assert_eq!(scene.recorded(Ok(()))[1], "message r1 Yes, go on.");
}

#[test]
fn a_durable_approval_that_lacks_a_vote_releases_nothing_after_a_restart() {
    let mut scene = once();
    scene.by("ops2", yes());
    scene.read(paused());
    let mut kept = scene.kept();
    assert_eq!(scene.restart_from(kept.clone()), ["read"], "with both it goes on");
    kept.votes = crate::gate::Votes::default();
    let said = scene.restart_from(kept);
    assert_eq!(said, ["record delivered approved failed", "show approved failed", "record opened", "show draft r0"]);
}

#[test]
fn whoever_is_excluded_may_only_say_no() {
    let mut scene = Scene::held_by(without("ops1"));
    let text = || "go".to_owned();
    for act in [yes(), Act::Instruct { text: text() }, Act::Extend] {
        assert_eq!(scene.by("ops1", act), ["refuse ops1 is excluded"]);
    }
    assert_eq!(scene.by("ops1", no())[0], "record decided denied applying");

    let mut scene = Scene::held_by(without("ops1"));
    assert_eq!(scene.by("ops2", yes()), ["read", "show ops2 deciding"]);

    let mut refusing = rule("purchase", RuleEffect::Ask);
    (refusing.on_deny, refusing.refusal) = (Some(OnDeny::Instruct), Some("No.".to_owned()));
    refusing.consent.not_by = ["ops1".to_owned()].into();
    let mut scene = Scene::held_by(fires(refusing));
    assert_eq!(scene.by("ops1", no()), ["refuse ops1 is excluded"], "this no would let it go on");
}

#[test]
fn a_reason_is_wanted_where_the_rule_says_so_and_is_kept() {
    let wanting = |reason| agreed(Consent { reason: Some(reason), ..Consent::default() });
    let mut scene = Scene::held_by(wanting(ReasonFor::Both));
    for act in [yes(), Act::Approve { reason: because("  ") }, no()] {
        assert_eq!(scene.by("ops1", act), ["refuse reason required"]);
    }
    scene.by("ops1", Act::Approve { reason: because("seen the invoice") });
    scene.read(paused());
    let by = crate::control::fixtures::by("ops1", Some("seen the invoice"));
    assert_eq!(scene.kept().closed.expect("an outcome").by, by);

    let mut scene = Scene::held_by(wanting(ReasonFor::Approve));
    assert_eq!(scene.by("ops1", no())[0], "record decided denied applying");
    let mut scene = Scene::held_by(wanting(ReasonFor::Both));
    let text = "ask the shop first".to_owned();
    assert_eq!(scene.by("ops1", Act::Instruct { text })[0], "read", "the text is the reason");
    let mut scene = Scene::held_by(wanting(ReasonFor::Deny));
    assert_eq!(scene.by("ops1", Act::Deny { reason: because("no") })[0], "record decided denied applying");
}

#[test]
fn of_several_rules_the_strictest_terms_hold_also_when_one_joins_later() {
    let first = Consent {
        approvals: Some(2),
        not_by: ["ops1".to_owned()].into(),
        reason: Some(ReasonFor::Approve),
        extension: Some(Duration::from_secs(300)),
        extensions: Some(5),
    };
    let second = Consent {
        approvals: Some(1),
        not_by: ["@agents".to_owned()].into(),
        reason: Some(ReasonFor::Deny),
        extension: None,
        extensions: Some(1),
    };
    let mut scene = Scene::held_by(agreed(first));
    scene.by("ops2", Act::Approve { reason: because("fine") });
    scene.recorded(Ok(()));
    let mut late = rule("another", RuleEffect::Ask);
    late.consent = second;
    assert_eq!(scene.seen(EventKind::Thought, fires(late))[1..], ["record revised", "show draft r1"]);
    scene.after(SETTLE);
    scene.read(paused());
    let kept = scene.kept();
    let terms = &kept.card.terms;
    assert_eq!((terms.approvals, terms.reason), (2, ReasonFor::Both));
    assert_eq!(terms.not_by, ["@agents", "ops1"]);
    assert_eq!((kept.bound.each, kept.bound.most), (Some(Duration::from_secs(300)), 1));
    assert!(kept.votes.on(&kept.card).is_empty(), "the vote was for an older revision");
}

#[test]
fn what_no_rule_says_is_the_sections_and_an_alert_asks_nothing() {
    let consent = Consent { approvals: Some(2), extensions: Some(0), ..Consent::usual() };
    let mut scene = Scene::with(Settings { consent, ..settings() });
    let mut verdict = asks();
    let mut alert = fires(rule("alert", RuleEffect::Alert)).fired.remove(0);
    std::sync::Arc::make_mut(&mut alert.rule).consent.approvals = Some(9);
    verdict.fired.push(alert);
    scene.hold(verdict);
    assert_eq!(scene.kept().card.terms.approvals, 2);
    assert_eq!(scene.by("ops1", Act::Extend), ["refuse not extendable"]);
}

#[test]
fn extending_is_bounded_and_never_takes_time_away() {
    let consent = Consent { extension: Some(Duration::from_secs(120)), extensions: Some(2), ..Consent::default() };
    let mut scene = Scene::held_by(agreed(consent));
    assert_eq!(scene.by("ops1", Act::Extend), ["refuse not extendable"], "ten minutes are left");
    for left in [1, 0] {
        let (_, deadline) = scene.gate.waiting().expect("an approval");
        scene.after(deadline.mono.saturating_sub(scene.now.mono).saturating_sub(Duration::from_secs(60)));
        assert_eq!(scene.by("ops1", Act::Extend)[0], "record extended");
        assert_eq!(scene.kept().extensions_left(), left);
        let (_, deadline) = scene.gate.waiting().expect("an approval");
        assert_eq!(deadline.mono.saturating_sub(scene.now.mono), Duration::from_secs(120));
    }
    scene.after(Duration::from_secs(60));
    assert_eq!(scene.by("ops1", Act::Extend), ["refuse not extendable"]);
    assert_eq!(scene.records.iter().filter(|record| record.entry == Entry::Extended).count(), 2);
}
