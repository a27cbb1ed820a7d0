//! The gate's contract: its transition table in sentences, and a model that plays provider, store, network and people.

mod answers;
mod deliveries;
mod denials;
mod directed;
mod foreseen;
mod halts;
mod harness;
mod history;
mod holds;
mod model;
mod owning;
mod restarts;
mod resting;
mod scene;
mod straying;
mod tightening;
mod votes;
