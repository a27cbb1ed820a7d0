//! What the policy finds out about an event before any rule is looked at: each of it alone.
//!
//! `cargo bench --bench facts` prints medians. `policy` has what all of it costs together. Nothing here asserts times.

mod support;

use std::hint::black_box;

use holdpoint::api::{Event, EventKind, SessionId};
use holdpoint::clock::Moment;
use holdpoint::config::Config;
use holdpoint::policy::address::Address;
use holdpoint::policy::text::{Folded, joined};
use holdpoint::policy::{Context, SessionInfo, host_of, money};

use support::{measure, show};

const ORDINARY: &str =
    "I will open the results page and compare the two headphones by battery life and weight before I go on.";
const PRICED: &str =
    "The total is 1.299,00 EUR with delivery; the other shop wants $1,199.00 plus taxes of 96 dollars.";
const FOREIGN: &str =
    "Ich öffne die Ergebnisse und vergleiche die beiden Kopfhörer nach Gewicht, bevor ich weitermache.";
const SPELLED: &str =
    "C l i c k i n g  ' P l a c e  y o u r  o r d e r '  n o w , one letter after the other as the page has it";
const ADDRESS: &str = "https://shop.example.co.uk/search/results?q=headphones&page=2#reviews";

fn main() {
    println!("{:<60} {:>12}", "of one event", "median");
    let texts = [("ordinary", ORDINARY), ("with prices", PRICED), ("not English", FOREIGN), ("spelled out", SPELLED)];
    for (what, text) in texts {
        show(&format!("folded: {what}"), measure(|| drop(black_box(Folded::new(black_box(text))))));
    }
    for (what, text) in texts {
        show(
            &format!("joined where letters stand alone: {what}"),
            measure(|| drop(black_box(joined(black_box(text))))),
        );
    }
    for (what, text) in texts {
        show(&format!("prices: {what}"), measure(|| drop(black_box(money::read(black_box(text))))));
    }
    show("an address", measure(|| drop(black_box(Address::read(black_box(ADDRESS))))));
    show("the host of an address", measure(|| drop(black_box(host_of(black_box(ADDRESS))))));
    for count in [1, 100, 10_000] {
        show(&format!("a pass with {count} phrases that are not there"), phrases(count));
    }
}

/// Folding, prices and one search for phrases of one rule.
fn phrases(count: usize) -> std::time::Duration {
    let phrases: Vec<String> = (0..count).map(|n| format!("'buy item number {n}'")).collect();
    let rule = format!("[[rule]]\nname = 'r'\neffect = 'alert'\ntext = [{}]\n", phrases.join(", "));
    let policy = Config::parse("bench.toml", &rule).unwrap_or_else(|error| panic!("{error}")).config.policy;
    let session = SessionInfo { id: SessionId::try_from("s-1").expect("an id"), agent: None, goal: None };
    let (mut context, now) = (Context::default(), Moment::of(jiff::Timestamp::UNIX_EPOCH));
    let (kind, text) = (EventKind::Thought, ORDINARY.to_owned());
    let event = Event { id: None, kind, text, at: None, url: None, title: None, truncated: false };
    measure(|| drop(black_box(policy.evaluate(&session, &mut context, black_box(&event), now))))
}
