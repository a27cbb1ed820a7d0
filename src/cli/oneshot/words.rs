//! Words for people that several commands share. Pure; what is not our own is escaped here.

use std::time::Duration;

use jiff::Timestamp;

use crate::control::{ApprovalView, EndedBy, State};
use crate::gate::{Card, Delivery, Outcome};
use crate::operator::escape::{again, escape, short};
use crate::policy::Risk;

/// A length of time in its two greatest units.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        (_, _, _) => format!("{days}d {hours:02}h"),
    }
}

/// How long something was waited for, as it was asked for: milliseconds where it is no whole number of seconds.
pub fn wait(time: Duration) -> String {
    if time.subsec_nanos() == 0 { span(time) } else { format!("{}ms", time.as_millis()) }
}

/// From one time to another; nothing when that is past.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// How much time is left to answer.
pub fn left(view: &ApprovalView, now: Timestamp) -> String {
    if view.frozen { "stopped".to_owned() } else { span(between(now, view.deadline)) }
}

/// The word for a risk.
pub fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

/// The amount at stake; empty when none was seen.
pub fn amount(card: &Card) -> String {
    let Some(amount) = &card.amount else { return String::new() };
    let number = amount.number.as_deref().map_or("unreadable".to_owned(), short);
    let currency = amount.currency.as_deref().map(|currency| format!(" {}", short(currency))).unwrap_or_default();
    format!("{number}{currency}")
}

/// The host; empty when it is not known.
pub fn domain(card: &Card) -> String {
    card.domain.as_deref().map(|domain| escape(domain, 80).text).unwrap_or_default()
}

/// The strictest rule that fired.
pub fn rule(card: &Card) -> String {
    card.rules.first().map(|rule| short(&rule.name)).unwrap_or_default()
}

/// Where an approval stands, in a few words.
pub fn state(view: &ApprovalView) -> String {
    match &view.state {
        State::Draft => "pausing".to_owned(),
        State::Open if card_needs_more(view) => {
            format!("{} of {} approved", view.votes.len(), view.card.terms.approvals)
        }
        State::Open => "open".to_owned(),
        State::Deciding { by } => format!("{} is deciding", short(&by.0)),
        State::Ended { outcome, delivery, .. } => format!("{outcome}, {delivery}"),
    }
}

fn card_needs_more(view: &ApprovalView) -> bool {
    view.card.terms.approvals > 1
}

/// One sentence about an approval that has ended; `None` while it has not.
pub fn ending(view: &ApprovalView) -> Option<String> {
    let State::Ended { outcome, by, delivery, detail, .. } = &view.state else { return None };
    let code = view.card.code();
    Some(format!("{code} {outcome}{}{}", by_whom(by), became(*outcome, *delivery, detail)))
}

/// Who or what ended it, as the rest of a sentence.
pub fn by_whom(by: &EndedBy) -> String {
    match by {
        EndedBy::Operator { name, note } => {
            let note = note.as_deref().map(|note| format!(" ({})", short(note))).unwrap_or_default();
            format!(" by {}{note}", short(&name.0))
        }
        EndedBy::Rule { name } => format!(" by rule {}", short(name)),
        EndedBy::Deadline => ": nobody answered in time".to_owned(),
        EndedBy::Session { what } => format!(": {}", short(what)),
    }
}

fn became(outcome: Outcome, delivery: Delivery, detail: &str) -> String {
    let detail = again(detail);
    let or = |words: &str| if detail.is_empty() { words.to_owned() } else { detail.clone() };
    match (outcome, delivery) {
        (Outcome::Withdrawn, Delivery::Applied) => String::new(),
        (_, Delivery::Applying) => "; being carried out".to_owned(),
        (_, Delivery::Applied) => format!("; {}", or("done, confirmed")),
        (_, Delivery::Failed) => format!(", but {}", or("the provider refused")),
        (_, Delivery::Unknown) => format!(", but the result is not known: {}", or("the provider did not say")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{at, by, ended, open};

    #[test]
    fn time_is_told_in_two_units() {
        let told = [0, 59, 60, 552, 3_600, 86_399, 86_400, 180_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "1m 00s", "9m 12s", "1h 00m", "23h 59m", "1d 00h", "2d 02h"]);
        let told = [100, 1_000, 1_500, 90_000].map(|ms| wait(Duration::from_millis(ms)));
        assert_eq!(told, ["100ms", "1s", "1500ms", "1m 30s"]);
    }

    #[test]
    fn no_time_is_left_after_the_deadline_and_none_runs_while_everything_is_stopped() {
        let view = open(1, "x");
        assert_eq!(left(&view, at("2026-11-23T13:02:11Z")), "10m 00s");
        assert_eq!(left(&view, at("2026-11-23T14:02:11Z")), "0s");
        assert_eq!(left(&ApprovalView { frozen: true, ..view }, at("2026-11-23T13:02:11Z")), "stopped");
    }

    #[test]
    fn an_ending_says_who_why_and_what_became_of_it() {
        let view = open(1, "x");
        assert_eq!(ending(&view), None);
        let code = view.card.code();
        let ending =
            |outcome, by, delivery, detail| ending(&ended(&view, outcome, by, delivery, detail)).expect("ended");
        let said = ending(Outcome::Denied, by("ops2", Some("too\ndear")), Delivery::Applied, "cancelled, confirmed");
        assert_eq!(said, format!("{code} denied by ops2 (too ⏎ dear); cancelled, confirmed"));
        let said = ending(Outcome::Approved, by("ana", None), Delivery::Failed, "resume failed: still paused");
        assert_eq!(said, format!("{code} approved by ana, but resume failed: still paused"));
        let said = ending(Outcome::Expired, EndedBy::Deadline, Delivery::Applying, "");
        assert_eq!(said, format!("{code} expired: nobody answered in time; being carried out"));
    }
}
