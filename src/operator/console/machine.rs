//! The console's reducer: every input is one event, every consequence is an output.
//!
//! Pure: arrival stamps, times and answers come in; frames to draw and requests go out. It names no terminal, no clock and
//! no runtime.
//!
//! Theory of operation. At most one approval is *pinned*: the one whose card is on screen. It leaves by a decision, by
//! ending, or because the operator moves on. Whenever it has to be read anew (another card, another revision, another
//! window, a paste, the terminal back) it gets a new *ask* number; the first frame that shows it under that number starts
//! the arming, and unread input is flushed then. One frame is in flight at a time. A key counts by the time at which it
//! arrived, never by the time at which it is looked at.

mod arming;
mod deciding;
mod entry;
mod keys;
mod news;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) use arming::{Lock, Pinned};
pub(super) use entry::{Entry, Wanted};

use super::{ConsoleEnd, ConsoleSettings};
use crate::control::{
    ApprovalView, DaemonInfo, Decided, Decision, Nonce, Presence, Refusal, SessionView, Snapshot, State, Update, You,
};
use crate::gate::{ApprovalId, Delivery, Digest, Outcome, Revision};
use crate::operator::keys::Keys;

/// How many ended approvals are kept for the history.
const REMEMBERED: usize = 256;
/// How many sentences are kept for the banner.
const SAID: usize = 4;
/// The smallest window in which a card can be approved.
pub(super) const SMALLEST: (u16, u16) = (40, 12);

/// What time it is, monotonic from the process's own zero and on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For intervals.
    pub mono: Duration,
    /// For ages and deadlines.
    pub wall: Timestamp,
}

/// Something that happened to the console.
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
    /// A frame is on screen.
    Drawn {
        /// The number from [`Output::Draw`].
        frame: u64,
        /// When.
        at: Duration,
    },
    /// The window has this size from here on.
    Resized {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// The terminal is ours again after a suspension: nothing of ours is on it.
    Back,
    /// The daemon was reached.
    Connected {
        /// Who we are to it.
        you: You,
        /// Everything there is.
        snapshot: Box<Snapshot>,
    },
    /// The connection is lost, or was not made.
    Lost {
        /// Why.
        why: String,
    },
    /// Something changed at the daemon.
    Update(Box<Update>),
    /// The daemon answered [`Output::Present`].
    Presented {
        /// The number from [`Output::Present`].
        ask: u64,
        /// When the answer came.
        at: Duration,
        /// The nonce, or why not.
        result: Result<Nonce, Refusal>,
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
        /// Where the picture is.
        result: Result<Shot, Refusal>,
    },
    /// Time passed.
    Tick,
}

/// A screenshot that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Where.
    pub path: String,
    /// Whether this terminal can show it.
    pub showable: bool,
}

/// Something the console wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Draw the screen as it is now, then report [`Input::Drawn`].
    Draw {
        /// The number to report.
        frame: u64,
        /// Whether unread input is thrown away once it is on screen.
        flush: bool,
    },
    /// Announce that a card was drawn.
    Present {
        /// The number to answer with.
        ask: u64,
        /// The approval.
        id: ApprovalId,
        /// The revision that was drawn.
        revision: Revision,
        /// The digest of its card.
        digest: Digest,
    },
    /// Decide.
    Decide(Decision),
    /// Ask for a picture.
    Screenshot(ApprovalId),
    /// Put the picture that came last on the empty screen.
    Picture,
    /// Take the picture away.
    NoPicture,
    /// Call the operator: bell and notification, constant words.
    Call,
    /// The window's title.
    Title {
        /// Whether something waits.
        waits: bool,
    },
    /// The console is over.
    Leave(ConsoleEnd),
}

/// What is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Queue,
    Sessions,
    History,
    Help,
    Picture,
}

/// How the daemon is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Connected,
    Lost { since: Timestamp, why: String },
}

/// A sentence for the banner; one that is about an approval replaces the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) about: Option<ApprovalId>,
    pub(super) text: String,
}

/// The reducer.
#[derive(Debug)]
pub struct Console {
    pub(super) settings: ConsoleSettings,
    pub(super) zone: TimeZone,
    pub(super) size: (u16, u16),
    pub(super) page: Page,
    pub(super) link: Link,
    pub(super) you: Option<You>,
    pub(super) daemon: DaemonInfo,
    pub(super) operators: Vec<Presence>,
    pub(super) sessions: Vec<SessionView>,
    /// What waits, in the order of every list; the pinned one stays pinned wherever it stands in it.
    pub(super) queue: Vec<ApprovalView>,
    /// What has ended, the newest last.
    pub(super) history: VecDeque<ApprovalView>,
    pub(super) pinned: Option<Pinned>,
    pub(super) entry: Option<Entry>,
    pub(super) said: VecDeque<Said>,
    /// The first line of a list that is on screen.
    pub(super) top: usize,
    /// What was decided here and is meant to end so.
    mine: BTreeMap<ApprovalId, Outcome>,
    /// The last delivery that was said of an ended approval.
    told: BTreeMap<ApprovalId, Delivery>,
    /// What was called out, and whether the second time.
    called: BTreeMap<ApprovalId, bool>,
    keys: Keys,
    last_key: Option<Duration>,
    /// A line was closed under the keys: until none comes for a moment they are the rest of it.
    rest: bool,
    /// What was denied here last or left the screen by itself, and since when no `n` has come.
    left: Option<(ApprovalId, Duration)>,
    last_ask: u64,
    last_frame: u64,
    in_flight: Option<InFlight>,
    dirty: bool,
    flush: bool,
    titled: bool,
    /// What the clock parts of the screen said last.
    face: Option<(i64, Option<Lock>)>,
    out: Vec<Output>,
}

/// The frame that is being drawn.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    frame: u64,
    /// The ask whose card it shows.
    ask: Option<u64>,
    /// Whether the end of that card is on it.
    end: bool,
    /// Whether that is the end of everything there is.
    details: bool,
    page: Page,
}

impl Console {
    /// A console that has not reached the daemon yet.
    #[must_use]
    pub fn new(settings: ConsoleSettings, zone: TimeZone, size: (u16, u16)) -> Self {
        Self {
            settings,
            zone,
            size,
            page: Page::Queue,
            link: Link::Connecting,
            you: None,
            daemon: DaemonInfo::default(),
            operators: Vec::new(),
            sessions: Vec::new(),
            queue: Vec::new(),
            history: VecDeque::new(),
            pinned: None,
            entry: None,
            said: VecDeque::new(),
            top: 0,
            mine: BTreeMap::new(),
            told: BTreeMap::new(),
            called: BTreeMap::new(),
            keys: Keys::default(),
            last_key: None,
            rest: false,
            left: None,
            last_ask: 0,
            last_frame: 0,
            in_flight: None,
            dirty: true,
            flush: true,
            titled: false,
            face: None,
            out: Vec::new(),
        }
    }

    /// Takes one input at `now` and returns what is to be done, in order.
    pub fn handle(&mut self, input: Input, now: Moment) -> Vec<Output> {
        let shown = self.pinned.as_ref().filter(|pinned| !pinned.deciding).map(|pinned| pinned.id);
        let is_typed = matches!(input, Input::Typed { .. });
        match input {
            Input::Typed { at, bytes, late } => self.typed(&bytes, at, late),
            Input::Drawn { frame, at } => self.drawn(frame, at),
            Input::Resized { columns, rows } => self.resized((columns, rows)),
            Input::Back => {
                self.in_flight = None;
                self.leave_picture();
                self.rearm();
            }
            Input::Connected { you, snapshot } => self.connected(you, *snapshot, now),
            Input::Lost { why } => self.lost(why, now),
            Input::Update(update) => self.update(update.change, now),
            Input::Presented { ask, at, result } => self.presented(ask, at, result),
            Input::Decided { id, result } => self.decided(id, result, now),
            Input::Screenshot { id, result } => self.screenshot(id, result),
            Input::Tick => self.tick(now),
        }
        if let Some(id) = shown
            && !is_typed
            && !self.is_pinned(id)
        {
            self.left = Some((id, now.mono));
        }
        self.title();
        self.draw();
        std::mem::take(&mut self.out)
    }

    /// How many approvals wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn view(&self, id: ApprovalId) -> Option<&ApprovalView> {
        self.queue.iter().find(|view| view.card.approval == id)
    }

    /// The pinned approval and what is known of its being read.
    pub(super) fn on_card(&self) -> Option<(&Pinned, &ApprovalView)> {
        let pinned = self.pinned.as_ref()?;
        Some((pinned, self.view(pinned.id)?))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.link == Link::Connected
    }

    pub(super) fn is_large_enough(&self) -> bool {
        self.size.0 >= SMALLEST.0 && self.size.1 >= SMALLEST.1
    }

    fn is_pinned(&self, id: ApprovalId) -> bool {
        self.pinned.as_ref().is_some_and(|pinned| pinned.id == id)
    }

    fn is_draft(view: &ApprovalView) -> bool {
        matches!(view.state, State::Draft) || view.card.revision == Revision(0)
    }

    /// Puts a sentence into the banner.
    fn say(&mut self, about: Option<ApprovalId>, text: String) {
        if about.is_some() {
            self.said.retain(|said| said.about != about);
        }
        self.said.push_back(Said { about, text });
        while self.said.len() > SAID {
            self.said.pop_front();
        }
        self.dirty = true;
    }

    /// A sentence about what the operator has just done; the next one replaces it.
    fn note(&mut self, text: &str) {
        self.forget_notes();
        self.say(None, format!("({text})"));
    }

    /// Takes away what was said about what the operator was doing: that is over.
    fn forget_notes(&mut self) {
        self.said.retain(|said| said.about.is_some() || !said.text.starts_with('('));
    }

    fn resized(&mut self, size: (u16, u16)) {
        self.size = size;
        self.leave_picture();
        self.rearm();
        self.read_anew();
        self.clamp();
    }

    fn title(&mut self) {
        let waits = !self.queue.is_empty();
        if self.settings.calls && waits != self.titled {
            self.titled = waits;
            self.out.push(Output::Title { waits });
        }
    }

    fn draw(&mut self) {
        if !self.dirty || self.in_flight.is_some() {
            return;
        }
        self.dirty = false;
        self.last_frame += 1;
        let frame = self.last_frame;
        let card_shows = self.page == Page::Queue && self.is_large_enough();
        let ask = self.pinned.as_ref().filter(|_| card_shows).map(|pinned| pinned.ask);
        let details = self.pinned.as_ref().is_some_and(|pinned| pinned.details);
        self.in_flight = Some(InFlight { frame, ask, end: self.shows_end(), details, page: self.page });
        self.out.push(Output::Draw { frame, flush: std::mem::take(&mut self.flush) });
    }
}
