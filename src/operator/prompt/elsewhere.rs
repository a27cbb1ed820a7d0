//! What happens where no operator can be asked: it is said what waits, once each, and nothing is read.

use std::collections::BTreeSet;
use std::io::Write as _;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::{PromptEnd, PromptSettings};
use crate::control::remote::Client;
use crate::control::{ApprovalView, Change, State};
use crate::gate::ApprovalId;
use crate::operator::escape::again;
use crate::operator::words;

/// Says what waits until `cancel`, or until the daemon stops.
pub(super) async fn tell(mut client: Client, settings: &PromptSettings, cancel: &CancellationToken) -> PromptEnd {
    let mut told = BTreeSet::new();
    if let Ok(snapshot) = client.snapshot().await {
        snapshot.approvals.iter().for_each(|view| approval(view, settings, &mut told));
    }
    loop {
        let update = tokio::select! {
            () = cancel.cancelled() => return PromptEnd::Stopped,
            update = client.next_update() => update,
        };
        match update.map(|update| update.change) {
            Ok(Change::Approval { view }) => approval(&view, settings, &mut told),
            Ok(Change::Notice { text }) => say(&again(&text)),
            Ok(
                Change::Session { .. } | Change::SessionGone { .. } | Change::Presence { .. } | Change::Daemon { .. },
            ) => {}
            Ok(Change::Stopping) | Err(_) => return PromptEnd::Lost,
        }
    }
}

fn approval(view: &ApprovalView, settings: &PromptSettings, told: &mut BTreeSet<ApprovalId>) {
    let (id, session) = (view.card.approval, &view.card.session);
    match &view.state {
        State::Open if told.insert(id) => {
            let (code, silence) = (id.code(), words::silence(view, &TimeZone::system()));
            say(&format!("{code} waits for an answer (session {session}); {silence}; {}", settings.elsewhere));
        }
        State::Ended { outcome, by, .. } if told.remove(&id) => {
            say(&format!("{} {}", id.code(), words::ended(*outcome, by)))
        }
        State::Draft | State::Open | State::Deciding { .. } | State::Ended { .. } => {}
    }
}

/// A standard error that is closed has nobody to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
