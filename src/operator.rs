//! What an operator sees and types: the prompt and the one escaping function.

pub mod escape;
