//! A disk without room while the daemon runs: pauses and denials go out, nothing is released, and it is said.

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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_room_sessions_are_paused_and_cancelled_and_nothing_is_released() {
    let home = Home::new();
    home.write("config.toml", &format!("{}{COOLDOWN}", CONFIG.replace("\"10m\"", "\"10s\"")));
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal");
    room(&daemon, Some(0));

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

    room(&daemon, None);
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
