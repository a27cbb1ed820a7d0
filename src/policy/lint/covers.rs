//! Which conditions hold whenever others do. What cannot be told by looking at them counts as not covered.

use std::collections::BTreeSet;

use crate::policy::glob::{DomainPattern, Glob};
use crate::policy::money::Money;
use crate::policy::rule::{Conditions, KindName, Phrase};
use crate::policy::text::on_word_bounds;

/// Whether all of `wide` holds on every event on which all of `narrow` holds. An exception that names no kinds holds on all.
pub(super) fn covers(wide: &Conditions, narrow: &Conditions, wide_excepts: bool) -> bool {
    let Conditions {
        events,
        text,
        regex,
        detect,
        domains,
        url,
        agents,
        sessions,
        amount_over,
        amount_under,
        time,
        count,
        expression,
    } = wide;
    (wide_excepts && events.is_empty() || kinds(&narrow.events).is_subset(&kinds(events)))
        && lists(text, &narrow.text, phrase)
        && lists(regex, &narrow.regex, |wide, narrow| wide == narrow)
        && (detect.is_empty() || !narrow.detect.is_empty() && narrow.detect.is_subset(detect))
        && lists(domains, &narrow.domains, domain)
        && lists(url, &narrow.url, |wide, narrow| wide == narrow)
        && lists(time, &narrow.time, |wide, narrow| wide == narrow)
        && expression.as_ref().is_none_or(|one| narrow.expression.as_ref() == Some(one))
        // A rate is over the same events only when everything else is the same.
        && (count.is_none() || !wide_excepts && wide == narrow)
        && lists(agents, &narrow.agents, glob)
        && lists(sessions, &narrow.sessions, glob)
        && lists(amount_over, &narrow.amount_over, |wide, narrow| wide <= narrow)
        && lists(amount_under, &narrow.amount_under, |wide, narrow| wide >= narrow)
}

/// Whether no amount can meet the limits over and under, in all currencies; and in which it cannot.
pub(super) fn impossible(conditions: &Conditions) -> (bool, Vec<String>) {
    let (over, under) = (&conditions.amount_over, &conditions.amount_under);
    let contradicts = |over: &&Money| under.iter().any(|under| under <= *over);
    let some: Vec<String> = over.iter().filter(contradicts).map(|limit| limit.currency.code().to_owned()).collect();
    (some.len() == over.len().max(under.len()), some)
}

/// Alternatives of a list that another one of the same list covers, each with that one.
pub(super) fn redundant(conditions: &Conditions) -> Vec<(String, String)> {
    let text = within(&conditions.text, phrase, |phrase| {
        format!("text \"{}{}\"", phrase.folded, if phrase.open_end { "*" } else { "" })
    });
    let domains = within(&conditions.domains, domain, |domain| format!("domain \"{}\"", domain.as_str()));
    let agents = within(&conditions.agents, glob, |glob| format!("agent \"{}\"", glob.as_str()));
    let sessions = within(&conditions.sessions, glob, |glob| format!("session \"{}\"", glob.as_str()));
    [text, domains, agents, sessions].concat()
}

fn within<T>(list: &[T], covers: impl Fn(&T, &T) -> bool, name: impl Fn(&T) -> String) -> Vec<(String, String)> {
    let wider = |n: usize, one: &T| {
        let others = list.iter().enumerate().filter(|(m, _)| *m != n);
        // Of two that say the same, the later one adds nothing.
        others
            .into_iter()
            .find(|(m, other)| covers(other, one) && (*m < n || !covers(one, other)))
            .map(|(_, other)| other)
    };
    list.iter().enumerate().filter_map(|(n, one)| Some((name(one), name(wider(n, one)?)))).collect()
}

/// The kinds that a rule looks at: those it names, else those in which the agent speaks or acts and may go on.
fn kinds(named: &BTreeSet<KindName>) -> BTreeSet<KindName> {
    let unnamed = || KindName::ALL.into_iter().filter(|kind| kind.is_looked_at_unnamed()).collect();
    if named.is_empty() { unnamed() } else { named.clone() }
}

/// The kinds of events on which these conditions may hold, an expression's own included.
pub(super) fn possible_kinds(conditions: &Conditions) -> BTreeSet<KindName> {
    let may = |kind: &KindName| conditions.expression.as_ref().is_none_or(|one| one.may_hold_on(*kind));
    kinds(&conditions.events).into_iter().filter(may).collect()
}

/// Whether no page is on one of the hosts in `domains` and at one of the addresses in `url`.
pub(super) fn is_nowhere(conditions: &Conditions) -> bool {
    let (domains, urls) = (&conditions.domains, &conditions.url);
    let apart = |domain: &DomainPattern| urls.iter().all(|url| url.host().is_some_and(|host| are_apart(domain, host)));
    !domains.is_empty() && !urls.is_empty() && domains.iter().all(apart)
}

/// Whether certainly no host fits both.
fn are_apart(a: &DomainPattern, b: &DomainPattern) -> bool {
    let (Some(x), Some(y)) = (a.fixed(), b.fixed()) else { return false };
    !a.matches(y) && !b.matches(x)
}

/// Whether every alternative of `narrow` is covered by one of `wide`; a list that is empty holds always.
fn lists<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    let covered = |one: &T| wide.iter().any(|other| covers(other, one));
    wide.is_empty() || !narrow.is_empty() && narrow.iter().all(covered)
}

/// Whether `wide` is found wherever `narrow` is: it stands in it as whole words.
fn phrase(wide: &Phrase, narrow: &Phrase) -> bool {
    narrow.folded.match_indices(&wide.folded).any(|(at, words)| {
        let range = at..at + words.len();
        let goes_on = narrow.open_end && range.end == narrow.folded.len();
        on_word_bounds(&narrow.folded, &range, wide.open_end) && (wide.open_end || !goes_on)
    })
}

fn domain(wide: &DomainPattern, narrow: &DomainPattern) -> bool {
    let hosts = narrow.as_str().strip_prefix("*.").unwrap_or(narrow.as_str());
    let below = wide.as_str().starts_with("*.") && wide.matches(hosts);
    wide.as_str() == "*"
        || wide == narrow
        || !hosts.contains(['*', '?']) && (below || hosts == narrow.as_str() && wide.matches(hosts))
}

fn glob(wide: &Glob, narrow: &Glob) -> bool {
    wide == narrow || wide.as_str() == "*" || !narrow.as_str().contains(['*', '?']) && wide.matches(narrow.as_str())
}
