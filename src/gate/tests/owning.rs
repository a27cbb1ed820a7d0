//! Whose the pause is: ours, somebody else's, or in doubt; and what each lets happen.

use crate::api::{ApiError, ErrorClass, EventKind, PauseAnswer};
use crate::control::Act;
use crate::gate::phase::Phase;
use crate::gate::{Hold, Outcome, Plan};
use crate::policy::{Effect as RuleEffect, OnDeny};

use super::harness::{COOLDOWN, SETTLE, fires, rule};
use super::scene::{Said, Scene, asks, failed, lost, paused, poll, quiet, refused, running};

type Answered = Result<PauseAnswer, ApiError>;

const ACCEPTED: Answered = Ok(PauseAnswer::Accepted);
const ALREADY: Answered = Ok(PauseAnswer::AlreadyPaused);
const DOUBT: Answered = Ok(PauseAnswer::InDoubt);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    Theirs,
    Doubt,
}

fn whose(scene: &Scene) -> Whose {
    let case = scene.gate.case.as_ref().expect("a case");
    match (&case.card().hold, case.kept.owned) {
        (Hold::Paused { .. }, Some(true)) => Whose::Ours,
        (Hold::ByOthers, Some(false)) => Whose::Theirs,
        (Hold::InDoubt { .. }, None) => Whose::Doubt,
        other => panic!("{other:?}"),
    }
}

/// A hold whose pauses are answered like this, one after the other, and which is then found paused.
fn answered(verdict: crate::policy::Verdict, answers: &[Answered]) -> Scene {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, verdict);
    let (last, first) = answers.split_last().expect("answers");
    for answer in first {
        scene.paused(answer.clone());
        scene.read(running());
        scene.when_due();
    }
    scene.paused(last.clone());
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene
}

fn in_doubt(verdict: crate::policy::Verdict) -> Scene {
    answered(verdict, &[lost(), ALREADY])
}

fn approve(scene: &mut Scene) -> Said {
    scene.decide(Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()))
}

#[test]
fn answers_tell_whose_the_pause_is() {
    let limited = || failed(ErrorClass::RateLimited { retry_after: None });
    for (answers, is) in [
        (vec![ACCEPTED], Whose::Ours),
        (vec![ALREADY], Whose::Theirs),
        (vec![lost()], Whose::Doubt),
        (vec![DOUBT], Whose::Doubt),
        (vec![lost(), ALREADY], Whose::Doubt),
        (vec![ALREADY, lost()], Whose::Doubt),
        (vec![DOUBT, ALREADY], Whose::Doubt),
        (vec![lost(), refused(), limited(), ALREADY], Whose::Doubt),
        (vec![lost(), ACCEPTED], Whose::Ours),
        (vec![ACCEPTED, lost(), ALREADY], Whose::Ours),
        (vec![lost(), ALREADY, ACCEPTED], Whose::Ours),
        (vec![refused(), ALREADY], Whose::Theirs),
        (vec![limited(), ALREADY, ALREADY], Whose::Theirs),
    ] {
        assert_eq!(whose(&answered(asks(), &answers)), is, "{answers:?}");
    }
}

#[test]
fn an_approval_resumes_what_is_ours_and_what_is_in_doubt_and_never_what_is_theirs() {
    for (answers, resumes) in [(vec![ACCEPTED], true), (vec![lost(), ALREADY], true), (vec![ALREADY], false)] {
        let mut scene = answered(asks(), &answers);
        let said = approve(&mut scene);
        assert_eq!(said.contains(&"resume r1".to_owned()), resumes, "{answers:?}: {said:?}");
        assert!(said.contains(&format!("reply {}", Outcome::Approved)), "{said:?}");
    }
}

#[test]
fn in_doubt_no_rule_lets_a_session_go_by_itself() {
    for effect in [RuleEffect::Cooldown, RuleEffect::Instruct] {
        let mut scene = in_doubt(fires(rule("calm", effect)));
        let case = scene.gate.case.as_ref().expect("a case");
        assert_eq!(case.kept.plan, Plan::Ask);
        assert!(case.card().notes.iter().any(|note| note.contains("whose the pause is")), "{:?}", case.card().notes);
        let said = scene.after(COOLDOWN * 2);
        assert!(!said.iter().any(|line| line.contains("wait")), "{said:?}");
        scene.read(paused());
        assert!(approve(&mut scene).contains(&"resume r1".to_owned()), "an operator may");
    }
}

#[test]
fn in_doubt_no_refusal_lets_a_session_go() {
    for (effect, by_operator) in [(RuleEffect::Ask, true), (RuleEffect::Deny, false)] {
        let mut refuses = rule("purchase", effect);
        (refuses.on_deny, refuses.refusal) = (Some(OnDeny::Instruct), Some("No.".to_owned()));
        let mut scene = in_doubt(fires(refuses));
        if by_operator {
            let said = scene.decide(Act::Deny { reason: None });
            assert!(said.contains(&"record decided denied applied".to_owned()), "{said:?}");
        }
        assert!(matches!(scene.gate.phase, Phase::Kept(_)), "{:?}", scene.gate.phase);
        assert_eq!(scene.kept().closed.map(|closed| closed.outcome), Some(Outcome::Denied));
    }
}

#[test]
fn a_lost_answer_makes_somebody_elses_pause_doubtful_and_the_card_a_draft() {
    let mut scene = answered(asks(), &[ALREADY]);
    scene.seen(EventKind::Resumed, super::scene::quiet());
    let said = scene.paused(lost());
    assert!(said.contains(&"pause".to_owned()) && said.contains(&"show draft r1".to_owned()), "{said:?}");
    scene.paused(ALREADY);
    scene.read(paused());
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    assert_eq!(whose(&scene), Whose::Doubt);
}

/// Somebody resumed what we held, and paused it: an approval of the card of before does not let that go.
#[test]
fn a_foreign_resume_that_was_seen_is_said_and_makes_the_pause_doubtful() {
    for answer in [ALREADY, lost(), refused()] {
        let mut scene = Scene::held();
        let read = scene.decision(Act::approve());
        assert_eq!(scene.seen(EventKind::Resumed, super::scene::quiet()), ["pause", "record revised"]);
        scene.seen(EventKind::Paused, super::scene::quiet());
        scene.paused(answer.clone());
        if answer != ALREADY {
            scene.paused(ALREADY);
        }
        scene.read(paused());
        scene.after(SETTLE);
        assert_eq!(scene.read(paused()), ["record revised", "show open r2"], "{answer:?}");
        assert_eq!(whose(&scene), Whose::Doubt, "{answer:?}");
        assert_eq!(scene.decide_on(read), ["refuse stale, now r2"]);
        assert!(approve(&mut scene).contains(&"resume r2".to_owned()), "an operator who was told may");
    }
    let mut scene = Scene::held();
    scene.seen(EventKind::Resumed, super::scene::quiet());
    scene.paused(ALREADY);
    let card = scene.gate.case.as_ref().expect("a case").card();
    assert!(card.notes.iter().any(|note| note.starts_with("somebody else resumed")), "{:?}", card.notes);
    assert_eq!(card.timing, crate::gate::approval::Timing::Late);
}

/// The first pause that looks is accepted, and a later resume was heard by then: what came of that, its own look tells.
#[test]
fn each_foreign_resume_has_its_own_look() {
    let whose_after = |answer: Answered| {
        let mut scene = Scene::held();
        scene.seen(EventKind::Resumed, super::scene::quiet());
        let first = scene.last_pause();
        scene.seen(EventKind::Resumed, super::scene::quiet());
        let second = scene.last_pause();
        scene.paused_as(first, ACCEPTED);
        scene.paused_as(second, answer);
        scene.read(paused());
        scene.after(SETTLE);
        scene.read(paused());
        whose(&scene)
    };
    assert_eq!(whose_after(ALREADY), Whose::Doubt, "the first pause may have come before that resume or after it");
    assert_eq!(whose_after(lost()), Whose::Doubt);
    assert_eq!(whose_after(refused()), Whose::Doubt);
    assert_eq!(whose_after(ACCEPTED), Whose::Ours);
}

/// A pause hangs, somebody pauses and resumes meanwhile: the session runs, and what was sent is no pause of it.
#[test]
fn a_foreign_resume_while_a_pause_is_out_is_met_with_another_pause_at_once() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.seen(EventKind::Paused, super::scene::quiet());
    assert_eq!(scene.seen(EventKind::Resumed, super::scene::quiet())[0], "pause");
}

/// Our own resume was refused: the next `resumed` event is not its echo.
#[test]
fn after_a_refused_resume_of_ours_a_resumed_event_is_somebody_elses() {
    let mut scene = Scene::resuming();
    scene.acted(refused());
    scene.when_due();
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Ours, "asked anew");
    scene.seen(EventKind::Resumed, super::scene::quiet());
    scene.paused(ALREADY);
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Doubt);
}

/// A process that dies after it heard the resume never hears what the pause that looked was answered.
#[test]
fn a_restart_does_not_forget_that_a_foreign_resume_was_heard() {
    let mut scene = Scene::held();
    scene.seen(EventKind::Resumed, super::scene::quiet());
    scene.restart();
    scene.paused(ALREADY);
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Doubt);
}

/// What leaves without a person's look does not leave while it is unknown what came of a foreign resume, nor afterwards.
#[test]
fn after_a_foreign_resume_no_rule_and_no_refusal_lets_a_session_go() {
    let mut refuses = rule("purchase", RuleEffect::Ask);
    (refuses.on_deny, refuses.refusal) = (Some(OnDeny::Instruct), Some("No.".to_owned()));
    let mut scene = Scene::held_by(fires(refuses));
    scene.seen(EventKind::Resumed, super::scene::quiet());
    scene.decide(Act::Deny { reason: None });
    assert!(scene.paused(ALREADY).contains(&"refuse stale, now r2".to_owned()));
    scene.after(SETTLE);
    scene.read(paused());
    let said = scene.decide(Act::Deny { reason: None });
    assert!(said.contains(&"record decided denied applied".to_owned()), "{said:?}");
    assert!(matches!(scene.gate.phase, Phase::Kept(_)), "{:?}", scene.gate.phase);
    let mut cools = Scene::held_by(fires(rule("calm", RuleEffect::Cooldown)));
    cools.seen(EventKind::Resumed, super::scene::quiet());
    cools.paused(ALREADY);
    cools.after(SETTLE);
    cools.read(paused());
    assert_eq!(cools.gate.case.as_ref().map(|case| case.kept.plan.clone()), Some(Plan::Ask));
}

#[test]
fn what_was_ours_is_ours_until_it_is_seen_to_run() {
    let mut scene = Scene::held();
    poll(&mut scene);
    scene.read(running());
    scene.paused(ALREADY);
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Theirs, "somebody resumed it, and somebody paused it");
    let said = approve(&mut scene);
    assert!(!said.iter().any(|line| line.starts_with("resume")), "{said:?}");
}

/// Somebody ends the task that was held, which no look saw, and gives another one.
#[test]
fn a_message_to_a_held_session_is_met_with_a_pause_whose_answer_tells_whether_it_runs() {
    let mut scene = Scene::held();
    let said = scene.seen(EventKind::User, quiet());
    assert!(said.contains(&"pause".to_owned()), "{said:?}");
    scene.paused(ALREADY);
    assert_eq!(whose(&scene), Whose::Doubt, "whoever sent it may have paused what it began");

    let mut scene = Scene::held();
    scene.seen(EventKind::User, quiet());
    let said = scene.paused(ACCEPTED);
    assert!(said.contains(&"record revised".to_owned()), "{said:?}");
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Ours, "by this pause");

    let mut scene = Scene::held();
    scene.decide(Act::Deny { reason: None });
    assert_eq!(scene.seen(EventKind::User, quiet()), [""; 0], "what is being ended is not paused");
}

/// The `paused` event of a pause may come before its answer. No `resumed` event of before is waited for after it.
#[test]
fn a_foreign_resume_is_seen_where_the_pause_before_it_was_told_of_before_it_was_answered() {
    let mut scene = Scene::held();
    scene.seen(EventKind::User, quiet());
    scene.seen(EventKind::Paused, quiet());
    scene.paused(ACCEPTED);
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Ours);

    assert_eq!(scene.seen(EventKind::Resumed, quiet())[0], "pause");
    scene.seen(EventKind::Paused, quiet());
    scene.paused(ALREADY);
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Doubt);
}

#[test]
fn a_pause_that_was_sent_before_the_session_ran_again_does_not_claim_the_next_one() {
    let mut scene = Scene::held();
    scene.seen(EventKind::Resumed, super::scene::quiet());
    let old = scene.last_pause();
    poll(&mut scene);
    scene.read(running());
    scene.paused(ALREADY);
    scene.paused_as(old, ACCEPTED);
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(whose(&scene), Whose::Doubt, "the old one may have come before or after it ran");
}

#[test]
fn a_hold_that_a_read_confirmed_hears_the_answers_that_come_later() {
    for (first, second, is) in [
        (refused(), ALREADY, Whose::Theirs),
        (refused(), ACCEPTED, Whose::Ours),
        (refused(), lost(), Whose::Doubt),
        (lost(), ALREADY, Whose::Doubt),
        (lost(), ACCEPTED, Whose::Ours),
    ] {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, asks());
        scene.paused(first.clone());
        let (read, due) = (scene.last_read(), scene.when_due());
        assert_eq!(due, ["pause"]);
        scene.read_as(read, paused());
        assert!(matches!(scene.gate.phase, Phase::Settling(_)));
        scene.after(SETTLE);
        assert_eq!(scene.read(paused()), [""; 0], "no card is complete while an answer is out");
        scene.paused(second.clone());
        scene.when_due();
        assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
        assert_eq!(whose(&scene), is, "{first:?}, {second:?}");
    }
}

#[test]
fn a_restart_keeps_what_was_known_and_doubts_what_was_not() {
    for (answer, before, again, is) in [
        (Some(ACCEPTED), Whose::Ours, ALREADY, Whose::Ours),
        (Some(ALREADY), Whose::Theirs, ALREADY, Whose::Theirs),
        (Some(ALREADY), Whose::Theirs, ACCEPTED, Whose::Ours),
        (Some(lost()), Whose::Doubt, ALREADY, Whose::Doubt),
        (None, Whose::Doubt, ALREADY, Whose::Doubt),
        (None, Whose::Doubt, ACCEPTED, Whose::Ours),
    ] {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, asks());
        if let Some(answer) = answer.clone() {
            scene.paused(answer);
            scene.read(paused());
            scene.after(SETTLE);
            scene.read(paused());
            assert_eq!(whose(&scene), before);
        }
        scene.restart();
        scene.paused(again.clone());
        scene.read(paused());
        scene.after(SETTLE);
        scene.read(paused());
        assert_eq!(whose(&scene), is, "{answer:?}, then {again:?}");
    }
}

#[test]
fn a_session_that_was_kept_in_doubt_is_in_doubt_after_a_restart() {
    let mut keeps = rule("purchase", RuleEffect::Ask);
    keeps.on_deny = Some(OnDeny::KeepPaused);
    let mut scene = in_doubt(fires(keeps));
    scene.decide(Act::Deny { reason: None });
    scene.restart();
    scene.read(paused());
    scene.seen(EventKind::Resumed, super::scene::quiet());
    scene.paused(ALREADY);
    let operator = crate::control::OperatorName("ops1".to_owned());
    let act = crate::control::SessionAct::Ask;
    scene.input(crate::gate::Input::Directed { reply: crate::gate::ReplyTo(9), operator, act, reason: None });
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
    assert_eq!(whose(&scene), Whose::Doubt);
}

#[test]
fn a_late_pause_is_ours_where_its_answer_says_so_and_in_doubt_where_it_is_lost() {
    for (answer, is) in [(ACCEPTED, Whose::Ours), (lost(), Whose::Doubt)] {
        let mut scene = Scene::held();
        scene.seen(EventKind::Resumed, super::scene::quiet());
        let late = scene.last_pause();
        poll(&mut scene);
        scene.read(super::scene::ended());
        scene.when_due();
        scene.read(super::scene::ended());
        assert!(matches!(scene.gate.phase, Phase::Watching), "{:?}", scene.gate.phase);
        assert_eq!(scene.paused_as(late, answer)[..2], ["pause", "record opened"]);
        scene.paused(ALREADY);
        scene.read(paused());
        scene.after(SETTLE);
        scene.read(paused());
        assert_eq!(whose(&scene), is);
    }
}

#[test]
fn an_end_that_was_read_before_a_pause_of_ours_arrived_is_no_end() {
    for (answer, counts) in [(ACCEPTED, false), (lost(), false), (DOUBT, false), (ALREADY, true), (refused(), true)] {
        let mut scene = Scene::held();
        scene.decide(Act::Deny { reason: None });
        scene.acted(Ok(()));
        assert_eq!(scene.seen(EventKind::Thought, asks())[0], "pause", "a newer task, which a rule stops at least");
        let old = scene.last_read();
        let said = scene.paused(answer.clone());
        assert_eq!(said == ["read"], !counts, "{answer:?}: {said:?}");
        let said = scene.read_as(old, super::scene::ended());
        assert_eq!(said.contains(&"record delivered denied applied".to_owned()), counts, "{answer:?}: {said:?}");
        if counts {
            continue;
        }
        assert!(matches!(scene.gate.phase, Phase::Cancelling(_)));
        assert_eq!(scene.read(paused()), [""; 0]);
        assert_eq!(scene.when_due(), ["pause", "cancel"], "what is paused by us now is ended, too");
        scene.acted(Ok(()));
        scene.paused(refused());
        assert!(scene.read(super::scene::ended()).contains(&"record delivered denied applied".to_owned()));
    }
}

/// The lost request may land at any time in the two minutes after it was given up.
#[test]
fn a_hold_that_finds_its_session_paused_while_a_lost_pause_may_still_land_is_in_doubt() {
    for (later, expected) in [(0, Whose::Doubt), (200, Whose::Theirs)] {
        let mut scene = answered(asks(), &[lost(), ACCEPTED]);
        approve(&mut scene);
        scene.acted(Ok(()));
        scene.read(running());
        scene.after(std::time::Duration::from_secs(later));
        if later > 0 {
            scene.read(running());
        }
        scene.seen(EventKind::Thought, asks());
        scene.paused(ALREADY);
        scene.read(paused());
        scene.after(SETTLE);
        scene.read(paused());
        assert_eq!(whose(&scene), expected, "{later} s later");
    }
}
