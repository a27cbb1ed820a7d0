//! The words about who has to agree, why, and how much time is left, for everything that speaks to an operator; and the one
//! order in which all of it lists what waits.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use crate::control::{ApprovalView, EndedBy, State};
use crate::gate::{ApprovalId, Card};
use crate::operator::escape::short;
use crate::policy::Risk;

/// How long after a card has left the screen, by a denial or by what others did, an `n` is meant for that one or is a key
/// that is held down, and no answer to the next. Linux's console begins to repeat a key after 250 to 1 000 ms (kbdrate(8)),
/// X after 500 or 660.
pub(crate) const NEXT_DENIAL: Duration = Duration::from_millis(1_500);

/// What a card asks for beside one operator's key; empty where that is all.
pub(crate) fn asked(card: &Card) -> String {
    let terms = &card.terms;
    let mut parts = Vec::new();
    if terms.takes_several() {
        parts.push(format!("{} operators", terms.approvals));
    }
    if !terms.not_by.is_empty() {
        let names: Vec<String> = terms.not_by.iter().map(|name| short(name)).collect();
        parts.push(format!("not by {}", names.join(", ")));
    }
    match (terms.reason.approving(), terms.reason.denying()) {
        (true, true) => parts.push("a reason, for y and for n".to_owned()),
        (true, false) => parts.push("a reason for y".to_owned()),
        (false, true) => parts.push("a reason for n".to_owned()),
        (false, false) => {}
    }
    parts.join(" · ")
}

/// The same, with who has approved so far.
pub(crate) fn needs(view: &ApprovalView) -> String {
    [asked(&view.card), so_far(view)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Who has approved so far, where more than one has to.
pub(crate) fn so_far(view: &ApprovalView) -> String {
    if !view.card.terms.takes_several() || matches!(view.state, State::Draft | State::Ended { .. }) {
        return String::new();
    }
    match voters(view, None) {
        None => "nobody has approved yet".to_owned(),
        Some(names) => format!("approved by {names} so far ({} of {})", view.votes.len(), view.card.terms.approvals),
    }
}

/// "together with ops1", for an approval that more than one operator gave.
pub(crate) fn together(view: &ApprovalView, by: &EndedBy) -> String {
    let EndedBy::Operator { name, .. } = by else { return String::new() };
    let others = voters(view, Some(&name.0)).filter(|_| view.votes.iter().any(|vote| vote.by == *name));
    others.map(|names| format!(" together with {names}")).unwrap_or_default()
}

fn voters(view: &ApprovalView, but: Option<&str>) -> Option<String> {
    let names = view.votes.iter().filter(|vote| Some(vote.by.0.as_str()) != but).map(|vote| short(&vote.by.0));
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What an approval that has been counted waits for.
pub(crate) fn counted(given: u8, needed: u8) -> String {
    let more = needed.saturating_sub(given);
    let operators = if more == 1 { "operator has" } else { "operators have" };
    format!("your approval counts: {given} of {needed}; {more} more {operators} to approve")
}

/// How often an approval can still be extended.
pub(crate) fn extensions(left: u8) -> String {
    match left {
        0 => "for the last time".to_owned(),
        1 => "1 extension left".to_owned(),
        left => format!("{left} extensions left"),
    }
}

/// How much time is left, in its two largest units.
pub(crate) fn left(deadline: Timestamp, now: Timestamp) -> String {
    let seconds = deadline.duration_since(now).as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s left"),
        (0, 0, minutes) => format!("{minutes}m {}s left", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m left"),
        (days, hours, _) => format!("{days}d {hours}h left"),
    }
}

/// Where an approval stands among those that wait, everywhere: the riskiest first, then what has the least time.
pub(crate) fn rank(view: &ApprovalView) -> (Reverse<Risk>, Timestamp, ApprovalId) {
    (Reverse(view.card.risk), view.deadline, view.card.approval)
}

/// Whether so many per cent of an approval's time have passed, and not all of it. A deadline that stands still does not count.
pub(crate) fn is_late(view: &ApprovalView, now: Timestamp, percent: u8) -> bool {
    let (whole, passed) = (view.deadline.duration_since(view.card.opened_at), now.duration_since(view.card.opened_at));
    let due = passed.as_millis().saturating_mul(100) >= whole.as_millis().saturating_mul(i128::from(percent));
    due && !view.frozen && percent < 100 && now < view.deadline && view.state == State::Open
}

/// A line and the reason at its end: `y because it is due`. Only the whole word between spaces begins one.
pub(crate) fn because(line: &str) -> (&str, Option<String>) {
    let Some((head, reason)) = line.split_once(" because ") else { return (line, None) };
    let reason = reason.trim();
    if reason.is_empty() { (line, None) } else { (head, Some(reason.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::at;

    #[test]
    fn time_left_is_said_in_two_units() {
        let deadline = at("2026-11-23T13:12:11Z");
        for (now, said) in [
            ("2026-11-23T13:12:10Z", "1s left"),
            ("2026-11-23T13:07:13Z", "4m 58s left"),
            ("2026-11-23T10:00:00Z", "3h 12m left"),
            ("2026-11-21T10:00:00Z", "2d 3h left"),
            ("2026-11-23T14:00:00Z", "0s left"),
        ] {
            assert_eq!(left(deadline, at(now)), said);
        }
    }

    #[test]
    fn a_reason_follows_the_whole_word() {
        assert_eq!(because("y because it is due"), ("y", Some("it is due".to_owned())));
        for line in ["y", "y because", "y because  ", "ybecause it is due", "y becausex y"] {
            assert_eq!(because(line), (line, None));
        }
    }
}
