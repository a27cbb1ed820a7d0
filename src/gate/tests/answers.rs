//! What operators, deadlines and rules decide, and how it is carried out.

use std::time::Duration;

use crate::api::{EventKind, PauseAnswer};
use crate::control::Act;
use crate::gate::phase::Phase;
use crate::gate::{ApprovalId, Input, Settings};
use crate::policy::{Effect as RuleEffect, OnTimeout, Verdict};

use super::harness::{COOLDOWN, TIMEOUT, approval, fires, rule, settings};
use super::scene::{Scene, asks, deny, lost, paused, quiet, refusing, running};

/// A held session is approved, resumed and seen running.
fn release(scene: &mut Scene) {
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    scene.read(running());
}

#[test]
fn an_approval_is_checked_recorded_sent_and_confirmed_in_this_order() {
    let mut scene = Scene::held();
    assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "resume r1", "show approved applying"]);
    assert_eq!(scene.acted(Ok(())), ["read"]);
    assert_eq!(scene.read(running()), ["record delivered approved applied", "show approved applied"]);
    assert!(matches!(scene.gate.phase, Phase::Watching));
}

#[test]
fn the_approved_act_itself_is_not_asked_about_twice_but_the_next_one_is() {
    let mut scene = Scene::resuming();
    scene.acted(Ok(()));
    scene.read(running());
    assert_eq!(scene.seen(EventKind::Step, asks()), ["record noted", "notice"]);
    assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause");
}

#[test]
fn an_approval_covers_its_act_only_at_the_same_host() {
    let at = |host: Option<&str>| Verdict { domain: host.map(str::to_owned), ..asks() };
    let shop = Some("shop.example");
    let same = ["record noted", "notice"];
    for (approved, acts, covered) in [
        (shop, shop, true),
        (None, None, true),
        (shop, Some("other.example"), false),
        (shop, None, false),
        (None, shop, false),
    ] {
        let mut scene = Scene::held_by(at(approved));
        release(&mut scene);
        let step = scene.seen(EventKind::Step, at(acts));
        assert_eq!(step == same, covered, "{approved:?} then {acts:?}: {step:?}");

        let mut scene = Scene::held_by(at(approved));
        scene.decide(Act::approve());
        scene.read(paused());
        scene.recorded(Ok(()));
        scene.acted(Ok(()));
        let step = scene.seen(EventKind::Step, at(acts));
        assert_eq!(step.contains(&"pause".to_owned()), !covered, "while it is verified: {step:?}");
    }
}

#[test]
fn an_approval_covers_its_act_only_for_a_minute_and_three_events() {
    let mut scene = Scene::held();
    release(&mut scene);
    scene.seen(EventKind::Thought, quiet());
    scene.seen(EventKind::Log, quiet());
    scene.seen(EventKind::Thought, quiet());
    scene.now = scene.now.after(Duration::from_secs(59));
    assert_eq!(scene.seen(EventKind::Step, asks()), ["record noted", "notice"], "the third");

    let mut scene = Scene::held();
    release(&mut scene);
    for _ in 0..3 {
        scene.seen(EventKind::Step, quiet());
    }
    assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause", "the fourth");

    let mut scene = Scene::held();
    release(&mut scene);
    scene.now = scene.now.after(Duration::from_secs(60));
    assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause", "too late");
}

#[test]
fn wrong_decisions_are_refused_with_their_reason() {
    let mut scene = Scene::held();
    let mut forged = scene.decision(Act::approve());
    forged.digest = crate::gate::Digest::ZERO;
    assert_eq!(scene.decide_on(forged), ["refuse stale, now r1"]);
    let mut other = scene.decision(Act::approve());
    other.approval = approval(99);
    assert_eq!(scene.decide_on(other), ["refuse no such approval"]);
    assert_eq!(scene.decide(Act::Answer { text: "yes".to_owned() }), ["refuse not possible"]);
    assert_eq!(scene.decide(Act::Instruct { text: " ".to_owned() }), ["refuse not possible"]);
    let approve = scene.decision(Act::approve());
    scene.decide(Act::approve());
    assert_eq!(scene.decide_on(approve.clone()), ["refuse ops is deciding"]);
    scene.read(paused());
    assert_eq!(scene.decide_on(approve.clone()), ["refuse ops is deciding"], "on its way to the disk");
    scene.recorded(Ok(()));
    assert_eq!(scene.decide_on(approve), ["refuse already approved by ops"]);
}

#[test]
fn news_while_an_approval_is_checked_takes_it_back() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    assert_eq!(scene.seen(EventKind::Step, quiet()), ["refuse stale, now r2", "show draft r1"]);
}

#[test]
fn an_unreadable_session_is_not_released() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    assert_eq!(scene.read(lost()), ["refuse unverified", "show open r1"]);
    scene.decide(Act::approve());
    let resumed = scene.read(running());
    assert_eq!(resumed, ["pause", "refuse stale, now r2", "record noted", "notice", "record revised", "show draft r1"]);
}

#[test]
fn a_pause_without_an_answer_holds_a_release_back() {
    let mut scene = Scene::held();
    scene.history(EventKind::Resumed, quiet());
    assert_eq!(scene.decide(Act::approve()), ["show ops deciding"]);
    assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), ["read"]);
    let mut seen = Scene::held();
    seen.seen(EventKind::Resumed, quiet());
    assert_eq!(seen.decide(Act::approve()), ["show ops deciding"]);
    let stale = ["refuse stale, now r2", "record noted", "notice", "record revised", "show draft r1"];
    assert_eq!(seen.paused(Ok(PauseAnswer::AlreadyPaused)), stale);
}

#[test]
fn news_while_the_decision_is_being_recorded_spoils_it() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    assert_eq!(scene.seen(EventKind::Step, quiet()), [""; 0]);
    assert_eq!(
        scene.recorded(Ok(())),
        [
            "reply approved",
            "record delivered approved failed",
            "show approved failed",
            "record opened",
            "show draft r0"
        ]
    );
    assert_eq!(scene.gate.waiting().unwrap().0, approval(2));
}

#[test]
fn without_its_record_nothing_is_released_and_a_denial_goes_out() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    assert_eq!(scene.recorded(Err("disk full")), ["record noted", "notice", "refuse store failed", "show open r1"]);
    assert_eq!(
        scene.decide(deny()),
        ["record decided denied applying", "show denied applying", "cancel", "reply denied"]
    );
    let mut scene = Scene::held_by(refusing());
    assert_eq!(scene.decide(deny()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(paused()), ["record decided denied applying and wait"]);
    assert_eq!(
        scene.recorded(Err("disk full")),
        ["record noted", "notice", "record decided denied applying", "show denied applying", "reply denied", "cancel"]
    );
}

#[test]
fn a_note_during_recording_does_not_stand_after_the_decision() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.read(paused());
    scene.input(Input::Blind { why: "no heartbeat".to_owned() });
    assert!(scene.kept().closed.is_some(), "what a restart goes on from is the decision");
}

#[test]
fn the_deadline_passes_on_either_clock() {
    let expired = ["record decided expired applying", "show expired applying", "cancel"];
    assert_eq!(Scene::held().after(TIMEOUT), expired);
    let mut scene = Scene::held();
    scene.now.wall = scene.now.after(TIMEOUT).wall;
    assert_eq!(scene.input(Input::Tick), expired);
    let mut scene = Scene::held();
    scene.now.mono += TIMEOUT;
    assert_eq!(scene.input(Input::Tick), expired);
}

#[test]
fn what_comes_after_the_deadline_decides_nothing() {
    for act in [Act::approve(), Act::Extend, deny()] {
        let mut scene = Scene::held();
        scene.now = scene.now.after(TIMEOUT);
        let late = scene.decide(act);
        assert_eq!(late.last().map(String::as_str), Some("refuse already expired by the deadline"));
    }
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    scene.now = scene.now.after(TIMEOUT);
    let checked = scene.read(paused());
    assert_eq!(checked[0], "refuse already expired by the deadline", "checked too late");
}

#[test]
fn a_deadline_may_keep_the_session_paused() {
    let mut scene = Scene::with(Settings { on_timeout: OnTimeout::KeepPaused, ..settings() });
    scene.hold(asks());
    let kept = ["record decided expired applied", "show expired applied", "record delivered expired applied"];
    assert_eq!(scene.after(TIMEOUT), kept);
    assert!(matches!(scene.gate.phase, Phase::Kept(_)));
}

#[test]
fn a_deadline_moves_at_most_three_times() {
    let mut scene = Scene::held();
    for _ in 0..3 {
        scene.now = scene.now.after(Duration::from_secs(60));
        assert_eq!(scene.decide(Act::Extend), ["record extended", "show open r1", "reply extended"]);
    }
    assert_eq!(scene.decide(Act::Extend), ["refuse not extendable"]);
}

#[test]
fn a_question_is_answered_refused_or_left() {
    let mut scene = Scene::new();
    assert_eq!(scene.seen(EventKind::Question, asks()), ["record opened", "show open r1"], "no pause");
    assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(running()), ["record decided approved applying and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "message r1 Yes, go on.", "show approved applying"]);
    assert_eq!(scene.acted(Ok(())), ["record delivered approved applied", "show approved applied"]);

    let mut scene = Scene::asking();
    scene.decide(Act::Answer { text: "blue".to_owned() });
    scene.read(running());
    assert_eq!(scene.recorded(Ok(()))[1], "message r1 blue");

    let mut scene = Scene::new();
    scene.seen(EventKind::Question, refusing());
    assert_eq!(scene.decide(deny()), ["read", "show ops deciding"]);
    assert_eq!(scene.read(running()), ["record decided denied applying and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["reply denied", "message r1 No.", "show denied applying"]);

    let mut scene = Scene::asking();
    let cancelled = ["record decided denied applying", "show denied applying", "cancel", "reply denied"];
    assert_eq!(scene.decide(deny()), cancelled, "nothing to say");
}

#[test]
fn a_question_that_somebody_else_answers_is_withdrawn() {
    let withdrawn = ["record decided withdrawn applied", "show withdrawn applied"];
    assert_eq!(Scene::asking().seen(EventKind::User, quiet()), withdrawn);
    assert_eq!(Scene::asking().seen(EventKind::Step, quiet()), withdrawn);
    let mut scene = Scene::asking();
    assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause", "and what the agent does is held");
}

#[test]
fn what_is_older_than_a_question_does_not_withdraw_it() {
    for kind in [EventKind::User, EventKind::Step, EventKind::Thought] {
        let mut scene = Scene::asking();
        assert_eq!(scene.overtaken(kind.clone(), quiet()), [""; 0], "asking");
        assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
        assert_eq!(scene.overtaken(kind.clone(), quiet()), [""; 0], "checking");
        assert_eq!(scene.read(running()), ["record decided approved applying and wait"]);
        assert_eq!(scene.overtaken(kind, quiet()), [""; 0], "recording");
        assert_eq!(scene.recorded(Ok(()))[1], "message r1 Yes, go on.");
    }
    assert_eq!(Scene::asking().overtaken(EventKind::Step, asks())[0], "pause", "what a rule asks about is held");
}

#[test]
fn what_is_older_than_a_hold_makes_it_neither_late_nor_stale() {
    let mut scene = Scene::held();
    assert_eq!(scene.overtaken(EventKind::Step, quiet()), [""; 0]);
    assert_eq!(scene.overtaken(EventKind::Step, fires(rule("odd", RuleEffect::Alert))), ["record noted", "notice"]);
    assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
}

#[test]
fn a_question_is_not_a_hold_when_somebody_resumes() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    assert_eq!(scene.seen(EventKind::Resumed, quiet()), [""; 0]);
}

#[test]
fn a_rule_that_fires_while_an_answer_is_recorded_pauses_at_once() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    scene.read(running());
    assert_eq!(scene.seen(EventKind::Step, asks()), ["pause"]);
    scene.paused(Ok(PauseAnswer::Accepted));
    let after = scene.recorded(Ok(()));
    let expected = ["reply approved", "record delivered approved failed", "show approved failed", "record opened"];
    assert_eq!(after[..4], expected);
    assert_eq!(scene.gate.waiting().unwrap().0, ApprovalId(approval(2).0));
}

#[test]
fn a_note_on_a_question_that_is_checked_asks_again() {
    let mut scene = Scene::asking();
    scene.decide(Act::approve());
    let noted = scene.input(Input::Sighted);
    assert_eq!(noted, ["record noted", "notice", "refuse stale, now r2", "record revised", "show open r2"]);
}

#[test]
fn a_stop_takes_back_what_is_only_checked_and_begins_nothing() {
    let mut scene = Scene::held();
    scene.decide(Act::approve());
    assert_eq!(scene.input(Input::Stop), ["refuse stopping", "show open r1"]);
    assert_eq!(scene.read(paused()), [""; 0], "the look that was under way allows nothing");
    assert_eq!(scene.decide(Act::approve()), ["refuse stopping"]);

    let mut scene = Scene::held_by(fires(rule("rate limit", RuleEffect::Cooldown)));
    assert_eq!(scene.after(COOLDOWN), ["read"]);
    assert_eq!(scene.input(Input::Stop), [""; 0]);
    assert_eq!(scene.read(paused()), [""; 0]);
    assert_eq!(scene.after(COOLDOWN), ["read"], "only watched over");
    assert_eq!(scene.read(paused()), [""; 0]);
    assert!(scene.gate.due().unwrap() > scene.now.mono);

    let mut scene = Scene::new();
    scene.input(Input::Stop);
    assert_eq!(scene.hold(fires(rule("params", RuleEffect::Instruct))), ["record revised"]);

    let mut scene = Scene::new();
    scene.input(Input::Stop);
    scene.seen(EventKind::Question, refusing());
    assert_eq!(scene.decide(deny()), ["refuse stopping"], "its message lets the agent go on");
}
