//! What the daemon says: the connection, approvals that come, change and end, and answers to requests.

use super::{Console, Link, Moment, Output, Page, REMEMBERED, Shot};
use crate::control::{
    ApprovalView, Change, Decided, EndedBy, OperatorName, Refusal, SessionView, Snapshot, State, You,
};
use crate::gate::{ApprovalId, Delivery, Outcome};
use crate::operator::changes;
use crate::operator::escape::{again, short};
use crate::operator::{terms, words};

impl Console {
    pub(super) fn connected(&mut self, you: You, mut snapshot: Snapshot, now: Moment) {
        if matches!(self.link, Link::Lost { .. }) {
            self.say(None, "connected again".to_owned());
        }
        self.link = Link::Connected;
        self.you = Some(you);
        self.daemon = snapshot.daemon;
        self.operators = snapshot.operators;
        self.sessions = snapshot.sessions;
        self.replaced(&snapshot.approvals);
        // The first that is taken up is the one that is pinned.
        snapshot.approvals.sort_by_key(|view| (Self::is_draft(view), terms::rank(view)));
        let known: Vec<ApprovalId> = self.queue.iter().map(|view| view.card.approval).collect();
        for view in snapshot.approvals {
            let is_old = !known.contains(&view.card.approval) && !self.told.contains_key(&view.card.approval);
            match view.state {
                State::Ended { delivery, .. } if is_old => {
                    self.told.insert(view.card.approval, delivery);
                    self.remember(view);
                }
                State::Draft | State::Open | State::Deciding { .. } | State::Ended { .. } => self.approval(view, now),
            }
        }
        self.settle_pinned();
    }

    /// What the daemon has now is all there is: its store may be an older one, in which an approval was never opened, or has
    /// not ended yet.
    fn replaced(&mut self, now: &[ApprovalView]) {
        let known = |id: ApprovalId| now.iter().find(|view| view.card.approval == id);
        let gone = |view: &ApprovalView| known(view.card.approval).is_none();
        for id in self.queue.iter().filter(|view| gone(view)).map(|view| view.card.approval).collect::<Vec<_>>() {
            self.say(Some(id), format!("{}  the daemon does not know this approval any more", id.code()));
            self.queue.retain(|view| view.card.approval != id);
            self.called.remove(&id);
            self.mine.remove(&id);
            if self.is_pinned(id) {
                self.pin_next();
            }
        }
        let waits = |id: ApprovalId| known(id).is_some_and(|view| !matches!(view.state, State::Ended { .. }));
        self.told.retain(|id, _| !waits(*id));
        self.history.retain(|view| !waits(view.card.approval));
    }

    /// After a new beginning: what is pinned is read anew, or something is pinned.
    fn settle_pinned(&mut self) {
        match &mut self.pinned {
            Some(pinned) => {
                pinned.deciding = false;
                self.rearm();
            }
            None => self.pin_next(),
        }
    }

    pub(super) fn lost(&mut self, why: String, now: Moment) {
        let since = match &self.link {
            Link::Lost { since, .. } => *since,
            Link::Connecting | Link::Connected => now.wall,
        };
        if self.pinned.as_ref().is_some_and(|pinned| pinned.deciding) {
            self.note("the connection was lost before the answer: whether that was decided shows when it is back");
        }
        self.link = Link::Lost { since, why };
        self.rearm();
    }

    pub(super) fn update(&mut self, change: Change, now: Moment) {
        self.dirty = true;
        match change {
            Change::Approval { view } => self.approval(*view, now),
            Change::Session { view } => self.session(*view),
            Change::SessionGone { session } => self.sessions.retain(|known| known.session != session),
            Change::Presence { operators } => self.operators = operators,
            Change::Daemon { daemon } => {
                let is_other_policy = daemon.policy != self.daemon.policy;
                self.daemon = *daemon;
                if is_other_policy {
                    self.say(None, "another policy is in force".to_owned());
                    self.rearm();
                }
            }
            Change::Notice { text } => self.say(None, again(&text)),
            Change::Stopping => self.lost("the daemon is stopping; nothing was decided by that".to_owned(), now),
        }
    }

    fn session(&mut self, view: SessionView) {
        match self.sessions.binary_search_by(|known| known.session.cmp(&view.session)) {
            Ok(at) => self.sessions[at] = view,
            Err(at) => self.sessions.insert(at, view),
        }
    }

    fn approval(&mut self, view: ApprovalView, now: Moment) {
        let id = view.card.approval;
        match (&view.state, self.queue.iter().position(|known| known.card.approval == id)) {
            (State::Ended { .. }, _) => self.ended(view),
            (State::Draft | State::Open | State::Deciding { .. }, _) if self.told.contains_key(&id) => {}
            (State::Draft | State::Open | State::Deciding { .. }, Some(at)) => self.changed(at, view),
            (State::Draft | State::Open | State::Deciding { .. }, None) => {
                self.queue.push(view);
                self.queue.sort_by_key(terms::rank);
                if self.pinned.is_none() && self.page != Page::Picture {
                    self.pin(id, Vec::new());
                }
            }
        }
        self.call_out(now);
    }

    fn changed(&mut self, at: usize, view: ApprovalView) {
        let id = view.card.approval;
        let new = view.clone();
        let old = std::mem::replace(&mut self.queue[at], view);
        self.queue.sort_by_key(terms::rank);
        let Some(pinned) = self.pinned.as_ref().filter(|pinned| pinned.id == id) else { return };
        let is_draft = Self::is_draft(&new);
        if pinned.revision != new.card.revision || pinned.digest != new.digest || pinned.is_draft != is_draft {
            let mut what = if Self::is_draft(&old) { Vec::new() } else { changes::between(&old.card, &new.card) };
            if what.is_empty() && !Self::is_draft(&old) {
                what.push("details".to_owned());
            }
            self.pin(id, what);
        } else if let (State::Deciding { .. }, State::Open) = (&old.state, &new.state) {
            self.say(Some(id), format!("{}  that decision was not carried out; it is asked again", id.code()));
            self.settle_pinned();
        } else if old.votes != new.votes || new.frozen != old.frozen {
            self.rearm();
        }
    }

    fn ended(&mut self, view: ApprovalView) {
        let State::Ended { outcome, by, delivery, .. } = view.state.clone() else { return };
        let id = view.card.approval;
        let is_news = !self.told.contains_key(&id);
        // Whoever said the same a moment later decided nothing.
        let is_me = |name: &OperatorName| self.you.as_ref().is_some_and(|you| you.operator == *name);
        let ours = matches!(&by, EndedBy::Operator { name, .. } if is_me(name)) && self.mine.get(&id) == Some(&outcome);
        if is_news {
            let said = if ours { words::taken(&view.card, outcome).to_owned() } else { words::ended(outcome, &by) };
            self.say(Some(id), format!("{}  {said}", id.code()));
        }
        if self.told.insert(id, delivery) != Some(delivery)
            && let Some(said) = self.delivered(&view)
        {
            // The last word on it stays on screen, so it has to say who decided.
            let who = if ours { String::new() } else { format!("{}; ", words::ended(outcome, &by)) };
            self.say(Some(id), format!("{}  {who}{said}", id.code()));
        }
        self.queue.retain(|known| known.card.approval != id);
        self.called.remove(&id);
        self.remember(view);
        if self.is_pinned(id) {
            self.pin_next();
        }
    }

    /// "resumed 13:02:44, confirmed".
    fn delivered(&self, view: &ApprovalView) -> Option<String> {
        let said = words::delivered(&view.state)?;
        let State::Ended { at, delivery, .. } = &view.state else { return None };
        let at = words::clock(*at, &self.zone);
        Some(match (delivery, said.split_once(',')) {
            (Delivery::Applied, Some((what, rest))) => format!("{what} {at},{rest}"),
            (Delivery::Applied | Delivery::Applying | Delivery::Failed | Delivery::Unknown, _) => said,
        })
    }

    fn remember(&mut self, view: ApprovalView) {
        let id = view.card.approval;
        match self.history.iter().position(|known| known.card.approval == id) {
            Some(at) => self.history[at] = view,
            None => self.history.push_back(view),
        }
        while self.history.len() > REMEMBERED {
            if let Some(old) = self.history.pop_front() {
                self.told.remove(&old.card.approval);
                self.mine.remove(&old.card.approval);
            }
        }
    }

    pub(super) fn decided(&mut self, id: ApprovalId, result: Result<Decided, Refusal>, now: Moment) {
        let said = match result {
            // The outcome itself comes as an update, and takes the card away.
            Ok(Decided::Outcome { outcome }) => return self.taken(id, outcome),
            Ok(Decided::Extended { deadline, extensions_left }) => {
                format!(
                    "now waits until {}, {}",
                    words::clock(deadline, &self.zone),
                    terms::extensions(extensions_left)
                )
            }
            Ok(Decided::Counted { given, needed }) => {
                self.mine.remove(&id);
                format!("your approval counts: {given} of {needed}, needs {} more", needed.saturating_sub(given))
            }
            Err(refusal) => {
                self.mine.remove(&id);
                let is_open = if let Refusal::Unknown { .. } = refusal { "not known yet" } else { "not done" };
                format!("{is_open}: {}", again(&refusal.to_string()))
            }
        };
        self.say(Some(id), format!("{}  {said}", id.code()));
        if self.is_pinned(id) {
            self.settle_pinned();
        }
        self.call_out(now);
    }

    fn taken(&mut self, id: ApprovalId, outcome: Outcome) {
        let Some(view) = self.view(id) else { return };
        let said = format!("{}  {}", id.code(), words::taken(&view.card, outcome));
        self.say(Some(id), said);
    }

    pub(super) fn screenshot(&mut self, id: ApprovalId, result: Result<Shot, Refusal>) {
        let code = id.code();
        match result {
            Ok(shot) => {
                self.say(Some(id), format!("{code}  screenshot saved: {}", short(&shot.path)));
                if shot.showable && self.page == Page::Queue && self.entry.is_none() {
                    self.page = Page::Picture;
                    self.rearm();
                }
            }
            Err(refusal) => self.say(Some(id), format!("{code}  no screenshot: {}", again(&refusal.to_string()))),
        }
    }

    pub(super) fn tick(&mut self, now: Moment) {
        if let Some(key) = self.keys.silence(now.mono) {
            self.key(key, now.mono, true);
        }
        self.call_out(now);
        let face = Some((now.wall.as_second(), self.lock(now.mono)));
        self.dirty |= self.face != face;
        self.face = face;
    }

    /// Calls the operator: once for everything that waits, and once more when a share of its time is over.
    fn call_out(&mut self, now: Moment) {
        let percent = i64::from(self.daemon.settings.escalate_percent);
        let mut calls = false;
        for view in self.queue.iter().filter(|view| matches!(view.state, State::Open)) {
            let (opened, deadline) = (view.card.opened_at.as_millisecond(), view.deadline.as_millisecond());
            let share = deadline.saturating_sub(opened).saturating_mul(percent) / 100;
            let is_late = percent < 100 && !view.frozen && now.wall.as_millisecond() >= opened.saturating_add(share);
            let known = self.called.insert(view.card.approval, is_late);
            calls |= known.is_none_or(|escalated| is_late && !escalated);
        }
        if calls && self.settings.calls {
            self.out.push(Output::Call);
        }
    }
}
