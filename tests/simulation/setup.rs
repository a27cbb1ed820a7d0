//! What differs from run to run, all of it drawn from the seed.

use fastrand::Rng;

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    pub seed: u64,
    /// How many sessions run at the same time.
    pub sessions: usize,
    /// How many steps there are before everything is well again.
    pub steps: u64,
    pub operators: usize,
    /// The provider's statuses do not show pauses, only its events do.
    pub hides_pauses: bool,
    /// What the disk was told is kept.
    pub keeps: bool,
    pub faults: Faults,
}

/// How often things go wrong, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Calls that fail in one of many ways.
    pub calls: u32,
    /// Calls, of which one leg takes seconds.
    pub slow: u32,
    /// Items of a stream at which it ends, stalls, repeats or leaves out.
    pub streams: u32,
    /// Pauses that are accepted and never stop anything.
    pub duds: u32,
    /// Writes that fail, before or after they are durable.
    pub writes: u32,
    /// Writes that take seconds.
    pub stalls: u32,
    /// Decisions that are forged, stale or hasty.
    pub clumsy: u32,
    /// Writes that are said to be durable and are not: no store may do that, and the judge has to notice.
    pub lies: u32,
    /// Resumes and messages that arrive twice: the daemon never repeats one, and the judge has to notice.
    pub echoes: u32,
    /// Crashes that take an outcome which was durable: no store may do that, and the judge has to notice.
    pub forgets: u32,
    /// Pauses in our name that no approval is for: the daemon leaves none behind, and the judge has to notice.
    pub ghosts: u32,
    /// Weights of what happens beside agents and operators.
    pub strangers: u32,
    pub crashes: u32,
    pub stops: u32,
    pub halts: u32,
    pub reloads: u32,
    pub jumps: u32,
}

impl Setup {
    /// Nothing goes wrong.
    pub fn calm(seed: u64, sessions: usize, steps: u64) -> Self {
        Self { seed, sessions, steps, operators: 2, hides_pauses: false, keeps: false, faults: Faults::default() }
    }

    /// What this seed means. Every kind of fault is absent from some runs: what two kinds do together must not hide what one
    /// does alone.
    pub fn of(seed: u64, steps: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5ee_d0f5e7);
        let mut rate = |often: u32| if rng.bool() { rng.u32(1..=often) } else { 0 };
        let faults = Faults {
            calls: rate(250),
            slow: rate(100),
            streams: rate(60),
            duds: rate(150),
            writes: rate(150),
            stalls: rate(60),
            clumsy: rate(400),
            lies: 0,
            echoes: 0,
            forgets: 0,
            ghosts: 0,
            strangers: rate(90),
            crashes: rate(8),
            stops: rate(4),
            halts: rate(8),
            reloads: rate(8),
            jumps: rate(8),
        };
        Self {
            seed,
            sessions: rng.usize(1..=16),
            steps,
            operators: rng.usize(1..=4),
            hides_pauses: rng.u8(..4) == 0,
            keeps: false,
            faults,
        }
    }
}

/// The configurations that a run changes between.
pub const CONFIGURATIONS: [&str; 3] = [FIRST, STRICTER, OTHER];

const FIRST: &str = r#"
[provider]
base_url = "http://127.0.0.1:9"
api_key_env = "PATH"
[approvals]
timeout = "3m"
min_dwell = "700ms"
extension = "5m"
extensions = 2
screenshots = false
[store]
events = "off"
[[rule]]
name = "purchase"
effect = "ask"
text = "buy"
[[rule]]
name = "transfer"
effect = "ask"
text = "transfer"
on_deny = "keep_paused"
[[rule]]
name = "two"
effect = "ask"
text = "sell"
approvals = 2
[[rule]]
name = "polite"
effect = "ask"
text = "book"
on_deny = "instruct"
refusal = "No booking."
[[rule]]
name = "never"
effect = "deny"
text = "drop"
[[rule]]
name = "slow down"
effect = "cooldown"
events = ["error", "log"]
text = "rate limit"
cooldown = "15s"
max_repeats = 3
[[rule]]
name = "letters"
effect = "instruct"
text = "newsletter"
instruct = "No newsletters."
max_repeats = 2
[[rule]]
name = "questions"
effect = "ask"
events = ["question"]
answer = "Yes."
refusal = "No."
[[rule]]
name = "odd"
effect = "alert"
text = "odd"
"#;

const STRICTER: &str = r#"
[provider]
base_url = "http://127.0.0.1:9"
api_key_env = "PATH"
[approvals]
timeout = "1m"
min_dwell = "700ms"
approvals = 2
on_timeout = "keep_paused"
screenshots = true
[store]
events = "off"
[[rule]]
name = "purchase"
effect = "ask"
text = ["buy", "sell", "book"]
[[rule]]
name = "never"
effect = "deny"
text = ["drop", "transfer"]
[[rule]]
name = "slow down"
effect = "ask"
events = ["error", "log"]
text = "rate limit"
[[rule]]
name = "letters"
effect = "ask"
text = "newsletter"
[[rule]]
name = "questions"
effect = "ask"
events = ["question"]
"#;

const OTHER: &str = r#"
[provider]
base_url = "http://127.0.0.1:9"
api_key_env = "PATH"
[watch]
on_blind = "alert"
[approvals]
timeout = "2m"
min_dwell = "0s"
on_cancel_failure = "keep_paused"
settle = "0s"
[store]
events = "off"
[[rule]]
name = "purchase"
effect = "ask"
text = ["buy", "transfer", "sell"]
[[rule]]
name = "never"
effect = "deny"
text = "drop"
on_deny = "instruct"
refusal = "Never."
[[rule]]
name = "slow down"
effect = "cooldown"
events = ["error", "log"]
text = "rate limit"
cooldown = "5s"
"#;
