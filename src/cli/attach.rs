//! `holdpoint attach`: an operator's place at a terminal, full screen or as lines. Detaching decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::target::Target;
use super::{counted, say};
use crate::control::remote::{self, Client, Unreachable};
use crate::error::{Exit, Failure};
use crate::operator::console::{self, ConsoleEnd, ConsoleSettings};
use crate::operator::{PromptEnd, PromptSettings, log, prompt, terminal};

/// Arguments of `holdpoint attach`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Append-only lines instead of the full screen; the default where TERM is unset or dumb
    #[arg(long)]
    plain: bool,
    /// No bell, window title or notification when an approval waits
    #[arg(long)]
    quiet: bool,
}

/// Attaches to the daemon until the operator leaves.
///
/// # Errors
/// Without a terminal, when the daemon is not reached, or when a connection that is lost in `--plain` cannot be made again.
pub async fn run(args: Args) -> Result<(), Failure> {
    if !terminal::is_usable() {
        return Err(Failure::new(Exit::Usage, "attach asks an operator, and this is no terminal")
            .hint("scripts use `holdpoint pending`, `show`, `approve`, `deny`, `answer`, `extend` and `wait`"));
    }
    let socket = args.target.socket()?;
    let client = remote::connect(&socket).await.map_err(|error| unreachable(&error))?;
    if args.plain || !terminal::is_capable() {
        plain(client, socket).await
    } else {
        full(client, socket, args.quiet).await
    }
}

async fn full(client: Client, socket: PathBuf, quiet: bool) -> Result<(), Failure> {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let settings = ConsoleSettings { calls: !quiet, colours, ..ConsoleSettings::default() };
    let left = console::run(client, socket, settings).await.map_err(|error| {
        Failure::new(Exit::Error, format!("the terminal cannot be used: {error}")).hint("try --plain")
    })?;
    match left.end {
        ConsoleEnd::Left | ConsoleEnd::Stopped => say(format_args!("detached; {}", waits(left.waiting))),
        ConsoleEnd::TerminalGone => {}
    }
    Ok(())
}

fn waits(waiting: usize) -> String {
    match waiting {
        0 => "nothing was waiting".to_owned(),
        n => {
            let count = counted(i128::try_from(n).unwrap_or(i128::MAX), "approval was", "approvals were");
            format!("nothing was decided by that, {count} still waiting")
        }
    }
}

async fn plain(client: Client, socket: PathBuf) -> Result<(), Failure> {
    let given = client.hello().snapshot.daemon.settings;
    let settings = PromptSettings {
        arm: Duration::from_millis(given.arm_ms),
        arm_high: Duration::from_millis(given.arm_high_ms),
        ..PromptSettings::default()
    };
    let (_, lines) = log::channel();
    match prompt::run(client, Some(socket), settings, lines, on_hang_up()?).await {
        PromptEnd::Left | PromptEnd::Eof | PromptEnd::TerminalGone | PromptEnd::Done => Ok(()),
        PromptEnd::Stopped => {
            say("detached; nothing was decided by that");
            Ok(())
        }
        PromptEnd::Lost => {
            Err(Failure::new(Exit::Unreachable, "the daemon is not reached any more; nothing was decided by that")
                .hint("what is held stays held; attach again when `holdpoint status` answers"))
        }
    }
}

/// A daemon reads its configuration again when it is hung up on, and its prompt goes on; here that is the end.
fn on_hang_up() -> Result<CancellationToken, Failure> {
    let hung_up = signal(SignalKind::hangup()).map_err(|error| {
        Failure::new(Exit::Error, format!("signals cannot be received: {error}")).hint(crate::error::SYSTEM)
    });
    let (mut hung_up, stop) = (hung_up?, CancellationToken::new());
    let cancel = stop.clone();
    tokio::spawn(async move {
        hung_up.recv().await;
        cancel.cancel();
    });
    Ok(stop)
}

fn unreachable(error: &Unreachable) -> Failure {
    match error {
        Unreachable::Nobody { .. } => Failure::new(Exit::Unreachable, error.to_string())
            .hint("start the daemon with `holdpoint run`, or name its socket with --socket PATH or $HOLDPOINT_SOCKET"),
        Unreachable::NotPermitted { .. } => Failure::new(Exit::NotPermitted, error.to_string())
            .hint("roles are given under [control] in the daemon's configuration"),
    }
}
