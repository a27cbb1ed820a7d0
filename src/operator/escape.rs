//! The one escaping function: shows what is hidden, never strips it.
//!
//! Everything that comes from a provider, a page or an agent passes here before it reaches a terminal, a log, a
//! notification or an error. A character that could move the cursor, reorder, vanish or merge is written `<U+202E>`. The
//! notation cannot be faked: a literal `<` that would read as one of ours is itself written `<U+003C>`, so every `<U+`,
//! `<+` and `<…` in the output is ours. A line break is written ` ⏎ `, and a literal `⏎` is escaped. Never decides what a text means, never looks up look-alike letters.

mod class;
#[cfg(test)]
mod tests;

use class::Class;

/// Combining marks shown on one base; further ones are counted instead.
const MARKS: usize = 4;
/// A line break in one line.
const BREAK: &str = " ⏎ ";

/// Text that is safe to print on a terminal, in a log, a notification or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The printable text: one line, no control, bidi, zero-width, tag, private-use or unassigned characters.
    pub text: String,
    /// Whether anything had to be shown as an escape.
    pub hidden: bool,
    /// Whether the text was longer than `max` and was cut, with a note of its length where it was cut.
    pub cut: bool,
}

/// [`Escaped`] text of several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// One printable line each; none when the text is empty.
    pub lines: Vec<String>,
    /// Whether anything but line breaks had to be shown as an escape.
    pub hidden: bool,
    /// Whether the text was longer than `max` and was cut.
    pub cut: bool,
}

/// Escapes `text` into one line of at most `max` characters (a note of what was cut comes on top).
///
/// Longer text keeps two thirds of `max` from its head and one third from its tail.
#[must_use]
pub fn escape(text: &str, max: usize) -> Escaped {
    let (pieces, hidden) = pieces(text, Literal::Ambiguous);
    let Some(text) = cut(&pieces, text.chars().count(), max) else {
        return Escaped { text: pieces.concat(), hidden, cut: false };
    };
    Escaped { text, hidden, cut: true }
}

/// [`escape`] for the middle of a sentence: at most 200 characters, the flags dropped.
#[must_use]
pub fn short(text: &str) -> String {
    escape(text, 200).text
}

/// Escapes `text` for a place that has room for several lines: line breaks (LF and CR LF) break the line, all else is as
/// with [`escape`]. `max` counts over the whole text.
#[must_use]
pub fn block(text: &str, max: usize) -> Block {
    let unified = text.replace("\r\n", "\n");
    let (pieces, _) = pieces(&unified, Literal::Ambiguous);
    let hidden = pieces.iter().any(|piece| is_ours(piece));
    let whole = cut(&pieces, text.chars().count(), max);
    let (cut, shown) = (whole.is_some(), whole.unwrap_or_else(|| pieces.concat()));
    let lines = if shown.is_empty() { Vec::new() } else { shown.split(BREAK).map(str::to_owned).collect() };
    Block { lines, hidden, cut }
}

/// Shows text that was escaped before, or is our own: safe whatever it is, and the same again when repeated.
///
/// Unlike [`escape`] it leaves `<U+202E>` as it stands, so it is not for raw text. Never cuts.
#[must_use]
pub fn again(text: &str) -> String {
    pieces(text, Literal::AsIs).0.concat()
}

/// What becomes of a literal `<` that looks like the start of an escape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Literal {
    Ambiguous,
    AsIs,
}

/// One printable piece per character (a run of too many marks is one piece), and whether any had to be escaped.
fn pieces(text: &str, literal: Literal) -> (Vec<String>, bool) {
    let mut out: Vec<String> = Vec::with_capacity(text.len());
    let (mut hidden, mut marks, mut base) = (false, 0, None);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let class = class::of(c);
        if class != Class::Mark && marks > MARKS {
            out.push(format!("<+{} marks>", marks - MARKS));
        }
        marks = if class == Class::Mark && base.is_some() { marks + 1 } else { 0 };
        match class {
            Class::Mark if base.is_some() => {
                hidden |= marks > MARKS;
                if marks <= MARKS {
                    out.push(c.to_string());
                }
                continue;
            }
            Class::EmojiStyle if base.is_some_and(class::takes_emoji_style) => out.push(c.to_string()),
            Class::Unsafe if c == '\n' => {
                out.push(BREAK.to_owned());
                base = None;
                continue;
            }
            Class::Mark | Class::EmojiStyle | Class::Unsafe => {
                hidden = true;
                out.push(shown(c));
                base = None;
                continue;
            }
            Class::Plain if literal == Literal::Ambiguous && is_notation(c, rest.peek()) => {
                hidden = true;
                out.push(shown(c));
            }
            Class::Plain => out.push(c.to_string()),
        }
        base = (class == Class::Plain).then_some(c);
    }
    if marks > MARKS {
        out.push(format!("<+{} marks>", marks - MARKS));
    }
    (out, hidden)
}

/// Whether a literal character would read as our own notation.
fn is_notation(c: char, next: Option<&char>) -> bool {
    c == '⏎' || (c == '<' && matches!(next, Some('U' | '+' | '…')))
}

fn shown(c: char) -> String {
    format!("<U+{:04X}>", u32::from(c))
}

fn is_ours(piece: &str) -> bool {
    piece.starts_with("<U+") || piece.starts_with("<+")
}

/// Head, note and tail when the pieces together are longer than `max` characters.
fn cut(pieces: &[String], characters: usize, max: usize) -> Option<String> {
    let length = |piece: &String| piece.chars().count();
    if pieces.iter().map(length).sum::<usize>() <= max {
        return None;
    }
    let fitting = |budget: usize, lengths: &mut dyn Iterator<Item = usize>| {
        let mut used = 0;
        lengths
            .take_while(|length| {
                used += length;
                used <= budget
            })
            .count()
    };
    let head = fitting(max - max / 3, &mut pieces.iter().map(length));
    let mut tail = pieces.len() - fitting(max / 3, &mut pieces.iter().rev().map(length));
    while pieces.get(tail).is_some_and(|piece| piece.chars().any(|c| class::of(c) != Class::Plain)) {
        tail += 1;
    }
    Some(format!("{}<… cut: {characters} characters in all …>{}", pieces[..head].concat(), pieces[tail..].concat()))
}
