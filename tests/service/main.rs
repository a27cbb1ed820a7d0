//! The real binary under a service manager: what it is told and when, what it hands over, and what it does not survive.
//!
//! The manager is played by the tests: a socket that is told things, credentials, limits, and a launcher.

#[allow(dead_code, reason = "the tests of the command line use all of it")]
#[path = "../cli/bench.rs"]
mod bench;
mod manager;

mod credentials;
mod limits;
mod watchdog;
mod words;
