//! The thread that reads: it stamps every read with the time at which it happened.
//!
//! It waits in `poll`, spins on nothing, and ends when the terminal vanishes or the reader is dropped.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdin;
use tokio::sync::mpsc;

use super::Report;
use super::mode::{self, Standing};

/// How long one wait lasts at most.
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
/// A round that took longer than this means that the process had been stopped: what was typed meanwhile has no time.
const STOPPED: Duration = Duration::from_millis(900);

/// The handle of the thread.
#[derive(Debug)]
pub(super) struct Reader {
    wake: UnixStream,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    listening: AtomicBool,
    ended: AtomicBool,
}

impl Reader {
    pub(super) fn start(origin: Instant, reports: mpsc::Sender<Report>) -> std::io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let thread = Loop { woken, shared: shared.clone(), reports, origin, lost: false };
        std::thread::Builder::new().name("terminal-reader".to_owned()).spawn(move || thread.run())?;
        Ok(Self { wake, shared })
    }

    /// Begins or ceases to read.
    pub(super) fn listen(&self, listening: bool) {
        self.shared.listening.store(listening, Ordering::SeqCst);
        self.wake();
    }

    /// The pipe is full only when the thread is about to wake anyway.
    fn wake(&self) {
        let _ = (&self.wake).write(&[0]);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.wake();
    }
}

struct Loop {
    woken: UnixStream,
    shared: Arc<Shared>,
    reports: mpsc::Sender<Report>,
    origin: Instant,
    lost: bool,
}

impl Loop {
    fn run(mut self) {
        let mut before = Instant::now();
        while !self.shared.ended.load(Ordering::SeqCst) && !self.reports.is_closed() {
            let ready = self.wait();
            let stopped = before.elapsed() > STOPPED;
            before = Instant::now();
            if ready && !self.read(stopped) {
                // Nobody listens any more when this fails.
                let _ = self.reports.blocking_send(Report::Gone);
                return;
            }
        }
    }

    /// Waits for input, a wake-up or the end of the round; true when there is something to read.
    fn wait(&mut self) -> bool {
        let listening = self.shared.listening.load(Ordering::SeqCst) && mode::standing() != Standing::Background;
        let (input, woken) = (stdin(), &self.woken);
        let mut fds = [PollFd::new(woken, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
        let watched = if listening { &mut fds[..] } else { &mut fds[..1] };
        let polled = poll(watched, Some(&WAIT));
        let ready = listening && polled.is_ok() && !fds[1].revents().is_empty();
        let is_woken = !fds[0].revents().is_empty();
        if is_woken {
            let _ = (&self.woken).read(&mut [0; 64]);
        }
        ready
    }

    /// Reads once; false when the terminal is gone. What was there when the process went on after a stop has no time.
    fn read(&mut self, stopped: bool) -> bool {
        if !self.shared.listening.load(Ordering::SeqCst) {
            return true;
        }
        let mut buffer = [0; 4096];
        let count = match rustix::io::read(stdin(), &mut buffer[..]) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(Errno::INTR | Errno::AGAIN) => return true,
            Err(_) => return false,
        };
        let bytes = buffer[..count].to_vec();
        let typed = Report::Typed { at: self.origin.elapsed(), bytes, late: stopped || self.lost };
        // A full queue drops what was typed; the next read says that something is missing.
        self.lost = self.reports.try_send(typed).is_err();
        true
    }
}
