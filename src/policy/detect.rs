//! Built-in detectors, which a rule names with one word.
//!
//! A detector brings its cues (phrases), which are searched together with all phrases of all rules in one pass, and judges
//! the event by the cues that were found. One file each; a new one is a variant here and a file beside. They look at what
//! the agent is about to do, in linear time, and never at other events, but for the sites where the session has been.

mod around;
mod clause;
mod family;
mod foreign;
mod lexicon;
mod prose;
mod said;
mod tool;
mod vocabulary;

mod account_change;
mod booking;
mod cancel_booking;
mod credentials;
mod delete;
mod form_submit;
mod grant_access;
mod message;
mod new_domain;
mod payment_data;
mod purchase;
mod refund;
mod transfer;

use std::cell::OnceCell;
use std::ops::Range;

use super::sites::Sites;
use super::text::Folded;
use crate::api::EventKind;
use family::Family;
pub(super) use new_domain::leads_to_another;
use prose::Prose;

/// A built-in detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detector {
    /// The agent is about to commit to a purchase or a payment for goods.
    Purchase,
    /// The agent handles data of a payment card or an account.
    PaymentData,
    /// The agent is about to move money.
    Transfer,
    /// The agent is about to book or reserve, or to change what is booked.
    Booking,
    /// The agent is about to cancel an order, a reservation, a subscription.
    CancelBooking,
    /// The agent is about to return, exchange or refund what was bought.
    Refund,
    /// The agent is about to send or publish what others read.
    Message,
    /// The agent is about to delete something.
    Delete,
    /// The agent is about to let somebody in: to invite, to share, to hand over.
    GrantAccess,
    /// The agent is about to change a password or an account.
    AccountChange,
    /// The agent is about to log in, or to hand over a password, a code or a key.
    Credentials,
    /// The agent is about to submit a form or an application.
    FormSubmit,
    /// The session comes to a site where it has not been.
    NewDomain,
}

/// What a detector judges by.
enum Judge {
    /// The words of a family of acts.
    Words(&'static Family),
    /// The data itself, and words for entering it.
    PaymentData,
    /// Where the session has been.
    Sites,
}

/// How many cues of one detector are judged in one event; keeps the time linear whatever the text.
const MOST_CUES: usize = 200;

impl Detector {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Purchase,
        Self::PaymentData,
        Self::Transfer,
        Self::Booking,
        Self::CancelBooking,
        Self::Refund,
        Self::Message,
        Self::Delete,
        Self::GrantAccess,
        Self::AccountChange,
        Self::Credentials,
        Self::FormSubmit,
        Self::NewDomain,
    ];

    /// The name in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::PaymentData => "payment_data",
            Self::Transfer => "transfer",
            Self::Booking => "booking",
            Self::CancelBooking => "cancel_booking",
            Self::Refund => "refund",
            Self::Message => "message",
            Self::Delete => "delete",
            Self::GrantAccess => "grant_access",
            Self::AccountChange => "account_change",
            Self::Credentials => "credentials",
            Self::FormSubmit => "form_submit",
            Self::NewDomain => "new_domain",
        }
    }

    fn judge(self) -> Judge {
        match self {
            Self::Purchase => Judge::Words(&purchase::FAMILY),
            Self::Transfer => Judge::Words(&transfer::FAMILY),
            Self::Booking => Judge::Words(&booking::FAMILY),
            Self::CancelBooking => Judge::Words(&cancel_booking::FAMILY),
            Self::Refund => Judge::Words(&refund::FAMILY),
            Self::Message => Judge::Words(&message::FAMILY),
            Self::Delete => Judge::Words(&delete::FAMILY),
            Self::GrantAccess => Judge::Words(&grant_access::FAMILY),
            Self::AccountChange => Judge::Words(&account_change::FAMILY),
            Self::Credentials => Judge::Words(&credentials::FAMILY),
            Self::FormSubmit => Judge::Words(&form_submit::FAMILY),
            Self::PaymentData => Judge::PaymentData,
            Self::NewDomain => Judge::Sites,
        }
    }

    pub(super) fn cues(self) -> Vec<Cue> {
        match self.judge() {
            Judge::Words(family) => family.cues(),
            Judge::PaymentData => payment_data::cues(),
            Judge::Sites => Vec::new(),
        }
    }

    /// What makes this detector fire on an event, with its cues in the order of the text.
    ///
    /// An event with more than 200 cues of one detector is not judged one by one: it fires.
    pub(super) fn find(self, facts: &Facts<'_>, cues: &[CueHit]) -> Option<Found> {
        if let Some(cue) = cues.get(MOST_CUES) {
            return Some(Found::At(cue.range.clone()));
        }
        match self.judge() {
            Judge::Words(family) => family.find(facts, cues),
            Judge::PaymentData => payment_data::find(facts, cues),
            Judge::Sites => new_domain::find(facts).map(Found::Words),
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

/// What a detector fires on.
#[derive(Debug)]
pub(super) enum Found {
    /// These words.
    Words(String),
    /// What stands here in the folded text.
    At(Range<usize>),
}

impl Found {
    /// The words, as they are in the raw text.
    pub(super) fn words(self, facts: &Facts<'_>) -> String {
        match self {
            Self::Words(words) => words,
            Self::At(range) => facts.folded.raw(facts.raw, &range).to_owned(),
        }
    }
}

/// What a detector sees of an event. What takes reading is read once, when the first detector asks.
pub(super) struct Facts<'e> {
    pub(super) kind: &'e EventKind,
    pub(super) raw: &'e str,
    pub(super) folded: &'e Folded,
    /// Where the session has been, the event counted; `None` when nothing is known of it.
    pub(super) sites: Option<&'e Sites>,
    prose: OnceCell<Prose<'e>>,
    calls: OnceCell<Vec<Vec<String>>>,
}

impl<'e> Facts<'e> {
    /// The facts of an event with this text and its folded form, of a session of which nothing else is known.
    pub(super) fn new(kind: &'e EventKind, raw: &'e str, folded: &'e Folded) -> Self {
        Self { kind, raw, folded, sites: None, prose: OnceCell::new(), calls: OnceCell::new() }
    }

    /// The same event in a session that has been at these sites.
    pub(super) fn of_session(self, sites: Option<&'e Sites>) -> Self {
        Self { sites, ..self }
    }

    fn prose(&self) -> &Prose<'e> {
        self.prose.get_or_init(|| Prose::new(self.folded, *self.kind == EventKind::Question))
    }

    fn calls(&self) -> &[Vec<String>] {
        self.calls.get_or_init(|| tool::calls(self.raw))
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

/// Cues of one tag, as they are written.
fn plain_cues(tag: u8, phrases: &[&str]) -> Vec<Cue> {
    phrases.iter().map(|phrase| Cue { words: Folded::new(phrase).as_str().to_owned(), tag }).collect()
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
        let hits = MATCHER.search(&Facts::new(kind, raw, &folded), &mut |_| ());
        hits.detected(detector).map(str::to_owned)
    }

    pub(super) fn fires(detector: Detector, kind: &EventKind, raw: &str) -> bool {
        words(detector, kind, raw).is_some()
    }

    /// Tells all the texts on which `detector` does not do what is expected.
    #[track_caller]
    pub(super) fn expect(detector: Detector, kind: &EventKind, expected: bool, texts: &[&str]) {
        let wrong: Vec<_> = texts.iter().filter(|text| fires(detector, kind, text) != expected).collect();
        assert!(
            wrong.is_empty(),
            "{} fires is not {expected} on {kind:?}: {wrong:#?} {:?}",
            detector.name(),
            wrong.iter().map(|text| words(detector, kind, text)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_cues_of_every_detector_are_folded() {
        for detector in Detector::ALL {
            for cue in detector.cues() {
                assert_eq!(Folded::new(&cue.words).as_str(), cue.words);
            }
        }
    }

    #[test]
    fn a_button_whose_name_is_broken_over_lines_is_one() {
        expect(Detector::Message, &EventKind::Step, true, &["submit\npost", "submit \n POST /api/orders "]);
        expect(Detector::Purchase, &EventKind::Step, true, &["place\norder", "click\nplace your\norder"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_detector_panic(raw in "([\\PC\n]|place order|place\norder|submit\n|post|card number|[0-9 -]{4}|\u{200b}|ß|注文する| I will | and then | to |, |: |\n- |clicking |by sending |\"Send\"|\\. |send_money\\(|use it){0,30}") {
            for detector in Detector::ALL {
                for kind in [EventKind::Step, EventKind::Thought, EventKind::Question] {
                    let _ = fires(detector, &kind, &raw);
                }
            }
        }
    }
}
