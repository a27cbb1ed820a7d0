//! What the daemon says: approvals that come, change and end, and answers to requests.

use std::path::PathBuf;

use super::{Output, Prompt};
use crate::control::{ApprovalView, Change, Decided, EndedBy, OperatorName, Refusal, Snapshot, State};
use crate::gate::{ApprovalId, Delivery, Outcome, Subject, Timing};
use crate::operator::card;
use crate::operator::changes;
use crate::operator::escape::{again, short};
use crate::operator::prompt::PromptEnd;
use crate::operator::terms;
use crate::operator::words;

/// How many ended approvals are watched for their delivery.
const TOLD: usize = 256;

impl Prompt {
    pub(super) fn snapshot(&mut self, snapshot: Snapshot) {
        let snapshot = self.narrowed(snapshot);
        self.tune(&snapshot.daemon.settings);
        self.halt = snapshot.daemon.halt;
        let (ended, open): (Vec<_>, Vec<_>) =
            snapshot.approvals.into_iter().partition(|view| matches!(view.state, State::Ended { .. }));
        self.catch_up(&ended, &open);
        self.waiting = open;
        if self.waiting.is_empty() && self.settings.only.is_some() {
            self.tell("it does not wait for an answer any more");
            self.leave(PromptEnd::Done);
            return;
        }
        // One that is for a single approval is told by its card.
        if let Some(stopped) = self.stopped().filter(|_| self.settings.only.is_none()) {
            self.tell(&stopped);
        }
        if self.waiting.is_empty() {
            self.tell("watching; nothing waits for an answer (? explains, q leaves)");
            return;
        }
        self.out.push(Output::Bell);
        self.next();
    }

    /// Nothing is asked until there is another snapshot, and the rest of a line that was being typed answers nothing in it.
    pub(super) fn away(&mut self, why: &str) {
        self.tell(&format!("{why}; nothing is asked here until there is another connection"));
        self.current = None;
        self.abandon_line();
        self.leaving = false;
        self.away = Some(std::mem::take(&mut self.waiting).iter().map(|view| view.card.approval).collect());
    }

    /// Tells what became meanwhile of what was known before a connection was lost. What was decided here and waits still was not
    /// taken, or its answer is not known: it is asked again.
    fn catch_up(&mut self, ended: &[ApprovalView], open: &[ApprovalView]) {
        let before = self.away.take();
        if before.is_some() {
            self.tell("connected again");
        }
        let mut missed = before.unwrap_or_default();
        missed.retain(|id| open.iter().all(|view| view.card.approval != *id));
        for view in ended {
            let id = view.card.approval;
            let State::Ended { outcome, by, delivery, .. } = &view.state else { continue };
            if missed.remove(&id) || self.mine.contains_key(&id) || self.told.contains_key(&id) {
                self.ended(view, *outcome, by);
            } else {
                self.told.insert(id, *delivery);
            }
        }
        for id in missed {
            self.tell(&format!("{}  has ended meanwhile; `holdpoint show` tells how", id.code()));
        }
        self.mine.clear();
    }

    pub(super) fn update(&mut self, change: Change) {
        match change {
            Change::Approval { view } if self.concerns(view.card.approval) => {
                self.approval(*view);
                self.leave_when_done();
            }
            Change::Approval { .. } => {}
            Change::Notice { text } => self.say(&again(&text)),
            Change::Daemon { daemon } => {
                self.tune(&daemon.settings);
                self.halt = daemon.halt;
            }
            Change::Session { .. } | Change::SessionGone { .. } | Change::Presence { .. } => {}
            Change::Stopping => {
                self.tell("the daemon is stopping; nothing was decided by that");
                self.out.push(Output::Leave(PromptEnd::Lost));
            }
        }
    }

    pub(super) fn decided(&mut self, id: ApprovalId, result: Result<Decided, Refusal>) {
        let was_current = self.is_current(id) && self.current.as_ref().is_some_and(|c| c.deciding_since.is_some());
        match result {
            Ok(Decided::Outcome { outcome }) => self.taken(id, outcome),
            Ok(Decided::Extended { deadline, extensions_left }) => {
                self.mine.remove(&id);
                // The same comes as an update, before this answer or after it, and is not said again.
                if let Some(view) = self.waiting.iter_mut().find(|view| view.card.approval == id) {
                    (view.deadline, view.extensions_left) = (deadline, extensions_left);
                }
                let (until, left) = (words::clock(deadline, &self.zone), terms::extensions(extensions_left));
                self.say_or_ask(id, was_current, &format!("{}  now waits until {until}, {left}", id.code()));
            }
            Ok(Decided::Counted { given, needed }) => self.counted(id, was_current, given, needed),
            Err(refusal) => self.refused(id, was_current, &refusal),
        }
    }

    pub(super) fn screenshot(&mut self, id: ApprovalId, result: Result<PathBuf, Refusal>) {
        let said = match result {
            Ok(path) => format!("{}  screenshot saved: {}", id.code(), short(&path.to_string_lossy())),
            Err(refusal) => format!("{}  no screenshot: {}", id.code(), again(&refusal.to_string())),
        };
        self.say(&said);
    }

    fn approval(&mut self, view: ApprovalView) {
        let id = view.card.approval;
        match (&view.state, self.waiting.iter().position(|known| known.card.approval == id)) {
            (State::Ended { outcome, by, .. }, _) => {
                let (outcome, by) = (*outcome, by.clone());
                self.ended(&view, outcome, &by);
            }
            (State::Draft | State::Open | State::Deciding { .. }, _) if self.told.contains_key(&id) => {}
            (State::Draft | State::Open | State::Deciding { .. }, None) => self.arrived(view),
            (State::Draft | State::Open | State::Deciding { .. }, Some(at)) => self.changed(at, view),
        }
    }

    fn arrived(&mut self, view: ApprovalView) {
        let id = view.card.approval;
        let is_draft = Self::is_draft(&view);
        if !is_draft {
            self.out.push(Output::Bell);
        }
        let remark = if is_draft { "pausing" } else { "waits for its turn" };
        let behind = self.current.is_some().then(|| card::headline(&view, &self.frame(), remark));
        self.waiting.push(view);
        match behind {
            Some(line) => self.say(&line),
            None => {
                self.drop_idle_line();
                self.show(id, "");
            }
        }
    }

    /// Something half typed at the idle prompt must not become the beginning of an answer.
    fn drop_idle_line(&mut self) {
        if !self.line.is_empty() {
            self.tell("(what you were typing was dropped)");
        }
    }

    fn changed(&mut self, at: usize, view: ApprovalView) {
        let id = view.card.approval;
        let old = std::mem::replace(&mut self.waiting[at], view);
        let Some(new) = self.view(id).cloned() else { return };
        if Self::is_draft(&old) && !Self::is_draft(&new) {
            self.out.push(Output::Bell);
        }
        let asking = self.current.as_ref().filter(|c| c.id == id && c.deciding_since.is_none()).cloned();
        let Some(current) = asking else {
            match &self.current {
                None if !self.is_settled(&new) => self.next(),
                Some(current) if current.id != id => self.changed_behind(&old, &new),
                Some(_) | None => {}
            }
            return;
        };
        if current.revision != new.card.revision
            || current.digest != new.digest
            || current.is_draft != Self::is_draft(&new)
        {
            self.redraw(&old, &new);
        } else if old.deadline != new.deadline && self.halt.is_none() {
            self.say(&format!("{}  now waits until {}", id.code(), words::clock(new.deadline, &self.zone)));
        } else if old.votes != new.votes {
            self.say(&format!("{}  {}", id.code(), terms::so_far(&new)));
        } else {
            self.state_changed(&old.state, &new.state, id);
        }
    }

    /// What changes on a card that waits for its turn is said when it happens: it may be late by the time it is shown.
    fn changed_behind(&mut self, old: &ApprovalView, new: &ApprovalView) {
        if Self::is_draft(new) {
            return;
        }
        if Self::is_draft(old) {
            let is_late = new.card.timing == Timing::Late && new.card.subject == Subject::Hold;
            let remark = match (is_late, new.card.is_by_hand()) {
                (true, true) => "may have acted since, waits for its turn",
                (true, false) => "may already have happened, waits for its turn",
                (false, _) => "waits for its turn",
            };
            self.say(&card::headline(new, &self.frame(), remark));
            return;
        }
        let what = changes::between(&old.card, &new.card);
        if !what.is_empty() {
            self.say(&format!("{}  CHANGED while it waits for its turn: {}", new.card.code(), what.join("; ")));
        }
    }

    fn redraw(&mut self, old: &ApprovalView, new: &ApprovalView) {
        let code = new.card.code();
        let mut remark = String::new();
        if !Self::is_draft(old) {
            let what = changes::between(&old.card, &new.card);
            let what = if what.is_empty() { "details".to_owned() } else { what.join("; ") };
            remark = format!("{code}  CHANGED: {what}\n");
        }
        if self.is_typing() {
            remark.push_str("(your line was ignored)\n");
        }
        self.show(new.card.approval, &remark);
        self.dropped = false;
    }

    fn state_changed(&mut self, old: &State, new: &State, id: ApprovalId) {
        match (old, new) {
            (State::Open, State::Deciding { by }) => {
                // It may be a denial: that is not told before it is on the disk.
                let by = short(&by.0);
                self.say(&format!(
                    "{}  {by} is deciding this; should that be an approval, n still denies it",
                    id.code()
                ));
            }
            (State::Deciding { .. }, State::Open) => {
                self.ask(&format!("{}  that decision was not carried out; it is asked again", id.code()));
            }
            (State::Draft | State::Open | State::Deciding { .. } | State::Ended { .. }, _) => {}
        }
    }

    fn ended(&mut self, view: &ApprovalView, outcome: Outcome, by: &EndedBy) {
        let id = view.card.approval;
        let is_news = !self.told.contains_key(&id);
        let typing = self.is_current(id) && self.is_typing();
        let was_current = self.is_current(id);
        if was_current {
            self.current = None;
            self.out.push(Output::Flush);
        }
        self.forget(id);
        let mut lines = Vec::new();
        // Whoever said the same a moment later decided nothing.
        let is_me = |name: &OperatorName| self.you.as_ref().is_none_or(|you| you == name);
        let ours =
            matches!(by, EndedBy::Operator { name, .. } if is_me(name)) && self.mine.get(&id) == Some(&Some(outcome));
        if is_news && !ours {
            let ignored = if typing { "; your line was ignored" } else { "" };
            let together = terms::together(view, by);
            lines.push(format!("{} {}{together}{ignored}", id.code(), words::ended(outcome, by)));
        } else if is_news && was_current {
            lines.push(format!("{}  {}", id.code(), words::taken(&view.card, outcome)));
        }
        lines.extend(self.delivery(view));
        match (was_current, lines.is_empty()) {
            (true, _) => {
                self.abandon_line();
                lines.iter().for_each(|line| self.tell(line));
                self.dropped = false;
                self.next();
            }
            (false, false) => self.say(&lines.join("\n")),
            (false, true) => {}
        }
    }

    /// The line about what became of it at the provider, when that is news.
    fn delivery(&mut self, view: &ApprovalView) -> Option<String> {
        let id = view.card.approval;
        let State::Ended { delivery, at, .. } = &view.state else { return None };
        let known = self.told.insert(id, *delivery);
        while self.told.len() > TOLD {
            self.told.pop_first();
        }
        if known == Some(*delivery) {
            return None;
        }
        if matches!(delivery, Delivery::Applied | Delivery::Failed) {
            self.mine.remove(&id);
        }
        let said = words::delivered(&view.state)?;
        Some(format!("{}  {}  {said}", words::clock(*at, &self.zone), id.code()))
    }

    fn taken(&mut self, id: ApprovalId, outcome: Outcome) {
        let Some(view) = self.view(id).cloned() else { return };
        let said = format!("{}  {}", id.code(), words::taken(&view.card, outcome));
        if !self.is_current(id) {
            self.say(&said);
            return;
        }
        self.current = None;
        self.tell(&said);
        self.next();
    }

    fn refused(&mut self, id: ApprovalId, was_current: bool, refusal: &Refusal) {
        self.mine.remove(&id);
        let done = if let Refusal::Unknown { .. } = refusal { "not known yet" } else { "not done" };
        let said = format!("{}  {done}: {}", id.code(), again(&refusal.to_string()));
        match refusal {
            Refusal::NoSuchApproval => self.forget(id),
            Refusal::Stale { .. }
            | Refusal::NotPresented
            | Refusal::TooSoon { .. }
            | Refusal::NotPausedYet
            | Refusal::NotConfirmed { .. }
            | Refusal::Deciding { .. }
            | Refusal::AlreadyDecided { .. }
            | Refusal::NotPossible { .. }
            | Refusal::NotExtendable { .. }
            | Refusal::ReasonRequired
            | Refusal::Excluded { .. }
            | Refusal::NotPermitted { .. }
            | Refusal::NoSuchSession
            | Refusal::Unverified { .. }
            | Refusal::StoreFailed { .. }
            | Refusal::Unknown { .. }
            | Refusal::Stopping
            | Refusal::Unreachable { .. } => {}
        }
        self.say_or_ask(id, was_current, &said);
    }

    /// Says it; when it is about the approval that was just decided, its question is put again, with its card if that is
    /// another one than was shown.
    fn say_or_ask(&mut self, id: ApprovalId, was_current: bool, said: &str) {
        if !was_current {
            self.say(said);
            if self.current.is_none() {
                self.next();
            }
            return;
        }
        let shown = self.current.as_ref().map(|current| (current.revision, current.digest));
        match self.view(id).map(|view| (view.card.revision, view.digest)) {
            None => {
                self.current = None;
                self.tell(said);
                self.next();
            }
            now if now == shown => self.ask(said),
            Some(_) => self.show(id, said),
        }
    }
}
