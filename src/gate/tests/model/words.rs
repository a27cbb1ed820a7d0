//! The model's rules, and its log in words.

use crate::gate::{Effect, Input};
use crate::policy::{Effect as RuleEffect, OnDeny, Verdict};

use super::super::harness::{fires, rule};
use super::Rule;

pub fn verdict(of: Rule) -> Verdict {
    let (name, effect, on_deny, refusal) = match of {
        Rule::Nothing => return Verdict::default(),
        Rule::Alerts => ("alerts", RuleEffect::Alert, None, None),
        Rule::Asks => ("asks", RuleEffect::Ask, None, None),
        Rule::AsksKeeping => ("asks, keeps", RuleEffect::Ask, Some(OnDeny::KeepPaused), None),
        Rule::AsksRefusing => ("asks, refuses", RuleEffect::Ask, Some(OnDeny::Instruct), Some("No.")),
        Rule::Cools => ("cools", RuleEffect::Cooldown, None, None),
        Rule::Instructs => ("instructs", RuleEffect::Instruct, None, None),
        Rule::Denies => ("denies", RuleEffect::Deny, None, None),
        Rule::DeniesRefusing => ("denies, refuses", RuleEffect::Deny, Some(OnDeny::Instruct), Some("Never.")),
    };
    let mut terms = rule(name, effect);
    terms.on_deny = on_deny;
    terms.refusal = refusal.map(str::to_owned);
    fires(terms)
}

pub fn brief(input: &Input) -> String {
    match input {
        Input::Seen { event, verdict, backlog } => {
            format!("seen {:?} {:?} {:?} backlog={backlog}", event.id, event.kind, verdict.effect)
        }
        Input::CaughtUp
        | Input::Blind { .. }
        | Input::Sighted
        | Input::Gap { .. }
        | Input::Status(_)
        | Input::Gone
        | Input::Answered { .. }
        | Input::Recorded { .. }
        | Input::Decide { .. }
        | Input::Directed { .. }
        | Input::Halt(_)
        | Input::EndHalt
        | Input::Reconfigured { .. }
        | Input::Tick
        | Input::Stop => format!("{input:?}"),
    }
}

pub fn short(effect: &Effect) -> String {
    match effect {
        Effect::Record { ticket, record } => {
            let state = record.kept.as_ref().map(|kept| {
                let closed = kept.closed.as_ref().map(|c| (c.outcome, c.delivery, c.detail.clone()));
                (kept.card.approval.0.as_u128(), kept.card.revision.0, kept.owned, kept.proof, closed)
            });
            format!("record {:?} {ticket:?} {state:?} {:?}", record.entry, record.note)
        }
        Effect::Publish(view) => format!("publish r{} {:?}", view.card.revision, view.state),
        Effect::Pause { .. }
        | Effect::Cancel { .. }
        | Effect::Delete { .. }
        | Effect::Resume { .. }
        | Effect::Message { .. }
        | Effect::Read { .. }
        | Effect::Screenshot { .. }
        | Effect::Notice(_)
        | Effect::Reply { .. }
        | Effect::Done { .. } => format!("{effect:?}"),
    }
}
