//! When the pinned card may be approved, and why not yet.

use std::time::Duration;

use super::{Console, Output, Page};
use crate::control::{ApprovalView, Nonce, Refusal, Role, State};
use crate::gate::{ApprovalId, Digest, Hold, Revision, Subject};
use crate::operator::card;
use crate::operator::console::view;
use crate::policy::Risk;

/// The approval whose card is on screen.
#[derive(Clone, Debug)]
pub(in crate::operator::console) struct Pinned {
    pub(in crate::operator::console) id: ApprovalId,
    pub(super) revision: Revision,
    pub(super) digest: Digest,
    pub(super) is_draft: bool,
    /// What was different about this revision, in words; empty when it is the first that was shown.
    pub(in crate::operator::console) changed: Vec<String>,
    /// The number of this reading.
    pub(super) ask: u64,
    /// Since when it is on screen under that number.
    pub(super) shown: Option<Duration>,
    /// What the daemon gave for having shown it, and when that came.
    pub(super) nonce: Option<(Nonce, Duration)>,
    /// The first line that is on screen.
    pub(in crate::operator::console) top: usize,
    /// Whether everything is shown, long text in full.
    pub(in crate::operator::console) details: bool,
    read_card: bool,
    read_details: bool,
    /// A decision is on its way.
    pub(super) deciding: bool,
}

/// Why `y`, or an `n` that lets the agent go on, does nothing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator::console) enum Lock {
    Disconnected,
    Observer,
    Deciding(String),
    /// One's own answer.
    Sent,
    NotPausedYet,
    NoSetAnswer,
    SecondOperator,
    WindowTooSmall,
    ReadToTheEnd,
    Changed,
    Reading,
    KeysArriving,
    /// The card before this one has just gone; of an `n` alone.
    AnotherCard,
}

impl Lock {
    /// The words in the footer.
    pub(in crate::operator::console) fn words(&self) -> String {
        match self {
            Self::Disconnected => "disconnected".to_owned(),
            Self::Observer => "observers decide nothing".to_owned(),
            Self::Deciding(by) => format!("{by} has just decided"),
            Self::Sent => "your answer is on its way".to_owned(),
            Self::NotPausedYet => "not paused yet".to_owned(),
            Self::NoSetAnswer => "no set answer, a types one".to_owned(),
            Self::SecondOperator => "needs a second operator".to_owned(),
            Self::WindowTooSmall => "window too small".to_owned(),
            Self::ReadToTheEnd => "read to the end".to_owned(),
            Self::Changed => "changed".to_owned(),
            Self::Reading => "reading".to_owned(),
            Self::KeysArriving => "keys still arriving".to_owned(),
            Self::AnotherCard => "another card has just gone: n again in two seconds".to_owned(),
        }
    }
}

impl Console {
    /// Why a `y` that arrives at `at` would do nothing; `None` when it would approve.
    pub(in crate::operator::console) fn lock(&self, at: Duration) -> Option<Lock> {
        let (pinned, view) = self.on_card()?;
        self.standing_lock(pinned, view)
            .or_else(|| self.passing_lock(pinned, view, at))
            .or_else(|| (!self.is_quiet(at)).then_some(Lock::KeysArriving))
    }

    /// Whether no key had arrived for a moment before `at`.
    pub(super) fn is_quiet(&self, at: Duration) -> bool {
        self.last_key.is_none_or(|last| at >= last.saturating_add(self.settings.quiet))
    }

    /// The same for text that is sent with Enter: keys have been arriving all the time.
    pub(super) fn lock_for_text(&self, at: Duration) -> Option<Lock> {
        let (pinned, view) = self.on_card()?;
        let lock = self.standing_lock(pinned, view).filter(|lock| *lock != Lock::NoSetAnswer);
        lock.or_else(|| self.passing_lock(pinned, view, at))
    }

    /// The same for a denial that lets the agent go on. Who has approved as one of several may still say no.
    pub(super) fn lock_for_denial(&self, at: Duration) -> Option<Lock> {
        let (pinned, view) = self.on_card()?;
        self.plain_lock(pinned, view)
            .or_else(|| self.reading_lock(pinned, view))
            .or_else(|| self.passing_lock(pinned, view, at))
    }

    /// What time alone does not change.
    fn standing_lock(&self, pinned: &Pinned, view: &ApprovalView) -> Option<Lock> {
        let card = &view.card;
        let mine = self.you.as_ref().map(|you| &you.operator);
        let voted = || view.votes.iter().any(|vote| Some(&vote.by) == mine).then_some(Lock::SecondOperator);
        let unset = card.subject == Subject::Question && card.then.answer.is_none();
        self.plain_lock(pinned, view)
            .or_else(voted)
            .or_else(|| self.reading_lock(pinned, view))
            .or_else(|| unset.then_some(Lock::NoSetAnswer))
    }

    /// Who may decide, and whether there is anything to decide yet.
    fn plain_lock(&self, pinned: &Pinned, view: &ApprovalView) -> Option<Lock> {
        if !self.is_connected() {
            return Some(Lock::Disconnected);
        }
        if !self.may_decide() {
            return Some(Lock::Observer);
        }
        if let State::Deciding { by } = &view.state {
            return Some(Lock::Deciding(crate::operator::escape::short(&by.0)));
        }
        if pinned.deciding {
            return Some(Lock::Sent);
        }
        (Self::is_draft(view) || view.card.hold == Hold::NotYetPaused).then_some(Lock::NotPausedYet)
    }

    /// Whether all of the card can be read, and was.
    fn reading_lock(&self, pinned: &Pinned, view: &ApprovalView) -> Option<Lock> {
        if !self.is_large_enough() {
            return Some(Lock::WindowTooSmall);
        }
        // Before the first frame nothing can be said of it, and time locks it anyway.
        let unread = !pinned.read_card || (card::is_cut(&view.card) && !pinned.read_details);
        (pinned.shown.is_some() && unread).then_some(Lock::ReadToTheEnd)
    }

    fn passing_lock(&self, pinned: &Pinned, view: &ApprovalView, at: Duration) -> Option<Lock> {
        let settings = &self.daemon.settings;
        let dwell = Duration::from_millis(settings.min_dwell_ms);
        let arm = Duration::from_millis(match view.card.risk {
            Risk::Low | Risk::Medium => settings.arm_ms,
            Risk::High => settings.arm_high_ms,
        });
        let shown = pinned.shown.is_some_and(|shown| at >= shown.saturating_add(arm.max(dwell)));
        let noted = pinned.nonce.is_some_and(|(_, noted)| at >= noted.saturating_add(dwell));
        if self.page == Page::Queue && shown && noted {
            return None;
        }
        Some(if pinned.changed.is_empty() { Lock::Reading } else { Lock::Changed })
    }

    pub(in crate::operator::console) fn may_decide(&self) -> bool {
        self.you.as_ref().is_some_and(|you| you.role >= Role::Decide)
    }

    /// Makes an approval the one on screen.
    pub(super) fn pin(&mut self, id: ApprovalId, changed: Vec<String>) {
        let Some(view) = self.view(id) else { return };
        self.pinned = Some(Pinned {
            id,
            revision: view.card.revision,
            digest: view.digest,
            is_draft: Self::is_draft(view),
            changed,
            ask: 0,
            shown: None,
            nonce: None,
            top: 0,
            details: false,
            read_card: false,
            read_details: false,
            deciding: false,
        });
        self.forget_notes();
        self.drop_entry("the card is another one");
        self.rearm();
    }

    /// Goes on to what is first in the queue: one that can be answered before one that cannot.
    pub(super) fn pin_next(&mut self) {
        self.pinned = None;
        self.forget_notes();
        self.drop_entry("the card is gone");
        self.dirty = true;
        let open = self.queue.iter().find(|view| !Self::is_draft(view));
        if let Some(id) = open.or(self.queue.first()).map(|view| view.card.approval) {
            self.pin(id, Vec::new());
        }
    }

    /// Starts reading from zero: no key that has arrived until the next frame is on screen counts.
    pub(super) fn rearm(&mut self) {
        self.dirty = true;
        self.flush = true;
        self.last_ask += 1;
        let ask = self.last_ask;
        if let Some(pinned) = &mut self.pinned {
            pinned.ask = ask;
            pinned.shown = None;
            pinned.nonce = None;
        }
    }

    /// A window of another size shows other parts of a card: what has to be read is what is on screen when it is answered.
    pub(super) fn read_anew(&mut self) {
        if let Some(pinned) = &mut self.pinned {
            (pinned.read_card, pinned.read_details) = (false, false);
        }
    }

    pub(super) fn drawn(&mut self, frame: u64, at: Duration) {
        let Some(drawn) = self.in_flight.filter(|drawn| drawn.frame == frame) else { return };
        self.in_flight = None;
        if drawn.page == Page::Picture && self.page == Page::Picture {
            self.out.push(Output::Picture);
        }
        let is_connected = self.is_connected();
        let Some(pinned) = self.pinned.as_mut().filter(|pinned| drawn.ask == Some(pinned.ask)) else { return };
        if drawn.end {
            // With details everything is shown, all that is in the card among it.
            self.dirty |= !pinned.read_card || (drawn.details && !pinned.read_details);
            pinned.read_card = true;
            pinned.read_details |= drawn.details;
        }
        if pinned.shown.is_none() {
            pinned.shown = Some(at);
            if is_connected && !pinned.is_draft {
                let Pinned { ask, id, revision, digest, .. } = *pinned;
                self.out.push(Output::Present { ask, id, revision, digest });
            }
        }
    }

    /// A refusal needs no words: what caused it comes as an update, and the card is not armed without a nonce.
    pub(super) fn presented(&mut self, ask: u64, at: Duration, result: Result<Nonce, Refusal>) {
        if let Some(pinned) = self.pinned.as_mut().filter(|pinned| pinned.ask == ask) {
            pinned.nonce = result.ok().map(|nonce| (nonce, at));
            self.dirty = true;
        }
    }

    /// Whether the last line of what is shown of the pinned card is on screen.
    pub(in crate::operator::console) fn shows_end(&self) -> bool {
        let (Some(pinned), Some(room)) = (&self.pinned, view::card_room(self)) else { return false };
        pinned.top.saturating_add(room.height) >= room.lines
    }

    /// Scrolls the card or the list by so many lines.
    pub(super) fn scroll(&mut self, by: isize) {
        match (self.page, &mut self.pinned) {
            (Page::Queue, Some(pinned)) => pinned.top = pinned.top.saturating_add_signed(by),
            (Page::Queue, None) => {}
            (Page::Sessions | Page::History | Page::Help | Page::Picture, _) => {
                self.top = self.top.saturating_add_signed(by);
            }
        }
        self.clamp();
        self.dirty = true;
    }

    pub(super) fn clamp(&mut self) {
        let (room, list) = (view::card_room(self), view::list_room(self));
        if let (Some(pinned), Some(room)) = (&mut self.pinned, room) {
            pinned.top = pinned.top.min(room.lines.saturating_sub(room.height));
        }
        self.top = self.top.min(list.lines.saturating_sub(list.height));
    }
}
