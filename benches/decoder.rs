//! From the bytes of an event stream, and from a list of messages, to events.
//!
//! `cargo bench --bench decoder` prints medians. Nothing here asserts times.

#[path = "../tests/costs/fleet.rs"]
mod fleet;
#[path = "../tests/costs/stage.rs"]
mod stage;
mod support;

use std::hint::black_box;

use holdpoint::api::agi::event::{from_frame, from_message};
use holdpoint::api::stream::{Decoder, Frame};
use serde_json::value::RawValue;

use stage::{MAX, stream};
use support::{measure, show};

/// How many events one pass decodes.
const EVENTS: u32 = 200;
/// What a read of a connection brings at most.
const READ: usize = 16 << 10;

fn main() {
    println!("{:<60} {:>12}", "one event, of an agent that browses", "median");
    let bytes = stream(u64::from(EVENTS), 1).into_bytes();
    let mut found = Vec::with_capacity(EVENTS as usize);
    show("its frame, from bytes as they are read", measure(|| frames(&bytes, READ, &mut found)) / EVENTS);
    show("its frame, from bytes that come one by one", measure(|| frames(&bytes, 1, &mut found)) / EVENTS);
    let events = || found.iter().for_each(|frame| drop(black_box(event(frame))));
    show("the event of its frame", measure(events) / EVENTS);
    let list = messages();
    let list: Vec<&RawValue> = serde_json::from_str(&list).expect("a list");
    let polled = || list.iter().for_each(|message| drop(black_box(from_message(message.get(), MAX))));
    show("the event of a polled message", measure(polled) / EVENTS);
    println!();
    let heartbeat = b": keep-alive\n\n";
    show("a heartbeat", measure(|| frames(heartbeat, READ, &mut found)));
    let large = format!("event: step\ndata: {{\"content\":\"{}\"}}\n\n", "a word and ".repeat(MAX / 12)).into_bytes();
    show("a frame of a MiB", measure(|| frames(&large, READ, &mut found)));
    show("its event", measure(|| drop(black_box(event(&found[0])))));
}

fn frames(bytes: &[u8], read: usize, into: &mut Vec<Frame>) {
    into.clear();
    let mut decoder = Decoder::new(MAX);
    bytes.chunks(read).for_each(|read| decoder.feed(black_box(read), into));
}

fn event(frame: &Frame) -> holdpoint::api::StreamItem {
    let Frame::Event(raw) = frame else { panic!("no event: {frame:?}") };
    from_frame(raw, MAX)
}

/// A poll's answer with as many messages.
fn messages() -> String {
    let message = |id: u32| {
        let text = "Comparing the first three results: battery life, weight and the reviews of the last year.";
        format!(
            r#"{{"id":{id},"timestamp":"2026-11-26T09:00:00Z","type":"THOUGHT","content":"{text}","metadata":{{}}}}"#
        )
    };
    format!("[{}]", (1..=EVENTS).map(message).collect::<Vec<_>>().join(","))
}
