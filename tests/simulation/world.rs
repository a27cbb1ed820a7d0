//! The world around the daemon: one queue of what happens next, one source of chance, one log.
//!
//! Everything outside the daemon happens here and nowhere else, in the order of its time, so that a seed says all of it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use holdpoint::api::SessionId;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::disk::Disk;
use crate::judge::Judge;
use crate::network::Call;
use crate::setup::{Faults, Setup};
use crate::truth::Truth;

/// How many of the last lines are kept for a seed that fails.
const LINES: usize = 600;

/// What happens at a time of its own.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The agent of a session does what it does next.
    Agent(SessionId),
    /// Its step in flight is finished.
    Finish(SessionId),
    /// A request arrives at the provider.
    Arrive(u64),
    /// Its answer arrives here.
    Answer(u64),
    /// The next item of a stream arrives here.
    Item(SessionId, u64, u64),
    /// An operator does something.
    Operator(usize),
    /// Something else befalls: a stranger, a crash, a clock that is set.
    Chance,
    /// A pause that was due is looked for, since so long ago.
    Due(SessionId, Duration),
    /// Everything is stopped, and the world has been well for a while.
    Stopped,
}

/// What ends, or interrupts, the life of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Crash,
    Stop,
    Reload(usize),
}

pub struct World {
    pub setup: Setup,
    pub rng: Rng,
    pub faults: Faults,
    base: Duration,
    began: Option<Instant>,
    /// How far the wall clock is off.
    wall_off: SignedDuration,
    queue: BTreeMap<(Duration, u64), Happening>,
    numbers: u64,
    pub sessions: BTreeMap<SessionId, Truth>,
    /// Ids of the provider's messages.
    pub messages: u64,
    pub calls: BTreeMap<u64, Call>,
    pub disk: Disk,
    pub judge: Judge,
    /// Which process of the daemon runs.
    pub life: u32,
    /// Nothing goes wrong any more, and everything comes to its end.
    pub well: bool,
    /// Everything has come to its end, and one more process looks at that.
    pub ended_once: bool,
    /// A stop of everything has been looked at since.
    pub stop_may_end: bool,
    pub fate: Option<Fate>,
    pub configuration: usize,
    pub steps: u64,
    hash: u64,
    lines: VecDeque<String>,
    tells: bool,
    pub broken: Option<String>,
}

/// The world, as everything in a run shares it. Never locked over an await.
#[derive(Clone)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    /// Something earlier than the next happening was put into the queue.
    pub sooner: Arc<Notify>,
}

impl Shared {
    pub fn new(setup: Setup, tells: bool) -> Self {
        let world = World {
            rng: Rng::with_seed(setup.seed),
            faults: setup.faults,
            base: Duration::ZERO,
            began: None,
            wall_off: SignedDuration::ZERO,
            queue: BTreeMap::new(),
            numbers: 0,
            sessions: BTreeMap::new(),
            messages: 1000,
            calls: BTreeMap::new(),
            disk: Disk::default(),
            judge: Judge::default(),
            life: 0,
            well: false,
            ended_once: false,
            stop_may_end: false,
            fate: None,
            configuration: 0,
            steps: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            lines: VecDeque::new(),
            tells,
            broken: None,
            setup,
        };
        Self { world: Arc::new(Mutex::new(world)), sooner: Arc::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl World {
    /// A new process begins, in a runtime whose clock begins anew.
    pub fn begins(&mut self) {
        self.began = Some(Instant::now());
        self.life += 1;
    }

    /// It is gone, and the next one begins `pause` later.
    pub fn ends(&mut self, pause: Duration) {
        self.base = self.now() + pause;
        self.began = None;
    }

    pub fn now(&self) -> Duration {
        self.base + self.began.map(|began| began.elapsed()).unwrap_or_default()
    }

    pub fn wall(&self) -> Timestamp {
        let begin = Timestamp::from_second(1_790_000_000).expect("a time");
        let now = SignedDuration::try_from(self.now()).expect("a short run");
        begin + now + self.wall_off
    }

    pub fn set_wall(&mut self, by: SignedDuration) {
        self.wall_off += by;
    }

    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn after(&mut self, wait: Duration, happening: Happening) {
        let at = (self.now() + wait, self.number());
        self.queue.insert(at, happening);
    }

    /// When something happens next; on the clock of the process that runs.
    pub fn next(&self) -> Option<Instant> {
        let ((at, _), _) = self.queue.first_key_value()?;
        self.began.map(|began| began + at.saturating_sub(self.base))
    }

    pub fn take(&mut self) -> Option<Happening> {
        let ((at, _), _) = self.queue.first_key_value()?;
        if *at > self.now() { None } else { self.queue.pop_first().map(|(_, happening)| happening) }
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, thousandth: u32) -> bool {
        thousandth > 0 && self.rng.u32(..1000) < thousandth
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.u64(from..=to))
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    /// One step: something that anybody could observe.
    pub fn step(&mut self, what: fmt::Arguments<'_>) {
        self.steps += 1;
        self.note(what);
    }

    /// A line of the log that is no step of its own.
    pub fn note(&mut self, what: fmt::Arguments<'_>) {
        let line = format!("{:>9} {what}", self.now().as_millis());
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.tells {
            println!("{line}");
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// What the whole log comes to.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The end of the log.
    pub fn log(&self) -> String {
        self.lines.iter().fold(String::new(), |log, line| log + line + "\n")
    }

    /// An invariant does not hold. The first time counts.
    pub fn breaks(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(format_args!("BROKEN {what}"));
        self.broken.get_or_insert(what);
    }

    pub fn holds(&mut self, checked: Result<(), String>) {
        if let Err(what) = checked {
            self.breaks(what);
        }
    }
}
