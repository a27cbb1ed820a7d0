//! What happened before a session was watched: what of it is held, and what its card says.

use crate::api::{EventKind, MessageId};
use crate::gate::{Input, Timing};
use crate::policy::Effect as RuleEffect;

use super::harness::{event, fires, rule};
use super::scene::{Scene, asks, quiet};

#[test]
fn history_is_held_only_where_its_task_still_runs() {
    let mut scene = Scene::new();
    scene.history(EventKind::Thought, asks());
    assert_eq!(scene.input(Input::CaughtUp), ["pause", "record opened", "show draft r0"]);

    let mut scene = Scene::new();
    scene.history(EventKind::Thought, asks());
    scene.history(EventKind::Done, quiet());
    assert_eq!(scene.input(Input::CaughtUp), ["record noted", "notice"]);
}

#[test]
fn a_card_of_the_history_shows_before_its_trigger_what_came_before_it_and_the_rest_after_it() {
    // The newest five that are remembered are all there is of what came before.
    for later in [0_usize, 2, 7] {
        let mut scene = Scene::new();
        for _ in 0..3 {
            scene.history(EventKind::Thought, quiet());
        }
        scene.history(EventKind::Thought, asks());
        // The scene's ids begin behind a hundred.
        let trigger = 104;
        for _ in 0..later {
            scene.history(EventKind::Step, quiet());
            scene.history(EventKind::User, quiet());
        }
        scene.input(Input::CaughtUp);
        let card = scene.gate.open_card().unwrap();
        assert_eq!(card.trigger.id, Some(MessageId(trigger)));
        let before: Vec<_> = card.before.iter().filter_map(|line| line.id).collect();
        let all: Vec<_> = (trigger - 3..trigger).map(MessageId).collect();
        assert_eq!(before, all[all.len().min(later.saturating_sub(1))..], "{later}");
        assert!(card.after.iter().all(|line| line.id > card.trigger.id), "{later}");
        let newest = trigger + (2 * later as u64).saturating_sub(1);
        assert_eq!(scene.gate.newest().unwrap().id, Some(MessageId(newest)));
    }
}

/// What a thought of before announced may be on its way to be told; a question waits, whoever looks.
#[test]
fn how_late_an_announcement_is_that_came_before_the_session_was_watched_is_not_known() {
    for (kind, timing) in [(EventKind::Thought, Timing::Unknown), (EventKind::Question, Timing::InTime)] {
        let mut scene = Scene::new();
        scene.history(kind, asks());
        scene.input(Input::CaughtUp);
        assert_eq!(scene.gate.open_card().unwrap().timing, timing);
    }
    let mut scene = Scene::new();
    scene.history(EventKind::Thought, asks());
    scene.input(Input::CaughtUp);
    scene.seen(EventKind::Step, quiet());
    assert_eq!(scene.gate.open_card().unwrap().timing, Timing::Late);

    let mut scene = Scene::new();
    scene.history(EventKind::Thought, quiet());
    scene.input(Input::CaughtUp);
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.gate.open_card().unwrap().timing, Timing::InTime, "it came while we looked");
}

#[test]
fn an_instruction_after_the_trigger_does_not_end_its_task() {
    let mut scene = Scene::new();
    scene.history(EventKind::User, quiet());
    scene.history(EventKind::Thought, asks());
    scene.history(EventKind::User, quiet());
    scene.history(EventKind::Step, quiet());
    assert_eq!(scene.input(Input::CaughtUp), ["pause", "record opened", "show draft r0", "show draft r0"]);

    let mut scene = Scene::new();
    scene.history(EventKind::Question, asks());
    scene.history(EventKind::User, quiet());
    assert_eq!(scene.input(Input::CaughtUp), ["record noted", "notice"], "a question was answered");
}

#[test]
fn what_a_stream_replays_of_a_running_task_is_held_although_an_instruction_came_between() {
    let mut scene = Scene::new();
    scene.history(EventKind::User, quiet());
    scene.input(Input::CaughtUp);
    let replayed = event(90, EventKind::Step, "words");
    let held = scene.input(Input::Seen { event: replayed, verdict: asks(), backlog: true });
    assert_eq!(held[0], "pause");
}

#[test]
fn each_finished_task_of_the_history_that_a_rule_fired_in_is_written_down() {
    let mut scene = Scene::new();
    scene.history(EventKind::Thought, asks());
    scene.history(EventKind::Done, quiet());
    scene.history(EventKind::User, quiet());
    assert_eq!(scene.history(EventKind::Thought, asks()), ["record noted", "notice"], "the first task's");
    assert_eq!(scene.input(Input::CaughtUp)[0], "pause", "the second still runs");
}

#[test]
fn an_alert_in_the_history_is_written_down() {
    let mut scene = Scene::new();
    assert_eq!(scene.history(EventKind::Step, fires(rule("odd", RuleEffect::Alert))), ["record noted", "notice"]);
    assert_eq!(scene.input(Input::CaughtUp), [""; 0]);
}
