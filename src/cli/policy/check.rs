//! `holdpoint policy check`: rules that are valid, but hardly meant.

use serde_json::{Value, json};

use super::source::Rules;
use crate::cli::oneshot::to_json as text;
use crate::cli::{counted, print, say};
use crate::config::{Loaded, Preset};
use crate::error::{Exit, Failure};
use crate::operator::escape::{again, escape, short};
use crate::policy::RuleTerms;
use crate::policy::lint::Finding;

pub(super) const ABOUT: &str = "Says what in the rules was hardly meant: rules that can never fire, that a stricter rule always \
overrules, that say the same twice or contradict themselves, and expressions that cost much.

Exits with 0 when the rules do what they seem to do, 1 when one does not, and 78 when the configuration is not valid, its tests \
included. Rules of a preset are looked at together with your own, but only your own are told about.";

/// Arguments of `holdpoint policy check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    rules: Rules,
    /// Prints JSON: {"rules", "findings": [{"kind", "problem", "rule", "place", "other", "other_place", "message", "hint"}]}
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Loaded { config, notes } = args.rules.loaded()?;
    let findings: Vec<Finding> =
        config.policy.lint().into_iter().filter(|one| !is_ready_made(config.preset, &one.rule)).collect();
    let problems = findings.iter().filter(|one| one.kind.is_problem()).count();
    if args.json {
        let findings: Vec<Value> = findings.iter().map(told).collect();
        print(&text(&json!({ "rules": config.policy.len(), "findings": findings })))?;
    } else {
        let told = |note: &&String| findings.iter().any(|one| note.contains(&format!("({})", one.rule.place)));
        notes.iter().filter(|note| !told(note)).for_each(|note| say(format_args!("note: {note}")));
        findings.iter().flat_map(lines).try_for_each(|line| print(&line))?;
        print(&summary(config.policy.len(), problems, findings.len() - problems))?;
    }
    if problems == 0 { Ok(()) } else { Err(Failure::told(Exit::Error)) }
}

fn is_ready_made(preset: Option<Preset>, rule: &RuleTerms) -> bool {
    preset.is_some_and(|preset| rule.place.starts_with(&format!("preset {}:", preset.name())))
}

fn summary(rules: usize, problems: usize, remarks: usize) -> String {
    let count = |count: usize, one, many| counted(i128::try_from(count).unwrap_or(i128::MAX), one, many);
    format!(
        "{}, {}, {}",
        count(rules, "rule", "rules"),
        count(problems, "problem", "problems"),
        count(remarks, "remark", "remarks")
    )
}

fn lines(finding: &Finding) -> Vec<String> {
    let word = if finding.kind.is_problem() { "problem" } else { "remark" };
    let rule = &finding.rule;
    let mut lines =
        vec![format!("{word}: rule `{}` {}: {}", short(&rule.name), kind(finding), escape(&finding.message, 600).text)];
    lines.push(format!("  --> {}", short(&rule.place)));
    if let Some(other) = &finding.other {
        lines.push(format!("  = other rule: `{}` at {}", short(&other.name), short(&other.place)));
    }
    lines.push(format!("  = hint: {}", again(&finding.hint)));
    lines
}

fn kind(finding: &Finding) -> String {
    format!("[{}]", finding.kind)
}

fn told(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.name(), "problem": finding.kind.is_problem(),
        "rule": finding.rule.name, "place": finding.rule.place,
        "other": finding.other.as_ref().map(|other| &other.name),
        "other_place": finding.other.as_ref().map(|other| &other.place),
        "message": finding.message, "hint": finding.hint,
    })
}
