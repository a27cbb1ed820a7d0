//! The gate: for one session, what to do about what was seen, answered and decided.

pub mod approval;
pub mod card;

pub use approval::{ApprovalId, Code, Delivery, Digest, Outcome, Revision, Timing};
pub use card::{Card, EventLine, Hold, RuleLine, Subject};
