//! Which events with a message id have been told.
//!
//! Pure. A greatest id is not enough: sources show ids out of order, and a late one is still news. Nor is the id: a step may
//! carry its thought's, and a message may be sent again with other words. So an event counts as told when each line of its
//! text was told before under the same id and kind. Which source said more about it makes no difference then.
//!
//! Never raises a low-water mark by itself: what was forgotten is told again, and no id hides another.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hash as _, Hasher, RandomState};

use crate::api::{Event, MessageId};

/// Lines remembered at least, of all events together, and about twice as many at most; the oldest are forgotten first, and
/// told again when they come again.
const REMEMBERED: usize = 32_768;

/// So many of the newest lines are kept in their order, before they are sorted in.
const NEWEST: usize = 32;

/// Lines of one event that are told apart; the rest counts as one line.
const LINES: usize = 32;

/// An id that is further than this beyond all polled ones is of another kind (a time, perhaps): it orders nothing.
const FAR: u64 = 100_000_000;

type Hashes = HashSet<u64, BuildHasherDefault<Itself>>;

/// The events told: all up to the cursor that watching began with, and those remembered above it.
#[derive(Clone, Debug)]
pub struct Known {
    low: MessageId,
    greatest: MessageId,
    polled: MessageId,
    /// The greatest id under which anything is remembered: what comes under a greater one is news, and need not be looked
    /// for.
    highest: MessageId,
    /// Hashes of lines, each as good as random already: those that came last.
    newest: Vec<u64>,
    /// Those of earlier.
    told: Hashes,
    /// Those of before, when `told` had become full. Most sessions never have any.
    before: Option<Box<Hashes>>,
    /// Keyed at random, so that nobody can choose collisions.
    hasher: RandomState,
    bound: usize,
}

impl Known {
    /// Everything up to `cursor` is known.
    #[must_use]
    pub fn up_to(cursor: MessageId) -> Self {
        Self {
            low: cursor,
            greatest: cursor,
            polled: cursor,
            highest: MessageId::default(),
            newest: Vec::new(),
            told: Hashes::default(),
            before: None,
            hasher: RandomState::new(),
            bound: REMEMBERED,
        }
    }

    /// Notes `event`, whose id is `id`, and says whether anything about it is new.
    pub fn is_new(&mut self, id: MessageId, event: &Event) -> bool {
        if id <= self.low {
            return false;
        }
        let mut kind = Cow::Borrowed(event.kind.name());
        if kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
            kind.to_mut().make_ascii_lowercase();
        }
        let is_new = self.note(id, &kind, &event.text);
        if id.0 <= self.polled.0.saturating_add(FAR) {
            self.greatest = self.greatest.max(id);
        }
        is_new
    }

    /// Notes what is known of an event from elsewhere, e.g. from before a restart.
    pub fn note(&mut self, id: MessageId, kind: &str, text: &str) -> bool {
        let looks = id <= self.highest;
        self.highest = self.highest.max(id);
        let mut own = self.hasher.build_hasher();
        (id, kind).hash(&mut own);
        let (mut lines, mut any, mut is_new) = (text.split('\n').map(str::trim), false, false);
        for line in lines.by_ref().take(LINES).filter(|line| !line.is_empty()) {
            any = true;
            let mut own = own.clone();
            line.hash(&mut own);
            is_new |= self.remember(own.finish(), looks);
        }
        let rest: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        if !any || !rest.is_empty() {
            rest.hash(&mut own);
            is_new |= self.remember(own.finish(), looks);
        }
        is_new
    }

    /// Polling has brought ids up to `id`.
    pub fn polled(&mut self, id: MessageId) {
        self.polled = self.polled.max(id);
        self.greatest = self.greatest.max(id);
    }

    /// The greatest id known, without those that are far beyond all polled ones.
    #[must_use]
    pub fn greatest(&self) -> MessageId {
        self.greatest
    }

    /// Remembers a line, unless it `looks` whether that is remembered, and it is.
    fn remember(&mut self, key: u64, looks: bool) -> bool {
        if looks && self.remembers(key) {
            return false;
        }
        if self.newest.is_empty() {
            self.newest.reserve_exact(NEWEST);
        }
        self.newest.push(key);
        if self.newest.len() >= NEWEST {
            self.told.extend(self.newest.drain(..));
        }
        if self.told.len() >= self.bound {
            self.before = Some(Box::new(std::mem::take(&mut self.told)));
        }
        true
    }

    fn remembers(&self, key: u64) -> bool {
        let before = || self.before.as_ref().is_some_and(|before| before.contains(&key));
        self.newest.contains(&key) || self.told.contains(&key) || before()
    }
}

/// What is hashed is the hash of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::api::EventKind;

    fn event(kind: EventKind, text: &str) -> Event {
        Event { id: None, kind, text: text.to_owned(), at: None, url: None, title: None, truncated: false }
    }

    fn is_new(known: &mut Known, id: u64) -> bool {
        known.is_new(MessageId(id), &event(EventKind::Thought, "hm"))
    }

    #[test]
    fn an_id_that_comes_late_is_still_news_once() {
        let mut known = Known::up_to(MessageId(3));
        let news: Vec<_> = [3, 5, 9, 7, 5, 7, 2].into_iter().filter(|id| is_new(&mut known, *id)).collect();
        assert_eq!(news, [5, 9, 7]);
        assert_eq!(known.greatest(), MessageId(9));
    }

    #[test]
    fn one_id_with_another_kind_or_other_words_is_news() {
        let mut known = Known::up_to(MessageId(0));
        let told = [
            event(EventKind::Thought, "Reading"),
            event(EventKind::Step, "Reading"),
            event(EventKind::Thought, "Place order"),
            event(EventKind::Thought, " Reading\r\n"),
            event(EventKind::Thought, "Place order\nReading"),
            event(EventKind::Thought, "Reading\npay"),
            event(EventKind::Unknown("Odd".to_owned()), ""),
            event(EventKind::Unknown("odd".to_owned()), "\n"),
        ];
        let news: Vec<_> = told.iter().map(|event| known.is_new(MessageId(4), event)).collect();
        assert_eq!(news, [true, true, true, false, false, true, true, false]);
    }

    #[test]
    fn the_last_of_many_lines_is_news_too() {
        let mut known = Known::up_to(MessageId(0));
        let long = "line\n".repeat(100);
        assert!(known.is_new(MessageId(1), &event(EventKind::Log, &long)));
        assert!(!known.is_new(MessageId(1), &event(EventKind::Log, &long)));
        assert!(known.is_new(MessageId(1), &event(EventKind::Log, &format!("{long}pay"))));
    }

    #[test]
    fn memory_is_bounded_and_what_was_forgotten_hides_nothing() {
        const BOUND: usize = 2 * NEWEST;
        let mut known = Known { bound: BOUND, ..Known::up_to(MessageId(0)) };
        let ids = |ids: std::ops::Range<usize>| ids.map(|n| 10 + n as u64);
        assert!(ids(0..BOUND + 40).all(|id| is_new(&mut known, id)));
        assert!(ids(0..BOUND + 40).rev().all(|id| !is_new(&mut known, id)), "as many as the bound are remembered");
        assert!(ids(BOUND + 40..2 * BOUND + 5).all(|id| is_new(&mut known, id)));
        let sizes = (known.newest.len(), known.told.len(), known.before.as_ref().map(|before| before.len()));
        assert_eq!(sizes, (5, 0, Some(BOUND)));
        assert!(ids(BOUND..2 * BOUND + 5).all(|id| !is_new(&mut known, id)), "and the newest");
        assert!(is_new(&mut known, 10) && is_new(&mut known, 9));
    }

    #[test]
    fn an_id_of_another_kind_orders_nothing() {
        let mut known = Known::up_to(MessageId(350_000));
        assert!(is_new(&mut known, 1_763_900_000_000));
        assert!(is_new(&mut known, 350_001));
        assert_eq!(known.greatest(), MessageId(350_001));
        known.polled(MessageId(350_007));
        assert_eq!(known.greatest(), MessageId(350_007));
    }

    proptest! {
        #[test]
        fn every_id_is_news_exactly_once(cursor in 0u64..20, ids in proptest::collection::vec(0u64..60, 0..200)) {
            let mut known = Known::up_to(MessageId(cursor));
            let mut told: Vec<_> = ids.iter().copied().filter(|id| is_new(&mut known, *id)).collect();
            told.sort_unstable();
            let want: BTreeSet<_> = ids.into_iter().filter(|id| *id > cursor).collect();
            prop_assert_eq!(told, want.into_iter().collect::<Vec<_>>());
        }
    }
}
