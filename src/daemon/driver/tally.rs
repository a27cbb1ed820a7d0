//! Counts what a session's events were like, so that oddities are neither fatal nor unnoticed.

use std::collections::BTreeSet;
use std::fmt;

use crate::api::{Event, EventKind};
use crate::operator::escape::short;

/// How many different unknown kinds are told by name.
const KINDS: usize = 16;

/// What was seen of one session. Pure.
#[derive(Debug, Default)]
pub struct Tally {
    events: u64,
    unknown: u64,
    cut: u64,
    damaged: u64,
    kinds: BTreeSet<String>,
}

impl Tally {
    /// How many events there were.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Counts an event; says what to warn of, the first time something odd comes.
    pub fn count(&mut self, event: &Event) -> Option<String> {
        self.events += 1;
        let cut = event.truncated;
        let damaged = event.text.contains(char::REPLACEMENT_CHARACTER);
        let first_cut = cut && self.cut == 0;
        let first_damaged = damaged && self.damaged == 0;
        self.cut += u64::from(cut);
        self.damaged += u64::from(damaged);
        if let EventKind::Unknown(kind) = &event.kind {
            self.unknown += 1;
            if self.kinds.len() < KINDS && self.kinds.insert(kind.clone()) {
                return Some(format!("events of unknown kind \"{}\" are judged like steps", short(kind)));
            }
        }
        if first_cut {
            return Some("an event was larger than provider.max_event and was cut; it counts as risk".to_owned());
        }
        first_damaged.then(|| "an event was not valid UTF-8; what could not be read is shown as \u{FFFD}".to_owned())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.events)?;
        for (count, what) in [(self.unknown, "of unknown kinds"), (self.cut, "cut"), (self.damaged, "damaged")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, text: &str, truncated: bool) -> Event {
        Event { id: None, kind, text: text.to_owned(), at: None, url: None, title: None, truncated }
    }

    #[test]
    fn each_oddity_is_told_once_and_counted_always() {
        let mut tally = Tally::default();
        let strange = || EventKind::Unknown("telepathy\u{1b}".to_owned());
        assert_eq!(tally.count(&event(EventKind::Thought, "fine", false)), None);
        let told = tally.count(&event(strange(), "", false));
        assert_eq!(told.as_deref(), Some("events of unknown kind \"telepathy<U+001B>\" are judged like steps"));
        assert_eq!(tally.count(&event(strange(), "", false)), None);
        assert!(tally.count(&event(EventKind::Step, "big", true)).is_some());
        assert!(tally.count(&event(EventKind::Step, "a\u{FFFD}", true)).is_some());
        assert_eq!(tally.to_string(), "5 events, 2 of unknown kinds, 2 cut, 1 damaged");
    }
}
