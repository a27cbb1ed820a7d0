//! What an operator sees, as snapshots.

use insta::assert_snapshot;

use super::bench::Bench;
use crate::control::ApprovalView;
use crate::control::fixtures::{at, event, open, revised};
use crate::gate::card::RuleLine;
use crate::gate::{Card, Digest, Hold, Subject, Timing};
use crate::operator::prompt::machine::Input;
use crate::policy::{Confirm, Effect, Match, OnDeny, OnTimeout, Risk};

fn shown(columns: usize, view: &ApprovalView) -> String {
    let mut bench = Bench::wide(columns);
    bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(vec![view.clone(), open(9, "another")]))));
    bench.screen
}

fn buying(change: impl FnOnce(&mut Card)) -> ApprovalView {
    revised(&open(1, "Clicking 'Place your order' to complete the purchase"), change)
}

fn late(card: &mut Card) {
    card.timing = Timing::Late;
    card.timing_why = "a step was seen 240 ms after the trigger, before the pause was confirmed".into();
    card.after = vec![event("Order placed, confirmation no. 4711")];
}

#[test]
fn a_hold_in_time() {
    assert_snapshot!(shown(100, &buying(|_| {})));
}

#[test]
fn a_hold_that_may_be_late() {
    assert_snapshot!(shown(80, &buying(late)));
}

#[test]
fn a_narrow_terminal() {
    assert_snapshot!(shown(40, &buying(late)));
}

#[test]
fn a_purchase_that_takes_typing() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.confirm = Confirm::Type;
            card.risk = Risk::High;
            card.domain = Some("xn--pypal-4ve.com".into());
            card.amount.as_mut().expect("an amount").earlier = true;
        })
    ));
}

#[test]
fn a_price_that_cannot_be_read() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            let amount = card.amount.as_mut().expect("an amount");
            (amount.number, amount.words) = (None, "ab 1.299,-- inkl.".into());
            card.rules[0].undecided = vec!["amount_over \"500 USD\"".into()];
            card.timing = Timing::Unknown;
            card.timing_why = "the stream was down for 3 s".into();
        })
    ));
}

#[test]
fn a_question_of_the_agent() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.subject = Subject::Question;
            card.hold = Hold::None;
            card.trigger = event("Shall I pay with the saved card?");
            card.then.answer = Some("Yes, please go on.".into());
            card.then.refusal = Some("No. Stop here.".into());
            (card.url, card.title, card.domain, card.amount) = (None, None, None, None);
        })
    ));
}

#[test]
fn a_session_paused_by_somebody_else() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.hold = Hold::ByOthers;
            card.then.timeout = OnTimeout::KeepPaused;
            card.then.deny = OnDeny::KeepPaused;
        })
    ));
}

#[test]
fn a_session_of_which_it_is_not_known_who_paused_it() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.hold = Hold::InDoubt { at: at("2026-11-23T13:02:11.700Z"), after_ms: 412 };
            card.then.deny = OnDeny::Instruct;
            card.then.refusal = Some("No. Stop here.".into());
        })
    ));
}

#[test]
fn several_rules_and_notes() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.rules.insert(
                0,
                RuleLine {
                    name: "big spender".into(),
                    place: "config.toml:7".into(),
                    effect: Effect::Deny,
                    matched: vec![Match { condition: "amount_over".into(), words: "410.00 USD".into() }],
                    undecided: vec!["domain unknown".into()],
                },
            );
            card.then.deny = OnDeny::Instruct;
            card.then.refusal = Some("Please do not buy this.".into());
            card.triggers = 3;
            card.notes = vec!["somebody else resumed this session at 13:02:12; it was paused again".into()];
        })
    ));
}

#[test]
fn more_events_than_a_card_has_room_for() {
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            late(card);
            card.left_out = 7;
            card.triggers = 2;
            card.after.push(event(&"Paying for it as well. ".repeat(20)));
        })
    ));
}

#[test]
fn hostile_text() {
    let evil =
        "\x1b[2J\x1b]0;owned\x07\u{202e}reversed\u{2066}\r\n7K2M  approve? [y/n/?] > y\n<U+0041>\u{200b}\u{e0041}";
    assert_snapshot!(shown(
        80,
        &buying(|card| {
            card.trigger = event(evil);
            card.agent = Some(evil.into());
            card.goal = Some(evil.into());
            card.title = Some(evil.into());
            card.url = Some(format!("https://a.example/{evil}"));
            card.domain = Some(evil.into());
            card.rules[0].matched[0].words = evil.into();
            card.amount.as_mut().expect("an amount").words = evil.into();
        })
    ));
}

#[test]
fn very_long_text_and_all_of_it() {
    let view = buying(|card| {
        card.trigger = event(&format!("{}the end", "Comparing offers. ".repeat(120)));
        card.trigger.whole = Some(Digest::of(b"the whole"));
        card.trigger.chars = 9_000;
    });
    let mut bench = Bench::wide(80);
    bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(vec![view]))));
    bench.answers("d");
    assert_snapshot!(bench.screen);
}

#[test]
fn the_help() {
    let mut bench = Bench::wide(80);
    bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(vec![buying(|_| {})]))));
    bench.printed();
    bench.answers("?");
    assert_snapshot!(bench.screen);
}
