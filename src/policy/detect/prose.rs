//! Reading what an agent says it is about to do: sentences, intentions, and what takes them back.
//!
//! An event of prose is cut into sentences once. A detector says where the words of a commit stand ("place the order", the
//! button "Send"); [`Prose::announces`] tells whether the text announces it as the agent's next act. It does not when the
//! words are negated, wondered about, reported, or what the goal is; when they are the purpose of another act ("set the
//! quantity to complete the order"); and when they are a later step of a plan that begins with another act.
//!
//! It knows English; other languages are told by phrases of their own. It never looks beyond the event, and takes linear
//! time: sentences are bounded, and only the words around a find are read.

use std::ops::Range;

use super::super::text::Folded;
use super::clause::{Gap, Word, has_any, lines, sentences, words};
use super::lexicon as lex;

/// The sentences of a text with what each announces.
#[derive(Debug)]
pub(super) struct Prose<'t> {
    text: &'t str,
    asks: bool,
    sentences: Vec<Sentence>,
}

/// One sentence.
#[derive(Debug)]
struct Sentence {
    range: Range<usize>,
    /// The list it is an item of, counted from 1; 0 outside of lists.
    list: u32,
    /// What it announces that is no commit.
    act: Option<Act>,
}

/// An act that commits to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Act {
    /// Whether it is said to come before everything else.
    first: bool,
    /// Whether it is what the thought comes to.
    concludes: bool,
    /// Whether it only looks.
    gathers: bool,
    weak: bool,
}

/// How the words of a commit are announced.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    /// Whether it may also be about the goal as a whole.
    weak: bool,
    /// Whether it is said to follow something.
    later: bool,
    /// Whether nobody is said to do it: "Click the button".
    imperative: bool,
}

/// What the words of a commit are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// A verb with its object: "place the order".
    Act,
    /// A verb form for what is being done: "placing the order".
    Doing,
    /// The name of a button: "Place your order"; also an act.
    Button,
    /// The name of a button that is also an everyday word: "Send".
    Label,
}

/// Words of a commit, found in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Find<'f> {
    pub(super) range: &'f Range<usize>,
    pub(super) what: Words,
    /// Whether they are told to be the name of a button: in quotation marks, or before "button".
    pub(super) named: bool,
}

impl<'t> Prose<'t> {
    /// Cuts a text into sentences. `asks` where the event is a question to somebody.
    pub(super) fn new(folded: &'t Folded, asks: bool) -> Self {
        let text = folded.as_str();
        let mut prose = Self { text, asks, sentences: Vec::new() };
        let (mut list, mut in_list) = (0, false);
        for line in lines(folded) {
            let (item, body) = item(text, line);
            list += u32::from(item && !in_list);
            // What stands below a heading of a list is a list of its own.
            in_list = item && !text[body.clone()].trim_end().ends_with(':');
            for range in sentences(text, body) {
                let act = prose.act(&range);
                prose.sentences.push(Sentence { range, list: if item { list } else { 0 }, act });
            }
        }
        prose
    }

    /// The sentence at a place.
    pub(super) fn sentence(&self, at: usize) -> Range<usize> {
        self.sentences.get(self.index(at)).map_or(at..at, |sentence| sentence.range.clone())
    }

    /// Whether the words at `range` are announced as the agent's next act. `cues` are all places of such words.
    ///
    /// Where `weak` is false, what the agent needs, wants or has to do is its goal, and not yet an announcement.
    pub(super) fn announces(&self, find: &Find<'_>, weak: bool, cues: &[Range<usize>]) -> bool {
        let range = find.range;
        let k = self.index(range.start);
        let Some(sentence) = self.sentences.get(k) else { return false };
        let words = words(self.text, sentence.range.clone());
        let at = words.partition_point(|word| word.at < range.start);
        let head = match find.what {
            Words::Act => self.act_head(&words, at).filter(|head| weak || !head.weak),
            Words::Doing => self.doing_head(&words, at).filter(|head| weak || !head.weak),
            Words::Button => {
                let begins = || self.begins(&words, at).filter(|_| self.goes_on(&words, range));
                let act = self.act_head(&words, at).or_else(begins).filter(|head| weak || !head.weak);
                act.or_else(|| self.button_head(&words, at, k, find))
            }
            Words::Label => self.button_head(&words, at, k, find),
        };
        let Some(head) = head else { return false };
        !self.names_the_goal(sentence) && !(head.imperative && self.is_planned(k)) && !self.comes_later(k, head, cues)
    }

    fn index(&self, at: usize) -> usize {
        self.sentences.partition_point(|sentence| sentence.range.start <= at).saturating_sub(1)
    }

    fn names_the_goal(&self, sentence: &Sentence) -> bool {
        let text = &self.text[sentence.range.clone()];
        has_any(text, lex::GOAL) || text.contains('✓') || (!self.asks && has_any(text, lex::AWAITS))
    }

    /// Whether a sentence is an item of a list of things to do, other than the first below a heading for the next of them.
    fn is_planned(&self, k: usize) -> bool {
        let list = self.sentences[k].list;
        if list == 0 {
            let text = &self.text[self.sentences[k].range.clone()];
            return text.trim_start().strip_prefix("step ").is_some_and(|rest| rest.starts_with(|c: char| ('2'..='9').contains(&c)));
        }
        let heading = k.checked_sub(1).map(|n| &self.sentences[n]).filter(|sentence| sentence.list != list);
        !heading.is_some_and(|heading| has_any(&self.text[heading.range.clone()], lex::NEXT_HEADINGS))
    }

    /// Whether the text says that another act comes before.
    fn comes_later(&self, k: usize, head: Head, cues: &[Range<usize>]) -> bool {
        let commits = |n: usize| cues.iter().any(|cue| self.index(cue.start) == n);
        let other = |n: usize| self.sentences[n].act.filter(|_| !commits(n) && !self.points_back(n));
        let before = (0..k).rev().take(NEAR);
        let after = k + 1..self.sentences.len().min(k + 1 + NEAR);
        let last = !after.clone().any(commits);
        let here = &self.sentences[k];
        let mut later = after.filter_map(|n| Some((n, other(n)?)));
        if later.any(|(n, act)| {
            act.first
                || (n == k + 1 && act.gathers && self.still_takes(n))
                || (head.weak && !act.weak && !act.gathers)
                || (last && act.concludes && !act.gathers)
                || (last && here.list > 0 && self.sentences[n].list == 0 && !act.weak)
        }) {
            return true;
        }
        let mut earlier = before.filter_map(|n| Some((n, other(n)?)));
        let sibling = |n: usize| here.list > 0 && self.sentences[n].list == here.list;
        earlier.any(|(n, act)| head.later || act.first || (sibling(n) && !act.weak && !act.gathers))
    }

    /// Whether a sentence says what the act before it still takes.
    fn still_takes(&self, n: usize) -> bool {
        let words = words(self.text, self.sentences[n].range.clone());
        lex::STILL_TAKES.iter().any(|phrase| starts_with(&words, phrase))
    }

    /// Whether a sentence is about the button that was named before it.
    fn points_back(&self, n: usize) -> bool {
        let range = self.sentences[n].range.clone();
        let words = words(self.text, range);
        let Some(at) = words.iter().position(|word| lex::CLICK.contains(&word.text) || word.text == "do") else { return false };
        (at..words.len().min(at + 4)).any(|end| lex::BACK.iter().any(|back| ends_with(&words[..=end], back).is_some()))
    }

    /// The first act of a sentence that commits to nothing.
    fn act(&self, range: &Range<usize>) -> Option<Act> {
        let words = words(self.text, range.clone());
        let found = (0..words.len()).take(MOST_WORDS).find_map(|at| {
            let gathers = lex::GATHER.contains(&words[at].text);
            if !gathers && !lex::HANDLE.contains(&words[at].text) {
                return None;
            }
            let gerund = words[at].text.ends_with("ing");
            let head = if gerund { self.doing_head(&words, at) } else { self.act_head(&words, at) };
            head.map(|head| (gathers, head))
        });
        let (gathers, head) = found?;
        let text = &self.text[range.clone()];
        let begins = |phrases: &[&str]| phrases.iter().any(|phrase| starts_with(&words, phrase));
        let first = has_any(text, lex::FIRST);
        Some(Act { first, concludes: begins(lex::CONCLUDES) && !head.later, gathers, weak: head.weak })
    }

    /// A verb in its plain form: intention, glue, verb.
    fn act_head(&self, words: &[Word<'_>], at: usize) -> Option<Head> {
        let mut left = at;
        while let Some(n) = any_end(&words[..left], lex::GLUE) {
            left -= n;
        }
        if let Some(head) = self.begins(words, at) {
            return (left < at || self.takes_object(words, at)).then_some(head);
        }
        let before = &words[..left];
        if let Some(n) = any_end(before, lex::INTENTS) {
            return self.head(words, left - n, left, false);
        }
        if let Some(n) = any_end(before, lex::WEAK_INTENTS) {
            return self.head(words, left - n, left, !has_now(&words[left - n..at]));
        }
        if self.asks
            && let Some(n) = any_end(before, lex::ASKS)
        {
            return self.head(words, left - n, left, false);
        }
        self.coordinated(words, left).or_else(|| self.by_means(words, left))
    }

    /// A verb with which a sentence, or what follows a colon, begins.
    fn begins(&self, words: &[Word<'_>], at: usize) -> Option<Head> {
        let mut left = at;
        while let Some(n) = any_end(&words[..left], lex::GLUE) {
            left -= n;
        }
        let begins = left == 0 || words.get(left).is_some_and(|word| word.gap == Gap::Colon);
        begins.then(|| Head { weak: false, later: left < at && self.late(&words[..at]), imperative: true })
    }

    /// Whether a verb that begins a sentence goes on like an act, and not like a heading or the name of something.
    fn takes_object(&self, words: &[Word<'_>], at: usize) -> bool {
        let rest = self.text[words[at].at + words[at].text.len()..].trim_start();
        let next = words.get(at + 1).map_or("", |next| next.text);
        lex::CLICK.contains(&words[at].text) || lex::DETERMINERS.contains(&next) || rest.starts_with(['"', '\'', '`', '*', '['])
    }

    /// Whether the words of a button that begin a sentence go on like an act, and not like the name of the button.
    fn goes_on(&self, words: &[Word<'_>], range: &Range<usize>) -> bool {
        let next = words.iter().find(|word| word.at >= range.end);
        next.is_none_or(|next| next.gap == Gap::Part || lex::DETERMINERS.contains(&next.text) || lex::GOES_ON.contains(&next.text))
    }

    /// "… and place the order": the act follows another of the same subject, which must not be one that only looks.
    fn coordinated(&self, words: &[Word<'_>], left: usize) -> Option<Head> {
        let joint = ["and", "and then", "then"].iter().find_map(|joint| ends_with(&words[..left], joint))?;
        let before = &words[..left - joint];
        let verb = (0..before.len()).rev().find_map(|n| {
            let n_left = n;
            any_end(&before[..n_left], lex::INTENTS).or_else(|| any_end(&before[..n_left], lex::WEAK_INTENTS)).map(|len| (n, len))
        });
        let (verb, len) = verb?;
        let verb_word = (verb..before.len()).find(|n| !is_glue(before, *n))?;
        let gathers = before[verb_word..].iter().any(|word| lex::GATHER.contains(&word.text));
        let looks_first = (0..verb).any(|n| lex::GATHER.contains(&before[n].text) && self.act_head(before, n).is_some());
        if gathers || looks_first {
            return None;
        }
        self.head(words, verb - len, left, true)
    }

    /// "use the code to verify the account": what is done by the means that is used.
    fn by_means(&self, words: &[Word<'_>], left: usize) -> Option<Head> {
        ends_with(&words[..left], "to")?;
        let from = left.saturating_sub(MEANS_REACH);
        let means = (from..left).rev().find(|n| lex::MEANS.contains(&words[*n].text) || lex::CLICK.contains(&words[*n].text))?;
        let clicks = !lex::MEANS.contains(&words[means].text);
        let object = &words[means + 1..left - 1];
        // Clicking something that is named for something else only leads there.
        let unnamed = lex::BACK.iter().any(|back| object.len() <= 6 && (0..=object.len()).any(|end| ends_with(&object[..end], back).is_some()))
            || (object.len() <= 6 && object.iter().any(|word| lex::GENERIC.contains(&word.text)));
        if clicks && !unnamed {
            return None;
        }
        if words[means].text.ends_with("ing") { self.doing_head(words, means) } else { self.act_head(words, means) }
    }

    /// A verb in its `-ing` form.
    fn doing_head(&self, words: &[Word<'_>], at: usize) -> Option<Head> {
        let mut left = at;
        while let Some(n) = any_end(&words[..left], lex::GLUE) {
            left -= n;
        }
        let is_next = || has_any(self.slice(words, at, words.len()), lex::IS_NEXT);
        let describes = words[at + 1..].iter().any(|word| lex::DESCRIBES.contains(&word.text)) && !is_next();
        if left == 0 || words[left].gap == Gap::Colon || (words[left].gap == Gap::Part && is_next()) {
            let later = left < at && self.late(&words[..at]);
            return (!describes).then_some(Head { weak: false, later, imperative: !is_next() });
        }
        let before = &words[..left];
        if let Some(n) = any_end(before, lex::BY) {
            let main = self.main_verb(&before[..left - n])?;
            return self.head(words, main.0, main.1, main.2);
        }
        let n = any_end(before, lex::GERUND_LEADS)?;
        let lead = left - n;
        if words[lead].text.starts_with('i') || words[lead].text.starts_with("we") || lead == 0 {
            return self.head(words, lead, left, false);
        }
        // "I will proceed with placing the order", "the next step is placing the order".
        if words[left - 1].text == "is" || words[left - 1].text == "be" || words[left - 1].text == "involves" {
            return self.head(words, lead, left, false);
        }
        self.act_head(words, lead)
    }

    /// The intention of a sentence's main verb: where it begins, where it ends, whether it is weak.
    fn main_verb(&self, words: &[Word<'_>]) -> Option<(usize, usize, bool)> {
        let strong = |end: usize| any_end(&words[..end], lex::INTENTS).map(|n| (end - n, end, false));
        let weak = |end: usize| any_end(&words[..end], lex::WEAK_INTENTS).map(|n| (end - n, end, true));
        let doing = || (words.first().is_some_and(|word| word.text.ends_with("ing"))).then_some((0, 0, false));
        let imperative = || (words.first().is_some_and(|word| lex::IMPERATIVES.contains(&word.text))).then_some((0, 0, false));
        (1..=words.len()).rev().find_map(|end| strong(end).or_else(|| weak(end))).or_else(imperative).or_else(doing)
    }

    /// An intention at `from..to`, unless its part of the sentence takes it back.
    fn head(&self, words: &[Word<'_>], from: usize, to: usize, weak: bool) -> Option<Head> {
        let part = (0..=from.min(words.len() - 1)).rev().find(|n| words[*n].gap != Gap::None || is_joint(words[*n].text)).unwrap_or(0);
        let own = self.slice(words, part, to);
        if has_any(own, lex::NEGATIVE) || has_any(own, lex::WONDERS) {
            return None;
        }
        let before = from.checked_sub(1).map(|n| words[n].text);
        if matches!(before, Some("since" | "because" | "once")) || has_any(self.slice(words, 0, to), lex::ONLY_THEN) {
            return None;
        }
        let after = self.slice(words, to, words.len());
        if has_any(after, &["by"]) && self.only_looks(words, to) {
            return None;
        }
        let only_if = has_any(self.slice(words, from, words.len()), &["only"]) && has_any(after, &["if"]);
        if weak && (only_if || has_any(self.slice(words, 0, from), &["if"])) {
            return None;
        }
        Some(Head { weak, later: self.late(&words[..from]) || self.late(&words[from..to]), imperative: from == to })
    }

    fn slice(&self, words: &[Word<'_>], from: usize, to: usize) -> &'t str {
        let Some(first) = words.get(from) else { return "" };
        let end = words.get(to.saturating_sub(1)).map_or(first.at, |last| last.at + last.text.len());
        &self.text[first.at..end.max(first.at)]
    }

    /// Whether what is announced is done by looking at something: "by visiting the site".
    fn only_looks(&self, words: &[Word<'_>], to: usize) -> bool {
        words[to..].windows(2).any(|pair| pair[0].text == "by" && pair[1].text.ends_with("ing") && lex::GATHER.contains(&pair[1].text))
    }

    fn late(&self, words: &[Word<'_>]) -> bool {
        lex::LATER.iter().any(|later| (1..=words.len()).any(|end| ends_with(&words[..end], later).is_some()))
    }

    /// The name of a button, or of a tool, that is going to be used: here, or in one of the next two sentences.
    fn button_head(&self, words: &[Word<'_>], at: usize, k: usize, find: &Find<'_>) -> Option<Head> {
        let sentence = &self.text[self.sentences[k].range.clone()];
        if has_any(sentence, lex::UNUSABLE) {
            return None;
        }
        let from = at.saturating_sub(BUTTON_REACH);
        let verbs = (from..at).rev().filter(|n| lex::CLICK.contains(&words[*n].text));
        let clicked = verbs.take(3).find_map(|n| {
            if words[n].text.ends_with("ing") { self.doing_head(words, n) } else { self.act_head(words, n) }
        });
        clicked.or_else(|| self.clicked_next(k, find.range).filter(|_| find.named))
    }

    fn clicked_next(&self, k: usize, range: &Range<usize>) -> Option<Head> {
        let own = &self.text[self.sentences[k].range.start..range.start];
        if has_any(own, lex::NEGATIVE) || has_any(own, lex::REPORTED) {
            return None;
        }
        (k + 1..self.sentences.len().min(k + 3)).find_map(|n| {
            if !self.points_back(n) {
                return None;
            }
            let words = words(self.text, self.sentences[n].range.clone());
            let at = words.iter().position(|word| lex::CLICK.contains(&word.text) || word.text == "do")?;
            if words[at].text.ends_with("ing") { self.doing_head(&words, at) } else { self.act_head(&words, at) }
        })
    }
}

/// So many sentences to each side can say that something else comes first.
const NEAR: usize = 40;
/// So many words of a sentence are looked at for its act.
const MOST_WORDS: usize = 60;
/// So many words may stand between a verb and the button it uses.
const BUTTON_REACH: usize = 10;
/// So many words may stand between a means and what it is for.
const MEANS_REACH: usize = 14;

/// Whether a line is an item of a list, and what it says.
fn item(text: &str, line: Range<usize>) -> (bool, Range<usize>) {
    let own = &text[line.clone()];
    let digits = own.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match own[digits..].chars().next() {
        Some('.' | ')' | ':') if (1..=2).contains(&digits) => digits + 1,
        Some(c @ ('-' | '*' | '•' | '·' | '–' | '×')) if digits == 0 => c.len_utf8(),
        Some(_) | None => return (false, line),
    };
    if !own[marker..].starts_with([' ', '*']) {
        return (false, line);
    }
    (true, line.start + marker..line.end)
}

fn is_joint(word: &str) -> bool {
    matches!(word, "so" | "therefore" | "but" | "and" | "thus" | "hence")
}

fn is_glue(words: &[Word<'_>], at: usize) -> bool {
    lex::GLUE.contains(&words[at].text)
}

fn has_now(words: &[Word<'_>]) -> bool {
    words.iter().any(|word| word.text == "now")
}

/// How many words at the end of `words` are one of `phrases`; the longest of them.
fn any_end(words: &[Word<'_>], phrases: &[&str]) -> Option<usize> {
    phrases.iter().filter_map(|phrase| ends_with(words, phrase)).max()
}

fn ends_with(words: &[Word<'_>], phrase: &str) -> Option<usize> {
    let mut left = words.len();
    for part in phrase.rsplit(' ') {
        left = left.checked_sub(1)?;
        if words[left].text != part {
            return None;
        }
    }
    Some(words.len() - left)
}

fn starts_with(words: &[Word<'_>], phrase: &str) -> bool {
    let mut rest = words.iter();
    phrase.split(' ').all(|part| rest.next().is_some_and(|word| word.text == part))
}
