//! Reading what an agent says it is about to do: which of its sentences announces an act, and which only talks about one.
//!
//! A detector says where the words of a commit stand ("place the order", the button "Send"); [`Prose::announces`] tells
//! whether the text announces it as the agent's next act. Beyond what its own sentence says ([`Said`]), it does not when the
//! sentence names the goal or waits for somebody, and when the words are a later step of a plan that begins with another act.
//!
//! It knows English; other languages are told by phrases of their own. It never looks beyond the event. Sentences are bounded,
//! and for one find only those nearby are read, each of them once: the time is linear in the text.

use std::cell::OnceCell;
use std::ops::Range;

use super::super::text::{Folded, places};
use super::clause::{has_any, item, lines, sentences};
use super::lexicon as lex;
use super::lexicon::Class;
use super::said::{Head, Said};
use super::vocabulary::List;

/// The sentences of a text.
#[derive(Debug)]
pub(super) struct Prose<'t> {
    text: &'t str,
    asks: bool,
    sentences: Vec<Sentence<'t>>,
}

/// One sentence.
#[derive(Debug)]
struct Sentence<'t> {
    range: Range<usize>,
    /// Its words, where it commits or is asked for more than its act: most of a long text are read once.
    said: OnceCell<Box<Said<'t>>>,
    /// The list it is an item of, counted from 1; 0 outside of lists.
    list: u32,
    /// What it announces that is no commit.
    act: OnceCell<Option<Act>>,
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
    /// Whether it may also be the goal.
    weak: bool,
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
    /// Whether what the agent needs, wants or has to do is announced by that, and not only its goal.
    pub(super) needs: bool,
}

/// So many sentences to each side can say that something else comes first.
const NEAR: usize = 24;

impl<'t> Prose<'t> {
    /// Cuts a text into sentences. `asks` where the event is a question to somebody.
    pub(super) fn new(folded: &'t Folded, asks: bool) -> Self {
        let text = folded.as_str();
        let mut cut = Vec::new();
        let (mut list, mut in_list) = (0, false);
        for line in lines(folded) {
            let (item, body) = item(text, line);
            list += u32::from(item && !in_list);
            // What stands below a heading of a list is a list of its own.
            in_list = item && !text[body.clone()].trim_end().ends_with(':');
            let list = if item { list } else { 0 };
            cut.extend(sentences(text, body).map(|range| Sentence {
                range,
                said: OnceCell::new(),
                list,
                act: OnceCell::new(),
            }));
        }
        Self { text, asks, sentences: cut }
    }

    /// The sentence at a place.
    pub(super) fn sentence(&self, at: usize) -> Range<usize> {
        self.sentences.get(self.index(at)).map_or(at..at, |sentence| sentence.range.clone())
    }

    /// Whether the words are announced as the agent's next act. `all` tells where all such words begin in the text.
    pub(super) fn announces<'a>(&self, find: &Find<'_>, all: &dyn Fn() -> &'a [usize]) -> bool {
        let k = self.index(find.range.start);
        if self.sentences.is_empty()
            || self.names_the_goal(k, find.range)
            || (!find.named && self.quotes(k, find.range))
        {
            return false;
        }
        let Some(head) = self.head(find, k) else { return false };
        let planned = head.imperative && self.is_planned(k);
        !planned && !self.comes_later(k, head, all)
    }

    fn head(&self, find: &Find<'_>, k: usize) -> Option<Head> {
        let said = self.said(k);
        let at = said.at(find.range.start);
        let meant = |head: &Head| find.needs || !head.weak;
        let clicked = || match self.is_unusable(k, find) {
            true => None,
            false => said.button(at, find.named).or_else(|| self.clicked_next(k, find)),
        };
        match find.what {
            Words::Act => said.act(at).filter(meant),
            Words::Doing => said.doing(at).filter(meant),
            Words::Label => clicked(),
            Words::Button => {
                let begins = || said.begins(at).filter(|_| said.goes_on(find.range.end));
                said.act(at).or_else(begins).filter(meant).or_else(clicked)
            }
        }
    }

    /// Whether the button is said to be one that cannot be used; what is said of another thing behind it does not count.
    fn is_unusable(&self, k: usize, find: &Find<'_>) -> bool {
        let sentence = &self.sentences[k].range;
        let end = find.range.end.min(sentence.end);
        let said = self.said(k);
        let of_it = |part: &Range<usize>| said.tells(part.clone(), lex::BUTTONS) || said.tells(part.clone(), lex::BACK);
        let unusable =
            |part: Range<usize>| said.tells(part.clone(), lex::UNUSABLE) && !has_any(&self.text[part], &["no longer"]);
        let commas = || places(&self.text[end..sentence.end], ", ").map(|at| end + at);
        let near = commas().next().unwrap_or(sentence.end);
        let others = || commas().map(|at| at + 2).zip(commas().skip(1).chain([sentence.end]));
        unusable(sentence.start..near) || others().map(|(start, end)| start..end).filter(of_it).any(unusable)
    }

    /// The button is named here and clicked later in the sentence, or in one of the next two.
    fn clicked_next(&self, k: usize, find: &Find<'_>) -> Option<Head> {
        let (here, end) = (self.said(k), self.sentences.len().min(k + 3));
        let before = |list: List| here.tells(self.sentences[k].range.start..find.range.start, list);
        if !find.named || before(lex::NEGATIVE) || before(lex::REPORTED) {
            return None;
        }
        let next = || (k + 1..end).find_map(|n| self.said(n).click_back(0));
        here.click_back(here.at(find.range.end)).or_else(next)
    }

    fn said(&self, n: usize) -> &Said<'t> {
        let sentence = &self.sentences[n];
        sentence.said.get_or_init(|| Box::new(self.read(n)))
    }

    fn read(&self, n: usize) -> Said<'t> {
        Said::new(self.text, self.sentences[n].range.clone(), self.asks)
    }

    fn tells(&self, n: usize, list: List) -> bool {
        self.said(n).tells(self.sentences[n].range.clone(), list)
    }

    fn words(&self, n: usize) -> &'t str {
        &self.text[self.sentences[n].range.clone()]
    }

    fn index(&self, at: usize) -> usize {
        self.sentences.partition_point(|sentence| sentence.range.start <= at).saturating_sub(1)
    }

    /// Whether the sentence tells what is wanted, what is done already, or what waits for somebody's word.
    fn names_the_goal(&self, n: usize, range: &Range<usize>) -> bool {
        let sentence = &self.sentences[n].range;
        let (before, after) =
            (&self.text[sentence.start..range.start], &self.text[range.end..sentence.end.max(range.end)]);
        let part = sentence.start + before.rfind([',', ':']).unwrap_or(0)..range.start;
        let agreed = || ["so i ", "so i'm ", "so let me ", "therefore i "].iter().any(|joint| before.contains(joint));
        let said = self.said(n);
        (said.tells(part, lex::GOAL) && !agreed())
            || after.trim_end().ends_with('✓')
            || (!self.asks && said.tells(sentence.start..range.start, lex::AWAITS))
    }

    /// Whether the words are what somebody else says.
    fn quotes(&self, n: usize, range: &Range<usize>) -> bool {
        let before = self.sentences[n].range.start..range.start;
        self.text[before.clone()].contains(['"', '\'']) && self.said(n).tells(before, lex::QUOTING)
    }

    /// Whether a sentence is an item of a list of things to do, other than the first below a heading for the next of them.
    fn is_planned(&self, k: usize) -> bool {
        let list = self.sentences[k].list;
        if list == 0 {
            let number = self.words(k).trim_start().strip_prefix("step ");
            return number.is_some_and(|number| number.starts_with(|c: char| ('2'..='9').contains(&c)));
        }
        let heading = k.checked_sub(1).filter(|n| self.sentences[*n].list != list);
        !heading.is_some_and(|n| self.tells(n, lex::NEXT_HEADINGS))
    }

    /// Whether the text says that another act comes before.
    fn comes_later<'a>(&self, k: usize, head: Head, all: &dyn Fn() -> &'a [usize]) -> bool {
        let commits = |n: usize| all().iter().any(|at| self.index(*at) == n);
        let other = |n: usize| self.act(n).filter(|_| !commits(n)).map(|act| (n, act));
        let end = self.sentences.len().min(k + 1 + NEAR);
        let last = OnceCell::new();
        let last = || *last.get_or_init(|| !(k + 1..end).any(commits));
        let list = |n: usize| self.sentences[n].list;
        let follows = |(n, act): (usize, Act)| {
            act.first
                || (n == k + 1 && act.gathers && self.said(n).begins_with(lex::STILL_TAKES))
                || (head.weak && !act.weak && !act.gathers)
                || (act.concludes && !act.gathers && last())
                || (list(k) > 0 && list(n) == 0 && !act.weak && last())
        };
        let precedes = |(n, act): (usize, Act)| {
            head.later || act.first || (list(k) > 0 && list(n) == list(k) && !act.weak && !act.gathers)
        };
        (k + 1..end).filter_map(other).any(follows) || (k.saturating_sub(NEAR)..k).filter_map(other).any(precedes)
    }

    /// What a sentence announces that is no commit; using a button that was named before it is none.
    fn act(&self, n: usize) -> Option<Act> {
        *self.sentences[n].act.get_or_init(|| {
            let said = self.read(n);
            let (class, head) = said.first(Class::GATHER.or(Class::HANDLE))?;
            let act = Act {
                first: said.tells(self.sentences[n].range.clone(), lex::FIRST),
                concludes: said.begins_with(lex::CONCLUDES) && !head.later,
                gathers: class.intersects(Class::GATHER),
                weak: head.weak,
            };
            (!said.points_back()).then_some(act)
        })
    }
}
