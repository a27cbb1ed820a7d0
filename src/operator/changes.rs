//! What is different between two revisions of a card, in words.

use super::words;
use crate::gate::{Card, Hold};
use crate::operator::escape::{again, short};
use crate::operator::terms;

/// One sentence per change that bears on the decision, the weightiest first. Empty when none of them is different.
pub(crate) fn between(old: &Card, new: &Card) -> Vec<String> {
    let mut out = Vec::new();
    let mut changed = |what: &str, old: String, new: String| {
        if old != new {
            out.push(format!("{what} {old} → {new}"));
        }
    };
    changed("total", amount(old), amount(new));
    changed("timing", old.timing.to_string(), new.timing.to_string());
    changed("domain", option(&old.domain), option(&new.domain));
    changed("held", hold(old), hold(new));
    changed("risk", words::risk(old.risk).into(), words::risk(new.risk).into());
    changed("y", words::approving(old), words::approving(new));
    changed("n", words::denying(old), words::denying(new));
    changed("needs", needs(old), needs(new));
    changed("page", option(&old.title), option(&new.title));
    changed("address", option(&old.url), option(&new.url));
    changed("triggers", old.triggers.to_string(), new.triggers.to_string());
    let rules = new.rules.iter().filter(|rule| !old.rules.iter().any(|known| known.name == rule.name));
    out.extend(rules.map(|rule| format!("rule {} fired too", short(&rule.name))));
    let followed = |card: &Card| card.after.len().saturating_add(usize::try_from(card.left_out).unwrap_or(usize::MAX));
    let after = followed(new).saturating_sub(followed(old));
    if after > 0 {
        out.push(format!("{after} more event{} after the trigger", if after == 1 { "" } else { "s" }));
    }
    if old.trigger != new.trigger {
        out.push("the trigger's text".to_owned());
    }
    out.extend(new.notes.iter().filter(|note| !old.notes.contains(note)).map(|note| again(note)));
    out
}

fn needs(card: &Card) -> String {
    let asked = terms::asked(card);
    if asked.is_empty() { "one operator".to_owned() } else { asked }
}

fn amount(card: &Card) -> String {
    card.amount.as_ref().map_or("none".to_owned(), words::amount)
}

fn option(text: &Option<String>) -> String {
    text.as_deref().map_or("none".to_owned(), short)
}

fn hold(card: &Card) -> String {
    match card.hold {
        Hold::None => "waiting",
        Hold::NotYetPaused => "not yet paused",
        Hold::Paused { .. } => "paused",
        Hold::ByOthers => "paused by others",
        Hold::InDoubt { .. } => "paused, whoever did it",
    }
    .to_owned()
}
