//! The screen: what the console knows, drawn into a buffer of cells.
//!
//! Pure; decides nothing. Untrusted text passes the escaping function where its line is made, and every span once more in
//! [`span`]: the cells would drop what is hidden, silently. Nothing is cut without a mark.

mod card;
mod footer;
mod header;
mod help;
mod lists;
mod queue;
mod table;
mod theme;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::machine::{Console, Moment, Page};
use crate::operator::escape::again;
use theme::Theme;

/// How many lines there are, and how many fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) lines: usize,
    pub(super) height: usize,
}

/// Draws the whole screen; says where the cursor is, if one is shown.
pub(super) fn draw(console: &Console, now: Moment, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let theme = Theme { colours: console.settings.colours };
    let width = usize::from(console.size.0);
    let foot = footer::lines(console, now, theme);
    let mut lines = header::lines(console, now, theme);
    lines.extend(body(console, now, theme));
    let rows = usize::from(console.size.1);
    lines.truncate(rows.saturating_sub(foot.len()));
    let begin = rows.saturating_sub(foot.len());
    put(buffer, 0, &lines, width);
    put(buffer, begin, &foot, width);
    footer::cursor(console).map(|column| (column, u16::try_from(begin + footer::entry_row(console)).unwrap_or(0)))
}

/// The room for the pinned card; `None` when no card is on screen.
pub(super) fn card_room(console: &Console) -> Option<Room> {
    console.pinned.as_ref()?;
    let lines = card::lines(console, Theme { colours: false }).len();
    let height = body_height(console).saturating_sub(queue::height(console) + 1);
    Some(Room { lines, height })
}

/// The room for the list or the text that is on screen instead.
pub(super) fn list_room(console: &Console) -> Room {
    let theme = Theme { colours: false };
    let lines = match console.page {
        Page::Queue | Page::Picture => 0,
        Page::Sessions => console.sessions.len(),
        Page::History => console.history.len(),
        Page::Help => help::lines(theme).len(),
    };
    Room { lines, height: body_height(console).saturating_sub(1) }
}

fn body_height(console: &Console) -> usize {
    usize::from(console.size.1).saturating_sub(header::height(console) + footer::height(console))
}

fn body(console: &Console, now: Moment, theme: Theme) -> Vec<Line<'static>> {
    match console.page {
        Page::Picture => Vec::new(),
        Page::Queue if console.pinned.is_none() => queue::nothing(console, theme),
        Page::Queue if !console.is_large_enough() => queue::too_small(console, theme),
        Page::Queue => {
            let mut lines = queue::lines(console, now, theme);
            lines.extend(card::shown(console, theme));
            lines
        }
        Page::Sessions => lists::sessions(console, now, theme),
        Page::History => lists::history(console, theme),
        Page::Help => lists::titled("help", help::lines(theme), console, theme),
    }
}

fn put(buffer: &mut Buffer, first: usize, lines: &[Line<'static>], width: usize) {
    for (i, line) in lines.iter().enumerate() {
        let Ok(row) = u16::try_from(first + i) else { return };
        if row < buffer.area.height {
            buffer.set_line(0, row, line, u16::try_from(width).unwrap_or(u16::MAX));
        }
    }
}

/// The one way in which text comes onto the screen.
fn span(text: &str, style: Style) -> Span<'static> {
    Span::styled(again(text), style)
}

/// `text` in at most `width` columns; what is left out is marked.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// A line across the screen with a name at the left and a remark at the right.
fn rule(left: &str, right: &str, width: usize, theme: Theme) -> Line<'static> {
    let left = if left.is_empty() { String::new() } else { format!(" {left} ") };
    let right = if right.is_empty() { String::new() } else { format!(" {right} ") };
    let left = fit(&left, width.saturating_sub(2));
    let right = if left.width() + right.width() + 4 <= width { right } else { String::new() };
    let between = width.saturating_sub(left.width() + right.width() + 2);
    Line::from(vec![
        span("─", theme.dim()),
        span(&left, theme.strong()),
        span(&"─".repeat(between), theme.dim()),
        span(&right, theme.dim()),
        span("─", theme.dim()),
    ])
}

/// How long something lasts, in words that stay short.
fn lasting(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}
