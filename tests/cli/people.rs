//! Two Unix users at one daemon: who may do what is what the kernel says of them. Becoming another user takes root; where
//! the tests have other rights, they say that this was not tried.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use holdpoint::simulator::fault::Endpoint;
use rustix::process::{Signal, getuid};
use serde_json::Value;

use crate::bench::{CONFIG, Ended, Home, PURCHASE, Process, play, simulator};

/// Debian's `nobody` and `nogroup`.
const NOBODY: u32 = 65_534;

/// A place that every user can reach, with a copy of the binary: the build's own folder may be closed to others.
struct Open {
    folder: tempfile::TempDir,
}

impl Open {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        std::fs::copy(env!("CARGO_BIN_EXE_holdpoint"), folder.path().join("holdpoint")).expect("a copy");
        Self { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/holdpoint.sock")
    }

    /// A client command as `nobody`.
    fn nobody(&self, home: &Home, args: &[&str]) -> Ended {
        let program = self.folder.path().join("holdpoint");
        let mut command = home.clean(program.to_str().expect("text"), args);
        command.arg("--socket").arg(self.socket()).current_dir("/").uid(NOBODY).gid(NOBODY);
        Process::start(&mut command).ends()
    }

    fn root(&self, home: &Home, args: &[&str]) -> Ended {
        let mut command = home.command(args);
        Process::start(command.arg("--socket").arg(self.socket())).ends()
    }
}

fn configured(socket: &Path, role: &str) -> String {
    let control = format!("[control]\nsocket = \"{}\"\ngroup = \"nogroup\"\n{role} = [\"nobody\"]\n", socket.display());
    CONFIG.replace("risk = \"high\"", "risk = \"high\"\nconfirm = \"key\"\napprovals = 2") + &control
}

fn is_root() -> bool {
    let root = getuid().is_root();
    if !root {
        eprintln!("NOT TRIED: only root can become another user");
    }
    root
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_users_approve_together_what_one_alone_cannot() {
    if !is_root() {
        return;
    }
    let (home, open, sim) = (Home::new(), Open::new(), simulator().await);
    home.write("config.toml", &configured(&open.socket(), "decide"));
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let listed: Vec<Value> = serde_json::from_str(&open.root(&home, &["pending", "--json"]).stdout).expect("an array");
    let field = |name: &str| listed[0][name].as_str().expect("text").to_owned();
    let (code, digest) = (field("code"), field("digest"));
    let approve = ["approve", &code, "--digest", &digest, "--no-wait"];
    for _again in 0..2 {
        let first = open.nobody(&home, &approve);
        assert_eq!(first.code, Some(0), "{first:?}");
    }
    let resumes = async || {
        let calls = sim.calls().await.unwrap();
        calls.iter().filter(|call| call.endpoint == Some(Endpoint::Resume)).count()
    };
    assert_eq!(resumes().await, 0, "one user, however often, is one");
    let second = open.root(&home, &["approve", &code, "--digest", &digest]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(resumes().await, 1);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_may_only_look_cannot_decide_and_who_is_not_named_cannot_even_look() {
    if !is_root() {
        return;
    }
    for (role, look, deny) in [("observe", 0, 8), ("# nobody is named:\n#", 8, 8)] {
        let (home, open, sim) = (Home::new(), Open::new(), simulator().await);
        home.write("config.toml", &configured(&open.socket(), role));
        let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
        daemon.wait("no terminal: nobody is asked here");
        play(&sim, PURCHASE).await;
        daemon.wait("waits for an answer");
        let looked = open.nobody(&home, &["pending"]);
        assert_eq!(looked.code, Some(look), "{role}: {looked:?}");
        let listed: Vec<Value> =
            serde_json::from_str(&open.root(&home, &["pending", "--json"]).stdout).expect("an array");
        let denied = open.nobody(&home, &["deny", listed[0]["code"].as_str().expect("text")]);
        assert_eq!(denied.code, Some(deny), "{role}: {denied:?}");
        assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    }
}
