//! The daemon's parts that touch the world.
