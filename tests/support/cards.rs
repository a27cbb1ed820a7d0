//! Cards for the tests.

use holdpoint::api::{EventKind, SessionId};
use holdpoint::control::{ApprovalView, EndedBy, State};
use holdpoint::gate::card::Then;
use holdpoint::gate::{ApprovalId, Card, Delivery, EventLine, Hold, Outcome, Revision, RuleLine, Subject, Timing};
use holdpoint::policy::{AmountSeen, Confirm, Effect, Match, OnDeny, OnTimeout, Risk};
use jiff::Timestamp;
use uuid::Uuid;

/// An approval that waits; `n` tells one from another.
pub fn open(n: u8, text: &str) -> ApprovalView {
    let mut bytes = [n; 16];
    bytes[..6].copy_from_slice(&[1, 147, 0, 0, 0, n]);
    view(card(ApprovalId(Uuid::from_bytes(bytes)), text), State::Open)
}

/// The same approval with an outcome.
pub fn ended(view: &ApprovalView, outcome: Outcome, by: EndedBy, delivery: Delivery, detail: &str) -> ApprovalView {
    let state = State::Ended { outcome, by, at: Timestamp::now(), delivery, detail: detail.to_owned() };
    ApprovalView { state, ..view.clone() }
}

/// A view of a card.
pub fn view(card: Card, state: State) -> ApprovalView {
    ApprovalView {
        digest: card.digest(),
        card,
        state,
        deadline: Timestamp::now() + jiff::SignedDuration::from_mins(10),
        frozen: false,
        votes: Vec::new(),
        extensions_left: 3,
    }
}

fn card(approval: ApprovalId, text: &str) -> Card {
    Card {
        approval,
        revision: Revision(1),
        session: SessionId::try_from("refund-bot-14").expect("an id"),
        agent: Some("agi-0".into()),
        goal: Some("Buy the cheapest kettle".into()),
        opened_at: Timestamp::now(),
        subject: Subject::Hold,
        effect: Effect::Ask,
        rules: vec![RuleLine {
            name: "purchase".into(),
            place: "config.toml:41".into(),
            effect: Effect::Ask,
            matched: vec![Match { condition: "detect purchase".into(), words: "Place your order".into() }],
            undecided: vec![],
        }],
        risk: Risk::Medium,
        confirm: Confirm::Key,
        amount: Some(AmountSeen {
            number: Some("410.00".into()),
            currency: Some("USD".into()),
            words: "Total: $410.00".into(),
            earlier: false,
        }),
        domain: Some("shop.example.com".into()),
        url: Some("https://shop.example.com/checkout".into()),
        title: Some("Checkout - Example Shop".into()),
        timing: Timing::InTime,
        timing_why: "nothing was seen after the trigger".into(),
        hold: Hold::Paused { at: Timestamp::now(), after_ms: 84 },
        trigger: event(text),
        before: vec![event("Opening the cart")],
        after: vec![],
        left_out: 0,
        triggers: 1,
        then: Then { answer: None, deny: OnDeny::Cancel, refusal: None, timeout: OnTimeout::Cancel },
        terms: holdpoint::gate::Terms::default(),
        notes: vec![],
    }
}

fn event(text: &str) -> EventLine {
    EventLine {
        id: None,
        kind: EventKind::Thought,
        text: text.into(),
        chars: text.chars().count() as u64,
        whole: None,
        at: None,
    }
}
