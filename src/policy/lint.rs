//! What in a set of rules was hardly meant: rules that can never fire, never matter, say the same twice, contradict
//! themselves or cost much.
//!
//! Pure, and only for people: every policy here compiles and works. A finding is certain of what it says about conditions
//! that are decided; two rules whose relation cannot be told by looking at them give none.

mod cost;
mod covers;

use std::fmt;
use std::sync::Arc;

use super::compile::{Compiled, Policy};
use super::rule::{Conditions, KindName};
use super::verdict::{Effect, RuleTerms};
use covers::{covers, impossible, is_nowhere, possible_kinds, redundant};

/// One thing that was hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The rule.
    pub rule: Arc<RuleTerms>,
    /// The other rule it is about.
    pub other: Option<Arc<RuleTerms>>,
    /// What is the matter, in words that are not escaped.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A kind of finding, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The rule can never fire.
    Never,
    /// Two of its conditions contradict each other in part.
    Contradiction,
    /// Another rule says the same.
    Duplicate,
    /// A stricter rule fires whenever it does.
    Shadowed,
    /// Part of it adds nothing.
    Redundant,
    /// It costs more time or memory than it needs to.
    Cost,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never fires",
            Self::Contradiction => "contradiction",
            Self::Duplicate => "duplicate",
            Self::Shadowed => "shadowed",
            Self::Redundant => "redundant",
            Self::Cost => "cost",
        }
    }

    /// Whether the rules do something else than they seem to; the others only could be written better.
    #[must_use]
    pub fn is_problem(self) -> bool {
        match self {
            Self::Never | Self::Contradiction | Self::Duplicate | Self::Shadowed => true,
            Self::Redundant | Self::Cost => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Policy {
    /// What in these rules was hardly meant, rule by rule in the order of the file.
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let each = |(n, rule): (usize, &Compiled)| {
            let mut findings = never(rule);
            if findings.is_empty() {
                findings.extend(beside(rule, n, &self.rules));
            }
            findings.extend(contradictions(rule));
            findings.extend(parts(rule));
            findings
        };
        self.rules.iter().enumerate().flat_map(each).collect()
    }
}

fn finding(kind: Kind, rule: &Compiled, message: String, hint: &str) -> Finding {
    Finding { kind, rule: rule.terms.clone(), other: None, message, hint: hint.to_owned() }
}

fn never(rule: &Compiled) -> Vec<Finding> {
    if rule.terms.effect == Effect::Allow {
        let message = "`allow` is what happens anyway, so this rule does nothing".to_owned();
        return vec![finding(Kind::Never, rule, message, "write an exception under `unless` of the rule it is about")];
    }
    if let Some(unless) = &rule.unless
        && covers(&unless.conditions, &rule.when.conditions, true)
    {
        let message = "its `unless` holds whenever its conditions do, so it is always excepted".to_owned();
        return vec![finding(Kind::Never, rule, message, "narrow the `unless`")];
    }
    if let Some((message, hint)) = no_kind(&rule.when.conditions) {
        return vec![finding(Kind::Never, rule, message, &hint)];
    }
    let (all, some) = impossible(&rule.when.conditions);
    if all && !some.is_empty() {
        let message = format!("no amount is both over and under its limits in {}", some.join(", "));
        return vec![finding(Kind::Never, rule, message, "`amount_over` has to be less than `amount_under`")];
    }
    Vec::new()
}

/// Why no event has a kind on which these conditions may hold, and what to do about it.
fn no_kind(conditions: &Conditions) -> Option<(String, String)> {
    if !possible_kinds(conditions).is_empty() {
        return None;
    }
    let expression = conditions.expression.as_ref()?;
    let meant = KindName::ALL.into_iter().filter(|kind| expression.may_hold_on(*kind));
    let meant: Vec<String> = meant.map(|kind| format!("\"{}\"", kind.name())).collect();
    Some(match meant.is_empty() {
        true => (
            "no event is of a kind on which its `when` holds".to_owned(),
            "look at `event.kind` in its `when`".to_owned(),
        ),
        false => {
            let message = "its `when` holds only on kinds of events that the rule does not look at";
            (message.to_owned(), format!("events = [{}]", meant.join(", ")))
        }
    })
}

fn contradictions(rule: &Compiled) -> Vec<Finding> {
    let contradicts = |message: String, hint: &str| finding(Kind::Contradiction, rule, message, hint);
    let mut findings = Vec::new();
    let (all, some) = impossible(&rule.when.conditions);
    if !all && !some.is_empty() {
        let message = format!("no amount in {} is both over and under its limits", some.join(", "));
        findings.push(contradicts(message, "`amount_over` has to be less than `amount_under`"));
    }
    if is_nowhere(&rule.when.conditions) {
        let message =
            "no page is both in `domains` and in `url`, so it asks only while it is not known where the session is";
        findings.push(contradicts(message.to_owned(), "leave out `domains`: `url` names hosts itself"));
    }
    let looks = possible_kinds(&rule.when.conditions);
    if let Some(unless) = &rule.unless
        && !looks.is_empty()
        && !looks.iter().any(|kind| may_except(&unless.conditions, *kind))
    {
        let message =
            "its `unless` holds only on kinds of events that the rule does not look at, so it excepts nothing";
        findings
            .push(contradicts(message.to_owned(), "leave `events` out of the `unless`, or name the kinds of the rule"));
    }
    findings
}

/// Whether an exception may hold on an event of this kind; one that names no kinds looks at all.
fn may_except(unless: &Conditions, kind: KindName) -> bool {
    let looks = unless.events.is_empty() || unless.events.contains(&kind);
    looks && unless.expression.as_ref().is_none_or(|expression| expression.may_hold_on(kind))
}

/// What another rule makes of this one. The first that does is told.
fn beside(rule: &Compiled, n: usize, all: &[Compiled]) -> Option<Finding> {
    let others = || all.iter().enumerate().filter(|(m, _)| *m != n).map(|(m, other)| (m < n, other));
    let found = |kind, other: &Compiled, message: &str, hint: &str| Finding {
        other: Some(other.terms.clone()),
        ..finding(kind, rule, message.to_owned(), hint)
    };
    let duplicate = others().find(|(earlier, other)| *earlier && is_same(rule, other));
    if let Some((_, other)) = duplicate {
        let message = "another rule has the same conditions and the same effect";
        return Some(found(Kind::Duplicate, other, message, "leave one of the two out, or join their terms"));
    }
    let stricter = others().find(|(_, other)| other.terms.effect > rule.terms.effect && is_wider(other, rule));
    if let Some((_, other)) = stricter {
        let message = "a stricter rule fires whenever this one does, so this one never decides";
        return Some(found(Kind::Shadowed, other, message, "narrow the stricter rule, or leave this one out"));
    }
    let (_, other) = others().find(|(earlier, other)| {
        let same = adds_nothing(&rule.terms, &other.terms) && is_wider(other, rule);
        same && (*earlier || !is_wider(rule, other))
    })?;
    let message = "a rule with wider conditions and the same terms fires whenever this one does";
    Some(found(Kind::Shadowed, other, message, "leave this one out"))
}

fn is_same(a: &Compiled, b: &Compiled) -> bool {
    a.terms.effect == b.terms.effect && is_wider(a, b) && is_wider(b, a)
}

/// Whether `wide` fires whenever `narrow` does.
fn is_wider(wide: &Compiled, narrow: &Compiled) -> bool {
    let amounts = wide.when.conditions.reads_amounts()
        || [wide, narrow].iter().any(|rule| rule.unless.as_ref().is_some_and(|test| test.conditions.reads_amounts()));
    let same_amounts = !amounts || wide.looks_back == narrow.looks_back;
    let excepts_less = match (&wide.unless, &narrow.unless) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => covers(&narrow.conditions, &wide.conditions, true),
    };
    same_amounts && excepts_less && covers(&wide.when.conditions, &narrow.when.conditions, false)
}

/// Whether a rule with these terms changes nothing beside one with those: all but name and place is the same.
fn adds_nothing(terms: &RuleTerms, other: &RuleTerms) -> bool {
    let (name, place) = (other.name.clone(), other.place.clone());
    RuleTerms { name, place, ..terms.clone() } == *other
}

fn parts(rule: &Compiled) -> Vec<Finding> {
    let tests = [Some(&rule.when), rule.unless.as_ref()];
    let conditions = || tests.into_iter().flatten().map(|test| &test.conditions);
    let adds = |(part, other): (String, String)| {
        let message = format!("{part} adds nothing: {other} finds all of it");
        finding(Kind::Redundant, rule, message, "leave it out")
    };
    let costs = |message: String| finding(Kind::Cost, rule, message, cost::HINT);
    let redundant = conditions().flat_map(redundant).map(adds);
    let cost = conditions().flat_map(|test: &Conditions| &test.regex).filter_map(cost::of).map(costs);
    redundant.chain(cost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn findings(text: &str) -> Vec<(Kind, String, Option<String>)> {
        let policy = Config::parse("c.toml", text).unwrap_or_else(|wrong| panic!("{wrong}")).config.policy;
        let told = |one: Finding| (one.kind, one.rule.name.clone(), one.other.map(|other| other.name.clone()));
        policy.lint().into_iter().map(told).collect()
    }

    fn rule(name: &str, effect: &str, rest: &str) -> String {
        format!("[[rule]]\nname = '{name}'\neffect = '{effect}'\n{rest}\n")
    }

    fn two(first: (&str, &str), second: (&str, &str)) -> Vec<(Kind, String, Option<String>)> {
        findings(&(rule("a", first.0, first.1) + &rule("b", second.0, second.1)))
    }

    #[test]
    fn rules_that_differ_give_no_findings() {
        assert_eq!(two(("ask", "text = 'pay'"), ("deny", "text = 'pay'\ndomains = 'a.example'")), []);
        assert_eq!(two(("ask", "text = 'pay'"), ("deny", "text = 'pay'\nunless = { text = 'no' }")), []);
        assert_eq!(two(("ask", "text = 'pay'"), ("deny", "text = 'pay now'")), []);
        assert_eq!(two(("ask", "text = 'pay'\nrisk = 'high'"), ("ask", "text = 'pay now'")), []);
        assert_eq!(two(("ask", "text = 'pay'\nevents = 'step'"), ("deny", "text = 'pay'\nevents = 'thought'")), []);
        assert_eq!(two(("ask", "amount_over = '5 USD'"), ("deny", "amount_over = '9 USD'")), []);
    }

    #[test]
    fn an_exception_that_covers_the_rule_means_that_it_never_fires() {
        let never = |rest: &str| findings(&rule("a", "ask", rest)) == [(Kind::Never, "a".to_owned(), None)];
        assert!(never("text = 'pay now'\nunless = { text = 'pay' }"));
        assert!(never("domains = 'a.shop.example'\ntext = 'x'\nunless = { domains = '*.shop.example' }"));
        assert!(never("text = 'x'\namount_over = '9 USD'\nunless = { amount_over = '5 USD' }"));
        assert!(never("text = 'x'\namount_over = '9 USD'\namount_under = '5 USD'"));
        assert!(!never("text = 'pay'\nunless = { text = 'pay now' }"));
        assert!(!never("text = ['pay', 'buy']\nunless = { text = 'pay' }"));
        assert!(!never("text = 'pay'\nunless = { text = 'pay', domains = 'a.example' }"));
        assert!(!never("text = 'x'\namount_over = '5 USD'\namount_under = '9 USD'"));
        assert_eq!(findings(&rule("a", "allow", "text = 'x'")), [(Kind::Never, "a".to_owned(), None)]);
    }

    #[test]
    fn a_when_on_kinds_that_the_rule_does_not_look_at_never_fires_and_the_hint_names_them() {
        let told = |rest: &str| {
            let policy = Config::parse("c.toml", &rule("a", "ask", rest)).unwrap().config.policy;
            policy.lint().into_iter().map(|one| (one.kind, one.hint)).collect::<Vec<_>>()
        };
        let never = |hint: &str| vec![(Kind::Never, hint.to_owned())];
        assert_eq!(told(r#"when = 'event.kind == "log" && event.text.contains("x")'"#), never(r#"events = ["log"]"#));
        let two = r#"when = 'event.kind in ["log", "user"] && event.text.contains("x")'"#;
        assert_eq!(told(two), never(r#"events = ["log", "user"]"#));
        let none = r#"when = 'event.kind == "log" && event.kind == "step"'"#;
        assert_eq!(told(none), never("look at `event.kind` in its `when`"));
        for fine in [
            "events = ['log']\nwhen = 'event.kind == \"log\" && event.text.contains(\"x\")'",
            r#"when = 'event.kind == "log" || event.text.contains("x")'"#,
            r#"when = 'event.kind != "log" && event.text.contains("x")'"#,
            r#"when = 'event.kind == "step" ? event.text.contains("x") : event.text.contains("y")'"#,
            r#"when = '!(event.kind == "step") && event.text.contains("x")'"#,
        ] {
            assert_eq!(told(fine), [], "{fine}");
        }
    }

    #[test]
    fn pages_that_are_nowhere_and_exceptions_on_other_kinds_are_told() {
        let kinds =
            |rest: &str| findings(&rule("a", "ask", rest)).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>();
        for wrong in [
            "domains = 'a.example'\nurl = 'b.example/x'",
            "domains = ['a.example', '*.c.example']\nurl = ['b.example/x', '*.d.example/']",
            "text = 'x'\nunless = { events = ['log'], text = 'y' }",
            "text = 'x'\nunless = { when = 'event.kind == \"log\"' }",
        ] {
            assert_eq!(kinds(wrong), [Kind::Contradiction], "{wrong}");
        }
        assert_eq!(kinds("domains = '*.a.example'\nunless = { domains = '*' }"), [Kind::Never]);
        for fine in [
            "domains = 'a.example'\nurl = ['b.example/x', 'a.example/x']",
            "domains = 'a.example'\nurl = '/x'",
            "domains = '*.example'\nurl = 'b.example/x'",
            "domains = 'b.a.example'\nurl = '*.a.example/x'",
            "domains = 'a*.example'\nurl = 'b.example/x'",
            "text = 'x'\nunless = { events = ['step', 'log'], text = 'y' }",
            "text = 'x'\nevents = ['log']\nunless = { events = ['log'], text = 'y' }",
            "text = 'x'\nevents = ['log']\nunless = { text = 'y' }",
        ] {
            assert_eq!(kinds(fine), [], "{fine}");
        }
        assert_eq!(two(("ask", "text = 'pay'\nevents = 'done'"), ("deny", "text = 'pay'")), []);
    }

    #[test]
    fn limits_that_contradict_in_one_currency_only_are_told() {
        let rest = "text = 'x'\namount_over = ['9 USD', '5 EUR']\namount_under = ['5 USD', '9 EUR']";
        assert_eq!(findings(&rule("a", "ask", rest)), [(Kind::Contradiction, "a".to_owned(), None)]);
    }

    #[test]
    fn a_stricter_rule_with_wider_conditions_shadows() {
        let shadowed = [(Kind::Shadowed, "a".to_owned(), Some("b".to_owned()))];
        assert_eq!(two(("ask", "text = 'pay now'"), ("deny", "text = 'pay'")), shadowed);
        assert_eq!(two(("ask", "text = 'pay*'\nevents = 'step'"), ("deny", "text = 'pay*'")), shadowed);
        assert_eq!(
            two(("ask", "detect = 'purchase'\ndomains = 'a.example'"), ("deny", "detect = 'purchase'")),
            shadowed
        );
        let excepted = ("ask", "text = 'pay'\nunless = { domains = '*.example' }");
        assert_eq!(two(excepted, ("deny", "text = 'pay'\nunless = { domains = 'a.example' }")), shadowed);
        assert_eq!(two(("ask", "amount_over = '9 USD'"), ("deny", "amount_over = '5 USD'")), shadowed);
    }

    #[test]
    fn the_same_twice_is_a_duplicate_and_a_narrower_one_with_the_same_terms_adds_nothing() {
        let duplicate = [(Kind::Duplicate, "b".to_owned(), Some("a".to_owned()))];
        assert_eq!(two(("ask", "text = ['pay', 'buy']"), ("ask", "text = ['buy', 'pay']\nrisk = 'high'")), duplicate);
        let shadowed = [(Kind::Shadowed, "b".to_owned(), Some("a".to_owned()))];
        assert_eq!(two(("ask", "text = 'pay'"), ("ask", "text = 'pay now'")), shadowed);
    }

    #[test]
    fn parts_that_add_nothing_and_expressions_that_cost_are_told() {
        let kinds =
            |rest: &str| findings(&rule("a", "ask", rest)).into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>();
        assert_eq!(kinds("text = ['rate limit', 'rate limit*']"), [Kind::Redundant]);
        assert_eq!(kinds("domains = ['*.a.example', 'b.a.example']\ntext = 'x'"), [Kind::Redundant]);
        assert_eq!(kinds("regex = '.*order.*'"), [Kind::Cost]);
        assert_eq!(kinds(r"regex = '(\w{1,5}\s){1,3}order'"), [Kind::Cost]);
        assert_eq!(kinds(r"regex = '\border #\d+\b'"), []);
    }
}
