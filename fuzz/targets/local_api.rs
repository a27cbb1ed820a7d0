//! What a local user may send to the socket: every answer is HTTP, none is a fault of the server, and it goes on serving.
//!
//! An input is a request line and a body; one that begins with `!` is sent as it is.
#![no_main]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use holdpoint::clock::Clock;
use holdpoint::control::http::{Access, Parts, Server};
use holdpoint::control::service::DeskService;
use holdpoint::control::{DeskSettings, Drivers};
use libfuzzer_sys::fuzz_target;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

struct World {
    socket: PathBuf,
    _server: Server,
    _runtime: Runtime,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("holdpoint.sock");
    let server = runtime.block_on(async {
        let (decisions, mut decided) = mpsc::channel(1);
        let (screenshots, mut pictures) = mpsc::channel(1);
        let (orders, mut ordered) = mpsc::channel(1);
        tokio::spawn(async move { while decided.recv().await.is_some() {} });
        tokio::spawn(async move { while pictures.recv().await.is_some() {} });
        tokio::spawn(async move { while ordered.recv().await.is_some() {} });
        let desk =
            DeskService::start(DeskSettings::default(), Drivers { decisions, screenshots, orders }, Clock::start());
        let listener = UnixListener::bind(&socket).expect("a socket");
        let parts = Parts { desk, access: Access::default(), beside: axum::Router::new(), reload: None };
        Server::start(listener, parts)
    });
    World { socket, _server: server, _runtime: runtime, _folder: folder }
});

fuzz_target!(|input: &[u8]| {
    let answer = match input.strip_prefix(b"!") {
        Some(raw) => ask(raw, true),
        None => ask(&request(input), false),
    };
    if !answer.is_empty() {
        let status = answer.strip_prefix("HTTP/1.1 ").or(answer.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)).unwrap_or_else(|| panic!("no answer in HTTP: {answer:?}"));
        // 503: nobody carries out what was asked, which is so here.
        assert!(!status.starts_with('5') || status == "503", "a fault of the server: {answer}");
    }
    let healthy = ask(b"GET /v1/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", false);
    assert!(healthy.starts_with("HTTP/1.1 200"), "it no longer serves: {healthy:?}");
});

fn request(input: &[u8]) -> Vec<u8> {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let head = format!(
        " HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [line, head.as_bytes(), body].concat()
}

/// The answer's beginning; an event stream has no end. Who hangs up says that nothing more will be sent.
fn ask(request: &[u8], hangs_up: bool) -> String {
    let mut stream = UnixStream::connect(&WORLD.socket).expect("a server");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    drop(stream.write_all(request));
    if hangs_up {
        drop(stream.shutdown(Shutdown::Write));
    }
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue, // The fuzzer's own clock.
            Ok(read @ 1..) => answer.extend_from_slice(&part[..read]),
            Ok(0) | Err(_) => break,
        }
        let streams = answer.windows(17).any(|word| word.eq_ignore_ascii_case(b"text/event-stream"));
        if streams || answer.len() > 1 << 16 {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
