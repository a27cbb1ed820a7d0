//! The connection of a console or a prompt to the daemon: news while it lasts, and attempts to get it back with growing pauses.
//! It is followed in a task of its own: what comes, and what is fetched where somebody is behind, waits for no key and no tick.
//!
//! Decides nothing and repeats no request: after a new beginning the reducer starts from a new snapshot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::remote::{self, Client, Requests, Unreachable};
use crate::control::{Change, Gone, Snapshot, Update, You};

/// The pause before the first new attempt; each one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many news may wait.
const QUEUE: usize = 256;

/// What the connection brought.
pub(super) enum News {
    /// The daemon was reached.
    Connected {
        /// For requests that count for this connection.
        requests: Requests,
        /// Who we are to it.
        you: You,
        /// Everything there is.
        snapshot: Box<Snapshot>,
    },
    /// Something changed.
    Update(Box<Update>),
    /// It is lost, or could not be had.
    Lost {
        /// Why.
        why: Why,
    },
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    /// The daemon is stopping; the update that says so came before.
    #[error("the daemon is stopping")]
    Stopping,
    /// It ended.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// None could be made.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

/// Follows the daemon over `client`, and then over others that are made `again` at this socket, if there is one, for as long as
/// somebody listens.
pub(super) fn follow(client: Client, again: Option<PathBuf>) -> mpsc::Receiver<News> {
    let (sender, news) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut client = client;
        while attend(client, &sender).await.is_some() {
            let Some(socket) = &again else { return };
            let Some(next) = reach(socket, &sender).await else { return };
            client = next;
        }
    });
    news
}

/// Tells what one connection brings until it is lost. `None` when nobody listens any more.
async fn attend(mut client: Client, news: &mpsc::Sender<News>) -> Option<()> {
    let hello = client.hello().clone();
    let (requests, you, snapshot) = (client.requests(), hello.you, Box::new(hello.snapshot));
    news.send(News::Connected { requests, you, snapshot }).await.ok()?;
    loop {
        let update = tokio::select! {
            () = news.closed() => return None,
            update = client.next_update() => update,
        };
        let why = match update {
            Ok(update) => {
                let stops = update.change == Change::Stopping;
                news.send(News::Update(Box::new(update))).await.ok()?;
                if !stops {
                    continue;
                }
                Why::Stopping
            }
            Err(gone) => gone.into(),
        };
        return news.send(News::Lost { why }).await.ok();
    }
}

/// Tries until the daemon is reached. `None` when nobody listens any more.
async fn reach(socket: &Path, news: &mpsc::Sender<News>) -> Option<Client> {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            () = news.closed() => return None,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        match remote::connect(socket).await {
            Ok(client) => return Some(client),
            Err(unreachable) => news.send(News::Lost { why: unreachable.into() }).await.ok()?,
        }
    }
}
