//! What clients are shown of the session itself: changes of state, sight and approval at once, counters every ten
//! seconds, and sooner where the first ones have doubled: nobody is told of them alone, they stand in the next snapshot.
//!
//! Only tells; decides nothing and is never asked before a pause has left.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::{Clock, Moment};
use crate::control::{DeskService, Halt, SessionState, SessionView, Sight, Stillness};
use crate::gate::{ApprovalId, Digest, EventLine, Gate};

/// How long counters alone wait to be told: where few events were told and there are twice as many, and otherwise.
const DOUBLED: Duration = Duration::from_secs(1);
const FEW: u64 = 4;
const OTHERWISE: Duration = Duration::from_secs(10);
/// How much of names and texts is told; approvals have all of it.
const NAME_MOST: usize = 200;
const TEXT_MOST: usize = 1000;

/// The session as clients were told of it.
#[derive(Debug)]
pub struct Showing {
    desk: DeskService,
    sight: Sight,
    shown: Option<Shown>,
    /// Since when it was at rest last, and after how many events.
    rested: Option<(Timestamp, u64)>,
    /// The stop of everything that was in force then.
    halt: Option<Halt>,
}

/// What was told last, as far as it is compared: the whole of it is the desk's.
#[derive(Debug)]
struct Shown {
    state: SessionState,
    since: Timestamp,
    standing: Stillness,
    sight: Sight,
    approval: Option<ApprovalId>,
    events: u64,
    at: Instant,
}

impl Showing {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(desk: DeskService) -> Self {
        Self { desk, sight: Sight::NotYet, shown: None, rested: None, halt: None }
    }

    /// Sight was lost `ago`.
    pub fn blind(&mut self, now: Moment, ago: Duration, why: &str) {
        let since = now.wall.checked_sub(ago).unwrap_or(now.wall);
        self.sight = Sight::Blind { since, why: head(why, TEXT_MOST) };
    }

    /// The session is followed now. One that was lost before comes back in its own time.
    pub fn followed(&mut self) {
        if self.sight == Sight::NotYet {
            self.sight = Sight::Seen;
        }
    }

    /// Sight is back.
    pub fn sighted(&mut self) {
        self.sight = Sight::Seen;
    }

    /// When counters that were not told yet are told.
    #[must_use]
    pub fn due(&self, events: u64) -> Option<Instant> {
        let shown = self.shown.as_ref()?;
        (shown.events != events).then(|| shown.at + wait(shown.events, events))
    }

    /// Tells clients what they do not know. That the gate has taken in another stop of everything is news as well: before that
    /// nothing is told to stand still.
    pub fn show(&mut self, gate: &Gate, halt: Option<&Halt>, events: u64, clock: &Clock) {
        let (state, standing, approval) = (gate.state(), gate.stillness(), gate.shown_approval());
        let known = self.shown.as_ref();
        let same = known.is_some_and(|shown| {
            let counted = shown.events == events || shown.at.elapsed() < wait(shown.events, events);
            let stands = shown.state == state && shown.standing == standing;
            stands && self.halt.as_ref() == halt && shown.approval == approval && shown.sight == self.sight && counted
        });
        if same {
            return;
        }
        // A stop looks at what is at rest once more; what has told nothing meanwhile counts as not begun.
        let rested = self.rested.filter(|(_, after)| state == SessionState::Idle && *after == events).map(|(at, _)| at);
        let same_state = known.filter(|shown| shown.state == state).map(|shown| shown.since);
        let since = same_state.or(rested).unwrap_or_else(|| clock.wall());
        match state {
            SessionState::Idle => self.rested = Some((since, events)),
            SessionState::Watching | SessionState::Pausing => {}
            _ => self.rested = None,
        }
        let (about, sight) = (gate.about(), self.sight.clone());
        self.halt = halt.cloned();
        self.shown = Some(Shown { state, since, standing, sight: sight.clone(), approval, events, at: Instant::now() });
        let view = SessionView {
            session: about.session.clone(),
            agent: about.agent.as_deref().map(|agent| head(agent, NAME_MOST)),
            goal: about.goal.as_deref().map(|goal| head(goal, TEXT_MOST)),
            state,
            since,
            standing,
            sight,
            events,
            last: gate.newest().map(cut),
            approval,
        };
        self.desk.session(view, self.halt.clone());
    }
}

fn wait(told: u64, events: u64) -> Duration {
    if told < FEW && events >= told.saturating_mul(2) { DOUBLED } else { OTHERWISE }
}

fn head(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn cut(line: &EventLine) -> EventLine {
    let mut line = line.clone();
    if line.text.chars().count() > TEXT_MOST {
        line.whole = line.whole.or_else(|| Some(Digest::of(line.text.as_bytes())));
        line.text = head(&line.text, TEXT_MOST);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_wait_ten_seconds_unless_the_first_few_have_doubled() {
        let waits = [(0, 1), (1, 2), (2, 3), (3, 5), (3, 6), (4, 8), (u64::MAX, u64::MAX)];
        let waits = waits.map(|(told, events)| wait(told, events).as_secs());
        assert_eq!(waits, [1, 1, 10, 10, 1, 10, 10]);
    }
}
