//! `holdpoint policy replay`: what the rules would say now about what the daemon saw.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::history::{History, Since};
use super::source::Rules;
use super::told::{effects, effects_json, opinion, opinion_json, words};
use crate::cli::oneshot::to_json;
use crate::cli::{counted, print};
use crate::clock::Moment;
use crate::error::Failure;
use crate::operator::escape::short;
use crate::policy::compare::Opinion;
use crate::policy::{Context, Effect, Policy};
use crate::store::Recorded;

pub(super) const ABOUT: &str = "Evaluates the events that the daemon recorded by the rules as they are in the file now, and lists \
those on which they do anything, or did when the daemon saw them.

The daemon keeps what it evaluates as [store] events says: 30 days and 256 MiB where nothing is said. Reads the store only, also \
beside a running daemon. What a rule looks back at begins with the first event that is read.";

/// Arguments of `holdpoint policy replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    rules: Rules,
    /// The daemon's store; without it the one that the configuration names
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// From when on: a duration such as 2d or 90m, or a time; without it everything there is
    #[arg(long, value_name = "DURATION|TIME")]
    since: Option<Since>,
    /// Prints JSON: {"events", "sessions", "then", "now", "hits": [{"at", "session", "kind", "text", "then", "now": {…}}]}
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Default)]
struct Found {
    events: usize,
    sessions: BTreeMap<String, Context>,
    then: BTreeMap<Effect, u64>,
    now: BTreeMap<Effect, u64>,
    hits: Vec<(Recorded, Opinion)>,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let policy = args.rules.policy()?;
    let mut history = History::open(args.store.as_deref(), args.rules.config(), args.since).await?;
    let mut found = Found::default();
    while let Some(events) = history.next().await? {
        for recorded in events {
            found.see(&policy, recorded);
        }
    }
    if args.json {
        return print(&to_json(&found.json()));
    }
    found.hits.iter().map(line).try_for_each(|line| print(&line))?;
    print(&found.summary())
}

impl Found {
    fn see(&mut self, policy: &Policy, recorded: Recorded) {
        let context = self.sessions.entry(recorded.session.id.to_string()).or_default();
        let now = Opinion::of(&policy.evaluate(&recorded.session, context, &recorded.event, Moment::of(recorded.at)));
        self.events += 1;
        *self.then.entry(recorded.effect).or_default() += 1;
        *self.now.entry(now.effect).or_default() += 1;
        if now.effect != Effect::Allow || recorded.effect != Effect::Allow {
            self.hits.push((recorded, now));
        }
    }

    fn summary(&self) -> String {
        let other = self.hits.iter().filter(|(recorded, now)| recorded.effect != now.effect).count();
        format!(
            "{} of {}: now {}; then {}; {} otherwise than then",
            counted(self.events as i128, "event", "events"),
            counted(self.sessions.len() as i128, "session", "sessions"),
            effects(&self.now),
            effects(&self.then),
            other,
        )
    }

    fn json(&self) -> Value {
        let hit = |(recorded, now): &(Recorded, Opinion)| {
            json!({
                "at": recorded.at, "session": recorded.session.id, "kind": recorded.event.kind.name(),
                "text": recorded.event.text, "then": recorded.effect.name(), "now": opinion_json(now),
            })
        };
        json!({
            "events": self.events, "sessions": self.sessions.len(), "then": effects_json(&self.then),
            "now": effects_json(&self.now), "hits": self.hits.iter().map(hit).collect::<Vec<_>>(),
        })
    }
}

fn line((recorded, now): &(Recorded, Opinion)) -> String {
    let mark = if recorded.effect == now.effect { "same   " } else { "CHANGED" };
    format!(
        "{mark} {at} {session} {kind}: {text}\n  then {then}, now {now}",
        at = recorded.at,
        session = recorded.session.id,
        kind = short(recorded.event.kind.name()),
        text = words(&recorded.event.text),
        then = recorded.effect.name(),
        now = opinion(now),
    )
}
