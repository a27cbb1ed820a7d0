//! What a session keeps while it is watched, and what is left of it afterwards: nothing.

use std::sync::Arc;

use allocation_counter::measure;
use holdpoint::daemon::evaluator::Evaluator;

use super::stage::{Course, balanced, gate, now, ordinary, session};
use super::watching::Watching;

/// What a session may keep in the whole daemon that said a few things and rests, its connection aside.
const WATCHED: i64 = 9 * 1024;
/// What a gate and an evaluator may keep of it.
const JUDGED: i64 = 5 * 1024;
#[test]
fn what_a_watched_session_keeps_at_rest_is_bounded() {
    // So few that the list of them is given back in this thread, which is the one that is counted.
    let stage = Watching::new(240);
    stage.come(0..48);
    let kept = measure(|| {
        stage.come(48..240);
        stage.passes(60);
    });
    let each = kept.bytes_current / 192;
    println!("a watched session keeps {each} bytes");
    assert_eq!(stage.watched(), 240);
    assert!((1_000..=WATCHED).contains(&each), "a watched session keeps {each} bytes");
}

#[test]
fn what_gate_and_evaluator_keep_of_a_session_is_bounded() {
    let policy = Arc::new(balanced());
    let mut kept = Vec::with_capacity(64);
    let all = measure(|| {
        for _ in 0..64 {
            let (mut gate, mut evaluator) = (gate(), Evaluator::new(policy.clone(), session(), []));
            for n in 0..20 {
                let event = ordinary(n);
                let verdict = evaluator.evaluate(&event, now(), &mut || ()).expect("news");
                let input = holdpoint::gate::Input::Seen { event, verdict, backlog: false };
                gate.handle(now(), &mut holdpoint::daemon::Ids::fresh(), input);
            }
            kept.push((gate, evaluator));
        }
    });
    let each = all.bytes_current / 64 + size_of_val(&kept[0]) as i64;
    println!("gate and evaluator keep {each} bytes");
    assert!((500..=JUDGED).contains(&each), "gate and evaluator keep {each} bytes");
}

#[test]
fn an_approval_that_is_over_leaves_nothing_in_its_gate() {
    let mut course = Course::new(Arc::new(balanced()));
    let mut turn = |count: usize| {
        for _ in 0..count {
            let announced = course.announcement();
            course.approval(announced);
            // What was approved may be done; then others things are.
            for _ in 0..30 {
                let event = course.next();
                course.see(event);
            }
        }
    };
    turn(20);
    let all = measure(|| turn(20));
    assert!(all.bytes_current.abs() < 200, "twenty approvals leave {} bytes", all.bytes_current);
}

#[test]
fn sessions_that_have_ended_leave_nothing_behind() {
    const EACH: usize = 32;
    let mut stage = Watching::new(14 * EACH);
    // Until as many ended approvals are remembered as will ever be.
    let mut rounds = (0..14).map(|n| n * EACH..(n + 1) * EACH);
    rounds.by_ref().take(9).for_each(|sessions| stage.turn_over(sessions));
    let mut left: Vec<i64> = rounds.map(|sessions| measure(|| stage.turn_over(sessions)).bytes_current).collect();
    println!("of each {EACH} sessions that ended there are left {left:?} bytes");
    let together = left.iter().sum::<i64>();
    assert!(together < 64 * 5 * EACH as i64, "less than any entry of a map for each of them: {left:?}");
    left.sort_unstable();
    // Queues grow and shrink as a whole now and then; what is left of a session is left of all.
    assert_eq!(left[left.len() / 2], 0, "{left:?}");
}
