//! A terminal that draws at once and a daemon that gives nonces at once; time is in milliseconds and set by the test.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::control::{Act, ApprovalView, Change, Decided, Decision, Nonce, Refusal, Update};
use crate::gate::{ApprovalId, Outcome};
use crate::operator::prompt::machine::{Input, Output, Prompt};
use crate::operator::prompt::{PromptEnd, PromptSettings};

pub(super) struct Bench {
    pub(super) prompt: Prompt,
    pub(super) now: u64,
    /// Everything printed so far.
    pub(super) screen: String,
    pub(super) decisions: Vec<Decision>,
    pub(super) ends: Vec<PromptEnd>,
    pub(super) bells: usize,
    pub(super) flushes: usize,
    pub(super) wishes: Vec<ApprovalId>,
    /// Whether asks are drawn at once.
    pub(super) draws: bool,
    pub(super) undrawn: Vec<u64>,
    /// When the question that was put last came on screen.
    pub(super) drawn_at: Option<u64>,
    seq: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::wide(100)
    }

    pub(super) fn wide(columns: usize) -> Self {
        Self {
            prompt: Prompt::new(PromptSettings::default(), TimeZone::UTC, columns)
                .of(crate::control::OperatorName("ops1".to_owned())),
            now: 10_000,
            screen: String::new(),
            decisions: vec![],
            ends: vec![],
            bells: 0,
            flushes: 0,
            wishes: vec![],
            draws: true,
            undrawn: vec![],
            drawn_at: None,
            seq: 0,
        }
    }

    /// A prompt that has just drawn the first of these.
    pub(super) fn asking(views: &[ApprovalView]) -> Self {
        let mut bench = Self::new();
        bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(views.to_vec()))));
        bench
    }

    /// A prompt that has just drawn this.
    pub(super) fn with(view: &ApprovalView) -> Self {
        Self::asking(std::slice::from_ref(view))
    }

    pub(super) fn input(&mut self, input: Input) {
        let outputs = self.prompt.handle(input, Duration::from_millis(self.now));
        for output in outputs {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Print(text) => self.screen.push_str(&text),
            Output::Ask { ask, text } => {
                self.screen.push_str(&text);
                self.undrawn.push(ask);
                self.drawn_at = None;
                if self.draws {
                    self.draw();
                }
            }
            Output::Flush => self.flushes += 1,
            Output::Bell => self.bells += 1,
            Output::Present { ask, .. } => self.input(Input::Presented { ask, result: Ok(Nonce(ask)) }),
            Output::Decide(decision) => self.decisions.push(decision),
            Output::Screenshot(id) => self.wishes.push(id),
            Output::Leave(end) => self.ends.push(end),
        }
    }

    pub(super) fn draw(&mut self) {
        self.drawn_at = self.drawn_at.or((!self.undrawn.is_empty()).then_some(self.now));
        for ask in std::mem::take(&mut self.undrawn) {
            self.input(Input::OnScreen { ask, at: Duration::from_millis(self.now), flushed: false });
        }
    }

    pub(super) fn later(&mut self, ms: u64) -> &mut Self {
        self.now += ms;
        self.input(Input::Tick);
        self
    }

    /// One read, stamped now.
    pub(super) fn typed(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let at = Duration::from_millis(self.now);
        self.input(Input::Typed { at, bytes: bytes.as_ref().to_vec(), late: false });
        self
    }

    /// As a person types: key by key, after reading for two seconds.
    pub(super) fn answers(&mut self, line: &str) -> &mut Self {
        self.later(2000);
        for c in line.chars().chain(['\n']) {
            self.now += 80;
            self.typed(c.to_string());
        }
        self
    }

    pub(super) fn told(&mut self, view: ApprovalView) -> &mut Self {
        self.seq += 1;
        let change = Change::Approval { view: Box::new(view) };
        self.input(Input::Update(Box::new(Update { seq: self.seq, change })));
        self
    }

    pub(super) fn taken(&mut self, id: ApprovalId, outcome: Outcome) -> &mut Self {
        self.input(Input::Decided { id, result: Ok(Decided::Outcome { outcome }) });
        self
    }

    pub(super) fn refused(&mut self, id: ApprovalId, refusal: Refusal) -> &mut Self {
        self.input(Input::Decided { id, result: Err(refusal) });
        self
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        self.decisions.iter().map(|decision| decision.act.clone()).collect()
    }

    /// What was printed since the last call.
    pub(super) fn printed(&mut self) -> String {
        std::mem::take(&mut self.screen)
    }
}
