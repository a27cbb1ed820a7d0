//! What an operator sees and types: the prompt, the console, their terminal, and the one escaping function.
//!
//! What a card says, how it is laid out, how bytes become keys and how a line is edited is the same for both.

pub(crate) mod card;
mod changes;
mod connection;
pub mod console;
pub mod escape;
mod keys;
pub(crate) mod layout;
mod line;
pub mod log;
pub mod prompt;
pub mod terminal;
pub(crate) mod terms;
pub(crate) mod words;

pub use log::{LogLines, LogSink};
pub use prompt::{PromptEnd, PromptSettings};
