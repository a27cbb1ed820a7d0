//! From cells to bytes: what has to be written so that the terminal shows the new screen.
//!
//! Only what differs from the screen before is written; where nobody knows what is on the terminal, all of it.

use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::machine::{Console, Moment};
use super::view;

/// Clears the whole screen, with the usual attributes.
const CLEAR: &str = "\u{1b}[0m\u{1b}[2J";

/// What is on the terminal.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// `None` when that is not known.
    shown: Option<Buffer>,
}

impl Screen {
    /// Forgets what is on the terminal: it was cleared, resized or used by somebody else.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that bring the console's screen onto the terminal.
    pub(super) fn frame(&mut self, console: &Console, now: Moment) -> String {
        let (width, height) = console.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = view::draw(console, now, &mut buffer);
        let mut bytes: Vec<u8> = Vec::new();
        let before = self.shown.take().filter(|shown| shown.area == buffer.area);
        if before.is_none() {
            bytes.extend_from_slice(CLEAR.as_bytes());
        }
        let before = before.unwrap_or_else(|| Buffer::empty(buffer.area));
        // Writing into memory does not fail.
        let _ = CrosstermBackend::new(&mut bytes).draw(before.diff(&buffer).into_iter());
        let place = match cursor {
            Some((column, row)) => format!("\u{1b}[{};{}H\u{1b}[?25h", row + 1, column + 1),
            None => "\u{1b}[?25l".to_owned(),
        };
        bytes.extend_from_slice(place.as_bytes());
        self.shown = Some(buffer);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
