//! What a watched session costs, byte by byte: each part by itself, the whole daemon, its connection, and the kernel's share.
//!
//! `cargo bench --bench memory` prints the table. The heap is counted where it is asked for, in the bytes that were asked for: an
//! allocator rounds up to its classes. *Later*: after twenty events. Needs a file limit of some thousands for the kernel's share, and root for the slabs.

#[path = "../tests/costs/fleet.rs"]
mod fleet;
#[path = "../tests/costs/stage.rs"]
mod stage;
#[path = "../tests/costs/watching.rs"]
mod watching;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use allocation_counter::measure;
use futures_util::StreamExt as _;
use holdpoint::api::agi::{Agi, AgiConfig};
use holdpoint::api::{EventStream, MessageId, Provider, SessionId};
use holdpoint::daemon::driver::Driver;
use holdpoint::daemon::evaluator::Evaluator;
use holdpoint::daemon::listing::{Entry, Roll};
use holdpoint::daemon::ramp::{Ramp, Rank};
use holdpoint::daemon::reins::{Lines, Reins};
use holdpoint::daemon::watcher::{Known, Place, WatchConfig, Watcher};
use holdpoint::gate::{Gate, Input};
use holdpoint::policy::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use fleet::Fleet;
use stage::{balanced, gate, now, ordinary, session};
use watching::Watching;

/// Of how many of each a mean is taken.
const MANY: usize = 184;
/// How many events a session has said where it has said some.
const SAID: u64 = 20;
/// How many connections show what the kernel keeps of one.
const SOCKETS: usize = 5_000;

fn main() {
    println!("{:<66} {:>8} {:>8} {:>8}", "bytes of one session", "itself", "heap", "later");
    parts();
    println!();
    let whole = daemon();
    println!();
    let connection = connection();
    println!();
    line("the daemon's, its connection included, TLS aside", &[whole + connection]);
    kernel();
}

/// What each part is by itself, and what it has on the heap: fresh, and after some events.
fn parts() {
    let policy = Arc::new(balanced());
    let new = || Evaluator::new(policy.clone(), session(), []);
    let seen = || {
        let (mut gate, mut evaluator) = (gate(), new());
        (0..SAID).for_each(|n| see(&mut gate, &mut evaluator, n));
        gate
    };
    line("gate", &[size_of::<Gate>() as i64, of(gate), of(seen)]);
    let judged = || {
        let (mut gate, mut evaluator) = (gate(), new());
        (0..SAID).for_each(|n| see(&mut gate, &mut evaluator, n));
        evaluator
    };
    line("evaluator", &[size_of::<Evaluator>() as i64, of(new), of(judged)]);
    let heard = || {
        let mut context = Context::default();
        (0..SAID).for_each(|n| drop(policy.evaluate(&session(), &mut context, &ordinary(n), now())));
        context
    };
    line("    of it: what earlier events told", &[size_of::<Context>() as i64, of(Context::default), of(heard)]);
    let known = || Known::up_to(MessageId::default());
    let told = || {
        let mut known = known();
        let news = (0..SAID).filter(|n| known.is_new(MessageId(n + 1), &ordinary(*n))).count();
        assert_eq!(news as u64, SAID);
        known
    };
    line("    of it, and once more in the watcher: what was told", &[size_of::<Known>() as i64, of(known), of(told)]);
    let runtime = runtime();
    let _inside = runtime.enter();
    let (ramp, recovering) = Ramp::start();
    let provider: Arc<dyn Provider> = Arc::new(Fleet::of(0));
    let roll = Roll::new();
    let watcher = || {
        let listed = roll.entry().1;
        let place = Place { ramp: ramp.clone(), rank: Rank::Acts, listed, resting: provider.clone() };
        Watcher::new(provider.clone(), session().id, None, WatchConfig::default(), place)
    };
    line("watcher", &[size_of::<Box<Watcher>>() as i64, of(watcher)]);
    drop(recovering);
    line("driver, with gate and evaluator", &[size_of::<Driver>() as i64]);
    let lines = Lines::default();
    line("how it is told what to do", &[size_of::<Reins>() as i64, of(|| lines.reins())]);
    line("what the list says of it", &[size_of::<Entry>() as i64, of(|| roll.entry())]);
}

fn see(gate: &mut Gate, evaluator: &mut Evaluator, n: u64) {
    let event = ordinary(n);
    let Some(verdict) = evaluator.evaluate(&event, now(), &mut || ()) else { return };
    let input = Input::Seen { event, verdict, backlog: false };
    gate.handle(now(), &mut holdpoint::daemon::Ids::fresh(), input);
}

/// The whole daemon: all of these, its task, what supervisor, desk and metrics know of it.
fn daemon() -> i64 {
    let stage = Watching::new(64 + MANY);
    stage.come(0..64);
    let silent = {
        let stage = Watching::new(64 + MANY);
        stage.show(0..64);
        net(|| stage.show(64..64 + MANY))
    };
    let said = net(|| {
        stage.come(64..64 + MANY);
        stage.passes(60);
    });
    line("in the whole daemon: followed, nothing said", &[silent]);
    line("in the whole daemon: at rest after a few events", &[said]);
    said
}

/// An event stream of the provider's client that is open and silent.
fn connection() -> i64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let serves = std::thread::spawn(move || -> Vec<TcpStream> { (0..=MANY).map(|_| serve(&listener)).collect() });
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let agi = Agi::new(AgiConfig::new(base.parse().expect("a URL"), "key".into())).expect("a client");
    // The first one makes what all share.
    let first = runtime.block_on(open(&agi));
    let mut streams: Vec<EventStream> = Vec::with_capacity(MANY);
    let each = net(|| (0..MANY).for_each(|_| streams.push(runtime.block_on(open(&agi)))));
    line("its connection: an event stream that has told a few events, rests", &[each]);
    drop((first, streams, serves.join()));
    each
}

async fn open(agi: &Agi) -> EventStream {
    let id = SessionId::try_from("s-1").expect("an id");
    let mut stream = agi.events(&id).await.expect("a stream");
    for _ in 0..4 {
        stream.next().await.expect("an item").expect("an event");
    }
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(1), stream.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    stream
}

/// Answers one connection with a few events, and keeps it open.
fn serve(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().expect("a connection");
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a request");
        head.push(byte[0]);
    }
    let events = stage::stream(4, 1);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}{:x}\r\n{events}\r\n", events.len()).as_bytes()).expect("room");
    stream
}

/// What the kernel keeps of an idle connection's end here: objects of its slabs, and pages of buffers.
fn kernel() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, fewer connections are opened.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let (slabs, pages) = (slabs(), buffers());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let pairs: Vec<(TcpStream, TcpStream)> = (0..SOCKETS)
        .map_while(|_| {
            let here = TcpStream::connect(address).ok()?;
            Some((here, listener.accept().ok()?.0))
        })
        .collect();
    let ends = 2 * pairs.len() as i64;
    match (slabs, self::slabs()) {
        (Some(before), Some(after)) => line("the kernel's: a connection's end, in slabs", &[(after - before) / ends]),
        _ => println!("{:<66} {:>8}", "the kernel's: a connection's end, in slabs", "not readable"),
    }
    line("the kernel's: pages of buffers while nothing is said", &[(buffers() - pages) * 4096 / ends]);
}

/// Bytes of all objects that are in use; `None` where they may not be read.
fn slabs() -> Option<i64> {
    let table = std::fs::read_to_string("/proc/slabinfo").ok()?;
    let bytes = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let active: i64 = fields.next()?.parse().ok()?;
        let size: i64 = fields.nth(1)?.parse().ok()?;
        Some(active * size)
    };
    Some(table.lines().skip(2).filter_map(bytes).sum())
}

/// Pages that all TCP sockets have for what is sent and received.
fn buffers() -> i64 {
    let table = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = table.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    tcp.rsplit(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or_default()
}

/// What is on the heap of one of what `make` makes; what many share is there before.
fn of<T>(mut make: impl FnMut() -> T) -> i64 {
    drop(make());
    let mut made = Vec::with_capacity(MANY);
    net(|| made.extend(std::iter::repeat_with(&mut make).take(MANY)))
}

/// What is left of what `work` asked for, for each of [`MANY`].
fn net(work: impl FnOnce()) -> i64 {
    measure(work).bytes_current / MANY as i64
}

fn line(what: &str, bytes: &[i64]) {
    let bytes: String = bytes.iter().map(|bytes| format!(" {bytes:>8}")).collect();
    println!("{what:<66}{bytes}");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}
