//! What an operator does of its own accord, in every phase.

use std::time::Duration;

use crate::api::{EventKind, PauseAnswer};
use crate::control::{Act, OperatorName, SessionAct};
use crate::gate::phase::Phase;
use crate::gate::{Effect, Hold, Input, Outcome, Plan, ReplyTo};
use crate::policy::{Effect as RuleEffect, OnDeny, ReasonFor};

use super::harness::{SETTLE, fires, rule};
use super::scene::{Said, Scene, ended, paused, quiet, refused};

fn act(scene: &mut Scene, act: SessionAct) -> Said {
    let operator = OperatorName("ops1".to_owned());
    scene.input(Input::Directed { reply: ReplyTo(9), operator, act, reason: Some("smoke".to_owned()) })
}

fn rules(scene: &Scene) -> Vec<String> {
    let card = scene.gate.case.as_ref().expect("a case").card();
    card.rules.iter().map(|rule| rule.name.clone()).collect()
}

fn keeping() -> Scene {
    let mut keeps = rule("purchase", RuleEffect::Ask);
    keeps.on_deny = Some(OnDeny::KeepPaused);
    let mut scene = Scene::held_by(fires(keeps));
    scene.decide(Act::Deny { reason: None });
    scene
}

#[test]
fn a_pause_leaves_first_and_its_approval_says_who_and_why() {
    let mut scene = Scene::new();
    let said = act(&mut scene, SessionAct::Pause);
    assert_eq!(said, ["pause", "record opened", "show draft r0", "done: the session is being paused"]);
    let card = scene.gate.case.as_ref().expect("a case").card().clone();
    assert_eq!((card.rules[0].name.as_str(), card.effect), ("operator ops1", RuleEffect::Ask));
    assert_eq!((card.trigger.kind, card.trigger.text.as_str()), (EventKind::Log, "paused by ops1: smoke"));
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
    assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);
    assert!(scene.recorded(Ok(())).contains(&"resume r1".to_owned()));
}

#[test]
fn a_pause_where_no_task_runs_says_that_and_not_that_one_has_ended() {
    let mut scene = Scene::new();
    act(&mut scene, SessionAct::Pause);
    for _ in 0..3 {
        scene.paused(refused());
        scene.read(ended());
        scene.after(Duration::from_secs(1));
    }
    assert!(matches!(scene.gate.phase, Phase::Watching));
    let closed = scene.kept().closed.expect("an end");
    assert_eq!((closed.outcome, closed.detail.as_str()), (Outcome::Withdrawn, "no task runs, so nothing is paused"));
}

/// What an operator's pause does first, wherever the session stands: nothing is written, shown or answered before it.
#[test]
fn a_pause_leaves_before_everything_else_of_its_turn_wherever_it_has_to() {
    let mut late = Scene::held();
    late.seen(EventKind::Resumed, quiet());
    let answered = |mut scene: Scene| {
        scene.acted(Ok(()));
        scene
    };
    for (mut scene, pauses) in [
        (Scene::new(), true),
        (Scene::resuming(), true),
        (answered(Scene::resuming()), true),
        (Scene::held(), false),
        (late, false),
        (Scene::held_by(fires(rule("calm", RuleEffect::Cooldown))), false),
        (Scene::asking(), false),
        (keeping(), false),
    ] {
        let phase = format!("{:?}", scene.gate.phase);
        let said = act(&mut scene, SessionAct::Pause);
        assert_eq!(said.first().is_some_and(|first| first == "pause"), pauses, "{phase}: {said:?}");
        assert_eq!(said.iter().filter(|line| *line == "pause").count(), usize::from(pauses), "{phase}: {said:?}");
        assert!(said.last().is_some_and(|last| last.starts_with("done: ")), "answered last: {phase}: {said:?}");
    }
}

#[test]
fn a_pause_where_an_approval_is_open_changes_nothing_and_names_it() {
    for mut scene in [Scene::held(), Scene::asking()] {
        let open = scene.gate.shown_approval();
        let operator = OperatorName("ops1".to_owned());
        let input = Input::Directed { reply: ReplyTo(9), operator, act: SessionAct::Pause, reason: None };
        let mut mint = super::harness::Counting(9);
        let effects = scene.gate.handle(scene.now, &mut mint, input);
        let [Effect::Done { result: Ok(done), .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(done.approval, open);
    }
}

#[test]
fn a_session_that_a_rule_would_let_go_by_itself_asks_after_a_pause() {
    let mut scene = Scene::held_by(fires(rule("calm", RuleEffect::Cooldown)));
    assert_eq!(scene.gate.shown_approval(), None);
    act(&mut scene, SessionAct::Pause);
    assert_eq!(scene.gate.case.as_ref().expect("a case").kept.plan, Plan::Ask);
    assert_eq!(rules(&scene), ["operator ops1", "calm"]);
    assert!(scene.gate.shown_approval().is_some());
}

#[test]
fn a_pause_takes_back_an_approval_that_is_being_checked() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    let said = act(&mut scene, SessionAct::Pause);
    assert!(said.contains(&"refuse stale, now r2".to_owned()), "{said:?}");
    assert!(said.contains(&"done: the release that was on its way is taken back".to_owned()), "{said:?}");
    assert_eq!(rules(&scene), ["purchase", "operator ops1"]);
}

#[test]
fn a_pause_while_a_decision_is_on_its_way_to_the_disk_keeps_it_from_leaving() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    act(&mut scene, SessionAct::Pause);
    let said = scene.recorded(Ok(()));
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
    assert!(said.contains(&"record delivered approved failed".to_owned()), "{said:?}");
    assert!(said.contains(&"record opened".to_owned()), "{said:?}");
}

#[test]
fn a_pause_while_the_resume_is_on_its_way_leaves_at_once_and_asks() {
    let mut scene = Scene::resuming();
    let said = act(&mut scene, SessionAct::Pause);
    assert_eq!(said[0], "pause");
    assert!(said.contains(&"record opened".to_owned()), "{said:?}");
    assert_eq!(rules(&scene), ["operator ops1"]);
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    assert!(matches!(scene.gate.case.as_ref().expect("a case").card().hold, Hold::InDoubt { .. }), "or it ran since");
}

#[test]
fn a_cancel_ends_the_task_whatever_a_denial_would_do() {
    let mut refuses = rule("purchase", RuleEffect::Ask);
    (refuses.on_deny, refuses.refusal) = (Some(OnDeny::Instruct), Some("No.".to_owned()));
    let mut keeps = rule("purchase", RuleEffect::Ask);
    keeps.on_deny = Some(OnDeny::KeepPaused);
    for terms in [refuses, keeps] {
        let mut scene = Scene::held_by(fires(terms));
        let said = act(&mut scene, SessionAct::Cancel);
        let wanted = ["record decided denied applying", "show denied applying", "cancel"];
        assert!(wanted.iter().all(|line| said.contains(&(*line).to_owned())), "{said:?}");
        assert!(!said.iter().any(|line| line.starts_with("message")), "{said:?}");
    }
}

#[test]
fn a_cancel_needs_the_reason_that_a_denial_of_its_card_needs() {
    let mut terms = rule("purchase", RuleEffect::Ask);
    terms.consent.reason = Some(ReasonFor::Deny);
    let mut scene = Scene::held_by(fires(terms));
    let operator = OperatorName("ops1".to_owned());
    let input = Input::Directed { reply: ReplyTo(9), operator, act: SessionAct::Cancel, reason: None };
    assert_eq!(scene.input(input), ["refuse reason required"]);
    assert!(act(&mut scene, SessionAct::Cancel).contains(&"cancel".to_owned()));
}

#[test]
fn a_cancel_of_a_session_that_is_only_watched_pauses_it_denies_and_cancels() {
    let mut scene = Scene::new();
    let said = act(&mut scene, SessionAct::Cancel);
    assert_eq!(
        said,
        [
            "pause",
            "record opened",
            "show draft r0",
            "record decided denied applying",
            "show denied applying",
            "cancel",
            "done: the session's task is being ended"
        ]
    );
    scene.acted(Ok(()));
    assert_eq!(scene.read(ended()), ["record delivered denied applied", "show denied applied"]);
}

#[test]
fn a_cancel_is_shown_even_where_only_a_rule_was_waited_for() {
    let mut scene = Scene::held_by(fires(rule("calm", RuleEffect::Cooldown)));
    let said = act(&mut scene, SessionAct::Cancel);
    assert!(said.contains(&"show denied applying".to_owned()), "{said:?}");
}

#[test]
fn a_cancel_while_a_decision_is_on_its_way_to_the_disk_ends_the_task_at_once() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    let said = act(&mut scene, SessionAct::Cancel);
    assert!(said.contains(&"cancel".to_owned()), "{said:?}");
    let said = scene.recorded(Ok(()));
    assert!(said.contains(&"record decided denied applying".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
}

#[test]
fn a_session_that_is_kept_paused_can_be_asked_about_and_let_go() {
    let mut scene = keeping();
    let said = act(&mut scene, SessionAct::Ask);
    assert_eq!(
        said,
        [
            "record delivered denied applied",
            "record opened",
            "show draft r0",
            "done: the session stays paused, and an approval asks whether it may go on"
        ]
    );
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(Act::approve());
    scene.read(paused());
    let said = scene.recorded(Ok(()));
    assert!(said.contains(&"resume r1".to_owned()), "{said:?}");
}

#[test]
fn a_session_that_is_kept_paused_can_be_cancelled() {
    let mut scene = keeping();
    let said = act(&mut scene, SessionAct::Cancel);
    assert!(said.contains(&"record opened".to_owned()) && said.contains(&"cancel".to_owned()), "{said:?}");
}

#[test]
fn asking_is_refused_where_nothing_stays_paused() {
    let mut cancelling = Scene::held();
    cancelling.decide(Act::Deny { reason: None });
    for mut scene in [Scene::new(), Scene::held(), Scene::asking(), Scene::resuming(), cancelling] {
        assert_eq!(act(&mut scene, SessionAct::Ask), ["refuse not possible"]);
    }
}

#[test]
fn nothing_can_be_done_to_a_session_that_is_over() {
    for what in [SessionAct::Pause, SessionAct::Cancel, SessionAct::Ask] {
        let mut scene = Scene::new();
        scene.input(Input::Gone);
        assert_eq!(act(&mut scene, what), ["refuse not possible"]);
    }
}

#[test]
fn an_endless_reason_is_refused_and_nothing_is_done() {
    let mut scene = Scene::new();
    let operator = OperatorName("ops1".to_owned());
    let reason = Some("x".repeat(10_001));
    let said = scene.input(Input::Directed { reply: ReplyTo(9), operator, act: SessionAct::Pause, reason });
    assert_eq!(said, ["refuse not possible"]);
}

#[test]
fn a_paused_session_survives_a_restart_like_any_other() {
    let mut scene = Scene::new();
    act(&mut scene, SessionAct::Pause);
    assert_eq!(scene.restart()[0], "pause");
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(rules(&scene), ["operator ops1"]);
    assert_eq!(scene.seen(EventKind::Log, quiet()), Said::new());
    let said = scene.decide(Act::Deny { reason: None });
    assert!(said.contains(&format!("reply {}", Outcome::Denied)), "{said:?}");
}
