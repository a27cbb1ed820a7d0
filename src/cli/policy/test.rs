//! `holdpoint policy test`: every `[[rule.test]]`, one by one.

use serde_json::{Value, json};

use super::source::Rules;
use crate::cli::oneshot::to_json as text;
use crate::cli::{counted, print};
use crate::error::{Exit, Failure};
use crate::operator::escape::{escape, short};
use crate::policy::{Tested, Verdict};

pub(super) const ABOUT: &str = "Runs the tests that stand beside the rules, and tells what came of each.

A configuration whose tests fail does not load; here its rules are tried all the same. Exits with 0 when all tests pass, and \
with 1 when one fails or there are none.";

/// Arguments of `holdpoint policy test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    rules: Rules,
    /// Prints JSON: {"passed", "failed", "tests": [{"place", "rule", "kind", "text", "expect", "effect", "by", "passed"}]}
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let tested: Vec<Tested> = args.rules.untested()?.tested().collect();
    let failed = tested.iter().filter(|one| one.failure().is_some()).count();
    if args.json {
        let tests: Vec<Value> = tested.iter().map(told).collect();
        print(&text(&json!({ "passed": tested.len() - failed, "failed": failed, "tests": tests })))?;
    } else {
        tested.iter().map(line).try_for_each(|line| print(&line))?;
    }
    if tested.is_empty() {
        return Err(Failure::new(Exit::Error, "the rules have no tests")
            .hint("write [[rule.test]] with `event` and `expect` below a rule; config.example.toml has some"));
    }
    if args.json {
        return if failed == 0 { Ok(()) } else { Err(Failure::told(Exit::Error)) };
    }
    let count = |count: usize| counted(i128::try_from(count).unwrap_or(i128::MAX), "test", "tests");
    if failed > 0 {
        let message = format!("{failed} of {} failed", count(tested.len()));
        return Err(Failure::new(Exit::Error, message).hint("`holdpoint policy explain --event JSON` tells why"));
    }
    print(&format!("{}, all passed", count(tested.len())))
}

fn line(tested: &Tested) -> String {
    let Tested { rule, test, .. } = tested;
    let said = escape(&test.event.text, 80).text;
    let event = format!("{} \"{said}\"", short(test.event.kind.name()));
    let came = tested.failure().map_or_else(
        || format!("ok      {}: {event} is {}", short(&test.place), test.expect.name()),
        |failure| format!("FAILED  {}: {event}: {failure}", short(&test.place)),
    );
    format!("{came} (rule {})", short(&rule.name))
}

fn told(tested: &Tested) -> Value {
    let Tested { rule, test, verdict } = tested;
    json!({
        "place": test.place, "rule": rule.name, "kind": test.event.kind.name(), "text": test.event.text,
        "expect": test.expect.name(), "effect": verdict.effect.name(), "by": by(verdict),
        "passed": tested.failure().is_none(),
    })
}

fn by(verdict: &Verdict) -> Option<&str> {
    verdict.deciding().map(|fired| fired.rule.name.as_str())
}
