//! What runs on the other side of the pseudo-terminal: the real console over the real socket on the real desk, and a driver
//! that writes down what it is told to do.
//!
//! The test binary starts itself with [`SCENARIO`] set; without it this test does nothing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdpoint::control::http::{Access, Parts, Server};
use holdpoint::control::{
    Act, ApprovalView, Decided, DeskService, DeskSettings, Drivers, EndedBy, OperatorName, Ordered, Refusal,
    ScreenshotOrder, remote,
};
use holdpoint::gate::{Delivery, Outcome, Revision};
use holdpoint::operator::console::{self, ConsoleSettings};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use crate::cards;

/// Names what happens: `one`, `three`, `hostile`, `panic`, `arrives`, `changes`, `ends`, `restarts` or `stream`.
pub const SCENARIO: &str = "HOLDPOINT_CONSOLE_SCENARIO";
/// The file that decisions are appended to.
pub const LEDGER: &str = "HOLDPOINT_CONSOLE_LEDGER";

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

/// The approvals that are or were there.
type Views = Arc<Mutex<Vec<ApprovalView>>>;

async fn act(scenario: &str) {
    let (decisions, ordered) = mpsc::channel::<Ordered>(8);
    let (screenshots, wished) = mpsc::channel(8);
    tokio::spawn(photograph(wished));
    let (directed, _orders) = mpsc::channel(8);
    let drivers = Drivers { decisions, screenshots, orders: directed };
    let desk = DeskService::start(DeskSettings::default(), drivers, holdpoint::clock::Clock::start());
    let texts: &[&str] = match scenario {
        "three" => &["Buying the first", "Buying the second", "Buying the third"],
        "hostile" => &[HOSTILE],
        "arrives" => &[],
        _ => &["Clicking 'Place your order' to complete the purchase"],
    };
    let views: Vec<_> = (1u8..).zip(texts).map(|(n, text)| cards::open(n, text)).collect();
    views.iter().for_each(|view| desk.publish(view.clone()));
    let views = Arc::new(Mutex::new(views));
    tokio::spawn(drive(desk.clone(), ordered, views.clone()));
    let socket = ledger().with_extension("sock");
    let server = serve(&socket, &desk);
    let client = remote::connect(&socket).await.expect("a daemon");
    tokio::spawn(follow(scenario.to_owned(), desk, views, server, socket.clone()));
    let left = console::run(client, socket, ConsoleSettings::default()).await.expect("a terminal");
    append(&format!("END {:?}", left.end));
    // Fails where the terminal has gone.
    let _ = writeln!(std::io::stderr(), "END {:?}", left.end);
}

fn serve(socket: &Path, desk: &DeskService) -> Server {
    let listener = UnixListener::bind(socket).expect("a socket");
    Server::start(
        listener,
        Parts { desk: desk.clone(), access: Access::default(), beside: axum::Router::new(), reload: None },
    )
}

/// A PNG as far as anybody looks: its first eight bytes, and some more.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// Saves that picture whenever one is wanted.
async fn photograph(mut wished: mpsc::Receiver<ScreenshotOrder>) {
    while let Some(wish) = wished.recv().await {
        let path = ledger().with_extension("png");
        std::fs::write(&path, PICTURE).expect("a picture");
        let _ = wish.reply.send(Ok(path));
    }
}

async fn drive(desk: DeskService, mut ordered: mpsc::Receiver<Ordered>, views: Views) {
    while let Some(order) = ordered.recv().await {
        append(&format!("{} {:?}", order.decision.approval.code(), order.decision.act));
        let known = views.lock().expect("views").clone();
        let view = known.iter().find(|view| view.card.approval == order.decision.approval).expect("known").clone();
        let name = order.operator.clone();
        let (outcome, note, detail) = match order.decision.act {
            Act::Approve { .. } => (Outcome::Approved, None, "resumed, confirmed"),
            Act::Instruct { text } | Act::Answer { text } => (Outcome::Approved, Some(text), "sent, confirmed"),
            Act::Deny { reason } => (Outcome::Denied, reason, "cancelled, confirmed"),
            Act::Extend => {
                let _ = order.reply.send(Err(Refusal::NotPossible { why: "not in this test".into() }));
                continue;
            }
        };
        let by = EndedBy::Operator { name, note };
        desk.publish(cards::ended(&view, outcome, by.clone(), Delivery::Applying, ""));
        let _ = order.reply.send(Ok(Decided::Outcome { outcome }));
        desk.publish(cards::ended(&view, outcome, by, Delivery::Applied, detail));
    }
}

/// Does what the scenario does each time it is told to go on.
async fn follow(scenario: String, desk: DeskService, views: Views, server: Server, socket: PathBuf) {
    let mut server = Some(server);
    let told = ledger().with_extension("go");
    let mut done = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let times = std::fs::metadata(&told).map_or(0, |file| file.len());
        while done < times {
            done += 1;
            let last = views.lock().expect("views").last().cloned();
            match (scenario.as_str(), last) {
                ("changes", Some(view)) => {
                    let mut card = view.card.clone();
                    card.revision = Revision(2);
                    card.amount.as_mut().expect("an amount").number = Some("4100.00".into());
                    desk.publish(ApprovalView { digest: card.digest(), card, ..view });
                }
                ("ends", Some(view)) => {
                    let by = EndedBy::Operator { name: OperatorName("ops2".into()), note: None };
                    desk.publish(cards::ended(&view, Outcome::Denied, by, Delivery::Applied, "cancelled, confirmed"));
                    another(&desk, &views, 9);
                }
                ("stream", Some(view)) => {
                    let what = "the session went on".into();
                    let by = EndedBy::Session { what };
                    desk.publish(cards::ended(&view, Outcome::Withdrawn, by, Delivery::Applied, ""));
                    another(&desk, &views, u8::try_from(done % 250 + 2).expect("small"));
                }
                ("restarts", _) => match server.take() {
                    Some(server) => {
                        server.stop().await;
                        std::fs::remove_file(&socket).expect("a socket");
                    }
                    None => server = Some(serve(&socket, &desk)),
                },
                ("panic", _) => {
                    std::thread::spawn(|| panic!("a bug")).join().expect_err("it panics");
                    std::process::exit(101);
                }
                _ => another(&desk, &views, 7),
            }
        }
    }
}

fn another(desk: &DeskService, views: &Views, n: u8) {
    let view = cards::open(n, "Buying something else");
    views.lock().expect("views").push(view.clone());
    desk.publish(view);
}

fn ledger() -> PathBuf {
    std::env::var_os(LEDGER).expect("a ledger").into()
}

fn append(line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(ledger()).expect("ledger");
    writeln!(file, "{line}").expect("ledger");
}
