//! `[watch]`: which sessions are watched, and what follows when they cannot be seen.

use std::time::Duration;

use super::super::reader::{Item, Section};
use super::{ms, secs};
use crate::api::SessionId;
use crate::policy::glob::Glob;

/// `[watch]`: which sessions are watched, and what happens when they cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// Whether new sessions of the account are found and watched.
    pub discover: bool,
    /// How often sessions and messages are polled beside the streams.
    pub poll_interval: Duration,
    /// Sessions to watch; with `discover = false` only these.
    pub sessions: Vec<SessionId>,
    /// Names of agents whose sessions are watched; empty for all.
    pub agents: Vec<Glob>,
    /// How long a session may be unseen, neither stream nor polling, or act without an event stream, before `on_blind`
    /// follows. At least 5 s and two intervals of polling, so that one slow answer is not blindness.
    pub blind_after: Duration,
    /// What follows.
    pub on_blind: OnBlind,
    /// How long a stream may be silent before it is opened anew.
    pub heartbeat_timeout: Duration,
}

/// What follows when a session cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBlind {
    /// It is paused and an operator asked.
    Pause,
    /// It is recorded and said.
    Alert,
}

impl WatchConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        let discover = section.get_or_env("discover", "HOLDPOINT_WATCH_DISCOVER");
        let discover_flag = discover.as_ref().and_then(Item::flag).unwrap_or(true);
        let interval = section.get("poll_interval").and_then(|item| item.duration(ms(500)..=secs(60)));
        let sessions: Vec<SessionId> = section.get("sessions").map(|item| session_ids(&item)).unwrap_or_default();
        let agents: Vec<Glob> = section.get("agents").map(|item| globs(&item)).unwrap_or_default();
        let poll_interval = interval.unwrap_or(secs(2));
        let blind_after = section.get("blind_after").and_then(|item| blind_after(&item, poll_interval));
        let on_blind =
            section.get("on_blind").and_then(|item| item.word(&[("pause", OnBlind::Pause), ("alert", OnBlind::Alert)]));
        let heartbeat = section.get("heartbeat_timeout").and_then(|item| item.duration(secs(5)..=secs(3_600)));
        if let Some(item) = discover.filter(|_| !discover_flag && sessions.is_empty()) {
            item.wrong("nothing would be watched", "`discover = true`, or `sessions` with at least one id");
        }
        section.finish();
        Self {
            discover: discover_flag,
            poll_interval,
            sessions,
            agents,
            blind_after: blind_after.unwrap_or_else(|| default_blind_after(poll_interval)),
            on_blind: on_blind.unwrap_or(OnBlind::Pause),
            heartbeat_timeout: heartbeat.unwrap_or(secs(75)),
        }
    }
}

/// 20 s, or more where polling is rarer.
fn default_blind_after(poll_interval: Duration) -> Duration {
    secs(20).max(poll_interval * 2)
}

fn blind_after(item: &Item<'_>, poll_interval: Duration) -> Option<Duration> {
    let blind_after = item.duration(secs(5)..=secs(3_600))?;
    if blind_after < poll_interval * 2 {
        let least = (poll_interval * 2).as_secs_f64();
        let hint = "one slow answer would count as lost sight, and pause every session";
        item.wrong_with(
            "shorter than two intervals of polling",
            &format!("at least \"{least}s\", twice `poll_interval`"),
            Some(hint.to_owned()),
        );
        return None;
    }
    Some(blind_after)
}

fn session_ids(item: &Item<'_>) -> Vec<SessionId> {
    let one = |item: Item<'_>| {
        let id = SessionId::try_from(item.text()?);
        if let Err(error) = &id {
            item.wrong(&format!("{} is not a session id", item.shown()), &error.to_string());
        }
        id.ok()
    };
    item.list("a list of texts, such as [\"a\", \"b\"]").into_iter().flatten().filter_map(one).collect()
}

pub(in crate::config) fn globs(item: &Item<'_>) -> Vec<Glob> {
    let one = |item: Item<'_>| {
        let glob = Glob::new(item.text()?);
        if let Err(error) = &glob {
            item.wrong("this is not a pattern", &error.to_string());
        }
        glob.ok()
    };
    item.list("a list of texts, such as [\"a\", \"b\"]").into_iter().flatten().filter_map(one).collect()
}
