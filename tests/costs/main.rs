//! What is done for an event and kept for a session, counted in allocations and bytes: the same on every machine, at any load.
//!
//! A regression is found where it happens, by a number that is stated beside what it bounds. Whoever makes one smaller lowers
//! its bound; whoever makes one larger says why. Times are measured by `benches/`, and asserted nowhere.

mod events;
mod fleet;
mod growth;
mod sessions;
mod stage;
mod watching;
