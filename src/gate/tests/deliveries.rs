//! Delivering: what was decided leaves once, is proved by what is read back, and is repeated only where that is safe.

use std::time::Duration;

use crate::api::{ErrorClass, EventKind, PauseAnswer};
use crate::control::Act;
use crate::gate::Input;
use crate::gate::phase::Phase;
use crate::policy::Effect as RuleEffect;

use super::harness::{SETTLE, TIMEOUT, fires, rule};
use super::scene::{Scene, asks, ended, failed, lost, missing, paused, quiet, refused, running};

#[test]
fn a_resume_whose_result_is_unknown_is_read_back_and_repeated_only_while_paused() {
    let mut scene = Scene::resuming();
    assert_eq!(scene.acted(lost()), ["read"]);
    for _ in 0..4 {
        assert_eq!(scene.read(paused()), [""; 0]);
        assert_eq!(scene.when_due(), ["read"]);
    }
    assert_eq!(scene.read(paused()), ["resume r1"]);
    scene.acted(lost());
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);
}

#[test]
fn not_paused_is_an_answer_about_the_state() {
    let mut scene = Scene::resuming();
    assert_eq!(scene.acted(failed(ErrorClass::NotPaused)), ["read"]);
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);
}

#[test]
fn a_refused_resume_leaves_the_session_paused_and_asks_anew() {
    let mut scene = Scene::resuming();
    assert_eq!(
        scene.acted(refused()),
        ["record delivered approved failed", "show approved failed", "record opened", "show draft r0"]
    );
}

#[test]
fn a_session_that_vanished_while_it_was_released_is_over() {
    let mut scene = Scene::resuming();
    assert_eq!(scene.acted(missing()), ["read"]);
    assert_eq!(scene.read(missing()), [""; 0]);
    assert_eq!(scene.when_due(), ["read"]);
    assert_eq!(scene.read(missing()), ["record delivered approved failed", "show approved failed"]);
    assert!(scene.gate.is_over());
}

#[test]
fn a_step_in_flight_does_not_prove_a_resume() {
    let mut scene = Scene::resuming();
    assert_eq!(scene.seen(EventKind::Step, quiet()), [""; 0]);
    assert_eq!(scene.acted(lost()), ["read"]);
    assert!(matches!(scene.gate.phase, Phase::Delivering(_)));
}

#[test]
fn a_rule_that_fires_while_releasing_pauses_first() {
    let mut scene = Scene::resuming();
    let other = fires(rule("other", RuleEffect::Ask));
    let held = scene.seen(EventKind::Thought, other);
    let expected =
        ["pause", "record delivered approved unknown", "show approved unknown", "record opened", "show draft r0"];
    assert_eq!(held, expected);
}

#[test]
fn a_message_of_unknown_fate_is_never_repeated() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    scene.read(running());
    scene.recorded(Ok(()));
    assert_eq!(scene.acted(lost()), ["read"]);
    for _ in 0..4 {
        scene.read(running());
        assert_eq!(scene.when_due(), ["read"]);
    }
    let unknown = ["record delivered approved unknown", "show approved unknown", "record opened", "show open r1"];
    assert_eq!(scene.read(running()), unknown);
}

#[test]
fn the_echo_of_a_lost_message_proves_that_it_arrived() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    scene.read(running());
    scene.recorded(Ok(()));
    scene.acted(lost());
    scene.seen_text(EventKind::User, "Yes, go on.", quiet());
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);
}

#[test]
fn no_release_leaves_after_the_deadline() {
    let passed = ["record delivered approved failed", "show approved failed", "record opened", "show draft r0"];
    let mut scene = Scene::held();
    scene.now = scene.now.after(TIMEOUT - Duration::from_secs(1));
    scene.decide(Act::approve());
    scene.read(paused());
    scene.now = scene.now.after(Duration::from_secs(1));
    assert_eq!(scene.recorded(Ok(()))[1..5], passed, "the record took until then");

    let mut scene = Scene::held();
    scene.now = scene.now.after(TIMEOUT - Duration::from_secs(1));
    scene.decide(Act::Instruct { text: "wait".to_owned() });
    scene.read(paused());
    assert_eq!(scene.recorded(Ok(()))[1], "message r1 wait");
    scene.now = scene.now.after(Duration::from_secs(1));
    assert_eq!(scene.acted(Ok(())), passed, "the message took until then");

    let mut scene = Scene::asking();
    scene.now = scene.now.after(TIMEOUT - Duration::from_millis(500));
    scene.decide(Act::approve());
    scene.read(running());
    scene.recorded(Ok(()));
    scene.acted(failed(ErrorClass::Unreachable { detail: "no route".to_owned() }));
    assert_eq!(scene.when_due()[0], "record delivered approved failed", "it was to be repeated after then");
}

#[test]
fn a_record_that_took_long_makes_the_session_be_read_once_more() {
    let slow = || {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        scene.now = scene.now.after(Duration::from_secs(3));
        assert_eq!(scene.recorded(Ok(())), ["reply approved", "read", "show approved applying"]);
        scene
    };
    assert_eq!(slow().read(paused()), ["resume r1"]);
    let resumed = slow().read(running());
    assert_eq!(resumed[..2], ["pause", "record delivered approved failed"], "somebody else resumed it meanwhile");
    assert_eq!(slow().seen(EventKind::Step, quiet())[0], "record delivered approved failed");
    assert_eq!(slow().seen(EventKind::Resumed, quiet())[..2], ["pause", "record delivered approved failed"]);
    let mut scene = slow();
    assert_eq!(scene.read(ended()), [""; 0], "one odd look ends nothing");
    assert_eq!(scene.when_due(), ["read"]);
    assert_eq!(scene.read(ended()), ["record delivered approved failed", "show approved failed"]);
    let mut scene = slow();
    for _ in 0..4 {
        scene.read(lost());
        assert_eq!(scene.when_due(), ["read"]);
    }
    assert_eq!(scene.read(lost())[0], "record delivered approved failed");
}

#[test]
fn a_delivery_that_finds_no_session_looks_again_before_it_ends() {
    let slow = || {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        scene.now = scene.now.after(Duration::from_secs(3));
        scene.recorded(Ok(()));
        scene
    };
    let mut scene = slow();
    assert_eq!(scene.read(missing()), [""; 0], "a gateway can say so");
    assert_eq!(scene.when_due(), ["read"]);
    assert_eq!(scene.read(paused()), ["resume r1"]);
    assert_eq!(scene.acted(Ok(())), ["read"]);
    assert_eq!(scene.read(missing()), [""; 0], "what was said before is forgotten");
    assert_eq!(scene.when_due(), ["read"]);
    assert_eq!(scene.read(missing()), ["record delivered approved failed", "show approved failed"]);
    assert!(scene.gate.is_over());
}

#[test]
fn a_stop_lets_what_is_recorded_or_delivered_go_on_and_answers_truthfully() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    assert_eq!(scene.input(Input::Stop), [""; 0]);
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "resume r1", "show approved applying"]);
    scene.acted(Ok(()));
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);
}

/// The stream is faster than the answer: that the agent was let go is known by then.
#[test]
fn an_agent_that_goes_on_to_the_next_act_before_the_resume_is_answered_was_resumed() {
    let mut scene = Scene::resuming();
    scene.seen(EventKind::Resumed, quiet());
    let held = scene.seen(EventKind::Thought, fires(rule("other", RuleEffect::Ask)));
    let expected =
        ["pause", "record delivered approved applied", "show approved applied", "record opened", "show draft r0"];
    assert_eq!(held, expected);
}

/// The answer is lost, the stream tells of it, and somebody pauses the session before it is looked at.
#[test]
fn a_resume_that_the_stream_told_of_is_not_sent_again_for_somebody_elses_pause() {
    let mut scene = Scene::resuming();
    scene.seen(EventKind::Resumed, quiet());
    scene.seen(EventKind::Paused, quiet());
    scene.acted(lost());
    let said = scene.read(paused());
    assert!(said.contains(&"record delivered approved applied".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
}

/// The event may be that of a resume before this one: then somebody is asked, and nothing is sent on a guess.
#[test]
fn a_resumed_event_that_may_be_an_older_one_makes_somebody_be_asked() {
    let mut scene = Scene::held();
    scene.seen(EventKind::Resumed, quiet());
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.seen(EventKind::Step, asks());
    scene.paused(Ok(PauseAnswer::Accepted)); // It ran, and no event has said so.
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.seen(EventKind::Resumed, quiet());
    scene.acted(lost());
    let said = scene.read(paused());
    assert!(said.contains(&"pause".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
}
