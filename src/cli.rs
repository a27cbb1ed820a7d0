//! The command tree; one file per group of commands.

pub mod simulate;
