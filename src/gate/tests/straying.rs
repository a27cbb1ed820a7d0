//! A pause whose answer was lost takes effect after its reason has ended: somebody is asked.

use std::time::Duration;

use crate::api::{EventKind, PauseAnswer};
use crate::control::Act;
use crate::gate::Hold;

use super::harness::SETTLE;
use super::scene::{Scene, asks, lost, paused, quiet, running};

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
    assert_eq!(scene.seen(EventKind::Paused, quiet()), [""; 0]);
    assert_eq!(scene.seen(EventKind::Resumed, quiet()), [""; 0]);
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
