//! A store that is not the one that was written last: a copy from yesterday, another one, one that was cut.

use std::path::Path;

use rustix::process::Signal;

use crate::bench::{CONFIG, Home, PURCHASE, Process, play, simulator};

/// With the checkpoint in a place of its own.
fn home() -> Home {
    let home = Home::new();
    home.write("config.toml", &format!("{CONFIG}\n[store]\ncheckpoint = \"elsewhere/head\"\n"));
    std::fs::create_dir(home.path("elsewhere")).unwrap();
    home
}

/// The socket of this home's daemon, for its clients.
fn ask(home: &Home, args: &[&str]) -> crate::bench::Ended {
    home.output(&[args, &["--config", "config.toml"]].concat())
}

fn copy(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).ok();
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn head(home: &Home) -> (i64, String) {
    let text = std::fs::read_to_string(home.path("elsewhere/head")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    (written["seq"].as_i64().unwrap(), written["hash"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_copy_from_yesterday_starts_with_everything_stopped_until_somebody_has_looked() {
    let (home, sim) = (home(), simulator().await);
    let session = play(&sim, PURCHASE).await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("is made now");
    daemon.wait("waits for an answer");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let state = home.path("state/holdpoint");
    copy(&state, &home.path("yesterday"));
    let (early, _) = head(&home);
    let verified = home.output(&["audit", "verify", "--store", "state/holdpoint/holdpoint.db"]);
    assert!(verified.stdout.contains(&head(&home).1), "the checkpoint is the head: {}", verified.stdout);

    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("waits for an answer");
    let ended = daemon.stop(Signal::TERM);
    assert!(!ended.stderr.contains("checkpoint"), "{}", ended.stderr);
    assert!(head(&home).0 > early, "the card was armed again, and that was written");

    copy(&home.path("yesterday"), &state);
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    let line = daemon.wait("the store is not as its checkpoint");
    assert!(line.contains(&format!("it ends at entry {early}")) && line.contains("it is an older copy"), "{line}");
    daemon.wait("hint: look at each session");
    daemon.wait("waits for an answer");
    assert!(ask(&home, &["status"]).stdout.contains("stopped, by holdpoint"), "{}", ask(&home, &["status"]).stdout);
    assert!(sim.session(&session).await.unwrap().paused);
    assert_eq!(ask(&home, &["stop-all", "--end"]).code, Some(0));
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("waits for an answer");
    let ended = daemon.stop(Signal::TERM);
    assert!(!ended.stderr.contains("checkpoint"), "it is the store that goes on: {}", ended.stderr);
    assert_eq!(sim.ledger().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_store_and_a_checkpoint_that_cannot_be_read_stop_everything_as_well() {
    let (home, sim) = (home(), simulator().await);
    let hash = "7".repeat(64);
    let another = format!("{{\"seq\":1,\"hash\":\"{hash}\",\"at\":\"2026-01-01T00:00:00Z\"}}");
    for (text, why) in [("not one", "it is no checkpoint"), (&another, "it ends at entry 0")] {
        std::fs::remove_dir_all(home.path("state")).ok();
        home.write("elsewhere/head", text);
        let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
        let line = daemon.wait("checkpoint");
        assert!(line.contains(why), "{line}");
        daemon.wait("everything is stopped");
        let ended = daemon.stop(Signal::TERM);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(head(&home).0, 2, "the stop, and that a checkpoint is kept");
    }
}

/// A place that was not mounted looks like one in which nothing was ever written.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_checkpoint_that_is_not_there_any_more_stops_everything() {
    let (home, sim) = (home(), simulator().await);
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("is made now");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    std::fs::remove_file(home.path("elsewhere/head")).unwrap();
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("is not there to compare it with");
    daemon.wait("everything is stopped");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// Neither the start nor the end waits for a place that does not answer, and nothing that stands there is written into.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_stands_in_the_place_of_a_checkpoint_is_neither_waited_for_nor_written_into() {
    let (home, sim) = (home(), simulator().await);
    let pipe = std::process::Command::new("mkfifo").arg(home.path("elsewhere/head")).status().unwrap();
    assert!(pipe.success());
    let victim = home.write("victim", "mine");
    std::os::unix::fs::symlink(&victim, home.path("elsewhere/head.new")).unwrap();
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("it is no file");
    daemon.wait("everything is stopped");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
    assert_eq!(head(&home).0, 2, "the pipe was replaced");
}

#[test]
fn a_checkpoint_in_the_place_of_the_store_or_beside_it_starts_nothing() {
    for place in ["state/holdpoint/holdpoint.db", "./state/../state/holdpoint/holdpoint.db-wal", "elsewhere/sock"] {
        let home = home();
        let socket = format!("{}\n[control]\nsocket = \"elsewhere/sock.new\"\n", CONFIG);
        home.write("config.toml", &format!("{socket}\n[store]\ncheckpoint = \"{place}\"\n"));
        let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
        assert_eq!(ended.code, Some(78), "{place}: {}", ended.stderr);
        ended.says(&["would be written over the daemon's own", "a place of its own"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_checkpoint_that_cannot_be_written_is_said_once_and_stops_nothing() {
    let (home, sim) = (home(), simulator().await);
    std::fs::remove_dir(home.path("elsewhere")).unwrap();
    play(&sim, PURCHASE).await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("waits for an answer");
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stderr.matches("cannot be written").count(), 1, "{}", ended.stderr);
}
