//! The store on its real back end: one story, every way to tamper with it, and files that are no store.

mod approvals;
mod events;
mod halts;
mod opening;
mod story;
mod tampering;
