//! Delivering: a durable decision that releases is carried out, and nothing is sent twice on a guess.

mod meanwhile;
mod stopping;

use std::time::Duration;

use crate::api::{ApiError, ErrorClass};

use super::doubting::APART;
use super::phase::{Phase, back_off};
use super::{Answer, CallId, Deliver, Delivery, Effect, Gate, Observed, Plan, Proof, Release, Turn};

const FIRST: Duration = Duration::from_millis(200);
const MOST: Duration = Duration::from_secs(2);
const LOOKS_MOST: u32 = 5;
const CALLS_MOST: u32 = 3;

/// A release under way.
#[derive(Debug)]
pub(super) struct Delivering {
    release: Release,
    /// The message still to be sent or found.
    text: Option<String>,
    /// Whether a resume belongs to it.
    resumes: bool,
    step: Step,
    /// How often the present call was made.
    calls: u32,
    /// How often the state was read since the present call.
    looks: u32,
    /// Whether the message was seen coming back from the provider.
    echoed: bool,
    /// Whether the agent was seen moving while it is not known whether the session runs.
    news: bool,
    /// Whether the provider took the resume, or said that the session runs.
    ran: bool,
    /// Whether a `resumed` event can only be of this resume: no other one was waited for when it left.
    plain: bool,
    /// Whether a `resumed` event came while this release may be why.
    heard: bool,
    /// When the next step is due, on the monotonic clock.
    pub wake_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The message was sent; its answer is awaited.
    Messaging(CallId),
    /// It is unknown whether the message arrived: its echo is looked for.
    LookingForEcho(Option<CallId>),
    /// The message provably did not arrive; it is sent again when due.
    MessageAgain,
    /// The resume was sent; its answer is awaited.
    Resuming(CallId),
    /// The resume was answered, or its answer is lost: the state is read back.
    Verifying(Option<CallId>),
    /// The resume provably had no effect; the state is read before it is sent again.
    ResumeAgain(Option<CallId>),
    /// After a restart: it is unknown what had been sent; the state is read before anything is.
    Recovering(Option<CallId>),
    /// The record took long: what was checked before it is checked again before anything is sent.
    LookingAgain(Option<CallId>),
}

impl Step {
    /// Whether a look of this step may find that there is nothing to be released any more.
    fn may_find_ended(self) -> bool {
        match self {
            Self::Recovering(_) | Self::LookingAgain(_) => true,
            Self::Messaging(_) | Self::LookingForEcho(_) | Self::MessageAgain => false,
            Self::Resuming(_) | Self::Verifying(_) | Self::ResumeAgain(_) => false,
        }
    }

    /// The same step before it has looked.
    fn unread(self) -> Self {
        match self {
            Self::LookingForEcho(_) => Self::LookingForEcho(None),
            Self::Verifying(_) => Self::Verifying(None),
            Self::ResumeAgain(_) => Self::ResumeAgain(None),
            Self::Recovering(_) => Self::Recovering(None),
            Self::LookingAgain(_) => Self::LookingAgain(None),
            Self::Messaging(_) | Self::MessageAgain | Self::Resuming(_) => self,
        }
    }
}

impl Delivering {
    /// Whether the session may run because of this release.
    pub(super) fn may_run(&self) -> bool {
        match self.step {
            Step::Resuming(_) | Step::Verifying(_) | Step::Recovering(_) => true,
            Step::Messaging(_) | Step::LookingForEcho(_) | Step::MessageAgain => false,
            Step::ResumeAgain(_) | Step::LookingAgain(_) => false,
        }
    }

    /// The look under way.
    fn reading(&self) -> Option<CallId> {
        match self.step {
            Step::LookingForEcho(read)
            | Step::Verifying(read)
            | Step::ResumeAgain(read)
            | Step::Recovering(read)
            | Step::LookingAgain(read) => read,
            Step::Messaging(_) | Step::MessageAgain | Step::Resuming(_) => None,
        }
    }
}

impl Gate {
    /// The case is closed durably: its release leaves.
    pub(super) fn start_delivering(&mut self, turn: &mut Turn<'_>, deliver: Deliver) {
        if self.plan_delivery(turn, deliver) {
            self.send(turn);
        }
    }

    /// The same when the look that allowed it has become old: the session is read once more.
    pub(super) fn start_delivering_unseen(&mut self, turn: &mut Turn<'_>, deliver: Deliver) {
        if self.plan_delivery(turn, deliver) {
            self.go(turn, Step::LookingAgain(None), Duration::ZERO);
        }
    }

    /// After a restart: the case is closed durably, but what had left is not known.
    pub(super) fn recover_delivering(&mut self, turn: &mut Turn<'_>, deliver: Deliver) {
        if self.plan_delivery(turn, deliver) {
            self.go(turn, Step::Recovering(None), Duration::ZERO);
        }
    }

    fn plan_delivery(&mut self, turn: &mut Turn<'_>, deliver: Deliver) -> bool {
        if !self.is_agreed() {
            let detail = "not delivered: not everybody has approved who has to";
            self.not_delivered(turn, Delivery::Failed, detail);
            return false;
        }
        let Some(case) = &self.case else { return false };
        let Some(closed) = &case.kept.closed else { return false };
        let release = Release { approval: case.id(), revision: closed.revision };
        let (text, resumes) = match deliver {
            Deliver::Resume => (None, true),
            Deliver::MessageThenResume { text } => (Some(text), true),
            Deliver::Message { text } => (Some(text), false),
            Deliver::Cancel | Deliver::Nothing => return false,
        };
        self.phase = Phase::Delivering(Delivering {
            release,
            text,
            resumes,
            step: Step::Recovering(None),
            calls: 0,
            looks: 0,
            echoed: false,
            news: false,
            ran: false,
            plain: false,
            heard: false,
            wake_at: None,
        });
        true
    }

    /// Makes the next call: the message as long as there is one, then the resume. Nothing leaves after the deadline.
    fn send(&mut self, turn: &mut Turn<'_>) {
        if !self.still_unexpired(turn) {
            let detail = "not delivered: the deadline passed before it could be delivered";
            return self.not_delivered(turn, Delivery::Failed, detail);
        }
        let call = self.name_call();
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        delivering.calls += 1;
        delivering.looks = 0;
        delivering.wake_at = None;
        let release = delivering.release.clone();
        if let Some(text) = delivering.text.clone() {
            delivering.step = Step::Messaging(call);
            turn.out.push(Effect::Message { call, release, text });
        } else {
            delivering.step = Step::Resuming(call);
            delivering.plain |= !self.resume_unheard;
            self.resume_unheard = true;
            turn.out.push(Effect::Resume { call, release });
        }
        self.rest_ends();
        self.let_pass();
    }

    pub(super) fn delivering_answered(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Phase::Delivering(delivering) = &self.phase else { return };
        if let (Some(read), Answer::Read(result)) = (delivering.reading(), answer)
            && read == call
            && self.looks_twice(turn, result)
        {
            return;
        }
        let Phase::Delivering(delivering) = &self.phase else { return };
        match (delivering.step, answer) {
            (Step::Messaging(sent), Answer::Act(result)) if sent == call => self.message_answered(turn, result),
            (Step::Resuming(sent), Answer::Act(result)) if sent == call => self.resume_answered(turn, result),
            (Step::LookingForEcho(Some(read)), Answer::Read(result)) if read == call => self.looked(turn, result),
            (Step::Verifying(Some(read)), Answer::Read(result)) if read == call => self.verified(turn, result),
            (Step::ResumeAgain(Some(read)), Answer::Read(result)) if read == call => self.resume_again(turn, result),
            (Step::Recovering(Some(read)), Answer::Read(result)) if read == call => self.recovered(turn, result),
            (Step::LookingAgain(Some(read)), Answer::Read(result)) if read == call => self.looked_again(turn, result),
            (
                Step::Messaging(_)
                | Step::Resuming(_)
                | Step::LookingForEcho(_)
                | Step::MessageAgain
                | Step::Verifying(_)
                | Step::ResumeAgain(_)
                | Step::Recovering(_)
                | Step::LookingAgain(_),
                Answer::Act(_) | Answer::Read(_) | Answer::Pause(_) | Answer::Screenshot(_),
            ) => (),
        }
    }

    /// One odd look ends no delivery, as it ends nothing else: what would be left behind stays paused, with nobody to ask.
    fn looks_twice(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) -> bool {
        let Phase::Delivering(delivering) = &self.phase else { return false };
        let step = delivering.step;
        let ends = match result {
            Ok(seen) => step.may_find_ended() && seen.has_ended(),
            Err(_) => is_gone(result),
        };
        if !ends {
            if result.is_ok() {
                self.doubt = None;
            }
            return false;
        }
        if !self.is_doubted(turn, result) {
            return false;
        }
        self.go(turn, step.unread(), APART);
        true
    }

    pub(super) fn delivering_tick(&mut self, turn: &mut Turn<'_>) {
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        delivering.wake_at = None;
        let reads = match delivering.step {
            Step::MessageAgain => return self.send(turn),
            Step::Messaging(_) | Step::Resuming(_) => return,
            Step::LookingForEcho(_)
            | Step::Verifying(_)
            | Step::ResumeAgain(_)
            | Step::Recovering(_)
            | Step::LookingAgain(_) => self.read(turn),
        };
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        delivering.looks += 1;
        match &mut delivering.step {
            Step::LookingForEcho(read)
            | Step::Verifying(read)
            | Step::ResumeAgain(read)
            | Step::Recovering(read)
            | Step::LookingAgain(read) => *read = Some(reads),
            Step::Messaging(_) | Step::MessageAgain | Step::Resuming(_) => (),
        }
    }

    fn message_answered(&mut self, turn: &mut Turn<'_>, result: &Result<(), ApiError>) {
        match result {
            Ok(()) => self.message_arrived(turn),
            Err(error) => match again(error) {
                Again::Look => self.go(turn, Step::LookingForEcho(None), Duration::ZERO),
                Again::After(wait) if self.calls() < CALLS_MOST => self.go(turn, Step::MessageAgain, wait),
                Again::After(_) | Again::Never => self.message_failed(turn, &error.to_string()),
            },
        }
    }

    fn message_arrived(&mut self, turn: &mut Turn<'_>) {
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        delivering.text = None;
        delivering.calls = 0;
        if delivering.resumes {
            return self.send(turn);
        }
        self.deliver_end(turn, Delivery::Applied, "sent, accepted");
    }

    /// The message's echo is looked for a few times; without it nothing more is sent.
    fn looked(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        let Phase::Delivering(delivering) = &self.phase else { return };
        if delivering.echoed {
            return self.message_arrived(turn);
        }
        if is_gone(result) {
            return self.gone(turn);
        }
        let looks = delivering.looks;
        if looks < LOOKS_MOST {
            return self.go(turn, Step::LookingForEcho(None), back_off(looks, FIRST, MOST));
        }
        self.not_delivered(
            turn,
            Delivery::Unknown,
            "it cannot be told whether the message arrived; nothing was repeated",
        );
    }

    fn message_failed(&mut self, turn: &mut Turn<'_>, why: &str) {
        self.not_delivered(turn, Delivery::Failed, &format!("the message was not taken: {why}"));
    }

    fn resume_answered(&mut self, turn: &mut Turn<'_>, result: &Result<(), ApiError>) {
        let taken = matches!(result, Ok(()) | Err(ApiError { class: ErrorClass::NotPaused, .. }));
        if let Phase::Delivering(delivering) = &mut self.phase {
            delivering.ran |= taken;
        }
        let Err(error) = result else { return self.go(turn, Step::Verifying(None), Duration::ZERO) };
        let perhaps = taken || matches!(error.class, ErrorClass::Unknown { .. });
        if !perhaps && self.calls() == 1 {
            // Nothing was resumed, so no event of it comes: the next one speaks of somebody else's resume.
            self.resume_unheard = false;
        }
        match again(error) {
            Again::Look => self.go(turn, Step::Verifying(None), Duration::ZERO),
            Again::After(wait) if self.calls() < CALLS_MOST => self.go(turn, Step::ResumeAgain(None), wait),
            Again::After(_) | Again::Never => {
                self.not_delivered(turn, Delivery::Failed, &format!("resume failed: still paused ({error})"));
            }
        }
    }

    /// The state after a resume decides, not the answer to it.
    fn verified(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        if is_gone(result) {
            return self.gone(turn);
        }
        let hidden = self.is_hidden();
        let Phase::Delivering(delivering) = &self.phase else { return };
        let (looks, calls, ran) = (delivering.looks, delivering.calls, delivering.ran);
        match result {
            Ok(seen) if delivering.heard => self.heard_of(turn, seen),
            Ok(seen) if !seen.is_paused() && !hidden => {
                self.deliver_end(turn, Delivery::Applied, "resumed, confirmed");
            }
            Ok(seen) if !seen.is_paused() && ran => self.deliver_end(turn, Delivery::Applied, "resumed, accepted"),
            Ok(_) | Err(_) if looks < LOOKS_MOST => {
                self.go(turn, Step::Verifying(None), back_off(looks, FIRST, MOST));
            }
            Ok(seen) if !seen.is_paused() => {
                self.lost_sight_of_delivery(turn, "it cannot be told whether it resumed");
            }
            Ok(_) if calls < CALLS_MOST => self.send(turn),
            Ok(_) => self.not_delivered(turn, Delivery::Failed, "resume failed: still paused"),
            Err(error) => self.lost_sight_of_delivery(turn, &format!("it cannot be told whether it resumed: {error}")),
        }
    }

    /// The stream told of a resume, so another one is not sent on the strength of a look: whoever paused the session since may
    /// resume it. Where the event may be an older one, somebody is asked.
    fn heard_of(&mut self, turn: &mut Turn<'_>, seen: &Observed) {
        let plain = matches!(&self.phase, Phase::Delivering(delivering) if delivering.plain);
        if plain || !seen.is_paused() && !self.is_hidden() {
            return self.deliver_end(turn, Delivery::Applied, "resumed, confirmed");
        }
        self.lost_sight_of_delivery(turn, "it may have resumed, and somebody may have paused it again");
    }

    /// The first resume had no effect: it is repeated only while the session is still paused.
    fn resume_again(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        let hidden = self.is_hidden();
        let heard = matches!(&self.phase, Phase::Delivering(delivering) if delivering.heard);
        match result {
            _ if is_gone(result) => self.gone(turn),
            Ok(seen) if heard => self.heard_of(turn, seen),
            Ok(seen) if !seen.is_paused() && (!hidden || seen.has_ended()) => {
                self.deliver_end(turn, Delivery::Applied, "found running");
            }
            Ok(_) => self.send(turn),
            Err(error) => {
                self.not_delivered(turn, Delivery::Failed, &format!("resume failed: still paused ({error})"));
            }
        }
    }

    /// Whether the session's statuses do not show its pause, so that they cannot show its end either.
    fn is_hidden(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.kept.proof == Some(Proof::Event))
    }

    /// After a restart: a durable decision is delivered only if the session is still paused by us, nothing happened since,
    /// and the deadline has not passed.
    fn recovered(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        if is_gone(result) {
            return self.gone(turn);
        }
        let hidden = self.is_hidden();
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        if delivering.echoed {
            delivering.text = None;
        }
        let (resumes, news, message) = (delivering.resumes, delivering.news, delivering.text.is_some());
        match result {
            Err(_) => self.go(turn, Step::Recovering(None), MOST),
            Ok(seen) if seen.has_ended() => self.deliver_end(turn, Delivery::Applied, "found ended after a restart"),
            Ok(_) if !resumes && !message => self.deliver_end(turn, Delivery::Applied, "found sent after a restart"),
            Ok(_) if !resumes && news => {
                self.deliver_end(turn, Delivery::Unknown, "the agent had gone on after a restart");
            }
            Ok(seen) if resumes && !seen.is_paused() && hidden => {
                self.lost_sight_of_delivery(turn, "it cannot be told whether it was resumed before the restart");
            }
            Ok(seen) if resumes && !seen.is_paused() => {
                self.deliver_end(turn, Delivery::Applied, "found running after a restart");
            }
            Ok(_) if news => self.not_delivered(turn, Delivery::Failed, "the agent acted in between"),
            Ok(_) if !self.still_unexpired(turn) => {
                self.not_delivered(turn, Delivery::Failed, "the deadline passed while holdpoint was down");
            }
            Ok(_) if message => self.go(turn, Step::LookingForEcho(None), Duration::ZERO),
            Ok(_) => self.send(turn),
        }
    }

    /// The look after a slow record: nothing has been sent yet, so whatever differs from what was approved asks anew.
    fn looked_again(&mut self, turn: &mut Turn<'_>, result: &Result<Observed, ApiError>) {
        if is_gone(result) {
            return self.gone(turn);
        }
        let Phase::Delivering(delivering) = &self.phase else { return };
        let (resumes, looks) = (delivering.resumes, delivering.looks);
        let hidden = self.is_hidden();
        match result {
            Ok(seen) if seen.has_ended() => {
                self.deliver_end(turn, Delivery::Failed, "not delivered: the task had ended before");
            }
            Ok(seen) if resumes && !seen.is_paused() && !hidden => {
                self.not_delivered(turn, Delivery::Failed, "not delivered: somebody else had resumed the session");
                self.resumed_by_others(turn);
            }
            Ok(_) => self.send(turn),
            Err(_) if looks < LOOKS_MOST => {
                self.go(turn, Step::LookingAgain(None), back_off(looks, FIRST, MOST));
            }
            Err(error) => {
                let detail = format!("not delivered: the session could not be read ({error})");
                self.not_delivered(turn, Delivery::Failed, &detail);
            }
        }
    }

    /// Whether a release may still leave. A rule's own has no deadline.
    fn still_unexpired(&self, turn: &Turn<'_>) -> bool {
        self.case.as_ref().is_some_and(|case| case.kept.plan != Plan::Ask || !case.deadline.has_passed(turn.now))
    }

    fn calls(&self) -> u32 {
        if let Phase::Delivering(delivering) = &self.phase { delivering.calls } else { 0 }
    }

    /// Takes a step now, or when `wait` has passed.
    fn go(&mut self, turn: &mut Turn<'_>, step: Step, wait: Duration) {
        if let Phase::Delivering(delivering) = &mut self.phase {
            delivering.step = step;
            delivering.wake_at = Some(turn.now.mono + wait);
        }
        if wait.is_zero() {
            self.delivering_tick(turn);
        }
    }
}

enum Again {
    /// The effect is unknown or already there: read the state.
    Look,
    /// The call had no effect and may be repeated.
    After(Duration),
    /// The call had no effect and repeating it is useless.
    Never,
}

fn again(error: &ApiError) -> Again {
    match &error.class {
        ErrorClass::Unknown { .. }
        | ErrorClass::NotFound { .. }
        | ErrorClass::NotPaused
        | ErrorClass::AlreadyPaused => Again::Look,
        ErrorClass::RateLimited { retry_after } => {
            Again::After(retry_after.unwrap_or(Duration::from_secs(2)).min(Duration::from_secs(30)))
        }
        ErrorClass::Unreachable { .. } => Again::After(Duration::from_secs(1)),
        ErrorClass::Auth { .. } | ErrorClass::Refused { .. } => Again::Never,
    }
}

fn is_gone(result: &Result<Observed, ApiError>) -> bool {
    matches!(result, Err(ApiError { class: ErrorClass::NotFound { .. }, .. }))
}
