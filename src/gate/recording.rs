//! Recording: a decision that releases becomes durable first; what happens meanwhile can only take the release away.

use std::time::Duration;

use crate::api::{Event, EventKind};
use crate::control::{Decided, EndedBy, Refusal};
use crate::policy::{OnDeny, Verdict};

use super::deciding::name_of;
use super::opening::{Early, holds, plan_of};
use super::phase::Phase;
use super::voting::{Votes, votes_for};
use super::{
    Answer, CallId, Closed, Deliver, Delivery, Effect, Entry, Gate, Outcome, Plan, Record, ReplyTo, Subject, Ticket,
    Turn, is_news,
};

/// A look at the session that is older than this allows no release: it is taken again.
const LOOK_LASTS: Duration = Duration::from_secs(2);
/// After so long without an answer of the store operators are told.
const STORE_ANSWERS: Duration = Duration::from_secs(10);

/// A decision that releases, on its way to the disk.
#[derive(Debug)]
pub(super) struct Recording {
    pub by: EndedBy,
    reply: Option<ReplyTo>,
    ticket: Ticket,
    /// Since when, on the monotonic clock.
    since: Duration,
    /// When operators are told that the disk does not answer; `None` once they were.
    pub due: Option<Duration>,
    /// What the case will be once this is durable.
    pub closed: Closed,
    /// The votes that it rests on, the last one's among them.
    votes: Votes,
    /// Why it must not be delivered although it is durable.
    spoiled: Option<String>,
    /// Who or what said no meanwhile: whatever the store answers, the session is denied.
    denied: Option<EndedBy>,
    /// What an agent did that no longer waits for this answer; taken up once the record has its result.
    passed: Vec<(Event, Verdict)>,
}

impl Gate {
    pub(super) fn start_recording(
        &mut self,
        turn: &mut Turn<'_>,
        outcome: Outcome,
        by: EndedBy,
        reply: Option<ReplyTo>,
        deliver: Deliver,
    ) {
        let ticket = Ticket(self.name_call().0);
        let Some(case) = &self.case else { return };
        let (delivery, detail) = match deliver {
            Deliver::Nothing => (Delivery::Applied, "not resumed: somebody else paused it"),
            Deliver::Cancel => (Delivery::Applying, "cancelling"),
            Deliver::Resume | Deliver::MessageThenResume { .. } => (Delivery::Applying, "resuming"),
            Deliver::Message { .. } => (Delivery::Applying, "sending"),
        };
        let revision = case.card().revision;
        let (at, under, detail) = (turn.now.wall, self.began_stop(), detail.to_owned());
        let closed = Closed { outcome, revision, by: by.clone(), at, under, deliver, delivery, detail };
        let mut kept = case.to_keep();
        let votes = votes_for(case, &closed);
        kept.votes = votes.clone();
        kept.closed = Some(closed.clone());
        let record = Box::new(Record { entry: Entry::Decided, kept: Some(kept), note: None });
        turn.out.push(Effect::Record { ticket: Some(ticket), record });
        let since = turn.now.mono;
        self.phase = Phase::Recording(Box::new(Recording {
            by,
            reply,
            ticket,
            since,
            due: Some(since + STORE_ANSWERS),
            closed,
            votes,
            spoiled: None,
            denied: None,
            passed: Vec::new(),
        }));
    }

    pub(super) fn recorded(&mut self, turn: &mut Turn<'_>, ticket: Ticket, result: Result<(), String>) {
        if self.vote_recorded(turn, ticket, &result) {
            return;
        }
        let Phase::Recording(recording) = &mut self.phase else { return };
        if recording.ticket != ticket {
            return;
        }
        let passed = std::mem::take(&mut recording.passed);
        let denied = recording.denied.take();
        let votes = std::mem::take(&mut recording.votes);
        turn.moves |= !passed.is_empty();
        let (reply, closed, spoiled) = (recording.reply, recording.closed.clone(), recording.spoiled.clone());
        if let Some(case) = self.case.as_mut().filter(|_| result.is_ok()) {
            case.kept.votes = votes;
        }
        match result {
            // What was denied is closed by that, whatever the agent did meanwhile.
            Ok(()) => self.durable(turn, reply, closed, spoiled, !passed.is_empty() && denied.is_none()),
            Err(why) => self.not_durable(turn, reply, &closed, spoiled.as_deref(), &why),
        }
        let open = self.case.as_ref().is_some_and(|case| case.kept.closed.is_none());
        if let Some(by) = denied.filter(|_| open) {
            self.deny(turn, by);
        }
        for (event, verdict) in &passed {
            self.seen_now(turn, event, verdict);
        }
        if !matches!(self.phase, Phase::Recording(_)) {
            self.early = None;
        }
    }

    fn durable(
        &mut self,
        turn: &mut Turn<'_>,
        reply: Option<ReplyTo>,
        closed: Closed,
        spoiled: Option<String>,
        passed: bool,
    ) {
        if let Some(to) = reply {
            let result = Ok(Decided::Outcome { outcome: closed.outcome });
            turn.out.push(Effect::Reply { to, result });
        }
        let deliver = closed.deliver.clone();
        let slow = matches!(&self.phase, Phase::Recording(recording)
            if turn.now.mono.saturating_sub(recording.since) > LOOK_LASTS);
        let Some(case) = &mut self.case else { return };
        case.kept.closed = Some(closed);
        match (spoiled, deliver) {
            (Some(why), _) if passed => self.deliver_end(turn, Delivery::Failed, &format!("not delivered: {why}")),
            (Some(why), _) => self.not_delivered(turn, Delivery::Failed, &format!("not delivered: {why}")),
            (None, Deliver::Nothing) => {
                // Approved, but somebody else paused it: whoever did may resume it.
                self.let_pass();
                self.publish(turn);
                self.cover(turn);
                self.case = None;
                self.phase = Phase::Watching;
            }
            (None, deliver) => {
                if slow {
                    self.start_delivering_unseen(turn, deliver);
                } else {
                    self.start_delivering(turn, deliver);
                }
                self.publish(turn);
            }
        }
    }

    /// Nothing is released without its record. A denial that wanted to send a refusal becomes a cancellation.
    fn not_durable(
        &mut self,
        turn: &mut Turn<'_>,
        reply: Option<ReplyTo>,
        closed: &Closed,
        spoiled: Option<&str>,
        why: &str,
    ) {
        self.notice(turn, format!("the store cannot be written, so nothing is released: {why}"));
        if closed.outcome == Outcome::Denied {
            let detail = "cancelling, because a refusal could not be recorded";
            self.close(turn, Outcome::Denied, closed.by.clone(), Deliver::Cancel, detail);
            if let Some(to) = reply {
                turn.out.push(Effect::Reply { to, result: Ok(Decided::Outcome { outcome: Outcome::Denied }) });
            }
            return self.start_cancelling(turn);
        }
        if let Some(to) = reply {
            let refusal = Refusal::StoreFailed { why: why.to_owned() };
            turn.out.push(Effect::Reply { to, result: Err(refusal) });
        } else if let Some(case) = &mut self.case {
            // A rule's own release that cannot be recorded: from now on it takes an operator.
            case.ask_from(turn.now);
            case.note("the rule could not act by itself: the store cannot be written".to_owned());
            case.seal();
            self.record(turn, Entry::Revised);
        }
        if spoiled.is_some() {
            self.wait_on(turn);
            self.changed(turn);
        } else {
            self.ask_on(turn);
        }
    }

    pub(super) fn seen_recording(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question) {
            return self.passed_by(turn, event, verdict);
        }
        if event.kind == EventKind::Resumed {
            self.suspect(turn);
        }
        let fires = verdict.effect > crate::policy::Effect::Alert;
        if event.kind == EventKind::Resumed || is_news(event, verdict) {
            self.spoil("the session went on while the decision was being recorded");
        }
        let by_rule = matches!(&self.phase, Phase::Recording(recording) if recording.reply.is_none());
        let shown = self.case.as_mut().is_some_and(|case| case.follow(event));
        if let Some(case) = self.case.as_mut().filter(|_| fires) {
            case.join(verdict, &self.settings);
            if let Plan::Deny { by } = plan_of(verdict) {
                self.overrule(turn, by);
            }
        }
        if shown && !by_rule {
            self.spoil("the session reported something while the decision was being recorded");
        }
    }

    /// The agent no longer waits for the answer that is being recorded. What must be held is paused at once.
    fn passed_by(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if event.kind != EventKind::User && !is_news(event, verdict) {
            return;
        }
        self.spoil("the agent went on without this answer");
        if let Phase::Recording(recording) = &mut self.phase {
            recording.passed.push((event.clone(), verdict.clone()));
        }
        if self.early.is_none() && holds(event, verdict) {
            let call = self.name_call();
            turn.out.push(Effect::Pause { call });
            self.early = Some(Early { call, answer: None });
        }
    }

    pub(super) fn recording_answered(&mut self, call: CallId, answer: &Answer) {
        if let (Some(early), Answer::Pause(result)) = (self.early.as_mut().filter(|early| early.call == call), answer) {
            early.answer = Some(result.clone());
        }
    }

    /// Somebody or something says no while an approval is on its way to the disk. It can be durable already, so it keeps its
    /// outcome if it is; it is not delivered, and the session is denied. What ends it waits for no disk.
    pub(super) fn overrule(&mut self, turn: &mut Turn<'_>, by: EndedBy) {
        let cancels = self.case.as_ref().is_some_and(|case| case.on_deny() == OnDeny::Cancel);
        let Phase::Recording(recording) = &mut self.phase else { return };
        if recording.denied.is_some() {
            return;
        }
        // Not what else spoils it: this is what operators have to be told.
        recording.spoiled = Some(format!("denied by {} before it was delivered", name_of(&by)));
        recording.denied = Some(by);
        if cancels {
            let call = self.name_call();
            turn.out.push(Effect::Cancel { call });
        }
    }

    /// The store takes long: operators are told once.
    pub(super) fn recording_tick(&mut self, turn: &mut Turn<'_>) {
        let Phase::Recording(recording) = &mut self.phase else { return };
        recording.due = None;
        let waited = STORE_ANSWERS.as_secs();
        let text =
            format!("the disk has not answered for {waited} s: nothing is released before it does; denying works");
        self.notice(turn, text);
    }

    pub(super) fn spoil(&mut self, why: &str) {
        if let Phase::Recording(recording) = &mut self.phase {
            recording.spoiled.get_or_insert_with(|| why.to_owned());
        }
    }
}
