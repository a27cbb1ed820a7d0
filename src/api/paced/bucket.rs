//! The token bucket that all requests to a provider share, as a reducer: who may go now, and when to ask again.
//!
//! Pure: time is an argument (since any origin, never running backwards), and nothing here waits. It never holds up a request
//! that acts.
//!
//! # Order
//!
//! A request that *acts* (pause, cancel, resume, message, delete), and one that tells a gate what it has to know before or after it
//! acts, is [spent](Bucket::spend): it does not wait, and takes its token even where there is none. A look that waits makes a release
//! stale, and what was done seem not done.
//!
//! The others stand in [lanes](Lane), each first come, first served: what watchers read of sessions that may act, then the list, then
//! what watchers read of sessions that the list shows at rest. A lane goes strictly
//! before the one below it, but for one turn: a lane that was passed over some times while somebody waited in it has the next
//! one, the list after three. So new sessions are found at a quarter of the rate at worst: where a provider refused a
//! whole fleet, a sixteenth of what was left was one list in sixteen seconds. What rests has a sixteenth.
//!
//! While what was spent is being paid for, the lanes have half of the rate all the same: a stop of everything, or a provider that
//! takes no pause, must not blind us to all that is not held. What is spent may so go beyond the rate, and by more the more of
//! it there is.
//!
//! # Rate
//!
//! Without a bound nobody waits. A bound is what the configuration says, or what a refusal of somebody in a lane taught: half of what
//! was asked for when the provider refused. From there it grows by a sixtieth of the refused rate each second: thirty seconds later it is
//! what was refused, and after ninety it is forgotten if nobody waits. It never grows beyond what the configuration says. Further
//! refusals halve it again, once for each time that the provider asked to wait, and never below one a second. What is spent
//! counts for what is configured alone: what was learned is what is left for the lanes.
//!
//! In any time at most a tenth of a second's worth more (one request at least) of those who wait goes than the rate allows.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

/// What was spent is paid for after this long at most, and after twice as long where others have half of the rate meanwhile.
const DEBT_MOST: Duration = Duration::from_secs(5);

/// What one call is asked to wait holds off watchers for this long at most: longer, and all sessions would count as unseen.
pub(super) const SHARED_MOST: Duration = Duration::from_secs(5);

/// How long a rate limit holds off watchers that names no time. Whoever met it backs off further.
const UNSTATED: Duration = Duration::from_secs(1);

/// Refusals within this time are one: they answer what had left before the first was heard.
const ONE_REFUSAL: Duration = Duration::from_secs(5);

/// After this time without a refusal the rate is what was refused.
const RECOVERY: Duration = Duration::from_secs(30);

/// After this time without a refusal it is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// No refusal makes it less, in requests per second, unless the configuration does.
const LEAST: f64 = 1.0;

const SECOND: Duration = Duration::from_secs(1);

/// How many requests may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

impl Rate {
    /// So many requests a minute, at least one.
    #[must_use]
    pub fn per_minute(requests: u32) -> Self {
        Self(f64::from(requests.max(1)) / 60.0)
    }

    /// In requests per second.
    #[must_use]
    pub fn as_per_second(self) -> f64 {
        self.0
    }

    /// What one request costs.
    fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.0)
    }

    /// How far ahead of time requests may go: all but one of those that may go together.
    fn ahead(self) -> Duration {
        Duration::from_millis(100).saturating_sub(self.interval())
    }
}

/// What a request is for that may have to wait; the first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// What watchers read of sessions that may act: messages, streams, whether a session exists.
    Watch,
    /// The list of sessions.
    List,
    /// What watchers read of sessions in which no task runs.
    Rest,
}

impl Lane {
    /// All lanes, the first first.
    pub const ALL: [Self; 3] = [Self::Watch, Self::List, Self::Rest];

    fn at(self) -> usize {
        match self {
            Self::Watch => 0,
            Self::List => 1,
            Self::Rest => 2,
        }
    }

    /// A lane that was passed over so often has the next turn.
    fn patience(self) -> u32 {
        match self {
            Self::Watch => 0,
            Self::List => 3,
            Self::Rest => 15,
        }
    }
}

/// Who waits: numbers grow in the order of coming.
pub type Waiter = u64;

/// Who waits for a turn, and what is left to give.
#[derive(Clone, Debug)]
pub struct Bucket {
    configured: Option<Configured>,
    learned: Option<Learned>,
    /// Nobody in a lane asks for anything before.
    not_before: Duration,
    lanes: [Queue; 3],
    meter: Meter,
}

/// Those who wait in one lane.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// Since when each waits.
    waiting: BTreeMap<Waiter, Duration>,
    /// How often another lane had the turn since somebody waits.
    passed: u32,
}

/// What has left under one rate.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Up to when it is paid for.
    paid_until: Duration,
}

/// What the configuration says.
#[derive(Clone, Copy, Debug)]
struct Configured {
    rate: Rate,
    /// Everything that left.
    all: Account,
    /// Those of it that had to wait.
    turns: Account,
    last_turn: Duration,
}

/// What a refusal taught.
#[derive(Clone, Copy, Debug)]
struct Learned {
    /// Of those that had to wait.
    account: Account,
    /// The rate that was refused.
    refused: f64,
    since: Duration,
    /// A refusal before this time is the same one.
    until: Duration,
}

impl Bucket {
    /// A bucket in which nobody waits, with at most `configured` requests, if that is known.
    #[must_use]
    pub fn new(configured: Option<Rate>) -> Self {
        Self {
            configured: configured.map(Configured::new),
            learned: None,
            not_before: Duration::ZERO,
            lanes: Default::default(),
            meter: Meter::default(),
        }
    }

    /// A request leaves that waits for nobody.
    pub fn spend(&mut self, now: Duration) {
        self.forget(now);
        self.meter.count(now);
        if let Some(configured) = &mut self.configured {
            configured.all.charge(now, configured.rate);
        }
    }

    /// Somebody new wants a turn.
    pub fn ask(&mut self, now: Duration, lane: Lane, waiter: Waiter) {
        self.forget(now);
        self.lanes[lane.at()].waiting.insert(waiter, now);
    }

    /// Somebody does not want a turn any more. Whoever had one already did not use it.
    pub fn leave(&mut self, now: Duration, lane: Lane, waiter: Waiter) {
        let queue = &mut self.lanes[lane.at()];
        if queue.waiting.remove(&waiter).is_none() {
            self.refund(now);
        } else if queue.waiting.is_empty() {
            queue.passed = 0;
        }
    }

    /// A request was refused because there were too many, and the provider asked for none during `retry_after`.
    pub fn refused(&mut self, now: Duration, retry_after: Option<Duration>) {
        let shared = retry_after.unwrap_or(UNSTATED).min(SHARED_MOST);
        self.not_before = self.not_before.max(now + shared);
        if self.learned.is_some_and(|learned| now < learned.until) {
            return;
        }
        let refused = self.rate(now).map_or_else(|| self.meter.rate(now), Rate::as_per_second);
        let until = now + retry_after.unwrap_or_default().max(ONE_REFUSAL);
        let account = self.learned.map(|learned| learned.account).unwrap_or_default();
        let learned = Learned { account, refused, since: now, until };
        // What was saved up is gone: the provider knows of none.
        let paid_until = account.paid_until.max(now + learned.rate(now).ahead());
        self.learned = Some(Learned { account: Account { paid_until }, ..learned });
    }

    /// Who may go now, if anybody; to be asked until nobody may.
    pub fn next(&mut self, now: Duration) -> Option<Waiter> {
        let lane = self.turn(now)?;
        self.take(now);
        for other in Lane::ALL.into_iter().filter(|other| *other != lane) {
            let queue = &mut self.lanes[other.at()];
            queue.passed += u32::from(!queue.waiting.is_empty());
        }
        let queue = &mut self.lanes[lane.at()];
        queue.passed = 0;
        queue.waiting.pop_first().map(|(waiter, _)| waiter)
    }

    /// When somebody may go whom nobody keeps from it meanwhile; none while nobody waits.
    #[must_use]
    pub fn wake(&self, now: Duration) -> Option<Duration> {
        Lane::ALL.into_iter().any(|lane| self.waits(lane)).then(|| self.free_at(now))
    }

    /// The rate that holds for watchers, as far as nothing happened since; none where nothing bounds it.
    #[must_use]
    pub fn rate(&self, now: Duration) -> Option<Rate> {
        let (configured, learned) =
            (self.configured.map(|configured| configured.rate), self.learned.map(|learned| learned.rate(now)));
        let less = |one: Rate, other: Rate| if one.0 < other.0 { one } else { other };
        configured.into_iter().chain(learned).reduce(less)
    }

    /// Since when the first of a lane waits, if anybody does.
    #[must_use]
    pub fn waits_since(&self, lane: Lane) -> Option<Duration> {
        self.lanes[lane.at()].waiting.values().next().copied()
    }

    /// How many wait in a lane.
    #[cfg(test)]
    fn waiting(&self, lane: Lane) -> usize {
        self.lanes[lane.at()].waiting.len()
    }

    /// Forgets an old refusal, unless somebody waits because of it.
    fn forget(&mut self, now: Duration) {
        let idle = !Lane::ALL.into_iter().any(|lane| self.waits(lane));
        self.learned.take_if(|learned| idle && now.saturating_sub(learned.since) >= FORGOTTEN);
    }

    /// Which lane has the next turn.
    fn turn(&self, now: Duration) -> Option<Lane> {
        if self.free_at(now) > now {
            return None;
        }
        let overdue = |lane: &Lane| self.lanes[lane.at()].passed >= lane.patience();
        let mut lanes = Lane::ALL.into_iter().filter(|lane| self.waits(*lane));
        let first = lanes.next()?;
        Some(lanes.find(overdue).unwrap_or(first))
    }

    /// From when on somebody may have a turn.
    fn free_at(&self, now: Duration) -> Duration {
        let configured = self.configured.map(Configured::free_at);
        let learned = self.learned.map(|learned| learned.account.free_at(learned.rate(now)));
        configured.into_iter().chain(learned).fold(self.not_before, Duration::max)
    }

    /// Somebody takes a turn.
    fn take(&mut self, now: Duration) {
        self.meter.count(now);
        if let Some(configured) = &mut self.configured {
            configured.all.charge(now, configured.rate);
            configured.turns.charge(now, configured.rate);
            configured.last_turn = now;
        }
        if let Some(learned) = &mut self.learned {
            learned.account.charge(now, learned.rate(now));
        }
    }

    /// A turn was not used after all.
    fn refund(&mut self, now: Duration) {
        if let Some(configured) = &mut self.configured {
            configured.all.refund(configured.rate);
            configured.turns.refund(configured.rate);
        }
        if let Some(learned) = &mut self.learned {
            learned.account.refund(learned.rate(now));
        }
    }

    fn waits(&self, lane: Lane) -> bool {
        !self.lanes[lane.at()].waiting.is_empty()
    }
}

impl Configured {
    fn new(rate: Rate) -> Self {
        Self { rate, all: Account::default(), turns: Account::default(), last_turn: Duration::ZERO }
    }

    /// Once all is paid for; at half of the rate before.
    fn free_at(self) -> Duration {
        let share = self.last_turn + 2 * self.rate.interval();
        self.turns.free_at(self.rate).max(self.all.free_at(self.rate).min(share))
    }
}

impl Account {
    /// A request leaves; it takes what there is, and more.
    fn charge(&mut self, now: Duration, rate: Rate) {
        let most = now + rate.ahead() + DEBT_MOST.max(rate.interval());
        self.paid_until = (self.paid_until.max(now) + rate.interval()).min(most.max(self.paid_until));
    }

    fn refund(&mut self, rate: Rate) {
        self.paid_until = self.paid_until.saturating_sub(rate.interval());
    }

    /// From when on another one may leave.
    fn free_at(self, rate: Rate) -> Duration {
        self.paid_until.saturating_sub(rate.ahead())
    }
}

impl Learned {
    fn rate(&self, now: Duration) -> Rate {
        let whole = now.saturating_sub(self.since).as_secs_f64() / RECOVERY.as_secs_f64();
        Rate((self.refused * (1.0 + whole) / 2.0).max(LEAST))
    }
}

/// Counts what leaves: the last whole second, and the one that runs.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    second: Duration,
    running: u32,
    last: u32,
}

impl Meter {
    fn count(&mut self, now: Duration) {
        let gone = now.saturating_sub(self.second);
        if gone >= SECOND {
            self.last = if gone < 2 * SECOND { self.running } else { 0 };
            self.running = 0;
            self.second = now;
        }
        self.running = self.running.saturating_add(1);
    }

    /// In requests per second, as far as it was counted.
    fn rate(self, now: Duration) -> f64 {
        let recent = now.saturating_sub(self.second) < 2 * SECOND;
        f64::from(if recent { self.running.max(self.last) } else { 0 }).max(LEAST)
    }
}
