//! What one ordinary event costs on its way: decoder, policy, gate, recorded line.

use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use holdpoint::api::agi::event::from_frame;
use holdpoint::api::stream::{Decoder, Frame};
use holdpoint::policy::{Context, Effect};
use holdpoint::store::Noted;

use super::stage::{Course, MAX, balanced, now, ordinary, session, stream};

/// Of how many events a mean is taken.
const EVENTS: u64 = 400;

/// What one of `EVENTS` events may take: so many allocations, and so many bytes of them.
fn at_most(what: &str, all: AllocationInfo, count: u64, bytes: u64) {
    let mean = |total: u64| total.div_ceil(EVENTS);
    let (counted, asked) = (mean(all.count_total), mean(all.bytes_total));
    println!("{what}: {counted} allocations of {asked} bytes together");
    assert!(counted <= count, "{what} takes {counted} allocations, more than {count}");
    assert!(asked <= bytes, "{what} asks for {asked} bytes, more than {bytes}");
}

#[test]
fn a_frame_is_decoded_with_few_allocations() {
    let bytes = stream(EVENTS, 1);
    let mut decoder = Decoder::new(MAX);
    let mut frames: Vec<Frame> = Vec::with_capacity(EVENTS as usize);
    at_most("a frame", measure(|| decoder.feed(bytes.as_bytes(), &mut frames)), 2, 200);
    let decode = || {
        for frame in &frames {
            let Frame::Event(raw) = frame else { panic!("no event: {frame:?}") };
            drop(from_frame(raw, MAX));
        }
    };
    at_most("its event", measure(decode), 24, 1_400);
    assert_eq!(frames.len() as u64, EVENTS);
}

#[test]
fn an_event_that_fires_nothing_is_judged_with_few_allocations() {
    let (policy, session, mut context) = (balanced(), session(), Context::default());
    let events: Vec<_> = (0..2 * EVENTS).map(ordinary).collect();
    let (first, then) = events.split_at(EVENTS as usize);
    let mut judge = |events: &[_]| {
        for event in events {
            let verdict = policy.evaluate(&session, &mut context, event, now());
            assert!(verdict.fired.is_empty(), "{event:?}: {verdict:?}");
        }
    };
    judge(first);
    at_most("a verdict", measure(|| judge(then)), 18, 600);
}

#[test]
fn a_gate_that_watches_keeps_an_event_with_few_allocations() {
    let mut course = Course::new(Arc::new(balanced()));
    let mut events: Vec<_> = (0..2 * EVENTS).map(|_| course.next()).collect();
    let then = events.split_off(EVENTS as usize);
    let mut see = |events: Vec<_>| {
        for event in events {
            assert_eq!(course.see(event), [], "an ordinary event wants nothing done");
        }
    };
    see(events);
    at_most("a gate's turn", measure(|| see(then)), 2, 120);
}

#[test]
fn an_event_is_written_down_with_few_allocations() {
    let (session, events) = (Arc::new(session()), (0..EVENTS).map(ordinary).collect::<Vec<_>>());
    let note = || {
        for event in &events {
            drop(Noted::of(now().wall, session.clone(), event, Effect::Allow).expect("a line"));
        }
    };
    at_most("a recorded line", measure(note), 4, 700);
}

#[test]
fn the_pause_that_an_announcement_brings_takes_few_allocations() {
    let mut course = Course::new(Arc::new(balanced()));
    for _ in 0..50 {
        let event = course.next();
        course.see(event);
    }
    let announced = course.announcement();
    let mut effects = Vec::new();
    let all = measure(|| effects = course.see(announced));
    println!("a pause: {all:?}");
    assert!(all.count_total <= 85 && all.bytes_total <= 14_000, "{all:?}");
    course.ends(effects);
}
