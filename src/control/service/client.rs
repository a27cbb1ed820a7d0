//! The in-process client: the requests and updates that the local socket will carry.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use super::Directed;
use super::keeper::{Message, Seat};
use crate::control::desk::ClientId;
use crate::control::protocol::{
    Decided, Decision, Halt, Nonce, OperatorName, Refusal, Role, SessionDone, SessionOrder, Snapshot, Update, worded,
};
use crate::gate::{ApprovalId, Digest, Revision};

/// Why a client gets no more updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It was too far behind.
    #[error("this terminal did not keep up with the daemon and was dropped")]
    TooSlow,
    /// The daemon has ended.
    #[error("the daemon has ended")]
    Ended,
    /// The connection to the daemon broke, or nothing came for so long that nobody can tell whether it lives.
    #[error("the connection to the daemon was lost")]
    Lost,
    /// The daemon no longer lets this person look.
    #[error("the daemon's configuration no longer lets this user look")]
    NotPermitted,
}

/// One connected client. Dropping it, and every [`Requests`] made from it, disconnects.
#[derive(Debug)]
pub struct Client {
    requests: Requests,
    snapshot: Option<Snapshot>,
    updates: mpsc::Receiver<Update>,
    gone: Arc<OnceLock<Gone>>,
}

impl Client {
    pub(super) fn new(seat: Seat, inbox: mpsc::UnboundedSender<Message>) -> Self {
        Self {
            requests: Requests::new(seat.id, inbox),
            snapshot: Some(seat.snapshot),
            updates: seat.updates,
            gone: seat.gone,
        }
    }

    /// What was known when the client connected, at the first call; later, what is known now.
    ///
    /// # Errors
    ///
    /// [`Gone::Ended`] when the daemon has ended.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Gone> {
        if let Some(first) = self.snapshot.take() {
            return Ok(first);
        }
        let (reply, answer) = oneshot::channel();
        self.requests.line.tell(Message::Snapshot { reply });
        answer.await.map_err(|_| Gone::Ended)
    }

    /// The next change. Cancel-safe.
    ///
    /// # Errors
    ///
    /// Why there will be none any more.
    pub async fn next_update(&mut self) -> Result<Update, Gone> {
        self.updates.recv().await.ok_or_else(|| self.gone.get().copied().unwrap_or(Gone::Ended))
    }

    /// A handle for requests that can be used beside [`Client::next_update`].
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// See [`Requests::presented`].
    ///
    /// # Errors
    ///
    /// See [`Requests::presented`].
    pub async fn presented(&self, id: ApprovalId, revision: Revision, digest: Digest) -> Result<Nonce, Refusal> {
        self.requests.presented(id, revision, digest).await
    }

    /// See [`Requests::decide`].
    ///
    /// # Errors
    ///
    /// See [`Requests::decide`].
    pub async fn decide(&self, decision: Decision) -> Result<Decided, Refusal> {
        self.requests.decide(decision).await
    }

    /// See [`Requests::screenshot`].
    ///
    /// # Errors
    ///
    /// See [`Requests::screenshot`].
    pub async fn screenshot(&self, approval: ApprovalId) -> Result<PathBuf, Refusal> {
        self.requests.screenshot(approval).await
    }
}

/// The requests of one client; clones speak for the same client.
#[derive(Clone, Debug)]
pub struct Requests {
    line: Arc<Line>,
}

#[derive(Debug)]
struct Line {
    client: ClientId,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Requests {
    pub(super) fn new(client: ClientId, inbox: mpsc::UnboundedSender<Message>) -> Self {
        Self { line: Arc::new(Line { client, inbox }) }
    }

    /// Announces that a card is on screen.
    ///
    /// # Errors
    ///
    /// When the card is not the current one, see [`Refusal`].
    pub async fn presented(&self, id: ApprovalId, revision: Revision, digest: Digest) -> Result<Nonce, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.line.tell(Message::Presented { client: self.line.client, id, revision, digest, reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Decides, and waits until the gate has taken or refused it.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]. When the daemon ends before it answers, the refusal says that the result is not known.
    pub async fn decide(&self, decision: Decision) -> Result<Decided, Refusal> {
        let (reply, answer) = oneshot::channel();
        let decision = Decision { act: decision.act.with_reason_or_none(), ..decision };
        self.line.tell(Message::Decide { client: self.line.client, decision, reply });
        let lost = "the session's driver ended before it answered; when it is back it says whether this was decided";
        answer.await.unwrap_or_else(|_| Err(Refusal::Unknown { why: lost.to_owned() }))
    }

    /// Asks for a picture of the session's page, and returns where it was saved.
    ///
    /// # Errors
    ///
    /// When there is none, see [`Refusal`].
    pub async fn screenshot(&self, approval: ApprovalId) -> Result<PathBuf, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.line.tell(Message::Screenshot { approval, reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Does something to a session of the operator's own accord.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]. When the daemon ends before it answers, the refusal says that the result is not known.
    pub async fn session(&self, order: SessionOrder) -> Result<SessionDone, Refusal> {
        let order = SessionOrder { reason: order.reason.and_then(worded), ..order };
        self.direct(Role::Decide, |operator, reply| Directed::Session { operator, order, reply }).await
    }

    /// Stops everything: every watched session that acts, or may, is paused at once, and one in which nothing runs as soon
    /// as it begins to act; no deadline runs. Answers the stop that is in force, which may be an earlier one.
    ///
    /// # Errors
    ///
    /// As [`Requests::session`].
    pub async fn halt(&self, reason: Option<String>) -> Result<Halt, Refusal> {
        let reason = reason.and_then(worded);
        self.direct(Role::Decide, |operator, reply| Directed::Halt { operator, reason, reply }).await
    }

    /// Ends the stop of everything. Releases nothing; without a stop there is nothing to do, which is no error.
    ///
    /// # Errors
    ///
    /// As [`Requests::session`].
    pub async fn end_halt(&self) -> Result<(), Refusal> {
        self.direct(Role::Admin, |operator, reply| Directed::EndHalt { operator, reply }).await
    }

    async fn direct<T>(
        &self,
        needed: Role,
        order: impl FnOnce(OperatorName, oneshot::Sender<Result<T, Refusal>>) -> Directed + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let order = Box::new(|operator| order(operator, reply));
        self.line.tell(Message::Direct { client: self.line.client, needed, order });
        let lost = "the daemon ended before it answered; its sessions tell whether this was done";
        answer.await.unwrap_or_else(|_| Err(Refusal::Unknown { why: lost.to_owned() }))
    }

    /// The approval that a code or an id names.
    ///
    /// # Errors
    ///
    /// When there is none or more than one.
    pub async fn resolve(&self, name: &str) -> Result<ApprovalId, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.line.tell(Message::Resolve { name: name.to_owned(), reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }
}

impl Line {
    /// Fails only when the keeper is gone, which the dropped reply tells.
    fn tell(&self, message: Message) {
        let _ = self.inbox.send(message);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.tell(Message::Disconnect(self.client));
    }
}
