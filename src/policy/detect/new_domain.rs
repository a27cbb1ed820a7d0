//! `new_domain`: the session arrives at a site where it has not been yet, or a step is about to take it there.
//!
//! Hosts of one registrable domain are one site. The first site of a session is where it was sent, and not new.

use super::Facts;
use super::family::is_act;
use crate::policy::glob::host_of;

/// The first words of what takes a session to an address.
#[rustfmt::skip]
const GOES: &[&str] = &["goto", "go", "navigate", "open", "visit", "browse", "load", "get", "fetch", "url", "redirect", "follow", "new"];

pub(super) fn find(facts: &Facts<'_>) -> Option<String> {
    let sites = facts.sites?;
    if let Some(site) = sites.fresh() {
        return Some(site.to_owned());
    }
    if sites.is_empty() || !is_act(facts.kind) || !goes(facts) {
        return None;
    }
    addresses(facts.raw).find(|host| !sites.knows(host))
}

/// Whether a step goes somewhere, by the tool that it calls or by its first word.
fn goes(facts: &Facts<'_>) -> bool {
    let first = facts.folded.as_str().split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    let called = facts.calls().iter().flatten().any(|word| GOES.contains(&word.as_str()));
    called || first.is_some_and(|word| GOES.contains(&word))
}

/// The hosts of the addresses that a text names.
fn addresses(raw: &str) -> impl Iterator<Item = String> {
    let starts = raw.match_indices("://").map(|(at, _)| at);
    starts.filter_map(|at| {
        let scheme = raw[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |before| before + 1);
        let scheme = (scheme..=at).find(|at| raw.is_char_boundary(*at))?;
        let end = raw[at..].find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | '`'));
        host_of(&raw[scheme..end.map_or(raw.len(), |end| at + end)])
    })
}
