//! A prompt that is for one approval: it knows no other, and ends when that one is done.

use std::time::Duration;

use super::Prompt;
use crate::control::{Act, Snapshot};
use crate::gate::{ApprovalId, Delivery};
use crate::operator::prompt::PromptEnd;
use crate::operator::words;

impl Prompt {
    /// Whether an approval is any business of this prompt.
    pub(super) fn concerns(&self, id: ApprovalId) -> bool {
        self.settings.only.as_ref().is_none_or(|only| only.approval == id)
    }

    /// A snapshot without the approvals that are no business of this prompt.
    pub(super) fn narrowed(&self, mut snapshot: Snapshot) -> Snapshot {
        snapshot.approvals.retain(|view| self.concerns(view.card.approval));
        snapshot
    }

    /// What `y` does, with the reason that was typed or else the one that the command line gave.
    pub(super) fn yes(&self, typed: Option<String>) -> Act {
        let only = self.settings.only.as_ref();
        match only.map_or(Act::approve(), |only| only.yes.clone()) {
            Act::Approve { reason } => Act::Approve { reason: typed.or(reason) },
            act @ (Act::Instruct { .. } | Act::Answer { .. } | Act::Deny { .. } | Act::Extend) => act,
        }
    }

    /// `y` was typed, and is enough.
    pub(super) fn say_yes(&mut self, reason: Option<String>, now: Duration) {
        match self.yes(reason) {
            act @ Act::Approve { .. } => self.release(act, None, now),
            act @ (Act::Instruct { .. } | Act::Answer { .. } | Act::Deny { .. } | Act::Extend) => {
                self.send_text(act, now)
            }
        }
    }

    /// The row under a card that says what `y` sends, where the command line has said it.
    pub(super) fn meaning_of_yes(&self) -> String {
        match self.yes(None) {
            Act::Instruct { text } => format!("  y sends {}, then resumes\n", words::quoted(&text, 10_000)),
            Act::Answer { text } => format!("  y sends {}\n", words::quoted(&text, 10_000)),
            Act::Approve { .. } | Act::Deny { .. } | Act::Extend => String::new(),
        }
    }

    /// Ends the prompt when its approval has ended and nothing more is to be told of it.
    pub(super) fn leave_when_done(&mut self) {
        let Some(only) = &self.settings.only else { return };
        let done = match self.told.get(&only.approval) {
            None => false,
            Some(Delivery::Applying) => !only.patient,
            Some(Delivery::Applied | Delivery::Failed | Delivery::Unknown) => true,
        };
        if done {
            self.leave(PromptEnd::Done);
        }
    }
}
