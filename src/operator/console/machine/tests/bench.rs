//! A terminal that draws at once and a daemon that gives nonces at once; time is in milliseconds and set by the test.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::control::fixtures::{at, snapshot};
use crate::control::{
    Act, ApprovalView, Change, Decided, Decision, Nonce, OperatorName, Refusal, Role, Snapshot, Update, You,
};
use crate::gate::ApprovalId;
use crate::operator::console::machine::{Console, Input, Moment, Output, Shot};
use crate::operator::console::{ConsoleEnd, ConsoleSettings, view};

pub(super) struct Bench {
    pub(super) console: Console,
    pub(super) now: u64,
    pub(super) decisions: Vec<Decision>,
    pub(super) ends: Vec<ConsoleEnd>,
    pub(super) calls: usize,
    pub(super) titles: Vec<bool>,
    pub(super) wishes: Vec<ApprovalId>,
    pub(super) pictures: usize,
    /// How many frames flushed unread input.
    pub(super) flushes: usize,
    /// Whether frames are drawn at once.
    pub(super) draws: bool,
    /// Whether nonces are given at once.
    pub(super) notes: bool,
    pub(super) undrawn: Vec<u64>,
    seq: u64,
}

pub(super) fn me(role: Role) -> You {
    You { operator: OperatorName("ops1".into()), role }
}

impl Bench {
    pub(super) fn sized(size: (u16, u16)) -> Self {
        Self {
            console: Console::new(ConsoleSettings::default(), TimeZone::UTC, size),
            now: 10_000,
            decisions: vec![],
            ends: vec![],
            calls: 0,
            titles: vec![],
            wishes: vec![],
            pictures: 0,
            flushes: 0,
            draws: true,
            notes: true,
            undrawn: vec![],
            seq: 0,
        }
    }

    /// A console of a deciding operator that has just drawn the first of these.
    pub(super) fn asking(views: &[ApprovalView]) -> Self {
        let mut bench = Self::sized((100, 40));
        bench.connected(snapshot(views.to_vec()));
        bench
    }

    pub(super) fn with(view: &ApprovalView) -> Self {
        Self::asking(std::slice::from_ref(view))
    }

    pub(super) fn connected(&mut self, snapshot: Snapshot) -> &mut Self {
        self.connected_as(Role::Decide, snapshot)
    }

    pub(super) fn connected_as(&mut self, role: Role, snapshot: Snapshot) -> &mut Self {
        self.input(Input::Connected { you: me(role), snapshot: Box::new(snapshot) });
        self
    }

    fn mono(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    /// The wall clock shows 13:02:21 when the monotonic one shows 10 s.
    pub(super) fn moment(&self) -> Moment {
        let wall: Timestamp = at("2026-11-23T13:02:11Z");
        let gone = SignedDuration::from_millis(i64::try_from(self.now).expect("a time"));
        Moment { mono: self.mono(), wall: wall.saturating_add(gone).expect("a time") }
    }

    pub(super) fn input(&mut self, input: Input) {
        for output in self.console.handle(input, self.moment()) {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Draw { frame, flush } => {
                self.flushes += usize::from(flush);
                self.undrawn.push(frame);
                if self.draws {
                    self.draw();
                }
            }
            Output::Present { ask, .. } if self.notes => {
                self.input(Input::Presented { ask, at: self.mono(), result: Ok(Nonce(ask)) });
            }
            Output::Present { .. } => {}
            Output::Decide(decision) => self.decisions.push(decision),
            Output::Screenshot(id) => self.wishes.push(id),
            Output::Picture => self.pictures += 1,
            Output::NoPicture => {}
            Output::Call => self.calls += 1,
            Output::Title { waits } => self.titles.push(waits),
            Output::Leave(end) => self.ends.push(end),
        }
    }

    pub(super) fn draw(&mut self) {
        for frame in std::mem::take(&mut self.undrawn) {
            self.input(Input::Drawn { frame, at: self.mono() });
        }
    }

    pub(super) fn later(&mut self, ms: u64) -> &mut Self {
        self.now += ms;
        self.input(Input::Tick);
        self
    }

    /// One read, stamped now.
    pub(super) fn typed(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.input(Input::Typed { at: self.mono(), bytes: bytes.as_ref().to_vec(), late: false });
        self
    }

    /// As a person: after reading for two seconds, key by key.
    pub(super) fn presses(&mut self, keys: &str) -> &mut Self {
        self.later(2_000);
        for c in keys.chars() {
            self.now += 90;
            self.typed(c.to_string());
        }
        self
    }

    pub(super) fn told(&mut self, view: ApprovalView) -> &mut Self {
        self.changed(Change::Approval { view: Box::new(view) })
    }

    pub(super) fn changed(&mut self, change: Change) -> &mut Self {
        self.seq += 1;
        self.input(Input::Update(Box::new(Update { seq: self.seq, change })));
        self
    }

    pub(super) fn answered(&mut self, id: ApprovalId, result: Result<Decided, Refusal>) -> &mut Self {
        self.input(Input::Decided { id, result });
        self
    }

    pub(super) fn pictured(&mut self, id: ApprovalId, showable: bool) -> &mut Self {
        self.input(Input::Screenshot { id, result: Ok(Shot { path: "/tmp/shot.png".into(), showable }) });
        self
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        self.decisions.iter().map(|decision| decision.act.clone()).collect()
    }

    pub(super) fn lock(&self) -> Option<String> {
        self.console.lock(self.mono()).map(|lock| lock.words())
    }

    /// What is on the screen, without styles.
    pub(super) fn screen(&self) -> String {
        let buffer = self.buffer();
        let rows = (0..buffer.area.height).map(|y| {
            let row: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn buffer(&self) -> Buffer {
        let (width, height) = self.console.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        view::draw(&self.console, self.moment(), &mut buffer);
        buffer
    }
}
