//! What the demo's story came to, read from the simulated API's ledger and the store's own trail.

use std::path::Path;

use super::{SOON, columns};
use crate::cli::{counted, say};
use crate::error::{Exit, Failure};
use crate::operator::layout::folded;
use crate::simulator::{Simulator, World};
use crate::store::{Report, Store};

/// Nothing of a demo lasts.
const AGAIN: &str = "nothing of it is kept: start the demo again";

/// Prints what happened and whether the audit trail is whole.
pub async fn tell(sim: &Simulator, store: &Path, finished: bool) -> Result<(), Failure> {
    let (orders, latency) = tokio::time::timeout(SOON, sim.look(look))
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| Failure::new(Exit::Error, "the simulated API does not answer any more").hint(AGAIN))?;
    say("");
    say(format_args!(
        "{}",
        if finished { "The story has ended." } else { "You left before the story ended; nothing was decided for you." }
    ));
    if orders.is_empty() {
        say("  bought    nothing: the shop's ledger is empty");
    }
    for order in orders {
        tell_folded(&format!("  ledger    {order}"));
    }
    if let Some(millis) = latency {
        tell_folded(&format!(
            "  pause     received by the API {millis:.1} ms after it wrote the event that announced the purchase"
        ));
    }
    let report = verify(store).await?;
    let entries = counted(report.entries, "entry", "entries");
    let approvals = counted(report.approvals, "approval", "approvals");
    say(format_args!("  audit     whole: {entries}, {approvals}, hash-chained"));
    say("");
    tell_folded("Next: copy config.example.toml, set AGI_API_KEY, and start `holdpoint run --config config.toml`.");
    Ok(())
}

/// A line that may be wider than the terminal.
fn tell_folded(line: &str) {
    folded(line, columns()).iter().for_each(say);
}

/// What really happened, and how long the first pause took from the purchase's announcement.
fn look(world: &World) -> (Vec<String>, Option<f64>) {
    let record = world.record();
    let orders = record.ledger.iter().map(|order| {
        let amount = order.amount.as_deref().map(|amount| format!(" for {amount}")).unwrap_or_default();
        let late = if order.while_paused { " (a step in flight, after the pause)" } else { "" };
        format!("{}: {}{amount}{late}", order.kind, order.what)
    });
    let paused = record.calls.iter().find(|call| call.path.ends_with("/pause")).map(|call| call.received_ns);
    let written = paused.and_then(|paused| {
        let before = record.events.iter().filter(|event| event.written_ns <= paused);
        before.map(|event| event.written_ns).max()
    });
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for a reader")]
    let millis = paused.zip(written).map(|(paused, written)| (paused - written) as f64 / 1e6);
    (orders.collect(), millis)
}

async fn verify(path: &Path) -> Result<Report, Failure> {
    let failed = |error: crate::store::StoreError| Failure::of(Exit::Error, &error).hint(AGAIN);
    let store = Store::open_to_read(path).await.map_err(failed)?;
    let verified = store.verify().await.map_err(failed)?;
    store.close().await;
    verified.map_err(|broken| Failure::new(Exit::Error, format!("the audit trail is broken: {broken}")).hint(AGAIN))
}
