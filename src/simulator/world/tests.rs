use jiff::Timestamp;

use super::calls::LISTED;
use super::*;
use crate::simulator::fault::{Endpoint, FaultAnswer};
use crate::simulator::request::RawCall;

fn at(seconds: u64) -> Moment {
    Moment { mono: Duration::ZERO, wall: Timestamp::UNIX_EPOCH }.after(Duration::from_secs(seconds))
}

fn world() -> World {
    let scenario = |text| Arc::new(Scenario::parse(text, "test").unwrap());
    let scenarios = vec![
        scenario("name = 'quiet'"),
        scenario(
            "name = 'talk'\nmatch = ['talk']\n[[step]]\nthought = 'one'\n[[step]]\nthought = 'two'\nhidden = true\n[[step]]\ndone = 'three'",
        ),
        scenario("name = 'old'\n[[history]]\ndone = 'long ago'\n[[step]]\nthought = 'new'"),
    ];
    World::new(Rules { speed: Speed::NORMAL, auth_status: 401, delete_unknown: 200, limit: None, seed: 7, scenarios })
}

fn raw(call: &str, body: &str) -> RawCall {
    let (method, target) = call.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    RawCall {
        method: method.to_owned(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        target: target.to_owned(),
        body: body.to_owned(),
        authorized: true,
        received: at(0),
        fresh_id: "fresh".to_owned(),
    }
}

fn decided(world: &mut World, now: u64, call: &str, body: &str) -> Decided {
    match world.call(at(now), &raw(call, body)) {
        Outcome::Decided(_, decided) => decided,
        Outcome::Wait(..) => panic!("{call} waits"),
    }
}

fn answer(world: &mut World, now: u64, call: &str, body: &str) -> (u16, Value) {
    match decided(world, now, call, body) {
        Decided::Answer(answer) => (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null)),
        Decided::List => (200, listed(world, |_, _| {})),
        other @ (Decided::Stream(_) | Decided::Hang | Decided::Reset) => panic!("{call}: {other:?}"),
    }
}

/// The list, with what happens after each piece of it.
fn listed(world: &mut World, mut then: impl FnMut(&mut World, &str)) -> Value {
    let (mut list, mut after) = (Vec::new(), None);
    loop {
        after = world.list_some(after.as_deref(), &mut list);
        let Some(last) = &after else { return serde_json::from_slice(&list).unwrap() };
        then(world, last);
    }
}

fn stream(world: &mut World, now: u64, call: &str) -> (StreamId, Vec<String>) {
    match decided(world, now, call, "") {
        Decided::Stream(open) => (open.id, open.backlog.iter().map(name).collect()),
        other @ (Decided::Answer(_) | Decided::List | Decided::Hang | Decided::Reset) => panic!("{call}: {other:?}"),
    }
}

fn name(frame: &Frame) -> String {
    match frame {
        Frame::Event(event) => event.name.clone(),
        Frame::Close => "close".to_owned(),
    }
}

fn drained(world: &mut World) -> Vec<String> {
    world.drain().iter().map(|(_, frame)| name(frame)).collect()
}

#[test]
fn message_ids_are_global_and_grow_with_gaps() {
    let mut world = world();
    for id in ["a", "b"] {
        world.create(at(0), id, NewSession::default());
        world.message(at(0), id, "talk");
    }
    world.advance(at(5));
    let ids: Vec<u64> = world.record().events.iter().filter_map(|event| event.id).collect();
    assert_eq!(ids.len(), 8);
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    assert!(ids[0] > 352_000 && ids[7] > ids[0] + 7, "no gaps: {ids:?}");
}

#[test]
fn messages_are_those_after_the_cursor_and_sanitized_unless_asked_otherwise() {
    let mut world = world();
    world.create(at(0), "a", NewSession::default());
    world.message(at(0), "a", "talk");
    world.advance(at(5));
    let mut types = |query: &str| {
        let (_, body) = answer(&mut world, 5, &format!("GET /v1/sessions/a/messages{query}"), "");
        let messages = body["messages"].as_array().unwrap().clone();
        messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types(""), ["talk", "one", "three"]);
    assert_eq!(types("?sanitize=false"), ["talk", "one", "two", "three"]);
    assert_eq!(types("?after_id=999999"), Vec::<String>::new());
}

#[test]
fn a_stream_gets_history_then_news_and_is_closed_after_done() {
    let mut world = world();
    world.create(at(0), "a", NewSession::default());
    world.message(at(0), "a", "talk");
    world.advance(at(1));
    assert_eq!(stream(&mut world, 1, "GET /v1/sessions/a/events").1, ["user", "thought"]);
    assert_eq!(stream(&mut world, 1, "GET /v1/sessions/a/events?include_history=false&event_types=done").1, [""; 0]);
    world.advance(at(5));
    assert_eq!(drained(&mut world), ["done", "close", "done", "close"]);
    assert_eq!(stream(&mut world, 5, "GET /v1/sessions/a/events").1, ["user", "thought", "done", "close"]);
}

#[test]
fn an_old_done_is_replayed_into_a_running_task_without_closing_the_stream() {
    let mut world = world();
    let scenario = world.scenario("old");
    world.create(at(0), "a", NewSession { scenario, ..NewSession::default() });
    world.message(at(0), "a", "go");
    assert_eq!(stream(&mut world, 0, "GET /v1/sessions/a/events").1, ["done", "user"]);
    world.advance(at(1));
    assert_eq!(drained(&mut world), ["thought"]);
}

#[test]
fn a_goal_or_message_chooses_the_scenario() {
    let mut world = world();
    answer(&mut world, 0, "POST /v1/sessions", r#"{"goal":"Let us TALK"}"#);
    assert_eq!(world.session("fresh").unwrap().scenario, "talk");
    world.message(at(0), "fresh", "scenario:old please");
    assert_eq!(world.session("fresh").unwrap().scenario, "old");
    let scenario = world.scenario("quiet");
    world.create(at(0), "named", NewSession { scenario, ..NewSession::default() });
    world.message(at(0), "named", "talk");
    assert_eq!(world.session("named").unwrap().scenario, "quiet", "words do not override a name");
}

#[test]
fn a_fault_hides_the_answer_and_the_effect_too_unless_it_says_applied() {
    for (applied, paused) in [(false, false), (true, true)] {
        let mut world = world();
        world.create(at(0), "a", NewSession::default());
        world.message(at(0), "a", "talk");
        world.fault(Fault { applied, ..Fault::once(Endpoint::Pause, FaultAnswer::Reset) });
        assert_eq!(decided(&mut world, 0, "POST /v1/sessions/a/pause", ""), Decided::Reset);
        assert_eq!(world.session("a").unwrap().paused, paused);
        let call = &world.record().calls[0];
        assert_eq!((call.status, call.faulted, call.applied), (None, true, applied));
    }
}

#[test]
fn a_delayed_call_takes_effect_only_when_it_comes_back() {
    let mut world = world();
    world.create(at(0), "a", NewSession::default());
    world.message(at(0), "a", "talk");
    world.fault(Fault { delay: "2s".parse().unwrap(), ..Fault::truth(Endpoint::Pause) });
    let call = raw("POST /v1/sessions/a/pause", "");
    let Outcome::Wait(delay, ticket) = world.call(at(0), &call) else { panic!("does not wait") };
    assert_eq!((delay, world.session("a").unwrap().paused), (Duration::from_secs(2), false));
    world.resume_call(at(2), &call, ticket);
    assert!(world.session("a").unwrap().paused);
}

#[test]
fn a_wrong_key_is_refused_before_anything_happens() {
    let mut world = world();
    let call = RawCall { authorized: false, ..raw("POST /v1/sessions", "{}") };
    let Outcome::Decided(_, Decided::Answer(answer)) = world.call(at(0), &call) else { panic!("no answer") };
    assert_eq!((answer.status, world.sessions().len()), (401, 0));
}

#[test]
fn a_deleted_session_is_unknown_but_its_truth_can_be_read() {
    let mut world = world();
    world.create(at(0), "a", NewSession::default());
    stream(&mut world, 0, "GET /v1/sessions/a/events");
    assert!(world.act(at(0), "a", Act::Delete));
    assert_eq!(drained(&mut world), ["close"]);
    assert_eq!(answer(&mut world, 0, "GET /v1/sessions/a", "").0, 404);
    assert_eq!(answer(&mut world, 0, "GET /v1/sessions", ""), (200, json!([])));
    let gone = json!({ "success": false, "deleted": false, "message": "Session not found" });
    assert_eq!(answer(&mut world, 0, "DELETE /v1/sessions/a", ""), (200, gone));
    assert!(world.session("a").unwrap().deleted);
    assert!(!world.act(at(0), "a", Act::Pause));
}

#[test]
fn hundreds_of_sessions_are_listed_a_few_at_a_time_and_each_that_is_there_once() {
    for count in [0, 1, LISTED - 1, LISTED, LISTED + 1, 3 * LISTED] {
        let mut world = world();
        let ids: Vec<String> = (0..count).map(|n| format!("session-{n:03}")).collect();
        ids.iter().for_each(|id| world.create(at(0), id, NewSession::default()));
        let deleted = |n: usize| [0, LISTED - 1, LISTED].contains(&n) && n + 1 < count;
        for (_, id) in ids.iter().enumerate().filter(|(n, _)| deleted(*n)) {
            assert!(world.act(at(0), id, Act::Delete));
        }
        let mut pieces = 1;
        let list = listed(&mut world, |_, _| pieces += 1);
        let told: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["session_id"].as_str().unwrap()).collect();
        let there: Vec<&str> = ids.iter().enumerate().filter(|(n, _)| !deleted(*n)).map(|(_, id)| &**id).collect();
        assert_eq!((told, pieces), (there, count / LISTED + 1), "{count}");
    }
}

#[test]
fn a_session_that_goes_or_comes_while_a_list_is_made_disturbs_no_other() {
    let mut world = world();
    for n in 0..2 * LISTED {
        world.create(at(0), &format!("session-{n:03}"), NewSession::default());
    }
    let mut last_of_all = Vec::new();
    let list = listed(&mut world, |world, last| {
        last_of_all.push(last.to_owned());
        decided(world, 0, &format!("DELETE /v1/sessions/{last}"), "");
        world.forget();
        for id in ["earlier", &format!("{last}-later")] {
            world.create(at(0), id, NewSession::default());
        }
    });
    let told: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["session_id"].as_str().unwrap()).collect();
    let mut expected: Vec<String> = (0..2 * LISTED).map(|n| format!("session-{n:03}")).collect();
    expected.extend(last_of_all.iter().map(|last| format!("{last}-later")));
    expected.sort();
    assert_eq!(told, expected);
    assert!(!world.slots.contains_key(last_of_all[0].as_str()), "it was forgotten meanwhile");
}

#[test]
fn what_was_read_can_be_forgotten_with_deleted_sessions_and_places_stay_what_they_were() {
    let mut world = world();
    for id in ["goes", "stays"] {
        world.create(at(0), id, NewSession::default());
        world.message(at(0), id, "talk");
    }
    world.advance(at(10));
    decided(&mut world, 10, "DELETE /v1/sessions/goes", "");
    let (end, seed) = (world.record().end(), world.made);
    assert_eq!((end.calls, end.events > 0, seed), (1, true, 2));
    world.forget();
    assert_eq!((world.record().calls.len(), world.record().events.len(), world.record().end()), (0, 0, end));
    assert_eq!(world.sessions().into_iter().map(|state| state.session_id).collect::<Vec<_>>(), ["stays"]);
    assert_eq!(answer(&mut world, 11, "GET /v1/sessions/goes", "").0, 404);
    assert_eq!(world.record().calls_from(0), world.record().calls_from(1));
    let [call] = world.record().calls_from(1) else { panic!("one call: {:?}", world.record().calls) };
    assert_eq!((call.seq, call.status), (1, Some(404)));
    assert_eq!(world.record().calls_from(9), []);
    let (_, backlog) = stream(&mut world, 12, "GET /v1/sessions/stays/events?include_history=true");
    assert!(!backlog.is_empty(), "a session that is there still tells its history");
}
