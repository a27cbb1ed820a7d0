//! A made-up clock, a counting mint, and short names for what a test needs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::api::{Event, EventKind, MessageId, SessionId};
use crate::clock::Moment;
use crate::gate::{About, ApprovalId, Mint, Settings};
use crate::policy::{Consent, Effect, Fired, OnDeny, OnTimeout, Risk, RuleTerms, Verdict};

pub const SETTLE: Duration = Duration::from_millis(400);
pub const POLL: Duration = Duration::from_secs(3);
pub const TIMEOUT: Duration = Duration::from_secs(600);
pub const COOLDOWN: Duration = Duration::from_secs(60);

/// Hands out approvals 1, 2, 3, …
#[derive(Debug, Default)]
pub struct Counting(pub u128);

impl Mint for Counting {
    fn approval(&mut self) -> ApprovalId {
        self.0 += 1;
        approval(self.0)
    }
}

pub fn approval(n: u128) -> ApprovalId {
    ApprovalId(Uuid::from_u128(n))
}

pub fn start() -> Moment {
    Moment { mono: Duration::from_secs(1000), wall: Timestamp::UNIX_EPOCH }
}

pub fn about() -> About {
    About { session: SessionId::try_from("s-1").unwrap(), agent: None, goal: None }
}

pub fn settings() -> Settings {
    Settings {
        timeout: TIMEOUT,
        on_timeout: OnTimeout::Cancel,
        on_deny: OnDeny::Cancel,
        settle: SETTLE,
        hold_poll: POLL,
        answer: "Yes, go on.".to_owned(),
        refusal: None,
        delete_when_cancel_fails: true,
        screenshots: false,
        pause_when_blind: true,
        blind_after: Duration::from_secs(20),
        consent: Consent::usual(),
    }
}

pub fn shared(settings: Settings) -> Arc<Settings> {
    Arc::new(settings)
}

pub fn event(id: u64, kind: EventKind, text: &str) -> Event {
    Event { id: Some(MessageId(id)), kind, text: text.to_owned(), at: None, url: None, title: None, truncated: false }
}

pub fn rule(name: &str, effect: Effect) -> RuleTerms {
    RuleTerms {
        name: name.to_owned(),
        place: "config.toml:1".to_owned(),
        effect,
        risk: Risk::Medium,
        confirm: None,
        cooldown: (effect == Effect::Cooldown).then_some(COOLDOWN),
        max_repeats: 2,
        instruct: (effect == Effect::Instruct).then(|| "Ask before you buy.".to_owned()),
        answer: None,
        refusal: None,
        on_deny: None,
        timeout: None,
        consent: Consent::default(),
    }
}

pub fn fires(rule: RuleTerms) -> Verdict {
    let effect = rule.effect;
    let fired = Fired { rule: Arc::new(rule), effect, matched: Vec::new(), undecided: Vec::new() };
    Verdict { effect, fired: vec![fired], amount: None, domain: None }
}
