//! Holds: every session that stays paused by us is accounted for, or somebody was told of it.
//!
//! Accounted for means that the newest approval of the session is one that a restart goes on from: it is open, being
//! delivered, or has an outcome that keeps the session paused. What a crash took before it could be written nobody knows; the
//! next process finds such a session paused and says so to operators.

use std::time::Duration;

use holdpoint::api::SessionId;
use holdpoint::control::{Change, DeskService};
use holdpoint::gate::Kept;

use crate::judge::Held;
use crate::network::What;
use crate::truth::{By, Unknown};
use crate::world::{Shared, World};

/// How often the sessions are gone through.
const EVERY: Duration = Duration::from_secs(1);
/// How long one may be paused by us without being accounted for: a store may fail, and a list may be lost, several times.
const SETTLED: Duration = Duration::from_secs(150);
/// What operators are told of a session that is found paused.
const FOUND: &str = "no approval of ours is open for it: look after it";

/// Somebody who only listens, as long as a process lives.
pub async fn listen(shared: Shared, desk: DeskService) {
    let Some(mut client) = desk.listen().await else { return };
    while let Ok(update) = client.next_update().await {
        if let Change::Notice { text } = update.change {
            shared.lock().hears(&text);
        }
    }
}

impl World {
    fn hears(&mut self, text: &str) {
        self.step(format_args!("operators are told: {text}"));
        let now = self.now();
        let about = |id: &SessionId| text.starts_with(&format!("session {id} "));
        let found: Vec<_> =
            self.sessions.values_mut().filter(|truth| text.contains(FOUND) && about(&truth.id)).collect();
        for truth in found {
            truth.told = Some(now);
            self.judge.count("sessions found paused");
        }
    }

    /// A new process begins, and has its time to look.
    pub fn judge_holds_anew(&mut self) {
        self.sessions.values_mut().for_each(|truth| truth.forgotten = None);
    }

    /// At every step, once in a while: nothing is paused by us for long of which nobody knows.
    pub fn judge_holds(&mut self) -> Held {
        let now = self.now();
        if now < self.judge.holds_looked + EVERY {
            return Ok(());
        }
        self.judge.holds_looked = now;
        let held: Vec<(SessionId, bool)> =
            self.sessions.keys().map(|id| (id.clone(), self.is_accounted_for(id))).collect();
        for (id, accounted) in held {
            let truth = self.truth(&id);
            truth.forgotten = if accounted { None } else { Some(truth.forgotten.unwrap_or(now)) };
            if truth.forgotten.is_some_and(|since| now > since + SETTLED) {
                return Err(format!("liveness: {id} is left paused by us, with nobody asked or told"));
            }
        }
        Ok(())
    }

    /// The same where everything has come to its end, at once.
    pub fn judge_holds_at_rest(&mut self) -> Held {
        let held = self.sessions.values().filter(|truth| truth.held_by() == Some(By::Us)).count() as u64;
        *self.judge.counts.entry("sessions paused at the end").or_default() += held;
        match self.sessions.keys().find(|id| !self.is_accounted_for(id)) {
            Some(id) => Err(format!("liveness: {id} is left paused by us, with nobody asked or told")),
            None => Ok(()),
        }
    }

    fn is_accounted_for(&self, id: &SessionId) -> bool {
        let truth = &self.sessions[id];
        if truth.gone || truth.held_by() != Some(By::Us) {
            return true;
        }
        let unknown = match truth.unknown {
            // A documented limit: see docs/RELIABILITY.md.
            Some(Unknown::LostItsRace) => true,
            Some(Unknown::TakenByACrash) => self.setup.hides_pauses,
            None => false,
        };
        let told = truth.told.is_some_and(|told| told >= truth.held_since);
        self.newest(id).is_some_and(Kept::is_live) || told || unknown
    }

    /// The newest approval of a session.
    pub fn newest(&self, id: &SessionId) -> Option<&Kept> {
        self.disk.approvals.values().rev().find(|kept| kept.card.session == *id)
    }

    /// A process is gone. A pause of it whose approval could not be durable yet is one that nobody knows of.
    pub fn judge_holds_after_the_end(&mut self) {
        let live = |session: &SessionId| self.newest(session).is_some_and(Kept::is_live);
        let wrote = self.disk.pulse.wrote;
        let taken = |left: Duration, session: &SessionId| left >= wrote && !live(session);
        let held = self.sessions.values().filter(|truth| truth.held_by() == Some(By::Us));
        let orphans: Vec<SessionId> =
            held.filter(|truth| taken(truth.pause_left, &truth.id)).map(|truth| truth.id.clone()).collect();
        let on_their_way: Vec<(u64, bool)> = self
            .calls
            .iter()
            .filter(|(_, call)| matches!(call.what, What::Pause))
            .map(|(number, call)| (*number, call.session.as_ref().is_some_and(|session| !live(session))))
            .collect();
        for (number, orphan) in on_their_way {
            self.calls.get_mut(&number).expect("a call").orphan = orphan;
        }
        for orphan in orphans {
            self.judge.count("pauses whose approval a crash took");
            self.truth(&orphan).unknown = Some(Unknown::TakenByACrash);
        }
    }
}
