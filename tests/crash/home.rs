//! A folder and a simulated provider of a run's own, and the real binary in it, with nothing of this process's environment.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use holdpoint::control::{ApprovalView, Decided};
use holdpoint::crash::VARIABLE;
use holdpoint::gate::Outcome;
use holdpoint::simulator::fault::Endpoint;
use holdpoint::simulator::{Fault, Options, Scenario, SessionState, Simulator};
use secrecy::ExposeSecret as _;
use tokio::process::{Child, Command};

use crate::story::Story;

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65_534;

/// Nothing here takes longer unless it is broken, on a machine that has other things to do.
pub const LIMIT: Duration = Duration::from_secs(90);

pub struct Home {
    pub sim: Simulator,
    pub session: String,
    folder: tempfile::TempDir,
}

impl Home {
    pub async fn of(story: Story) -> Self {
        let sim = Simulator::start(Options { heartbeat: Duration::from_secs(1), ..Options::default() }).await;
        let sim = sim.expect("a simulator");
        let text = format!("name = 'crash'\npace = '0s'\nstart = 'on_stream'\n{}", story.scenario());
        let scenario = Arc::new(Scenario::parse(&text, "crash").expect("a scenario"));
        if let Some(fault) = story.fault() {
            let fault: Fault = serde_json::from_value(fault).expect("a fault");
            sim.fault(fault).await.expect("a simulator");
        }
        let session = sim.create_of(scenario).await.expect("a session");
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { sim, session, folder };
        std::fs::write(home.path("config.toml"), home.config(story)).expect("a file");
        if story.takes_two() {
            home.open_to_others();
        }
        home
    }

    fn config(&self, story: Story) -> String {
        format!(
            "[provider]\nbase_url = '{}'\napi_key_env = 'CRASH_KEY'\n[watch]\npoll_interval = '500ms'\n\
             blind_after = '6s'\n[store]\npath = '{}'\n[control]\nsocket = '{}'\n{}\
             [approvals]\nsettle = '20ms'\nmin_dwell = '0s'\n{}",
            self.sim.base_url(),
            self.store().display(),
            self.socket().display(),
            if story.takes_two() { "group = 'nogroup'\ndecide = ['nobody']\n" } else { "" },
            story.config()
        )
    }

    /// Every user reaches the socket, and a copy of the binary: the build's own folder may be closed to others.
    fn open_to_others(&self) {
        std::fs::set_permissions(self.folder.path(), Permissions::from_mode(0o755)).expect("a mode");
        std::fs::copy(env!("CARGO_BIN_EXE_holdpoint"), self.path("holdpoint")).expect("a copy");
    }

    /// Approves a card as Debian's `nobody`. What that one was told, if anything.
    pub async fn approve_as_nobody(&self, view: &ApprovalView) -> Option<Decided> {
        let (id, digest) = (view.card.approval.to_string(), view.digest.to_string());
        let mut command = Command::new(self.path("holdpoint"));
        command.args(["approve", &id, "--digest", &digest, "--no-wait", "--socket"]).arg(self.socket());
        command.env_clear().current_dir("/").stdin(Stdio::null()).kill_on_drop(true).uid(NOBODY).gid(NOBODY);
        let output = command.output().await.expect("a process");
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("your approval counts: 1 of 2") {
            Some(Decided::Counted { given: 1, needed: 2 })
        } else if said.contains("approved") {
            Some(Decided::Outcome { outcome: Outcome::Approved })
        } else {
            None
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("holdpoint.db")
    }

    pub fn socket(&self) -> PathBuf {
        self.path("holdpoint.sock")
    }

    /// The daemon's log of one life.
    pub fn log(&self, life: usize) -> PathBuf {
        self.path(&format!("{life}.log"))
    }

    /// Starts the daemon, which ends where `aim` says.
    pub fn daemon(&self, life: usize, aim: &str) -> Child {
        let log = File::create(self.log(life)).expect("a file");
        let mut command = self.command(&["run", "--config", "config.toml"]);
        command.env("CRASH_KEY", self.sim.api_key().expose_secret()).env(VARIABLE, aim);
        command.stdout(Stdio::null()).stderr(log).spawn().expect("a process")
    }

    /// Runs a command to its end, and returns what it printed.
    pub async fn output(&self, args: &[&str]) -> Result<String, String> {
        let output = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).output().await;
        let output = output.expect("a process");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        Err(format!("holdpoint {} ended with {}: {}", args.join(" "), output.status, text(&output.stderr)))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdpoint"));
        command.args(args).current_dir(self.folder.path()).env_clear().kill_on_drop(true);
        command.env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    pub async fn state(&self) -> SessionState {
        self.sim.session(&self.session).await.expect("a session")
    }

    /// How often sessions were listed so far.
    pub async fn lists(&self) -> usize {
        let calls = self.sim.calls().await.expect("a simulator");
        calls.iter().filter(|call| call.endpoint == Some(Endpoint::List)).count()
    }

    /// Waits until sessions were listed `times` in all.
    pub async fn listed(&self, times: usize) -> Result<(), String> {
        let met = move |world: &holdpoint::simulator::World| {
            world.record().calls.iter().filter(|call| call.endpoint == Some(Endpoint::List)).count() >= times
        };
        self.sim.until(LIMIT, met).await.map_err(|error| error.to_string())
    }

    /// Everything that a person needs to see what happened in a run that failed.
    pub async fn report(&self) -> String {
        let mut report = format!("session: {:#?}\n", self.state().await);
        for call in self.sim.calls().await.expect("a simulator") {
            report += &format!(
                "{:>4} {:>9} {} {} {:?} applied={} {}\n",
                call.seq,
                call.received_ns / 1000,
                call.received_at,
                call.path,
                call.status,
                call.applied,
                call.body.unwrap_or_default()
            );
        }
        for life in 1..=4 {
            if let Ok(log) = std::fs::read_to_string(self.log(life)) {
                report += &format!("--- log of life {life}\n{log}");
            }
        }
        report += &self.output(&["audit", "list", "--store", "holdpoint.db"]).await.unwrap_or_else(|error| error);
        report
    }
}
