//! Work that may take its time: a thread of its own, which yields the processor to all others.
//!
//! On one core a list of ten thousand sessions would otherwise share the processor evenly, for as long as it is read or given back, with
//! what judges events. The runtime's own blocking threads are for others, too, name look-ups among them.

use std::io;
use std::thread::Builder;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

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

/// Makes what has threads of its own, on a thread as of [`apart`]: they inherit its priority.
///
/// # Errors
///
/// When the system has no thread to give, or `making` panics.
pub async fn made<T: Send + 'static>(name: &str, making: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    let (sender, made) = oneshot::channel();
    let runtime = Handle::current();
    apart(name, move || drop(sender.send(runtime.block_on(making))))?;
    made.await.map_err(io::Error::other)
}
