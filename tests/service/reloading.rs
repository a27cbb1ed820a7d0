//! SIGHUP: parsed, validated, and only then in force.

use holdpoint::simulator::Simulator;
use rustix::process::Signal;

use crate::bench::{CONFIG, DEADLINE, Home, PURCHASE, Process, play, simulator};
use crate::manager::Manager;

/// Watches closely, and asks about nothing.
fn no_rules() -> String {
    CONFIG.split("[[rule]]").next().unwrap().to_owned()
}

/// A service that is ready, and its manager.
fn ready(home: &Home, sim: &Simulator) -> (Process, Manager) {
    let mut manager = Manager::new(home);
    let daemon = Process::start(manager.adopt(&mut home.daemon(&sim.base_url())));
    manager.wait_for("READY", "1");
    (daemon, manager)
}

/// Reloads, and waits until that is over.
fn reload(daemon: &Process, manager: &mut Manager) {
    daemon.signal(Signal::HUP);
    let told = manager.wait_for("RELOADING", "1");
    let at: u64 = told.value("MONOTONIC_USEC").expect("with it").parse().expect("a number");
    assert!(at > 0, "{told:?}");
    manager.wait_for("READY", "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_rule_that_was_added_holds_sessions_that_were_watched_before() {
    let home = Home::new();
    home.write("config.toml", &no_rules());
    let sim = simulator().await;
    let (mut daemon, mut manager) = ready(&home, &sim);
    let announced = "{ thought = \"Clicking 'Place your order' to complete the purchase (total 410.00 USD)\" },\n";
    let session = play(&sim, &format!("step = [\n{}{{ done = 'Done.' }} ]", announced.repeat(300))).await;
    manager.wait_for("STATUS", "watching 1 session, nothing waits for an answer");

    home.write("config.toml", CONFIG);
    reload(&daemon, &mut manager);
    let line = daemon.wait("the configuration was read again");
    assert!(line.contains("INFO") && line.contains("the policy changed from ") && line.contains("(1 rule)"), "{line}");
    let line = daemon.wait("waits for an answer");
    assert!(line.contains(&session) && line.contains("rule purchase"), "{line}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_file_that_is_wrong_changes_nothing_and_is_said_with_its_line() {
    let home = Home::new();
    let sim = simulator().await;
    let (mut daemon, mut manager) = ready(&home, &sim);
    for (config, why) in [
        (no_rules() + "[approvals2]\n", "unknown key `approvals2` here (config.toml:11:2)"),
        (CONFIG.replace("[[rule]]", "[[rule"), "this is not TOML"),
        (CONFIG.replace("\"ask\"", "\"aks\""), "\"aks\" is not a value of `rule[0].effect` (config.toml:"),
    ] {
        home.write("config.toml", &config);
        reload(&daemon, &mut manager);
        let line = daemon.wait("what was read before stays in force");
        assert!(line.contains("ERROR") && line.contains(why), "{line}");
    }
    std::fs::remove_file(home.path("config.toml")).unwrap();
    reload(&daemon, &mut manager);
    let line = daemon.wait("what was read before stays in force");
    assert!(line.contains("ERROR") && line.contains("No such file"), "{line}");

    let session = play(&sim, PURCHASE).await;
    let line = daemon.wait("waits for an answer");
    assert!(line.contains(&session) && line.contains("rule purchase"), "{line}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_needs_a_restart_is_named_and_stays_and_the_level_of_the_log_does_not() {
    let home = Home::new();
    let sim = simulator().await;
    let (mut daemon, mut manager) = ready(&home, &sim);
    let more = "\n[store]\npath = 'other.db'\n[log]\nlevel = 'warn'\n";
    home.write("config.toml", &(CONFIG.replace("[provider]", "[provider]\nhedge_after = '1s'") + more));
    reload(&daemon, &mut manager);
    let line = daemon.wait("the configuration was read again");
    let named = "the policy is the same (1 rule); this takes a restart: provider.hedge_after, store.path";
    assert!(line.contains("WARN") && line.contains(named), "{line}");
    assert!(!home.path("other.db").exists());

    let seen = daemon.talk.len();
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let since = String::from_utf8_lossy(&daemon.talk[seen..]).into_owned();
    assert!(!since.contains(" INFO "), "{since}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// The notifications that a hook wrote down, one a line.
fn told(home: &Home, to: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(home.path(to)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Calls a program that writes to `to`.
fn hook(home: &Home, to: &str) -> String {
    let file = home.path(to);
    format!("\n[notify]\nexec = [\"/bin/sh\", \"-c\", \"cat >> '{}'\"]\n", file.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_called_changes_with_a_reload_and_what_waits_already_is_told_then() {
    let home = Home::new();
    let sim = simulator().await;
    let (mut daemon, mut manager) = ready(&home, &sim);
    let session = play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    home.write("config.toml", &(CONFIG.to_owned() + &hook(&home, "first")));
    reload(&daemon, &mut manager);
    let line = daemon.wait("the configuration was read again");
    assert!(line.contains("INFO") && line.contains("; notifications changed") && !line.contains("restart"), "{line}");
    wait_for(|| told(&home, "first").len() == 1);
    assert_eq!(told(&home, "first")[0]["session_id"], session.as_str());

    // A webhook without its secret: nothing of the file is taken over.
    let unsigned = "webhook = 'https://hooks.example.com/x'\nwebhook_secret_env = 'NO_SUCH_SECRET'\n";
    home.write("config.toml", &(CONFIG.to_owned() + &hook(&home, "never") + unsigned));
    reload(&daemon, &mut manager);
    let line = daemon.wait("what was read before stays in force");
    assert!(
        line.contains("there is no secret for the webhook") && line.contains("notify.webhook_secret_file"),
        "{line}"
    );
    let other = play(&sim, PURCHASE).await;
    wait_for(|| told(&home, "first").len() == 2);
    assert_eq!(told(&home, "first")[1]["session_id"], other.as_str());

    home.write("config.toml", CONFIG);
    reload(&daemon, &mut manager);
    daemon.wait("; notifications changed");
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!((told(&home, "first").len(), home.path("never").exists()), (2, false));
}

fn wait_for(met: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + DEADLINE;
    while !met() {
        assert!(std::time::Instant::now() < deadline, "it never came");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
