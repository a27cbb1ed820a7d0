//! Sites where a session has been: registrable domains, such as `example.co.uk`, told by the public suffix list.
//!
//! Pure, and bounded: of more than 64 sites the oldest is forgotten, so that it counts as new again.

use std::collections::VecDeque;
use std::net::IpAddr;

/// So many sites are remembered.
const MOST: usize = 64;

/// The sites of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sites {
    /// Oldest first.
    known: VecDeque<String>,
    /// The site at which the session arrived, when it is not the first and was not known, until it was judged.
    fresh: Option<String>,
    /// Whether the last event told of it, and not one before.
    told_now: bool,
    /// Whether the last event names another page than the one the session is at.
    leads_away: bool,
}

impl Sites {
    /// The session is at this host, lower case and IDNA-encoded.
    pub(super) fn arrive(&mut self, host: &str) {
        let site = site(host);
        if self.knows(host) {
            return;
        }
        if !self.known.is_empty() {
            self.fresh = Some(site.to_owned());
            self.told_now = true;
        }
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        self.known.push_back(site.to_owned());
    }

    /// One more event comes.
    pub(super) fn next(&mut self) {
        (self.told_now, self.leads_away) = (false, false);
    }

    /// The event names a page, but not as the one that the session is at.
    pub(super) fn lead_away(&mut self) {
        self.leads_away = true;
    }

    /// Whether the event does.
    pub(super) fn leads_away(&self) -> bool {
        self.leads_away
    }

    /// What was new has been judged.
    pub(super) fn spend(&mut self) {
        self.fresh = None;
    }

    /// The site that is new with this event; to an event of the agent, also with one of the others before it.
    pub(super) fn fresh(&self, agent: bool) -> Option<&str> {
        self.fresh.as_deref().filter(|_| agent || self.told_now)
    }

    /// Whether a host belongs to a site where the session has been.
    pub(super) fn knows(&self, host: &str) -> bool {
        let site = site(host);
        self.known.iter().any(|known| known == site)
    }

    /// Whether it is not known yet where the session has been.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// The registrable domain of a host; the host itself where it has none, as an address in numbers.
fn site(host: &str) -> &str {
    if host.parse::<IpAddr>().is_ok() {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hosts: &[&str]) -> Vec<Option<String>> {
        let mut sites = Sites::default();
        let mut arrive = |host: &&str| {
            sites.next();
            sites.arrive(host);
            let fresh = sites.fresh(true).map(str::to_owned);
            sites.spend();
            fresh
        };
        hosts.iter().map(&mut arrive).collect()
    }

    #[test]
    fn the_first_site_is_not_new_and_hosts_of_one_site_are_one() {
        let hosts =
            ["shop.example.co.uk", "pay.example.co.uk", "example.com", "127.0.0.1", "www.example.com", "other.co.uk"];
        let new = |site: &str| Some(site.to_owned());
        assert_eq!(told(&hosts), [None, None, new("example.com"), new("127.0.0.1"), None, new("other.co.uk")]);
    }

    #[test]
    fn what_is_new_stays_so_to_the_agent_until_it_was_judged_and_to_others_while_it_is_told() {
        let mut sites = Sites::default();
        sites.arrive("a.com");
        sites.next();
        sites.arrive("b.com");
        assert_eq!((sites.fresh(false), sites.fresh(true)), (Some("b.com"), Some("b.com")));
        sites.next();
        assert_eq!((sites.fresh(false), sites.fresh(true)), (None, Some("b.com")));
        sites.spend();
        assert_eq!(sites.fresh(true), None);
    }

    #[test]
    fn the_oldest_of_many_is_forgotten() {
        let hosts: Vec<String> = (0..=MOST).map(|n| format!("s{n}.com")).chain(["s0.com".to_owned()]).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        assert_eq!(told(&hosts).last(), Some(&Some("s0.com".to_owned())));
    }
}
