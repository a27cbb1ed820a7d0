//! The operators' API: what can be asked of the daemon and what it tells, whatever carries it.
//!
//! The daemon's own parts speak to it in process, everybody else through HTTP on a local socket, with the same types. Nothing
//! about a prompt is decided in a client that the daemon does not check again.

pub mod desk;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod http;
pub mod protocol;
pub mod remote;
pub mod service;
pub mod socket;

pub use desk::{Desk, DeskSettings, ENDED_KEPT};
pub use protocol::{
    Act, ApprovalView, Change, ClientSettings, DaemonInfo, Decided, Decision, EndedBy, Halt, Hello, Nonce,
    OperatorName, Person, Presence, Refusal, Role, SessionAct, SessionDone, SessionOrder, SessionState, SessionView,
    Sight, Snapshot, State, Stillness, Update, Vote, You, worded,
};
pub use service::{Client, DeskService, Directed, Drivers, Gone, Ordered, Requests, ScreenshotOrder};
