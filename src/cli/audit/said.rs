//! What a journal entry says, in a sentence for people. Pure; what is not our own is escaped here.

use serde::Deserialize;

use crate::audit::Entry;
use crate::cli::oneshot::words;
use crate::gate::{BY_HAND, Card, Closed, Entry as Kind, Kept};
use crate::operator::escape::{again, short};

/// What the body of an entry has, as far as this is told.
#[derive(Deserialize)]
struct Body {
    note: Option<String>,
    kept: Option<Kept>,
}

/// The sentence. An entry that a newer version wrote is told as far as it can be.
pub(super) fn said(entry: &Entry) -> String {
    let Ok(body) = serde_json::from_str::<Body>(&entry.body) else {
        return "its body cannot be read; `holdpoint audit export` prints it".to_owned();
    };
    // Notes are escaped when they are written; whoever can write the file can write anything.
    match (body.note, body.kept, Kind::named(&entry.entry)) {
        (Some(note), _, _) => again(&note),
        (None, Some(kept), Some(kind)) => about(kind, &kept),
        (None, _, _) => String::new(),
    }
}

fn about(kind: Kind, kept: &Kept) -> String {
    let card = &kept.card;
    match kind {
        Kind::Opened => opened(card),
        Kind::Revised => format!("revision {}, {}; {}", card.revision, card.timing, until(kept)),
        Kind::Voted => voted(kept),
        Kind::Extended | Kind::Thawed | Kind::Frozen => until(kept),
        Kind::Decided => kept.closed.as_ref().map(decided).unwrap_or_default(),
        Kind::Delivered => kept.closed.as_ref().map(delivered).unwrap_or_default(),
        Kind::Noted => String::new(),
    }
}

fn until(kept: &Kept) -> String {
    match kept.frozen {
        Some(_) => "the deadline stands still".to_owned(),
        None => format!("until {:.0}", kept.deadline),
    }
}

fn opened(card: &Card) -> String {
    let rule = format!("rule {}", words::rule(card));
    // A line of our own, with the reason that the operator gave.
    let by_hand = card.rules.first().filter(|rule| rule.place == BY_HAND).map(|_| short(&card.trigger.text));
    let by_hand = by_hand.unwrap_or_default();
    let parts = [rule, words::risk(card.risk).to_owned(), words::amount(card), words::domain(card), by_hand];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn voted(kept: &Kept) -> String {
    let votes = kept.votes.on(&kept.card);
    let by = votes.last().map(|vote| short(&vote.by.0)).unwrap_or_default();
    format!("approved by {by}, {} of {}", votes.len(), kept.card.terms.approvals)
}

fn decided(closed: &Closed) -> String {
    format!("{} at revision {}{}", closed.outcome, closed.revision, words::by_whom(&closed.by))
}

fn delivered(closed: &Closed) -> String {
    match closed.detail.as_str() {
        "" => closed.delivery.to_string(),
        detail => format!("{}: {}", closed.delivery, again(detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::EventKind;
    use crate::gate::EventLine;

    fn entry(word: &str, body: &str) -> Entry {
        let (at, entry, body) = ("2026-11-23T13:02:11Z".to_owned(), word.to_owned(), body.to_owned());
        Entry { seq: 1, at, entry, session: None, approval: None, body }
    }

    /// An agent may write a line that looks like one of ours; the place where a rule stands is never its own.
    #[test]
    fn why_an_operator_paused_is_told_and_what_an_agent_logs_is_not() {
        let mut card = crate::control::fixtures::open(1, "paused by ops1: odd\u{202e} cart").card;
        card.trigger = EventLine { id: None, kind: EventKind::Log, ..card.trigger };
        assert!(!opened(&card).contains("ops1"), "{}", opened(&card));
        card.rules[0].place = BY_HAND.to_owned();
        assert!(opened(&card).ends_with("paused by ops1: odd<U+202E> cart"), "{}", opened(&card));
    }

    #[test]
    fn what_cannot_be_read_is_said_and_what_is_hostile_is_shown() {
        let unreadable = "its body cannot be read; `holdpoint audit export` prints it";
        for (word, body, told) in [
            ("noted", r#"{"note":"a gap<U+202E>"}"#, "a gap<U+202E>"),
            ("noted", "{\"note\":\"\u{1b}[2J\u{202e}\"}", unreadable),
            ("noted", r#"{"note":"\u001b[2J\u202e\nroot"}"#, "<U+001B>[2J<U+202E> ⏎ root"),
            ("from the future", r#"{"note":"something new","more":1}"#, "something new"),
            ("opened", r#"{"kept":{}}"#, unreadable),
            ("opened", "{}", ""),
        ] {
            assert_eq!(said(&entry(word, body)), told, "{word} {body}");
        }
    }
}
