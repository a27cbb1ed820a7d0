//! A rule before it is compiled: typed, checked one by one, with nothing shared between rules.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use regex_syntax::ast;

use super::address::AddressPattern;
use super::detect::Detector;
use super::expression::Expression;
use super::glob::{DomainPattern, Glob};
use super::money::Money;
use super::rate::Rate;
use super::text::Folded;
use super::verdict::{Effect, RuleTerms};
use super::window::Window;
use crate::api::{Event, EventKind};

/// One rule: what it is, when it fires, when it does not, and its own tests.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// What matters after it fired.
    pub terms: Arc<RuleTerms>,
    /// Conditions that must all hold.
    pub when: Conditions,
    /// Conditions that, when all of them plainly hold, keep the rule from firing. `None` excepts nothing.
    pub unless: Option<Conditions>,
    /// Events with the verdict that the whole policy must give on them.
    pub tests: Vec<RuleTest>,
}

/// Conditions, ANDed; within one condition the listed alternatives are ORed. An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Kinds of events. Empty: those of [`KindName::is_looked_at_unnamed`].
    pub events: BTreeSet<KindName>,
    /// Phrases in the text.
    pub text: Vec<Phrase>,
    /// Regular expressions on the text, raw and folded.
    pub regex: Vec<Pattern>,
    /// Built-in detectors.
    pub detect: BTreeSet<Detector>,
    /// Hosts the session is at.
    pub domains: Vec<DomainPattern>,
    /// Addresses of pages the session is at.
    pub url: Vec<AddressPattern>,
    /// Names of agents.
    pub agents: Vec<Glob>,
    /// Ids of sessions.
    pub sessions: Vec<Glob>,
    /// The amount is over the limit of its currency.
    pub amount_over: Vec<Money>,
    /// The amount is under the limit of its currency.
    pub amount_under: Vec<Money>,
    /// When the event arrived.
    pub time: Vec<Window>,
    /// How often the other conditions have held in this session; in an exception, those of the rule and of the exception.
    pub count: Option<Rate>,
    /// An expression that holds.
    pub expression: Option<Expression>,
}

impl Conditions {
    /// Whether there is no condition at all, so that every event of the agent would meet it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what the event says is looked at, and not only its amounts and surroundings.
    #[must_use]
    pub fn reads_words(&self) -> bool {
        let expression = self.expression.as_ref().is_some_and(Expression::reads_words);
        expression || !(self.text.is_empty() && self.regex.is_empty() && self.detect.is_empty())
    }

    /// Whether amounts are looked at.
    #[must_use]
    pub fn reads_amounts(&self) -> bool {
        let expression = self.expression.as_ref().is_some_and(Expression::reads_amounts);
        expression || !(self.amount_over.is_empty() && self.amount_under.is_empty())
    }
}

/// The name of those known that `name` was probably meant to be.
pub(crate) fn closest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let best = known.iter().copied().filter(|_| name.len() <= 64).min_by_key(|other| distance(other))?;
    (distance(best) <= 1 + best.len() / 4).then_some(best)
}

/// A kind of events as rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindName {
    /// [`EventKind::Step`].
    Step,
    /// [`EventKind::Thought`].
    Thought,
    /// [`EventKind::Question`].
    Question,
    /// [`EventKind::Done`].
    Done,
    /// [`EventKind::Error`].
    Error,
    /// [`EventKind::Log`].
    Log,
    /// [`EventKind::User`].
    User,
    /// [`EventKind::Paused`].
    Paused,
    /// [`EventKind::Resumed`].
    Resumed,
    /// Every kind that this version does not know.
    Unknown,
}

impl KindName {
    /// All names a rule can use.
    pub const ALL: [Self; 10] = [
        Self::Step,
        Self::Thought,
        Self::Question,
        Self::Done,
        Self::Error,
        Self::Log,
        Self::User,
        Self::Paused,
        Self::Resumed,
        Self::Unknown,
    ];

    /// The name in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Thought => "thought",
            Self::Question => "question",
            Self::Done => "done",
            Self::Error => "error",
            Self::Log => "log",
            Self::User => "user",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether rules that name no `events` look at this kind: the agent speaks or acts, and may go on.
    ///
    /// Narrower than [`EventKind::is_agent_emitted`] by `done` alone. That is the agent's as well, but it reports: nothing
    /// follows that could be held, and a report has all the words of what was done. A rule that wants it names it.
    #[must_use]
    pub fn is_looked_at_unnamed(self) -> bool {
        match self {
            Self::Step | Self::Thought | Self::Question | Self::Unknown => true,
            Self::Done | Self::Error | Self::Log | Self::User | Self::Paused | Self::Resumed => false,
        }
    }

    /// The name of an event's kind.
    #[must_use]
    pub fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Step => Self::Step,
            EventKind::Thought => Self::Thought,
            EventKind::Question => Self::Question,
            EventKind::Done => Self::Done,
            EventKind::Error => Self::Error,
            EventKind::Log => Self::Log,
            EventKind::User => Self::User,
            EventKind::Paused => Self::Paused,
            EventKind::Resumed => Self::Resumed,
            EventKind::Unknown(_) => Self::Unknown,
        }
    }
}

/// A phrase that is looked for as whole words in the folded text. A `*` at its end leaves the last word open: `rate limit*`
/// also finds "rate limited".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phrase {
    pub(super) folded: String,
    pub(super) open_end: bool,
}

impl Phrase {
    /// A phrase of 1 to 200 characters that leaves something to look for when folded; `None` otherwise.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (words, open_end) = match text.strip_suffix('*') {
            Some(words) => (words, true),
            None => (text, false),
        };
        let folded = Folded::new(words).as_str().to_owned();
        let fits = folded.chars().any(char::is_alphanumeric) && text.chars().count() <= 200;
        fits.then_some(Self { folded, open_end })
    }
}

/// A regular expression in the syntax of the `regex` crate: linear time, so no look-around and no back-references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

/// Why a regular expression was refused, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadPattern {
    /// What is wrong, in words.
    pub message: String,
    /// The bytes of the expression that are to blame, when that can be told.
    pub range: Option<Range<usize>>,
}

/// The most memory one compiled expression may take, in bytes.
pub(super) const PATTERN_SIZE: usize = 1 << 20;

impl Pattern {
    /// Checks an expression of at most 4 096 bytes that does not match the empty text.
    ///
    /// # Errors
    ///
    /// When it does not parse, would grow too large, or would match everything.
    pub fn new(source: &str) -> Result<Self, BadPattern> {
        let refuse = |message: String, range| Err(BadPattern { message, range });
        if source.len() > 4096 {
            return refuse("longer than 4096 bytes".to_owned(), None);
        }
        if let Err(error) = ast::parse::Parser::new().parse(source) {
            let span = error.span();
            return refuse(error.kind().to_string(), Some(span.start.offset..span.end.offset));
        }
        match regex::RegexBuilder::new(source).size_limit(PATTERN_SIZE).build() {
            Err(regex::Error::CompiledTooBig(_)) => {
                refuse("too large when compiled; count less with {n,m}".to_owned(), None)
            }
            Err(error) => {
                let text = error.to_string();
                refuse(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(), None)
            }
            Ok(regex) if regex.is_match("") => refuse("matches every text, even an empty one".to_owned(), None),
            Ok(_) => Ok(Self(source.to_owned())),
        }
    }

    /// The expression as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event with the effect that the whole policy must have on it, checked when the policy is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTest {
    /// Where it stands, as `config.toml:44`.
    pub place: String,
    /// The event.
    pub event: Event,
    /// The agent's name in this test.
    pub agent: Option<String>,
    /// The session's goal in this test.
    pub goal: Option<String>,
    /// When the event arrives; `None`: 2026-01-01T12:00:00Z, a Thursday.
    pub at: Option<Timestamp>,
    /// How often the event comes, all at that moment; the last verdict counts. At least 1.
    pub times: u32,
    /// The effect that must follow.
    pub expect: Effect,
}
