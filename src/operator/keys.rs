//! From bytes to keys.
//!
//! Understands UTF-8 split over reads, the escape sequences of cursor keys and of focus, and bracketed pastes (one key with
//! their text). Never fails: what it cannot read becomes a character that no command contains, or a key that does nothing.

use std::time::Duration;

/// One key, or what stands for a burst of bytes that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
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
    /// The end of a bracketed paste, and the beginning of its text.
    Paste(String),
    /// The tabulator.
    Tab,
    /// Escape by itself, see [`Keys::silence`].
    Escape,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// The terminal's window was chosen, or left; only said where that was asked for.
    Focus(bool),
    /// A function key or an unused control character.
    Other,
}

/// After this much silence an unfinished sequence or paste is over: its end was lost in a flush.
const SILENCE: Duration = Duration::from_secs(1);
/// After this much silence an escape was the key itself, not the beginning of a sequence.
const ALONE: Duration = Duration::from_millis(80);
/// The most bytes that are kept of a paste: the provider's limit for a message, in UTF-8.
const LONGEST_PASTE: usize = 40_400;

/// The decoder's memory between reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
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
    pub(crate) fn read(&mut self, bytes: &[u8], at: Duration) -> Vec<Key> {
        if at.saturating_sub(self.last) > SILENCE {
            *self = Self::default();
        }
        self.last = at;
        bytes.iter().flat_map(|byte| self.byte(*byte)).collect()
    }

    /// Escape, when it was the last byte and nothing has followed by `now`.
    pub(crate) fn silence(&mut self, now: Duration) -> Option<Key> {
        let alone = self.state == State::Escape && now.saturating_sub(self.last) > ALONE;
        alone.then(|| *self = Self { last: self.last, ..Self::default() }).map(|()| Key::Escape)
    }

    fn byte(&mut self, byte: u8) -> Vec<Key> {
        match self.state {
            State::Text => self.text(byte),
            State::Escape => self.after_escape(byte),
            State::Sequence => self.in_sequence(byte),
            State::Single => self.finish(single(byte)),
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
        if unfinished {
            return Vec::new();
        }
        let key = sequence(&self.pending);
        self.finish(key)
    }

    fn in_paste(&mut self, byte: u8) -> Vec<Key> {
        self.pending.push(byte);
        if self.pending.ends_with(PASTE_ENDS) {
            let text = &self.pending[..self.pending.len() - PASTE_ENDS.len()];
            let text = String::from_utf8_lossy(&text[..text.len().min(LONGEST_PASTE)]).into_owned();
            return self.finish(Key::Paste(text));
        }
        if self.pending.len() > LONGEST_PASTE + 2 * PASTE_ENDS.len() {
            self.pending.remove(LONGEST_PASTE);
        }
        Vec::new()
    }

    fn finish(&mut self, key: Key) -> Vec<Key> {
        self.state = State::Text;
        self.pending.clear();
        vec![key]
    }
}

/// The key of a whole sequence, `[` included. With modifiers it is another key, and does nothing.
fn sequence(bytes: &[u8]) -> Key {
    match bytes {
        b"[A" => Key::Up,
        b"[B" => Key::Down,
        b"[H" | b"[1~" | b"[7~" => Key::Home,
        b"[F" | b"[4~" | b"[8~" => Key::End,
        b"[5~" => Key::PageUp,
        b"[6~" => Key::PageDown,
        b"[I" => Key::Focus(true),
        b"[O" => Key::Focus(false),
        _ => Key::Other,
    }
}

/// The key that terminals in application mode send after `ESC O`.
fn single(byte: u8) -> Key {
    match byte {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => Key::Other,
    }
}

fn ascii(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Key::Enter,
        0x08 | 0x7f => Key::Backspace,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        0x04 => Key::Eof,
        b'\t' => Key::Tab,
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
    fn escape_sequences_are_keys_of_their_own_wherever_they_are_split() {
        assert_eq!(keys(&[b"\x1b[A\x1bOB\x1by"]), [Key::Up, Key::Down, Key::Other]);
        assert_eq!(
            keys(&[b"\x1b[5~\x1b[6~\x1b[I\x1b[O"]),
            [Key::PageUp, Key::PageDown, Key::Focus(true), Key::Focus(false)]
        );
        assert_eq!(keys(&[b"\x1b", b"[1;", b"5C", b"n"]), [Key::Other, Key::Char('n')]);
        assert_eq!(keys(&[b"\x1b\n"]), [Key::Other, Key::Enter]);
    }

    #[test]
    fn a_paste_is_one_key_with_its_text() {
        let paste = Key::Paste("y\ny\n\x1b[A".into());
        assert_eq!(keys(&[b"\x1b[200~y\ny\n", b"\x1b[A\x1b[20", b"1~n"]), [paste, Key::Char('n')]);
        let long = [b"\x1b[200~".to_vec(), vec![b'a'; LONGEST_PASTE + 1_000], PASTE_ENDS.to_vec()].concat();
        assert_eq!(keys(&[&long, b"n"]), [Key::Paste("a".repeat(LONGEST_PASTE)), Key::Char('n')]);
    }

    #[test]
    fn escape_is_a_key_once_nothing_follows() {
        let mut decoder = Keys::default();
        assert_eq!(decoder.read(b"\x1b", Duration::from_millis(500)), []);
        assert_eq!(decoder.silence(Duration::from_millis(560)), None);
        assert_eq!(decoder.silence(Duration::from_millis(600)), Some(Key::Escape));
        assert_eq!(decoder.silence(Duration::from_millis(700)), None);
        assert_eq!(decoder.read(b"[A", Duration::from_millis(710)), [Key::Char('['), Key::Char('A')]);
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
