use serde_json::{Value, json};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A session that plays `text` and got its first message at zero.
fn playing(text: &str) -> Session {
    let scenario = Scenario::parse(&format!("name = 'test'\n{text}"), "test").unwrap();
    let mut session = Session::new(Arc::new(scenario), Speed::NORMAL, 0);
    session.message(Duration::ZERO, "go", None);
    session
}

/// What happened, in short: names of events with their text, commits in brackets.
fn told(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Emit(draft) => match &draft.content {
                Value::String(text) => format!("{} {text}", draft.name),
                _ => draft.name.clone(),
            },
            Effect::Commit { commit, while_paused: false } => format!("[{}]", commit.what),
            Effect::Commit { commit, while_paused: true } => format!("[{} while paused]", commit.what),
            Effect::Gone => "gone".to_owned(),
        })
        .collect()
}

fn seconds(count: u64) -> Duration {
    SECOND * u32::try_from(count).unwrap()
}

#[test]
fn jitter_varies_each_delay_by_up_to_its_share_and_the_same_way_for_the_same_seed() {
    let text = "name = 'test'\njitter = 0.5\nrepeat = 200\n[[step]]\nthought = 'hm'";
    let scenario = Arc::new(Scenario::parse(text, "test").unwrap());
    let delays = |seed| {
        let mut session = Session::new(Arc::clone(&scenario), Speed::NORMAL, seed);
        session.message(Duration::ZERO, "go", None);
        let mut delays = Vec::new();
        let mut last = Duration::ZERO;
        while let Some(at) = session.wake() {
            delays.push(at - last);
            last = at;
            session.advance(at);
        }
        delays
    };
    let first = delays(1);
    assert_eq!((first.len(), &first), (200, &delays(1)));
    assert_ne!(first, delays(2));
    let (least, most) = (first.iter().min().unwrap(), first.iter().max().unwrap());
    assert!(*least >= SECOND / 2 && *least < SECOND * 3 / 5, "{least:?}");
    assert!(*most <= SECOND * 3 / 2 && *most > SECOND * 7 / 5, "{most:?}");
    assert!(Scenario::parse("name = 'test'\njitter = 1.5", "test").is_err());
}

#[test]
fn an_act_of_later_happens_when_its_time_comes_and_not_after_the_end_of_the_task() {
    let emit = || Act::Emit(Box::new(Step::of(Action::Thought("beside".into()))));
    let mut session = playing(BUYING);
    session.act_at(seconds(2), emit());
    session.act_at(seconds(100), emit());
    assert_eq!(session.wake(), Some(seconds(1)));
    assert_eq!(told(&session.advance(seconds(3))), ["thought buying", "thought beside"]);
    session.cancel();
    assert_eq!(session.wake(), None);
    session.act_at(seconds(101), emit());
    assert_eq!(session.wake(), None, "no task runs");
}

const BUYING: &str = "
    [[step]]
    thought = 'buying'
    [[step]]
    commit = { kind = 'purchase', what = 'tea' }
    takes = '2s'
    [[step]]
    done = 'bought'
";

#[test]
fn a_commit_that_nobody_stops_really_happens_when_its_time_comes() {
    let mut session = playing(BUYING);
    assert_eq!(told(&session.advance(seconds(3))), ["thought buying"]);
    assert_eq!(session.wake(), Some(seconds(4)));
    assert_eq!(told(&session.advance(seconds(9))), ["[tea]", "done bought"]);
    assert_eq!((session.status(), session.execution(), session.ended()), ("ready", "finished", Ended::Finished));
}

#[test]
fn a_commit_is_held_by_a_pause_and_goes_on_with_what_was_left_of_it() {
    let mut session = playing(BUYING);
    session.advance(seconds(3));
    assert_eq!(session.pause(seconds(3)).0, Taken::Accepted);
    assert_eq!((session.status(), session.execution()), ("paused", "paused"));
    assert_eq!(session.advance(seconds(100)), []);
    assert_eq!(told(&session.resume(seconds(100)).1), ["resumed"]);
    assert_eq!(session.advance(seconds(101) - Duration::from_millis(1)), []);
    assert_eq!(told(&session.advance(seconds(101))), ["[tea]"]);
}

#[test]
fn a_commit_in_flight_completes_while_paused() {
    let mut session = playing(&BUYING.replace("takes", "in_flight = true\ntakes"));
    session.advance(seconds(3));
    session.pause(seconds(3));
    assert_eq!(told(&session.advance(seconds(100))), ["[tea while paused]"]);
    assert_eq!(session.status(), "paused");
}

#[test]
fn a_commit_that_has_not_begun_is_held_even_if_it_could_be_in_flight() {
    let mut session = playing(&BUYING.replace("takes", "in_flight = true\ntakes"));
    session.advance(SECOND);
    session.pause(SECOND);
    assert_eq!(session.advance(seconds(100)), []);
}

#[test]
fn what_follows_from_a_step_in_flight_is_told_while_paused_and_the_rest_is_not() {
    let mut session = playing(
        "[[step]]
        commit = { kind = 'purchase', what = 'tea' }
        takes = '1s'
        in_flight = true
        [[step]]
        step = 'thank you'
        in_flight = true
        [[step]]
        done = 'bought'",
    );
    session.advance(SECOND);
    session.pause(SECOND);
    assert_eq!(told(&session.advance(seconds(50))), ["[tea while paused]", "step thank you"]);
    session.resume(seconds(50));
    assert_eq!(told(&session.advance(seconds(51))), ["done bought"]);
}

#[test]
fn a_cancel_drops_the_rest_of_the_script_and_what_is_in_flight() {
    let mut session = playing(&BUYING.replace("takes", "in_flight = true\ntakes"));
    session.advance(seconds(3));
    session.cancel();
    assert_eq!(session.advance(seconds(100)), []);
    assert_eq!((session.status(), session.execution(), session.ended()), ("ready", "ready", Ended::Cancelled));
}

#[test]
fn a_pause_that_lags_lets_the_script_go_on_until_it_takes_effect() {
    let mut session = playing(&format!("{BUYING}\n[pause]\nlag = '1500ms'"));
    assert_eq!(session.pause(Duration::ZERO), (Taken::Accepted, vec![]));
    assert_eq!(session.pause(SECOND).0, Taken::Accepted);
    assert_eq!(session.status(), "running");
    assert_eq!(told(&session.advance(seconds(2))), ["thought buying", "paused"]);
    assert_eq!(session.pause(seconds(2)).0, Taken::Already);
}

#[test]
fn a_pause_that_is_never_effective_is_accepted_again_and_again() {
    let mut session = playing(&format!("{BUYING}\n[pause]\neffective = false"));
    assert_eq!(session.pause(Duration::ZERO).0, Taken::Accepted);
    assert_eq!(session.pause(SECOND).0, Taken::Accepted);
    assert_eq!(told(&session.advance(seconds(9))), ["thought buying", "[tea]", "done bought"]);
}

#[test]
fn a_pause_shows_only_where_the_scenario_lets_it() {
    let cases = [
        ("['session']", ("paused", "running", 0)),
        ("['status']", ("running", "paused", 0)),
        ("['event']", ("running", "running", 1)),
        ("[]", ("running", "running", 0)),
    ];
    for (shows, expected) in cases {
        let mut session = playing(&format!("{BUYING}\n[pause]\nshows = {shows}"));
        let (_, effects) = session.pause(Duration::ZERO);
        assert_eq!((session.status(), session.execution(), effects.len()), expected, "{shows}");
        assert!(session.is_paused());
    }
}

#[test]
fn a_pause_or_resume_in_vain_is_answered_with_the_state() {
    let mut session = playing(BUYING);
    assert_eq!(session.resume(Duration::ZERO).0, Taken::Already);
    session.cancel();
    assert_eq!(session.pause(Duration::ZERO).0, Taken::NoTask);
}

const ASKING: &str = "
    [[step]]
    question = 'black or white?'
    [[step.answer]]
    contains = ['black']
    step = [{ thought = 'black' }]
    [[step]]
    thought = 'any'
";

#[test]
fn a_question_waits_for_its_answer_and_the_answer_chooses_the_branch() {
    for (answer, then) in [("BLACK please", "thought black"), ("hm", "thought any")] {
        let mut session = playing(ASKING);
        assert_eq!(told(&session.advance(seconds(50))), ["question black or white?"]);
        assert_eq!((session.status(), session.execution()), ("running", "waiting_for_input"));
        assert_eq!(told(&session.message(seconds(50), answer, None)), [format!("user {answer}")]);
        assert_eq!(session.execution(), "running");
        assert_eq!(told(&session.advance(seconds(51))), [then]);
    }
}

#[test]
fn an_answer_to_a_paused_session_waits_for_the_resume() {
    let mut session = playing(ASKING);
    session.advance(SECOND);
    session.pause(SECOND);
    session.message(seconds(2), "black", None);
    assert_eq!(session.advance(seconds(50)), []);
    session.resume(seconds(50));
    assert_eq!(told(&session.advance(seconds(51))), ["thought black"]);
}

#[test]
fn a_message_while_paused_changes_what_is_done_after_the_resume() {
    let mut session =
        playing(&format!("{BUYING}\n[[on_message]]\ncontains = ['amazon']\nstep = [{{ thought = 'other shop' }}]"));
    session.advance(SECOND);
    session.pause(SECOND);
    session.message(SECOND, "nothing of that", None);
    session.message(SECOND, "also check Amazon", None);
    session.resume(seconds(2));
    assert_eq!(told(&session.advance(seconds(50))), ["thought other shop"]);
    assert_eq!(session.instructions(), ["go", "nothing of that", "also check Amazon"]);
}

#[test]
fn somebody_else_resumes_after_a_pause_as_often_as_the_scenario_says() {
    let mut session = playing(&format!("{BUYING}\n[[act]]\nafter_pause = '1s'\ntimes = 2\ndo = 'resume'"));
    for (at, expected) in [(0, vec!["resumed"]), (5, vec!["resumed"]), (10, vec![])] {
        session.pause(seconds(at));
        let happened = told(&session.advance(seconds(at) + SECOND));
        assert_eq!(happened.into_iter().filter(|what| what == "resumed").collect::<Vec<_>>(), expected, "at {at}");
        session.resume(seconds(at) + SECOND);
    }
}

#[test]
fn a_session_can_vanish_while_it_is_paused() {
    let mut session = playing(&format!("{BUYING}\n[[act]]\nafter_pause = '3s'\ndo = 'delete'"));
    session.pause(Duration::ZERO);
    assert_eq!(told(&session.advance(seconds(3))), ["gone"]);
}

#[test]
fn a_script_that_runs_out_leaves_the_task_running_and_silent() {
    let mut session = playing("repeat = 2\n[[step]]\nlog = 'busy'");
    assert_eq!(told(&session.advance(seconds(9))), ["log busy", "log busy"]);
    assert_eq!((session.status(), session.wake()), ("running", None));
}

#[test]
fn a_new_message_after_the_end_starts_a_new_task() {
    let mut session = playing("[[step]]\nerror = 'broken'");
    session.advance(SECOND);
    assert_eq!((session.execution(), session.has_task()), ("error", false));
    session.message(SECOND, "again", None);
    assert_eq!((session.status(), session.execution()), ("running", "running"));
    assert_eq!(told(&session.advance(seconds(2))), ["error broken"]);
}

#[test]
fn content_can_be_text_object_or_array_and_metadata_can_be_missing() {
    let mut session = playing(
        "pace = '0s'
        [[step]]
        thought = 'a'
        metadata = false
        [[step]]
        thought = { b = 1 }
        [[step]]
        log = [{ c = 2 }]
        metadata = { origin = 'environment' }
        [[step]]
        event = { name = 'banana', data = { d = 3 } }",
    );
    let drafts = session.advance(Duration::ZERO).into_iter().map(|effect| match effect {
        Effect::Emit(draft) => (draft.data, draft.metadata.map(Value::Object)),
        Effect::Commit { .. } | Effect::Gone => panic!("unexpected"),
    });
    let expected = [
        (json!({ "text": "a" }), None),
        (json!({ "content": { "b": 1 } }), Some(json!({ "origin": "agent" }))),
        (
            json!({ "content": [{ "c": 2 }], "metadata": { "origin": "environment" } }),
            Some(json!({ "origin": "environment" })),
        ),
        (json!({ "d": 3 }), Some(json!({ "origin": "agent" }))),
    ];
    assert_eq!(drafts.collect::<Vec<_>>(), expected);
}

/// Something that may be done to a session, and how long to wait before it.
#[derive(Clone, Debug)]
enum Deed {
    Pause,
    Resume,
    Cancel,
    Message(&'static str),
}

fn deeds() -> impl proptest::strategy::Strategy<Value = Vec<(u64, Deed)>> {
    use proptest::prelude::*;
    let deed = prop_oneof![
        3 => Just(Deed::Pause),
        3 => Just(Deed::Resume),
        1 => Just(Deed::Cancel),
        1 => Just(Deed::Message("black")),
        1 => Just(Deed::Message("amazon")),
    ];
    prop::collection::vec((0_u64..3_000, deed), 1..24)
}

proptest::proptest! {
    #[test]
    fn whatever_is_done_nothing_happens_while_paused_or_without_a_task_and_nothing_due_is_left(
        deeds in deeds(),
        lag in 0_u64..1_500,
    ) {
        let mut session = playing(&format!(
            "[pause]\nlag = '{lag}ms'\n[[on_message]]\ncontains = ['amazon']\nstep = [{{ thought = 'other' }}]\n{ASKING}{BUYING}"
        ));
        let mut now = Duration::ZERO;
        for (wait, deed) in deeds {
            let was_still = session.is_paused() || !session.has_task();
            now += Duration::from_millis(wait);
            let happened = session.advance(now);
            proptest::prop_assert!(!was_still || happened.is_empty(), "{happened:?} while nothing can happen");
            proptest::prop_assert!(session.wake().is_none_or(|wake| wake > now), "something due is left");
            match deed {
                Deed::Pause => drop(session.pause(now)),
                Deed::Resume => drop(session.resume(now)),
                Deed::Cancel => session.cancel(),
                Deed::Message(text) => drop(session.message(now, text, None)),
            }
            proptest::prop_assert!(!session.is_paused() || session.has_task(), "a pause without a task");
        }
    }
}

#[test]
fn a_step_that_waits_for_a_pause_cannot_overtake_it() {
    let waits = "[[step]]\nwaits_for = 'pause'\n[[step]]\ncommit = { kind = 'purchase', what = 'tea' }\nafter = '0s'";
    let mut session = playing(waits);
    assert_eq!(session.advance(seconds(100)), []);
    assert_eq!(session.wake(), None);
    session.pause(seconds(100));
    assert_eq!(session.advance(seconds(200)), []);
    session.resume(seconds(200));
    assert_eq!(told(&session.advance(seconds(200))), ["[tea]"]);
}

#[test]
fn a_step_in_flight_after_a_wait_for_a_pause_is_always_too_late() {
    let waits = "[[step]]\nwaits_for = 'pause'\n[[step]]\nstep = 'clicked'\nin_flight = true";
    let mut session = playing(waits);
    session.advance(seconds(100));
    session.pause(seconds(100));
    assert_eq!(told(&session.advance(seconds(101))), ["step clicked"]);
    assert!(session.is_paused());
}
