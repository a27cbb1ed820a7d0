//! The whole simulated provider as one pure value: its sessions, message ids, faults and record.
//!
//! Owned by one task; time and fresh session ids come in as arguments, frames for open streams go out
//! through [`World::drain`]. No I/O, no clock, no lock.

mod calls;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fault::{Fault, FaultBook};
use super::limit::{Limit, Taken};
use super::record::{Emitted, Order, Record, Sent, nanos};
use super::scenario::{Act, Page, Scenario};
use super::session::{Draft, Effect, Ended, Session};
use super::span::Speed;
use crate::clock::Moment;

pub use calls::{Decided, Outcome, Ticket};
pub use streams::{Frame, StreamId, StreamOpen};

/// The first message id; the vendor's are global and were seen around here.
const FIRST_ID: u64 = 352_000;

/// The kind of a session that is created without one.
const USUAL_KIND: &str = "managed-cdp";

/// What a world is made with.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How fast scripts run.
    pub speed: Speed,
    /// What a wrong API key is answered with: 401 or 403.
    pub auth_status: u16,
    /// What deleting an unknown session is answered with: 200 (`deleted: false`) or 404; the documentation has both.
    pub delete_unknown: u16,
    /// How many requests are taken; absent: all.
    pub limit: Option<Limit>,
    /// Seed of the gaps between message ids.
    pub seed: u64,
    /// The scenarios that goals and messages can choose; the first is the default.
    pub scenarios: Vec<Arc<Scenario>>,
}

/// The simulated provider.
#[derive(Debug)]
pub struct World {
    rules: Rules,
    slots: BTreeMap<Arc<str>, Slot>,
    timers: BTreeSet<(Duration, Arc<str>)>,
    faults: FaultBook,
    taken: Option<Taken>,
    record: Record,
    last_id: u64,
    /// How many sessions were made.
    made: u64,
    random: fastrand::Rng,
    streams: BTreeMap<StreamId, streams::Subscription>,
    next_stream: u64,
    outbox: Vec<(StreamId, Frame)>,
    /// When what happens now was due, where that is not now.
    due: Option<Duration>,
}

#[derive(Debug)]
struct Slot {
    session: Session,
    agent: String,
    goal: Option<String>,
    kind: Option<String>,
    /// Its scenario was chosen by name, so that words of a message do not change it.
    pinned: bool,
    created: Moment,
    deleted: bool,
    armed: Option<Duration>,
    faults: FaultBook,
    history: Vec<Arc<Emitted>>,
    streams: Vec<StreamId>,
}

/// One session's true state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionState {
    /// Its id.
    pub session_id: String,
    /// The scenario that it plays.
    pub scenario: String,
    /// Its goal.
    pub goal: Option<String>,
    /// Lifecycle status as the API tells it.
    pub status: String,
    /// Execution status as the API tells it.
    pub execution_status: String,
    /// Whether a pause is in effect, whatever the API tells.
    pub paused: bool,
    /// What became of the last task that is over.
    pub last_task: Ended,
    /// The messages it got.
    pub instructions: Vec<String>,
    /// Where its browser is.
    pub page: Page,
    /// Whether it is deleted.
    pub deleted: bool,
    /// How many event streams are open.
    pub streams: usize,
}

/// A session as the list shows it.
#[derive(Serialize)]
struct Listed<'a> {
    agent_name: &'a str,
    agent_session_type: &'a str,
    created_at: String,
    goal: Option<&'a str>,
    session_id: &'a str,
    status: &'a str,
}

/// How a session is made by hand.
#[derive(Clone, Debug, Default)]
pub struct NewSession {
    /// The agent's name; absent: `agi-0`.
    pub agent: Option<String>,
    /// The goal; absent: the scenario's.
    pub goal: Option<String>,
    /// The kind, e.g. `managed-cdp`.
    pub kind: Option<String>,
    /// The scenario; absent: what the goal chooses, else the default.
    pub scenario: Option<Arc<Scenario>>,
}

impl World {
    /// A world without sessions.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            random: fastrand::Rng::with_seed(rules.seed),
            taken: rules.limit.map(Taken::none),
            rules,
            slots: BTreeMap::new(),
            timers: BTreeSet::new(),
            faults: FaultBook::default(),
            record: Record::default(),
            last_id: FIRST_ID,
            made: 0,
            streams: BTreeMap::new(),
            next_stream: 0,
            outbox: Vec::new(),
            due: None,
        }
    }

    /// What was written down.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// When [`World::advance`] has something to do.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Moment) {
        while let Some((at, id)) = self.timers.first().cloned() {
            if at > now.mono {
                return;
            }
            self.timers.remove(&(at, Arc::clone(&id)));
            self.due = Some(at);
            self.with(now, &id, |session| ((), session.advance(now.mono)));
            self.due = None;
        }
    }

    /// Adds a fault. One that names a session waits at the session; it is lost when there is none.
    pub fn fault(&mut self, fault: Fault) {
        let book = match &fault.session {
            None => Some(&mut self.faults),
            Some(id) => self.slots.get_mut(id.as_str()).map(|slot| &mut slot.faults),
        };
        if let Some(book) = book {
            book.add(fault);
        }
    }

    /// From now on so many requests are taken; absent: all.
    pub fn limit(&mut self, limit: Option<Limit>) {
        self.taken = limit.map(Taken::none);
    }

    /// Removes all faults, those of scenarios too.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        self.slots.values_mut().for_each(|slot| slot.faults.clear());
    }

    /// Makes a session with the id `id`; its task starts when its scenario says so.
    pub fn create(&mut self, now: Moment, id: &str, new: NewSession) {
        let goal = new.goal.as_deref().unwrap_or_default();
        let by_name = new.scenario.or_else(|| self.named(goal));
        let pinned = by_name.is_some();
        let scenario = by_name.or_else(|| self.matching(goal)).unwrap_or_else(|| self.default_scenario());
        let id: Arc<str> = id.into();
        let faults = scenario.faults.iter().map(|fault| Fault { session: Some(id.to_string()), ..fault.clone() });
        let mut session = Session::new(Arc::clone(&scenario), self.rules.speed, self.seed());
        let history = session.history();
        let slot = Slot {
            session,
            agent: new.agent.unwrap_or_else(|| "agi-0".to_owned()),
            goal: new.goal.or_else(|| scenario.goal.clone()),
            kind: new.kind,
            pinned,
            created: now,
            deleted: false,
            armed: None,
            faults: FaultBook::new(&faults.collect::<Vec<_>>()),
            history: Vec::new(),
            streams: Vec::new(),
        };
        self.slots.insert(Arc::clone(&id), slot);
        self.apply(now, &id, history);
        self.rearm(&id);
    }

    /// Sends a session a message from outside the API. Returns whether the session exists.
    pub fn message(&mut self, now: Moment, id: &str, text: &str) -> bool {
        let choice = self.choice_for(id, text);
        self.with(now, id, |session| ((), session.message(now.mono, text, choice))).is_some()
    }

    /// Does something to a session without a call. Returns whether the session exists.
    pub fn act(&mut self, now: Moment, id: &str, act: Act) -> bool {
        self.with(now, id, |session| ((), session.act(now.mono, act))).is_some()
    }

    /// Does something to a session at `at`, if its task still runs then. Returns whether the session exists.
    pub fn act_at(&mut self, now: Moment, at: Duration, id: &str, act: Act) -> bool {
        let later = |session: &mut Session| {
            session.act_at(at, act);
            ((), Vec::new())
        };
        self.with(now, id, later).is_some()
    }

    /// Writes down that an event emitted beside a script was written to a stream.
    pub fn sent(&mut self, sent: Sent) {
        self.record.sent.push(sent);
    }

    /// Forgets what was written down so far, and sessions that are deleted: nobody can ask the provider about them any more.
    pub fn forget(&mut self) {
        self.record.forget();
        self.slots.retain(|_, slot| !slot.deleted);
    }

    /// One session's true state, deleted ones included unless they are forgotten.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<SessionState> {
        self.slots.get_key_value(id).map(|(id, slot)| slot.state(id))
    }

    /// All sessions' true states in order of creation, deleted ones included.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionState> {
        self.slots.iter().map(|(id, slot)| slot.state(id)).collect()
    }

    /// The scenario of this name.
    #[must_use]
    pub fn scenario(&self, name: &str) -> Option<Arc<Scenario>> {
        self.rules.scenarios.iter().find(|scenario| scenario.name == name).cloned()
    }

    /// The names of all scenarios, each once.
    #[must_use]
    pub fn scenario_names(&self) -> BTreeSet<&str> {
        self.rules.scenarios.iter().map(|scenario| scenario.name.as_str()).collect()
    }

    /// How many event streams are open.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// How many sessions have a task, paused ones included.
    #[must_use]
    pub fn running(&self) -> usize {
        self.slots.values().filter(|slot| slot.session.has_task()).count()
    }

    /// Of a new session: another one for each, and the same again in a world of the same seed.
    fn seed(&mut self) -> u64 {
        let before = self.made;
        self.made += 1;
        fastrand::Rng::with_seed(self.rules.seed ^ before).u64(..)
    }

    fn default_scenario(&self) -> Arc<Scenario> {
        let silent = || Arc::new(Scenario::of("silent", Vec::new()));
        self.rules.scenarios.first().cloned().unwrap_or_else(silent)
    }

    /// The scenario that a goal or message names as `scenario:NAME`.
    fn named(&self, text: &str) -> Option<Arc<Scenario>> {
        text.split_whitespace().find_map(|word| word.strip_prefix("scenario:")).and_then(|name| self.scenario(name))
    }

    /// The scenario that has words of a goal or message.
    fn matching(&self, text: &str) -> Option<Arc<Scenario>> {
        let text = text.to_lowercase();
        let fits = |scenario: &&Arc<Scenario>| scenario.matches.iter().any(|word| text.contains(&word.to_lowercase()));
        self.rules.scenarios.iter().find(fits).cloned()
    }

    /// The scenario that a message to a session chooses. Words do not override what was chosen by name.
    fn choice_for(&self, id: &str, text: &str) -> Option<Arc<Scenario>> {
        let pinned = self.slots.get(id)?.pinned;
        self.named(text).or_else(|| if pinned { None } else { self.matching(text) })
    }

    /// Runs `work` on a session that exists and is not deleted, and does what it says.
    fn with<T>(&mut self, now: Moment, id: &str, work: impl FnOnce(&mut Session) -> (T, Vec<Effect>)) -> Option<T> {
        let (id, _) = self.slots.get_key_value(id)?;
        let id = Arc::clone(id);
        let slot = self.slots.get_mut(&id).filter(|slot| !slot.deleted)?;
        let (result, effects) = work(&mut slot.session);
        self.apply(now, &id, effects);
        self.rearm(&id);
        Some(result)
    }

    fn apply(&mut self, now: Moment, id: &Arc<str>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Emit(draft) => self.emit(now, id, draft),
                Effect::Gone => self.delete(id),
                Effect::Commit { commit, while_paused } => self.record.ledger.push(Order {
                    session: id.to_string(),
                    kind: commit.kind,
                    what: commit.what,
                    amount: commit.amount,
                    while_paused,
                    at_ns: nanos(now),
                    at: now.wall,
                }),
            }
        }
    }

    fn emit(&mut self, now: Moment, session: &Arc<str>, draft: Draft) {
        let id = draft.has_id.then(|| self.next_id());
        let mut data = draft.data;
        if let (Value::Object(data), Some(id)) = (&mut data, id) {
            data.insert("message_id".to_owned(), id.into());
        }
        let event = Arc::new(Emitted {
            session: session.to_string(),
            id,
            name: draft.name,
            data,
            message_type: draft.message_type,
            content: draft.content,
            metadata: draft.metadata,
            hidden: draft.hidden,
            closes: draft.closes,
            beside: draft.beside,
            due_ns: self.due.map_or(nanos(now), |due| nanos(Moment { mono: due, ..now })),
            written_ns: nanos(now),
            at: now.wall,
        });
        self.record.events.push(Arc::clone(&event));
        if let Some(slot) = self.slots.get_mut(session) {
            if event.id.is_some() {
                slot.history.push(Arc::clone(&event));
            }
            self.publish(session, &event);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += self.random.u64(1..=7);
        self.last_id
    }

    fn delete(&mut self, id: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        slot.deleted = true;
        slot.session.cancel_for_good();
        let streams = std::mem::take(&mut slot.streams);
        streams.into_iter().for_each(|stream| self.close(stream));
        self.rearm(id);
    }

    fn rearm(&mut self, id: &Arc<str>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        let wake = slot.session.wake().filter(|_| !slot.deleted);
        if slot.armed == wake {
            return;
        }
        if let Some(old) = slot.armed.take() {
            self.timers.remove(&(old, Arc::clone(id)));
        }
        slot.armed = wake;
        if let Some(wake) = wake {
            self.timers.insert((wake, Arc::clone(id)));
        }
    }
}

impl Slot {
    fn state(&self, id: &str) -> SessionState {
        SessionState {
            session_id: id.to_owned(),
            scenario: self.session.scenario().name.clone(),
            goal: self.goal.clone(),
            status: self.session.status().to_owned(),
            execution_status: self.session.execution().to_owned(),
            paused: self.session.is_paused(),
            last_task: self.session.ended(),
            instructions: self.session.instructions().to_vec(),
            page: self.session.page().clone(),
            deleted: self.deleted,
            streams: self.streams.len(),
        }
    }

    /// The session as the list shows it; ten thousand are written for each list.
    fn listed<'a>(&'a self, id: &'a str) -> Listed<'a> {
        Listed {
            agent_name: &self.agent,
            agent_session_type: self.kind.as_deref().unwrap_or(USUAL_KIND),
            created_at: super::wire::iso(self.created.wall),
            goal: self.goal.as_deref(),
            session_id: id,
            status: self.session.status(),
        }
    }

    /// The session as the API shows it.
    fn wire(&self, id: &str) -> Map<String, Value> {
        let session = json!({
            "session_id": id,
            "vnc_url": format!("https://vnc.example.com/{id}"),
            "agent_name": self.agent,
            "status": self.session.status(),
            "created_at": super::wire::iso(self.created.wall),
            "goal": self.goal,
            "agent_session_type": self.kind.as_deref().unwrap_or(USUAL_KIND),
        });
        match session {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests;
