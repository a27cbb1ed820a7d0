//! Which sessions are driven, and from where: what the store says is open, what is listed, what the configuration names.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::{ORDERS, Reins, Supervisor};
use crate::api::{MessageId, Session, SessionId, StatusClass};
use crate::crash::{self, Point};
use crate::daemon::driver::{Driver, Parts};
use crate::daemon::evaluator::Evaluator;
use crate::daemon::executor::Executor;
use crate::daemon::watcher::Watcher;
use crate::gate::{About, Gate, Kept};
use crate::operator::log::TOLD;
use crate::policy::SessionInfo;

/// How many sights one session may have waiting before its watcher waits.
const SIGHTS: usize = 256;

/// How a session was found when it began to be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstSeen {
    /// Paused, by whomever.
    Paused,
    /// Not paused.
    NotPaused,
    /// It is driven before anybody looked.
    NotYet,
}

impl Supervisor {
    /// Recovery: every session with something open is driven again, listed or not.
    pub(super) fn take_up(&mut self, live: Vec<Kept>) {
        let mut by_session: BTreeMap<SessionId, Vec<Kept>> = BTreeMap::new();
        for kept in live {
            by_session.entry(kept.card.session.clone()).or_default().push(kept);
        }
        for (session, kept) in by_session {
            let card = kept.last().map(|kept| &kept.card);
            let agent = card.and_then(|card| card.agent.clone());
            let goal = card.and_then(|card| card.goal.clone());
            crash::at(Point::TakeUpUnbegun);
            self.drive(About { session, agent, goal }, kept, FirstSeen::NotYet);
        }
        if !self.parts.watch.discover {
            self.watch_named();
        }
    }

    pub(super) fn found(&mut self, sessions: &[Session]) {
        for session in sessions {
            let over = session.status.class() == StatusClass::Over;
            let known = self.drivers.contains_key(&session.id) || self.retries.contains_key(&session.id);
            if over || known || !self.parts.watch.wants(session) {
                continue;
            }
            tracing::info!(session = %session.id, "watching session {}", session.id);
            let paused = session.status.class() == StatusClass::Paused;
            if paused {
                // A crash between a pause and its record leaves one like this, too.
                let text =
                    format!("session {} is paused, and no approval of ours is open for it: look after it", session.id);
                tracing::warn!(target: TOLD, session = %session.id, "{text}");
                self.parts.desk.notice(text);
            }
            let (agent, goal) = (session.agent.clone(), session.goal.clone());
            let first = if paused { FirstSeen::Paused } else { FirstSeen::NotPaused };
            self.drive(About { session: session.id.clone(), agent, goal }, Vec::new(), first);
        }
        self.watch_named();
    }

    /// Sessions that the configuration names are watched whether they are listed or not.
    fn watch_named(&mut self) {
        for session in self.parts.watch.sessions.clone() {
            if !self.drivers.contains_key(&session) && self.named.insert(session.clone()) {
                self.drive(About { session, agent: None, goal: None }, Vec::new(), FirstSeen::NotYet);
            }
        }
    }

    /// Starts driver and watcher of a session.
    pub(super) fn drive(&mut self, about: About, kept: Vec<Kept>, first: FirstSeen) {
        let session = about.session.clone();
        let (orders, inbox) = mpsc::channel(ORDERS);
        let (seen, sights) = mpsc::channel(SIGHTS);
        let stop = self.stop.child_token();
        let cursor = start(self.cursors.get(&session).copied(), &kept);
        let info = SessionInfo { id: session.clone(), agent: about.agent.clone(), goal: about.goal.clone() };
        let done = self.done.iter().filter(|done| done.card.session == session);
        let cards = kept.iter().chain(done).map(|kept| &kept.card);
        let (policy, settings) = (self.standing.policy.clone(), self.standing.settings.clone());
        let (standing, told) = watch::channel(self.standing.clone());
        let evaluator = Evaluator::new(policy, info, cards);
        let start = cursor.unwrap_or_default();
        let mut gate = Gate::new(about, settings, start);
        match first {
            FirstSeen::Paused | FirstSeen::NotYet => gate.begin_perhaps_paused(),
            // A pause of the process before may be on its way still.
            FirstSeen::NotPaused if !self.cursors.is_empty() || !self.done.is_empty() => {
                gate.begin_after_another(Duration::ZERO)
            }
            FirstSeen::NotPaused => (),
        }
        let parts = Box::new(Parts {
            gate,
            standing: told,
            kept,
            evaluator,
            executor: Executor::new(self.parts.provider.clone(), session.clone()),
            session: session.clone(),
            desk: self.parts.desk.clone(),
            writer: self.parts.writer.clone(),
            clock: self.parts.clock.clone(),
            ids: self.parts.ids.clone(),
            orders: inbox,
            seen: sights,
            alarm: self.alarm.clone(),
            pictures: self.parts.pictures.clone(),
            metrics: self.parts.metrics.clone(),
            recorder: self.parts.recorder.clone(),
        });
        let provider = self.parts.watched.clone();
        let config = self.parts.watch.config;
        let (watched, takes_up) = (session.clone(), !parts.kept.is_empty());
        let task = self.tasks.spawn(async move {
            let watching = stop.child_token();
            let _stopped_with_driver = watching.clone().drop_guard();
            // Recovery first: its pauses leave before anything is read.
            let driver = Driver::new(parts);
            Watcher::spawn(provider, watched, cursor, config, seen, watching);
            if takes_up {
                crash::at(Point::TakenUpUnshown);
            }
            driver.run(stop).await
        });
        self.driven.insert(task.id(), session.clone());
        self.drivers.insert(session, Reins { orders, standing });
    }
}

/// Where watching begins. What is open has to see again what came after its card; with no cursor kept yet, what its card
/// shows is all that is known to have been seen.
fn start(cursor: Option<MessageId>, kept: &[Kept]) -> Option<MessageId> {
    let Some(cursor) = cursor else {
        let cards = kept.iter().map(|kept| &kept.card);
        let shown = cards.flat_map(|card| card.before.iter().chain([&card.trigger])).filter_map(|line| line.id);
        return shown.min().map(|id| MessageId(id.0.saturating_sub(1)));
    };
    Some(kept.iter().map(|kept| kept.seen_up_to).fold(cursor, MessageId::min))
}
