//! What networks do to requests and answers, at any byte: nothing is released that nobody approved, nothing is done twice, and
//! once the network is well again everything comes to its end.
//!
//! The daemon, the provider and the operators are those of the end-to-end tests; between daemon and provider stands a proxy.

#![allow(dead_code, reason = "the stage is that of the end-to-end tests, of which these use a part")]

#[path = "../e2e/audit.rs"]
mod audit;
#[path = "../e2e/operator.rs"]
mod operator;
#[path = "../e2e/stage.rs"]
mod stage;

mod proxy;

mod breaks;
mod crowds;
mod slow;
