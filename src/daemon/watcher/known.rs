//! Which message ids have been told.
//!
//! Pure. A greatest id is not enough: the stream and polling may show ids out of order, and a late one is still news.

use std::collections::BTreeSet;

use crate::api::MessageId;

/// Ids are remembered one by one up to this many; below the oldest of them, every id counts as told.
const REMEMBERED: usize = 8192;

/// The ids told: all up to a low-water mark, and a bounded set above it.
#[derive(Clone, Debug)]
pub struct Known {
    low: MessageId,
    above: BTreeSet<MessageId>,
    bound: usize,
}

impl Known {
    /// Everything up to `cursor` is known.
    #[must_use]
    pub fn up_to(cursor: MessageId) -> Self {
        Self { low: cursor, above: BTreeSet::new(), bound: REMEMBERED }
    }

    /// Notes `id`, and says whether it is new.
    pub fn is_new(&mut self, id: MessageId) -> bool {
        if id <= self.low || !self.above.insert(id) {
            return false;
        }
        while self.above.len() > self.bound {
            self.low = self.above.pop_first().unwrap_or(self.low);
        }
        true
    }

    /// The greatest id known.
    #[must_use]
    pub fn greatest(&self) -> MessageId {
        self.above.last().copied().unwrap_or(self.low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_that_comes_late_is_still_news_once() {
        let mut known = Known::up_to(MessageId(3));
        let news: Vec<_> = [3, 5, 9, 7, 5, 7, 2].into_iter().filter(|id| known.is_new(MessageId(*id))).collect();
        assert_eq!(news, [5, 9, 7]);
        assert_eq!(known.greatest(), MessageId(9));
    }

    #[test]
    fn memory_is_bounded_by_raising_the_low_water_mark() {
        let mut known = Known { bound: 2, ..Known::up_to(MessageId(0)) };
        for id in [10, 20, 30] {
            assert!(known.is_new(MessageId(id)));
        }
        assert_eq!((known.low, known.above.len()), (MessageId(10), 2));
        assert!(!known.is_new(MessageId(9)));
    }

    proptest! {
        #[test]
        fn every_id_is_news_exactly_once(cursor in 0u64..20, ids in proptest::collection::vec(0u64..60, 0..200)) {
            let mut known = Known::up_to(MessageId(cursor));
            let mut told: Vec<_> = ids.iter().copied().filter(|id| known.is_new(MessageId(*id))).collect();
            told.sort_unstable();
            let want: BTreeSet<_> = ids.into_iter().filter(|id| *id > cursor).collect();
            prop_assert_eq!(told, want.into_iter().collect::<Vec<_>>());
        }
    }
}
