//! A service manager's end of the notification socket.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench::{DEADLINE, Home};

/// What one datagram said, and when it came.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: Instant,
    pub text: String,
}

impl Told {
    /// The value of an assignment in it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Listens to one service.
pub struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    /// Everything that was told so far.
    pub told: Vec<Told>,
}

impl Manager {
    pub fn new(home: &Home) -> Self {
        let path = home.path("notify");
        Self { socket: UnixDatagram::bind(&path).expect("a socket"), path, told: Vec::new() }
    }

    /// Lets a command be a service of this manager.
    pub fn adopt<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("NOTIFY_SOCKET", &self.path)
    }

    /// The next thing that is told within `bound`.
    pub fn next(&mut self, bound: Duration) -> Option<Told> {
        self.socket.set_read_timeout(Some(bound.max(Duration::from_millis(1)))).expect("a bound");
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).ok()?;
        let text = String::from_utf8(bytes[..length].to_vec()).expect("UTF-8");
        let told = Told { at: Instant::now(), text };
        self.told.push(told.clone());
        Some(told)
    }

    /// Waits until something is told that `wanted` takes.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.next(left) {
                Some(told) if wanted(&told) => return told,
                Some(_) => (),
                None => panic!("no {what} in {:#?}", self.told),
            }
        }
    }

    /// Waits for an assignment.
    #[track_caller]
    pub fn wait_for(&mut self, name: &str, value: &str) -> Told {
        self.wait(&format!("{name}={value}"), |told| told.value(name) == Some(value))
    }

    /// Everything that was told, once the service has ended.
    pub fn all(&mut self) -> Vec<String> {
        while self.next(Duration::ZERO).is_some() {}
        self.told.iter().map(|told| told.text.trim_end().to_owned()).collect()
    }
}
