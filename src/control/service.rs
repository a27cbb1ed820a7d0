//! The desk's keeper: one task that owns the [`Desk`](super::desk::Desk), and the handles that daemon parts and clients talk to it with.
//!
//! The daemon never waits for a client: publishing only puts into a queue, a client that does not read its updates is
//! dropped with a reason, and a decision is handed on without holding anybody else up. Holds no rules of its own: those
//! are the desk's, and the requests are the ones that the local socket will carry.

mod client;
mod keeper;
mod line;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

pub use client::{Client, Gone, Requests};
use keeper::{Keeper, Message};

use super::desk::DeskSettings;
use super::protocol::{
    ApprovalView, DaemonInfo, Decided, Decision, Halt, OperatorName, Person, Refusal, SessionDone, SessionOrder,
    SessionView, Snapshot,
};
use crate::api::SessionId;
use crate::clock::Clock;
use crate::gate::ApprovalId;

/// A decision that passed the desk, for the driver of its session.
#[derive(Debug)]
pub struct Ordered {
    /// The session.
    pub session: SessionId,
    /// Who decided.
    pub operator: OperatorName,
    /// What.
    pub decision: Decision,
    /// Where the answer goes. Dropping it unanswered tells the operator that the result is not known.
    pub reply: oneshot::Sender<Result<Decided, Refusal>>,
}

/// A wish for a picture of a session's page, for its driver.
#[derive(Debug)]
pub struct ScreenshotOrder {
    /// The session.
    pub session: SessionId,
    /// The approval it was asked for.
    pub approval: ApprovalId,
    /// Where the path of the saved picture goes.
    pub reply: oneshot::Sender<Result<PathBuf, Refusal>>,
}

/// What an operator does of its own accord, without a card that asks.
#[derive(Debug)]
pub enum Directed {
    /// Something to one session, for its driver.
    Session {
        /// Who.
        operator: OperatorName,
        /// What, to which.
        order: SessionOrder,
        /// Where the answer goes. Dropping it unanswered tells the operator that the result is not known.
        reply: oneshot::Sender<Result<SessionDone, Refusal>>,
    },
    /// Stop everything.
    Halt {
        /// Who.
        operator: OperatorName,
        /// Why, as typed.
        reason: Option<String>,
        /// Where the stop that is in force goes: this one, or the one before it.
        reply: oneshot::Sender<Result<Halt, Refusal>>,
    },
    /// End the stop of everything. Releases nothing.
    EndHalt {
        /// Who.
        operator: OperatorName,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
}

impl Directed {
    /// Answers that it was not done. An asker who has gone need not be told.
    pub fn refuse(self, refusal: Refusal) {
        match self {
            Self::Session { reply, .. } => drop(reply.send(Err(refusal))),
            Self::Halt { reply, .. } => drop(reply.send(Err(refusal))),
            Self::EndHalt { reply, .. } => drop(reply.send(Err(refusal))),
        }
    }
}

/// Where orders go.
#[derive(Clone, Debug)]
pub struct Drivers {
    /// Decisions that passed the desk.
    pub decisions: mpsc::Sender<Ordered>,
    /// Screenshots.
    pub screenshots: mpsc::Sender<ScreenshotOrder>,
    /// What operators do of their own accord.
    pub orders: mpsc::Sender<Directed>,
}

/// The daemon's side of the desk. Cheap to clone; the keeper ends when all of them and all clients are gone.
#[derive(Clone, Debug)]
pub struct DeskService {
    inbox: mpsc::UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl DeskService {
    /// Starts the keeper on the current runtime.
    #[must_use]
    pub fn start(settings: DeskSettings, drivers: Drivers, clock: Clock) -> Self {
        let (inbox, messages) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        tokio::spawn(Keeper::new(settings, drivers, clock, waiting.clone()).run(messages));
        Self { inbox, waiting }
    }

    /// Tells every client how an approval stands. Never waits.
    pub fn publish(&self, view: ApprovalView) {
        self.tell(Message::Publish(Box::new(view)));
    }

    /// Tells every client how a watched session is, and which stop of everything its driver knows of: whether it stands still
    /// counts from the stop on. Never waits.
    pub fn session(&self, view: SessionView, halt: Option<Halt>) {
        self.tell(Message::Session(Box::new(view), halt));
    }

    /// Tells every client that a session is no longer watched. Never waits.
    pub fn session_gone(&self, session: SessionId) {
        self.tell(Message::SessionGone(session));
    }

    /// Tells every client what the daemon is now: another policy, everything stopped. Never waits.
    pub fn daemon(&self, daemon: DaemonInfo) {
        self.tell(Message::Daemon(Box::new(daemon)));
    }

    /// Tells every client a sentence, escaped already. Never waits.
    pub fn notice(&self, text: String) {
        self.tell(Message::Notice(text));
    }

    /// Tells every client that nothing more will be decided, and refuses decisions from here on. Never waits.
    pub fn stopping(&self) {
        self.tell(Message::Stopping);
    }

    /// Asks the keeper for an answer behind everything it was told before. Never waits.
    pub fn beat(&self, beat: oneshot::Sender<()>) {
        self.tell(Message::Beat(beat));
    }

    /// Connects a client of a person whose identity the transport has established. `None` once the keeper has ended.
    pub async fn connect(&self, person: impl Into<Person> + Send) -> Option<Client> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Connect { person: person.into(), reply });
        let seat = answer.await.ok()?;
        Some(Client::new(seat, self.inbox.clone()))
    }

    /// A handle for single requests of a person who is not attached: it gets no updates and is not seen by others. `None`
    /// once the keeper has ended.
    pub async fn visit(&self, person: impl Into<Person> + Send) -> Option<Requests> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Visit { person: person.into(), reply });
        Some(Requests::new(answer.await.ok()?, self.inbox.clone()))
    }

    /// Everything there is, for a part of the daemon: nobody counts as attached by it. `None` once the keeper has ended.
    pub async fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Snapshot { reply });
        answer.await.ok()
    }

    /// The approval that a code or an id names, open or ended.
    ///
    /// # Errors
    ///
    /// When there is none or more than one, or the keeper has ended.
    pub async fn approval(&self, name: &str) -> Result<ApprovalView, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Approval { name: name.to_owned(), reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Connects a part of the daemon that only listens: it counts as nobody's presence and can decide nothing. `None` once
    /// the keeper has ended.
    pub async fn listen(&self) -> Option<Client> {
        let (reply, answer) = oneshot::channel();
        self.tell(Message::Listen { reply });
        let seat = answer.await.ok()?;
        Some(Client::new(seat, self.inbox.clone()))
    }

    /// How many messages the keeper has not handled yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The keeper lives as long as a handle does, so this fails only after a panic or at the end of the runtime, when
    /// there is nobody left to tell.
    fn tell(&self, message: Message) {
        let _ = self.inbox.send(message);
    }
}
