//! Lines of a given width: labelled rows, wrapped words, gutters.
//!
//! Takes text that is safe already; knows columns, not meanings.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Labels are this wide.
const LABEL: usize = 8;

/// A page that grows downwards.
pub(crate) struct Page {
    columns: usize,
    indent: usize,
    out: Vec<PageLine>,
}

/// One line: what leads it (a margin, a label, a gutter), and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageLine {
    pub(crate) lead: String,
    pub(crate) text: String,
}

impl Page {
    /// A page for a terminal of so many columns; 20 at least. Narrow ones get a small margin.
    pub(crate) fn new(columns: usize) -> Self {
        Self::with_margin(columns, if columns < 60 { 2 } else { 10 })
    }

    /// A page with this margin left of its labels.
    pub(crate) fn with_margin(columns: usize, margin: usize) -> Self {
        Self { columns: columns.max(20), indent: margin, out: Vec::new() }
    }

    /// Fields side by side, two spaces between, broken between fields where the line is full.
    pub(crate) fn fields(&mut self, fields: &[String]) {
        let mut line = String::new();
        for field in fields.iter().filter(|field| !field.is_empty()) {
            if !line.is_empty() && line.width() + 2 + field.width() > self.columns {
                self.line("", &line);
                line = " ".repeat(self.indent.min(2));
            } else if !line.is_empty() {
                line.push_str("  ");
            }
            line.push_str(field);
        }
        self.line("", &line);
    }

    /// A label and its text, wrapped under itself.
    pub(crate) fn row(&mut self, label: &str, text: &str) {
        let first = format!("{:indent$}{label:LABEL$}", "", indent = self.indent);
        let next = " ".repeat(first.width());
        self.wrapped(&first, &next, text);
    }

    /// Text behind a gutter, the first line with a label.
    pub(crate) fn quoted(&mut self, label: &str, text: &str) {
        let gutter = format!("{:indent$}| ", "", indent = self.indent);
        self.wrapped(&format!("{gutter}{label:LABEL$} "), &format!("{gutter}{:LABEL$} ", ""), text);
    }

    /// What was laid out, as text.
    pub(crate) fn finish(self) -> String {
        self.out.iter().map(|line| format!("{}\n", format!("{}{}", line.lead, line.text).trim_end())).collect()
    }

    /// What was laid out, line by line.
    pub(crate) fn lines(self) -> Vec<PageLine> {
        self.out
    }

    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        let room = self.columns.saturating_sub(first.width()).max(8);
        for (i, line) in wrap(text, room).into_iter().enumerate() {
            self.line(if i == 0 { first } else { next }, &line);
        }
    }

    fn line(&mut self, lead: &str, text: &str) {
        self.out.push(PageLine { lead: lead.to_owned(), text: text.trim_end().to_owned() });
    }
}

/// A line that is wider than the terminal, broken at words. What follows stands under the line's last column, so that no part of
/// it can pass for a line of its own.
pub(crate) fn folded(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    folded_under(line, columns, hang(line, columns))
}

/// The same with what follows under this column, which is left of the terminal's last.
pub(crate) fn folded_under(line: &str, columns: usize, hang: usize) -> Vec<String> {
    if line.width() <= columns {
        return vec![line.to_owned()];
    }
    let mut lines = wrap(line, columns).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.collect();
    let rest = wrap(&rest, columns.saturating_sub(hang).max(1))
        .into_iter()
        .map(|line| format!("{:hang$}{}", "", line.trim_end()));
    std::iter::once(first.trim_end().to_owned()).chain(rest).collect()
}

/// Where the last of a line's columns begins: behind two spaces, within a third of the terminal.
fn hang(line: &str, columns: usize) -> usize {
    let mut at = 0;
    let mut spaces = 0;
    let mut hang = 2;
    for c in line.chars() {
        if c != ' ' && spaces >= 2 {
            hang = at;
        }
        spaces = if c == ' ' { spaces + 1 } else { 0 };
        at += c.width().unwrap_or(0);
        if at > columns / 3 {
            break;
        }
    }
    hang
}

/// Breaks text at spaces into lines of at most `room` columns; words that are longer are broken anywhere. Spaces inside a
/// line stay as they are.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for word in text.split_inclusive(' ') {
        let needs = word.trim_end_matches(' ').width();
        if width > 0 && width + needs > room {
            lines.push(String::new());
            width = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if width + wide > room && width > 0 && c != ' ' {
                lines.push(String::new());
                width = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            width += wide;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("東京で買う", 4), ["東京", "で買", "う"]);
    }

    #[test]
    fn a_line_too_wide_for_the_terminal_goes_on_under_its_last_column() {
        let line = "  agent   thinks  I will look for a wireless headset.";
        assert_eq!(folded(line, 60), [line]);
        assert_eq!(folded(line, 54), ["  agent   thinks  I will look for a wireless headset."],);
        assert_eq!(folded(line, 52), ["  agent   thinks  I will look for a wireless", "          headset."],);
        assert_eq!(folded("3333  was denied by ops2 (too dear)", 24), ["3333  was denied by ops2", "      (too dear)"]);
        assert_eq!(folded("one two three four five six", 20), ["one two three four", "  five six"]);
    }

    proptest! {
        #[test]
        fn folding_loses_no_letter_and_begins_one_line_at_the_left(line in "[a-z東 ]{0,120}", columns in 0usize..60) {
            let lines = folded(&line, columns);
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&line));
            prop_assert!(lines.iter().all(|line| line.trim_end().width() <= columns.max(20)), "{:?}", lines);
            prop_assert!(lines.iter().skip(1).all(|line| line.starts_with("  ")), "{:?}", lines);
        }

        #[test]
        fn nothing_is_lost_and_nothing_is_wider(text in "[a-z東 ]{0,80}", room in 2usize..20) {
            let lines = wrap(&text, room);
            prop_assert_eq!(lines.concat(), text);
            prop_assert!(lines.iter().all(|line| line.trim_end().width() <= room), "{lines:?}");
        }
    }
}
