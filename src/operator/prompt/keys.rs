//! From bytes to keys.
//!
//! Understands UTF-8 split over reads, escape sequences (all ignored) and bracketed pastes (reported as one key, their text
//! dropped). Never fails: what it cannot read becomes a character that no command contains.

use std::time::Duration;

/// One key, or what stands for a burst of bytes that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A printable character; U+FFFD for bytes that are not UTF-8.
    Char(char),
    /// Enter.
    Enter,
    /// Backspace or DEL.
    Backspace,
    /// Ctrl-U: the whole line goes.
    KillLine,
    /// Ctrl-W: the last word goes.
    KillWord,
    /// Ctrl-D.
    Eof,
    /// The end of a bracketed paste.
    Paste,
    /// A cursor key, a function key or an unused control character.
    Other,
}

/// After this much silence an unfinished sequence or paste is over: its end was lost in a flush.
const SILENCE: Duration = Duration::from_secs(1);

/// The decoder's memory between reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    state: State,
    pending: Vec<u8>,
    last: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Escape,
    Sequence,
    Single,
    Paste,
}

const PASTE_BEGINS: &[u8] = b"[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

impl Keys {
    /// The keys in `bytes`, which arrived at `at`.
    pub(super) fn read(&mut self, bytes: &[u8], at: Duration) -> Vec<Key> {
        if at.saturating_sub(self.last) > SILENCE {
            *self = Self::default();
        }
        self.last = at;
        bytes.iter().flat_map(|byte| self.byte(*byte)).collect()
    }

    fn byte(&mut self, byte: u8) -> Vec<Key> {
        match self.state {
            State::Text => self.text(byte),
            State::Escape => self.after_escape(byte),
            State::Sequence => self.in_sequence(byte),
            State::Single => self.finish(Key::Other),
            State::Paste => self.in_paste(byte),
        }
    }

    fn text(&mut self, byte: u8) -> Vec<Key> {
        if !byte.is_ascii() {
            self.pending.push(byte);
            return self.utf8();
        }
        let mut keys = if self.pending.is_empty() { Vec::new() } else { self.finish(Key::Char('\u{FFFD}')) };
        if byte == 0x1b {
            self.state = State::Escape;
        } else {
            keys.push(ascii(byte));
        }
        keys
    }

    fn utf8(&mut self) -> Vec<Key> {
        match std::str::from_utf8(&self.pending) {
            Ok(text) => {
                let key = text.chars().next().map_or(Key::Other, printable);
                self.finish(key)
            }
            Err(error) if error.error_len().is_none() => Vec::new(),
            Err(_) => self.finish(Key::Char('\u{FFFD}')),
        }
    }

    fn after_escape(&mut self, byte: u8) -> Vec<Key> {
        match byte {
            b'[' => {
                self.state = State::Sequence;
                self.pending.push(byte);
                Vec::new()
            }
            b'O' => {
                self.state = State::Single;
                Vec::new()
            }
            0x1b => vec![Key::Other],
            b'\r' | b'\n' => {
                let mut keys = self.finish(Key::Other);
                keys.push(Key::Enter);
                keys
            }
            _ => self.finish(Key::Other),
        }
    }

    fn in_sequence(&mut self, byte: u8) -> Vec<Key> {
        self.pending.push(byte);
        if self.pending == PASTE_BEGINS {
            self.pending.clear();
            self.state = State::Paste;
            return Vec::new();
        }
        let unfinished = (0x20..0x40).contains(&byte) && self.pending.len() < 64;
        if unfinished { Vec::new() } else { self.finish(Key::Other) }
    }

    fn in_paste(&mut self, byte: u8) -> Vec<Key> {
        self.pending.push(byte);
        if self.pending.ends_with(PASTE_ENDS) {
            return self.finish(Key::Paste);
        }
        if self.pending.len() > PASTE_ENDS.len() {
            self.pending.remove(0);
        }
        Vec::new()
    }

    fn finish(&mut self, key: Key) -> Vec<Key> {
        self.state = State::Text;
        self.pending.clear();
        vec![key]
    }
}

fn ascii(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Key::Enter,
        0x08 | 0x7f => Key::Backspace,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        0x04 => Key::Eof,
        b'\t' => Key::Char(' '),
        0..0x20 => Key::Other,
        _ => printable(char::from(byte)),
    }
}

/// C1 controls are eight-bit escape sequences to some terminals; they are not text.
fn printable(c: char) -> Key {
    if c.is_control() { Key::Other } else { Key::Char(c) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(chunks: &[&[u8]]) -> Vec<Key> {
        let mut decoder = Keys::default();
        chunks.iter().flat_map(|chunk| decoder.read(chunk, Duration::ZERO)).collect()
    }

    #[test]
    fn a_character_split_over_reads_is_one_key() {
        assert_eq!(keys(&[b"\xe2\x82", b"\xac"]), [Key::Char('€')]);
        assert_eq!(keys(&[b"\xf0\x9f", b"\x98", b"\x80y"]), [Key::Char('😀'), Key::Char('y')]);
    }

    #[test]
    fn bytes_that_are_not_text_become_a_character_no_command_has() {
        assert_eq!(keys(&[b"\xff"]), [Key::Char('\u{FFFD}')]);
        assert_eq!(keys(&[b"\xe2\x82y"]), [Key::Char('\u{FFFD}'), Key::Char('y')]);
    }

    #[test]
    fn escape_sequences_are_other_keys_wherever_they_are_split() {
        assert_eq!(keys(&[b"\x1b[A\x1bOB\x1by"]), [Key::Other; 3]);
        assert_eq!(keys(&[b"\x1b", b"[1;", b"5C", b"n"]), [Key::Other, Key::Char('n')]);
        assert_eq!(keys(&[b"\x1b\n"]), [Key::Other, Key::Enter]);
    }

    #[test]
    fn a_paste_is_one_key_and_its_text_is_dropped() {
        assert_eq!(keys(&[b"\x1b[200~y\ny\n", b"\x1b[A\x1b[20", b"1~n"]), [Key::Paste, Key::Char('n')]);
    }

    #[test]
    fn a_paste_whose_end_was_lost_is_over_after_a_silence() {
        let mut decoder = Keys::default();
        assert_eq!(decoder.read(b"\x1b[200~y", Duration::from_secs(1)), []);
        assert_eq!(decoder.read(b"n", Duration::from_millis(2100)), [Key::Char('n')]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_the_same_keys_however_they_are_split(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
            let at = if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
            prop_assert_eq!(keys(&[&bytes[..at], &bytes[at..]]), keys(&[&bytes]));
        }
    }
}
