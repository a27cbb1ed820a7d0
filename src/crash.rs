//! Crash points: named spots at which a test build ends its own process with SIGKILL, so that a test can see what a restart
//! makes of it.
//!
//! Only a build with the feature `crash-points` has them; in every other build [`at`] is an empty function. The feature is
//! not a default one, no other feature turns it on, and a daemon that has it says so (`holdpoint --version`, `holdpoint
//! doctor`) and refuses to start unless [`VARIABLE`] is set: whoever builds with all features gets a binary that a test can
//! use and nobody else. Never decides anything, and never returns once it has struck.

use std::fmt;

/// The variable that names the point: `decided_committed`, or `decided_committed:2` for the second time that it is passed;
/// `none` for a process that is to live.
pub const VARIABLE: &str = "HOLDPOINT_CRASH_AT";

/// What [`VARIABLE`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The process lives.
    Nowhere,
    /// The process ends when it passes `point` for the `nth` time, counted from one.
    At {
        /// Where.
        point: Point,
        /// Which time.
        nth: u32,
    },
}

/// Why a build with crash points does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// The variable is not set: this is no test.
    #[error("this is a test build with crash points, which runs only where a test has set {VARIABLE}")]
    NoTest,
    /// The variable names no point.
    #[error("{VARIABLE}={0:?} names no crash point: it takes a name as in src/crash.rs, with :2 for the second time")]
    NoSuchPoint(String),
}

impl std::str::FromStr for Aim {
    type Err = NotPermitted;

    fn from_str(text: &str) -> Result<Self, NotPermitted> {
        if text == "none" {
            return Ok(Self::Nowhere);
        }
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let point = Point::ALL.iter().copied().find(|point| point.name() == name);
        let nth = nth.parse().ok().filter(|nth| *nth > 0);
        match (point, nth) {
            (Some(point), Some(nth)) => Ok(Self::At { point, nth }),
            (Some(_) | None, _) => Err(NotPermitted::NoSuchPoint(text.to_owned())),
        }
    }
}

/// Makes the points and their list from one table, so that none can be missing in the list.
macro_rules! points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal,)+) => {
        /// A spot at which a process can end.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $($(#[doc = $doc])+ $point,)+
        }

        impl Point {
            /// Every point.
            pub const ALL: &'static [Self] = &[$(Self::$point,)+];

            /// The point's name, as [`VARIABLE`] takes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }

            /// Where it is: what has happened by then, and what has not.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$point => concat!($($doc),+),)+
                }
            }
        }
    };
}

points! {
    /// A pause is about to be sent.
    PauseUnsent = "pause_unsent",
    /// The provider answered a pause; the gate has not heard it.
    PauseUnheard = "pause_unheard",
    /// A cancellation is about to be sent.
    CancelUnsent = "cancel_unsent",
    /// The provider answered a cancellation; the gate has not heard it.
    CancelUnheard = "cancel_unheard",
    /// A deletion is about to be sent.
    DeleteUnsent = "delete_unsent",
    /// The provider answered a deletion; the gate has not heard it.
    DeleteUnheard = "delete_unheard",
    /// A resume is about to be sent; its decision is durable.
    ResumeUnsent = "resume_unsent",
    /// The provider answered a resume; the gate has not heard it.
    ResumeUnheard = "resume_unheard",
    /// A message is about to be sent; its decision is durable.
    MessageUnsent = "message_unsent",
    /// The provider answered a message; the gate has not heard it.
    MessageUnheard = "message_unheard",
    /// A session is about to be read back.
    ReadUnsent = "read_unsent",
    /// The status was read, the messages were not.
    ReadHalf = "read_half",
    /// Both were read; the gate has not heard it.
    ReadUnheard = "read_unheard",
    /// A picture is about to be asked for.
    ScreenshotUnsent = "screenshot_unsent",
    /// The provider answered with a picture; the gate has not heard it.
    ScreenshotUnheard = "screenshot_unheard",

    /// A pause left before everything else that its event asked for: nothing of it is written or shown.
    PauseAlone = "pause_alone",
    /// The gate wants something recorded; nothing of its turn is carried out.
    TurnUntouched = "turn_untouched",
    /// The calls and views of a turn are under way; what it wants recorded is not with the writer.
    TurnUnrecorded = "turn_unrecorded",
    /// What a turn wants recorded is with the writer.
    TurnRecorded = "turn_recorded",
    /// A decision that releases is about to be handed to the writer.
    DecisionUnasked = "decision_unasked",
    /// A decision that releases is with the writer, which has not answered.
    DecisionAsked = "decision_asked",
    /// A decision that releases is durable; the gate has not heard it.
    DecisionUnheard = "decision_unheard",
    /// The gate heard what a call was answered, and what follows is under way.
    AnswerHeard = "answer_heard",
    /// The events of a look are judged; the gate has not heard the look itself.
    LookHalfHeard = "look_half_heard",
    /// An operator is about to be answered.
    ReplyUnsent = "reply_unsent",
    /// An operator was answered.
    ReplySent = "reply_sent",
    /// A cursor that moved is about to be handed to the writer.
    CursorUnsent = "cursor_unsent",

    /// The writer has something to write and has not begun.
    WriteUnbegun = "write_unbegun",
    /// A transaction is durable; nobody who waits for it is told.
    WriteUntold = "write_untold",
    /// A transaction is durable and everybody who waited for it is told.
    WriteTold = "write_told",
    /// The daemon stops; the writer's last transaction has not begun.
    WriteLast = "write_last",
    /// A transaction is open and nothing is in it.
    TransactionBegun = "transaction_begun",
    /// The opening of an approval is complete and not committed.
    OpenedUncommitted = "opened_uncommitted",
    /// The opening of an approval is committed.
    OpenedCommitted = "opened_committed",
    /// A new revision is complete and not committed.
    RevisedUncommitted = "revised_uncommitted",
    /// A new revision is committed.
    RevisedCommitted = "revised_committed",
    /// An outcome is complete and not committed.
    DecidedUncommitted = "decided_uncommitted",
    /// An outcome is committed.
    DecidedCommitted = "decided_committed",
    /// What became of an outcome is complete and not committed.
    DeliveredUncommitted = "delivered_uncommitted",
    /// What became of an outcome is committed.
    DeliveredCommitted = "delivered_committed",
    /// An entry of another kind (a note, a vote, a deadline that moved, stands still or goes on) is complete and not committed.
    OtherUncommitted = "other_uncommitted",
    /// An entry of another kind is committed.
    OtherCommitted = "other_committed",
    /// A cursor moved, or is forgotten; its transaction is not committed.
    CursorUncommitted = "cursor_uncommitted",
    /// A cursor moved, or is forgotten, and that is committed.
    CursorCommitted = "cursor_committed",
    /// Recorded events are complete and not committed.
    EventsUncommitted = "events_uncommitted",
    /// Recorded events are committed.
    EventsCommitted = "events_committed",

    /// Everything is stopped; nothing of it is written, and whoever asked has no answer.
    HaltUnwritten = "halt_unwritten",
    /// The stop of everything is complete and not committed.
    HaltUncommitted = "halt_uncommitted",
    /// The stop of everything is committed; whoever asked has no answer.
    HaltUntold = "halt_untold",
    /// The end of the stop is asked for and not written.
    HaltEndUnwritten = "halt_end_unwritten",
    /// The end of the stop is committed; it is in force still, and whoever asked has no answer.
    HaltEndUntold = "halt_end_untold",
    /// The end of the stop counts; whoever asked has no answer.
    HaltEndUnanswered = "halt_end_unanswered",

    /// The store is open and of this version; nothing of it is read.
    StoreOpened = "store_opened",
    /// What is under way was read; nothing of it is taken up.
    StoreRead = "store_read",
    /// A session with something under way is about to be taken up.
    TakeUpUnbegun = "take_up_unbegun",
    /// One approval is taken up, and what that asks for is under way.
    TakenUp = "taken_up",
    /// All approvals of a session are taken up and its watcher is started; nobody is shown anything.
    TakenUpUnshown = "taken_up_unshown",

    /// The daemon stops: a session's gate is told, and its calls are not finished.
    DrainBegun = "drain_begun",
    /// The daemon stops: a session's calls are finished, what they brought may not be with the writer.
    DrainUnflushed = "drain_unflushed",
    /// The daemon stops: all sessions are done, the writer is not.
    StopUnwritten = "stop_unwritten",
    /// The daemon stopped, all of it; the process has not ended.
    Stopped = "stopped",
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether this build has crash points.
#[must_use]
pub const fn is_built_in() -> bool {
    cfg!(feature = "crash-points")
}

/// Ends the process with SIGKILL if [`VARIABLE`] says so; does nothing in a build without crash points.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub const fn at(_point: Point) {}

/// Whether a daemon may run: always in a build without crash points, otherwise only where a test says so.
///
/// # Errors
/// When [`VARIABLE`] is not set, or names no point.
#[cfg(not(feature = "crash-points"))]
pub const fn permitted() -> Result<(), NotPermitted> {
    Ok(())
}

/// Whether a process is to end in the middle of a transaction, which has to be cut there then: never in a build without crash points.
#[cfg(not(feature = "crash-points"))]
#[inline]
#[must_use]
pub const fn aims_within_transactions() -> bool {
    false
}

#[cfg(feature = "crash-points")]
pub use striking::{aims_within_transactions, at, permitted};

#[cfg(feature = "crash-points")]
mod striking {
    //! The half of it that only a test build has.

    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{Aim, NotPermitted, Point, VARIABLE};

    /// Whether a daemon may run: only where a test has set [`VARIABLE`].
    ///
    /// # Errors
    /// When it is not set, or names no point.
    pub fn permitted() -> Result<(), NotPermitted> {
        aim().map(drop)
    }

    /// Ends the process with SIGKILL if the variable says so.
    pub fn at(point: Point) {
        static PASSED: AtomicU32 = AtomicU32::new(0);
        let Some(Aim::At { point: aimed, nth }) = aimed() else { return };
        if point == *aimed && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *nth {
            strike();
        }
    }

    /// Whether [`VARIABLE`] names a spot inside of a transaction of the journal: only then it is cut there, so that every other
    /// process that is killed has written as the ones that are used do.
    #[must_use]
    pub fn aims_within_transactions() -> bool {
        const WITHIN: [Point; 7] = [
            Point::TransactionBegun,
            Point::OpenedUncommitted,
            Point::RevisedUncommitted,
            Point::DecidedUncommitted,
            Point::DeliveredUncommitted,
            Point::OtherUncommitted,
            Point::CursorUncommitted,
        ];
        matches!(aimed(), Some(Aim::At { point, .. }) if WITHIN.contains(point))
    }

    fn aimed() -> Option<&'static Aim> {
        static AIM: OnceLock<Option<Aim>> = OnceLock::new();
        AIM.get_or_init(|| aim().ok()).as_ref()
    }

    fn aim() -> Result<Aim, NotPermitted> {
        std::env::var_os(VARIABLE).ok_or(NotPermitted::NoTest)?.to_string_lossy().parse()
    }

    /// No handler runs, nothing is flushed, and what this thread would do next is not done.
    fn strike() -> ! {
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_another_one_and_is_read_as_it_is_written() {
        let mut names: Vec<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        for point in Point::ALL.iter().copied() {
            assert_eq!(point.name().parse(), Ok(Aim::At { point, nth: 1 }));
            assert_eq!(format!("{point}:3").parse(), Ok(Aim::At { point, nth: 3 }));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Point::ALL.len());
        assert_eq!("none".parse(), Ok(Aim::Nowhere));
    }

    #[test]
    fn what_names_no_point_is_refused() {
        for wrong in ["", "nowhere", "pause_unsent:0", "pause_unsent:x", "Pause_Unsent", "pause_unsent:1:2"] {
            let refused = wrong.parse::<Aim>().expect_err("no point").to_string();
            assert!(refused.contains("names no crash point"), "{refused}");
        }
    }
}
