//! What the manager is told, and in which order.

use holdpoint::simulator::Options;
use rustix::process::Signal;

use crate::bench::{Home, PURCHASE, Process, play, simulator, simulator_with};
use crate::manager::Manager;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ready_comes_once_then_how_it_is_then_that_it_stops() {
    let home = Home::new();
    let mut manager = Manager::new(&home);
    let sim = simulator().await;
    let mut daemon = Process::start(manager.adopt(&mut home.daemon(&sim.base_url())));
    manager.wait_for("READY", "1");
    assert!(home.store().exists(), "the store is open by then");
    assert_eq!(manager.told[0].value("STATUS"), Some("starting: waiting for the provider's first answer"));
    manager.wait_for("STATUS", "watching 0 sessions, nothing waits for an answer");

    let session = play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    manager.wait_for("STATUS", "watching 1 session, 1 approval waits for an answer, for less than a minute");

    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    let all = manager.all();
    let place = |text: &str| all.iter().position(|told| told.starts_with(text));
    let (stopping, last) = (place("STOPPING=1").expect("STOPPING=1"), place("STATUS=stopped; 1 session stays held"));
    assert!(last == Some(all.len() - 1) && stopping < all.len() - 1, "{all:#?}");
    assert_eq!(all.iter().filter(|told| *told == "READY=1").count(), 1, "{all:#?}");
    assert!(all.iter().all(|told| told.lines().count() == 1), "one line each: {all:#?}");
    assert!(sim.session(&session).await.unwrap().paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_does_not_start_is_never_ready_and_says_why() {
    let sim = simulator_with(Options { auth_status: 401, ..Options::default() }).await;
    for (config, key, code, why) in [
        (None, "wrong-key-0042", 69, "the provider does not accept the API key"),
        (Some("[approvals]\ntimeout = 1\n"), "", 78, "`approvals.timeout` has no unit"),
    ] {
        let home = Home::new();
        if let Some(config) = config {
            home.write("config.toml", config);
        }
        let mut manager = Manager::new(&home);
        let mut command = home.daemon(&sim.base_url());
        let ended = Process::start(manager.adopt(command.env("HOLDPOINT_TEST_KEY", key))).ends();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        let all = manager.all();
        assert!(!all.iter().any(|told| told == "READY=1"), "{all:#?}");
        let last = all.last().expect("why");
        assert!(last.starts_with("STATUS=") && last.contains(why) && last.lines().count() == 1, "{last}");
        assert!(!last.contains("wrong-key-0042"), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_manager_that_is_gone_or_does_not_read_holds_nothing_up() {
    let sim = simulator().await;
    let home = Home::new();
    let mut command = home.daemon(&sim.base_url());
    let mut daemon = Process::start(command.env("NOTIFY_SOCKET", home.path("nobody")));
    daemon.wait("the service manager cannot be told anything");
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    let home = Home::new();
    let deaf = Manager::new(&home);
    let mut command = home.daemon(&sim.base_url());
    // Far more pings than the socket's queue takes.
    let mut daemon = Process::start(deaf.adopt(command.env("WATCHDOG_USEC", "40000")));
    daemon.wait("waits for an answer");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}
