//! Work that may take its time: a thread of its own, which lets all others go first.
//!
//! On one core a list of ten thousand sessions would otherwise hold up what judges events. A low priority does not help: once it
//! runs, a thread is left to run for some milliseconds, whoever wakes up meanwhile. So it offers the processor again and again. The
//! runtime's own blocking threads are for others, too, name look-ups among them.

use std::cell::Cell;
use std::io;
use std::thread::{self, Builder};

/// After how many sessions or messages of a list others may go first: some tens of microseconds.
const PIECE: usize = 32;

thread_local! {
    /// Whether this thread is one of those that give way.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a thread of this name, where it can [give way](give_way).
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

/// Lets others have the processor when another few of a list are done; `done` counts them. On a thread that is not
/// [apart] from others it does nothing: the runtime's own is who should go first.
pub fn give_way(done: usize) {
    if done.is_multiple_of(PIECE) && QUIET.get() {
        thread::yield_now();
    }
}

/// Gives back a list without being in the way of others.
pub fn give_back<T>(list: impl IntoIterator<Item = T>) {
    for (done, one) in list.into_iter().enumerate() {
        drop(one);
        give_way(done);
    }
}
