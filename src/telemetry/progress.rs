//! How far a start is: a sentence now and then, as long as sessions wait for their turn to be followed.
//!
//! Pure; whoever counts logs what it says. Says nothing of a few sessions, or where it is over in a moment.

use std::time::Duration;

use crate::operator::words::watching;

/// Nothing is said before that.
const FIRST: Duration = Duration::from_secs(1);
/// Then so often at first, later each time by a quarter of the time that has passed.
const EVERY: Duration = Duration::from_secs(2);

/// What was said, and when there is more to say.
#[derive(Debug, Default)]
pub struct Progress {
    /// When sessions began to wait, and when the next sentence is due.
    ramp: Option<(Duration, Duration)>,
    said: bool,
}

impl Progress {
    /// The sentence that is due at `now`, on one clock of the caller: `followed` of `all` sessions are followed.
    pub fn at(&mut self, now: Duration, followed: usize, all: usize) -> Option<String> {
        let (followed, all) = (followed as u64, all as u64);
        let (began, due) = *self.ramp.get_or_insert((now, now + FIRST));
        if followed >= all {
            self.ramp = None;
            let took = now.saturating_sub(began).as_secs();
            let end = || format!("{}, {took} s after the first was found", watching(all, all));
            return std::mem::take(&mut self.said).then(end);
        }
        if now < due {
            return None;
        }
        self.said = true;
        self.ramp = Some((began, now + EVERY.max(now.saturating_sub(began) / 4)));
        Some(format!("{}; the others wait for their turn", watching(followed, all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(told: &[(u64, usize, usize)]) -> Vec<(u64, String)> {
        let mut progress = Progress::default();
        let at = |(second, followed, all): &(u64, usize, usize)| {
            Some((*second, progress.at(Duration::from_secs(*second), *followed, *all)?))
        };
        told.iter().filter_map(at).collect()
    }

    #[test]
    fn a_start_that_is_through_in_a_moment_says_nothing() {
        assert_eq!(said(&[(0, 0, 0), (5, 0, 40), (5, 40, 40), (9, 40, 41), (9, 41, 41), (20, 41, 41)]), []);
    }

    #[test]
    fn a_long_one_says_how_far_it_is_less_and_less_often_and_that_it_is_through() {
        let seconds = (0..60).map(|second| (second, 200 * second as usize, 12_000));
        let told = said(&seconds.chain([(60, 12_000, 12_000), (61, 12_000, 12_000)]).collect::<Vec<_>>());
        let when: Vec<u64> = told.iter().map(|(second, _)| *second).collect();
        assert_eq!(when, [1, 3, 5, 7, 9, 12, 15, 19, 24, 30, 38, 48, 60]);
        assert_eq!(told[1].1, "watching 600 of 12 000 sessions; the others wait for their turn");
        assert_eq!(told[12].1, "watching all 12 000 sessions, 60 s after the first was found");
    }
}
