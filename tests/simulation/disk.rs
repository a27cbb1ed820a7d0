//! A store in memory with the semantics of the real one: what it says is durable survives a crash, what it was asked and
//! did not answer may or may not; it fails, and it is slow.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use holdpoint::api::{MessageId, SessionId};
use holdpoint::control::{Halt, OperatorName};
use holdpoint::gate::{ApprovalId, Entry, Kept};
use holdpoint::store::{Conflict, Cursors, Durable, EventBounds, Noted, StoreError, Write};
use jiff::Timestamp;

use crate::world::{Shared, World};

/// How long an answer waits for the disk at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a crash does not take.
#[derive(Default)]
pub struct Disk {
    /// Every approval as its newest record left it.
    pub approvals: BTreeMap<ApprovalId, Kept>,
    /// Sentences about sessions.
    pub notes: Vec<(SessionId, String)>,
    pub cursors: BTreeMap<SessionId, MessageId>,
    /// Whether a process has opened it.
    opened: bool,
    pub halt: Option<Halt>,
    /// Transactions that failed, and that a crash before the next write may make durable all the same.
    torn: Vec<Write>,
    /// How it does.
    pub pulse: Pulse,
    /// Whether what was written is kept, to be written again elsewhere.
    pub keeps: bool,
    pub transactions: Vec<(Vec<Write>, Cursors)>,
}

/// How a disk does: what an answer may have to do without.
#[derive(Default)]
pub struct Pulse {
    /// When the newest transaction that succeeded had begun: what was asked of the writer before is durable.
    pub wrote: Duration,
    /// When a write failed last.
    failed: Option<Duration>,
    /// Since when it has been busy without a rest, and whether it still is.
    busy_since: Duration,
    busy: bool,
    rested: Duration,
}

impl Pulse {
    fn begins(&mut self, now: Duration) {
        if now > self.rested {
            self.busy_since = now;
        }
        self.busy = true;
    }

    fn ends(&mut self, now: Duration, began: Duration, well: bool) {
        (self.busy, self.rested) = (false, now);
        if well {
            self.wrote = began;
        } else {
            self.failed = Some(now);
        }
    }

    /// Whether an answer to what was asked at `asked` need not wait for it: it has failed since, or takes longer than anybody
    /// is kept waiting.
    pub fn excuses(&self, asked: Duration, now: Duration) -> bool {
        let fails = self.failed.is_some_and(|failed| failed >= asked);
        let slow = (self.busy || self.rested == now) && now >= self.busy_since + PATIENCE;
        fails || slow
    }
}

impl Disk {
    /// The approvals of a session that say that it may be let go, and that this is under way.
    pub fn releases(&self, session: &SessionId) -> Vec<&Kept> {
        let releases = |kept: &&Kept| {
            kept.card.session == *session
                && kept.closed.as_ref().is_some_and(|closed| {
                    closed.deliver.releases() && closed.delivery == holdpoint::gate::Delivery::Applying
                })
        };
        self.approvals.values().filter(releases).collect()
    }
}

/// The daemon's hand on the disk.
pub struct Store {
    shared: Shared,
    was_there: bool,
}

/// How a write goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    Well,
    Fails,
    /// It fails, and what was written is found by the next process, unless this one writes again before it ends.
    Torn,
    /// It is said to be durable, and is not.
    Lies,
}

impl Store {
    pub fn open(shared: &Shared) -> Self {
        let was_there = std::mem::replace(&mut shared.lock().disk.opened, true);
        Self { shared: shared.clone(), was_there }
    }

    async fn wait(&self) {
        let wait = {
            let mut world = self.shared.lock();
            let stalls = world.faults.stalls;
            if world.chance(stalls) { world.millis(300, 8_000) } else { world.millis(0, 15) }
        };
        tokio::time::sleep(wait).await;
    }

    fn how(&self) -> Goes {
        let mut world = self.shared.lock();
        let (writes, lies) = (world.faults.writes, world.faults.lies);
        if world.chance(lies) {
            return Goes::Lies;
        }
        match world.chance(writes) {
            false => Goes::Well,
            true if world.rng.u8(..4) == 0 => Goes::Torn,
            true => Goes::Fails,
        }
    }

    /// Does `write`, or fails, at some time between now and the answer.
    async fn write<T>(&self, write: impl FnOnce(&mut World, Goes) -> Option<T>) -> Result<T, StoreError> {
        self.wait().await;
        let goes = self.how();
        let done = write(&mut self.shared.lock(), goes);
        self.wait().await;
        done.ok_or_else(|| {
            self.shared.lock().step(format_args!("the disk fails"));
            StoreError::Sql { path: self.path().to_owned(), doing: "written", source: sqlx::Error::WorkerCrashed }
        })
    }
}

#[async_trait]
impl Durable for Store {
    fn was_there(&self) -> bool {
        self.was_there
    }

    /// As JSON makes them of what was written.
    async fn live(&self) -> Result<Vec<Kept>, StoreError> {
        self.wait().await;
        Ok(self.shared.lock().disk.approvals.values().filter(|kept| kept.is_live()).map(read).collect())
    }

    async fn done(&self) -> Result<Vec<Kept>, StoreError> {
        self.wait().await;
        let world = self.shared.lock();
        let done = world.disk.approvals.values().rev().filter(|kept| !kept.is_live());
        Ok(done.take(1000).map(read).collect())
    }

    async fn cursors(&self) -> Result<BTreeMap<SessionId, MessageId>, StoreError> {
        self.wait().await;
        Ok(self.shared.lock().disk.cursors.clone())
    }

    async fn halt(&self) -> Result<Option<Halt>, StoreError> {
        self.wait().await;
        Ok(self.shared.lock().disk.halt.clone())
    }

    async fn append(
        &self,
        writes: &[&Write],
        cursors: &Cursors,
        _at: Timestamp,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let began = self.shared.lock().begins_to_write();
        let answer = self.transact(writes, cursors).await;
        self.shared.lock().has_written(began, answer.is_ok());
        answer
    }

    async fn halted(&self, halt: &Halt) -> Result<(), StoreError> {
        self.write(|world, goes| {
            (goes == Goes::Well).then(|| {
                world.step(format_args!("disk: everything is stopped"));
                world.disk.halt = Some(halt.clone());
                world.judge.halted();
            })
        })
        .await
    }

    async fn halt_ended(&self, halt: &Halt, _by: &OperatorName, _at: Timestamp) -> Result<(), StoreError> {
        self.write(|world, goes| {
            (goes == Goes::Well).then(|| {
                if world.disk.halt.as_ref() == Some(halt) {
                    world.step(format_args!("disk: the stop is ended"));
                    world.disk.halt = None;
                    world.judge.halt_ended();
                }
            })
        })
        .await
    }

    async fn record(&self, _events: &[Noted], _bounds: EventBounds, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn path(&self) -> &Path {
        Path::new("/simulated/holdpoint.db")
    }

    async fn close(&self) {}
}

impl Store {
    async fn transact(&self, writes: &[&Write], cursors: &Cursors) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        self.write(|world, goes| {
            match goes {
                Goes::Well => world.disk.torn.clear(),
                Goes::Lies => return Some(writes.iter().map(|_| Ok(())).collect()),
                Goes::Fails => return None,
                Goes::Torn => {
                    world.disk.torn = writes.iter().copied().cloned().collect();
                    return None;
                }
            }
            if world.disk.keeps {
                world.disk.transactions.push((writes.iter().copied().cloned().collect(), cursors.clone()));
            }
            for (session, cursor) in cursors {
                match cursor {
                    Some(cursor) => {
                        let known = world.disk.cursors.entry(session.clone()).or_default();
                        *known = (*known).max(*cursor);
                    }
                    None => drop(world.disk.cursors.remove(session)),
                }
            }
            Some(writes.iter().map(|write| world.write(write)).collect())
        })
        .await
    }
}

impl World {
    fn begins_to_write(&mut self) -> Duration {
        let now = self.now();
        self.disk.pulse.begins(now);
        now
    }

    fn has_written(&mut self, began: Duration, well: bool) {
        let now = self.now();
        self.disk.pulse.ends(now, began, well);
    }

    /// The process is gone: what it could not write may be there all the same.
    pub fn mend_disk(&mut self) {
        self.disk.pulse = Pulse { wrote: self.disk.pulse.wrote, ..Pulse::default() };
        if self.chance(self.faults.forgets) {
            let newest = self.disk.approvals.values_mut().rev().find(|kept| kept.closed.is_some());
            newest.and_then(|kept| kept.closed.take());
        }
        let torn = std::mem::take(&mut self.disk.torn);
        if !torn.is_empty() && self.rng.bool() {
            self.step(format_args!("disk: what failed is durable"));
            torn.iter().for_each(|write| drop(self.write(write)));
            if self.disk.keeps {
                self.disk.transactions.push((torn, BTreeMap::new()));
            }
        }
    }

    /// One record of a transaction, as the real store takes it.
    fn write(&mut self, write: &Write) -> Result<(), Conflict> {
        let now = self.now();
        self.judge.written.insert(write.session.clone(), now);
        let Some(kept) = &write.record.kept else {
            let note = write.record.note.clone().unwrap_or_default();
            self.step(format_args!("disk: {} {}: {note}", write.session, write.record.entry.name()));
            if note.starts_with("out of sight") {
                self.judge.count("times out of sight");
            }
            self.disk.notes.push((write.session.clone(), note));
            return Ok(());
        };
        let id = kept.card.approval;
        if let Some(stored) = self.disk.approvals.get(&id).and_then(|stored| stored.closed.as_ref()) {
            let same = kept.closed.as_ref().is_some_and(|closed| {
                (closed.outcome, closed.revision, &closed.by, closed.at)
                    == (stored.outcome, stored.revision, &stored.by, stored.at)
            });
            if !same {
                let (approval, outcome) = (id.to_string(), stored.outcome.name().to_owned());
                self.step(format_args!("disk: {} conflicts: it is {outcome} already", id.code()));
                return Err(Conflict { approval, outcome });
            }
            if write.record.entry == Entry::Decided {
                return Ok(());
            }
        }
        let closed = kept.closed.as_ref().map(|closed| (closed.outcome, closed.delivery, closed.detail.as_str()));
        let (session, entry, revision) = (&write.session, write.record.entry.name(), kept.card.revision);
        self.step(format_args!("disk: {session} {entry} {} r{revision} {closed:?}", id.code()));
        if write.record.entry == Entry::Opened && kept.card.rules.iter().any(|rule| rule.name == "on_blind") {
            self.judge.count("times out of sight");
        }
        let checked = self.judge_record(&write.record);
        self.holds(checked);
        self.disk.approvals.insert(id, kept.clone());
        Ok(())
    }
}

fn read(kept: &Kept) -> Kept {
    let text = serde_json::to_string(kept).expect("JSON");
    serde_json::from_str(&text).expect("what was written")
}
