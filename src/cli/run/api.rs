//! The local API of a daemon that starts: its socket, who is let in, and its end.

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::config::ControlConfig;
use crate::control::http::{Access, Parts, Principal, Reload, Server};
use crate::control::socket::{self, Removal, Socket, SocketError};
use crate::daemon::Daemon;
use crate::error::{Exit, Failure};
use crate::telemetry;

/// The API, served.
pub(in crate::cli) struct Api {
    server: Server,
    path: PathBuf,
    _removal: Removal,
}

impl Api {
    /// The socket that the service manager passed.
    ///
    /// # Errors
    /// When nobody could connect to it.
    pub(super) fn adopt(listener: UnixListener) -> Result<Socket, Failure> {
        Socket::adopt(listener)
            .map_err(|error| Failure::new(Exit::Configuration, format!("the socket cannot be used: {error}")))
            .map_err(|failure| {
                failure.hint("the socket unit needs one ListenStream= with a path, as in deploy/holdpoint.socket")
            })
    }

    /// Makes the socket, before anything is started that would have to be stopped again.
    ///
    /// # Errors
    /// When there can be no socket.
    pub(in crate::cli) fn bind(path: &Path, config: &ControlConfig) -> Result<Socket, Failure> {
        let socket = Socket::bind(path, config.group.as_deref())
            .map_err(|error| Failure::of(Exit::Error, &error).hint(hint(&error)))?;
        let barred = config.group.as_deref().and_then(|group| Some((group, socket::barred(path, group)?)));
        if let Some((group, folder)) = barred {
            tracing::warn!(
                "the group {group:?} is given the socket {} and cannot reach it: {} is closed to it\n  hint: give it a place \
                 that the group may pass to with [control] socket, such as /run/holdpoint/holdpoint.sock",
                path.display(),
                folder.display()
            );
        }
        Ok(socket)
    }

    /// Serves a daemon on a socket; wishes to read the configuration again go to `reload`.
    ///
    /// # Errors
    /// When the system cannot wait on it.
    pub(in crate::cli) fn serve(
        socket: Socket,
        daemon: &Daemon,
        config: &ControlConfig,
        reload: Option<mpsc::Sender<Reload>>,
    ) -> Result<Self, Failure> {
        let path = socket.path().to_owned();
        let (listener, removal) = socket
            .into_listener()
            .map_err(|error| Failure::new(Exit::Error, format!("{} cannot be served: {error}", path.display())))
            .map_err(|failure| failure.hint(crate::error::SYSTEM))?;
        let beside = telemetry::http::router(daemon.scrape().clone());
        let server =
            Server::start(listener, Parts { desk: daemon.desk().clone(), access: access(config), beside, reload });
        tracing::info!("operators connect to {}", path.display());
        Ok(Self { server, path, _removal: removal })
    }

    /// Lets in whom another configuration names.
    pub(super) fn allow(&self, config: &ControlConfig) {
        self.server.allow(access(config));
    }

    /// Where clients connect.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until it cannot be served any more, and says so: nobody could answer, so that the daemon has to end.
    pub(super) async fn failed(&self) -> Failure {
        self.server.ended().await;
        let text = format!("the local API on {} cannot be served any more, so nobody can answer", self.path.display());
        Failure::new(Exit::Error, text).hint("start the daemon again: what is held stays held, and is taken up again")
    }

    /// Ends it and removes the socket.
    pub(in crate::cli) async fn stop(self) {
        self.server.stop().await;
    }
}

/// The roles that a configuration gives.
fn access(config: &ControlConfig) -> Access {
    let read = |names: &BTreeSet<String>| names.iter().map(|name| Principal::read(name)).collect();
    Access { observe: read(&config.observe), decide: read(&config.decide), admin: read(&config.admin) }
}

fn hint(error: &SocketError) -> &'static str {
    match error {
        SocketError::TooLong { .. } => "name a shorter path with [control] socket",
        SocketError::NoSuchGroup { .. } => "make the group with `groupadd --system`, or name another",
        SocketError::Unsafe { .. } => {
            "close it with `chmod go-w`, or put the socket elsewhere with [control] socket: who can write there could take \
             the operators' decisions"
        }
        SocketError::InUse { .. } => "stop the other one, or give this one a socket of its own with [control] socket",
        SocketError::Foreign { .. } => {
            "it was not touched; move it away, or put the socket elsewhere with [control] socket"
        }
        SocketError::System { .. } => "put the socket where this user can write, with [control] socket",
    }
}
