//! Approvals of one session that are told together.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::api::SessionId;

/// What is to be told of each session.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    within: Duration,
    sessions: BTreeMap<SessionId, Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// When somebody was last called about a new approval of it.
    called: Option<Duration>,
    /// How many approvals were not told since, and when the first of them was opened.
    untold: u32,
    since: Timestamp,
}

impl Groups {
    pub(super) fn new(within: Duration) -> Self {
        Self { within, sessions: BTreeMap::new() }
    }

    /// What is told together is another time from now on.
    pub(super) fn group_within(&mut self, within: Duration) {
        self.within = within;
    }

    /// One more approval can be told.
    pub(super) fn count(&mut self, session: &SessionId, opened: Timestamp) {
        let group = self.sessions.entry(session.clone()).or_default();
        if group.untold == 0 {
            group.since = opened;
        }
        group.untold += 1;
    }

    /// Sessions with something to tell whose grouping time is over: how many, and since when.
    pub(super) fn ripe(&mut self, now: Duration) -> Vec<(SessionId, (u32, Timestamp))> {
        let within = self.within;
        self.sessions.retain(|_, group| group.untold > 0 || group.called.is_some_and(|at| now < at + within));
        let ripe = self.sessions.iter().filter(|(_, group)| group.untold > 0 && group.opens_in(within, now).is_zero());
        ripe.map(|(session, group)| (session.clone(), (group.untold, group.since))).collect()
    }

    /// One approval was told; as a new one, everything of its session was.
    pub(super) fn told(&mut self, session: &SessionId, now: Duration, as_new: bool) {
        let Some(group) = self.sessions.get_mut(session) else { return };
        if as_new {
            group.untold = 0;
            group.called = Some(now);
        } else {
            group.untold = group.untold.saturating_sub(1);
        }
    }

    /// None of those that were not told is there any more.
    pub(super) fn drop_untold(&mut self, session: &SessionId) {
        if let Some(group) = self.sessions.get_mut(session) {
            group.untold = 0;
        }
    }

    /// When the next grouping time is over, for each session with something to tell.
    pub(super) fn due(&self, now: Duration) -> impl Iterator<Item = Duration> {
        let waiting = self.sessions.values().filter(|group| group.untold > 0);
        waiting.map(move |group| group.opens_in(self.within, now))
    }
}

impl Group {
    fn opens_in(&self, within: Duration, now: Duration) -> Duration {
        self.called.map_or(Duration::ZERO, |at| (at + within).saturating_sub(now))
    }
}
