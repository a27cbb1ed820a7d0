//! The prompt of `run`, where there is a terminal; without one, nobody is asked here.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::control::remote;
use crate::operator::log::LogLines;
use crate::operator::prompt::{self, PromptEnd, PromptSettings};
use crate::operator::terminal;

/// Where an operator goes on.
const ELSEWHERE: &str = "`holdpoint attach` asks from any terminal";

/// Prompts while there is a terminal and an operator; returns when a signal asks to stop.
pub(super) async fn attend(socket: &Path, settings: PromptSettings, lines: LogLines, stop: &CancellationToken) {
    if !terminal::is_usable() {
        tracing::info!(
            "no terminal: nobody is asked here; sessions are held, and what waits is logged with its deadline"
        );
        stop.cancelled().await;
        return;
    }
    match remote::connect(socket).await {
        Err(error) => tracing::error!("nobody can be asked here: {error}"),
        Ok(client) => prompted(client, socket, settings, lines, stop).await,
    }
    stop.cancelled().await;
}

async fn prompted(
    client: remote::Client,
    socket: &Path,
    settings: PromptSettings,
    lines: LogLines,
    stop: &CancellationToken,
) {
    let end = prompt::run(client, Some(socket.to_owned()), settings, lines, stop.clone()).await;
    // The prompt may hear of a signal a moment before we do.
    let signalled = tokio::time::timeout(Duration::from_millis(500), stop.cancelled()).await.is_ok();
    match end {
        PromptEnd::Left | PromptEnd::Eof if !signalled => {
            tracing::warn!("nobody is asked here any more; the daemon goes on, {ELSEWHERE}, Ctrl-C stops it");
        }
        PromptEnd::TerminalGone if !signalled => {
            tracing::warn!("the terminal is gone; the daemon goes on, {ELSEWHERE}");
        }
        PromptEnd::Stopped | PromptEnd::Lost if !signalled => {
            tracing::warn!("the prompt ended; the daemon goes on, {ELSEWHERE}, Ctrl-C stops it");
        }
        PromptEnd::Left
        | PromptEnd::Eof
        | PromptEnd::TerminalGone
        | PromptEnd::Stopped
        | PromptEnd::Lost
        | PromptEnd::Done => (),
    }
}
