//! A pause that leaves while its event is still judged.

use crate::api::{EventKind, PauseAnswer};
use crate::gate::{CallId, Hold};

use super::harness::event;
use super::scene::{Scene, asks, paused, quiet, running};

/// Foretells that the next event of this kind holds.
fn foresee(scene: &mut Scene, kind: EventKind) -> Option<CallId> {
    scene.gate.foresee(&event(500, kind, "words"), false)
}

#[test]
fn it_is_the_pause_of_the_hold_that_opens_then() {
    let mut scene = Scene::new();
    let call = foresee(&mut scene, EventKind::Thought).expect("a pause");
    let said = scene.seen(EventKind::Thought, asks());
    assert!(!said.iter().any(|said| said.starts_with("pause")), "{said:?}");
    scene.paused_as(call, Ok(PauseAnswer::Accepted));
    scene.read(paused());
    assert!(matches!(scene.gate.case.as_ref().expect("a case").card().hold, Hold::Paused { .. }));
}

#[test]
fn it_leaves_once() {
    let mut scene = Scene::new();
    assert!(foresee(&mut scene, EventKind::Step).is_some());
    assert_eq!(foresee(&mut scene, EventKind::Step), None);
}

#[test]
fn what_holds_nothing_or_is_not_certain_to_is_not_foreseen() {
    let mut scene = Scene::new();
    assert_eq!(foresee(&mut scene, EventKind::Done), None, "too late to hold");
    assert_eq!(foresee(&mut scene, EventKind::Question), None, "asked without a pause");
    assert_eq!(scene.gate.foresee(&event(500, EventKind::Step, "words"), true), None, "history");
    for mut scene in [Scene::held(), Scene::asking(), Scene::resuming()] {
        assert_eq!(foresee(&mut scene, EventKind::Step), None, "{:?}", scene.gate.phase);
        assert!(!scene.gate.only_watches(), "{:?}", scene.gate.phase);
    }
    let mut approved = Scene::resuming();
    approved.acted(Ok(()));
    approved.read(running());
    assert!(approved.gate.covered.is_some());
    assert_eq!(foresee(&mut approved, EventKind::Step), None, "it may be the very act that was approved");
}

#[test]
fn one_that_was_foretold_wrongly_is_asked_about() {
    let mut scene = Scene::new();
    let call = foresee(&mut scene, EventKind::Thought).expect("a pause");
    scene.seen(EventKind::Thought, quiet());
    scene.paused_as(call, Ok(PauseAnswer::Accepted));
    assert_eq!(scene.gate.case.as_ref().expect("a case").card().rules[0].name, "late pause");
    let mut scene = Scene::new();
    foresee(&mut scene, EventKind::Thought).expect("a pause");
    scene.seen(EventKind::Thought, quiet());
    let said = scene.seen(EventKind::Thought, asks());
    assert!(said[0].starts_with("pause"), "an old pause is not taken for a new one: {said:?}");
    scene.read(running());
}
