//! Examples for the document, made of the types that the API speaks, so that they are what it would send.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::operation::Examples;
use crate::api::{EventKind, MessageId, SessionId};
use crate::control::http::events::Farewell;
use crate::control::protocol::{
    Act, ApprovalView, Change, ClientSettings, DaemonInfo, Decided, Decision, EndedBy, Halt, Hello, Nonce,
    OperatorName, Presence, Presented, Reason, Reloaded, Role, Saved, SessionDone, SessionState, SessionView, Shown,
    Sight, Snapshot, State, Status, Stillness, Update, You,
};
use crate::control::service::Gone;
use crate::gate::card::{Terms, Then};
use crate::gate::{ApprovalId, Card, Delivery, Digest, EventLine, Hold, Outcome, Revision, RuleLine, Subject, Timing};
use crate::policy::{AmountSeen, Confirm, Effect, Match, OnDeny, OnTimeout, Risk};
use crate::telemetry::health::{Health, Status as Condition};

/// A client's token.
pub(super) const TOKEN: &str = "8f14e45fceea167a5a36dedd4bea2543";
/// Of the approval in all examples.
const APPROVAL: Uuid = Uuid::from_u128(0x019a_6c3e_2f10_7b4c_9d2e_4f6a_0512_0013);
/// Of the session in all examples.
pub(super) const SESSION: Uuid = Uuid::from_u128(0x3b1f_0c1e_52d7_4b6a_8f0e_25a7_39ce_d3a6);
/// 2026-11-23 13:02:11 UTC.
const OPENED: i64 = 1_795_438_931;

/// One example, which needs no other name.
pub(in crate::control::http) fn one(value: &impl Serialize) -> Examples {
    vec![("example", json(value))]
}

pub(in crate::control::http) fn approval() -> ApprovalView {
    let card = card();
    ApprovalView {
        digest: card.digest(),
        card,
        state: State::Open,
        deadline: at(600),
        frozen: false,
        votes: Vec::new(),
        extensions_left: 3,
    }
}

pub(in crate::control::http) fn approvals() -> Examples {
    let by = EndedBy::Operator { name: ana(), note: Some("not this shop".to_owned()) };
    let (outcome, delivery, detail) = (Outcome::Denied, Delivery::Applied, "cancelled, confirmed".to_owned());
    let ended = ApprovalView { state: State::Ended { outcome, by, at: at(33), delivery, detail }, ..approval() };
    vec![("open", json(&approval())), ("ended", json(&ended))]
}

pub(in crate::control::http) fn session() -> SessionView {
    SessionView {
        session: session_id(),
        agent: Some("agi-0".to_owned()),
        goal: Some("Buy the cheapest kettle".to_owned()),
        state: SessionState::Held,
        since: at(0),
        standing: Stillness::Paused,
        sight: Sight::Seen,
        events: 12,
        last: Some(event(4122, "Clicking 'Place your order'")),
        approval: Some(ApprovalId(APPROVAL)),
    }
}

pub(in crate::control::http) fn snapshot() -> Snapshot {
    Snapshot {
        seq: 41,
        approvals: vec![approval()],
        sessions: vec![session()],
        operators: vec![Presence {
            operator: ana(),
            since: at(-60),
            clients: 1,
            looking_at: vec![ApprovalId(APPROVAL)],
        }],
        daemon: DaemonInfo {
            started_at: at(-3600),
            provider: "https://api.agi.tech".to_owned(),
            policy: Digest::of(b"the rules of an example"),
            rules: 3,
            settings: ClientSettings::default(),
            ..DaemonInfo::default()
        },
    }
}

pub(in crate::control::http) fn status() -> Status {
    Status::of(snapshot(), you())
}

/// A stream from its first event to its last.
pub(in crate::control::http) fn stream() -> String {
    let hello = Hello { client: TOKEN.to_owned(), you: you(), snapshot: snapshot() };
    let update = Update { seq: 42, change: Change::Approval { view: Box::new(approval()) } };
    let gone = Farewell { gone: Gone::Ended, message: Gone::Ended.to_string() };
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n");
    let hello = event("hello", json(&hello)) + "id: 41\n\n";
    let update = event("update", json(&update)) + "id: 42\n\n";
    format!("{hello}: still here\n\n{update}{}\n", event("gone", json(&gone)))
}

pub(in crate::control::http) fn shown() -> Shown {
    Shown { revision: Revision(1), digest: card().digest() }
}

pub(in crate::control::http) fn presented() -> Presented {
    Presented { nonce: NONCE }
}

const NONCE: Nonce = Nonce(5_577_006_791_947_779);

/// One decision of each kind. They name the approval by its id.
pub(in crate::control::http) fn decisions() -> Examples {
    let decided = |act: Act| Decision {
        approval: ApprovalId(APPROVAL),
        revision: Revision(1),
        digest: card().digest(),
        nonce: Some(NONCE),
        typed: None,
        act,
    };
    let text = || "Compare with one other shop first.".to_owned();
    let deny = Act::Deny { reason: Some("not this shop".to_owned()) };
    vec![
        ("approve", json(&Decision { typed: Some("410.00".to_owned()), ..decided(Act::approve()) })),
        ("deny", json(&Decision { nonce: None, ..decided(deny) })),
        ("instruct", json(&decided(Act::Instruct { text: text() }))),
        ("answer", json(&decided(Act::Answer { text: "No, thank you.".to_owned() }))),
        ("extend", json(&decided(Act::Extend))),
    ]
}

pub(in crate::control::http) fn decided() -> Examples {
    vec![
        ("outcome", json(&Decided::Outcome { outcome: Outcome::Approved })),
        ("counted", json(&Decided::Counted { given: 1, needed: 2 })),
        ("extended", json(&Decided::Extended { deadline: at(900), extensions_left: 2 })),
    ]
}

pub(in crate::control::http) fn reasons() -> Examples {
    vec![("reason", json(&Reason { reason: Some("something is wrong".to_owned()) })), ("none", json!({}))]
}

pub(in crate::control::http) fn done(what: &str) -> SessionDone {
    SessionDone { approval: Some(ApprovalId(APPROVAL)), what: what.to_owned() }
}

pub(in crate::control::http) fn halt() -> Halt {
    Halt { by: ana(), at: at(20), reason: Some("something is wrong".to_owned()) }
}

pub(in crate::control::http) fn saved() -> Saved {
    Saved { path: format!("/var/lib/holdpoint/screenshots/{}-{APPROVAL}.jpg", code()).into() }
}

pub(in crate::control::http) fn reloaded() -> Reloaded {
    Reloaded { what: "nothing changed".to_owned() }
}

pub(in crate::control::http) fn healthy() -> Health {
    Health { status: Condition::Ok, reasons: Vec::new() }
}

pub(in crate::control::http) fn degraded() -> Health {
    let reasons = vec!["the store cannot be written: nothing can be released".to_owned()];
    Health { status: Condition::Degraded, reasons }
}

/// The code of the approval.
pub(super) fn code() -> String {
    ApprovalId(APPROVAL).code().to_string()
}

fn card() -> Card {
    let words = "Clicking 'Place your order'";
    Card {
        approval: ApprovalId(APPROVAL),
        revision: Revision(1),
        session: session_id(),
        agent: Some("agi-0".to_owned()),
        goal: Some("Buy the cheapest kettle".to_owned()),
        opened_at: at(0),
        subject: Subject::Hold,
        effect: Effect::Ask,
        rules: vec![RuleLine {
            name: "purchase".to_owned(),
            place: "config.toml:41".to_owned(),
            effect: Effect::Ask,
            matched: vec![Match { condition: "detect purchase".to_owned(), words: words.to_owned() }],
            undecided: Vec::new(),
        }],
        risk: Risk::High,
        confirm: Confirm::Type,
        amount: Some(AmountSeen {
            number: Some("410.00".to_owned()),
            currency: Some("USD".to_owned()),
            words: "Total: 410.00 USD".to_owned(),
            earlier: true,
        }),
        domain: Some("shop.example.com".to_owned()),
        url: Some("https://shop.example.com/checkout".to_owned()),
        title: Some("Checkout - Example Shop".to_owned()),
        timing: Timing::InTime,
        timing_why: "nothing was seen after the trigger".to_owned(),
        hold: Hold::Paused { at: at(0), after_ms: 84 },
        trigger: event(4122, words),
        before: vec![event(4121, "Opening the cart. Total: 410.00 USD")],
        after: Vec::new(),
        left_out: 0,
        triggers: 1,
        then: Then { answer: None, deny: OnDeny::Cancel, refusal: None, timeout: OnTimeout::Cancel },
        terms: Terms::default(),
        notes: Vec::new(),
    }
}

fn event(id: u64, text: &str) -> EventLine {
    EventLine {
        id: Some(MessageId(id)),
        kind: EventKind::Thought,
        text: text.to_owned(),
        chars: text.chars().count() as u64,
        whole: None,
        at: None,
    }
}

fn you() -> You {
    You { operator: ana(), role: Role::Decide }
}

fn ana() -> OperatorName {
    OperatorName("ana".to_owned())
}

fn session_id() -> SessionId {
    SESSION.into()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(OPENED + seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Our own types always serialise.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
