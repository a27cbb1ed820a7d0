//! From typed bytes to a decision.

use std::time::Duration;

use super::{Begun, Output, Prompt, Taint};
use crate::control::{Act, ApprovalView, Decision};
use crate::gate::{Card, Hold, Outcome, Subject};
use crate::operator::card;
use crate::operator::keys::Key;
use crate::operator::prompt::PromptEnd;
use crate::operator::prompt::command::{Command, parse};
use crate::operator::terms::{NEXT_DENIAL, because};
use crate::operator::words;
use crate::policy::Confirm;

impl Prompt {
    pub(super) fn typed(&mut self, bytes: &[u8], at: Duration, late: bool, now: Duration) {
        let keys = self.keys.read(bytes, at);
        let runs_on = keys.iter().position(|key| *key == Key::Enter).is_some_and(|enter| enter + 1 < keys.len());
        let is_burst = runs_on && self.current.is_some();
        if is_burst {
            self.taint = self.taint.or(Some(Taint::Burst));
        }
        for key in keys {
            if key == Key::Eof && self.line.is_empty() && self.taint.is_none() {
                self.leave(PromptEnd::Eof);
                return;
            }
            if late {
                self.lose(key);
            } else if self.key(key, at, now) {
                self.taint = is_burst.then_some(Taint::Torn);
                return;
            }
        }
    }

    /// A key that counts for nothing, and with it the line it belongs to.
    fn lose(&mut self, key: Key) {
        self.fresh_line();
        self.dropped = true;
        self.taint = (key != Key::Enter).then_some(Taint::Rest);
    }

    /// Takes a key; true when it ended the line, so that what follows in the same read is dropped.
    fn key(&mut self, key: Key, at: Duration, now: Duration) -> bool {
        match (key, self.taint) {
            (Key::KillLine, Some(Taint::Torn | Taint::Rest)) => self.fresh_line(),
            (key, Some(Taint::Torn | Taint::Rest)) => {
                let ends = key == Key::Enter;
                self.lose(key);
                return ends;
            }
            (Key::Enter, _) => {
                self.entered(at, now);
                return true;
            }
            (Key::Paste(_), taint) => self.taint = taint.or(Some(Taint::Paste)),
            (key @ (Key::Char(_) | Key::Tab | Key::Backspace | Key::KillLine | Key::KillWord), None) => {
                self.edit(key, at);
            }
            (
                Key::Char(_)
                | Key::Tab
                | Key::Backspace
                | Key::KillLine
                | Key::KillWord
                | Key::Eof
                | Key::Escape
                | Key::Up
                | Key::Down
                | Key::PageUp
                | Key::PageDown
                | Key::Home
                | Key::End
                | Key::Focus(_)
                | Key::Other,
                _,
            ) => {}
        }
        false
    }

    fn edit(&mut self, key: Key, at: Duration) {
        // What only rubs out begins no line; a line that is rubbed out is still the one that was begun.
        if key == Key::KillLine {
            self.begun = None;
        } else if matches!(key, Key::Char(_) | Key::Tab) {
            self.begun = self.begun.or_else(|| Some((self.standing(at), at)));
        }
        let echo = self.line.edit(key);
        if !echo.is_empty() {
            self.open_line = true;
            self.print(echo);
        }
    }

    fn entered(&mut self, at: Duration, now: Duration) {
        let line = self.line.text();
        let (begun, since) = self.begun.unwrap_or_else(|| (self.standing(at), at));
        let refused = match self.taint {
            Some(Taint::Paste) => Some("(pasted text never decides; discarded)"),
            Some(Taint::Burst) => Some("(that came as more than one line at once, like a paste; discarded)"),
            Some(Taint::Torn | Taint::Rest) | None => {
                self.line.is_too_long().then_some("(that line is too long; nothing was done)")
            }
        };
        self.fresh_line();
        self.dropped &= refused.is_none();
        self.leaving &= refused.is_none() && parse(&line) == Command::Leave;
        if self.current.is_none() || self.is_deciding() {
            self.between(refused, &line);
            return;
        }
        self.out.push(Output::Flush);
        let refused = refused.map(str::to_owned).or_else(|| self.too_soon(&line, begun));
        match refused.or_else(|| self.denies_too_fast(&line, since, at)) {
            Some(why) => self.ask(&why),
            None => self.command(&line, now),
        }
    }

    /// Why a line does nothing that was begun so early. What lets nothing go on never waits for the arming time.
    fn too_soon(&self, line: &str, begun: Begun) -> Option<String> {
        let view = self.current.as_ref().and_then(|current| self.view(current.id))?;
        let (when, bearing) = match (begun, Bearing::of(line, &view.card)) {
            (Begun::Armed, _) | (_, Bearing::Nothing) | (Begun::Shown, Bearing::Card) => return None,
            (Begun::Shown, Bearing::Release) => ("too soon after this question was last put", Bearing::Release),
            (Begun::Before, bearing) => ("before this question was on screen", bearing),
        };
        // It is put anew, and its time with it.
        let again = match bearing {
            Bearing::Release => {
                let arm = self.settings.arming(view.card.risk).as_secs_f64();
                format!("please answer again, after another {arm:.1} s")
            }
            Bearing::Card | Bearing::Nothing => "please answer again".to_owned(),
        };
        Some(format!("(begun {when}, and discarded: {again})"))
    }

    /// Why a denial that comes on the heels of another card does nothing: nobody has read this one.
    fn denies_too_fast(&mut self, line: &str, since: Duration, at: Duration) -> Option<String> {
        let (left, last) = self.left?;
        let goes_on = since < last.saturating_add(NEXT_DENIAL) && !self.is_current(left);
        if !goes_on || !matches!(parse(line), Command::No { .. }) {
            return None;
        }
        self.left = Some((left, at));
        Some(
            "(begun so soon after another card had gone, and discarded: please answer again in two seconds)".to_owned(),
        )
    }

    /// A line while no question can be answered: nothing is asked, or the last answer is on its way.
    fn between(&mut self, refused: Option<&str>, line: &str) {
        self.break_line();
        if let Some(why) = refused {
            self.tell(why);
            return;
        }
        match parse(line) {
            Command::Again => {}
            Command::List => self.tell(&self.list()),
            Command::Leave => self.ask_to_leave(),
            Command::Help => self.tell(&words::help(None)),
            Command::Unknown if self.current.is_none() && self.pick_idle(line) => {}
            Command::Yes { .. }
            | Command::No { .. }
            | Command::Message(_)
            | Command::Answer(_)
            | Command::Extend
            | Command::Screenshot
            | Command::Details
            | Command::NeedsText(_)
            | Command::Unknown => self.tell(match self.current {
                Some(_) => "(typed while your answer was on its way, and discarded)",
                None => "nothing is asked right now; ? explains",
            }),
        }
    }

    fn command(&mut self, line: &str, now: Duration) {
        let Some(current) = &mut self.current else { return };
        let pending = current.pending.take();
        let id = current.id;
        let Some(view) = self.view(id).cloned() else { return };
        let card = &view.card;
        let (typed, reason) = because(line);
        if card.confirm == Confirm::Type && card.is_confirmed_by(typed) {
            let act = pending.unwrap_or_else(|| self.yes(reason));
            self.release(act, Some(typed.trim().to_owned()), now);
            return;
        }
        if pending.is_some() {
            self.tell("(the instruction was dropped)");
        }
        match (parse(line), card.subject) {
            (Command::Again, _) => self.ask(""),
            (Command::Yes { .. }, _) if card.confirm == Confirm::Type => {
                self.ask(&format!("y is not enough here: type {} and Enter, or n", words::to_type(card)));
            }
            (Command::Yes { reason }, _) => self.say_yes(reason, now),
            (Command::No { reason }, _) => self.deny(reason, now),
            (Command::Message(text), Subject::Hold) => self.send_text(Act::Instruct { text }, now),
            (Command::Answer(text), Subject::Question) => self.send_text(Act::Answer { text }, now),
            (Command::Message(_) | Command::NeedsText('m'), Subject::Question) => {
                self.ask("the agent asked a question: a and your answer answers it");
            }
            (Command::Answer(_) | Command::NeedsText('a'), Subject::Hold) => {
                self.ask("nothing was asked: m and a text sends an instruction");
            }
            (Command::NeedsText(letter), _) => {
                self.ask(&format!("{letter} takes the text in the same line: {letter} please use the test shop"));
            }
            (Command::Extend, _) => self.extend(now),
            (Command::Screenshot, _) => {
                self.out.push(Output::Screenshot(id));
                self.ask("taking a screenshot…");
            }
            (Command::Details, _) => self.details(),
            (Command::List, _) => self.ask(&self.list()),
            (Command::Leave, _) => self.ask_to_leave(),
            (Command::Help, _) => self.ask(&words::help(Some(&view))),
            (Command::Unknown, _) => self.pick(line),
        }
    }

    fn deny(&mut self, reason: Option<String>, now: Duration) {
        let act = Act::Deny { reason };
        let view = self.current.as_ref().and_then(|current| self.view(current.id));
        if view.is_some_and(|view| view.card.denial_releases()) {
            self.release(act, None, now);
        } else if !self.lacks_reason(&act) {
            self.decide(act, None, now);
        }
    }

    /// A card that waits for other operators, by its code.
    fn pick_idle(&mut self, line: &str) -> bool {
        let named = |view: &&ApprovalView| view.card.code().as_str().eq_ignore_ascii_case(line.trim());
        let Some(id) = self.waiting.iter().find(named).map(|view| view.card.approval) else { return false };
        self.show(id, "");
        true
    }

    /// Another card that waits, by its code. Nothing is decided by that; the one at hand keeps its place.
    fn pick(&mut self, line: &str) {
        let named = |view: &&ApprovalView| view.card.code().as_str().eq_ignore_ascii_case(line.trim());
        match self.waiting.iter().find(named).map(|view| view.card.approval) {
            Some(id) if !self.is_current(id) => self.show(id, ""),
            Some(_) | None if self.takes_typing() && line.contains(|c: char| c.is_ascii_digit()) => {
                self.ask("that is neither the amount nor the code: nothing was decided; ? explains");
            }
            Some(_) | None => self.ask("not understood, nothing was decided; ? explains"),
        }
    }

    /// Whether approving the card at hand takes its amount or its code.
    fn takes_typing(&self) -> bool {
        let view = self.current.as_ref().and_then(|current| self.view(current.id));
        view.is_some_and(|view| view.card.confirm == Confirm::Type)
    }

    /// Leaving while something waits leaves it to its deadline: that is said first.
    fn ask_to_leave(&mut self) {
        let first = self.waiting.iter().min_by_key(|view| view.deadline);
        let Some(first) = first.filter(|_| !self.leaving) else { return self.leave(PromptEnd::Left) };
        self.leaving = true;
        let (count, silence) = (self.waiting.len(), words::silence(first, &self.zone));
        let said = match first.frozen {
            _ if self.is_deciding() => "your answer is on its way: q again leaves without waiting for it".to_owned(),
            true => format!("{count} waiting; {silence} while everything is stopped: q again leaves"),
            false => format!("{count} waiting; {silence} the first: q again leaves it to that"),
        };
        if self.current.is_some() && !self.is_deciding() { self.ask(&said) } else { self.tell(&said) }
    }

    fn details(&mut self) {
        let Some(view) = self.current.as_ref().and_then(|current| self.view(current.id)).cloned() else { return };
        let text = card::details(&view, &self.frame()).finish();
        if let Some(current) = &mut self.current {
            current.read_details = true;
        }
        self.ask(&text);
    }

    /// An instruction or an answer releases; where approving takes typing, so does this.
    pub(super) fn send_text(&mut self, act: Act, now: Duration) {
        let Some(view) = self.current.as_ref().and_then(|current| self.view(current.id)) else { return };
        if view.card.terms.takes_several() {
            self.ask("several operators have to agree on what is asked: y or n, no text of your own");
            return;
        }
        if view.card.hold == Hold::ByOthers {
            self.ask("somebody else paused this session, so nothing is sent or resumed from here");
            return;
        }
        if view.card.confirm == Confirm::Key || self.is_draft_current() {
            self.release(act, None, now);
            return;
        }
        let hint =
            format!("to send this and let it go on, type {}; anything else drops it", words::to_type(&view.card));
        self.ask(&hint);
        if let Some(current) = &mut self.current {
            current.pending = Some(act);
        }
    }

    /// Sends a decision that lets the session go on, if the card was shown whole and in time.
    pub(super) fn release(&mut self, act: Act, typed: Option<String>, now: Duration) {
        let Some(current) = &self.current else { return };
        let Some(view) = self.view(current.id) else { return };
        if current.is_draft && view.card.denial_releases() {
            self.ask("the session is not paused yet; answers count when the whole card is here");
        } else if current.is_draft {
            self.ask("the session is not paused yet; n works at once, the rest when the whole card is here");
        } else if card::is_cut(&view.card) && !current.read_details {
            self.ask("the card shows only part of the agent's text: d shows all of it, then decide");
        } else if current.nonce.is_none() {
            self.ask("the daemon has not yet noted that this card is on screen; please answer again");
        } else if !self.lacks_reason(&act) {
            self.decide(act, typed, now);
        }
    }

    fn extend(&mut self, now: Duration) {
        if self.is_draft_current() {
            self.ask("the session is not paused yet, and its time has not begun");
        } else if self.current.as_ref().is_some_and(|current| current.nonce.is_none()) {
            self.ask("the daemon has not yet noted that this card is on screen; please answer again");
        } else {
            self.decide(Act::Extend, None, now);
        }
    }

    fn is_draft_current(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.is_draft)
    }

    fn decide(&mut self, act: Act, typed: Option<String>, now: Duration) {
        self.break_line();
        let Some(current) = &mut self.current else { return };
        current.deciding_since = Some(now);
        let decision = Decision {
            approval: current.id,
            revision: current.revision,
            digest: current.digest,
            nonce: current.nonce.take(),
            typed,
            act,
        };
        if matches!(decision.act, Act::Deny { .. }) {
            self.left = Some((decision.approval, now));
        }
        let meant = match &decision.act {
            Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } => Some(Outcome::Approved),
            Act::Deny { .. } => Some(Outcome::Denied),
            Act::Extend => None,
        };
        self.mine.insert(decision.approval, meant);
        self.out.push(Output::Decide(decision));
    }

    pub(super) fn leave(&mut self, end: PromptEnd) {
        self.break_line();
        self.out.push(Output::Leave(end));
    }
}

/// What a line is about, if it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearing {
    /// Not the card at hand: it lists, explains, shows another one, or leaves.
    Nothing,
    /// The card at hand, without letting anything go on.
    Card,
    /// It approves, answers or instructs, or its denial lets the agent go on.
    Release,
}

impl Bearing {
    fn of(line: &str, card: &Card) -> Self {
        if card.confirm == Confirm::Type && card.is_confirmed_by(because(line).0) {
            return Self::Release;
        }
        match parse(line) {
            Command::Yes { .. } | Command::Message(_) | Command::Answer(_) => Self::Release,
            Command::No { .. } if card.denial_releases() => Self::Release,
            Command::No { .. } | Command::Extend | Command::Screenshot | Command::Details | Command::NeedsText(_) => {
                Self::Card
            }
            Command::Again | Command::List | Command::Leave | Command::Help | Command::Unknown => Self::Nothing,
        }
    }
}
