//! A session in which nothing runs: how it is known, what ends that, and what a stop of everything makes of it.

use std::time::Duration;

use crate::api::{ApiError, EventKind, MessageId, PauseAnswer, Status};
use crate::control::{Halt, OperatorName, SessionAct, SessionState, Stillness};
use crate::gate::phase::Phase;
use crate::gate::{Input, Observed, ReplyTo, Settings};

use super::harness::{POLL, SETTLE, settings};
use super::scene::{Said, Scene, asks, ended, lost, missing, paused, quiet, running, waiting};

const APART: Duration = Duration::from_millis(500);
const LATER: Duration = Duration::from_secs(15);
const NOTHING: [&str; 0] = [];

type Read = Result<Observed, ApiError>;

fn told(scene: &mut Scene, status: &str) -> Said {
    scene.input(Input::Status(Status(status.to_owned())))
}

fn halt(scene: &mut Scene) -> Said {
    let halt = Halt { by: OperatorName("ops1".to_owned()), at: scene.now.wall, reason: None };
    scene.input(Input::Halt(halt))
}

fn watching() -> Scene {
    let mut scene = Scene::new();
    scene.input(Input::CaughtUp);
    scene
}

/// A session that the watcher and a look of the gate's own have found like this.
fn resting(status: &str, look: Read) -> Scene {
    let mut scene = watching();
    assert_eq!(told(&mut scene, status), NOTHING);
    assert_eq!(scene.after(APART), ["read"]);
    assert_eq!(scene.read(look), NOTHING);
    scene
}

/// A list says so, and everything is stopped already.
fn found_at_rest() -> Scene {
    found_at_rest_with(settings())
}

fn found_at_rest_with(settings: Settings) -> Scene {
    let mut scene = Scene::with(settings);
    scene.gate.begin_listed_at_rest(scene.now.mono);
    assert_eq!(halt(&mut scene), NOTHING);
    scene
}

fn idle() -> Scene {
    let scene = resting("finished", ended());
    assert_eq!(scene.gate.state(), SessionState::Idle);
    scene
}

#[test]
fn two_looks_that_agree_half_a_second_apart_say_that_nothing_runs() {
    for (status, look, state) in [
        ("finished", ended(), SessionState::Idle),
        ("error", ended(), SessionState::Idle),
        ("waiting_for_input", waiting(), SessionState::Waiting),
        ("finished", running(), SessionState::Watching),
        ("finished", waiting(), SessionState::Watching),
        ("finished", paused(), SessionState::Watching),
        ("finished", lost(), SessionState::Watching),
        ("finished", missing(), SessionState::Watching),
    ] {
        let mut scene = watching();
        told(&mut scene, status);
        assert_eq!(scene.gate.state(), SessionState::Watching, "one read is not enough");
        scene.after(APART - Duration::from_millis(1));
        assert_eq!(scene.gate.state(), SessionState::Watching);
        assert_eq!(scene.after(Duration::from_millis(1)), ["read"]);
        scene.read(look.clone());
        assert_eq!(scene.gate.state(), state, "{status}, then {look:?}");
    }
}

#[test]
fn two_words_in_quick_succession_are_one_look() {
    let mut scene = watching();
    told(&mut scene, "finished");
    scene.after(Duration::from_millis(100));
    told(&mut scene, "error");
    assert_eq!(scene.gate.state(), SessionState::Watching);
    assert_eq!(scene.after(APART), ["read"]);
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn a_word_that_is_not_known_and_a_running_one_are_not_even_looked_at() {
    for status in ["running", "initializing", "paused", "thinking", "Finished!"] {
        let mut scene = watching();
        told(&mut scene, status);
        assert_eq!(scene.after(POLL), NOTHING, "{status}");
        assert_eq!(scene.gate.state(), SessionState::Watching, "{status}");
    }
}

#[test]
fn looks_that_disagree_are_repeated_until_two_agree() {
    let mut scene = resting("finished", running());
    assert_eq!(scene.after(APART), NOTHING, "not at once");
    assert_eq!(scene.after(POLL), ["read"]);
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Watching, "the first of two");
    assert_eq!(scene.after(APART), ["read"]);
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn nothing_is_looked_at_before_the_history_was_read() {
    let mut scene = Scene::new();
    told(&mut scene, "finished");
    assert_eq!(scene.after(POLL), NOTHING);
    scene.input(Input::CaughtUp);
    assert_eq!(scene.after(POLL), ["read"]);
}

#[test]
fn whatever_may_be_the_agent_ends_a_rest_and_takes_two_looks_again() {
    let event =
        |kind| Input::Seen { event: super::harness::event(900, kind, "words"), verdict: quiet(), backlog: false };
    for input in [
        event(EventKind::Thought),
        event(EventKind::Step),
        event(EventKind::User),
        event(EventKind::Unknown("whisper".to_owned())),
        Input::Blind { why: "no heartbeat".to_owned() },
        Input::Gap { after: MessageId(1), why: "a hole".to_owned() },
        Input::Status(Status("running".to_owned())),
        Input::Status(Status("thinking".to_owned())),
    ] {
        let mut scene = idle();
        scene.input(input.clone());
        assert_ne!(scene.gate.state(), SessionState::Idle, "{input:?}");
    }
    for kind in [EventKind::Done, EventKind::Log, EventKind::Error] {
        let mut scene = idle();
        scene.seen(kind.clone(), quiet());
        assert_eq!(scene.gate.state(), SessionState::Idle, "{kind:?}");
    }
    let mut scene = idle();
    scene.seen(EventKind::Thought, quiet());
    assert_eq!(scene.after(APART), ["read"], "the watcher still says that it has finished");
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Watching);
    scene.after(APART);
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn a_stop_of_everything_opens_nothing_where_nothing_runs_and_looks_once_more() {
    for mut scene in [idle(), resting("waiting_for_input", waiting())] {
        let state = scene.gate.state();
        assert_eq!(scene.gate.stillness(), Stillness::NothingRuns);
        assert_eq!(halt(&mut scene), ["read"]);
        assert_eq!(scene.gate.state(), SessionState::Watching, "not confirmed before that look");
        assert_eq!(scene.gate.stillness(), Stillness::NotYet);
        let look = if state == SessionState::Idle { ended() } else { waiting() };
        assert_eq!(scene.read(look), NOTHING);
        assert_eq!(scene.gate.state(), state);
        assert_eq!(scene.gate.shown_approval(), None);
    }
}

#[test]
fn a_stop_of_everything_pauses_what_its_look_does_not_find_at_rest() {
    for look in [running(), lost(), missing(), paused(), waiting()] {
        let mut scene = idle();
        halt(&mut scene);
        let said = scene.read(look.clone());
        if look == waiting() {
            // It stands still all the same; a second look has to say so.
            assert_eq!((said, scene.gate.state()), (Said::new(), SessionState::Watching));
            continue;
        }
        assert_eq!(said[..2], ["pause", "record opened"], "{look:?}");
    }
}

#[test]
fn a_stop_of_everything_pauses_what_is_only_said_once_to_rest() {
    let mut scene = watching();
    told(&mut scene, "finished");
    assert_eq!(halt(&mut scene)[..2], ["pause", "record opened"]);
}

#[test]
fn a_session_found_at_rest_while_everything_is_stopped_is_not_paused_and_rests_once_it_was_read() {
    let mut scene = found_at_rest();
    assert_eq!(scene.after(LATER * 2), NOTHING, "nothing of its own before the history was read");
    assert_eq!(scene.gate.stillness(), Stillness::NotYet);
    assert_eq!(told(&mut scene, "finished"), NOTHING);
    assert_eq!(scene.gate.stillness(), Stillness::NothingRuns, "the list and a read are two looks");
    scene.input(Input::CaughtUp);
    assert_eq!(scene.after(LATER), NOTHING);
    assert_eq!(told(&mut scene, "running")[..2], ["pause", "record opened"]);
}

#[test]
fn a_session_found_at_rest_and_read_at_once_is_looked_at_again() {
    for status in [Some("finished"), None] {
        let mut scene = found_at_rest();
        status.into_iter().for_each(|status| assert_eq!(told(&mut scene, status), NOTHING));
        scene.input(Input::CaughtUp);
        assert_eq!(scene.gate.stillness(), Stillness::NotYet);
        assert_eq!(scene.after(APART), ["read"]);
        assert_eq!(scene.read(ended()), NOTHING);
        assert_eq!(scene.gate.stillness(), Stillness::NothingRuns, "{status:?}");
    }
}

#[test]
fn a_session_found_at_rest_while_everything_is_stopped_is_paused_once_anything_says_otherwise() {
    assert_eq!(told(&mut found_at_rest(), "running")[..2], ["pause", "record opened"]);
    for kind in [EventKind::User, EventKind::Thought, EventKind::Step] {
        assert_eq!(found_at_rest().seen(kind.clone(), quiet())[..2], ["pause", "record opened"], "{kind:?}");
    }
    for look in [running(), lost(), missing(), paused()] {
        let mut scene = found_at_rest();
        scene.input(Input::CaughtUp);
        scene.after(APART);
        assert_eq!(scene.read(look.clone())[..2], ["pause", "record opened"], "{look:?}");
    }
}

#[test]
fn a_session_out_of_sight_is_paused_while_everything_is_stopped_whatever_is_configured() {
    for pauses in [true, false] {
        let mut scene = found_at_rest_with(Settings { pause_when_blind: pauses, ..settings() });
        let said = scene.input(Input::Blind { why: "nothing was read for 20 s".to_owned() });
        assert_eq!(said[0], "pause", "{pauses}: {said:?}");
    }
}

#[test]
fn what_was_not_seen_under_a_stop_is_not_asked_about_after_it_where_that_is_only_told_of() {
    for (pauses, asked) in [(true, true), (false, false)] {
        let mut scene = Scene::with(Settings { pause_when_blind: pauses, ..settings() });
        scene.input(Input::CaughtUp);
        scene.seen(EventKind::Question, asks());
        halt(&mut scene);
        scene.input(Input::Blind { why: "nothing was read for 20 s".to_owned() });
        scene.input(Input::EndHalt);
        assert_eq!(scene.gate.blind.is_some(), asked);
    }
}

#[test]
fn what_a_list_said_of_a_session_is_nothing_once_it_was_read_or_the_stop_has_ended() {
    let again = |scene: &mut Scene| {
        scene.input(Input::EndHalt);
        halt(scene)
    };
    assert_eq!(again(&mut found_at_rest())[..2], ["pause", "record opened"]);
    let mut scene = found_at_rest();
    told(&mut scene, "waiting_for_input");
    assert_eq!(halt(&mut scene)[..2], ["pause", "record opened"]);
}

#[test]
fn what_begins_to_act_while_everything_is_stopped_is_paused_whatever_shows_it() {
    let stopped = || {
        let mut scene = idle();
        halt(&mut scene);
        scene.read(ended());
        scene
    };
    for status in ["running", "initializing", "thinking"] {
        let mut scene = stopped();
        assert_eq!(told(&mut scene, status)[..2], ["pause", "record opened"], "{status}");
    }
    for kind in [EventKind::User, EventKind::Thought, EventKind::Step, EventKind::Question] {
        let mut scene = stopped();
        assert_eq!(scene.seen(kind.clone(), quiet())[..2], ["pause", "record opened"], "{kind:?}");
    }
    let mut scene = stopped();
    assert_eq!(told(&mut scene, "error"), NOTHING);
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn a_hold_that_ends_because_the_task_has_is_at_rest_at_once() {
    let mut scene = watching();
    halt(&mut scene);
    for _ in 0..2 {
        scene.paused(Ok(PauseAnswer::AlreadyPaused));
        scene.read(ended());
        scene.after(Duration::from_secs(1));
    }
    assert!(matches!(scene.gate.phase, Phase::Watching));
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn a_pause_by_hand_is_sent_whatever_is_known_and_what_follows_is_not_at_rest() {
    let mut scene = idle();
    let operator = OperatorName("ops1".to_owned());
    let said = scene.input(Input::Directed { reply: ReplyTo(9), operator, act: SessionAct::Pause, reason: None });
    assert_eq!(said[..2], ["pause", "record opened"]);
    scene.paused(Ok(PauseAnswer::Accepted));
    scene.read(paused());
    scene.after(SETTLE);
    scene.read(paused());
    scene.decide(crate::control::Act::approve());
    scene.read(paused());
    scene.recorded(Ok(()));
    scene.acted(Ok(()));
    scene.read(running());
    assert_eq!(scene.gate.state(), SessionState::Watching);
    scene.seen(EventKind::Thought, asks());
    assert_eq!(scene.gate.state(), SessionState::Pausing);
}

#[test]
fn what_the_watcher_tells_while_everything_is_being_looked_at_confirms_nothing() {
    for (look, paused) in [(ended(), false), (running(), true), (waiting(), false)] {
        let mut scene = idle();
        halt(&mut scene);
        scene.now = scene.now.after(APART);
        assert_eq!(told(&mut scene, "error"), NOTHING, "it may have been read before the stop");
        assert_eq!(scene.gate.stillness(), Stillness::NotYet);
        let said = scene.read(look.clone());
        assert_eq!(said.first().is_some_and(|first| first == "pause"), paused, "{look:?}");
        let rests = if look == ended() { Stillness::NothingRuns } else { Stillness::NotYet };
        assert_eq!(scene.gate.stillness(), rests, "{look:?}");
    }
}

#[test]
fn what_the_watcher_tells_against_a_rest_that_is_being_looked_at_has_to_be_seen_anew() {
    let mut scene = idle();
    halt(&mut scene);
    assert_eq!(told(&mut scene, "paused"), NOTHING);
    assert_eq!(scene.read(ended()), NOTHING);
    assert_eq!(scene.gate.stillness(), Stillness::NotYet, "one look");
    let mut scene = idle();
    halt(&mut scene);
    told(&mut scene, "paused");
    assert_eq!(scene.read(paused())[..2], ["pause", "record opened"]);
}

/// A question that is open, and whose agent two looks have found waiting.
fn awaited() -> Scene {
    let mut scene = Scene::asking();
    for stillness in [Stillness::NotYet, Stillness::NothingRuns] {
        assert_eq!(scene.after(POLL), ["read"]);
        assert_eq!(scene.read(waiting()), NOTHING);
        assert_eq!((scene.gate.state(), scene.gate.stillness()), (SessionState::Asking, stillness));
    }
    scene
}

#[test]
fn an_agent_whose_question_is_open_stands_still_once_two_looks_have_found_it_waiting() {
    let mut scene = awaited();
    told(&mut scene, "waiting_for_input");
    assert_eq!(scene.gate.stillness(), Stillness::NothingRuns);
    scene.after(POLL);
    assert_eq!(scene.read(running()), NOTHING, "without a stop only events withdraw it");
    assert_eq!((scene.gate.state(), scene.gate.stillness()), (SessionState::Asking, Stillness::NotYet));
}

#[test]
fn an_open_question_is_looked_at_once_more_when_everything_is_stopped() {
    let mut scene = awaited();
    assert_eq!(halt(&mut scene), ["read", "record frozen", "show open r1"]);
    assert_eq!(scene.gate.stillness(), Stillness::NotYet, "not seen since the stop");
    assert_eq!(scene.read(waiting()), NOTHING);
    assert_eq!(scene.gate.stillness(), Stillness::NothingRuns);
    let mut scene = Scene::asking();
    halt(&mut scene);
    for stillness in [Stillness::NotYet, Stillness::NothingRuns] {
        scene.read(waiting());
        assert_eq!(scene.gate.stillness(), stillness);
        scene.after(APART);
    }
    assert_eq!(scene.gate.state(), SessionState::Asking);
}

#[test]
fn a_look_from_before_the_stop_says_nothing_about_an_open_question() {
    let mut scene = awaited();
    scene.after(POLL);
    let before = scene.last_read();
    halt(&mut scene);
    scene.read_as(before, waiting());
    assert_eq!(scene.gate.stillness(), Stillness::NotYet);
}

#[test]
fn an_agent_that_acts_although_its_question_is_open_is_paused_while_everything_is_stopped() {
    let word = |word: &str| Ok(Observed { lifecycle: None, execution: Some(Status(word.to_owned())) });
    for look in [running(), word("thinking"), paused()] {
        for mut scene in [Scene::asking(), awaited()] {
            halt(&mut scene);
            assert_eq!(scene.read(look.clone()), NOTHING, "one look ends nothing");
            assert_eq!((scene.gate.state(), scene.gate.stillness()), (SessionState::Asking, Stillness::NotYet));
            assert_eq!(scene.after(APART), ["read"]);
            let said = scene.read(look.clone());
            let ends = ["pause", "record decided withdrawn applied", "show withdrawn applied", "record opened"];
            assert_eq!(said[..4], ends, "{look:?}");
            assert_eq!(scene.gate.state(), SessionState::Pausing);
        }
    }
}

#[test]
fn one_odd_look_withdraws_no_question_and_a_status_is_looked_into() {
    let mut scene = awaited();
    halt(&mut scene);
    for look in [running(), waiting(), running(), lost(), waiting(), waiting()] {
        scene.read(look);
        scene.after(POLL);
    }
    assert_eq!((scene.gate.state(), scene.gate.stillness()), (SessionState::Asking, Stillness::NothingRuns));
    scene.read(waiting());
    assert_eq!(told(&mut scene, "running"), NOTHING);
    assert_eq!(scene.gate.stillness(), Stillness::NotYet);
    assert_eq!(scene.after(APART), ["read"]);
}

#[test]
fn an_end_that_was_read_before_everything_was_stopped_is_looked_at_once_more() {
    for (look, pauses) in [(ended(), false), (running(), true), (lost(), true)] {
        let mut scene = watching();
        scene.hold(asks());
        scene.after(POLL);
        scene.read(ended());
        assert_eq!(scene.after(APART), ["read"]);
        let before = scene.last_read();
        halt(&mut scene);
        scene.read_as(before, ended());
        assert!(matches!(scene.gate.phase, Phase::Watching));
        assert_eq!(scene.gate.stillness(), Stillness::NotYet);
        assert_eq!(scene.after(APART), ["read"]);
        let said = scene.read(look.clone());
        assert_eq!(said.first().is_some_and(|first| first == "pause"), pauses, "{look:?}: {said:?}");
        assert_eq!(scene.gate.stillness() == Stillness::NothingRuns, !pauses, "{look:?}");
    }
}

fn cancel(scene: &mut Scene) -> Said {
    let operator = OperatorName("ops1".to_owned());
    let reason = Some("smoke".to_owned());
    scene.input(Input::Directed { reply: ReplyTo(9), operator, act: SessionAct::Cancel, reason })
}

const NOTHING_TO_CANCEL: &str = "done: nothing runs in this session, so there is nothing to cancel";

#[test]
fn a_cancel_where_nothing_runs_looks_once_more_and_opens_nothing() {
    for stopped in [false, true] {
        let mut scene = idle();
        if stopped {
            halt(&mut scene);
            scene.read(ended());
        }
        assert_eq!(cancel(&mut scene), ["read"]);
        assert_eq!(cancel(&mut scene), NOTHING, "one look is enough for both");
        let said = scene.read(ended());
        assert_eq!(said, ["record noted", "notice", NOTHING_TO_CANCEL, "record noted", "notice", NOTHING_TO_CANCEL]);
        assert_eq!(scene.gate.state(), SessionState::Idle);
        assert_eq!(scene.gate.shown_approval(), None);
    }
}

#[test]
fn a_cancel_ends_what_its_look_does_not_find_at_rest() {
    for look in [running(), lost(), missing(), paused(), waiting()] {
        let mut scene = idle();
        cancel(&mut scene);
        let said = scene.read(look.clone());
        assert_eq!(said[..2], ["pause", "record opened"], "{look:?}");
        assert!(said.contains(&"cancel".to_owned()), "{look:?}: {said:?}");
        assert_eq!(said.last().map(String::as_str), Some("done: the session's task is being ended"), "{look:?}");
    }
}

#[test]
fn a_cancel_whose_look_is_overtaken_by_the_agent_ends_its_task_at_once() {
    let mut scene = idle();
    cancel(&mut scene);
    let said = scene.seen(EventKind::Thought, quiet());
    assert!(said[0] == "pause" && said.contains(&"cancel".to_owned()), "{said:?}");
    let mut scene = idle();
    cancel(&mut scene);
    let said = scene.seen(EventKind::Thought, asks());
    assert!(said[0] == "pause" && said.contains(&"cancel".to_owned()), "{said:?}");
    let mut scene = idle();
    cancel(&mut scene);
    assert_eq!(scene.input(Input::Gone), ["refuse not possible"]);
}

#[test]
fn an_agent_that_waits_for_an_answer_has_a_task_to_cancel() {
    let mut scene = resting("waiting_for_input", waiting());
    assert_eq!(scene.gate.state(), SessionState::Waiting);
    let said = cancel(&mut scene);
    assert!(said[0] == "pause" && said.contains(&"cancel".to_owned()), "{said:?}");
}

#[test]
fn a_session_whose_task_was_cancelled_is_at_rest_after_one_more_look() {
    let mut scene = watching();
    scene.hold(asks());
    scene.decide(crate::control::Act::Deny { reason: None });
    scene.acted(Ok(()));
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Watching, "one look");
    assert_eq!(scene.after(APART), ["read"]);
    scene.read(ended());
    assert_eq!(scene.gate.state(), SessionState::Idle);
}

#[test]
fn what_the_provider_says_of_a_pause_where_no_task_runs_is_told_to_nobody() {
    let mut scene = watching();
    halt(&mut scene);
    for _ in 0..2 {
        assert_eq!(scene.paused(super::scene::refused()), ["read"]);
        let said = scene.read(ended());
        assert!(!said.contains(&"notice".to_owned()), "{said:?}");
        scene.after(Duration::from_secs(1));
    }
    assert_eq!(scene.gate.state(), SessionState::Idle);
    let mut scene = watching();
    halt(&mut scene);
    scene.paused(super::scene::refused());
    assert_eq!(scene.read(running()), ["record noted", "notice"], "a task runs, and is not paused");
}
