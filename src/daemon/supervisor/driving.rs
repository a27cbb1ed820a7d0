//! Which sessions are driven, and from where: what the store says is open, what is listed, what the configuration names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::{Driven, Supervisor};
use crate::api::paced::bucket::Rate;
use crate::api::{MessageId, Session, SessionId, StatusClass};
use crate::crash::{self, Point};
use crate::daemon::driver::{Driver, Parts};
use crate::daemon::evaluator::Evaluator;
use crate::daemon::executor::Executor;
use crate::daemon::lister::List;
use crate::daemon::listing::{Entry, Listed};
use crate::daemon::ramp::Rank;
use crate::daemon::watcher::{Place, Watcher};
use crate::gate::{About, Gate, Kept};
use crate::operator::log::TOLD;
use crate::policy::SessionInfo;
use crate::quiet;

/// How many that are listed are looked at in one turn of the supervisor.
const LOOKED_AT: usize = 256;
/// How many sessions begin to be driven in one turn of the supervisor.
const AT_ONCE: usize = 64;
/// How many requests it takes to begin to follow a session, about: its messages twice, its stream, and a look at one at rest.
const REQUESTS_EACH: f64 = 5.0;
/// How many sessions that are found together are logged by name.
const NAMED: usize = 20;

/// A list that is being looked at.
pub(super) struct Sifting {
    asked: Instant,
    left: std::vec::IntoIter<Session>,
    /// What of it is new.
    fresh: Vec<Session>,
    /// What is not.
    known: Vec<Session>,
}

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
        for session in self.done.keys().cloned().collect::<Vec<_>>() {
            self.find_let_go(&session);
        }
        for (session, kept) in by_session(live) {
            let card = kept.last().map(|kept| &kept.card);
            let agent = card.and_then(|card| card.agent.clone());
            let goal = card.and_then(|card| card.goal.clone());
            crash::at(Point::TakeUpUnbegun);
            self.drive(About { session, agent, goal }, kept, FirstSeen::NotYet);
        }
        self.recovering = None;
        if !self.parts.watch.discover {
            self.watch_named();
        }
    }

    /// Takes in what the provider lists. It is looked at and driven a few at a time, so that ten thousand hold up no order and
    /// no pause.
    pub(super) fn found(&mut self, List { asked, sessions }: List) {
        let acts = |session: &&Session| Rank::of(&session.status) == Rank::Acts;
        self.ramp.act(|| sessions.iter().filter(acts).map(|session| session.id.clone()).collect());
        self.listed = Some(Sifting { asked, left: sessions.into_iter(), fresh: Vec::new(), known: Vec::new() });
    }

    /// Looks which of the next few that are listed are new, and tells the others what the list says of them.
    pub(super) fn sift_some(&mut self) {
        let Some(mut listed) = self.listed.take() else { return };
        for session in listed.left.by_ref().take(LOOKED_AT) {
            match self.drivers.get(&session.id) {
                Some(driven) => driven.entry.says(&session.status, listed.asked),
                None if self.is_new(&session) => {
                    listed.fresh.push(session);
                    continue;
                }
                None => {}
            }
            listed.known.push(session);
        }
        if listed.left.len() > 0 {
            self.listed = Some(listed);
            return;
        }
        let Sifting { asked, left, fresh, known } = listed;
        if known.len() > LOOKED_AT {
            // To give back the names of ten thousand takes milliseconds. Without a thread it is done here.
            let _ = quiet::apart("known sessions", move || quiet::give_back(known.into_iter().chain(left)));
        }
        self.sifted(asked, fresh);
    }

    fn sifted(&mut self, asked: Instant, mut fresh: Vec<Session>) {
        let told: BTreeSet<SessionId> =
            std::mem::take(&mut self.fresh).into_iter().map(|(session, _)| session.id).collect();
        fresh.sort_by_key(|session| Rank::of(&session.status));
        let news: Vec<&Session> = fresh.iter().filter(|session| !told.contains(&session.id)).collect();
        self.say_found(&news);
        self.fresh = fresh.into_iter().map(|session| (session, asked)).collect();
        self.watch_named();
    }

    fn is_new(&self, session: &Session) -> bool {
        let over = session.status.class() == StatusClass::Over;
        let known = self.drivers.contains_key(&session.id) || self.retries.contains_key(&session.id);
        !over && !known && self.parts.watch.wants(session)
    }

    /// Drives the next few that were found.
    pub(super) fn drive_some(&mut self) {
        let some = self.fresh.len().min(AT_ONCE);
        for (session, asked) in self.fresh.drain(..some).collect::<Vec<_>>() {
            // Ordered by its name or taken up again meanwhile, it is driven already.
            if !self.is_new(&session) {
                continue;
            }
            let paused = session.status.class() == StatusClass::Paused;
            let first = if paused { FirstSeen::Paused } else { FirstSeen::NotPaused };
            let rank = Rank::of(&session.status);
            let listing = self.roll.entry();
            listing.0.says(&session.status, asked);
            let about = About { session: session.id, agent: session.agent, goal: session.goal };
            self.drive_ranked(about, Vec::new(), first, rank, listing);
        }
    }

    /// Each by itself where they are few. A crash between a pause and its record leaves one that is paused, too.
    fn say_found(&self, fresh: &[&Session]) {
        if fresh.is_empty() {
            return;
        }
        let (after, pauses) = (self.standing.settings.blind_after, self.standing.settings.pause_when_blind);
        let pauses = pauses || self.standing.halt.is_some();
        let unlike_rest = |session: &&&Session| session.status.class() != StatusClass::Idle;
        let may_act = fresh.iter().filter(unlike_rest).count();
        if let Some(text) = self.parts.rate.and_then(|rate| too_slow(may_act, rate, after, pauses)) {
            tracing::warn!(target: TOLD, "{text}");
            self.parts.desk.notice(text);
        }
        let is_paused = |session: &&&Session| session.status.class() == StatusClass::Paused;
        let paused: Vec<&Session> = fresh.iter().filter(is_paused).copied().collect();
        if fresh.len() <= NAMED {
            for session in fresh {
                tracing::info!(session = %session.id, "watching session {}", session.id);
            }
            for Session { id, .. } in paused {
                let text = format!("session {id} is paused, and no approval of ours is open for it: look after it");
                tracing::warn!(target: TOLD, session = %id, "{text}");
                self.parts.desk.notice(text);
            }
            return;
        }
        tracing::info!("found {} sessions, to be watched a few at a time", fresh.len());
        if let Some(Session { id, .. }) = paused.first() {
            let count = paused.len();
            let text = format!(
                "{count} of the sessions found are paused (the first is {id}), and no approval of ours is open for them: \
                 look after them"
            );
            tracing::warn!(target: TOLD, count, "{text}");
            self.parts.desk.notice(text);
        }
        for Session { id, .. } in paused {
            tracing::warn!(session = %id, "session {id} is paused, and no approval of ours is open for it");
        }
    }

    /// Sessions that the configuration names are watched whether they are listed or not. One that was just listed has its turn
    /// with the others, and with what the list says of it.
    fn watch_named(&mut self) {
        let undriven = |session: &&SessionId| !self.drivers.contains_key(*session) && !self.named.contains(*session);
        let named: Vec<SessionId> = self.parts.watch.sessions.iter().filter(undriven).cloned().collect();
        if named.is_empty() {
            return;
        }
        let listed: BTreeSet<SessionId> = self.fresh.iter().map(|(session, _)| session.id.clone()).collect();
        for session in named {
            if !listed.contains(&session) {
                self.drive(About { session, agent: None, goal: None }, Vec::new(), FirstSeen::NotYet);
            }
        }
    }

    /// Starts driver and watcher of a session that nobody looked at: what is kept of it says whether it is held.
    pub(super) fn drive(&mut self, about: About, kept: Vec<Kept>, first: FirstSeen) {
        let rank = if kept.is_empty() { Rank::Acts } else { Rank::Held };
        let listing = self.roll.entry();
        self.drive_ranked(about, kept, first, rank, listing);
    }

    fn drive_ranked(
        &mut self,
        about: About,
        kept: Vec<Kept>,
        first: FirstSeen,
        rank: Rank,
        (entry, listed): (Entry, Listed),
    ) {
        let session = about.session.clone();
        let (reins, inbox) = self.lines.reins();
        let stop = self.stop.clone();
        let cursor = start(self.cursors.get(&session).copied(), &kept);
        let info = SessionInfo { id: session.clone(), agent: about.agent.clone(), goal: about.goal.clone() };
        if self.parts.watch.sessions.contains(&session) {
            self.named.insert(session.clone());
        }
        // Known once: what happens in it from here on is not in what was read.
        let let_go = self.let_go.remove(&session) && kept.is_empty();
        let done = self.done.get(&session).into_iter().flatten();
        let cards = kept.iter().chain(done).map(|kept| &kept.card);
        let (policy, settings) = (self.standing.policy.clone(), self.standing.settings.clone());
        let evaluator = Evaluator::new(policy, info, cards);
        let start = cursor.unwrap_or_default();
        let mut gate = Gate::new(about, settings, start);
        match first {
            FirstSeen::Paused | FirstSeen::NotYet => gate.begin_perhaps_paused(),
            // A pause of the process before may be on its way still.
            FirstSeen::NotPaused if self.parts.store.was_there() => gate.begin_after_another(Duration::ZERO),
            FirstSeen::NotPaused => (),
        }
        if let Some(asked) = listed.rested_at().filter(|_| self.standing.halt.is_some()) {
            gate.begin_listed_at_rest(asked.saturating_duration_since(self.parts.clock.origin()));
        }
        let place = Place { ramp: self.ramp.clone(), rank, listed, resting: self.parts.resting.clone() };
        let (provider, config) = (self.parts.watched.clone(), self.watching.clone());
        let watcher = Watcher::new(provider, session.clone(), cursor, config, place);
        let parts = Box::new(Parts {
            gate,
            standing: self.standing.clone(),
            kept,
            let_go,
            evaluator,
            executor: Executor::new(self.parts.provider.clone(), session.clone()),
            session: session.clone(),
            desk: self.parts.desk.clone(),
            writer: self.parts.writer.clone(),
            clock: self.parts.clock.clone(),
            ids: self.parts.ids.clone(),
            inbox,
            seen: Box::into_pin(watcher),
            alarm: self.alarm.clone(),
            pictures: self.parts.pictures.clone(),
            metrics: self.parts.metrics.clone(),
            recorder: self.parts.recorder.clone(),
            recovering: self.recovering.clone(),
        });
        let takes_up = !parts.kept.is_empty();
        let task = self.tasks.spawn(async move {
            // Recovery first: its pauses leave before anything is read.
            let driver = Driver::new(parts);
            if takes_up {
                crash::at(Point::TakenUpUnshown);
            }
            driver.run(stop).await
        });
        self.driven.insert(task.id(), session.clone());
        self.drivers.insert(session, Driven { reins, entry });
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

/// What is kept, by session, each oldest first.
pub(super) fn by_session(kept: Vec<Kept>) -> BTreeMap<SessionId, Vec<Kept>> {
    let mut sorted: BTreeMap<SessionId, Vec<Kept>> = BTreeMap::new();
    for kept in kept {
        sorted.entry(kept.card.session.clone()).or_default().push(kept);
    }
    sorted
}

/// What has to be known where so many sessions that may act cannot all be followed before they count as out of sight.
fn too_slow(found: usize, rate: Rate, after: Duration, pauses: bool) -> Option<String> {
    let takes = found as f64 * REQUESTS_EACH / rate.as_per_second();
    let then = if pauses { "is paused" } else { "is only told of" };
    (takes > after.as_secs_f64()).then(|| {
        format!(
            "to follow {found} sessions that do not rest takes about {takes:.0} s with {:.0} requests a minute, and a session that is not seen for {} s \
             {then}: see provider.requests_per_minute, watch.blind_after and watch.on_blind",
            rate.as_per_second() * 60.0,
            after.as_secs(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_followed_in_time_is_said_with_what_becomes_of_it() {
        let (rate, after) = (Rate::per_minute(600), Duration::from_secs(20));
        assert_eq!(too_slow(40, rate, after, true), None);
        let text = too_slow(300, rate, after, true).expect("a warning");
        let expected = "to follow 300 sessions that do not rest takes about 150 s with 600 requests a minute, and a session that is not seen for 20 s \
                        is paused: see provider.requests_per_minute, watch.blind_after and watch.on_blind";
        assert_eq!(text, expected);
        assert!(too_slow(300, rate, after, false).expect("a warning").contains("is only told of"));
        assert_eq!(too_slow(10_000, Rate::per_minute(600_000), after, true), None);
    }
}
