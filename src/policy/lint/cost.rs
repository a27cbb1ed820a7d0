//! What an expression costs: how large it gets, and whether it searches for what needs no searching.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::policy::rule::Pattern;

/// What to do about an expression that costs.
pub(super) const HINT: &str = "`text` finds phrases at no cost; say what stands in the text, and count less with {n,m}";

/// From here on an expression is large, in states.
const LARGE: u64 = 2_000;

/// What an expression costs too much, in words.
pub(super) fn of(pattern: &Pattern) -> Option<String> {
    let hir = regex_syntax::parse(pattern.as_str()).ok()?;
    if has_idle_end(&hir) {
        return Some(format!(
            "the expression '{}' begins or ends with `.*`, which finds nothing more",
            pattern.as_str()
        ));
    }
    let states = states(&hir);
    (states >= LARGE).then(|| format!("the expression '{}' grows to about {states} states", pattern.as_str()))
}

/// Whether it begins or ends with something that may be anything, or nothing.
fn has_idle_end(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Concat(parts) => [parts.first(), parts.last()].into_iter().flatten().any(has_idle_end),
        HirKind::Capture(group) => has_idle_end(&group.sub),
        HirKind::Repetition(repetition) => {
            let any = matches!(repetition.sub.kind(), HirKind::Class(class) if is_nearly_everything(class));
            repetition.min == 0 && repetition.max.is_none() && any
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) | HirKind::Alternation(_) => false,
    }
}

/// `.`, with or without line breaks.
fn is_nearly_everything(class: &Class) -> bool {
    let Class::Unicode(class) = class else { return false };
    let covered: u64 = class.iter().map(|range| u64::from(u32::from(range.end()) - u32::from(range.start())) + 1).sum();
    covered > 1_000_000
}

/// About how many states it takes, counted repetitions written out.
fn states(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        // A class of many characters takes several bytes, each with states of its own.
        HirKind::Class(Class::Unicode(class)) => 1 + class.ranges().len() as u64 / 4,
        HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            states(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(group) => states(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(0, |sum: u64, part| sum.saturating_add(states(part)))
        }
    }
}
