//! Lists of phrases, and what one word is to all of them.
//!
//! A sentence is asked for dozens of lists. When it is cut into words each is looked up once, and a phrase is compared only where its first or
//! last word stands: what is not there costs nothing, and the phrases of most lists are never read.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

use super::super::text::{continues_word, on_word_bounds};

/// A list of phrases in folded form, whose words are parted by one space. Each begins with a letter or digit of ASCII.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    bit: u64,
    phrases: &'static [&'static str],
}

/// Every list, by the words of its phrases.
#[derive(Debug)]
pub(super) struct Vocabulary(HashMap<&'static str, Known, FixedState>);

/// What a word is to the lists.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The lists of which it is a phrase.
    whole: u64,
    /// The lists of which phrases begin with it, and these phrases.
    begins: u64,
    beginning: Vec<Phrase>,
    /// The lists of which phrases end with it, and these phrases.
    ends: u64,
    ending: Vec<Phrase>,
}

/// A phrase of one list.
#[derive(Debug)]
struct Phrase {
    bit: u64,
    text: &'static str,
}

/// Where phrases may begin in a text, from left to right.
#[derive(Debug)]
pub(super) struct Beginnings(Vec<Beginning>);

/// A word with which phrases of these lists begin.
#[derive(Debug)]
struct Beginning {
    at: usize,
    lists: u64,
    known: &'static Known,
}

impl List {
    /// The list at a place below 64 that no other list has.
    pub(super) const fn new(place: u32, phrases: &'static [&'static str]) -> Self {
        Self { bit: 1 << place, phrases }
    }

    /// Its phrases.
    pub(super) const fn phrases(self) -> &'static [&'static str] {
        self.phrases
    }

    /// The bit of its place, which no other list has.
    pub(super) const fn bit(self) -> u64 {
        self.bit
    }
}

impl Vocabulary {
    /// Of these lists.
    pub(super) fn new(lists: &[List]) -> Self {
        let mut words: HashMap<&'static str, Known, FixedState> = HashMap::default();
        let phrases = lists.iter().flat_map(|list| list.phrases.iter().map(|text| Phrase { bit: list.bit, text }));
        for Phrase { bit, text } in phrases {
            let last = text.rsplit(' ').next().unwrap_or_default();
            if last == text {
                words.entry(text).or_default().whole |= bit;
            }
            let known = words.entry(last).or_default();
            known.ends |= bit;
            known.ending.push(Phrase { bit, text });
            let first = runs(text).next().unwrap_or_default();
            let known = words.entry(&text[first]).or_default();
            known.begins |= bit;
            known.beginning.push(Phrase { bit, text });
        }
        Self(words)
    }

    /// What is known of a word; `None` where it is in no list.
    pub(super) fn word(&self, word: &str) -> Option<&Known> {
        self.0.get(word)
    }
}

impl Known {
    /// The lists of which it is a phrase, each by its bit.
    pub(super) fn lists(&self) -> u64 {
        self.whole
    }

    /// The phrases of a list that end with it.
    pub(super) fn ending(&self, list: List) -> impl Iterator<Item = &'static str> {
        of(&self.ending, self.ends, list)
    }

    /// The phrases of a list that begin with it.
    pub(super) fn beginning(&self, list: List) -> impl Iterator<Item = &'static str> {
        of(&self.beginning, self.begins, list)
    }
}

/// Those of one list, when one is there at all.
fn of(phrases: &[Phrase], all: u64, list: List) -> impl Iterator<Item = &'static str> {
    let some = if all & list.bit == 0 { &[] } else { phrases };
    some.iter().filter(move |phrase| phrase.bit == list.bit).map(|phrase| phrase.text)
}

impl Beginnings {
    /// Of a text of so many words, none of which it has taken yet.
    pub(super) fn with_capacity(words: usize) -> Self {
        Self(Vec::with_capacity(words))
    }

    /// Takes a word of the text that begins at `at`, of which `known` is known as a whole. Words are taken in their order.
    pub(super) fn add(
        &mut self,
        vocabulary: &'static Vocabulary,
        at: usize,
        word: &str,
        known: Option<&'static Known>,
    ) {
        // What is one word here can be several to a phrase: "re-click", "i'll".
        let has_parts = word.bytes().any(|byte| !byte.is_ascii_alphanumeric());
        let mut push = |at: usize, known: Option<&'static Known>| {
            let begins = |known: &&Known| known.begins != 0;
            self.0.extend(known.filter(begins).map(|known| Beginning { at, lists: known.begins, known }));
        };
        if has_parts {
            runs(word).for_each(|run| push(at + run.start, vocabulary.word(&word[run])));
        } else {
            push(at, known);
        }
    }

    /// Whether `range` of the text has a phrase of this list as whole words. The range cuts no word.
    pub(super) fn tell(&self, text: &str, range: Range<usize>, list: List) -> bool {
        let mut within = self.0.iter().filter(|word| word.lists & list.bit != 0 && range.contains(&word.at));
        within.any(|word| {
            let stands = |phrase: &str| {
                let (own, at) = (&text[range.clone()], word.at - range.start);
                own[at..].starts_with(phrase) && on_word_bounds(own, &(at..at + phrase.len()), false)
            };
            word.known.beginning(list).any(stands)
        })
    }

    /// The word that begins at a place.
    pub(super) fn at(&self, place: usize) -> Option<&'static Known> {
        self.0.iter().find(|word| word.at == place).map(|word| word.known)
    }
}

/// The words of a text as [`on_word_bounds`] tells them apart: letters and digits side by side.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, _) = rest.find(|(_, c)| continues_word(*c))?;
        while rest.next_if(|(_, c)| continues_word(*c)).is_some() {}
        Some(start..rest.peek().map_or(text.len(), |(at, _)| *at))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::text::Folded;
    use super::super::clause::{any_end, ends_with, has_any, starts_with};
    use super::super::lexicon::LISTS;
    use super::super::said::Said;

    /// Texts made of the phrases of the lists and of pieces of them.
    fn text() -> impl Strategy<Value = String> {
        let phrases: Vec<&str> = LISTS.iter().flat_map(|list| list.phrases()).copied().collect();
        let other = "[a-c]{1,2}|[ ',:_—-]{1,2}|é|注|\\PC";
        let piece = prop_oneof![3 => proptest::sample::select(phrases).prop_map(str::to_owned), 2 => other];
        let pieces = proptest::collection::vec((piece, "| |'|-"), 0..12);
        pieces.prop_map(|pieces| {
            let text: String = pieces.into_iter().flat_map(|(piece, joint)| [piece, joint]).collect();
            Folded::new(&text).as_str().to_owned()
        })
    }

    #[test]
    fn phrases_are_folded_and_begin_with_a_letter_or_digit_and_no_two_lists_have_one_place() {
        for list in LISTS {
            for phrase in list.phrases() {
                assert_eq!(Folded::new(phrase).as_str(), *phrase);
                assert!(phrase.starts_with(|c: char| c.is_ascii_alphanumeric()), "{phrase}");
            }
        }
        let all = LISTS.iter().fold(0u64, |all, list| all | list.bit());
        assert_eq!(all.count_ones(), u32::try_from(LISTS.len()).unwrap());
    }

    proptest! {
        #[test]
        fn what_is_looked_up_is_what_a_comparison_with_every_phrase_finds(text in text(), from in 0usize..16, to in 0usize..16) {
            let said = Said::new(&text, 0..text.len(), false);
            let words = said.words();
            let (from, to) = (from.min(words.len()), to.min(words.len()));
            let begin = |n: usize| words.get(n).map_or(text.len(), |word| word.at);
            for list in LISTS {
                let phrases = list.phrases();
                for (n, word) in words.iter().enumerate() {
                    prop_assert_eq!(word.is(*list), phrases.contains(&word.text));
                    let longest = phrases.iter().filter_map(|phrase| ends_with(&words[..=n], phrase)).max();
                    prop_assert_eq!(any_end(&words[..=n], *list), longest);
                }
                prop_assert_eq!(said.begins_with(*list), phrases.iter().any(|phrase| starts_with(words, phrase)));
                prop_assert_eq!(said.tells(0..text.len(), *list), has_any(&text, phrases));
                if from < to {
                    let last = &words[to - 1];
                    let own = &text[words[from].at..last.at + last.text.len()];
                    prop_assert_eq!(said.has(from..to, *list), has_any(own, phrases));
                    prop_assert_eq!(said.tells(begin(from)..begin(to), *list), has_any(&text[begin(from)..begin(to)], phrases));
                }
            }
        }
    }
}
