//! What waits, the riskiest first, then what has the least time.

use ratatui::text::Line;

use super::table::aligned;
use super::theme::Theme;
use super::{fit, lasting, rule, span};
use crate::control::{ApprovalView, State};
use crate::gate::{Card, Revision, Subject, Timing};
use crate::operator::console::machine::{Console, Link, Moment, SMALLEST};
use crate::operator::escape::{escape, short};
use crate::operator::words;

/// How many lines the queue has.
pub(super) fn height(console: &Console) -> usize {
    let most = (usize::from(console.size.1) / 6).max(1);
    console.queue.len().min(most)
}

/// The part of the queue around the pinned approval.
pub(super) fn lines(console: &Console, now: Moment, theme: Theme) -> Vec<Line<'static>> {
    let (width, height) = (usize::from(console.size.0), height(console));
    let is_pinned = |view: &ApprovalView| console.pinned.as_ref().is_some_and(|pinned| pinned.id == view.card.approval);
    let at = console.queue.iter().position(is_pinned).unwrap_or(0);
    let first = at.saturating_sub(height / 2).min(console.queue.len().saturating_sub(height));
    let rows: Vec<Vec<String>> = console.queue.iter().map(|view| row(view, console, now)).collect();
    let hidden = console.queue.len().saturating_sub(height);
    let mark = if hidden > 0 { format!("  +{hidden} more") } else { String::new() };
    let texts = aligned(&rows, width.saturating_sub(3 + mark.len()));
    let shown = texts.iter().zip(&console.queue).skip(first).take(height).enumerate();
    shown
        .map(|(i, (text, view))| {
            let (lead, style) = if is_pinned(view) { (" > ", theme.strong()) } else { ("   ", theme.plain()) };
            let mark = if i + 1 == height { mark.as_str() } else { "" };
            Line::from(vec![span(lead, style), span(text, style), span(mark, theme.dim())])
        })
        .collect()
}

/// What is said when nothing is pinned.
pub(super) fn nothing(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(console.size.0);
    let said = match console.link {
        Link::Connecting => " reaching the daemon…".to_owned(),
        Link::Lost { .. } => " what waits is not known while the daemon is not reached".to_owned(),
        Link::Connected => {
            let sessions = console.sessions.len();
            let watched = if sessions == 1 { "1 session is".to_owned() } else { format!("{sessions} sessions are") };
            format!(" nothing waits for an answer; {watched} watched")
        }
    };
    vec![rule("", "", width, theme), Line::default(), Line::from(span(&fit(&said, width), theme.plain()))]
}

/// What is said instead of a card that could not be read.
pub(super) fn too_small(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(console.size.0);
    let said = format!(" a card needs a window of {} × {}", SMALLEST.0, SMALLEST.1);
    vec![Line::from(span(&fit(&said, width), theme.warning()))]
}

fn row(view: &ApprovalView, console: &Console, now: Moment) -> Vec<String> {
    let card = &view.card;
    let age = now.wall.as_second().saturating_sub(card.opened_at.as_second());
    let left = view.deadline.as_second().saturating_sub(now.wall.as_second());
    vec![
        card.code().to_string(),
        lasting(age),
        subject(card),
        words::risk(card.risk).to_owned(),
        card.amount.as_ref().map(words::amount).unwrap_or_default(),
        if view.frozen { "stopped".to_owned() } else { format!("{} left", lasting(left)) },
        remark(view, console),
        card.domain.as_deref().map(|domain| escape(domain, 40).text).unwrap_or_default(),
        card.session.to_string(),
    ]
}

/// What a card is about, in a word.
pub(super) fn subject(card: &Card) -> String {
    match card.subject {
        Subject::Question => "QUESTION".to_owned(),
        Subject::Hold => card.rules.first().map_or("HOLD".to_owned(), |rule| short(&rule.name).to_uppercase()),
    }
}

fn remark(view: &ApprovalView, console: &Console) -> String {
    let mut parts = Vec::new();
    match &view.state {
        _ if view.card.revision == Revision(0) => parts.push("pausing".to_owned()),
        State::Draft => parts.push("pausing".to_owned()),
        State::Deciding { by } => parts.push(format!("{} decides", short(&by.0))),
        State::Open | State::Ended { .. } => {}
    }
    if view.card.timing == Timing::Late && view.card.subject == Subject::Hold {
        parts.push("LATE".to_owned());
    }
    if view.card.terms.approvals > 1 {
        parts.push(format!("{} of {}", view.votes.len(), view.card.terms.approvals));
    }
    let me = console.you.as_ref().map(|you| &you.operator);
    let others = console.operators.iter().filter(|presence| Some(&presence.operator) != me);
    let looking = others.filter(|presence| presence.looking_at.contains(&view.card.approval));
    parts.extend(looking.map(|presence| format!("{} looks", short(&presence.operator.0))));
    parts.join(", ")
}
