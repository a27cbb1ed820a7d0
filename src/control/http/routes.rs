//! The paths of the API and what each of them does.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, State, rejection::QueryRejection};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::Api;
use super::answer::Problem;
use super::document;
use super::extract::{Caller, Named, Sent, SentOrNot, malformed};
use super::operations::operations;
use super::whole::{LARGEST_BODY, whole};
use super::word::Word;
use crate::api::SessionId;
use crate::control::protocol::{
    ApprovalView, Decided, Decision, Halt, Refusal, Role, SessionAct, SessionDone, SessionOrder, SessionView, Snapshot,
    State as Standing,
};
use crate::control::protocol::{Presented, Reason, Reloaded, Saved, Shown, Status};
use crate::gate::ApprovalId;
use crate::operator::escape::short;

type Ask = State<Arc<Api>>;
type Answer<T> = Result<Json<T>, Problem>;

pub(super) fn router(api: Arc<Api>, beside: Router) -> Router {
    let served = operations().into_iter().filter_map(|(operation, handler)| Some((operation.path, handler?)));
    served
        .fold(Router::new(), |router, (path, handler)| router.route(path, handler))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(api)
        .merge(beside.method_not_allowed_fallback(no_such_method))
        .layer(from_fn(whole))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

pub(super) async fn snapshot(State(api): Ask, caller: Caller) -> Answer<Snapshot> {
    caller.needs(Role::Observe)?;
    Ok(Json(known(&api).await?))
}

pub(super) async fn status(State(api): Ask, caller: Caller) -> Answer<Status> {
    caller.needs(Role::Observe)?;
    Ok(Json(Status::of(known(&api).await?, caller.person.you())))
}

/// The description of all this. Everybody who can connect may read it: it is the same for everybody.
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], document::text()).into_response()
}

/// Which approvals are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    state: Listed,
}

/// Open ones, ended ones, or both.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Listed {
    /// Those without an outcome.
    #[default]
    Open,
    /// Those with one, as far as they are remembered.
    Ended,
    /// Both.
    All,
}

pub(super) async fn approvals(
    State(api): Ask,
    caller: Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Answer<Vec<ApprovalView>> {
    caller.needs(Role::Observe)?;
    let Query(Which { state }) = which.map_err(|error| malformed(Word::BadQuery, &error.body_text()))?;
    let mut approvals = known(&api).await?.approvals;
    approvals.retain(|view| {
        let ended = matches!(view.state, Standing::Ended { .. });
        match state {
            Listed::Open => !ended,
            Listed::Ended => ended,
            Listed::All => true,
        }
    });
    Ok(Json(approvals))
}

pub(super) async fn approval(State(api): Ask, caller: Caller, Named(name): Named) -> Answer<ApprovalView> {
    caller.needs(Role::Observe)?;
    Ok(Json(api.desk.approval(&name).await?))
}

pub(super) async fn presented(
    State(api): Ask,
    caller: Caller,
    Named(name): Named,
    Sent(shown): Sent<Shown>,
) -> Answer<Presented> {
    caller.needs(Role::Observe)?;
    let seat = caller.seat(&api)?;
    let id = id(&api, &name).await?;
    let nonce = seat.presented(id, shown.revision, shown.digest).await?;
    Ok(Json(Presented { nonce }))
}

pub(super) async fn decision(
    State(api): Ask,
    caller: Caller,
    Named(name): Named,
    Sent(decision): Sent<Decision>,
) -> Answer<Decided> {
    caller.needs(Role::Decide)?;
    let seat = caller.seat_or_visit(&api).await?;
    if id(&api, &name).await? != decision.approval {
        let why = "the path names one approval and the decision another".to_owned();
        return Err(Refusal::NotPossible { why }.into());
    }
    Ok(Json(seat.decide(decision).await?))
}

pub(super) async fn screenshot(State(api): Ask, caller: Caller, Named(name): Named) -> Answer<Saved> {
    caller.needs(Role::Observe)?;
    let id = id(&api, &name).await?;
    let path = caller.seat_or_visit(&api).await?.screenshot(id).await?;
    Ok(Json(Saved { path }))
}

pub(super) async fn picture(State(api): Ask, caller: Caller, Named(name): Named) -> Result<Response, Problem> {
    caller.needs(Role::Observe)?;
    let id = id(&api, &name).await?;
    let path = caller.seat_or_visit(&api).await?.screenshot(id).await?;
    let bytes = tokio::fs::read(&path).await.map_err(|error| {
        let why = format!("the screenshot was saved as {} and cannot be read: {error}", short(&path.to_string_lossy()));
        Refusal::NotPossible { why }
    })?;
    Ok(([(CONTENT_TYPE, media_type(&path))], bytes).into_response())
}

/// The daemon names its pictures by what they are.
fn media_type(path: &Path) -> &'static str {
    if path.extension().is_some_and(|ending| ending == "png") { "image/png" } else { "image/jpeg" }
}

pub(super) async fn sessions(State(api): Ask, caller: Caller) -> Answer<Vec<SessionView>> {
    caller.needs(Role::Observe)?;
    Ok(Json(known(&api).await?.sessions))
}

pub(super) async fn pause(api: Ask, caller: Caller, name: Named, why: SentOrNot<Reason>) -> Answer<SessionDone> {
    session(api, caller, name, why, SessionAct::Pause).await
}

pub(super) async fn cancel(api: Ask, caller: Caller, name: Named, why: SentOrNot<Reason>) -> Answer<SessionDone> {
    session(api, caller, name, why, SessionAct::Cancel).await
}

pub(super) async fn ask(api: Ask, caller: Caller, name: Named, why: SentOrNot<Reason>) -> Answer<SessionDone> {
    session(api, caller, name, why, SessionAct::Ask).await
}

async fn session(
    State(api): Ask,
    caller: Caller,
    Named(name): Named,
    SentOrNot(Reason { reason }): SentOrNot<Reason>,
    act: SessionAct,
) -> Answer<SessionDone> {
    caller.needs(Role::Decide)?;
    let session = SessionId::try_from(name).map_err(|_| Refusal::NoSuchSession)?;
    let seat = caller.seat_or_visit(&api).await?;
    Ok(Json(seat.session(SessionOrder { session, act, reason }).await?))
}

pub(super) async fn halt(
    State(api): Ask,
    caller: Caller,
    SentOrNot(Reason { reason }): SentOrNot<Reason>,
) -> Answer<Halt> {
    caller.needs(Role::Decide)?;
    Ok(Json(caller.seat_or_visit(&api).await?.halt(reason).await?))
}

pub(super) async fn end_halt(State(api): Ask, caller: Caller) -> Result<StatusCode, Problem> {
    caller.needs(Role::Admin)?;
    caller.seat_or_visit(&api).await?.end_halt().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reload(State(api): Ask, caller: Caller) -> Answer<Reloaded> {
    caller.needs(Role::Admin)?;
    let nobody = || Refusal::NotPossible { why: "this daemon does not read its configuration again".to_owned() };
    let (reply, answer) = oneshot::channel();
    api.reload.as_ref().ok_or_else(nobody)?.send(reply).await.map_err(|_| Refusal::Stopping)?;
    let what = answer.await.map_err(|_| Refusal::Stopping)??;
    Ok(Json(Reloaded { what }))
}

async fn no_such_path(uri: Uri) -> Problem {
    malformed(Word::NoSuchPath, &format!("there is no {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    malformed(Word::NoSuchMethod, &format!("{} takes no {method}", uri.path()))
}

async fn known(api: &Api) -> Result<Snapshot, Refusal> {
    api.desk.snapshot().await.ok_or(Refusal::Stopping)
}

async fn id(api: &Api, name: &str) -> Result<ApprovalId, Refusal> {
    Ok(api.desk.approval(name).await?.card.approval)
}
