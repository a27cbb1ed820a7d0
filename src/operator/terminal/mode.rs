//! The terminal's mode, and putting it back.
//!
//! The saved mode is the one piece of state of the whole process here: a panic hook has to reach it.

use std::io::IsTerminal as _;
use std::sync::{Mutex, Once, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::stdio::{stderr, stdin};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetpgrp, tcgetwinsize,
    tcsetattr,
};

use super::Look;

/// What is written when the terminal is taken, and when it is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manners {
    on: &'static [u8],
    off: &'static [u8],
}

/// For terminals that know nothing.
pub(super) const NONE: Manners = Manners { on: b"", off: b"" };

/// For this use: bracketed pastes always; with the full screen also the title kept, the alternate screen, focus reports and
/// no cursor. Undone in the opposite order.
pub(super) fn manners(look: Look) -> Manners {
    match look {
        Look::Lines => Manners { on: b"\x1b[?2004h", off: b"\x1b[?2004l" },
        Look::FullScreen => Manners {
            on: b"\x1b[22;2t\x1b[?1049h\x1b[2J\x1b[?2004h\x1b[?1004h\x1b[?25l",
            off: b"\x1b[0m\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?1049l\x1b[23;2t",
        },
    }
}

/// How long a terminal that takes no output is waited for when it is given back.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

struct Saved {
    mode: Termios,
    manners: Manners,
}

static SAVED: Mutex<Option<Saved>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// Whether an operator can be asked here: standard input and error are terminals.
#[must_use]
pub fn is_usable() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Puts the terminal back as it was, and throws away what was typed and not read. Harmless when there is nothing to do;
/// safe in a panic hook.
pub fn restore() {
    let Some(saved) = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    write_if_writable(saved.manners.off);
    if standing() != Standing::Foreground {
        return;
    }
    flush();
    // A terminal that refuses has gone; there is nobody to put it back for.
    let _ = tcsetattr(stdin(), OptionalActions::Now, &saved.mode);
    flush();
}

/// Switches line buffering and echo off. Signals (`ISIG`) and output processing (`OPOST`) stay.
pub(super) fn enter(manners: Manners) -> std::io::Result<()> {
    HOOK.call_once(install_hook);
    let mode = tcgetattr(stdin())?;
    let mut ours = mode.clone();
    ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    ours.special_codes[SpecialCodeIndex::VMIN] = 1;
    ours.special_codes[SpecialCodeIndex::VTIME] = 0;
    // After a stop that we did not see coming, what was saved first is still what the terminal was like before us.
    SAVED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(Saved { mode, manners });
    if let Err(error) = tcsetattr(stdin(), OptionalActions::Now, &ours) {
        restore();
        return Err(error.into());
    }
    write_if_writable(manners.on);
    Ok(())
}

/// Throws away what was typed and not read; says whether there was any.
pub(super) fn flush() -> bool {
    if standing() != Standing::Foreground {
        return false;
    }
    let unread = rustix::io::ioctl_fionread(stdin()).is_ok_and(|bytes| bytes > 0);
    // Only a vanished terminal refuses, and the reader reports that.
    let _ = tcflush(stdin(), QueueSelector::IFlush);
    unread
}

/// How we stand to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is ours to read and to change.
    Foreground,
    /// Another job has it: reading or changing it would stop the whole process.
    Background,
    /// It has vanished.
    Gone,
}

/// Asks the terminal. One that does not control our session knows no jobs, so that nobody else can have it.
pub(super) fn standing() -> Standing {
    match tcgetpgrp(stdin()) {
        Ok(foreground) if foreground == getpgrp() => Standing::Foreground,
        Ok(_) => Standing::Background,
        Err(Errno::NOTTY) => Standing::Foreground,
        Err(_) => Standing::Gone,
    }
}

pub(super) fn size() -> (u16, u16) {
    match tcgetwinsize(stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        Ok(size) if size.ws_col > 0 => (size.ws_col, 24),
        Ok(_) | Err(_) => (80, 24),
    }
}

/// Whether there is something to put back.
pub(super) fn is_taken() -> bool {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

fn install_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        before(panic);
    }));
}

/// A blocked terminal goes without: waiting for it for long could hold up a panic or a signal.
fn write_if_writable(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let out = stderr();
    let mut fds = [PollFd::new(&out, PollFlags::OUT)];
    if poll(&mut fds, Some(&PATIENCE)).is_ok() && fds[0].revents() == PollFlags::OUT {
        let _ = rustix::io::write(stderr(), bytes);
    }
}
