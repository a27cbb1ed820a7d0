//! The service manager that may have started us: what it is told, over the socket in `$NOTIFY_SOCKET`.
//!
//! A thread of its own does the talking, in order: a manager that does not read holds up that thread and nothing else.
//! Without a manager every word is dropped. Decides nothing.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use sd_notify::NotifyState;

/// How many words may wait for a manager that does not read.
const ROOM: usize = 64;
/// How long the end waits until everything is told.
const LAST: Duration = Duration::from_secs(1);

/// The service manager. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    words: Option<SyncSender<Word>>,
}

#[derive(Debug)]
enum Word {
    Ready,
    Reloading,
    Stopping,
    Alive,
    Status(String),
    /// Everything before this is told: say so.
    Mark(SyncSender<()>),
}

impl Manager {
    /// The manager that `$NOTIFY_SOCKET` names, or nobody.
    pub(super) fn from_environment() -> Self {
        let named = std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty());
        let words = named.then(|| sync_channel(ROOM)).and_then(|(words, told)| {
            let thread = std::thread::Builder::new().name("manager".to_owned()).spawn(move || tell_all(&told));
            thread.is_ok().then_some(words)
        });
        Self { words }
    }

    /// Whether there is a manager to be told.
    pub(super) fn listens(&self) -> bool {
        self.words.is_some()
    }

    /// Everything that a start needs is done.
    pub(super) fn ready(&self) {
        self.tell(Word::Ready);
    }

    /// The configuration is read again; [`Manager::ready`] follows.
    pub(super) fn reloading(&self) {
        self.tell(Word::Reloading);
    }

    /// The end has begun.
    pub(super) fn stopping(&self) {
        self.tell(Word::Stopping);
    }

    /// The loops turn.
    pub(super) fn alive(&self) {
        self.tell(Word::Alive);
    }

    /// How things are; the first line of it, escaped already.
    pub(super) fn status(&self, text: &str) {
        self.tell(Word::Status(text.lines().next().unwrap_or_default().to_owned()));
    }

    /// Waits until everything is told, for a second at most.
    pub(super) fn finish(&self) {
        let (done, told) = sync_channel(1);
        if self.tell(Word::Mark(done)) {
            let _ = told.recv_timeout(LAST);
        }
    }

    /// A word that finds no room is lost: the manager has not read the ones before it.
    fn tell(&self, word: Word) -> bool {
        self.words.as_ref().is_some_and(|words| words.try_send(word).is_ok())
    }
}

fn tell_all(words: &Receiver<Word>) {
    let mut failing = false;
    for word in words {
        match tell(&word) {
            Ok(()) => failing = false,
            Err(error) if !std::mem::replace(&mut failing, true) => {
                tracing::warn!("the service manager cannot be told anything: {error}; is $NOTIFY_SOCKET its socket?");
            }
            Err(_) => (),
        }
    }
}

fn tell(word: &Word) -> std::io::Result<()> {
    match word {
        Word::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Word::Reloading => sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?]),
        Word::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Word::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
        Word::Status(text) => sd_notify::notify(&[NotifyState::Status(text)]),
        Word::Mark(done) => {
            // Whoever waited may have given up.
            let _ = done.send(());
            Ok(())
        }
    }
}
