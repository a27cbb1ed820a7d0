//! Signals: which end the daemon, which make it read its configuration again, which change nothing.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::{Exit, Failure};
use crate::operator::terminal;

/// What signals ask for.
pub(super) struct Signals {
    /// Cancelled by SIGINT and SIGTERM.
    pub(super) stop: CancellationToken,
    /// Something for every SIGHUP that asks to read the configuration again; several in a row are one.
    pub(super) reload: mpsc::Receiver<()>,
}

/// Listens from here on.
///
/// # Errors
/// When signals cannot be received.
pub(super) fn listen() -> Result<Signals, Failure> {
    let on = |kind| {
        signal(kind).map_err(|error| {
            Failure::new(Exit::Error, format!("signals cannot be received: {error}")).hint(crate::error::SYSTEM)
        })
    };
    let listened = Listened {
        interrupt: on(SignalKind::interrupt())?,
        terminate: on(SignalKind::terminate())?,
        hangup: on(SignalKind::hangup())?,
        // A limit on file sizes must fail a write, not end the process and with it every hold.
        too_large: on(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
    };
    let stop = CancellationToken::new();
    let (asked, reload) = mpsc::channel(1);
    tokio::spawn(obey(listened, stop.clone(), asked));
    Ok(Signals { stop, reload })
}

struct Listened {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    too_large: Signal,
}

async fn obey(mut listened: Listened, stop: CancellationToken, reload: mpsc::Sender<()>) {
    let had_terminal = terminal::is_usable();
    loop {
        tokio::select! {
            _ = listened.interrupt.recv() => break,
            _ = listened.terminate.recv() => break,
            _ = listened.too_large.recv() => (),
            // The prompt says that its terminal has gone; nobody asked for another configuration.
            _ = listened.hangup.recv() => if !had_terminal || terminal::is_usable() {
                // One that waits already will read what is there when its turn comes.
                let _ = reload.try_send(());
            },
        }
    }
    stop.cancel();
}
