//! Rates: how often something has happened within a span that ends now.
//!
//! Pure: time is an argument. What is remembered of one rate is bounded by its limit; it starts empty when the daemon does,
//! so a restart begins a new count.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use super::condition::Truth;
use crate::config::units;

/// More than `over` times within `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// 1 to 1 000.
    pub over: u32,
    /// One second to one day.
    pub per: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} within {}", self.over, units::show(self.per))
    }
}

/// Where a rate stands: the rule's name, and whether in its exception.
type Key = (String, bool);

/// The counts of one session, by rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(BTreeMap<Key, Recent>);

/// When it happened, newest last; never more than decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Recent {
    surely: VecDeque<Duration>,
    perhaps: VecDeque<Duration>,
}

impl Counts {
    /// Notes that the other conditions of a rule have just held, or perhaps held, and says whether that was too often.
    pub(super) fn note(&mut self, rule: &str, excepts: bool, rate: Rate, others: Truth, now: Duration) -> Truth {
        if others == Truth::False {
            return Truth::False;
        }
        let recent = self.0.entry((rule.to_owned(), excepts)).or_default();
        let most = rate.over as usize + 1;
        let span = |at: &Duration| now.saturating_sub(*at) < rate.per;
        let add = |times: &mut VecDeque<Duration>| {
            times.push_back(now);
            times.retain(span);
            while times.len() > most {
                times.pop_front();
            }
            times.len() == most
        };
        let perhaps = add(&mut recent.perhaps);
        let surely = if others == Truth::True { add(&mut recent.surely) } else { false };
        match (surely, perhaps) {
            (true, _) => Truth::True,
            (false, true) => Truth::Undecided("not every earlier match was certain"),
            (false, false) => Truth::False,
        }
    }

    /// Forgets rates of rules that are no more.
    pub(super) fn keep(&mut self, known: impl Fn(&str) -> bool) {
        self.0.retain(|(rule, _), _| known(rule));
    }

    /// How many rates are remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { over: 2, per: Duration::from_secs(60) };

    fn notes(of: &[(u64, Truth)]) -> Vec<Truth> {
        let mut counts = Counts::default();
        of.iter().map(|(at, others)| counts.note("r", false, RATE, *others, Duration::from_secs(*at))).collect()
    }

    #[test]
    fn only_more_than_the_limit_within_the_span_is_too_often() {
        let at = |seconds: [u64; 5]| notes(&seconds.map(|at| (at, Truth::True)));
        let (no, yes) = (Truth::False, Truth::True);
        assert_eq!(at([0, 1, 2, 3, 200]), [no, no, yes, yes, no]);
        assert_eq!(at([0, 30, 59, 60, 89]), [no, no, yes, yes, yes]);
        assert_eq!(at([0, 30, 60, 90, 120]), [no; 5]);
    }

    #[test]
    fn what_was_not_certain_makes_the_count_undecided_and_what_was_not_does_not_count() {
        let doubt = Truth::Undecided("x");
        let said = notes(&[(0, Truth::True), (1, doubt), (2, doubt), (3, Truth::True), (4, Truth::True)]);
        let undecided = Truth::Undecided("not every earlier match was certain");
        assert_eq!(said, [Truth::False, Truth::False, undecided, undecided, Truth::True]);
        assert_eq!(notes(&[(0, Truth::True), (1, Truth::False), (2, Truth::True)]), [Truth::False; 3]);
    }

    #[test]
    fn memory_is_bounded_by_the_limit_and_rules_that_are_no_more_are_forgotten() {
        let mut counts = Counts::default();
        for n in 0..10_000 {
            counts.note("r", false, RATE, Truth::True, Duration::from_micros(n));
        }
        assert_eq!(counts.0[&("r".to_owned(), false)].perhaps.len(), 3);
        counts.keep(|rule| rule != "r");
        assert_eq!(counts.len(), 0);
    }
}
