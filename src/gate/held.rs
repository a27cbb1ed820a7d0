//! Held: settling, waiting for an answer or for time, and watching over what is held.

use std::time::Duration;

use crate::api::{ApiError, ErrorClass, Event, EventKind};
use crate::control::{EndedBy, Refusal};
use crate::operator::escape::short;
use crate::policy::{OnTimeout, Verdict};

use super::case::place_told;
use super::deciding::name_of;
use super::opening::plan_of;
use super::pausing::Since;
use super::phase::Phase;
use super::suspecting::hints_at_running;
use super::{Answer, CallId, Deliver, Entry, Gate, Observed, Outcome, Page, Plan, Proof, Subject, Turn, is_news};

/// How long a complete card waits for its page.
const PAGE_MOST: Duration = Duration::from_millis(1500);

/// A confirmed pause whose late events are being collected.
#[derive(Debug)]
pub(super) struct Settling {
    until: Duration,
    latest: Duration,
    page: Option<CallId>,
    read: Option<CallId>,
}

impl Settling {
    pub fn start(now: Duration, settle: Duration, page: Option<CallId>) -> Self {
        Self { until: now + settle, latest: now + settle + PAGE_MOST, page, read: None }
    }

    /// Reads not before `at`, which is soon.
    pub fn look_at(&mut self, at: Duration) {
        self.until = self.until.max(at);
    }

    pub fn due(&self) -> Option<Duration> {
        match (self.read, self.page) {
            (Some(_), _) => None,
            (None, Some(_)) => Some(self.latest),
            (None, None) => Some(self.until),
        }
    }
}

/// The rhythm in which a held session's state is read back.
#[derive(Debug)]
pub(super) struct Poll {
    next: Duration,
    read: Option<CallId>,
    /// When a cooldown is over.
    until: Option<Duration>,
}

impl Poll {
    pub fn start(now: Duration, every: Duration) -> Self {
        Self { next: now + every, read: None, until: None }
    }

    /// Reads at `at`, which is soon.
    pub fn look_at(&mut self, at: Duration) {
        self.next = self.next.min(at);
    }

    pub fn due(&self) -> Option<Duration> {
        let next = self.read.is_none().then_some(self.next);
        [next, self.until].into_iter().flatten().min()
    }

    /// A rule's release is tried again at the next poll.
    pub fn retry(self) -> Self {
        Self { until: Some(self.next), ..self }
    }
}

impl Gate {
    /// An event that belongs on the open card.
    pub(super) fn taken_in(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let news = is_news(event, verdict);
        let fires = verdict.effect > crate::policy::Effect::Alert;
        let Some(case) = self.case.as_mut().filter(|case| case.kept.closed.is_none()) else {
            return self.overlooked(turn, event, verdict);
        };
        let before = fires.then(|| case.demands());
        let shown = case.follow(event);
        if fires {
            case.join(verdict, &self.settings);
            self.replan(turn, verdict);
            let open = self.case.as_deref().filter(|case| case.kept.closed.is_none());
            let stricter = open.is_some_and(|case| before.as_ref() != Some(&case.demands()));
            if stricter && !matches!(self.phase, Phase::Recording(_)) {
                // A restart must not fall back to a milder plan. That the same fired again is told when the card is complete:
                // a flood is not written down event by event, and a restart sees again what came after the card.
                self.record(turn, Entry::Revised);
            }
        }
        if news || shown {
            self.changed(turn);
        }
    }

    /// The strictest plan of all that fired on one hold.
    pub(super) fn replan(&mut self, turn: &mut Turn<'_>, verdict: &Verdict) {
        let rank = |plan: &Plan| match plan {
            Plan::Instruct { .. } => 0,
            Plan::Cooldown { .. } => 1,
            Plan::Ask => 2,
            Plan::Deny { .. } => 3,
        };
        let planned = |gate: &Self| gate.case.as_ref().map_or(0, |case| rank(&case.kept.plan));
        if rank(&plan_of(verdict)) <= planned(self) {
            return;
        }
        let (plan, note) = self.counted(turn, verdict);
        let Some(case) = &mut self.case else { return };
        if let Some(note) = note {
            case.note(note);
        }
        match &plan {
            Plan::Ask => case.ask_from(turn.now),
            Plan::Cooldown { .. } | Plan::Instruct { .. } | Plan::Deny { .. } => case.kept.plan = plan.clone(),
        }
        if let Plan::Deny { by } = plan {
            self.deny(turn, by);
        }
    }

    /// The card changed: what was complete is a draft again until things settle.
    pub(super) fn changed(&mut self, turn: &mut Turn<'_>) {
        let Some(case) = self.case.as_mut().filter(|case| case.kept.closed.is_none()) else { return };
        case.sealed = false;
        if let Phase::Asking(_) = self.phase {
            // Nothing settles while the agent waits.
            case.seal();
            self.record(turn, Entry::Revised);
        } else if let Phase::Held(_) | Phase::Cooling(_) = self.phase {
            self.phase = Phase::Settling(Settling::start(turn.now.mono, self.settings.settle, None));
        }
        self.publish(turn);
    }

    /// A sentence for the open card.
    pub(super) fn renote(&mut self, turn: &mut Turn<'_>, note: String) {
        let Some(case) = &mut self.case else { return };
        case.note(note);
        match self.phase {
            Phase::Held(_) | Phase::Cooling(_) | Phase::Settling(_) | Phase::Pausing(_) | Phase::Asking(_) => {
                self.changed(turn);
            }
            Phase::Checking(_) => {
                self.abort_check(turn);
                self.changed(turn);
            }
            Phase::Watching
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => (),
        }
    }

    pub(super) fn page_seen(&mut self, call: CallId, page: Result<Page, String>) {
        let Phase::Settling(settling) = &mut self.phase else { return };
        if settling.page != Some(call) {
            return;
        }
        settling.page = None;
        let Some(case) = &mut self.case else { return };
        match page {
            Ok(page) => {
                case.kept.card.url = page.url;
                case.kept.card.title = page.title;
                case.kept.card.domain = page.domain.or(case.kept.card.domain.take());
                place_told(&mut case.kept.card);
            }
            Err(why) => case.note(format!("no page could be read: {}", short(&why))),
        }
    }

    pub(super) fn settle_tick(&mut self, turn: &mut Turn<'_>) {
        let call = self.read(turn);
        let Phase::Settling(settling) = &mut self.phase else { return };
        settling.read = Some(call);
        if settling.page.take().is_some()
            && let Some(case) = &mut self.case
        {
            case.note("the page could not be read in time".to_owned());
        }
    }

    /// Reads a held session back. Where its statuses hide pauses, only another pause can tell whether it runs.
    pub(super) fn poll(&mut self, turn: &mut Turn<'_>) {
        if self.case.as_ref().is_some_and(|case| case.kept.proof == Some(Proof::Event)) {
            self.suspect(turn);
        }
        let call = self.read(turn);
        if let Phase::Held(poll) | Phase::Cooling(poll) | Phase::Asking(poll) | Phase::Kept(poll) = &mut self.phase {
            poll.read = Some(call);
            poll.next = turn.now.mono + self.settings.hold_poll;
        }
    }

    pub(super) fn cooling_tick(&mut self, turn: &mut Turn<'_>) {
        let Phase::Cooling(poll) = &mut self.phase else { return };
        if self.stopping || self.halted.is_some() {
            poll.until = None;
        }
        if poll.until.is_some_and(|until| until <= turn.now.mono) {
            self.release_by_rule(turn);
        } else {
            self.poll(turn);
        }
    }

    /// A read of a session that is settling, held, cooling, asking or kept.
    pub(super) fn read_back(&mut self, turn: &mut Turn<'_>, call: CallId, answer: &Answer) {
        let Answer::Read(result) = answer else { return };
        match &mut self.phase {
            Phase::Settling(settling) if settling.read == Some(call) => settling.read = None,
            Phase::Held(poll) | Phase::Cooling(poll) | Phase::Asking(poll) | Phase::Kept(poll)
                if poll.read == Some(call) =>
            {
                poll.read = None;
            }
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
            | Phase::Over => return,
        }
        if let Ok(seen) = result {
            self.question_looked_at(turn, seen);
        }
        if self.is_doubted(turn, result) {
            return self.look_soon(turn);
        }
        match result {
            Ok(seen) => self.state_read(turn, seen),
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => self.gone(turn),
            Err(_) => self.read_failed(turn),
        }
    }

    fn state_read(&mut self, turn: &mut Turn<'_>, seen: &Observed) {
        if seen.has_ended() {
            self.came_to_rest(turn, seen);
            return self.ended_by_itself(turn, seen.is_over());
        }
        if self.acts_on(seen) {
            turn.moves = true;
            return self.withdraw(turn, "everything is stopped, and the agent went on without an answer");
        }
        let paused = self.still_paused(seen);
        match (&self.phase, paused) {
            (Phase::Settling(_), true) if self.owner_is_pending() => self.read_failed(turn),
            (Phase::Settling(_), true) => self.seal(turn),
            (Phase::Settling(_) | Phase::Held(_) | Phase::Cooling(_), false) => self.resumed_by_others(turn),
            (Phase::Kept(_), false) => {
                self.pause_anew(turn, Since::Now);
                self.reopen_kept(turn);
            }
            (
                Phase::Watching
                | Phase::Pausing(_)
                | Phase::Held(_)
                | Phase::Cooling(_)
                | Phase::Asking(_)
                | Phase::Checking(_)
                | Phase::Recording(_)
                | Phase::Delivering(_)
                | Phase::Cancelling(_)
                | Phase::Kept(_)
                | Phase::Over,
                _,
            ) => (),
        }
    }

    /// Whether a read agrees with the hold. Where statuses never showed the pause they cannot show its end either.
    pub(super) fn still_paused(&mut self, seen: &Observed) -> bool {
        let Some(case) = &mut self.case else { return seen.is_paused() };
        if seen.is_paused() {
            case.kept.proof = Some(Proof::Status);
        }
        seen.is_paused() || case.kept.proof == Some(Proof::Event)
    }

    fn ended_by_itself(&mut self, turn: &mut Turn<'_>, over: bool) {
        match self.case.as_ref().map(|case| case.card().subject) {
            Some(Subject::Question) => self.withdraw(turn, "the task ended without an answer"),
            Some(Subject::Hold) => self.withdraw(turn, "the task ended while it was held"),
            None => self.phase = Phase::Watching,
        }
        if over {
            self.phase = Phase::Over;
        }
    }

    /// The card cannot be completed yet: settling goes on, slowly.
    fn read_failed(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Settling(settling) = &mut self.phase {
            settling.until = turn.now.mono + self.settings.hold_poll;
        }
    }

    /// Things have settled: the card is complete, and what was planned happens.
    fn seal(&mut self, turn: &mut Turn<'_>) {
        self.ask_in_doubt(turn);
        let Some(case) = &mut self.case else { return };
        case.show_owner(turn.now.wall);
        case.seal();
        let every = self.settings.hold_poll;
        let mut poll = Poll::start(turn.now.mono, every);
        match &mut case.kept.plan {
            Plan::Ask => self.phase = Phase::Held(poll),
            Plan::Cooldown { lasts, until, .. } => {
                let lasts = *lasts;
                let until = *until.get_or_insert_with(|| turn.now.after(lasts).wall);
                let left = Duration::try_from(until.duration_since(turn.now.wall)).unwrap_or(Duration::ZERO);
                poll.until = Some(turn.now.mono + left.min(lasts));
                self.phase = Phase::Cooling(poll);
            }
            Plan::Instruct { .. } => {
                self.phase = Phase::Held(poll);
                self.record(turn, Entry::Revised);
                return self.release_by_rule(turn);
            }
            Plan::Deny { by } => {
                let by = by.clone();
                self.phase = Phase::Held(poll);
                return self.deny(turn, by);
            }
        }
        self.record(turn, Entry::Revised);
        self.publish(turn);
    }

    /// What is in doubt is for a person: no rule lets a session go on that somebody else may have paused.
    fn ask_in_doubt(&mut self, turn: &Turn<'_>) {
        let Some(case) = self.case.as_mut().filter(|case| case.kept.owned.is_none()) else { return };
        match case.kept.plan {
            Plan::Cooldown { .. } | Plan::Instruct { .. } => {
                case.ask_from(turn.now);
                case.note("whose the pause is cannot be told, so the rule does not act by itself".to_owned());
            }
            Plan::Ask | Plan::Deny { .. } => (),
        }
    }

    pub(super) fn deadline_counts(&self) -> bool {
        self.is_being_asked() && !self.is_halted()
    }

    /// Whether an operator is asked, and no decision is on its way to the disk.
    pub(super) fn is_being_asked(&self) -> bool {
        let asks = self.case.as_ref().is_some_and(|case| case.kept.closed.is_none() && case.kept.plan == Plan::Ask);
        asks && match self.phase {
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Asking(_) | Phase::Checking(_) => true,
            Phase::Watching
            | Phase::Cooling(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => false,
        }
    }

    /// Nobody answered in time.
    pub(super) fn expire_if_due(&mut self, turn: &mut Turn<'_>) {
        let passed = self.case.as_ref().is_some_and(|case| case.deadline.has_passed(turn.now));
        if !passed || !self.deadline_counts() {
            return;
        }
        let by = name_of(&EndedBy::Deadline);
        self.abort_check_because(turn, || Refusal::AlreadyDecided { outcome: Outcome::Expired, by });
        let Some(case) = &self.case else { return };
        match case.card().then.timeout {
            OnTimeout::Cancel => {
                self.close(turn, Outcome::Expired, EndedBy::Deadline, Deliver::Cancel, "cancelling");
                self.start_cancelling(turn);
            }
            OnTimeout::KeepPaused => {
                self.close(turn, Outcome::Expired, EndedBy::Deadline, Deliver::Nothing, "kept as it is");
                self.keep(turn);
            }
        }
    }

    /// Leaves the session as it is: a hold stays paused and is watched over, a question stays unanswered.
    pub(super) fn keep(&mut self, turn: &mut Turn<'_>) {
        let Some(case) = &self.case else { return };
        match (case.card().subject, &self.phase) {
            (Subject::Question, _) => {
                self.case = None;
                self.phase = Phase::Watching;
            }
            // An unconfirmed pause goes on being repeated; its confirmation comes back here.
            (Subject::Hold, Phase::Pausing(_)) if case.kept.proof.is_none() => (),
            (Subject::Hold, _) => self.phase = Phase::Kept(Poll::start(turn.now.mono, self.settings.hold_poll)),
        }
        if let Some(case) = &mut self.case
            && !case.kept.holding
        {
            case.kept.holding = true;
            self.record(turn, Entry::Delivered);
        }
    }

    /// A session that was kept paused no longer is: the closed case lets go of it.
    pub(super) fn let_go(&mut self, turn: &mut Turn<'_>) {
        if let Some(case) = &mut self.case
            && case.kept.holding
        {
            case.kept.holding = false;
            self.record(turn, Entry::Delivered);
        }
    }

    /// Somebody resumed a session that was to stay paused: it is being paused again, and an operator is asked.
    pub(super) fn reopen_kept(&mut self, turn: &mut Turn<'_>) {
        let why = "somebody else resumed a session that was kept paused; paused again";
        if let Some(case) = &mut self.case {
            case.mark_late(why);
        }
        self.reopen(turn, why);
        self.notice(turn, why.to_owned());
    }

    pub(super) fn seen_kept(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if hints_at_running(event, verdict) {
            self.suspect(turn);
        }
        self.overlooked(turn, event, verdict);
    }

    /// A question is withdrawn when somebody answers it or the agent goes on without an answer.
    pub(super) fn seen_asking(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let answered = event.kind == EventKind::User;
        if !answered && !is_news(event, verdict) {
            return;
        }
        self.rest_ends();
        self.withdraw(turn, if answered { "somebody else answered" } else { "the agent went on without an answer" });
        self.seen_watching(turn, event, verdict);
    }
}
