//! What stands on the screen: the question, and what is printed above it.

use std::time::Duration;

use super::agreeing::in_list;
use super::{Current, Output, Prompt, SCROLLED, Taint};
use crate::control::{ApprovalView, Nonce, Refusal};
use crate::gate::ApprovalId;
use crate::operator::card::{self, Frame};
use crate::operator::escape::again;
use crate::operator::layout::folded;
use crate::operator::line::Line;
use crate::operator::{terms, words};

impl Prompt {
    /// Prints lines without touching the open question: it is printed again below them, with what was typed so far.
    pub(super) fn say(&mut self, text: &str) {
        self.tell(text);
        let Some(question) = self.open_question() else { return };
        let reminder = self.reminder();
        let typed = if self.taint.is_none() { self.line.echoed() } else { String::new() };
        self.print(format!("{reminder}{question}{typed}"));
        self.open_line = true;
    }

    /// Prints lines; an open question is not repeated.
    pub(super) fn tell(&mut self, text: &str) {
        self.break_line();
        let lines: Vec<String> = text.trim_end_matches('\n').split('\n').flat_map(|line| self.fold(line)).collect();
        self.below += lines.len();
        self.print(lines.join("\n") + "\n");
    }

    /// A line as it is printed: escaped, and broken at words where the terminal would break it anywhere.
    fn fold(&self, line: &str) -> Vec<String> {
        folded(&again(line), self.columns)
    }

    /// The headline of the current card, when it has probably scrolled away.
    fn reminder(&mut self) -> String {
        let view = self.current.as_ref().and_then(|current| self.view(current.id));
        let Some(view) = view.filter(|_| self.below > SCROLLED).cloned() else { return String::new() };
        self.below = 0;
        card::headline(&view, &self.frame(), "d shows it")
    }

    pub(super) fn break_line(&mut self) {
        if std::mem::take(&mut self.open_line) {
            self.print("\n".to_owned());
        }
    }

    pub(super) fn print(&mut self, text: String) {
        self.out.push(Output::Print(text));
    }

    /// Goes on to the approval that is first in the order of every list: one that can be answered before one that cannot.
    pub(super) fn next(&mut self) {
        let free = self.waiting.iter().filter(|view| !self.is_settled(view));
        let Some(view) = free.min_by_key(|view| (Self::is_draft(view), terms::rank(view))) else {
            self.current = None;
            self.abandon_line();
            return;
        };
        self.show(view.card.approval, "");
    }

    /// Makes an approval current and draws its whole card, under `remark`.
    pub(super) fn show(&mut self, id: ApprovalId, remark: &str) {
        let Some(view) = self.view(id).cloned() else { return };
        let frame = self.frame();
        let drawn = if Self::is_draft(&view) {
            let when = if view.card.denial_releases() { "once it is paused" } else { "now" };
            card::headline(&view, &frame, &format!("pausing; n {} {when}", words::denying(&view.card)))
        } else {
            format!("\n{}{}", card::card(&view, &frame).finish(), self.meaning_of_yes())
        };
        self.current = Some(Current {
            id,
            ask: 0,
            revision: view.card.revision,
            digest: view.digest,
            is_draft: Self::is_draft(&view),
            on_screen: None,
            nonce: None,
            pending: None,
            read_details: false,
            deciding_since: None,
        });
        self.below = 0;
        let remark = if remark.is_empty() { String::new() } else { format!("{}\n", remark.trim_end()) };
        self.ask(&format!("{remark}{drawn}"));
    }

    /// Puts the question of the current approval anew, under `text`: input starts from nothing, arming starts from zero.
    pub(super) fn ask(&mut self, text: &str) {
        let Some(question) = self.question_of_current() else { return };
        self.break_line();
        self.abandon_line();
        self.last_ask += 1;
        let ask = self.last_ask;
        if let Some(current) = &mut self.current {
            current.ask = ask;
            current.on_screen = None;
            current.nonce = None;
            current.deciding_since = None;
        }
        let text = text.trim_end_matches('\n');
        let mut lines: Vec<String> = text.split('\n').flat_map(|line| folded(line, self.columns)).collect();
        lines.push(String::new());
        let text = if text.is_empty() { String::new() } else { lines.join("\n") };
        self.out.push(Output::Ask { ask, text: format!("{text}{question}") });
        self.open_line = true;
    }

    /// Forgets a line that Enter has ended.
    pub(super) fn fresh_line(&mut self) {
        self.line = Line::default();
        self.begun = None;
        self.taint = None;
    }

    /// Forgets a line in the middle: what is still to come of it must not pass for a line of its own, so it stays tainted
    /// until Enter.
    pub(super) fn abandon_line(&mut self) {
        let (is_typing, was) = (self.is_typing(), self.taint);
        self.fresh_line();
        self.dropped |= is_typing;
        self.taint = if is_typing { Some(Taint::Rest) } else { was };
    }

    pub(super) fn on_screen(&mut self, ask: u64, at: Duration, flushed: bool) {
        if flushed {
            self.dropped = true;
            self.abandon_line();
            self.taint = self.taint.or(Some(Taint::Torn));
        }
        let Some(current) = self.current.as_mut().filter(|current| current.ask == ask) else { return };
        current.on_screen = Some(at);
        if !current.is_draft {
            self.out.push(Output::Present { ask, id: current.id, revision: current.revision, digest: current.digest });
        }
    }

    /// A refusal needs no words: what caused it comes as an update, and a decision without a nonce asks again.
    pub(super) fn presented(&mut self, ask: u64, result: Result<Nonce, Refusal>) {
        if let Some(current) = self.current.as_mut().filter(|current| current.ask == ask) {
            current.nonce = result.ok();
        }
    }

    /// The terminal is ours again; of what it shows nothing is known but that our question may still be there.
    pub(super) fn back(&mut self) {
        self.break_line();
        let Some(view) = self.current.as_ref().and_then(|current| self.view(current.id)).cloned() else {
            self.tell("holdpoint is back at this terminal; nothing is asked right now");
            return;
        };
        let again = card::headline(&view, &self.frame(), "still waits; d shows it");
        self.ask(&again);
    }

    pub(super) fn list(&self) -> String {
        if self.away.is_some() {
            return "there is no connection to the daemon, so what waits is not known".to_owned();
        }
        let stopped = self.stopped().map(|stopped| stopped + "\n").unwrap_or_default();
        if self.waiting.is_empty() {
            return stopped + "nothing waits for an answer";
        }
        let line = |view: &ApprovalView| card::headline(view, &self.frame(), &in_list(view, self.clock));
        self.listed().iter().map(line).fold(stopped, |list, line| list + &line)
    }

    /// What holds while everything is stopped.
    pub(super) fn stopped(&self) -> Option<String> {
        let stopped = words::stopped(self.halt.as_ref()?);
        Some(format!("{stopped}: what acts is paused, and no deadline runs; {}", words::ENDS_STOP))
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        let others = self.waiting.iter().filter(|view| !self.is_settled(view)).count();
        Frame { columns: self.columns, zone: &self.zone, waiting: others.saturating_sub(1), margin: None }
    }

    /// The question, when it is on screen and can be answered.
    fn open_question(&self) -> Option<String> {
        let current = self.current.as_ref().filter(|current| current.deciding_since.is_none())?;
        let view = self.view(current.id)?;
        Some(words::question(&view.card, current.is_draft))
    }

    fn question_of_current(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        let view = self.view(current.id)?;
        Some(words::question(&view.card, current.is_draft))
    }
}
