//! Which parts of a text may hold a needle, told by the first words of all needles: most texts have none, and are not searched.
//!
//! Quick, in one pass over the text without looking at the needles themselves, and never wrong when it leaves something out:
//! needles are found as whole words, so one that begins with a letter or digit can only begin where a word like its own first
//! word does. What is told twice or too much costs time and nothing else.

use std::ops::Range;

/// How many entries there are for first words, a power of two.
const SLOTS: usize = 4096;
/// A needle this long, in bytes, or longer may reach to the end of the text.
const ENDLESS: u8 = u8::MAX;

/// Where needles may begin.
#[derive(Clone, Debug)]
pub(super) struct Starts {
    /// By the place of a word of ASCII letters and digits: how long a needle that begins with it is at most, in bytes. 0: none does.
    words: Box<[u8]>,
    /// The same for the needles that may begin with more than one word, or with none, by their first byte.
    bytes: Box<[u8]>,
    /// Whether a needle is empty, so that every place begins one.
    anywhere: bool,
}

impl Starts {
    /// Of these needles in folded form, each with whether its last word may go on.
    pub(super) fn new<'n>(needles: impl IntoIterator<Item = (&'n str, bool)>) -> Self {
        let empty = |len: usize| vec![0; len].into_boxed_slice();
        let mut starts = Self { words: empty(SLOTS), bytes: empty(256), anywhere: false };
        for (needle, open_end) in needles {
            let len = u8::try_from(needle.len()).unwrap_or(ENDLESS);
            let word = needle.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let Some(first) = needle.bytes().next() else {
                starts.anywhere = true;
                continue;
            };
            let whole = word > 0 && !(open_end && word == needle.len());
            let longest = match whole {
                true => &mut starts.words[place(key(&needle.as_bytes()[..word]))],
                false => &mut starts.bytes[usize::from(first)],
            };
            *longest = (*longest).max(len);
        }
        starts
    }

    /// Calls `visit` with the parts of `text`, in order and apart from each other, outside of which no needle stands as a
    /// whole word. They may begin and end inside a character.
    pub(super) fn parts(&self, text: &str, mut visit: impl FnMut(Range<usize>)) {
        if self.anywhere {
            return visit(0..text.len());
        }
        let bytes = text.as_bytes();
        let mut part: Option<Range<usize>> = None;
        let mut at = 0;
        while let Some(first) = bytes.get(at) {
            let (start, mut longest) = (at, self.bytes[usize::from(*first)]);
            let mut word = 0;
            while let Some(byte) = bytes.get(at).filter(|byte| IS_WORD[usize::from(**byte)]) {
                word = with(word, *byte);
                at += 1;
            }
            if at > start {
                longest = longest.max(self.words[place(word)]);
            } else {
                at += 1;
            }
            if longest == 0 {
                continue;
            }
            let end = if longest == ENDLESS { bytes.len() } else { bytes.len().min(start + usize::from(longest)) };
            part = Some(match part.take() {
                Some(before) if start <= before.end => before.start..before.end.max(end),
                before => {
                    before.into_iter().for_each(&mut visit);
                    start..end
                }
            });
        }
        part.into_iter().for_each(visit);
    }
}

/// Which bytes are letters and digits of ASCII.
const IS_WORD: [bool; 256] = {
    let mut is = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        is[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    is
};

/// What a word is looked up by: its last eight bytes.
fn key(word: &[u8]) -> u64 {
    word.iter().fold(0, |key, byte| with(key, *byte))
}

fn with(key: u64, byte: u8) -> u64 {
    (key << 8) | u64::from(byte)
}

fn place(key: u64) -> usize {
    // The upper bits of a product depend on all bits of the key.
    usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.trailing_zeros())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::{Folded, on_word_bounds};
    use super::*;

    /// Each by its first byte and the one behind its last.
    fn parts(starts: &Starts, text: &str) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        starts.parts(text, |part| parts.push((part.start, part.end)));
        parts
    }

    #[test]
    fn only_what_may_hold_a_needle_is_told() {
        let starts = Starts::new([("place order", false), ("buy", false), ("refund", true), ("注文", false)]);
        assert_eq!(parts(&starts, "i compare three headsets, and take none"), []);
        assert_eq!(parts(&starts, "to place it or buy it"), [(3, 14), (15, 18)]);
        assert_eq!(parts(&starts, "place order and buyers"), [(0, 11)]);
        assert_eq!(parts(&starts, "no refunding"), [(3, 9)]);
        assert_eq!(parts(&starts, "注文する"), [(0, 9)]);
    }

    #[test]
    fn needles_that_are_long_or_empty_are_searched_for_to_the_end() {
        let long = "buy ".repeat(100);
        assert_eq!(parts(&Starts::new([(long.as_str(), false)]), "now buy it all"), [(4, 14)]);
        assert_eq!(parts(&Starts::new([("", false)]), "now"), [(0, 3)]);
    }

    proptest! {
        #[test]
        fn no_needle_stands_outside(
            needles in prop::collection::vec(("[ab0$é注 ]{0,4}", any::<bool>()), 0..6),
            raw in "[ab0$é注 _-]{0,24}",
        ) {
            let folded: Vec<(String, bool)> =
                needles.iter().map(|(needle, open)| (Folded::new(needle).as_str().to_owned(), *open)).collect();
            let starts = Starts::new(folded.iter().map(|(needle, open)| (needle.as_str(), *open)));
            let text = Folded::new(&raw);
            let told = parts(&starts, text.as_str());
            for pair in told.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
            for (needle, open) in &folded {
                for at in 0..text.as_str().len() {
                    let range = at..at + needle.len();
                    if text.as_str().get(range.clone()) == Some(needle.as_str())
                        && on_word_bounds(text.as_str(), &range, *open)
                    {
                        let inside = |part: &(usize, usize)| part.0 <= range.start && range.end <= part.1;
                        prop_assert!(told.iter().any(inside), "{needle:?} at {range:?} of {text:?}: {told:?}");
                    }
                }
            }
        }
    }
}
