//! The checkpoint of the audit trail: compared when the daemon starts, and kept up to date while it runs.
//!
//! A store that is older than its checkpoint knows nothing of what was decided since. So everything is stopped then: sessions
//! are paused, nothing that it says was decided before is delivered, and a person looks. Never keeps a daemon from starting.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::audit::Head;
use crate::audit::checkpoint::Checkpoint;
use crate::control::{Halt, OperatorName};
use crate::error::{Failure, chain};
use crate::operator::escape::short;
use crate::store::{Store, StoreError};

use super::words;

/// How often the newest entry is looked at: what is cut off within this time is not noticed.
const EVERY: Duration = Duration::from_secs(1);
/// A checkpoint is one short line.
const MOST: u64 = 4096;
/// Who stops everything here.
const US: &str = "holdpoint";

/// Compares the store with the checkpoint that was written last. Where they do not agree, everything is stopped in the
/// store, so that the daemon that starts from it begins with that; the stop says why.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn compare(file: &Path, store: &Store) -> Result<(), Failure> {
    let shown = short(&file.to_string_lossy());
    let why = match read(file) {
        Ok(None) => {
            tracing::warn!("there is no checkpoint {shown} to compare the store with: it is made now");
            return Ok(());
        }
        Ok(Some(checkpoint)) => match agrees(&checkpoint, store).await.map_err(words::unreadable)? {
            Ok(()) => return Ok(()),
            Err(apart) => format!("the store is not as its checkpoint {shown} says: {apart}"),
        },
        Err(why) => format!("the store cannot be compared with its checkpoint {shown}: {why}"),
    };
    tracing::error!(
        "{why}\n  everything is stopped, and nothing that it says was decided is delivered\n  \
         hint: look at each session, then end the stop with `holdpoint stop-all --end`"
    );
    let halt = Halt { by: OperatorName(US.to_owned()), at: Timestamp::now(), reason: Some(why) };
    store.halted(&halt).await.map_err(words::unreadable)
}

async fn agrees(
    checkpoint: &Checkpoint,
    store: &Store,
) -> Result<Result<(), crate::audit::checkpoint::Apart>, StoreError> {
    let there = store.hash_at(checkpoint.head.seq).await?;
    Ok(checkpoint.compare(store.chain_head().await?, there))
}

/// Keeps a checkpoint up to date.
#[derive(Debug)]
pub struct Keeper {
    end: CancellationToken,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts to write the newest entry of the store `store` to `file`, once a second where it changed.
    #[must_use]
    pub fn start(file: PathBuf, store: PathBuf) -> Self {
        let end = CancellationToken::new();
        let task = tokio::spawn(keep(file, store, end.clone()));
        Self { end, task }
    }

    /// Writes it once more; the daemon must have ended.
    pub async fn finish(self) {
        self.end.cancel();
        let _ = self.task.await;
    }
}

async fn keep(file: PathBuf, store: PathBuf, end: CancellationToken) {
    let (mut written, mut failing) = (None, false);
    loop {
        let last = end.is_cancelled();
        let result = renew(&file, &store, &mut written).await;
        if let Err(why) = &result
            && !failing
        {
            let file = short(&file.to_string_lossy());
            tracing::warn!("the checkpoint {file} cannot be written, which is tried again: {why}");
        }
        failing = result.is_err();
        if last {
            return;
        }
        let _ = tokio::time::timeout(EVERY, end.cancelled()).await;
    }
}

/// Writes the newest entry if it is not `written` yet.
async fn renew(file: &Path, store: &Path, written: &mut Option<Head>) -> Result<(), String> {
    let told = |error: &StoreError| chain(error).join(": ");
    let reader = Store::open_to_read(store).await.map_err(|error| told(&error))?;
    let head = reader.chain_head().await;
    reader.close().await;
    let head = head.map_err(|error| told(&error))?;
    if *written == Some(head) {
        return Ok(());
    }
    let (path, text) = (file.to_owned(), format!("{}\n", Checkpoint { head, at: Timestamp::now() }));
    let replaced = tokio::task::spawn_blocking(move || replace(&path, &text)).await;
    replaced.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    *written = Some(head);
    Ok(())
}

/// What was written last; `None` when nothing was.
fn read(file: &Path) -> Result<Option<Checkpoint>, String> {
    let open = match std::fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut text = String::new();
    open.take(MOST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Checkpoint::parse(&text).map(Some).ok_or_else(|| "it is no checkpoint".to_owned())
}

/// Puts a new file in the place of the old one: a crash leaves one of the two, whole.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut new = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&beside, file)
}
