//! One approval asked about at the terminal, by the prompt itself: the same card, the same arming, the same checks.

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::ended::decided;
use super::json::{self, Approval};
use super::link::{Link, unreachable};
use super::words;
use crate::cli::print;
use crate::control::{Act, ApprovalView, State, You};
use crate::error::{Exit, Failure};
use crate::gate::Outcome;
use crate::operator::log;
use crate::operator::prompt::{self, Only, PromptSettings};

/// Draws the card, asks, and tells what became of it. `yes` is what `y` does; a `patient` prompt stays until the outcome is
/// delivered.
///
/// # Errors
/// When the answer was another one, when there was none, or when it was not delivered.
pub async fn ask(link: Link, view: &ApprovalView, yes: Act, patient: bool, json: bool) -> Result<(), Failure> {
    let approval = view.card.approval;
    let given = link.hello().snapshot.daemon.settings;
    let settings = PromptSettings {
        arm: Duration::from_millis(given.arm_ms),
        arm_high: Duration::from_millis(given.arm_high_ms),
        only: Some(Only { approval, yes, patient }),
        ..PromptSettings::default()
    };
    let (socket, you) = (link.socket.clone(), link.hello().you.clone());
    let (_sink, lines) = log::channel();
    let _ = prompt::run(link.into_client(), None, settings, lines, CancellationToken::new()).await;
    // How the prompt ended matters less than what became of the approval. What was shown has ended with its connection.
    let link = Link::to(socket).await.map_err(|error| unreachable(&error))?;
    let view = link.approval(&approval.to_string()).await?;
    told(&view, json)?;
    result(&view, patient, &you)
}

/// The terminal has been told already; whoever reads standard output elsewhere has not.
fn told(view: &ApprovalView, json: bool) -> Result<(), Failure> {
    if json {
        return print(&json::text(&Approval::from(view)));
    }
    match words::ending(view) {
        Some(ending) if !std::io::stdout().is_terminal() => print(&ending),
        Some(_) | None => Ok(()),
    }
}

fn result(view: &ApprovalView, patient: bool, you: &You) -> Result<(), Failure> {
    match &view.state {
        State::Ended { .. } => {
            decided(view, Outcome::Approved, patient).map_or(Ok(()), |exit| Err(Failure::told(exit)))
        }
        // One of several approvals that are needed.
        State::Open if view.votes.iter().any(|vote| vote.by == you.operator) => Ok(()),
        State::Draft | State::Open | State::Deciding { .. } => {
            let code = view.card.code();
            let waits = match view.frozen {
                true => "it waits, and its deadline stands still while everything is stopped".to_owned(),
                false => format!("it waits until {:.0}", view.deadline),
            };
            Err(Failure::new(Exit::Error, format!("{code}: nothing was decided here; {waits}"))
                .hint(format!("`holdpoint approve {code}` asks again, `holdpoint deny {code}` says no without asking")))
        }
    }
}
