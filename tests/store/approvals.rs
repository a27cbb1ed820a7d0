//! Approvals as a gate would have them written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holdpoint::api::{EventKind, MessageId, SessionId};
use holdpoint::control::{EndedBy, OperatorName};
use holdpoint::gate::{
    ApprovalId, Bound, Card, Closed, Deliver, Delivery, Entry, EventLine, Hold, Kept, Outcome, Plan, Proof, Record,
    Revision, Subject, Then, Timing, Votes,
};
use holdpoint::policy::{Confirm, Effect, OnDeny, OnTimeout, Risk};
use holdpoint::store::Write;
use jiff::Timestamp;
use uuid::Uuid;

/// A store's file in a folder of its own.
pub struct Place {
    pub file: PathBuf,
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { file: folder.path().join("state").join("holdpoint.db"), folder }
    }

    /// A file beside the store's, named by what its name ends in.
    pub fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(end);
        name.into()
    }
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.file
    }
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_439_000 + second).expect("a time")
}

pub fn session(name: &str) -> SessionId {
    SessionId::try_from(name).expect("an id")
}

/// An open approval; `n` tells one from another and orders them.
pub fn open(n: u8) -> Kept {
    let trigger = EventLine {
        id: Some(MessageId(352_433)),
        kind: EventKind::Thought,
        text: "Clicking 'Place your order' ä \u{202e}\u{0}\n".to_owned(),
        chars: 31,
        whole: None,
        at: Some(at(0)),
    };
    let card = Card {
        approval: ApprovalId(Uuid::from_bytes([n; 16])),
        revision: Revision(1),
        session: session(&format!("session-{n}")),
        agent: Some("agi-0".to_owned()),
        goal: None,
        opened_at: at(1),
        subject: Subject::Hold,
        effect: Effect::Ask,
        rules: Vec::new(),
        risk: Risk::High,
        confirm: Confirm::Key,
        amount: None,
        domain: None,
        url: None,
        title: None,
        timing: Timing::InTime,
        timing_why: "nothing was seen after the trigger".to_owned(),
        hold: Hold::Paused { at: at(1), after_ms: 84 },
        trigger,
        before: Vec::new(),
        after: Vec::new(),
        left_out: 0,
        triggers: 1,
        then: Then { answer: None, deny: OnDeny::Cancel, refusal: None, timeout: OnTimeout::Cancel },
        terms: holdpoint::gate::Terms::default(),
        notes: Vec::new(),
    };
    Kept {
        card,
        plan: Plan::Ask,
        deadline: at(600),
        timeout: Duration::from_secs(600),
        extensions: 0,
        extended_by: None,
        bound: Bound::default(),
        votes: Votes::default(),
        owned: Some(true),
        proof: Some(Proof::Status),
        seen_up_to: MessageId(352_433),
        closed: None,
        holding: false,
        frozen: None,
    }
}

/// The same approval with an outcome.
pub fn closed(open: &Kept, outcome: Outcome, delivery: Delivery) -> Kept {
    let closed = Closed {
        outcome,
        revision: open.card.revision,
        by: EndedBy::Operator { name: OperatorName("ana".to_owned()), note: None },
        at: at(20),
        under: None,
        deliver: Deliver::Resume,
        delivery,
        detail: "resuming".to_owned(),
    };
    Kept { closed: Some(closed), ..open.clone() }
}

pub fn write(entry: Entry, kept: &Kept, second: i64) -> Write {
    let record = Record { entry, kept: Some(kept.clone()), note: None };
    Write { session: kept.card.session.clone(), record, at: at(second) }
}

pub fn note(text: &str, second: i64) -> Write {
    let record = Record { entry: Entry::Noted, kept: None, note: Some(text.to_owned()) };
    Write { session: session("session-1"), record, at: at(second) }
}
