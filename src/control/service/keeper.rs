//! The task that owns the desk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::client::Gone;
use super::{Directed, Drivers, Ordered, ScreenshotOrder};
use crate::api::SessionId;
use crate::clock::Moment;
use crate::control::desk::{ClientId, Desk, DeskSettings, Passed};
use crate::control::protocol::{
    ApprovalView, DaemonInfo, Decided, Decision, Nonce, OperatorName, Refusal, SessionView, Snapshot, Update,
};
use crate::gate::{ApprovalId, Revision};

/// How many updates a client may be behind before it is dropped.
const BEHIND: usize = 256;

/// Nonces stay below this, so that every JSON reader keeps them exact.
const NONCES: u64 = 1 << 53;

/// What the keeper is told.
pub(super) enum Message {
    Publish(Box<ApprovalView>),
    Session(Box<SessionView>),
    SessionGone(SessionId),
    Daemon(Box<DaemonInfo>),
    Notice(String),
    Stopping,
    PolicyTightened,
    Connect { operator: OperatorName, reply: oneshot::Sender<Seat> },
    Disconnect(ClientId),
    Presented { client: ClientId, id: ApprovalId, revision: Revision, reply: oneshot::Sender<Result<Nonce, Refusal>> },
    Decide { client: ClientId, decision: Decision, reply: oneshot::Sender<Result<Decided, Refusal>> },
    Screenshot { approval: ApprovalId, reply: oneshot::Sender<Result<PathBuf, Refusal>> },
    Direct { client: ClientId, order: Box<dyn FnOnce(OperatorName) -> Directed + Send> },
    Resolve { name: String, reply: oneshot::Sender<Result<ApprovalId, Refusal>> },
    Snapshot { reply: oneshot::Sender<Snapshot> },
    Beat(oneshot::Sender<()>),
}

/// What a new client is given.
pub(super) struct Seat {
    pub(super) id: ClientId,
    pub(super) snapshot: Snapshot,
    pub(super) updates: mpsc::Receiver<Update>,
    pub(super) gone: Arc<OnceLock<Gone>>,
}

struct Listener {
    updates: mpsc::Sender<Update>,
    gone: Arc<OnceLock<Gone>>,
}

pub(super) struct Keeper {
    desk: Desk,
    listeners: BTreeMap<ClientId, Listener>,
    drivers: Drivers,
    origin: Instant,
}

impl Keeper {
    pub(super) fn new(settings: DeskSettings, drivers: Drivers, origin: Instant) -> Self {
        Self { desk: Desk::new(settings), listeners: BTreeMap::new(), drivers, origin }
    }

    pub(super) async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some(message) = messages.recv().await {
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
            Message::Session(view) => {
                let update = self.desk.session(*view);
                self.broadcast(update);
            }
            Message::SessionGone(session) => {
                let update = self.desk.session_gone(&session);
                self.broadcast(update);
            }
            Message::Daemon(daemon) => {
                let update = self.desk.daemon(*daemon);
                self.broadcast(Some(update));
            }
            Message::Notice(text) => {
                let update = self.desk.notice(text);
                self.broadcast(Some(update));
            }
            Message::Stopping => {
                let update = self.desk.stopping();
                self.broadcast(Some(update));
            }
            Message::PolicyTightened => self.desk.policy_tightened(),
            Message::Connect { operator, reply } => self.connect(operator, reply),
            Message::Disconnect(client) => self.disconnect(client),
            Message::Presented { client, id, revision, reply } => {
                let fresh = Nonce(fastrand::u64(1..NONCES));
                let _ = reply.send(self.desk.presented(client, id, revision, Moment::now(self.origin), fresh));
            }
            Message::Decide { client, decision, reply } => self.decide(client, decision, reply),
            Message::Screenshot { approval, reply } => self.screenshot(approval, reply),
            Message::Direct { client, order } => self.direct(client, order),
            Message::Resolve { name, reply } => drop(reply.send(self.desk.resolve(&name))),
            Message::Snapshot { reply } => drop(reply.send(self.desk.snapshot())),
            Message::Beat(beat) => beat.send(()).unwrap_or(()),
        }
    }

    fn connect(&mut self, operator: OperatorName, reply: oneshot::Sender<Seat>) {
        let id = self.desk.connected(operator, Timestamp::now());
        let (sender, updates) = mpsc::channel(BEHIND);
        let gone = Arc::new(OnceLock::new());
        self.listeners.insert(id, Listener { updates: sender, gone: gone.clone() });
        if reply.send(Seat { id, snapshot: self.desk.snapshot(), updates, gone }).is_err() {
            self.disconnect(id);
        }
    }

    fn disconnect(&mut self, client: ClientId) {
        self.desk.disconnected(client);
        self.listeners.remove(&client);
    }

    fn broadcast(&mut self, update: Option<Update>) {
        let Some(update) = update else { return };
        let failed: Vec<ClientId> = self
            .listeners
            .iter()
            .filter_map(|(id, listener)| {
                let error = listener.updates.try_send(update.clone()).err()?;
                if let TrySendError::Full(_) = error {
                    let _ = listener.gone.set(Gone::TooSlow);
                }
                Some(*id)
            })
            .collect();
        failed.into_iter().for_each(|id| self.disconnect(id));
    }

    fn decide(&mut self, client: ClientId, decision: Decision, reply: oneshot::Sender<Result<Decided, Refusal>>) {
        let answer = match self.desk.check(client, &decision, Moment::now(self.origin)) {
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
    fn direct(&self, client: ClientId, order: Box<dyn FnOnce(OperatorName) -> Directed + Send>) {
        let Some(operator) = self.desk.operator(client) else { return };
        let order = order(operator.clone());
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
