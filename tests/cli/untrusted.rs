//! Hostile text reaches standard error as text, and the API key reaches nothing.

use holdpoint::simulator::fault::{BodyShape, Endpoint, ErrorAnswer, Fault, FaultAnswer};
use holdpoint::simulator::world::NewSession;
use rustix::process::Signal;
use serde_json::Value;

use crate::bench::{Home, KEY, Process, scenario, simulator};

/// Clears the screen, sets a title, turns the line around, forges a line of the log, hides.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{2066}\r\n2026-01-01T00:00:00Z  INFO all is well\u{200b}\u{9b}31m\u{e0041}\u{0}";

/// Bytes and characters that must not come out raw.
fn is_clean(text: &str) -> bool {
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
    text.chars().all(|c| c == '\n' || !(c.is_control() || hidden(c)))
}

fn fault(endpoint: Endpoint, body: BodyShape, status: u16) -> Fault {
    let text = Some(format!("no {KEY} {HOSTILE} {KEY}"));
    Fault {
        times: 3,
        ..Fault::once(endpoint, FaultAnswer::Error(ErrorAnswer { status, body, text, retry_after: None }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_lines_for_people_hostile_text_is_shown_escaped_and_the_key_never() {
    logs_cleanly("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_json_hostile_text_is_shown_escaped_and_the_key_never() {
    logs_cleanly("json").await;
}

async fn logs_cleanly(format: &str) {
    let home = Home::new();
    let sim = simulator().await;
    for (endpoint, body, status) in [
        (Endpoint::Models, BodyShape::Plain, 500),
        (Endpoint::List, BodyShape::Html, 502),
        (Endpoint::Messages, BodyShape::Detail, 500),
        (Endpoint::Events, BodyShape::Plain, 503),
        (Endpoint::Pause, BodyShape::Html, 502),
        (Endpoint::Screenshot, BodyShape::Message, 500),
        (Endpoint::Cancel, BodyShape::ErrorObject, 500),
    ] {
        sim.fault(fault(endpoint, body, status)).await.unwrap();
    }
    let hostile = Value::from(format!("Clicking 'Place your order' {HOSTILE} total 410.00 USD"));
    let steps = format!("step = [{{ thought = {hostile} }}, {{ done = 'no', after = '10m' }}]");
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &config.replace("\"10m\"", "\"10s\""));
    let command = &mut home.daemon(&sim.base_url());
    let mut daemon = Process::start(command.env("HOLDPOINT_LOG_FORMAT", format).env("HOLDPOINT_LOG_LEVEL", "debug"));
    daemon.wait("sessions cannot be listed");
    let named = |what: &str| Some(format!("{what} {HOSTILE}"));
    let scenario = Some(scenario(&steps));
    let new = NewSession { agent: named("agent"), goal: named("goal"), scenario, ..NewSession::default() };
    sim.create_idle(new).await.unwrap();
    daemon.wait("waits for an answer");
    daemon.wait("expired by the deadline: cancelled, confirmed");
    let ended = daemon.stop(Signal::TERM);

    assert_eq!(ended.code, Some(0));
    assert!(is_clean(&ended.stderr), "{}", ended.stderr.escape_debug());
    assert!(!ended.stderr.lines().any(|line| line.starts_with("2026-01-01")), "{}", ended.stderr);
    assert!(!ended.stderr.contains(KEY) && ended.stdout.is_empty(), "{}", ended.stderr);
    if format == "json" {
        for line in ended.stderr.lines() {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(is_clean(object["message"].as_str().unwrap()), "{line}");
        }
    }
    let files = home.files();
    assert!(files.iter().any(|(path, bytes)| *path == home.store() && !bytes.is_empty()));
    for (path, bytes) in files {
        let found = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!found, "the key is in {}", path.display());
    }
}

/// What programs of the daemon's are shown, and what every process of this user can read of it.
fn seen_of(daemon: &Process) -> Vec<(String, Vec<u8>)> {
    let shown = |pid: String| {
        let read =
            |name: &str| (format!("{name} of {pid}"), std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default());
        [read("cmdline"), read("environ"), read("comm")]
    };
    let pid = daemon.pid().as_raw_nonzero().to_string();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let all = std::iter::once(pid).chain(children.split_whitespace().map(str::to_owned));
    all.flat_map(shown).collect()
}

/// A whole run with the key in a file: what is logged at the most talkative level, every command's answer, what the hook is told
/// and with what environment, metrics, the socket's answers, files, and the process listing.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_key_is_nowhere_but_where_it_belongs() {
    let home = Home::new();
    let sim = simulator().await;
    let (key, told) = (home.write("key", &format!("{KEY}\n")), home.path("told"));
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let hook = home.write("hook.sh", &format!("#!/bin/sh\nenv >> {0}\ncat >> {0}\n", told.display()));
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    let config = config.replace("api_key_env = \"HOLDPOINT_TEST_KEY\"", "api_key_file = \"key\"");
    home.write("config.toml", &format!("{config}\n[notify]\nexec = [\"{}\"]\n", hook.display()));
    sim.fault(fault(Endpoint::Messages, BodyShape::Detail, 500)).await.unwrap();
    let command = &mut home.daemon(&sim.base_url());
    let mut daemon = Process::start(command.env_remove("HOLDPOINT_TEST_KEY").env("HOLDPOINT_LOG_LEVEL", "trace"));
    daemon.wait("no terminal: nobody is asked here");
    crate::bench::play(&sim, crate::bench::PURCHASE).await;
    let line = daemon.wait("waits for an answer");
    let code = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN").unwrap().to_owned();
    let mut said = seen_of(&daemon);
    for args in [
        &["status", "--json"][..],
        &["doctor"],
        &["pending"],
        &["show", &code, "--json"],
        &["sessions", "--json"],
        &["deny", &code, "--yes"],
        &["wait", &code, "--json"],
        &["audit", "list"],
        &["audit", "export"],
        &["config", "check"],
        &["status", "--config", "nowhere.toml"],
    ] {
        let config: &[&str] = if args.contains(&"--config") { &[] } else { &["--config", "config.toml"] };
        let ended = home.output(&[args, config].concat());
        let text = [ended.stdout.as_str(), &ended.stderr].concat();
        assert!(!text.is_empty(), "{args:?} says something");
        said.push((format!("{args:?}"), text.into_bytes()));
    }
    said.extend(seen_of(&daemon));
    let ended = daemon.stop(Signal::TERM);
    said.push(("the log".to_owned(), ended.stderr.into_bytes()));
    let files = home.files().into_iter().filter(|(path, _)| *path != key);
    said.extend(files.map(|(path, bytes)| (path.display().to_string(), bytes)));
    assert!(said.iter().any(|(what, bytes)| what.ends_with("told") && !bytes.is_empty()), "the hook was called");
    assert!(
        said.iter().any(|(what, bytes)| what.starts_with("cmdline") && !bytes.is_empty()),
        "processes can be listed"
    );
    for (what, bytes) in said {
        let found = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
        assert!(!found, "the key is in {what}");
    }
}
