//! Whether the checkpoint of the trail is there, and the store agrees with it: what the next start will look at.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Check;
use crate::audit::Head;
use crate::audit::checkpoint::Checkpoint;
use crate::cli::counted;
use crate::cli::run::{checkpoint_agrees, read_checkpoint, store_path};
use crate::config::StoreConfig;
use crate::error::chain;
use crate::operator::escape::short;
use crate::store::{Store, StoreError};

const CHECK: &str = "checkpoint";
/// A daemon renews its checkpoint once a second: what is behind for longer is not renewed.
const AGAIN: Duration = Duration::from_secs(3);
const STOPS: &str = "the next start stops everything until somebody has looked";

/// One line where a checkpoint is configured. `attended`: a daemon answers.
pub async fn checks(config: &StoreConfig, attended: bool) -> Option<Check> {
    let file = config.checkpoint.as_deref()?;
    // Why there is none was said before.
    let store = store_path(config).ok()?;
    Some(match look(file, &store, attended).await {
        Ok(check) => check,
        Err(error) => Check::for_a_start(
            attended,
            CHECK,
            format!("it cannot be compared: {}", short(&chain(&error).join(": "))),
            "only root and the daemon's own user can read the store",
        ),
    })
}

async fn look(file: &Path, store: &Path, attended: bool) -> Result<Check, StoreError> {
    let shown = short(&file.to_string_lossy());
    if !store.exists() {
        return Ok(Check::ok(CHECK, format!("{shown} will be made at the first start")));
    }
    let store = Store::open_to_read(store).await?;
    let mut found = compare(file, &store).await?;
    if attended && found.as_ref().is_ok_and(|found| found.behind > 0) {
        tokio::time::sleep(AGAIN).await;
        found = compare(file, &store).await?;
    }
    store.close().await;
    Ok(match found {
        Ok(found) => found.check(&shown, attended),
        Err(Wrong::NotYet) => Check::ok(CHECK, format!("{shown} will be made at the next start")),
        Err(Wrong::Gone) if attended => Check::warn(
            CHECK,
            format!("{shown} is not there"),
            "the daemon makes it again with the next entry; is its place mounted? its log says why it cannot",
        ),
        Err(Wrong::Gone) => Check::fail(
            CHECK,
            format!("{shown} is not there, and the store was compared with it before: {STOPS}"),
            "is its place mounted?",
        ),
        Err(Wrong::Unreadable(why)) => Check::for_a_start(
            attended,
            CHECK,
            format!("{shown}: {why}: {STOPS}"),
            "`ls -l` shows what is there; a file that is no checkpoint is replaced at the next start",
        ),
        Err(Wrong::Apart(why)) => Check::fail(
            CHECK,
            format!("the store is not as {shown} says: {why}: {STOPS}"),
            "find out where the store comes from; look at each session before `holdpoint stop-all --end`",
        ),
    })
}

/// A checkpoint that the store agrees with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    checkpoint: Checkpoint,
    /// How many entries are newer.
    behind: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    /// None was ever made.
    NotYet,
    Gone,
    Unreadable(String),
    Apart(String),
}

async fn compare(file: &Path, store: &Store) -> Result<Result<Found, Wrong>, StoreError> {
    let checkpoint = match read_checkpoint(file).await {
        Ok(Some(checkpoint)) => checkpoint,
        Ok(None) if store.has_checkpoint().await? => return Ok(Err(Wrong::Gone)),
        Ok(None) => return Ok(Err(Wrong::NotYet)),
        Err(why) => return Ok(Err(Wrong::Unreadable(short(&why)))),
    };
    if let Err(apart) = checkpoint_agrees(&checkpoint, store).await? {
        return Ok(Err(Wrong::Apart(apart.to_string())));
    }
    let Head { seq, .. } = store.chain_head().await?;
    Ok(Ok(Found { checkpoint, behind: seq - checkpoint.head.seq }))
}

/// The daemon writes it once a second; what is newer than that for this many seconds may be on its way.
const LAG: i64 = 3;

impl Found {
    fn check(&self, shown: &str, attended: bool) -> Check {
        let Checkpoint { head, at } = self.checkpoint;
        let age = Timestamp::now().duration_since(at).max(jiff::SignedDuration::ZERO).as_secs();
        let written = format!("{shown} has entry {}, written {age} s ago", head.seq);
        if self.behind == 0 {
            return Check::ok(CHECK, format!("{written}, and the store agrees"));
        }
        let newer = counted(i128::from(self.behind), "newer entry is not in it", "newer entries are not in it");
        if attended && age <= LAG {
            return Check::ok(CHECK, format!("{written}; {newer} yet"));
        }
        let hint = match attended {
            true => "the daemon writes it once a second: its log says why it cannot",
            false => "the daemon ended without writing it: until its next start a cut would not be noticed",
        };
        Check::warn(CHECK, format!("{written}; {newer}"), hint)
    }
}
