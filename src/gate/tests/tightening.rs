//! Another policy over an open approval: stricter or as it was, never milder.

use std::sync::Arc;

use crate::control::Act;
use crate::gate::{Input, Plan, Settings};
use crate::policy::{Confirm, Effect as RuleEffect, Risk, Verdict};

use super::harness::{SETTLE, fires, rule, settings, shared};
use super::scene::{Said, Scene, asks, paused};

fn policy(scene: &mut Scene, verdicts: Vec<Verdict>) -> Said {
    policy_with(scene, settings(), verdicts)
}

fn policy_with(scene: &mut Scene, settings: Settings, verdicts: Vec<Verdict>) -> Said {
    let settings: Arc<Settings> = shared(settings);
    scene.input(Input::Reconfigured { settings, verdicts })
}

fn names(scene: &Scene) -> Vec<String> {
    let card = scene.gate.open_card().expect("an open card");
    card.rules.iter().map(|rule| rule.name.clone()).collect()
}

#[test]
fn one_more_rule_makes_a_new_revision_that_says_why() {
    let mut scene = Scene::held();
    let said = policy(&mut scene, vec![fires(rule("orders", RuleEffect::Ask))]);
    assert_eq!(said, ["record revised", "show draft r1"]);
    assert_eq!(names(&scene), ["purchase", "orders"]);
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    let card = scene.gate.open_card().expect("an open card");
    assert!(card.notes.iter().any(|note| note.contains("the policy changed")), "{:?}", card.notes);
    assert_eq!(card.triggers, 1, "no event is new");
}

#[test]
fn the_same_rules_or_milder_ones_change_nothing() {
    let mut alerts = rule("purchase", RuleEffect::Alert);
    alerts.risk = Risk::Low;
    for verdicts in [vec![], vec![asks()], vec![fires(alerts)], vec![fires(rule("purchase", RuleEffect::Cooldown))]] {
        let mut scene = Scene::held();
        let before = scene.gate.open_card().cloned();
        assert_eq!(policy(&mut scene, verdicts), Said::new());
        assert_eq!(scene.gate.open_card().cloned(), before);
    }
}

#[test]
fn a_higher_risk_and_a_stricter_confirmation_count() {
    let mut risky = rule("purchase", RuleEffect::Ask);
    (risky.risk, risky.confirm) = (Risk::High, Some(Confirm::Type));
    let mut scene = Scene::held();
    assert!(!policy(&mut scene, vec![fires(risky)]).is_empty());
    let card = scene.gate.open_card().expect("an open card");
    assert_eq!((card.risk, card.confirm), (Risk::High, Confirm::Type));
}

#[test]
fn more_operators_have_to_agree_from_then_on() {
    let mut two = rule("purchase", RuleEffect::Ask);
    two.consent.approvals = Some(2);
    let mut scene = Scene::held();
    policy(&mut scene, vec![fires(two)]);
    assert_eq!(scene.gate.open_card().expect("an open card").terms.approvals, 2);
}

#[test]
fn a_rule_that_denies_ends_the_open_approval() {
    let mut scene = Scene::held();
    let said = policy(&mut scene, vec![fires(rule("never", RuleEffect::Deny))]);
    let wanted = ["record decided denied applying", "show denied applying", "cancel"];
    assert!(wanted.iter().all(|line| said.contains(&(*line).to_owned())), "{said:?}");
}

#[test]
fn a_question_is_asked_at_the_new_revision_at_once() {
    let mut scene = Scene::asking();
    let said = policy(&mut scene, vec![fires(rule("orders", RuleEffect::Ask))]);
    assert!(said.contains(&"show open r2".to_owned()), "{said:?}");
}

#[test]
fn what_a_rule_would_let_go_by_itself_asks_when_the_policy_asks() {
    let mut scene = Scene::held_by(fires(rule("calm", RuleEffect::Cooldown)));
    policy(&mut scene, vec![asks()]);
    assert_eq!(scene.gate.case.as_ref().expect("a case").kept.plan, Plan::Ask);
    assert!(scene.gate.shown_approval().is_some());
}

#[test]
fn an_approval_that_is_being_checked_is_taken_back() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    let said = policy(&mut scene, vec![fires(rule("orders", RuleEffect::Ask))]);
    assert!(said.contains(&"refuse stale, now r2".to_owned()), "{said:?}");
}

#[test]
fn an_approval_on_its_way_to_the_disk_is_not_delivered() {
    for (effect, then) in [(RuleEffect::Ask, "record opened"), (RuleEffect::Deny, "record decided denied applying")] {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        policy(&mut scene, vec![fires(rule("orders", effect))]);
        let said = scene.recorded(Ok(()));
        assert!(said.contains(&then.to_owned()), "{said:?}");
        assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
    }
}

#[test]
fn a_release_that_has_left_is_left_alone_and_settings_count_for_what_comes() {
    let mut scene = Scene::resuming();
    let mut other = settings();
    other.answer = "Go.".to_owned();
    assert_eq!(policy_with(&mut scene, other, vec![fires(rule("never", RuleEffect::Deny))]), Said::new());
    assert_eq!(scene.gate.settings.answer, "Go.");
}

#[test]
fn a_restart_finds_the_stricter_card() {
    let mut scene = Scene::held();
    policy(&mut scene, vec![fires(rule("orders", RuleEffect::Ask))]);
    scene.restart();
    assert_eq!(names(&scene), ["purchase", "orders"]);
}
