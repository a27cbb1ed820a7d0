//! A pause whose answer was lost takes effect after its reason has ended: somebody is asked.

use std::time::Duration;

use crate::api::{EventKind, PauseAnswer, Status};
use crate::control::Act;
use crate::gate::{Hold, Input};

use super::harness::SETTLE;
use super::scene::{Said, Scene, asks, lost, paused, quiet, running};

/// A session that was held after one of our pauses was given up, and has been let go.
fn let_go() -> Scene {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.paused(lost());
    scene.when_due();
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    let said = scene.read(running());
    assert_eq!(said, ["record delivered approved applied", "show approved applied"]);
    scene
}

fn told(scene: &mut Scene, status: &str) -> Said {
    scene.input(Input::Status(Status(status.to_owned())))
}

#[test]
fn a_pause_that_was_given_up_and_arrives_after_the_release_is_asked_about_in_doubt() {
    let mut scene = let_go();
    scene.seen(EventKind::Resumed, quiet());
    let said = scene.seen(EventKind::Paused, quiet());
    assert_eq!(said[..2], ["pause", "record opened"]);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
    let kept = scene.kept();
    assert_eq!(kept.card.rules[0].name, "late pause");
    assert!(matches!(kept.card.hold, Hold::InDoubt { .. }), "{:?}", kept.card.hold);
}

#[test]
fn what_the_stream_says_of_the_hold_before_the_release_asks_nobody() {
    let mut scene = let_go();
    assert_eq!(scene.seen(EventKind::Paused, quiet()), ["read"], "which of the two it speaks of, the state tells");
    assert_eq!(scene.read(running()), [""; 0]);
    assert_eq!(scene.seen(EventKind::Resumed, quiet()), [""; 0]);
}

#[test]
fn a_late_pause_is_asked_about_although_the_resume_before_it_was_not_heard() {
    let mut scene = let_go();
    assert_eq!(scene.seen(EventKind::Paused, quiet()), ["read"]);
    assert_eq!(scene.read(paused())[..2], ["pause", "record opened"]);
    assert_eq!(scene.kept().card.rules[0].name, "late pause");
}

#[test]
fn a_second_paused_event_speaks_of_another_pause_whatever_was_heard_of_the_resume() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.paused(lost());
    scene.seen(EventKind::Paused, quiet());
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    scene.read(running());
    assert_eq!(scene.seen(EventKind::Paused, quiet())[..2], ["pause", "record opened"]);
}

#[test]
fn a_status_that_shows_a_pause_where_nothing_is_held_is_looked_into() {
    let mut scene = let_go();
    assert_eq!(told(&mut scene, "paused"), ["read"]);
    assert_eq!(scene.read(running()), [""; 0], "it was read before the release");
    told(&mut scene, "running");
    assert_eq!(told(&mut scene, "paused"), ["read"]);
    assert_eq!(scene.read(paused())[..2], ["pause", "record opened"]);
}

#[test]
fn where_no_event_tells_of_it_a_last_look_finds_the_late_pause() {
    let mut scene = let_go();
    let released = scene.now.mono;
    assert_eq!(scene.when_due(), ["read"]);
    let waited = (scene.now.mono - released).as_secs();
    assert!((110..=120).contains(&waited), "{waited} s: when nothing can be on its way any more");
    assert_eq!(scene.read(lost()), [""; 0]);
    assert_eq!(scene.when_due(), ["read"], "until it is answered");
    assert_eq!(scene.read(paused())[..2], ["pause", "record opened"]);
}

#[test]
fn a_last_look_that_shows_the_session_running_is_the_end_of_it() {
    let mut scene = let_go();
    scene.when_due();
    assert_eq!(scene.read(running()), [""; 0]);
    assert_eq!(scene.gate.due(), None);
    assert_eq!(told(&mut scene, "paused"), [""; 0], "somebody else's");
}

#[test]
fn a_pause_that_lands_after_a_restart_found_the_session_running_is_asked_about() {
    let mut scene = Scene::new();
    scene.gate.begin_after_another(scene.now.mono);
    assert_eq!(scene.seen(EventKind::Paused, quiet())[..2], ["pause", "record opened"]);
    let mut found = Scene::new();
    found.gate.begin_after_another(found.now.mono);
    assert_eq!(told(&mut found, "paused"), ["read"]);
    assert_eq!(found.read(paused())[..2], ["pause", "record opened"]);
    let mut late = Scene::new();
    late.gate.begin_after_another(late.now.mono);
    late.after(Duration::from_secs(121));
    assert_eq!(late.seen(EventKind::Paused, quiet()), [""; 0], "by now it is somebody else's");
    assert_eq!(told(&mut late, "paused"), [""; 0]);
}

#[test]
fn somebody_elses_pause_long_after_asks_nobody() {
    let mut scene = let_go();
    scene.seen(EventKind::Resumed, quiet());
    scene.after(Duration::from_secs(121));
    assert_eq!(scene.seen(EventKind::Paused, quiet()), [""; 0]);
}

#[test]
fn a_pause_of_the_process_before_may_arrive_late_too() {
    let mut scene = Scene::held();
    scene.restart();
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    scene.read(running());
    scene.seen(EventKind::Resumed, quiet());
    assert_eq!(scene.seen(EventKind::Paused, quiet())[0], "pause");
}
