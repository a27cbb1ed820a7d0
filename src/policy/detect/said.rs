//! One sentence of an agent: whether a verb in it is something that the agent says it does now.
//!
//! A verb counts when an intention governs it ("I will now place …", "let me …", "the next step is to …"), when the sentence
//! begins with it ("Place the order"), or when it follows another act of the same intention. The part of the sentence in which
//! the intention stands takes it back with a negation, a condition or a purpose. Looks at nothing but the sentence.

use std::ops::Range;

use super::around::{describes, leads_in};
use super::clause::{Gap, Word, any_end, ends_with, has_any, starts_with, words};
use super::lexicon as lex;
use super::lexicon::Class;
use super::vocabulary::{Beginnings, List};

/// A sentence, cut into words.
#[derive(Debug)]
pub(super) struct Said<'t> {
    text: &'t str,
    words: Vec<Word<'t>>,
    beginnings: Beginnings,
    asks: bool,
}

/// How a verb is said to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether it may also be about the goal as a whole: "I need to".
    pub(super) weak: bool,
    /// Whether it is said to follow something.
    pub(super) later: bool,
    /// Whether nobody is said to do it: "Click the button".
    pub(super) imperative: bool,
}

/// Where an intention stands among the words, and whether it is weak.
#[derive(Clone, Copy, Debug)]
struct Intent {
    from: usize,
    to: usize,
    weak: bool,
}

/// So many words may stand between a verb and the button it uses.
const BUTTON_REACH: usize = 10;
/// The same where the words are told to be the name of one.
const NAMED_REACH: usize = 16;
/// So many words may stand between a means and what it is for.
const MEANS_REACH: usize = 14;
/// So many words may name a button that is clicked for a purpose.
const NAME_REACH: usize = 6;
/// So many words are looked at for an act.
const MOST_WORDS: usize = 60;

impl<'t> Said<'t> {
    /// The sentence at `range` of `text`; `asks` where it is part of a question to somebody.
    pub(super) fn new(text: &'t str, range: Range<usize>, asks: bool) -> Self {
        let words = words(text, range);
        let mut beginnings = Beginnings::with_capacity(words.len());
        words.iter().for_each(|word| beginnings.add(lex::vocabulary(), word.at, word.text, word.known));
        Self { text, words, beginnings, asks }
    }

    /// The words.
    pub(super) fn words(&self) -> &[Word<'t>] {
        &self.words
    }

    /// Whether a part of the sentence, which cuts no word, has a phrase of this list.
    pub(super) fn tells(&self, part: Range<usize>, list: List) -> bool {
        self.beginnings.tell(self.text, part, list)
    }

    /// Whether the words have a phrase of this list.
    pub(super) fn has(&self, words: Range<usize>, list: List) -> bool {
        self.tells(self.place(words), list)
    }

    /// The text in which the sentence stands.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The word that stands at a place of the text.
    pub(super) fn at(&self, place: usize) -> usize {
        self.words.partition_point(|word| word.at < place)
    }

    /// Whether the sentence begins with one of these.
    pub(super) fn begins_with(&self, list: List) -> bool {
        let first = self.words.first().and_then(|word| self.beginnings.at(word.at));
        first.is_some_and(|known| known.beginning(list).any(|phrase| starts_with(&self.words, phrase)))
    }

    /// The first verb of one of these classes that is done, and how.
    pub(super) fn first(&self, classes: Class) -> Option<(Class, Head)> {
        let done = |at: usize| {
            let class = self.class(at);
            class.intersects(classes).then(|| self.verb(at).map(|head| (class, head))).flatten()
        };
        let all = || 0..self.words.len().min(MOST_WORDS);
        // "Looking at the page, I will click": what is done on looking, when there is something.
        let only_looks = |at: usize| self.words[at].text.ends_with("ing") && self.class(at) == Class::GATHER;
        all().filter(|at| !only_looks(*at)).find_map(done).or_else(|| all().find_map(done))
    }

    /// Whether a button named before is what the sentence is about: "I will click it".
    pub(super) fn points_back(&self) -> bool {
        self.click(0).is_some_and(|at| self.is_back(at))
    }

    /// Using a button that was named before word `from`.
    pub(super) fn click_back(&self, from: usize) -> Option<Head> {
        let at = self.click(from).filter(|at| self.is_back(*at))?;
        self.verb(at)
    }

    /// Using the button whose name begins at word `at`; `named` where it is told to be a name.
    pub(super) fn button(&self, at: usize, named: bool) -> Option<Head> {
        let near = (at.saturating_sub(if named { NAMED_REACH } else { BUTTON_REACH })..at).rev();
        near.filter(|n| self.class(*n).intersects(Class::CLICK)).take(3).find_map(|n| self.verb(n))
    }

    /// A verb in whichever form it stands.
    fn verb(&self, at: usize) -> Option<Head> {
        if self.words.get(at)?.text.ends_with("ing") { self.doing(at) } else { self.act(at) }
    }

    /// A verb in its plain form.
    pub(super) fn act(&self, at: usize) -> Option<Head> {
        let left = self.before_glue(at);
        if let Some(head) = self.begins(at) {
            return (left < at || self.takes_object(at)).then_some(head);
        }
        match self.intent(left, at).or_else(|| self.opening(left)) {
            Some(intent) => self.done(intent),
            None => self.joined(left).or_else(|| self.by_means(left)),
        }
    }

    /// A verb with which the sentence begins, or what follows a colon in it.
    pub(super) fn begins(&self, at: usize) -> Option<Head> {
        let left = self.before_glue(at);
        let colon = || self.words.get(left).is_some_and(|word| word.gap == Gap::Colon);
        let begins = left == 0 || colon() || self.led_to(left, at);
        begins.then(|| Head { weak: false, later: left < at && self.is_late(0..at), imperative: true })
    }

    /// Whether the words up to `end` of the text go on like an act, and not like the name of a button.
    pub(super) fn goes_on(&self, end: usize) -> bool {
        let next = self.words.iter().find(|word| word.at >= end);
        next.is_none_or(|next| next.gap == Gap::Part || next.is(lex::DETERMINERS) || next.is(lex::GOES_ON))
    }

    /// A verb in its `-ing` form.
    pub(super) fn doing(&self, at: usize) -> Option<Head> {
        let left = self.before_glue(at);
        let is_next = || self.has(at..self.words.len(), lex::IS_NEXT);
        let gap = self.words.get(left).map_or(Gap::None, |word| word.gap);
        let exclaims = gap == Gap::Part && left <= 3;
        if left == 0 || gap == Gap::Colon || (gap == Gap::Part && is_next()) || exclaims || self.led_to(left, at) {
            let describes = || describes(self, at);
            let later = left < at && self.is_late(0..at);
            return (is_next() || !describes()).then(|| Head { weak: false, later, imperative: !is_next() });
        }
        let before = &self.words[..left];
        if let Some(n) = any_end(before, lex::BY) {
            return self.done(self.main(left - n)?);
        }
        let from = left - any_end(before, lex::GERUND_LEADS)?;
        let (first, last) = (self.words[from].text, self.words[left - 1].text);
        let speaks = from == 0 || first.starts_with('i') || first.starts_with("we");
        if speaks || matches!(last, "is" | "be" | "involves") {
            return self.done(Intent { from, to: left, weak: false });
        }
        self.act(from) // "I will proceed with placing the order"
    }

    /// An intention that ends before word `left`, whose verb is at `at`.
    fn intent(&self, left: usize, at: usize) -> Option<Intent> {
        let before = &self.words[..left];
        let now = |from: usize| self.words[from..at].iter().any(|word| word.text == "now");
        let strong = || any_end(before, lex::INTENTS).map(|n| Intent { from: left - n, to: left, weak: false });
        let weak =
            || any_end(before, lex::WEAK_INTENTS).map(|n| Intent { from: left - n, to: left, weak: !now(left - n) });
        let asks = || any_end(before, lex::ASKS).map(|n| Intent { from: left - n, to: left, weak: false });
        strong().or_else(weak).or_else(|| asks().filter(|_| self.asks))
    }

    /// An intention with which the sentence or a part of it begins: "I click", "Going to click".
    fn opening(&self, left: usize) -> Option<Intent> {
        let from = left - any_end(&self.words[..left], lex::OPENING_INTENTS)?;
        let first = self.before_glue(from);
        let begins = first == 0 || self.words[first].gap != Gap::None || self.words[first].is(lex::JOINTS);
        begins.then_some(Intent { from, to: left, weak: false })
    }

    /// Whether the verb at `at`, in the part of the sentence that begins with word `left`, is what all before leads to.
    fn led_to(&self, left: usize, at: usize) -> bool {
        let parted = self.words.get(left).is_some_and(|word| word.gap == Gap::Part || word.is(lex::JOINTS));
        parted && leads_in(self, left, at)
    }

    /// The last intention before word `end`, or the verb with which the sentence begins.
    fn main(&self, end: usize) -> Option<Intent> {
        let first = self.words.first()?;
        let told = first.is(lex::IMPERATIVES) || first.text.ends_with("ing");
        let begins = || told.then_some(Intent { from: 0, to: 0, weak: false });
        (1..=end).rev().find_map(|end| self.intent(end, end)).or_else(begins)
    }

    /// "… and place the order": the act follows another of the same intention, which must not be one that only looks.
    fn joined(&self, left: usize) -> Option<Head> {
        let end = left - any_end(&self.words[..left], lex::AND)?;
        let intent = (0..end).rev().find_map(|n| self.intent(n, n))?;
        let looks = |n: usize| self.class(n).intersects(Class::GATHER);
        let looks_first = (0..intent.to).any(|n| looks(n) && self.act(n).is_some());
        if looks_first || (intent.to..end).any(looks) {
            return None;
        }
        self.done(Intent { weak: true, ..intent })
    }

    /// "use the code to verify the account": what is done by the means that is used.
    fn by_means(&self, left: usize) -> Option<Head> {
        ends_with(&self.words[..left], "to")?;
        let near = (left.saturating_sub(MEANS_REACH)..left).rev();
        let means = near.into_iter().find(|n| self.class(*n).intersects(Class::MEANS.or(Class::CLICK)))?;
        let object = &self.words[means + 1..left - 1];
        let back = || (0..=object.len()).any(|end| any_end(&object[..end], lex::BACK).is_some());
        let generic = || object.iter().any(|word| word.is(lex::GENERIC));
        // Clicking something that is named for something else only leads there.
        let clicks = !self.class(means).intersects(Class::MEANS);
        if clicks && !(object.len() <= NAME_REACH && (back() || generic())) {
            return None;
        }
        self.verb(means)
    }

    /// The head of an intention, unless the sentence takes it back.
    fn done(&self, intent: Intent) -> Option<Head> {
        let Intent { from, to, weak } = intent;
        let parts = |n: &usize| self.words[*n].gap != Gap::None || self.words[*n].is(lex::JOINTS);
        let part = (0..=from.min(self.words.len() - 1)).rev().find(parts).unwrap_or(0);
        let because = from.checked_sub(1).is_some_and(|n| self.words[n].is(lex::BECAUSE));
        let says = |words: Range<usize>, word: &str| has_any(&self.text[self.place(words)], &[word]);
        let all = self.words.len();
        let only_if = || says(from..all, "only") && says(to..all, "if");
        let taken_back = self.has(part..to, lex::NEGATIVE)
            || self.has(part..to, lex::WONDERS)
            || because
            || self.only_then(to)
            || self.only_looks(to)
            || (weak && (only_if() || says(0..from, "if")));
        let later = self.is_late(0..from) || self.is_late(from..to);
        (!taken_back).then_some(Head { weak, later, imperative: from == to })
    }

    /// Whether another act comes first, whatever else is said.
    fn only_then(&self, to: usize) -> bool {
        let once = |n: &usize| {
            self.words[*n].text == "once"
                && !matches!(self.words.get(n + 1).map(|next| next.text), Some("again" | "more"))
        };
        (0..to).any(|n| once(&n)) || self.has(0..to, lex::ONLY_THEN)
    }

    /// Whether what is announced is done by looking at something: "by visiting the site".
    fn only_looks(&self, to: usize) -> bool {
        let looks = |n: usize| {
            let word = self.words[n].text;
            word.ends_with("ing") && !matches!(word, "opening" | "going") && self.class(n).intersects(Class::GATHER)
        };
        (to + 1..self.words.len()).any(|n| self.words[n - 1].text == "by" && looks(n))
    }

    /// Whether a verb that begins a sentence goes on like an act, and not like a heading or the name of something.
    fn takes_object(&self, at: usize) -> bool {
        let rest = self.text[self.words[at].at + self.words[at].text.len()..].trim_start();
        self.class(at).intersects(Class::CLICK)
            || self.words.get(at + 1).is_some_and(|next| next.is(lex::DETERMINERS))
            || rest.starts_with(['"', '\'', '`', '*', '['])
    }

    /// Whether what is used at `at` was named before.
    fn is_back(&self, at: usize) -> bool {
        (at + 1..=self.words.len().min(at + 4)).any(|end| any_end(&self.words[..end], lex::BACK).is_some())
    }

    fn click(&self, from: usize) -> Option<usize> {
        (from..self.words.len()).find(|n| self.class(*n).intersects(Class::CLICK) || self.words[*n].text == "do")
    }

    fn class(&self, at: usize) -> Class {
        self.words[at].class()
    }

    /// The word before which nothing but glue stands between it and word `at`.
    fn before_glue(&self, at: usize) -> usize {
        let mut left = at;
        while let Some(n) = any_end(&self.words[..left], lex::GLUE) {
            left -= n;
        }
        left
    }

    fn is_late(&self, range: Range<usize>) -> bool {
        let words = &self.words[range];
        (1..=words.len()).any(|end| any_end(&words[..end], lex::LATER).is_some())
    }

    /// Where the text goes from one word to before another.
    fn place(&self, range: Range<usize>) -> Range<usize> {
        match (self.words.get(range.start), self.words.get(range.end.wrapping_sub(1))) {
            (Some(first), Some(last)) if !range.is_empty() => first.at..last.at + last.text.len(),
            (Some(_) | None, Some(_) | None) => 0..0,
        }
    }
}
