//! Rules become a policy: one search for all of them, one hash, and their tests have passed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::consent::Consent;
use super::context::Context;
use super::detect::Detector;
use super::evaluate::SessionInfo;
use super::index::Index;
use super::matcher::Matcher;
use super::money::Money;
use super::rule::{Conditions, KindName, Pattern, Phrase, RuleSpec, RuleTest};
use super::verdict::{Effect, RuleTerms, Verdict};
use super::window::Window;
use crate::api::SessionId;
use crate::clock::Moment;
use crate::gate::approval::Digest;
use crate::operator::escape::short;

/// When events of tests arrive that do not say: 2026-01-01T12:00:00Z.
const UNTIMED: Timestamp = Timestamp::constant(1_767_268_800, 0);

/// A compiled set of rules.
#[derive(Debug)]
pub struct Policy {
    pub(super) rules: Vec<Compiled>,
    pub(super) matcher: Matcher,
    pub(super) index: Index,
    /// The kinds of events that any rule looks at.
    pub(super) taken: BTreeSet<KindName>,
    /// The kinds of events after which a new site is none any more.
    pub(super) spending: BTreeSet<KindName>,
    /// On which kinds of events which detectors alone, whatever else is so, make a rule fire that holds.
    pub(super) alone: BTreeSet<(KindName, Detector)>,
    pub(super) reads_amounts: bool,
    /// How many rates there are at most for one session.
    pub(super) counting: usize,
    hash: Digest,
}

/// A rule whose searches are numbers into the shared matcher.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) terms: Arc<RuleTerms>,
    pub(super) when: Test,
    pub(super) unless: Option<Test>,
    /// Whether the amount may stand in an earlier event.
    pub(super) looks_back: bool,
    tests: Vec<RuleTest>,
}

/// A rule's test with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The rule beside which it stands.
    pub rule: Arc<RuleTerms>,
    /// The test.
    pub test: RuleTest,
    /// What the whole policy says about its event.
    pub verdict: Verdict,
}

/// Conditions with their searches.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) conditions: Conditions,
    pub(super) phrases: Vec<usize>,
    pub(super) regexes: Vec<usize>,
}

/// Why a set of rules is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleFault {
    /// The rule, by its position in what was compiled; `None` when all of them together are at fault.
    pub rule: Option<usize>,
    /// The rule's test that failed, by its position.
    pub test: Option<usize>,
    /// What is wrong, in words, escaped.
    pub message: String,
}

impl Policy {
    /// Compiles rules. Their order matters only among rules of equal effect, for which is named first.
    ///
    /// # Errors
    ///
    /// Two rules of one name, rules without any condition, searches that are too large together, and rule tests whose
    /// verdict is another than expected; as many of them as can be told at once.
    pub fn compile(specs: Vec<RuleSpec>) -> Result<Self, Vec<RuleFault>> {
        let policy = Self::compile_untested(specs)?;
        let failed = policy.failed_tests();
        if failed.is_empty() { Ok(policy) } else { Err(failed) }
    }

    /// Compiles rules whatever their tests say: for looking at those that fail, never for guarding sessions.
    ///
    /// # Errors
    ///
    /// As [`Policy::compile`], failing tests aside.
    pub fn compile_untested(specs: Vec<RuleSpec>) -> Result<Self, Vec<RuleFault>> {
        let faults = faults(&specs);
        if faults.is_empty() { Self::build(&specs) } else { Err(faults) }
    }

    /// Runs the tests of all rules, in the order of the rules.
    pub fn tested(&self) -> impl Iterator<Item = Tested> + '_ {
        self.rules.iter().flat_map(|rule| rule.tests.iter().filter_map(|test| self.run_test(rule, test)))
    }

    /// SHA-256 of the rules in a canonical form: neither their order nor their place in a file matters, all else does.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules' terms, in file order.
    pub fn terms(&self) -> impl Iterator<Item = &Arc<RuleTerms>> {
        self.rules.iter().map(|rule| &rule.terms)
    }

    fn build(specs: &[RuleSpec]) -> Result<Self, Vec<RuleFault>> {
        let all = || specs.iter().flat_map(|spec| [Some(&spec.when), spec.unless.as_ref()]).flatten();
        let phrases: Vec<Phrase> =
            all().flat_map(|when| when.text.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let patterns: Vec<Pattern> =
            all().flat_map(|when| when.regex.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let detectors: Vec<Detector> =
            all().flat_map(|when| when.detect.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let matcher = Matcher::new(&phrases, &patterns, &detectors).map_err(|reason| {
            let message = format!("the rules are too large together: {reason}");
            vec![RuleFault { rule: None, test: None, message }]
        })?;
        let test = |conditions: &Conditions| Test {
            conditions: conditions.clone(),
            phrases: places(&conditions.text, &phrases),
            regexes: places(&conditions.regex, &patterns),
        };
        let rules: Vec<Compiled> = specs
            .iter()
            .map(|spec| Compiled {
                terms: spec.terms.clone(),
                when: test(&spec.when),
                unless: spec.unless.as_ref().map(test),
                looks_back: spec.when.reads_words(),
                tests: spec.tests.clone(),
            })
            .collect();
        let reads_amounts = all().any(Conditions::reads_amounts);
        let counting = all().filter(|when| when.count.is_some()).count();
        let index = Index::new(&rules);
        let taken = KindName::ALL.into_iter().filter(|kind| rules.iter().any(|rule| rule.when.takes(*kind))).collect();
        let spending = KindName::ALL.into_iter().filter(|kind| looks_at_sites(&rules, *kind)).collect();
        let alone = rules.iter().flat_map(Compiled::alone).collect();
        Ok(Self { rules, matcher, index, taken, spending, alone, reads_amounts, counting, hash: hash(specs) })
    }

    fn run_test(&self, rule: &Compiled, test: &RuleTest) -> Option<Tested> {
        let id = SessionId::try_from("test").ok()?;
        let session = SessionInfo { id, agent: test.agent.clone(), goal: test.goal.clone() };
        let mut context = Context::default();
        let now = Moment::of(test.at.unwrap_or(UNTIMED));
        let verdicts = (0..test.times.max(1)).map(|_| self.evaluate(&session, &mut context, &test.event, now));
        let verdict = verdicts.last()?;
        Some(Tested { rule: rule.terms.clone(), test: test.clone(), verdict })
    }

    fn failed_tests(&self) -> Vec<RuleFault> {
        let rules = self.rules.iter().enumerate();
        let tests =
            rules.flat_map(|(n, rule)| rule.tests.iter().enumerate().map(move |(nth, test)| (n, rule, nth, test)));
        tests
            .filter_map(|(n, rule, nth, test)| {
                let message = self.run_test(rule, test)?.failure()?;
                Some(RuleFault { rule: Some(n), test: Some(nth), message })
            })
            .collect()
    }
}

impl Tested {
    /// What is wrong, in words, escaped; `None` when the verdict is the expected one.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let (verdict, expect) = (&self.verdict, self.test.expect);
        let by = verdict.deciding().map_or_else(String::new, |fired| format!(" by rule `{}`", short(&fired.rule.name)));
        let message = format!("the verdict is `{}`{by}, not `{}`", verdict.effect.name(), expect.name());
        (verdict.effect != expect).then_some(message)
    }
}

fn faults(specs: &[RuleSpec]) -> Vec<RuleFault> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut faults = Vec::new();
    for (n, spec) in specs.iter().enumerate() {
        let mut fault = |message| faults.push(RuleFault { rule: Some(n), test: None, message });
        if let Some(place) = names.insert(&spec.terms.name, &spec.terms.place) {
            fault(format!("another rule has this name, at {place}"));
        }
        if spec.when.is_empty() {
            fault("this rule has no condition, so it would fire on everything the agent does".to_owned());
        }
        if spec.unless.as_ref().is_some_and(Conditions::is_empty) {
            fault("the `unless` of this rule has no condition, so the rule would never fire".to_owned());
        }
    }
    faults
}

impl Compiled {
    /// The kinds of events, with the detectors, on which the rule holds whatever else is so.
    fn alone(&self) -> Vec<(KindName, Detector)> {
        let all = &self.when.conditions;
        let words = Conditions { events: all.events.clone(), detect: all.detect.clone(), ..Conditions::default() };
        if *all != words || self.unless.is_some() || self.terms.effect <= Effect::Alert {
            return Vec::new();
        }
        let kinds = KindName::ALL.into_iter().filter(|kind| self.when.takes(*kind));
        kinds.flat_map(|kind| all.detect.iter().map(move |detector| (kind, *detector))).collect()
    }
}

/// Whether a rule that looks at new sites looks at this kind of events, or none does at any.
fn looks_at_sites(rules: &[Compiled], kind: KindName) -> bool {
    let looks = |test: &Test| test.conditions.detect.contains(&Detector::NewDomain);
    let mut rules = rules.iter().filter(|rule| looks(&rule.when) || rule.unless.as_ref().is_some_and(looks)).peekable();
    rules.peek().is_none() || rules.any(|rule| rule.when.takes(kind))
}

fn places<T: PartialEq>(own: &[T], all: &[T]) -> Vec<usize> {
    own.iter().filter_map(|one| all.iter().position(|other| other == one)).collect()
}

/// The canonical form: rules by name, lists sorted, numbers exact, no places.
fn hash(specs: &[RuleSpec]) -> Digest {
    let mut rules: Vec<(&str, String)> = specs
        .iter()
        .map(|spec| {
            let unless = spec.unless.as_ref().map(canonical_conditions);
            let rule = json!({
                "terms": canonical_terms(&spec.terms), "when": canonical_conditions(&spec.when), "unless": unless,
            });
            (spec.terms.name.as_str(), rule.to_string())
        })
        .collect();
    rules.sort_unstable();
    let lines: Vec<String> = rules.into_iter().map(|(_, rule)| rule).collect();
    Digest::of(lines.join("\n").as_bytes())
}

fn canonical_terms(terms: &RuleTerms) -> Value {
    json!({
        "name": terms.name, "effect": terms.effect, "risk": terms.risk, "confirm": terms.confirm,
        "cooldown": terms.cooldown.map(|d| d.as_millis().to_string()), "max_repeats": terms.max_repeats,
        "instruct": terms.instruct, "answer": terms.answer, "refusal": terms.refusal, "on_deny": terms.on_deny,
        "timeout": terms.timeout.map(|d| d.as_millis().to_string()),
        "consent": canonical_consent(&terms.consent),
    })
}

fn canonical_consent(consent: &Consent) -> Value {
    json!({
        "approvals": consent.approvals, "not_by": consent.not_by, "reason": consent.reason,
        "extension": consent.extension.map(|d| d.as_millis().to_string()), "extensions": consent.extensions,
    })
}

fn canonical_conditions(when: &Conditions) -> Value {
    fn sorted<T>(list: &[T], name: impl Fn(&T) -> String) -> BTreeSet<String> {
        list.iter().map(name).collect()
    }
    let phrase = |phrase: &Phrase| format!("{}{}", phrase.folded, if phrase.open_end { "*" } else { "" });
    json!({
        "events": when.events.iter().map(|kind| KindName::name(*kind)).collect::<Vec<_>>(),
        "text": sorted(&when.text, phrase),
        "regex": sorted(&when.regex, |pattern| pattern.as_str().to_owned()),
        "detect": when.detect.iter().map(|detector| detector.name()).collect::<BTreeSet<_>>(),
        "url": sorted(&when.url, |address| address.as_str().to_owned()),
        "time": sorted(&when.time, Window::canonical),
        "count": when.count.map(|rate| json!({ "over": rate.over, "per": rate.per.as_millis().to_string() })),
        "when": when.expression.as_ref().map(|expression| expression.as_str().to_owned()),
        "domains": sorted(&when.domains, |domain| domain.as_str().to_owned()),
        "agents": sorted(&when.agents, |glob| glob.as_str().to_owned()),
        "sessions": sorted(&when.sessions, |glob| glob.as_str().to_owned()),
        "amount_over": sorted(&when.amount_over, Money::to_string),
        "amount_under": sorted(&when.amount_under, Money::to_string),
    })
}
