//! Recognises what a reopened stream repeats, where there is no message id to tell it by.
//!
//! Pure. Within one replay of the history, the n-th event of some content is news only if fewer than n of that content have
//! been told. After the replay, everything is news: an agent that does the same thing twice did it twice. When in doubt an
//! event is told again, never lost.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::api::{Event, MessageId};

/// Contents remembered; beyond them, the memory starts afresh and repetitions may be told again.
const REMEMBERED: usize = 8192;

/// A replay lasts at most this many times its quiet time, so that a stream that never rests cannot hide news.
const LONGEST: u32 = 10;

/// One source's replays. Times are on one clock of the caller.
#[derive(Clone, Debug)]
pub struct Replay {
    quiet: Duration,
    /// How many events of a content have been told, by its hash; keyed at random, so that nobody can choose collisions.
    told: HashMap<u64, u32>,
    hasher: RandomState,
    /// The replay that is running.
    running: Option<Box<Running>>,
}

#[derive(Clone, Debug)]
struct Running {
    opened: Duration,
    last_item: Duration,
    /// An id above this one is not history.
    history_to: Option<MessageId>,
    /// Nothing was told before, so nothing can be taken for a repetition.
    first: bool,
    met: HashMap<u64, u32>,
}

impl Replay {
    /// No stream has been opened; a replay is over once the stream was `quiet` for that long.
    #[must_use]
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, told: HashMap::new(), hasher: RandomState::new(), running: None }
    }

    /// A stream was opened at `now`, and the history is known to go to `history_to`.
    pub fn begin(&mut self, now: Duration, history_to: Option<MessageId>) {
        let first = self.told.is_empty();
        self.running = Some(Box::new(Running { opened: now, last_item: now, history_to, first, met: HashMap::new() }));
    }

    /// The stream ended, and its replay with it.
    pub fn end(&mut self) {
        self.running = None;
    }

    /// When the running replay will be over if nothing more comes.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let running = self.running.as_ref()?;
        Some((running.last_item + self.quiet).min(running.opened + self.quiet * LONGEST))
    }

    /// Ends the running replay if its time has come; says whether it ended now.
    pub fn tick(&mut self, now: Duration) -> bool {
        let over = self.deadline().is_some_and(|deadline| now >= deadline);
        if over {
            self.running = None;
        }
        over
    }

    /// An event with an id came at `now`; says whether that ended the running replay.
    pub fn meet_id(&mut self, now: Duration, id: MessageId) -> bool {
        let Some(running) = &mut self.running else { return false };
        running.last_item = now;
        let over = running.history_to.is_some_and(|to| id > to);
        if over {
            self.running = None;
        }
        over
    }

    /// An event without an id came at `now`; says whether it is new.
    pub fn is_new(&mut self, now: Duration, event: &Event) -> bool {
        let hash = self.hasher.hash_one((&event.kind, &event.text, event.at, &event.url, &event.title));
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        let told = self.told.entry(hash).or_default();
        if let Some(running) = &mut self.running {
            let met = running.met.entry(hash).or_default();
            *met += 1;
            let repeats = *met <= *told;
            // News may be live, and an agent that is busy must not prolong the time in which it seems to repeat itself.
            if repeats || running.first {
                running.last_item = now;
            }
            if repeats {
                return false;
            }
        }
        *told += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::EventKind;

    fn step(text: &str) -> Event {
        Event {
            id: None,
            kind: EventKind::Step,
            text: text.to_owned(),
            at: None,
            url: None,
            title: None,
            truncated: false,
        }
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn news(replay: &mut Replay, now: u64, texts: &[&str]) -> Vec<bool> {
        texts.iter().map(|text| replay.is_new(at(now), &step(text))).collect()
    }

    #[test]
    fn a_first_replay_is_all_news() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), None);
        assert_eq!(news(&mut replay, 0, &["a", "a", "b"]), [true, true, true]);
    }

    #[test]
    fn a_second_replay_tells_only_what_was_missed() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), None);
        news(&mut replay, 0, &["a", "a", "b"]);
        replay.begin(at(5000), None);
        assert_eq!(news(&mut replay, 5000, &["a", "a", "b", "a", "c"]), [false, false, false, true, true]);
    }

    #[test]
    fn after_a_replay_the_same_again_is_news() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), None);
        news(&mut replay, 0, &["a"]);
        replay.begin(at(5000), None);
        assert_eq!(news(&mut replay, 5000, &["a"]), [false]);
        assert_eq!(replay.deadline(), Some(at(6000)));
        assert!(!replay.tick(at(5999)));
        assert!(replay.tick(at(6000)));
        assert!(!replay.tick(at(9000)));
        assert_eq!(news(&mut replay, 9000, &["a", "a"]), [true, true]);
    }

    #[test]
    fn news_of_a_busy_agent_do_not_prolong_a_replay() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), None);
        news(&mut replay, 0, &["a", "b"]);
        replay.begin(at(5000), None);
        assert_eq!(news(&mut replay, 5000, &["a"]), [false]);
        assert_eq!(news(&mut replay, 5900, &["c", "d"]), [true, true]);
        assert!(replay.tick(at(6000)));
        assert_eq!(news(&mut replay, 6000, &["b"]), [true]);
    }

    #[test]
    fn an_id_beyond_the_history_ends_the_replay() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), Some(MessageId(5)));
        assert!(!replay.meet_id(at(1), MessageId(5)));
        assert!(replay.meet_id(at(2), MessageId(6)));
        assert_eq!(replay.deadline(), None);
    }

    #[test]
    fn a_stream_that_never_rests_cannot_prolong_its_replay() {
        let mut replay = Replay::new(at(1000));
        replay.begin(at(0), None);
        for now in 0..100 {
            news(&mut replay, now * 100, &["a"]);
        }
        assert_eq!(replay.deadline(), Some(at(10_000)));
    }
}
