//! Sentences and words of a folded text.

use std::ops::Range;

use super::super::text::{Folded, on_word_bounds, places};
use super::lexicon::{Class, vocabulary};
use super::vocabulary::{Known, List};

/// How far a sentence is followed to each side, in bytes; keeps judging linear when a text has no full stops.
const REACH: usize = 400;
/// As many words as most sentences have.
const SOME: usize = 16;

/// The sentence around `range`: up to a full stop, question mark, semicolon or line break, at most 400 bytes to each side.
pub(super) fn sentence(folded: &Folded, range: &Range<usize>) -> Range<usize> {
    start_of(folded, range.start)..end_of(folded, range.end)
}

/// The sentence after one that ends at `end`; empty at the end of the text.
pub(super) fn next(folded: &Folded, end: usize) -> Range<usize> {
    let text = folded.as_str();
    let skipped = text[end..].find(|c: char| c.is_alphanumeric()).map_or(text.len(), |at| end + at);
    skipped..end_of(folded, skipped)
}

/// Whether `text` has one of `words` as whole words.
pub(super) fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| places(text, word).any(|at| on_word_bounds(text, &(at..at + word.len()), false)))
}

/// The lines of a text, in order, without the spaces that stand for the breaks between them.
pub(super) fn lines(folded: &Folded) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(0).chain(folded.breaks().iter().map(|at| at + 1));
    let ends = folded.breaks().iter().copied().chain(std::iter::once(folded.as_str().len()));
    starts.zip(ends).map(|(start, end)| start..end.max(start))
}

/// The sentences of one line, at most 800 bytes each.
pub(super) fn sentences(text: &str, line: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = line.start;
    std::iter::from_fn(move || {
        if at >= line.end {
            return None;
        }
        let ceiling = boundary(text, line.end.min(at + 2 * REACH));
        let stop = text[at..ceiling].char_indices().find(|(offset, c)| stops(text, at + offset, *c));
        let end = stop.map_or(ceiling, |(offset, c)| at + offset + c.len_utf8());
        let sentence = at..end;
        at = end.max(at + 1);
        Some(sentence)
    })
}

/// A word of a sentence, and what stands before it.
#[derive(Clone, Debug)]
pub(super) struct Word<'t> {
    /// The word: letters and digits, with `'`, `_` and `-` inside.
    pub(super) text: &'t str,
    /// Where it begins in the whole text.
    pub(super) at: usize,
    /// What separates it from the word before.
    pub(super) gap: Gap,
    /// What it is to the lists of words.
    pub(super) known: Option<&'static Known>,
}

impl Word<'_> {
    /// Whether it is in the list.
    pub(super) fn is(&self, list: List) -> bool {
        self.known.is_some_and(|known| known.lists() & list.bit() != 0)
    }

    /// What it is good for as a verb.
    pub(super) fn class(&self) -> Class {
        Class::of(self.known)
    }
}

/// What stands between two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing but spaces, quotation marks and the like.
    None,
    /// A comma, a dash, a bracket: another part of the sentence begins.
    Part,
    /// A colon: what follows stands by itself.
    Colon,
}

/// The words of `range` of `text`.
pub(super) fn words(text: &str, range: Range<usize>) -> Vec<Word<'_>> {
    let mut words = Vec::with_capacity((range.len() / 2 + 1).min(SOME));
    words.extend(each_word(text, range));
    words
}

/// The same, one after the other.
pub(super) fn each_word(text: &str, range: Range<usize>) -> impl Iterator<Item = Word<'_>> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '_' | '-');
    let mut rest = text[range.clone()].char_indices().map(move |(offset, c)| (range.start + offset, c)).peekable();
    std::iter::from_fn(move || {
        let mut gap = Gap::None;
        let at = loop {
            let (at, c) = rest.next()?;
            if c.is_alphanumeric() {
                break at;
            }
            gap = match (gap, c) {
                (Gap::Colon, _) | (_, ':') => Gap::Colon,
                (Gap::Part, _) | (_, ',' | '-' | '—' | '(' | ')' | ';') => Gap::Part,
                (Gap::None, _) => Gap::None,
            };
        };
        while rest.next_if(|(_, c)| inside(*c)).is_some() {}
        let end = rest.peek().map_or(range.end, |(end, _)| *end);
        let text = text[at..end].trim_end_matches(['\'', '-']);
        Some(Word { text, at, gap, known: vocabulary().word(text) })
    })
}

/// Whether a line is an item of a list, and what it says.
pub(super) fn item(text: &str, line: Range<usize>) -> (bool, Range<usize>) {
    let own = &text[line.clone()];
    let digits = own.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match own[digits..].chars().next() {
        Some('.' | ')' | ':') if (1..=2).contains(&digits) => digits + 1,
        Some(c @ ('-' | '*' | '•' | '·' | '–' | '×')) if digits == 0 => c.len_utf8(),
        Some(_) | None => return (false, line),
    };
    if !own[marker..].starts_with([' ', '*']) {
        return (false, line);
    }
    (true, line.start + marker..line.end)
}

/// How many words at the end of `words` are a phrase of the list; the longest of them.
pub(super) fn any_end(words: &[Word<'_>], list: List) -> Option<usize> {
    words.last()?.known?.ending(list).filter_map(|phrase| ends_with(words, phrase)).max()
}

/// How many words at the end of `words` are `phrase`, whose words are parted by one space.
pub(super) fn ends_with(words: &[Word<'_>], phrase: &str) -> Option<usize> {
    let mut rest = phrase;
    for (n, word) in words.iter().rev().enumerate() {
        rest = rest.strip_suffix(word.text)?;
        if rest.is_empty() {
            return Some(n + 1);
        }
        rest = rest.strip_suffix(' ')?;
    }
    None
}

/// Whether `words` begin with `phrase`, whose words are parted by one space.
pub(super) fn starts_with(words: &[Word<'_>], phrase: &str) -> bool {
    let mut rest = phrase;
    for word in words {
        let Some(after) = rest.strip_prefix(word.text) else { return false };
        if after.is_empty() {
            return true;
        }
        let Some(after) = after.strip_prefix(' ') else { return false };
        rest = after;
    }
    false
}

fn start_of(folded: &Folded, at: usize) -> usize {
    let text = folded.as_str();
    let floor = boundary(text, at.saturating_sub(REACH));
    let line = folded.breaks().partition_point(|line| *line < at).checked_sub(1).map_or(0, |n| folded.breaks()[n] + 1);
    let floor = floor.max(line.min(at));
    let stop = text[floor..at].char_indices().rev().find(|(offset, c)| stops(text, floor + offset, *c));
    stop.map_or(floor, |(offset, c)| floor + offset + c.len_utf8())
}

fn end_of(folded: &Folded, at: usize) -> usize {
    let text = folded.as_str();
    let ceiling = boundary(text, text.len().min(at + REACH));
    let lines = folded.breaks();
    let line = lines.get(lines.partition_point(|line| *line < at)).copied().unwrap_or(text.len());
    let ceiling = ceiling.min(line).max(at);
    text[at..ceiling]
        .char_indices()
        .find(|(offset, c)| stops(text, at + offset, *c))
        .map_or(ceiling, |(offset, _)| at + offset)
}

/// A stop of Latin script counts when no word goes on right after it: `20.73` and `example.com` are no ends.
fn stops(text: &str, at: usize, c: char) -> bool {
    match c {
        '。' | '！' | '？' | '；' => true,
        '.' | '!' | '?' | ';' => text[at + 1..].chars().next().is_none_or(|next| !next.is_alphanumeric()),
        _ => false,
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_phrase_is_compared_word_by_word(text in "([abé'_-]{1,3} ){0,4}", phrase in "[abé'_-]{1,3}( [abé'_-]{1,3}){0,2}") {
            let (words, parts) = (words(&text, 0..text.len()), Vec::from_iter(phrase.split(' ')));
            let own = Vec::from_iter(words.iter().map(|word| word.text));
            prop_assert_eq!(ends_with(&words, &phrase), own.ends_with(&parts).then_some(parts.len()));
            prop_assert_eq!(starts_with(&words, &phrase), own.starts_with(&parts));
        }
    }
}
