//! When somebody is called: a reducer of approvals and time into calls.
//!
//! Pure. An approval is called once it is complete, or when its pause is still not confirmed after [`DRAFT_AFTER`]: that
//! a session cannot be held is more urgent, not less. It is called again at its share of time. Further approvals of a session
//! within the grouping time are told together, at the end of it; escalations do not wait for that. Beyond the rate, what
//! wants to be told is summed up in one call as soon as there is room. Nothing is left out without being said.
//!
//! It has no memory beyond the process: after a restart what is still open is called once more.

mod group;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::api::SessionId;
use crate::clock::Moment;
use crate::control::{ApprovalView, State};
use crate::gate::{ApprovalId, Delivery, Hold};
use crate::policy::Effect;

use super::message::Kind;
use group::Groups;
use rate::Rate;

/// An approval whose pause is not confirmed is called after so long.
pub const DRAFT_AFTER: Duration = Duration::from_secs(5);
/// An end whose delivery is still under way is told after so long.
const DELIVERY_WAIT: Duration = Duration::from_secs(30);

/// What wants to be told and cannot be, because somebody is just deciding it, is looked at again after so long.
const BLOCKED: Duration = Duration::from_secs(1);

/// The planner's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Within how much time of a call further approvals of the same session are told together.
    pub group: Duration,
    /// How many calls there are in a minute; at least 1.
    pub per_minute: u32,
    /// Whether ends are told.
    pub resolved: bool,
    /// At which share of an approval's time it is called again, in per cent; 100 is never.
    pub escalate_percent: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self { group: Duration::from_secs(60), per_minute: 20, resolved: false, escalate_percent: 50 }
    }
}

/// Call somebody now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Why.
    pub kind: Kind,
    /// How many it stands for.
    pub about: About,
    /// The number of approvals that it stands for, those that ended meanwhile included.
    pub count: u32,
    /// The open ones of them.
    pub of: Vec<ApprovalId>,
    /// The one whose deadline is nearest.
    pub view: Box<ApprovalView>,
}

/// What a call stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One approval.
    One,
    /// Several of one session.
    Session {
        /// Since when.
        since: Timestamp,
    },
    /// Several, of any session.
    Everything,
}

/// What follows from an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Call somebody.
    Call(Call),
    /// Nobody is called about these, and the log says why.
    LeftOut(String),
}

/// What was told about an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Opened,
    Escalated,
}

#[derive(Clone, Debug)]
struct Known {
    view: ApprovalView,
    /// Since when it is known, or known to have ended.
    since: Duration,
    told: Told,
    /// Its session's group counts it.
    counted: bool,
}

/// Something that wants to be told.
#[derive(Clone, Debug)]
struct Wish {
    kind: Kind,
    about: About,
    count: u32,
    of: Vec<ApprovalId>,
    deadline: Timestamp,
}

/// The planner.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Settings,
    known: BTreeMap<ApprovalId, Known>,
    groups: Groups,
    rate: Rate,
}

impl Plan {
    /// A planner that knows of nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (groups, rate) = (Groups::new(settings.group), Rate::new(settings.per_minute));
        Self { settings, known: BTreeMap::new(), groups, rate }
    }

    /// Other numbers hold from now on; what was told stays told. The share at which approvals are called again is the
    /// daemon's, see [`Plan::escalate_at`].
    pub fn reconfigure(&mut self, settings: Settings) {
        self.groups.group_within(settings.group);
        self.rate.allow(settings.per_minute);
        self.settings = Settings { escalate_percent: self.settings.escalate_percent, ..settings };
    }

    /// The share at which approvals are called again is another now.
    pub fn escalate_at(&mut self, percent: u8) {
        self.settings.escalate_percent = percent;
    }

    /// All approvals there are. What is not among them is forgotten.
    pub fn snapshot(&mut self, now: Moment, views: Vec<ApprovalView>) -> Vec<Said> {
        self.known.retain(|id, _| views.iter().any(|view| view.card.approval == *id));
        views.into_iter().for_each(|view| self.take(now, view));
        self.tick(now)
    }

    /// An approval as it is now.
    pub fn approval(&mut self, now: Moment, view: ApprovalView) -> Vec<Said> {
        self.take(now, view);
        self.tick(now)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Moment) -> Vec<Said> {
        self.count_ready(now);
        let mut said = self.resolve(now);
        let mut wishes = self.escalations(now);
        wishes.extend(self.openings(now, &mut said));
        wishes.sort_by_key(|wish| (wish.kind != Kind::Escalated, wish.deadline));
        for wish in self.rate.admit(now.mono, wishes) {
            said.extend(self.call(now, wish).map(Said::Call));
        }
        said
    }

    /// How long after `now` there may be something to say without any news; `None` when never.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Duration> {
        let waits = self.known.values().filter_map(|known| self.next_of(known, now));
        let groups = self.groups.due(now.mono);
        let due = waits.chain(groups).min()?;
        // What wants to be told already waits for room.
        if due.is_zero() { Some(self.rate.room_in(now.mono).max(BLOCKED)) } else { Some(due) }
    }

    fn take(&mut self, now: Moment, view: ApprovalView) {
        let id = view.card.approval;
        let over = matches!(view.state, State::Ended { .. });
        match self.known.get_mut(&id) {
            None if over => (),
            None => {
                let known = Known { view, since: now.mono, told: Told::Nothing, counted: false };
                self.known.insert(id, known);
            }
            Some(known) if over && (!self.settings.resolved || known.told == Told::Nothing) => {
                self.known.remove(&id);
            }
            Some(known) => {
                if over && !is_over(known) {
                    known.since = now.mono;
                }
                known.view = view;
            }
        }
    }

    /// Approvals that can be shown are counted for their session, whether they will be told alone or together.
    fn count_ready(&mut self, now: Moment) {
        for known in self.known.values_mut().filter(|known| !known.counted && known.told == Told::Nothing) {
            if is_ready(known, now.mono) {
                known.counted = true;
                self.groups.count(&known.view.card.session, known.view.card.opened_at);
            }
        }
    }

    fn resolve(&mut self, now: Moment) -> Vec<Said> {
        let done = |known: &Known| is_over(known) && (!is_under_way(known) || now.mono >= known.since + DELIVERY_WAIT);
        let done: Vec<ApprovalId> = self.known.iter().filter(|(_, known)| done(known)).map(|(id, _)| *id).collect();
        let (mut said, mut left) = (Vec::new(), 0);
        for known in done.iter().filter_map(|id| self.known.remove(id)) {
            if self.rate.take(now.mono) {
                let (of, view) = (vec![known.view.card.approval], Box::new(known.view));
                said.push(Said::Call(Call { kind: Kind::Resolved, about: About::One, count: 1, of, view }));
            } else {
                left += 1;
            }
        }
        if left > 0 {
            said.push(Said::LeftOut(format!("{left} ends of approvals are not told: too many in one minute")));
        }
        said
    }

    fn escalations(&self, now: Moment) -> Vec<Wish> {
        let due = self.known.iter().filter(|(_, known)| self.escalates_in(known, now) == Some(Duration::ZERO));
        due.map(|(id, known)| {
            let deadline = known.view.deadline;
            Wish { kind: Kind::Escalated, about: About::One, count: 1, of: vec![*id], deadline }
        })
        .collect()
    }

    /// One wish per session whose grouping time is over.
    fn openings(&mut self, now: Moment, said: &mut Vec<Said>) -> Vec<Wish> {
        let mut open: BTreeMap<&SessionId, Vec<(&ApprovalId, &Known)>> = BTreeMap::new();
        for (id, known) in &self.known {
            let escalates = self.escalates_in(known, now) == Some(Duration::ZERO);
            if known.told == Told::Nothing && known.counted && !is_over(known) && !is_deciding(known) && !escalates {
                open.entry(&known.view.card.session).or_default().push((id, known));
            }
        }
        let mut wishes = Vec::new();
        for (session, (count, since)) in self.groups.ripe(now.mono) {
            let waiting = open.remove(&session).unwrap_or_default();
            let Some(deadline) = waiting.iter().map(|(_, known)| known.view.deadline).min() else {
                let waits = |known: &Known| known.counted && known.told == Told::Nothing && !is_over(known);
                let pending = self.known.values().any(|known| known.view.card.session == session && waits(known));
                if !pending {
                    self.groups.drop_untold(&session);
                    let ended = "ended before anybody was called about them";
                    said.push(Said::LeftOut(format!("{count} approvals of session {session} {ended}")));
                }
                continue;
            };
            let (kind, about) =
                if count > 1 { (Kind::Grouped, About::Session { since }) } else { (Kind::Opened, About::One) };
            let of = waiting.iter().map(|(id, _)| **id).collect();
            wishes.push(Wish { kind, about, count, of, deadline });
        }
        wishes
    }

    /// Notes what is told by it.
    fn call(&mut self, now: Moment, wish: Wish) -> Option<Call> {
        for id in &wish.of {
            let Some(known) = self.known.get_mut(id) else { continue };
            let escalated = escalates(&self.settings, known, now) == Some(Duration::ZERO);
            let opened = known.told == Told::Nothing && !escalated;
            if known.told == Told::Nothing && known.counted {
                self.groups.told(&known.view.card.session, now.mono, opened);
            }
            known.told = if escalated { Told::Escalated } else { Told::Opened };
        }
        let nearest = wish.of.iter().filter_map(|id| self.known.get(id)).min_by_key(|known| known.view.deadline)?;
        let view = Box::new(nearest.view.clone());
        Some(Call { kind: wish.kind, about: wish.about, count: wish.count, of: wish.of, view })
    }

    fn escalates_in(&self, known: &Known, now: Moment) -> Option<Duration> {
        escalates(&self.settings, known, now)
    }

    /// When this approval may next want to be told by itself; groups have their own times.
    fn next_of(&self, known: &Known, now: Moment) -> Option<Duration> {
        if is_over(known) {
            let wait = if is_under_way(known) { DELIVERY_WAIT } else { Duration::ZERO };
            return Some((known.since + wait).saturating_sub(now.mono));
        }
        let draft = known.view.state == State::Draft && !known.counted && known.told == Told::Nothing;
        let ready =
            (draft && may_be_called_as_draft(known)).then(|| (known.since + DRAFT_AFTER).saturating_sub(now.mono));
        [ready, self.escalates_in(known, now)].into_iter().flatten().min()
    }
}

/// How long until an approval is called again; nothing when it was, or will not be.
fn escalates(settings: &Settings, known: &Known, now: Moment) -> Option<Duration> {
    let view = &known.view;
    let ready = known.counted || known.told != Told::Nothing;
    let never = settings.escalate_percent >= 100 || view.frozen || !ready || known.told == Told::Escalated;
    if never || is_over(known) || is_deciding(known) {
        return None;
    }
    let opened = view.card.opened_at;
    let whole = view.deadline.duration_since(opened);
    let share = SignedDuration::from_millis_i128(whole.as_millis() * i128::from(settings.escalate_percent) / 100);
    let at = opened.checked_add(share).unwrap_or(Timestamp::MAX);
    Some(Duration::try_from(at.duration_since(now.wall)).unwrap_or(Duration::ZERO))
}

fn is_over(known: &Known) -> bool {
    matches!(known.view.state, State::Ended { .. })
}

fn is_deciding(known: &Known) -> bool {
    matches!(known.view.state, State::Deciding { .. })
}

fn is_under_way(known: &Known) -> bool {
    matches!(known.view.state, State::Ended { delivery: Delivery::Applying, .. })
}

fn is_ready(known: &Known, now: Duration) -> bool {
    match known.view.state {
        State::Open => true,
        State::Draft => may_be_called_as_draft(known) && now >= known.since + DRAFT_AFTER,
        State::Deciding { .. } | State::Ended { .. } => false,
    }
}

/// Holds that a rule ends by itself are nobody's business, unless the pause is not confirmed.
fn may_be_called_as_draft(known: &Known) -> bool {
    let card = &known.view.card;
    card.effect == Effect::Ask || card.hold == Hold::NotYetPaused
}
