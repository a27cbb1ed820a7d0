//! The controlling terminal: its mode, its reader thread and its writer thread.
//!
//! Only switches line buffering and echo off; signals and output processing stay as they are. Whatever way the process
//! goes, the mode is put back, and what was typed and not read is thrown away before, so that it does not spill into a
//! shell. Writing happens on a thread of its own: a terminal that does not take output holds up nobody. Never decides what
//! is read or written, and never touches a terminal whose foreground is another job.

mod mode;
mod reader;
pub(crate) mod signals;
mod writer;

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use mode::Standing;
pub use mode::{is_usable, restore};
use reader::Reader;
use writer::Writer;

/// What the terminal reports. Times count from the origin that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Bytes of one read.
    Typed {
        /// When they arrived.
        at: Duration,
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether the time cannot be vouched for: the process was stopped, or bytes were lost before these.
        late: bool,
    },
    /// What was written under this number is on screen, and unread input was flushed.
    OnScreen {
        /// The number.
        ask: u64,
        /// When.
        at: Duration,
        /// Whether there was unread input to flush.
        flushed: bool,
    },
    /// The terminal has vanished; nothing more will be read.
    Gone,
}

/// How the terminal is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Lines are appended.
    Lines,
    /// The alternate screen, without a cursor, telling when the window is chosen; the window's title is put back after.
    FullScreen,
}

/// The terminal in our mode. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    reader: Reader,
    writer: Writer,
    look: Look,
    capable: bool,
    ours: bool,
}

impl Terminal {
    /// Starts both threads, and takes the terminal over if we are its foreground job. Reports go to `reports`.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started or the mode cannot be read or set.
    pub fn open(origin: Instant, reports: mpsc::Sender<Report>, look: Look) -> std::io::Result<Self> {
        let writer = Writer::start(origin, reports.clone())?;
        let reader = Reader::start(origin, reports)?;
        let mut terminal = Self { reader, writer, look, capable: is_capable(), ours: false };
        terminal.enter()?;
        Ok(terminal)
    }

    /// Whether the terminal is in our mode.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Takes the terminal over, if we are its foreground job and have not got it; says whether that happened.
    ///
    /// # Errors
    ///
    /// When the terminal has vanished, or its mode cannot be read or set.
    pub fn enter(&mut self) -> std::io::Result<bool> {
        match mode::standing() {
            Standing::Foreground if !self.ours => {}
            Standing::Foreground | Standing::Background => return Ok(false),
            Standing::Gone => return Err(std::io::Error::other("the terminal has vanished")),
        }
        mode::enter(if self.capable { mode::manners(self.look) } else { mode::NONE })?;
        self.ours = true;
        self.reader.listen(true);
        Ok(true)
    }

    /// Takes the terminal over again after the process was stopped and continued: a shell has had it meanwhile. Says
    /// whether that happened; it does not in the background.
    ///
    /// # Errors
    ///
    /// When the terminal has vanished, or its mode cannot be read or set.
    pub fn continued(&mut self) -> std::io::Result<bool> {
        self.reader.listen(false);
        self.ours = false;
        self.enter()
    }

    /// Gives the terminal back; what is still to be written is waited for half a second at most.
    pub fn leave(&mut self) {
        self.writer.drain(Duration::from_millis(500));
        self.reader.listen(false);
        mode::restore();
        self.ours = false;
    }

    /// Queues text.
    pub fn print(&self, text: String) {
        self.writer.print(text);
    }

    /// Queues text; when it is on screen, unread input is flushed and [`Report::OnScreen`] follows.
    pub fn ask(&self, text: String, ask: u64) {
        self.writer.ask(text, ask);
    }

    /// Queues a picture of the whole screen; when it is there, [`Report::OnScreen`] follows, after a flush of unread input
    /// where that is asked for.
    pub fn draw(&self, text: String, number: u64, flush: bool) {
        self.writer.draw(text, number, flush);
    }

    /// Throws away what was typed and not read.
    pub fn flush(&self) {
        if self.ours {
            mode::flush();
        }
    }

    /// Rings the bell, on terminals that have one.
    pub fn bell(&self) {
        if self.capable {
            self.writer.print("\u{7}".to_owned());
        }
    }

    /// How many bytes wait to be written: more than nothing for long means that the terminal is blocked.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.writer.backlog()
    }

    /// Whether it was given back by somebody else: a panic in another thread.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.ours && !mode::is_taken()
    }

    /// How many columns and rows there are; 80 and 24 when the terminal does not tell.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        mode::size()
    }

    /// How many columns there are; 80 when the terminal does not tell.
    #[must_use]
    pub fn columns(&self) -> usize {
        width()
    }
}

/// How many columns the terminal behind standard error has; 80 when it does not tell.
#[must_use]
pub fn width() -> usize {
    usize::from(mode::size().0)
}

/// Whether the terminal knows more than lines: `TERM` is set and not `dumb`.
#[must_use]
pub fn is_capable() -> bool {
    std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}
