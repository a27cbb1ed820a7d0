//! The operators' API: what can be asked of the daemon and what it tells, whatever carries it.
//!
//! Today it is carried in process; the local socket will carry the same types. Nothing about a prompt is decided in a
//! client that the daemon does not check again.

pub mod desk;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod protocol;
pub mod service;

pub use desk::{Desk, DeskSettings};
pub use protocol::{
    Act, ApprovalView, Change, ClientSettings, DaemonInfo, Decided, Decision, EndedBy, Halt, Hello, Nonce,
    OperatorName, Presence, Refusal, Role, SessionAct, SessionDone, SessionOrder, SessionState, SessionView, Sight,
    Snapshot, State, Update, Vote, You,
};
pub use service::{Client, DeskService, Directed, Drivers, Gone, Ordered, Requests, ScreenshotOrder};
