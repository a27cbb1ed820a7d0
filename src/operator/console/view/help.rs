//! The page that explains the keys and the rules.

use ratatui::text::Line;

use super::span;
use super::theme::Theme;

const KEYS: &[(&str, &str)] = &[
    ("y", "approves what is shown"),
    ("n", "denies it; held down, only it"),
    ("r", "denies it with a reason"),
    ("m", "instructs, then resumes"),
    ("a", "answers the agent's question"),
    ("x", "gives everybody more time"),
    ("s", "saves a screenshot"),
    ("d", "shows everything in full"),
    ("j k ↑ ↓", "another card"),
    ("PgDn PgUp", "read on, read back"),
    ("1 2 3 Tab", "queue, sessions, history"),
    ("q Ctrl-C", "detach, deciding nothing"),
];

const RULES: &[&str] = &[
    "y counts once the card was on screen long",
    "enough to be read, to its end, and no key",
    "was pressed for a moment. The line above",
    "the keys says what is still missing.",
    "Enter, Space, Esc and pasted text never",
    "decide. The card on screen stays until it",
    "is answered or ends, or you move on.",
];

/// The lines of the page.
pub(super) fn lines(theme: Theme) -> Vec<Line<'static>> {
    let keys = KEYS
        .iter()
        .map(|(key, what)| Line::from(vec![span(&format!(" {key:<10}"), theme.key()), span(what, theme.plain())]));
    let rules = RULES.iter().map(|rule| Line::from(span(&format!(" {rule}"), theme.plain())));
    keys.chain([Line::default()]).chain(rules).collect()
}
