//! Diagnostics: what is wrong in a configuration, where, what was expected, and what to do, in the style of rustc.
//!
//! Everything taken from the file is escaped before it is shown.

use std::fmt;
use std::ops::Range;

use crate::operator::escape::{escape, short};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The dotted key, such as `approvals.timeout`; empty when it is about the whole file.
    pub key: String,
    /// What was expected there; empty when the message says it all.
    pub expected: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// These bytes of the file.
    File(Range<usize>),
    /// These bytes of the file, which may be a secret and are not shown.
    Secret(Range<usize>),
    /// This environment variable.
    Environment(&'static str),
    /// The file as a whole.
    Whole,
}

/// All that is wrong in one configuration, with the text it is wrong in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    name: String,
    source: String,
    list: Vec<Diagnostic>,
}

/// The longest part of a source line that is shown, in characters.
const LINE: usize = 140;
/// How many diagnostics are shown.
const MOST: usize = 20;

impl Diagnostics {
    /// Diagnostics of the file `name` with the text `source`, in the order of the file.
    #[must_use]
    pub fn new(name: &str, source: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|one| one.place.order());
        list.dedup();
        Self { name: short(name), source: source.to_owned(), list }
    }

    /// The diagnostics, in the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Each in one line: what is wrong, and where.
    pub fn sentences(&self) -> impl Iterator<Item = String> + '_ {
        self.list.iter().map(|one| match &one.place {
            Place::File(range) | Place::Secret(range) => {
                let spot = Spot::new(&self.source, range);
                format!("{} ({}:{}:{})", one.message, self.name, spot.line, spot.column)
            }
            Place::Environment(variable) => format!("{} (environment variable {variable})", one.message),
            Place::Whole => format!("{} ({})", one.message, self.name),
        })
    }

    fn render(&self, f: &mut fmt::Formatter<'_>, one: &Diagnostic) -> fmt::Result {
        writeln!(f, "error: {}", one.message)?;
        let gutter = match &one.place {
            Place::File(range) => self.excerpt(f, range, false)?,
            Place::Secret(range) => self.excerpt(f, range, true)?,
            Place::Environment(variable) => {
                writeln!(f, "  --> environment variable {variable}")?;
                1
            }
            Place::Whole => {
                writeln!(f, "  --> {}", self.name)?;
                1
            }
        };
        for (label, text) in
            [("key", &one.key), ("expected", &one.expected), ("hint", one.hint.as_ref().unwrap_or(&String::new()))]
        {
            if !text.is_empty() {
                writeln!(f, "{:gutter$} = {label}: {text}", "")?;
            }
        }
        Ok(())
    }

    /// Draws the line of `range` with a caret under it and returns the width of its number.
    fn excerpt(&self, f: &mut fmt::Formatter<'_>, range: &Range<usize>, secret: bool) -> Result<usize, fmt::Error> {
        let spot = Spot::new(&self.source, range);
        let number = spot.line.to_string();
        let gutter = number.len();
        let (text, indent, carets) = spot.shown(secret);
        writeln!(f, "{:gutter$}--> {}:{}:{}", "", self.name, spot.line, spot.column)?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{number} | {text}")?;
        writeln!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(carets))?;
        writeln!(f, "{:gutter$} |", "")?;
        Ok(gutter)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in self.list.iter().take(MOST) {
            self.render(f, one)?;
            writeln!(f)?;
        }
        let more = self.list.len().saturating_sub(MOST);
        if more > 0 {
            writeln!(f, "… and {more} more\n")?;
        }
        let (count, errors) = (self.list.len(), if self.list.len() == 1 { "error" } else { "errors" });
        write!(f, "{count} {errors} in {}", self.name)
    }
}

impl std::error::Error for Diagnostics {}

impl Place {
    fn order(&self) -> (usize, usize) {
        match self {
            Self::Whole => (0, 0),
            Self::File(range) | Self::Secret(range) => (range.start + 1, range.end),
            Self::Environment(_) => (usize::MAX, 0),
        }
    }
}

/// A range of the file in terms of its line.
struct Spot<'s> {
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    before: &'s str,
    inside: &'s str,
    after: &'s str,
}

impl<'s> Spot<'s> {
    fn new(source: &'s str, range: &Range<usize>) -> Self {
        let start = floor(source, range.start);
        let head = &source[..start];
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = floor(source, range.end).clamp(start, line_end.max(start));
        Self {
            line: head.matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            before: &source[line_start..start],
            inside: &source[start..end],
            after: source[end..line_end].trim_end_matches('\r'),
        }
    }

    /// Whether the line holds an API key or an address with a password, whatever is wrong with it.
    fn holds_secret(&self) -> bool {
        let line = [self.before, self.inside, self.after].concat();
        let key = line.match_indices("api_key").any(|(at, key)| {
            let rest = line[at + key.len()..].trim_start_matches(['"', '\'', ' ', '\t']);
            rest.starts_with('=')
        });
        key || line.split_once("://").is_some_and(|(_, address)| address.contains('@'))
    }

    /// The line up to its `=`, and nothing of what is behind.
    fn hidden(&self) -> (String, usize, usize) {
        let line = [self.before, self.inside, self.after].concat();
        let equals = line.find('=').unwrap_or_default();
        let name = plain(line[..equals].trim_end());
        let text = format!("{name} = (not shown)");
        if self.before.len() + self.inside.len() <= equals {
            return (text, plain(self.before).chars().count(), plain(self.inside).chars().count().max(1));
        }
        (text, name.chars().count() + 3, "(not shown)".len())
    }

    /// The line as shown, the indent of the caret, and how many carets. Secrets are left out.
    fn shown(&self, secret: bool) -> (String, usize, usize) {
        if secret || self.holds_secret() {
            return self.hidden();
        }
        let length = self.before.chars().count() + self.inside.chars().count() + self.after.chars().count();
        let skipped = if length > LINE { self.before.chars().count().saturating_sub(LINE / 2) } else { 0 };
        let before: String = self.before.chars().skip(skipped).collect();
        let before = format!("{}{}", if skipped > 0 { "…" } else { "" }, plain(&before));
        let inside = plain(self.inside);
        let left = LINE.saturating_sub(before.chars().count() + inside.chars().count());
        let after: String = self.after.chars().take(left).collect();
        let cut = if self.after.chars().nth(left).is_some() { "…" } else { "" };
        let (indent, carets) = (before.chars().count(), inside.chars().count().clamp(1, LINE));
        (format!("{before}{inside}{}{cut}", plain(&after)), indent, carets)
    }
}

fn plain(text: &str) -> String {
    escape(&text.replace('\t', " "), LINE).text
}

/// The greatest boundary of a character at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The line of `at`, from 1.
#[must_use]
pub fn line_of(source: &str, at: usize) -> usize {
    source.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
