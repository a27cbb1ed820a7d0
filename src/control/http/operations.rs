//! Every operation of the API, once: how it is described, and what carries it out.
//!
//! The router and the OpenAPI document are both made from this list, so that nothing is served that is not described.

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, post};

use super::Api;
use super::document::examples::{self, one};
use super::document::{Operation, bytes, object, plain_text};
use super::events::{Farewell, events};
use super::routes::{self, Listed};
use super::word::Word;
use crate::control::protocol::{
    ApprovalView, Decided, Decision, Halt, Hello, Presented, Reason, Reloaded, Role, Saved, SessionDone, SessionView,
    Shown, Snapshot, Status, Update,
};
use crate::telemetry::health::Health;

/// What carries an operation out; `None` where that is served beside the API.
type Handler = Option<MethodRouter<Arc<Api>>>;

/// All of them. Each is made anew: it is asked for twice in a process's life.
pub(super) fn operations() -> Vec<(Operation, Handler)> {
    [look(), approvals(), sessions(), daemon()].into_iter().flatten().collect()
}

fn look() -> Vec<(Operation, Handler)> {
    let events_about = "\
        Server-sent events. The stream is the client's seat: the token in `hello` is what its requests name in the header \
        `Holdpoint-Client`, and what it was shown counts as long as the stream is open.\n\n\
        - `hello`, once, first: `Hello`, with everything there is. Its id is the number of the last change in it.\n\
        - `update`: `Update`, one change; its id is its `seq`. A gap in `seq` means: take a new snapshot. Who is more than 256 \
        changes behind is told only the newest of each session, each approval, who is attached and the daemon; every notice is \
        told, and is in no snapshot.\n\
        - `gone`, last: `Farewell`, why the stream ends (`too_slow`, `ended`, `not_permitted`). Then the daemon closes it.\n\n\
        The stream has no other end: it stays open until the client closes it, the daemon stops, the person loses the role, \
        or the client reads so slowly that 128 more notices wait. A quiet stream gets a comment every 15 seconds. \
        `Last-Event-ID` is ignored: a new stream begins with everything there is.";
    let mut stream = Operation::get("/v1/events", "events")
        .says("look", "Everything there is, then every change", events_about)
        .takes_role(Role::Observe);
    let told = [
        ("hello", stream.schema::<Hello>()),
        ("update", stream.schema::<Update>()),
        ("gone", stream.schema::<Farewell>()),
    ];
    vec![
        (stream.gives_events("The stream.", told, &examples::stream()), Some(get(events))),
        (
            Operation::get("/v1/snapshot", "snapshot")
                .says("look", "Everything there is", "The same as in the first event of a stream.")
                .takes_role(Role::Observe)
                .gives::<Snapshot>("Everything there is.", one(&examples::snapshot())),
            Some(get(routes::snapshot)),
        ),
        (
            Operation::get("/v1/status", "status")
                .says(
                    "look",
                    "How things stand, counted",
                    "Who asks, what the daemon is, and how many things there are.",
                )
                .takes_role(Role::Observe)
                .gives::<Status>("How things stand.", one(&examples::status())),
            Some(get(routes::status)),
        ),
    ]
}

fn approvals() -> Vec<(Operation, Handler)> {
    let one_approval = "/v1/approvals/{name}";
    let presented_about = "\
        Said when the whole card is on a screen. The nonce that comes back proves it: the next decision of this client on this \
        card has to name it. Saying it again gives another nonce, and the time before an approval is taken starts anew. The \
        nonce dies with the stream, with a new revision of the card, and when the policy changes.";
    let decision_about = "\
        Answered when the decision has counted, or was refused; a refusal decided nothing, except that after `unknown` only the \
        approval itself says what became of it. The session is read once more before it is let go, so this can take some \
        seconds. The same decision of the same operator again is success.\n\n\
        `approve`, `instruct`, `answer` and `extend` need the nonce of the card's present revision. `deny` needs none, and is \
        taken for an older revision too, unless what the denial sends would let the agent go on (`then.deny` is `instruct`): then it \
        needs the nonce and the time, and the session is read once more. Where the card's `confirm` is \
        `type`, approving takes its amount or its code in `typed`.";
    let picture_about = "\
        The last picture of the session's page that was taken for this approval. The daemon also keeps it as a file.";
    vec![
        (
            Operation::get("/v1/approvals", "approvals")
                .says(
                    "approvals",
                    "All approvals",
                    "In the order in which they were opened. 256 ended ones are remembered.",
                )
                .takes_role(Role::Observe)
                .queries::<Listed>("state", "Which; `open` when it is not said.", "all")
                .gives_list::<ApprovalView>("Those that were asked for.", one(&[examples::approval()])),
            Some(get(routes::approvals)),
        ),
        (
            Operation::get(one_approval, "approval")
                .says("approvals", "One approval", "With its whole card.")
                .takes_role(Role::Observe)
                .names_approval()
                .gives::<ApprovalView>("As it is now.", examples::approvals()),
            Some(get(routes::approval)),
        ),
        (
            Operation::post("/v1/approvals/{name}/presented", "presented")
                .says("approvals", "A card is on a screen", presented_about)
                .takes_role(Role::Observe)
                .names_approval()
                .takes_seat()
                .takes::<Shown>(one(&examples::shown()))
                .gives::<Presented>("It is the present one.", one(&examples::presented()))
                .refuses(&[Word::NotPausedYet, Word::Stale, Word::AlreadyDecided, Word::NotPresented]),
            Some(post(routes::presented)),
        ),
        (
            Operation::post("/v1/approvals/{name}/decision", "decision")
                .says("approvals", "Decide", decision_about)
                .takes_role(Role::Decide)
                .names_approval()
                .may_take_seat()
                .takes::<Decision>(examples::decisions())
                .gives::<Decided>("It counts.", examples::decided())
                .refuses(&[Word::Excluded, Word::NotExtendable, Word::ReasonRequired, Word::StoreFailed])
                .refuses(&[Word::Stale, Word::NotPresented, Word::TooSoon, Word::NotConfirmed, Word::NotPausedYet])
                .refuses(&[Word::Deciding, Word::AlreadyDecided, Word::Unverified, Word::Unknown]),
            Some(post(routes::decision)),
        ),
        (
            Operation::get("/v1/approvals/{name}/screenshot", "picture")
                .says("approvals", "The picture of the page", picture_about)
                .takes_role(Role::Observe)
                .names_approval()
                .may_take_seat()
                .gives_other("The picture.", &["image/jpeg", "image/png"], bytes()),
            Some(get(routes::picture)),
        ),
        (
            Operation::post("/v1/approvals/{name}/screenshot", "screenshot")
                .says("approvals", "Keep the picture of the page as a file", picture_about)
                .takes_role(Role::Observe)
                .names_approval()
                .may_take_seat()
                .gives::<Saved>("Where it is.", one(&examples::saved())),
            Some(post(routes::screenshot)),
        ),
    ]
}

fn sessions() -> Vec<(Operation, Handler)> {
    let order = |path, id, summary, about, done: &str| {
        Operation::post(path, id)
            .says("sessions", summary, about)
            .takes_role(Role::Decide)
            .names_session()
            .may_take_seat()
            .may_take::<Reason>(examples::reasons())
            .gives::<SessionDone>("It was taken; the session's state tells how it goes on.", one(&examples::done(done)))
            .refuses(&[Word::NotPossible, Word::Unknown])
    };
    let pause = "As if a rule had asked: the pause leaves at once, and an approval is opened. What asks already stays as it is.";
    let cancel = "An open approval is denied by it. Where no task runs, as one more look has to confirm, there is nothing to end: \
                  none is opened, and `approval` is null.";
    let ask = "For a session that stays paused after its approval ended. Nothing but that approval lets it go on.";
    vec![
        (
            Operation::get("/v1/sessions", "sessions")
                .says("sessions", "All watched sessions", "By id.")
                .takes_role(Role::Observe)
                .gives_list::<SessionView>("As they are now.", one(&[examples::session()])),
            Some(get(routes::sessions)),
        ),
        (
            order("/v1/sessions/{name}/pause", "pause", "Pause a session", pause, "the session is being paused"),
            Some(post(routes::pause)),
        ),
        (
            order("/v1/sessions/{name}/cancel", "cancel", "End a session's task", cancel, "the task is being ended")
                .refuses(&[Word::ReasonRequired]),
            Some(post(routes::cancel)),
        ),
        (
            order("/v1/sessions/{name}/ask", "ask", "Open an approval for a session that stays paused", ask, ASKED),
            Some(post(routes::ask)),
        ),
    ]
}

const ASKED: &str = "the session stays paused, and an approval asks whether it may go on";

fn daemon() -> Vec<(Operation, Handler)> {
    let halt = "Every watched session that acts, or may, is paused at once, and one in which nothing runs as soon as it begins \
                to act; no deadline runs. That lasts, through restarts too, until it is ended. A stop that is in force is \
                answered as it is. Answered when it is written down; what is wrong with that is `unknown`, and \
                everything is stopped all the same.";
    let metrics = "Metrics in the OpenMetrics text format. Labels are bounded and name no session.";
    vec![
        (
            Operation::post("/v1/halt", "halt")
                .says("daemon", "Stop everything", halt)
                .takes_role(Role::Decide)
                .may_take_seat()
                .may_take::<Reason>(examples::reasons())
                .gives::<Halt>("The stop that is in force.", one(&examples::halt()))
                .refuses(&[Word::NotPossible, Word::Unknown]),
            Some(post(routes::halt)),
        ),
        (
            Operation::delete("/v1/halt", "end_halt")
                .says(
                    "daemon",
                    "End the stop of everything",
                    "Releases nothing. Where nothing is stopped, nothing is done.",
                )
                .takes_role(Role::Admin)
                .may_take_seat()
                .gives_nothing("Nothing is stopped any more; deadlines go on.")
                .refuses(&[Word::StoreFailed, Word::Unknown]),
            Some(delete(routes::end_halt)),
        ),
        (
            Operation::post("/v1/reload", "reload")
                .says(
                    "daemon",
                    "Read the configuration again",
                    "A wrong file changes nothing, and what is wrong is answered.",
                )
                .takes_role(Role::Admin)
                .gives::<Reloaded>("It is in force.", one(&examples::reloaded()))
                .refuses(&[Word::NotPossible]),
            Some(post(routes::reload)),
        ),
        (
            Operation::get("/v1/openapi.json", "openapi")
                .says("daemon", "This document", "The same for everybody.")
                .gives_other("OpenAPI 3.1.", &["application/json"], object()),
            Some(get(routes::openapi)),
        ),
        (
            Operation::get("/metrics", "metrics").says("daemon", "Metrics", metrics).gives_other(
                "All metrics.",
                &["application/openmetrics-text; version=1.0.0; charset=utf-8"],
                plain_text("# TYPE holdpoint_approvals_pending gauge\nholdpoint_approvals_pending 1\n# EOF\n"),
            ),
            None,
        ),
        (
            Operation::get("/healthz", "healthz")
                .says("daemon", "Health", "Whether the daemon can do what it is for, and what is in its way.")
                .gives::<Health>("It can.", one(&examples::healthy()))
                .answers::<Health>(503, "It cannot, or not fully.", one(&examples::degraded())),
            None,
        ),
    ]
}
