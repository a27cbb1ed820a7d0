//! Socket activation: the listening socket that the service manager opened for us. Its file is not ours to remove.

use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

use crate::error::{Exit, Failure};

/// The socket that was passed to us, if one was. Taken from the environment once; whoever we start gets none of it.
///
/// # Errors
/// When what was passed is not one listening Unix socket.
pub(super) fn inherited() -> Result<Option<UnixListener>, Failure> {
    let mut passed = ListenFd::from_env();
    let listener = passed.take_unix_listener(0).map_err(|error| wrong(&error.to_string()))?;
    if passed.len() > 1 {
        return Err(wrong(&format!("{} sockets were passed, and one is used", passed.len())));
    }
    Ok(listener)
}

fn wrong(why: &str) -> Failure {
    Failure::new(Exit::Configuration, format!("the socket that the service manager passed cannot be used: {why}"))
        .hint("the socket unit needs exactly one ListenStream= with a path, as in deploy/holdpoint.socket")
}
