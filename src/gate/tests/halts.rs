//! Everything is stopped: what that holds, what it lets pass, and how time stands still.

use std::time::Duration;

use crate::api::{ErrorClass, EventKind, PauseAnswer};
use crate::clock::Moment;
use crate::control::{Act, Halt, OperatorName};
use crate::gate::phase::Phase;
use crate::gate::{Input, Kept, Plan, was_let_go};
use crate::policy::{Effect as RuleEffect, OnDeny};

use super::harness::{COOLDOWN, SETTLE, TIMEOUT, fires, rule};
use super::scene::{Said, Scene, asks, ended, failed, paused, quiet, waiting};

fn halt(at: Moment) -> Halt {
    Halt { by: OperatorName("ops1".to_owned()), at: at.wall, reason: Some("fire".to_owned()) }
}

fn stop(scene: &mut Scene) -> Said {
    let halt = halt(scene.now);
    scene.input(Input::Halt(halt))
}

fn kept(scene: &Scene) -> Kept {
    scene.gate.case.as_ref().expect("a case").kept.clone()
}

fn settle(scene: &mut Scene) {
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
}

#[test]
fn a_session_that_is_watched_is_paused_first_and_its_deadline_stands_still() {
    let mut scene = Scene::new();
    let said = stop(&mut scene);
    assert_eq!(said, ["pause", "record opened", "show draft r0", "record frozen", "show draft r0"]);
    let card = kept(&scene).card;
    assert_eq!(card.rules[0].name, "stop of everything by ops1");
    assert_eq!(card.trigger.text, "stop of everything by ops1: fire");
    assert_eq!(kept(&scene).frozen, Some(TIMEOUT));
}

#[test]
fn no_deadline_passes_while_everything_is_stopped_and_it_goes_on_with_what_was_left() {
    let mut scene = Scene::held();
    let left = TIMEOUT - Duration::from_secs(100) - SETTLE;
    scene.after(Duration::from_secs(100));
    stop(&mut scene);
    assert_eq!(kept(&scene).frozen, Some(left));
    for _ in 0..20 {
        scene.after(TIMEOUT);
        scene.read(paused());
    }
    assert!(kept(&scene).closed.is_none());
    assert_eq!(scene.input(Input::EndHalt), ["record thawed", "show open r1"]);
    assert_eq!(kept(&scene).deadline, scene.now.after(left).wall);
    let before = scene.after(left - Duration::from_secs(1));
    assert!(!before.iter().any(|line| line.contains("expired")), "{before:?}");
    let after = scene.after(Duration::from_secs(1));
    assert!(after.contains(&"record decided expired applying".to_owned()), "{after:?}");
}

#[test]
fn what_was_left_survives_a_restart_that_is_still_stopped_and_one_that_is_not() {
    for still in [true, false] {
        let mut scene = Scene::held();
        scene.after(Duration::from_secs(100));
        let halt = halt(scene.now);
        scene.input(Input::Halt(halt.clone()));
        let left = kept(&scene).frozen.expect("frozen");
        scene.now = scene.now.after(TIMEOUT * 10);
        let last = scene.kept();
        scene.restart_from_halted(last, still.then_some(halt));
        assert_eq!(kept(&scene).frozen, still.then_some(left));
        assert_eq!(kept(&scene).deadline, scene.now.after(left).wall);
    }
}

#[test]
fn a_crash_before_a_deadline_was_frozen_loses_no_more_than_the_time_until_the_stop() {
    let mut scene = Scene::held();
    let kept_before = scene.kept();
    scene.after(Duration::from_secs(100));
    let halt = halt(scene.now);
    scene.now = scene.now.after(TIMEOUT * 10);
    scene.restart_from_halted(kept_before, Some(halt));
    assert_eq!(kept(&scene).frozen, Some(TIMEOUT - Duration::from_secs(100) - SETTLE));
    assert!(kept(&scene).closed.is_none());
}

#[test]
fn a_deadline_that_had_no_time_left_at_the_stop_passes_only_after_it() {
    let mut scene = Scene::held();
    let kept_before = scene.kept();
    let mut halt = halt(scene.now);
    halt.at = kept_before.deadline;
    let said = scene.restart_from_halted(kept_before, Some(halt));
    assert_eq!(kept(&scene).frozen, Some(Duration::ZERO));
    assert!(kept(&scene).closed.is_none(), "{said:?}");
    let said = scene.after(Duration::from_secs(1));
    assert!(kept(&scene).closed.is_none(), "{said:?}");
    scene.input(Input::EndHalt);
    scene.after(Duration::from_secs(1));
    assert_eq!(kept(&scene).closed.map(|closed| closed.outcome), Some(crate::gate::Outcome::Expired));
}

#[test]
fn an_extension_gives_its_whole_time_once_the_stop_is_over() {
    let mut scene = Scene::held();
    scene.after(Duration::from_secs(100));
    stop(&mut scene);
    let said = scene.decide(Act::Extend);
    assert!(said.contains(&"reply extended".to_owned()), "{said:?}");
    assert_eq!(kept(&scene).frozen, Some(TIMEOUT));
}

#[test]
fn an_operator_may_still_let_one_session_go_and_it_is_not_stopped_again() {
    let mut scene = Scene::new();
    stop(&mut scene);
    settle(&mut scene);
    scene.decide(Act::approve());
    scene.read(paused());
    let said = scene.recorded(Ok(()));
    assert!(said.contains(&"resume r1".to_owned()), "{said:?}");
    scene.acted(Ok(()));
    scene.read(super::scene::running());
    assert_eq!(scene.seen(EventKind::Thought, quiet()), Said::new());
    assert!(scene.seen(EventKind::Thought, asks()).contains(&"pause".to_owned()), "rules still hold it");
}

#[test]
fn what_an_operator_has_let_go_despite_the_stop_goes_on_through_a_restart() {
    let mut scene = Scene::new();
    stop(&mut scene);
    let in_force = halt(scene.now);
    settle(&mut scene);
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    let leaving = kept(&scene);
    assert!(!was_let_go(&in_force, [&leaving]), "it has not arrived yet");
    scene.acted(Ok(()));
    scene.read(super::scene::running());
    let gone = scene.kept();
    assert_eq!(scene.restart_from_halted(gone.clone(), Some(in_force.clone())), Said::new());
    assert_eq!(scene.seen(EventKind::Thought, quiet()), Said::new());
    assert!(scene.seen(EventKind::Thought, asks()).contains(&"pause".to_owned()), "rules still hold it");
    let denied = {
        settle(&mut scene);
        scene.decide(super::scene::deny());
        scene.kept()
    };
    for both in [[&gone, &denied], [&denied, &gone]] {
        assert!(!was_let_go(&in_force, both), "it was asked about, and a name says nothing of when");
    }
    assert!(was_let_go(&in_force, [&gone, &gone]));
    // A stop since then knows nothing of that.
    let said = scene.restart_from_halted(gone, Some(halt(scene.now)));
    assert!(said.contains(&"pause".to_owned()), "{said:?}");
}

#[test]
fn a_session_that_begins_to_act_while_everything_is_stopped_is_paused() {
    let mut scene = Scene::new();
    stop(&mut scene);
    for _ in 0..3 {
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(super::scene::ended());
        scene.after(Duration::from_secs(1));
    }
    assert!(matches!(scene.gate.phase, Phase::Watching), "its task had ended");
    assert_eq!(scene.seen(EventKind::Log, quiet()), Said::new());
    assert_eq!(scene.seen(EventKind::Thought, quiet())[0], "pause");
}

#[test]
fn rules_that_act_by_themselves_ask_while_everything_is_stopped_and_after() {
    for effect in [RuleEffect::Cooldown, RuleEffect::Instruct] {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, fires(rule("calm", effect)));
        stop(&mut scene);
        settle(&mut scene);
        assert_eq!(kept(&scene).plan, Plan::Ask);
        scene.input(Input::EndHalt);
        let said = scene.after(COOLDOWN * 2);
        assert!(!said.iter().any(|line| line.contains("wait")), "{said:?}");
        assert!(scene.gate.shown_approval().is_some());
    }
}

#[test]
fn a_rule_s_refusal_lets_nothing_go_on_while_everything_is_stopped() {
    let mut scene = Scene::new();
    stop(&mut scene);
    settle(&mut scene);
    let mut denies = rule("never", RuleEffect::Deny);
    (denies.on_deny, denies.refusal) = (Some(OnDeny::Instruct), Some("Never.".to_owned()));
    let said = scene.seen(EventKind::Step, fires(denies));
    assert!(said.contains(&"record decided denied applied".to_owned()), "{said:?}");
    assert!(matches!(scene.gate.phase, Phase::Kept(_)));
}

#[test]
fn a_release_that_was_durable_before_the_stop_does_not_leave_after_a_restart() {
    let mut scene = Scene::resuming();
    let last = scene.records.iter().rev().find_map(|record| record.kept.clone()).expect("a record");
    let halt = halt(scene.now.after(Duration::from_secs(1)));
    scene.now = scene.now.after(Duration::from_secs(5));
    let said = scene.restart_from_halted(last, Some(halt));
    assert!(said.contains(&"pause".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
    settle(&mut scene);
    assert!(scene.gate.shown_approval().is_some());
}

#[test]
fn approvals_on_their_way_to_the_disk_when_everything_is_stopped_do_not_count() {
    let mut both = rule("purchase", RuleEffect::Ask);
    both.consent.approvals = Some(2);
    let mut scene = Scene::held_by(fires(both));
    scene.by("ops1", Act::approve());
    let first = scene.ticket;
    scene.by("ops2", Act::approve());
    let second = scene.ticket;
    let said = stop(&mut scene);
    assert_eq!(said.iter().filter(|line| *line == "refuse not possible").count(), 2, "{said:?}");
    for ticket in [first, second] {
        assert_eq!(scene.recorded_as(ticket, Ok(())), Said::new());
    }
    assert!(matches!(scene.gate.phase, Phase::Held(_)));
    scene.by("ops1", Act::approve());
    assert_eq!(scene.recorded(Ok(())), ["show open r1 +ops1", "reply 1 of 2"], "given again, it counts");
}

#[test]
fn a_second_stop_changes_nothing_and_ending_none_does_nothing() {
    let mut scene = Scene::held();
    assert_eq!(scene.input(Input::EndHalt), Said::new());
    stop(&mut scene);
    assert_eq!(stop(&mut scene), Said::new());
}

/// A question whose approval is on its way to the disk.
fn answering() -> Scene {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    scene.read(waiting());
    scene
}

#[test]
fn an_agent_that_went_on_without_an_answer_that_never_left_is_paused() {
    for stops_first in [true, false] {
        for kind in [EventKind::Thought, EventKind::Step, EventKind::User] {
            let mut scene = if stops_first { Scene::asking() } else { answering() };
            stop(&mut scene);
            if stops_first {
                scene.decide(Act::approve());
                scene.read(waiting());
            }
            assert!(matches!(scene.gate.phase, Phase::Recording(_)));
            assert_eq!(scene.seen(kind.clone(), quiet()), Said::new());
            let said = scene.recorded(Ok(()));
            let failed = said.contains(&"show approved failed".to_owned());
            assert!(failed && said[0] == "pause" && said.contains(&"record opened".to_owned()), "{kind:?}: {said:?}");
            assert!(matches!(scene.gate.phase, Phase::Pausing(_)));
        }
    }
}

#[test]
fn an_answer_that_could_not_be_recorded_lets_no_agent_go_on() {
    let mut scene = answering();
    stop(&mut scene);
    scene.seen(EventKind::Thought, quiet());
    assert_eq!(scene.recorded(Err("full"))[0], "pause");
}

#[test]
fn an_answer_that_left_and_did_not_arrive_lets_no_agent_go_on() {
    for kind in [EventKind::Thought, EventKind::User] {
        let mut scene = Scene::asking();
        stop(&mut scene);
        scene.decide(Act::approve());
        scene.read(waiting());
        let said = scene.recorded(Ok(()));
        assert!(said.iter().any(|line| line.starts_with("message r1")), "{said:?}");
        scene.acted(failed(ErrorClass::Unreachable { detail: "no route".to_owned() }));
        let said = scene.seen(kind.clone(), quiet());
        assert!(said[0] == "pause" && said.contains(&"show approved failed".to_owned()), "{kind:?}: {said:?}");
    }
}

#[test]
fn an_answer_whose_record_was_slow_lets_nothing_go_on_that_went_on_or_had_ended() {
    let slow = || {
        let mut scene = Scene::asking();
        stop(&mut scene);
        scene.decide(Act::approve());
        scene.read(waiting());
        scene.now = scene.now.after(Duration::from_secs(3));
        assert_eq!(scene.recorded(Ok(()))[0], "reply approved");
        scene
    };
    for kind in [EventKind::Thought, EventKind::User] {
        let said = slow().seen(kind.clone(), quiet());
        assert!(said[0] == "pause" && said.contains(&"show approved failed".to_owned()), "{kind:?}: {said:?}");
    }
    let mut scene = slow();
    assert_eq!(scene.read(ended()), Said::new(), "one odd look ends nothing");
    assert_eq!(scene.when_due(), ["read"]);
    assert!(scene.read(ended()).contains(&"show approved failed".to_owned()));
    assert_eq!(scene.seen(EventKind::Thought, quiet())[0], "pause", "another task was let go by nobody");
}

#[test]
fn an_answer_that_arrived_and_an_approval_of_somebody_else_s_pause_let_a_session_go_on() {
    let mut scene = Scene::asking();
    stop(&mut scene);
    scene.decide(Act::approve());
    scene.read(waiting());
    scene.recorded(Ok(()));
    assert!(scene.acted(Ok(())).contains(&"show approved applied".to_owned()));
    assert_eq!(scene.seen(EventKind::Thought, quiet()), Said::new());

    let mut scene = Scene::new();
    stop(&mut scene);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    let said = scene.recorded(Ok(()));
    assert!(said.contains(&"show approved applied".to_owned()), "{said:?}");
    assert_eq!(scene.seen(EventKind::Thought, quiet()), Said::new(), "whoever paused it may resume it");
}
