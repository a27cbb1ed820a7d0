//! `[approvals]`: how operators are asked, and what follows when they deny or do not answer.

use std::time::Duration;

use super::super::consent;
use super::super::reader::{Item, Section};
use super::{ms, secs};
use crate::policy::{Consent, OnDeny, OnTimeout};

/// `[approvals]`: how operators are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalsConfig {
    /// How long operators have, unless a rule says otherwise.
    pub timeout: Duration,
    /// What follows when they do not answer. There is no value that approves.
    pub on_timeout: OnTimeout,
    /// What follows when they deny, unless a rule says otherwise.
    pub on_deny: OnDeny,
    /// How long events are collected after a pause before the card counts as complete.
    pub settle: Duration,
    /// How long a card must have been on screen before an approval is accepted.
    pub min_dwell: Duration,
    /// What `y` answers to a question, unless a rule says otherwise.
    pub answer: String,
    /// What is sent to refuse, unless a rule says otherwise; `None` cancels instead.
    pub refusal: Option<String>,
    /// What follows when cancelling keeps failing.
    pub on_cancel_failure: OnCancelFailure,
    /// Whether a screenshot is taken of held sessions.
    pub screenshots: bool,
    /// Who has to agree, and how, unless a rule says otherwise; whom it excludes is excluded everywhere.
    pub consent: Consent,
    /// At which share of an approval's time it is called out again, in per cent; 100 is never.
    pub escalate_percent: u8,
}

/// What follows when a denied session cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCancelFailure {
    /// It is deleted.
    Delete,
    /// It stays paused.
    KeepPaused,
}

/// Words that would approve, which no configuration can ask for.
const APPROVING: [&str; 9] =
    ["approve", "approved", "resume", "allow", "accept", "continue", "release", "yes", "proceed"];

impl ApprovalsConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        let timeout = section
            .get_or_env("timeout", "HOLDPOINT_APPROVALS_TIMEOUT")
            .and_then(|item| item.duration(secs(10)..=secs(86_400)));
        let on_timeout = section.get("on_timeout").and_then(|item| on_timeout(&item));
        let config = Self {
            timeout: timeout.unwrap_or(secs(600)),
            on_timeout: on_timeout.unwrap_or_default(),
            on_deny: section.get("on_deny").and_then(|item| on_deny(&item)).unwrap_or_default(),
            settle: section.get("settle").and_then(|item| item.duration(ms(0)..=secs(10))).unwrap_or(ms(300)),
            min_dwell: section.get("min_dwell").and_then(|item| item.duration(ms(0)..=secs(60))).unwrap_or(ms(700)),
            answer: section.get("answer").and_then(|item| item.words(10_000)).unwrap_or_else(|| "Yes.".to_owned()),
            refusal: section.get("refusal").and_then(|item| item.words(10_000)),
            on_cancel_failure: section
                .get("on_cancel_failure")
                .and_then(|item| {
                    item.word(&[("delete", OnCancelFailure::Delete), ("keep_paused", OnCancelFailure::KeepPaused)])
                })
                .unwrap_or(OnCancelFailure::Delete),
            screenshots: section.get("screenshots").and_then(|item| item.flag()).unwrap_or(true),
            consent: consent::read(&mut section).or(&Consent::usual()),
            escalate_percent: section.get("escalate_at").and_then(|item| consent::share(&item)).unwrap_or(50),
        };
        section.finish();
        config
    }
}

fn on_timeout(item: &Item<'_>) -> Option<OnTimeout> {
    if APPROVING.contains(&item.text()?.trim().to_ascii_lowercase().as_str()) {
        let hint = "holdpoint never approves by itself: silence is not an answer".to_owned();
        let message = format!("`{}` cannot be {}", item.key, item.shown());
        item.wrong_with(&message, "one of `cancel`, `keep_paused`", Some(hint));
        return None;
    }
    item.word(&[("cancel", OnTimeout::Cancel), ("keep_paused", OnTimeout::KeepPaused)])
}

pub(in crate::config) fn on_deny(item: &Item<'_>) -> Option<OnDeny> {
    item.word(&[("cancel", OnDeny::Cancel), ("instruct", OnDeny::Instruct), ("keep_paused", OnDeny::KeepPaused)])
}
