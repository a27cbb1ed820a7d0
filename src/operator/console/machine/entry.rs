//! The line in which a reason, an instruction, an answer or a confirmation is typed.

use std::time::Duration;

use super::Console;
use crate::control::Act;
use crate::operator::escape::escape;
use crate::operator::keys::Key;
use crate::operator::line::Line;
use crate::operator::words;

/// A line that is being typed.
#[derive(Clone, Debug)]
pub(in crate::operator::console) struct Entry {
    pub(in crate::operator::console) wanted: Wanted,
    line: Line,
    /// When the key that opened it arrived.
    opened: Duration,
    /// When text was pasted into it last.
    pasted: Option<Duration>,
    /// Whether a key was pressed since.
    touched: bool,
}

/// What a line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operator::console) enum Wanted {
    /// The reason of a denial.
    DenyReason,
    /// The reason of an approval.
    ApproveReason,
    /// An instruction for the agent.
    Instruction,
    /// An answer to its question.
    Answer,
    /// The amount or the code, for this act.
    Confirmation(Act),
}

impl Wanted {
    /// The word before the line.
    pub(in crate::operator::console) fn label(&self) -> &'static str {
        match self {
            Self::DenyReason => "deny, because",
            Self::ApproveReason => "approve, because",
            Self::Instruction => "tell the agent",
            Self::Answer => "answer",
            Self::Confirmation(_) => "type it",
        }
    }
}

impl Entry {
    fn new(wanted: Wanted, opened: Duration) -> Self {
        Self { wanted, line: Line::default(), opened, pasted: None, touched: false }
    }

    /// The line as it is shown; typed text is an operator's own, and still shown rather than obeyed.
    pub(in crate::operator::console) fn shown(&self) -> String {
        escape(&self.line.text(), usize::MAX).text
    }

    pub(super) fn text(&self) -> String {
        self.line.text().trim().to_owned()
    }

    /// Whether Enter at `at` only follows a paste: what was pasted has to be looked at first.
    fn is_fresh_paste(&self, at: Duration, quiet: Duration) -> bool {
        self.pasted.is_some_and(|pasted| !self.touched || at < pasted.saturating_add(quiet))
    }
}

impl Console {
    /// Opens a line for a key that arrived at `at`.
    pub(super) fn open_entry(&mut self, wanted: Wanted, at: Duration) {
        if let (Wanted::Confirmation(_), Some((_, view))) = (&wanted, self.on_card()) {
            let what = words::to_type(&view.card);
            self.note(&format!("type {what}, then Enter"));
        }
        self.entry = Some(Entry::new(wanted, at));
        self.dirty = true;
    }

    pub(super) fn drop_entry(&mut self, why: &str) {
        let Some(entry) = self.entry.take() else { return };
        self.rest = true;
        if !entry.line.is_empty() {
            self.note(&format!("what you were typing was dropped: {why}"));
        }
    }

    /// A key that was to open a line and cannot: what is typed for that line are no commands.
    pub(super) fn open_nothing(&mut self, why: &str) {
        self.rest = true;
        self.note(why);
    }

    /// Takes a key while a line is open.
    pub(super) fn entry_key(&mut self, key: Key, at: Duration, alone: bool) {
        let quiet = self.settings.quiet;
        self.dirty = true;
        let Some(entry) = &mut self.entry else { return };
        if at < entry.opened.saturating_add(quiet) {
            // Who types a word for something else has opened this by its first letter.
            self.entry = None;
            self.rest = true;
            self.note("keys still arriving: the line was closed, open it again and wait for it");
            return;
        }
        match key {
            Key::Escape => {
                self.entry = None;
                self.note("nothing was sent");
            }
            Key::Enter if !alone => self.note("that Enter came together with other keys, like a paste: press it again"),
            Key::Enter if entry.is_fresh_paste(at, quiet) => {
                entry.touched = true;
                self.note("pasted text is not sent at once: look at it, then press Enter again");
            }
            Key::Enter => self.entered(at),
            Key::Paste(_) if matches!(entry.wanted, Wanted::Confirmation(_)) => {
                self.note("this has to be typed, not pasted");
            }
            Key::Paste(text) => {
                entry.line.paste(&text);
                entry.pasted = Some(at);
                entry.touched = false;
            }
            Key::Char(_) | Key::Tab | Key::Backspace | Key::KillLine | Key::KillWord => {
                entry.line.edit(key);
                entry.touched = true;
            }
            Key::Eof
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End
            | Key::Focus(_)
            | Key::Other => self.read_on(&key),
        }
    }

    fn entered(&mut self, at: Duration) {
        let Some(entry) = &self.entry else { return };
        if entry.line.is_too_long() {
            self.note("that is too long: 10 000 characters at most");
            return;
        }
        let (wanted, text) = (entry.wanted.clone(), entry.text());
        let reason = || (!text.is_empty()).then(|| text.clone());
        match wanted {
            Wanted::DenyReason => self.deny(reason(), at),
            Wanted::ApproveReason if text.is_empty() => self.note("the rule wants a reason"),
            Wanted::ApproveReason => self.release(Act::Approve { reason: reason() }, at),
            Wanted::Instruction | Wanted::Answer if text.is_empty() => self.note("there is no text to send"),
            Wanted::Instruction => self.release(Act::Instruct { text }, at),
            Wanted::Answer => self.release(Act::Answer { text }, at),
            Wanted::Confirmation(act) => self.confirm(act, &text, at),
        }
    }
}
