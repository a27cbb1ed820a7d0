//! The operators' socket, opened by the manager and passed on.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::bench::{CONFIG, DEADLINE, Home, KEY, PURCHASE, Process, play, simulator};
use crate::manager::Manager;

/// Starts `run` as systemd does: the socket is descriptor 3, and meant for this very process.
fn with_socket(home: &Home, url: &str, socket: impl Into<OwnedFd>) -> Command {
    let run = format!(
        "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec '{}' run --config config.toml",
        env!("CARGO_BIN_EXE_holdpoint")
    );
    let mut command = home.clean("/bin/sh", &["-c", &run]);
    command.env("HOLDPOINT_PROVIDER_BASE_URL", url).env("HOLDPOINT_TEST_KEY", KEY);
    command.stdin(Stdio::from(socket.into()));
    command
}

/// One request, as `curl --unix-socket` sends it: the whole answer.
fn ask(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: holdpoint\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_socket_that_was_passed_serves_operators_from_before_the_start_and_stays_after_the_end() {
    let home = Home::new();
    let mut manager = Manager::new(&home);
    let sim = simulator().await;
    let path = home.path("holdpoint.sock");
    let listener = UnixListener::bind(&path).unwrap();
    // Nobody serves yet; whoever connects now waits.
    let early = std::thread::spawn({
        let path = path.clone();
        move || ask(&path, "GET /v1/status")
    });
    let mut command = with_socket(&home, &sim.base_url(), listener.try_clone().unwrap());
    let mut daemon = Process::start(manager.adopt(&mut command));
    manager.wait_for("READY", "1");
    assert!(early.join().unwrap().starts_with("HTTP/1.1 200 "));

    let session = play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let pending = ask(&path, "GET /v1/approvals?state=open");
    assert!(pending.starts_with("HTTP/1.1 200 ") && pending.contains(&session), "{pending}");

    let mut attached = UnixStream::connect(&path).unwrap();
    attached.set_read_timeout(Some(DEADLINE)).unwrap();
    attached.write_all(b"GET /v1/events HTTP/1.1\r\nHost: holdpoint\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("event: hello") {
        let mut bytes = [0; 4096];
        let count = attached.read(&mut bytes).expect("a hello");
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&bytes[..count]);
    }
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    ended.says(&["stopped; 1 session stays held"]);
    // Over the socket, too, it was told before the stream ended.
    attached.read_to_end(&mut seen).expect("the rest");
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(seen.contains("\"change\":\"stopping\""), "{seen}");
    assert!(!seen.contains("\"outcome\""), "nothing was decided: {seen}");
    assert!(sim.session(&session).await.unwrap().paused);

    assert!(path.exists(), "the file is the manager's");
    UnixStream::connect(&path).expect("and it still listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reload_over_the_socket_says_what_changed_or_what_is_wrong() {
    let home = Home::new();
    let mut manager = Manager::new(&home);
    let sim = simulator().await;
    let path = home.path("holdpoint.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = Process::start(manager.adopt(&mut with_socket(&home, &sim.base_url(), listener)));
    manager.wait_for("READY", "1");

    home.write("config.toml", &CONFIG.replace("\"purchase\"\neffect", "\"buying\"\neffect"));
    let answer = ask(&path, "POST /v1/reload");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("the policy changed from"), "{answer}");
    manager.wait_for("RELOADING", "1");
    manager.wait_for("READY", "1");

    home.write("config.toml", "[lgo]\n");
    let answer = ask(&path, "POST /v1/reload");
    assert!(
        answer.starts_with("HTTP/1.1 422 ") && answer.contains("unknown key `lgo` here (config.toml:1:2)"),
        "{answer}"
    );
    assert!(answer.contains("what was read before stays in force"), "{answer}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[test]
fn what_is_no_socket_starts_nothing() {
    let home = Home::new();
    let file = std::fs::File::open(home.path("config.toml")).unwrap();
    let datagram = std::os::unix::net::UnixDatagram::bind(home.path("datagram")).unwrap();
    let network = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    for passed in [OwnedFd::from(file), OwnedFd::from(datagram), OwnedFd::from(network)] {
        let ended = Process::start(&mut with_socket(&home, "http://127.0.0.1:9", passed)).ends();
        assert_eq!(ended.code, Some(78), "{}", ended.stderr);
        ended.says(&[
            "the socket that the service manager passed cannot be used: fd 3 is not a ",
            "deploy/holdpoint.socket",
        ]);
        assert!(!home.path("state").exists(), "no store, no lock");
    }
}
