//! The watchdog is fed while the loops turn, and only then.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::bench::{DEADLINE, Home, PURCHASE, Process, play, simulator};
use crate::manager::Manager;

/// How patient the manager is.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_writer_that_hangs_on_its_disk_stops_the_pings_and_is_named() {
    let home = Home::new();
    let mut manager = Manager::new(&home);
    let sim = simulator().await;
    let mut command = home.daemon(&sim.base_url());
    let mut daemon = Process::start(manager.adopt(command.env("WATCHDOG_USEC", PATIENCE.as_micros().to_string())));
    manager.wait_for("READY", "1");
    for _ in 0..3 {
        manager.wait_for("WATCHDOG", "1");
    }

    // Whoever holds this lock makes every write of the daemon wait, two seconds at a time.
    let mut holder = SqliteConnectOptions::new().filename(home.store()).connect().await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let session = play(&sim, PURCHASE).await;
    let line = daemon.wait("has not answered");
    assert!(line.contains("ERROR") && line.contains("the writer of the store has not answered for 500ms"), "{line}");
    let watched = session.clone();
    sim.until(DEADLINE, move |world| world.session(&watched).is_some_and(|session| session.paused)).await.unwrap();
    until_a_ping_is_missed(&mut manager);

    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
    daemon.wait("the writer of the store turns again");
    manager.all();
    manager.wait_for("WATCHDOG", "1");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// The pings come at half of the manager's patience; one that is missed shows as a gap.
fn until_a_ping_is_missed(manager: &mut Manager) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let pings: Vec<Instant> =
            manager.told.iter().filter(|told| told.value("WATCHDOG").is_some()).map(|told| told.at).collect();
        if pings.last().is_some_and(|last| last.elapsed() > PATIENCE * 3 / 4) {
            return;
        }
        assert!(Instant::now() < deadline, "the pings go on: {:#?}", manager.told);
        manager.next(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_watchdog_there_are_no_pings_and_one_for_another_process_is_not_ours() {
    for (name, value) in [("HOLDPOINT_NOTHING", "1"), ("WATCHDOG_PID", "1")] {
        let home = Home::new();
        let mut manager = Manager::new(&home);
        let sim = simulator().await;
        let mut command = home.daemon(&sim.base_url());
        command.env(name, value);
        if name == "WATCHDOG_PID" {
            command.env("WATCHDOG_USEC", "100000");
        }
        let daemon = Process::start(manager.adopt(&mut command));
        // The line of status is told after pings would have begun.
        manager.wait_for("STATUS", "watching 0 sessions, nothing waits for an answer");
        assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
        let all = manager.all();
        assert!(!all.iter().any(|told| told.contains("WATCHDOG")), "{all:#?}");
    }
}
