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
    /// The site at which the session arrived with the last event, when it is not the first and was not known.
    fresh: Option<String>,
}

impl Sites {
    /// The session is at this host, lower case and IDNA-encoded.
    pub(super) fn arrive(&mut self, host: &str) {
        let site = site(host);
        if self.knows(host) {
            return;
        }
        self.fresh = (!self.known.is_empty()).then(|| site.to_owned());
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        self.known.push_back(site.to_owned());
    }

    /// One more event: what was new is so no longer.
    pub(super) fn leave(&mut self) {
        self.fresh = None;
    }

    /// The site that is new with this event.
    pub(super) fn fresh(&self) -> Option<&str> {
        self.fresh.as_deref()
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
            sites.leave();
            sites.arrive(host);
            sites.fresh().map(str::to_owned)
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
    fn the_oldest_of_many_is_forgotten() {
        let hosts: Vec<String> = (0..=MOST).map(|n| format!("s{n}.com")).chain(["s0.com".to_owned()]).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        assert_eq!(told(&hosts).last(), Some(&Some("s0.com".to_owned())));
    }
}
