//! What operators, deadlines and rules decide, and how it is carried out.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, EventKind, PauseAnswer};
use crate::control::{Act, EndedBy, OperatorName};
use crate::gate::phase::Phase;
use crate::gate::{ApprovalId, Input, Plan, Settings};
use crate::policy::{Effect as RuleEffect, OnDeny, OnTimeout, Verdict};

use super::harness::{COOLDOWN, SETTLE, TIMEOUT, approval, fires, rule, settings};
use super::scene::{Scene, asks, ended, failed, lost, missing, paused, poll, quiet, refused, running};

fn deny() -> Act {
    Act::Deny { reason: None }
}

fn refusing() -> Verdict {
    let mut rule = rule("purchase", RuleEffect::Ask);
    rule.on_deny = Some(OnDeny::Instruct);
    rule.refusal = Some("No.".to_owned());
    fires(rule)
}

/// A held session is approved, resumed and seen running.
fn release(scene: &mut Scene) {
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    scene.read(running());
}

fn keeping() -> Verdict {
    let mut rule = rule("purchase", RuleEffect::Ask);
    rule.on_deny = Some(OnDeny::KeepPaused);
    fires(rule)
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
