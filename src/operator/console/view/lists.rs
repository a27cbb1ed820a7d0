//! The other two pages: watched sessions, and what has ended.

use ratatui::text::Line;

use super::queue::subject;
use super::table::aligned;
use super::theme::Theme;
use super::{fit, lasting, list_room, rule, span};
use crate::control::{ApprovalView, EndedBy, SessionView, Sight, State};
use crate::gate::Delivery;
use crate::operator::console::machine::{Console, Moment};
use crate::operator::escape::{again, escape, short};
use crate::operator::words;

/// The most columns of who decided, and of what became of it: one row's long sentence must not push the rest off the screen.
const WIDEST: usize = 32;

/// The watched sessions.
pub(super) fn sessions(console: &Console, now: Moment, theme: Theme) -> Vec<Line<'static>> {
    let rows: Vec<Vec<String>> = console.sessions.iter().map(|view| session(view, now)).collect();
    let style = |i: usize| match console.sessions.get(i).map(|view| &view.sight) {
        Some(Sight::Blind { .. }) => theme.alarm(),
        Some(Sight::Seen | Sight::NotYet) | None => theme.plain(),
    };
    page("sessions", "no session is watched", &rows, style, console, theme)
}

/// What has ended, the newest first.
pub(super) fn history(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let rows: Vec<Vec<String>> = console.history.iter().rev().map(|view| ended(view, console)).collect();
    page("history", "nothing has ended yet", &rows, |_| theme.plain(), console, theme)
}

/// Lines under a title, scrolled.
pub(super) fn titled(name: &str, lines: Vec<Line<'static>>, console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let room = list_room(console);
    let last = (console.top + room.height).min(room.lines);
    let more = if room.lines > room.height {
        format!("{}–{last} of {}", console.top + 1, room.lines)
    } else {
        String::new()
    };
    let mut out = vec![rule(name, &more, usize::from(console.size.0), theme)];
    out.extend(lines.into_iter().skip(console.top).take(room.height));
    out
}

fn page(
    name: &str,
    nothing: &str,
    rows: &[Vec<String>],
    style: impl Fn(usize) -> ratatui::style::Style,
    console: &Console,
    theme: Theme,
) -> Vec<Line<'static>> {
    let texts = aligned(rows, usize::from(console.size.0).saturating_sub(2));
    let mut lines: Vec<Line<'static>> =
        texts.iter().enumerate().map(|(i, text)| Line::from(span(&format!(" {text}"), style(i)))).collect();
    if lines.is_empty() {
        lines.push(Line::from(span(&format!(" {nothing}"), theme.plain())));
    }
    titled(name, lines, console, theme)
}

fn session(view: &SessionView, now: Moment) -> Vec<String> {
    let seconds = |since: jiff::Timestamp| lasting(now.wall.as_second().saturating_sub(since.as_second()));
    let sight = match &view.sight {
        Sight::Seen => "seen".to_owned(),
        Sight::NotYet => "not followed yet".to_owned(),
        Sight::Blind { since, why } => format!("BLIND for {}: {}", seconds(*since), again(why)),
    };
    let last =
        view.last.as_ref().map(|event| format!("{}: {}", short(event.kind.name()), words::quoted(&event.text, 120)));
    vec![
        view.session.to_string(),
        view.state.name().to_owned(),
        seconds(view.since),
        view.approval.map(|id| id.code().to_string()).unwrap_or_default(),
        sight,
        format!("{} events", view.events),
        last.unwrap_or_default(),
        view.goal.as_deref().map(|goal| format!("goal {}", words::quoted(goal, 80))).unwrap_or_default(),
    ]
}

fn ended(view: &ApprovalView, console: &Console) -> Vec<String> {
    let State::Ended { outcome, by, at, delivery, detail } = &view.state else { return Vec::new() };
    let who = match by {
        EndedBy::Operator { name, .. } => format!("by {}", short(&name.0)),
        EndedBy::Rule { name } => format!("by rule {}", short(name)),
        EndedBy::Deadline => "nobody answered".to_owned(),
        EndedBy::Session { what } => escape(what, 60).text,
    };
    // Why an approval was withdrawn is what became of its session.
    let is_said = matches!(by, EndedBy::Session { what } if what == detail);
    let delivery = match (delivery, detail.is_empty()) {
        (Delivery::Applied, false) if is_said => String::new(),
        (Delivery::Applying, _) => "on its way".to_owned(),
        (Delivery::Applied, true) => "done".to_owned(),
        (Delivery::Applied, false) => again(detail),
        (Delivery::Failed, _) => format!("FAILED: {}", again(detail)),
        (Delivery::Unknown, _) => format!("NOT KNOWN: {}", again(detail)),
    };
    let note = match by {
        EndedBy::Operator { note: Some(note), .. } => words::quoted(note, 80),
        EndedBy::Operator { note: None, .. } | EndedBy::Rule { .. } | EndedBy::Deadline | EndedBy::Session { .. } => {
            String::new()
        }
    };
    vec![
        words::clock(*at, &console.zone),
        view.card.code().to_string(),
        outcome.to_string(),
        fit(&who, WIDEST),
        fit(&delivery, WIDEST),
        subject(&view.card),
        view.card.amount.as_ref().map(words::amount).unwrap_or_default(),
        view.card.session.to_string(),
        note,
    ]
}
