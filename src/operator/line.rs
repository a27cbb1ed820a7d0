//! The line being typed, and what of it is echoed.
//!
//! Echo is append-only but for rubbing out, which is what a serial terminal understands. Never decides anything.

use unicode_width::UnicodeWidthStr as _;

use super::keys::Key;
use crate::operator::escape;

/// The most characters of a line: the provider's limit for a message, and a command in front.
const LONGEST: usize = 10_100;

/// A line under the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    chars: Vec<char>,
    full: bool,
}

impl Line {
    pub(crate) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// Whether more was typed than a line can hold.
    pub(crate) fn is_too_long(&self) -> bool {
        self.full
    }

    /// The line as it stands on the terminal.
    pub(crate) fn echoed(&self) -> String {
        shown(&self.text())
    }

    /// Takes an editing key and returns what to print for it; other keys change nothing.
    pub(crate) fn edit(&mut self, key: Key) -> String {
        let before = self.echoed();
        match key {
            Key::Char(c) if self.chars.len() < LONGEST => self.chars.push(c),
            Key::Char(_) => self.full = true,
            Key::Backspace => drop(self.chars.pop()),
            Key::KillLine => self.chars.clear(),
            Key::KillWord => self.kill_word(),
            Key::Tab => return self.edit(Key::Char(' ')),
            Key::Enter
            | Key::Eof
            | Key::Paste(_)
            | Key::Escape
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End
            | Key::Focus(_)
            | Key::Other => {}
        }
        step(&before, &self.echoed())
    }

    /// Adds pasted text; line breaks and other controls become spaces, so that it stays one line.
    pub(crate) fn paste(&mut self, text: &str) {
        text.trim_end()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .for_each(|c| drop(self.edit(Key::Char(c))));
    }

    fn kill_word(&mut self) {
        while self.chars.last().is_some_and(|c| *c == ' ') {
            self.chars.pop();
        }
        while self.chars.last().is_some_and(|c| *c != ' ') {
            self.chars.pop();
        }
    }
}

/// Typed text is an operator's own, and is still shown rather than obeyed: it may have come through a paste.
fn shown(text: &str) -> String {
    escape::escape(text, usize::MAX).text
}

/// What turns `before` into `after` on the terminal: rub out what differs, print the rest.
fn step(before: &str, after: &str) -> String {
    let common: usize = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let gone = before[common..].width();
    format!("{}{}", "\u{8} \u{8}".repeat(gone), &after[common..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(line: &mut Line, text: &str) -> String {
        text.chars().map(|c| line.edit(Key::Char(c))).collect()
    }

    #[test]
    fn typing_echoes_and_backspace_rubs_out_what_was_echoed() {
        let mut line = Line::default();
        assert_eq!(type_in(&mut line, "n 値"), "n 値");
        assert_eq!(line.edit(Key::Backspace), "\u{8} \u{8}\u{8} \u{8}");
        assert_eq!(type_in(&mut line, "\u{202e}"), "<U+202E>");
        assert_eq!(line.edit(Key::Backspace), "\u{8} \u{8}".repeat(8));
        assert_eq!(line.text(), "n ");
        assert_eq!(line.edit(Key::KillLine), "\u{8} \u{8}\u{8} \u{8}");
        assert_eq!(line.edit(Key::Backspace), "");
    }

    #[test]
    fn a_word_goes_with_the_space_after_it() {
        let mut line = Line::default();
        type_in(&mut line, "m wait a bit ");
        line.edit(Key::KillWord);
        assert_eq!(line.text(), "m wait a ");
    }
}
