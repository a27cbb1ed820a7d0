//! Reopening: an outcome that could not be carried out stands, and what it was about is asked anew.

use super::case::Case;
use super::held::{Poll, Settling};
use super::pausing::Since;
use super::phase::Phase;
use super::voting::Votes;
use super::{ApprovalId, Delivery, Entry, Gate, Plan, Revision, Subject, Turn};

impl Gate {
    /// The outcome stands, its delivery failed: what is still held or waits is asked about anew.
    pub(super) fn not_delivered(&mut self, turn: &mut Turn<'_>, delivery: Delivery, detail: &str) {
        self.delivered(turn, delivery, detail);
        let question = self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question);
        let now = turn.now.mono;
        self.phase = if question {
            Phase::Asking(Poll::start(now, self.settings.hold_poll))
        } else {
            Phase::Settling(Settling::start(now, self.settings.settle, None))
        };
        self.reopen(turn, &format!("an earlier decision could not be delivered: {detail}"));
    }

    /// As [`Gate::not_delivered`] where it is not even known whether the session runs: it is paused again first.
    pub(super) fn lost_sight_of_delivery(&mut self, turn: &mut Turn<'_>, detail: &str) {
        self.delivered(turn, Delivery::Unknown, detail);
        self.pause_anew(turn, Since::Perhaps);
        self.reopen(turn, &format!("an earlier decision could not be delivered: {detail}"));
    }

    /// Opens a new approval for what the closed one was about, in the present phase.
    pub(super) fn reopen(&mut self, turn: &mut Turn<'_>, note: &str) {
        self.let_go(turn);
        self.pass_no_more();
        let Some(old) = self.case.take() else { return };
        let id: ApprovalId = turn.mint.approval();
        let mut kept = old.kept;
        kept.closed = None;
        kept.holding = false;
        kept.frozen = None;
        kept.plan = Plan::Ask;
        kept.extensions = 0;
        kept.extended_by = None;
        kept.votes = Votes::default();
        kept.card.approval = id;
        kept.card.revision = Revision(0);
        kept.card.opened_at = turn.now.wall;
        let deadline = turn.now.after(kept.timeout);
        kept.deadline = deadline.wall;
        let mut case = Case {
            kept,
            deadline,
            triggered_at: old.triggered_at,
            sealed: false,
            hidden: old.hidden,
            carried_out: false,
            began: old.began,
            cancels: old.cancels,
            owning: old.owning,
            held_since: old.held_since,
        };
        case.note(note.to_owned());
        if case.card().subject == Subject::Question {
            case.seal();
        }
        self.case = Some(Box::new(case));
        self.record(turn, Entry::Opened);
        self.publish(turn);
    }
}
