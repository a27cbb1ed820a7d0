//! A restart goes on from what was kept, whatever that was.

use crate::api::{EventKind, PauseAnswer};
use crate::clock::Moment;
use crate::control::{Act, Halt, OperatorName};
use crate::gate::phase::Phase;
use crate::gate::{Hold, Settings};
use crate::policy::{Consent, Effect as RuleEffect, OnDeny};

use super::harness::{SETTLE, TIMEOUT, fires, rule, settings};
use super::scene::{Scene, asks, deny, ended, missing, paused, quiet, running};

#[test]
fn an_open_hold_is_paused_again_and_asked_at_a_new_revision() {
    let mut scene = Scene::held();
    assert_eq!(scene.restart(), ["pause", "show draft r1"]);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    scene.decide(Act::approve());
    scene.read(paused());
    assert_eq!(scene.recorded(Ok(()))[1], "resume r2", "the pause is still ours");
}

#[test]
fn an_open_hold_whose_time_passed_meanwhile_expires() {
    let mut scene = Scene::held();
    scene.now = scene.now.after(TIMEOUT);
    let expected = ["pause", "show draft r1", "record decided expired applying", "show expired applying", "cancel"];
    assert_eq!(scene.restart(), expected);
}

#[test]
fn a_clock_set_back_meanwhile_does_not_prolong_the_deadline() {
    let mut scene = Scene::held();
    scene.now.wall = scene.now.wall.checked_sub(jiff::SignedDuration::from_secs(5000)).unwrap();
    scene.restart();
    assert_eq!(scene.gate.waiting().unwrap().1.mono, scene.now.after(TIMEOUT).mono);
}

#[test]
fn a_stricter_rule_that_joined_is_not_forgotten() {
    let mut scene = Scene::held_by(fires(rule("rate limit", RuleEffect::Cooldown)));
    scene.seen(EventKind::Step, asks());
    assert_eq!(scene.restart(), ["pause", "show draft r1"], "it asks, and does not cool down");
}

#[test]
fn a_question_is_asked_again() {
    let mut scene = Scene::asking();
    assert_eq!(scene.restart(), ["read", "show open r2"]);
    assert_eq!(scene.read(ended()), [""; 0]);
    scene.when_due();
    assert_eq!(scene.read(ended()), ["record decided withdrawn applied", "show withdrawn applied"]);
}

#[test]
fn a_durable_approval_is_delivered_only_while_the_session_is_paused() {
    let mut scene = Scene::resuming();
    assert_eq!(scene.restart(), ["read"]);
    assert_eq!(scene.read(paused()), ["resume r1"]);

    let mut scene = Scene::resuming();
    scene.restart();
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);

    let mut scene = Scene::resuming();
    scene.now = scene.now.after(TIMEOUT);
    scene.restart();
    assert_eq!(scene.read(paused())[0], "record delivered approved failed");

    let mut scene = Scene::resuming();
    scene.restart();
    scene.seen(EventKind::Step, quiet());
    assert_eq!(scene.read(paused())[0], "record delivered approved failed", "the agent acted in between");

    let mut scene = Scene::resuming();
    scene.restart();
    assert_eq!(scene.read(missing()), [""; 0]);
    assert_eq!(scene.when_due(), ["read"]);
    assert_eq!(scene.read(missing()), ["record delivered approved failed", "show approved failed"]);
}

#[test]
fn a_rule_that_fires_before_the_state_is_known_pauses_first() {
    let mut scene = Scene::resuming();
    scene.restart();
    assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause");
}

#[test]
fn a_durable_message_is_looked_for_and_never_sent_again() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    scene.read(running());
    scene.recorded(Ok(()));
    scene.restart();
    assert_eq!(scene.read(running()), ["read"]);
    for _ in 0..3 {
        scene.read(running());
        scene.when_due();
    }
    assert_eq!(scene.read(running())[0], "record delivered approved unknown");
}

#[test]
fn a_denial_is_carried_out_again() {
    let mut scene = Scene::held();
    scene.decide(deny());
    assert_eq!(scene.restart(), ["cancel"]);
}

#[test]
fn a_kept_session_is_watched_over_again() {
    let mut terms = rule("purchase", RuleEffect::Ask);
    terms.on_deny = Some(OnDeny::KeepPaused);
    let mut scene = Scene::held_by(fires(terms));
    scene.decide(deny());
    assert_eq!(scene.restart(), ["read"]);
    assert!(matches!(scene.gate.phase, Phase::Kept(_)));
    assert_eq!(scene.read(running())[0], "pause");
}

#[test]
fn a_session_kept_before_its_pause_was_confirmed_is_paused_again_and_nobody_is_blamed() {
    let mut terms = rule("purchase", RuleEffect::Ask);
    terms.on_deny = Some(OnDeny::KeepPaused);
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, fires(terms));
    scene.decide(deny());
    assert_eq!(scene.restart(), ["pause"]);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    assert_eq!(scene.read(running()), [""; 0], "an earlier pause of ours may still be on its way");
    scene.when_due();
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    assert!(matches!(scene.gate.phase, Phase::Kept(_)));
}

#[test]
fn a_delivered_approval_needs_nothing() {
    let mut scene = Scene::resuming();
    scene.acted(Ok(()));
    scene.read(running());
    assert_eq!(scene.restart(), ["nothing to go on from"]);
}

/// It leaves before anything is written: killed in between, a process leaves a pause that nobody remembers.
#[test]
fn a_pause_of_which_nothing_was_kept_leaves_in_doubt_whose_it_is_and_only_an_operator_resumes_it() {
    for (verdict, asked) in
        [(asks(), "show open r1"), (fires(rule("rate limit", RuleEffect::Cooldown)), "show open r1")]
    {
        let mut scene = Scene::new();
        scene.gate.begin_perhaps_paused();
        scene.input(crate::gate::Input::Status(crate::api::Status("running".to_owned())));
        scene.history(EventKind::Thought, verdict);
        scene.input(crate::gate::Input::CaughtUp);
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(paused());
        scene.after(SETTLE);
        assert_eq!(scene.read(paused()).last().map(String::as_str), Some(asked));
        assert!(matches!(scene.kept().card.hold, Hold::InDoubt { .. }), "{:?}", scene.kept().card.hold);
        scene.decide(Act::approve());
        scene.read(paused());
        assert_eq!(scene.recorded(Ok(()))[1], "resume r1");
    }
}

#[test]
fn a_pause_of_an_earlier_process_is_out_of_the_question_once_the_session_was_seen_to_act() {
    let mut scene = Scene::new();
    scene.gate.begin_perhaps_paused();
    scene.seen(EventKind::Thought, asks());
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(scene.kept().card.hold, Hold::ByOthers);
}

/// An extension may give more time than operators had at first.
#[test]
fn a_restart_takes_no_extension_back_and_a_clock_that_was_set_back_prolongs_none() {
    let extended = || {
        let consent = Consent { extension: Some(TIMEOUT * 3), ..Consent::usual() };
        let mut scene = Scene::with(Settings { consent, ..settings() });
        scene.hold(asks());
        assert_eq!(scene.decide(Act::Extend)[0], "record extended");
        scene
    };
    let left = |scene: &Scene| scene.gate.waiting().expect("an approval").1.mono.saturating_sub(scene.now.mono);

    let mut scene = extended();
    scene.after(TIMEOUT / 2);
    scene.restart();
    assert_eq!(left(&scene), TIMEOUT * 5 / 2);

    let mut scene = extended();
    scene.now = Moment { wall: scene.now.wall - TIMEOUT * 9, ..scene.now };
    scene.restart();
    assert_eq!(left(&scene), TIMEOUT * 3);

    let mut scene = extended();
    let halt = Halt { by: OperatorName("ops".to_owned()), at: scene.now.wall, reason: None };
    let kept = scene.kept();
    scene.restart_from_halted(kept, Some(halt));
    assert_eq!(left(&scene), TIMEOUT * 3);
}
