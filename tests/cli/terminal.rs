//! The binary on a pseudo-terminal.

use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::bench::{DEADLINE, Home};

/// A command that an operator has typed, and what it has shown so far.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn std::io::Write + Send>,
    output: mpsc::Receiver<Vec<u8>>,
    seen: String,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub fn start(home: &Home, args: &[&str]) -> Self {
        let size = PtySize { rows: 50, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_holdpoint"));
        command.args(args);
        command.cwd(home.path(""));
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("HOME", home.path(""));
        command.env("XDG_STATE_HOME", home.path("state"));
        let child = pair.slave.spawn_command(command).expect("a process");
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
        Self { child, keyboard, output, seen: String::new(), _master: pair.master }
    }

    /// Waits until `text` was written.
    #[track_caller]
    pub fn wait(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {text:?} ({error}) in:\n{}", self.seen),
            }
        }
    }

    /// Types a line key by key, as a person does: what comes in one read is taken for a paste.
    pub fn types(&mut self, line: &str) {
        for key in line.chars().chain(['\r']) {
            self.keyboard.write_all(key.to_string().as_bytes()).expect("the terminal takes it");
            self.keyboard.flush().expect("the terminal takes it");
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
    }

    /// Waits for its end, and returns its exit code and all that was seen.
    #[track_caller]
    pub fn ends(mut self) -> (u32, String) {
        let deadline = Instant::now() + DEADLINE;
        while self.child.try_wait().expect("a process").is_none() {
            assert!(Instant::now() < deadline, "the process goes on:\n{}", self.seen);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        while let Ok(bytes) = self.output.recv_timeout(std::time::Duration::from_millis(100)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (self.child.wait().expect("a process").exit_code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
