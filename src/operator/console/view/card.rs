//! The pinned card: what is different first, then the card itself, as the prompt has it.

use ratatui::text::Line;

use super::queue::subject;
use super::theme::Theme;
use super::{card_room, fit, rule, span};
use crate::gate::Subject;
use crate::gate::Timing;
use crate::operator::card::{self, Frame};
use crate::operator::console::machine::Console;
use crate::operator::layout::{Page, PageLine};

/// The part of the card that is on screen, under its title.
pub(super) fn shown(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let (Some((pinned, view)), Some(room)) = (console.on_card(), card_room(console)) else { return Vec::new() };
    let width = usize::from(console.size.0);
    let last = (pinned.top + room.height).min(room.lines);
    let more = match (pinned.top, room.lines > last) {
        (0, false) => String::new(),
        (_, true) => format!("lines {}–{last} of {}, PgDn reads on", pinned.top + 1, room.lines),
        (_, false) => format!("lines {}–{last} of {}", pinned.top + 1, room.lines),
    };
    let late = if is_late(console) { "  LATE" } else { "" };
    let what = if pinned.details { "  everything" } else { "" };
    let title = format!("{}  {}{late}{what}", view.card.code(), subject(&view.card));
    let mut out = vec![rule(&title, &more, width, theme)];
    out.extend(lines(console, theme).into_iter().skip(pinned.top).take(room.height));
    out
}

/// All of the card's lines.
pub(super) fn lines(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let Some((pinned, view)) = console.on_card() else { return Vec::new() };
    let columns = usize::from(console.size.0).saturating_sub(2);
    let frame = Frame { columns, zone: &console.zone, waiting: 0, margin: Some(0) };
    let mut page = Page::with_margin(columns, 0);
    if !pinned.changed.is_empty() {
        page.row("CHANGED", &pinned.changed.join("; "));
    }
    let changed = page.lines();
    let card = if pinned.details { card::details(view, &frame) } else { card::card(view, &frame) };
    let style = |line: &PageLine| match line.lead.trim() {
        "" if line.lead.is_empty() => theme.strong(),
        "LATE" => theme.warning(),
        _ => theme.plain(),
    };
    let changed = changed.iter().map(|line| drawn(line, columns, theme, theme.warning()));
    let lines = card.lines();
    changed.chain(lines.iter().map(|line| drawn(line, columns, theme, style(line)))).collect()
}

fn drawn(line: &PageLine, columns: usize, theme: Theme, style: ratatui::style::Style) -> Line<'static> {
    let lead = fit(&line.lead, columns);
    Line::from(vec![span(" ", theme.plain()), span(&lead, theme.dim()), span(&line.text, style)])
}

pub(super) fn is_late(console: &Console) -> bool {
    console.on_card().is_some_and(|(_, view)| view.card.timing == Timing::Late && view.card.subject == Subject::Hold)
}
