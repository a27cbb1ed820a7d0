//! What the provider's list says of one session: whether a task runs in it.
//!
//! The list is one read for all sessions of an account. So it can tell that nothing has begun in ten thousand that rest, where asking
//! each would be more than a thousand requests a second; and it tells of a task that begins sooner than a poll of that session would.
//!
//! It is taken at its word as far as it proved right. Whoever follows a session in which a task runs compares: where the list said
//! so as well, between two answers of the session itself, it is proved, for all sessions, until it is wrong once; where it said three
//! times in a row that nothing runs, it is refuted, for all sessions, until it is right. That nothing runs may be so for hours, so a list
//! that was never compared counts as well, for what its reader says.
//!
//! That nothing runs counts no more once the list has shown a task, one that waits or is paused too, until the session itself was
//! read: what ran meanwhile is not undone by a list that shows it at rest again.
//!
//! One end tells, with every list; the other is looked at when something is due, and is woken only when a task begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use crate::api::{Status, StatusClass};

/// So often in a row the list has to be wrong of one session: a task may end and another begin between two answers.
const WRONG_MOST: u8 = 3;

/// What is known of the list itself. Cheap to clone; all its entries share it.
#[derive(Clone, Debug)]
pub struct Roll(Arc<Common>);

#[derive(Debug)]
struct Common {
    origin: Instant,
    /// It was right the last time that anybody compared.
    proved: AtomicBool,
    /// It was wrong again and again since it was right.
    refuted: AtomicBool,
}

/// The end that tells of one session.
#[derive(Debug)]
pub struct Entry(Arc<Shared>);

/// The end that is told of one session.
#[derive(Debug)]
pub struct Listed {
    shared: Arc<Shared>,
    /// How often in a row it was wrong.
    wrong: u8,
}

/// Times are microseconds since the origin, and one: zero is never.
#[derive(Debug)]
struct Shared {
    roll: Roll,
    /// When the list was asked for that spoke last, and what it said; in one, so that neither is read without the other.
    word: AtomicU64,
    /// When the list was asked for that said last that nothing runs, and counts.
    rested: AtomicU64,
    /// When a list told last of a task.
    acted: AtomicU64,
    /// When the newest read of the session that was answered began.
    read: AtomicU64,
    /// It said that a task runs where none had, and that was not heard yet.
    begins: AtomicBool,
    reader: AtomicWaker,
}

/// What a list says of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Neither: a session that is paused, or waits, has a task, and its agent does not act.
    Nothing,
    /// No task runs.
    Rests,
    /// A task runs, or may.
    Acts,
}

impl Roll {
    /// A list that said nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Common { origin: Instant::now(), proved: false.into(), refuted: false.into() }))
    }

    /// Both ends of one session's entry.
    #[must_use]
    pub fn entry(&self) -> (Entry, Listed) {
        let shared = Arc::new(Shared {
            roll: self.clone(),
            word: 0.into(),
            rested: 0.into(),
            acted: 0.into(),
            read: 0.into(),
            begins: false.into(),
            reader: AtomicWaker::new(),
        });
        (Entry(shared.clone()), Listed { shared, wrong: 0 })
    }
}

impl Default for Roll {
    fn default() -> Self {
        Self::new()
    }
}

impl Entry {
    /// A list that was asked for at `asked` shows the session with this status.
    pub fn says(&self, status: &Status, asked: Instant) {
        let shared = &*self.0;
        let says = match status.class() {
            StatusClass::Idle => Says::Rests,
            StatusClass::Active | StatusClass::Unknown => Says::Acts,
            StatusClass::Waiting | StatusClass::Paused | StatusClass::Over => Says::Nothing,
        };
        let at = shared.roll.since(asked);
        match says {
            Says::Nothing | Says::Acts => shared.acted.store(shared.roll.since(Instant::now()), Ordering::Release),
            Says::Rests if shared.owes_a_read() => {}
            Says::Rests => shared.rested.store(at, Ordering::Release),
        }
        let (before, asked_before) = heard(shared.word.swap(word(says, at), Ordering::AcqRel));
        let begins = match before {
            Says::Rests => says != Says::Rests,
            Says::Nothing => asked_before > 0 && says == Says::Acts,
            Says::Acts => false,
        };
        if begins {
            shared.begins.store(true, Ordering::Release);
            shared.reader.wake();
        }
    }
}

impl Listed {
    /// When the list was asked for that said last that nothing runs here, before one that shows a task which nobody has looked into;
    /// nothing while the list is refuted.
    #[must_use]
    pub fn rested_at(&self) -> Option<Instant> {
        let at = self.shared.rested.load(Ordering::Acquire);
        (at > 0 && !self.is_refuted()).then(|| self.shared.roll.at(at))
    }

    /// Whether the newest list, asked for within this time, says that nothing runs here; not while the list is refuted, or has shown a
    /// task which nobody has looked into.
    #[must_use]
    pub fn rests(&self, within: Duration) -> bool {
        let (says, asked) = heard(self.shared.word.load(Ordering::Acquire));
        let fresh = self.shared.roll.at(asked).elapsed() <= within;
        says == Says::Rests && fresh && !self.shared.owes_a_read() && !self.is_refuted()
    }

    /// Whether the list was right when it was last compared, and is not refuted.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.shared.roll.0.proved.load(Ordering::Relaxed) && !self.is_refuted()
    }

    /// Ready once for each task that the list says has begun. Whoever asked last is woken.
    pub fn poll_begins(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.shared.begins.load(Ordering::Acquire) {
            self.shared.reader.register(cx.waker());
        }
        if self.shared.begins.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// A read of the session itself that was begun at `began` has been answered.
    pub fn read(&self, began: Instant) {
        self.shared.read.store(self.shared.roll.since(began), Ordering::Release);
    }

    /// The session itself said that a task runs, at `before` and now again. Whether that refutes the list, once for each time that it is
    /// wrong in a row.
    pub fn compare(&mut self, before: Instant) -> bool {
        let (says, asked) = heard(self.shared.word.load(Ordering::Acquire));
        if self.shared.roll.at(asked) <= before {
            return false;
        }
        let shared = self.shared.clone();
        let common = &shared.roll.0;
        match says {
            Says::Nothing => false,
            Says::Acts => {
                self.wrong = 0;
                common.proved.store(true, Ordering::Relaxed);
                common.refuted.store(false, Ordering::Relaxed);
                false
            }
            Says::Rests => {
                common.proved.store(false, Ordering::Relaxed);
                self.wrong = self.wrong.saturating_add(1);
                common.refuted.fetch_or(self.wrong >= WRONG_MOST, Ordering::Relaxed);
                self.wrong == WRONG_MOST
            }
        }
    }

    fn is_refuted(&self) -> bool {
        self.shared.roll.0.refuted.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Whether the list has shown a task since the newest read of the session began that was answered.
    fn owes_a_read(&self) -> bool {
        self.acted.load(Ordering::Acquire) > self.read.load(Ordering::Acquire)
    }
}

impl Roll {
    fn since(&self, at: Instant) -> u64 {
        let micros = at.saturating_duration_since(self.0.origin).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX >> 3) + 1
    }

    fn at(&self, micros: u64) -> Instant {
        self.0.origin + Duration::from_micros(micros.saturating_sub(1))
    }
}

/// What was said, behind when: more microseconds than anybody's uptime has.
fn word(says: Says, asked: u64) -> u64 {
    asked << 2
        | match says {
            Says::Nothing => 0,
            Says::Rests => 1,
            Says::Acts => 2,
        }
}

fn heard(word: u64) -> (Says, u64) {
    let says = match word & 3 {
        1 => Says::Rests,
        2 => Says::Acts,
        _ => Says::Nothing,
    };
    (says, word >> 2)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::time::advance;

    use super::*;

    fn status(word: &str) -> Status {
        Status(word.to_owned())
    }

    fn begins(listed: &Listed) -> bool {
        listed.poll_begins(&Context::from_waker(Waker::noop())).is_ready()
    }

    /// Two answers of a session whose task runs, and a list between them that says `word`.
    async fn compared(entry: &Entry, listed: &mut Listed, word: &str) -> bool {
        let before = Instant::now();
        advance(Duration::from_secs(1)).await;
        entry.says(&status(word), Instant::now());
        listed.compare(before)
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_status_without_a_task_is_rest_and_it_counts_from_when_the_list_was_asked_for() {
        for (word, rests) in [
            ("ready", true),
            ("completed", true),
            ("error", true),
            ("running", false),
            ("waiting_for_input", false),
            ("paused", false),
            ("terminated", false),
            ("dozing", false),
        ] {
            let (entry, listed) = Roll::new().entry();
            let asked = Instant::now();
            advance(Duration::from_secs(3)).await;
            entry.says(&status(word), asked);
            assert_eq!(listed.rested_at(), rests.then_some(asked), "{word}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_begins_once_where_there_was_rest_before() {
        let (entry, listed) = Roll::new().entry();
        for (word, expected) in [
            ("running", false),
            ("ready", false),
            ("running", true),
            ("running", false),
            ("paused", false),
            ("running", true),
            ("ready", false),
            ("whatever", true),
            ("ready", false),
            ("waiting_for_input", true),
            ("ready", false),
        ] {
            advance(Duration::from_secs(2)).await;
            entry.says(&status(word), Instant::now());
            assert_eq!(begins(&listed), expected, "{word}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_task_is_woken_by_the_list_that_shows_it() {
        let (entry, listed) = Roll::new().entry();
        entry.says(&status("ready"), Instant::now());
        let waits = tokio::spawn(async move { std::future::poll_fn(|cx| listed.poll_begins(cx)).await });
        tokio::task::yield_now().await;
        entry.says(&status("running"), Instant::now());
        waits.await.expect("woken");
    }

    /// However often it is listed at rest again: what ran meanwhile may have done anything.
    #[tokio::test(start_paused = true)]
    async fn rest_counts_no_more_once_a_task_was_listed_until_the_session_was_read() {
        let hour = Duration::from_secs(3600);
        for task in ["running", "waiting_for_input", "paused"] {
            let (entry, listed) = Roll::new().entry();
            let says = async |word: &str| {
                advance(Duration::from_secs(2)).await;
                let asked = Instant::now();
                entry.says(&status(word), asked);
                asked
            };
            let before = says("ready").await;
            says(task).await;
            says("ready").await;
            assert_eq!((listed.rested_at(), listed.rests(hour)), (Some(before), false), "{task}");
            listed.read(before);
            says("ready").await;
            assert_eq!((listed.rested_at(), listed.rests(hour)), (Some(before), false), "that read began before it");
            listed.read(Instant::now());
            let since = says("ready").await;
            assert_eq!((listed.rested_at(), listed.rests(hour)), (Some(since), true), "{task}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_agrees_is_proved_for_all_until_it_is_wrong() {
        let roll = Roll::new();
        let ((entry, mut listed), (_, other)) = (roll.entry(), roll.entry());
        for (word, proved) in [
            ("ready", false),
            ("waiting_for_input", false),
            ("running", true),
            ("waiting_for_input", true),
            ("ready", false),
            ("running", true),
        ] {
            compared(&entry, &mut listed, word).await;
            assert_eq!(other.is_proved(), proved, "{word}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_wrong_three_times_in_a_row_is_refuted_for_all_until_it_is_right_about_one() {
        let roll = Roll::new();
        let ((wrong, mut acts), (right, mut also)) = (roll.entry(), roll.entry());
        let (other, rests) = roll.entry();
        other.says(&status("ready"), Instant::now());
        let hour = Duration::from_secs(3600);
        let mut refuted = Vec::new();
        for _ in 0..5 {
            refuted.push((compared(&wrong, &mut acts, "ready").await, rests.rested_at().is_none()));
        }
        assert_eq!(refuted, [(false, false), (false, false), (true, true), (false, true), (false, true)]);
        assert!(!rests.rests(hour) && !rests.is_proved());
        compared(&right, &mut also, "running").await;
        assert!(rests.rests(hour) && rests.is_proved() && rests.rested_at().is_some());
        assert!(!compared(&wrong, &mut acts, "ready").await, "said already");
        assert!(!rests.rests(hour), "it is wrong of that one still");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_newest_word_counts_and_for_a_time() {
        let (entry, listed) = Roll::new().entry();
        let within = Duration::from_secs(5);
        assert!(!listed.rests(within));
        entry.says(&status("ready"), Instant::now());
        assert!(listed.rests(within));
        entry.says(&status("running"), Instant::now());
        assert!(!listed.rests(within));
        listed.read(Instant::now());
        entry.says(&status("ready"), Instant::now());
        advance(within).await;
        assert!(listed.rests(within));
        advance(Duration::from_millis(1)).await;
        assert!(!listed.rests(within), "too old");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_of_before_the_task_was_seen_proves_nothing() {
        let (entry, mut listed) = Roll::new().entry();
        entry.says(&status("running"), Instant::now());
        assert!(!listed.compare(Instant::now()) && !listed.is_proved());
    }
}
