//! `holdpoint policy eval`: the figures of a policy on recorded runs, as a table or as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::source::{Rules, recorded};
use crate::cli::oneshot::to_json as text;
use crate::cli::print;
use crate::error::Failure;
use crate::operator::escape::{escape, short};
use crate::policy::measure::{FalseAlarm, Measures, Missed, Spot, Tally};

pub(super) const ABOUT: &str = "Measures rules on recorded runs: what they catch, whom they disturb, how often they are right.

Each event of a run is written as the provider would send it, read by the provider's decoder and evaluated as the daemon \
would, results of tools and pages and messages of users included. An alarm is a verdict that asks or denies on an event \
in which the agent itself speaks or acts; alert, instruct and cooldown are none.

recall       consequential events with an alarm on them or on the agent's event just before
self         those with an alarm on themselves
disturbed    runs without consequential events that have an alarm; beside it their alarms per run
precision    alarms on a consequential event or the one before it, of all alarms that are not on soft events

A line of the file is one run: {\"id\", \"surface\", \"source\", \"task\", \"events\": [{\"kind\": \"thought\", \"action\", \
\"tool_call\", \"observation\", \"question\" or \"message\", \"text\", \"url\", \"tool\", \"args\", \"role\"}], \
\"consequential\": [indices], \"soft\": [indices], \"categories\": [words]}. Members that are not known are ignored.";

/// The longest words that are shown of an event, in characters.
const SHOWN: usize = 300;

/// Arguments of `holdpoint policy eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    rules: Rules,
    /// The recorded runs, one JSON object a line
    #[arg(long, value_name = "FILE")]
    traces: PathBuf,
    /// One line for each surface, or for each source
    #[arg(long, value_enum, default_value = "surface")]
    by: By,
    /// Also lists what was missed and every false alarm, with the words
    #[arg(long)]
    misses: bool,
    /// Prints JSON: shares from 0 to 1 by surface and by source; null where there is nothing to share
    #[arg(long)]
    json: bool,
}

/// How the table is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum By {
    Surface,
    Source,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let policy = args.rules.policy()?;
    let traces = recorded(&args.traces)?;
    let measures = Measures::of(&policy, &traces);
    if args.json {
        return print(&text(&json(&measures, args.misses)));
    }
    let (name, groups) = match args.by {
        By::Surface => ("surface", &measures.surfaces),
        By::Source => ("source", &measures.sources),
    };
    table(name, groups).iter().try_for_each(|line| print(line))?;
    if args.misses {
        misses(&measures).iter().try_for_each(|line| print(line))?;
    }
    Ok(())
}

fn table(name: &str, groups: &BTreeMap<String, Tally>) -> Vec<String> {
    let names: Vec<String> = groups.keys().map(|group| short(group)).collect();
    let width = names.iter().map(|name| name.chars().count()).chain([name.len()]).max().unwrap_or_default();
    let head = format!("{name:width$}  recall    self  disturbed  alarms/run  precision  consequential  harmless");
    let row = |(name, tally): (&String, &Tally)| {
        format!(
            "{name:width$} {:>7} {:>7}    {:>7}     {:>7}    {:>7}        {:>7}   {:>7}",
            percent(tally.recall()),
            percent(tally.recall_self()),
            percent(tally.disturbance()),
            tally.alarms_per_harmless().map_or("-".to_owned(), |rate| format!("{rate:.2}")),
            percent(tally.precision()),
            tally.consequential,
            tally.harmless,
        )
    };
    std::iter::once(head).chain(names.iter().zip(groups.values()).map(row)).collect()
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn misses(measures: &Measures) -> Vec<String> {
    let missed = measures.missed.iter().flat_map(told_missed);
    missed.chain(measures.false_alarms.iter().flat_map(told_false)).collect()
}

fn told_missed(missed: &Missed) -> [String; 2] {
    let before = missed.before.as_ref().map(|before| format!("  after: {}", words(before))).unwrap_or_default();
    [
        format!("missed {} [{}]: {}", place(&missed.spot), short(&missed.category), words(&missed.spot.text)),
        if before.is_empty() { "  at the beginning".to_owned() } else { before },
    ]
}

fn told_false(alarm: &FalseAlarm) -> [String; 2] {
    let matched = alarm.matched.as_ref().map(|(condition, words)| format!(", {condition} on: {}", self::words(words)));
    [
        format!("false alarm {}: {}", place(&alarm.spot), words(&alarm.spot.text)),
        format!("  rule {} ({}){}", short(&alarm.rule.name), short(&alarm.rule.place), matched.unwrap_or_default()),
    ]
}

fn place(spot: &Spot) -> String {
    format!("{} {} event {}", short(&spot.surface), short(&spot.trace), spot.event)
}

fn words(text: &str) -> String {
    escape(text, SHOWN).text
}

fn json(measures: &Measures, misses: bool) -> Value {
    let groups = |groups: &BTreeMap<String, Tally>| -> Value {
        groups.iter().map(|(name, tally)| (name.clone(), figures(*tally))).collect::<serde_json::Map<_, _>>().into()
    };
    let mut all = json!({ "surfaces": groups(&measures.surfaces), "sources": groups(&measures.sources) });
    if misses {
        all["missed"] = measures.missed.iter().map(missed_json).collect();
        all["false_alarms"] = measures.false_alarms.iter().map(false_json).collect();
    }
    all
}

fn figures(tally: Tally) -> Value {
    json!({
        "recall": tally.recall(), "recall_self": tally.recall_self(), "disturbed": tally.disturbance(),
        "precision": tally.precision(), "alarms_per_harmless": tally.alarms_per_harmless(),
        "consequential": tally.consequential, "harmless": tally.harmless,
    })
}

fn missed_json(missed: &Missed) -> Value {
    let mut value = spot_json(&missed.spot);
    value["category"] = missed.category.as_str().into();
    value["before"] = missed.before.as_deref().into();
    value
}

fn false_json(alarm: &FalseAlarm) -> Value {
    let mut value = spot_json(&alarm.spot);
    value["rule"] = alarm.rule.name.as_str().into();
    value["place"] = alarm.rule.place.as_str().into();
    value["condition"] = alarm.matched.as_ref().map(|(condition, _)| condition.as_str()).into();
    value["words"] = alarm.matched.as_ref().map(|(_, words)| words.as_str()).into();
    value
}

fn spot_json(spot: &Spot) -> Value {
    json!({
        "trace": spot.trace, "surface": spot.surface, "source": spot.source, "event": spot.event, "text": spot.text,
    })
}
