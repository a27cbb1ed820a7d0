//! Denying: what ends a task, what keeps it paused, what lets it go on, and what no disk holds up.

use crate::api::{ApiError, ErrorClass, EventKind, PauseAnswer};
use crate::control::{Act, EndedBy, OperatorName};
use crate::gate::phase::Phase;
use crate::gate::{Plan, Settings};
use crate::policy::{Effect as RuleEffect, OnDeny, Verdict};

use super::harness::{SETTLE, fires, rule, settings};
use super::scene::{Scene, asks, deny, ended, lost, missing, paused, poll, refused, refusing, running};

fn keeping() -> Verdict {
    let mut rule = rule("purchase", RuleEffect::Ask);
    rule.on_deny = Some(OnDeny::KeepPaused);
    fires(rule)
}

#[test]
fn a_denial_wins_over_an_approval_that_is_being_checked() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    assert_eq!(
        scene.decide(deny()),
        [
            "refuse already denied by ops",
            "record decided denied applying",
            "show denied applying",
            "cancel",
            "reply denied"
        ]
    );
}

#[test]
fn a_denial_cancels_and_repeats_until_the_task_has_ended() {
    let mut scene = Scene::held();
    scene.decide(deny());
    assert_eq!(scene.acted(lost()), ["read"]);
    assert_eq!(scene.read(paused()), [""; 0]);
    assert_eq!(scene.when_due(), ["pause", "cancel"]);
    scene.acted(Ok(()));
    assert_eq!(scene.read(ended()), ["record delivered denied applied", "show denied applied"]);
    assert!(matches!(scene.gate.phase, Phase::Watching));
}

#[test]
fn a_rule_that_fires_while_cancelling_pauses() {
    let mut scene = Scene::asking();
    scene.decide(deny());
    assert_eq!(scene.seen(EventKind::Step, asks()), ["pause", "record noted denied applying", "notice"]);
}

#[test]
fn a_cancellation_that_keeps_failing_deletes() {
    let mut scene = Scene::held();
    scene.decide(deny());
    for _ in 0..4 {
        scene.acted(refused());
        scene.read(paused());
        assert_eq!(scene.when_due(), ["pause", "cancel"]);
    }
    scene.acted(refused());
    scene.read(paused());
    assert_eq!(scene.when_due(), ["record noted denied applying", "notice", "delete"]);
    scene.acted(Ok(()));
    assert_eq!(scene.read(missing()), ["record delivered denied applied", "show denied applied"]);
    assert!(scene.gate.is_over());
}

#[test]
fn an_outage_is_no_reason_to_delete_a_denied_session() {
    let mut scene = Scene::held();
    scene.decide(deny());
    for _ in 0..20 {
        scene.acted(Err(ApiError {
            call: "POST cancel".to_owned(),
            class: ErrorClass::Unreachable { detail: "connection refused".to_owned() },
        }));
        scene.read(paused());
        assert_eq!(scene.when_due(), ["pause", "cancel"]);
    }
}

#[test]
fn a_cancellation_that_may_not_delete_stays_paused_and_watched() {
    let mut scene = Scene::with(Settings { delete_when_cancel_fails: false, ..settings() });
    scene.hold(asks());
    scene.decide(deny());
    for _ in 0..4 {
        scene.acted(refused());
        scene.read(paused());
        scene.when_due();
    }
    scene.acted(refused());
    scene.read(paused());
    let ended = scene.when_due();
    assert_eq!(ended[2..], ["record delivered denied failed", "show denied failed", "record delivered denied failed"]);
    assert!(scene.gate.holds() && scene.kept().is_live());
}

#[test]
fn a_draft_can_be_denied() {
    let cancels = ["record decided denied applying", "show denied applying", "cancel", "reply denied"];
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.decide(deny()), cancels);
    scene = Scene::new();
    scene.seen(EventKind::Thought, refusing());
    assert_eq!(scene.decide(deny()), ["refuse not paused yet"], "its message lets the agent go on");
}

#[test]
fn a_denial_that_lets_the_agent_go_on_is_checked_recorded_and_then_answered() {
    let mut scene = Scene::held_by(refusing());
    assert_eq!(scene.decide(deny()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(paused()), ["record decided denied applying and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["reply denied", "message r1 No.", "show denied applying"]);
    assert_eq!(scene.acted(Ok(())), ["resume r1"]);
}

#[test]
fn a_denial_that_lets_the_agent_go_on_and_cannot_be_checked_decides_nothing_and_the_card_stays() {
    let mut scene = Scene::held_by(refusing());
    scene.decide(deny());
    assert_eq!(scene.read(running())[..2], ["pause".to_owned(), "refuse stale, now r2".to_owned()]);
    assert!(scene.kept().closed.is_none());
}

#[test]
fn a_denial_that_lets_the_agent_go_on_wins_over_an_approval_that_is_being_checked() {
    let mut scene = Scene::held_by(refusing());
    scene.decide(Act::approve());
    assert_eq!(scene.decide(deny()), ["refuse ops is deciding", "read", "show ops deciding"]);
    assert_eq!(scene.decide(deny()), ["refuse ops is deciding"]);
    assert_eq!(scene.read(paused()), ["record decided denied applying and wait"]);
}

#[test]
fn a_denial_that_overrules_an_approval_on_its_way_to_the_disk_sends_no_refusal() {
    for answer in [Ok(()), Err("disk full")] {
        let mut scene = Scene::held_by(refusing());
        scene.decide(Act::approve());
        scene.read(paused());
        assert_eq!(scene.decide(deny()), ["refuse unknown"]);
        let said = scene.recorded(answer);
        assert!(said.contains(&"record decided denied applied".to_owned()), "{said:?}");
        assert!(!said.iter().any(|said| said.starts_with("message") || said.starts_with("resume")), "{said:?}");
        assert!(matches!(scene.gate.phase, Phase::Kept(_)), "{:?}", scene.gate.phase);
    }
}

#[test]
fn a_refusal_that_was_denied_for_an_earlier_card_is_never_sent() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, refusing());
    // As a store of an earlier version has it.
    let by = EndedBy::Operator { name: OperatorName("ops".to_owned()), note: None };
    scene.gate.case.as_mut().unwrap().kept.plan = Plan::Deny { by };
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.seen(EventKind::Step, refusing());
    scene.read(paused());
    scene.after(SETTLE);
    let said = scene.read(paused());
    assert_eq!(
        said,
        ["record decided denied applied", "show denied applied", "record delivered denied applied"],
        "kept, and nothing sent"
    );
}

#[test]
fn a_session_that_is_kept_paused_is_watched_over_and_let_go_when_it_ends() {
    let mut scene = Scene::held_by(keeping());
    let kept =
        ["record decided denied applied", "show denied applied", "record delivered denied applied", "reply denied"];
    assert_eq!(scene.decide(deny()), kept);
    assert!(scene.kept().is_live());
    poll(&mut scene);
    assert_eq!(scene.read(paused()), [""; 0]);
    poll(&mut scene);
    assert_eq!(scene.read(ended()), [""; 0]);
    scene.when_due();
    assert_eq!(scene.read(ended()), ["record delivered denied applied"]);
    assert!(!scene.kept().is_live() && matches!(scene.gate.phase, Phase::Watching));
}

#[test]
fn somebody_elses_resume_of_a_kept_session_asks_anew() {
    let mut scene = Scene::held_by(keeping());
    scene.decide(deny());
    poll(&mut scene);
    let again = scene.read(running());
    let expected =
        ["pause", "record delivered denied applied", "record opened", "show draft r0", "record noted", "notice"];
    assert_eq!(again, expected);
}

#[test]
fn what_is_on_its_way_to_a_disk_that_hangs_can_be_denied() {
    let denied = || {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        assert_eq!(scene.when_due(), ["record noted", "notice"], "said once");
        assert_eq!(scene.gate.due(), None);
        assert_eq!(scene.decide(deny()), ["cancel", "refuse unknown"], "the end of the task waits for no disk");
        assert_eq!(scene.decide(deny()), ["refuse unknown"]);
        scene
    };
    let mut scene = denied();
    let durable = scene.recorded(Ok(()));
    let failed = ["reply approved", "record delivered approved failed", "show approved failed", "record opened"];
    let anew = ["show draft r0", "record decided denied applying", "show denied applying", "cancel"];
    assert_eq!((&durable[..4], &durable[4..]), (&failed.map(str::to_owned)[..], &anew.map(str::to_owned)[..]));
    let detail = scene.records.iter().rev().find_map(|record| {
        let closed = record.kept.as_ref()?.closed.as_ref()?;
        (closed.outcome == crate::gate::Outcome::Approved).then(|| closed.detail.clone())
    });
    assert_eq!(detail.as_deref(), Some("not delivered: denied by ops before it was delivered"));

    let refused = denied().recorded(Err("disk full"));
    assert!(refused.contains(&"record decided denied applying".to_owned()), "{refused:?}");
    assert_eq!(refused.last().map(String::as_str), Some("cancel"));
}

#[test]
fn a_denial_that_keeps_paused_does_so_whatever_the_disk_answers() {
    for answer in [Ok(()), Err("disk full")] {
        let mut scene = Scene::held_by(keeping());
        scene.decide(Act::approve());
        scene.read(paused());
        assert_eq!(scene.decide(deny()), ["refuse unknown"]);
        let said = scene.recorded(answer);
        assert!(!said.iter().any(|said| said.starts_with("resume")), "{said:?}");
        assert!(matches!(scene.gate.phase, Phase::Kept(_)));
    }
}

fn never() -> Verdict {
    fires(rule("never", RuleEffect::Deny))
}

#[test]
fn a_rule_that_denies_while_a_release_is_recorded_or_delivered_denies() {
    for answer in [Ok(()), Err("disk full")] {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        assert_eq!(scene.seen(EventKind::Step, never()), ["cancel"]);
        let said = scene.recorded(answer);
        let denied = ["record decided denied applying", "show denied applying", "cancel"];
        assert_eq!(said[said.len() - 3..], denied, "recorded: {answer:?}");
    }
    let mut scene = Scene::held_by(refusing());
    scene.decide(deny());
    scene.read(paused());
    scene.seen(EventKind::Step, never());
    let said = scene.recorded(Ok(()));
    assert_eq!(said.last().map(String::as_str), Some("cancel"), "a refusal that was to be sent: {said:?}");

    let mut scene = Scene::held();
    scene.decide(Act::Instruct { text: "wait".to_owned() });
    scene.read(paused());
    scene.recorded(Ok(()));
    let said = scene.seen(EventKind::Step, never());
    assert_eq!(said[4..], ["record decided denied applying", "show denied applying", "cancel"]);
}

/// It was never paused: what a shutdown names as held is what stays paused.
#[test]
fn a_question_is_not_held_while_its_denial_is_carried_out() {
    let mut scene = Scene::asking();
    assert!(!scene.gate.holds());
    assert!(scene.decide(deny()).contains(&"cancel".to_owned()));
    assert!(!scene.gate.holds() && scene.gate.waiting().is_none());
    assert!(Scene::held().gate.holds());
}
