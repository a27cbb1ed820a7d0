//! Recorded runs as scenarios, played event by event.
//!
//! What the trace calls consequential becomes a commit that follows the event announcing it, so that it really happens unless
//! the session is stopped in time. What a trace says is data of strangers; it is only ever sent as text.

use serde_json::{Value, json};

use super::scenario::{Action, Commit, Metadata, Page, Scenario, Start, Step};
use super::span::Span;
use crate::traces::{Part, Trace, TraceEvent};

/// The longest description of a commit, in characters.
const WHAT_MAX: usize = 200;

/// How traces are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two events.
    pub step: Span,
    /// From an event that announces something consequential to its being done.
    pub commit: Span,
}

impl Trace {
    /// The scenario that plays this run: it starts when somebody watches, and its end is a `done`.
    #[must_use]
    pub fn scenario(&self, pace: Pace) -> Scenario {
        let mut steps = Vec::with_capacity(self.events.len() + self.consequential.len() + 1);
        for (index, event) in self.events.iter().enumerate() {
            steps.push(step(event));
            if let Some(nth) = self.consequential.iter().position(|at| *at == index) {
                steps.push(self.commit(event, nth, pace));
            }
        }
        steps.push(Step::of(Action::Done("The recorded run ends here.".into())));
        Scenario {
            pace: pace.step,
            start: Start::OnStream,
            goal: Some(self.task.clone()),
            ..Scenario::of(&self.id, steps)
        }
    }

    fn commit(&self, event: &TraceEvent, nth: usize, pace: Pace) -> Step {
        let kind = self.categories.get(nth).cloned().unwrap_or_else(|| "consequential".to_owned());
        let what = event.text.chars().take(WHAT_MAX).collect();
        let commit = Commit { kind, what, amount: None, takes: pace.commit, in_flight: false };
        Step { after: Some(Span::default()), ..Step::of(Action::Commit(commit)) }
    }
}

fn step(event: &TraceEvent) -> Step {
    let page = event.url.as_ref().map(|url| Page { url: url.clone(), title: String::new() });
    let text = || Value::String(event.text.clone());
    let (action, metadata) = match event.part() {
        Part::Step => (Action::Step(event.payload()), Metadata::Usual),
        Part::Log => (Action::Log(text()), origin("environment")),
        Part::Question => (Action::Question(text(), Default::default()), Metadata::Usual),
        Part::User => (Action::User(text()), Metadata::Usual),
        Part::Thought => (Action::Thought(text()), Metadata::Usual),
    };
    Step { page, metadata, ..Step::of(action) }
}

fn origin(origin: &str) -> Metadata {
    match json!({ "origin": origin }) {
        Value::Object(map) => Metadata::Given(map),
        _ => Metadata::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_becomes_a_script_with_a_commit_behind_what_is_consequential() {
        let line = r#"{"id":"t/1","task":"pay","consequential":[1],"categories":["payment"],"surface":"tools","events":[
            {"kind":"thought","text":"I will pay"},
            {"kind":"tool_call","text":"send_money({})","tool":"send_money","args":{"amount":5}},
            {"kind":"observation","text":"ok","tool":"send_money"},
            {"kind":"message","role":"user","text":"thanks"}]}"#;
        let trace: Trace = serde_json::from_str(line).unwrap();
        let pace = Pace { step: "1s".parse().unwrap(), commit: "500ms".parse().unwrap() };
        let scenario = trace.scenario(pace);
        let commit = Commit {
            kind: "payment".into(),
            what: "send_money({})".into(),
            amount: None,
            takes: pace.commit,
            in_flight: false,
        };
        let step = json!({ "text": "send_money({})", "tool": "send_money", "args": { "amount": 5 } });
        let expected = [
            Step::of(Action::Thought("I will pay".into())),
            Step::of(Action::Step(step)),
            Step { after: Some(Span::default()), ..Step::of(Action::Commit(commit)) },
            Step { metadata: origin("environment"), ..Step::of(Action::Log("ok".into())) },
            Step::of(Action::User("thanks".into())),
            Step::of(Action::Done("The recorded run ends here.".into())),
        ];
        assert_eq!(*scenario.steps, expected);
        assert_eq!((scenario.start, scenario.goal.as_deref()), (Start::OnStream, Some("pay")));
    }
}
