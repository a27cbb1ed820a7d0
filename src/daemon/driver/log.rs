//! What a session's course looks like in the log: one line per change that a user feels.

use jiff::Timestamp;

use crate::api::SessionId;
use crate::control::EndedBy;
use crate::control::desk::who;
use crate::gate::{Card, Closed, Delivery, Entry, Kept, Plan, Record, Subject};
use crate::operator::escape::short;
use crate::operator::log::TOLD;
use crate::policy::OnTimeout;

/// Logs a record. Notes are logged as the notices they are. `stopped`: everything is, and no deadline runs.
pub fn record(session: &SessionId, record: &Record, stopped: bool) {
    let Some(kept) = &record.kept else { return };
    let code = kept.card.code();
    let approval = kept.card.approval;
    let rule = kept.card.rules.first().map_or("?", |rule| rule.name.as_str());
    match (record.entry, &kept.closed) {
        // A question waits from the beginning; a hold does once its card is complete.
        (Entry::Opened, None) if kept.card.subject == Subject::Question => {
            waits(session, &kept.card, kept.deadline, stopped)
        }
        (Entry::Opened, _) => {
            tracing::info!(target: TOLD, %session, %approval, "{code} opened on session {session}: rule {}", short(rule));
        }
        (Entry::Revised, None) if kept.plan == Plan::Ask => waits(session, &kept.card, kept.deadline, stopped),
        (Entry::Voted, _) => voted(session, kept),
        (Entry::Decided | Entry::Delivered, Some(closed)) => ended(session, kept, closed),
        (
            Entry::Revised
            | Entry::Extended
            | Entry::Frozen
            | Entry::Thawed
            | Entry::Noted
            | Entry::Decided
            | Entry::Delivered,
            _,
        ) => (),
    }
}

/// Logs that an approval waits, or waits again.
pub fn waits(session: &SessionId, card: &Card, deadline: Timestamp, stopped: bool) {
    let (approval, code, revision, then) = (card.approval, card.code(), card.revision, then(card.then.timeout));
    let stake = stake(card);
    if stopped {
        tracing::warn!(target: TOLD,
            %session, %approval, %revision,
            "{code} waits for an answer; everything is stopped, and its deadline stands still: {stake} (session {session})"
        );
        return;
    }
    tracing::warn!(target: TOLD,
        %session, %approval, %revision, %deadline,
        "{code} waits for an answer until {deadline:.0}, then {then}: {stake} (session {session})"
    );
}

fn voted(session: &SessionId, kept: &Kept) {
    let (approval, code, needed) = (kept.card.approval, kept.card.code(), kept.card.terms.approvals);
    let votes = kept.votes.on(&kept.card);
    let Some(vote) = votes.last() else { return };
    let (by, given) = (short(&vote.by.0), votes.len());
    tracing::info!(target: TOLD, %session, %approval,
        "{code} approved by {by}, {given} of {needed} operators (session {session})");
}

fn then(timeout: OnTimeout) -> &'static str {
    match timeout {
        OnTimeout::Cancel => "the task is cancelled",
        OnTimeout::KeepPaused => "the session stays paused",
    }
}

/// What it is about, in the words that tell an operator whether to hurry.
fn stake(card: &Card) -> String {
    let rule = card.rules.first().map(|rule| format!("rule {}", short(&rule.name)));
    let amount = card.amount.as_ref().map(|amount| match (&amount.number, &amount.currency) {
        (Some(number), Some(currency)) => short(&format!("{number} {currency}")),
        (Some(number), None) => short(number),
        (None, _) => "a price that cannot be read".to_owned(),
    });
    let domain = card.domain.as_deref().map(short);
    let parts = [rule, amount, domain, Some(card.timing.to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Logs what a restart goes on from.
pub fn taken_up(session: &SessionId, kept: &Kept) {
    let code = kept.card.code();
    tracing::info!(target: TOLD, %session, approval = %kept.card.approval, "{code} taken up again on session {session}");
}

fn ended(session: &SessionId, kept: &Kept, closed: &Closed) {
    let (code, outcome, by) = (kept.card.code(), closed.outcome, short(&who(&closed.by)));
    let approval = kept.card.approval;
    let detail = short(&closed.detail);
    match closed.delivery {
        // Why it ended is all that there is to say.
        Delivery::Applied if matches!(&closed.by, EndedBy::Session { what } if *what == closed.detail) => {
            tracing::info!(target: TOLD, %session, %approval, "{code} {outcome} by {by} (session {session})");
        }
        Delivery::Applying | Delivery::Applied => {
            tracing::info!(target: TOLD, %session, %approval, "{code} {outcome} by {by}: {detail} (session {session})");
        }
        Delivery::Failed | Delivery::Unknown => {
            tracing::warn!(target: TOLD, %session, %approval, "{code} {outcome} by {by}, but {detail} (session {session})");
        }
    }
}
