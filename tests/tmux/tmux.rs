//! A tmux server of a test's own: panes that commands run in, keys, and screens that are polled with a deadline.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::bench::{DEADLINE, Home};

/// Leaves these tests out.
const WITHOUT: &str = "HOLDPOINT_WITHOUT_TMUX";

/// A server; it is killed when a test ends.
pub struct Tmux {
    socket: PathBuf,
    settings: PathBuf,
}

/// One pane.
#[derive(Clone, Debug)]
pub struct Pane(String);

impl Tmux {
    /// A server without a pane; `None` where somebody asked to leave this out.
    pub fn new(home: &Home) -> Option<Self> {
        if std::env::var_os(WITHOUT).is_some_and(|value| !value.is_empty()) {
            eprintln!("NOT TRIED: {WITHOUT} is set");
            return None;
        }
        let there = Command::new("tmux").arg("-V").output().is_ok();
        assert!(there, "tmux is not here: `apt-get install tmux`, or leave this out with {WITHOUT}=1");
        // A pane whose command has ended goes on showing what it left behind.
        let settings = "set -g remain-on-exit on\nset -g default-size 100x40\n";
        Some(Self { socket: home.path("tmux.sock"), settings: home.write("tmux.conf", settings) })
    }

    /// Runs a command in a window of its own, 100 columns wide and 40 lines high.
    pub fn pane(&self, command: &[&str]) -> Pane {
        let words: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
        let command = format!("exec {}", words.join(" "));
        let is_first = self.run(&["has-session", "-t", "ops"]).is_err();
        let what: &[&str] =
            if is_first { &["new-session", "-d", "-s", "ops"] } else { &["new-window", "-d", "-t", "ops:"] };
        let id = self.run(&[what, &["-P", "-F", "#{pane_id}", &command]].concat()).expect("a pane");
        Pane(id.trim().to_owned())
    }

    /// The process that a pane was made with.
    pub fn pid(&self, pane: &Pane) -> u32 {
        let pid = self.run(&["display-message", "-p", "-t", &pane.0, "#{pane_pid}"]).expect("a pane");
        pid.trim().parse().expect("a number")
    }

    /// What a pane shows.
    pub fn screen(&self, pane: &Pane) -> String {
        self.run(&["capture-pane", "-p", "-t", &pane.0]).expect("a pane")
    }

    /// Waits until a pane shows `text`, and returns its screen.
    #[track_caller]
    pub fn shows(&self, pane: &Pane, text: &str) -> String {
        self.until(pane, &format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Types a key at plain lines until the line shows it, and nothing has been printed since. What is typed before a
    /// question can be answered, which takes 1.5 s by contract and which nothing on screen tells, has to be given up first.
    #[track_caller]
    pub fn types(&self, pane: &Pane, key: &str, line: &str) {
        let deadline = Instant::now() + DEADLINE;
        let last = |screen: String| screen.trim_end().lines().next_back().unwrap_or_default().trim_end().to_owned();
        loop {
            std::thread::sleep(Duration::from_millis(1_700));
            self.press(&[(pane, key)]);
            std::thread::sleep(Duration::from_millis(500));
            let screen = self.screen(pane);
            if last(screen.clone()).ends_with(line) {
                return;
            }
            assert!(Instant::now() < deadline, "{key:?} is never shown as {line:?}:\n{screen}");
            self.press(&[(pane, "Enter")]);
        }
    }

    /// Waits until one line of a pane has all of these.
    #[track_caller]
    pub fn shows_line(&self, pane: &Pane, texts: &[&str]) -> String {
        let has_all = |line: &str| texts.iter().all(|text| line.contains(text));
        self.until(pane, &format!("a line with {texts:?}"), |screen| screen.lines().any(has_all))
    }

    #[track_caller]
    fn until(&self, pane: &Pane, what: &str, met: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let screen = self.screen(pane);
            if met(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "{what} is not on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses one key in each of these panes, one right after the other, in one command to tmux.
    pub fn press(&self, keys: &[(&Pane, &str)]) {
        let mut words = Vec::new();
        for (pane, key) in keys {
            words.extend(["send-keys", "-t", &pane.0, key, ";"]);
        }
        words.pop();
        self.run(&words).expect("keys");
    }

    fn run(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("tmux");
        // Nothing of the tmux that the tests may themselves run in, and nothing of its user's configuration.
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8").arg("-u");
        command.arg("-f").arg(&self.settings).arg("-S").arg(&self.socket);
        let output = command.args(args).output().map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // There is none when no pane was made.
        let _ = self.run(&["kill-server"]);
    }
}
