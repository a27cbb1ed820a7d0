//! The line to one client: updates in the order they were made, and, when the client falls behind, the newest of each thing.
//!
//! The keeper never waits for a client. Of a session, an approval, who is attached and the daemon only the newest view counts,
//! so a client that is behind is told that one alone; a sentence stands for itself and is never left out. Who is too far behind
//! with sentences is dropped. Updates are never told in another order than that of their numbers.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::client::Gone;
use crate::api::SessionId;
use crate::control::protocol::{Change, Update};
use crate::gate::ApprovalId;

/// How many updates wait as they were made, before older views of a thing are left out.
const AS_MADE: usize = 256;
/// How many sentences may wait beyond these.
const SENTENCES: usize = 128;
/// How many updates may wait beyond them altogether: more than there are sessions, each with an approval.
const ALL: usize = 32_768;

/// The ends of a line: the keeper's, and the client's.
pub(super) fn line(gone: Arc<OnceLock<Gone>>) -> (mpsc::UnboundedSender<Update>, mpsc::Receiver<Update>) {
    let (told, inbox) = mpsc::unbounded_channel();
    let (outbox, updates) = mpsc::channel(AS_MADE);
    tokio::spawn(carry(inbox, outbox, gone));
    (told, updates)
}

/// Ends when the keeper or the client lets go of its end, or when the client is too far behind.
async fn carry(mut inbox: mpsc::UnboundedReceiver<Update>, outbox: mpsc::Sender<Update>, gone: Arc<OnceLock<Gone>>) {
    let mut waiting = Waiting::default();
    loop {
        tokio::select! {
            biased;
            update = inbox.recv() => {
                let Some(update) = update else { break };
                // As it was made, while there is room: who is not told of each change has to take a new snapshot.
                let update = match waiting.is_empty().then(|| outbox.try_reserve()) {
                    Some(Ok(room)) => {
                        room.send(update);
                        continue;
                    }
                    Some(Err(TrySendError::Closed(()))) => return,
                    Some(Err(TrySendError::Full(()))) | None => update,
                };
                if !waiting.push(update) {
                    let _ = gone.set(Gone::TooSlow);
                    break;
                }
            }
            room = outbox.reserve(), if !waiting.is_empty() => {
                let Ok(room) = room else { return };
                if let Some(update) = waiting.pop() {
                    room.send(update);
                }
            }
        }
    }
    // The keeper hears from the closed inbox that this client is gone.
    drop(inbox);
    while let Some(update) = waiting.pop() {
        if outbox.send(update).await.is_err() {
            return;
        }
    }
}

/// What an update is the newest view of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Session(SessionId),
    Approval(ApprovalId),
    Presence,
    Daemon,
}

/// Updates that wait, by number.
#[derive(Debug, Default)]
struct Waiting {
    updates: BTreeMap<u64, Update>,
    newest: BTreeMap<Thing, u64>,
}

impl Waiting {
    /// Whether there was room.
    fn push(&mut self, update: Update) -> bool {
        let sentences = self.updates.len() - self.newest.len();
        let thing = thing(&update.change);
        if self.updates.len() >= ALL || (thing.is_none() && sentences >= SENTENCES) {
            return false;
        }
        if let Some(older) = thing.and_then(|thing| self.newest.insert(thing, update.seq)) {
            self.updates.remove(&older);
        }
        self.updates.insert(update.seq, update);
        true
    }

    fn pop(&mut self) -> Option<Update> {
        let (_, update) = self.updates.pop_first()?;
        // What waits is the newest of its thing.
        if let Some(thing) = thing(&update.change) {
            self.newest.remove(&thing);
        }
        Some(update)
    }

    fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }
}

/// `None` for what stands for itself.
fn thing(change: &Change) -> Option<Thing> {
    match change {
        Change::Session { view } => Some(Thing::Session(view.session.clone())),
        Change::SessionGone { session } => Some(Thing::Session(session.clone())),
        Change::Approval { view } => Some(Thing::Approval(view.card.approval)),
        Change::Presence { .. } => Some(Thing::Presence),
        Change::Daemon { .. } => Some(Thing::Daemon),
        Change::Notice { .. } | Change::Stopping => None,
    }
}
