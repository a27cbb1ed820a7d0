//! Voting: approvals of several operators for one card, all but the last of which only count.
//!
//! A vote is for one revision and one digest, and counts once it is durable; until then the session stays held as it is,
//! and whatever happens meanwhile wins. The last approval goes the way of every approval. Never releases by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::control::{Act, Decided, EndedBy, OperatorName, Refusal, Vote};

use super::approval::{Digest, Outcome, Revision};
use super::card::Card;
use super::case::{Case, Closed};
use super::deciding::name_of;
use super::phase::Phase;
use super::{Effect, Entry, Gate, Record, ReplyTo, Ticket, Turn};

/// Who has approved a card, where more than one has to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    revision: Revision,
    digest: Digest,
    given: Vec<Vote>,
}

impl Default for Votes {
    /// Nobody's, on no card.
    fn default() -> Self {
        Self { revision: Revision(0), digest: Digest::ZERO, given: Vec::new() }
    }
}

impl Votes {
    /// Those on exactly this card, oldest first: a card that has changed has none.
    #[must_use]
    pub fn on(&self, card: &Card) -> &[Vote] {
        if self.given.is_empty() || self.digest != card.digest() { &[] } else { self.at(card.revision) }
    }

    /// Those at a revision, oldest first.
    #[must_use]
    pub fn at(&self, revision: Revision) -> &[Vote] {
        if self.revision == revision { &self.given } else { &[] }
    }

    /// These and one more; nobody counts twice.
    fn with(&self, card: &Card, vote: Vote) -> Self {
        let mut given = self.on(card).to_vec();
        if given.iter().all(|known| known.by != vote.by) {
            given.push(vote);
        }
        Self { revision: card.revision, digest: card.digest(), given }
    }
}

/// A vote on its way to the disk.
#[derive(Debug)]
pub(super) struct Voting {
    ticket: Ticket,
    reply: ReplyTo,
    revision: Revision,
    digest: Digest,
    vote: Vote,
}

impl Gate {
    /// Whether the card's terms let this operator have a say in this way.
    pub(super) fn may_agree(&self, operator: &OperatorName, act: &Act) -> Result<(), Refusal> {
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        case.card().terms.permit::<&str>(operator, &[], act)
    }

    /// Takes an approval that is not the last one needed; false when it is.
    pub(super) fn voted(
        &mut self,
        turn: &mut Turn<'_>,
        reply: ReplyTo,
        by: OperatorName,
        reason: Option<String>,
    ) -> Result<bool, Refusal> {
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        let card = case.card();
        let needed = card.terms.approvals;
        let given = case.kept.votes.on(card);
        if given.iter().any(|vote| vote.by == by) {
            turn.out.push(Effect::Reply { to: reply, result: Ok(counted(given.len(), needed)) });
            return Ok(true);
        }
        if self.voting.iter().any(|voting| voting.vote.by == by) {
            return Err(Refusal::Deciding { by: by.0 });
        }
        if given.len() + 1 >= usize::from(needed) {
            return Ok(false);
        }
        let vote = Vote { by, at: turn.now.wall, reason };
        let mut kept = case.to_keep();
        kept.votes = kept.votes.with(card, vote.clone());
        let (revision, digest) = (card.revision, card.digest());
        let ticket = Ticket(self.name_call().0);
        self.voting.push(Voting { ticket, reply, revision, digest, vote });
        let record = Box::new(Record { entry: Entry::Voted, kept: Some(kept), note: None });
        turn.out.push(Effect::Record { ticket: Some(ticket), record });
        Ok(true)
    }

    /// The store has answered for a vote; false when it was about something else.
    pub(super) fn vote_recorded(&mut self, turn: &mut Turn<'_>, ticket: Ticket, result: &Result<(), String>) -> bool {
        let Some(at) = self.voting.iter().position(|voting| voting.ticket == ticket) else { return false };
        let Voting { reply, vote, .. } = self.voting.remove(at);
        let result = match result {
            Ok(()) => self.vote_counts(turn, reply, vote),
            Err(why) => {
                self.notice(turn, format!("the store cannot be written, so an approval does not count: {why}"));
                Err(Refusal::StoreFailed { why: why.clone() })
            }
        };
        match result {
            Ok(None) => (), // Answered when the decision is durable.
            Ok(Some(decided)) => turn.out.push(Effect::Reply { to: reply, result: Ok(decided) }),
            Err(refusal) => turn.out.push(Effect::Reply { to: reply, result: Err(refusal) }),
        }
        true
    }

    /// A vote is durable. When others became so before it, it may turn out to be the last one needed.
    fn vote_counts(&mut self, turn: &mut Turn<'_>, reply: ReplyTo, vote: Vote) -> Result<Option<Decided>, Refusal> {
        let Some(case) = &mut self.case else { return Err(Refusal::NoSuchApproval) };
        let needed = case.card().terms.approvals;
        let votes = case.kept.votes.with(case.card(), vote.clone());
        let given = votes.given.len();
        if given < usize::from(needed) {
            case.kept.votes = votes;
            self.publish(turn);
            return Ok(Some(counted(given, needed)));
        }
        let deliver = self.deliver_of(&Act::approve())?;
        let by = EndedBy::Operator { name: vote.by, note: vote.reason };
        self.check(turn, Outcome::Approved, by, Some(reply), deliver);
        Ok(None)
    }

    /// Votes on their way to the disk that have nothing left to count for are answered; their record stands for what it was.
    pub(super) fn drop_stale_votes(&mut self, turn: &mut Turn<'_>) {
        if self.voting.is_empty() {
            return;
        }
        let waits = matches!(self.phase, Phase::Held(_) | Phase::Asking(_)) && !self.stopping;
        let shown = self.case.as_ref().filter(|case| waits && case.sealed && case.kept.closed.is_none());
        let shown = shown.map(|case| (case.card().revision, case.card().digest()));
        let is_stale = |voting: &mut Voting| shown != Some((voting.revision, voting.digest));
        let stale: Vec<Voting> = self.voting.extract_if(.., is_stale).collect();
        for voting in stale {
            let result = Err(self.why_stale(voting.revision));
            turn.out.push(Effect::Reply { to: voting.reply, result });
        }
    }

    fn why_stale(&self, voted: Revision) -> Refusal {
        let decider = self.phase.decider();
        match (&self.case, decider) {
            _ if self.stopping => Refusal::Stopping,
            (None, _) => Refusal::NoSuchApproval,
            (Some(_), Some(by)) => Refusal::Deciding { by: by.0.clone() },
            (Some(case), None) => Refusal::Stale { revision: case.card().revision.max(voted.next()) },
        }
    }

    /// Everything is stopped: an approval that is not written down yet was given before that, and lets nothing go after it.
    pub(super) fn stop_votes(&mut self, turn: &mut Turn<'_>) {
        for voting in self.voting.drain(..) {
            let why = "everything was stopped before this approval was written down; approve again".to_owned();
            turn.out.push(Effect::Reply { to: voting.reply, result: Err(Refusal::NotPossible { why }) });
        }
    }

    /// The approval has its outcome: votes on their way to the disk come too late.
    pub(super) fn end_votes(&mut self, turn: &mut Turn<'_>, outcome: Outcome, by: &EndedBy) {
        for voting in self.voting.drain(..) {
            let refusal = Refusal::AlreadyDecided { outcome, by: name_of(by) };
            turn.out.push(Effect::Reply { to: voting.reply, result: Err(refusal) });
        }
    }

    /// Whether everybody has agreed whom the card's terms ask for: without that, no right to release is made.
    pub(super) fn is_agreed(&self) -> bool {
        let Some(case) = &self.case else { return false };
        let Some(closed) = &case.kept.closed else { return false };
        let (Outcome::Approved, EndedBy::Operator { name, .. }) = (closed.outcome, &closed.by) else { return true };
        let terms = &case.card().terms;
        let votes = case.kept.votes.at(closed.revision);
        let excluded = |name: &OperatorName| terms.excludes::<&str>(&name.0, &[]).is_some();
        let enough = !terms.takes_several() || votes.len() >= usize::from(terms.approvals);
        enough && !excluded(name) && !votes.iter().any(|vote| excluded(&vote.by))
    }
}

/// The votes that an outcome rests on: where several have to approve, the last one's is among them.
pub(super) fn votes_for(case: &Case, closed: &Closed) -> Votes {
    let card = case.card();
    match &closed.by {
        EndedBy::Operator { name, note } if closed.outcome == Outcome::Approved && card.terms.takes_several() => {
            case.kept.votes.with(card, last(name, note, closed.at))
        }
        EndedBy::Operator { .. } | EndedBy::Rule { .. } | EndedBy::Deadline | EndedBy::Session { .. } => {
            case.kept.votes.clone()
        }
    }
}

fn last(by: &OperatorName, reason: &Option<String>, at: Timestamp) -> Vote {
    Vote { by: by.clone(), at, reason: reason.clone() }
}

fn counted(given: usize, needed: u8) -> Decided {
    Decided::Counted { given: u8::try_from(given).unwrap_or(u8::MAX), needed }
}
