//! The desk: who is shown which card, and whether a decision may go on to the gate.
//!
//! Pure: time and nonces come in as arguments. Holds what the gate published and what each client announced to have drawn;
//! checks every decision against both. Never changes an approval itself, never waits, and knows no transport. The gate
//! checks state once more after it.

mod check;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

pub use check::fits;

use super::protocol::{
    ApprovalView, Change, DaemonInfo, Decided, Decision, EndedBy, Halt, Nonce, OperatorName, Person, Presence, Refusal,
    Role, SessionView, Snapshot, State, Stillness, Update,
};
use crate::api::SessionId;
use crate::clock::Moment;
use crate::gate::{ApprovalId, Digest, Revision};
use crate::operator::escape::short;

/// How many ended approvals are remembered unless told otherwise, by the desk and by whoever counts what it tells.
pub const ENDED_KEPT: usize = 256;

/// The desk's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskSettings {
    /// What clients are told of the daemon, and with it how long a card must have been on screen before anything that
    /// releases is taken.
    pub daemon: DaemonInfo,
    /// How many ended approvals are remembered, so that a repeated decision finds its answer.
    pub ended_kept: usize,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self { daemon: DaemonInfo::default(), ended_kept: ENDED_KEPT }
    }
}

/// One connected client. An operator may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// What [`Desk::check`] says about a decision that it does not refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The gate shall have it.
    Forward,
    /// It is the decision that ended the approval, said again: success, and nothing more to do.
    Again(Decided),
}

/// The state of the local API.
#[derive(Clone, Debug)]
pub struct Desk {
    settings: DeskSettings,
    sessions: BTreeMap<SessionId, Watched>,
    approvals: BTreeMap<ApprovalId, ApprovalView>,
    ended: VecDeque<ApprovalId>,
    clients: BTreeMap<ClientId, Seat>,
    next_client: u64,
    seq: u64,
    stopping: bool,
}

/// A watched session as its driver told of it.
#[derive(Clone, Debug)]
struct Watched {
    view: SessionView,
    /// The stop of everything that the driver knew of then.
    halt: Option<Halt>,
}

impl Watched {
    /// As clients are told while `halt` is in force: whether a session stands still counts from the stop on.
    fn during(&self, halt: Option<&Halt>) -> SessionView {
        SessionView { standing: self.standing(halt), ..self.view.clone() }
    }

    fn standing(&self, halt: Option<&Halt>) -> Stillness {
        if halt.is_some() && self.halt.as_ref() != halt { Stillness::NotYet } else { self.view.standing }
    }

    /// Whether clients are told nothing else than by `other` while `halt` is in force, but for what is counted. Each session is told of
    /// every few seconds for that alone.
    fn tells_as(&self, other: &Self, halt: Option<&Halt>) -> bool {
        let SessionView { session, agent, goal, state, since, standing: _, sight, events: _, last: _, approval } =
            &self.view;
        let that = &other.view;
        let named = (session, agent, goal) == (&that.session, &that.agent, &that.goal);
        let stands = (state, since, self.standing(halt)) == (&that.state, &that.since, other.standing(halt));
        named && stands && (sight, approval) == (&that.sight, &that.approval)
    }
}

#[derive(Clone, Debug)]
struct Seat {
    person: Person,
    since: Timestamp,
    /// Whether it gets updates.
    attached: bool,
    shown: BTreeMap<ApprovalId, Shown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    revision: Revision,
    digest: Digest,
    nonce: Nonce,
    at: Moment,
}

impl Desk {
    /// An empty desk.
    #[must_use]
    pub fn new(settings: DeskSettings) -> Self {
        Self {
            settings,
            sessions: BTreeMap::new(),
            approvals: BTreeMap::new(),
            ended: VecDeque::new(),
            clients: BTreeMap::new(),
            next_client: 0,
            seq: 0,
            stopping: false,
        }
    }

    /// Takes in an approval as it is now and says what clients are told.
    ///
    /// `None` when it is no news: a revision older than the known one, or a change to an outcome (invariant 2).
    pub fn published(&mut self, view: ApprovalView) -> Option<Update> {
        let id = view.card.approval;
        if let Some(known) = self.approvals.get(&id)
            && (!may_follow(known, &view) || *known == view)
        {
            return None;
        }
        let (revision, digest) = (view.card.revision, view.digest);
        let over = matches!(view.state, State::Ended { .. });
        for seat in self.clients.values_mut() {
            seat.shown.retain(|of, shown| *of != id || (!over && shown.revision == revision && shown.digest == digest));
        }
        if over && !self.ended.contains(&id) {
            self.ended.push_back(id);
        }
        self.approvals.insert(id, view.clone());
        self.forget_oldest();
        Some(self.update(Change::Approval { view: Box::new(view) }))
    }

    /// Takes in how a watched session is now, as its driver tells that knew of the stop `halt`; `None` when that is no news.
    /// Counters alone are none: they come along with the next change, and stand in the next snapshot.
    pub fn session(&mut self, view: SessionView, halt: Option<Halt>) -> Option<Update> {
        let now = self.settings.daemon.halt.as_ref();
        let told = Watched { view, halt };
        let known = self.sessions.get(&told.view.session);
        let news = known.is_none_or(|known| !told.tells_as(known, now)).then(|| told.during(now));
        self.sessions.insert(told.view.session.clone(), told);
        news.map(|view| self.update(Change::Session { view: Box::new(view) }))
    }

    /// A session is no longer watched; `None` when it was not.
    pub fn session_gone(&mut self, session: &SessionId) -> Option<Update> {
        let known = self.sessions.remove(session)?;
        Some(self.update(Change::SessionGone { session: known.view.session }))
    }

    /// The daemon's own facts are others now. Another policy makes every nonce die. A stop of everything makes what was told
    /// of each session's standing count no more, until its driver tells it anew.
    pub fn daemon(&mut self, daemon: DaemonInfo) -> Vec<Update> {
        if daemon.policy != self.settings.daemon.policy {
            self.policy_tightened();
        }
        let before = std::mem::replace(&mut self.settings.daemon, daemon.clone()).halt;
        let mut updates = vec![self.update(Change::Daemon { daemon: Box::new(daemon) })];
        if before != self.settings.daemon.halt {
            updates.extend(self.standing_again(before.as_ref()));
        }
        updates
    }

    /// Sessions that are told otherwise than before the stop in force was another.
    fn standing_again(&mut self, before: Option<&Halt>) -> Vec<Update> {
        let now = self.settings.daemon.halt.clone();
        let told = |watched: &Watched| (watched.during(before), watched.during(now.as_ref()));
        let changed = self.sessions.values().map(told).filter(|(then, now)| then != now);
        let changed: Vec<SessionView> = changed.map(|(_, now)| now).collect();
        changed.into_iter().map(|view| self.update(Change::Session { view: Box::new(view) })).collect()
    }

    /// Who is attached and what they look at, for every client.
    pub fn presence(&mut self) -> Update {
        let operators = self.present();
        self.update(Change::Presence { operators })
    }

    /// Something every operator should see that asks nothing; `text` is escaped already.
    pub fn notice(&mut self, text: String) -> Update {
        self.update(Change::Notice { text })
    }

    /// The daemon goes down: from here on every decision is refused.
    pub fn stopping(&mut self) -> Update {
        self.stopping = true;
        self.update(Change::Stopping)
    }

    /// Whether nothing is decided any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// The policy got stricter: every card has to be presented again.
    pub fn policy_tightened(&mut self) {
        self.clients.values_mut().for_each(|seat| seat.shown.clear());
    }

    /// A client of `person` connected.
    pub fn connected(&mut self, person: impl Into<Person>, since: Timestamp) -> ClientId {
        self.next_client += 1;
        let id = ClientId(self.next_client);
        self.clients.insert(id, Seat { person: person.into(), since, attached: true, shown: BTreeMap::new() });
        id
    }

    /// Somebody asks one thing without being attached: counts like a client, and is not shown to the others.
    pub fn visiting(&mut self, person: impl Into<Person>, since: Timestamp) -> ClientId {
        self.next_client += 1;
        let id = ClientId(self.next_client);
        self.clients.insert(id, Seat { person: person.into(), since, attached: false, shown: BTreeMap::new() });
        id
    }

    /// A part of the daemon listens: it is nobody's client, is not among those who are attached, and can decide nothing.
    pub fn listening(&mut self) -> ClientId {
        self.next_client += 1;
        ClientId(self.next_client)
    }

    /// A client went away; its nonces die.
    pub fn disconnected(&mut self, client: ClientId) {
        self.clients.remove(&client);
    }

    /// Who a client is.
    #[must_use]
    pub fn operator(&self, client: ClientId) -> Option<&OperatorName> {
        self.person(client).map(|person| &person.name)
    }

    /// Who is behind a client, with groups and role.
    #[must_use]
    pub fn person(&self, client: ClientId) -> Option<&Person> {
        self.clients.get(&client).map(|seat| &seat.person)
    }

    /// What is known now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            seq: self.seq,
            approvals: self.approvals.values().cloned().collect(),
            sessions: self
                .sessions
                .values()
                .map(|watched| watched.during(self.settings.daemon.halt.as_ref()))
                .collect(),
            operators: self.present(),
            daemon: self.settings.daemon.clone(),
        }
    }

    /// One approval, open or remembered.
    #[must_use]
    pub fn approval(&self, id: ApprovalId) -> Option<&ApprovalView> {
        self.approvals.get(&id)
    }

    /// A client has drawn a card; `fresh` becomes the nonce of its next decision on it. The dwell time starts anew.
    ///
    /// # Errors
    ///
    /// Refuses unknown, ended and draft approvals, and cards that are not the current one.
    pub fn presented(
        &mut self,
        client: ClientId,
        id: ApprovalId,
        revision: Revision,
        digest: Digest,
        now: Moment,
        fresh: Nonce,
    ) -> Result<Nonce, Refusal> {
        let view = self.approvals.get(&id).ok_or(Refusal::NoSuchApproval)?;
        match &view.state {
            State::Ended { .. } => return Err(check::already(view)),
            State::Draft => return Err(Refusal::NotPausedYet),
            State::Open | State::Deciding { .. } => {}
        }
        if view.card.revision != revision || view.digest != digest {
            return Err(Refusal::Stale { revision: view.card.revision });
        }
        let seat = self.clients.get_mut(&client).ok_or(Refusal::NotPresented)?;
        seat.shown.insert(id, Shown { revision, digest, nonce: fresh, at: now });
        Ok(fresh)
    }

    /// Whether a decision may go on to the gate. Its nonce is spent when it may.
    ///
    /// A denial needs no nonce, is never throttled and is not refused for a newer revision, unless what the denial does
    /// would itself let the session go on: then it needs what an approval needs, but for the typing.
    ///
    /// # Errors
    ///
    /// See [`Refusal`]; nothing was decided then, and the nonce lives on unless its card changed.
    pub fn check(&mut self, client: ClientId, decision: &Decision, now: Moment) -> Result<Passed, Refusal> {
        let seat = self.clients.get_mut(&client).ok_or(Refusal::NotPresented)?;
        seat.person.may(Role::Decide)?;
        let view = self.approvals.get(&decision.approval).ok_or(Refusal::NoSuchApproval)?;
        if let State::Ended { .. } = view.state {
            let again = check::again(view, decision, &seat.person.name);
            let again = again.or_else(|| terms::given_before(view, decision, &seat.person.name));
            return again.map(Passed::Again).ok_or_else(|| check::already(view));
        }
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        terms::agree(view, &decision.act, &seat.person.name, &seat.person.groups)?;
        if let Some(counted) = terms::given_before(view, decision, &seat.person.name) {
            return Ok(Passed::Again(counted));
        }
        let min_dwell = Duration::from_millis(self.settings.daemon.settings.min_dwell_ms);
        check::decision(view, decision, seat.shown.get(&decision.approval), min_dwell, now)?;
        seat.shown.remove(&decision.approval);
        Ok(Passed::Forward)
    }

    /// The approval an operator means: a display code in any case, or a whole id. Open ones come before ended ones.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSuchApproval`], or [`Refusal::NotPossible`] with the ids when a code is ambiguous.
    pub fn resolve(&self, name: &str) -> Result<ApprovalId, Refusal> {
        let is_named = |id: &ApprovalId| {
            id.code().as_str().eq_ignore_ascii_case(name) || id.to_string().eq_ignore_ascii_case(name)
        };
        let (ended, open): (Vec<_>, Vec<_>) =
            self.approvals.keys().copied().filter(is_named).partition(|id| self.ended.contains(id));
        let found = if open.is_empty() { ended } else { open };
        match found.as_slice() {
            [] => Err(Refusal::NoSuchApproval),
            [id] => Ok(*id),
            several => {
                let ids: Vec<String> = several.iter().map(ApprovalId::to_string).collect();
                Err(Refusal::NotPossible { why: format!("the code is ambiguous; name one of {}", ids.join(", ")) })
            }
        }
    }

    fn present(&self) -> Vec<Presence> {
        let mut present: BTreeMap<&OperatorName, Presence> = BTreeMap::new();
        for seat in self.clients.values().filter(|seat| seat.attached) {
            let entry = present.entry(&seat.person.name).or_insert_with(|| Presence {
                operator: seat.person.name.clone(),
                since: seat.since,
                clients: 0,
                looking_at: Vec::new(),
            });
            entry.clients += 1;
            entry.since = entry.since.min(seat.since);
            entry.looking_at.extend(seat.shown.keys());
        }
        for presence in present.values_mut() {
            presence.looking_at.sort_unstable();
            presence.looking_at.dedup();
        }
        present.into_values().collect()
    }

    fn update(&mut self, change: Change) -> Update {
        self.seq += 1;
        Update { seq: self.seq, change }
    }

    fn forget_oldest(&mut self) {
        while self.ended.len() > self.settings.ended_kept
            && let Some(oldest) = self.ended.pop_front()
        {
            self.approvals.remove(&oldest);
        }
    }
}

/// Whether `next` can come after `known`: revisions never go back, and an outcome stays what it is.
fn may_follow(known: &ApprovalView, next: &ApprovalView) -> bool {
    let State::Ended { outcome, by, .. } = &known.state else {
        return next.card.revision >= known.card.revision;
    };
    matches!(&next.state, State::Ended { outcome: now, by: who, .. } if now == outcome && who == by)
}

/// Who ended an approval, in words, escaped; notes stay away.
#[must_use]
pub fn who(by: &EndedBy) -> String {
    match by {
        EndedBy::Operator { name, .. } => short(&name.0),
        EndedBy::Rule { name } => format!("rule {}", short(name)),
        EndedBy::Deadline => "the deadline".to_owned(),
        EndedBy::Session { what } => format!("the session ({})", short(what)),
    }
}
