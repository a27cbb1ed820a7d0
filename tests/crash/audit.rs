//! What must be true after every run, read from the provider's record, the journal, and what the operator was told.

use std::collections::{BTreeMap, BTreeSet};

use holdpoint::gate::{Deliver, Kept, Outcome};
use holdpoint::simulator::Call;
use holdpoint::simulator::fault::Endpoint;
use holdpoint::store::{Row, Store};
use jiff::Timestamp;
use serde_json::Value;

use crate::home::Home;
use crate::operator::Memory;
use crate::story::Story;

/// One durable outcome.
struct Decided {
    at: Timestamp,
    approval: String,
    outcome: Outcome,
    deliver: Deliver,
}

/// Checks all of it; the daemon must have ended.
pub async fn check(home: &Home, story: Story, memory: &Memory) -> Result<(), String> {
    home.output(&["audit", "verify", "--store", "holdpoint.db"]).await?;
    let listed = home.output(&["audit", "list", "--json", "--store", "holdpoint.db"]).await?;
    let store = Store::open_to_read(&home.store()).await.expect("a store");
    let rows = store.journal(0, 100_000).await.expect("a journal");
    let live = store.live().await.expect("approvals");
    store.close().await;
    same_entries(&listed, &rows)?;
    let decided = decided(&rows)?;
    let calls = home.sim.calls().await.expect("a simulator");
    no_release_without_a_durable_decision(&calls, &decided)?;
    nothing_is_released_twice(&calls, &decided)?;
    every_outcome_is_one_of_the_story(&decided, story)?;
    what_was_told_is_what_stands(&decided, memory)?;
    votes_and_time_that_were_told_are_written(&rows, memory)?;
    whoever_had_to_approve_did(&rows, story)?;
    everything_came_to_its_end(&live, story)?;
    let kept = !live.is_empty();
    the_message_arrived_once(&calls, &rows, story, kept)?;
    let approved = decided.iter().any(|one| one.outcome == Outcome::Approved);
    let ledger: Vec<String> =
        home.sim.ledger().await.expect("a simulator").into_iter().map(|order| order.what).collect();
    equal("the ledger", ledger, story.ledger(approved).iter().map(|&what| what.to_owned()).collect())
}

fn same_entries(listed: &str, rows: &[Row]) -> Result<(), String> {
    let listed: Vec<Value> = serde_json::from_str(listed).map_err(|error| format!("audit list: {error}"))?;
    let listed = listed.iter().map(|entry| entry["entry"].as_str().unwrap_or_default().to_owned()).collect();
    equal("audit list", listed, rows.iter().map(|row| row.entry.entry.clone()).collect())
}

/// The durable outcomes; each approval has one at most.
fn decided(rows: &[Row]) -> Result<Vec<Decided>, String> {
    let mut outcomes: BTreeMap<String, Decided> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.entry.entry == "decided") {
        let closed = kept(row).closed.expect("an outcome");
        let approval = row.entry.approval.clone().expect("an approval");
        let at = row.entry.at.parse().expect("a time");
        let one = Decided { at, approval: approval.clone(), outcome: closed.outcome, deliver: closed.deliver };
        if outcomes.insert(approval.clone(), one).is_some() {
            return Err(format!("approval {approval} was decided twice"));
        }
    }
    if outcomes.is_empty() {
        return Err("no approval has an outcome".to_owned());
    }
    Ok(outcomes.into_values().collect())
}

fn kept(row: &Row) -> Kept {
    let mut body: Value = serde_json::from_str(&row.entry.body).expect("JSON");
    serde_json::from_value(body["kept"].take()).expect("an approval")
}

fn entries<'a>(rows: &'a [Row], entry: &'a str) -> impl Iterator<Item = Kept> + 'a {
    rows.iter().filter(move |row| row.entry.entry == entry).map(kept)
}

/// Invariant 1: what was not durable when the process died is not in the journal.
fn no_release_without_a_durable_decision(calls: &[Call], decided: &[Decided]) -> Result<(), String> {
    let releases = |call: &&Call| matches!(call.endpoint, Some(Endpoint::Resume | Endpoint::Message));
    for call in calls.iter().filter(releases) {
        let text = message(call);
        let fits = |one: &Decided| match (&one.deliver, &text) {
            (Deliver::Resume | Deliver::MessageThenResume { .. }, None) => one.at <= call.received_at,
            (Deliver::MessageThenResume { text } | Deliver::Message { text }, Some(sent)) => {
                text == sent && one.at <= call.received_at
            }
            (Deliver::Resume | Deliver::Message { .. } | Deliver::Cancel | Deliver::Nothing, _) => false,
        };
        if !decided.iter().any(fits) {
            return Err(format!("released without a durable decision: {call:?}"));
        }
    }
    Ok(())
}

/// A release that had its effect is not sent again: there are never more of them than decisions that release.
fn nothing_is_released_twice(calls: &[Call], decided: &[Decided]) -> Result<(), String> {
    let resumes = calls.iter().filter(|call| call.endpoint == Some(Endpoint::Resume) && had_effect(call)).count();
    let allowed = decided.iter().filter(|one| one.deliver.releases()).count();
    if resumes > allowed { Err(format!("{resumes} resumes took effect, {allowed} were decided")) } else { Ok(()) }
}

/// Once, wherever the process died. Where it cannot be told whether it arrived, that is written down, an operator is asked,
/// and lets the session go on without: then it has not arrived at all.
fn the_message_arrived_once(calls: &[Call], rows: &[Row], story: Story, kept: bool) -> Result<(), String> {
    let arrived = calls.iter().filter(|call| call.endpoint == Some(Endpoint::Message) && had_effect(call));
    let arrived: Vec<String> = arrived.filter_map(message).collect();
    let wanted: Vec<String> = story.message().filter(|_| !kept).map(str::to_owned).into_iter().collect();
    let unknown =
        || rows.iter().any(|row| row.entry.entry == "delivered" && row.entry.body.contains(r#""delivery":"unknown""#));
    let without = match story {
        Story::Instruct => unknown(),
        // An operator who is asked in doubt approves a rule's instruction without it.
        Story::Rule => true,
        Story::Approve
        | Story::Deny
        | Story::Expire
        | Story::Cooldown
        | Story::Answer
        | Story::Refuse
        | Story::Delete
        | Story::Halt
        | Story::Votes
        | Story::Extend => false,
    };
    if arrived.is_empty() && without { Ok(()) } else { equal("messages that arrived", arrived, wanted) }
}

fn every_outcome_is_one_of_the_story(decided: &[Decided], story: Story) -> Result<(), String> {
    let odd = decided.iter().find(|one| !story.outcomes().contains(&one.outcome));
    odd.map_or(Ok(()), |one| Err(format!("approval {} is {}", one.approval, one.outcome)))
}

fn what_was_told_is_what_stands(decided: &[Decided], memory: &Memory) -> Result<(), String> {
    for (approval, told) in &memory.told {
        let id = approval.to_string();
        let stands = decided.iter().find(|one| one.approval == id).map(|one| one.outcome);
        if stands != Some(*told) {
            return Err(format!("an operator was told that {id} is {told}, and the journal says {stands:?}"));
        }
    }
    if memory.wrong.is_empty() { Ok(()) } else { Err(memory.wrong.join("; ")) }
}

/// A vote that counted and a time that was extended were durable when that was told, and nothing expired before.
fn votes_and_time_that_were_told_are_written(rows: &[Row], memory: &Memory) -> Result<(), String> {
    for (approval, revision, by) in &memory.counted {
        let is_written = |kept: Kept| {
            kept.card.approval == *approval && kept.votes.at(*revision).iter().any(|vote| vote.by.0 == *by)
        };
        if !entries(rows, "voted").any(is_written) {
            return Err(format!(
                "{by} was told that its approval of {approval} r{revision} counts, and no vote is written"
            ));
        }
    }
    for (approval, until) in &memory.extended {
        let is_written = |kept: Kept| kept.card.approval == *approval && kept.deadline >= *until;
        if !entries(rows, "extended").any(is_written) {
            return Err(format!(
                "an operator was told that {approval} has time until {until}, and that is not written"
            ));
        }
        let decided = entries(rows, "decided").find(|kept| kept.card.approval == *approval);
        let outcome = decided.and_then(|kept| kept.closed).map(|closed| closed.outcome);
        if outcome != Some(Outcome::Approved) {
            return Err(format!("{approval} had time until {until}, and is {outcome:?}"));
        }
    }
    Ok(())
}

/// A release that takes two operators rests on two, and each of them approved the revision that was released.
fn whoever_had_to_approve_did(rows: &[Row], story: Story) -> Result<(), String> {
    if !story.takes_two() {
        return Ok(());
    }
    for kept in entries(rows, "decided") {
        let Some(closed) = &kept.closed else { continue };
        let by: BTreeSet<&str> = kept.votes.at(closed.revision).iter().map(|vote| vote.by.0.as_str()).collect();
        if by.len() != 2 {
            return Err(format!("{} r{} was approved by {by:?}", kept.card.approval, closed.revision));
        }
    }
    Ok(())
}

fn everything_came_to_its_end(live: &[Kept], story: Story) -> Result<(), String> {
    let open = live.iter().find(|kept| !(story.may_be_kept() && kept.holding && kept.closed.is_some()));
    open.map_or(Ok(()), |kept| Err(format!("approval {} is still under way: {:?}", kept.card.approval, kept.closed)))
}

fn equal(what: &str, found: Vec<String>, wanted: Vec<String>) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?} and not {wanted:?}")) }
}

fn had_effect(call: &Call) -> bool {
    call.applied && (call.faulted || call.status == Some(200))
}

fn message(call: &Call) -> Option<String> {
    let body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    body["message"].as_str().map(str::to_owned)
}
