//! What may not grow: the cost of an event with rules that cannot fire, and with how long its session has been watched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use holdpoint::policy::{Context, Policy};

use super::stage::{Course, balanced, now, ordinary, rules_that_never_fire, session};

/// Allocations and bytes of the verdicts on some events of a session that has begun.
fn of_rules(policy: &Policy) -> (u64, u64) {
    let (session, mut context) = (session(), Context::default());
    let events: Vec<_> = (0..200).map(ordinary).collect();
    let mut judge = || events.iter().for_each(|event| drop(policy.evaluate(&session, &mut context, event, now())));
    judge();
    let all = measure(judge);
    (all.count_total, all.bytes_total)
}

/// The shortest time of a verdict, of several tries: what else the machine does makes no try shorter.
fn shortest(policy: &Policy) -> Duration {
    let (session, mut context) = (session(), Context::default());
    let events: Vec<_> = (0..40).map(ordinary).collect();
    let mut once = || {
        let began = Instant::now();
        events.iter().for_each(|event| drop(policy.evaluate(&session, &mut context, event, now())));
        began.elapsed()
    };
    (0..20).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn twenty_times_as_many_rules_that_cannot_fire_cost_an_event_no_allocation_and_far_less_than_twenty_times_the_time() {
    let (few, many) = (rules_that_never_fire(50), rules_that_never_fire(1_000));
    assert_eq!(of_rules(&few).0, of_rules(&many).0);
    let (few_bytes, many_bytes) = (of_rules(&few).1, of_rules(&many).1);
    // A set of rules has a bit for each.
    assert!(many_bytes <= few_bytes + 200 * 2_000 / 8, "{few_bytes} and {many_bytes}");
    let (few, many) = (shortest(&few), shortest(&many));
    println!("{few:?} with 50 rules, {many:?} with 1 000");
    assert!(many < few * 5, "{few:?} with 50 rules, {many:?} with 1 000");
}

#[test]
fn the_ten_thousandth_event_of_a_session_costs_what_the_hundredth_did() {
    let mut course = Course::new(Arc::new(balanced()));
    let mut some = |count: u64| {
        let all = measure(|| {
            for _ in 0..count {
                let event = course.next();
                course.see(event);
            }
        });
        (all.count_total, all.bytes_total, all.bytes_current)
    };
    some(100);
    let early = some(100);
    some(9_800);
    let late = some(100);
    println!("{early:?} after 100 events, {late:?} after 10 000");
    assert!(late.0 <= early.0 + 2 && late.1 <= early.1 + 1_000, "{early:?} after 100, {late:?} after 10 000");
    assert!(late.2.abs() < 100, "a hundred events leave {} bytes behind", late.2);
}
