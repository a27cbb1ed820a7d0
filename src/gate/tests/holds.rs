//! From the trigger to a complete card, and what may happen to a hold.

use std::time::Duration;

use crate::api::{ErrorClass, EventKind, MessageId, PauseAnswer};
use crate::control::Act;
use crate::gate::phase::Phase;
use crate::gate::{Hold, Input, Page, Timing};
use crate::policy::{Effect as RuleEffect, OnDeny, verdict};

use super::harness::{COOLDOWN, POLL, SETTLE, TIMEOUT, fires, rule, settings};
use super::scene::{Scene, asks, deny, ended, failed, lost, missing, paused, poll, quiet, refused, running};

#[test]
fn the_pause_is_the_first_effect_and_the_card_a_draft() {
    let mut scene = Scene::new();
    assert_eq!(scene.seen(EventKind::Thought, asks()), ["pause", "record opened", "show draft r0"]);
    assert_eq!(scene.decide(Act::approve()), ["refuse not paused yet"]);
}

#[test]
fn a_confirmed_pause_settles_and_then_asks() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), ["read"]);
    assert_eq!(scene.read(paused()), [""; 0]);
    assert_eq!(scene.decide(Act::approve()), ["refuse not paused yet"]);
    assert_eq!(scene.after(SETTLE), ["read"]);
    assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
    assert_eq!(scene.gate.case.as_ref().unwrap().card().timing, Timing::InTime);
}

#[test]
fn a_pause_is_repeated_until_the_provider_confirms_it() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.paused(lost()), ["record noted", "notice", "read"]);
    assert_eq!(scene.read(running()), [""; 0]);
    assert_eq!(scene.when_due(), ["pause"]);
    assert_eq!(scene.paused(lost()), ["read"]);
    assert_eq!(scene.read(lost()), [""; 0]);
    assert_eq!(scene.when_due(), ["pause"]);
    assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), ["read"]);
    assert_eq!(scene.read(paused()), [""; 0]);
    assert!(matches!(scene.gate.phase, Phase::Settling(_)));
    assert_eq!(scene.kept().owned, None);
}

/// A whole fleet that is refused would ask for all that a provider takes, and more.
#[test]
fn a_pause_that_is_refused_for_the_rate_is_repeated_later_each_time_and_seldom_looked_after() {
    let second = Duration::from_secs(1);
    let too_many = || failed(ErrorClass::RateLimited { retry_after: Some(second) });
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.paused(too_many()), ["record noted", "notice"]);
    for wait in [1_000, 1_000, 1_000, 1_600] {
        assert_eq!(scene.after(Duration::from_millis(wait - 1)), [""; 0]);
        assert_eq!(scene.after(Duration::from_millis(1)), ["pause"], "after {wait} ms");
        let looks = scene.paused(too_many());
        assert_eq!(looks, vec!["read"; usize::from(wait == 1_600)], "the fifth");
    }
    scene.read(running());
    for _ in 0..3 {
        scene.when_due();
        assert_eq!(scene.paused(too_many()), [""; 0]);
    }
    assert_eq!(scene.after(5 * second), ["pause"], "never later than that");
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), ["read"]);
    scene.read(paused());
    assert!(matches!(scene.gate.phase, Phase::Settling(_)));
}

#[test]
fn a_pause_is_unconfirmed_until_a_status_or_an_event_shows_it_whatever_was_decided() {
    let mut scene = Scene::new();
    assert!(!scene.gate.is_unconfirmed(), "nothing is to be paused");
    scene.seen(EventKind::Thought, asks());
    assert!(scene.gate.is_unconfirmed());
    scene.decide(deny());
    assert!(scene.gate.holds() && scene.gate.is_unconfirmed(), "denied before it was confirmed");
    assert!(!Scene::held().gate.is_unconfirmed());
}

#[test]
fn a_pause_that_was_taken_is_repeated_when_its_look_does_not_show_it_or_is_not_back_after_a_second() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), ["read"]);
    assert_eq!(scene.after(Duration::from_millis(999)), [""; 0], "its look is under way");
    assert_eq!(scene.read(running()), [""; 0]);
    assert_eq!(scene.after(Duration::ZERO), ["pause"]);
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), ["read"]);
    assert_eq!(scene.after(Duration::from_secs(1)), ["pause"]);
    assert_eq!(scene.paused(lost()), ["record noted", "notice", "read"]);
    assert_eq!(scene.after(Duration::from_millis(800)), ["pause"], "one that was not taken waits for no look");
}

#[test]
fn a_look_that_takes_longer_than_pauses_are_repeated_counts_when_it_is_back() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), ["read"]);
    let slow = scene.last_read();
    for _ in 0..3 {
        assert_eq!(scene.when_due(), ["pause"]);
        assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), ["read"]);
    }
    scene.read_as(slow, running());
    assert!(matches!(scene.gate.phase, Phase::Pausing(_)), "it may have looked before the pause");
    let late = scene.last_read();
    assert_eq!(scene.when_due(), ["pause"]);
    assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), ["read"]);
    scene.read_as(late, paused());
    assert!(matches!(scene.gate.phase, Phase::Settling(_)));
}

#[test]
fn a_paused_event_confirms_only_a_pause_that_was_taken() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.seen(EventKind::Paused, quiet());
    assert!(matches!(scene.gate.phase, Phase::Pausing(_)), "it may be an old one");
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), [""; 0]);
    assert!(matches!(scene.gate.phase, Phase::Settling(_)));
}

#[test]
fn where_statuses_hide_pauses_each_poll_pauses_again() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.seen(EventKind::Paused, quiet());
    scene.after(SETTLE);
    assert_eq!(scene.read(running()), ["record revised", "show open r1"]);
    assert_eq!(poll(&mut scene), ["pause", "read"]);
    assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), [""; 0]);
    scene.read(running());
    assert_eq!(poll(&mut scene), ["pause", "read"]);
    let again = scene.paused(Ok(PauseAnswer::Accepted));
    assert_eq!(again, ["read", "record noted", "notice", "record revised", "show draft r1"], "it really ran");
}

#[test]
fn a_task_that_ended_before_the_pause_is_withdrawn() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    for _ in 0..3 {
        scene.paused(refused());
        assert_eq!(scene.read(ended()), [""; 0], "it may be the end of the task before");
        assert_eq!(scene.when_due(), ["pause"]);
    }
    scene.paused(refused());
    assert_eq!(scene.read(ended()), ["record decided withdrawn applied", "show withdrawn applied"]);
    assert!(matches!(scene.gate.phase, Phase::Watching));
}

#[test]
fn a_session_that_is_gone_is_withdrawn_and_over() {
    let mut scene = Scene::held();
    poll(&mut scene);
    assert_eq!(scene.read(missing()), [""; 0], "it may be a gateway that says so");
    assert_eq!(scene.after(Duration::from_millis(500)), ["read"]);
    assert_eq!(scene.read(missing()), ["record decided withdrawn applied", "show withdrawn applied"]);
    assert!(scene.gate.is_over());
}

#[test]
fn late_events_while_settling_make_the_card_late_and_are_on_it() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    assert_eq!(scene.seen(EventKind::Step, quiet()), ["show draft r0"]);
    scene.after(SETTLE);
    scene.read(paused());
    let card = scene.gate.case.as_ref().unwrap().card().clone();
    assert_eq!((card.timing, card.after.len(), card.revision.0), (Timing::Late, 1, 1));
}

#[test]
fn a_card_shows_the_first_and_the_newest_events_and_counts_the_others() {
    let mut scene = Scene::held();
    let texts: Vec<String> = (1..=30).map(|n| format!("event {n}")).collect();
    for text in &texts {
        assert_eq!(scene.seen_text(EventKind::Step, text, quiet()), ["show draft r1"]);
    }
    let card = scene.gate.case.as_ref().unwrap().card();
    let shown: Vec<&String> = card.after.iter().map(|event| &event.text).collect();
    let expected: Vec<&String> = texts[..5].iter().chain(&texts[15..]).collect();
    assert_eq!((shown, card.left_out), (expected, 10));
}

#[test]
fn the_newest_notes_and_those_of_a_foreign_resume_stay_on_the_card() {
    let mut scene = Scene::held();
    scene.after(POLL);
    scene.read(running());
    for n in 1..=40 {
        scene.input(Input::Gap { after: MessageId(n), why: "a hole".to_owned() });
    }
    let notes = &scene.gate.case.as_ref().unwrap().card().notes;
    assert_eq!(notes.len(), 20);
    assert!(notes[0].starts_with("somebody else resumed"), "{notes:?}");
    assert!(notes[19].contains("events after 40 "), "{notes:?}");
}

#[test]
fn news_while_held_makes_a_new_revision_and_old_decisions_stale() {
    let mut scene = Scene::held();
    let old = scene.decision(Act::approve());
    assert_eq!(scene.seen(EventKind::Step, quiet()), ["show draft r1"]);
    assert_eq!(scene.decide_on(old.clone()), ["refuse not paused yet"]);
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
    assert_eq!(scene.decide_on(old), ["refuse stale, now r2"]);
}

#[test]
fn an_error_event_on_an_open_card_is_shown_as_a_new_revision() {
    let mut scene = Scene::held();
    assert_eq!(scene.seen(EventKind::Error, quiet()), ["show draft r1"]);
    scene.after(SETTLE);
    assert_eq!(scene.read(paused()), ["record revised", "show open r2"]);
}

#[test]
fn somebody_elses_resume_is_paused_again_loudly() {
    let mut scene = Scene::held();
    poll(&mut scene);
    let again = scene.read(running());
    assert_eq!(again, ["pause", "record noted", "notice", "record revised", "show draft r1"]);
    assert_eq!(scene.gate.case.as_ref().unwrap().card().timing, Timing::Late);
}

#[test]
fn a_resumed_event_is_tested_with_a_pause_whose_acceptance_is_ours() {
    let mut scene = Scene::held();
    assert_eq!(scene.seen(EventKind::Resumed, quiet()), ["pause", "record revised"]);
    let again = scene.paused(Ok(PauseAnswer::Accepted));
    assert_eq!(again, ["read", "record noted", "notice", "record revised", "show draft r1"]);
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(scene.decide(Act::approve()), ["read", "show ops deciding"]);
    scene.read(paused());
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "resume r2", "show approved applying"]);
}

/// Somebody writes to the agent between the look that finds its task ended and that look's answer.
#[test]
fn a_look_that_left_before_the_agent_was_seen_to_act_confirms_no_end() {
    let mut scene = Scene::held();
    scene.decide(Act::Deny { reason: None });
    scene.acted(Ok(()));
    let early = scene.last_read();
    assert_eq!(scene.seen(EventKind::User, quiet()), ["read"]);
    assert_eq!(scene.read_as(early, ended()), [""; 0]);
    assert_eq!(scene.read(running()), [""; 0]);
    assert_eq!(scene.when_due(), ["pause", "cancel"], "whoever denied it did not mean that it goes on");
}

#[test]
fn a_rule_that_fires_on_a_held_session_is_met_with_a_pause_first() {
    let mut settling = Scene::new();
    settling.seen(EventKind::Thought, asks());
    settling.paused(Ok(PauseAnswer::Accepted));
    settling.read(paused());
    let mut checking = Scene::held();
    checking.decide(Act::approve());
    let mut terms = rule("purchase", RuleEffect::Ask);
    terms.on_deny = Some(OnDeny::KeepPaused);
    let mut kept = Scene::held_by(fires(terms));
    kept.decide(Act::Deny { reason: None });
    let cooling = Scene::held_by(fires(rule("rate limit", RuleEffect::Cooldown)));
    for mut scene in [settling, Scene::held(), cooling, checking, kept] {
        let phase = format!("{:?}", scene.gate.phase);
        assert_eq!(scene.seen(EventKind::Step, asks())[0], "pause", "{phase}");
        let ran = scene.paused(Ok(PauseAnswer::Accepted));
        assert!(matches!(scene.gate.phase, Phase::Pausing(_)), "{phase}: {ran:?}");
    }
}

#[test]
fn old_news_of_a_resume_changes_nothing() {
    // A resume of ours, whose event comes when the next hold is confirmed.
    let mut ours = Scene::resuming();
    ours.acted(Ok(()));
    ours.read(running());
    ours.hold(asks());
    assert_eq!(ours.seen(EventKind::Resumed, quiet()), ["pause"]);
    let mut replayed = Scene::held();
    replayed.history(EventKind::Resumed, quiet());
    let mut known = Scene::held();
    poll(&mut known);
    known.read(running());
    known.paused(Ok(PauseAnswer::Accepted));
    known.read(paused());
    known.after(SETTLE);
    known.read(paused());
    assert_eq!(known.seen(EventKind::Resumed, quiet()), ["pause"]);
    for mut scene in [ours, replayed, known] {
        assert_eq!(scene.paused(Ok(PauseAnswer::AlreadyPaused)), [""; 0]);
        assert!(matches!(scene.gate.phase, Phase::Held(_)), "{:?}", scene.gate.phase);
        assert_eq!(scene.gate.case.as_ref().unwrap().kept.owned, Some(true));
    }
    let mut older = Scene::held();
    assert_eq!(older.overtaken(EventKind::Resumed, quiet()), [""; 0]);
}

#[test]
fn a_hold_of_somebody_elses_pause_is_never_resumed() {
    let mut scene = Scene::new();
    scene.seen(EventKind::Thought, asks());
    scene.paused(Ok(PauseAnswer::AlreadyPaused));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    assert_eq!(scene.gate.case.as_ref().unwrap().card().hold, Hold::ByOthers);
    assert_eq!(scene.decide(Act::Instruct { text: "wait".to_owned() }), ["refuse not possible"]);
    scene.decide(Act::approve());
    assert_eq!(scene.read(paused()), ["record decided approved applied and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["reply approved", "show approved applied"]);
    assert!(matches!(scene.gate.phase, Phase::Watching), "whoever paused it may resume it");
}

#[test]
fn a_page_completes_the_card_and_its_absence_is_noted() {
    let mut scene = Scene::with(crate::gate::Settings { screenshots: true, ..settings() });
    scene.seen(EventKind::Thought, asks());
    scene.paused(Ok(PauseAnswer::Accepted));
    assert_eq!(scene.read(paused()), ["screenshot"]);
    assert_eq!(scene.after(SETTLE), [""; 0], "the page is waited for");
    let page = Page { url: Some("https://shop.example/".to_owned()), title: None, domain: None };
    scene.page(Ok(page));
    assert_eq!(scene.when_due(), ["read"]);
    scene.read(paused());
    assert_eq!(scene.gate.case.as_ref().unwrap().card().url.as_deref(), Some("https://shop.example/"));
}

#[test]
fn a_rule_that_fired_before_the_page_was_known_does_not_say_that_it_is_not_known() {
    let mut scene = Scene::with(crate::gate::Settings { screenshots: true, ..settings() });
    let mut verdict = asks();
    verdict.fired[0].undecided = vec![
        format!("domains: {}", verdict::NOWHERE),
        format!("url: {}", verdict::NO_ADDRESS),
        "amount_over: the price cannot be read".to_owned(),
    ];
    scene.seen(EventKind::Thought, verdict);
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    let page = Page { url: None, title: None, domain: Some("shop.example".to_owned()) };
    scene.page(Ok(page));
    assert_eq!(
        scene.gate.case.as_ref().unwrap().card().rules[0].undecided,
        [
            "domains: it was not known where the session is; the page was told later",
            "url: the page's address is not known",
            "amount_over: the price cannot be read",
        ]
    );
}

#[test]
fn a_cooldown_waits_and_resumes_by_itself_until_it_has_done_so_too_often() {
    let cools = || fires(rule("rate limit", RuleEffect::Cooldown));
    let mut scene = Scene::new();
    for _ in 0..2 {
        assert_eq!(scene.seen(EventKind::Error, cools()), ["pause", "record opened", "record noted", "notice"]);
        scene.paused(Ok(PauseAnswer::Accepted));
        scene.read(paused());
        scene.after(SETTLE);
        assert_eq!(scene.read(paused()), ["record revised"]);
        assert_eq!(scene.after(COOLDOWN), ["read"]);
        assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);
        assert_eq!(scene.recorded(Ok(())), ["resume r1"]);
        assert_eq!(scene.acted(Ok(())), ["read"]);
        assert_eq!(scene.read(running()), ["record delivered approved applied"]);
    }
    assert_eq!(scene.seen(EventKind::Error, cools()), ["pause", "record opened", "show draft r0"]);
}

#[test]
fn an_instruct_rule_sends_its_message_and_resumes() {
    let mut scene = Scene::new();
    let instructs = fires(rule("params", RuleEffect::Instruct));
    assert_eq!(scene.hold(instructs.clone()), ["record revised", "read"]);
    assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);
    assert_eq!(scene.recorded(Ok(())), ["message r1 Ask before you buy."]);
    assert_eq!(scene.acted(Ok(())), ["resume r1"]);
    assert_eq!(scene.acted(Ok(())), ["read"]);
    assert_eq!(scene.read(running()), ["record delivered approved applied"]);
    let step = scene.seen(EventKind::Step, instructs);
    assert_eq!(step.first().map(String::as_str), Some("pause"), "an instruction covers no act");
}

#[test]
fn a_stricter_rule_that_joins_decides_what_a_denial_does() {
    let mut lenient = rule("purchase", RuleEffect::Ask);
    lenient.on_deny = Some(OnDeny::Instruct);
    lenient.refusal = Some("No.".to_owned());
    let mut scene = Scene::held_by(fires(lenient));
    let joined = scene.seen(EventKind::Step, fires(rule("never", RuleEffect::Deny)));
    assert_eq!(joined, ["pause", "record decided denied applying", "show denied applying", "cancel"]);
}

#[test]
fn a_cooldown_that_turns_into_a_question_gives_operators_their_whole_time() {
    let mut long = rule("rate limit", RuleEffect::Cooldown);
    long.cooldown = Some(TIMEOUT * 2);
    let mut scene = Scene::held_by(fires(long));
    scene.now = scene.now.after(TIMEOUT + COOLDOWN);
    assert_eq!(scene.seen(EventKind::Step, asks()), ["pause", "record revised", "show draft r1"]);
    assert_eq!(scene.gate.waiting().unwrap().1, scene.now.after(TIMEOUT));
}

#[test]
fn lost_sight_pauses_and_a_sight_regained_is_noted() {
    let mut scene = Scene::new();
    let why = || "no heartbeat".to_owned();
    assert_eq!(scene.input(Input::Blind { why: why() }), ["pause", "record opened", "show draft r0"]);
    assert_eq!(scene.input(Input::Sighted), ["record noted", "notice", "show draft r0"]);

    let mut scene = Scene::resuming();
    assert_eq!(scene.input(Input::Blind { why: why() }), ["record noted approved applying", "notice"]);
    scene.acted(Ok(()));
    let resumed = scene.read(running());
    let expected = ["pause", "record delivered approved applied", "show approved applied", "record opened"];
    assert_eq!(resumed[..4], expected, "as soon as the release is through");
}

#[test]
fn sight_lost_while_a_release_is_recorded_takes_it_back_and_is_acted_upon_later() {
    let blind = || Input::Blind { why: "no heartbeat".to_owned() };
    let gap = || Input::Gap { after: MessageId(3), why: "a hole".to_owned() };
    for lost in [blind(), gap()] {
        let mut scene = Scene::held();
        scene.decide(Act::approve());
        scene.read(paused());
        scene.input(lost);
        assert_eq!(scene.recorded(Ok(()))[1], "record delivered approved failed");
        scene.after(SETTLE);
        scene.read(ended());
        scene.when_due();
        scene.read(ended());
        assert!(matches!(scene.gate.phase, Phase::Pausing(_)), "remembered: {:?}", scene.gate.phase);
    }
}

#[test]
fn answering_a_question_does_not_waive_that_sight_was_lost() {
    let mut scene = Scene::asking();
    scene.input(Input::Blind { why: "no heartbeat".to_owned() });
    scene.decide(Act::approve());
    scene.read(running());
    scene.recorded(Ok(()));
    let sent = scene.acted(Ok(()));
    let expected = ["pause", "record delivered approved applied", "show approved applied", "record opened"];
    assert_eq!(sent[..4], expected);
}

#[test]
fn sight_regained_ends_blindness_but_not_a_gap() {
    let mut scene = Scene::asking();
    scene.input(Input::Gap { after: MessageId(3), why: "a hole".to_owned() });
    scene.input(Input::Blind { why: "no heartbeat".to_owned() });
    scene.input(Input::Sighted);
    assert_eq!(scene.seen(EventKind::User, quiet())[0], "pause");

    let mut scene = Scene::asking();
    scene.input(Input::Blind { why: "no heartbeat".to_owned() });
    scene.input(Input::Sighted);
    assert_eq!(scene.seen(EventKind::User, quiet())[0], "record decided withdrawn applied");
}

#[test]
fn a_pause_that_arrives_after_its_reason_ended_asks_somebody() {
    let mut scene = Scene::held();
    scene.seen(EventKind::Resumed, quiet());
    scene.input(Input::Gone);
    let mut scene = Scene::held();
    poll(&mut scene);
    scene.seen(EventKind::Resumed, quiet());
    scene.read(ended());
    scene.when_due();
    scene.read(ended());
    assert_eq!(scene.paused(Ok(PauseAnswer::Accepted)), ["pause", "record opened", "show draft r0"]);
}

#[test]
fn a_pause_that_never_arrived_does_not_make_somebody_elses_ours() {
    let without_effect = || {
        [
            ErrorClass::Unreachable { detail: "no route".to_owned() },
            ErrorClass::RateLimited { retry_after: None },
            ErrorClass::Refused { status: 409, detail: "no".to_owned() },
            ErrorClass::Auth { status: 401, detail: "no".to_owned() },
        ]
    };
    for class in without_effect() {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, asks());
        scene.paused(failed(class.clone()));
        scene.when_due();
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(paused());
        assert_eq!(scene.gate.case.as_ref().unwrap().kept.owned, Some(false), "{class:?}");
    }
    for (earlier, owned) in [(lost(), None), (Ok(PauseAnswer::InDoubt), None), (Ok(PauseAnswer::Accepted), Some(true))]
    {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, asks());
        scene.paused(earlier);
        scene.when_due();
        for class in without_effect() {
            scene.paused(failed(class));
            scene.when_due();
        }
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(paused());
        assert_eq!(scene.gate.case.as_ref().unwrap().kept.owned, owned);
    }
}

#[test]
fn one_odd_read_ends_nothing() {
    for odd in [ended(), missing()] {
        let mut scene = Scene::new();
        scene.seen(EventKind::Thought, asks());
        scene.paused(Ok(PauseAnswer::Accepted));
        assert_eq!(scene.read(odd.clone()), [""; 0]);
        scene.when_due();
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(paused());
        scene.after(SETTLE);
        assert_eq!(scene.read(odd.clone()), [""; 0], "settling");
        scene.when_due();
        assert_eq!(scene.read(paused()), ["record revised", "show open r1"]);
        for otherwise in [ended(), missing()] {
            poll(&mut scene);
            assert_eq!(scene.read(odd.clone()), [""; 0], "held");
            assert_eq!(scene.when_due(), ["read"]);
            if otherwise != odd {
                assert_eq!(scene.read(otherwise), [""; 0], "two that do not agree");
                scene.when_due();
            }
            assert_eq!(scene.read(paused()), [""; 0]);
        }
        scene.decide(Act::approve());
        assert_eq!(scene.read(odd.clone()), [""; 0], "checked");
        assert_eq!(scene.when_due(), ["read"]);
        assert_eq!(scene.read(paused()), ["record decided approved applying and wait"]);

        let mut scene = Scene::asking();
        scene.decide(Act::approve());
        scene.read(odd.clone());
        scene.when_due();
        let withdrawn = ["refuse already withdrawn by", "record decided withdrawn applied", "show withdrawn applied"];
        let said = scene.read(odd);
        assert!(said[0].starts_with(withdrawn[0]), "{said:?}");
        assert_eq!(said[1..], withdrawn[1..]);
    }
}

#[test]
fn a_session_that_says_it_was_deleted_is_over_at_once() {
    let mut scene = Scene::held();
    poll(&mut scene);
    let status = |word: &str| Some(crate::api::Status(word.to_owned()));
    let deleted = crate::gate::Observed { lifecycle: status("deleted"), execution: None };
    assert_eq!(scene.read(Ok(deleted)), ["record decided withdrawn applied", "show withdrawn applied"]);
    assert!(scene.gate.is_over());
}
