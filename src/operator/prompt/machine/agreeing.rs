//! More than one operator at work: approvals that only count, reasons, and what is called out again.

use jiff::{SignedDuration, Timestamp};

use super::{Output, Prompt};
use crate::control::{Act, ApprovalView, ClientSettings};
use crate::gate::ApprovalId;
use crate::operator::prompt::PromptEnd;
use crate::operator::{terms, words};

/// With no more time than this left, being called out again is the last call.
const LAST: SignedDuration = SignedDuration::from_mins(1);

impl Prompt {
    /// The daemon's own numbers are better than what the prompt was started with.
    pub(super) fn tune(&mut self, settings: &ClientSettings) {
        self.settings.arm = std::time::Duration::from_millis(settings.arm_ms);
        self.settings.arm_high = std::time::Duration::from_millis(settings.arm_high_ms);
        self.escalate_percent = settings.escalate_percent;
    }

    /// One's own approval was the first of several: the card is listed, and asked about again only when it changes.
    pub(super) fn counted(&mut self, id: ApprovalId, was_current: bool, given: u8, needed: u8) {
        self.mine.remove(&id);
        if let Some(digest) = self.view(id).map(|view| view.digest) {
            self.voted.insert(id, digest);
        }
        let said = format!("{}  {}", id.code(), terms::counted(given, needed));
        if !was_current {
            return self.say(&said);
        }
        self.current = None;
        self.tell(&said);
        if self.settings.only.is_some() {
            return self.leave(PromptEnd::Done);
        }
        self.next();
    }

    /// Whether this operator has done what there is to do about a card as it is now.
    pub(super) fn is_settled(&self, view: &ApprovalView) -> bool {
        let id = view.card.approval;
        self.mine.contains_key(&id) || self.voted.get(&id) == Some(&view.digest)
    }

    /// Asks for the reason that a card wants, once it is missing. Nothing is decided by that.
    pub(super) fn lacks_reason(&mut self, act: &Act) -> bool {
        let view = self.current.as_ref().and_then(|current| self.view(current.id));
        if !view.is_some_and(|view| view.card.terms.lacks_reason(act)) {
            return false;
        }
        let said = match act {
            Act::Deny { .. } => "saying no to this takes a reason: n and why; nothing was decided, it stays as it is",
            Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } | Act::Extend => {
                "approving this takes a reason, in the same line: … because it is due; nothing was decided"
            }
        };
        self.ask(said);
        true
    }

    /// Rings once more for what has used up its share of the time; once per deadline.
    pub(super) fn call_again(&mut self) {
        let Some(now) = self.clock else { return };
        let uncalled = |view: &&ApprovalView| self.called.get(&view.card.approval) != Some(&view.deadline);
        let late = |view: &&ApprovalView| terms::is_late(view, now, self.escalate_percent);
        let late: Vec<ApprovalView> = self.waiting.iter().filter(uncalled).filter(late).cloned().collect();
        if late.is_empty() {
            return;
        }
        self.out.push(Output::Bell);
        for view in late {
            self.called.insert(view.card.approval, view.deadline);
            let (code, left) = (view.card.code(), terms::left(view.deadline, now));
            let call = if view.deadline.duration_since(now) > LAST { "still waits" } else { "last call" };
            self.say(&format!("{code}  {call}: {left}; {}", words::silence(&view, &self.zone)));
        }
    }

    /// What waits, in the order of every list.
    pub(super) fn listed(&self) -> Vec<ApprovalView> {
        let mut views = self.waiting.clone();
        views.sort_by_key(terms::rank);
        views
    }
}

/// What a list says of an approval beside its headline.
pub(super) fn in_list(view: &ApprovalView, now: Option<Timestamp>) -> String {
    let card = &view.card;
    let left = match now {
        _ if view.frozen => "the deadline stands still".to_owned(),
        Some(now) => terms::left(view.deadline, now),
        None => String::new(),
    };
    let claim =
        |label: &str, text: &Option<String>| text.as_ref().map(|text| format!("{label} {}", words::quoted(text, 60)));
    let claims: Vec<String> = [claim("agent", &card.agent), claim("goal", &card.goal)].into_iter().flatten().collect();
    let claims = if claims.is_empty() { String::new() } else { format!("{}  (untrusted)", claims.join("  ")) };
    let parts = [left, terms::needs(view), claims].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("  ")
}
