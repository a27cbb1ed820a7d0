//! One-shot commands against a real daemon: what they print, what they exit with, and that nothing happens twice.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use holdpoint::simulator::Simulator;
use holdpoint::simulator::fault::Endpoint;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bench::{CONFIG, Ended, Home, PURCHASE, Process, play, simulator};

/// A daemon with one session held for an answer, and that approval as `pending --json` prints it.
async fn holding(home: &Home, sim: &Simulator) -> (Process, String, Value) {
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let session = play(sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let listed = of(home, &["pending", "--json"]);
    let approvals: Vec<Value> = serde_json::from_str(&listed.stdout).expect("an array");
    assert_eq!((listed.code, approvals.len()), (Some(0), 1), "{listed:?}");
    (daemon, session, approvals[0].clone())
}

/// A command that finds the daemon by the configuration.
fn of(home: &Home, args: &[&str]) -> Ended {
    home.output(&[args, &["--config", "config.toml"]].concat())
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

async fn calls(sim: &Simulator, endpoint: Endpoint) -> usize {
    sim.calls().await.unwrap().iter().filter(|call| call.endpoint == Some(endpoint)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_script_approves_only_with_the_digest_of_the_card_and_what_it_takes_and_once() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, session, approval) = holding(&home, &sim).await;
    let (code, digest) = (text(&approval, "code"), text(&approval, "digest"));
    let fields = [
        "id",
        "code",
        "revision",
        "digest",
        "session_id",
        "rule",
        "risk",
        "timing",
        "state",
        "outcome",
        "delivery",
        "deadline",
        "decided_by",
    ];
    assert!(fields.iter().all(|field| approval.get(field).is_some()), "{approval}");
    assert_eq!((text(&approval, "session_id"), text(&approval, "state")), (session.as_str(), "open"));

    let blind = of(&home, &["approve", code]);
    assert_eq!(blind.code, Some(2), "{blind:?}");
    blind.says(&["no --digest says that the card was seen", "hint: take the digest from"]);
    let other = "0".repeat(64);
    let stale = of(&home, &["approve", code, "--digest", &other, "--confirm", code]);
    assert_eq!(stale.code, Some(5), "{stale:?}");
    let untyped = of(&home, &["approve", code, "--digest", digest]);
    assert_eq!(untyped.code, Some(2), "{untyped:?}");
    untyped.says(&["--confirm"]);
    let wrong = of(&home, &["approve", code, "--digest", digest, "--confirm", "411"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    wrong.says(&["\"411\" is neither its amount nor its code: nothing was decided", "hint: `holdpoint show "]);
    assert_eq!(calls(&sim, Endpoint::Resume).await, 0, "nothing was released by any of them");

    for _again in 0..2 {
        let approved = of(&home, &["approve", code, "--digest", digest, "--confirm", code]);
        assert_eq!(approved.code, Some(0), "{approved:?}");
        assert!(approved.stdout.contains("resumed, confirmed"), "{approved:?}");
    }
    assert_eq!(calls(&sim, Endpoint::Resume).await, 1);
    let late = of(&home, &["deny", code]);
    assert_eq!(late.code, Some(4), "{late:?}");
    assert_eq!(of(&home, &["wait", code]).code, Some(0));
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_denial_takes_nothing_but_the_code_and_outlives_a_restart() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, _session, approval) = holding(&home, &sim).await;
    let code = text(&approval, "code");
    assert_eq!(of(&home, &["wait", code, "--timeout", "1s"]).code, Some(124));
    let denied = of(&home, &["deny", code, "--reason", "not this shop"]);
    assert_eq!(denied.code, Some(0), "{denied:?}");
    assert_eq!(of(&home, &["wait", code]).code, Some(10));
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let shown = of(&home, &["show", code, "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).expect("an object");
    assert_eq!((text(&shown, "outcome"), text(&shown, "reason")), ("denied", "not this shop"));
    assert_eq!(of(&home, &["approve", code, "--digest", text(&shown, "digest"), "--confirm", code]).code, Some(4));
    assert_eq!(calls(&sim, Endpoint::Resume).await, 0);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn stopping_everything_confirms_what_is_held_and_lasts_through_a_crash() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, session, _approval) = holding(&home, &sim).await;
    let stopped = of(&home, &["stop-all", "--reason", "drill", "--json"]);
    let report: Value = serde_json::from_str(&stopped.stdout).expect("an object");
    assert_eq!((stopped.code, &report["confirmed"], &report["reason"]), (Some(0), &true.into(), &"drill".into()));
    assert_eq!(text(&report["sessions"][0], "session_id"), session);
    daemon.stop(Signal::KILL);

    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let status: Value = serde_json::from_str(&of(&home, &["status", "--json"]).stdout).expect("an object");
    assert_eq!(status["halt"]["reason"], "drill", "{status}");
    assert_eq!(of(&home, &["stop-all", "--end"]).code, Some(0));
    let status: Value = serde_json::from_str(&of(&home, &["status", "--json"]).stdout).expect("an object");
    assert_eq!(status["halt"], Value::Null, "{status}");
    assert_eq!(calls(&sim, Endpoint::Resume).await, 0, "nothing was released by the end of it");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_approval_that_nobody_answered_in_time_is_expired_for_everybody() {
    let (home, sim) = (Home::new(), simulator().await);
    home.write("config.toml", &CONFIG.replace("\"10m\"", "\"10s\""));
    let (mut daemon, _, approval) = holding(&home, &sim).await;
    let (code, digest) = (text(&approval, "code"), text(&approval, "digest"));
    let waiting = Process::start(&mut home.command(&["wait", code, "--json", "--config", "config.toml"]));
    daemon.wait("expired by the deadline: cancelled, confirmed");
    let waited = waiting.ends();
    assert_eq!(waited.code, Some(11), "{waited:?}");
    let ended: Value = serde_json::from_str(&waited.stdout).expect("an object");
    let said = ["outcome", "ended_by"].map(|field| text(&ended, field).to_owned());
    assert_eq!(said, ["expired", "deadline"]);
    assert_eq!((&ended["decided_by"], &ended["id"]), (&Value::Null, &approval["id"]));
    let late: [&[&str]; 4] = [
        &["approve", code, "--digest", digest, "--confirm", code],
        &["deny", code],
        &["answer", code, "too late", "--digest", digest],
        &["extend", code],
    ];
    for command in late {
        let ended = of(&home, command);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(6), ""), "{command:?}: {ended:?}");
        ended.says(&["expired", "hint: "]);
    }
    assert_eq!(of(&home, &["wait", code]).code, Some(11), "also who comes later");
    assert_eq!((calls(&sim, Endpoint::Resume).await, calls(&sim, Endpoint::Cancel).await), (0, 1));
    assert_eq!(sim.ledger().await.unwrap(), []);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// Waits until `sessions` shows them as told, by id and state.
async fn shown(home: &Home, wanted: &[(&str, &str)]) {
    let wait = async {
        loop {
            let listed: Vec<Value> = serde_json::from_str(&of(home, &["sessions", "--json"]).stdout).expect("an array");
            let is = |(id, state): &(&str, &str)| {
                listed.iter().any(|s| text(s, "session_id") == *id && text(s, "state") == *state)
            };
            if wanted.iter().all(is) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("{wanted:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stop_of_everything_tells_what_is_paused_from_what_does_not_run() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, held, approval) = holding(&home, &sim).await;
    let idle = play(&sim, "step = [{ thought = 'Looking.' }, { done = 'Looked.' }]").await;
    let waits = play(&sim, "step = [{ question = 'Which colour?' }, { done = 'ok' }]").await;
    shown(&home, &[(&held, "held"), (&idle, "idle"), (&waits, "waiting")]).await;
    let pauses = calls(&sim, Endpoint::Pause).await;

    let stopped = of(&home, &["stop-all", "--json"]);
    let report: Value = serde_json::from_str(&stopped.stdout).expect("an object");
    assert_eq!((stopped.code, &report["confirmed"]), (Some(0), &true.into()), "{stopped:?}");
    for (session, standing) in [(&held, "paused"), (&idle, "nothing_runs"), (&waits, "nothing_runs")] {
        let lines = report["sessions"].as_array().expect("an array");
        let line = lines.iter().find(|line| text(line, "session_id") == *session).expect("its line");
        assert_eq!((text(line, "standing"), &line["confirmed"]), (standing, &true.into()), "{report}");
    }
    let told = of(&home, &["stop-all"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for (session, standing) in [(&held, "  paused  "), (&idle, "  nothing runs  "), (&waits, "  nothing runs  ")] {
        let line = told.stdout.lines().find(|line| line.contains(session.as_str())).expect("its line");
        assert!(line.contains(standing), "{told:?}");
    }
    assert_eq!(told.stdout.lines().last(), Some("3 sessions: 1 paused, 2 in which nothing runs"), "{told:?}");
    assert_eq!(calls(&sim, Endpoint::Pause).await, pauses, "nothing was paused where nothing runs");
    let pending: Vec<Value> = serde_json::from_str(&of(&home, &["pending", "--json"]).stdout).expect("an array");
    assert_eq!(pending.iter().map(|view| text(view, "id")).collect::<Vec<_>>(), [text(&approval, "id")]);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// Between a command and the daemon: passes everything on, and cuts every event stream when the first snapshot is asked for:
/// the stop is in force by then.
fn cutting(at: &Path, daemon: PathBuf) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(at).expect("a socket");
    let opened = Arc::new(AtomicUsize::new(0));
    let (count, streams) = (opened.clone(), Arc::new(Mutex::new(Some(Vec::<UnixStream>::new()))));
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = UnixStream::connect(&daemon).expect("a daemon");
            let mut there = server.try_clone().expect("a handle");
            let (mut back, mut from_server) = (client.try_clone().expect("a handle"), server);
            let (mut client, count, streams) = (client, count.clone(), streams.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    let mut streams = streams.lock().expect("whole");
                    if bytes.starts_with(b"GET /v1/events") {
                        count.fetch_add(1, Ordering::SeqCst);
                        streams.iter_mut().for_each(|open| open.push(client.try_clone().expect("a handle")));
                    }
                    if bytes.starts_with(b"GET /v1/snapshot") {
                        let open = streams.take().into_iter().flatten();
                        open.for_each(|stream| stream.shutdown(Shutdown::Both).expect("open"));
                    }
                    drop(streams);
                    if there.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
                let _closed = there.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || {
                let _either = std::io::copy(&mut from_server, &mut back);
                let _closed = back.shutdown(Shutdown::Both);
            });
        }
    });
    opened
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stop_of_everything_whose_stream_is_lost_still_says_how_the_sessions_stand() {
    let home = Home::new();
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let acts = play(&sim, "step = [{ thought = 'Looking.' }, { thought = 'Still looking.', after = '10m' }]").await;
    shown(&home, &[(&acts, "watching")]).await;
    // Until the stream is lost the pause is not confirmed.
    let slow = json!({ "endpoint": "pause", "delay": "2s", "always": true });
    sim.fault(serde_json::from_value(slow).expect("a fault")).await.expect("a simulator");
    let opened = cutting(&home.path("cut.sock"), home.path("state/holdpoint/holdpoint.sock"));
    let stopped = home.output(&["stop-all", "--wait", "30s", "--json", "--socket", "cut.sock"]);
    let report: Value = serde_json::from_str(&stopped.stdout).expect("an object");
    assert_eq!((stopped.code, &report["confirmed"]), (Some(0), &true.into()), "{stopped:?}");
    assert_eq!(text(&report["sessions"][0], "session_id"), acts);
    assert_eq!(opened.load(Ordering::SeqCst), 2, "the stream was lost, and another one opened");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[test]
fn what_is_not_there_is_said_and_has_its_code() {
    let home = Home::new();
    let nobody = of(&home, &["pending"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(7), ""));
    nobody.says(&["no daemon's socket was found", "hint: start the daemon with `holdpoint run`"]);
    let attached = of(&home, &["attach"]);
    assert_eq!(attached.code, Some(2), "{attached:?}");
}
