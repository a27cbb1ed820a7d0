//! The body of an event stream: backlog, then what comes, heartbeats between.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use futures_util::stream;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Frames, Line, Shell};
use crate::simulator::actor::Link;
use crate::simulator::lag::Lag;
use crate::simulator::record::{Sent, nanos};
use crate::simulator::stream::{Encoder, Piece};
use crate::simulator::wire;
use crate::simulator::world::{Frame, StreamId, StreamOpen};

/// Between the pieces of a split frame, so that each travels in a packet of its own, and before a reset.
const GAP: Duration = Duration::from_millis(1);

struct Open {
    frames: Frames,
    encoder: Encoder,
    queue: VecDeque<Piece>,
    split: bool,
    heartbeat: Option<Duration>,
    next_heartbeat: Instant,
    line: Line,
    stop: CancellationToken,
    lag: Arc<Lag>,
    hang_up: HangUp,
}

/// Tells the world that the client has gone.
struct HangUp {
    link: Link,
    stream: StreamId,
}

impl Drop for HangUp {
    fn drop(&mut self) {
        self.link.hang_up(self.stream);
    }
}

pub(super) fn response(shell: &Shell, line: Line, open: StreamOpen, frames: Frames) -> Response {
    let split = open.fault.split.is_some();
    let mut encoder = Encoder::new(open.fault);
    let mut queue = VecDeque::from(encoder.begin());
    open.backlog.iter().for_each(|frame| queue.extend(encode(&mut encoder, frame)));
    let state = Open {
        frames,
        encoder,
        queue,
        split,
        heartbeat: open.heartbeats.then_some(shell.heartbeat),
        next_heartbeat: Instant::now() + shell.heartbeat,
        line,
        stop: shell.stop.clone(),
        lag: Arc::clone(&shell.lag),
        hang_up: HangUp { link: shell.link.clone(), stream: open.id },
    };
    let body = Body::from_stream(stream::unfold(state, async |mut state| {
        let item = state.next().await?;
        Some((item, state))
    }));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    response
}

fn encode(encoder: &mut Encoder, frame: &Frame) -> Vec<Piece> {
    match frame {
        Frame::Event(event) => encoder.event(event),
        Frame::Close => vec![Piece::End],
    }
}

impl Open {
    async fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            match self.queue.pop_front() {
                Some(Piece::Bytes(bytes)) => {
                    if self.split {
                        tokio::time::sleep(GAP).await;
                    }
                    return Some(Ok(bytes));
                }
                Some(Piece::End) => return None,
                Some(Piece::Reset) => {
                    // The server writes out what it has while this waits; a reset drops what is not written.
                    tokio::time::sleep(GAP).await;
                    self.line.cut();
                    return Some(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Some(Piece::Stall) => {
                    self.stop.cancelled().await;
                    return None;
                }
                None => self.refill().await,
            }
        }
    }

    async fn refill(&mut self) {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => self.queue.push_back(Piece::End),
            frame = self.frames.recv() => {
                let frame = frame.unwrap_or(Frame::Close);
                self.stamp(&frame);
                self.queue.extend(encode(&mut self.encoder, &frame));
            }
            () = heartbeat(self.heartbeat.map(|_| self.next_heartbeat)) => {
                self.queue.extend(self.encoder.heartbeat(&wire::iso(Timestamp::now())));
                self.next_heartbeat = Instant::now() + self.heartbeat.unwrap_or_default();
            }
        }
    }
}

impl Open {
    /// Notes when a frame leaves: it is handed to the connection next.
    fn stamp(&self, frame: &Frame) {
        let Frame::Event(event) = frame else { return };
        let now = nanos(self.hang_up.link.now());
        self.lag.note(Duration::from_nanos(now.saturating_sub(event.due_ns)));
        if event.beside {
            self.hang_up.link.sent(Sent { session: event.session.clone(), sent_ns: now });
        }
    }
}

async fn heartbeat(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
