//! Counts what clients of the desk are told: approvals, sessions, operators.
//!
//! The reducer is pure; the task beside it listens at the desk like a client that decides nothing. One that fell behind
//! reads the snapshot again, and counts only what it did not count before.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::SessionId;
use crate::clock::Clock;
use crate::control::{
    ApprovalView, Change, Client, DeskService, ENDED_KEPT, Presence, SessionState, SessionView, Sight, Snapshot, State,
};
use crate::gate::{ApprovalId, Delivery, Hold};
use crate::operator::log::AWAITED;

use tokio::time::{Instant, sleep_until};

use super::metrics::{Metrics, Now};
use super::progress::Progress;

/// How often what grows by itself is counted: ages, and the time that sessions are not seen.
const EVERY: Duration = Duration::from_secs(1);
/// How soon a change is counted: not each by itself, where a thousand sessions change at once, and later where there are so
/// many sessions that looking at each of them takes time.
const SOON: Duration = Duration::from_millis(50);
const SOON_OF_ONE: Duration = Duration::from_micros(100);

/// What is known of an approval, and what was counted of it.
#[derive(Clone, Debug)]
struct Known {
    opened: Timestamp,
    waits: bool,
    confirmed: bool,
    ended: bool,
    delivered: bool,
}

/// What is known of a session.
#[derive(Clone, Debug)]
struct Seen {
    state: SessionState,
    followed: bool,
    /// Up to when its blindness was counted; nothing while it is seen.
    blind: Option<Timestamp>,
}

/// The reducer.
#[derive(Debug, Default)]
pub struct Ledger {
    approvals: BTreeMap<ApprovalId, Known>,
    /// Those of them that have ended and were delivered, or were not to be, in that order. Nothing more is said of them, so only some
    /// are kept, as at the desk.
    ended: VecDeque<ApprovalId>,
    sessions: BTreeMap<SessionId, Seen>,
    operators: Vec<Presence>,
    halted: bool,
}

impl Ledger {
    /// Everything there is. Counts what is new since it was last told; of the `first`, nothing that ended before is new.
    pub fn snapshot(&mut self, snapshot: Snapshot, first: bool, metrics: &Metrics) {
        let Snapshot { approvals, sessions, operators, daemon, seq: _ } = snapshot;
        let there: BTreeSet<ApprovalId> = approvals.iter().map(|view| view.card.approval).collect();
        self.approvals.retain(|id, _| there.contains(id));
        self.ended.retain(|id| there.contains(id));
        let there: BTreeSet<&SessionId> = sessions.iter().map(|view| &view.session).collect();
        self.sessions.retain(|id, _| there.contains(id));
        for view in &approvals {
            if !(first && matches!(view.state, State::Ended { .. })) {
                self.approval(view, metrics);
            }
        }
        sessions.iter().for_each(|view| self.session(view));
        self.operators = operators;
        self.halted = daemon.halt.is_some();
    }

    /// A change.
    pub fn change(&mut self, change: Change, metrics: &Metrics) {
        match change {
            Change::Approval { view } => self.approval(&view, metrics),
            Change::Session { view } => self.session(&view),
            Change::SessionGone { session } => drop(self.sessions.remove(&session)),
            Change::Presence { operators } => self.operators = operators,
            Change::Daemon { daemon } => self.halted = daemon.halt.is_some(),
            Change::Notice { .. } | Change::Stopping => (),
        }
    }

    /// Counts the time that sessions were not seen since it was last counted, and says what is true now.
    pub fn now(&mut self, now: Timestamp, metrics: &Metrics) -> Now {
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        for blind in self.sessions.values_mut().filter_map(|seen| seen.blind.as_mut()) {
            metrics.blind_for(since(*blind));
            *blind = now.max(*blind);
        }
        let waiting = || self.approvals.values().filter(|known| known.waits);
        Now {
            pending: waiting().count(),
            oldest: waiting().map(|known| since(known.opened)).max().unwrap_or_default(),
            sessions: self.sessions.values().map(|seen| seen.state).collect(),
            blind: self.sessions.values().filter(|seen| seen.blind.is_some()).count(),
            unfollowed: self.sessions.values().filter(|seen| !seen.followed).count(),
            operators: self.operators.len(),
            clients: self.operators.iter().filter_map(|one| usize::try_from(one.clients).ok()).sum(),
            halted: self.halted,
        }
    }

    fn soon(&self) -> Duration {
        let sessions = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        SOON.max(SOON_OF_ONE.saturating_mul(sessions)).min(EVERY)
    }

    fn approval(&mut self, view: &ApprovalView, metrics: &Metrics) {
        let card = &view.card;
        let known = self.approvals.entry(card.approval).or_insert_with(|| {
            metrics.opened(card.effect, card.risk);
            Known { opened: card.opened_at, waits: false, confirmed: false, ended: false, delivered: false }
        });
        known.waits = matches!(view.state, State::Open | State::Deciding { .. });
        if let (Hold::Paused { after_ms, .. }, false) = (&card.hold, known.confirmed) {
            known.confirmed = true;
            metrics.pause_confirmed(Duration::from_millis(*after_ms));
        }
        let State::Ended { outcome, delivery, .. } = &view.state else { return };
        if !std::mem::replace(&mut known.ended, true) {
            metrics.ended(*outcome);
        }
        if *delivery != Delivery::Applying && !std::mem::replace(&mut known.delivered, true) {
            metrics.delivered(*delivery);
            self.ended.push_back(card.approval);
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        while self.ended.len() > ENDED_KEPT
            && let Some(oldest) = self.ended.pop_front()
        {
            self.approvals.remove(&oldest);
        }
    }

    fn session(&mut self, view: &SessionView) {
        let counted = self.sessions.get(&view.session).and_then(|seen| seen.blind);
        let blind = match &view.sight {
            Sight::Seen | Sight::NotYet => None,
            Sight::Blind { since, .. } => Some(counted.unwrap_or(*since)),
        };
        self.sessions
            .insert(view.session.clone(), Seen { state: view.state, followed: view.sight != Sight::NotYet, blind });
    }
}

/// Listens at the desk until it ends.
pub async fn run(desk: DeskService, metrics: Arc<Metrics>, clock: Clock) {
    let (mut ledger, mut progress) = (Ledger::default(), Progress::default());
    let mut first = true;
    while let Some(client) = desk.listen().await {
        listen(client, (&mut ledger, &mut progress), first, &metrics, &clock).await;
        first = false;
    }
}

async fn listen(
    mut client: Client,
    (ledger, progress): (&mut Ledger, &mut Progress),
    first: bool,
    metrics: &Metrics,
    clock: &Clock,
) {
    let Ok(snapshot) = client.snapshot().await else { return };
    ledger.snapshot(snapshot, first, metrics);
    let mut due = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = sleep_until(due) => {
                let now = ledger.now(clock.wall(), metrics);
                metrics.now(&now);
                due = Instant::now() + EVERY;
                let all = now.sessions.len();
                if let Some(far) = progress.at(clock.now().mono, all.saturating_sub(now.unfollowed), all) {
                    tracing::info!(target: AWAITED, "{far}");
                }
            }
            update = client.next_update() => match update {
                Ok(update) => {
                    ledger.change(update.change, metrics);
                    due = due.min(Instant::now() + ledger.soon());
                }
                Err(_) => return,
            },
        }
    }
}
