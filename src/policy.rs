//! What rules say about an event: the compiled policy and its verdicts.
//!
//! Pure: no I/O, no clock, linear time in the text. The strictest effect wins, whatever the order in the file.

pub mod verdict;

pub use verdict::{AmountSeen, Confirm, Effect, Fired, Match, OnDeny, OnTimeout, Risk, RuleTerms, Verdict};
