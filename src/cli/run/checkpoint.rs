//! The checkpoint of the audit trail: compared when the daemon starts, and kept up to date while it runs.
//!
//! A store that is older than its checkpoint knows nothing of what was decided since. So everything is stopped then: sessions
//! are paused, nothing that it says was approved before is delivered, and a person looks. A place that does not answer keeps
//! no daemon from starting or ending.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::OFlags;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::audit::Head;
use crate::audit::checkpoint::Checkpoint;
use crate::control::{Halt, OperatorName};
use crate::error::{Exit, Failure, chain};
use crate::operator::escape::short;
use crate::store::{Store, StoreError};

use super::words;

/// How often the newest entry is looked at: what is cut off within this time is not noticed.
const EVERY: Duration = Duration::from_secs(1);
/// A checkpoint is one short line.
const MOST: u64 = 4096;
/// How long the place of the checkpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Who stops everything here.
const US: &str = "holdpoint";

/// A checkpoint that would be written over something of the daemon's own.
///
/// # Errors
/// When `file`, or the one that is written beside it, is one of `others`.
pub fn apart_from(file: &Path, others: &[PathBuf]) -> Result<(), Failure> {
    for mine in [file.to_owned(), beside(file)] {
        if let Some(other) = others.iter().find(|other| plain(other) == plain(&mine)) {
            let (file, other) = (short(&file.to_string_lossy()), short(&other.to_string_lossy()));
            let why = format!("the checkpoint {file} would be written over the daemon's own {other}");
            return Err(Failure::new(Exit::Configuration, why).hint("give `[store] checkpoint` a place of its own"));
        }
    }
    Ok(())
}

/// Compares the store with the checkpoint that was written last. Where they do not agree, everything is stopped in the
/// store, so that the daemon that starts from it begins with that; the stop says why.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn compare(file: &Path, store: &Store) -> Result<(), Failure> {
    let shown = short(&file.to_string_lossy());
    let known = store.has_checkpoint().await.map_err(words::unreadable)?;
    let why = match read(file).await {
        Ok(None) if known => Some(format!("the store has a checkpoint, and {shown} is not there to compare it with")),
        Ok(None) => {
            tracing::warn!("there is no checkpoint {shown} to compare the store with: it is made now");
            None
        }
        Ok(Some(checkpoint)) => {
            let apart = agrees(&checkpoint, store).await.map_err(words::unreadable)?.err();
            apart.map(|apart| format!("the store is not as its checkpoint {shown} says: {apart}"))
        }
        Err(why) => Some(format!("the store cannot be compared with its checkpoint {shown}: {why}")),
    };
    if let Some(why) = why {
        tracing::error!(
            "{why}\n  everything is stopped, and nothing that it says was approved is delivered\n  \
             hint: look at each session, then end the stop with `holdpoint stop-all --end`"
        );
        let halt = Halt { by: OperatorName(US.to_owned()), at: Timestamp::now(), reason: Some(why) };
        store.halted(&halt).await.map_err(words::unreadable)?;
    }
    store.keeps_checkpoint(&shown, Timestamp::now()).await.map_err(words::unreadable)
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

    /// Writes it once more, if its place answers; the daemon must have ended.
    pub async fn finish(mut self) {
        self.end.cancel();
        if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("the checkpoint is not written to the end: its place, or the store's, does not answer");
        }
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
async fn read(file: &Path) -> Result<Option<Checkpoint>, String> {
    let path = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || text_of(&path));
    let read = tokio::time::timeout(PATIENCE, reading).await.map_err(|_| "its place does not answer".to_owned())?;
    let text = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let Some(text) = text else { return Ok(None) };
    Checkpoint::parse(&text).map(Some).ok_or_else(|| "it is no checkpoint".to_owned())
}

fn text_of(file: &Path) -> std::io::Result<Option<String>> {
    let never_waits = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let open = match std::fs::OpenOptions::new().read(true).custom_flags(never_waits).open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !open.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut text = String::new();
    open.take(MOST).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Puts a new file in the place of the old one: a crash leaves one of the two, whole. Follows no link, and writes into nothing
/// that is there.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let beside = beside(file);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    let mut new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&beside, file)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// The same for every spelling of a path whose folder is there.
fn plain(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder.join(path.file_name().unwrap_or_default())
}
