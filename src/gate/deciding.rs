//! Deciding: what an operator may do when, and the last look before a release.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind};
use crate::control::{Act, Decided, Decision, EndedBy, OperatorName, Refusal};
use crate::policy::{OnDeny, Verdict};

use super::held::Poll;
use super::phase::Phase;
use super::{
    Answer, CallId, Deliver, Effect, Entry, Gate, Hold, Observed, Outcome, Plan, ReplyTo, Subject, Turn, is_news,
};

const TEXT_MOST: usize = 10_000;
/// What is said of a session whose refusal was not sent.
const UNSEEN: &str = "kept as it is: a refusal is sent only for the very card that was denied";
pub(super) const STOPPED: &str = "kept as it is: everything is stopped";

/// A decision that lets the session go on, whose session is read once more before it counts.
#[derive(Debug)]
pub(super) struct Checking {
    pub by: EndedBy,
    pub reply: Option<ReplyTo>,
    /// What it would be: a denial that sends a refusal lets the session go on, too.
    outcome: Outcome,
    deliver: Deliver,
    /// The read under way; `None` while a pause is unanswered, whose arrival could undo the release.
    read: Option<CallId>,
    /// When a read that is doubted is repeated, on the monotonic clock.
    pub again_at: Option<Duration>,
}

impl Gate {
    pub(super) fn decide(&mut self, turn: &mut Turn<'_>, reply: ReplyTo, operator: OperatorName, decision: Decision) {
        let result = match &decision.act {
            Act::Deny { reason } => self.denied(turn, reply, &decision, operator, reason.clone()),
            Act::Extend => self.extended(turn, &decision, &operator).map(Some),
            Act::Approve { .. } | Act::Instruct { .. } | Act::Answer { .. } => {
                self.approved(turn, reply, operator, &decision).map(|()| None)
            }
        };
        let result = match result {
            Ok(None) => return, // Answered when it is durable.
            Ok(Some(decided)) => Ok(decided),
            Err(refusal) => Err(refusal),
        };
        turn.out.push(Effect::Reply { to: reply, result });
    }

    /// A denial needs neither a confirmed pause nor a revision, unless what it does would itself let the agent go on: that
    /// takes the complete card and the last look, as an approval does. `None` where it is answered later.
    fn denied(
        &mut self,
        turn: &mut Turn<'_>,
        reply: ReplyTo,
        decision: &Decision,
        operator: OperatorName,
        reason: Option<String>,
    ) -> Result<Option<Decided>, Refusal> {
        self.open_case_named(decision)?;
        self.denial_is_current(decision)?;
        self.may_deny(&operator, &decision.act)?;
        let by = EndedBy::Operator { name: operator, note: reason };
        if let Phase::Recording(recording) = &self.phase {
            let first = name_of(&recording.by);
            if recording.closed.outcome == Outcome::Denied {
                return Err(Refusal::Deciding { by: first });
            }
            self.overrule(turn, by);
            let why = format!(
                "the decision of {first} is on its way to the disk; it no longer lets the session go on, \
                 and the session is denied whatever the disk answers"
            );
            return Err(Refusal::Unknown { why });
        }
        if let Some(deliver) = self.refusal_to_send() {
            self.may_release_by_denial()?;
            self.abort_check_because(turn, || Refusal::Deciding { by: name_of(&by) });
            self.check(turn, Outcome::Denied, by, Some(reply), deliver);
            return Ok(None);
        }
        self.abort_check_because(turn, || Refusal::AlreadyDecided { outcome: Outcome::Denied, by: name_of(&by) });
        self.deny(turn, by);
        Ok(Some(Decided::Outcome { outcome: Outcome::Denied }))
    }

    /// What a denial of the open card sends that lets the agent go on; `None` where it lets nothing go on. As long as it
    /// is not known whose the pause is, it may.
    fn refusal_to_send(&self) -> Option<Deliver> {
        let case = self.case.as_ref().filter(|case| case.on_deny() == OnDeny::Instruct)?;
        let text = case.card().then.refusal.clone()?;
        match case.card().subject {
            Subject::Question => Some(Deliver::Message { text }),
            Subject::Hold if case.sealed && case.kept.owned != Some(true) => None,
            Subject::Hold => Some(Deliver::MessageThenResume { text }),
        }
    }

    /// A denial that lets the agent go on is for a card that is complete and asks; over an approval that is only being
    /// checked it wins.
    fn may_release_by_denial(&self) -> Result<(), Refusal> {
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        let asks = self.case.as_ref().is_some_and(|case| case.sealed && case.kept.plan == Plan::Ask);
        match &self.phase {
            Phase::Checking(Checking { outcome: Outcome::Denied, by, .. }) => {
                Err(Refusal::Deciding { by: name_of(by) })
            }
            Phase::Held(_) | Phase::Asking(_) | Phase::Checking(_) if asks => Ok(()),
            Phase::Watching
            | Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Asking(_)
            | Phase::Checking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => Err(Refusal::NotPausedYet),
        }
    }

    /// Saying no is everybody's, unless what it does would itself let the agent go on.
    fn may_deny(&self, operator: &OperatorName, act: &Act) -> Result<(), Refusal> {
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        if case.on_deny() == OnDeny::Instruct {
            return self.may_agree(operator, act);
        }
        if case.card().terms.lacks_reason(act) { Err(Refusal::ReasonRequired) } else { Ok(()) }
    }

    fn denial_is_current(&self, decision: &Decision) -> Result<(), Refusal> {
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        let card = case.card();
        let releases = case.on_deny() == OnDeny::Instruct;
        if releases && (decision.revision != card.revision || decision.digest != card.digest()) {
            return Err(Refusal::Stale { revision: card.revision });
        }
        Ok(())
    }

    /// Time is part of the decision: whoever may not approve does not keep others waiting either.
    fn extended(
        &mut self,
        turn: &mut Turn<'_>,
        decision: &Decision,
        operator: &OperatorName,
    ) -> Result<Decided, Refusal> {
        self.open_case_named(decision)?;
        self.may_agree(operator, &decision.act)?;
        let counts = self.is_being_asked();
        let Some(case) = self.case.as_mut().filter(|_| counts) else { return Err(Refusal::NoSuchApproval) };
        let each = case.kept.bound.each.unwrap_or(case.kept.timeout);
        let later = turn.now.after(each);
        let most = case.kept.bound.most;
        let why = match case.kept.extensions_left() {
            0 if most == 0 => "its time cannot be extended: approve or deny".to_owned(),
            0 if most == 1 => "its time was extended once, which is the most: approve or deny".to_owned(),
            0 => format!("its time was extended {most} times, which is the most: approve or deny"),
            _ if later.mono <= case.deadline.mono => "there is more time left than an extension gives".to_owned(),
            _ => String::new(),
        };
        if !why.is_empty() {
            return Err(Refusal::NotExtendable { why });
        }
        case.kept.extensions += 1;
        case.kept.extended_by = Some(each);
        case.deadline = later;
        case.kept.deadline = case.deadline.wall;
        let (deadline, extensions_left) = (case.kept.deadline, case.kept.extensions_left());
        self.record(turn, Entry::Extended);
        self.publish(turn);
        Ok(Decided::Extended { deadline, extensions_left })
    }

    fn approved(
        &mut self,
        turn: &mut Turn<'_>,
        reply: ReplyTo,
        operator: OperatorName,
        decision: &Decision,
    ) -> Result<(), Refusal> {
        self.open_case_named(decision)?;
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        if let Some(by) = self.phase.decider() {
            return Err(Refusal::Deciding { by: by.0.clone() });
        }
        self.may_agree(&operator, &decision.act)?;
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        let asks = matches!(self.phase, Phase::Held(_) | Phase::Asking(_)) && case.sealed;
        if !asks {
            return Err(Refusal::NotPausedYet);
        }
        let card = case.card();
        if decision.revision != card.revision || decision.digest != card.digest() {
            return Err(Refusal::Stale { revision: card.revision });
        }
        let deliver = self.deliver_of(&decision.act)?;
        let note = match &decision.act {
            // Told apart from a reason, which the agent does not hear.
            Act::Instruct { text } => Some(format!("told the agent: {text}")),
            Act::Answer { text } => Some(format!("answered: {text}")),
            Act::Approve { reason } | Act::Deny { reason } => reason.clone(),
            Act::Extend => None,
        };
        if self.voted(turn, reply, operator.clone(), note.clone())? {
            return Ok(());
        }
        self.check(turn, Outcome::Approved, EndedBy::Operator { name: operator, note }, Some(reply), deliver);
        Ok(())
    }

    /// What an act needs at the provider, or why it does not fit the card.
    pub(super) fn deliver_of(&self, act: &Act) -> Result<Deliver, Refusal> {
        let Some(case) = &self.case else { return Err(Refusal::NoSuchApproval) };
        // In doubt an approval resumes: the card says so.
        let owned = match case.card().hold {
            Hold::Paused { .. } | Hold::InDoubt { .. } => case.kept.owned != Some(false),
            Hold::None | Hold::NotYetPaused | Hold::ByOthers => false,
        };
        let not = |why: &str| Err(Refusal::NotPossible { why: why.to_owned() });
        match (case.card().subject, act) {
            (Subject::Hold, Act::Approve { .. }) if owned => Ok(Deliver::Resume),
            (Subject::Hold, Act::Approve { .. }) => Ok(Deliver::Nothing),
            (Subject::Hold, Act::Instruct { .. }) if !owned => {
                not("somebody else paused this session, so it cannot be instructed and resumed from here")
            }
            (Subject::Hold, Act::Instruct { text }) => Ok(Deliver::MessageThenResume { text: checked(text)? }),
            (Subject::Hold, Act::Answer { .. }) => not("this is no question: approve, deny or instruct"),
            (Subject::Question, Act::Approve { .. }) => {
                let answer = case.card().then.answer.clone().unwrap_or_default();
                Ok(Deliver::Message { text: checked(&answer)? })
            }
            (Subject::Question, Act::Answer { text }) => Ok(Deliver::Message { text: checked(text)? }),
            (Subject::Question, Act::Instruct { .. }) => not("this is a question: answer it instead"),
            (Subject::Hold | Subject::Question, Act::Deny { .. } | Act::Extend) => not("this act releases nothing"),
        }
    }

    fn open_case_named(&self, decision: &Decision) -> Result<(), Refusal> {
        let Some(case) = self.case.as_ref().filter(|case| case.id() == decision.approval) else {
            return Err(Refusal::NoSuchApproval);
        };
        match &case.kept.closed {
            Some(closed) => Err(Refusal::AlreadyDecided { outcome: closed.outcome, by: name_of(&closed.by) }),
            None => Ok(()),
        }
    }

    /// Reads the session once more; only then does what lets it go on count.
    pub(super) fn check(
        &mut self,
        turn: &mut Turn<'_>,
        outcome: Outcome,
        by: EndedBy,
        reply: Option<ReplyTo>,
        deliver: Deliver,
    ) {
        let read = self.unanswered.is_empty().then(|| self.read(turn));
        self.phase = Phase::Checking(Checking { by, reply, outcome, deliver, read, again_at: None });
        self.publish(turn);
    }

    /// The daemon is stopping. An approval that is only being checked has decided nothing yet, and does not any more.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_>) {
        self.stopping = true;
        if matches!(self.phase, Phase::Checking(_)) {
            self.abort_check_because(turn, || Refusal::Stopping);
            self.publish(turn);
        }
    }

    /// The rule's own release: a cooldown is over, or an instruction can be sent.
    pub(super) fn release_by_rule(&mut self, turn: &mut Turn<'_>) {
        if self.stopping || self.is_halted() {
            return; // The next start takes it up; what is stopped asks an operator.
        }
        let Some(case) = &self.case else { return };
        let owned = case.kept.owned == Some(true);
        let (rule, deliver) = match &case.kept.plan {
            Plan::Cooldown { rule, .. } => (rule.clone(), Deliver::Resume),
            Plan::Instruct { rule, text } => (rule.clone(), Deliver::MessageThenResume { text: text.clone() }),
            Plan::Ask | Plan::Deny { .. } => return,
        };
        let deliver = if owned { deliver } else { Deliver::Nothing };
        self.check(turn, Outcome::Approved, EndedBy::Rule { name: rule }, None, deliver);
    }

    pub(super) fn check_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Phase::Checking(checking) = &mut self.phase else { return };
        let Answer::Read(result) = answer else { return };
        if checking.read != Some(call) {
            return;
        }
        checking.read = None;
        if self.is_doubted(turn, result) {
            return self.look_soon(turn);
        }
        match result {
            Ok(seen) if seen.has_ended() => {
                self.came_to_rest(turn, seen);
                self.withdraw(turn, "the task ended before the decision could take effect");
                if seen.is_over() {
                    self.phase = Phase::Over;
                }
            }
            Ok(seen) if self.unanswered.is_empty() => self.checked(turn, seen),
            Ok(_) => (), // Read again once every pause has its answer.
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => self.gone(turn),
            Err(error) => {
                let why = error.to_string();
                self.abort_check_because(turn, || Refusal::Unverified { why });
                self.ask_on(turn);
            }
        }
    }

    /// What was doubted is read again; while a pause is unanswered, its answer does that.
    pub(super) fn checking_tick(&mut self, turn: &mut Turn<'_>) {
        let Phase::Checking(checking) = &mut self.phase else { return };
        checking.again_at = None;
        if self.unanswered.is_empty() {
            self.look_again(turn);
        }
    }

    /// Every pause has its answer: what waited for that is read.
    pub(super) fn look_again(&mut self, turn: &mut Turn<'_>) {
        if !matches!(&self.phase, Phase::Checking(checking) if checking.read.is_none()) {
            return;
        }
        let read = self.read(turn);
        if let Phase::Checking(checking) = &mut self.phase {
            checking.read = Some(read);
        }
    }

    fn checked(&mut self, turn: &mut Turn<'_>, seen: &Observed) {
        let question = self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question);
        if self.case.as_ref().is_some_and(|case| !case.says_owner()) {
            self.abort_check(turn);
            return self.changed(turn);
        }
        if !question && !self.still_paused(seen) {
            self.abort_check(turn);
            return self.resumed_by_others(turn);
        }
        let Phase::Checking(checking) = &self.phase else { return };
        let (outcome, by, reply) = (checking.outcome, checking.by.clone(), checking.reply);
        let deliver = checking.deliver.clone();
        self.start_recording(turn, outcome, by, reply, deliver);
    }

    /// Carries a denial out as far as the phase allows. What an operator's denial would send has had its last look before;
    /// where that is not so, the card may be another one than was denied, and nothing is sent.
    pub(super) fn deny(&mut self, turn: &mut Turn<'_>, by: EndedBy) {
        let stopping = self.stopping;
        let unseen = matches!(by, EndedBy::Operator { .. });
        let halted = self.is_halted();
        let unsettled = matches!(self.phase, Phase::Pausing(_) | Phase::Settling(_)) || self.stirred_meanwhile();
        let Some(case) = &mut self.case else { return };
        let question = case.card().subject == Subject::Question;
        let refusal = case.card().then.refusal.clone();
        match (case.on_deny(), refusal) {
            (OnDeny::Instruct, Some(_)) if !question && case.kept.owned == Some(false) => {
                self.close(turn, Outcome::Denied, by, Deliver::Nothing, "kept: somebody else paused it");
                self.keep(turn);
            }
            (OnDeny::Instruct, Some(_)) if !question && unseen && case.sealed && case.kept.owned.is_none() => {
                self.close(turn, Outcome::Denied, by, Deliver::Nothing, "kept: whose the pause is cannot be told");
                self.keep(turn);
            }
            (OnDeny::Instruct, Some(_)) if unseen => self.deny_and_keep(turn, by, UNSEEN),
            (OnDeny::Instruct, Some(_)) if halted => self.deny_and_keep(turn, by, STOPPED),
            (OnDeny::Instruct, Some(_)) if stopping || !question && unsettled => {
                case.kept.plan = Plan::Deny { by };
                self.record(turn, Entry::Revised);
                self.publish(turn);
            }
            (OnDeny::Instruct, Some(_)) if !question && case.kept.owned.is_none() => {
                self.close(turn, Outcome::Denied, by, Deliver::Nothing, "kept: whose the pause is cannot be told");
                self.keep(turn);
            }
            (OnDeny::Instruct, Some(text)) => {
                let deliver = if question { Deliver::Message { text } } else { Deliver::MessageThenResume { text } };
                self.start_recording(turn, Outcome::Denied, by, None, deliver);
                self.publish(turn);
            }
            (OnDeny::KeepPaused, _) => {
                self.close(turn, Outcome::Denied, by, Deliver::Nothing, "kept as it is");
                self.keep(turn);
            }
            (OnDeny::Cancel | OnDeny::Instruct, _) => {
                self.close(turn, Outcome::Denied, by, Deliver::Cancel, "cancelling");
                self.start_cancelling(turn);
            }
        }
    }

    /// Anything that happens while an approval is being checked makes it stale.
    pub(super) fn seen_checking(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let question = self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question);
        if question {
            if event.kind == EventKind::User || is_news(event, verdict) {
                self.withdraw(turn, "the agent went on without this answer");
                self.seen_watching(turn, event, verdict);
            }
            return;
        }
        if super::suspecting::hints_at_running(event, verdict) {
            self.suspect(turn);
        }
        let by_rule = matches!(&self.phase, Phase::Checking(checking) if checking.reply.is_none());
        let fires = verdict.effect > crate::policy::Effect::Alert;
        let shown = event.kind.is_agent_emitted() || event.kind == EventKind::Error;
        if fires || (shown && !by_rule) {
            self.abort_check(turn);
            self.taken_in(turn, event, verdict);
        } else if let Some(case) = &mut self.case {
            case.follow(event);
        }
    }

    /// Takes an approval back that was being checked: the card it was given for is no longer true.
    pub(super) fn abort_check(&mut self, turn: &mut Turn<'_>) {
        let Some(revision) = self.case.as_ref().map(|case| case.card().revision.next()) else { return };
        self.abort_check_because(turn, || Refusal::Stale { revision });
    }

    pub(super) fn abort_check_because(&mut self, turn: &mut Turn<'_>, refusal: impl FnOnce() -> Refusal) {
        let Phase::Checking(checking) = &mut self.phase else { return };
        if let Some(to) = checking.reply.take() {
            turn.out.push(Effect::Reply { to, result: Err(refusal()) });
        }
        self.wait_on(turn);
    }

    /// Asks on at the same revision.
    pub(super) fn ask_on(&mut self, turn: &mut Turn<'_>) {
        self.wait_on(turn);
        self.publish(turn);
    }

    /// Back to waiting: for an answer, or for a rule's next try.
    pub(super) fn wait_on(&mut self, turn: &mut Turn<'_>) {
        let poll = Poll::start(turn.now.mono, self.settings.hold_poll);
        let Some(case) = &self.case else { return };
        self.phase = match (case.card().subject, &case.kept.plan) {
            (Subject::Question, _) => Phase::Asking(poll),
            (Subject::Hold, Plan::Cooldown { .. } | Plan::Instruct { .. }) => Phase::Cooling(poll.retry()),
            (Subject::Hold, Plan::Ask | Plan::Deny { .. }) => Phase::Held(poll),
        };
    }
}

/// Who or what, in words.
pub(super) fn name_of(by: &EndedBy) -> String {
    match by {
        EndedBy::Operator { name, .. } => name.0.clone(),
        EndedBy::Rule { name } => format!("rule {name}"),
        EndedBy::Deadline => "the deadline".to_owned(),
        EndedBy::Session { what } => what.clone(),
    }
}

/// A reason may be missing; it may not be endless.
pub(super) fn checked_reason(reason: Option<&str>) -> Result<(), Refusal> {
    let chars = reason.map_or(0, |reason| reason.chars().count());
    if chars <= TEXT_MOST {
        return Ok(());
    }
    Err(Refusal::NotPossible { why: format!("a reason has at most {TEXT_MOST} characters, this one has {chars}") })
}

fn checked(text: &str) -> Result<String, Refusal> {
    if (1..=TEXT_MOST).contains(&text.chars().count()) && !text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let why = format!("a message has 1 to {TEXT_MOST} characters, this one has {}", text.chars().count());
    Err(Refusal::NotPossible { why })
}
