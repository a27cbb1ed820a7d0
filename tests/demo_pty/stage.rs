//! The demo in a process of its own, on a pseudo-terminal of a usual size.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::tcgetattr;

/// Nothing here takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Stage {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    output: mpsc::Receiver<Vec<u8>>,
    /// The terminal itself, held open to look at its mode and its unread input.
    terminal: File,
    before: String,
    /// Everything that was written to the terminal.
    pub seen: String,
    /// Where the demo puts its files.
    temporary: tempfile::TempDir,
    _master: Box<dyn MasterPty + Send>,
}

impl Stage {
    pub fn start() -> Self {
        let size = PtySize { rows: 50, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let path = pair.master.tty_name().expect("its name");
        let not_ours = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).expect("a flag");
        let terminal =
            OpenOptions::new().read(true).write(true).custom_flags(not_ours).open(path).expect("the terminal");
        let before = mode(&terminal);
        let temporary = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_holdpoint"));
        command.arg("demo");
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env("HOME", temporary.path());
        command.env("TMPDIR", temporary.path());
        command.cwd(temporary.path());
        let child = pair.slave.spawn_command(command).expect("the demo");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keyboard = pair.master.take_writer().expect("a keyboard");
        Self { child, keyboard, output, terminal, before, seen: String::new(), temporary, _master: pair.master }
    }

    pub fn typed(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal takes it");
        self.keyboard.flush().expect("the terminal takes it");
    }

    /// Waits until `text` was written after the `from`th byte of what was seen, and returns where it ended.
    #[track_caller]
    pub fn wait_after(&mut self, from: usize, text: &str) -> usize {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.seen[from..].find(text) {
                return from + at + text.len();
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {text:?} ({error}) in:\n{}", &self.seen[from..]),
            }
        }
    }

    /// Waits until a question that was just drawn can be answered: that takes 1 500 ms at most, by contract.
    pub fn armed(&self) {
        std::thread::sleep(Duration::from_millis(2000));
    }

    pub fn signal(&self, signal: Signal) {
        let raw = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
        kill_process(Pid::from_raw(raw).expect("a pid"), signal).expect("the demo lives");
    }

    /// The demo's end: exit code 0, the terminal as it was, nothing typed left in it, no file left behind.
    #[track_caller]
    pub fn ends_clean(mut self) -> String {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "the demo goes on:\n{}", self.seen);
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(100)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        assert!(status.success(), "{status:?}:\n{}", self.seen);
        assert_eq!(mode(&self.terminal), self.before);
        assert_eq!(rustix::io::ioctl_fionread(&self.terminal), Ok(0), "typed keys are left for the shell");
        let left: Vec<_> = std::fs::read_dir(self.temporary.path()).expect("a folder").collect();
        assert!(left.is_empty(), "{left:?}");
        std::mem::take(&mut self.seen)
    }
}

fn mode(terminal: &File) -> String {
    let mode = tcgetattr(terminal).expect("a terminal");
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        mode.input_modes, mode.output_modes, mode.control_modes, mode.local_modes, mode.special_codes
    )
}
