//! The bucket by hand, and under whatever may happen to it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everybody who may go between two times, each with when.
fn let_go(bucket: &mut Bucket, from: Duration, to: Duration) -> Vec<(Duration, Waiter)> {
    let (mut now, mut gone) = (from, Vec::new());
    loop {
        while let Some(waiter) = bucket.next(now) {
            gone.push((now, waiter));
        }
        match bucket.wake(now) {
            Some(at) if at <= to => now = at.max(now),
            Some(_) | None => return gone,
        }
    }
}

fn order(gone: &[(Duration, Waiter)]) -> Vec<Waiter> {
    gone.iter().map(|(_, waiter)| *waiter).collect()
}

#[test]
fn without_a_bound_nobody_waits() {
    let mut bucket = Bucket::new(None);
    (0..1000).for_each(|waiter| bucket.ask(ms(5), Lane::Watch, waiter));
    assert_eq!(order(&let_go(&mut bucket, ms(5), ms(5))), (0..1000).collect::<Vec<_>>());
    assert_eq!((bucket.rate(ms(5)), bucket.wake(ms(5))), (None, None));
}

#[test]
fn watchers_go_before_the_list_and_that_before_what_rests_each_in_the_order_of_coming() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
    for (waiter, lane) in [Lane::Rest, Lane::List, Lane::Watch, Lane::Watch].into_iter().enumerate() {
        bucket.ask(ms(0), lane, waiter as Waiter);
    }
    let gone = let_go(&mut bucket, ms(0), ms(1000));
    assert_eq!(gone, [(ms(0), 2), (ms(100), 3), (ms(200), 1), (ms(300), 0)]);
}

#[test]
fn a_lane_that_is_passed_over_has_one_turn_now_and_then() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
    (0..100).for_each(|waiter| bucket.ask(ms(0), Lane::Watch, waiter));
    (100..104).for_each(|waiter| bucket.ask(ms(0), Lane::List, waiter));
    let gone = let_go(&mut bucket, ms(0), ms(20_000));
    let lists: Vec<_> = gone.iter().enumerate().filter(|(_, (_, waiter))| *waiter >= 100).map(|(at, _)| at).collect();
    assert_eq!((gone.len(), lists), (104, vec![3, 7, 11, 15]));
}

#[test]
fn what_rests_has_a_sixteenth_where_others_wait_all_along() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
    for (first, lane) in [(0, Lane::Watch), (1000, Lane::List), (2000, Lane::Rest)] {
        (0..200).for_each(|waiter| bucket.ask(ms(0), lane, first + waiter));
    }
    let gone = let_go(&mut bucket, ms(0), ms(16_000));
    let of = |first: Waiter| gone.iter().filter(|(_, waiter)| *waiter / 1000 == first / 1000).count();
    assert_eq!((gone.len(), of(0), of(1000), of(2000)), (161, 111, 40, 10));
}

#[test]
fn what_is_spent_waits_for_nobody_and_the_others_have_half_of_the_rate_until_it_is_paid_for() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
    (0..4).for_each(|_| bucket.spend(ms(0)));
    (0..4).for_each(|waiter| bucket.ask(ms(0), Lane::Watch, waiter));
    // Two of them, at half of the rate; then six are paid for, and the others go at the whole rate.
    assert_eq!(let_go(&mut bucket, ms(0), ms(2000)), [(ms(200), 0), (ms(400), 1), (ms(600), 2), (ms(700), 3)]);
}

#[test]
fn whatever_is_spent_and_for_however_long_the_lanes_go_on_at_half_of_the_rate() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
    (0..1000).for_each(|waiter| bucket.ask(ms(0), if waiter % 2 == 0 { Lane::Watch } else { Lane::List }, waiter));
    let mut gone = Vec::new();
    // Three times as much as there is, for a minute.
    for at in 0..2_000 {
        bucket.spend(ms(at * 30));
        gone.extend(let_go(&mut bucket, ms(at * 30), ms(at * 30 + 29)));
    }
    assert!((290..=300).contains(&gone.len()), "{}", gone.len());
    assert!(gone.iter().filter(|(_, waiter)| waiter % 2 == 1).count() >= 290 / 4, "the list, too");
    // Twice the longest debt later all of it is paid for.
    let (last, paid) = (gone.last().expect("somebody").0, 2 * DEBT_MOST);
    let after = let_go(&mut bucket, last, last + paid + ms(2_000));
    assert_eq!(after.iter().filter(|(at, _)| *at > last + paid).count(), 20);
}

#[test]
fn a_refusal_holds_off_the_lanes_for_seconds_at_most() {
    let mut bucket = Bucket::new(None);
    bucket.refused(ms(0), Some(Duration::from_secs(3600)));
    bucket.ask(ms(0), Lane::Watch, 1);
    assert_eq!(let_go(&mut bucket, ms(0), ms(60_000)), [(SHARED_MOST, 1)]);
}

#[test]
fn what_is_spent_takes_nothing_of_what_was_learned() {
    let mut bucket = Bucket::new(None);
    (0..20).for_each(|waiter| bucket.ask(ms(0), Lane::Watch, waiter));
    let_go(&mut bucket, ms(0), ms(0));
    bucket.refused(ms(0), None);
    (0..10_000).for_each(|_| bucket.spend(ms(1000)));
    (20..30).for_each(|waiter| bucket.ask(ms(1000), Lane::Watch, waiter));
    assert_eq!(let_go(&mut bucket, ms(1000), ms(2000)).len(), 10);
}

#[test]
fn a_refusal_halves_what_was_asked_for_and_what_it_taught_passes() {
    let mut bucket = Bucket::new(None);
    (0..200).for_each(|waiter| bucket.ask(ms(0), Lane::Watch, waiter));
    assert_eq!(let_go(&mut bucket, ms(0), ms(0)).len(), 200);
    // All of those that were on their way are refused: one halving.
    (0..200).for_each(|at| bucket.refused(ms(100 + at), None));
    let rate = |bucket: &Bucket, secs: u64| bucket.rate(ms(100 + secs * 1000)).map(|rate| rate.as_per_second().round());
    assert_eq!([0, 15, 30, 60].map(|secs| rate(&bucket, secs)), [100.0, 150.0, 200.0, 300.0].map(Some));
    bucket.refused(ms(30_100), None);
    assert_eq!([30, 60].map(|secs| rate(&bucket, secs)), [100.0, 200.0].map(Some));
    // The first who asks for anything once it is old finds no bound.
    bucket.ask(ms(130_000), Lane::Watch, 1000);
    assert_eq!((bucket.next(ms(130_000)), bucket.rate(ms(130_000))), (Some(1000), None));
}

#[test]
fn a_provider_that_names_an_hour_and_refuses_all_along_is_one_refusal() {
    let mut bucket = Bucket::new(Some(Rate::per_minute(6000)));
    (0..600).for_each(|secs| bucket.refused(ms(secs * 1000), Some(Duration::from_secs(3600) - ms(secs * 1000))));
    let now = ms(0);
    assert_eq!(bucket.rate(now).map(Rate::as_per_second), Some(50.0));
    // It grows to what is configured and no further.
    assert_eq!(bucket.rate(ms(600_000)).map(Rate::as_per_second), Some(100.0));
}

#[test]
fn no_refusal_makes_the_rate_less_than_one_a_second_unless_the_configuration_does() {
    let of = |configured: Option<u32>| {
        let mut bucket = Bucket::new(configured.map(Rate::per_minute));
        (0..50).for_each(|time| bucket.refused(ms(time * 10_000), None));
        bucket.rate(ms(490_000)).map(Rate::as_per_second)
    };
    assert_eq!([of(None), of(Some(600)), of(Some(30))], [Some(LEAST), Some(LEAST), Some(0.5)]);
}

/// What may happen to a bucket.
#[derive(Clone, Copy, Debug)]
enum Act {
    Ask(Lane),
    /// The nth of those who wait, or had a turn and did not use it, leaves.
    Leave(usize),
    Spend,
    Refused(Option<u64>),
    Wait(u64),
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Watch), Just(Lane::List), Just(Lane::Rest)]
}

fn act(refusals: bool) -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => lane().prop_map(Act::Ask),
        1 => (0..100usize).prop_map(Act::Leave),
        1 => Just(Act::Spend),
        u32::from(refusals) => proptest::option::of(0..10_000u64).prop_map(Act::Refused),
        4 => (0..400u64).prop_map(Act::Wait),
    ]
}

/// Plays acts and lets go whoever may; notes who went, when and from which lane, without those who did not use it.
#[derive(Default)]
struct Played {
    now: Duration,
    next: Waiter,
    waiting: BTreeSet<(Lane, Waiter)>,
    gone: Vec<(Duration, Lane, Waiter)>,
    /// The same, with those who did not use it.
    turns: Vec<(Duration, Lane, Waiter)>,
}

impl Played {
    fn act(&mut self, bucket: &mut Bucket, act: Act) {
        match act {
            Act::Ask(lane) => {
                bucket.ask(self.now, lane, self.next);
                self.waiting.insert((lane, self.next));
                self.next += 1;
            }
            Act::Leave(nth) => self.leave(bucket, nth),
            Act::Spend => bucket.spend(self.now),
            Act::Refused(after) => bucket.refused(self.now, after.map(ms)),
            Act::Wait(millis) => return self.wait(bucket, self.now + ms(millis)),
        }
        self.let_go(bucket);
    }

    fn leave(&mut self, bucket: &mut Bucket, nth: usize) {
        if let Some((lane, waiter)) = self.waiting.iter().nth(nth).copied() {
            self.waiting.remove(&(lane, waiter));
            bucket.leave(self.now, lane, waiter);
        } else if let Some((_, lane, waiter)) = self.gone.pop_if(|(at, ..)| *at == self.now) {
            bucket.leave(self.now, lane, waiter);
        }
    }

    fn wait(&mut self, bucket: &mut Bucket, to: Duration) {
        while let Some(at) = bucket.wake(self.now).filter(|at| *at <= to) {
            self.now = at.max(self.now);
            self.let_go(bucket);
        }
        self.now = to;
    }

    fn let_go(&mut self, bucket: &mut Bucket) {
        while let Some(waiter) = bucket.next(self.now) {
            let lane = self.waiting.iter().find(|(_, other)| *other == waiter).expect("somebody who waits").0;
            let first = self.waiting.iter().find(|(other, _)| *other == lane).expect("the first").1;
            assert_eq!(waiter, first, "first come, first served");
            self.waiting.remove(&(lane, waiter));
            self.gone.push((self.now, lane, waiter));
            self.turns.push((self.now, lane, waiter));
        }
    }
}

proptest! {
    #[test]
    fn in_no_time_do_more_go_than_the_rate_and_a_tenth_of_a_second_allow(
        per_minute in 6..6_000u32,
        acts in proptest::collection::vec(act(true), 1..300),
    ) {
        let rate = Rate::per_minute(per_minute).as_per_second();
        let mut bucket = Bucket::new(Some(Rate::per_minute(per_minute)));
        let mut played = Played::default();
        acts.into_iter().for_each(|act| played.act(&mut bucket, act));
        let times: Vec<Duration> = played.gone.iter().map(|(at, ..)| *at).collect();
        for (first, from) in times.iter().enumerate() {
            for (last, to) in times.iter().enumerate().skip(first) {
                let went = (last - first + 1) as f64;
                let most = (rate * 0.1).max(1.0) + rate * (*to - *from).as_secs_f64();
                prop_assert!(went <= most + 1e-3, "{went} in {:?}, at most {most}", *to - *from);
            }
        }
    }

    #[test]
    fn whoever_goes_is_the_first_of_the_highest_lane_but_for_a_turn_of_one_that_was_passed_over(
        acts in proptest::collection::vec(act(false), 1..300),
    ) {
        let mut bucket = Bucket::new(Some(Rate::per_minute(600)));
        let mut played = Played::default();
        // How often the others had a turn since each lane had one.
        let mut others = [0; 3];
        for act in acts {
            let before = played.turns.len();
            played.act(&mut bucket, act);
            for at in before..played.turns.len() {
                // Asked before it went, and not yet gone: those who wait now, and those who went after it.
                let (when, lane, waiter) = played.turns[at];
                let since: Vec<_> = played.turns[at + 1..].iter().filter(|(_, _, other)| *other < waiter).collect();
                let passed = since.iter().any(|(_, other, _)| *other < lane)
                    || played.waiting.iter().any(|(other, other_waiter)| *other < lane && *other_waiter < waiter);
                prop_assert!(!passed || others[lane.at()] >= lane.patience(), "{waiter} of {lane:?} at {when:?}");
                others = others.map(|turns| turns + 1);
                others[lane.at()] = 0;
            }
        }
    }

    #[test]
    fn who_leaves_leaves_nothing_behind_and_takes_nothing_along(
        rate in proptest::option::of(60..6_000u32),
        acts in proptest::collection::vec(act(true), 1..300),
    ) {
        let mut bucket = Bucket::new(rate.map(Rate::per_minute));
        let mut played = Played::default();
        acts.into_iter().for_each(|act| played.act(&mut bucket, act));
        let waiting: usize = Lane::ALL.into_iter().map(|lane| bucket.waiting(lane)).sum();
        prop_assert_eq!(waiting, played.waiting.len());
        while !played.waiting.is_empty() {
            played.leave(&mut bucket, 0);
        }
        prop_assert_eq!(bucket.wake(played.now), None);
        // As soon as what acted is paid for, and the hold-off is over, the next one goes.
        let last = played.next;
        played.act(&mut bucket, Act::Ask(Lane::List));
        let to = played.now + DEBT_MOST + SHARED_MOST + 2 * SECOND;
        played.wait(&mut bucket, to);
        prop_assert_eq!(played.gone.last().map(|(_, _, waiter)| *waiter), Some(last));
    }

    #[test]
    fn somebody_always_may_go_in_time(
        rate in proptest::option::of(60..6_000u32),
        acts in proptest::collection::vec(act(true), 1..300),
    ) {
        let mut bucket = Bucket::new(rate.map(Rate::per_minute));
        let mut played = Played::default();
        acts.into_iter().for_each(|act| played.act(&mut bucket, act));
        let (left, from) = (played.waiting.len() as u32, played.now);
        let most = DEBT_MOST + SHARED_MOST + (left + 1) * SECOND;
        played.wait(&mut bucket, from + most);
        prop_assert!(played.waiting.is_empty());
    }
}
