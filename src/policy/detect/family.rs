//! A family of acts that a detector finds by words: names of buttons, verbs with their objects, names of tools.
//!
//! What the agent *does* (a step) is judged by the tool it calls and the element it touches; what it *says* by
//! [`Prose`](super::prose::Prose). A family is only data; all of them are judged by the code here.

use std::cell::OnceCell;
use std::ops::Range;

use super::clause::{Gap, Word, each_word, has_any};
use super::foreign;
use super::lexicon::{self, Class};
use super::prose::{Find, Words};
use super::tool::Tools;
use super::{Cue, CueHit, Facts, Found, cues as cues_of, plain_cues};
use crate::api::EventKind;
use crate::policy::text::places;

/// The words of one detector.
#[derive(Debug)]
pub(super) struct Family {
    /// Names of buttons that commit wherever they are named, and verbs with their object: "place order". Each begins with a
    /// verb in its plain form.
    pub(super) buttons: &'static [&'static str],
    /// Names of buttons that are everyday words, too: they count as the exact name of what is clicked.
    pub(super) labels: &'static [&'static str],
    /// What is being done: "placing the order".
    pub(super) doings: &'static [&'static str],
    /// Verbs with what they have to act on.
    pub(super) acts: &'static [Verbs],
    /// Whether "I need to …" announces such an act, and does not only name the goal.
    pub(super) needs: bool,
    /// The tools.
    pub(super) tools: &'static [Tools],
    /// Names of buttons in other languages.
    pub(super) foreign_buttons: &'static [&'static str],
    /// Phrases of other languages that announce by themselves.
    pub(super) foreign_doings: &'static [&'static str],
}

/// Verbs and what they act on.
#[derive(Debug)]
pub(super) struct Verbs {
    /// Plain forms: "send".
    pub(super) plain: &'static [&'static str],
    /// The forms for what is being done: "sending".
    pub(super) doing: &'static [&'static str],
    /// One of these has to follow, not far away. Empty: anything, or nothing.
    pub(super) objects: &'static [&'static str],
    /// None of these may follow there.
    pub(super) not: &'static [&'static str],
}

const BUTTON: u8 = 0;
const LABEL: u8 = 1;
const DOING: u8 = 2;
const FOREIGN_BUTTON: u8 = 3;
const FOREIGN_DOING: u8 = 4;
/// The plain form of the first of the verbs; its other form is the next tag, and so on.
const VERBS: u8 = 10;

/// At what the first noun after a verb ends.
const PREPOSITIONS: &[&str] =
    &[" to ", " for ", " of ", " from ", " in ", " on ", " with ", " at ", " by ", " according ", " that ", " as "];
/// Who reads the agent's own answers, and what is no receiver.
const USERS: &[&str] = &[
    "to the user",
    "to you",
    "to report",
    "to confirm",
    "to inform",
    "to explain",
    "to indicate",
    "to user",
    "to my user",
];

/// What an agent gives as its own answer, and also sends to others.
const RECEIVED: &[&str] =
    &["answer", "results", "final", "message", "messages", "response", "email", "file", "summary"];

/// So many words after a verb its object is looked for.
const OBJECT_REACH: usize = 9;

impl Family {
    /// What has to be searched for.
    pub(super) fn cues(&self) -> Vec<Cue> {
        let verbs = self.acts.iter().zip(0u8..).flat_map(|(verbs, n)| {
            [plain_cues(VERBS + 2 * n, verbs.plain), plain_cues(VERBS + 2 * n + 1, verbs.doing)].concat()
        });
        [
            cues_of(BUTTON, self.buttons),
            plain_cues(LABEL, self.labels),
            plain_cues(DOING, self.doings),
            cues_of(FOREIGN_BUTTON, self.foreign_buttons),
            plain_cues(FOREIGN_DOING, self.foreign_doings),
        ]
        .concat()
        .into_iter()
        .chain(verbs)
        .collect()
    }

    /// What it fires on.
    pub(super) fn find(&self, facts: &Facts<'_>, cues: &[CueHit]) -> Option<Found> {
        if is_act(facts.kind) {
            let called = facts.calls().iter().find(|name| self.tools.iter().any(|tools| tools.has(name)));
            if let Some(name) = called {
                return Some(Found::Words(format!("tool {}", name.join("_"))));
            }
        }
        if cues.is_empty() {
            return None;
        }
        let stands = |cue: &&CueHit| self.stands(facts, cue);
        // All of them matter only where other sentences announce something, too.
        let all = OnceCell::new();
        let all =
            || all.get_or_init(|| cues.iter().filter(stands).map(|cue| cue.range.start).collect::<Vec<_>>()).as_slice();
        let found = cues.iter().filter(stands).find(|cue| self.commits(facts, cue, &all))?;
        Some(Found::At(facts.prose().sentence(found.range.start)))
    }

    /// Whether a cue is what it looks like: a verb with its object, a name of a button that is used as one.
    fn stands(&self, facts: &Facts<'_>, cue: &CueHit) -> bool {
        match cue.tag {
            LABEL => is_label(facts, &cue.range),
            BUTTON => !continues(facts, &cue.range),
            tag if tag >= VERBS => {
                let text = facts.folded.as_str();
                if text[..cue.range.start].ends_with('_') || text[cue.range.end..].starts_with(['_', '(']) {
                    return false; // Part of a name.
                }
                let n = usize::from((tag - VERBS) / 2);
                self.acts.get(n).is_some_and(|verbs| verbs.has_object(facts, &cue.range))
            }
            _ => true,
        }
    }

    fn found<'c>(&self, facts: &Facts<'_>, cue: &'c CueHit, what: Words) -> Find<'c> {
        Find { range: &cue.range, what, named: is_label(facts, &cue.range), needs: self.needs }
    }

    fn commits<'a>(&self, facts: &Facts<'_>, cue: &CueHit, all: &dyn Fn() -> &'a [usize]) -> bool {
        // What a tool is called with is not what the agent says; what a click is called with is what it touches.
        let clicks = || facts.calls().is_empty() || facts.calls().iter().any(|name| is_click(name));
        let line = &facts.folded.as_str()[line(facts, &cue.range)];
        let says = !is_act(facts.kind) || !super::tool::is_call(line);
        let prose = |what: Words| says && facts.prose().announces(&self.found(facts, cue, what), all);
        match cue.tag {
            FOREIGN_BUTTON => foreign::commits(facts, &cue.range, false),
            FOREIGN_DOING => foreign::commits(facts, &cue.range, true),
            BUTTON | LABEL if is_act(facts.kind) => {
                let pointed =
                    || facts.calls().iter().flatten().any(|word| matches!(word.as_str(), "click" | "tap" | "dblclick"));
                let located = super::tool::is_call(line) && (cue.tag == BUTTON || pointed());
                (clicks() && (located || touches(facts, &cue.range))) || prose(Words::Button)
            }
            BUTTON => prose(Words::Button),
            LABEL => prose(Words::Label),
            DOING => prose(Words::Doing),
            tag if tag % 2 == 0 => prose(Words::Act),
            _ => prose(Words::Doing),
        }
    }
}

impl Verbs {
    /// Whether what follows is none of its business: its first noun, or a whole phrase that begins with a preposition. Somebody
    /// who is named as the receiver makes it its business again.
    fn is_about_else(&self, object: &str) -> bool {
        // Hardly one of them is there at all.
        let mut named = self.not.iter().filter(|not| has_any(object, &[not])).peekable();
        if named.peek().is_none() {
            return false;
        }
        let end = PREPOSITIONS.iter().filter_map(|word| places(object, word).next()).min().unwrap_or(object.len());
        let (noun, rest) = object.split_at(end);
        let phrase = |not: &str| PREPOSITIONS.iter().any(|word| not.split(' ').next() == Some(word.trim()));
        let received = rest.contains('@') || (rest.contains(" to ") && !has_any(rest, USERS));
        named.any(|not| phrase(not) || (has_any(noun, &[not]) && !(received && RECEIVED.contains(not))))
    }

    /// Whether what has to follow the verb at `range` does, and nothing that must not.
    fn has_object(&self, facts: &Facts<'_>, range: &Range<usize>) -> bool {
        if self.objects.is_empty() && self.not.is_empty() {
            return true;
        }
        let text = facts.folded.as_str();
        let sentence = facts.prose().sentence(range.start);
        let after = each_word(text, range.end.min(sentence.end)..sentence.end);
        let last = after.take(OBJECT_REACH).take_while(|word| !ends_object(word)).last();
        let end = last.map_or(range.end, |last| last.at + last.text.len());
        let object = &text[range.end.min(end)..end];
        (self.objects.is_empty() || has_any(object, self.objects)) && !self.is_about_else(object)
    }
}

/// Whether another part of the sentence begins with this word.
fn ends_object(word: &Word<'_>) -> bool {
    word.gap != Gap::None
        || word.text.contains('_')
        || matches!(
            word.text,
            "then" | "because" | "since" | "so" | "before" | "after" | "once" | "if" | "which" | "by"
        )
        || word.class().intersects(Class::GATHER)
}

/// Whether what follows makes another thing of it: "the payment method".
fn continues(facts: &Facts<'_>, range: &Range<usize>) -> bool {
    let after = facts.folded.as_str()[range.end..].trim_start();
    let word = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    const OTHERS: &[&str] = &[
        "method",
        "methods",
        "details",
        "info",
        "information",
        "page",
        "history",
        "policy",
        "options",
        "terms",
        "status",
        "form",
        "number",
        "comparison",
        "total",
        "log",
        "summary",
    ];
    OTHERS.contains(&word)
}

/// Whether an event is what the agent does, and not what it says.
pub(super) fn is_act(kind: &EventKind) -> bool {
    match kind {
        EventKind::Step | EventKind::Unknown(_) => true,
        EventKind::Thought
        | EventKind::Question
        | EventKind::Done
        | EventKind::Error
        | EventKind::Log
        | EventKind::User
        | EventKind::Paused
        | EventKind::Resumed => false,
    }
}

/// Whether an everyday word is used as the name of a button: in quotation marks or the like, or before "button".
fn is_label(facts: &Facts<'_>, range: &Range<usize>) -> bool {
    let text = facts.folded.as_str();
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let mark = |c: char| matches!(c, '"' | '\'' | '*' | '`' | '[' | ']' | '「' | '」' | '“' | '”');
    let priced = after.trim_start_matches(is_price);
    let quoted = before.ends_with(mark) && priced.starts_with(mark);
    let last = before.trim_end().trim_end_matches(" on").rsplit(' ').next().unwrap_or_default();
    let pressed = ["click", "clicking", "press", "pressing", "tap", "tapping", "hit", "hitting"].contains(&last);
    quoted || pressed || priced.trim_start().starts_with("button") || (is_act(facts.kind) && is_line(facts, range))
}

/// Whether an act names the element it touches with the words at `range`: as a line, in brackets, or after the verb.
fn touches(facts: &Facts<'_>, range: &Range<usize>) -> bool {
    let text = facts.folded.as_str();
    let line = line(facts, range);
    let before = text[line.start..range.start].trim_matches(|c: char| !c.is_alphanumeric());
    let verb = before.split(' ').next().unwrap_or_default();
    let bare = |word: &str| {
        matches!(word, "" | "button" | "link" | "element" | "on" | "the" | "click" | "press" | "tap" | "submit")
    };
    let named = before.split([' ', '[', '(']).all(bare);
    let clicks = verb.contains("click") || verb.starts_with("press") || verb.starts_with("tap");
    named || (clicks && !has_any(before, lexicon::NEGATIVE.phrases()))
}

/// Whether an act names an element with the words at `range`.
pub(super) fn names_element(facts: &Facts<'_>, range: &Range<usize>) -> bool {
    is_line(facts, range) || touches(facts, range)
}

fn is_line(facts: &Facts<'_>, range: &Range<usize>) -> bool {
    let line = line(facts, range);
    let plain = |part: &str| part.chars().all(|c| !c.is_alphanumeric());
    let text = facts.folded.as_str();
    let before = text[line.start..range.start].trim();
    let verb = ["click", "press", "tap", "submit", "button"]
        .iter()
        .any(|verb| before.trim_matches(|c: char| !c.is_alphanumeric()) == *verb);
    // The words may go on over the end of the line.
    let after = &text[range.end..line.end.max(range.end)];
    (plain(before) || verb) && plain(after.trim_start_matches(is_price))
}

/// Whether a tool uses an element of a page.
fn is_click(name: &[String]) -> bool {
    name.iter().any(|word| {
        matches!(word.as_str(), "click" | "press" | "tap" | "dblclick" | "submit" | "act" | "touch" | "mouse" | "key")
    })
}

/// What a price on a button is made of.
fn is_price(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '.' | ',' | '$' | '€' | '£' | '¥')
}

/// The line in which something stands.
fn line(facts: &Facts<'_>, range: &Range<usize>) -> Range<usize> {
    let (breaks, text) = (facts.folded.breaks(), facts.folded.as_str());
    let n = breaks.partition_point(|at| *at < range.start);
    let start = n.checked_sub(1).map_or(0, |n| breaks[n] + 1);
    start..breaks.get(n).copied().unwrap_or(text.len())
}
