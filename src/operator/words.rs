//! The words of the prompt that more than one part uses.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::control::{ApprovalView, EndedBy, Halt, State};
use crate::gate::{Card, Delivery, Hold, Outcome, Subject, Timing};
use crate::operator::escape::{again, escape, short};
use crate::operator::terms;
use crate::policy::{AmountSeen, Confirm, Effect, OnDeny, OnTimeout, Risk};

/// The time of day where the operator is.
pub(crate) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// Untrusted text in a sentence of ours: its own quotation marks cannot end the quotation.
pub(crate) fn quoted(text: &str, max: usize) -> String {
    let inner = escape(text, max).text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{inner}\"")
}

pub(crate) fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

pub(crate) fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Alert => "alert",
        Effect::Instruct => "instruct",
        Effect::Cooldown => "cooldown",
        Effect::Ask => "ask",
        Effect::Deny => "deny",
    }
}

/// An amount as an operator reads and types it.
pub(crate) fn amount(amount: &AmountSeen) -> String {
    let number = amount.number.as_deref().map_or("unreadable amount".to_owned(), short);
    let currency = amount.currency.as_deref().map(|currency| format!(" {}", short(currency))).unwrap_or_default();
    format!("{number}{currency}")
}

/// What can be typed to approve a card that takes typing.
pub(crate) fn to_type(card: &Card) -> String {
    let number = card.amount.as_ref().and_then(|amount| amount.number.as_deref());
    match number {
        Some(number) => format!("{} or {}", short(number), card.code()),
        None => card.code().to_string(),
    }
}

/// What a card that is late warns of.
pub(crate) fn late(card: &Card) -> &'static str {
    match card.is_by_hand() {
        true => "The agent may have acted since.",
        false => "This may already have happened.",
    }
}

/// What an approval would do.
pub(crate) fn approving(card: &Card) -> String {
    let does = releasing(card);
    if card.terms.takes_several() {
        return format!("{does}, once {} operators have approved", card.terms.approvals);
    }
    does
}

fn releasing(card: &Card) -> String {
    match (card.subject, &card.then.answer) {
        (Subject::Question, Some(answer)) => format!("sends {}", quoted(answer, 200)),
        (Subject::Question, None) => "has no set answer".to_owned(),
        (Subject::Hold, _) if card.hold == Hold::ByOthers => "will not resume it".to_owned(),
        (Subject::Hold, _) if matches!(card.hold, Hold::InDoubt { .. }) => "resumes it, whoever paused it".to_owned(),
        (Subject::Hold, _) if card.timing == Timing::Late => "lets the session go on".to_owned(),
        (Subject::Hold, _) => "resumes".to_owned(),
    }
}

/// Whether somebody else paused, or may have: no refusal resumes that.
fn is_perhaps_theirs(card: &Card) -> bool {
    matches!(card.hold, Hold::ByOthers | Hold::InDoubt { .. })
}

/// What a denial would do.
pub(crate) fn denying(card: &Card) -> String {
    match (card.then.deny, &card.then.refusal, card.subject) {
        (OnDeny::Instruct, _, Subject::Hold) if is_perhaps_theirs(card) => "keeps it paused".to_owned(),
        (OnDeny::Instruct, Some(refusal), Subject::Hold) => format!("sends {} and resumes", quoted(refusal, 200)),
        (OnDeny::Instruct, None, Subject::Hold) => "resumes with a refusal".to_owned(),
        (_, Some(refusal), Subject::Question) => format!("sends {}", quoted(refusal, 200)),
        (OnDeny::Instruct, None, Subject::Question) => "sends a refusal".to_owned(),
        (OnDeny::Cancel, _, _) if card.timing == Timing::Late => "cancels it".to_owned(),
        (OnDeny::Cancel, _, _) => "cancels".to_owned(),
        (OnDeny::KeepPaused, _, Subject::Hold) => "keeps it paused".to_owned(),
        (OnDeny::KeepPaused, None, Subject::Question) => "leaves it waiting".to_owned(),
    }
}

/// What the deadline would do.
pub(crate) fn timing_out(card: &Card) -> &'static str {
    match (card.then.timeout, card.subject) {
        (OnTimeout::Cancel, _) => "cancels",
        (OnTimeout::KeepPaused, Subject::Hold) => "keeps it paused",
        (OnTimeout::KeepPaused, Subject::Question) => "leaves it waiting",
    }
}

/// What it comes to when nobody answers.
pub(crate) fn silence(view: &ApprovalView, zone: &TimeZone) -> String {
    if view.frozen {
        return "the deadline stands still".to_owned();
    }
    format!("no answer by {} {}", clock(view.deadline, zone), timing_out(&view.card))
}

/// How a stop of everything is ended.
pub(crate) const ENDS_STOP: &str = "`holdpoint stop-all --end` ends that";

/// One sentence about a stop that is in force: by whom, why, since when.
pub(crate) fn stopped(halt: &Halt) -> String {
    let reason = halt.reason.as_deref().map(|reason| format!(" ({})", short(reason))).unwrap_or_default();
    format!("everything is stopped, by {}{reason}, since {:.0}", short(&halt.by.0), halt.at)
}

/// What an approval does although everything is stopped.
pub(crate) fn despite_the_stop(card: &Card) -> &'static str {
    match card.subject {
        Subject::Hold if card.hold == Hold::ByOthers => "everything is stopped; who paused this one may resume it",
        Subject::Hold => "everything is stopped; approving lets this session go on all the same, and only this one",
        Subject::Question => "everything is stopped; an answer lets this session go on all the same, and only this one",
    }
}

/// The question under a card.
pub(crate) fn question(card: &Card, is_draft: bool) -> String {
    let code = card.code();
    if is_draft {
        let keys = if card.denial_releases() { "?" } else { "n/?" };
        return format!("{code}  pausing, not asked yet [{keys}] > ");
    }
    let late = card.timing == Timing::Late;
    let y = if card.terms.reason.approving() { "y because …" } else { "y" };
    match (card.confirm, card.subject) {
        (Confirm::Type, _) if late => format!("{code}  late: type {} to let it go on [n/?] > ", to_type(card)),
        (Confirm::Type, _) => format!("{code}  type {} to approve [n/?] > ", to_type(card)),
        (Confirm::Key, Subject::Question) if card.terms.takes_several() => {
            format!("{code}  send this answer? [{y}/n/?] > ")
        }
        (Confirm::Key, Subject::Question) => format!("{code}  send this answer? [{y}/a/n/?] > "),
        (Confirm::Key, Subject::Hold) if late => format!("{code}  late: let it go on? [{y}/n/?] > "),
        (Confirm::Key, Subject::Hold) => format!("{code}  approve? [{y}/n/?] > "),
    }
}

/// What is said when the daemon has taken an outcome, while its delivery is on the way.
pub(crate) fn taken(card: &Card, outcome: Outcome) -> &'static str {
    match (outcome, card.subject) {
        (Outcome::Approved, Subject::Question) => "answering…",
        (Outcome::Approved, Subject::Hold) if card.hold == Hold::ByOthers => "approved; we do not resume it",
        (Outcome::Approved, Subject::Hold) => "resuming…",
        (Outcome::Denied, Subject::Question) if card.then.refusal.is_some() => "denied; sending the refusal…",
        (Outcome::Denied, Subject::Hold) if is_perhaps_theirs(card) && card.then.deny == OnDeny::Instruct => {
            "denied; it stays paused"
        }
        (Outcome::Denied, _) => match card.then.deny {
            OnDeny::Cancel => "denied; cancelling…",
            OnDeny::Instruct => "denied; sending the refusal…",
            OnDeny::KeepPaused => "denied; it stays paused",
        },
        (Outcome::Expired, _) => "nobody answered in time",
        (Outcome::Withdrawn, _) => "withdrawn",
    }
}

/// "was denied by ops2 (too dear)".
pub(crate) fn ended(outcome: Outcome, by: &EndedBy) -> String {
    match by {
        EndedBy::Operator { name, note } => {
            let note = note.as_ref().map(|note| format!(" ({})", short(note))).unwrap_or_default();
            format!("was {outcome} by {}{note}", short(&name.0))
        }
        EndedBy::Rule { name } => format!("was {outcome} by rule {}", short(name)),
        EndedBy::Deadline => "expired: nobody answered in time".to_owned(),
        EndedBy::Session { what } => format!("was {outcome}: {}", short(what)),
    }
}

/// What became of an outcome at the provider; `None` while it is on its way.
pub(crate) fn delivered(state: &State) -> Option<String> {
    let State::Ended { outcome, by, delivery, detail, .. } = state else { return None };
    // What became of the session is why it was withdrawn, and was said with that.
    if matches!((delivery, by), (Delivery::Applied, EndedBy::Session { what }) if what == detail) {
        return None;
    }
    let said = again(detail);
    let or = |words: &str| if said.is_empty() { words.to_owned() } else { said.clone() };
    match delivery {
        Delivery::Applying => None,
        Delivery::Applied => Some(or("done, confirmed")),
        Delivery::Failed => Some(format!("{outcome}, but {}", or("the provider refused"))),
        Delivery::Unknown => {
            Some(format!("{outcome}, but the result is not known: {}", or("the provider did not say")))
        }
    }
}

/// How many of all sessions are followed.
pub(crate) fn watching(followed: u64, all: u64) -> String {
    let sessions = if all == 1 { "session" } else { "sessions" };
    if followed == all {
        let all = if all == 1 { "the one".to_owned() } else { format!("all {}", grouped(all)) };
        return format!("watching {all} {sessions}");
    }
    format!("watching {} of {} {sessions}", grouped(followed), grouped(all))
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (first > 0).then(|| digits[..first].to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(" ")
}

/// The list of commands.
pub(crate) fn help(view: Option<&ApprovalView>) -> String {
    let mut lines = Vec::new();
    if let Some(view) = view {
        let card = &view.card;
        let is_question = card.subject == Subject::Question;
        match card.confirm {
            Confirm::Type => lines.push(format!("  {}   approves: {}", to_type(card), approving(card))),
            Confirm::Key => lines.push(format!("  y          {}", approving(card))),
        }
        lines.push("             with \" because …\" behind it your reason is kept".to_owned());
        lines.push(format!("  n [reason] {}", denying(card)));
        match (is_question, card.terms.takes_several()) {
            (_, true) => {}
            (true, false) => lines.push("  a text     sends your own answer".to_owned()),
            (false, false) => lines.push("  m text     sends an instruction to the agent, then resumes".to_owned()),
        }
        let left = terms::extensions(view.extensions_left);
        match view.extensions_left {
            0 => lines.push("  x          cannot give more time any more".to_owned()),
            _ => lines.push(format!("  x          gives everybody more time ({left})")),
        }
        lines.push("  s          saves a screenshot and names the file".to_owned());
        lines.push("  d          shows everything, long text in full".to_owned());
    }
    lines.push("  l          lists what waits; the code of another one shows it".to_owned());
    lines.push("  q          leaves; nothing is decided by leaving".to_owned());
    lines.push("  Enter      asks again".to_owned());
    lines.push("  Pasted text decides nothing; what is typed too soon lets nothing go on.".to_owned());
    lines.join("\n") + "\n"
}
