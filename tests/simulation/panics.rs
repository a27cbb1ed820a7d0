//! Panics of the daemon's tasks: the daemon survives them, a run does not.

use std::cell::RefCell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static FAILED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remembers from now on what panics on this thread.
pub fn watch() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            FAILED.with(|failed| failed.borrow_mut().get_or_insert_with(|| panic.to_string()).truncate(500));
            before(panic);
        }));
    });
    drop(taken());
}

/// The first panic on this thread since it was asked last.
pub fn taken() -> Option<String> {
    FAILED.with(|failed| failed.borrow_mut().take())
}
