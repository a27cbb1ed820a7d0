//! An event stream's bytes: the frames do not depend on how they arrive, and every event keeps to its bound.
#![no_main]

use holdpoint::api::StreamItem;
use holdpoint::api::agi::event;
use holdpoint::api::stream::{Decoder, Frame};
use libfuzzer_sys::fuzz_target;

/// Bound on an event, in bytes.
const MOST: usize = 256;

fuzz_target!(|input: &[u8]| {
    let Some((&step, bytes)) = input.split_first() else { return };
    let whole = frames(bytes, bytes.len().max(1));
    let split = frames(bytes, usize::from(step).max(1));
    assert_eq!(whole, split, "the frames depend on how the bytes arrive");
    for frame in &whole {
        let Frame::Event(raw) = frame else { continue };
        assert!(raw.data.len() <= 3 * MOST, "a frame is larger than its bound");
        if let StreamItem::Event(event) = event::from_frame(raw, MOST) {
            assert!(event.text.len() <= MOST, "an event's text is larger than its bound");
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(event::from_message(text, MOST).text.len() <= MOST, "a message's text is larger than its bound");
    }
});

fn frames(bytes: &[u8], step: usize) -> Vec<Frame> {
    let mut decoder = Decoder::new(MOST);
    let mut frames = Vec::new();
    bytes.chunks(step).for_each(|part| decoder.feed(part, &mut frames));
    frames.extend(decoder.finish().map(Frame::Event));
    frames
}
