//! The operators' socket of `run`: the local API is served on it until the daemon has ended.

use std::os::unix::net::UnixListener;

use tokio::sync::mpsc;

use crate::control::http::{Access, Parts, Reload, Server};
use crate::daemon::Daemon;
use crate::error::{Exit, Failure};

/// Serves the local API on a socket that listens already; wishes to read the configuration again go to `reload`.
///
/// # Errors
/// When the runtime does not take the socket.
pub(super) fn serve(
    listener: UnixListener,
    access: Access,
    daemon: &Daemon,
    reload: mpsc::Sender<Reload>,
) -> Result<Server, Failure> {
    let taken = listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
    let listener =
        taken.map_err(|error| Failure::new(Exit::Error, format!("the operators' socket cannot be used: {error}")))?;
    Ok(Server::start(listener, Parts { desk: daemon.desk().clone(), access, reload: Some(reload) }))
}
