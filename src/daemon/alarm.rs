//! One timer for whatever is due next.
//!
//! What is due moves further away with almost every event, and a timer that is set anew each time costs more than all else
//! that is done about it. So it is set only to an earlier time; one that goes off too early is set again then. Tells nobody
//! what was due.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// Nothing was due yet without it.
    set: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready once `due` has come; never without it. The task may be woken earlier.
    pub fn poll(&mut self, cx: &mut Context<'_>, due: Option<Instant>) -> Poll<()> {
        let Some(due) = due else { return Poll::Pending };
        let sleep = self.set.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        while sleep.deadline() < due {
            ready!(sleep.as_mut().poll(cx));
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }

    /// Waits for `due`; may be dropped and begun again at any time.
    pub async fn until(&mut self, due: Option<Instant>) {
        std::future::poll_fn(|cx| self.poll(cx, due)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    async fn nothing_that_is_due_never_comes() {
        let mut alarm = Alarm::default();
        assert!(tokio::time::timeout(Duration::from_secs(3600), alarm.until(None)).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(3600), alarm.until(None)).await.is_err());
    }
}
