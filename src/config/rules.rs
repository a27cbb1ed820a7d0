//! `[[rule]]`: from tables with places to rules that the policy compiles.

mod conditions;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::consent;
use super::diagnostic::{Diagnostic, Place, line_of};
use super::reader::{Item, Section};
use super::sections::{ApprovalsConfig, on_deny};
use crate::api::{Event, EventKind};
use crate::operator::escape::short;
use crate::policy::{Confirm, Effect, OnDeny, Policy, Risk, RuleFault, RuleSpec, RuleTerms, RuleTest};

const EFFECTS: [(&str, Effect); 6] = [
    ("deny", Effect::Deny),
    ("ask", Effect::Ask),
    ("cooldown", Effect::Cooldown),
    ("instruct", Effect::Instruct),
    ("alert", Effect::Alert),
    ("allow", Effect::Allow),
];

/// A rule with the places that diagnostics of the compiler point at.
pub(super) struct Placed {
    spec: RuleSpec,
    name: Place,
    tests: Vec<Place>,
    /// Whether nothing in it was reported.
    sound: bool,
}

impl Placed {
    /// A rule of a preset: reported at `place`, where the preset is named, and without its tests, which hold for the preset
    /// alone.
    pub(super) fn ready_made(self, place: &Place, name: String) -> Self {
        let terms = Arc::new(RuleTerms { name, ..(*self.spec.terms).clone() });
        let spec = RuleSpec { terms, tests: Vec::new(), ..self.spec };
        Self { spec, name: place.clone(), tests: Vec::new(), ..self }
    }

    pub(super) fn rule_name(&self) -> &str {
        &self.spec.terms.name
    }
}

/// Reads the rules without compiling them.
pub(super) fn placed(root: &mut Section<'_>) -> Vec<Placed> {
    let sections = root.get("rule").map(|item| item.tables("[[rule]]")).unwrap_or_default();
    sections.into_iter().filter_map(rule).collect()
}

/// How rules become a policy: with their tests, or whatever those say.
pub(super) type Compile = fn(Vec<RuleSpec>) -> Result<Policy, Vec<RuleFault>>;

/// Reads all rules and compiles them beside those of a preset; `None` when any of them is wrong, which has been reported.
pub(super) fn read(
    root: &mut Section<'_>,
    preset: Vec<Placed>,
    approvals: &ApprovalsConfig,
    notes: &mut Vec<String>,
    compile: Compile,
) -> Option<Policy> {
    let before = root.sink.list.borrow().len();
    let placed: Vec<Placed> = preset.into_iter().chain(placed(root)).collect();
    placed.iter().for_each(|placed| check_refusal(root, placed, approvals));
    let sound = root.sink.list.borrow().len() == before;
    notes.extend(placed.iter().filter_map(note));
    let specs = placed.iter().map(|placed| placed.spec.clone()).collect();
    match compile(specs) {
        Ok(policy) if sound => Some(policy),
        Ok(_) => None,
        Err(faults) => {
            for fault in faults {
                let rule = fault.rule.and_then(|n| placed.get(n));
                if rule.is_some_and(|rule| !rule.sound) {
                    continue;
                }
                let place = match fault.test {
                    // A verdict of half a policy says nothing.
                    Some(_) if !sound => continue,
                    Some(test) => rule.and_then(|rule| rule.tests.get(test)),
                    None => rule.map(|rule| &rule.name),
                };
                root.sink.report(Diagnostic {
                    message: fault.test.map_or_else(
                        || fault.message.clone(),
                        |_| format!("a test of this policy fails: {}", fault.message),
                    ),
                    place: place.cloned().unwrap_or(Place::Whole),
                    key: rule
                        .map_or_else(|| "rule".to_owned(), |rule| format!("rule `{}`", short(&rule.spec.terms.name))),
                    expected: String::new(),
                    hint: fault
                        .test
                        .map(|_| "`holdpoint policy explain --event JSON` tells why, each condition".to_owned()),
                });
            }
            None
        }
    }
}

/// A denial that instructs needs something to say.
fn check_refusal(root: &Section<'_>, placed: &Placed, approvals: &ApprovalsConfig) {
    let terms = &placed.spec.terms;
    let denies = matches!(terms.effect, Effect::Ask | Effect::Deny);
    let instructs = terms.on_deny.unwrap_or(approvals.on_deny) == OnDeny::Instruct;
    if denies && instructs && terms.refusal.is_none() && approvals.refusal.is_none() {
        root.sink.report(Diagnostic {
            message: "a denial by this rule would send a refusal, but there is none".to_owned(),
            place: placed.name.clone(),
            key: format!("rule `{}`", short(&terms.name)),
            expected: "`refusal = \"…\"` in this rule or in `[approvals]`".to_owned(),
            hint: Some("`on_deny = \"instruct\"` asks for it".to_owned()),
        });
    }
}

/// What a user may not have meant.
fn note(placed: &Placed) -> Option<String> {
    let (terms, when) = (&placed.spec.terms, &placed.spec.when);
    let only_domains = !when.domains.is_empty() && !when.reads_words() && !when.reads_amounts();
    let why = match terms.effect {
        Effect::Allow => "does nothing: `allow` is what happens anyway; exceptions belong under `unless`",
        Effect::Ask | Effect::Deny if only_domains => {
            "asks about every event while it is not known where the session is; a provider may not tell"
        }
        Effect::Ask | Effect::Deny | Effect::Cooldown | Effect::Instruct | Effect::Alert => return None,
    };
    Some(format!("rule `{}` ({}) {why}", short(&terms.name), terms.place))
}

fn rule(mut section: Section<'_>) -> Option<Placed> {
    let before = section.sink.list.borrow().len();
    let item = section.get("name");
    let name = item.as_ref().and_then(|item| item.words(80));
    if item.is_none() {
        section.report("a rule without a name".to_owned(), "`name = \"…\"`", "");
    }
    let place = item.map_or_else(|| Place::File(section.span.clone()), |item| item.place);
    let effect = section.get("effect").map(|item| item.word(&EFFECTS));
    if effect.is_none() {
        section.report("a rule without an effect".to_owned(), "`effect = \"ask\"`, or another effect", "");
    }
    let effect = effect.flatten();
    let when = conditions::read(&mut section);
    let unless = section.get("unless").and_then(|item| item.section()).map(|mut inner| {
        let unless = conditions::read(&mut inner);
        inner.finish();
        unless
    });
    let tests = section.get("test").map(|item| item.tables("[[rule.test]]")).unwrap_or_default();
    let (tests, places): (Vec<RuleTest>, Vec<Place>) = tests.into_iter().filter_map(test).unzip();
    let terms = terms(&mut section, effect, name.as_deref().unwrap_or_default(), &place);
    let complete = name.is_some() && effect.is_some();
    let sink = section.sink;
    section.finish();
    let sound = sink.list.borrow().len() == before;
    let spec = RuleSpec { terms: Arc::new(terms), when, unless, tests };
    complete.then_some(Placed { spec, name: place, tests: places, sound })
}

fn terms(section: &mut Section<'_>, effect: Option<Effect>, name: &str, place: &Place) -> RuleTerms {
    let line = match place {
        Place::File(span) => line_of(section.sink.source, span.start),
        Place::Secret(_) | Place::Environment(_) | Place::Whole => 1,
    };
    let risk = section
        .get("risk")
        .and_then(|item| item.word(&[("low", Risk::Low), ("medium", Risk::Medium), ("high", Risk::High)]));
    let confirm = section.get("confirm").and_then(|item| item.word(&[("key", Confirm::Key), ("type", Confirm::Type)]));
    let seconds = |least: u64, most: u64| Duration::from_secs(least)..=Duration::from_secs(most);
    let cooldown =
        only(section, "cooldown", effect, Effect::Cooldown, "60s").and_then(|item| item.duration(seconds(1, 86_400)));
    let instruct = only(section, "instruct", effect, Effect::Instruct, "…").and_then(|item| item.words(10_000));
    let repeats = section.get("max_repeats");
    if let (Some(item), Some(effect)) = (&repeats, effect)
        && !matches!(effect, Effect::Cooldown | Effect::Instruct)
    {
        item.wrong(
            &format!("`max_repeats` means nothing with effect `{}`", effect.name()),
            "effect `cooldown` or `instruct`",
        );
    }
    RuleTerms {
        name: name.to_owned(),
        place: format!("{}:{line}", section.sink.name),
        effect: effect.unwrap_or_default(),
        risk: risk.unwrap_or_default(),
        confirm,
        cooldown,
        max_repeats: repeats.and_then(|item| item.integer(1..=1_000)).unwrap_or(3),
        instruct,
        answer: section.get("answer").and_then(|item| item.words(10_000)),
        refusal: section.get("refusal").and_then(|item| item.words(10_000)),
        on_deny: section.get("on_deny").and_then(|item| on_deny(&item)),
        timeout: section.get("timeout").and_then(|item| item.duration(seconds(10, 86_400))),
        consent: consent::read(section),
    }
}

/// The value of a key that one effect needs and no other has. Of an effect that is not known nothing is said.
fn only<'s>(
    section: &mut Section<'s>,
    key: &'static str,
    effect: Option<Effect>,
    needed: Effect,
    example: &str,
) -> Option<Item<'s>> {
    let item = section.get(key);
    match (&item, effect) {
        (None, Some(effect)) if effect == needed => {
            section.report(
                format!("effect `{}` without `{key}`", needed.name()),
                &format!("`{key} = \"{example}\"`"),
                "",
            );
        }
        (Some(item), Some(effect)) if effect != needed => {
            let hint = format!("write effect = \"{}\", or leave `{key}` out", needed.name());
            item.wrong_with(&format!("`{key}` means nothing with effect `{}`", effect.name()), "", Some(hint));
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    item
}

/// One `[[rule.test]]`, with its place.
fn test(mut section: Section<'_>) -> Option<(RuleTest, Place)> {
    let place = Place::File(section.span.clone());
    let written = format!("{}:{}", section.sink.name, line_of(section.sink.source, section.span.start));
    let expect = section.get("expect").map(|item| item.word(&EFFECTS));
    let told = section.get("event").map(|item| item.section().map(event));
    if expect.is_none() || told.is_none() {
        section.report(
            "a test without `event` or `expect`".to_owned(),
            "`event = { kind = \"thought\", text = \"…\" }` and `expect = \"ask\"`",
            "",
        );
    }
    let at = section.get("at").and_then(|item| instant(&item));
    let times = section.get("times").and_then(|item| item.integer(1..=2_000)).unwrap_or(1);
    section.finish();
    let Told { event, agent, goal } = told.flatten().flatten()?;
    Some((RuleTest { place: written, event, agent, goal, at, times, expect: expect.flatten()? }, place))
}

/// What a test tells.
struct Told {
    event: Event,
    agent: Option<String>,
    goal: Option<String>,
}

fn event(mut section: Section<'_>) -> Option<Told> {
    let kind = section.get("kind").map_or(Some("thought"), |item| item.text()).map(EventKind::from_wire);
    let mut text = |key| section.get(key).and_then(|item| item.text()).map(str::to_owned);
    let (said, url, title) = (text("text"), text("url"), text("title"));
    let (agent, goal) = (text("agent"), text("goal"));
    let truncated = section.get("truncated").and_then(|item| item.flag()).unwrap_or_default();
    section.finish();
    let event = Event { id: None, kind: kind?, text: said.unwrap_or_default(), at: None, url, title, truncated };
    Some(Told { event, agent, goal })
}

/// A moment with its offset, such as `"2026-11-25T23:30:00+01:00"`.
fn instant(item: &Item<'_>) -> Option<Timestamp> {
    let instant = item.text()?.parse();
    if instant.is_err() {
        let expected = "a moment with its offset, such as \"2026-11-25T23:30:00+01:00\"";
        item.wrong(&format!("{} is not a moment", item.shown()), expected);
    }
    instant.ok()
}
