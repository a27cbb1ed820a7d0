//! `holdpoint policy diff`: what other rules would have asked, allowed and denied.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::history::{History, Since};
use super::source::{named, recorded};
use super::told::{opinion, opinion_json, words};
use crate::api::Event;
use crate::cli::oneshot::to_json;
use crate::cli::{counted, print};
use crate::clock::Moment;
use crate::error::Failure;
use crate::operator::escape::short;
use crate::policy::compare::{Comparison, Opinion};
use crate::traces::moments;

pub(super) const ABOUT: &str = "Evaluates the same events by two sets of rules, and lists those on which they say something \
else: on recorded runs (--traces), or on what the daemon recorded (--since, --store).

OLD and NEW are configurations, or names of presets; a file that is called like a preset is written ./balanced. Exits with 0 \
whether or not they differ.";

/// Arguments of `holdpoint policy diff`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("events").required(true).multiple(true)))]
pub struct Args {
    /// The rules before: a configuration, or cautious, balanced or quiet
    #[arg(value_name = "OLD")]
    old: String,
    /// The rules after
    #[arg(value_name = "NEW")]
    new: String,
    /// Recorded runs, one JSON object a line
    #[arg(long, value_name = "FILE", group = "events", conflicts_with_all = ["since", "store"])]
    traces: Option<PathBuf>,
    /// The daemon's recorded events from then on: a duration such as 2d or 90m, or a time
    #[arg(long, value_name = "DURATION|TIME", group = "events")]
    since: Option<Since>,
    /// The daemon's store; without it the one that the configuration NEW names, or the usual one
    #[arg(long, value_name = "FILE", group = "events")]
    store: Option<PathBuf>,
    /// Prints JSON: {"events", "sessions", "changes": [{"at", "session", "event", "kind", "text", "old": {…}, "new": {…}}], "counts": [{"old", "new", "events"}]}
    #[arg(long)]
    json: bool,
}

/// An event on which they differ.
struct Change {
    at: Option<jiff::Timestamp>,
    session: String,
    /// Its index in a recorded run, from 0; its message id in a session.
    number: Option<u64>,
    event: Event,
    old: Opinion,
    new: Opinion,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (old, new) = (named(&args.old)?, named(&args.new)?);
    let mut comparison = Comparison::new(&old.policy, &new.policy);
    let mut changes = Vec::new();
    match &args.traces {
        Some(traces) => {
            for trace in recorded(traces)? {
                let Some(session) = trace.session() else { continue };
                for ((number, event), now) in (0..).zip(trace.played()).zip(moments()) {
                    if let Some((old, new)) = comparison.see(&trace.id, &session, &event, now) {
                        changes.push(Change {
                            at: None,
                            session: trace.id.clone(),
                            number: Some(number),
                            event,
                            old,
                            new,
                        });
                    }
                }
            }
        }
        None => {
            let mut history = History::open(args.store.as_deref(), new.file.as_deref(), args.since).await?;
            while let Some(events) = history.next().await? {
                for one in events {
                    let (session, number) = (one.session.id.to_string(), one.event.id.map(|id| id.0));
                    if let Some((old, new)) = comparison.see(&session, &one.session, &one.event, Moment::of(one.at)) {
                        changes.push(Change { at: Some(one.at), session, number, event: one.event, old, new });
                    }
                }
            }
        }
    }
    if args.json {
        return print(&to_json(&json(&comparison, &changes)));
    }
    changes.iter().map(line).try_for_each(|line| print(&line))?;
    print(&summary(&comparison, changes.len()))
}

fn line(change: &Change) -> String {
    let at = change.at.map(|at| format!("{at} ")).unwrap_or_default();
    let number = change.number.map(|number| format!(" event {number}")).unwrap_or_default();
    format!(
        "{at}{session}{number} {kind}: {text}\n  old: {old}\n  new: {new}",
        session = short(&change.session),
        kind = short(change.event.kind.name()),
        text = words(&change.event.text),
        old = opinion(&change.old),
        new = opinion(&change.new),
    )
}

fn summary(comparison: &Comparison<'_>, changes: usize) -> String {
    let differing = comparison.counts().iter().filter(|((old, new), _)| old != new);
    let told: Vec<String> =
        differing.map(|((old, new), count)| format!("{} → {} {count}", old.name(), new.name())).collect();
    let events = counted(comparison.events(), "event", "events");
    let sessions = counted(comparison.sessions() as i128, "session", "sessions");
    if changes == 0 {
        return format!("{events} of {sessions}: no difference");
    }
    format!("{events} of {sessions}, {} differ: {}", changes, told.join(", "))
}

fn json(comparison: &Comparison<'_>, changes: &[Change]) -> Value {
    let change = |change: &Change| {
        json!({
            "at": change.at, "session": change.session, "event": change.number, "kind": change.event.kind.name(),
            "text": change.event.text, "old": opinion_json(&change.old), "new": opinion_json(&change.new),
        })
    };
    let count = |((old, new), count): (&(_, _), &u64)| -> Value {
        let (old, new): (&crate::policy::Effect, &crate::policy::Effect) = (old, new);
        json!({ "old": old.name(), "new": new.name(), "events": count })
    };
    json!({
        "events": comparison.events(), "sessions": comparison.sessions(),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
        "counts": comparison.counts().iter().map(count).collect::<Vec<_>>(),
    })
}
