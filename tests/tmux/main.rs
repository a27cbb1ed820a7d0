//! Two operators in two panes of a real tmux, a third one at plain lines, and the real daemon: whoever is first decides,
//! once, and everybody else sees who it was.
//!
//! Fails where tmux is missing, so that nobody believes this was tried; `HOLDPOINT_WITHOUT_TMUX=1` leaves it out.

#[allow(dead_code, reason = "the tests of the command line use all of it")]
#[path = "../cli/bench.rs"]
mod bench;
mod exits;
mod place;
mod race;
mod tmux;
