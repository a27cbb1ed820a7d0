//! The footer: what was said last, the question with the reason why `y` is locked, and every key that does something.

use std::borrow::Cow;

use ratatui::text::Line;
use unicode_width::UnicodeWidthStr as _;

use super::theme::Theme;
use super::{fit, rule, span};
use crate::gate::{Card, Hold, Subject, Timing};
use crate::operator::console::machine::{Console, Entry, Lock, Moment, Page, Wanted};
use crate::operator::escape::again;
use crate::operator::layout::folded_under;
use crate::operator::words;
use crate::policy::Confirm;

/// How many lines the footer has.
pub(super) fn height(console: &Console) -> usize {
    1 + banner_height(console) + usize::from(has_question(console)) + key_lines(console).len()
}

/// The footer's lines.
pub(super) fn lines(console: &Console, now: Moment, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(console.size.0);
    let mut out = vec![rule("", "", width, theme)];
    out.extend(banner(console, theme));
    if has_question(console) {
        out.push(match &console.entry {
            Some(entry) => entry_line(entry, width, theme),
            None => question(console, now, width, theme),
        });
    }
    out.extend(key_lines(console).into_iter().map(|line| keys(&line, theme)));
    out
}

/// The column of the cursor, while a line is typed.
pub(super) fn cursor(console: &Console) -> Option<u16> {
    let entry = console.entry.as_ref().filter(|_| has_question(console))?;
    let (label, text) = entry_parts(entry, usize::from(console.size.0));
    u16::try_from(label.width() + text.width()).ok()
}

/// The footer's line in which is typed.
pub(super) fn entry_row(console: &Console) -> usize {
    1 + banner_height(console)
}

fn has_question(console: &Console) -> bool {
    console.page == Page::Queue && console.pinned.is_some()
}

fn banner_height(console: &Console) -> usize {
    banner_texts(console).len()
}

fn banner(console: &Console, theme: Theme) -> Vec<Line<'static>> {
    let style = |about_a_card| if about_a_card { theme.strong() } else { theme.plain() };
    banner_texts(console).into_iter().map(|(text, about)| Line::from(span(&text, style(about)))).collect()
}

/// The newest sentences, as many as have room whole, and whether each is about a card. The newest may take all the room:
/// the name of a file has to be readable.
fn banner_texts(console: &Console) -> Vec<(String, bool)> {
    let (width, most) = (usize::from(console.size.0), if console.size.1 >= 20 { 2 } else { 1 });
    let mut out: Vec<(String, bool)> = Vec::new();
    for said in console.said.iter().rev() {
        let mut lines = folded_under(&again(&format!(" {}", said.text)), width, 2);
        if out.is_empty() && lines.len() > most {
            let rest: Vec<&str> = lines.iter().skip(most - 1).map(|line| line.trim()).collect();
            let (last, indent) = (rest.join(" "), if most > 1 { "  " } else { " " });
            lines.truncate(most - 1);
            lines.push(fit(&format!("{indent}{last}"), width));
        } else if out.len() + lines.len() > most {
            break;
        }
        let texts = lines.into_iter().map(|line| (line, said.about.is_some()));
        out = texts.chain(out).collect();
    }
    out
}

fn question(console: &Console, now: Moment, width: usize, theme: Theme) -> Line<'static> {
    let Some((_, view)) = console.on_card() else { return Line::default() };
    let card = &view.card;
    let asked = match asked(card, width).as_ref() {
        "" => format!(" {}  ", card.code()),
        words => format!(" {}  {words}  ", card.code()),
    };
    let (state, style) = match console.lock(now.mono) {
        Some(lock) => (locked(&lock, console), theme.warning()),
        None => (ready(card), theme.ready()),
    };
    let room = width.saturating_sub(asked.width());
    Line::from(vec![span(&fit(&asked, width), theme.strong()), span(&fit(&state, room), style)])
}

fn asked(card: &Card, width: usize) -> Cow<'static, str> {
    let late = card.timing == Timing::Late;
    match (card.subject, width < 60) {
        (Subject::Hold, true) if late => "LATE".into(),
        (_, true) => "".into(),
        (Subject::Question, false) => "send this answer?".into(),
        (Subject::Hold, false) if late => late_hold(card, width < 100),
        (Subject::Hold, false) => match card.hold {
            Hold::ByOthers => "approve? (it will not be resumed)".into(),
            Hold::InDoubt { .. } => "approve? (whose pause it is, is not known)".into(),
            Hold::None | Hold::NotYetPaused | Hold::Paused { .. } => "approve?".into(),
        },
    }
}

/// What may have happened already, and what an approval does nevertheless: neither hides the other.
fn late_hold(card: &Card, short: bool) -> Cow<'static, str> {
    let late = words::late(card);
    match card.hold {
        Hold::ByOthers if short => "LATE. It will not be resumed.".into(),
        Hold::ByOthers => format!("{late} It will not be resumed.").into(),
        Hold::InDoubt { .. } if short => "LATE. Whose pause it is, is not known.".into(),
        Hold::InDoubt { .. } => format!("{late} Whose pause it is, is not known.").into(),
        Hold::None | Hold::NotYetPaused | Hold::Paused { .. } => late.into(),
    }
}

fn locked(lock: &Lock, console: &Console) -> String {
    let more = match lock {
        Lock::ReadToTheEnd => match console.on_card() {
            Some((pinned, _)) if !pinned.details && !console.shows_end() => " (PgDn)",
            Some((pinned, _)) if !pinned.details => " (d shows all of it)",
            _ => " (PgDn)",
        },
        Lock::Disconnected
        | Lock::Observer
        | Lock::Deciding(_)
        | Lock::Sent
        | Lock::NotPausedYet
        | Lock::NoSetAnswer
        | Lock::SecondOperator
        | Lock::WindowTooSmall
        | Lock::Changed
        | Lock::Reading
        | Lock::KeysArriving
        | Lock::AnotherCard => "",
    };
    let y = if console.size.0 < 60 { "y locked" } else { "y is locked" };
    format!("{y}: {}{more}", lock.words())
}

fn ready(card: &Card) -> String {
    match card.confirm {
        Confirm::Key if card.timing == Timing::Late => {
            format!("y {}, n {}", words::approving(card), words::denying(card))
        }
        Confirm::Key => format!("y {} · n {}", words::approving(card), words::denying(card)),
        Confirm::Type => {
            format!("y, then {}, {} · n {}", words::to_type(card), words::approving(card), words::denying(card))
        }
    }
}

fn entry_line(entry: &Entry, width: usize, theme: Theme) -> Line<'static> {
    let (label, text) = entry_parts(entry, width);
    Line::from(vec![span(&label, theme.strong()), span(&text, theme.plain())])
}

/// The label, and the end of the text as far as it has room; a beginning that is left out is marked.
fn entry_parts(entry: &Entry, width: usize) -> (String, String) {
    let label = format!(" {}: ", entry.wanted.label());
    let room = width.saturating_sub(label.width() + 1);
    let mut text = entry.shown();
    if text.width() > room {
        while text.width() + 1 > room && !text.is_empty() {
            text.remove(0);
        }
        text.insert(0, '…');
    }
    (label, text)
}

/// Every active key with its word, in lines that fit.
fn key_lines(console: &Console) -> Vec<String> {
    let width = usize::from(console.size.0).saturating_sub(1);
    let narrow = width < 60;
    let mut lines = vec![String::new()];
    for key in active(console) {
        let (long, short) = key;
        let text = if narrow { short } else { long };
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && last.width() + 2 + text.width() > width {
            lines.push(text.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { "  " });
            last.push_str(text);
        }
    }
    lines
}

/// The keys that do something now: with a word, and with a shorter one.
fn active(console: &Console) -> Vec<(&'static str, &'static str)> {
    if let Some(entry) = &console.entry {
        return match entry.wanted {
            Wanted::DenyReason => vec![("Enter denies", "Enter denies"), ("Esc goes back", "Esc back")],
            Wanted::ApproveReason => vec![("Enter goes on", "Enter goes on"), ("Esc goes back", "Esc back")],
            Wanted::Instruction | Wanted::Answer => vec![("Enter sends", "Enter sends"), ("Esc goes back", "Esc back")],
            Wanted::Confirmation(_) => vec![("Enter approves", "Enter approves"), ("Esc goes back", "Esc back")],
        };
    }
    let mut keys = Vec::new();
    match console.page {
        Page::Picture => return vec![("any key goes back", "any key goes back")],
        Page::Queue => keys.extend(card_keys(console)),
        Page::Sessions | Page::History | Page::Help => {
            keys.extend([("j/k PgUp/PgDn scroll", "j/k move"), ("1 queue", "1 queue")]);
        }
    }
    keys.extend([("2 sessions", "2 sess"), ("3 history", "3 hist"), ("? help", "? help"), ("q detach", "q quit")]);
    keys
}

fn card_keys(console: &Console) -> Vec<(&'static str, &'static str)> {
    let Some((_, view)) = console.on_card() else { return Vec::new() };
    let mut keys = vec![("y approve", "y yes"), ("n deny", "n no"), ("r deny with a reason", "r why")];
    keys.push(match view.card.subject {
        Subject::Hold => ("m instruct", "m tell"),
        Subject::Question => ("a answer", "a answer"),
    });
    if view.extensions_left > 0 {
        keys.push(("x extend", "x time"));
    }
    keys.extend([("s screenshot", "s shot"), ("d details", "d all")]);
    if console.queue.len() > 1 {
        keys.push(("j/k move", "j/k move"));
    }
    keys
}

fn keys(line: &str, theme: Theme) -> Line<'static> {
    let mut spans = vec![span(" ", theme.plain())];
    for (i, key) in line.split("  ").enumerate() {
        let (name, what) = key.split_once(' ').unwrap_or((key, ""));
        spans.push(span(if i == 0 { "" } else { "  " }, theme.plain()));
        spans.push(span(name, theme.key()));
        spans.push(span(&format!(" {what}"), theme.dim()));
    }
    Line::from(spans)
}
