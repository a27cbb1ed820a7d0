//! One request over a connection, and its answer, which is read as it comes.
//!
//! Beside hyper it saves what ten thousand open streams would pay for each: two buffers of 8 KiB and a task between the socket
//! and who reads; and what a pause would wait for: that task. Nothing is kept while nothing comes: bytes are read into
//! room on the stack and handed on at once. A stream's connection is never used again.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::dial::Wire;
use super::framing::Framing;
use super::{Answer, MAX_ERROR_BODY, head};
use crate::api::ErrorClass;
use crate::api::http::class::unknown;

/// How much is read at a time, in bytes.
const ROOM: usize = 16 * 1024;
/// After how many bytes of a whole answer others have their turn: a list of thousands is megabytes.
const TURN: usize = 4 * ROOM;

/// An answer whose head has come.
pub(crate) struct Live {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// What follows.
    pub(crate) body: Body,
}

/// The rest of an answer.
pub(crate) struct Body {
    wire: Wire,
    framing: Framing,
    /// What came with the head.
    early: Vec<u8>,
    /// Whether the connection may carry another request after this answer.
    keeps: bool,
}

/// Why an answer cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It was closed too early.
    #[error("the connection was closed before the end of the answer")]
    Early,
    /// What came is not the head of an HTTP/1.1 answer.
    #[error("not an HTTP/1.1 answer: {0}")]
    Head(httparse::Error),
    /// Its status is no status.
    #[error("not an HTTP/1.1 answer: its status is out of range")]
    Status,
    /// The head does not end.
    #[error("the head of the answer is longer than {} bytes", head::MAX_HEAD)]
    HeadTooLong,
    /// Where the body ends cannot be told.
    #[error("the length or the chunks of the answer cannot be read")]
    Framing,
}

/// A request that was written, and nothing of its answer is read.
pub(super) struct Sent(Wire);

/// Writes one request. Nothing is sent twice; whatever goes wrong, it may have arrived.
pub(super) async fn send(mut wire: Wire, request: &[u8]) -> Result<Sent, ErrorClass> {
    let sending = async {
        wire.write_all(request).await?;
        wire.flush().await
    };
    sending.await.map_err(|error| unknown(&error.to_string()))?;
    Ok(Sent(wire))
}

impl Sent {
    /// The answer, when its head is there. Whatever goes wrong, the request may have arrived.
    pub(super) async fn answer(self) -> Result<Live, ErrorClass> {
        let Self(mut wire) = self;
        let (head, early) = read_head(&mut wire).await.map_err(|broken| unknown(&broken.to_string()))?;
        let framing = Framing::of(head.status, &head.headers).map_err(|broken| unknown(&broken.to_string()))?;
        let body = Body { wire, framing, early, keeps: head.keeps };
        Ok(Live { status: head.status, headers: head.headers, body })
    }
}

/// The final head and what came behind it; interim answers (1xx) are skipped.
async fn read_head(wire: &mut Wire) -> Result<(head::Head, Vec<u8>), Broken> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        match head::answer(&bytes)? {
            Some(head) => {
                let early = bytes.split_off(head.length);
                if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return Ok((head, early));
                }
                bytes = early;
            }
            None if wire.read_buf(&mut bytes).await? == 0 => return Err(Broken::Early),
            None => {}
        }
    }
}

impl Body {
    /// Hands the bytes that have come to `on`; `false` at the end. After an error or the end there is nothing more.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, on: &mut impl FnMut(&[u8])) -> Poll<Result<bool, Broken>> {
        if self.framing == Framing::Over {
            return Poll::Ready(Ok(false));
        }
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            return Poll::Ready(self.read(&early, on).map(|()| true));
        }
        let mut room = [const { MaybeUninit::uninit() }; ROOM];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.wire).poll_read(cx, &mut room))?;
        Poll::Ready(match room.filled() {
            [] => {
                self.keeps = false;
                self.framing.end().map(|()| false)
            }
            bytes => self.read(bytes, on).map(|()| true),
        })
    }

    fn read(&mut self, bytes: &[u8], on: &mut impl FnMut(&[u8])) -> Result<(), Broken> {
        let behind = self.framing.read(bytes, on)?;
        // What stands behind an answer that was asked for is no answer to what is asked next.
        self.keeps &= behind == 0;
        Ok(())
    }

    /// The connection, if the answer was read to its end and another request may follow.
    fn into_wire(self) -> Option<Wire> {
        (self.keeps && self.framing == Framing::Over && self.early.is_empty()).then_some(self.wire)
    }
}

impl Live {
    /// Reads the body to its end, at most `limit` bytes of it and of a refusal's 64 KiB, within `within`; what is there by then is
    /// the answer. With it comes the connection, where another request may follow.
    pub(super) async fn whole(mut self, limit: usize, within: Duration) -> (Answer, Option<Wire>) {
        let limit = if self.status.is_success() { limit } else { limit.min(MAX_ERROR_BODY) };
        // What a list of thousands takes is not copied as it grows.
        let told = self.body.framing.told().and_then(|told| usize::try_from(told).ok());
        let mut bytes = Vec::with_capacity(told.unwrap_or_default().min(limit));
        let mut longer = false;
        let reading = async {
            let (mut over, mut turn) = (false, TURN);
            while !over && !longer {
                if bytes.len() >= turn {
                    turn = bytes.len() + TURN;
                    tokio::task::yield_now().await;
                }
                let read = std::future::poll_fn(|cx| {
                    self.body.poll_read(cx, &mut |piece: &[u8]| {
                        let fits = piece.len().min(limit - bytes.len());
                        bytes.extend_from_slice(&piece[..fits]);
                        longer |= fits < piece.len();
                    })
                });
                over = !read.await?;
            }
            Ok::<_, Broken>(())
        };
        let mut broken = match tokio::time::timeout(within, reading).await {
            Ok(Ok(())) => None,
            Ok(Err(broken)) => Some(format!("the answer broke off: {broken}")),
            Err(_late) => Some(format!("the answer had no end within {} ms", within.as_millis())),
        };
        if longer {
            broken = Some(format!("the answer is longer than {limit} bytes"));
        }
        // Nor as it becomes a text.
        let body =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        (Answer { status: self.status.as_u16(), headers: self.headers, body, broken }, self.body.into_wire())
    }
}
