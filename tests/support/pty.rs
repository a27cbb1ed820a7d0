//! A prompt or a console in a process of its own, on a pseudo-terminal, and a screen that is polled with a deadline.

#![allow(dead_code, reason = "each of the two test programs uses a part of it")]

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::io::Write as _;
use std::num::NonZeroU16;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::tcgetattr;

use crate::child::{LEDGER, SCENARIO};

/// Nothing here takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

const ROWS: NonZeroU16 = NonZeroU16::new(50).expect("not zero");
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).expect("not zero");

/// The parent's side.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Taken when something is typed: dropping it types Ctrl-D, which a hang-up does not.
    keyboard: Option<Box<dyn std::io::Write + Send>>,
    output: mpsc::Receiver<Vec<u8>>,
    /// The terminal itself, held open to look at its mode and its unread input.
    terminal: File,
    before: String,
    screen: vt100::Parser,
    /// Everything that was written to the terminal.
    pub seen: String,
    ledger: PathBuf,
    _dir: tempfile::TempDir,
}

impl Pty {
    /// Starts a scenario. The reader lets go of the terminal when it has read `until`.
    pub fn start_until(scenario: &str, until: Option<&'static str>) -> Self {
        Self::start_at(scenario, until, (ROWS, COLUMNS))
    }

    /// The same in a window of so many rows and columns.
    pub fn start_at(scenario: &str, until: Option<&'static str>, size: (NonZeroU16, NonZeroU16)) -> Self {
        Self::begin(scenario, until, size, &[])
    }

    /// In a terminal that names itself by these variables.
    pub fn start_in(scenario: &str, variables: &[(&str, &str)]) -> Self {
        Self::begin(scenario, None, (ROWS, COLUMNS), variables)
    }

    fn begin(
        scenario: &str,
        until: Option<&'static str>,
        (rows, columns): (NonZeroU16, NonZeroU16),
        variables: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows: rows.get(), cols: columns.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let path = pair.master.tty_name().expect("its name");
        let not_ours = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).expect("a flag");
        let terminal =
            OpenOptions::new().read(true).write(true).custom_flags(not_ours).open(path).expect("the terminal");
        let before = mode(&terminal);
        let dir = tempfile::tempdir().expect("a directory");
        let ledger = dir.path().join("ledger");
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this test"));
        command.args(["--ignored", "--exact", "child::child", "--nocapture", "--quiet"]);
        // What the terminal of whoever runs the tests is called is nothing to this one.
        ["TMUX", "TERM_PROGRAM", "NO_COLOR"].iter().for_each(|name| command.env_remove(name));
        command.env("TERM", "xterm-256color");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        command.env("TZ", "UTC");
        command.env(SCENARIO, scenario);
        command.env(LEDGER, &ledger);
        let child = pair.slave.spawn_command(command).expect("the child");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut buffer, mut seen) = ([0; 4096], String::new());
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
                if sender.send(buffer[..count].to_vec()).is_err() || until.is_some_and(|until| seen.contains(until)) {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard: None,
            master: pair.master,
            output,
            terminal,
            before,
            screen: vt100::Parser::new(rows, columns, 0),
            seen: String::new(),
            ledger,
            _dir: dir,
        }
    }

    pub fn start(scenario: &str) -> Self {
        Self::start_until(scenario, None)
    }

    pub fn typed(&mut self, text: &str) {
        let keyboard = self.keyboard.get_or_insert_with(|| self.master.take_writer().expect("a keyboard"));
        keyboard.write_all(text.as_bytes()).expect("the terminal takes it");
        keyboard.flush().expect("the terminal takes it");
    }

    /// Waits until `text` was written after the `from`th byte of what was seen, and returns where it ended.
    pub fn wait_after(&mut self, from: usize, text: &str) -> usize {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.seen[from..].find(text) {
                return from + at + text.len();
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!("no {text:?} ({error}) in:\n{}", &self.seen[from..]),
            }
        }
    }

    /// Waits until the screen shows `text`, or no longer shows it, and returns the screen.
    pub fn wait_screen(&mut self, text: &str, shown: bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let contents = self.screen().contents();
            if contents.contains(text) == shown {
                return contents;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!("{text:?} shown: {} ({error}):\n{contents}", !shown),
            }
        }
    }

    pub fn shows(&mut self, text: &str) -> String {
        self.wait_screen(text, true)
    }

    /// Takes what was written so far.
    pub fn catch_up(&mut self) {
        while let Ok(bytes) = self.output.try_recv() {
            self.take(&bytes);
        }
    }

    /// Tells the scenario to go on: it looks at how often that was said.
    pub fn go(&self) {
        let path = self.ledger.with_extension("go");
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
        file.write_all(b".").expect("a byte");
    }

    pub fn resize(&self, rows: u16, cols: u16) {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).expect("a size");
    }

    pub fn wait(&mut self, text: &str) -> usize {
        self.wait_after(0, text)
    }

    /// Waits for the question after `from` and until it can be answered: that takes 750 ms by contract.
    pub fn armed(&mut self, from: usize) -> usize {
        let at = self.wait_after(from, "/?] > ");
        std::thread::sleep(Duration::from_millis(1100));
        at
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the child lives");
    }

    /// Waits until the child was stopped by a signal.
    pub fn wait_stopped(&self) {
        let path = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        let deadline = Instant::now() + DEADLINE;
        while !std::fs::read_to_string(&path).expect("the child lives").contains(") T ") {
            assert!(Instant::now() < deadline, "the child did not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The child's end: the terminal is as it was and nothing that was typed is left in it.
    pub fn ends_clean(mut self) -> String {
        self.wait_exit();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(100)) {
            self.take(&bytes);
        }
        self.is_as_before();
        let screen = self.screen.screen();
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert!(!screen.alternate_screen(), "the alternate screen is still on");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        self.seen
    }

    /// Says ^D until it is heard, and waits for the end: what is typed in the moment in which a question comes on screen is thrown away
    /// with what was typed ahead.
    pub fn leaves(mut self) -> String {
        let deadline = Instant::now() + DEADLINE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "the child goes on:\n{}", self.seen);
            self.typed("\x04");
            let heard = Instant::now() + Duration::from_secs(1);
            while !self.has_ended() && Instant::now() < heard {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        self.ends_clean()
    }

    pub fn is_as_before(&self) {
        assert_eq!(mode(&self.terminal), self.before);
        assert_eq!(rustix::io::ioctl_fionread(&self.terminal), Ok(0), "typed keys are left for the shell");
    }

    /// Whether the child has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    pub fn wait_exit(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "the child goes on:\n{}", self.seen);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Hangs up: nobody holds the other side any more. Returns the child's ledger when it has ended.
    pub fn hang_up(self) -> String {
        let Self { mut child, master, keyboard, terminal, ledger, output, _dir, .. } = self;
        while output.recv_timeout(DEADLINE).is_ok() {}
        drop((master, keyboard, terminal));
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(5), "the child goes on without its terminal");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::read_to_string(ledger).unwrap_or_default()
    }

    /// What the driver was told to do, one line each.
    pub fn ledger(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.ledger).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn wait_ledger(&self, line: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.ledger().iter().any(|found| found == line) {
            assert!(Instant::now() < deadline, "no {line:?} in {:?}", self.ledger());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    fn pid(&self) -> Pid {
        let raw = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
        Pid::from_raw(raw).expect("a pid")
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.seen.push_str(&String::from_utf8_lossy(bytes));
    }
}

fn mode(terminal: &File) -> String {
    let mode = tcgetattr(terminal).expect("a terminal");
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        mode.input_modes, mode.output_modes, mode.control_modes, mode.local_modes, mode.special_codes
    )
}
