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
        ended.says(&["that outlives a restart", "the next start keeps to that; `holdpoint stop-all --end` ends that"]);
        assert_eq!(head(&home).0, 2, "the stop, and that a checkpoint is kept");
        let kept = std::fs::read_dir(home.path("elsewhere")).unwrap().map(|entry| entry.unwrap().path());
        let kept = kept.filter(|path| std::fs::read_to_string(path).unwrap() == text).count();
        assert_eq!(kept, usize::from(text == "not one"), "what is no checkpoint is not written over");
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
    let places = [
        ("state/holdpoint/holdpoint.db", "the checkpoint would be written over the store itself"),
        ("./state/../state/holdpoint/holdpoint.db-wal", "over a file that SQLite lays beside the store"),
        ("elsewhere/sock", "would be written over the daemon's own"),
    ];
    for (place, why) in places {
        let home = home();
        let socket = format!("{}\n[control]\nsocket = \"elsewhere/sock.new\"\n", CONFIG);
        home.write("config.toml", &format!("{socket}\n[store]\ncheckpoint = \"{place}\"\n"));
        let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
        assert_eq!(ended.code, Some(78), "{place}: {}", ended.stderr);
        ended.says(&[why]);
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

/// The verdict of `doctor` on the checkpoint, and what it says.
fn doctor(home: &Home) -> (String, String) {
    let told = ask(home, &["doctor", "--json"]);
    let checks: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let line = checks.as_array().unwrap().iter().find(|line| line["check"] == "checkpoint").unwrap();
    let word = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
    (word("verdict"), word("found"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn doctor_says_whether_the_next_start_will_agree_with_the_checkpoint() {
    let (home, sim) = (home(), simulator().await);
    let says = |verdict: &str, found: &str| {
        let said = doctor(&home);
        assert!(said.0 == verdict && said.1.contains(found), "{said:?}");
    };
    says("ok", "will be made at the first start");
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("is made now");
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    says("ok", "and the store agrees");
    let metrics = metrics(&home);
    let kept = metrics.lines().find_map(|line| line.strip_prefix("holdpoint_checkpoint_timestamp_seconds "));
    assert!(kept.is_some_and(|at| at.parse::<f64>().unwrap() > 1.7e9), "{metrics}");
    assert!(metrics.contains("holdpoint_checkpoint_failures_total 0"), "{metrics}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    says("ok", "and the store agrees");
    let beside = std::fs::metadata(home.path("state/holdpoint/holdpoint.db-wal")).map_or(0, |file| file.len());
    assert_eq!(beside, 0, "after the end everything is in the one file");
    let written = std::fs::read_to_string(home.path("elsewhere/head")).unwrap();
    let (seq, hash) = head(&home);
    home.write("elsewhere/head", &written.replace(&hash, &"7".repeat(64)));
    says("fail", &format!("its entry {seq} is not the one that was written by"));
    home.write("elsewhere/head", &written.replace(&format!("\"seq\":{seq}"), &format!("\"seq\":{}", seq + 1)));
    says("fail", "it is an older copy, or its end was cut off");
    home.write("elsewhere/head", "not one");
    says("fail", "it is no checkpoint");
    std::fs::remove_file(home.path("elsewhere/head")).unwrap();
    says("fail", "is not there, and the store was compared with it before");
}

/// What the daemon of this home counts, over its socket.
fn metrics(home: &Home) -> String {
    use std::io::{Read as _, Write as _};
    let mut line = std::os::unix::net::UnixStream::connect(home.path("state/holdpoint/holdpoint.sock")).unwrap();
    line.write_all(b"GET /metrics HTTP/1.1\r\nHost: holdpoint\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    line.read_to_string(&mut text).unwrap();
    text
}
