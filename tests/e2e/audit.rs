//! What must be true after every run, whatever it was about: the invariants, read from the provider's record and the store.

use std::collections::BTreeMap;

use holdpoint::simulator::Call;
use holdpoint::simulator::fault::Endpoint;
use holdpoint::store::{Row, Store};
use jiff::Timestamp;
use serde_json::Value;

use crate::stage::Stage;

/// One durable outcome.
struct Decided {
    at: Timestamp,
    session: String,
    releases: bool,
    message: Option<String>,
}

/// Checks all of it; the daemon must have ended.
pub async fn check(stage: &Stage) {
    let store = Store::open_to_read(&stage.file()).await.unwrap();
    store.verify().await.unwrap().expect("the journal is whole");
    let rows = store.journal(0, 100_000).await.unwrap();
    store.close().await;
    let decided = outcomes(&rows);
    let calls = stage.sim.calls().await.unwrap();
    every_release_was_decided_before(&calls, &decided);
    no_release_is_sent_twice(&calls, &decided);
    every_resume_follows_a_look(&calls);
    nothing_secret_was_told(stage, &rows);
}

/// The durable outcomes; each approval has one at most.
fn outcomes(rows: &[Row]) -> Vec<Decided> {
    let mut first: BTreeMap<&str, &Row> = BTreeMap::new();
    let mut decided = Vec::new();
    for row in rows.iter().filter(|row| row.entry.entry == "decided") {
        let approval = row.entry.approval.as_deref().unwrap();
        assert!(first.insert(approval, row).is_none(), "approval {approval} was decided twice");
        let body: Value = serde_json::from_str(&row.entry.body).unwrap();
        let deliver = &body["kept"]["closed"]["deliver"];
        let releases = ["resume", "message_then_resume", "message"].contains(&deliver["deliver"].as_str().unwrap());
        decided.push(Decided {
            at: row.entry.at.parse().unwrap(),
            session: row.entry.session.clone().unwrap(),
            releases,
            message: deliver["text"].as_str().map(str::to_owned),
        });
    }
    decided
}

/// Invariant 1.
fn every_release_was_decided_before(calls: &[Call], decided: &[Decided]) {
    for call in calls.iter().filter(|call| is_release(call)) {
        let text = message(call);
        let fits = |decided: &&Decided| {
            decided.releases
                && Some(&decided.session) == call.session.as_ref()
                && decided.at <= call.received_at
                && (text.is_none() || text == decided.message)
        };
        assert!(decided.iter().any(|one| fits(&one)), "not decided before: {call:?}");
    }
}

/// A release that had its effect is not sent again: there are never more of them than decisions.
fn no_release_is_sent_twice(calls: &[Call], decided: &[Decided]) {
    for endpoint in [Endpoint::Resume, Endpoint::Message] {
        let mut effective: BTreeMap<&str, usize> = BTreeMap::new();
        for call in calls.iter().filter(|call| call.endpoint == Some(endpoint) && had_effect(call)) {
            *effective.entry(call.session.as_deref().unwrap()).or_default() += 1;
        }
        for (session, times) in effective {
            let allowed = decided.iter().filter(|one| one.releases && one.session == session).count();
            assert!(times <= allowed, "{times} × {endpoint:?} took effect, {allowed} were decided");
        }
    }
}

/// The session and its messages are read after the last pause and before a release.
fn every_resume_follows_a_look(calls: &[Call]) {
    for (at, resume) in calls.iter().enumerate().filter(|(_, call)| call.endpoint == Some(Endpoint::Resume)) {
        let before = calls[..at].iter().rev().filter(|call| call.session == resume.session);
        let since: Vec<_> = before.take_while(|call| call.endpoint != Some(Endpoint::Pause)).collect();
        let read = |endpoint| since.iter().any(|call| call.endpoint == Some(endpoint) && call.status == Some(200));
        assert!(read(Endpoint::Session) && read(Endpoint::Messages), "resumed without a look: {calls:#?}");
    }
}

fn nothing_secret_was_told(stage: &Stage, rows: &[Row]) {
    let key = stage.key();
    assert!(rows.iter().all(|row| !row.entry.body.contains(key)), "the key is in the journal");
    assert!(stage.heard.lock().unwrap().iter().all(|text| !text.contains(key)), "the key was told to clients");
}

fn is_release(call: &Call) -> bool {
    matches!(call.endpoint, Some(Endpoint::Resume | Endpoint::Message))
}

fn had_effect(call: &Call) -> bool {
    call.applied && (call.faulted || call.status == Some(200))
}

fn message(call: &Call) -> Option<String> {
    let body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    body["message"].as_str().map(str::to_owned)
}
