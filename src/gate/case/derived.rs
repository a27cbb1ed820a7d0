//! What a card says that is derived from the event, the rules and the settings.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::api::{Event, EventKind, MessageId};
use crate::policy::{self, AmountSeen, Confirm, Fired, OnDeny, Risk, verdict};

use super::super::approval::{Digest, Timing};
use super::super::card::{Card, EventLine, RuleLine, Subject, Then};
use super::super::io::Settings;

const TEXT_HEAD: usize = 3000;
const TEXT_TAIL: usize = 1000;
/// What a text may take beyond a quarter more than it is, in bytes.
const SPARE: usize = 32;

/// What a card shows of an event.
pub(in crate::gate) fn event_line(event: &Event) -> EventLine {
    line(event.id, event.kind.clone(), Cow::Borrowed(&event.text), event.at)
}

/// The same of an event that nobody needs any more: its text need not be copied.
pub(in crate::gate) fn line_of(Event { id, kind, text, at, .. }: Event) -> EventLine {
    line(id, kind, Cow::Owned(text), at)
}

fn line(id: Option<MessageId>, kind: EventKind, text: Cow<'_, str>, at: Option<Timestamp>) -> EventLine {
    let chars = text.chars().count();
    let cut = chars > TEXT_HEAD + TEXT_TAIL;
    let whole = cut.then(|| Digest::of(text.as_bytes()));
    let mut text = if cut { head_and_tail(&text, chars) } else { text.into_owned() };
    // It stays for a while, with what was left free as it was written.
    if text.capacity() > text.len() + text.len() / 4 + SPARE {
        text.shrink_to_fit();
    }
    EventLine { id, kind, text, chars: chars as u64, whole, at }
}

fn head_and_tail(text: &str, chars: usize) -> String {
    let head: String = text.chars().take(TEXT_HEAD).collect();
    let tail: String = text.chars().skip(chars - TEXT_TAIL).collect();
    format!("{head} […] {tail}")
}

pub(super) fn rule_line(fired: &Fired) -> RuleLine {
    RuleLine {
        name: fired.rule.name.clone(),
        place: fired.rule.place.clone(),
        effect: fired.effect,
        matched: fired.matched.clone(),
        undecided: fired.undecided.clone(),
    }
}

/// Once the page is known, no rule on the card says any more that it is not: it was not when the rule fired.
pub(in crate::gate) fn place_told(card: &mut Card) {
    let told = [
        (verdict::NOWHERE, card.domain.is_some()),
        (verdict::NO_ADDRESS, card.url.is_some()),
        (verdict::NO_TITLE, card.title.is_some()),
    ];
    for why in card.rules.iter_mut().flat_map(|line| &mut line.undecided) {
        if told.iter().any(|(unknown, is_told)| *is_told && why.ends_with(unknown)) {
            *why = format!("{}; the page was told later", why.replace(" is not known", " was not known"));
        }
    }
}

/// An announcement that is history came when nobody looked, and what it announced may be on its way to be told.
pub(super) fn timing_of(trigger: &EventKind, is_history: bool) -> (Timing, &'static str) {
    match trigger {
        EventKind::Thought if is_history => {
            (Timing::Unknown, "the trigger came before the session was watched: the agent may have acted since")
        }
        EventKind::Thought | EventKind::Question => (Timing::InTime, "nothing was seen after the trigger"),
        EventKind::Step | EventKind::Done => (Timing::Late, "the trigger itself reports an act"),
        EventKind::Error
        | EventKind::Log
        | EventKind::User
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::Unknown(_) => (Timing::Unknown, "the trigger does not say whether the agent acted"),
    }
}

pub(super) fn confirm_of(fired: &[Fired], risk: Risk, has_amount: bool) -> Confirm {
    let written =
        fired.iter().filter(|fired| fired.effect >= policy::Effect::Ask).filter_map(|fired| fired.rule.confirm);
    let by_default = if risk == Risk::High && has_amount { Confirm::Type } else { Confirm::Key };
    written.reduce(|a, b| if a == Confirm::Type { a } else { b }).unwrap_or(by_default)
}

pub(super) fn then_of(subject: Subject, fired: &[Fired], settings: &Settings) -> Then {
    let rule = fired.first().map(|fired| fired.rule.as_ref());
    let refusal = rule.and_then(|rule| rule.refusal.clone()).or_else(|| settings.refusal.clone());
    let written = rule.and_then(|rule| rule.on_deny);
    let deny = match (subject, written, &refusal) {
        (Subject::Question, None, Some(_)) => OnDeny::Instruct,
        (_, written, _) => written.unwrap_or(settings.on_deny),
    };
    // A denial that has nothing to say cannot be a message: it cancels.
    let deny = if deny == OnDeny::Instruct && refusal.is_none() { OnDeny::Cancel } else { deny };
    let answer = match subject {
        Subject::Question => Some(rule.and_then(|rule| rule.answer.clone()).unwrap_or_else(|| settings.answer.clone())),
        Subject::Hold => None,
    };
    Then { answer, deny, refusal: refusal.filter(|_| deny == OnDeny::Instruct), timeout: settings.on_timeout }
}

/// The amount that stands on a card when another trigger joins: the larger one where both are of one currency, one that
/// could not be read before all others, and otherwise the newer.
pub(super) fn larger(shown: Option<AmountSeen>, joined: Option<AmountSeen>) -> Option<AmountSeen> {
    let (shown, joined) = match (shown, joined) {
        (Some(shown), Some(joined)) => (shown, joined),
        (shown, joined) => return joined.or(shown),
    };
    let stays = match (shown.number.as_deref().map(decimal), joined.number.as_deref().map(decimal)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => shown.currency == joined.currency && old > new,
    };
    Some(if stays { shown } else { joined })
}

/// A decimal number as an operator would type it, such as `1299.00`, in a form that compares.
fn decimal(number: &str) -> (usize, &str, &str) {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.trim_start_matches('0');
    (whole.len(), whole, fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: Option<&str>, currency: Option<&str>) -> Option<AmountSeen> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(AmountSeen { number: owned(number), currency: owned(currency), words: "price".to_owned(), earlier: false })
    }

    #[test]
    fn a_smaller_amount_does_not_hide_a_larger_one_that_was_shown() {
        let usd = |number: &str| seen(Some(number), Some("USD"));
        let unread = seen(None, None);
        for (shown, joined, stays) in [
            (usd("410.00"), usd("9.99"), usd("410.00")),
            (usd("9.99"), usd("410.00"), usd("410.00")),
            (usd("10.05"), usd("10.5"), usd("10.5")),
            (usd("10.50"), usd("10.5"), usd("10.5")),
            (seen(Some("410"), None), seen(Some("9"), None), seen(Some("410"), None)),
            (usd("410.00"), seen(Some("9.99"), Some("EUR")), seen(Some("9.99"), Some("EUR"))),
            (unread.clone(), usd("9.99"), unread.clone()),
            (usd("410.00"), unread.clone(), unread.clone()),
            (usd("410.00"), None, usd("410.00")),
            (None, usd("410.00"), usd("410.00")),
            (None, None, None),
        ] {
            assert_eq!(larger(shown.clone(), joined.clone()), stays, "{shown:?} then {joined:?}");
        }
    }
}
