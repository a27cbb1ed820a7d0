//! How often a provider is called: a budget that all calls share, the urgent ones first.
//!
//! Pure: time comes in. A call is told how long it has to wait, once, and is counted from then on. Each class has a clock of its
//! own (a leaky bucket, as GCRA keeps it) that counts the calls of its class and of all more urgent ones: so a crowd of lists
//! that wait never delays watching, and watching delays the next lists. What acts and what a gate has to know never waits: it
//! delays the others, by a second at most, so that a crowd of looks can go beyond the budget but blinds nobody.

use std::num::NonZeroU32;
use std::time::Duration;

/// How urgent a call is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It acts: it never waits, and is counted.
    Act,
    /// A gate needs to know where its session stands: the same.
    Verify,
    /// Watching one session: its messages, its event stream.
    Watch,
    /// Which sessions there are.
    List,
}

impl Urgency {
    const ALL: [Self; 4] = [Self::Act, Self::Verify, Self::Watch, Self::List];
}

/// What acts or verifies delays everything else by no more.
const MOST: Duration = Duration::from_secs(1);

/// The budget. Times are on one clock of the caller.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The time that one call takes up; nothing where there is no bound.
    every: Duration,
    /// How much of that may be used ahead: a second's worth.
    ahead: Duration,
    /// Until when what was admitted takes up time, by class.
    used_until: [Duration; Urgency::ALL.len()],
    /// The provider asked for no more reads before.
    not_before: Duration,
}

impl Budget {
    /// So many calls a second, and as many at once; or any number.
    #[must_use]
    pub fn new(per_second: Option<NonZeroU32>) -> Self {
        let every = per_second.map_or(Duration::ZERO, |calls| Duration::from_secs(1) / calls.get());
        let ahead = Duration::from_secs(1).saturating_sub(every);
        Self { every, ahead, used_until: Default::default(), not_before: Duration::ZERO }
    }

    /// How long a call waits that is wanted at `now`. It counts as made.
    pub fn wait(&mut self, now: Duration, urgency: Urgency) -> Duration {
        let used_until = self.used_until[urgency as usize];
        let leaves = match urgency {
            Urgency::Act | Urgency::Verify => now,
            Urgency::Watch | Urgency::List => now.max(used_until.saturating_sub(self.ahead)).max(self.not_before),
        };
        for class in Urgency::ALL.into_iter().filter(|class| *class >= urgency) {
            let used_until = &mut self.used_until[class as usize];
            let used = leaves.max(*used_until) + self.every;
            // What is more urgent delays the others by a second at most: whoever watches less becomes blind, and holds more.
            *used_until = if class == urgency { used } else { used.min((leaves + self.ahead + MOST).max(*used_until)) };
        }
        leaves - now
    }

    /// The provider asked at `now` for no more calls for so long. What acts and what a gate needs to know is asked all the
    /// same; each of those calls heeds what it was told itself.
    pub fn hold_off(&mut self, now: Duration, wait: Duration) {
        self.not_before = self.not_before.max(now + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(calls: u32) -> Budget {
        Budget::new(NonZeroU32::new(calls))
    }

    #[test]
    fn without_a_bound_nothing_waits() {
        let mut budget = Budget::new(None);
        assert!((0..1000).all(|_| budget.wait(ms(0), Urgency::List).is_zero()));
    }

    #[test]
    fn a_seconds_worth_leaves_at_once_and_then_one_after_the_other() {
        let mut budget = of(4);
        let waits: Vec<_> = (0..7).map(|_| budget.wait(ms(10), Urgency::Watch).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500, 750]);
        // What was not used is not saved up beyond a second.
        let waits: Vec<_> = (0..5).map(|_| budget.wait(ms(60_000), Urgency::Watch).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250]);
    }

    #[test]
    fn what_acts_or_verifies_never_waits() {
        let mut budget = of(2);
        for _ in 0..100 {
            budget.wait(ms(0), Urgency::List);
            budget.wait(ms(0), Urgency::Watch);
        }
        assert_eq!(budget.wait(ms(0), Urgency::Act), ms(0));
        assert_eq!(budget.wait(ms(0), Urgency::Verify), ms(0));
        assert_eq!(budget.wait(ms(0), Urgency::Verify), ms(0));
        assert_eq!(budget.wait(ms(0), Urgency::Act), ms(0));
    }

    #[test]
    fn what_acts_and_verifies_delays_what_is_less_urgent() {
        let mut budget = of(2);
        for _ in 0..2 {
            budget.wait(ms(0), Urgency::Act);
            budget.wait(ms(0), Urgency::Verify);
        }
        assert_eq!(budget.wait(ms(0), Urgency::Watch), ms(1000));
        assert_eq!(budget.wait(ms(0), Urgency::List), ms(1500));
    }

    #[test]
    fn a_crowd_of_looks_delays_watching_by_a_second_at_most() {
        let mut budget = of(2);
        for _ in 0..1000 {
            budget.wait(ms(0), Urgency::Verify);
        }
        assert_eq!(budget.wait(ms(0), Urgency::Watch), ms(1000));
        assert_eq!(budget.wait(ms(0), Urgency::Watch), ms(1500));
    }

    #[test]
    fn a_provider_that_asks_for_quiet_is_not_watched_meanwhile() {
        let mut budget = Budget::new(None);
        budget.hold_off(ms(100), ms(900));
        budget.hold_off(ms(200), ms(100));
        let waits = Urgency::ALL.map(|urgency| budget.wait(ms(300), urgency).as_millis());
        assert_eq!(waits, [0, 0, 700, 700]);
        assert_eq!(budget.wait(ms(1000), Urgency::List), ms(0));
    }

    proptest! {
        /// In no second do more calls of one class leave than twice the budget (what was saved up, and what is earned), however
        /// they come.
        #[test]
        fn the_rate_is_kept(calls in 1_u32..50, gaps in prop::collection::vec((0_u64..300, 1_usize..4), 1..200)) {
            let mut budget = of(calls);
            let mut now = ms(0);
            let mut left = [const { Vec::new() }; 4];
            for (gap, urgency) in gaps {
                now += ms(gap);
                left[urgency].push(now + budget.wait(now, Urgency::ALL[urgency]));
            }
            for left in &left[Urgency::Watch as usize..] {
                prop_assert!(left.is_sorted(), "in the order they came");
                for (index, from) in left.iter().enumerate() {
                    let within = left[index..].iter().take_while(|at| **at < *from + ms(1000)).count();
                    prop_assert!(within <= 2 * calls as usize, "{within} within a second, of {calls}");
                }
            }
        }
    }
}
