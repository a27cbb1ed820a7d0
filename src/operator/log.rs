//! Log lines and a prompt on one terminal.
//!
//! While a prompt is open it is the one writer: log lines go to it, bounded, and are printed above the question. Otherwise a
//! thread of their own writes them to standard error: a pipe that nobody reads holds up that thread and nothing
//! else. Never blocks who logs; lines that find no room are counted, and the count is said.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::layout::folded;
use super::terminal;

/// The target of log lines that tell what clients of the desk are told as well.
pub const TOLD: &str = "holdpoint::told";
/// The target of log lines of the ordinary course that whoever is at the prompt waits for.
pub const AWAITED: &str = "holdpoint::awaited";
/// How many lines may wait for the prompt, and as many for standard error.
const ROOM: usize = 1024;
/// How long the end waits for lines to be written.
const LAST: Duration = Duration::from_secs(1);

/// Where `tracing_subscriber` writes. Cheap to clone. Colours have to be off: control characters are shown, not obeyed.
#[derive(Clone, Debug)]
pub struct LogSink {
    shared: Arc<Shared>,
}

/// The prompt's end of a [`LogSink`]. Dropping it sends the lines to standard error again.
#[derive(Debug)]
pub struct LogLines {
    lines: mpsc::Receiver<String>,
    shared: Arc<Shared>,
}

/// Waits, when dropped, until the lines logged so far are written, for a second at most.
#[derive(Debug)]
pub struct Written {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: mpsc::Sender<String>,
    open: AtomicBool,
    dropped: AtomicU64,
    stderr: SyncSender<Out>,
}

#[derive(Debug)]
enum Out {
    Line(String),
    /// Everything before this is written: say so.
    Mark(SyncSender<()>),
}

/// A sink and its other end. Lines go to standard error until the prompt opens.
#[must_use]
pub fn channel() -> (LogSink, LogLines) {
    let (sender, lines) = mpsc::channel(ROOM);
    let (stderr, outs) = sync_channel(ROOM);
    // Without the thread every line is counted as dropped; nothing else would work on such a machine either.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_out(&outs));
    let (open, dropped) = (AtomicBool::new(false), AtomicU64::new(0));
    let shared = Arc::new(Shared { lines: sender, open, dropped, stderr });
    (LogSink { shared: shared.clone() }, LogLines { lines, shared })
}

impl LogSink {
    /// What to hold until the end of the process.
    #[must_use]
    pub fn written(&self) -> Written {
        Written { shared: self.shared.clone() }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.shared.stderr.try_send(Out::Mark(done)).is_ok() {
            let _ = written.recv_timeout(LAST);
        }
    }
}

impl Shared {
    fn to_stderr(&self, line: String) {
        if self.stderr.try_send(Out::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl LogLines {
    /// From here on lines come here.
    pub fn open(&self) {
        self.shared.open.store(true, Ordering::SeqCst);
    }

    /// The next line, without its end. Cancel-safe.
    pub async fn next(&mut self) -> String {
        match self.lines.recv().await {
            Some(line) => line,
            // The shared half holds a sender, so the channel never closes.
            None => std::future::pending().await,
        }
    }

    /// How many lines found no room since the last call.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::SeqCst)
    }

    /// Counts a line that was received and could not be printed.
    pub fn count_dropped(&self) {
        self.shared.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for LogLines {
    fn drop(&mut self) {
        self.shared.open.store(false, Ordering::SeqCst);
        while let Ok(line) = self.lines.try_recv() {
            self.shared.to_stderr(line);
        }
        let dropped = self.dropped();
        if dropped > 0 {
            self.shared.to_stderr(format!("({dropped} log lines were dropped)"));
        }
    }
}

impl<'a> MakeWriter<'a> for LogSink {
    type Writer = LogLine;

    fn make_writer(&'a self) -> LogLine {
        LogLine { shared: self.shared.clone(), bytes: Vec::new(), unwanted: false }
    }

    /// While a prompt is open, what it says by itself and the ordinary course are left out.
    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> LogLine {
        let ours = meta.target().starts_with("holdpoint") && meta.target() != AWAITED;
        let ordinary = *meta.level() > Level::WARN && ours;
        let unwanted = ordinary || meta.target() == TOLD;
        LogLine { shared: self.shared.clone(), bytes: Vec::new(), unwanted }
    }
}

/// One log line in the making; it is delivered when dropped.
#[derive(Debug)]
pub struct LogLine {
    shared: Arc<Shared>,
    bytes: Vec<u8>,
    /// Whether an open prompt does without it.
    unwanted: bool,
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text.trim_end_matches('\n');
        if line.is_empty() {
            return;
        }
        let open = self.shared.open.load(Ordering::SeqCst);
        if open && self.unwanted {
            return;
        }
        if !open {
            self.shared.to_stderr(line.to_owned());
        } else if self.shared.lines.try_send(line.to_owned()).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Log lines are escaped where they are made; a standard error that is closed has nobody to tell.
fn write_out(outs: &Receiver<Out>) {
    for out in outs {
        let _ = match out {
            Out::Line(line) => writeln!(io::stderr().lock(), "{}", shaped(line)),
            Out::Mark(done) => done.send(()).map_err(io::Error::other),
        };
    }
}

/// At a terminal a long line is broken at words; a file or a pipe gets it as it is.
fn shaped(line: String) -> String {
    if !io::stderr().is_terminal() {
        return line;
    }
    line.split('\n').flat_map(|line| folded(line, terminal::width())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(sink: &LogSink, line: &str) {
        sink.make_writer().write_all(line.as_bytes()).expect("memory");
    }

    #[tokio::test]
    async fn lines_reach_the_prompt_while_it_is_open() {
        let (sink, mut lines) = channel();
        lines.open();
        log(&sink, "one\n");
        log(&sink, "");
        log(&sink, "two\n");
        assert_eq!((lines.next().await, lines.next().await), ("one".to_owned(), "two".to_owned()));
    }

    #[test]
    fn lines_without_room_are_counted() {
        let (sink, mut lines) = channel();
        lines.open();
        (0..ROOM + 3).for_each(|_| log(&sink, "x\n"));
        assert_eq!((lines.dropped(), lines.dropped()), (3, 0));
        while lines.lines.try_recv().is_ok() {}
    }

    #[tokio::test]
    async fn an_open_prompt_is_spared_the_ordinary_course_and_shown_what_is_waited_for() {
        let (sink, mut lines) = channel();
        lines.open();
        let subscriber = tracing_subscriber::fmt().with_writer(sink).without_time().with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("ordinary");
            tracing::warn!(target: TOLD, "told by the desk");
            tracing::info!(target: AWAITED, "how far");
            tracing::warn!("odd");
        });
        assert_eq!(lines.next().await, " INFO holdpoint::awaited: how far");
        assert!(lines.next().await.ends_with(" odd"));
        assert!(lines.lines.try_recv().is_err());
    }
}
