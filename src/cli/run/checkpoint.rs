//! The checkpoint of the audit trail: compared when the daemon starts, and kept up to date while it runs.
//!
//! A store that is older than its checkpoint knows nothing of what was decided since. So everything is stopped then: sessions
//! are paused, nothing that it says was approved before is delivered, and a person looks. A place that does not answer keeps
//! no daemon from starting or ending.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::OFlags;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::audit::Head;
use crate::audit::checkpoint::{Apart, Checkpoint};
use crate::config::places;
use crate::control::{Halt, OperatorName};
use crate::error::{Exit, Failure, chain};
use crate::operator::escape::short;
use crate::store::{Store, StoreError};
use crate::telemetry::metrics::Metrics;

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
    let Some(other) = places::written_over(file, others) else { return Ok(()) };
    let (file, other) = (short(&file.to_string_lossy()), short(&other.to_string_lossy()));
    let why = format!("the checkpoint {file} would be written over the daemon's own {other}");
    Err(Failure::new(Exit::Configuration, why).hint("give `[store] checkpoint` a place of its own"))
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
        Err(why) => {
            // A place that does not answer keeps no daemon from starting.
            let _ = tokio::time::timeout(PATIENCE, set_aside(file)).await;
            Some(format!("the store cannot be compared with its checkpoint {shown}: {why}"))
        }
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

/// What is there and cannot be read as a checkpoint may be somebody's file: it is not written over.
async fn set_aside(file: &Path) {
    let is_file = tokio::fs::symlink_metadata(file).await.is_ok_and(|about| about.is_file());
    if !is_file {
        return;
    }
    let mut aside = file.as_os_str().to_owned();
    aside.push(format!(".{}", Timestamp::now().as_second()));
    match tokio::fs::rename(file, &aside).await {
        Ok(()) => tracing::warn!("what was there is kept as {}", short(&aside.to_string_lossy())),
        Err(error) => tracing::warn!("what was there cannot be kept: {}", short(&error.to_string())),
    }
}

/// Whether a store is the one, or one that went on from the one, that `checkpoint` was taken of.
///
/// # Errors
/// The outer error when the store cannot be read, the inner one when it is not.
pub async fn agrees(checkpoint: &Checkpoint, store: &Store) -> Result<Result<(), Apart>, StoreError> {
    let there = store.hash_at(checkpoint.head.seq).await?;
    Ok(checkpoint.compare(store.chain_head().await?, there))
}

/// Keeps a checkpoint up to date.
#[derive(Debug)]
pub struct Keeper {
    source: Source,
    end: CancellationToken,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts to write the newest entry of the store `store` to `file`, once a second where it changed.
    #[must_use]
    pub fn start(file: PathBuf, store: PathBuf, metrics: Arc<Metrics>) -> Self {
        let end = CancellationToken::new();
        let source = Source { store, reader: Arc::default(), closing: CancellationToken::new() };
        let task = Task { file, source: source.clone(), written: None, metrics };
        let task = tokio::spawn(task.run(end.clone()));
        Self { source, end, task }
    }

    /// Keeps no connection open from now on, so that the daemon is the last that closes the store: what is in the file beside
    /// it then goes into the store itself.
    pub async fn let_go(&self) {
        self.source.closing.cancel();
        // A store that does not answer is told of by the writer.
        let _ = tokio::time::timeout(PATIENCE, self.source.close()).await;
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

/// Where the newest entry is read: over one connection, which is opened anew after a failure.
#[derive(Clone, Debug)]
struct Source {
    store: PathBuf,
    reader: Arc<Mutex<Option<Store>>>,
    closing: CancellationToken,
}

impl Source {
    async fn head(&self) -> Result<Head, StoreError> {
        let mut reader = self.reader.lock().await;
        let store = match reader.take() {
            Some(store) => store,
            None => Store::open_to_read(&self.store).await?,
        };
        let head = store.chain_head().await;
        if head.is_ok() && !self.closing.is_cancelled() {
            *reader = Some(store);
        } else {
            store.close().await;
        }
        head
    }

    async fn close(&self) {
        if let Some(store) = self.reader.lock().await.take() {
            store.close().await;
        }
    }
}

struct Task {
    file: PathBuf,
    source: Source,
    written: Option<Head>,
    metrics: Arc<Metrics>,
}

impl Task {
    async fn run(mut self, end: CancellationToken) {
        let mut failing = false;
        loop {
            let last = end.is_cancelled();
            let result = self.renew().await;
            match &result {
                Ok(()) => self.metrics.checkpoint_kept(Timestamp::now()),
                Err(_) => self.metrics.checkpoint_failed(),
            }
            if let Err(why) = &result
                && !failing
            {
                let file = short(&self.file.to_string_lossy());
                tracing::warn!("the checkpoint {file} cannot be written, which is tried again: {why}");
            }
            failing = result.is_err();
            if last {
                return;
            }
            let _ = tokio::time::timeout(EVERY, end.cancelled()).await;
        }
    }

    /// Writes the newest entry if it is not written yet.
    async fn renew(&mut self) -> Result<(), String> {
        let head = self.source.head().await.map_err(|error| chain(&error).join(": "))?;
        if self.written == Some(head) {
            return Ok(());
        }
        let (path, text) = (self.file.clone(), format!("{}\n", Checkpoint { head, at: Timestamp::now() }));
        let replaced = tokio::task::spawn_blocking(move || replace(&path, &text)).await;
        replaced.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        self.written = Some(head);
        Ok(())
    }
}

/// What was written last; `None` when nothing was.
///
/// # Errors
/// With why it cannot be told: the file cannot be read within three seconds, or is no checkpoint.
pub async fn read(file: &Path) -> Result<Option<Checkpoint>, String> {
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
    let beside = places::beside(file);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    let mut new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&beside, file)
}
