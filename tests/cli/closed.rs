//! A store that this user may not write: before a start, while the daemon runs, and once it may be written again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use holdpoint::simulator::Simulator;
use rustix::process::{Signal, getuid};

use crate::bench::{CONFIG, DEADLINE, Ended, Home, KEY, PURCHASE, Process, play, simulator};

/// Debian's `games`: root may write everything, so the daemon runs as this one where the tests run as root.
const OTHER: &str = "games";

/// A home whose daemon minds the modes of files.
struct Closed {
    home: Home,
}

impl Closed {
    fn new() -> Self {
        let home = Home::new();
        home.write("config.toml", CONFIG);
        // By another process: a file that this one has open for writing while another test forks cannot be executed.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_holdpoint")).arg(home.path("holdpoint")).status();
        assert!(copied.expect("cp").success());
        std::fs::create_dir_all(home.path("state/holdpoint")).expect("a folder");
        if getuid().is_root() {
            let given = Command::new("chown").args(["-R", &format!("{OTHER}:{OTHER}")]).arg(home.path(".")).status();
            assert!(given.expect("chown").success());
        }
        Self { home }
    }

    fn command(&self, args: &[&str]) -> Command {
        let binary = self.home.path("holdpoint");
        let binary = binary.to_str().expect("UTF-8");
        if !getuid().is_root() {
            return self.home.clean(binary, args);
        }
        let become_it = [&format!("--reuid={OTHER}"), &format!("--regid={OTHER}"), "--clear-groups", binary];
        self.home.clean("setpriv", &[&become_it, args].concat())
    }

    fn daemon(&self, sim: &Simulator) -> Process {
        let mut command = self.command(&["run", "--config", "config.toml"]);
        command.env("HOLDPOINT_PROVIDER_BASE_URL", sim.base_url()).env("HOLDPOINT_TEST_KEY", KEY);
        Process::start(&mut command)
    }

    fn ask(&self, args: &[&str]) -> Ended {
        Process::start(&mut self.command(&[args, &["--config", "config.toml"]].concat())).ends()
    }

    fn mode(&self, path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }
}

/// The code of the approval that a line tells of.
fn code(line: &str) -> String {
    let word = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN");
    word.unwrap_or_else(|| panic!("no code: {line}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_that_cannot_be_written_starts_nothing_and_says_what_to_do() {
    let (closed, sim) = (Closed::new(), simulator().await);
    let (store, folder) = (closed.home.store(), closed.home.path("state/holdpoint"));
    closed.mode(&folder, 0o500);
    let ended = closed.daemon(&sim).ends();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    ended.says(&["holdpoint.db.lock cannot be made", "Permission denied", "hint: put the store where this user can"]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

    closed.mode(&folder, 0o700);
    let session = play(&sim, PURCHASE).await;
    let mut daemon = closed.daemon(&sim);
    let asked = code(&daemon.wait("waits for an answer"));
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    let shut = [("state/holdpoint", &folder, 0o500, 0o700), ("state/holdpoint/holdpoint.db", &store, 0o400, 0o600)];
    for (shown, path, mode, before) in shut {
        closed.mode(path, mode);
        let ended = closed.daemon(&sim).ends();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        ended.says(&[&format!("{shown} cannot be written"), "Permission denied", "hint: `ls -ld` shows whose it is"]);
        let doctor = closed.ask(&["doctor"]);
        assert_eq!(doctor.code, Some(1), "{doctor:?}");
        let line = format!("{shown} cannot be written by this user");
        assert!(
            doctor.stdout.lines().any(|said| said.starts_with("fail  store") && said.contains(&line)),
            "{doctor:?}"
        );
        closed.mode(path, before);
    }
    assert!(sim.session(&session).await.unwrap().paused, "nothing was let go meanwhile");

    let mut daemon = closed.daemon(&sim);
    assert_eq!(code(&daemon.wait("waits for an answer")), asked, "the same approval goes on");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let audit = closed.ask(&["audit", "verify"]);
    assert!(audit.stdout.contains("whole, ") && audit.stdout.contains("1 approval"), "{audit:?}");
}

/// What SQLite needs is open by then: nothing is lost, and releases stay durable. Only the next start has to be let in again.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_directory_that_is_closed_while_the_daemon_runs_takes_nothing_from_it_and_only_the_next_start_needs_it() {
    let (closed, sim) = (Closed::new(), simulator().await);
    let folder = closed.home.path("state/holdpoint");
    let mut daemon = closed.daemon(&sim);
    daemon.wait("no terminal");
    closed.mode(&folder, 0o500);
    let [first, second] = [play(&sim, PURCHASE).await, play(&sim, PURCHASE).await];
    let line = daemon.wait("waits for an answer");
    let denied = code(&line);
    let (gone, kept) = if line.contains(&first) { (first, second) } else { (second, first) };
    let asked = code(&daemon.wait("waits for an answer"));
    assert_eq!(closed.ask(&["deny", &denied]).code, Some(0));
    let paused = kept.clone();
    sim.until(DEADLINE, move |world| world.session(&paused).is_some_and(|session| session.paused)).await.unwrap();
    let ended = daemon.stop(Signal::KILL);
    assert!(!ended.stderr.contains("cannot be written"), "{}", ended.stderr);

    let refused = closed.daemon(&sim).ends();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    refused.says(&["state/holdpoint cannot be written", "hint: `ls -ld` shows whose it is"]);
    closed.mode(&folder, 0o700);
    let mut daemon = closed.daemon(&sim);
    assert_eq!(code(&daemon.wait("waits for an answer")), asked, "what waited is asked again");
    let listed = closed.ask(&["audit", "list", "--json", "--approval", &denied]);
    assert!(listed.stdout.contains("\"decided\"") && listed.stdout.contains(&gone), "{listed:?}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!(closed.ask(&["audit", "verify"]).code, Some(0));
    assert_eq!(sim.ledger().await.unwrap(), []);
}
