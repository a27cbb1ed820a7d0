//! The event stream of a client: bytes in, updates out, and why it ended.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use tokio::time::Instant;

use super::Unreachable;
use super::wire::Wire;
use crate::api::stream::{Decoder, Frame, RawEvent};
use crate::control::http::Farewell;
use crate::control::protocol::{Hello, Update};
use crate::control::service::Gone;

/// The largest event that is read, in bytes: a snapshot of ten thousand sessions with a card each is about half of it.
const LARGEST: usize = 128 * 1024 * 1024;
/// How long the stream may be silent; the daemon says something every 15 s.
const SILENCE: Duration = Duration::from_secs(60);

/// A stream that has begun.
#[derive(Debug)]
pub(super) struct Stream {
    response: Response,
    decoder: Decoder,
    frames: VecDeque<Frame>,
    /// When something came last. Kept here, so that a reader who looks away often does not forget it.
    heard: Instant,
    ended: Option<Gone>,
}

/// Opens the stream and reads the first event.
pub(super) async fn open(wire: &Wire) -> Result<(Stream, Hello), Unreachable> {
    let response = wire.events().await?;
    let mut stream = Stream {
        response,
        decoder: Decoder::new(LARGEST),
        frames: VecDeque::new(),
        heard: Instant::now(),
        ended: None,
    };
    let first = stream.event().await.map_err(|gone| wire.nobody(&format!("before its first word: {gone}")))?;
    let hello = if first.name.as_deref() == Some("hello") { serde_json::from_str(&first.data).ok() } else { None };
    let foreign = "it is not this version of holdpoint: its first word is not understood";
    let hello = hello.ok_or_else(|| wire.nobody(foreign))?;
    Ok((stream, hello))
}

impl Stream {
    /// The next update. Cancel-safe: what was read stays here.
    pub(super) async fn next(&mut self) -> Result<Update, Gone> {
        loop {
            let event = self.event().await?;
            match event.name.as_deref() {
                Some("update") => return serde_json::from_str(&event.data).map_err(|_| self.end(Gone::Lost)),
                Some("gone") => {
                    let said = serde_json::from_str(&event.data).map(|Farewell { gone, .. }| gone);
                    return Err(self.end(said.unwrap_or(Gone::Ended)));
                }
                // Later versions may tell more.
                _ => {}
            }
        }
    }

    async fn event(&mut self) -> Result<RawEvent, Gone> {
        loop {
            match self.frames.pop_front() {
                Some(Frame::Event(event)) if event.truncated => return Err(self.end(Gone::Lost)),
                Some(Frame::Event(event)) => return Ok(event),
                Some(Frame::Comment) => {}
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), Gone> {
        if let Some(gone) = self.ended {
            return Err(gone);
        }
        match tokio::time::timeout_at(self.heard + SILENCE, self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.heard = Instant::now();
                self.decoder.feed(&bytes, &mut self.frames);
            }
            Ok(Ok(None)) => return Err(self.end(Gone::Ended)),
            Ok(Err(_)) | Err(_) => return Err(self.end(Gone::Lost)),
        }
        Ok(())
    }

    fn end(&mut self, gone: Gone) -> Gone {
        self.frames.clear();
        *self.ended.insert(gone)
    }
}
