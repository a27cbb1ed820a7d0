//! A tiny HTTP/1.1 server whose every answer, including none, half of one and a reset, is scripted by a test.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;
use std::time::Duration;

use holdpoint::api::agi::{Agi, AgiConfig};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

pub const KEY: &str = "5f0c7a3e-secret-key";

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of the connection it came on, from zero.
    pub connection: usize,
    /// Method and path with query, e.g. `GET /v1/sessions`.
    pub line: String,
    /// Head in lower case.
    pub head: String,
    pub body: String,
}

/// What the server does with a request.
pub enum Reply {
    /// An answer with this status, extra head lines and body.
    Answer(u16, &'static str, String),
    /// These bytes; the connection stays open.
    Kept(Vec<u8>),
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// The connection is reset without an answer.
    Reset,
    /// Nothing, until the client leaves.
    Hang,
    /// Another reply, later.
    Late(Duration, Box<Reply>),
    /// An event stream; it ends when the sender is dropped.
    Events(mpsc::UnboundedReceiver<Vec<u8>>),
}

pub fn json(status: u16, body: &str) -> Reply {
    Reply::Answer(status, "content-type: application/json\r\n", body.to_owned())
}

pub fn late(millis: u64, reply: Reply) -> Reply {
    Reply::Late(Duration::from_millis(millis), Box::new(reply))
}

type Script = Arc<dyn Fn(&Request, usize) -> Reply + Send + Sync>;

pub struct Server {
    pub address: std::net::SocketAddr,
    requests: watch::Receiver<Vec<Request>>,
}

impl Server {
    /// Answers each request by `script`, which is also told how many requests with the same method and path came before.
    pub async fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (log, requests) = watch::channel(Vec::new());
        tokio::spawn(accept(listener, Arc::new(script), log));
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// The requests whose method and path begin like this.
    pub fn count(&self, prefix: &str) -> usize {
        self.requests().iter().filter(|request| request.line.starts_with(prefix)).count()
    }

    /// Waits until so many requests with this prefix have come.
    pub async fn wait_for(&self, prefix: &str, count: usize) {
        let enough = |requests: &Vec<Request>| requests.iter().filter(|r| r.line.starts_with(prefix)).count() >= count;
        let mut requests = self.requests.clone();
        let waiting = requests.wait_for(enough);
        let came = tokio::time::timeout(Duration::from_secs(20), waiting).await.is_ok();
        assert!(came, "{count} × {prefix} did not come; there were {:?}", self.requests());
    }

    pub fn config(&self) -> AgiConfig {
        config(&format!("http://{}/v1/", self.address))
    }

    pub fn client(&self) -> Agi {
        Agi::new(self.config()).expect("a client")
    }
}

pub fn config(base: &str) -> AgiConfig {
    AgiConfig::new(base.parse().expect("a URL"), SecretString::from(KEY))
}

async fn accept(listener: TcpListener, script: Script, log: watch::Sender<Vec<Request>>) {
    let log = Arc::new(log);
    let mut connection = 0;
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, connection, script.clone(), log.clone()));
        connection += 1;
    }
}

async fn serve(stream: TcpStream, connection: usize, script: Script, log: Arc<watch::Sender<Vec<Request>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream, connection).await {
        let mut before = 0;
        log.send_modify(|requests| {
            before = requests.iter().filter(|earlier| earlier.line == request.line).count();
            requests.push(request.clone());
        });
        if !answer(&mut stream, script(&request, before)).await {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>, connection: usize) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { connection, line, head, body: String::from_utf8(body).ok()? })
}

/// Whether the connection may be used again.
async fn answer(stream: &mut BufReader<TcpStream>, reply: Reply) -> bool {
    match reply {
        Reply::Answer(status, head, body) => {
            let length = body.len();
            let text = format!("HTTP/1.1 {status} Whatever\r\n{head}content-length: {length}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.is_ok()
        }
        Reply::Kept(bytes) => stream.write_all(&bytes).await.is_ok(),
        Reply::Raw(bytes) => {
            let _sent = stream.write_all(&bytes).await;
            let _closed = stream.shutdown().await;
            false
        }
        Reply::Reset => {
            let _set = stream.get_ref().set_zero_linger();
            false
        }
        Reply::Hang => {
            let mut rest = [0];
            let _gone = stream.read(&mut rest).await;
            false
        }
        Reply::Late(wait, reply) => {
            tokio::time::sleep(wait).await;
            Box::pin(answer(stream, *reply)).await
        }
        Reply::Events(mut frames) => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            let mut open = stream.write_all(head).await.is_ok();
            let mut rest = [0];
            while open {
                open = tokio::select! {
                    frame = frames.recv() => match frame {
                        Some(bytes) => stream.get_mut().write_all(&bytes).await.is_ok(),
                        None => false,
                    },
                    _left = stream.read(&mut rest) => false,
                };
            }
            let _closed = stream.shutdown().await;
            false
        }
    }
}
