//! How a driver is told what to do: what holds for every session, and operators' orders.
//!
//! Both come over one line, because a session looks at it with every event. What holds goes first, so that a stop overtakes orders that
//! wait, and of it only the newest counts; it has no bound, because it is told rarely and none of it may be missed. Each driver has a
//! line of its own, so that they wake in the order of their sessions.
//!
//! The line is a chain: each word comes over a channel for one, together with the channel of the next. A channel for many has a queue
//! beside it, and at ten thousand sessions nothing of either is in a cache when an event comes. Nor is the chain: so the words of all
//! lines are counted in one place, and while the count stands where it stood, no line has to be looked at.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use futures_channel::oneshot;

use super::driver::Order;
use super::standing::Standing;

/// How many orders one session may have waiting.
pub const ORDERS: usize = 64;

/// What the lines to all drivers have in common: how many words were told over any of them.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Words>);

#[derive(Debug, Default)]
struct Words {
    begun: AtomicU64,
    told: AtomicU64,
}

/// The end that tells.
pub struct Reins {
    words: Lines,
    next: oneshot::Sender<Link>,
    /// Shared with each order that waits. Most sessions never have one.
    waiting: Option<Arc<()>>,
}

/// The end that is told.
pub struct Inbox {
    words: Lines,
    /// At how many words there was nothing here, and who is woken by the next one.
    silent: Option<(u64, Waker)>,
    next: oneshot::Receiver<Link>,
    /// Taken in, and not carried out yet.
    orders: VecDeque<Waiting>,
}

struct Link {
    word: Word,
    next: oneshot::Receiver<Self>,
}

enum Word {
    Stands(Arc<Standing>),
    Order(Waiting),
}

struct Waiting {
    order: Box<Order>,
    _counted: Arc<()>,
}

/// What a driver is told.
pub enum Told {
    /// This holds from now on.
    Stands(Arc<Standing>),
    /// An operator wants this.
    Order(Box<Order>),
}

/// An order that was not handed over.
#[derive(Debug)]
pub enum Unheard {
    /// The driver has ended.
    Ended(Box<Order>),
    /// As many as may wait do.
    Full(Box<Order>),
}

impl Lines {
    /// A line to one driver.
    #[must_use]
    pub fn reins(&self) -> (Reins, Inbox) {
        let (told, next) = oneshot::channel();
        let reins = Reins { words: self.clone(), next: told, waiting: None };
        (reins, Inbox { words: self.clone(), silent: None, next, orders: VecDeque::new() })
    }

    /// How many words were told, unless one is being told.
    fn told(&self) -> Option<u64> {
        // In this order: a word that begins in between wakes whoever it is for, who then asks again.
        let told = self.0.told.load(Ordering::SeqCst);
        (self.0.begun.load(Ordering::SeqCst) == told).then_some(told)
    }

    /// Counts what `tell` tells, before and behind it: whoever is woken by it finds the count moved.
    fn counted<T>(&self, tell: impl FnOnce() -> T) -> T {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let done = tell();
        self.0.told.fetch_add(1, Ordering::SeqCst);
        done
    }
}

impl Reins {
    /// This holds from now on. A driver that has ended needs to know nothing any more.
    pub fn stands(&mut self, standing: Arc<Standing>) {
        self.tell(Word::Stands(standing));
    }

    /// Hands over an order. A driver that ends before it looks drops it, which says that nothing is known of it.
    ///
    /// # Errors
    /// The order, where [`ORDERS`] wait already, or the driver has ended.
    pub fn order(&mut self, order: Box<Order>) -> Result<(), Unheard> {
        if self.next.is_canceled() {
            return Err(Unheard::Ended(order));
        }
        let counted = self.waiting.get_or_insert_default().clone();
        // Ours, and this one's.
        if Arc::strong_count(&counted) > ORDERS + 1 {
            return Err(Unheard::Full(order));
        }
        self.tell(Word::Order(Waiting { order, _counted: counted }));
        Ok(())
    }

    fn tell(&mut self, word: Word) {
        let (then, next) = oneshot::channel();
        let now = std::mem::replace(&mut self.next, then);
        self.words.counted(|| drop(now.send(Link { word, next })));
    }
}

/// That nobody can tell any more is a word as well.
impl Drop for Reins {
    fn drop(&mut self) {
        let (nobody, _) = oneshot::channel();
        let last = std::mem::replace(&mut self.next, nobody);
        self.words.counted(|| drop(last));
    }
}

impl Inbox {
    /// What is told next; `None` once nobody can tell any more. May be dropped and begun again at any time.
    pub async fn next(&mut self) -> Option<Told> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        let told = self.words.told();
        let as_before = |(silent, waker): &(u64, Waker)| Some(*silent) == told && waker.will_wake(cx.waker());
        if self.silent.as_ref().is_some_and(as_before) {
            return Poll::Pending;
        }
        self.silent = None;
        let mut newest = None;
        let closed = loop {
            match Pin::new(&mut self.next).poll(cx) {
                Poll::Ready(Ok(Link { word, next })) => {
                    self.next = next;
                    match word {
                        Word::Stands(standing) => newest = Some(standing),
                        Word::Order(waiting) => self.orders.push_back(waiting),
                    }
                }
                Poll::Ready(Err(oneshot::Canceled)) => break true,
                Poll::Pending => break false,
            }
        };
        let order = || self.orders.pop_front().map(|waiting| Told::Order(waiting.order));
        match newest.map(Told::Stands).or_else(order) {
            Some(told) => Poll::Ready(Some(told)),
            None if closed => Poll::Ready(None),
            None => {
                self.silent = told.map(|told| (told, cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// Link after link: as they are, each would be dropped inside the one before, and there is no bound on how many there are.
impl Drop for Inbox {
    fn drop(&mut self) {
        self.next.close();
        while let Ok(Some(Link { next, .. })) = self.next.try_recv() {
            self.next = next;
            self.next.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::config::Config;
    use crate::control::{OperatorName, SessionAct, SessionOrder};
    use crate::daemon::configured;
    use crate::daemon::driver::Acted;

    fn order(name: usize) -> Box<Order> {
        let order = SessionOrder {
            session: "s-1".try_into().expect("an id"),
            act: SessionAct::Pause,
            reason: Some(name.to_string()),
        };
        let (reply, _) = tokio::sync::oneshot::channel();
        Box::new(Order::Act(Acted { operator: OperatorName("ops1".to_owned()), order, reply }))
    }

    fn next(inbox: &mut Inbox) -> Option<Option<Told>> {
        inbox.next().now_or_never()
    }

    fn name(told: Option<Option<Told>>) -> String {
        let Some(Some(Told::Order(order))) = told else { panic!("an order") };
        let Order::Act(Acted { order, .. }) = *order else { panic!("an act") };
        order.reason.expect("a name")
    }

    fn standing() -> Arc<Standing> {
        let text = "[provider]\nbase_url = 'http://127.0.0.1:9'\napi_key_env = 'PATH'\n";
        let config = Config::parse("test.toml", text).expect("a configuration").config;
        let settings = configured::settings(&config.approvals, &config.watch);
        Arc::new(Standing { halt: None, policy: Arc::new(config.policy), settings: Arc::new(settings) })
    }

    #[test]
    fn what_holds_overtakes_orders_and_only_the_newest_counts() {
        let (mut reins, mut inbox) = Lines::default().reins();
        let (older, newer) = (standing(), standing());
        reins.order(order(1)).expect("room");
        reins.stands(older);
        reins.order(order(2)).expect("room");
        reins.stands(newer.clone());
        assert!(matches!(next(&mut inbox), Some(Some(Told::Stands(holds))) if Arc::ptr_eq(&holds, &newer)));
        assert_eq!([name(next(&mut inbox)), name(next(&mut inbox))], ["1", "2"]);
        assert!(next(&mut inbox).is_none(), "nothing more, and it may come");
    }

    #[test]
    fn so_many_orders_wait_and_no_more_until_one_is_carried_out_and_what_holds_finds_room_always() {
        let (mut reins, mut inbox) = Lines::default().reins();
        for name in 0..ORDERS {
            reins.order(order(name)).expect("room");
        }
        assert!(matches!(reins.order(order(ORDERS)), Err(Unheard::Full(_))));
        reins.stands(standing());
        assert!(matches!(next(&mut inbox), Some(Some(Told::Stands(_)))));
        reins.order(order(ORDERS)).expect_err("taken in, and none carried out");
        assert_eq!(name(next(&mut inbox)), "0");
        reins.order(order(ORDERS)).expect("room again");
    }

    #[test]
    fn what_was_told_is_carried_out_although_nobody_can_tell_any_more_and_an_ended_driver_is_told_nothing() {
        let (mut teller, mut inbox) = Lines::default().reins();
        teller.order(order(1)).expect("room");
        drop(teller);
        assert_eq!(name(next(&mut inbox)), "1");
        assert!(matches!(next(&mut inbox), Some(None)));
        let (mut teller, inbox) = Lines::default().reins();
        drop(inbox);
        teller.stands(standing());
        assert!(matches!(teller.order(order(1)), Err(Unheard::Ended(_))));
    }

    #[test]
    fn a_driver_that_ends_takes_back_whatever_it_was_told() {
        let (mut reins, inbox) = Lines::default().reins();
        let standing = standing();
        (0..100_000).for_each(|_| reins.stands(standing.clone()));
        drop(inbox);
        assert!(matches!(reins.order(order(1)), Err(Unheard::Ended(_))));
    }

    /// What a driver's task is while it sleeps: it notes how many words it finds told when it is woken.
    struct Sleeper(Lines, std::sync::Mutex<Vec<Option<u64>>>);

    impl Sleeper {
        fn of(lines: &Lines) -> Arc<Self> {
            Arc::new(Self(lines.clone(), std::sync::Mutex::default()))
        }

        fn found(&self) -> Vec<Option<u64>> {
            self.1.lock().expect("no panic").clone()
        }
    }

    impl std::task::Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            let told = self.0.told();
            self.1.lock().expect("no panic").push(told);
        }
    }

    fn poll(inbox: &mut Inbox, sleeper: &Arc<Sleeper>) -> Poll<Option<Told>> {
        inbox.poll(&mut Context::from_waker(&Waker::from(sleeper.clone())))
    }

    #[test]
    fn whoever_is_woken_finds_that_something_was_told_at_once_and_so_does_who_can_be_told_nothing_any_more() {
        let lines = Lines::default();
        let (mut reins, mut inbox) = lines.reins();
        let sleeper = Sleeper::of(&lines);
        assert!(poll(&mut inbox, &sleeper).is_pending());
        reins.order(order(1)).expect("room");
        assert_eq!((sleeper.found(), lines.told()), (vec![None], Some(1)), "it is being told, and then it is told");
        assert_eq!(name(Some(inbox.next().now_or_never().expect("a word"))), "1");
        assert!(poll(&mut inbox, &sleeper).is_pending() && poll(&mut inbox, &sleeper).is_pending());
        drop(reins);
        assert_eq!(sleeper.found(), [None, None]);
        assert!(matches!(poll(&mut inbox, &sleeper), Poll::Ready(None)));
    }

    #[test]
    fn a_word_is_heard_by_who_looked_while_it_or_another_one_was_being_told() {
        let lines = Lines::default();
        let ((mut reins, mut inbox), (mut others, other)) = (lines.reins(), lines.reins());
        let sleeper = Sleeper::of(&lines);
        lines.counted(|| {
            assert!(poll(&mut inbox, &sleeper).is_pending(), "begun, and not here yet");
            let (then, next) = oneshot::channel();
            let now = std::mem::replace(&mut reins.next, then);
            drop(now.send(Link { word: Word::Stands(standing()), next }));
        });
        assert!(matches!(poll(&mut inbox, &sleeper), Poll::Ready(Some(Told::Stands(_)))));
        for told in [2, 3] {
            assert!(poll(&mut inbox, &sleeper).is_pending());
            others.order(order(told)).expect("room");
            assert!(poll(&mut inbox, &sleeper).is_pending(), "another one's");
            reins.order(order(told)).expect("room");
            assert_eq!(name(Some(inbox.next().now_or_never().expect("a word"))), told.to_string());
        }
        drop(other);
    }

    #[test]
    fn whoever_looks_last_is_woken() {
        let lines = Lines::default();
        let (mut reins, mut inbox) = lines.reins();
        let sleepers = [(); 2].map(|()| Sleeper::of(&lines));
        for sleeper in &sleepers {
            assert!(poll(&mut inbox, sleeper).is_pending());
        }
        reins.order(order(1)).expect("room");
        assert_eq!(sleepers.map(|sleeper| sleeper.found().len()), [0, 1]);
    }
}
