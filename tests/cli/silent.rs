//! Nobody listens: a closed standard error or output is no reason to stop holding sessions, or to panic.

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{DEADLINE, Home, PURCHASE, is_empty, play, simulator};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_whose_log_nobody_reads_holds_all_the_same() {
    let home = Home::new();
    let sim = simulator().await;
    let mut daemon = home.daemon(&sim.base_url()).spawn().unwrap();
    drop((daemon.stderr.take(), daemon.stdout.take()));
    let session = play(&sim, PURCHASE).await;
    let held = session.clone();
    let paused = sim.until(DEADLINE, move |world| world.session(&held).is_some_and(|session| session.paused)).await;
    kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    paused.unwrap();
    assert!(sim.session(&session).await.unwrap().paused);
}

#[test]
fn a_demo_that_nobody_watches_leaves_nothing_behind() {
    let home = Home::new();
    let mut demo = home.command(&["demo"]).spawn().unwrap();
    drop((demo.stderr.take(), demo.stdout.take()));
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    assert!(is_empty(&home.path("tmp")));
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let home = Home::new();
    for args in [
        &["openapi"][..],
        &["man"],
        &["completions", "bash"],
        &["policy", "presets", "balanced"],
        &["config", "check", "--config", "config.toml"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = home.command(args);
        let ended = command.stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), said.contains("cannot be written")), (Some(141), false), "{args:?}: {said}");
        assert!(!said.contains("hint"), "{args:?}: {said}");
    }
}

#[test]
fn data_that_cannot_be_written_is_an_error() {
    let home = Home::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut check = home.command(&["config", "check", "--config", "config.toml"]);
    let ended = check.stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let talk = String::from_utf8_lossy(&ended.stderr);
    assert!(talk.starts_with("holdpoint: standard output cannot be written: ") && talk.contains("hint: "), "{talk}");
}
