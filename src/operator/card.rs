//! A card as an operator reads it: what we derived first, what the agent claims last, behind a gutter.
//!
//! Everything that is not our own passes the escaping function here.

use jiff::tz::TimeZone;

use super::layout::Page;
use super::words;
use crate::control::{ApprovalView, State};
use crate::gate::{Card, EventLine, Hold, Revision, RuleLine, Subject, Timing};
use crate::operator::escape::{Escaped, again, block, escape, short};
use crate::operator::terms;
use crate::policy::{Confirm, Match, ReasonFor};

/// The most characters of the trigger's text on a card; `d` shows the rest.
const TRIGGER: usize = 1_200;
/// The most characters of the events around it.
const AROUND: usize = 160;
/// The most rules on a card.
const RULES: usize = 6;

/// Where and for whom a card is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) columns: usize,
    pub(crate) zone: &'a TimeZone,
    /// How many other approvals wait.
    pub(crate) waiting: usize,
    /// The margin left of the labels; `None` is what fits append-only lines.
    pub(crate) margin: Option<usize>,
}

impl Frame<'_> {
    fn page(&self) -> Page {
        self.margin.map_or_else(|| Page::new(self.columns), |margin| Page::with_margin(self.columns, margin))
    }
}

/// The whole card, without the question under it.
pub(crate) fn card(view: &ApprovalView, frame: &Frame<'_>) -> Page {
    let card = &view.card;
    let mut page = frame.page();
    page.fields(&head(card, frame.zone));
    timing(&mut page, card);
    card.rules.iter().take(RULES).for_each(|rule| page.row("rule", &rule_text(rule, 80)));
    if card.rules.len() > RULES {
        page.row("rule", &format!("and {} more; d shows them", card.rules.len() - RULES));
    }
    place(&mut page, card, 120);
    hold(&mut page, card, frame.zone);
    terms(&mut page, view);
    notes(&mut page, card);
    needs(&mut page, view);
    claims(&mut page, card);
    stopped(&mut page, view);
    page.row("then", &then(view, frame));
    page
}

/// The card in one line, for lists and for approvals that are not asked about yet.
pub(crate) fn headline(view: &ApprovalView, frame: &Frame<'_>, remark: &str) -> String {
    let mut page = frame.page();
    let mut fields = head(&view.card, frame.zone);
    fields.push(remark.to_owned());
    page.fields(&fields);
    page.finish()
}

/// Everything there is, long text in full.
pub(crate) fn details(view: &ApprovalView, frame: &Frame<'_>) -> Page {
    let card = &view.card;
    let mut page = frame.page();
    page.fields(&head(card, frame.zone));
    page.row("id", &format!("{} revision {}", card.approval, card.revision));
    page.row("digest", &view.digest.to_string());
    page.row("opened", &format!("{} (UTC {})", words::clock(card.opened_at, frame.zone), card.opened_at));
    timing(&mut page, card);
    card.rules.iter().for_each(|rule| page.row("rule", &rule_text(rule, 10_000)));
    place(&mut page, card, 10_000);
    hold(&mut page, card, frame.zone);
    terms(&mut page, view);
    notes(&mut page, card);
    needs(&mut page, view);
    let ours = stands_on_us(card);
    if ours {
        because(&mut page, card, 10_000);
    }
    page.row("agent", "what the agent and the page say (untrusted):");
    for (label, text) in [("name", &card.agent), ("goal", &card.goal)] {
        text.iter().for_each(|text| in_full(&mut page, label, text));
    }
    let trigger = Some(("trigger", &card.trigger)).filter(|_| !ours);
    let events = card.before.iter().map(|event| ("before", event)).chain(trigger);
    for (label, event) in events.chain(card.after.iter().map(|event| ("after", event))) {
        let at = event.at.map(|at| format!(", {}", words::clock(at, frame.zone))).unwrap_or_default();
        let id = event.id.map(|id| format!(" {id}")).unwrap_or_default();
        page.quoted(label, &format!("{}{id}{at}, {} characters", short(event.kind.name()), event.chars));
        in_full(&mut page, "", &event.text);
        event.whole.iter().for_each(|whole| page.quoted("", &format!("(shortened; sha256 of the whole: {whole})")));
    }
    stopped(&mut page, view);
    page.row("then", &then(view, frame));
    page
}

/// Whether the card leaves out part of the text that made the rules fire. Where they fired more than once, each later event
/// may be one of those.
pub(crate) fn is_cut(card: &Card) -> bool {
    trigger_is_cut(card) || later_is_cut(card)
}

fn trigger_is_cut(card: &Card) -> bool {
    shortens(&card.trigger, TRIGGER)
}

fn later_is_cut(card: &Card) -> bool {
    card.triggers > 1 && card.after.iter().any(|event| shortens(event, AROUND))
}

fn shortens(event: &EventLine, max: usize) -> bool {
    escape(&event.text, max).cut || event.whole.is_some()
}

fn head(card: &Card, zone: &TimeZone) -> Vec<String> {
    let subject = match card.subject {
        Subject::Question => "QUESTION".to_owned(),
        Subject::Hold => card.rules.first().map_or("HOLD".to_owned(), |rule| short(&rule.name).to_uppercase()),
    };
    let earlier = card.amount.as_ref().is_some_and(|amount| amount.earlier);
    let amount = card.amount.as_ref().map(words::amount).unwrap_or_default();
    vec![
        words::clock(card.opened_at, zone),
        card.code().to_string(),
        subject,
        words::risk(card.risk).to_owned(),
        if earlier { format!("{amount} (seen earlier)") } else { amount },
        card.domain.as_deref().map(|domain| escape(domain, 60).text).unwrap_or_default(),
        match (card.subject, card.revision) {
            (Subject::Question, _) => String::new(),
            // Until things have settled nobody knows.
            (Subject::Hold, Revision(0)) => "timing not known yet".to_owned(),
            // Nothing was announced that could be in time.
            (Subject::Hold, _) if card.timing == Timing::Unknown && card.is_by_hand() => String::new(),
            (Subject::Hold, _) => card.timing.name().to_owned(),
        },
        format!("session {}", card.session),
    ]
}

fn timing(page: &mut Page, card: &Card) {
    if card.subject == Subject::Question {
        return;
    }
    let why = again(&card.timing_why);
    match card.timing {
        Timing::InTime => page.row("timing", &format!("in time: {why}")),
        Timing::Late => {
            page.row("LATE", words::late(card));
            page.row("", &why);
        }
        Timing::Unknown if card.is_by_hand() => page.row("timing", "nothing was seen of the agent since"),
        Timing::Unknown => page.row("timing", &format!("unknown, so it may have happened: {why}")),
    }
}

fn rule_text(rule: &RuleLine, max: usize) -> String {
    let matched = |found: &Match| format!("{} {}", short(&found.condition), words::quoted(&found.words, max));
    let mut parts: Vec<String> = rule.matched.iter().map(matched).collect();
    parts.extend(rule.undecided.iter().map(|what| format!("undecided: {}", short(what))));
    let effect = words::effect(rule.effect);
    let name = format!("{} ({effect}), {}", short(&rule.name), short(&rule.place));
    if parts.is_empty() { name } else { format!("{name}: {}", parts.join(", ")) }
}

fn place(page: &mut Page, card: &Card, max: usize) {
    if let Some(amount) = &card.amount {
        let said = format!("{}, read from {}", words::amount(amount), words::quoted(&amount.words, max));
        let unread = if amount.number.is_none() { "; it counts as over any limit" } else { "" };
        let earlier = if amount.earlier { " (seen earlier in this session, not in this event)" } else { "" };
        page.row("amount", &format!("{said}{unread}{earlier}"));
    }
    if let Some(domain) = card.domain.as_ref().filter(|domain| domain.split('.').any(|label| label.starts_with("xn--")))
    {
        page.row("domain", &format!("{} is punycode: its letters may imitate another name", escape(domain, max).text));
    }
    let title = card.title.as_ref().map(|title| words::quoted(title, max));
    let url = card.url.as_ref().map(|url| escape(url, max).text);
    let page_line: Vec<String> = title.into_iter().chain(url).collect();
    if !page_line.is_empty() {
        page.row("page", &format!("{}  (untrusted)", page_line.join("  ")));
    }
}

fn hold(page: &mut Page, card: &Card, zone: &TimeZone) {
    match &card.hold {
        Hold::None => page.row("held", "the agent waits for an answer by itself; nothing was paused"),
        Hold::NotYetPaused => page.row("held", "the provider has not confirmed the pause yet"),
        // The order may be hours old: a stop of everything pauses what begins to act under it.
        Hold::Paused { at, .. } if card.is_by_hand() => {
            page.row("held", &format!("paused at {}", words::clock(*at, zone)));
        }
        Hold::Paused { at, after_ms } => {
            // How old it was by then is what cannot be told.
            let is_old = card.timing == Timing::Unknown && !card.trigger.is_ours();
            let trigger = if is_old { "the trigger was read" } else { "the trigger" };
            page.row("held", &format!("paused at {}, {after_ms} ms after {trigger}", words::clock(*at, zone)));
        }
        Hold::ByOthers => page.row("held", "it was paused before we came: y will not resume it"),
        Hold::InDoubt { at, .. } => {
            let at = words::clock(*at, zone);
            page.row("held", &format!("paused, seen at {at}; whether by us is not known"));
        }
    }
}

/// Who has to agree, where that is more than one operator or not every one.
fn terms(page: &mut Page, view: &ApprovalView) {
    let terms = &view.card.terms;
    if terms.approvals > 1 {
        let given: Vec<String> = view.votes.iter().map(|vote| short(&vote.by.0)).collect();
        let missing = usize::from(terms.approvals).saturating_sub(given.len());
        let so_far = if given.is_empty() {
            "nobody has approved yet".to_owned()
        } else {
            format!("approved by {}, needs {missing} more", given.join(", "))
        };
        page.row("needs", &format!("the approval of {} operators: {so_far}", terms.approvals));
    }
    if !terms.not_by.is_empty() {
        let names: Vec<String> = terms.not_by.iter().map(|name| short(name)).collect();
        page.row("not by", &format!("{}: the rule excludes them from approving", names.join(", ")));
    }
    match terms.reason {
        ReasonFor::Nothing => {}
        ReasonFor::Approve => page.row("reason", "approving this needs a reason"),
        ReasonFor::Deny => page.row("reason", "denying this needs a reason"),
        ReasonFor::Both => page.row("reason", "approving and denying this need a reason"),
    }
}

fn notes(page: &mut Page, card: &Card) {
    if card.triggers > 1 {
        page.row("note", &format!("this stands for {} triggers", card.triggers));
    }
    if card.left_out > 0 {
        let events = if card.left_out == 1 { "event is" } else { "events are" };
        page.row("note", &format!("{} {events} left out after the first ones that followed", card.left_out));
    }
    card.notes.iter().for_each(|note| page.row("note", &again(note)));
}

fn needs(page: &mut Page, view: &ApprovalView) {
    let said = terms::needs(view);
    if !said.is_empty() {
        page.row("needs", &said);
    }
}

fn claims(page: &mut Page, card: &Card) {
    let name = card.agent.as_deref().map(|name| words::quoted(name, 60));
    let ours = stands_on_us(card);
    let mut hidden = ours && because(page, card, TRIGGER);
    if ours && card.goal.is_none() && card.before.is_empty() && card.after.is_empty() {
        if let Some(name) = name {
            page.row("agent", &format!("{name} (untrusted)"));
        }
    } else {
        let name = name.map(|name| name + " ").unwrap_or_default();
        page.row("agent", &format!("{name}says (untrusted):"));
    }
    if let Some(goal) = &card.goal {
        hidden |= quote(page, "goal", "", escape(goal, AROUND));
    }
    for event in &card.before {
        hidden |= said(page, "before", event, AROUND);
    }
    if !ours {
        hidden |= said(page, "trigger", &card.trigger, TRIGGER);
    }
    for event in &card.after {
        hidden |= said(page, "after", event, AROUND);
    }
    if hidden {
        page.row("hidden", "characters that do not show are written as <U+…>");
    }
    if trigger_is_cut(card) {
        let chars = card.trigger.chars;
        page.row(
            "long",
            &format!("{chars} characters, not all of them here: d shows what is kept, and has to before y"),
        );
    } else if later_is_cut(card) {
        page.row("long", "what fired later is not all here: d shows what is kept, and has to before y");
    }
}

/// Whether an operator is all that the card stands on. An event of the session, which anybody may have written, is never taken for
/// one of ours.
fn stands_on_us(card: &Card) -> bool {
    card.is_by_hand() && card.trigger.is_ours()
}

/// Why the session is held, where an operator is all that the card stands on: that is no claim of the agent's.
fn because(page: &mut Page, card: &Card, max: usize) -> bool {
    let text = escape(&card.trigger.text, max);
    page.row("because", &text.text);
    text.hidden
}

fn said(page: &mut Page, label: &str, event: &EventLine, max: usize) -> bool {
    quote(page, label, &format!("{}: ", short(event.kind.name())), escape(&event.text, max))
}

fn quote(page: &mut Page, label: &str, kind: &str, text: Escaped) -> bool {
    page.quoted(label, &format!("{kind}\"{}\"", text.text));
    text.hidden
}

fn in_full(page: &mut Page, label: &str, text: &str) {
    for (i, line) in block(text, usize::MAX).lines.iter().enumerate() {
        page.quoted(if i == 0 { label } else { "" }, line);
    }
}

fn stopped(page: &mut Page, view: &ApprovalView) {
    if view.frozen {
        page.row("STOPPED", words::despite_the_stop(&view.card));
    }
}

fn then(view: &ApprovalView, frame: &Frame<'_>) -> String {
    let card = &view.card;
    let late = card.timing == Timing::Late && card.subject == Subject::Hold;
    let mut parts = match card.confirm {
        _ if matches!(view.state, State::Draft) => Vec::new(),
        Confirm::Type => vec![format!("typing {} {}", words::to_type(card), words::approving(card))],
        Confirm::Key => vec![format!("y {}", words::approving(card))],
    };
    let own_words = !card.terms.takes_several();
    if card.subject == Subject::Question && own_words {
        parts.push("a types an answer".to_owned());
    }
    parts.push(format!("n {}", words::denying(card)));
    let instructs = own_words && card.subject == Subject::Hold && card.hold != Hold::ByOthers;
    if instructs && !matches!(view.state, State::Draft) {
        parts.push("m text instructs, then resumes".to_owned());
    }
    let silence = words::silence(view, frame.zone);
    let waiting = if frame.waiting > 0 { format!("   {} more waiting", frame.waiting) } else { String::new() };
    if late && parts.len() == 3 {
        return format!("{} · {silence}{waiting}", parts.join(", "));
    }
    format!("{} · {silence}{waiting}", parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::EventKind;
    use crate::control::fixtures::{open, revised};
    use crate::gate::BY_HAND;

    fn end(view: &ApprovalView) -> Vec<String> {
        let frame = Frame { columns: 120, zone: &TimeZone::UTC, waiting: 0, margin: None };
        let said = card(view, &frame).finish();
        let lines = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.skip_while(|line| !line.starts_with("| trigger")).skip(1).collect()
    }

    #[test]
    fn a_card_during_a_stop_of_everything_says_what_an_approval_does_and_that_no_deadline_runs() {
        let view = open(1, "Buying");
        let then = "then y resumes · n cancels · m text instructs, then resumes";
        assert_eq!(end(&view), [format!("{then} · no answer by 13:12:11 cancels")]);
        let stopped = ApprovalView { frozen: true, ..view };
        assert_eq!(
            end(&stopped),
            [
                "STOPPED everything is stopped; approving lets this session go on all the same, and only this one",
                &format!("{then} · the deadline stands still"),
            ]
        );
        let theirs = revised(&stopped, |card| card.hold = Hold::ByOthers);
        assert_eq!(end(&theirs)[0], "STOPPED everything is stopped; who paused this one may resume it");
    }

    #[test]
    fn a_card_that_an_operator_opened_says_nothing_of_an_act_that_was_announced() {
        let by_hand = |card: &mut Card| {
            card.rules.truncate(1);
            card.rules[0].place = BY_HAND.to_owned();
        };
        let told = |timing: Timing, change: &dyn Fn(&mut Card)| {
            let view = revised(&open(1, "paused by ops1"), |card| {
                (card.timing, card.timing_why) = (timing, "the agent went on after the trigger".to_owned());
                change(card);
            });
            let frame = Frame { columns: 120, zone: &TimeZone::UTC, waiting: 0, margin: None };
            card(&view, &frame).finish()
        };
        let (late, unknown) = (told(Timing::Late, &by_hand), told(Timing::Unknown, &by_hand));
        assert!(late.contains("LATE") && late.contains("The agent may have acted since."), "{late}");
        assert!(unknown.contains("nothing was seen of the agent since"), "{unknown}");
        assert!(!(late + &unknown).contains("happened"));
        for joined in [false, true] {
            let rule = |card: &mut Card| {
                let of_a_file = card.rules[0].clone();
                by_hand(card);
                if joined { card.rules.push(of_a_file) } else { card.rules = vec![of_a_file] }
            };
            assert!(told(Timing::Late, &rule).contains("This may already have happened."), "{joined}");
            assert!(told(Timing::Unknown, &rule).contains("so it may have happened"), "{joined}");
        }
    }

    #[test]
    fn an_operator_s_reason_is_no_claim_of_the_agent_s_and_an_agent_s_words_are_never_ours() {
        let ordered = |card: &mut Card| {
            card.rules.truncate(1);
            card.rules[0].place = BY_HAND.to_owned();
            (card.goal, card.before, card.after) = (None, Vec::new(), Vec::new());
            card.trigger = EventLine { id: None, kind: EventKind::Log, ..card.trigger.clone() };
            card.timing = Timing::Unknown;
        };
        let frame = Frame { columns: 120, zone: &TimeZone::UTC, waiting: 0, margin: None };
        let view = |change: &dyn Fn(&mut Card)| revised(&open(1, "paused by ops1: odd\u{202e} cart"), change);
        let told = |change: &dyn Fn(&mut Card)| card(&view(change), &frame).finish();
        let in_full = details(&view(&ordered), &frame).finish();
        assert!(in_full.contains("because paused by ops1: odd<U+202E> cart"), "{in_full}");
        assert!(!in_full.contains("trigger") && in_full.matches("cart").count() == 1, "{in_full}");
        let said = told(&ordered);
        assert!(said.contains("because paused by ops1: odd<U+202E> cart"), "{said}");
        assert!(!said.contains("says (untrusted)") && !said.contains("trigger"), "{said}");
        assert!(!said.contains("timing unknown") && !said.contains("ms after"), "{said}");
        let goal = told(&|card| {
            ordered(card);
            card.goal = Some("buy it".to_owned());
        });
        assert!(goal.contains("says (untrusted):") && goal.contains("| goal"), "{goal}");
        // It logs a line like one of ours: the place where a rule stands is never its own.
        let logged = told(&|card| {
            let of_a_file = card.rules[0].clone();
            ordered(card);
            card.rules = vec![of_a_file];
        });
        assert!(logged.contains("| trigger") && !logged.contains("because"), "{logged}");
    }
}
