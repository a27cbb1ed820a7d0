//! From an HTTP answer to a stream of items.
//!
//! Never ends a stream by itself: no event means "over" here, and silence is the watcher's to judge.

use std::collections::VecDeque;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use futures_util::stream;
use jiff::Timestamp;
use reqwest::Response;

use super::event;
use crate::api::http::{Call, Transport, class};
use crate::api::model::StreamItem;
use crate::api::stream::{Decoder, Frame};
use crate::api::{ApiError, ErrorClass, EventStream};

/// Accepts a 2xx event stream (or one that does not say its type); anything else is read, within `within`, and classed.
pub(super) async fn open(transport: &Transport, response: Response, within: Duration) -> Result<Response, ErrorClass> {
    let kind = response.headers().get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_lowercase());
    let is_stream = kind.as_ref().is_none_or(|kind| kind.trim_start().starts_with("text/event-stream"));
    if response.status().is_success() && is_stream {
        return Ok(response);
    }
    let Ok(answer) = tokio::time::timeout(within, transport.read(response, 64 * 1024)).await else {
        return Err(class::unknown("no event stream, and no end of another answer"));
    };
    Err(match class::of_read(&answer, Timestamp::now()) {
        Ok(body) => {
            let first = body.lines().next().unwrap_or_default();
            class::unknown(&format!("no event stream but {}: {first}", kind.unwrap_or_default()))
        }
        Err(class) => class,
    })
}

/// The items of an accepted answer. An `Err` is the last one.
pub(super) fn items(response: Response, call: Call, max_event_bytes: usize) -> EventStream {
    let reader = Reader {
        source: Some((response, Decoder::new(max_event_bytes))),
        ready: VecDeque::new(),
        call,
        max: max_event_bytes,
    };
    Box::pin(stream::unfold(reader, |mut reader| async move { Some((reader.next().await?, reader)) }))
}

struct Reader {
    /// Gone after the last byte.
    source: Option<(Response, Decoder)>,
    ready: VecDeque<Result<StreamItem, ApiError>>,
    call: Call,
    max: usize,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<StreamItem, ApiError>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let (response, _) = self.source.as_mut()?;
            match response.chunk().await {
                Ok(Some(bytes)) => self.decode(&bytes),
                Ok(None) => self.end(None),
                Err(error) => self.end(Some(class::unknown(&class::describe(&error)))),
            }
        }
    }

    fn decode(&mut self, bytes: &[u8]) {
        let Some((_, decoder)) = self.source.as_mut() else { return };
        let mut frames = Vec::new();
        decoder.feed(bytes, &mut frames);
        self.ready.extend(frames.iter().map(|frame| match frame {
            Frame::Comment => Ok(StreamItem::Heartbeat),
            Frame::Event(raw) => Ok(event::from_frame(raw, self.max)),
        }));
    }

    /// A last frame counts only if its data is whole; the history of the next stream brings the others.
    fn end(&mut self, class: Option<ErrorClass>) {
        let last = self.source.take().and_then(|(_, decoder)| decoder.finish()).filter(event::is_whole);
        self.ready.extend(last.map(|raw| Ok(event::from_frame(&raw, self.max))));
        self.ready.extend(class.map(|class| Err(self.call.failed(class))));
    }
}
