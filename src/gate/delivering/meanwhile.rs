//! What is seen while a release is under way.

use crate::api::{Event, EventKind};
use crate::policy::{Effect, Verdict};

use super::super::opening::{holds, plan_of};
use super::super::phase::Phase;
use super::super::{Delivery, Gate, Plan, Turn, is_news};
use super::Step;

impl Gate {
    /// Events while a release is under way. Only what is read back proves that it arrived: a step that was in flight may
    /// report in at any time. A rule that fires once the agent may run holds it again at once.
    pub(in crate::gate) fn seen_delivering(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let meanwhile = self.stirred_meanwhile();
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        match event.kind {
            EventKind::Resumed if matches!(delivering.step, Step::LookingAgain(_)) => {
                self.not_delivered(turn, Delivery::Failed, "not delivered: somebody else may have resumed the session");
                return self.suspect(turn);
            }
            EventKind::User if !delivering.resumes => return self.seen_answer(turn, event, verdict),
            EventKind::User => delivering.echoed |= delivering.text.as_deref() == Some(event.text.as_str()),
            EventKind::Resumed if delivering.resumes && meanwhile => {
                self.not_delivered(turn, Delivery::Failed, "not resumed: somebody else may have resumed the session");
                return self.suspect(turn);
            }
            EventKind::Resumed => {
                let taken = delivering.ran && matches!(delivering.step, Step::Verifying(_));
                delivering.heard |= delivering.may_run();
                if taken && delivering.plain {
                    // Taken, and told of: what a look finds after this is somebody else's doing.
                    return self.deliver_end(turn, Delivery::Applied, "resumed, confirmed");
                }
                delivering.ran |= matches!(delivering.step, Step::Resuming(_) | Step::Verifying(_));
            }
            EventKind::Step
            | EventKind::Thought
            | EventKind::Question
            | EventKind::Done
            | EventKind::Error
            | EventKind::Log
            | EventKind::Paused
            | EventKind::Unknown(_) => (),
        }
        if !is_news(event, verdict) {
            return;
        }
        if !delivering.resumes {
            return self.went_on(turn, event, verdict);
        }
        if delivering.may_run() {
            return self.moved(turn, event, verdict);
        }
        // A step that was in flight reports in before anything was released: ask again.
        if let Some(case) = &mut self.case {
            case.follow(event);
            if verdict.effect > Effect::Alert {
                case.join(verdict, &self.settings);
            }
        }
        self.not_delivered(turn, Delivery::Failed, "not resumed: the agent acted after the card was shown");
        if let Plan::Deny { by } = plan_of(verdict) {
            self.deny(turn, by);
        }
    }

    /// A message while an answer is under way: its echo, or somebody else's.
    fn seen_answer(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        let unsent = matches!(delivering.step, Step::LookingAgain(_));
        if !unsent && delivering.text.as_deref() == Some(event.text.as_str()) {
            delivering.echoed = true;
        } else if unsent || delivering.step == Step::MessageAgain {
            self.deliver_end(turn, Delivery::Failed, "not sent: somebody else answered");
            self.seen_watching(turn, event, verdict);
        }
    }

    /// The agent goes on while an answer is under way: it no longer waits for one.
    fn went_on(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let Phase::Delivering(delivering) = &self.phase else { return };
        let (delivery, detail) = match delivering.step {
            Step::MessageAgain | Step::LookingAgain(_) => {
                (Delivery::Failed, "not sent: the agent went on without an answer")
            }
            Step::Recovering(_) if !delivering.echoed => (Delivery::Unknown, "the agent had gone on after a restart"),
            Step::Messaging(_)
            | Step::LookingForEcho(_)
            | Step::Resuming(_)
            | Step::Verifying(_)
            | Step::ResumeAgain(_)
            | Step::Recovering(_) => (Delivery::Applied, "the agent goes on"),
        };
        self.deliver_end(turn, delivery, detail);
        self.seen_watching(turn, event, verdict);
    }

    /// The agent moves while a resume may have arrived.
    fn moved(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let Phase::Delivering(delivering) = &mut self.phase else { return };
        delivering.news = true;
        // Taken; or told of before the answer, where no other resume was waited for.
        let told = delivering.heard && delivering.plain;
        let proven = match delivering.step {
            Step::Verifying(_) => delivering.ran,
            Step::Resuming(_) => told,
            Step::Messaging(_)
            | Step::MessageAgain
            | Step::LookingForEcho(_)
            | Step::LookingAgain(_)
            | Step::ResumeAgain(_)
            | Step::Recovering(_) => false,
        };
        let recovering = matches!(delivering.step, Step::Recovering(_));
        let fires = verdict.effect > Effect::Alert;
        if !fires || event.kind == EventKind::Done || (!recovering && self.carries_out(event, verdict)) {
            return self.overlooked(turn, event, verdict);
        }
        if proven && !holds(event, verdict) {
            self.deliver_end(turn, Delivery::Applied, "the agent goes on, and asks");
            return self.seen_watching(turn, event, verdict);
        }
        let detail = if proven {
            "resumed, and a rule fired again"
        } else {
            "a rule fired before it was known whether it resumed"
        };
        self.deliver_end_and_hold(turn, proven, detail, event, verdict);
    }
}
