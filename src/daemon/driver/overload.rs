//! What the watcher tells, and whether that comes faster than it is judged, so that what is judged is no longer what happens.
//!
//! Nothing is lost then: what is not asked for waits with the provider's stream. But whoever is always behind does not see, so
//! it counts as blindness, until nothing waits any more. Only looks whether something waits; a session that has much to tell
//! for a while, as one does that is caught up on, is not behind.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::task::coop::{consume_budget, has_budget_remaining};
use tokio::time::Instant;

use crate::daemon::watcher::Seen;

/// What the watcher tells, and how the session is followed.
pub(super) struct Sights {
    told: BoxStream<'static, Seen>,
    /// What was looked at ahead; nothing where watching is over.
    ahead: Option<Option<Box<Look>>>,
    /// Since when something has waited at every look.
    since: Option<Instant>,
    /// Whether that was told.
    behind: bool,
    /// Whether the watcher sees nothing.
    pub unseen: bool,
}

/// What there is at a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The watcher told this.
    Seen(Seen),
    /// Events have outrun their evaluation for so long.
    Behind(Duration),
    /// Everything that waited is judged.
    CaughtUp,
}

impl Sights {
    pub fn new(told: BoxStream<'static, Seen>) -> Self {
        Self { told, ahead: None, since: None, behind: false, unseen: false }
    }

    /// The next thing; nothing any more when watching is over. May be dropped and begun again at any time. Lets other sessions go
    /// first now and then: one read of a stream holds many events, which are there without waiting.
    pub async fn next(&mut self, blind_after: Duration) -> Option<Look> {
        if let Some(look) = self.ahead.take() {
            return look.map(|look| *look);
        }
        consume_budget().await;
        std::future::poll_fn(|cx| self.poll(cx, blind_after)).await
    }

    /// Lets the tasks that are ready go first once, unless more waits here: that is not put off behind theirs. Unlike the runtime's own
    /// way it does not ask the system meanwhile whether still more is ready.
    pub async fn others_first(&mut self, blind_after: Duration) {
        let mut gone = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut gone, true) {
                return Poll::Ready(());
            }
            if self.ahead.is_none()
                && let Poll::Ready(look) = self.poll(cx, blind_after)
            {
                self.ahead = Some(look.map(Box::new));
            }
            if self.ahead.is_some() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn poll(&mut self, cx: &mut Context<'_>, blind_after: Duration) -> Poll<Option<Look>> {
        let lasted = self.since.filter(|_| !self.behind).map(|since| since.elapsed());
        if let Some(lasted) = lasted.filter(|lasted| *lasted >= blind_after) {
            self.behind = true;
            return Poll::Ready(Some(Look::Behind(lasted)));
        }
        match self.told.poll_next_unpin(cx) {
            Poll::Ready(Some(seen)) => {
                self.since.get_or_insert_with(Instant::now);
                Poll::Ready(Some(Look::Seen(seen)))
            }
            // The runtime has others go first: that says nothing of what waits.
            Poll::Pending if !has_budget_remaining() => Poll::Pending,
            Poll::Pending => {
                self.since = None;
                if std::mem::take(&mut self.behind) { Poll::Ready(Some(Look::CaughtUp)) } else { Poll::Pending }
            }
            Poll::Ready(None) => {
                self.since = None;
                Poll::Ready(std::mem::take(&mut self.behind).then_some(Look::CaughtUp))
            }
        }
    }

    /// Whether the session counts as out of sight for either reason.
    pub fn is_blind(&self) -> bool {
        self.behind || self.unseen
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::mpsc;
    use tokio::time::{advance, timeout};

    use super::*;

    const AFTER: Duration = Duration::from_secs(20);

    fn sights() -> (mpsc::Sender<Seen>, Sights) {
        let (sender, told) = mpsc::channel(1024);
        let told = futures_util::stream::unfold(told, async |mut told| Some((told.recv().await?, told)));
        (sender, Sights::new(told.fuse().boxed()))
    }

    fn send(sender: &mpsc::Sender<Seen>, count: usize) {
        (0..count).for_each(|_| sender.try_send(Seen::Followed).expect("room"));
    }

    async fn none(sights: &mut Sights) -> bool {
        timeout(Duration::ZERO, sights.next(AFTER)).await.is_err()
    }

    /// Who came first of three tasks of one thread, of which the first lets others go first, and what it is told then.
    async fn order(waiting: usize) -> (Vec<&'static str>, Option<Look>) {
        let (sender, mut sights) = sights();
        send(&sender, waiting);
        let order = Arc::new(Mutex::new(Vec::new()));
        let say = |name| {
            let order = order.clone();
            move || order.lock().expect("whole").push(name)
        };
        let (waits, first, second) = (say("waits"), say("first"), say("second"));
        // What a task of the thread itself begins waits in the thread's own queue, as what the system tells of does.
        let all = tokio::spawn(async move {
            let waits = tokio::spawn(async move {
                sights.others_first(AFTER).await;
                waits();
                sights
            });
            let others = [tokio::spawn(async move { first() }), tokio::spawn(async move { second() })];
            for other in others {
                other.await.expect("no panic");
            }
            waits.await.expect("no panic")
        });
        let mut sights = all.await.expect("no panic");
        let told = timeout(Duration::ZERO, sights.next(AFTER)).await.ok().flatten();
        let order = std::mem::take(&mut *order.lock().expect("whole"));
        (order, told)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn all_that_are_ready_go_first_unless_more_waits_which_is_told_next() {
        let (came, told) = order(0).await;
        assert_eq!((came.last(), told), (Some(&"waits"), None));
        let (came, told) = order(1).await;
        assert_ne!(came.last(), Some(&"waits"));
        assert_eq!(told, Some(Look::Seen(Seen::Followed)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_behind_once_something_waited_at_every_look_for_the_whole_time_and_until_nothing_waits() {
        let (sender, mut sights) = sights();
        let seen = || Some(Look::Seen(Seen::Followed));
        send(&sender, 2);
        assert_eq!([sights.next(AFTER).await, sights.next(AFTER).await], [seen(), seen()]);
        assert!(none(&mut sights).await, "it was followed for a moment");
        send(&sender, 500);
        assert_eq!(sights.next(AFTER).await, seen());
        advance(AFTER - Duration::from_millis(1)).await;
        assert_eq!(sights.next(AFTER).await, seen(), "not for the whole time yet");
        advance(Duration::from_millis(1)).await;
        assert_eq!(sights.next(AFTER).await, Some(Look::Behind(AFTER)));
        assert!(sights.is_blind());
        for _ in 2..500 {
            advance(Duration::from_secs(1)).await;
            assert_eq!(sights.next(AFTER).await, seen(), "told once, however often the runtime has others go first");
        }
        assert_eq!(sights.next(AFTER).await, Some(Look::CaughtUp), "over when everything is judged");
        assert!(!sights.is_blind() && none(&mut sights).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_over_is_not_behind() {
        let (sender, mut sights) = sights();
        send(&sender, 1);
        drop(sender);
        assert_eq!(sights.next(AFTER).await, Some(Look::Seen(Seen::Followed)));
        assert_eq!(sights.next(AFTER).await, None);
        advance(AFTER * 2).await;
        assert_eq!(sights.next(AFTER).await, None);
    }

    #[tokio::test]
    async fn one_session_s_flood_lets_others_go_first_now_and_then() {
        let told = futures_util::stream::repeat(Seen::Followed).take(1_000);
        let (mut sights, others) = (Sights::new(told.boxed()), std::cell::Cell::new(0));
        let flood = async {
            let mut seen = 0;
            while sights.next(AFTER).await.is_some() {
                seen += 1;
            }
            (seen, others.get())
        };
        let beside = async { others.set(others.get() + 1) };
        let (flooded, ()) = tokio::join!(flood, beside);
        assert_eq!(flooded, (1_000, 1));
    }
}
