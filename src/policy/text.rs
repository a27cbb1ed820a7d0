//! Text made comparable: the form in which phrases, cues and patterns meet what an agent wrote.
//!
//! Folding is for matching only. It applies NFKC, lower case, `ß` as `ss`, plain quotation marks, removes characters that
//! nobody sees (zero-width, bidi controls, soft hyphens, variation selectors, tags) and marks that only strike letters through,
//! reads letters of other scripts that look like Latin ones as those, and makes every run of white space one space. Phrases are
//! folded in the same way, so that a phrase in any script still finds itself. What is shown to people is always the raw text,
//! found again by [`Folded::raw`]. Words that are spelled with spaces are put together by [`joined`].

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// A text in its folded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    text: String,
    /// Offsets in `text` of the spaces that stand for a line break, ascending.
    breaks: Vec<usize>,
}

impl Folded {
    /// Folds `raw`, in linear time.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        if raw.is_ascii() { Self::of_ascii(raw) } else { Self::of_any(raw) }
    }

    fn of_any(raw: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(raw.len()), breaks: Vec::new() };
        walk(raw, |piece| {
            folded.push(raw, &piece);
            true
        });
        folded
    }

    /// The same of ASCII, where only case and white space are to be folded: words that one space parts are taken together.
    fn of_ascii(raw: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(raw.len()), breaks: Vec::new() };
        let bytes = raw.as_bytes();
        let mut at = 0;
        let mut new_line = false;
        loop {
            while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
                new_line |= bytes[at] == b'\n';
                at += 1;
            }
            let start = at;
            while bytes.get(at).is_some_and(|byte| *byte > b' ' || !is_space(*byte) || goes_on(bytes, at)) {
                at += 1;
            }
            if start == at {
                break;
            }
            let before = folded.text.len();
            if before > 0 {
                folded.text.push(' ');
                folded.breaks.extend(new_line.then_some(before));
            }
            folded.text.push_str(&raw[start..at]);
            new_line = false;
        }
        folded.text.make_ascii_lowercase();
        folded
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where lines broke: offsets of the spaces that stand for a line break, ascending.
    #[must_use]
    pub fn breaks(&self) -> &[usize] {
        &self.breaks
    }

    /// The words of `raw`, the text this was folded from, that `range` of the folded text stands for, cut to whole words.
    #[must_use]
    pub fn raw<'r>(&self, raw: &'r str, range: &Range<usize>) -> &'r str {
        let mut again = Self { text: String::with_capacity(self.text.len()), breaks: Vec::new() };
        let mut found: Option<Range<usize>> = None;
        walk(raw, |piece| {
            let start = again.push(raw, &piece);
            if start < range.end && again.text.len() > range.start {
                found = Some(found.as_ref().map_or(piece.word.start, |found| found.start)..piece.word.end);
            }
            again.text.len() < range.end
        });
        found.and_then(|found| raw.get(found)).unwrap_or_default()
    }

    /// Appends one word and returns where it begins.
    fn push(&mut self, raw: &str, piece: &Piece) -> usize {
        let before = self.text.len();
        if before > 0 {
            self.text.push(' ');
        }
        let start = self.text.len();
        fold_word(&raw[piece.word.clone()], &mut self.text);
        if self.text.len() == start {
            self.text.truncate(before);
        } else if piece.new_line && before > 0 {
            self.breaks.push(before);
        }
        start
    }
}

/// One word of a raw text, and whether a line break stands before it.
struct Piece {
    word: Range<usize>,
    new_line: bool,
}

/// Visits the words in order for as long as `visit` wants more.
fn walk(raw: &str, mut visit: impl FnMut(Piece) -> bool) {
    let mut new_line = false;
    let mut word: Option<usize> = None;
    for (at, c) in raw.char_indices() {
        match (c.is_whitespace(), word) {
            (true, Some(start)) => {
                if !visit(Piece { word: start..at, new_line }) {
                    return;
                }
                (word, new_line) = (None, c == '\n');
            }
            (true, None) => new_line |= c == '\n',
            (false, Some(_)) => {}
            (false, None) => word = Some(at),
        }
    }
    if let Some(start) = word {
        visit(Piece { word: start..raw.len(), new_line });
    }
}

/// What [`char::is_whitespace`] says of ASCII.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Whether the white space at `at` is one space between two words.
fn goes_on(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b' ' && bytes.get(at + 1).is_some_and(|next| !is_space(*next))
}

fn fold_word(word: &str, out: &mut String) {
    if word.is_ascii() {
        let start = out.len();
        out.push_str(word);
        out[start..].make_ascii_lowercase();
        return;
    }
    let seen = word.chars().filter(|c| !is_unseen(*c));
    let lower: String = seen.nfkc().flat_map(char::to_lowercase).collect();
    let seen: String = lower.nfkc().filter(|c| !is_unseen(*c) && !c.is_whitespace()).collect();
    for c in seen.chars().map(look_alike).nfkc() {
        match c {
            '\u{300}'..='\u{36F}' => {} // What composes with its letter has done so.
            'ß' => out.push_str("ss"),
            'ς' => out.push('σ'),
            '‘' | '’' | '‚' | '‛' | '`' | '´' => out.push('\''),
            '“' | '”' | '„' | '‟' | '«' | '»' => out.push('"'),
            '‐' | '‑' | '‒' | '–' => out.push('-'),
            _ => out.push(c),
        }
    }
}

/// The Latin letter that a letter of another script looks like, upper case counted; other characters as they are. A choice of
/// what Unicode TR 39 lists as confusable.
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'в' | 'β' | 'ʙ' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' => 'd',
        'е' | 'ε' | 'ᴇ' | 'ҽ' => 'e',
        'ɡ' | 'ց' | 'ɢ' => 'g',
        'н' | 'һ' | 'հ' | 'ʜ' => 'h',
        'і' | 'ι' | 'ı' | 'ɩ' | 'ɪ' => 'i',
        'ј' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ӏ' | 'ʟ' | 'ⅼ' => 'l',
        'м' | 'ᴍ' => 'm',
        'ո' | 'ɴ' => 'n',
        'о' | 'ο' | 'օ' | 'ᴏ' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' => 'q',
        'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' => 'v',
        'ԝ' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ʏ' => 'y',
        'ᴢ' | 'ζ' => 'z',
        _ => c,
    }
}

/// The text with words put together again that are spelled (`p l a c e`, `p.l.a.c.e`), broken over lines with a hyphen or parted by
/// markup, and with its entities read; `None` when there is nothing of the kind.
#[must_use]
pub fn joined(raw: &str) -> Option<String> {
    if may_be_joined(raw) { join(raw) } else { None }
}

/// Whether a text may have anything to join: quick, and never wrong when it says no.
fn may_be_joined(raw: &str) -> bool {
    if raw.is_ascii() {
        return ascii_may_be_joined(raw.as_bytes());
    }
    // How many letters stand alone up to here, one separator between each two; and the last characters.
    let (mut alone, mut before, mut last) = (0, ' ', ' ');
    let mut parted = false;
    for c in raw.chars().filter(|c| !is_unseen(*c)).chain([' ']) {
        let breaks = matches!(c, '\n' | '\r') && matches!(last, '-' | '‐');
        if breaks || matches!(c, '*' | '&' | '%' | '<') {
            return true;
        }
        match (last.is_alphabetic(), is_separator(last)) {
            (true, _) if !before.is_alphanumeric() && !c.is_alphanumeric() => {
                alone = if parted { alone + 1 } else { 1 };
                parted = false;
            }
            (false, true) if alone > 0 && !parted => parted = true,
            _ => (alone, parted) = (0, false),
        }
        if alone >= SPELLED {
            return true;
        }
        (before, last) = (last, c);
    }
    false
}

/// The same of ASCII: what is no separator and no mark of markup is passed over.
fn ascii_may_be_joined(raw: &[u8]) -> bool {
    let is = |at: usize, kind: fn(&u8) -> bool| raw.get(at).is_some_and(kind);
    let letter = |at: usize| is(at, u8::is_ascii_alphabetic);
    let in_word = |at: usize| is(at, u8::is_ascii_alphanumeric);
    let mut last = usize::MAX;
    for (at, byte) in raw.iter().enumerate() {
        match KINDS[usize::from(*byte)] {
            Kind::Plain => {}
            Kind::Mark => return true,
            Kind::Separator => {
                let breaks = matches!(byte, b'\n' | b'\r') && at > 0 && raw[at - 1] == b'-';
                // Two separators with one letter between them, and one letter to each side.
                let spelled = at == last.wrapping_add(2)
                    && last > 0
                    && letter(last - 1)
                    && letter(at - 1)
                    && letter(at + 1)
                    && !(last > 1 && in_word(last - 2))
                    && !in_word(at + 2);
                if breaks || spelled {
                    return true;
                }
                last = at;
            }
        }
    }
    false
}

/// What a byte of ASCII is to [`may_be_joined`].
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Separator,
    Mark,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        kinds[byte as usize] = match byte {
            b'\t'..=b'\r' | b' ' | b'.' | b'-' | b'_' | b'|' => Kind::Separator,
            b'*' | b'&' | b'%' | b'<' => Kind::Mark,
            _ => Kind::Plain,
        };
        byte += 1;
    }
    kinds
};

fn join(raw: &str) -> Option<String> {
    let seen: String = raw.chars().filter(|c| !is_unseen(*c)).collect();
    let mut out = String::with_capacity(seen.len());
    let mut changed = false;
    let mut rest = seen.as_str();
    while let Some(c) = rest.chars().next() {
        let in_word = out.chars().next_back().is_some_and(char::is_alphanumeric);
        let read = if in_word { broken(rest) } else { spelled(rest) };
        if let Some((text, len)) = read.or_else(|| markup(rest)) {
            out.push_str(&text);
            changed = true;
            rest = &rest[len..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    changed.then_some(out)
}

/// So many letters have to stand alone in a row to be a word that is spelled.
const SPELLED: usize = 3;

/// The word that a text begins with when it is spelled, one letter and one separator at a time, and its length in the text.
fn spelled(text: &str) -> Option<(String, usize)> {
    let mut chars = text.char_indices().peekable();
    let (mut word, mut len, mut separator) = (String::new(), 0, None);
    while let Some((at, c)) = chars.next().filter(|(_, c)| c.is_alphabetic()) {
        if chars.peek().is_some_and(|(_, next)| next.is_alphanumeric()) {
            break;
        }
        word.push(c);
        len = at + c.len_utf8();
        let alike = |c: char| if c.is_whitespace() { ' ' } else { c };
        let next = chars.next_if(|(_, c)| is_separator(*c)).map(|(_, c)| alike(c));
        if next.is_none() || (separator.is_some() && next != separator) {
            break;
        }
        separator = next;
    }
    (word.chars().count() >= SPELLED).then_some((word, len))
}

/// What may stand between the letters of a word that is spelled.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '.' | '-' | '_' | '|' | '·')
}

/// A hyphen at the end of a line inside a word.
fn broken(text: &str) -> Option<(String, usize)> {
    let after = text.strip_prefix(['-', '‐'])?;
    let line = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n'))?;
    let rest = line.trim_start_matches([' ', '\t']);
    Some((String::new(), text.len() - rest.len()))
}

/// Markup that parts words: emphasis, short tags, entities.
fn markup(text: &str) -> Option<(String, usize)> {
    for (written, read) in [("**", ""), ("&nbsp;", " "), ("%20", " "), ("&amp;", "&"), ("&quot;", "\"")] {
        if text.starts_with(written) {
            return Some((read.to_owned(), written.len()));
        }
    }
    if let Some(number) = text.strip_prefix("&#") {
        let digits = number.bytes().take(7).take_while(u8::is_ascii_digit).count();
        let c = number[..digits].parse().ok().and_then(char::from_u32)?;
        return number[digits..].starts_with(';').then(|| (c.to_string(), 3 + digits));
    }
    let tag = text.strip_prefix('<')?;
    let len = tag.bytes().take(TAG).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'/').count();
    (len > 0 && tag[len..].starts_with('>')).then(|| (String::new(), len + 2))
}

/// The longest name of a tag.
const TAG: usize = 12;

/// Characters that a reader does not see: Unicode's `Default_Ignorable_Code_Point`.
fn is_unseen(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Whether a word goes on across `c`: letters and digits of scripts that put spaces between words.
#[must_use]
pub fn continues_word(c: char) -> bool {
    let unspaced = matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x2E80..=0xD7FF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF);
    c.is_alphanumeric() && !unspaced
}

/// Where `word` stands in `text`, from left to right and apart from each other, as [`str::match_indices`] tells: for short texts
/// and words, for which that prepares more than it saves. An empty word stands nowhere.
pub(super) fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> {
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = word.first()?;
        loop {
            let start = at + memchr::memchr(*first, bytes.get(at..)?)?;
            at = start + 1;
            if bytes[start..].starts_with(word) {
                at = start + word.len();
                return Some(start);
            }
        }
    })
}

/// Whether `range` of `text` neither begins nor ends inside a word.
#[must_use]
pub fn on_word_bounds(text: &str, range: &Range<usize>, open_end: bool) -> bool {
    range.is_empty() || (!goes_on_at(text, range.start) && (open_end || !goes_on_at(text, range.end)))
}

/// Whether a word goes on across a place of the text.
fn goes_on_at(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let (Some(left), Some(right)) = (at.checked_sub(1).and_then(|left| bytes.get(left)), bytes.get(at)) else {
        return false;
    };
    if left.is_ascii() && right.is_ascii() {
        return left.is_ascii_alphanumeric() && right.is_ascii_alphanumeric();
    }
    let (before, after) = text.split_at(at);
    before.chars().next_back().is_some_and(continues_word) && after.chars().next().is_some_and(continues_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_width_and_unseen_characters_do_not_matter() {
        for raw in
            ["Place Your Order", "PLACE  YOUR\tORDER", "Pl\u{200b}ace your\u{a0}order", "Ｐｌａｃｅ your ord\u{ad}er"]
        {
            assert_eq!(Folded::new(raw).as_str(), "place your order", "{raw:?}");
        }
        assert_eq!(Folded::new("Schließe \u{200b} ab").as_str(), "schliesse ab");
    }

    #[test]
    fn letters_that_look_alike_are_alike_and_struck_ones_are_read() {
        for raw in
            ["Рlасе уоur оrdеr", "ᴘʟᴀᴄᴇ ʏᴏᴜʀ ᴏʀᴅᴇʀ", "p\u{336}l\u{336}ace your o\u{337}rder", "𝐏𝐥𝐚𝐜𝐞 𝒚𝒐𝒖𝒓 ｏｒｄｅｒ"]
        {
            assert_eq!(Folded::new(raw).as_str(), "place your order", "{raw:?}");
        }
        assert_eq!(Folded::new("Überweisung à Tōkyō").as_str(), "überweisung à tōkyō");
    }

    #[test]
    fn spelled_and_broken_words_are_put_together() {
        assert_eq!(joined("p l a c e  o r d e r, now").as_deref(), Some("place  order, now"));
        assert_eq!(joined("I pur-\nchase it").as_deref(), Some("I purchase it"));
        assert_eq!(joined("p.l.a.c.e the o\u{a0}r\u{a0}d\u{a0}e\u{a0}r").as_deref(), Some("place the order"));
        assert_eq!(joined("pl**ace** the&nbsp;<b>or</b>der &#110;ow").as_deref(), Some("place the order now"));
        for plain in ["plan a b", "I am", "well-known", "- \n-", "", "a", "x = y", "1 < 2 > 1", "a & b", "e.g. this"] {
            assert_eq!(joined(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn words_are_found_again_in_the_raw_text() {
        let raw = "I will \u{200b} now Pl\u{200b}ace  your ORDER, then";
        let folded = Folded::new(raw);
        let at = folded.as_str().find("place your order").unwrap();
        assert_eq!(folded.raw(raw, &(at..at + 16)), "Pl\u{200b}ace  your ORDER,");
    }

    #[test]
    fn line_breaks_are_remembered() {
        let folded = Folded::new("\none two\n\nthree");
        assert_eq!((folded.as_str(), folded.breaks()), ("one two three", [7].as_slice()));
    }

    proptest! {
        #[test]
        fn a_place_inside_a_word_has_letters_or_digits_to_both_sides(text in "[ab é注_1-]{0,8}", from in 0usize..9, to in 0usize..9) {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let place = |n: usize| places[n.min(places.len() - 1)];
            let range = place(from.min(to))..place(from.max(to));
            let inside = |at: usize| {
                let (before, after) = text.split_at(at);
                before.ends_with(continues_word) && after.starts_with(continues_word)
            };
            for open_end in [false, true] {
                let bounds = !inside(range.start) && (open_end || !inside(range.end));
                prop_assert_eq!(on_word_bounds(&text, &range, open_end), range.is_empty() || bounds);
            }
        }

        #[test]
        fn places_are_those_of_the_words(text in "[ab é]{0,16}", word in "[ab é]{1,4}") {
            let known: Vec<usize> = text.match_indices(&word).map(|(at, _)| at).collect();
            prop_assert_eq!(places(&text, &word).collect::<Vec<_>>(), known);
        }

        #[test]
        fn ascii_is_folded_like_any_text(raw in "[ -~\t\n\u{b}\u{c}\r\u{1c}\u{1f} \n]{0,40}") {
            prop_assert_eq!(Folded::of_ascii(&raw), Folded::of_any(&raw));
        }

        #[test]
        fn nothing_is_joined_where_nothing_may_be(
            raw in "([a-c][ .\n|_·\u{a0}-]){0,3}[a-cé ]{0,2}(-\r?\n|\\*\\*|&nbsp;|%20|&#97;|<b>|&[a-z]|\u{200b}|[ -~]|\\PC){0,4}[a-c]{0,2}([ .][a-cé注]){0,4}",
        ) {
            prop_assert_eq!(joined(&raw), join(&raw));
        }

        #[test]
        fn folding_twice_changes_nothing(raw in "\\PC{0,40}") {
            let once = Folded::new(&raw);
            let twice = Folded::new(once.as_str());
            prop_assert_eq!(twice.as_str(), once.as_str());
        }

        #[test]
        fn an_ascii_phrase_in_the_text_is_in_the_folded_text(before in "\\PC{0,12}", phrase in "[a-z]{1,6} [a-z]{1,6}", after in "\\PC{0,12}") {
            let raw = format!("{before} {phrase} {after}");
            prop_assert!(Folded::new(&raw).as_str().contains(&phrase));
        }

        #[test]
        fn joining_never_panics_and_only_leaves_out(raw in "[a-z \\-\n\\PC]{0,40}") {
            if let Some(once) = joined(&raw) {
                prop_assert!(once.len() <= raw.len());
            }
        }

        #[test]
        fn the_raw_words_of_any_range_are_part_of_the_raw_text(raw in "\\PC{0,40}", a in 0usize..60, b in 0usize..60) {
            let folded = Folded::new(&raw);
            let _ = folded.raw(&raw, &(a.min(b)..a.max(b)));
        }
    }
}
