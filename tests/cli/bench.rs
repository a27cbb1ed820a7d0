//! A home of its own for each test, processes that are waited for with a deadline, and a simulated API in this process.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use holdpoint::simulator::{Options, Scenario, Simulator};
use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes longer.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// The simulated API's key: nothing else contains it.
pub const KEY: &str = "b3d0c0de-5ec2-4e7a-9f00-d15c0b0a4d1e";

/// Asks about purchases, and watches closely.
pub const CONFIG: &str = r#"
[provider]
api_key_env = "HOLDPOINT_TEST_KEY"

[watch]
poll_interval = "500ms"

[approvals]
timeout = "10m"

[[rule]]
name = "purchase"
effect = "ask"
detect = ["purchase"]
risk = "high"
"#;

/// Announces a purchase, and makes it two seconds later.
pub const PURCHASE: &str = r#"
page = { url = "https://shop.example.com/checkout", title = "Checkout - Example Shop" }
step = [
  { thought = "Looking for the headset." },
  { thought = "Clicking 'Place your order' to complete the purchase (total 410.00 USD)" },
  { commit = { kind = "purchase", what = "1 headset", amount = "410.00 USD" }, after = "2s" },
  { done = "The headset has been ordered." },
]
"#;

/// A home, a place for temporary files, and a configuration.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(home.path("tmp")).expect("a folder");
        home.write("config.toml", CONFIG);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Where the store is when the configuration does not say.
    pub fn store(&self) -> PathBuf {
        self.path("state/holdpoint/holdpoint.db")
    }

    /// The binary, with nothing of this process's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        self.clean(env!("CARGO_BIN_EXE_holdpoint"), args)
    }

    /// A program in the clean environment.
    pub fn clean(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin").env("TMPDIR", self.path("tmp"));
        command.env("XDG_STATE_HOME", self.path("state")).env("XDG_CONFIG_HOME", self.path("none"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `holdpoint run` against a simulated API.
    pub fn daemon(&self, url: &str) -> Command {
        let mut command = self.command(&["run", "--config", "config.toml"]);
        command.env("HOLDPOINT_PROVIDER_BASE_URL", url).env("HOLDPOINT_TEST_KEY", KEY);
        command
    }

    /// Runs to the end.
    pub fn output(&self, args: &[&str]) -> Ended {
        Process::start(&mut self.command(args)).ends()
    }

    /// The bytes of every file in the home, by name.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), std::fs::read(&path).expect("a file")));
                }
            }
        }
        files
    }
}

/// A process that is killed when a test fails before it ends.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<Vec<u8>>,
    out: std::thread::JoinHandle<Vec<u8>>,
    /// Everything on standard error so far.
    pub talk: Vec<u8>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Whether standard error says all of these.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not in:\n{}", self.stderr);
        }
    }
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("a process");
        let mut stdout = child.stdout.take().expect("piped");
        let out = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("readable");
            bytes
        });
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, out, talk: Vec::new() }
    }

    /// Waits until a line on standard error contains `text`, and returns it.
    #[track_caller]
    pub fn wait(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.talk.extend_from_slice(&line);
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no {text:?} ({error}) in:\n{}", String::from_utf8_lossy(&self.talk)),
            }
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process lives");
    }

    /// Sends a signal and waits for the end.
    #[track_caller]
    pub fn stop(self, signal: Signal) -> Ended {
        self.signal(signal);
        self.ends()
    }

    #[track_caller]
    pub fn ends(mut self) -> Ended {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.talk.extend_from_slice(&line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("the process goes on:\n{}", String::from_utf8_lossy(&self.talk))
                }
            }
        }
        let code = self.child.wait().expect("a process").code();
        let out = std::mem::replace(&mut self.out, std::thread::spawn(Vec::new));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Ended { code, stdout: text(&out.join().expect("read")), stderr: text(&self.talk) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn simulator() -> Simulator {
    simulator_with(Options::default()).await
}

pub async fn simulator_with(options: Options) -> Simulator {
    Simulator::start(Options { api_key: Some(KEY.to_owned().into()), ..options }).await.expect("a simulator")
}

/// Makes a session that plays `script` as soon as it is watched.
pub async fn play(sim: &Simulator, script: &str) -> String {
    sim.create_of(scenario(script)).await.expect("a session")
}

/// A scenario that begins as soon as it is watched.
pub fn scenario(script: &str) -> Arc<Scenario> {
    let text = format!("name = 'test'\nstart = 'on_stream'\npace = '100ms'\n{script}");
    Arc::new(Scenario::parse(&text, "test").expect("a scenario"))
}

/// Whether no file of the demo is left in the home's folder for temporary files.
pub fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("a folder").next().is_none()
}
