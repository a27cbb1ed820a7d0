//! End to end over real HTTP: the simulated provider, the daemon and operators' clients, as they are wired in production.
//!
//! No test races with its agent: scripts wait for the pause they are about (`waits_for`), and tests wait on state.

mod audit;
mod clumsy;
mod operator;
mod stage;

mod course;
mod directed;
mod errors;
mod flood;
mod limits;
mod lost_answers;
mod notifications;
mod others;
mod questions;
mod recipes;
mod restart;
mod several;
mod sight;
mod store;
mod streams;
