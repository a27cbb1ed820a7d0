//! The daemon's parts that touch the world.

pub mod watcher;
