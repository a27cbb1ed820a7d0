//! The task that owns the desk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

use super::client::Gone;
use super::line::line;
use super::{Directed, Drivers, Ordered, ScreenshotOrder};
use crate::api::SessionId;
use crate::clock::Clock;
use crate::control::desk::{ClientId, Desk, DeskSettings, Passed};
use crate::control::protocol::{
    ApprovalView, DaemonInfo, Decided, Decision, Halt, Nonce, OperatorName, Person, Refusal, Role, SessionView,
    Snapshot, Update,
};
use crate::gate::{ApprovalId, Digest, Revision};

/// Nonces stay below this, so that every JSON reader keeps them exact.
const NONCES: u64 = 1 << 53;

/// What the keeper is told.
pub(super) enum Message {
    Publish(Box<ApprovalView>),
    Session(Box<SessionView>, Option<Halt>),
    SessionGone(SessionId),
    Daemon(Box<DaemonInfo>),
    Notice(String),
    Stopping,
    Connect {
        person: Person,
        reply: oneshot::Sender<Seat>,
    },
    Visit {
        person: Person,
        reply: oneshot::Sender<ClientId>,
    },
    Listen {
        reply: oneshot::Sender<Seat>,
    },
    Disconnect(ClientId),
    Presented {
        client: ClientId,
        id: ApprovalId,
        revision: Revision,
        digest: Digest,
        reply: oneshot::Sender<Result<Nonce, Refusal>>,
    },
    Decide {
        client: ClientId,
        decision: Decision,
        reply: oneshot::Sender<Result<Decided, Refusal>>,
    },
    Screenshot {
        approval: ApprovalId,
        reply: oneshot::Sender<Result<PathBuf, Refusal>>,
    },
    Direct {
        client: ClientId,
        needed: Role,
        order: Box<dyn FnOnce(OperatorName) -> Directed + Send>,
    },
    Resolve {
        name: String,
        reply: oneshot::Sender<Result<ApprovalId, Refusal>>,
    },
    Approval {
        name: String,
        reply: oneshot::Sender<Result<ApprovalView, Refusal>>,
    },
    Snapshot {
        reply: oneshot::Sender<Snapshot>,
    },
    Beat(oneshot::Sender<()>),
}

/// What a new client is given.
pub(super) struct Seat {
    pub(super) id: ClientId,
    pub(super) snapshot: Snapshot,
    pub(super) updates: mpsc::Receiver<Update>,
    pub(super) gone: Arc<OnceLock<Gone>>,
}

pub(super) struct Keeper {
    desk: Desk,
    listeners: BTreeMap<ClientId, mpsc::UnboundedSender<Update>>,
    drivers: Drivers,
    clock: Clock,
    /// How many messages wait, for whoever measures it.
    waiting: Arc<AtomicUsize>,
}

impl Keeper {
    pub(super) fn new(settings: DeskSettings, drivers: Drivers, clock: Clock, waiting: Arc<AtomicUsize>) -> Self {
        Self { desk: Desk::new(settings), listeners: BTreeMap::new(), drivers, clock, waiting }
    }

    pub(super) async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some(message) = messages.recv().await {
            self.waiting.store(messages.len(), Ordering::Relaxed);
            self.handle(message);
        }
    }

    /// An answer whose asker has gone is dropped: `reply.send` may fail and need not be told.
    fn handle(&mut self, message: Message) {
        match message {
            Message::Publish(view) => {
                let update = self.desk.published(*view);
                self.broadcast(update);
            }
            Message::Session(view, halt) => {
                let update = self.desk.session(*view, halt);
                self.broadcast(update);
            }
            Message::SessionGone(session) => {
                let update = self.desk.session_gone(&session);
                self.broadcast(update);
            }
            Message::Daemon(daemon) => {
                let updates = self.desk.daemon(*daemon);
                updates.into_iter().for_each(|update| self.broadcast(Some(update)));
            }
            Message::Notice(text) => {
                let update = self.desk.notice(text);
                self.broadcast(Some(update));
            }
            Message::Stopping => {
                let update = self.desk.stopping();
                self.broadcast(Some(update));
            }
            Message::Listen { reply } => {
                let id = self.desk.listening();
                self.seat(id, reply);
            }
            Message::Connect { person, reply } => self.connect(person, reply),
            Message::Visit { person, reply } => {
                if let Err(unwanted) = reply.send(self.desk.visiting(person, self.clock.wall())) {
                    self.desk.disconnected(unwanted);
                }
            }
            Message::Disconnect(client) => self.disconnect(client),
            Message::Presented { client, id, revision, digest, reply } => {
                let fresh = Nonce(fastrand::u64(1..NONCES));
                let presented = self.desk.presented(client, id, revision, digest, self.clock.now(), fresh);
                let looks = presented.is_ok();
                let _ = reply.send(presented);
                if looks {
                    self.tell_presence();
                }
            }
            Message::Decide { client, decision, reply } => self.decide(client, decision, reply),
            Message::Screenshot { approval, reply } => self.screenshot(approval, reply),
            Message::Direct { client, needed, order } => self.direct(client, needed, order),
            Message::Resolve { name, reply } => drop(reply.send(self.desk.resolve(&name))),
            Message::Approval { name, reply } => {
                let found =
                    self.desk.resolve(&name).and_then(|id| self.desk.approval(id).ok_or(Refusal::NoSuchApproval));
                let _ = reply.send(found.cloned());
            }
            Message::Snapshot { reply } => drop(reply.send(self.desk.snapshot())),
            Message::Beat(beat) => beat.send(()).unwrap_or(()),
        }
    }

    fn connect(&mut self, person: Person, reply: oneshot::Sender<Seat>) {
        let id = self.desk.connected(person, self.clock.wall());
        // Before it listens: its snapshot has it already.
        self.tell_presence();
        self.seat(id, reply);
    }

    fn seat(&mut self, id: ClientId, reply: oneshot::Sender<Seat>) {
        let gone = Arc::new(OnceLock::new());
        let (told, updates) = line(gone.clone());
        self.listeners.insert(id, told);
        if reply.send(Seat { id, snapshot: self.desk.snapshot(), updates, gone }).is_err() {
            self.disconnect(id);
        }
    }

    fn disconnect(&mut self, client: ClientId) {
        self.desk.disconnected(client);
        if self.listeners.remove(&client).is_some() {
            self.tell_presence();
        }
    }

    fn tell_presence(&mut self) {
        let update = self.desk.presence();
        self.broadcast(Some(update));
    }

    fn broadcast(&mut self, update: Option<Update>) {
        let Some(update) = update else { return };
        let failed = self.listeners.iter().filter(|(_, told)| told.send(update.clone()).is_err());
        let failed: Vec<ClientId> = failed.map(|(id, _)| *id).collect();
        failed.into_iter().for_each(|id| self.disconnect(id));
    }

    fn decide(&mut self, client: ClientId, decision: Decision, reply: oneshot::Sender<Result<Decided, Refusal>>) {
        let answer = match self.desk.check(client, &decision, self.clock.now()) {
            Ok(Passed::Forward) => None,
            Ok(Passed::Again(decided)) => Some(Ok(decided)),
            Err(refusal) => Some(Err(refusal)),
        };
        if let Some(answer) = answer {
            let _ = reply.send(answer);
            return;
        }
        let seat = self.desk.operator(client).zip(self.desk.approval(decision.approval));
        let Some((operator, view)) = seat else { return };
        let (session, operator) = (view.card.session.clone(), operator.clone());
        let decisions = self.drivers.decisions.clone();
        tokio::spawn(async move {
            if let Err(unsent) = decisions.send(Ordered { session, operator, decision, reply }).await {
                let _ = unsent.0.reply.send(Err(Refusal::Stopping));
            }
        });
    }

    fn screenshot(&self, approval: ApprovalId, reply: oneshot::Sender<Result<PathBuf, Refusal>>) {
        let Some(view) = self.desk.approval(approval) else {
            let _ = reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        let (session, screenshots) = (view.card.session.clone(), self.drivers.screenshots.clone());
        tokio::spawn(async move {
            if let Err(unsent) = screenshots.send(ScreenshotOrder { session, approval, reply }).await {
                let _ = unsent.0.reply.send(Err(Refusal::Stopping));
            }
        });
    }

    /// What an operator does of its own accord needs no card; who it is, is the desk's to say.
    fn direct(&self, client: ClientId, needed: Role, order: Box<dyn FnOnce(OperatorName) -> Directed + Send>) {
        let Some(person) = self.desk.person(client) else { return };
        let order = order(person.name.clone());
        if let Err(refusal) = person.may(needed) {
            return order.refuse(refusal);
        }
        if self.desk.is_stopping() {
            return order.refuse(Refusal::Stopping);
        }
        let orders = self.drivers.orders.clone();
        tokio::spawn(async move {
            if let Err(unsent) = orders.send(order).await {
                unsent.0.refuse(Refusal::Stopping);
            }
        });
    }
}
