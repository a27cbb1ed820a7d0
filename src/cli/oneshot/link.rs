//! A command's connection to the daemon, and waiting on what it tells.

use std::path::PathBuf;

use crate::cli::target::Target;
use crate::control::remote::{self, Client, Requests, Unreachable};
use crate::control::{ApprovalView, Change, Gone, Hello, SessionView, Snapshot};
use crate::error::{Exit, Failure};

use super::refused::refused;

/// What every command about the daemon takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print JSON: an array for a list, an object for one thing
    #[arg(long)]
    pub json: bool,
}

/// A connection. Closing it makes every card that was presented over it unpresented.
pub struct Link {
    client: Client,
    /// What can be asked over it.
    pub requests: Requests,
    /// Where it leads.
    pub socket: PathBuf,
}

impl Link {
    /// Connects to the daemon that the arguments and the environment name.
    ///
    /// # Errors
    /// [`Exit::Unreachable`] when there is none, [`Exit::NotPermitted`] when it does not let this user in.
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        Self::to(target.socket()?).await.map_err(|error| unreachable(&error))
    }

    /// Connects to a socket.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn to(socket: PathBuf) -> Result<Self, Unreachable> {
        let client = remote::connect(&socket).await?;
        let requests = client.requests();
        Ok(Self { client, requests, socket })
    }

    /// The connection itself, for who takes the rest over.
    pub fn into_client(self) -> Client {
        self.client
    }

    /// What the daemon said first.
    pub fn hello(&self) -> &Hello {
        self.client.hello()
    }

    /// Everything there is.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        self.client.snapshot().await.map_err(gone)
    }

    /// One approval as it is now, by code or id.
    pub async fn approval(&self, name: &str) -> Result<ApprovalView, Failure> {
        self.requests.approval(name).await.map_err(|refusal| refused(&crate::operator::escape::short(name), &refusal))
    }

    /// Waits until an approval is as wanted. `now` has to be newer than the connection, so that nothing is missed between.
    pub async fn follow(
        &mut self,
        now: ApprovalView,
        wanted: impl Fn(&ApprovalView) -> bool,
    ) -> Result<ApprovalView, Gone> {
        let mut view = now;
        while !wanted(&view) {
            if let Change::Approval { view: next } = self.client.next_update().await?.change
                && next.card.approval == view.card.approval
            {
                view = *next;
            }
        }
        Ok(view)
    }

    /// Waits until every one of these sessions is as wanted, or no longer watched. Keeps `sessions` as they are meanwhile.
    pub async fn follow_sessions(
        &mut self,
        sessions: &mut Vec<SessionView>,
        wanted: impl Fn(&SessionView) -> bool,
    ) -> Result<(), Gone> {
        while !sessions.iter().all(&wanted) {
            match self.client.next_update().await?.change {
                Change::Session { view } => {
                    sessions.iter_mut().filter(|known| known.session == view.session).for_each(|known| {
                        known.clone_from(&view);
                    });
                }
                Change::SessionGone { session } => sessions.retain(|known| known.session != session),
                Change::Approval { .. }
                | Change::Presence { .. }
                | Change::Daemon { .. }
                | Change::Notice { .. }
                | Change::Stopping => {}
            }
        }
        Ok(())
    }
}

/// Nobody answered at the socket.
pub fn unreachable(error: &Unreachable) -> Failure {
    match error {
        Unreachable::Nobody { .. } => {
            Failure::of(Exit::Unreachable, error).hint("`holdpoint doctor` looks into what is missing")
        }
        Unreachable::NotPermitted { .. } => Failure::of(Exit::NotPermitted, error)
            .hint("an administrator gives roles under [control] in the daemon's configuration"),
    }
}

/// The connection broke.
pub fn gone(gone: Gone) -> Failure {
    match gone {
        Gone::TooSlow | Gone::Ended | Gone::Lost => {
            Failure::new(Exit::Unreachable, gone.to_string()).hint("try again when the daemon is back")
        }
        Gone::NotPermitted => Failure::new(Exit::NotPermitted, gone.to_string())
            .hint("an administrator gives roles under [control] in the daemon's configuration"),
    }
}
