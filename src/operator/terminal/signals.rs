//! The signals that concern a terminal, as values. Decides nothing about them.

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// Stops this process until somebody continues it. Who cannot be stopped goes on.
pub(crate) fn stop() {
    let _ = kill_process(getpid(), Signal::STOP);
}

/// What a signal wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// SIGINT, SIGTERM, SIGQUIT: the end.
    End,
    /// SIGHUP.
    HangUp,
    /// SIGTSTP: Ctrl-Z.
    Suspend,
    /// SIGCONT.
    Continued,
    /// SIGWINCH: the window has another size.
    Resized,
}

/// The signals that concern a terminal. Listening replaces what they do by themselves, which would leave it in our mode.
pub(crate) struct Listened {
    interrupt: Signals,
    terminate: Signals,
    quit: Signals,
    hang_up: Signals,
    suspend: Signals,
    continued: Signals,
    resized: Signals,
}

impl Listened {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            suspend: signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?,
            continued: signal(SignalKind::from_raw(Signal::CONT.as_raw()))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Once listened to, Ctrl-Z never again stops the process by itself; without a prompt it shall nevertheless.
    pub(crate) fn keep_suspending(self) {
        let mut suspend = self.suspend;
        tokio::spawn(async move {
            while suspend.recv().await.is_some() {
                stop();
            }
        });
    }

    /// The next one. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Kind {
        tokio::select! {
            _ = self.interrupt.recv() => Kind::End,
            _ = self.terminate.recv() => Kind::End,
            _ = self.quit.recv() => Kind::End,
            _ = self.hang_up.recv() => Kind::HangUp,
            _ = self.suspend.recv() => Kind::Suspend,
            _ = self.continued.recv() => Kind::Continued,
            _ = self.resized.recv() => Kind::Resized,
        }
    }
}
