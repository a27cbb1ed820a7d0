//! A client of the desk, in the daemon's process or at the other end of its socket: to the prompt they are the same.

use std::path::PathBuf;

use crate::control::{Client, Decided, Decision, Gone, Nonce, Refusal, Requests, Snapshot, Update, remote};
use crate::gate::{ApprovalId, Digest, Revision};

/// A connected client.
#[derive(Debug)]
pub enum Seat {
    /// In the daemon's own process.
    Inside(Client),
    /// Over the socket.
    Outside(Box<remote::Client>),
}

impl From<Client> for Seat {
    fn from(client: Client) -> Self {
        Self::Inside(client)
    }
}

impl From<remote::Client> for Seat {
    fn from(client: remote::Client) -> Self {
        Self::Outside(Box::new(client))
    }
}

impl Seat {
    pub(super) async fn snapshot(&mut self) -> Result<Snapshot, Gone> {
        match self {
            Self::Inside(client) => client.snapshot().await,
            Self::Outside(client) => client.snapshot().await,
        }
    }

    /// Cancel-safe.
    pub(super) async fn next_update(&mut self) -> Result<Update, Gone> {
        match self {
            Self::Inside(client) => client.next_update().await,
            Self::Outside(client) => client.next_update().await,
        }
    }

    pub(super) fn asker(&self) -> Asker {
        match self {
            Self::Inside(client) => Asker::Inside(client.requests()),
            Self::Outside(client) => Asker::Outside(client.requests()),
        }
    }
}

/// The requests of a seat.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    Inside(Requests),
    Outside(remote::Requests),
}

impl Asker {
    pub(super) async fn presented(&self, id: ApprovalId, revision: Revision, digest: Digest) -> Result<Nonce, Refusal> {
        match self {
            Self::Inside(requests) => requests.presented(id, revision, digest).await,
            Self::Outside(requests) => requests.presented(id, revision, digest).await,
        }
    }

    pub(super) async fn decide(&self, decision: Decision) -> Result<Decided, Refusal> {
        match self {
            Self::Inside(requests) => requests.decide(decision).await,
            Self::Outside(requests) => requests.decide(decision).await,
        }
    }

    pub(super) async fn screenshot(&self, id: ApprovalId) -> Result<PathBuf, Refusal> {
        match self {
            Self::Inside(requests) => requests.screenshot(id).await,
            Self::Outside(requests) => requests.screenshot(id).await,
        }
    }
}
