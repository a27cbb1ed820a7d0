//! Whose turn it is to begin to follow a session, and how many have theirs at a time.
//!
//! Pure: times come in on one clock of the caller. Knows no session's state but its rank, and forgets who has had a turn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Rank, Went};
use crate::api::SessionId;

/// How many turns there are at once: at first, at least, and at most. Each that goes well makes room for one more, so that they
/// double with every round trip; one that is refused halves them.
const FIRST: usize = 32;
const LEAST: usize = 8;
const MOST: usize = 256;
/// Every so many turns whoever waits longest has one, whatever its rank: those that fail again and again hold up nobody for good.
const FAIR: u64 = 8;
/// A turn counts for this long at most: what hangs keeps nobody waiting.
const LASTS: Duration = Duration::from_secs(2);

/// Where one stands: the rank, then whoever did not fail last time, then who came first.
type Place = (Rank, bool, u64);

/// Who waits, and who has a turn. `T` is what is handed to whoever gets one.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: BTreeMap<Place, (SessionId, T)>,
    /// Turns that are out, and when each began.
    out: BTreeMap<u64, Duration>,
    limit: usize,
    /// Turns before this one say nothing more about the limit: it was cut after they had begun.
    cut: u64,
    next: u64,
    given: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { waiting: BTreeMap::new(), out: BTreeMap::new(), limit: FIRST, cut: 0, next: 0, given: 0 }
    }

    /// Somebody wants a turn.
    pub(super) fn wants(&mut self, session: SessionId, rank: Rank, failed: bool, what: T) {
        self.next += 1;
        self.waiting.insert((rank, failed, self.next), (session, what));
    }

    /// The next who gets a turn, with its number; none while as many are out as may be.
    pub(super) fn next(&mut self, now: Duration) -> Option<(u64, T)> {
        if self.out.len() >= self.limit {
            return None;
        }
        self.given += 1;
        let oldest = || self.waiting.keys().min_by_key(|(_, _, came)| *came).copied();
        let place = if self.given.is_multiple_of(FAIR) { oldest() } else { self.waiting.keys().next().copied() };
        let (_, what) = self.waiting.remove(&place?)?;
        self.next += 1;
        self.out.insert(self.next, now);
        Some((self.next, what))
    }

    /// A turn is given back; one that was over already changes nothing.
    pub(super) fn back(&mut self, turn: u64, went: Went) {
        if self.out.remove(&turn).is_none() {
            return;
        }
        match went {
            Went::Well => self.limit = (self.limit + 1).min(MOST),
            Went::Refused if turn > self.cut => {
                self.limit = (self.limit / 2).max(LEAST);
                self.cut = self.next;
            }
            Went::Refused | Went::Nowhere => (),
        }
    }

    /// When the oldest turn counts no longer.
    pub(super) fn overdue(&self) -> Option<Duration> {
        // They are numbered in the order in which they began.
        self.out.first_key_value().map(|(_, began)| *began + LASTS)
    }

    /// Ends turns that have lasted long enough.
    pub(super) fn end_overdue(&mut self, now: Duration) {
        self.out.retain(|_, began| *began + LASTS > now);
    }

    /// These sessions may act now: whoever waits for one of them comes before those that rest.
    pub(super) fn act(&mut self, sessions: &BTreeSet<SessionId>) {
        let behind = (Rank::Waits, false, 0)..;
        let act: Vec<_> = self.waiting.extract_if(behind, |_, (session, _)| sessions.contains(session)).collect();
        for ((_, failed, came), waits) in act {
            self.waiting.insert((Rank::Acts, failed, came), waits);
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SessionId {
        SessionId::try_from(format!("s-{number}")).expect("an id")
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn all_next(queue: &mut Queue<usize>, now: Duration) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| queue.next(now)).collect()
    }

    fn who(turns: Vec<(u64, usize)>) -> Vec<usize> {
        turns.into_iter().map(|(_, who)| who).collect()
    }

    fn waiting(number: usize) -> Queue<usize> {
        let mut queue = Queue::new();
        (0..number).for_each(|who| queue.wants(id(who), Rank::Acts, false, who));
        queue
    }

    #[test]
    fn turns_double_with_each_round_that_goes_well_up_to_a_bound() {
        let mut queue = waiting(2_000);
        let mut rounds = Vec::new();
        while queue.waiting() > 0 {
            let out = all_next(&mut queue, at(0));
            rounds.push(out.len());
            out.into_iter().for_each(|(turn, _)| queue.back(turn, Went::Well));
        }
        assert_eq!(rounds[..5], [32, 64, 128, 256, 256]);
        assert!(rounds.iter().all(|round| *round <= MOST), "{rounds:?}");
    }

    #[test]
    fn refused_turns_halve_them_once_a_round_down_to_a_bound() {
        let mut queue = waiting(2_000);
        let mut rounds = Vec::new();
        for _ in 0..5 {
            let out = all_next(&mut queue, at(0));
            rounds.push(out.len());
            out.into_iter().for_each(|(turn, _)| queue.back(turn, Went::Refused));
        }
        assert_eq!(rounds, [32, 16, 8, 8, 8]);
    }

    #[test]
    fn a_turn_that_was_not_used_says_nothing() {
        let mut queue = waiting(100);
        let out = all_next(&mut queue, at(0));
        out.into_iter().for_each(|(turn, _)| queue.back(turn, Went::Nowhere));
        assert_eq!(all_next(&mut queue, at(0)).len(), FIRST);
    }

    #[test]
    fn whose_agent_may_act_comes_first_and_who_failed_before_comes_last_of_its_rank() {
        let mut queue = Queue::new();
        let ranks = [(Rank::Rests, false), (Rank::Acts, true), (Rank::Waits, false), (Rank::Held, false)];
        let later = [(Rank::Acts, false), (Rank::Rests, false), (Rank::Acts, false)];
        for (who, (rank, failed)) in ranks.into_iter().chain(later).enumerate() {
            queue.wants(id(who), rank, failed, who);
        }
        assert_eq!(who(all_next(&mut queue, at(0))), [4, 6, 1, 3, 2, 0, 5]);
    }

    #[test]
    fn a_session_that_begins_to_act_is_no_longer_behind_those_that_rest() {
        let mut queue = Queue::new();
        for (who, rank) in [Rank::Rests, Rank::Waits, Rank::Held, Rank::Acts, Rank::Rests].into_iter().enumerate() {
            queue.wants(id(who), rank, false, who);
        }
        queue.act(&BTreeSet::from([id(4), id(2), id(99)]));
        assert_eq!(who(all_next(&mut queue, at(0))), [3, 4, 2, 1, 0]);
    }

    #[test]
    fn a_turn_that_hangs_counts_for_two_seconds_and_says_nothing_when_it_is_over() {
        let mut queue = waiting(FIRST + 2);
        let out = all_next(&mut queue, at(0));
        queue.back(out[0].0, Went::Nowhere);
        assert_eq!(who(all_next(&mut queue, at(500))), [FIRST]);
        assert_eq!(queue.overdue(), Some(at(2_000)));
        queue.end_overdue(at(1_999));
        assert_eq!(queue.next(at(1_999)), None);
        queue.end_overdue(at(2_000));
        assert_eq!(queue.overdue(), Some(at(2_500)));
        queue.back(out[1].0, Went::Refused);
        assert_eq!((who(all_next(&mut queue, at(2_000))), queue.limit), (vec![FIRST + 1], FIRST));
    }
}
