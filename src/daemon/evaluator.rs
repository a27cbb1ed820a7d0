//! What one session's events mean: each is evaluated once, in the order it came, against the policy and what came before.
//!
//! Pure. Stream, polls and reads may all bring the same event; an id tells it is the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{Event, MessageId};
use crate::gate::Page;
use crate::policy::{Context, Policy, SessionInfo, Verdict, host_of};

/// How many recent ids are told apart; older ones count as seen.
const RECENT: usize = 256;

/// The evaluation of one session.
#[derive(Debug)]
pub struct Evaluator {
    policy: Arc<Policy>,
    session: SessionInfo,
    context: Context,
    /// Ids up to here are seen.
    low: MessageId,
    recent: BTreeSet<MessageId>,
}

impl Evaluator {
    /// Starts after `cursor`: events up to there were evaluated before.
    #[must_use]
    pub fn new(policy: Arc<Policy>, session: SessionInfo, cursor: MessageId) -> Self {
        Self { policy, session, context: Context::default(), low: cursor, recent: BTreeSet::new() }
    }

    /// The verdict on an event, or `None` when it was evaluated before.
    pub fn evaluate(&mut self, event: &Event) -> Option<Verdict> {
        if let Some(id) = event.id {
            if id <= self.low || !self.recent.insert(id) {
                return None;
            }
            if self.recent.len() > RECENT {
                self.low = self.recent.pop_first().unwrap_or(self.low);
            }
        }
        Some(self.policy.evaluate(&self.session, &mut self.context, event))
    }

    /// Takes in the page a screenshot showed, and says what it means.
    pub fn page(&mut self, url: Option<String>, title: Option<String>) -> Page {
        self.context.page(url.as_deref(), title.as_deref());
        let domain = url.as_deref().and_then(host_of);
        Page { url, title, domain }
    }
}
