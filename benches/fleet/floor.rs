//! The least that a client on this machine can do for a fleet: bytes in, one substring, bytes out. Not a usable watcher.
//!
//! Usage: `fleet-floor BASE_URL AGENT`; the key is in `BENCH_API_KEY`. One thread with one epoll reads all streams, parses neither
//! HTTP nor JSON of them, checks no answer, and sends a request that was built before over one connection. Another thread lists
//! the sessions every two seconds and opens their streams, so that discovery never stands before a pause.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use rustix::event::epoll;
use serde_json::Value;

const LIST_EVERY: Duration = Duration::from_secs(2);
const WORDS: [&str; 5] = ["lace your order", "uy now", "lacing the order", "ubmit payment", "onfirm and pay"];

/// What a stream needs: itself, and the pause of its session, once.
struct Watched {
    stream: TcpStream,
    pause: Option<Vec<u8>>,
}

/// Streams by their number in epoll. The lister appends; who waits only reads what is there.
type Fleet = Arc<Mutex<Vec<Option<Watched>>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(base_url), Some(agent)) = (args.next(), args.next()) else { return Err("BASE_URL AGENT".into()) };
    let host = base_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let head = format!("Host: {host}\r\nAuthorization: Bearer {}\r\n", std::env::var("BENCH_API_KEY")?);
    let words = AhoCorasick::new(WORDS)?;
    let ready = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
    let fleet = Fleet::default();
    let mut control = connect(&host)?;
    {
        let (ready, fleet, host, head) = (Arc::clone(&ready), Arc::clone(&fleet), host.clone(), head.clone());
        std::thread::spawn(move || {
            if let Err(error) = discover(&ready, &fleet, &host, &head, &agent) {
                eprintln!("the list: {error}");
                std::process::exit(1);
            }
        });
    }
    drain(control.try_clone()?);
    let (mut events, mut buffer) = (Vec::with_capacity(256), vec![0; 1 << 16]);
    loop {
        events.clear();
        epoll::wait(&*ready, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let number = usize::try_from(event.data.u64())?;
            let mut fleet = fleet.lock().map_err(|_| "the lister failed")?;
            let Some(slot) = fleet.get_mut(number) else { continue };
            let Some(watched) = slot else { continue };
            let got = watched.stream.read(&mut buffer).unwrap_or(0);
            if got == 0 {
                // Dropping the stream takes it out of epoll.
                *slot = None;
            } else if words.is_match(&buffer[..got])
                && let Some(pause) = watched.pause.take()
            {
                control.write_all(&pause)?;
            }
        }
    }
}

fn discover(ready: &OwnedFd, fleet: &Fleet, host: &str, head: &str, agent: &str) -> Result<(), Box<dyn Error>> {
    let (mut lister, mut known) = (BufReader::new(connect(host)?), HashSet::new());
    loop {
        lister.get_mut().write_all(format!("GET /v1/sessions HTTP/1.1\r\n{head}\r\n").as_bytes())?;
        let sessions: Value = serde_json::from_slice(&answer(&mut lister)?)?;
        for session in sessions.as_array().into_iter().flatten().filter(|session| session["agent_name"] == agent) {
            let Some(id) = session["session_id"].as_str() else { continue };
            if known.insert(id.to_owned()) {
                open(ready, fleet, host, head, id)?;
            }
        }
        std::thread::sleep(LIST_EVERY);
    }
}

fn open(ready: &OwnedFd, fleet: &Fleet, host: &str, head: &str, id: &str) -> Result<(), Box<dyn Error>> {
    let mut stream = connect(host)?;
    stream.write_all(format!("GET /v1/sessions/{id}/events HTTP/1.1\r\n{head}\r\n").as_bytes())?;
    let pause = format!("POST /v1/sessions/{id}/pause HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n").into_bytes();
    let mut fleet = fleet.lock().map_err(|_| "the watcher failed")?;
    let number = epoll::EventData::new_u64(u64::try_from(fleet.len())?);
    epoll::add(ready, &stream, number, epoll::EventFlags::IN)?;
    fleet.push(Some(Watched { stream, pause: Some(pause) }));
    Ok(())
}

/// Reads one answer of a known length.
fn answer(from: &mut BufReader<TcpStream>) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(body)
}

/// Reads what the pauses are answered, so that the server can go on answering; looks at none of it.
fn drain(mut control: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while control.read(&mut buffer).is_ok_and(|got| got > 0) {}
    });
}

fn connect(host: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
