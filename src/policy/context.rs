//! What earlier events of a session told: where it is and has been, and which prices were named.
//!
//! One small value per session, an empty one is a pointer; it never grows beyond 160 prices of bounded length, 64 sites, and
//! two lists of `over` + 1 times for every `count` of the policy. It is a reducer: fed the same events in the same order, it says the same.

use std::collections::VecDeque;

use super::address::Address;
use super::detect::leads_to_another;
use super::money::{Number, Price};
use super::rate::Counts;
use super::sites::Sites;
use super::verdict::AmountSeen;
use crate::api::{Event, EventKind};

/// How many events of the agent a price is remembered for.
const EVENTS: u64 = 20;
/// Of how many currencies the prices of one event are remembered; in more, they count as one that cannot be read.
const CURRENCIES: usize = 4;
/// How many bytes of an address or a title are kept at most.
const WORDS: usize = 2_000;

/// The memory of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Option<Box<Memory>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory {
    url: Option<String>,
    title: Option<String>,
    address: Option<Address>,
    sites: Sites,
    counts: Counts,
    events: u64,
    prices: VecDeque<Remembered>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Remembered {
    price: Price,
    at: u64,
}

/// The amount that an event is about, with all that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relevant {
    /// The one to be shown: the largest.
    pub(super) price: Price,
    pub(super) earlier: bool,
    /// The largest of each currency.
    firing: Vec<Price>,
    /// Those that may except; empty when none is known well enough.
    excepting: Vec<Price>,
}

impl Context {
    /// Says which page the session is at, as the agent or the provider tells it: with an event or a screenshot. An address
    /// that has no readable host makes the domain unknown again; `None` leaves what was known.
    pub fn page(&mut self, url: Option<&str>, title: Option<&str>) {
        if url.is_none() && title.is_none() {
            return;
        }
        let memory = self.0.get_or_insert_default();
        match url {
            Some(url) if memory.is_at(url) => memory.stay(),
            Some(url) => memory.arrive(url),
            None => {}
        }
        if url.is_some() && title.is_none() {
            memory.title = None;
        }
        if let Some(title) = title.filter(|title| memory.title.as_deref() != Some(title)) {
            memory.title = Some(cut(title));
        }
    }

    /// Takes in what an event says of the page, before it is judged. What the world or a user says is no evidence that the
    /// session is somewhere, but may be evidence that it is no longer where it was.
    pub(super) fn hear(&mut self, event: &Event) {
        if let Some(memory) = &mut self.0 {
            memory.sites.next();
        }
        let (url, title) = (event.url.as_deref(), event.title.as_deref());
        match &event.kind {
            EventKind::Log | EventKind::User => self.hearsay(url),
            EventKind::Step
            | EventKind::Thought
            | EventKind::Question
            | EventKind::Done
            | EventKind::Error
            | EventKind::Paused
            | EventKind::Resumed
            | EventKind::Unknown(_) => self.page(url, title),
        }
    }

    fn hearsay(&mut self, url: Option<&str>) {
        let Some(url) = url else { return };
        let told = Address::read(url);
        if told.is_some() && told.as_ref() == self.address() {
            return;
        }
        let memory = self.0.get_or_insert_default();
        memory.lose();
        if let Some(told) = told {
            memory.sites.arrive(told.host());
        }
    }

    /// Takes in what an event of the agent did, after it was judged: a step to another host leaves it unknown where the session
    /// is until that is told. `spends`: whether a new site was looked at.
    pub(super) fn judged(&mut self, event: &Event, spends: bool) {
        let Some(memory) = &mut self.0 else { return };
        if spends {
            memory.sites.spend();
        }
        let host = memory.address.as_ref().map(Address::host);
        if host.is_some_and(|host| leads_to_another(&event.kind, &event.text, host)) {
            memory.lose();
        }
    }

    /// The host the session is at, lower case and IDNA-encoded, as far as it is known.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.address().map(Address::host)
    }

    /// The page's address in its parts, as far as it is known and readable.
    pub(super) fn address(&self) -> Option<&Address> {
        self.0.as_ref()?.address.as_ref()
    }

    /// The sites where the session has been.
    pub(super) fn sites(&self) -> Option<&Sites> {
        self.0.as_ref().map(|memory| &memory.sites)
    }

    /// Takes the counts out, to be put back by [`Self::put_counts`].
    pub(super) fn take_counts(&mut self) -> Counts {
        self.0.as_mut().map(|memory| std::mem::take(&mut memory.counts)).unwrap_or_default()
    }

    /// Puts the counts back.
    pub(super) fn put_counts(&mut self, counts: Counts) {
        if self.0.is_some() || counts != Counts::default() {
            self.0.get_or_insert_default().counts = counts;
        }
    }

    /// The page's address as last told. Untrusted.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.0.as_ref()?.url.as_deref()
    }

    /// The page's title as last told. Untrusted.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.0.as_ref()?.title.as_deref()
    }

    /// Remembers the largest prices and totals of one more event of the agent, and forgets what is too old.
    pub(super) fn remember(&mut self, prices: &[Price]) {
        if self.0.is_none() && prices.is_empty() {
            return;
        }
        let memory = self.0.get_or_insert_default();
        memory.events += 1;
        let now = memory.events;
        let both = [false, true].map(|total| bounded(leaders(prices.iter().filter(|price| price.total == total))));
        memory.prices.extend(both.into_iter().flatten().map(|price| Remembered { price, at: now }));
        // The oldest come first.
        while memory.prices.front().is_some_and(|oldest| oldest.at + EVENTS <= now) {
            memory.prices.pop_front();
        }
    }

    /// The amount that an event with these prices is about: the largest of its own and, unless it tells a total, of the last
    /// event before it that told one; else the largest of all that is remembered.
    ///
    /// To except, an earlier price counts only if the event just before told the total: later ones may have changed the sum.
    pub(super) fn relevant(&self, own: &[Price]) -> Option<Relevant> {
        let memory = self.0.as_deref();
        let remembered = || memory.into_iter().flat_map(|memory| memory.prices.iter());
        let told = remembered().rev().find(|remembered| remembered.price.total).map(|remembered| remembered.at);
        let of_total = || remembered().filter(|one| Some(one.at) == told).map(|one| &one.price);
        if own.iter().any(|price| price.total) {
            return Relevant::of(own, own.iter(), true);
        }
        if !own.is_empty() {
            return Relevant::of(own, own.iter().chain(of_total()), true);
        }
        if told.is_some() {
            return Relevant::of(own, of_total(), told == memory.map(|memory| memory.events));
        }
        Relevant::of(own, remembered().map(|one| &one.price), false)
    }
}

impl Memory {
    /// Whether this is the address that was told last, all of which was kept: an agent tells it with every step.
    fn is_at(&self, url: &str) -> bool {
        url.len() <= WORDS / 2 && self.url.as_deref() == Some(url)
    }

    /// The session is told to be where it is: what was read of the address is known, and the site is the last that was noted.
    fn stay(&mut self) {
        if self.address.is_none() {
            self.sites.lead_away();
        }
    }

    /// The session is told to be at this address.
    fn arrive(&mut self, url: &str) {
        self.lose();
        self.address = Address::read(url);
        self.url = (!url.trim().is_empty()).then(|| cut(url));
        match &self.address {
            Some(address) => self.sites.arrive(address.host()),
            None => self.sites.lead_away(),
        }
    }

    /// It is not known any more where the session is.
    fn lose(&mut self) {
        (self.url, self.title, self.address) = (None, None, None);
    }
}

impl Relevant {
    fn of<'p>(own: &[Price], prices: impl Iterator<Item = &'p Price>, excepts: bool) -> Option<Self> {
        let firing = leaders(prices);
        let price = largest(firing.iter())?.clone();
        let earlier = !own.contains(&price);
        let excepting = if excepts { firing.clone() } else { Vec::new() };
        Some(Self { price, earlier, firing, excepting })
    }

    /// The largest price of each currency; to except, only those that are known well enough.
    pub(super) fn prices(&self, excepts: bool) -> &[Price] {
        if excepts { &self.excepting } else { &self.firing }
    }

    pub(super) fn seen(&self) -> AmountSeen {
        let digits = self.price.currency.map_or(2, |currency| currency.exponent());
        AmountSeen {
            number: self.price.number.map(|number| number.display(digits)),
            currency: self.price.currency.map(|currency| currency.code().to_owned()),
            words: self.price.words.clone(),
            earlier: self.earlier,
        }
    }
}

/// The largest price; one that cannot be read is larger than any, and the first of equals wins.
pub(super) fn largest<'p>(prices: impl Iterator<Item = &'p Price>) -> Option<&'p Price> {
    prices.fold(None, |best, price| match best {
        Some(best) if !exceeds(price, best) => Some(best),
        Some(_) | None => Some(price),
    })
}

/// The largest price of each currency, in the order in which the currencies come.
fn leaders<'p>(prices: impl Iterator<Item = &'p Price>) -> Vec<Price> {
    let mut leaders: Vec<&Price> = Vec::new();
    for price in prices {
        match leaders.iter_mut().find(|leader| leader.currency == price.currency) {
            Some(leader) if exceeds(price, leader) => *leader = price,
            Some(_) => {}
            None => leaders.push(price),
        }
    }
    leaders.into_iter().cloned().collect()
}

/// At most [`CURRENCIES`] prices; more are one that cannot be read.
fn bounded(mut prices: Vec<Price>) -> Vec<Price> {
    if prices.len() > CURRENCIES {
        prices.truncate(1);
        prices.iter_mut().for_each(|price| (price.number, price.currency) = (None, None));
    }
    prices
}

/// Whether `a` is larger than `b`, whatever their currencies.
fn exceeds(a: &Price, b: &Price) -> bool {
    let rank = |price: &Price| -> (bool, Option<Number>) { (price.number.is_none(), price.number) };
    rank(a) > rank(b)
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(WORDS);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod pages;
#[cfg(test)]
mod staying;

#[cfg(test)]
mod tests {
    use super::super::money::read;
    use super::*;

    fn after(events: &[&str], own: &str) -> Option<AmountSeen> {
        let mut context = Context::default();
        for text in events {
            context.remember(&read(text));
        }
        context.relevant(&read(own)).map(|relevant| relevant.seen())
    }

    fn number(seen: Option<AmountSeen>) -> Option<(String, bool)> {
        seen.and_then(|seen| Some((seen.number?, seen.earlier)))
    }

    #[test]
    fn a_click_without_a_price_is_about_the_total_told_before() {
        let seen = after(
            &["unit price $41.00", "order total: 410.00 USD", "shipping is $900 for others"],
            "Clicking 'Place your order'",
        );
        assert_eq!(number(seen), Some(("410.00".to_owned(), true)));
    }

    #[test]
    fn an_earlier_total_beats_a_smaller_price_of_the_event_itself() {
        assert_eq!(number(after(&["total $410"], "shipping $5")), Some(("410.00".to_owned(), true)));
        assert_eq!(number(after(&["total $410"], "now total $5")), Some(("5.00".to_owned(), false)));
        assert_eq!(number(after(&["total $4"], "costs $50")), Some(("50.00".to_owned(), false)));
    }

    #[test]
    fn a_total_of_its_own_does_not_hide_a_larger_price_beside_it() {
        assert_eq!(number(after(&[], "Pay $10 now and $4,000 later")), Some(("4000.00".to_owned(), false)));
        assert_eq!(number(after(&["total $4,000"], "buying, total $10 shipping")), Some(("4000.00".to_owned(), true)));
    }

    #[test]
    fn every_currency_has_its_own_largest_price() {
        let compared = |events: &[&str], own: &str| -> Vec<String> {
            let mut context = Context::default();
            events.iter().for_each(|text| context.remember(&read(text)));
            let relevant = context.relevant(&read(own)).expect("a price");
            relevant.prices(false).iter().map(|price| price.words.clone()).collect()
        };
        assert_eq!(compared(&[], "buying $600 or 1000 JPY"), ["$600", "1000 JPY"]);
        assert_eq!(compared(&["buying $600 or 1000 JPY"], "click"), ["$600", "1000 JPY"]);
        assert_eq!(compared(&["total $600 or total 1000 JPY"], "shipping $5"), ["$600", "1000 JPY"]);
    }

    #[test]
    fn an_earlier_price_excepts_only_as_the_total_told_just_before() {
        let excepting = |events: &[&str], own: &str| -> Vec<String> {
            let mut context = Context::default();
            events.iter().for_each(|text| context.remember(&read(text)));
            let relevant = context.relevant(&read(own)).expect("a price");
            relevant.prices(true).iter().map(|price| price.words.clone()).collect()
        };
        for events in
            [["shipping is $5", "nothing"], ["A pen costs $2", ""], ["total $10 for the pen", "adding the laptop"]]
        {
            assert_eq!(excepting(&events, "buying"), Vec::<String>::new(), "{events:?}");
        }
        assert_eq!(excepting(&["shipping is $5"], "buying"), Vec::<String>::new());
        assert_eq!(excepting(&["order total $10"], "buying"), ["$10"]);
        assert_eq!(excepting(&["order total $4,000"], "buying, shipping $5"), ["$4,000"]);
    }

    #[test]
    fn without_a_total_the_largest_counts_and_what_cannot_be_read_is_larger() {
        assert_eq!(number(after(&["$5 or $70 or $6"], "click")), Some(("70.00".to_owned(), true)));
        assert_eq!(
            after(&["$5 and $1.2.3,4"], "click").map(|seen| (seen.number, seen.words)),
            Some((None, "$1.2.3,4".to_owned()))
        );
    }

    #[test]
    fn prices_are_forgotten_after_twenty_events_and_memory_is_bounded() {
        let mut events = vec!["total $410"];
        events.extend(["nothing"; 20]);
        assert_eq!(after(&events, "click"), None);
        let mut context = Context::default();
        for n in 0..1_000 {
            context.remember(&read(&format!("${n} and total ${n}")));
        }
        assert!(context.0.unwrap().prices.len() <= 160);
    }

    #[test]
    fn a_page_without_a_readable_host_makes_the_domain_unknown() {
        let mut context = Context::default();
        context.page(Some("https://shop.example.com/x"), Some("Checkout"));
        assert_eq!((context.domain(), context.title()), (Some("shop.example.com"), Some("Checkout")));
        context.page(None, Some("Done"));
        assert_eq!(context.domain(), Some("shop.example.com"));
        context.page(Some("about:blank"), None);
        assert_eq!((context.domain(), context.title()), (None, None));
    }
}
