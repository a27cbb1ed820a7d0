//! What rules say about an event: the compiled policy and its verdicts.
//!
//! Pure: no I/O, no clock, linear time in the text. The strictest effect wins, whatever the order in the file.
//!
//! # When a rule fires
//!
//! Conditions of a rule are ANDed, alternatives within one are ORed. Each is true, false or undecided:
//!
//! | condition | undecided when |
//! |---|---|
//! | `events`, `sessions`, `time` | never |
//! | `agents` | the provider does not tell the agent's name |
//! | `domains`, `url` | it is not known where the session is |
//! | `text`, `regex`, `detect` | nothing was found, but the event was cut, so that not all of it was seen |
//! | `when` | it depends on something that is not known |
//! | `count` | it depends on matches that were themselves undecided |
//! | `amount_over`, `amount_under` | no price was seen, or its currency is another than the limits', or not clear |
//!
//! A rule with a false condition does not fire; one whose conditions are all true has its effect. In between, a rule that
//! asks or denies fires as `ask` and says what was undecided; milder ones do not fire. An `unless` excepts only what is
//! plainly true, so ignorance never excepts. A price that is there but cannot be read is over every limit.
//!
//! A rule looks at events in which the agent itself speaks or acts, unknown kinds included (on all their words), but for
//! its report at the end (`done`), unless it lists `events`. A rule that reads words (`text`, `regex`, `detect`) compares the amount the action is about, which may
//! stand in an earlier event; a rule that does not looks only at the event's own prices, and at an event without any it does
//! not fire.

pub mod address;
pub mod compare;
mod compile;
mod condition;
mod consent;
mod context;
pub mod detect;
mod evaluate;
pub mod explain;
pub mod expression;
pub mod glob;
mod index;
pub mod lint;
mod matcher;
pub mod measure;
pub mod money;
pub mod rate;
pub mod rule;
mod sites;
mod starts;
pub mod text;
pub mod verdict;
pub mod window;

pub use compile::{Policy, RuleFault, Tested};
pub use consent::Consent;
pub use context::Context;
pub use evaluate::SessionInfo;
pub use explain::Explanation;
pub use glob::{DomainPattern, Glob, host_of};
pub use rule::{Conditions, RuleSpec, RuleTest};
pub use verdict::{AmountSeen, Confirm, Effect, Fired, Match, OnDeny, OnTimeout, ReasonFor, Risk, RuleTerms, Verdict};

#[cfg(test)]
mod shortcuts;
#[cfg(test)]
mod tests;
