//! The header: what waits, since when, under which policy, who is attached, and whether the daemon is there.

use ratatui::text::Line;
use unicode_width::UnicodeWidthStr as _;

use super::theme::Theme;
use super::{fit, lasting, span};
use crate::control::Presence;
use crate::gate::ApprovalId;
use crate::operator::console::machine::{Console, Link, Moment};
use crate::operator::escape::{again, short};
use crate::operator::words;

/// How many lines the header has.
pub(super) fn height(console: &Console) -> usize {
    1 + usize::from(console.daemon.halt.is_some()) + usize::from(matches!(console.link, Link::Lost { .. }))
}

/// The header's lines.
pub(super) fn lines(console: &Console, now: Moment, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(console.size.0);
    let mut out = vec![first(console, now, width, theme)];
    if let Link::Lost { since, why } = &console.link {
        let since = words::clock(*since, &console.zone);
        let said = format!(" DISCONNECTED since {since}: {}; trying again", again(why));
        out.push(Line::from(span(&fit(&said, width), theme.alarm())));
    }
    if let Some(halt) = &console.daemon.halt {
        let reason = halt.reason.as_deref().map(|reason| format!(": {}", short(reason))).unwrap_or_default();
        let (by, at) = (short(&halt.by.0), words::clock(halt.at, &console.zone));
        let said = format!(" EVERYTHING IS STOPPED by {by} at {at}{reason}; no deadline runs");
        out.push(Line::from(span(&fit(&said, width), theme.alarm())));
    }
    out
}

/// As many facts as have room, the most important first; what is missing is marked.
fn first(console: &Console, now: Moment, width: usize, theme: Theme) -> Line<'static> {
    let mut out = format!(" {}", waiting(console, now));
    let facts = [
        link(console).to_owned(),
        operators(console),
        format!("policy {:.8}", console.daemon.policy.to_string()),
        format!("holdpoint {}", short(&console.daemon.version)),
    ];
    for fact in facts.iter().filter(|fact| !fact.is_empty()) {
        if out.width() + 3 + fact.width() + 2 > width {
            out.push_str(" …");
            break;
        }
        out.push_str(" · ");
        out.push_str(fact);
    }
    Line::from(span(&fit(&out, width), theme.bar()))
}

fn waiting(console: &Console, now: Moment) -> String {
    let oldest = console.queue.iter().map(|view| view.card.opened_at).min();
    match (console.queue.len(), oldest) {
        (0, _) | (_, None) => "nothing waits".to_owned(),
        (count, Some(since)) => {
            format!("{count} waiting, oldest {}", lasting(now.wall.as_second().saturating_sub(since.as_second())))
        }
    }
}

fn link(console: &Console) -> &'static str {
    match console.link {
        Link::Connecting => "connecting…",
        Link::Connected => "connected",
        Link::Lost { .. } => "disconnected",
    }
}

/// Who is attached, and which cards the others look at.
fn operators(console: &Console) -> String {
    let names: Vec<String> = console.operators.iter().map(|presence| operator(presence, console)).collect();
    names.join(", ")
}

fn operator(presence: &Presence, console: &Console) -> String {
    let name = short(&presence.operator.0);
    let is_me = console.you.as_ref().is_some_and(|you| you.operator == presence.operator);
    // One that has just ended is nowhere on screen any more, whatever was told of who looks at it.
    let is_open = |id: &&ApprovalId| console.queue.iter().any(|view| view.card.approval == **id);
    let codes: Vec<String> = presence.looking_at.iter().filter(is_open).map(|id| id.code().to_string()).collect();
    match (is_me, codes.is_empty()) {
        (true, _) => format!("{name} (you)"),
        (false, true) => name,
        (false, false) => format!("{name} at {}", codes.join(" ")),
    }
}
