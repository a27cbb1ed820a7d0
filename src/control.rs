//! The operators' API: what can be asked of the daemon and what it tells, whatever carries it.
//!
//! Today it is carried in process; the local socket will carry the same types. Nothing about a prompt is decided in a
//! client that the daemon does not check again.

pub mod protocol;

pub use protocol::{
    Act, ApprovalView, Change, Decided, Decision, EndedBy, Nonce, OperatorName, Refusal, State, Update,
};
