//! The last picture of a held page, and saving it when an operator asks.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::api::Screenshot;
use crate::control::{Refusal, ScreenshotOrder};
use crate::gate::ApprovalId;

/// Keeps one picture, of the approval that waits.
pub struct Pictures {
    folder: Arc<Path>,
    last: Option<(ApprovalId, Arc<Screenshot>)>,
}

impl Pictures {
    pub fn new(folder: Arc<Path>) -> Self {
        Self { folder, last: None }
    }

    pub fn took(&mut self, approval: ApprovalId, picture: Screenshot) {
        self.last = Some((approval, Arc::new(picture)));
    }

    /// Saves the picture of the order's approval; answers the order itself when there is none.
    pub fn save(&self, order: ScreenshotOrder) -> Option<impl Future<Output = ()> + Send + 'static> {
        let picture =
            self.last.as_ref().filter(|(approval, picture)| *approval == order.approval && !picture.image.is_empty());
        let Some((approval, picture)) = picture else {
            let why = "no screenshot could be taken of this session".to_owned();
            let _ = order.reply.send(Err(Refusal::NotPossible { why }));
            return None;
        };
        let (approval, picture, folder) = (*approval, picture.clone(), self.folder.clone());
        Some(async move {
            let saved = tokio::task::spawn_blocking(move || write(&folder, approval, &picture)).await;
            let result = match saved {
                Ok(Ok(path)) => Ok(path),
                Ok(Err(error)) => Err(Refusal::NotPossible { why: format!("the screenshot cannot be saved: {error}") }),
                Err(error) => Err(Refusal::NotPossible { why: format!("the screenshot was not saved: {error}") }),
            };
            let _ = order.reply.send(result);
        })
    }
}

/// Writes the picture, readable by this user only; the name is the approval's code and id.
fn write(folder: &Path, approval: ApprovalId, picture: &Screenshot) -> std::io::Result<PathBuf> {
    if !folder.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let ending = if picture.media_type == "image/png" { "png" } else { "jpg" };
    let path = folder.join(format!("{}-{approval}.{ending}", approval.code()));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(&picture.image)?;
    Ok(path)
}
