//! The demo's narrator: what the agent does, as the simulated API knows it, line by line above the prompt.

use std::sync::Arc;
use std::time::Duration;

use crate::control::{Change, Client, State};
use crate::gate::Delivery;
use crate::operator::escape::short;
use crate::simulator::{Emitted, Simulator, World};

/// Longer than any reader of the demo takes.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long the end waits for the last delivery.
const LAST: Duration = Duration::from_secs(10);

/// Why the story could not go on.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    #[error(transparent)]
    Wait(#[from] crate::simulator::WaitError),
    #[error(transparent)]
    Control(#[from] crate::simulator::ControlError),
    #[error(transparent)]
    Stopped(#[from] crate::simulator::Stopped),
}

/// Starts the agent and tells what it does until its task has ended and every approval is delivered.
pub async fn tell(sim: &Simulator, mut audience: Client) -> Result<(), StoryError> {
    let session = sim.create("demo").await?;
    let mut told = 0;
    loop {
        let seen = told;
        let ended = |world: &World, id: &str| {
            world.session(id).is_none_or(|state| state.deleted || !is_busy(&state.execution_status, state.paused))
        };
        let watched = session.clone();
        sim.until(PATIENCE, move |world| world.record().events.len() > seen || ended(world, &watched)).await?;
        let events = sim.events().await?;
        for event in events.iter().skip(told) {
            if let Some(line) = line(event) {
                tracing::info!(target: "story", "{line}");
            }
        }
        told = events.len();
        let watched = session.clone();
        if told == seen || sim.look(move |world| ended(world, &watched)).await? {
            break;
        }
    }
    // A client that was dropped, or deliveries that take too long, only shorten the story.
    let _ = tokio::time::timeout(LAST, delivered(&mut audience)).await;
    Ok(())
}

fn is_busy(execution: &str, paused: bool) -> bool {
    paused || matches!(execution, "running" | "waiting_for_input" | "paused")
}

/// Waits until no approval is open or on its way.
async fn delivered(audience: &mut Client) {
    let Ok(snapshot) = audience.snapshot().await else { return };
    let waiting = snapshot.approvals.into_iter().filter(|view| waits(&view.state));
    let mut open: Vec<_> = waiting.map(|view| view.card.approval).collect();
    while !open.is_empty() {
        let Ok(update) = audience.next_update().await else { return };
        if let Change::Approval { view } = update.change {
            open.retain(|id| *id != view.card.approval || waits(&view.state));
        }
    }
}

fn waits(state: &State) -> bool {
    match state {
        State::Draft | State::Open | State::Deciding { .. } => true,
        State::Ended { delivery, .. } => *delivery == Delivery::Applying,
    }
}

fn line(event: &Arc<Emitted>) -> Option<String> {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let words = text(&event.content).or_else(|| text(event.data.get("text")?)).unwrap_or_default();
    let said = short(&words);
    let line = match event.name.as_str() {
        "thought" => format!("  agent   thinks  {said}"),
        "step" => format!("  agent   does    {}", step(&event.data)),
        "question" => format!("  agent   asks    {said}"),
        "done" => format!("  agent   done    {said}"),
        "user" => format!("  user    says    {said}"),
        "paused" | "resumed" => format!("  session {}", event.name),
        _ => return None,
    };
    Some(line)
}

/// A step's own words: action, element, text.
fn step(data: &serde_json::Value) -> String {
    let part = |key: &str| data.get(key).and_then(serde_json::Value::as_str);
    let parts = ["action", "element", "text"].map(part);
    short(&parts.into_iter().flatten().collect::<Vec<_>>().join("  "))
}
