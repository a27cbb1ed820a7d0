//! From a key or a line to a decision.

use std::time::Duration;

use super::{Console, Lock, Output, Wanted};
use crate::control::{Act, ApprovalView, Decision};
use crate::gate::{ApprovalId, Hold, Outcome, Subject};
use crate::operator::terms::NEXT_DENIAL;
use crate::policy::{Confirm, ReasonFor};

impl Console {
    /// `y`: approves, or asks for what approving takes.
    pub(super) fn approve(&mut self, at: Duration) {
        let Some(view) = self.pinned_view() else { return };
        let takes_typing = view.card.confirm == Confirm::Type || view.card.terms.reason.approving();
        if let Some(lock) = self.lock(at) {
            self.rest |= takes_typing;
            self.refuse(&lock);
            return;
        }
        match view.card.terms.reason {
            ReasonFor::Approve | ReasonFor::Both => self.open_entry(Wanted::ApproveReason, at),
            ReasonFor::Nothing | ReasonFor::Deny => self.release(Act::approve(), at),
        }
    }

    /// Sends what lets the session go on, if the card may be approved; where that takes typing, asks for it first.
    pub(super) fn release(&mut self, act: Act, at: Duration) {
        let Some(view) = self.pinned_view() else { return };
        if view.card.confirm == Confirm::Type {
            self.open_entry(Wanted::Confirmation(act), at);
            return;
        }
        self.release_now(act, None, at);
    }

    pub(super) fn confirm(&mut self, act: Act, typed: &str, at: Duration) {
        let Some(view) = self.pinned_view() else { return };
        if !view.card.is_confirmed_by(typed) {
            self.entry = None;
            self.note("that is neither the amount nor the code: nothing was decided");
            return;
        }
        self.release_now(act, Some(typed.to_owned()), at);
    }

    fn release_now(&mut self, act: Act, typed: Option<String>, at: Duration) {
        // Before `y` sends anything it has passed the whole lock; what Enter sends is checked here.
        let lock = self.lock_for_text(at);
        let answered = matches!(act, Act::Answer { .. });
        if let Some(lock) = lock.or_else(|| self.no_set_answer().filter(|_| !answered)) {
            self.refuse(&lock);
            return;
        }
        self.decide(act, typed);
    }

    fn no_set_answer(&self) -> Option<Lock> {
        let card = &self.pinned_view()?.card;
        (card.subject == Subject::Question && card.then.answer.is_none()).then_some(Lock::NoSetAnswer)
    }

    fn refuse(&mut self, lock: &Lock) {
        self.note(&format!("nothing was decided: {}", lock.words()));
    }

    /// `n`: denies, or asks for the reason that the rule wants. A key that is held down denies one card and not a queue.
    pub(super) fn wish_to_deny(&mut self, at: Duration) {
        let Some((pinned, view)) = self.on_card() else { return };
        if self.is_of_another(pinned.id, at) {
            self.refuse(&Lock::AnotherCard);
            return;
        }
        match view.card.terms.reason {
            ReasonFor::Deny | ReasonFor::Both => self.open_entry(Wanted::DenyReason, at),
            ReasonFor::Nothing | ReasonFor::Approve if view.card.denial_releases() && !self.is_quiet(at) => {
                self.refuse(&Lock::KeysArriving);
            }
            ReasonFor::Nothing | ReasonFor::Approve => self.deny(None, at),
        }
    }

    /// Whether an `n` on this card may be meant for the one before it, or be the key that denied that, still down.
    fn is_of_another(&self, id: ApprovalId, at: Duration) -> bool {
        self.left.is_some_and(|(left, last)| left != id && at < last.saturating_add(NEXT_DENIAL))
    }

    /// An `n` has come, wherever it went: as long as one follows the other, they are one key that is held down.
    pub(super) fn goes_on_denying(&mut self, at: Duration) {
        if let Some((_, last)) = &mut self.left
            && at < last.saturating_add(NEXT_DENIAL)
        {
            *last = at;
        }
    }

    /// Denies at once; only a key that came before the card was on screen cannot. A denial that lets the agent go on is
    /// locked as an approval is.
    pub(super) fn deny(&mut self, reason: Option<String>, at: Duration) {
        let Some(view) = self.pinned_view() else { return };
        let wants_reason = matches!(view.card.terms.reason, ReasonFor::Deny | ReasonFor::Both);
        let Some(pinned) = &self.pinned else { return };
        let lock = if view.card.denial_releases() { self.lock_for_denial(at) } else { None };
        let refused = if let Some(lock) = lock {
            lock
        } else if !self.is_connected() {
            Lock::Disconnected
        } else if !self.may_decide() {
            Lock::Observer
        } else if pinned.deciding {
            Lock::Sent
        } else if pinned.shown.is_none_or(|shown| at < shown) || !self.is_large_enough() {
            Lock::Reading
        } else if wants_reason && reason.is_none() {
            self.note("the rule wants a reason");
            return;
        } else {
            self.left = Some((pinned.id, at));
            self.decide(Act::Deny { reason }, None);
            return;
        };
        self.refuse(&refused);
    }

    /// `m` and `a`: an instruction for a hold, an answer for a question.
    pub(super) fn wish_to_tell(&mut self, wanted: Wanted, at: Duration) {
        let Some(view) = self.pinned_view() else { return };
        match (view.card.subject, &wanted) {
            (Subject::Question, Wanted::Instruction) => self.open_nothing("the agent asked a question: a answers it"),
            (Subject::Hold, Wanted::Answer) => self.open_nothing("nothing was asked: m sends an instruction"),
            (Subject::Hold, _) if view.card.hold == Hold::ByOthers => {
                self.open_nothing("somebody else paused this session, so nothing is sent or resumed from here");
            }
            (Subject::Hold | Subject::Question, _) => self.open_entry(wanted, at),
        }
    }

    /// `x`: more time for everybody.
    pub(super) fn extend(&mut self, at: Duration) {
        let Some((pinned, view)) = self.on_card() else { return };
        let is_shown = pinned.shown.is_some_and(|shown| at >= shown) && pinned.nonce.is_some();
        let why = if !self.is_connected() {
            "disconnected"
        } else if !self.may_decide() {
            "observers decide nothing"
        } else if Self::is_draft(view) {
            "not paused yet, and its time has not begun"
        } else if view.extensions_left == 0 {
            "it was extended as often as it can be"
        } else if pinned.deciding || !is_shown {
            "reading"
        } else if !self.is_quiet(at) {
            "keys still arriving"
        } else {
            self.decide(Act::Extend, None);
            return;
        };
        self.note(&format!("not extended: {why}"));
    }

    fn pinned_view(&self) -> Option<&ApprovalView> {
        self.on_card().map(|(_, view)| view)
    }

    fn decide(&mut self, act: Act, typed: Option<String>) {
        self.entry = None;
        self.forget_notes();
        self.dirty = true;
        let Some(pinned) = &mut self.pinned else { return };
        pinned.deciding = true;
        let decision = Decision {
            approval: pinned.id,
            revision: pinned.revision,
            digest: pinned.digest,
            nonce: pinned.nonce.take().map(|(nonce, _)| nonce),
            typed,
            act,
        };
        match &decision.act {
            Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } => {
                self.mine.insert(decision.approval, Outcome::Approved);
            }
            Act::Deny { .. } => drop(self.mine.insert(decision.approval, Outcome::Denied)),
            Act::Extend => {}
        }
        self.out.push(Output::Decide(decision));
    }
}
