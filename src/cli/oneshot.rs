//! The one-shot commands: what a person or a script asks of the daemon once. Each is a client like any other; nothing is
//! decided here that the daemon does not check again.

mod refused;
