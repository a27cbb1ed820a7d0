//! `/_sim/fleet`: what a measurement of many sessions needs, without the record of every event.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::{Shell, truth};
use crate::simulator::fault::Endpoint;
use crate::simulator::record::Sent;
use crate::simulator::world::World;

/// From where on the record is read.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    #[serde(default)]
    calls: usize,
    #[serde(default)]
    sent: usize,
}

/// What there is since then.
#[derive(Serialize)]
struct News {
    /// How many calls are in the record.
    calls: usize,
    /// How many events were emitted, since the start.
    events: usize,
    /// How many streams are open.
    streams: usize,
    /// How many sessions have a task that runs.
    running: usize,
    /// When events that were emitted beside a script were written, since the last time.
    sent: Vec<Sent>,
    /// The pauses received since the last time.
    paused: Vec<Paused>,
    /// How late frames were written: below how many microseconds, and how many; since the start.
    late_us: BTreeMap<u64, u64>,
}

#[derive(Serialize)]
struct Paused {
    session: String,
    received_ns: u64,
    status: Option<u16>,
}

pub(super) async fn news(State(shell): State<Shell>, Query(from): Query<From>) -> Response {
    let late_us = shell.lag.counts();
    truth::read(&shell, move |world| of(world, from, late_us)).await
}

fn of(world: &World, from: From, late_us: BTreeMap<u64, u64>) -> News {
    let record = world.record();
    let pauses = record.calls_from(from.calls).iter().filter(|call| call.endpoint == Some(Endpoint::Pause));
    let paused = pauses.filter_map(|call| {
        let (session, received_ns, status) = (call.session.clone()?, call.received_ns, call.status);
        Some(Paused { session, received_ns, status })
    });
    News {
        calls: record.end().calls,
        events: record.end().events,
        streams: world.streams(),
        running: world.running(),
        sent: record.sent_from(from.sent).to_vec(),
        paused: paused.collect(),
        late_us,
    }
}
