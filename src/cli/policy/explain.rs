//! `holdpoint policy explain`: which rules fire on an event or nearly do, on which words, and where they stand.

mod approval;
mod event;
mod told;

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::source::Rules;
use crate::api::Event;
use crate::cli::oneshot::to_json as text;
use crate::cli::{print, say};
use crate::clock::Moment;
use crate::error::Failure;
use crate::policy::{Context, Explanation, Policy, SessionInfo};

pub(super) const ABOUT: &str = "Says which rules fire on an event or nearly do: every condition, whether it holds, and on which \
words of the event.

An event is JSON as the provider sends it, with its kind: {\"kind\": \"step\", \"tool\": \"click\", \"args\": {\"element\": \
\"Place order\"}}, or {\"kind\": \"thought\", \"text\": \"…\", \"url\": \"…\", \"title\": \"…\"}. \"agent\" and \"goal\" tell the \
session's. A list of events is taken in order, as one session; the last one is explained.

An approval is looked up at the running daemon, or in its store when no daemon answers. What its card shows is judged by the \
rules as they are in the file now.";

/// Arguments of `holdpoint policy explain`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub struct Args {
    #[command(flatten)]
    rules: Rules,
    /// The event, or a list of events of which the last one is explained; `-` reads standard input
    #[arg(long, value_name = "JSON", group = "what")]
    event: Option<String>,
    /// The approval whose card is explained: its code, or its whole id
    #[arg(long, value_name = "ID", group = "what")]
    approval: Option<String>,
    /// The daemon's socket, for --approval
    #[arg(long, value_name = "PATH", requires = "approval")]
    socket: Option<PathBuf>,
    /// When the event arrives, for `time`: a moment with its offset, such as 2026-11-28T12:00:00+01:00; without it now, or when
    /// the card says that it was
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Also tells about rules that are far from firing
    #[arg(long)]
    all: bool,
    /// Prints JSON: {"events": [{"kind", "text", "effect", "rules": [{"name", "place", "effect", "said", "when", "unless"}]}]}
    #[arg(long)]
    json: bool,
}

/// What is explained: events of one session, in order.
struct Question {
    session: SessionInfo,
    context: Context,
    events: Vec<Event>,
    /// How many of them come before what is asked about.
    before: usize,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let policy = args.rules.untested()?;
    if policy.tested().any(|tested| tested.failure().is_some()) {
        say("not every test of these rules passes: `holdpoint policy test` lists them");
    }
    let question = match (&args.event, &args.approval) {
        (Some(event), _) => event::question(event)?,
        (None, Some(name)) => approval::question(name, &args).await?,
        (None, None) => return Ok(()),
    };
    let explained = question.explained(&policy, args.at);
    if args.json {
        let events: Vec<Value> = explained.iter().map(|(event, why)| told::json(event, why)).collect();
        return print(&text(&json!({ "events": events })));
    }
    if explained.is_empty() {
        say("there is no event of the session to explain: the card was opened by a command, or for lost sight");
    }
    explained.iter().flat_map(|(event, why)| told::lines(event, why, args.all)).try_for_each(|line| print(&line))
}

impl Question {
    fn explained(mut self, policy: &Policy, at: Option<Timestamp>) -> Vec<(Event, Explanation)> {
        let mut explained = Vec::new();
        for (n, event) in self.events.into_iter().enumerate() {
            let now = Moment::of(at.or(event.at).unwrap_or_else(jiff::Timestamp::now));
            let why = policy.explain(&self.session, &mut self.context, &event, now);
            if n >= self.before {
                explained.push((event, why));
            }
        }
        explained
    }
}
