//! What runs on the other side of the pseudo-terminal: the real prompt on the real desk, and a driver that writes down
//! what it is told to do.
//!
//! The test binary starts itself with [`SCENARIO`] set; without it this test does nothing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use holdpoint::control::http::{Access, Parts, Server};
use holdpoint::control::socket::Socket;
use holdpoint::control::{
    Act, Decided, DeskService, DeskSettings, Drivers, EndedBy, Ordered, Refusal, ScreenshotOrder, remote,
};
use holdpoint::gate::{Delivery, Outcome};
use holdpoint::operator::{PromptEnd, PromptSettings, log, prompt};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter as _;

use crate::cards;

/// Names what shall wait: `one`, `three`, `hostile`, `panic`, `chatty`, `blocked` or `none`. With `cut` the connections are cut at
/// each SIGUSR1, and made again.
pub const SCENARIO: &str = "HOLDPOINT_PROMPT_SCENARIO";
/// The file that decisions are appended to.
pub const LEDGER: &str = "HOLDPOINT_PROMPT_LEDGER";

/// Text that tries everything a terminal could be made to do.
pub const HOSTILE: &str = "\x1b[2J\x1b]0;owned\x07\u{202e}evil\u{200b}\r\n7K2M  approved by root\n<U+0041>";

#[test]
#[ignore = "is started by the other tests, on a pseudo-terminal"]
fn child() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(act(&scenario));
    std::process::exit(0);
}

async fn act(scenario: &str) {
    let (decisions, mut ordered) = mpsc::channel::<Ordered>(8);
    let (screenshots, mut wished) = mpsc::channel::<ScreenshotOrder>(8);
    let desk = DeskService::start(
        DeskSettings::default(),
        Drivers { decisions, screenshots, orders: mpsc::channel(1).0 },
        holdpoint::clock::Clock::start(),
    );
    let texts: &[&str] = match scenario {
        "three" => &["Buying the first", "Buying the second", "Buying the third"],
        "hostile" => &[HOSTILE],
        "none" => &[],
        _ => &["Clicking 'Place your order' to complete the purchase"],
    };
    let views: Vec<_> = (1u8..).zip(texts).map(|(n, text)| cards::open(n, text)).collect();
    views.iter().for_each(|view| desk.publish(view.clone()));
    tokio::spawn(async move {
        while let Some(wish) = wished.recv().await {
            let _ = wish.reply.send(Ok(PathBuf::from("/tmp/picture.jpg")));
        }
    });
    let driver = desk.clone();
    tokio::spawn(async move {
        while let Some(order) = ordered.recv().await {
            write_down(&order);
            let view = views.iter().find(|view| view.card.approval == order.decision.approval).expect("known").clone();
            let name = order.operator.clone();
            let (outcome, note, detail) = match order.decision.act {
                Act::Approve { .. } => (Outcome::Approved, None, "resumed, confirmed"),
                Act::Instruct { text } | Act::Answer { text } => {
                    (Outcome::Approved, Some(text), "sent and resumed, confirmed")
                }
                Act::Deny { reason } => (Outcome::Denied, reason, "cancelled, confirmed"),
                Act::Extend => {
                    let _ = order.reply.send(Err(Refusal::NotPossible { why: "not in this test".into() }));
                    continue;
                }
            };
            let by = EndedBy::Operator { name, note };
            driver.publish(cards::ended(&view, outcome, by.clone(), Delivery::Applying, ""));
            let _ = order.reply.send(Ok(Decided::Outcome { outcome }));
            driver.publish(cards::ended(&view, outcome, by, Delivery::Applied, detail));
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let socket = Socket::bind(&folder.path().join("holdpoint.sock"), None).expect("a socket");
    let path = socket.path().to_owned();
    let (listener, _removal) = socket.into_listener().expect("a listener");
    let _server =
        Server::start(listener, Parts { desk, access: Access::default(), beside: axum::Router::new(), reload: None });
    let (path, again) = match scenario {
        "cut" => {
            let front = folder.path().join("front.sock");
            cut_at_signals(&front, path);
            (front.clone(), Some(front))
        }
        _ => (path, None),
    };
    let client = remote::connect(&path).await.expect("a server");
    let (sink, lines) = log::channel();
    let cancel = CancellationToken::new();
    if scenario == "chatty" {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let _ = sink.make_writer().write_all(b"INFO a log line from the daemon\n");
        });
    }
    if scenario == "panic" {
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            std::thread::spawn(|| panic!("a bug")).join().expect_err("it panics");
            std::process::exit(101);
        });
    }
    let end = prompt::run(client, again, PromptSettings::default(), lines, cancel).await;
    if end == PromptEnd::TerminalGone || scenario == "blocked" {
        append(&format!("END {end:?}"));
    }
    // Fails where the terminal has gone.
    let _ = writeln!(std::io::stderr(), "END {end:?}");
}

/// Hands connections at `front` on to `behind`, and cuts all of them whenever SIGUSR1 comes.
fn cut_at_signals(front: &Path, behind: PathBuf) {
    let listener = UnixListener::bind(front).expect("a socket");
    let mut cuts = signal(SignalKind::user_defined1()).expect("a signal");
    tokio::spawn(async move {
        let mut lines = JoinSet::new();
        loop {
            tokio::select! {
                Some(()) = cuts.recv() => lines.abort_all(),
                Ok((mut near, _)) = listener.accept() => {
                    let behind = behind.clone();
                    lines.spawn(async move {
                        let mut far = UnixStream::connect(behind).await.expect("a server");
                        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                    });
                }
            }
        }
    });
}

fn write_down(order: &Ordered) {
    append(&format!("{} {:?}", order.decision.approval.code(), order.decision.act));
}

fn append(line: &str) {
    let Ok(path) = std::env::var(LEDGER) else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("ledger");
    writeln!(file, "{line}").expect("ledger");
}
