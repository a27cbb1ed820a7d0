//! From an HTTP answer to a stream of items.
//!
//! Never ends a stream by itself: no event means "over" here, and silence is the watcher's to judge.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use futures_util::Stream;
use jiff::Timestamp;

use super::event;
use crate::api::http::live::{Body, Live};
use crate::api::http::{Call, Transport, class};
use crate::api::model::StreamItem;
use crate::api::stream::{Decoder, Frame};
use crate::api::{ApiError, ErrorClass, EventStream};

/// Accepts a 2xx event stream (or one that does not say its type); anything else is read, within `within`, and classed.
pub(super) async fn open(transport: &Transport, live: Live, within: Duration) -> Result<Body, ErrorClass> {
    let kind = live.headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).to_lowercase());
    let is_stream = kind.as_ref().is_none_or(|kind| kind.trim_start().starts_with("text/event-stream"));
    if live.status.is_success() && is_stream {
        return Ok(live.body);
    }
    let answer = transport.read_live(live, 64 * 1024, within).await;
    Err(match class::of_read(&answer, Timestamp::now()) {
        Ok(body) => {
            let first = body.lines().next().unwrap_or_default();
            class::unknown(&format!("no event stream but {}: {first}", kind.unwrap_or_default()))
        }
        Err(class) => class,
    })
}

/// The items of an accepted answer. An `Err` is the last one.
pub(super) fn items(body: Body, call: Call, max_event_bytes: usize) -> EventStream {
    // Only to name a failure: ten thousand streams would each keep room for more.
    let call = call.name().into_boxed_str();
    let source = Some((body, Decoder::new(max_event_bytes)));
    Box::pin(Items { source, ready: VecDeque::new(), call, max: max_event_bytes })
}

struct Items {
    /// Gone after the last byte.
    source: Option<(Body, Decoder)>,
    ready: VecDeque<Result<StreamItem, ApiError>>,
    call: Box<str>,
    max: usize,
}

impl Stream for Items {
    type Item = Result<StreamItem, ApiError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Poll::Ready(Some(item));
            }
            // Most sessions are quiet most of the time, and room that was used last is at hand for whoever is next.
            self.ready = VecDeque::new();
            match ready!(self.read(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(true)) => {}
                Some(Ok(false)) => self.end(None),
                Some(Err(class)) => self.end(Some(class)),
            }
        }
    }
}

impl Items {
    /// Reads and decodes what has come: whether there may be more. `None` after the end.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<bool, ErrorClass>>> {
        let Self { source, ready, max, .. } = self;
        let Some((body, decoder)) = source else { return Poll::Ready(None) };
        let mut decoded = Decoded { ready, max: *max };
        let read = body.poll_read(cx, &mut |bytes: &[u8]| decoder.feed(bytes, &mut decoded));
        read.map_err(|broken| class::unknown(&broken.to_string())).map(Some)
    }

    /// A last frame counts only if its data is whole; the history of the next stream brings the others.
    fn end(&mut self, class: Option<ErrorClass>) {
        let last = self.source.take().and_then(|(_, decoder)| decoder.finish()).filter(event::is_whole);
        self.ready.extend(last.map(|raw| Ok(event::from_frame(&raw, self.max))));
        self.ready.extend(class.map(|class| Err(ApiError { call: self.call.to_string(), class })));
    }
}

/// Frames on their way into the queue.
struct Decoded<'a> {
    ready: &'a mut VecDeque<Result<StreamItem, ApiError>>,
    max: usize,
}

impl Extend<Frame> for Decoded<'_> {
    fn extend<T: IntoIterator<Item = Frame>>(&mut self, frames: T) {
        self.ready.extend(frames.into_iter().map(|frame| match frame {
            Frame::Comment => Ok(StreamItem::Heartbeat),
            Frame::Event(raw) => Ok(event::from_frame(&raw, self.max)),
        }));
    }
}
