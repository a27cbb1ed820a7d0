//! One timer for whatever is due next.
//!
//! What is due moves further away with almost every event, and a timer that is set anew each time costs more than all else
//! that is done about it. So it is set only to an earlier time; one that goes off too early is set again then. Tells nobody
//! what was due.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

/// The timer.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// Nothing was due yet without it.
    set: Option<Set>,
}

#[derive(Debug)]
struct Set {
    at: Instant,
    /// Who is woken then, once that is somebody.
    wakes: Option<Waker>,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Ready once `due` has come; never without it. The task may be woken earlier.
    pub fn poll(&mut self, cx: &mut Context<'_>, due: Option<Instant>) -> Poll<()> {
        let Some(due) = due else { return Poll::Pending };
        let set = self.set.get_or_insert_with(|| Set::at(due));
        if due < set.at {
            set.to(due);
        }
        // A timer that runs says nothing new, and what it is made of lies where nothing else is needed of it.
        if set.wakes(cx.waker()) && Instant::now() < set.at {
            return Poll::Pending;
        }
        while set.at < due {
            ready!(set.poll(cx));
            set.to(due);
        }
        set.poll(cx)
    }

    /// Waits for `due`; may be dropped and begun again at any time.
    pub async fn until(&mut self, due: Option<Instant>) {
        std::future::poll_fn(|cx| self.poll(cx, due)).await;
    }
}

impl Set {
    fn at(due: Instant) -> Self {
        Self { at: due, wakes: None, sleep: Box::pin(sleep_until(due)) }
    }

    fn to(&mut self, due: Instant) {
        self.at = due;
        self.sleep.as_mut().reset(due);
    }

    fn wakes(&self, waker: &Waker) -> bool {
        self.wakes.as_ref().is_some_and(|wakes| wakes.will_wake(waker))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Where the runtime has others go first, the timer itself is not reached, and nobody is known to it.
        let reached = has_budget_remaining();
        let went_off = self.sleep.as_mut().poll(cx);
        // Whoever it wakes stays that when it is set anew; one that went off wakes nobody.
        self.wakes = (reached && went_off.is_pending()).then(|| cx.waker().clone());
        went_off
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::coop::consume_budget;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_when_what_is_due_last_asked_for_has_come_whatever_it_was_set_to_before() {
        let (mut alarm, began) = (Alarm::default(), Instant::now());
        let at = |seconds| Some(began + Duration::from_secs(seconds));
        let early = tokio::time::timeout(Duration::from_secs(1), alarm.until(at(10))).await;
        assert!(early.is_err());
        alarm.until(at(5)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(5), "earlier than it was set to");
        for due in [20, 30] {
            let early = tokio::time::timeout(Duration::from_secs(1), alarm.until(at(due))).await;
            assert!(early.is_err());
        }
        alarm.until(at(40)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(40), "later than it was set to");
        alarm.until(at(39)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(40), "what has passed is due at once");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_last_is_woken() {
        let (mut alarm, began) = (Alarm::default(), Instant::now());
        let due = Some(began + Duration::from_secs(5));
        assert!(alarm.poll(&mut Context::from_waker(Waker::noop()), due).is_pending());
        alarm.until(due).await;
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }

    /// Whoever has done much in one turn is not let through to the timer, but called again at once.
    #[tokio::test(start_paused = true)]
    async fn whoever_has_to_let_others_go_first_is_woken_all_the_same() {
        let budget = async || {
            tokio::task::yield_now().await;
            let mut budget = 0;
            while has_budget_remaining() {
                consume_budget().await;
                budget += 1;
            }
            budget
        };
        let whole = budget().await;
        for left in 0..4 {
            let (mut alarm, began) = (Alarm::default(), Instant::now());
            // One that was never asked, and one that went off.
            for seconds in [5, 10] {
                tokio::task::yield_now().await;
                for _ in left..whole {
                    consume_budget().await;
                }
                alarm.until(Some(began + Duration::from_secs(seconds))).await;
                assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{left} left");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_is_due_never_comes() {
        let mut alarm = Alarm::default();
        assert!(tokio::time::timeout(Duration::from_secs(3600), alarm.until(None)).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(3600), alarm.until(None)).await.is_err());
    }
}
