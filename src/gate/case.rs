//! A case: one approval from its trigger to its delivery, with everything a restart needs.

mod derived;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::clock::Moment;
use crate::control::{ApprovalView, EndedBy, State, Vote};
use crate::policy::{Confirm, OnDeny, Verdict};

use super::approval::{ApprovalId, Delivery, Outcome, Revision, Timing};
use super::card::{Card, EventLine, Hold, Subject};
use super::io::Settings;
use super::owning::Owning;
use super::terms::{Bound, terms_of};
use super::voting::Votes;

use derived::{confirm_of, larger, rule_line, then_of, timing_of};
pub(super) use derived::{event_line, line_of, place_told};

const AFTER_MOST: usize = 20;
/// So many of the events right after the trigger stay on the card whatever follows.
const AFTER_FIRST: usize = 5;
/// What a note of a foreign resume says; it stays on the card whatever follows.
const RESUMED: &str = "somebody else resumed";

/// What is kept of an approval: enough to show it, decide it, deliver it and go on after a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The card as it is now.
    pub card: Card,
    /// What follows when the session is held.
    pub plan: Plan,
    /// When the approval expires.
    pub deadline: Timestamp,
    /// How long operators have from when they are asked.
    pub timeout: Duration,
    /// How often it was extended.
    pub extensions: u8,
    /// How much time the last extension gave; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_by: Option<Duration>,
    /// How far it can be.
    #[serde(default)]
    pub bound: Bound,
    /// Who has approved, where more than one operator has to.
    #[serde(default)]
    pub votes: Votes,
    /// Whether the pause is ours; `None` while that is not known, and where it stays in doubt.
    pub owned: Option<bool>,
    /// What the pause was confirmed by; `None` while it is not.
    pub proof: Option<Proof>,
    /// The newest event that is part of the card.
    pub seen_up_to: MessageId,
    /// The outcome and what became of it; `None` while it is open.
    pub closed: Option<Closed>,
    /// Whether the session stays paused because of this after its outcome.
    pub holding: bool,
    /// How much time is left, while everything is stopped and the deadline stands still.
    #[serde(default)]
    pub frozen: Option<Duration>,
}

impl Kept {
    /// Whether a restart has to go on from here: it is open, on its way, or still holds its session.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.holding || self.closed.as_ref().is_none_or(|closed| closed.delivery == Delivery::Applying)
    }

    /// What clients are shown of it once it has its outcome; `None` while it is open.
    #[must_use]
    pub fn as_ended(&self) -> Option<ApprovalView> {
        let closed = self.closed.as_ref()?;
        Some(ApprovalView {
            card: self.card.clone(),
            digest: self.card.digest(),
            state: closed.state(),
            deadline: self.deadline,
            frozen: false,
            votes: self.votes.at(closed.revision).to_vec(),
            extensions_left: 0,
        })
    }

    /// The most time that can be left: what a clock that was set back meanwhile says beyond that is not believed.
    pub(super) fn most_time(&self) -> Duration {
        self.extended_by.map_or(self.timeout, |by| by.max(self.timeout))
    }

    /// How often the deadline can still be moved.
    #[must_use]
    pub fn extensions_left(&self) -> u8 {
        self.bound.most.saturating_sub(self.extensions)
    }
}

/// What confirmed a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A status said paused, so a status can say that it no longer is.
    Status,
    /// Only a `paused` event: the provider's statuses do not show pauses, so they cannot show a resume either.
    Event,
}

/// What follows when the session is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "plan", rename_all = "snake_case")]
pub enum Plan {
    /// Ask an operator.
    Ask,
    /// Wait, then resume.
    Cooldown {
        /// The rule.
        rule: String,
        /// How long.
        lasts: Duration,
        /// Until when, once the session is held.
        until: Option<Timestamp>,
    },
    /// Send the rule's message, then resume.
    Instruct {
        /// The rule.
        rule: String,
        /// The message.
        text: String,
    },
    /// Denied already; what that needs is a held session.
    Deny {
        /// Who or what denied.
        by: EndedBy,
    },
}

/// An outcome, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Which.
    pub outcome: Outcome,
    /// At which revision.
    pub revision: Revision,
    /// Who or what.
    pub by: EndedBy,
    /// When.
    pub at: Timestamp,
    /// When the stop of everything began that was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Timestamp>,
    /// What the outcome needs at the provider.
    pub deliver: Deliver,
    /// What became of that.
    pub delivery: Delivery,
    /// The delivery in words, escaped.
    pub detail: String,
}

impl Closed {
    fn state(&self) -> State {
        State::Ended {
            outcome: self.outcome,
            by: self.by.clone(),
            at: self.at,
            delivery: self.delivery,
            detail: self.detail.clone(),
        }
    }
}

/// What an outcome needs at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deliver", rename_all = "snake_case")]
pub enum Deliver {
    /// Resume the session.
    Resume,
    /// Send a message, then resume.
    MessageThenResume {
        /// The message.
        text: String,
    },
    /// Send a message to an agent that waits for it.
    Message {
        /// The message.
        text: String,
    },
    /// Cancel the task.
    Cancel,
    /// Leave everything as it is.
    Nothing,
}

impl Deliver {
    /// Whether delivering this lets the agent go on.
    #[must_use]
    pub fn releases(&self) -> bool {
        match self {
            Self::Resume | Self::MessageThenResume { .. } | Self::Message { .. } => true,
            Self::Cancel | Self::Nothing => false,
        }
    }
}

/// A case in memory: what is kept, and what only this process knows.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub kept: Kept,
    /// On both clocks; the kept deadline is its civil half.
    pub deadline: Moment,
    pub triggered_at: Moment,
    /// Whether the card is complete; an incomplete one cannot be approved.
    pub sealed: bool,
    /// Whether an earlier pause of this session never showed in its statuses.
    pub hidden: bool,
    /// Whether the approved act itself was seen while its release was still being verified.
    pub carried_out: bool,
    /// When the pause was confirmed, and how many milliseconds after the trigger; a restart does not begin it anew.
    pub began: Option<(Timestamp, u64)>,
    /// Whether an operator ends the task, whatever a denial would do.
    pub cancels: bool,
    /// What the answers to our pauses tell of whose the pause is.
    pub owning: Owning,
    /// The newest event when the pause was confirmed, the trigger before: what is older says nothing of this hold.
    pub held_since: MessageId,
}

/// What a case is opened with.
pub(super) struct Opening<'a> {
    pub id: ApprovalId,
    pub session: &'a SessionId,
    pub agent: Option<&'a str>,
    pub goal: Option<&'a str>,
    pub subject: Subject,
    pub trigger: EventLine,
    pub verdict: &'a Verdict,
    pub plan: Plan,
    pub before: Vec<EventLine>,
    pub seen_up_to: MessageId,
    /// Whether the trigger came before the session was watched.
    pub is_history: bool,
}

impl Case {
    pub fn open(now: Moment, opening: Opening<'_>, settings: &Settings) -> Self {
        let deciding = opening.verdict.deciding().map(|fired| fired.rule.as_ref());
        let (timing, timing_why) = timing_of(&opening.trigger.kind, opening.is_history);
        let timeout = deciding.and_then(|rule| rule.timeout).unwrap_or(settings.timeout);
        let (terms, bound) = terms_of(&opening.verdict.fired, settings);
        let risk = opening.verdict.fired.iter().map(|fired| fired.rule.risk).max().unwrap_or_default();
        let card = Card {
            approval: opening.id,
            revision: Revision(0),
            session: opening.session.clone(),
            agent: opening.agent.map(str::to_owned),
            goal: opening.goal.map(str::to_owned),
            opened_at: now.wall,
            subject: opening.subject,
            effect: opening.verdict.effect,
            rules: opening.verdict.fired.iter().map(rule_line).collect(),
            risk,
            confirm: confirm_of(&opening.verdict.fired, risk, opening.verdict.amount.is_some()),
            amount: opening.verdict.amount.clone(),
            domain: opening.verdict.domain.clone(),
            url: None,
            title: None,
            timing,
            timing_why: timing_why.to_owned(),
            hold: match opening.subject {
                Subject::Hold => Hold::NotYetPaused,
                Subject::Question => Hold::None,
            },
            trigger: opening.trigger,
            before: opening.before,
            after: Vec::new(),
            left_out: 0,
            triggers: 1,
            then: then_of(opening.subject, &opening.verdict.fired, settings),
            terms,
            notes: Vec::new(),
        };
        let deadline = now.after(timeout);
        let held_since = card.trigger.id.unwrap_or_default();
        let kept = Kept {
            card,
            plan: opening.plan,
            deadline: deadline.wall,
            timeout,
            extensions: 0,
            extended_by: None,
            bound,
            votes: Votes::default(),
            owned: None,
            proof: None,
            seen_up_to: opening.seen_up_to,
            closed: None,
            holding: false,
            frozen: None,
        };
        Self {
            kept,
            deadline,
            triggered_at: now,
            sealed: false,
            hidden: false,
            carried_out: false,
            began: None,
            cancels: false,
            owning: Owning::default(),
            held_since,
        }
    }

    /// Takes up a case that was kept before a restart.
    pub fn taken_up(now: Moment, kept: Kept) -> Self {
        let left = kept.deadline.duration_since(now.wall);
        // A wall clock that was set back meanwhile must not prolong it.
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO).min(kept.most_time());
        let deadline = Moment { mono: now.mono.saturating_add(left), wall: kept.deadline };
        let hidden = kept.proof == Some(Proof::Event);
        let began = match kept.card.hold {
            Hold::Paused { at, after_ms } | Hold::InDoubt { at, after_ms } => Some((at, after_ms)),
            Hold::None | Hold::NotYetPaused | Hold::ByOthers => None,
        };
        // What was not known stays in doubt: the answers that could tell died with the process.
        let owning = if kept.owned.is_none() { Owning::default().in_doubt() } else { Owning::default() };
        let held_since = kept.card.trigger.id.unwrap_or_default();
        Self {
            kept,
            deadline,
            triggered_at: now,
            sealed: false,
            hidden,
            carried_out: false,
            began,
            cancels: false,
            owning,
            held_since,
        }
    }

    /// The pause is no longer known to hold; whose the next one is, is said beside.
    pub fn unconfirm(&mut self) {
        self.hidden |= self.kept.proof == Some(Proof::Event);
        self.sealed = false;
        self.began = None;
        self.kept.proof = None;
        self.kept.card.hold = Hold::NotYetPaused;
    }

    pub fn card(&self) -> &Card {
        &self.kept.card
    }

    pub fn id(&self) -> ApprovalId {
        self.kept.card.approval
    }

    /// What the card asks for and says, but for how often that was met and by which events.
    pub fn demands(&self) -> (Plan, Bound, Card) {
        let card = &self.kept.card;
        let bare = Card { triggers: 0, left_out: 0, after: Vec::new(), before: Vec::new(), ..card.clone() };
        (self.kept.plan.clone(), self.kept.bound, bare)
    }

    /// More rules fired on the held session: they join the same approval.
    pub fn join(&mut self, verdict: &Verdict, settings: &Settings) {
        let (terms, bound) = terms_of(&verdict.fired, settings);
        self.kept.bound = self.kept.bound.and(bound);
        let card = &mut self.kept.card;
        card.terms = card.terms.and(&terms);
        let then = then_of(card.subject, &verdict.fired, settings);
        let stricter = verdict.effect > card.effect;
        let same_but_holds =
            verdict.effect == card.effect && card.then.deny == OnDeny::Instruct && then.deny != OnDeny::Instruct;
        if stricter || same_but_holds {
            card.then = then;
        }
        card.triggers = card.triggers.saturating_add(1);
        card.effect = card.effect.max(verdict.effect);
        for fired in &verdict.fired {
            match card.rules.iter_mut().find(|line| line.name == fired.rule.name) {
                Some(line) if line.effect < fired.effect => *line = rule_line(fired),
                Some(_) => (),
                None => card.rules.push(rule_line(fired)),
            }
            card.risk = card.risk.max(fired.rule.risk);
        }
        card.rules.sort_by_key(|line| std::cmp::Reverse(line.effect));
        card.amount = larger(card.amount.take(), verdict.amount.clone());
        if verdict.domain.is_some() {
            card.domain.clone_from(&verdict.domain);
            place_told(card);
        }
        if confirm_of(&verdict.fired, card.risk, card.amount.is_some()) == Confirm::Type {
            card.confirm = Confirm::Type;
        }
    }

    /// An event after the trigger: it is shown, and the agent's own ones decide the timing. Whether the card changed.
    pub fn follow(&mut self, event: &Event) -> bool {
        self.kept.seen_up_to = self.kept.seen_up_to.max(event.id.unwrap_or_default());
        if !event.kind.is_agent_emitted() && event.kind != EventKind::Error {
            return false;
        }
        let card = &mut self.kept.card;
        if card.after.len() >= AFTER_MOST {
            card.after.remove(AFTER_FIRST);
            card.left_out = card.left_out.saturating_add(1);
        }
        card.after.push(event_line(event));
        if event.kind.is_agent_emitted() && card.subject == Subject::Hold {
            self.mark_late("the agent went on after the trigger");
        }
        true
    }

    /// From now on an operator is asked, and has the whole time.
    pub fn ask_from(&mut self, now: Moment) {
        self.kept.plan = Plan::Ask;
        self.kept.extended_by = None;
        self.deadline = now.after(self.kept.timeout);
        self.kept.deadline = self.deadline.wall;
    }

    pub fn mark_late(&mut self, why: &str) {
        if self.kept.card.timing != Timing::Late {
            self.kept.card.timing = Timing::Late;
            self.kept.card.timing_why = why.to_owned();
        }
    }

    pub fn note(&mut self, note: String) {
        const MOST: usize = 20;
        let notes = &mut self.kept.card.notes;
        if notes.contains(&note) {
            return;
        }
        if notes.len() >= MOST {
            notes.remove(notes.iter().position(|old| !old.contains(RESUMED)).unwrap_or(0));
        }
        notes.push(note);
    }

    /// Completes the card: a new revision, from now on what decisions must name.
    pub fn seal(&mut self) {
        self.kept.card.revision = self.kept.card.revision.next();
        self.sealed = true;
    }

    pub fn view(&self, deciding: Option<&crate::control::OperatorName>) -> ApprovalView {
        let state = match (&self.kept.closed, deciding) {
            (Some(closed), _) => closed.state(),
            (None, Some(by)) => State::Deciding { by: by.clone() },
            (None, None) if self.sealed && self.kept.plan == Plan::Ask => State::Open,
            (None, None) => State::Draft,
        };
        ApprovalView {
            card: self.kept.card.clone(),
            digest: self.kept.card.digest(),
            state,
            deadline: self.kept.deadline,
            frozen: self.kept.frozen.is_some(),
            votes: self.votes().to_vec(),
            extensions_left: self.kept.extensions_left(),
        }
    }

    /// The votes that count now, or that the outcome rests on.
    fn votes(&self) -> &[Vote] {
        match &self.kept.closed {
            Some(closed) => self.kept.votes.at(closed.revision),
            None if self.sealed => self.kept.votes.on(&self.kept.card),
            None => &[],
        }
    }

    pub fn on_deny(&self) -> OnDeny {
        if self.cancels { OnDeny::Cancel } else { self.kept.card.then.deny }
    }
}
