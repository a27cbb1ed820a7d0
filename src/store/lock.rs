//! The lock that keeps a second daemon off a store, and the modes of what we make.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::StoreError;

/// Held for as long as this process owns the store; released by the kernel however the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another holdpoint{} runs on the store {}", .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .store.display())]
    Held {
        /// The store.
        store: PathBuf,
        /// The process, as it wrote itself into the lock file.
        pid: Option<u32>,
    },
    /// The lock file cannot be made.
    #[error("the lock file {} cannot be made", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of the store at `store`; its file is the store's name with `.lock` behind it, and stays.
    ///
    /// # Errors
    /// When another process holds it, or the file cannot be made.
    pub fn take(store: &Path) -> Result<Self, LockError> {
        let mut name = store.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let made = |source| LockError::File { path: path.clone(), source };
        if let Some(dir) = path.parent() {
            make_directory(dir).map_err(made)?;
        }
        let file = private(&path).map_err(made)?;
        match file.try_lock() {
            Ok(()) => {
                name_ourselves(&file).map_err(made)?;
                Ok(Self { _file: file })
            }
            Err(fs::TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                Err(LockError::Held { store: store.to_owned(), pid })
            }
            Err(fs::TryLockError::Error(source)) => Err(made(source)),
        }
    }
}

/// The lock is the kernel's; the number in the file only tells people whom to look for.
fn name_ourselves(mut file: &File) -> std::io::Result<()> {
    use std::io::Write as _;
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// Makes the directory of `path`, closed to others, unless it is there.
pub(super) fn protected_directory(path: &Path) -> Result<(), StoreError> {
    let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) else { return Ok(()) };
    make_directory(dir).map_err(|source| StoreError::Directory { dir: dir.to_owned(), source })
}

/// Looks whether this user can write the store that is there, and lay files beside it.
pub(super) fn writable(path: &Path) -> Result<(), StoreError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = [(dir, Access::WRITE_OK | Access::EXEC_OK), (path, Access::READ_OK | Access::WRITE_OK)];
    wanted.into_iter().try_for_each(|(path, wanted)| {
        access(path, wanted).map_err(|error| StoreError::ReadOnly { path: path.to_owned(), source: error.into() })
    })
}

/// Makes the file, closed to others, unless it is there.
pub(super) fn private_file(path: &Path) -> Result<(), StoreError> {
    private(path).map(drop).map_err(|source| StoreError::Open { path: path.to_owned(), source: Box::new(source) })
}

fn make_directory(dir: &Path) -> std::io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
