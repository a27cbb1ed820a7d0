//! The prompt on a real pseudo-terminal.

mod cards;
mod child;
