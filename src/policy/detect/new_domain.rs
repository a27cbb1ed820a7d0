//! `new_domain`: the session arrives at a site where it has not been yet, or a step is about to take it there.
//!
//! Hosts of one registrable domain are one site. The first site of a session is where it was sent, and not new.

use super::Facts;
use super::family::is_act;
use super::tool::calls;
use crate::api::EventKind;
use crate::policy::glob::host_of;

/// Words that take a session to an address and nowhere else: what follows and looks like a host is one.
const GOES_TO: &[&str] = &["goto", "navigate", "visit", "browse", "redirect"];

/// The first words of what takes a session to an address.
#[rustfmt::skip]
const GOES: &[&str] = &["goto", "go", "navigate", "open", "visit", "browse", "load", "get", "fetch", "url", "redirect", "follow", "new"];

/// Ends of names of files: `goto checkout.html` names no host, although some of them are ends of hosts as well.
#[rustfmt::skip]
const FILES: &[&str] = &[
    "html", "htm", "php", "asp", "aspx", "jsp", "pdf", "txt", "md", "json", "xml", "csv", "js", "ts", "css", "py", "rs", "sh", "pl",
    "png", "jpg", "jpeg", "gif", "svg", "zip", "doc", "docx", "xls", "xlsx", "mov", "java", "app", "click",
];

pub(super) fn find(facts: &Facts<'_>) -> Option<String> {
    let sites = facts.sites?;
    if let Some(site) = sites.fresh(facts.kind.is_agent_emitted()) {
        return Some(site.to_owned());
    }
    if sites.is_empty() || !is_act(facts.kind) {
        return None;
    }
    let goes = goes(facts.raw, facts.calls());
    (goes.is_some() || sites.leads_away()).then(|| hosts(facts.raw, goes).find(|host| !sites.knows(host)))?
}

/// Whether a step with this text goes to another host than `host`.
pub(in crate::policy) fn leads_to_another(kind: &EventKind, raw: &str, host: &str) -> bool {
    if !is_act(kind) || !raw.contains('.') {
        return false;
    }
    // Most steps name no host however they are read; what they call takes longer to tell.
    if !raw.contains("://") && !words(raw).any(|word| bare(word, Goes::To).is_some()) {
        return false;
    }
    let goes = goes(raw, &calls(raw));
    goes.is_some() && hosts(raw, goes).any(|to| to != host)
}

/// How a step goes somewhere, by the tool that it calls or by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    /// It can only be to an address.
    To,
    /// It may be to an address.
    Perhaps,
}

fn goes(raw: &str, calls: &[Vec<String>]) -> Option<Goes> {
    let first = raw.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let first = [first.to_lowercase()];
    let words = || calls.iter().flatten().chain(&first);
    let any = |of: &[&str]| words().any(|word| of.contains(&word.as_str()));
    any(GOES_TO).then_some(Goes::To).or_else(|| any(GOES).then_some(Goes::Perhaps))
}

/// The hosts that a text names: of its addresses, and of what looks like a host where a step goes somewhere.
fn hosts(raw: &str, goes: Option<Goes>) -> impl Iterator<Item = String> {
    let bare = goes.into_iter().flat_map(move |goes| words(raw).filter_map(move |word| bare(word, goes)));
    addresses(raw).chain(bare)
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

fn words(raw: &str) -> impl Iterator<Item = &str> {
    let apart =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '[' | ']' | '`' | ',' | '=');
    raw.split(apart).map(|word| word.trim_end_matches(['.', ';', ':', '!', '?']))
}

/// The host that a word without a scheme names, as `b.example/x`.
fn bare(word: &str, goes: Goes) -> Option<String> {
    if !word.contains('.') || word.contains("://") || word.contains('@') || word.starts_with(['/', '.']) {
        return None;
    }
    let head = word.split(['/', '?', '#', ':']).next()?;
    let (name, end) = head.rsplit_once('.')?;
    let is_end = end.chars().count() >= 2 && end.chars().all(char::is_alphabetic);
    if name.is_empty() || !is_end || FILES.contains(&end.to_ascii_lowercase().as_str()) {
        return None;
    }
    let host = host_of(head)?;
    let known = || psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known());
    (goes == Goes::To || known()).then_some(host)
}
