//! From a verdict to an open case: holds, questions, blindness.

use std::time::Duration;

use crate::api::{ApiError, Event, EventKind, MessageId, PauseAnswer};
use crate::control::EndedBy;
use crate::operator::escape::short;
use crate::policy::{Consent, Effect as RuleEffect, Fired, Risk, RuleTerms, Verdict};

use super::case::{Case, Opening, event_line};
use super::held::Poll;
use super::owning::{Arrival, Owning};
use super::pausing::Pausing;
use super::phase::Phase;
use super::{Answer, CallId, Effect, Entry, EventLine, Gate, Plan, Proof, Subject, Turn};

/// A pause sent while something else had to be finished first, with its answer if there is one.
#[derive(Debug)]
pub(super) struct Early {
    pub call: CallId,
    pub answer: Option<Result<PauseAnswer, ApiError>>,
}

/// Sight that was lost while something else was under way.
#[derive(Debug)]
pub(super) struct Blind {
    why: String,
    /// Whether what was missed can never be read back.
    for_good: bool,
}

/// How often a rule has acted by itself in a row.
#[derive(Debug)]
pub(super) struct Repeats {
    pub times: u32,
    pub last: Duration,
}

/// After this long without firing, a rule's repeats are forgotten.
const REPEATS_FORGOTTEN: Duration = Duration::from_secs(1800);

impl Gate {
    /// An event is being judged, and its verdict will hold: the pause that leaves now is the one of the hold that opens when the event
    /// is seen, with its whole verdict. None where another input has to be finished first, or the hold is not certain.
    ///
    /// What fires is known before all that stands on a card. A caller that foretold wrongly has paused a session for
    /// nothing, and somebody is asked about that.
    pub fn foresee(&mut self, event: &Event, backlog: bool) -> Option<CallId> {
        let holds = !matches!(event.kind, EventKind::Done | EventKind::Question);
        if backlog || !holds || !self.is_free() {
            return None;
        }
        let call = self.name_call();
        self.unanswered.insert(call);
        self.early = Some(Early { call, answer: None });
        Some(call)
    }

    /// Whether nothing is held, asked or stopped, nor on its way to be, and nobody waits for what comes next: no hold, question or call
    /// follows of what the agent says or does where no rule fires on it.
    #[must_use]
    pub fn only_watches(&self) -> bool {
        self.is_free() && self.missed.is_none() && self.stray.is_none() && !self.rest.is_asked()
    }

    fn is_free(&self) -> bool {
        let plain = self.early.is_none() && self.covered.is_none() && self.halted.is_none() && !self.stopping;
        plain && matches!(self.phase, Phase::Watching)
    }

    pub(super) fn seen_watching(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        self.age_cover(turn, event);
        match verdict.effect {
            RuleEffect::Allow | RuleEffect::Alert => (),
            RuleEffect::Instruct | RuleEffect::Cooldown | RuleEffect::Ask | RuleEffect::Deny => {
                self.fired(turn, event, verdict);
            }
        }
    }

    fn fired(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let asks = verdict.effect >= RuleEffect::Ask;
        if self.is_covered(event, verdict) {
            self.mention(turn, sentence("the approved act is carried out", event, verdict));
        } else if event.kind == EventKind::Done {
            self.notice(turn, sentence("seen only when the task was done, too late to hold", event, verdict));
        } else if event.kind == EventKind::Question && asks {
            self.open_question(turn, event, verdict);
        } else {
            self.open_hold(turn, event, verdict);
        }
    }

    /// Pauses first, then opens the case.
    pub(super) fn open_hold(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        let early = self.early.take();
        let call = early.as_ref().map_or_else(|| self.name_call(), |early| early.call);
        if early.is_none() {
            turn.out.push(Effect::Pause { call });
        }
        self.phase = Phase::Pausing(Pausing::sent(call));
        self.pauses_anew();
        self.rest_ends();
        self.covered = None;
        let (plan, note) = self.counted(turn, verdict);
        self.open_case(turn, Subject::Hold, event_line(event), event.id, verdict, plan.clone());
        if let Some(case) = &mut self.case {
            case.owning = Owning::since(call);
            if self.perhaps_paused || self.straying.may_come(turn.now) {
                case.owning = case.owning.in_doubt();
            }
            note.into_iter().for_each(|note| case.note(note));
        }
        match plan {
            Plan::Deny { by } => {
                self.record(turn, Entry::Opened);
                self.deny(turn, by);
            }
            Plan::Ask => {
                self.record(turn, Entry::Opened);
                self.publish(turn);
            }
            Plan::Cooldown { .. } | Plan::Instruct { .. } => {
                self.record(turn, Entry::Opened);
                self.mention(turn, sentence("pausing", event, verdict));
            }
        }
        if let Some((call, answer)) = early.and_then(|early| Some((early.call, early.answer?))) {
            let answer = Answer::Pause(answer);
            self.own_pause_answered(turn, call, &answer);
            self.pausing_answered(turn, call, &answer);
        }
    }

    fn open_question(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        self.rest_ends();
        self.covered = None;
        let plan = plan_of(verdict);
        self.open_case(turn, Subject::Question, event_line(event), event.id, verdict, plan.clone());
        if let Some(case) = &mut self.case {
            case.seal();
        }
        self.phase = Phase::Asking(Poll::start(turn.now.mono, self.settings.hold_poll));
        self.record(turn, Entry::Opened);
        self.publish(turn);
        if let Plan::Deny { by } = plan {
            self.deny(turn, by);
        }
    }

    fn open_case(
        &mut self,
        turn: &mut Turn<'_>,
        subject: Subject,
        trigger: EventLine,
        id: Option<MessageId>,
        verdict: &Verdict,
        plan: Plan,
    ) {
        let opening = Opening {
            id: turn.mint.approval(),
            session: &self.about.session,
            agent: self.about.agent.as_deref(),
            goal: self.about.goal.as_deref(),
            subject,
            trigger,
            verdict,
            plan,
            before: self.before.iter().cloned().collect(),
            seen_up_to: id.unwrap_or(self.seen_up_to),
            is_history: self.looks_back,
        };
        self.case = Some(Box::new(Case::open(turn.now, opening, &self.settings)));
        self.pass_no_more();
    }

    /// The plan of a verdict; a rule that has acted too often by itself asks instead, and a note says so.
    pub(super) fn counted(&mut self, turn: &Turn<'_>, verdict: &Verdict) -> (Plan, Option<String>) {
        let plan = plan_of(verdict);
        if self.is_halted() && matches!(plan, Plan::Cooldown { .. } | Plan::Instruct { .. }) {
            return (Plan::Ask, Some("everything is stopped, so the rule does not act by itself".to_owned()));
        }
        let rule = match (&plan, verdict.deciding()) {
            (Plan::Cooldown { .. } | Plan::Instruct { .. }, Some(fired)) => &fired.rule,
            (Plan::Cooldown { .. } | Plan::Instruct { .. } | Plan::Ask | Plan::Deny { .. }, _) => return (plan, None),
        };
        let last = turn.now.mono;
        self.repeats.retain(|_, repeats| last.saturating_sub(repeats.last) < REPEATS_FORGOTTEN);
        let repeats = self.repeats.entry(rule.name.clone()).or_insert(Repeats { times: 0, last });
        repeats.last = last;
        repeats.times = repeats.times.saturating_add(1);
        if repeats.times > rule.max_repeats {
            let times = rule.max_repeats;
            let note = format!("rule {} has acted {times} times in a row by itself; now it asks", short(&rule.name));
            return (Plan::Ask, Some(note));
        }
        (plan, None)
    }

    /// An alert is said whatever the session is doing.
    pub(super) fn alert(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if verdict.effect == RuleEffect::Alert {
            self.notice(turn, sentence("alert", event, verdict));
        }
    }

    /// A rule that fires where its session is being ended or kept already: it is written down.
    pub(super) fn overlooked(&mut self, turn: &mut Turn<'_>, event: &Event, verdict: &Verdict) {
        if verdict.effect > RuleEffect::Alert {
            self.notice(turn, sentence("seen after the decision", event, verdict));
        }
    }

    /// Sight was lost for too long: the session is paused, or it is only said.
    pub(super) fn blind(&mut self, turn: &mut Turn<'_>, why: &str) {
        self.rest_ends();
        // Where everything is stopped it is paused, whatever is configured: it may act.
        turn.moves = true;
        // What waits for an answer is paused once it may act again.
        let stops = self.stops_what_acts() && !matches!(self.phase, Phase::Watching);
        let pauses = self.settings.pause_when_blind || stops;
        if self.settings.pause_when_blind && matches!(self.phase, Phase::Watching) {
            return self.open_own(turn, "on_blind", &format!("holdpoint lost sight of the session: {why}"));
        }
        let text = format!("out of sight: {why}");
        self.notice(turn, text.clone());
        let told = self.asks_about_a_hold();
        self.renote(turn, text);
        if told || !pauses {
            return;
        }
        self.spoil("holdpoint lost sight of the session while the decision was being recorded");
        if !self.blind.as_ref().is_some_and(|blind| blind.for_good) {
            self.blind = Some(Blind { why: why.to_owned(), for_good: false });
        }
    }

    /// Whether an operator is being asked about a hold, on a card that can still change. An answer to a question waives
    /// nothing: it does not speak of what the session does next.
    fn asks_about_a_hold(&self) -> bool {
        let asks = self.case.as_ref().is_some_and(|case| {
            case.kept.closed.is_none() && case.kept.plan == Plan::Ask && case.card().subject == Subject::Hold
        });
        asks && match self.phase {
            Phase::Pausing(_) | Phase::Settling(_) | Phase::Held(_) | Phase::Checking(_) => true,
            Phase::Watching
            | Phase::Cooling(_)
            | Phase::Asking(_)
            | Phase::Recording(_)
            | Phase::Delivering(_)
            | Phase::Cancelling(_)
            | Phase::Kept(_)
            | Phase::Over => false,
        }
    }

    /// What had to wait until nothing else was under way: lost sight, and a pause that arrived where nothing is held.
    pub(super) fn catch_up_on_holds(&mut self, turn: &mut Turn<'_>) {
        if !matches!(self.phase, Phase::Watching) {
            // By the time it is asked about, the session may have run again.
            self.stray = self.stray.map(|_| Arrival::Unknown);
            return;
        }
        if let Some(arrival) = self.stray.take() {
            self.open_own(turn, "late pause", "a pause of holdpoint arrived after its reason had ended");
            if let Some(case) = &mut self.case {
                case.owning = case.owning.in_doubt();
                case.kept.owned = (arrival == Arrival::Effective).then_some(true);
            }
        } else if let Some(Blind { why, .. }) = self.blind.take() {
            self.open_own(turn, "on_blind", &format!("holdpoint lost sight of the session: {why}"));
        }
    }

    /// Whether the answer to a pause means that the session is paused by us, or may be, although nothing is held.
    pub(super) fn strays(&self, answer: &Answer) -> Option<Arrival> {
        let Answer::Pause(result) = answer else { return None };
        let arrival = Arrival::of(result);
        let question = self.case.as_ref().is_some_and(|case| case.card().subject == Subject::Question);
        let hidden = self.case.as_ref().is_some_and(|case| case.kept.proof == Some(Proof::Event));
        let is_stray = arrival != Arrival::None
            && match self.phase {
                Phase::Watching | Phase::Asking(_) => true,
                // Where statuses show pauses, verifying the release finds it.
                Phase::Delivering(_) => hidden || question,
                Phase::Checking(_) => question,
                Phase::Pausing(_)
                | Phase::Settling(_)
                | Phase::Held(_)
                | Phase::Cooling(_)
                | Phase::Recording(_)
                | Phase::Cancelling(_)
                | Phase::Kept(_)
                | Phase::Over => false,
            };
        is_stray.then_some(arrival)
    }

    /// Opens a hold for a reason of our own, which stands on the card like a rule.
    fn open_own(&mut self, turn: &mut Turn<'_>, name: &str, text: &str) {
        let event = Event {
            id: None,
            kind: EventKind::Log,
            text: text.to_owned(),
            at: None,
            url: None,
            title: None,
            truncated: false,
        };
        self.open_hold(turn, &event, &own_verdict(name, "[watch]"));
    }

    /// Back in sight; a hold for blindness stays until an operator answers it.
    pub(super) fn sighted(&mut self, turn: &mut Turn<'_>) {
        self.blind.take_if(|blind| !blind.for_good);
        let text = "back in sight; what was missed has been read and evaluated";
        self.mention(turn, text.to_owned());
        self.renote(turn, text.to_owned());
    }

    /// Events may be missing: it is written down, and handled as blindness is.
    pub(super) fn gap(&mut self, turn: &mut Turn<'_>, after: MessageId, why: &str) {
        let text = format!("events after {after} may be missing: {why}");
        self.blind(turn, &text);
        if let Some(blind) = &mut self.blind {
            blind.for_good = true;
        }
    }
}

/// Whether such an event opens a hold in a session that is watched, approved acts aside.
pub(super) fn holds(event: &Event, verdict: &Verdict) -> bool {
    let asked = event.kind == EventKind::Question && verdict.effect >= RuleEffect::Ask;
    verdict.effect > RuleEffect::Alert && event.kind != EventKind::Done && !asked
}

/// What follows when the session is held.
pub(super) fn plan_of(verdict: &Verdict) -> Plan {
    let Some(fired) = verdict.deciding() else { return Plan::Ask };
    let name = fired.rule.name.clone();
    match (fired.effect, fired.rule.cooldown, &fired.rule.instruct) {
        (RuleEffect::Deny, _, _) => Plan::Deny { by: EndedBy::Rule { name } },
        (RuleEffect::Cooldown, Some(lasts), _) => Plan::Cooldown { rule: name, lasts, until: None },
        (RuleEffect::Instruct, _, Some(text)) => Plan::Instruct { rule: name, text: text.clone() },
        (
            RuleEffect::Ask | RuleEffect::Allow | RuleEffect::Alert | RuleEffect::Cooldown | RuleEffect::Instruct,
            _,
            _,
        ) => Plan::Ask,
    }
}

pub(super) fn sentence(what: &str, event: &Event, verdict: &Verdict) -> String {
    let rule = verdict.deciding().map_or("?", |fired| fired.rule.name.as_str());
    format!("{what}: rule {} on {} \"{}\"", short(rule), short(event.kind.name()), short(&event.text))
}

/// A reason of our own stands on a card like a rule.
pub(super) fn own_verdict(name: &str, place: &str) -> Verdict {
    let rule = RuleTerms {
        name: name.to_owned(),
        place: place.to_owned(),
        effect: RuleEffect::Ask,
        risk: Risk::Medium,
        confirm: None,
        cooldown: None,
        max_repeats: 1,
        instruct: None,
        answer: None,
        refusal: None,
        on_deny: None,
        timeout: None,
        consent: Consent::default(),
    };
    let fired =
        Fired { rule: std::sync::Arc::new(rule), effect: RuleEffect::Ask, matched: Vec::new(), undecided: Vec::new() };
    Verdict { effect: RuleEffect::Ask, fired: vec![fired], amount: None, domain: None }
}
