//! What one session's events mean: each is evaluated once, in the order it came, against the policy and what came before.
//!
//! Pure. The watcher tells each event once, but what is read before a release may bring the same: it is recognised as the
//! watcher does ([`Known`]). Has no low-water mark: what the watcher tells is never hidden here.

use std::sync::Arc;

use super::watcher::Known;
use crate::api::{Event, MessageId};
use crate::clock::Moment;
use crate::gate::{Card, EventLine, Page};
use crate::policy::{Context, Policy, SessionInfo, Verdict, host_of};

/// The evaluation of one session.
#[derive(Debug)]
pub struct Evaluator {
    policy: Arc<Policy>,
    session: Arc<SessionInfo>,
    context: Context,
    known: Known,
}

impl Evaluator {
    /// Starts with what `cards` show, which was evaluated before a restart.
    #[must_use]
    pub fn new<'c>(
        policy: Arc<Policy>,
        session: impl Into<Arc<SessionInfo>>,
        cards: impl IntoIterator<Item = &'c Card>,
    ) -> Self {
        let mut known = Known::up_to(MessageId::default());
        for card in cards {
            for line in card.before.iter().chain([&card.trigger]).chain(&card.after) {
                // A text that was cut cannot be told apart from another with the same ends: it is evaluated again.
                if let (Some(id), None) = (line.id, &line.whole) {
                    known.note(id, &line.kind.name().to_ascii_lowercase(), &line.text);
                }
            }
        }
        Self { policy, session: session.into(), context: Context::default(), known }
    }

    /// The verdict on an event that arrived at `now`, or `None` when it was evaluated before. `holds` is called at most once, as soon as
    /// it is certain that the verdict is more than an alert.
    pub fn evaluate(&mut self, event: &Event, now: Moment, holds: &mut dyn FnMut()) -> Option<Verdict> {
        if event.id.is_some_and(|id| !self.known.is_new(id, event)) {
            return None;
        }
        Some(self.policy.evaluate_ahead(&self.session, &mut self.context, event, now, holds))
    }

    /// The session that is evaluated.
    #[must_use]
    pub fn session(&self) -> &Arc<SessionInfo> {
        &self.session
    }

    /// Evaluates by `policy` from the next event on.
    pub fn adopt(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// What the policy says now about what an open card shows: its trigger and what came after. Nothing is remembered of it.
    ///
    /// `time` looks at when an event says that it was, or at `now`; for `count`, all that the card shows has just happened.
    #[must_use]
    pub fn again(&self, card: &Card, now: Moment) -> Vec<Verdict> {
        let mut context = Context::default();
        context.page(card.url.as_deref(), card.title.as_deref());
        let mut judge = |line: &EventLine| {
            let now = Moment { wall: line.at.unwrap_or(now.wall), ..now };
            self.policy.evaluate(&self.session, &mut context, &line.event(), now)
        };
        for line in &card.before {
            judge(line);
        }
        let trigger = Some(&card.trigger).filter(|line| !line.is_ours());
        trigger.into_iter().chain(&card.after).map(judge).collect()
    }

    /// Takes in the page a screenshot showed, and says what it means.
    pub fn page(&mut self, url: Option<String>, title: Option<String>) -> Page {
        self.context.page(url.as_deref(), title.as_deref());
        let domain = url.as_deref().and_then(host_of);
        Page { url, title, domain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EventKind, SessionId};
    use crate::config;

    const NOW: Moment = Moment { mono: std::time::Duration::ZERO, wall: jiff::Timestamp::UNIX_EPOCH };

    fn evaluator() -> Evaluator {
        let text = "[[rule]]\nname = 'pay'\neffect = 'ask'\ntext = 'pay'\n";
        let policy = config::Config::parse("c.toml", text).expect("a policy").config.policy;
        let session = SessionInfo { id: SessionId::try_from("s-1").expect("an id"), agent: None, goal: None };
        Evaluator::new(policy.into(), session, [])
    }

    fn event(id: u64, kind: EventKind, text: &str) -> Event {
        let text = text.to_owned();
        Event { id: Some(MessageId(id)), kind, text, at: None, url: None, title: None, truncated: false }
    }

    #[test]
    fn no_number_of_greater_ids_hides_a_lower_one() {
        let mut evaluator = evaluator();
        for id in 1_000..3_000 {
            assert!(evaluator.evaluate(&event(id, EventKind::Thought, "hm"), NOW, &mut || ()).is_some());
        }
        assert!(evaluator.evaluate(&event(u64::MAX, EventKind::Thought, "hm"), NOW, &mut || ()).is_some());
        assert!(evaluator.evaluate(&event(5, EventKind::Step, "pay"), NOW, &mut || ()).is_some());
        assert!(evaluator.evaluate(&event(5, EventKind::Step, "pay"), NOW, &mut || ()).is_none());
        assert!(evaluator.evaluate(&event(1_000, EventKind::Thought, "hm"), NOW, &mut || ()).is_none());
    }

    #[test]
    fn a_step_with_its_thought_s_id_is_evaluated() {
        let mut evaluator = evaluator();
        assert!(evaluator.evaluate(&event(5, EventKind::Thought, "Reading"), NOW, &mut || ()).is_some());
        assert!(evaluator.evaluate(&event(5, EventKind::Step, "pay"), NOW, &mut || ()).is_some());
        assert!(evaluator.evaluate(&event(5, EventKind::Thought, "pay after all"), NOW, &mut || ()).is_some());
    }

    fn policy(text: &str) -> Arc<Policy> {
        Arc::new(config::Config::parse("c.toml", text).expect("a policy").config.policy)
    }

    #[test]
    fn another_policy_judges_a_card_s_trigger_and_what_came_after_and_remembers_nothing() {
        let mut evaluator = evaluator();
        evaluator.adopt(policy("[[rule]]\nname = 'cart'\neffect = 'ask'\ntext = 'cart'\n"));
        let mut card = crate::control::fixtures::open(1, "the cart").card;
        card.after.push(crate::gate::EventLine { text: "a cart again".to_owned(), ..card.trigger.clone() });
        card.before.push(crate::gate::EventLine { text: "cart".to_owned(), ..card.trigger.clone() });
        let fired = |verdicts: Vec<Verdict>| verdicts.iter().map(|verdict| verdict.fired.len()).collect::<Vec<_>>();
        assert_eq!(fired(evaluator.again(&card, NOW)), [1, 1]);
        card.trigger = crate::gate::EventLine { id: None, kind: EventKind::Log, ..card.trigger };
        assert_eq!(fired(evaluator.again(&card, NOW)), [1], "a line of our own is no event");
        assert!(evaluator.evaluate(&event(1, EventKind::Thought, "the cart"), NOW, &mut || ()).is_some());
    }
}
