//! What keeps `run` from starting, and what does not.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use holdpoint::simulator::Options;
use rustix::process::Signal;

use crate::bench::{CONFIG, Home, KEY, PURCHASE, Process, play, simulator, simulator_with};

#[test]
fn a_broken_configuration_starts_nothing() {
    let home = Home::new();
    home.write("config.toml", &CONFIG.replace("timeout = \"10m\"", "timeout = \"10 parsecs\"\ntimeuot = 1"));
    let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
    ended.says(&["config.toml:9:11", "^^^^^", "config.toml:10:1", "approvals.timeuot", "nothing was started"]);
    assert!(!home.path("state").exists(), "no store, no lock");
}

#[test]
fn a_file_of_another_program_is_refused_and_nothing_is_laid_beside_it() {
    let home = Home::new();
    let path = home.write("bookmarks.db", "These are my bookmarks, and no database at all: keep them.");
    home.write("config.toml", &format!("{CONFIG}\n[store]\npath = {path:?}\n"));
    let before = home.files();
    let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    ended.says(&["bookmarks.db cannot be opened", "hint: [store] path names the file; nothing in it was changed"]);
    assert_eq!(home.files(), before);
}

#[test]
fn a_key_that_is_missing_starts_nothing() {
    let home = Home::new();
    let ended = Process::start(home.daemon("http://127.0.0.1:9").env_remove("HOLDPOINT_TEST_KEY")).ends();
    assert_eq!(ended.code, Some(78));
    ended.says(&["the environment variable HOLDPOINT_TEST_KEY is empty or not set", "hint: set it", "api_key_file"]);
    home.write("config.toml", &CONFIG.replace("api_key_env = \"HOLDPOINT_TEST_KEY\"", "api_key_file = \"key\""));
    let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
    assert_eq!(ended.code, Some(78));
    ended.says(&["config.toml:3:16", "^^^^^", "the file of the API key", "No such file", "nothing was started"]);
    let key = home.write("key", "\n");
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let ended = Process::start(&mut home.daemon("http://127.0.0.1:9")).ends();
    ended.says(&["key is empty or not set"]);
    assert!(!home.path("state").exists(), "no store, no lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_that_is_refused_exits_with_69_and_a_hint() {
    for auth_status in [401, 403] {
        let sim = simulator_with(Options { auth_status, ..Options::default() }).await;
        let home = Home::new();
        let ended = Process::start(home.daemon(&sim.base_url()).env("HOLDPOINT_TEST_KEY", "wrong-key-0042")).ends();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""));
        let refused = format!("the provider refused the API key ({auth_status})");
        ended.says(&[&refused, "hint: check the key in the environment variable HOLDPOINT_TEST_KEY"]);
        assert!(!ended.stderr.contains("trying on"), "the log contradicts the end:\n{}", ended.stderr);
        assert!(!ended.stderr.contains("wrong-key-0042"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_file_does_as_well() {
    let sim = simulator().await;
    let home = Home::new();
    home.write("config.toml", &CONFIG.replace("api_key_env = \"HOLDPOINT_TEST_KEY\"", "api_key_file = \"key\""));
    let key = home.write("key", &format!("{KEY}\n"));
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut daemon = Process::start(home.daemon(&sim.base_url()).env_remove("HOLDPOINT_TEST_KEY"));
    daemon.wait("no terminal");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_provider_that_is_down_is_tried_until_it_is_up() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let home = Home::new();
    let mut daemon = Process::start(&mut home.daemon(&format!("http://127.0.0.1:{port}")));
    let line = daemon.wait("sessions cannot be listed");
    assert!(
        line.contains("WARN") && line.contains("cannot reach the provider") && line.contains("trying on"),
        "{line}"
    );
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let sim = simulator_with(Options { listen, ..Options::default() }).await;
    daemon.wait("the provider lists sessions again");
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stderr.matches("sessions cannot be listed").count(), 1, "said once:\n{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_instance_is_refused_until_the_first_is_gone_however_it_went() {
    let sim = simulator().await;
    let home = Home::new();
    let mut first = Process::start(&mut home.daemon(&sim.base_url()));
    first.wait("no terminal");
    let second = Process::start(&mut home.daemon(&sim.base_url())).ends();
    assert_eq!(second.code, Some(75));
    second.says(&[") runs on the store", "holdpoint.db", "hint: stop the other one"]);
    assert_eq!(first.stop(Signal::KILL).code, None);
    let mut third = Process::start(&mut home.daemon(&sim.base_url()));
    third.wait("no terminal");
    assert_eq!(third.stop(Signal::INT).code, Some(0));
}

#[test]
fn a_file_that_is_no_store_is_left_alone() {
    let home = Home::new();
    let noise = "not a database at all ".repeat(100);
    let file = home.write("noise.db", &noise);
    let ended = Process::start(home.daemon("http://127.0.0.1:9").env("HOLDPOINT_STORE_PATH", &file)).ends();
    assert_eq!(ended.code, Some(1));
    ended.says(&["noise.db cannot be opened", "file is not a database", "hint: [store] path names the file"]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), noise);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_example_works_as_it_is_copied() {
    let sim = simulator().await;
    let home = Home::new();
    home.write("config.toml", include_str!("../../config.example.toml"));
    let mut daemon = Process::start(home.daemon(&sim.base_url()).env("AGI_API_KEY", KEY));
    daemon.wait("no terminal");
    play(&sim, PURCHASE).await;
    daemon.wait("rule balanced: purchase");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let ended = home.output(&["audit", "verify", "--config", "config.toml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("whole, ") && ended.stdout.contains("1 approval"), "{}", ended.stdout);
}
