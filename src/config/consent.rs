//! Who has to agree, and how: the keys that `[approvals]` and every rule share.

use std::collections::BTreeSet;
use std::time::Duration;

use super::reader::{Item, Section};
use crate::policy::{Consent, ReasonFor};

const REASONS: [(&str, ReasonFor); 4] = [
    ("nothing", ReasonFor::Nothing),
    ("approve", ReasonFor::Approve),
    ("deny", ReasonFor::Deny),
    ("both", ReasonFor::Both),
];

/// The most that can be asked for: more operators than that are not at hand in one deadline.
const APPROVALS: u32 = 10;
const EXTENSIONS: u32 = 100;
const NAME: usize = 64;

/// Reads `approvals`, `not_by`, `reason`, `extension` and `extensions`.
pub(super) fn read(section: &mut Section<'_>) -> Consent {
    let few = |number: Option<u32>| number.and_then(|number| u8::try_from(number).ok());
    let range = Duration::from_secs(10)..=Duration::from_secs(86_400);
    Consent {
        approvals: few(section.get("approvals").and_then(|item| item.integer(1..=APPROVALS))),
        not_by: section.get("not_by").map(|item| people(&item)).unwrap_or_default(),
        reason: section.get("reason").and_then(|item| item.word(&REASONS)),
        extension: section.get("extension").and_then(|item| item.duration(range)),
        extensions: few(section.get("extensions").and_then(|item| item.integer(0..=EXTENSIONS))),
    }
}

/// Reads a share of the deadline as per cent: `"50%"`, `0.5`, or `"never"`, which is 100.
pub(super) fn share(item: &Item<'_>) -> Option<u8> {
    let number = item.number();
    let percent = match number {
        Some(share) if share > 0.0 => hundredths(share),
        Some(_) => None,
        None => match item.text()?.trim() {
            "never" => return Some(100),
            text => text.strip_suffix('%').and_then(|number| number.trim_end().parse::<u8>().ok()),
        },
    };
    let percent = percent.filter(|percent| (1..=99).contains(percent));
    if percent.is_none() {
        let expected = "a share of the deadline such as \"50%\" or 0.5, from 1% to 99%, or \"never\"";
        let range = format!("`{}` is out of range", item.key);
        let message = number.map_or_else(|| format!("{} is not such a share", item.shown()), |_| range);
        item.wrong(&message, expected);
    }
    percent
}

/// Finds the hundredths by comparing: no conversion that could cut.
fn hundredths(share: f64) -> Option<u8> {
    (1..=99_u8).find(|percent| f64::from(*percent) / 100.0 + 0.005 > share)
}

/// Unix users, and groups with an `@`.
fn people(item: &Item<'_>) -> BTreeSet<String> {
    let items = item.list("names in quotes, such as [\"agent-runner\", \"@developers\"]").unwrap_or_default();
    items.iter().filter_map(person).collect()
}

fn person(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let name = text.strip_prefix('@').unwrap_or(text);
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/' | '@' | ',');
    if name.is_empty() || name.chars().count() > NAME || name.contains(odd) {
        let expected = "a Unix user such as \"agent-runner\", or a group such as \"@developers\"";
        item.wrong(&format!("{} names no user and no group", item.shown()), expected);
        return None;
    }
    Some(text.to_owned())
}
