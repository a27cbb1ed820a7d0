//! What a notification says: the JSON that hooks and webhooks are given.
//!
//! Pure. Its fields are stable, and are the ones of the one-shot commands' `--json`. Untrusted text is escaped here. It never
//! says how to approve without looking: it names the command that shows the card.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::SessionId;
use crate::control::desk::who;
use crate::control::{ApprovalView, State};
use crate::gate::{ApprovalId, Card, Delivery, Digest, Outcome, Revision, Timing};
use crate::operator::escape::{escape, short};
use crate::policy::Risk;

use super::plan::{About, Call};

/// How many characters of what the agent says are sent.
const SAYS: usize = 500;
/// The command that shows what waits and takes answers.
const ANSWER_WITH: &str = "holdpoint attach";

/// Why somebody is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An approval waits.
    Opened,
    /// It still waits, and a good part of its time is gone.
    Escalated,
    /// It has ended.
    Resolved,
    /// Several wait, told together.
    Grouped,
    /// Nothing waits: somebody tries whether notifications arrive.
    Test,
}

impl Kind {
    /// The word in the JSON and in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::Grouped => "grouped",
            Self::Test => "test",
        }
    }
}

/// One notification. Fields are only ever added; `null` where there is nothing to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Why.
    pub kind: Kind,
    /// The whole of it in one line, for pagers.
    pub text: String,
    /// How many approvals it stands for.
    pub count: u32,
    /// Since when, where it stands for several of one session.
    pub since: Option<Timestamp>,
    /// The approval; of several the one whose deadline is nearest.
    pub id: Option<ApprovalId>,
    /// Its display code.
    pub code: Option<String>,
    /// The revision of its card.
    pub revision: Option<Revision>,
    /// The digest of its card.
    pub digest: Option<Digest>,
    /// Its session; `null` when it stands for several of different sessions.
    pub session_id: Option<SessionId>,
    /// The strictest rule that fired.
    pub rule: Option<String>,
    /// The highest risk of the rules.
    pub risk: Option<Risk>,
    /// Whether the pause came in time.
    pub timing: Option<Timing>,
    /// `draft`, `open`, `deciding` or `ended`.
    pub state: Option<&'static str>,
    /// The outcome, once ended.
    pub outcome: Option<Outcome>,
    /// What became of it at the provider, once ended.
    pub delivery: Option<Delivery>,
    /// When it expires.
    pub deadline: Option<Timestamp>,
    /// Who or what ended it.
    pub decided_by: Option<String>,
    /// The amount at stake, as far as it is known.
    pub amount: Option<String>,
    /// The host, as far as it is known.
    pub domain: Option<String>,
    /// What the agent says: untrusted, escaped, cut.
    pub agent_says: Option<String>,
    /// The command that shows the card and takes the answer.
    pub answer_with: &'static str,
}

impl Message {
    /// What a call says.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        let ApprovalView { card, digest, state, deadline, .. } = &*call.view;
        let (outcome, delivery, decided_by) = match state {
            State::Ended { outcome, by, delivery, .. } => (Some(*outcome), Some(*delivery), Some(who(by))),
            State::Draft | State::Open | State::Deciding { .. } => (None, None, None),
        };
        let session = match call.about {
            About::One | About::Session { .. } => Some(card.session.clone()),
            About::Everything => None,
        };
        Self {
            kind: call.kind,
            text: text(call),
            count: call.count,
            since: match call.about {
                About::Session { since } => Some(since),
                About::One | About::Everything => None,
            },
            id: Some(card.approval),
            code: Some(card.code().to_string()),
            revision: Some(card.revision),
            digest: Some(*digest),
            session_id: session,
            rule: rule(card),
            risk: Some(card.risk),
            timing: Some(card.timing),
            state: Some(state_name(state)),
            outcome,
            delivery,
            deadline: Some(*deadline),
            decided_by,
            amount: amount(card),
            domain: card.domain.as_deref().map(short),
            agent_says: Some(escape(&card.trigger.text, SAYS).text),
            answer_with: ANSWER_WITH,
        }
    }

    /// A notification that says that nothing waits.
    #[must_use]
    pub fn test() -> Self {
        Self {
            kind: Kind::Test,
            text: "holdpoint: a test notification; nothing waits".to_owned(),
            count: 0,
            since: None,
            id: None,
            code: None,
            revision: None,
            digest: None,
            session_id: None,
            rule: None,
            risk: None,
            timing: None,
            state: None,
            outcome: None,
            delivery: None,
            deadline: None,
            decided_by: None,
            amount: None,
            domain: None,
            agent_says: None,
            answer_with: ANSWER_WITH,
        }
    }

    /// One line of JSON. Serialising cannot fail: there are no maps with keys that are not text.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Draft => "draft",
        State::Open => "open",
        State::Deciding { .. } => "deciding",
        State::Ended { .. } => "ended",
    }
}

/// The line for pagers. Never carries what the agent says.
fn text(call: &Call) -> String {
    let card = &call.view.card;
    let (code, session) = (card.code(), &card.session);
    let until = match call.view.frozen {
        true => "; everything is stopped, and its deadline stands still".to_owned(),
        false => format!(" until {:.0}", call.view.deadline),
    };
    match (call.kind, &call.about) {
        (Kind::Resolved, _) => resolved(call),
        (_, About::Everything) => {
            let more = call.count.saturating_sub(1);
            format!("{code} waits for an answer{until}, and {more} more wait")
        }
        (_, About::Session { since }) => {
            let n = call.count;
            format!("{n} approvals of session {session} since {since:.0}; {code} waits{until}")
        }
        (Kind::Opened | Kind::Escalated | Kind::Grouped | Kind::Test, About::One) => {
            let still = if call.kind == Kind::Escalated { "still waits" } else { "waits" };
            let draft = if call.view.state == State::Draft { ", and the pause is not confirmed" } else { "" };
            format!("{code} {still} for an answer{until}{draft}: {} (session {session})", stake(card))
        }
    }
}

fn resolved(call: &Call) -> String {
    let (code, session) = (call.view.card.code(), &call.view.card.session);
    match &call.view.state {
        State::Ended { outcome, by, detail, .. } => {
            format!("{code} {outcome} by {}: {} (session {session})", who(by), short(detail))
        }
        State::Draft | State::Open | State::Deciding { .. } => format!("{code} (session {session})"),
    }
}

fn stake(card: &Card) -> String {
    let parts = [rule(card), amount(card), card.domain.as_deref().map(short), Some(card.timing.to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn rule(card: &Card) -> Option<String> {
    card.rules.first().map(|rule| short(&rule.name))
}

fn amount(card: &Card) -> Option<String> {
    card.amount.as_ref().map(|amount| match (&amount.number, &amount.currency) {
        (Some(number), Some(currency)) => short(&format!("{number} {currency}")),
        (Some(number), None) => short(number),
        (None, _) => "cannot be read".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixtures;

    fn call(kind: Kind, about: About, view: ApprovalView) -> Call {
        Call { kind, about, count: 3, of: vec![view.card.approval], view: Box::new(view) }
    }

    #[test]
    fn the_fields_are_these_and_untrusted_text_is_escaped() {
        let view = fixtures::open(1, "Place \u{1b}]0;your\u{7} order\u{202e}");
        let json = serde_json::to_string_pretty(&Message::of(&call(Kind::Opened, About::One, view))).unwrap();
        insta::assert_snapshot!(json);
    }

    #[test]
    fn several_are_said_to_be_several() {
        let view = || fixtures::open(1, "x");
        let since = fixtures::at("2026-11-23T13:02:00Z");
        let said = |kind, about| Message::of(&call(kind, about, view())).text;
        let code = view().card.code();
        assert_eq!(
            said(Kind::Grouped, About::Session { since }),
            format!(
                "3 approvals of session refund-bot-14 since 2026-11-23T13:02:00Z; {code} waits until 2026-11-23T13:12:11Z"
            )
        );
        assert_eq!(
            said(Kind::Grouped, About::Everything),
            format!("{code} waits for an answer until 2026-11-23T13:12:11Z, and 2 more wait")
        );
    }

    #[test]
    fn a_draft_says_that_the_pause_is_not_confirmed() {
        let view = ApprovalView { state: State::Draft, ..fixtures::open(1, "x") };
        assert!(Message::of(&call(Kind::Opened, About::One, view)).text.contains("the pause is not confirmed"));
    }
}
