//! Which rules could fire on an event, by what they need of it, so that a thousand rules cost little where nothing matched.
//!
//! Only leaves out rules one of whose conditions is certainly false; what is left is judged as if there were no index.

use std::collections::HashMap;

use super::address::Address;
use super::compile::Compiled;
use super::detect::Detector;
use super::matcher::Hits;
use super::rule::KindName;

/// Numbers of rules, by what one of their conditions needs; each rule stands under one condition.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By phrase, by expression and by detector: one of them has to be found.
    phrases: Vec<Vec<usize>>,
    regexes: Vec<Vec<usize>>,
    detectors: Vec<(Detector, Vec<usize>)>,
    /// A price of the event's own is needed.
    priced: Vec<usize>,
    /// By host, or by what a host ends with: the session has to be there, or it is not known where it is.
    hosts: HashMap<String, Vec<usize>>,
    hosted: Vec<usize>,
    /// Only the kind of the event is needed.
    kinds: [Vec<usize>; KindName::ALL.len()],
    /// How many rules there are.
    len: usize,
}

/// What an event offers.
pub(super) struct Offer<'a> {
    pub(super) hits: &'a Hits,
    pub(super) address: Option<&'a Address>,
    pub(super) kind: KindName,
    pub(super) priced: bool,
    /// Not all of it was seen, so that nothing is certainly false.
    pub(super) cut: bool,
}

impl Index {
    /// Sorts rules by what they need.
    pub(super) fn new(rules: &[Compiled]) -> Self {
        let mut index = Self { len: rules.len(), ..Self::default() };
        for (n, rule) in rules.iter().enumerate() {
            index.add(n, rule);
        }
        index
    }

    /// No index: every rule is always judged.
    #[cfg(test)]
    pub(super) fn everything(len: usize) -> Self {
        let kinds = KindName::ALL.map(|_| (0..len).collect());
        Self { kinds, len, ..Self::default() }
    }

    fn add(&mut self, n: usize, rule: &Compiled) {
        let when = &rule.when;
        let conditions = &when.conditions;
        if !when.phrases.is_empty() {
            return at_each(&mut self.phrases, &when.phrases, n);
        }
        if !when.regexes.is_empty() {
            return at_each(&mut self.regexes, &when.regexes, n);
        }
        if !conditions.detect.is_empty() {
            for detector in &conditions.detect {
                match self.detectors.iter_mut().find(|(of, _)| of == detector) {
                    Some((_, rules)) => rules.push(n),
                    None => self.detectors.push((*detector, vec![n])),
                }
            }
            return;
        }
        let limits = !(conditions.amount_over.is_empty() && conditions.amount_under.is_empty());
        if limits && !rule.looks_back {
            return self.priced.push(n);
        }
        if let Some(hosts) = hosts(rule) {
            self.hosted.push(n);
            for host in hosts {
                self.hosts.entry(host).or_default().push(n);
            }
            return;
        }
        for (kind, rules) in KindName::ALL.into_iter().zip(&mut self.kinds) {
            if conditions.events.is_empty() || conditions.events.contains(&kind) {
                rules.push(n);
            }
        }
    }

    /// The rules that are worth judging, in file order.
    pub(super) fn candidates(&self, offer: &Offer<'_>) -> Vec<usize> {
        if offer.cut {
            return (0..self.len).collect();
        }
        let mut found: Vec<usize> = Vec::new();
        let mut take = |rules: Option<&Vec<usize>>| found.extend(rules.into_iter().flatten());
        offer.hits.phrases().for_each(|phrase| take(self.phrases.get(phrase)));
        offer.hits.regexes().for_each(|regex| take(self.regexes.get(regex)));
        for (detector, rules) in &self.detectors {
            take(offer.hits.detected(*detector).map(|_| rules));
        }
        take(offer.priced.then_some(&self.priced));
        match offer.address {
            None => take(Some(&self.hosted)),
            Some(address) if !self.hosts.is_empty() => {
                suffixes(address.host()).for_each(|suffix| take(self.hosts.get(suffix)));
            }
            Some(_) => {}
        }
        let kind = KindName::ALL.into_iter().position(|kind| kind == offer.kind);
        take(kind.and_then(|kind| self.kinds.get(kind)));
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The hosts, or ends of hosts, one of which the session has to be at; `None` when patterns say more than that.
fn hosts(rule: &Compiled) -> Option<Vec<String>> {
    let conditions = &rule.when.conditions;
    let of_domains = || conditions.domains.iter().map(|domain| domain.fixed()).collect::<Option<Vec<_>>>();
    let of_urls = || conditions.url.iter().map(|url| url.host()?.fixed()).collect::<Option<Vec<_>>>();
    let hosts = match (conditions.domains.is_empty(), conditions.url.is_empty()) {
        (false, _) => of_domains(),
        (true, false) => of_urls(),
        (true, true) => None,
    };
    hosts.map(|hosts| hosts.into_iter().map(str::to_owned).collect())
}

/// `a.b.c`, `b.c`, `c`.
fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, rest)| rest))
}

fn at_each(lists: &mut Vec<Vec<usize>>, places: &[usize], n: usize) {
    for place in places {
        if lists.len() <= *place {
            lists.resize_with(*place + 1, Vec::new);
        }
        lists[*place].push(n);
    }
}
