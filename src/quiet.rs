//! Work that may take its time: a thread of its own, which yields the processor to all others.
//!
//! On one core a list of ten thousand sessions would otherwise share the processor evenly, for as long as it is read or given back, with
//! what judges events. The runtime's own blocking threads are for others, too, name look-ups among them.

use std::io;
use std::thread::Builder;

/// Does `work` on a thread of this name, with the lowest priority.
///
/// # Errors
///
/// When the system has no thread to give; `work` is dropped then.
pub fn apart(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let quiet = move || {
        // On Linux a priority is the thread's own; elsewhere it would be the daemon's. Without it this is only not as quiet.
        if cfg!(target_os = "linux") {
            let _ = rustix::process::setpriority_process(None, 19);
        }
        work();
    };
    Builder::new().name(name.to_owned()).spawn(quiet).map(drop)
}
