//! Approvals for the tests of the desk and of the prompt.

use crate::api::{EventKind, SessionId};
use crate::control::{
    ApprovalView, DaemonInfo, EndedBy, OperatorName, SessionState, SessionView, Sight, Snapshot, State, Stillness,
};
use crate::gate::card::{Terms, Then};
use crate::gate::{ApprovalId, Card, Delivery, EventLine, Hold, Outcome, Revision, RuleLine, Subject, Timing};
use crate::policy::{AmountSeen, Confirm, Effect, Match, OnDeny, OnTimeout, Risk};
use jiff::Timestamp;
use uuid::Uuid;

/// A time.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// An approval that waits; `n` tells one from another.
pub fn open(n: u8, text: &str) -> ApprovalView {
    let mut bytes = [n; 16];
    bytes[..6].copy_from_slice(&[1, 147, 0, 0, 0, n]);
    view(card(ApprovalId(Uuid::from_bytes(bytes)), text), State::Open)
}

/// The same approval with an outcome.
pub fn ended(view: &ApprovalView, outcome: Outcome, by: EndedBy, delivery: Delivery, detail: &str) -> ApprovalView {
    let state = State::Ended { outcome, by, at: at("2026-11-23T13:02:44Z"), delivery, detail: detail.to_owned() };
    ApprovalView { state, ..view.clone() }
}

/// The same approval with another card, at the same state.
pub fn revised(view: &ApprovalView, change: impl FnOnce(&mut Card)) -> ApprovalView {
    let mut card = view.card.clone();
    change(&mut card);
    ApprovalView { digest: card.digest(), card, ..view.clone() }
}

/// A session that is watched and seen.
pub fn session(id: &str) -> SessionView {
    SessionView {
        session: id.try_into().expect("an id"),
        agent: None,
        goal: None,
        state: SessionState::Watching,
        since: Timestamp::UNIX_EPOCH,
        standing: Stillness::NotYet,
        sight: Sight::Seen,
        events: 0,
        last: None,
        approval: None,
    }
}

/// By an operator, with a note.
pub fn by(name: &str, note: Option<&str>) -> EndedBy {
    EndedBy::Operator { name: OperatorName(name.to_owned()), note: note.map(str::to_owned) }
}

/// A view of a card.
pub fn view(card: Card, state: State) -> ApprovalView {
    ApprovalView {
        digest: card.digest(),
        card,
        state,
        deadline: at("2026-11-23T13:12:11Z"),
        frozen: false,
        votes: vec![],
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
        opened_at: at("2026-11-23T13:02:11Z"),
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
        hold: Hold::Paused { at: at("2026-11-23T13:02:11Z"), after_ms: 84 },
        trigger: event(text),
        before: vec![event("Opening the cart")],
        after: vec![],
        left_out: 0,
        triggers: 1,
        then: Then { answer: None, deny: OnDeny::Cancel, refusal: None, timeout: OnTimeout::Cancel },
        terms: Terms::default(),
        notes: vec![],
    }
}

/// A thought.
pub fn event(text: &str) -> EventLine {
    EventLine {
        id: None,
        kind: EventKind::Thought,
        text: text.into(),
        chars: text.chars().count() as u64,
        whole: None,
        at: None,
    }
}

/// What a client is told at first, of these approvals.
pub fn snapshot(approvals: Vec<ApprovalView>) -> Snapshot {
    Snapshot { seq: 0, approvals, sessions: vec![], operators: vec![], daemon: DaemonInfo::default() }
}
