//! One pass over an event's text for all rules: one automaton for every phrase and cue, one set for every expression.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::detect::{CueHit, Detector, Facts};
use super::rule::{PATTERN_SIZE, Pattern, Phrase};
use super::starts::Starts;
use super::text::{Folded, joined, on_word_bounds};

/// Everything that is searched for, shared by all rules.
#[derive(Debug)]
pub(super) struct Matcher {
    automaton: AhoCorasick,
    starts: Starts,
    needles: Vec<Needle>,
    detectors: Vec<Detector>,
    set: RegexSet,
    single: Vec<Regex>,
}

#[derive(Debug)]
struct Needle {
    open_end: bool,
    role: Role,
}

#[derive(Clone, Copy, Debug)]
enum Role {
    Phrase(usize),
    Cue(Detector, u8),
}

/// What was found in one event.
#[derive(Debug)]
pub(super) struct Hits {
    /// Where each phrase that was found stands first in the folded text, ascending by phrase.
    phrases: Vec<(usize, Range<usize>)>,
    /// The expressions that were found, ascending, each with whether in the raw text.
    regexes: Vec<(usize, bool)>,
    /// The words on which detectors fired.
    detected: Vec<(Detector, String)>,
}

/// More cues than most texts have.
const SOME: usize = 8;

impl Matcher {
    /// Builds the searches. Fails only when they grow too large together, and says so.
    pub(super) fn new(phrases: &[Phrase], patterns: &[Pattern], detectors: &[Detector]) -> Result<Self, String> {
        let mut words: Vec<String> = Vec::new();
        let mut needles = Vec::new();
        for (n, phrase) in phrases.iter().enumerate() {
            words.push(phrase.folded.clone());
            needles.push(Needle { open_end: phrase.open_end, role: Role::Phrase(n) });
        }
        for detector in detectors {
            for cue in detector.cues() {
                words.push(cue.words);
                needles.push(Needle { open_end: false, role: Role::Cue(*detector, cue.tag) });
            }
        }
        let sources: Vec<&str> = patterns.iter().map(Pattern::as_str).collect();
        let size = PATTERN_SIZE * (sources.len() + 1).min(32);
        let single = |source: &&str| RegexBuilder::new(source).size_limit(PATTERN_SIZE).build();
        let ends = needles.iter().map(|needle| needle.open_end);
        Ok(Self {
            starts: Starts::new(words.iter().map(String::as_str).zip(ends)),
            automaton: AhoCorasick::new(&words).map_err(|error| error.to_string())?,
            needles,
            detectors: detectors.to_vec(),
            set: RegexSetBuilder::new(&sources).size_limit(size).build().map_err(|error| error.to_string())?,
            single: sources.iter().map(single).collect::<Result<_, _>>().map_err(|error| error.to_string())?,
        })
    }

    /// Searches every text whole from now on.
    #[cfg(test)]
    pub(super) fn search_everywhere(&mut self) {
        self.starts = Starts::new([("", false)]);
    }

    /// Searches one event. Detectors also read its words as if those spelled with spaces were written together; `found` is told of
    /// each that fires, at once.
    pub(super) fn search(&self, facts: &Facts<'_>, found: &mut dyn FnMut(Detector)) -> Hits {
        let mut hits = self.search_written(facts, found);
        if let Some(raw) = joined(facts.raw).filter(|_| !self.detectors.is_empty()) {
            let folded = Folded::new(&raw);
            let more = self.search_written(&Facts::new(facts.kind, &raw, &folded), found).detected;
            let fresh = more.into_iter().filter(|(detector, _)| hits.detected(*detector).is_none()).collect::<Vec<_>>();
            hits.detected.extend(fresh);
        }
        hits
    }

    fn search_written(&self, facts: &Facts<'_>, fired: &mut dyn FnMut(Detector)) -> Hits {
        let mut phrases: Vec<(usize, Range<usize>)> = Vec::new();
        let mut cues: Vec<(Detector, CueHit)> = Vec::new();
        let text = facts.folded.as_str();
        self.starts.parts(text, |part| {
            for found in self.automaton.find_overlapping_iter(Input::new(text).range(part)) {
                let needle = &self.needles[found.pattern().as_usize()];
                let range = found.range();
                if !on_word_bounds(text, &range, needle.open_end) {
                    continue;
                }
                match needle.role {
                    Role::Phrase(n) => phrases.push((n, range)),
                    Role::Cue(detector, tag) => {
                        // Once, instead of growing twice.
                        cues.reserve(if cues.is_empty() { SOME } else { 1 });
                        cues.push((detector, CueHit { tag, range }));
                    }
                }
            }
        });
        // Stable, so that of one phrase the first place is kept. Repeats are few in what people write and bounded by the text.
        phrases.sort_by_key(|(phrase, _)| *phrase);
        phrases.dedup_by_key(|(phrase, _)| *phrase);
        // Before the expressions: what fires may be wanted at once.
        let detected = self.detect(facts, cues, fired);
        Hits { phrases, regexes: self.expressions(facts), detected }
    }

    fn expressions(&self, facts: &Facts<'_>) -> Vec<(usize, bool)> {
        if self.single.is_empty() {
            return Vec::new();
        }
        let raw = self.set.matches(facts.raw);
        let folded = self.set.matches(facts.folded.as_str());
        let hit = |n: usize| (raw.matched(n) || folded.matched(n)).then(|| (n, raw.matched(n)));
        (0..self.single.len()).filter_map(hit).collect()
    }

    fn detect(
        &self,
        facts: &Facts<'_>,
        cues: Vec<(Detector, CueHit)>,
        fired: &mut dyn FnMut(Detector),
    ) -> Vec<(Detector, String)> {
        let mut own: Vec<CueHit> = Vec::with_capacity(cues.len());
        let mut find = |detector: Detector| {
            own.clear();
            own.extend(cues.iter().filter(|(of, _)| *of == detector).map(|(_, cue)| cue.clone()));
            let found = detector.find(facts, &own)?;
            fired(detector);
            Some((detector, found.words(facts)))
        };
        self.detectors.iter().filter_map(|detector| find(*detector)).collect()
    }

    /// The words of the text that phrase `n` was found on.
    pub(super) fn phrase_words(&self, hits: &Hits, facts: &Facts<'_>, n: usize) -> Option<String> {
        let at = hits.phrases.binary_search_by_key(&n, |(phrase, _)| *phrase).ok()?;
        let (_, range) = &hits.phrases[at];
        Some(facts.folded.raw(facts.raw, range).to_owned())
    }

    /// The words of the text that expression `n` was found on.
    pub(super) fn regex_words(&self, hits: &Hits, facts: &Facts<'_>, n: usize) -> Option<String> {
        let (_, raw) = hits.regexes.iter().find(|(regex, _)| *regex == n)?;
        let text = if *raw { facts.raw } else { facts.folded.as_str() };
        self.single[n].find(text).map(|found| found.as_str().to_owned())
    }
}

impl Hits {
    /// The phrases that were found.
    pub(super) fn phrases(&self) -> impl Iterator<Item = usize> {
        self.phrases.iter().map(|(phrase, _)| *phrase)
    }

    /// The expressions that were found.
    pub(super) fn regexes(&self) -> impl Iterator<Item = usize> {
        self.regexes.iter().map(|(regex, _)| *regex)
    }

    pub(super) fn phrase(&self, n: usize) -> bool {
        self.phrases.binary_search_by_key(&n, |(phrase, _)| *phrase).is_ok()
    }

    pub(super) fn regex(&self, n: usize) -> bool {
        self.regexes.iter().any(|(regex, _)| *regex == n)
    }

    /// The words on which `detector` fired.
    pub(super) fn detected(&self, detector: Detector) -> Option<&str> {
        self.detected.iter().find(|(of, _)| *of == detector).map(|(_, words)| words.as_str())
    }
}
