//! Two policies on the same events: where they say something else.
//!
//! Pure: sessions and their events in, differences out. Each policy remembers what came before by itself, as it would have
//! done had it been in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Context, Effect, Policy, RuleTerms, SessionInfo, Verdict};
use crate::api::Event;
use crate::clock::Moment;

/// What one policy says of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// Its effect.
    pub effect: Effect,
    /// The rule that decides.
    pub rule: Option<Arc<RuleTerms>>,
    /// The condition of that rule that matched first, and the words it matched, untrusted.
    pub matched: Option<(String, String)>,
}

/// Compares two policies on events as they come.
#[derive(Debug)]
pub struct Comparison<'p> {
    old: &'p Policy,
    new: &'p Policy,
    sessions: BTreeMap<String, (Context, Context)>,
    events: u64,
    counts: BTreeMap<(Effect, Effect), u64>,
}

impl<'p> Comparison<'p> {
    /// Compares these.
    #[must_use]
    pub fn new(old: &'p Policy, new: &'p Policy) -> Self {
        Self { old, new, sessions: BTreeMap::new(), events: 0, counts: BTreeMap::new() }
    }

    /// Takes the next event of the session called `name`, which arrived at `now`, and says what either policy says of it; `None` when it is the same.
    pub fn see(&mut self, name: &str, session: &SessionInfo, event: &Event, now: Moment) -> Option<(Opinion, Opinion)> {
        if !self.sessions.contains_key(name) {
            self.sessions.insert(name.to_owned(), Default::default());
        }
        let (before, after) = self.sessions.get_mut(name)?;
        let old = Opinion::of(&self.old.evaluate(session, before, event, now));
        let new = Opinion::of(&self.new.evaluate(session, after, event, now));
        self.events += 1;
        *self.counts.entry((old.effect, new.effect)).or_default() += 1;
        (old.effect != new.effect).then_some((old, new))
    }

    /// How many events were seen.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many sessions they were of.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many events had which effects, by the old policy and by the new one.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<(Effect, Effect), u64> {
        &self.counts
    }
}

impl Opinion {
    /// A verdict without all that is not told.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        let fired = verdict.deciding();
        let first = fired.and_then(|fired| fired.matched.first());
        Self {
            effect: verdict.effect,
            rule: fired.map(|fired| fired.rule.clone()),
            matched: first.map(|one| (one.condition.clone(), one.words.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EventKind, SessionId};
    use crate::config::Config;

    fn policy(rules: &[(&str, &str)]) -> Policy {
        let rule = |(effect, text): &(&str, &str)| {
            format!("[[rule]]\nname = '{text}'\neffect = '{effect}'\ntext = '{text}'\n")
        };
        Config::parse("c.toml", &rules.iter().map(rule).collect::<String>()).unwrap().config.policy
    }

    #[test]
    fn only_events_on_which_the_effect_differs_are_told_and_all_are_counted() {
        let (old, new) = (policy(&[("ask", "pay"), ("deny", "buy")]), policy(&[("deny", "pay"), ("ask", "send")]));
        let mut comparison = Comparison::new(&old, &new);
        let session = SessionInfo { id: SessionId::try_from("s").unwrap(), agent: None, goal: None };
        let mut see = |name: &str, text: &str| {
            let (kind, text) = (EventKind::Thought, text.to_owned());
            let event = Event { id: None, kind, text, at: None, url: None, title: None, truncated: false };
            comparison
                .see(name, &session, &event, Moment::of(jiff::Timestamp::UNIX_EPOCH))
                .map(|(old, new)| (old.effect, new.effect, new.rule.map(|r| r.name.clone())))
        };
        assert_eq!(see("a", "pay"), Some((Effect::Ask, Effect::Deny, Some("pay".to_owned()))));
        assert_eq!(see("a", "look"), None);
        assert_eq!(see("b", "send"), Some((Effect::Allow, Effect::Ask, Some("send".to_owned()))));
        assert_eq!(see("b", "buy"), Some((Effect::Deny, Effect::Allow, None)));
        assert_eq!((comparison.events(), comparison.sessions()), (4, 2));
        assert_eq!(comparison.counts()[&(Effect::Allow, Effect::Allow)], 1);
    }
}
