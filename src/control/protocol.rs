//! The types that operators' clients and the daemon exchange.

mod decision;
mod person;
mod request;
mod session;
pub mod strict;
mod update;
mod view;

pub use decision::{Act, Decided, Decision, Nonce, OperatorName, Refusal, worded};
pub use person::Person;
pub use request::{Presented, Reason, Reloaded, Saved, Shown, Status};
pub use session::{Halt, SessionAct, SessionDone, SessionOrder, SessionState, SessionView, Sight, Stillness};
pub use update::{Change, ClientSettings, DaemonInfo, Hello, Presence, Role, Snapshot, Update, You};
pub use view::{ApprovalView, EndedBy, State, Vote};
