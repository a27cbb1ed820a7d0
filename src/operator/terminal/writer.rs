//! The thread that writes to standard error, the one writer while a prompt is open.
//!
//! A terminal that takes no output blocks this thread and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc as queue;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::stdio::stderr;
use tokio::sync::mpsc;

use super::{Report, mode};

/// The handle of the thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: queue::Sender<Job>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    backlog: AtomicUsize,
    failed: AtomicBool,
}

enum Job {
    Text { text: String, then: Option<Then>, needs: Needs },
    Drained(queue::SyncSender<()>),
}

/// What a text needs of the terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// That it is there: a line is a line, also after the terminal was given back.
    Terminal,
    /// That it is ours: a frame drawn after a panic gave it back would hide the cursor again.
    Ours,
}

/// What follows when a text is on screen: a report under this number, after a flush of unread input or without one.
#[derive(Clone, Copy)]
struct Then {
    number: u64,
    flush: bool,
}

impl Writer {
    pub(super) fn start(origin: Instant, reports: mpsc::Sender<Report>) -> std::io::Result<Self> {
        let (jobs, todo) = queue::channel();
        let shared = Arc::new(Shared::default());
        let thread = shared.clone();
        std::thread::Builder::new()
            .name("terminal-writer".to_owned())
            .spawn(move || todo.iter().for_each(|job| run(job, &thread, origin, &reports)))?;
        Ok(Self { jobs, shared })
    }

    pub(super) fn print(&self, text: String) {
        self.queue(text, None, Needs::Terminal);
    }

    pub(super) fn ask(&self, text: String, ask: u64) {
        self.queue(text, Some(Then { number: ask, flush: true }), Needs::Terminal);
    }

    pub(super) fn draw(&self, text: String, number: u64, flush: bool) {
        self.queue(text, Some(Then { number, flush }), Needs::Ours);
    }

    pub(super) fn backlog(&self) -> usize {
        self.shared.backlog.load(Ordering::SeqCst)
    }

    /// Waits until all is written, for `limit` at most.
    pub(super) fn drain(&self, limit: Duration) {
        let (done, drained) = queue::sync_channel(1);
        if self.jobs.send(Job::Drained(done)).is_ok() {
            let _ = drained.recv_timeout(limit);
        }
    }

    /// The thread ends only with this handle, so that sending fails only after a panic there.
    fn queue(&self, text: String, then: Option<Then>, needs: Needs) {
        self.shared.backlog.fetch_add(text.len(), Ordering::SeqCst);
        let _ = self.jobs.send(Job::Text { text, then, needs });
    }
}

fn run(job: Job, shared: &Shared, origin: Instant, reports: &mpsc::Sender<Report>) {
    match job {
        Job::Drained(done) => drop(done.send(())),
        Job::Text { text, then: _, needs: Needs::Ours } if !mode::is_taken() => {
            shared.backlog.fetch_sub(text.len(), Ordering::SeqCst);
        }
        Job::Text { text, then, needs: _ } => {
            if !shared.failed.load(Ordering::SeqCst) && write_all(text.as_bytes()).is_err() {
                shared.failed.store(true, Ordering::SeqCst);
                let _ = reports.blocking_send(Report::Gone);
            }
            shared.backlog.fetch_sub(text.len(), Ordering::SeqCst);
            if let Some(then) = then.filter(|_| !shared.failed.load(Ordering::SeqCst)) {
                let flushed = then.flush && mode::flush();
                let _ = reports.blocking_send(Report::OnScreen { ask: then.number, at: origin.elapsed(), flushed });
            }
        }
    }
}

fn write_all(mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(stderr(), bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let out = stderr();
                poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    rustix::termios::tcdrain(stderr())
}
