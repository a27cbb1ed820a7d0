//! Event streams, good and bad.

use std::time::Duration;

use holdpoint::simulator::fault::StreamFault;
use holdpoint::simulator::{Act, Fault, Options};

use crate::client::{Api, LIMIT, fast, names, scenario, slow, with};

const TASK: &str =
    "pace = '10ms'\n[[step]]\nthought = 'one'\n[[step]]\nstep = { action = 'click' }\n[[step]]\ndone = 'two'";

/// A fault of every stream of a session whose task is over: its stream is the history of user, thought, step, done.
async fn broken(api: &Api, fault: StreamFault) -> (Vec<u8>, bool) {
    let id = api.play(TASK).await;
    api.becomes(&id, "finished").await;
    api.sim.fault(Fault { session: Some(id.clone()), ..Fault::stream(fault) }).await.unwrap();
    api.stream(&id, "").await
}

#[tokio::test]
async fn a_stream_gives_every_event_as_a_frame_and_is_closed_after_done() {
    let api = fast().await;
    let id = api.play("page = { url = 'https://a.example/' }\npace = '10ms'\n[[step]]\nstep = { action = 'click' }\n[[step]]\ndone = 'two'").await;
    let (bytes, clean) = api.stream(&id, "").await;
    let ids: Vec<String> = api.sim.events().await.unwrap().iter().map(|event| event.id.unwrap().to_string()).collect();
    let expected = format!(
        "id: {0}\nevent: user\ndata: {{\"message_id\":{0},\"text\":\"Go ahead.\"}}\n\n\
         id: {1}\nevent: step\ndata: {{\"action\":\"click\",\"message_id\":{1},\"title\":\"\",\"url\":\"https://a.example/\"}}\n\n\
         id: {2}\nevent: done\ndata: {{\"message_id\":{2},\"result\":{{}},\"text\":\"two\"}}\n\n",
        ids[0], ids[1], ids[2]
    );
    assert_eq!((String::from_utf8(bytes).unwrap(), clean), (expected, true));
}

#[tokio::test]
async fn a_simulator_that_never_sleeps_plays_the_same_script() {
    let api = with(Options { exact: true, ..Options::default() }).await;
    let id = api.play(TASK).await;
    let (bytes, clean) = api.stream(&id, "").await;
    assert_eq!((names(&bytes), clean), (["user", "thought", "step", "done"].map(str::to_owned).to_vec(), true));
}

#[tokio::test]
async fn a_stream_can_be_filtered_and_begin_without_history() {
    let api = slow().await;
    let id = api.play("streams_stay_open = true\nhistory = [{ done = 'old' }]").await;
    api.sim.fault(Fault::stream(StreamFault { eof_after: Some(1), ..StreamFault::default() })).await.unwrap();
    let (bytes, _) = api.stream(&id, "?event_types=user,thought").await;
    assert_eq!(names(&bytes), ["user"]);
    let response = api.send(&format!("GET /{id}/events?include_history=false"), None).await.unwrap();
    api.sim.act(&id, Act::Message("hello".to_owned())).await.unwrap();
    api.sim.act(&id, Act::Delete).await.unwrap();
    assert_eq!(names(&response.bytes().await.unwrap()), ["user"]);
}

#[tokio::test]
async fn pauses_and_resumes_are_told_without_ids() {
    let api = slow().await;
    let id = api.play("").await;
    let response = api.send(&format!("GET /{id}/events?include_history=false"), None).await.unwrap();
    api.call(&format!("POST /{id}/pause")).await;
    api.sim.act(&id, Act::Resume).await.unwrap();
    api.call(&format!("DELETE /{id}")).await;
    let text = response.text().await.unwrap();
    assert_eq!(text, "event: paused\ndata: {}\n\nevent: resumed\ndata: {}\n\n");
}

#[tokio::test]
async fn a_quiet_stream_has_heartbeats_without_ids() {
    let api = with(Options { heartbeat: Duration::from_millis(5), ..Options::default() }).await;
    let id = api.play("").await;
    let mut response = api.send(&format!("GET /{id}/events?include_history=false"), None).await.unwrap();
    let first = tokio::time::timeout(LIMIT, response.chunk()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    assert!(text.starts_with("event: heartbeat\ndata: {\"timestamp\":\"20"), "{text}");
}

#[tokio::test]
async fn a_stream_can_end_early_cleanly_or_by_a_reset() {
    let api = fast().await;
    let (bytes, clean) = broken(&api, StreamFault { eof_after: Some(2), ..StreamFault::default() }).await;
    assert_eq!((names(&bytes), clean), (vec!["user".to_owned(), "thought".to_owned()], true));
    let (bytes, clean) = broken(&api, StreamFault { reset_after: Some(2), ..StreamFault::default() }).await;
    assert_eq!((names(&bytes), clean), (vec!["user".to_owned(), "thought".to_owned()], false));
}

#[tokio::test]
async fn a_stalled_stream_says_nothing_and_stays_open() {
    let api = with(Options { heartbeat: Duration::from_millis(1), ..Options::default() }).await;
    let id = api.play(TASK).await;
    let stall = StreamFault { stall_after: Some(1), ..StreamFault::default() };
    api.sim.fault(Fault::stream(stall)).await.unwrap();
    let response = api.send(&format!("GET /{id}/events"), None).await.unwrap();
    api.becomes(&id, "finished").await;
    api.sim.shutdown().await;
    assert_eq!(names(&response.bytes().await.unwrap()), ["user"]);
}

#[tokio::test]
async fn frames_can_have_crlf_and_come_in_pieces() {
    let api = fast().await;
    let (bytes, clean) = broken(&api, StreamFault { crlf: true, split: Some(5), ..StreamFault::default() }).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(clean && text.ends_with("\"text\":\"two\"}\r\n\r\n"), "{text}");
    assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
}

#[tokio::test]
async fn events_can_be_giant_broken_doubled_and_without_ids() {
    let api = fast().await;
    let (bytes, _) = broken(&api, StreamFault { giant: Some(3_000_000), ..StreamFault::default() }).await;
    assert!(bytes.len() > 3_000_000);
    let (bytes, _) = broken(&api, StreamFault { invalid_utf8: true, not_json: true, ..StreamFault::default() }).await;
    assert!(String::from_utf8(bytes.clone()).is_err());
    assert_eq!(names(&bytes), ["thought", "thought", "user", "thought", "step", "done"]);
    let (bytes, _) = broken(&api, StreamFault { twice: true, no_ids: true, ..StreamFault::default() }).await;
    assert_eq!(names(&bytes), ["user", "user", "thought", "thought", "step", "step", "done", "done"]);
    assert!(!String::from_utf8(bytes).unwrap().contains("id"));
}

#[tokio::test]
async fn a_task_that_waits_for_its_watcher_starts_with_the_first_stream() {
    let api = fast().await;
    let id = api.sim.create_of(scenario(&format!("start = 'on_stream'\n{TASK}"))).await.unwrap();
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "running");
    assert_eq!(names(&api.stream(&id, "").await.0), ["thought", "step", "done"]);
}

#[tokio::test]
async fn hundreds_of_sessions_each_have_their_own_stream() {
    let api = slow().await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        let id =
            api.play("start = 'on_stream'\npace = '50ms'\n[[step]]\nthought = 'one'\n[[step]]\ndone = 'two'").await;
        streams.push(api.send(&format!("GET /{id}/events"), None).await.unwrap());
    }
    for stream in streams {
        assert_eq!(names(&stream.bytes().await.unwrap()), ["thought", "done"]);
    }
    api.sim.until(LIMIT, |world| world.sessions().iter().all(|state| state.streams == 0)).await.unwrap();
}
