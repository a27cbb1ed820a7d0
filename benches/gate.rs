//! A gate by itself: an event of a session that is watched, from an announcement to the pause, and a whole approval.
//!
//! `cargo bench --bench gate` prints medians. Everybody whom the gate asks answers at once. Nothing here asserts times.

#[path = "../tests/costs/fleet.rs"]
mod fleet;
#[path = "../tests/costs/stage.rs"]
mod stage;
mod support;

use std::hint::black_box;
use std::sync::Arc;

use stage::{Course, balanced};
use support::{measure, measure_each, show};

fn main() {
    let policy = Arc::new(balanced());
    println!("{:<60} {:>12}", "one gate", "median");
    let mut course = Course::new(policy.clone());
    let (event, verdict) = course.next();
    let copied =
        show("an event and its verdict, copied", measure(|| drop(black_box((event.clone(), verdict.clone())))));
    let seen = measure(|| drop(black_box(course.see((event.clone(), verdict.clone())))));
    show("an event while it watches, the copy aside", seen.saturating_sub(copied));
    let announced = || {
        let mut course = Course::new(policy.clone());
        for _ in 0..20 {
            let event = course.next();
            course.see(event);
        }
        let announced = course.announcement();
        (course, Some(announced))
    };
    let pauses = measure_each(announced, |(course, announced)| {
        let effects = announced.take().map(|announced| course.see(announced));
        assert!(black_box(effects).is_some_and(|effects| !effects.is_empty()));
    });
    show("from an announcement and its verdict to the pause", pauses);
    let approvals = measure_each(announced, |(course, announced)| {
        if let Some(announced) = announced.take() {
            course.approval(announced);
        }
    });
    show("from there until it was approved and goes on", approvals);
    show("a gate that is made", measure(|| drop(black_box(stage::gate()))));
}
