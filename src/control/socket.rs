//! The socket file of the local API: made where nobody else can put one, taken from nobody, removed by its owner.
//!
//! The caller holds the store's lock, so an old socket that refuses connections is nobody's. A file that is no socket is
//! never touched, a socket that somebody answers on neither.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::Group;

/// What the system has room for in a socket's address, without the zero at its end (`sun_path`, unix(7)).
const LONGEST: usize = 107;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path does not fit.
    #[error("the socket's path {} has {length} bytes and the system takes {LONGEST} at most", .path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
        /// How long it is.
        length: usize,
    },
    /// The group is not known.
    #[error("there is no group {group:?}, which [control] group gives the socket to")]
    NoSuchGroup {
        /// The group.
        group: String,
    },
    /// The directory is one in which others can put files.
    #[error("the socket's directory {} {fault}", .directory.display())]
    Unsafe {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// Another daemon answers there.
    #[error("another daemon answers at {}", .path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// Something else has the name.
    #[error("{} is there and is not a socket", .path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{what} {}", .path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A socket that listens.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    removal: Removal,
}

/// Which file a name stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Removes the socket's file when it is dropped, if it is still the one that was made.
#[derive(Debug)]
pub struct Removal(Option<File>);

impl Socket {
    /// Makes the socket, whose file goes with it: mode 0660, of `group` if there is one, in a directory that is made when it is not there.
    ///
    /// # Errors
    ///
    /// See [`SocketError`]; nothing of anybody else was touched.
    pub fn bind(path: &Path, group: Option<&str>) -> Result<Self, SocketError> {
        let length = path.as_os_str().len();
        if length > LONGEST {
            return Err(SocketError::TooLong { path: path.to_owned(), length });
        }
        let group = group.map(group_id).transpose()?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make(directory, group)?;
        is_safe(directory)?;
        make_room(path)?;
        let listener = UnixListener::bind(path).map_err(failed("cannot listen on", path))?;
        let file = metadata(path)?;
        let file = File { path: path.to_owned(), device: file.dev(), inode: file.ino() };
        let socket = Self { listener, path: path.to_owned(), removal: Removal(Some(file)) };
        give(path, group, 0o660)?;
        Ok(socket)
    }

    /// Takes a socket that listens already, made by somebody else, whose file is theirs.
    ///
    /// # Errors
    ///
    /// When it has no name, so that nobody could connect.
    pub fn adopt(listener: UnixListener) -> std::io::Result<Self> {
        let path = listener.local_addr()?.as_pathname().map(Path::to_owned);
        let path = path.ok_or_else(|| std::io::Error::other("the socket that was passed has no name"))?;
        Ok(Self { listener, path, removal: Removal(None) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The listener for the current runtime, and what removes the file at the end.
    ///
    /// # Errors
    ///
    /// When the system cannot wait on it.
    pub fn into_listener(self) -> std::io::Result<(tokio::net::UnixListener, Removal)> {
        self.listener.set_nonblocking(true)?;
        Ok((tokio::net::UnixListener::from_std(self.listener)?, self.removal))
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        let Some(file) = &self.0 else { return };
        let is_ours =
            std::fs::symlink_metadata(&file.path).is_ok_and(|now| (now.dev(), now.ino()) == (file.device, file.inode));
        if is_ours && let Err(error) = std::fs::remove_file(&file.path) {
            tracing::warn!("the socket {} could not be removed: {error}", file.path.display());
        }
    }
}

fn make(directory: &Path, group: Option<u32>) -> Result<(), SocketError> {
    if directory.is_dir() {
        return Ok(());
    }
    // The group has to be able to pass through to the socket, and to do nothing else there.
    let mode = if group.is_some() { 0o710 } else { 0o700 };
    let made = DirBuilder::new().recursive(true).mode(mode).create(directory);
    made.map_err(failed("cannot make the socket's directory", directory))?;
    give(directory, group, mode)
}

fn is_safe(directory: &Path) -> Result<(), SocketError> {
    let found = std::fs::metadata(directory).map_err(failed("cannot look at the socket's directory", directory))?;
    let fault = |fault: String| Err(SocketError::Unsafe { directory: directory.to_owned(), fault });
    if !found.is_dir() {
        return fault("is not a directory".to_owned());
    }
    if found.uid() != 0 && found.uid() != rustix::process::geteuid().as_raw() {
        return fault(format!("belongs to somebody else (uid {})", found.uid()));
    }
    if found.mode() & 0o022 != 0 {
        return fault(format!("can be written by others (mode {:o})", found.mode() & 0o7777));
    }
    Ok(())
}

/// Removes what an earlier daemon left, and nothing else.
fn make_room(path: &Path) -> Result<(), SocketError> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("cannot look at", path)(error)),
    };
    if !there.file_type().is_socket() {
        return Err(SocketError::Foreign { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SocketError::InUse { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed("cannot remove the old socket", path))
        }
        Err(error) => Err(failed("cannot tell whether a daemon answers at", path)(error)),
    }
}

/// The folder on the way to a socket that members of the group it is given to cannot pass, if there is one.
#[must_use]
pub fn barred(path: &Path, group: &str) -> Option<PathBuf> {
    let group = group_id(group).ok()?;
    barred_to(&std::fs::canonicalize(path.parent()?).ok()?, group)
}

fn barred_to(folder: &Path, group: u32) -> Option<PathBuf> {
    let passes = |folder: &&Path| {
        let Ok(about) = std::fs::metadata(folder) else { return true };
        about.mode() & 0o001 != 0 || (about.gid() == group && about.mode() & 0o010 != 0)
    };
    folder.ancestors().find(|folder| !passes(folder)).map(Path::to_owned)
}

fn give(path: &Path, group: Option<u32>, mode: u32) -> Result<(), SocketError> {
    if group.is_some() {
        std::os::unix::fs::chown(path, None, group).map_err(failed("cannot give to the group", path))?;
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("cannot set the mode of", path))
}

fn group_id(name: &str) -> Result<u32, SocketError> {
    let found = Group::from_name(name).ok().flatten();
    found.map(|group| group.gid.as_raw()).ok_or_else(|| SocketError::NoSuchGroup { group: name.to_owned() })
}

fn metadata(path: &Path) -> Result<Metadata, SocketError> {
    std::fs::symlink_metadata(path).map_err(failed("cannot look at", path))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SocketError {
    move |source| SocketError::System { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[tokio::test]
    async fn the_directory_and_the_socket_are_closed_to_others_and_the_file_goes_at_the_end() {
        let folder = folder();
        let path = folder.path().join("made/holdpoint.sock");
        let socket = Socket::bind(&path, None).expect("a socket");
        let mode = |path: &Path| metadata(path).expect("there").mode() & 0o777;
        assert_eq!((mode(&folder.path().join("made")), mode(&path)), (0o700, 0o660));
        let (listener, removal) = socket.into_listener().expect("a listener");
        drop((listener, removal));
        assert!(!path.exists());
    }

    #[test]
    fn an_old_socket_is_replaced_and_one_that_is_answered_is_not() {
        let folder = folder();
        let path = folder.path().join("holdpoint.sock");
        let first = Socket::bind(&path, None).expect("a socket");
        assert!(matches!(Socket::bind(&path, None), Err(SocketError::InUse { .. })));
        assert!(UnixStream::connect(&path).is_ok(), "the first one still answers");
        // As a crash leaves it: the file stays, nobody listens.
        let Socket { listener, removal, .. } = first;
        std::mem::forget(removal);
        drop(listener);
        assert!(path.exists());
        drop(Socket::bind(&path, None).expect("a socket"));
        assert!(!path.exists(), "one that was never served is removed too");
    }

    #[test]
    fn what_is_no_socket_is_never_touched() {
        let folder = folder();
        let path = folder.path().join("holdpoint.sock");
        std::fs::write(&path, "mine").expect("written");
        assert!(matches!(Socket::bind(&path, None), Err(SocketError::Foreign { .. })));
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "mine");
        let link = folder.path().join("link.sock");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(matches!(Socket::bind(&link, None), Err(SocketError::Foreign { .. })));
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let folder = folder();
        for mode in [0o777, 0o770, 0o1777] {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(mode)).expect("changed");
            let refused = Socket::bind(&folder.path().join("a.sock"), None);
            assert!(matches!(refused, Err(SocketError::Unsafe { .. })), "{mode:o}");
        }
    }

    #[test]
    fn a_path_that_does_not_fit_is_said_with_its_length() {
        let path = Path::new("/run").join("x".repeat(110));
        let error = Socket::bind(&path, None).expect_err("too long").to_string();
        assert!(error.contains("115 bytes") && error.contains("107"), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_somebody_put_in_its_place_stays() {
        let folder = folder();
        let path = folder.path().join("holdpoint.sock");
        let (_listener, removal) =
            Socket::bind(&path, None).map(|socket| socket.into_listener().expect("one")).expect("bound");
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, "somebody's").expect("written");
        drop(removal);
        assert!(path.exists());
    }

    #[test]
    fn a_folder_that_the_group_cannot_pass_is_found_wherever_it_is_on_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let (open, inner) = (folder.path().join("open"), folder.path().join("open/inner"));
        std::fs::create_dir_all(&inner).expect("a folder");
        let mode =
            |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
        let group = std::fs::metadata(&inner).expect("a folder").gid();
        mode(folder.path(), 0o711);
        mode(&open, 0o750);
        mode(&inner, 0o710);
        assert_eq!(barred_to(&inner, group), None);
        assert_eq!(barred_to(&inner, group + 1), Some(inner.clone()), "what is another group's");
        mode(&open, 0o700);
        assert_eq!(barred_to(&inner, group), Some(open));
    }

    #[test]
    fn a_group_that_is_not_there_is_named() {
        let folder = folder();
        let error = Socket::bind(&folder.path().join("a.sock"), Some("no-such-group")).expect_err("none");
        assert!(error.to_string().contains("\"no-such-group\""), "{error}");
    }
}
