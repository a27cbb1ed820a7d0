//! What each key does.

use std::time::Duration;

use super::{Console, Output, Page, Wanted};
use crate::operator::console::{ConsoleEnd, view};
use crate::operator::keys::Key;

impl Console {
    pub(super) fn typed(&mut self, bytes: &[u8], at: Duration, late: bool) {
        let keys = self.keys.read(bytes, at);
        let alone = keys.len() == 1 && !late;
        let denies = keys.iter().any(|key| matches!(key, Key::Char('n' | 'N')));
        if late {
            self.note("keys whose time is not known were dropped");
            self.rearm();
        } else {
            self.rest &= !self.is_quiet(at);
            for key in keys {
                if !self.rest || matches!(key, Key::Focus(_)) {
                    self.key(key, at, alone);
                }
            }
        }
        if denies {
            self.goes_on_denying(at);
        }
        self.last_key = Some(at);
        self.dirty = true;
    }

    pub(super) fn key(&mut self, key: Key, at: Duration, alone: bool) {
        match key {
            Key::Focus(true) => self.rearm(),
            Key::Focus(false) => {}
            _ if self.page == Page::Picture => self.go(Page::Queue),
            key if self.entry.is_some() => self.entry_key(key, at, alone),
            Key::Char(letter) => self.letter(letter.to_ascii_lowercase(), at, alone),
            Key::Paste(_) => {
                self.note("pasted text decides nothing");
                self.rearm();
            }
            Key::Tab => self.go(match self.page {
                Page::Queue => Page::Sessions,
                Page::Sessions => Page::History,
                Page::History | Page::Help | Page::Picture => Page::Queue,
            }),
            Key::Escape if self.page != Page::Queue => self.go(Page::Queue),
            Key::Up => self.step(-1),
            Key::Down => self.step(1),
            Key::PageUp | Key::PageDown | Key::Home | Key::End => self.read_on(&key),
            Key::Escape | Key::Enter | Key::Backspace | Key::KillLine | Key::KillWord | Key::Eof | Key::Other => {}
        }
    }

    fn letter(&mut self, letter: char, at: Duration, alone: bool) {
        match (self.page, letter) {
            (_, 'q') if alone => self.out.push(Output::Leave(ConsoleEnd::Left)),
            // What is pasted after it would go to the shell.
            (_, 'q') => self.note("several keys at once, like a paste: press q again to detach"),
            (Page::Help, '?') => self.go(Page::Queue),
            (_, '?' | 'h') => self.go(Page::Help),
            (_, '1') => self.go(Page::Queue),
            (_, '2') => self.go(Page::Sessions),
            (_, '3') => self.go(Page::History),
            (_, 'j') => self.step(1),
            (_, 'k') => self.step(-1),
            (_, ' ') => self.read_on(&Key::PageDown),
            (Page::Queue, 'd') => self.details(),
            (Page::Queue, 's') => self.wish_for_picture(),
            (Page::Queue, 'y' | 'n' | 'r' | 'm' | 'a' | 'x') if self.pinned.is_some() => self.act(letter, at, alone),
            (Page::Queue | Page::Sessions | Page::History | Page::Help | Page::Picture, _) => {}
        }
    }

    fn act(&mut self, letter: char, at: Duration, alone: bool) {
        if !alone {
            self.note("several keys at once, like a paste, decide nothing");
            return;
        }
        match letter {
            'y' => self.approve(at),
            'n' => self.wish_to_deny(at),
            'r' => self.open_entry(Wanted::DenyReason, at),
            'm' => self.wish_to_tell(Wanted::Instruction, at),
            'a' => self.wish_to_tell(Wanted::Answer, at),
            _ => self.extend(at),
        }
    }

    /// To another approval, or down a list.
    fn step(&mut self, by: isize) {
        if self.page != Page::Queue {
            self.scroll(by);
            return;
        }
        let at = self.pinned.as_ref().and_then(|pinned| self.queue.iter().position(|v| v.card.approval == pinned.id));
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(self.queue.len().saturating_sub(1)));
        match self.queue.get(to).map(|view| view.card.approval) {
            Some(id) if !self.is_pinned(id) => self.pin(id, Vec::new()),
            Some(_) | None => {}
        }
    }

    /// Scrolls by a page, or to an end.
    pub(super) fn read_on(&mut self, key: &Key) {
        let height = match self.page {
            Page::Queue => view::card_room(self).map_or(1, |room| room.height),
            Page::Sessions | Page::History | Page::Help | Page::Picture => view::list_room(self).height,
        };
        let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
        match key {
            Key::PageUp => self.scroll(-page),
            Key::PageDown => self.scroll(page),
            Key::Home => self.scroll(isize::MIN),
            Key::End => self.scroll(isize::MAX),
            _ => {}
        }
    }

    fn details(&mut self) {
        if let Some(pinned) = &mut self.pinned {
            pinned.details = !pinned.details;
            pinned.top = 0;
            self.dirty = true;
        }
    }

    fn wish_for_picture(&mut self) {
        let Some(id) = self.pinned.as_ref().map(|pinned| pinned.id) else { return };
        if !self.is_connected() {
            self.note("disconnected: no screenshot");
            return;
        }
        self.say(Some(id), format!("{}  taking a screenshot…", id.code()));
        self.out.push(Output::Screenshot(id));
    }

    /// To another page; a card that comes back has to be read anew.
    pub(super) fn go(&mut self, page: Page) {
        self.leave_picture();
        self.page = page;
        self.top = 0;
        self.rearm();
    }

    pub(super) fn leave_picture(&mut self) {
        if self.page == Page::Picture {
            self.page = Page::Queue;
            self.out.push(Output::NoPicture);
        }
    }
}
