//! The simulated Sessions API over real HTTP: every call, every kind of fault, and the record of what really happened.

#[path = "simulator/client.rs"]
mod client;
#[path = "simulator/endpoints.rs"]
mod endpoints;
#[path = "simulator/faults.rs"]
mod faults;
#[path = "simulator/scenarios.rs"]
mod scenarios;
#[path = "simulator/streams.rs"]
mod streams;
#[path = "simulator/truth.rs"]
mod truth;
