//! The client of the local API: what the prompt, the console and the one-shot commands speak to the daemon with.
//!
//! One event stream is the client's seat at the desk; its requests go over other connections to the same socket and name
//! it. Decides nothing, repeats nothing: a decision whose answer was lost is said to be of unknown result.

mod stream;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::protocol::{
    ApprovalView, Change, Decided, Decision, Halt, Hello, Nonce, Presented, Reason, Refusal, Reloaded, Saved,
    SessionAct, SessionDone, SessionOrder, Shown, Snapshot, Status, Update,
};
use super::service::Gone;
use crate::api::SessionId;
use crate::gate::{ApprovalId, Digest, Revision};
use stream::Stream;
use wire::Wire;

/// Why no client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nothing that answers is there.
    #[error("no daemon answers at {}: {why}", .socket.display())]
    Nobody {
        /// The socket.
        socket: PathBuf,
        /// What failed, and what to do, escaped.
        why: String,
    },
    /// The daemon is there and does not let this user in.
    #[error("the daemon at {} does not let you in: {why}", .socket.display())]
    NotPermitted {
        /// The socket.
        socket: PathBuf,
        /// What it said, escaped.
        why: String,
    },
}

/// One connected client. Dropping it disconnects: what it was shown no longer counts.
#[derive(Debug)]
pub struct Client {
    hello: Hello,
    first: bool,
    requests: Requests,
    stream: Stream,
    /// The number of the last update that is known.
    seq: u64,
    /// Updates that stand for those that were missed.
    catching_up: Vec<Change>,
    missed: bool,
    sessions: BTreeSet<SessionId>,
}

/// Connects to the daemon that listens on `socket`, and waits for its first word.
///
/// # Errors
///
/// See [`Unreachable`].
pub async fn connect(socket: &Path) -> Result<Client, Unreachable> {
    let mut wire = Wire::to(socket).await?;
    let (stream, hello) = stream::open(&wire).await?;
    wire.speak_for(&hello.client)?;
    let sessions = hello.snapshot.sessions.iter().map(|view| view.session.clone()).collect();
    let seq = hello.snapshot.seq;
    let requests = Requests { wire };
    Ok(Client { hello, first: true, requests, stream, seq, catching_up: Vec::new(), missed: false, sessions })
}

impl Client {
    /// The daemon's first word: who this client speaks for, and everything there was.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What was known when the client connected, at the first call; later, what is known now, and
    /// [`Client::next_update`] goes on from there.
    ///
    /// # Errors
    ///
    /// [`Gone::Ended`] or [`Gone::Lost`] when the daemon cannot be asked.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Gone> {
        if std::mem::take(&mut self.first) {
            return Ok(self.hello.snapshot.clone());
        }
        let snapshot = self.requests.snapshot().await.map_err(gone)?;
        self.went_on(&snapshot);
        Ok(snapshot)
    }

    /// The next change. Cancel-safe.
    ///
    /// Where updates are missing, a new snapshot is read and told as changes that carry its number: every approval and
    /// every session as it is now, who is attached, the daemon's facts. So a reader need not look at the numbers. Notices are
    /// in no snapshot and are told all the same.
    ///
    /// # Errors
    ///
    /// Why there will be none any more.
    pub async fn next_update(&mut self) -> Result<Update, Gone> {
        loop {
            if let Some(change) = self.catching_up.pop() {
                return Ok(Update { seq: self.seq, change });
            }
            if self.missed {
                self.catch_up().await?;
                continue;
            }
            let update = self.stream.next().await?;
            self.missed = update.seq > self.seq.saturating_add(1);
            if self.missed || update.seq <= self.seq {
                // A snapshot has the rest, and what is in none is told all the same.
                if is_in_no_snapshot(&update.change) {
                    return Ok(Update { seq: self.seq, change: update.change });
                }
                continue;
            }
            self.seq = update.seq;
            self.note(&update.change);
            return Ok(update);
        }
    }

    /// A handle for requests that can be used beside [`Client::next_update`].
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        let snapshot = self.requests.snapshot().await.map_err(gone)?;
        let there: BTreeSet<&SessionId> = snapshot.sessions.iter().map(|view| &view.session).collect();
        let left = self.sessions.iter().filter(|session| !there.contains(session));
        // Taken from the end.
        let mut changes = vec![
            Change::Presence { operators: snapshot.operators.clone() },
            Change::Daemon { daemon: Box::new(snapshot.daemon.clone()) },
        ];
        changes.extend(left.map(|session| Change::SessionGone { session: session.clone() }));
        changes.extend(snapshot.sessions.iter().map(|view| Change::Session { view: Box::new(view.clone()) }));
        changes.extend(snapshot.approvals.iter().rev().map(|view| Change::Approval { view: Box::new(view.clone()) }));
        self.catching_up = changes;
        self.went_on(&snapshot);
        self.missed = false;
        Ok(())
    }

    fn went_on(&mut self, snapshot: &Snapshot) {
        self.seq = self.seq.max(snapshot.seq);
        self.sessions = snapshot.sessions.iter().map(|view| view.session.clone()).collect();
    }

    fn note(&mut self, change: &Change) {
        match change {
            Change::Session { view } => drop(self.sessions.insert(view.session.clone())),
            Change::SessionGone { session } => drop(self.sessions.remove(session)),
            Change::Approval { .. }
            | Change::Presence { .. }
            | Change::Daemon { .. }
            | Change::Notice { .. }
            | Change::Stopping => {}
        }
    }
}

fn is_in_no_snapshot(change: &Change) -> bool {
    match change {
        Change::Notice { .. } | Change::Stopping => true,
        Change::Session { .. }
        | Change::SessionGone { .. }
        | Change::Approval { .. }
        | Change::Presence { .. }
        | Change::Daemon { .. } => false,
    }
}

fn gone(refusal: Refusal) -> Gone {
    if refusal == Refusal::Stopping { Gone::Ended } else { Gone::Lost }
}

/// The requests of one client; clones speak for the same client. They end with it: what it was shown no longer counts.
#[derive(Clone, Debug)]
pub struct Requests {
    wire: Wire,
}

impl Requests {
    /// Announces that a card is on screen.
    ///
    /// # Errors
    ///
    /// When the card is not the current one, see [`Refusal`].
    pub async fn presented(&self, id: ApprovalId, revision: Revision, digest: Digest) -> Result<Nonce, Refusal> {
        let shown = Shown { revision, digest };
        let Presented { nonce } = self.wire.post(&["approvals", &id.to_string(), "presented"], &shown).await?;
        Ok(nonce)
    }

    /// Decides, and waits until the gate has taken or refused it.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]. When the answer is lost, [`Refusal::Unknown`]: the approval itself says what became of it.
    pub async fn decide(&self, decision: Decision) -> Result<Decided, Refusal> {
        let id = decision.approval.to_string();
        self.wire.act(&["approvals", &id, "decision"], &decision).await
    }

    /// Has a picture of the session's page saved, and returns where, on the daemon's machine.
    ///
    /// # Errors
    ///
    /// When there is none, see [`Refusal`].
    pub async fn screenshot(&self, id: ApprovalId) -> Result<PathBuf, Refusal> {
        let Saved { path } = self.wire.post(&["approvals", &id.to_string(), "screenshot"], &()).await?;
        Ok(path)
    }

    /// The bytes of a picture of the session's page: JPEG or PNG.
    ///
    /// # Errors
    ///
    /// When there is none, see [`Refusal`].
    pub async fn picture(&self, id: ApprovalId) -> Result<Vec<u8>, Refusal> {
        self.wire.bytes(&["approvals", &id.to_string(), "screenshot"]).await
    }

    /// The approval that a code or an id names, open or ended.
    ///
    /// # Errors
    ///
    /// When there is none or more than one, see [`Refusal`].
    pub async fn approval(&self, name: &str) -> Result<ApprovalView, Refusal> {
        self.wire.get(&["approvals", name]).await
    }

    /// Everything there is.
    ///
    /// # Errors
    ///
    /// When the daemon cannot be asked, see [`Refusal`].
    pub async fn snapshot(&self) -> Result<Snapshot, Refusal> {
        self.wire.get(&["snapshot"]).await
    }

    /// How things stand, in numbers.
    ///
    /// # Errors
    ///
    /// When the daemon cannot be asked, see [`Refusal`].
    pub async fn status(&self) -> Result<Status, Refusal> {
        self.wire.get(&["status"]).await
    }

    /// Does something to a session of the operator's own accord.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn session(&self, order: SessionOrder) -> Result<SessionDone, Refusal> {
        let act = match order.act {
            SessionAct::Pause => "pause",
            SessionAct::Cancel => "cancel",
            SessionAct::Ask => "ask",
        };
        self.wire.act(&["sessions", order.session.as_str(), act], &Reason { reason: order.reason }).await
    }

    /// Stops everything: every watched session that acts, or may, is paused at once, and one in which nothing runs as soon
    /// as it begins to act; no deadline runs. Answers the stop that is in force, which may be an earlier one.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn halt(&self, reason: Option<String>) -> Result<Halt, Refusal> {
        self.wire.act(&["halt"], &Reason { reason }).await
    }

    /// Ends the stop of everything. Releases nothing.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn end_halt(&self) -> Result<(), Refusal> {
        self.wire.delete(&["halt"]).await
    }

    /// Has the configuration read again, and says what changed.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn reload(&self) -> Result<String, Refusal> {
        let Reloaded { what } = self.wire.act(&["reload"], &()).await?;
        Ok(what)
    }
}
