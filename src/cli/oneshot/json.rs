//! What `--json` prints: flat objects with fixed names, made of what the daemon tells.
//!
//! These names are a contract with scripts: more may follow, none goes away or changes its meaning. Text is given raw and
//! written in ASCII, everything else as `\u` escapes, so that nothing in it can drive a terminal.

use jiff::Timestamp;
use serde::Serialize;

use crate::control::{ApprovalView, EndedBy, SessionView, Sight, State};
use crate::gate::{ApprovalId, Card, Delivery, Digest, Outcome, Revision, Subject, Timing};
use crate::policy::{AmountSeen, Risk};

/// An approval.
#[derive(Clone, Debug, Serialize)]
pub struct Approval<'a> {
    /// The UUIDv7.
    pub id: ApprovalId,
    /// The four characters that people type.
    pub code: String,
    /// Of the card; 0 is a draft.
    pub revision: Revision,
    /// SHA-256 of the card, for `approve --digest`.
    pub digest: Digest,
    /// The session.
    pub session_id: &'a str,
    /// The strictest rule that fired.
    pub rule: Option<&'a str>,
    /// `low`, `medium` or `high`.
    pub risk: Risk,
    /// `in_time`, `late` or `unknown`.
    pub timing: Timing,
    /// `draft`, `open`, `deciding` or `ended`.
    pub state: &'static str,
    /// `approved`, `denied`, `expired` or `withdrawn`; null until it has ended.
    pub outcome: Option<Outcome>,
    /// `applying`, `applied`, `failed` or `unknown`; null until it has ended.
    pub delivery: Option<Delivery>,
    /// When it expires.
    pub deadline: Timestamp,
    /// Who decided, or is deciding; the rule's name where a rule did; null otherwise.
    pub decided_by: Option<&'a str>,
    /// `operator`, `rule`, `deadline` or `session`; null until it has ended.
    pub ended_by: Option<&'static str>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The reason or the text of the operator who decided.
    pub reason: Option<&'a str>,
    /// The delivery in words.
    pub detail: Option<&'a str>,
    /// `hold` or `question`.
    pub subject: Subject,
    /// Every rule that fired, strictest first.
    pub rules: Vec<&'a str>,
    /// The amount at stake; null when none was seen.
    pub amount: Option<&'a AmountSeen>,
    /// The host.
    pub domain: Option<&'a str>,
    /// How many triggers it stands for.
    pub triggers: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether the deadline stands still.
    pub frozen: bool,
    /// Who has approved this revision so far.
    pub votes: Vec<&'a str>,
    /// How many operators have to approve.
    pub needed: u8,
    /// How often it can still be extended.
    pub extensions_left: u8,
}

impl<'a> From<&'a ApprovalView> for Approval<'a> {
    fn from(view: &'a ApprovalView) -> Self {
        let card = &view.card;
        let end = End::of(&view.state);
        Self {
            id: card.approval,
            code: card.code().to_string(),
            revision: card.revision,
            digest: view.digest,
            session_id: card.session.as_str(),
            rule: card.rules.first().map(|rule| rule.name.as_str()),
            risk: card.risk,
            timing: card.timing,
            state: state(&view.state),
            outcome: end.outcome,
            delivery: end.delivery,
            deadline: view.deadline,
            decided_by: end.decided_by,
            ended_by: end.ended_by,
            ended_at: end.at,
            reason: end.reason,
            detail: end.detail,
            subject: card.subject,
            rules: card.rules.iter().map(|rule| rule.name.as_str()).collect(),
            amount: card.amount.as_ref(),
            domain: card.domain.as_deref(),
            triggers: card.triggers,
            opened_at: card.opened_at,
            frozen: view.frozen,
            votes: view.votes.iter().map(|vote| vote.by.0.as_str()).collect(),
            needed: card.terms.approvals,
            extensions_left: view.extensions_left,
        }
    }
}

/// The word for a state.
pub fn state(state: &State) -> &'static str {
    match state {
        State::Draft => "draft",
        State::Open => "open",
        State::Deciding { .. } => "deciding",
        State::Ended { .. } => "ended",
    }
}

/// The fields that are null until an approval ends.
#[derive(Default)]
struct End<'a> {
    outcome: Option<Outcome>,
    delivery: Option<Delivery>,
    decided_by: Option<&'a str>,
    ended_by: Option<&'static str>,
    at: Option<Timestamp>,
    reason: Option<&'a str>,
    detail: Option<&'a str>,
}

impl<'a> End<'a> {
    fn of(state: &'a State) -> Self {
        match state {
            State::Draft | State::Open => Self::default(),
            State::Deciding { by } => Self { decided_by: Some(&by.0), ..Self::default() },
            State::Ended { outcome, by, at, delivery, detail } => {
                let (ended_by, decided_by, reason) = who(by);
                let (outcome, delivery, at) = (Some(*outcome), Some(*delivery), Some(*at));
                Self { outcome, delivery, decided_by, ended_by: Some(ended_by), at, reason, detail: Some(detail) }
            }
        }
    }
}

fn who(by: &EndedBy) -> (&'static str, Option<&str>, Option<&str>) {
    match by {
        EndedBy::Operator { name, note } => ("operator", Some(&name.0), note.as_deref()),
        EndedBy::Rule { name } => ("rule", Some(name), None),
        EndedBy::Deadline => ("deadline", None, None),
        EndedBy::Session { what } => ("session", None, Some(what)),
    }
}

/// An approval with all of its card: what `show` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Shown<'a> {
    /// The approval.
    #[serde(flatten)]
    pub approval: Approval<'a>,
    /// The card whose digest `digest` is.
    pub card: &'a Card,
}

/// A watched session.
#[derive(Clone, Debug, Serialize)]
pub struct Session<'a> {
    /// Its id.
    pub session_id: &'a str,
    /// `watching`, `pausing`, `held`, `asking`, `cooling`, `releasing`, `cancelling`, `kept` or `over`.
    pub state: crate::control::SessionState,
    /// Since when.
    pub since: Timestamp,
    /// Whether its events are read, or were; before that its watcher waits for its turn.
    pub followed: bool,
    /// Since when its events are not seen; null when they are.
    pub blind_since: Option<Timestamp>,
    /// Why they are not.
    pub blind_why: Option<&'a str>,
    /// How many events were evaluated.
    pub events: u64,
    /// The agent's name.
    pub agent: Option<&'a str>,
    /// Its goal.
    pub goal: Option<&'a str>,
    /// The newest event's text.
    pub last: Option<&'a str>,
    /// The id of the approval that is open for it.
    pub approval: Option<ApprovalId>,
    /// The code of that approval.
    pub code: Option<String>,
}

impl<'a> From<&'a SessionView> for Session<'a> {
    fn from(view: &'a SessionView) -> Self {
        let (blind_since, blind_why) = match &view.sight {
            Sight::Seen | Sight::NotYet => (None, None),
            Sight::Blind { since, why } => (Some(*since), Some(why.as_str())),
        };
        Self {
            session_id: view.session.as_str(),
            state: view.state,
            since: view.since,
            followed: view.sight != Sight::NotYet,
            blind_since,
            blind_why,
            events: view.events,
            agent: view.agent.as_deref(),
            goal: view.goal.as_deref(),
            last: view.last.as_ref().map(|event| event.text.as_str()),
            approval: view.approval,
            code: view.approval.map(|id| id.code().to_string()),
        }
    }
}

/// One line of JSON in ASCII. Serialising these types cannot fail; if it ever did, the line says so.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).map_or_else(|error| format!("{{\"error\":\"{error}\"}}"), |json| ascii(&json))
}

/// Outside of its strings JSON is ASCII, so every other character can be escaped where it stands.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures::{by, ended, open, revised};

    #[test]
    fn an_open_approval_has_these_fields() {
        let view = open(1, "Clicking 'Place your order'");
        let line = text(&Approval::from(&view)).replace(&view.digest.to_string(), "64 hexadecimal digits");
        insta::assert_snapshot!(line, @r#"{"id":"01930000-0001-0101-0101-010101010101","code":"3333","revision":1,"digest":"64 hexadecimal digits","session_id":"refund-bot-14","rule":"purchase","risk":"medium","timing":"in_time","state":"open","outcome":null,"delivery":null,"deadline":"2026-11-23T13:12:11Z","decided_by":null,"ended_by":null,"ended_at":null,"reason":null,"detail":null,"subject":"hold","rules":["purchase"],"amount":{"number":"410.00","currency":"USD","words":"Total: $410.00","earlier":false},"domain":"shop.example.com","triggers":1,"opened_at":"2026-11-23T13:02:11Z","frozen":false,"votes":[],"needed":1,"extensions_left":3}"#);
    }

    #[test]
    fn an_ended_one_says_who_how_and_what_became_of_it() {
        let view = open(1, "Clicking 'Place your order'");
        let view =
            ended(&view, Outcome::Denied, by("ops2", Some("too dear")), Delivery::Applied, "cancelled, confirmed");
        let json: serde_json::Value = serde_json::from_str(&text(&Approval::from(&view))).expect("JSON");
        let said = ["state", "outcome", "delivery", "decided_by", "ended_by", "reason", "detail"];
        let said = said.map(|field| json[field].as_str().unwrap_or_default().to_owned());
        assert_eq!(said, ["ended", "denied", "applied", "ops2", "operator", "too dear", "cancelled, confirmed"]);
    }

    #[test]
    fn hostile_text_is_the_same_text_but_cannot_drive_a_terminal() {
        let hostile = "a\u{202e}b\u{9b}2J\u{7f}\u{1b}[2J😀\"\\é";
        let view = revised(&open(1, hostile), |card| card.domain = Some(hostile.to_owned()));
        let line = text(&Shown { approval: Approval::from(&view), card: &view.card });
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&json["domain"], &json["card"]["trigger"]["text"]), (&hostile.into(), &hostile.into()));
    }
}
