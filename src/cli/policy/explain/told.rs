//! An explanation in lines and in JSON. What was said by others is escaped here.

use serde_json::{Value, json};

use crate::api::Event;
use crate::operator::escape::{escape, short};
use crate::policy::Explanation;
use crate::policy::explain::{Held, RuleSaid, Said};

/// The longest part of an event that is shown, in characters.
const SHOWN: usize = 300;

/// One event with what every rule says about it.
pub(super) fn lines(event: &Event, why: &Explanation, all: bool) -> Vec<String> {
    let verdict = &why.verdict;
    let by =
        verdict.deciding().map(|fired| format!(", by rule {} ({})", short(&fired.rule.name), short(&fired.rule.place)));
    let mut lines = vec![
        format!("{}: {}", short(event.kind.name()), escape(&event.text, SHOWN).text),
        format!("verdict: {}{}", verdict.effect.name(), by.unwrap_or_default()),
    ];
    let shown = |rule: &&RuleSaid| all || rule.said != Said::Quiet;
    lines.extend(why.rules.iter().filter(shown).flat_map(rule));
    let quiet = why.rules.iter().filter(|rule| !shown(rule)).count();
    match quiet {
        0 => {}
        1 => lines.push("1 other rule is far from firing; --all tells why".to_owned()),
        _ => lines.push(format!("{quiet} other rules are far from firing; --all tells why")),
    }
    lines.push(String::new());
    lines
}

fn rule(said: &RuleSaid) -> Vec<String> {
    let word = match said.said {
        Said::Fires(effect) => {
            let how = if effect == said.rule.effect { "fires:" } else { "fires as" };
            let why = if is_undecided(said) { ", because not everything could be decided" } else { "" };
            format!("{how} {}{why}", effect.name())
        }
        Said::Excepted => "does not fire: excepted".to_owned(),
        Said::Nearly => "nearly fires".to_owned(),
        Said::Quiet => "does not fire".to_owned(),
    };
    let head = format!("rule {} ({}) {word}", short(&said.rule.name), short(&said.rule.place));
    let when = said.when.iter().map(|held| condition("", held));
    let unless = said.unless.iter().map(|held| condition("unless ", held));
    std::iter::once(head).chain(when).chain(unless).collect()
}

/// Whether a rule that fires might not, if more were known: of a condition, or of an exception that nothing else rules out.
fn is_undecided(said: &RuleSaid) -> bool {
    let unknown = |held: &Held| held.holds.is_none();
    let ruled_out = said.unless.iter().any(|held| held.holds == Some(false));
    said.when.iter().any(unknown) || (!ruled_out && said.unless.iter().any(unknown))
}

fn condition(prefix: &str, held: &Held) -> String {
    let mark = match held.holds {
        Some(true) => "yes",
        Some(false) => "no ",
        None => "?  ",
    };
    let found = match (held.holds, held.words.as_str()) {
        (_, "") if held.why.is_empty() => String::new(),
        (_, "") => format!(": {}", held.why),
        (Some(true), words) if held.condition == "when" => format!(": {}", escape(words, SHOWN).text),
        (Some(false), words) if held.condition == "when" => format!(", but {}", escape(words, SHOWN).text),
        (None, words) if held.condition == "when" => format!(": {}", escape(words, SHOWN).text),
        (Some(true), words) => format!(", on \"{}\"", short(words)),
        (Some(false), words) => format!(", but it is \"{}\"", short(words)),
        (None, words) => format!(", on \"{}\": {}", short(words), held.why),
    };
    // A detector's name is what a rule with one of them asks for.
    let wanted =
        if held.condition.ends_with(&held.wanted) { String::new() } else { format!(" {}", short(&held.wanted)) };
    format!("  {mark}  {prefix}{}{wanted}{found}", short(&held.condition))
}

/// One event with what every rule says about it.
pub(super) fn json(event: &Event, why: &Explanation) -> Value {
    let verdict = &why.verdict;
    json!({
        "kind": event.kind.name(), "text": event.text, "effect": verdict.effect.name(),
        "rule": verdict.deciding().map(|fired| &fired.rule.name), "domain": verdict.domain, "amount": verdict.amount,
        "rules": why.rules.iter().map(rule_json).collect::<Vec<_>>(),
    })
}

fn rule_json(said: &RuleSaid) -> Value {
    let (word, fires_as) = match said.said {
        Said::Fires(effect) => ("fires", Some(effect.name())),
        Said::Excepted => ("excepted", None),
        Said::Nearly => ("nearly", None),
        Said::Quiet => ("quiet", None),
    };
    let held = |all: &[Held]| -> Vec<Value> {
        let one = |held: &Held| {
            json!({
                "condition": held.condition, "wanted": held.wanted, "holds": held.holds, "why": held.why,
                "words": held.words,
            })
        };
        all.iter().map(one).collect()
    };
    json!({
        "name": said.rule.name, "place": said.rule.place, "effect": said.rule.effect.name(), "said": word,
        "fires_as": fires_as, "when": held(&said.when), "unless": held(&said.unless),
    })
}
