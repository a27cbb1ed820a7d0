//! A prompt for one approval.

use jiff::tz::TimeZone;

use super::bench::Bench;
use crate::control::fixtures::{by, ended, open, snapshot};
use crate::control::{Act, ApprovalView, Decided};
use crate::gate::{Delivery, Outcome};
use crate::operator::prompt::machine::{Input, Prompt};
use crate::operator::prompt::{Only, PromptEnd, PromptSettings};

fn bench(view: &ApprovalView, yes: Act, others: &[ApprovalView]) -> Bench {
    let only = Some(Only { approval: view.card.approval, yes, patient: true });
    let mut bench = Bench::new();
    bench.prompt = Prompt::new(PromptSettings { only, ..PromptSettings::default() }, TimeZone::UTC, 100);
    bench.input(Input::Snapshot(Box::new(snapshot([others, std::slice::from_ref(view)].concat()))));
    bench
}

#[test]
fn it_knows_no_other_approval() {
    let (older, wanted, newer) = (open(1, "Older"), open(2, "Wanted"), open(3, "Newer"));
    let mut bench = bench(&wanted, Act::approve(), std::slice::from_ref(&older));
    bench.told(newer);
    bench.answers("y");
    let screen = bench.printed();
    assert!(screen.contains("Wanted") && !screen.contains("Older") && !screen.contains("Newer"), "{screen}");
    assert_eq!(bench.decisions.iter().map(|sent| sent.approval).collect::<Vec<_>>(), [wanted.card.approval]);
}

#[test]
fn it_arms_like_every_prompt() {
    let mut bench = bench(&open(1, "Buying"), Act::approve(), &[]);
    bench.later(100).typed("y\n");
    assert_eq!(bench.acts(), []);
}

#[test]
fn y_does_what_the_command_line_said_and_the_card_says_so() {
    let view = open(1, "Buying");
    let instruct = Act::Instruct { text: "use the\u{202e} test shop".into() };
    let reason = Act::Approve { reason: Some("the budget allows it".into()) };
    for act in [instruct, reason] {
        let mut bench = bench(&view, act.clone(), &[]);
        bench.answers("y");
        assert_eq!(bench.acts(), std::slice::from_ref(&act));
        let said = bench.printed().contains("y sends \"use the<U+202E> test shop\", then resumes");
        assert_eq!(said, matches!(act, Act::Instruct { .. }));
    }
}

#[test]
fn it_ends_when_the_outcome_is_delivered_whoever_decided() {
    let view = open(1, "Buying");
    let mut bench = bench(&view, Act::approve(), &[]);
    bench.answers("y").taken(view.card.approval, Outcome::Approved);
    bench.told(ended(&view, Outcome::Approved, by("me", None), Delivery::Applying, ""));
    assert_eq!(bench.ends, []);
    bench.told(ended(&view, Outcome::Approved, by("me", None), Delivery::Applied, "resumed, confirmed"));
    assert_eq!(bench.ends, [PromptEnd::Done]);
    assert!(bench.printed().contains("resumed, confirmed"));
}

#[test]
fn it_ends_when_one_of_several_operators_has_approved_or_nothing_is_left_to_ask() {
    let view = open(1, "Buying");
    let mut counted = bench(&view, Act::approve(), &[]);
    counted.answers("y");
    counted.input(Input::Decided { id: view.card.approval, result: Ok(Decided::Counted { given: 1, needed: 2 }) });
    assert_eq!(counted.ends, [PromptEnd::Done]);

    let over = ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed");
    assert_eq!(bench(&over, Act::approve(), &[]).ends, [PromptEnd::Done]);
}
