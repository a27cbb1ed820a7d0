//! `/_sim/`: the ground truth, and control of what happens, without a key. Loopback only, as the whole server.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Shell, fleet};
use crate::clock::Moment;
use crate::simulator::fault::Fault;
use crate::simulator::record::Emitted;
use crate::simulator::scenario::Act;
use crate::simulator::span::Span;
use crate::simulator::wire::Answer;
use crate::simulator::world::{NewSession, World};

pub(super) fn router() -> Router<Shell> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/calls", get(calls))
        .route("/events", get(events))
        .route("/clock", get(clock))
        .route("/sessions", get(sessions).post(create))
        .route("/sessions/{id}", get(session))
        .route("/sessions/{id}/act", post(act))
        .route("/fleet", get(fleet::news))
        .route("/faults", post(fault).delete(clear))
        .route("/forget", post(forget))
}

/// A record can be read from a place on, so that a long run need not be read again and again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    #[serde(default)]
    from: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    scenario: Option<String>,
    goal: Option<String>,
    agent: Option<String>,
    /// Sent as the first message; absent: the goal; `start = false`: none.
    message: Option<String>,
    start: Option<bool>,
    /// So many of them; the answer has `session_ids`. Absent: one, and `session_id`.
    count: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Do {
    r#do: Act,
    /// So long from now; lost when the task ends before. Absent: at once.
    after: Option<Span>,
}

async fn ledger(State(shell): State<Shell>, Query(from): Query<From>) -> Response {
    read(&shell, move |world| world.record().ledger_from(from.from).to_vec()).await
}

async fn calls(State(shell): State<Shell>, Query(from): Query<From>) -> Response {
    read(&shell, move |world| world.record().calls_from(from.from).to_vec()).await
}

async fn events(State(shell): State<Shell>, Query(from): Query<From>) -> Response {
    read(&shell, move |world| {
        world.record().events_from(from.from).iter().map(|event| Emitted::clone(event)).collect::<Vec<_>>()
    })
    .await
}

async fn clock(State(shell): State<Shell>) -> Response {
    let now = shell.link.now();
    Answer::ok(&json!({ "now_ns": crate::simulator::record::nanos(now), "wall": now.wall.to_string() })).into_response()
}

async fn sessions(State(shell): State<Shell>) -> Response {
    read(&shell, World::sessions).await
}

async fn session(State(shell): State<Shell>, Path(id): Path<String>) -> Response {
    read(&shell, move |world| world.session(&id)).await
}

async fn create(State(shell): State<Shell>, Json(body): Json<Create>) -> Response {
    let count = body.count;
    let ids: Vec<String> = (0..count.unwrap_or(1)).map(|_| crate::simulator::fresh_id()).collect();
    let made = shell.link.ask(move |world, now| {
        ids.iter().try_for_each(|id| body.create(world, now, id))?;
        Ok::<_, String>(ids)
    });
    match made.await {
        Ok(Ok(ids)) if count.is_some() => Answer::ok(&json!({ "session_ids": ids })).into_response(),
        Ok(Ok(ids)) => Answer::ok(&json!({ "session_id": ids.first() })).into_response(),
        Ok(Err(why)) => Answer::detail(422, &why).into_response(),
        Err(stopped) => Answer::detail(503, &stopped.to_string()).into_response(),
    }
}

impl Create {
    fn create(&self, world: &mut World, now: Moment, id: &str) -> Result<(), String> {
        let scenario = match &self.scenario {
            Some(name) => Some(world.scenario(name).ok_or_else(|| {
                let known = world.scenario_names().into_iter().collect::<Vec<_>>().join(", ");
                format!("there is no scenario {name:?}; there are {known}")
            })?),
            None => None,
        };
        let new = NewSession { agent: self.agent.clone(), goal: self.goal.clone(), kind: None, scenario };
        world.create(now, id, new);
        if self.start.unwrap_or(true) {
            let goal = || world.session(id).and_then(|session| session.goal);
            let text = self.message.clone().or_else(goal).unwrap_or_else(|| "Go ahead.".to_owned());
            world.message(now, id, &text);
        }
        Ok(())
    }
}

async fn act(State(shell): State<Shell>, Path(id): Path<String>, Json(body): Json<Do>) -> Response {
    let known = shell.link.ask(move |world, now| match body.after {
        None => world.act(now, &id, body.r#do),
        Some(after) => world.act_at(now, now.mono + after.0, &id, body.r#do),
    });
    match known.await {
        Ok(true) => Answer::ok(&json!({ "done": true })).into_response(),
        Ok(false) => Answer::detail(404, "Session not found").into_response(),
        Err(stopped) => Answer::detail(503, &stopped.to_string()).into_response(),
    }
}

async fn fault(State(shell): State<Shell>, Json(fault): Json<Fault>) -> Response {
    change(&shell, move |world| world.fault(fault)).await
}

async fn clear(State(shell): State<Shell>) -> Response {
    change(&shell, World::clear_faults).await
}

/// What was written down so far was read, and deleted sessions are nobody's any more.
async fn forget(State(shell): State<Shell>) -> Response {
    change(&shell, World::forget).await
}

pub(super) async fn read<T: Serialize + Send + 'static>(
    shell: &Shell,
    look: impl FnOnce(&World) -> T + Send + 'static,
) -> Response {
    match shell.link.ask(|world, _| look(world)).await {
        Ok(found) => Json(found).into_response(),
        Err(stopped) => Answer::detail(503, &stopped.to_string()).into_response(),
    }
}

async fn change(shell: &Shell, work: impl FnOnce(&mut World) + Send + 'static) -> Response {
    match shell.link.ask(|world, _| work(world)).await {
        Ok(()) => Answer::ok(&json!({ "done": true })).into_response(),
        Err(stopped) => Answer::detail(503, &stopped.to_string()).into_response(),
    }
}
