//! Which crash points a story passes in the first life of its daemon, and why not the others: a point that is to be passed
//! and is not fails the test, and so does one that is passed where it cannot be.

use holdpoint::crash::Point;

use crate::story::Story;

/// Whether a point is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every time.
    Always,
    /// Depending on what comes first, as this says.
    Perhaps(&'static str),
    /// Never, for this reason.
    Never(&'static str),
}

use Reach::{Always, Never, Perhaps};

/// Whether `story` passes `point` before its end, in a daemon that finds an empty store.
pub fn reach(story: Story, point: Point) -> Reach {
    match point {
        Point::PauseUnsent
        | Point::PauseUnheard
        | Point::PauseAlone
        | Point::ScreenshotUnsent
        | Point::ScreenshotUnheard
        | Point::RevisedUncommitted
        | Point::RevisedCommitted => when(story != Story::Answer, "a question is asked about without a pause"),
        Point::CancelUnsent | Point::CancelUnheard if story == Story::Extend => {
            Perhaps("only where the time is over before it is extended")
        }
        Point::CancelUnsent | Point::CancelUnheard => when(cancels(story), "nothing is cancelled"),
        Point::DeleteUnsent | Point::DeleteUnheard => when(story == Story::Delete, "nothing is deleted"),
        Point::ResumeUnsent | Point::ResumeUnheard => when(resumes(story), "nothing is resumed"),
        Point::MessageUnsent | Point::MessageUnheard => when(story.message().is_some(), "no message is sent"),
        Point::DecisionUnasked | Point::DecisionAsked | Point::DecisionUnheard => {
            when(!cancels(story), "a cancellation waits for no disk")
        }
        Point::ReplyUnsent | Point::ReplySent => when(story.act(false).is_some() && !by_rule(story), "nobody answers"),
        Point::ReadUnsent
        | Point::ReadHalf
        | Point::ReadUnheard
        | Point::TurnUntouched
        | Point::TurnUnrecorded
        | Point::TurnRecorded
        | Point::AnswerHeard
        | Point::LookHalfHeard
        | Point::WriteUnbegun
        | Point::WriteUntold
        | Point::WriteTold
        | Point::WriteLast
        | Point::TransactionBegun
        | Point::OpenedUncommitted
        | Point::OpenedCommitted
        | Point::DecidedUncommitted
        | Point::DecidedCommitted
        | Point::DeliveredUncommitted
        | Point::DeliveredCommitted
        | Point::EventsUncommitted
        | Point::EventsCommitted
        | Point::StoreOpened
        | Point::StoreRead
        | Point::StopUnwritten
        | Point::Stopped => Always,
        Point::OtherUncommitted | Point::OtherCommitted => match story {
            // The rule's acting, the deadline that stands still, or what kept failing, is written down.
            // Or a vote, or a deadline that moved.
            Story::Cooldown | Story::Rule | Story::Halt | Story::Delete | Story::Votes | Story::Extend => Always,
            Story::Approve | Story::Deny | Story::Expire | Story::Instruct | Story::Answer | Story::Refuse => {
                Perhaps("only where something odd is told beside, as a pause that is slow to succeed")
            }
        },
        Point::CursorUnsent | Point::CursorUncommitted | Point::CursorCommitted => match story {
            Story::Expire | Story::Extend => Always,
            Story::Approve
            | Story::Deny
            | Story::Cooldown
            | Story::Instruct
            | Story::Rule
            | Story::Answer
            | Story::Refuse
            | Story::Delete
            | Story::Halt
            | Story::Votes => Perhaps("a story may end before its cursor moves"),
        },
        Point::HaltUnwritten
        | Point::HaltUncommitted
        | Point::HaltUntold
        | Point::HaltEndUnwritten
        | Point::HaltEndUntold
        | Point::HaltEndUnanswered => when(story == Story::Halt, "nothing is stopped"),
        Point::TakeUpUnbegun | Point::TakenUp | Point::TakenUpUnshown => Never(TAKES_UP),
        Point::DrainBegun | Point::DrainUnflushed => match story {
            Story::Delete => Never("a session that is gone has no driver to be stopped"),
            Story::Approve
            | Story::Deny
            | Story::Expire
            | Story::Cooldown
            | Story::Instruct
            | Story::Rule
            | Story::Answer
            | Story::Refuse
            | Story::Halt
            | Story::Votes
            | Story::Extend => Always,
        },
    }
}

/// Why a first life takes nothing up; a second one does.
pub const TAKES_UP: &str = "a first start finds nothing under way; it is tried in a second life";

/// The point at which the first of several lives ends, so that something of weight is under way at the next start.
pub fn seeds(story: Story) -> Vec<Point> {
    let seeds = [
        Point::OpenedCommitted,
        Point::DecidedCommitted,
        Point::PauseUnheard,
        Point::MessageUnsent,
        Point::ResumeUnheard,
        Point::MessageUnheard,
        Point::RevisedCommitted,
        Point::CancelUnheard,
        Point::ResumeUnsent,
        Point::HaltUntold,
        Point::DeliveredUncommitted,
    ];
    seeds.into_iter().filter(|seed| reach(story, *seed) == Always).collect()
}

/// The seeds after which an approval is under way in the store for certain, so that a second life takes it up. What is cancelled
/// waits for no disk: it can have come to its end in the transaction that has its outcome.
pub fn live_seeds(story: Story) -> Vec<Point> {
    let seeds = [Point::OpenedCommitted, Point::DecidedCommitted];
    seeds.into_iter().take(if cancels(story) { 1 } else { 2 }).collect()
}

/// Whether `story`'s second life passes `point`, when the first ended at `seed`.
pub fn second(story: Story, seed: Point, point: Point) -> Reach {
    match point {
        Point::StoreOpened | Point::StoreRead | Point::WriteLast | Point::StopUnwritten | Point::Stopped => Always,
        Point::TakeUpUnbegun | Point::TakenUp | Point::TakenUpUnshown if live_seeds(story).contains(&seed) => Always,
        _ => Perhaps("what a second life has to do depends on how far the first one came"),
    }
}

fn when(passes: bool, why_not: &'static str) -> Reach {
    if passes { Always } else { Never(why_not) }
}

fn cancels(story: Story) -> bool {
    matches!(story, Story::Deny | Story::Expire | Story::Delete)
}

fn resumes(story: Story) -> bool {
    !cancels(story) && story != Story::Answer
}

fn by_rule(story: Story) -> bool {
    matches!(story, Story::Cooldown | Story::Rule)
}
