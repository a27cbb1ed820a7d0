//! What an operator sees and types: the prompt, its terminal, and the one escaping function.

pub mod escape;
pub mod log;
pub mod prompt;
pub mod terminal;
mod terms;

pub use log::{LogLines, LogSink};
pub use prompt::{PromptEnd, PromptSettings};
