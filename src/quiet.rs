//! Work that may take its time: a thread of its own, which gives way to all others.
//!
//! On one core a list of ten thousand sessions would otherwise hold up what judges events. A low priority does not help: once it
//! runs, a thread is left to run for some milliseconds, whoever wakes up meanwhile. So it offers the processor again and again. The
//! runtime's own blocking threads are for others, too, name look-ups among them.

use std::cell::Cell;
use std::io;
use std::thread::{self, Builder};

/// How much of a text is worked on before others may go first, in bytes: some tens of microseconds.
const PIECE: usize = 8 * 1024;
/// What one of a list that is given back counts for.
const ONE: usize = 256;

thread_local! {
    /// Whether this thread is one of those that give way.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a thread of this name, where it [gives way](Pace).
///
/// # Errors
///
/// When the system has no thread to give; `work` is dropped then.
pub fn apart(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let quiet = move || {
        QUIET.set(true);
        work();
    };
    Builder::new().name(name.to_owned()).spawn(quiet).map(drop)
}

/// How much was done since others had their turn.
#[derive(Debug, Default)]
pub struct Pace(usize);

impl Pace {
    /// So many bytes more are done: where that makes a piece, whatever else can run goes first. On a thread that is not [apart] from
    /// others it does nothing: the runtime's own is who should go first.
    pub fn did(&mut self, bytes: usize) {
        self.0 += bytes;
        if self.0 >= PIECE {
            self.0 = 0;
            if QUIET.get() {
                thread::yield_now();
            }
        }
    }
}

/// Gives back a list without being in the way of others.
pub fn give_back<T>(list: impl IntoIterator<Item = T>) {
    let mut pace = Pace::default();
    for one in list {
        drop(one);
        pace.did(ONE);
    }
}
