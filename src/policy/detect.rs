//! Built-in detectors, which a rule names with one word.
//!
//! A detector brings its cues (phrases), which are searched together with all phrases of all rules in one pass, and judges
//! the event by the cues that were found. One file each; a new one is a variant here and a file beside. They look at what
//! the agent is about to do, in linear time, and never at other events.

mod clause;
mod payment_data;
mod purchase;

use std::ops::Range;

use super::text::Folded;
use crate::api::EventKind;

/// A built-in detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detector {
    /// The agent is about to commit to a purchase or a payment.
    Purchase,
    /// The agent handles data of a payment card or an account.
    PaymentData,
}

/// Names that are reserved for detectors to come.
const LATER: [&str; 10] = [
    "account_change",
    "booking",
    "cancel_booking",
    "credentials",
    "delete",
    "form_submit",
    "grant_access",
    "message",
    "new_domain",
    "transfer",
];

/// How many cues of one detector are judged in one event; keeps the time linear whatever the text.
const MOST_CUES: usize = 200;

impl Detector {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Purchase, Self::PaymentData];

    /// The name in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::PaymentData => "payment_data",
        }
    }

    /// Whether `name` is reserved for a detector that this version does not have.
    #[must_use]
    pub fn is_planned(name: &str) -> bool {
        LATER.contains(&name)
    }

    pub(super) fn cues(self) -> Vec<Cue> {
        match self {
            Self::Purchase => purchase::cues(),
            Self::PaymentData => payment_data::cues(),
        }
    }

    /// The words that make this detector fire on an event, with its cues in the order of the text.
    ///
    /// An event with more than 200 cues of one detector is not judged one by one: it fires.
    pub(super) fn find(self, facts: &Facts<'_>, cues: &[CueHit]) -> Option<String> {
        if let Some(cue) = cues.get(MOST_CUES) {
            return Some(facts.words(&cue.range));
        }
        match self {
            Self::Purchase => purchase::find(facts, cues),
            Self::PaymentData => payment_data::find(facts, cues),
        }
    }
}

/// A phrase that a detector wants to be told of, in folded form, found as whole words. `tag` is the detector's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) words: String,
    pub(super) tag: u8,
}

/// A cue found in the folded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CueHit {
    pub(super) tag: u8,
    pub(super) range: Range<usize>,
}

/// What a detector sees of an event.
pub(super) struct Facts<'e> {
    pub(super) kind: &'e EventKind,
    pub(super) raw: &'e str,
    pub(super) folded: &'e Folded,
}

impl Facts<'_> {
    /// The raw words that a range of the folded text stands for.
    fn words(&self, range: &Range<usize>) -> String {
        self.folded.raw(self.raw, range).to_owned()
    }
}

/// Cues of one tag; those of several Latin words also as `place_order`, `place-order` and `placeOrder`, as tools and
/// elements are called.
fn cues(tag: u8, phrases: &[&str]) -> Vec<Cue> {
    let variants = |phrase: &&str| -> Vec<Cue> {
        let plain = Folded::new(phrase).as_str().to_owned();
        let mut all = vec![plain.clone()];
        if plain.is_ascii() && plain.contains(' ') {
            all.extend(["_", "-", ""].map(|joint| plain.replace(' ', joint)));
        }
        all.into_iter().map(|words| Cue { words, tag }).collect()
    };
    phrases.iter().flat_map(variants).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::matcher::Matcher;
    use super::*;

    static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&[], &[], &Detector::ALL).unwrap());

    /// The words `detector` fires on.
    pub(super) fn words(detector: Detector, kind: &EventKind, raw: &str) -> Option<String> {
        let folded = Folded::new(raw);
        let hits = MATCHER.search(&Facts { kind, raw, folded: &folded });
        hits.detected(detector).map(str::to_owned)
    }

    pub(super) fn fires(detector: Detector, kind: &EventKind, raw: &str) -> bool {
        words(detector, kind, raw).is_some()
    }

    #[test]
    fn every_detector_has_a_name_that_is_not_planned_and_cues_that_are_folded() {
        for detector in Detector::ALL {
            assert!(!Detector::is_planned(detector.name()));
            for cue in detector.cues() {
                assert_eq!(Folded::new(&cue.words).as_str(), cue.words);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_detector_panic(raw in "([\\PC\n]|place order|card number|[0-9 -]{4}|\u{200b}|ß|注文する){0,30}") {
            for detector in Detector::ALL {
                for kind in [EventKind::Step, EventKind::Thought] {
                    let _ = fires(detector, &kind, &raw);
                }
            }
        }
    }
}
