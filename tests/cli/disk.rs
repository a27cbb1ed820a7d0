//! A disk without room, or one that turned read-only, while the daemon runs: pauses and denials go out, nothing is released,
//! and it is said.

use std::path::PathBuf;
use std::process::Command;

use holdpoint::simulator::fault::Endpoint;
use rustix::process::{Resource, Rlimit, Signal, prlimit};

use crate::bench::{CONFIG, DEADLINE, Home, PURCHASE, Process, play, simulator};

/// Releases by itself what it can record.
const COOLDOWN: &str = r#"
[[rule]]
name = "slow"
effect = "cooldown"
events = ["log"]
text = ["too many requests"]
cooldown = "1s"
"#;

const LIMITED: &str = r#"
step = [{ log = "HTTP 429: too many requests, slow down" }, { done = "All was read.", after = "1m" }]
"#;

fn room(daemon: &Process, bytes: Option<u64>) {
    prlimit(Some(daemon.pid()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a limit");
}

/// The store's files, which nobody may write any more, not even who has them open: what a file system is after it was
/// remounted read-only.
struct Sealed {
    files: Vec<PathBuf>,
}

impl Sealed {
    /// `None` where only root, or no file system here, can do that.
    fn seal(home: &Home) -> Option<Self> {
        let files = holdpoint::config::places::of_store(&home.store()).into_iter().filter(|file| file.exists());
        let sealed = Self { files: files.collect() };
        sealed.set("+i").then_some(sealed)
    }

    fn set(&self, flag: &str) -> bool {
        Command::new("chattr").arg(flag).args(&self.files).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.set("-i");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_room_sessions_are_paused_and_cancelled_and_nothing_is_released() {
    let break_it = |daemon: &Process, _: &Home| room(daemon, Some(0));
    nothing_is_released_until_it_can_be_recorded(break_it, |daemon, ()| room(daemon, None)).await;
}

/// Where files cannot be sealed, their room is taken away instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_that_turns_read_only_releases_nothing_and_is_written_to_its_end_once_it_can_be() {
    let break_it = |daemon: &Process, home: &Home| {
        let sealed = Sealed::seal(home);
        if sealed.is_none() {
            room(daemon, Some(0));
        }
        sealed
    };
    let mend_it = |daemon: &Process, sealed: Option<Sealed>| {
        drop(sealed);
        room(daemon, None);
    };
    nothing_is_released_until_it_can_be_recorded(break_it, mend_it).await;
}

async fn nothing_is_released_until_it_can_be_recorded<T>(
    break_it: impl FnOnce(&Process, &Home) -> T,
    mend_it: impl FnOnce(&Process, T),
) {
    let home = Home::new();
    home.write("config.toml", &format!("{}{COOLDOWN}", CONFIG.replace("\"10m\"", "\"10s\"")));
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal");
    let broken = break_it(&daemon, &home);

    let purchase = play(&sim, PURCHASE).await;
    let said = daemon.wait("the store ");
    assert!(said.contains("ERROR") && said.contains("holdpoint.db cannot be written"), "{said}");
    assert!(said.contains("releases are refused, pauses and denials still go out"), "{said}");
    let watched = purchase.clone();
    sim.until(DEADLINE, move |world| world.session(&watched).is_some_and(|session| session.paused)).await.unwrap();
    daemon.wait("expired by the deadline: cancelled, confirmed");

    let limited = play(&sim, LIMITED).await;
    daemon.wait("the store cannot be written, so nothing is released");
    assert!(sim.session(&limited).await.unwrap().paused);
    let resumed =
        |calls: &[holdpoint::simulator::Call]| calls.iter().any(|call| call.endpoint == Some(Endpoint::Resume));
    assert!(!resumed(&sim.calls().await.unwrap()));

    mend_it(&daemon, broken);
    daemon.wait("the store can be written again");
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    ended.says(&[&format!("session {limited} stays held")]);
    assert!(!resumed(&sim.calls().await.unwrap()));
    assert_eq!(sim.ledger().await.unwrap(), []);
    let audit = home.output(&["audit", "verify", "--store", home.store().to_str().unwrap()]);
    assert_eq!(audit.code, Some(0), "{}", audit.stderr);
    assert!(audit.stdout.contains("2 approvals"), "what happened meanwhile was written later: {}", audit.stdout);
}
