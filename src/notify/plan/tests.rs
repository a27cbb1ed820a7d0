//! When somebody is called.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::control::fixtures::{at, by, ended, open};
use crate::gate::Outcome;

const SECOND: Duration = Duration::from_secs(1);

/// The planner with a clock; cards of the fixtures open at 13:02:11 and expire at 13:12:11.
struct Bench {
    plan: Plan,
    start: Moment,
    now: Moment,
}

fn bench(settings: Settings) -> Bench {
    let start = Moment { mono: Duration::from_secs(100), wall: at("2026-11-23T13:02:11Z") };
    Bench { plan: Plan::new(settings), start, now: start }
}

impl Bench {
    fn at(&mut self, seconds: u64) -> &mut Self {
        self.now = self.start.after(Duration::from_secs(seconds));
        self
    }

    fn told(&mut self, view: &ApprovalView) -> Vec<String> {
        let said = self.plan.approval(self.now, view.clone());
        self.words(said)
    }

    fn tick(&mut self) -> Vec<String> {
        let said = self.plan.tick(self.now);
        self.words(said)
    }

    /// Sleeps as long as the planner wants until it says something; at which second, and what.
    fn next(&mut self) -> Option<(u64, Vec<String>)> {
        for _ in 0..100 {
            let due = self.plan.due(self.now)?;
            assert!(!due.is_zero(), "it would not sleep");
            self.now = self.now.after(due);
            let said = self.tick();
            if !said.is_empty() {
                return Some(((self.now.mono - self.start.mono).as_secs(), said));
            }
        }
        panic!("it wakes up and says nothing");
    }

    fn words(&self, said: Vec<Said>) -> Vec<String> {
        let word = |said| match said {
            Said::LeftOut(why) => format!("left out: {why}"),
            Said::Call(Call { kind, about, count, view, .. }) => {
                let n = view.card.approval.0.as_bytes()[5];
                match about {
                    About::One => format!("{} {n}", kind.name()),
                    About::Session { .. } => format!("{} {n} of {count} in the session", kind.name()),
                    About::Everything => format!("{} {n} of {count}", kind.name()),
                }
            }
        };
        said.into_iter().map(word).collect()
    }
}

/// Of a session of its own.
fn own(n: u8) -> ApprovalView {
    let mut view = open(n, "x");
    view.card.session = SessionId::try_from(format!("session-{n}")).unwrap();
    view
}

fn draft(view: &ApprovalView, effect: Effect, hold: Hold) -> ApprovalView {
    let mut view = ApprovalView { state: State::Draft, ..view.clone() };
    (view.card.effect, view.card.hold) = (effect, hold);
    view
}

fn denied(view: &ApprovalView, delivery: Delivery) -> ApprovalView {
    ended(view, Outcome::Denied, by("ann", None), delivery, "cancelled")
}

#[test]
fn an_approval_is_called_once_when_it_opens_and_once_at_its_share_of_time() {
    let mut bench = bench(Settings::default());
    assert_eq!(bench.told(&own(1)), ["opened 1"]);
    assert_eq!(bench.at(10).told(&own(1)), Vec::<String>::new());
    assert_eq!(bench.next(), Some((300, vec!["escalated 1".to_owned()])));
    assert_eq!(bench.next(), None);
}

#[test]
fn a_share_of_a_hundred_per_cent_is_never() {
    let mut bench = bench(Settings { escalate_percent: 100, ..Settings::default() });
    assert_eq!(bench.told(&own(1)), ["opened 1"]);
    assert_eq!(bench.next(), None);
}

#[test]
fn a_draft_is_called_when_its_pause_is_not_confirmed_in_time() {
    for (effect, hold, called) in [
        (Effect::Ask, Hold::NotYetPaused, true),
        (Effect::Ask, Hold::Paused { at: at("2026-11-23T13:02:11Z"), after_ms: 1 }, true),
        (Effect::Deny, Hold::NotYetPaused, true),
        (Effect::Cooldown, Hold::Paused { at: at("2026-11-23T13:02:11Z"), after_ms: 1 }, false),
    ] {
        let mut bench = bench(Settings::default());
        assert_eq!(bench.told(&draft(&own(1), effect, hold.clone())), Vec::<String>::new());
        let expected = called.then(|| (5, vec!["opened 1".to_owned()]));
        assert_eq!(bench.next(), expected, "{effect:?} {hold:?}");
        assert_eq!(bench.told(&own(1)), if called { vec![] } else { vec!["opened 1"] }, "{effect:?}");
    }
}

#[test]
fn an_extension_moves_the_escalation_and_a_frozen_deadline_stops_it() {
    let mut bench = bench(Settings::default());
    bench.told(&own(1));
    let extended = ApprovalView { deadline: at("2026-11-23T13:22:11Z"), ..own(1) };
    assert_eq!(bench.at(299).told(&extended), Vec::<String>::new());
    bench.at(400).told(&ApprovalView { frozen: true, ..extended.clone() });
    assert_eq!(bench.next(), None);
    bench.at(500).told(&extended);
    assert_eq!(bench.next(), Some((600, vec!["escalated 1".to_owned()])));
}

#[test]
fn what_has_ended_or_is_just_decided_is_not_called() {
    let mut bench = bench(Settings::default());
    bench.told(&own(1));
    let deciding = ApprovalView { state: State::Deciding { by: crate::control::OperatorName("ann".into()) }, ..own(1) };
    assert_eq!(bench.at(400).told(&deciding), Vec::<String>::new());
    assert_eq!(bench.told(&denied(&own(1), Delivery::Applied)), Vec::<String>::new());
    assert_eq!((bench.next(), bench.tick()), (None, vec![]));
    assert_eq!(bench.told(&denied(&own(2), Delivery::Applied)), Vec::<String>::new());
}

#[test]
fn further_approvals_of_a_session_are_told_together_at_the_end_of_the_grouping_time() {
    let mut bench = bench(Settings { escalate_percent: 100, ..Settings::default() });
    assert_eq!(bench.told(&open(1, "x")), ["opened 1"]);
    bench.at(5).told(&denied(&open(1, "x"), Delivery::Applied));
    assert_eq!(bench.told(&open(2, "x")), Vec::<String>::new());
    bench.at(20).told(&denied(&open(2, "x"), Delivery::Applied));
    assert_eq!(bench.told(&open(3, "x")), Vec::<String>::new());
    assert_eq!(bench.next(), Some((60, vec!["grouped 3 of 2 in the session".to_owned()])));
    assert_eq!(bench.at(70).told(&open(4, "x")), Vec::<String>::new());
    bench.at(80).told(&denied(&open(4, "x"), Delivery::Applied));
    let left = "left out: 1 approvals of session refund-bot-14 ended before anybody was called about them";
    assert_eq!(bench.next(), Some((120, vec![left.to_owned()])));
    assert_eq!(bench.at(130).told(&open(5, "x")), ["opened 5"]);
}

#[test]
fn an_escalation_does_not_wait_for_its_group() {
    let mut bench = bench(Settings::default());
    bench.told(&open(1, "x"));
    let short = ApprovalView { deadline: at("2026-11-23T13:03:11Z"), ..open(2, "x") };
    assert_eq!(bench.at(10).told(&short), Vec::<String>::new());
    assert_eq!(bench.next(), Some((30, vec!["escalated 2".to_owned()])));
    assert_eq!(bench.next(), Some((300, vec!["escalated 1".to_owned()])));
    assert_eq!(bench.next(), None);
}

#[test]
fn beyond_the_rate_one_call_sums_up_the_rest() {
    let settings = Settings { per_minute: 3, escalate_percent: 100, ..Settings::default() };
    let mut burst = bench(settings);
    let said = burst.plan.snapshot(burst.now, (1..=9).map(own).collect());
    assert_eq!(burst.words(said), ["opened 1", "opened 2", "grouped 3 of 7"]);
    assert_eq!(burst.next(), None);

    let mut trickle = bench(settings);
    let said: Vec<String> = (1..=9).flat_map(|n| trickle.at(n.into()).told(&own(n))).collect();
    assert_eq!(said, ["opened 1", "opened 2", "opened 3"]);
    assert_eq!(trickle.next(), Some((61, vec!["grouped 4 of 6".to_owned()])));
    assert_eq!(trickle.next(), None);
}

#[test]
fn ends_are_told_once_when_wanted_with_what_became_of_them() {
    let mut bench = bench(Settings { resolved: true, ..Settings::default() });
    bench.told(&own(1));
    assert_eq!(bench.told(&denied(&own(1), Delivery::Applying)), Vec::<String>::new());
    assert_eq!(bench.told(&denied(&own(1), Delivery::Applied)), ["resolved 1"]);
    assert_eq!(bench.told(&denied(&own(1), Delivery::Applied)), Vec::<String>::new());
    bench.told(&own(2));
    assert_eq!(bench.told(&denied(&own(2), Delivery::Applying)), Vec::<String>::new());
    assert_eq!(bench.next(), Some((30, vec!["resolved 2".to_owned()])));
}

#[test]
fn after_a_restart_what_is_open_is_called_once_more_and_what_ended_is_not() {
    let mut bench = bench(Settings::default());
    bench.at(400);
    let views = vec![own(1), denied(&own(2), Delivery::Applied)];
    let said = bench.plan.snapshot(bench.now, views.clone());
    assert_eq!(bench.words(said), ["escalated 1"]);
    assert_eq!(bench.plan.snapshot(bench.now, views), Vec::new());
}

#[derive(Clone, Debug)]
enum Step {
    Open(u8, u64),
    Draft(u8),
    End(u8),
    Wait(u64),
    Sleep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..40_u8, 10..900_u64).prop_map(|(n, time)| Step::Open(n, time)),
        1 => (1..40_u8).prop_map(Step::Draft),
        2 => (1..40_u8).prop_map(Step::End),
        2 => (0..90_u64).prop_map(Step::Wait),
        2 => Just(Step::Sleep),
    ]
}

/// What the world knows, to compare.
#[derive(Default)]
struct Truth {
    open: BTreeMap<ApprovalId, ApprovalView>,
    over: BTreeSet<ApprovalId>,
    calls: Vec<Duration>,
    new: BTreeSet<ApprovalId>,
    again: BTreeSet<ApprovalId>,
}

impl Truth {
    fn heard(&mut self, now: Moment, said: Vec<Said>) {
        for call in said.into_iter().filter_map(|said| match said {
            Said::Call(call) => Some(call),
            Said::LeftOut(_) => None,
        }) {
            self.calls.push(now.mono);
            for id in &call.of {
                assert!(self.open.contains_key(id), "{id} is called and not open");
                if call.kind == Kind::Escalated {
                    assert!(self.again.insert(*id), "{id} is escalated twice");
                } else {
                    // A summary may stand for what was called before and escalates now.
                    assert!(self.new.insert(*id) || call.about == About::Everything, "{id} is called twice");
                }
            }
            assert!(call.of.contains(&call.view.card.approval), "the call is about another");
        }
    }
}

proptest! {
    #[test]
    fn nobody_is_flooded_and_nothing_is_forgotten(steps in prop::collection::vec(step(), 1..80), per_minute in 1..6_u32) {
        let mut plan = Plan::new(Settings { per_minute, ..Settings::default() });
        let mut now = Moment { mono: Duration::from_secs(100), wall: at("2026-11-23T13:02:11Z") };
        let mut truth = Truth::default();
        let publish = |plan: &mut Plan, truth: &mut Truth, now: Moment, view: ApprovalView| {
            truth.open.insert(view.card.approval, view.clone());
            let said = plan.approval(now, view);
            truth.heard(now, said);
        };
        for step in steps {
            match step {
                Step::Open(n, time) => {
                    let mut view = open(n, "x");
                    view.card.session = SessionId::try_from(format!("s{}", n % 4)).unwrap();
                    (view.card.opened_at, view.deadline) = (now.wall, now.after(Duration::from_secs(time)).wall);
                    if !truth.over.contains(&view.card.approval) && !truth.open.contains_key(&view.card.approval) {
                        publish(&mut plan, &mut truth, now, view);
                    }
                }
                Step::Draft(n) => {
                    let view = draft(&own(n), Effect::Ask, Hold::NotYetPaused);
                    if !truth.over.contains(&view.card.approval) && !truth.open.contains_key(&view.card.approval) {
                        publish(&mut plan, &mut truth, now, view);
                    }
                }
                Step::End(n) => {
                    if let Some(view) = truth.open.remove(&open(n, "x").card.approval) {
                        truth.over.insert(view.card.approval);
                        let said = plan.approval(now, denied(&view, Delivery::Applied));
                        truth.heard(now, said);
                    }
                }
                Step::Wait(seconds) => {
                    now = now.after(SECOND * u32::try_from(seconds).unwrap());
                    let said = plan.tick(now);
                    truth.heard(now, said);
                }
                Step::Sleep => if let Some(due) = plan.due(now) {
                    prop_assert!(!due.is_zero());
                    now = now.after(due);
                    let said = plan.tick(now);
                    truth.heard(now, said);
                }
            }
        }
        for _ in 0..500 {
            let Some(due) = plan.due(now) else { break };
            now = now.after(due);
            let said = plan.tick(now);
            truth.heard(now, said);
        }
        prop_assert_eq!(plan.due(now), None);
        for id in truth.open.keys() {
            prop_assert!(truth.new.contains(id) || truth.again.contains(id), "{} was never told", id);
        }
        for at in &truth.calls {
            let minute = truth.calls.iter().filter(|other| **other >= *at && **other < *at + SECOND * 60).count();
            prop_assert!(minute <= per_minute as usize, "{} calls in a minute", minute);
        }
    }
}
