//! The prompt's reducer: every input is one event, every consequence is an output.
//!
//! Pure: arrival stamps and results come in, text and requests go out; it names no terminal, no clock and no runtime.
//!
//! Theory of operation. At most one approval is *current*: the one whose card is on screen and whose question is open. The
//! card under the finger never changes by itself; it leaves by a decision, by ending, or by a new revision, which is drawn
//! again. Each time a question is put it gets a new *ask* number. What a line may do is settled by its first byte: one that
//! came after the terminal had reported that this ask is on screen, and after the arming time, may do everything; one that
//! came after the report alone lets nothing go on, and one from before does not bear on the card at all. A paste, a read that
//! runs on after Enter, and the rest of a line whose question has gone are discarded as a whole. After every line that was
//! acted on, the question is put anew.

mod agreeing;
mod asking;
mod news;
mod only;
#[cfg(test)]
mod tests;
mod typing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{PromptEnd, PromptSettings};
use crate::control::{
    Act, ApprovalView, ClientSettings, Decided, Decision, Halt, Nonce, OperatorName, Refusal, Snapshot, State, Update,
};
use crate::gate::{ApprovalId, Delivery, Digest, Outcome, Revision};
use crate::operator::escape::again;
use crate::operator::keys::Keys;
use crate::operator::line::Line;

/// How long the prompt waits for the answer to a decision before it goes on to the next card.
const PATIENCE: Duration = Duration::from_secs(3);

/// After so many lines below a card its headline is drawn again: a question has to say what it is about.
const SCROLLED: usize = 20;

/// Something that happened to the prompt. Times are monotonic, from the process's own zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes were typed.
    Typed {
        /// When they arrived.
        at: Duration,
        /// The bytes of one read.
        bytes: Vec<u8>,
        /// Whether the reader cannot vouch for the time: it had been stopped, or had to drop bytes.
        late: bool,
    },
    /// The text of this ask is on screen and unread input was flushed.
    OnScreen {
        /// The number from [`Output::Ask`].
        ask: u64,
        /// When.
        at: Duration,
        /// Whether there was unread input to flush: it is said that it was discarded.
        flushed: bool,
    },
    /// The daemon answered [`Output::Present`].
    Presented {
        /// The number from [`Output::Present`].
        ask: u64,
        /// The nonce, or why not.
        result: Result<Nonce, Refusal>,
    },
    /// What there was when the client connected.
    Snapshot(Box<Snapshot>),
    /// Something changed at the daemon.
    Update(Box<Update>),
    /// The connection to the daemon is lost: nothing that is known of it holds until the next [`Input::Snapshot`].
    Away {
        /// Why, in our words.
        why: String,
    },
    /// The daemon answered [`Output::Decide`].
    Decided {
        /// The approval.
        id: ApprovalId,
        /// What became of it.
        result: Result<Decided, Refusal>,
    },
    /// The daemon answered [`Output::Screenshot`].
    Screenshot {
        /// The approval.
        id: ApprovalId,
        /// Where the picture was saved.
        result: Result<PathBuf, Refusal>,
    },
    /// A log line to print.
    Log(String),
    /// The terminal has so many columns from here on.
    Columns(usize),
    /// The terminal is ours again after a suspension.
    Back,
    /// The time of day, which deadlines are measured by.
    Clock(Timestamp),
    /// Time passed.
    Tick,
}

/// Something the prompt wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Print this.
    Print(String),
    /// Print this, flush unread input, then report [`Input::OnScreen`].
    Ask {
        /// The number to report.
        ask: u64,
        /// The text, ending in the question.
        text: String,
    },
    /// Throw away unread input.
    Flush,
    /// Announce that a card was drawn.
    Present {
        /// The number to answer with.
        ask: u64,
        /// The approval.
        id: ApprovalId,
        /// The revision that was drawn.
        revision: Revision,
        /// The digest of the card that was drawn.
        digest: Digest,
    },
    /// Decide.
    Decide(Decision),
    /// Ask for a picture.
    Screenshot(ApprovalId),
    /// Ring the bell.
    Bell,
    /// The prompt is over.
    Leave(PromptEnd),
}

/// The reducer.
#[derive(Debug)]
pub struct Prompt {
    settings: PromptSettings,
    zone: TimeZone,
    columns: usize,
    waiting: Vec<ApprovalView>,
    current: Option<Current>,
    /// Who answers here; `None` where that is not known.
    you: Option<OperatorName>,
    /// The stop of everything that is in force.
    halt: Option<Halt>,
    /// Decided here, and meant to end so; the outcome or its delivery is still to come.
    mine: BTreeMap<ApprovalId, Option<Outcome>>,
    /// Approved here, as one of several, on the card with this digest.
    voted: BTreeMap<ApprovalId, Digest>,
    /// Called out again for this deadline.
    called: BTreeMap<ApprovalId, Timestamp>,
    /// At which share of its time an approval is called out again, in per cent.
    escalate_percent: u8,
    /// The time of day when time last passed.
    clock: Option<Timestamp>,
    /// The last delivery that was said of an ended approval.
    told: BTreeMap<ApprovalId, Delivery>,
    keys: Keys,
    line: Line,
    /// How the question stood when the line was begun, and when that was.
    begun: Option<(Begun, Duration)>,
    taint: Option<Taint>,
    /// Early input was dropped since the question was put, and that was not said yet.
    dropped: bool,
    /// Lines printed below the current card since it, or its headline, was drawn.
    below: usize,
    /// The cursor stands behind a question or a typed line.
    open_line: bool,
    last_ask: u64,
    /// The connection to the daemon is lost: what waited when it was.
    away: Option<BTreeSet<ApprovalId>>,
    /// What was denied here last or ended by itself while it was asked about, and since when no denial was refused for that.
    left: Option<(ApprovalId, Duration)>,
    /// `q` was typed while something waits; another one leaves.
    leaving: bool,
    out: Vec<Output>,
}

/// The approval whose question is open.
#[derive(Clone, Debug)]
struct Current {
    id: ApprovalId,
    ask: u64,
    revision: Revision,
    digest: Digest,
    is_draft: bool,
    on_screen: Option<Duration>,
    nonce: Option<Nonce>,
    /// An instruction that waits for the amount to be typed.
    pending: Option<Act>,
    read_details: bool,
    deciding_since: Option<Duration>,
}

/// How the open question stood when the first byte of a line arrived; the later, the more the line may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    /// It was not on screen yet, or an answer to it is on its way.
    Before,
    /// It was on screen, too short to be read.
    Shown,
    /// It had been on screen for the arming time; also when nothing is asked.
    Armed,
}

/// Why the line being typed will not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taint {
    /// Input was thrown away, and what follows may be its rest: unless nothing follows until the question is armed.
    Torn,
    /// It is the rest of a line that was thrown away.
    Rest,
    Paste,
    Burst,
}

impl Prompt {
    /// A prompt with nothing to ask yet.
    #[must_use]
    pub fn new(settings: PromptSettings, zone: TimeZone, columns: usize) -> Self {
        Self {
            settings,
            zone,
            columns,
            waiting: Vec::new(),
            current: None,
            you: None,
            halt: None,
            mine: BTreeMap::new(),
            voted: BTreeMap::new(),
            called: BTreeMap::new(),
            escalate_percent: ClientSettings::default().escalate_percent,
            clock: None,
            told: BTreeMap::new(),
            keys: Keys::default(),
            line: Line::default(),
            begun: None,
            taint: None,
            dropped: false,
            below: 0,
            open_line: false,
            last_ask: 0,
            away: None,
            left: None,
            leaving: false,
            out: Vec::new(),
        }
    }

    /// The same for an operator of this name: what somebody else decided a moment earlier is not taken for its own.
    #[must_use]
    pub fn of(self, you: OperatorName) -> Self {
        Self { you: Some(you), ..self }
    }

    /// Takes one input at `now` and returns what is to be done, in order.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Output> {
        let asked = self.current.as_ref().filter(|current| current.deciding_since.is_none()).map(|current| current.id);
        let is_typed = matches!(input, Input::Typed { .. });
        match input {
            Input::Typed { at, bytes, late } => self.typed(&bytes, at, late, now),
            Input::OnScreen { ask, at, flushed } => self.on_screen(ask, at, flushed),
            Input::Presented { ask, result } => self.presented(ask, result),
            Input::Snapshot(snapshot) => self.snapshot(*snapshot),
            Input::Update(update) => self.update(update.change),
            Input::Away { why } => self.away(&why),
            Input::Decided { id, result } => self.decided(id, result),
            Input::Screenshot { id, result } => self.screenshot(id, result),
            Input::Log(line) => self.say(&again(&line)),
            Input::Columns(columns) => self.columns = columns,
            Input::Back => self.back(),
            Input::Clock(now) => self.clock = Some(now),
            Input::Tick => self.tick(now),
        }
        if let Some(id) = asked
            && !is_typed
            && !self.is_current(id)
        {
            self.left = Some((id, now));
        }
        std::mem::take(&mut self.out)
    }

    /// Ends the line under the cursor, so that whatever is printed next starts at the left.
    pub fn close_line(&mut self) -> Vec<Output> {
        self.break_line();
        std::mem::take(&mut self.out)
    }

    fn view(&self, id: ApprovalId) -> Option<&ApprovalView> {
        self.waiting.iter().find(|view| view.card.approval == id)
    }

    fn forget(&mut self, id: ApprovalId) {
        self.waiting.retain(|view| view.card.approval != id);
        self.voted.remove(&id);
        self.called.remove(&id);
    }

    fn is_current(&self, id: ApprovalId) -> bool {
        self.current.as_ref().is_some_and(|current| current.id == id)
    }

    fn tick(&mut self, now: Duration) {
        self.call_again();
        let Some(current) = &self.current else { return };
        if current.deciding_since.is_some_and(|since| now.saturating_sub(since) > PATIENCE) {
            let code = current.id.code();
            self.current = None;
            self.tell(&format!("{code}  the daemon has not answered yet; its answer will be shown here"));
            self.next();
            return;
        }
        if !self.is_armed(now) {
            return;
        }
        self.taint.take_if(|taint| *taint == Taint::Torn);
        if std::mem::take(&mut self.dropped) {
            self.say("(typed too soon after this question was put, and discarded)");
        }
    }

    /// How the question stands at `at`.
    fn standing(&self, at: Duration) -> Begun {
        let Some(current) = &self.current else { return Begun::Armed };
        let risk = self.view(current.id).map(|view| view.card.risk);
        let arm = risk.map_or(self.settings.arm_high, |risk| self.settings.arming(risk));
        let on_screen = current.on_screen.filter(|shown| current.deciding_since.is_none() && at >= *shown);
        match on_screen {
            None => Begun::Before,
            Some(shown) if at < shown.saturating_add(arm) => Begun::Shown,
            Some(_) => Begun::Armed,
        }
    }

    /// Whether a line that is begun at `at` may answer the open question.
    fn is_armed(&self, at: Duration) -> bool {
        self.standing(at) == Begun::Armed
    }

    /// Whether the answer to the open question is on its way.
    fn is_deciding(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.deciding_since.is_some())
    }

    /// Whether something was typed that Enter has not ended.
    fn is_typing(&self) -> bool {
        self.begun.is_some() || self.taint.is_some_and(|taint| taint != Taint::Torn)
    }

    fn is_draft(view: &ApprovalView) -> bool {
        matches!(view.state, State::Draft) || view.card.revision == Revision(0)
    }
}
