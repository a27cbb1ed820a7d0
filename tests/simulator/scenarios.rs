//! The built-in scenarios and recorded runs, played over real HTTP.

use std::sync::Arc;

use holdpoint::simulator::scenario::{ActTime, Action, Step, TimedAct, builtin};
use holdpoint::simulator::traces::Pace;
use holdpoint::simulator::{Act, Scenario, World};
use holdpoint::traces;
use serde_json::json;

use crate::client::{LIMIT, fast, names, slow};

fn says(word: &'static str) -> impl FnMut(&World) -> bool + Send {
    move |world| world.record().events.iter().any(|event| event.data.to_string().contains(word))
}

/// A built-in scenario that somebody pauses right after it says `word`, so that no test races with its script.
fn paused_after(name: &str, word: &str) -> Arc<Scenario> {
    let mut scenario = builtin::find(name).unwrap();
    let mut steps = scenario.steps.to_vec();
    let said = steps.iter().position(|step| format!("{:?}", step.action).contains(word)).unwrap();
    let pause = Step { after: Some("0s".parse().unwrap()), ..Step::of(Action::Act(Act::Pause)) };
    steps.insert(said + 1, pause);
    scenario.steps = steps.into();
    Arc::new(scenario)
}

#[tokio::test]
async fn a_purchase_that_nobody_stops_is_made() {
    let api = fast().await;
    let id = api.sim.create("purchase").await.unwrap();
    api.becomes(&id, "finished").await;
    let order = api.sim.ledger().await.unwrap().remove(0);
    assert_eq!((order.session, order.kind.as_str(), order.while_paused), (id, "purchase", false));
    assert_eq!((order.what.as_str(), order.amount.as_deref()), ("1 wireless headset H-200", Some("410.00 USD")));
}

#[tokio::test]
async fn a_purchase_that_is_paused_and_cancelled_is_never_made() {
    let api = slow().await;
    let id = api.sim.create("purchase").await.unwrap();
    assert_eq!(api.call(&format!("POST /{id}/pause")).await.0, 200);
    assert_eq!(api.call(&format!("POST /{id}/cancel")).await.0, 200);
    assert_eq!(api.sim.look(World::wake).await.unwrap(), None, "something can still happen");
    assert_eq!(api.bought(&id).await, [""; 0]);
}

#[tokio::test]
async fn the_demo_shows_the_checkout_when_it_announces_the_purchase() {
    let api = fast().await;
    let id = api.sim.create_of(paused_after("demo", "Place your order")).await.unwrap();
    api.becomes(&id, "paused").await;
    let (_, shot) = api.call(&format!("GET /{id}/screenshot")).await;
    let page = (shot["url"].as_str().unwrap(), shot["title"].as_str().unwrap());
    assert_eq!(page, ("https://shop.example.com/checkout", "Checkout - Example Shop"));
    assert_eq!(api.bought(&id).await, [""; 0]);
    assert_eq!(api.call(&format!("POST /{id}/resume")).await.0, 200);
    api.becomes(&id, "waiting_for_input").await;
    api.post(&format!("POST /{id}/message"), json!({ "message": "Yes, go ahead" })).await;
    api.becomes(&id, "finished").await;
    assert_eq!(api.bought(&id).await, ["1 wireless headset H-200", "newsletter of Example Shop"]);
}

#[tokio::test]
async fn a_refused_question_buys_nothing_more() {
    let api = fast().await;
    let id = api.sim.create("demo").await.unwrap();
    api.becomes(&id, "waiting_for_input").await;
    api.post(&format!("POST /{id}/message"), json!({ "message": "No." })).await;
    api.becomes(&id, "finished").await;
    assert_eq!(api.bought(&id).await, ["1 wireless headset H-200"]);
}

#[tokio::test]
async fn an_instruction_while_paused_changes_the_result() {
    let api = fast().await;
    let id = api.sim.create_of(paused_after("instruct", "this site only")).await.unwrap();
    api.becomes(&id, "paused").await;
    api.post(&format!("POST /{id}/message"), json!({ "message": "Also check Amazon for comparison" })).await;
    api.call(&format!("POST /{id}/resume")).await;
    api.becomes(&id, "finished").await;
    assert!(api.sim.look(|world| says("compared on two sites")(world)).await.unwrap());
}

#[tokio::test]
async fn a_rate_limit_is_told_once_or_again_and_again() {
    let api = fast().await;
    let limits = |world: &World| {
        world.record().events.iter().filter(|event| event.data.to_string().contains("too many requests")).count()
    };
    let id = api.sim.create("rate-limit").await.unwrap();
    api.becomes(&id, "finished").await;
    assert_eq!(api.sim.look(limits).await.unwrap(), 1);
    api.sim.create("rate-limit-storm").await.unwrap();
    api.sim.until(LIMIT, move |world| limits(world) == 21).await.unwrap();
}

#[tokio::test]
async fn somebody_else_can_resume_cancel_and_delete() {
    let api = slow().await;
    let id = api.play("").await;
    api.call(&format!("POST /{id}/pause")).await;
    api.sim.act(&id, Act::Resume).await.unwrap();
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "running");
    api.sim.act(&id, Act::Cancel).await.unwrap();
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "ready");
    api.sim.act(&id, Act::Delete).await.unwrap();
    assert_eq!(api.call(&format!("GET /{id}")).await.0, 404);
    assert!(api.sim.act(&id, Act::Delete).await.is_err());
}

#[tokio::test]
async fn a_recorded_run_is_played_and_its_consequences_happen_unless_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.jsonl");
    let run = json!({
        "id": "run/1", "task": "pay the bill", "consequential": [1], "categories": ["payment"],
        "events": [
            { "kind": "thought", "text": "paying" },
            { "kind": "tool_call", "text": "send_money", "tool": "send_money", "args": { "amount": 5 } },
            { "kind": "observation", "text": "sent" },
        ],
    });
    std::fs::write(&path, format!("{run}\n{}\n", run.to_string().replace("run/1", "run/2"))).unwrap();
    let pace = Pace { step: "1s".parse().unwrap(), commit: "1s".parse().unwrap() };
    assert_eq!(traces::load(&path, None).unwrap().len(), 2);
    assert!(traces::load(&path, Some("run/3")).is_err());
    let trace = traces::load(&path, Some("run/2")).unwrap().remove(0);
    let api = fast().await;
    let id = api.sim.create_of(trace.scenario(pace).into()).await.unwrap();
    let (bytes, _) = api.stream(&id, "").await;
    assert_eq!(names(&bytes), ["thought", "step", "log", "done"]);
    assert_eq!(api.bought(&id).await, ["send_money"]);
}

#[test]
fn every_recorded_run_can_be_played() {
    let Some(path) = std::env::var_os("HOLDPOINT_TRACES") else { return };
    let pace = Pace { step: "1s".parse().unwrap(), commit: "1s".parse().unwrap() };
    let runs = traces::load(path.as_ref(), None).unwrap();
    assert!(!runs.is_empty());
    for run in runs {
        let steps = run.scenario(pace).steps.len();
        assert_eq!(steps, run.events.len() + run.consequential.len() + 1, "{}", run.id);
    }
}

#[tokio::test]
async fn a_late_pause_is_followed_by_what_was_in_flight() {
    let mut scenario = builtin::find("late-purchase").unwrap();
    let when = ActTime::At("2200ms".parse().unwrap());
    scenario.acts = vec![TimedAct { when, times: 1, act: Act::Pause }];
    let api = fast().await;
    let id = api.sim.create_of(scenario.into()).await.unwrap();
    api.sim.until(LIMIT, says("has been placed")).await.unwrap();
    let order = api.sim.ledger().await.unwrap().remove(0);
    assert_eq!((order.session.as_str(), order.while_paused), (id.as_str(), true));
    assert_eq!(api.call(&format!("GET /{id}")).await.1["status"], "paused");
    assert_eq!(api.sim.look(World::wake).await.unwrap(), None, "the rest waits for a resume");
}
