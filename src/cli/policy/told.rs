//! Words that several commands about rules share. What was said by others is escaped here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::operator::escape::{escape, short};
use crate::policy::Effect;
use crate::policy::compare::Opinion;

/// The longest words that are shown of an event, in characters.
const SHOWN: usize = 300;

/// An event's text.
pub(super) fn words(text: &str) -> String {
    escape(text, SHOWN).text
}

/// What a policy says, and by which rule on which words.
pub(super) fn opinion(opinion: &Opinion) -> String {
    let Some(rule) = &opinion.rule else { return opinion.effect.name().to_owned() };
    let matched =
        opinion.matched.as_ref().map(|(condition, words)| format!(", {} on \"{}\"", short(condition), short(words)));
    let (name, place) = (short(&rule.name), short(&rule.place));
    format!("{} by rule {name} ({place}){}", opinion.effect.name(), matched.unwrap_or_default())
}

/// What a policy says, as JSON.
pub(super) fn opinion_json(opinion: &Opinion) -> Value {
    json!({
        "effect": opinion.effect.name(),
        "rule": opinion.rule.as_ref().map(|rule| &rule.name), "place": opinion.rule.as_ref().map(|rule| &rule.place),
        "condition": opinion.matched.as_ref().map(|(condition, _)| condition),
        "words": opinion.matched.as_ref().map(|(_, words)| words),
    })
}

/// How often each effect came out, strictest first.
pub(super) fn effects(counts: &BTreeMap<Effect, u64>) -> String {
    let told: Vec<String> = counts.iter().rev().map(|(effect, count)| format!("{} {count}", effect.name())).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

/// How often each effect came out; every effect is there.
pub(super) fn effects_json(counts: &BTreeMap<Effect, u64>) -> Value {
    let each =
        |effect: Effect| (effect.name().to_owned(), Value::from(counts.get(&effect).copied().unwrap_or_default()));
    Effect::ALL.into_iter().map(each).collect::<serde_json::Map<_, _>>().into()
}
