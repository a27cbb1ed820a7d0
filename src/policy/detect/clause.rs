//! Sentences and the words around a cue, on folded text.

use std::ops::Range;

use super::super::text::{Folded, on_word_bounds};

/// How far a sentence is followed to each side, in bytes; keeps judging linear when a text has no full stops.
const REACH: usize = 400;

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
    words
        .iter()
        .any(|word| text.match_indices(word).any(|(at, found)| on_word_bounds(text, &(at..at + found.len()), false)))
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
