//! What turns wait for, with a clock that stands still.

use futures_util::FutureExt as _;
use tokio::task::yield_now;

use super::*;

fn id(text: &str) -> SessionId {
    SessionId::try_from(text).expect("an id")
}

/// Lets the task take in what it was told.
async fn settled() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_has_a_turn_before_the_first_pauses_were_answered_and_who_is_taken_up_not_before_all_are_armed() {
    let (ramp, mut recovering) = Ramp::start();
    let mut other = recovering.clone();
    let mut found = Box::pin(ramp.turn(id("found"), Rank::Rests, false));
    let mut taken_up = Box::pin(ramp.turn(id("taken-up"), Rank::Held, false));
    let mut look = Box::pin(recovering.after_pauses());
    recovering.paused();
    assert!((&mut found).now_or_never().is_none() && (&mut taken_up).now_or_never().is_none());
    settled().await;
    assert!((&mut found).now_or_never().is_none() && (&mut look).now_or_never().is_none(), "one pause is out");
    other.paused();
    settled().await;
    assert!((&mut found).now_or_never().is_some() && (&mut look).now_or_never().is_some());
    assert!((&mut taken_up).now_or_never().is_none());
    drop(recovering);
    settled().await;
    assert!((&mut taken_up).now_or_never().is_none(), "one is not armed");
    drop(other);
    settled().await;
    assert!((&mut taken_up).now_or_never().is_some());
    assert_eq!(ramp.requests.strong_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_hangs_holds_nobody_back_for_good() {
    let began = Instant::now();
    let (ramp, recovering) = Ramp::start();
    let found = ramp.turn(id("found"), Rank::Rests, false);
    let taken_up = ramp.turn(id("taken-up"), Rank::Held, false);
    let look = recovering.after_pauses();
    let when = async |it: &mut (dyn Future<Output = ()> + Unpin)| {
        it.await;
        began.elapsed().as_secs()
    };
    let (mut found, mut taken_up, mut look) = (Box::pin(found.map(drop)), Box::pin(taken_up.map(drop)), Box::pin(look));
    let times = tokio::join!(when(&mut found), when(&mut look), when(&mut taken_up));
    assert_eq!(times, (PAUSES.as_secs(), PAUSES.as_secs(), ARMED.as_secs()));
    drop(recovering);
}

#[tokio::test(start_paused = true)]
async fn who_waits_no_longer_keeps_nobody_else_waiting() {
    let (ramp, recovering) = Ramp::start();
    let left: Vec<_> =
        (0..1_000).map(|number| Box::pin(ramp.turn(id(&format!("s-{number}")), Rank::Acts, false))).collect();
    let left: Vec<_> = left.into_iter().map(|mut turn| ((&mut turn).now_or_never(), turn)).collect();
    drop(left);
    drop(recovering);
    ramp.turn(id("stays"), Rank::Rests, false).await.went(Went::Well);
    settled().await;
    assert_eq!(ramp.waiting.load(Ordering::Relaxed), 0);
}
