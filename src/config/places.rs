//! Files of the daemon's own, and what must not be written over them. Looks where folders lead, and opens nothing.

use std::path::{Component, Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::reader::Section;
use super::{StoreConfig, state_path};

/// The files that a store is made of: the database, what SQLite lays beside it, and the lock.
#[must_use]
pub fn of_store(store: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", ".lock"].map(|end| with_end(store, end))
}

/// The file that a checkpoint is written to before it takes its place.
#[must_use]
pub fn beside(checkpoint: &Path) -> PathBuf {
    with_end(checkpoint, ".new")
}

/// Which of `others` a checkpoint at `checkpoint` would be written over, however the two are spelled.
#[must_use]
pub fn written_over<'a>(checkpoint: &Path, others: &'a [PathBuf]) -> Option<&'a Path> {
    let ours = [plain(checkpoint), plain(&beside(checkpoint))];
    others.iter().find(|other| ours.contains(&plain(other))).map(PathBuf::as_path)
}

/// Reports a checkpoint that would be written over the store it is to be compared with. Relative paths are those of `folder`.
pub(super) fn check(root: &Section<'_>, store: &StoreConfig, folder: &Path) {
    let Some(checkpoint) = &store.checkpoint else { return };
    let variable = |name: &str| root.sink.environment.get(name).map(Into::into);
    let Some(path) = store.path.clone().or_else(|| state_path(variable)) else { return };
    let own = of_store(&folder.join(path));
    let Some(other) = written_over(&folder.join(checkpoint), &own) else { return };
    let what = match own.iter().position(|one| one == other) {
        Some(0) | None => "the store itself",
        Some(1 | 2) => "a file that SQLite lays beside the store",
        Some(_) => "the store's lock",
    };
    root.sink.report(Diagnostic {
        message: format!("the checkpoint would be written over {what}"),
        place: root.sink.place_of(root, "store", "checkpoint", None),
        key: "store.checkpoint".to_owned(),
        expected: "a file of its own".to_owned(),
        hint: Some("put it where a restore of the store does not reach: another disk, another machine".to_owned()),
    });
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The same for every spelling of a path, links followed as far as its folder is there.
fn plain(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| straight(folder));
    folder.join(path.file_name().unwrap_or_default())
}

/// Without `.` and `..`, and from the root on.
fn straight(path: &Path) -> PathBuf {
    let mut straight = std::env::current_dir().unwrap_or_default();
    for part in path.components() {
        match part {
            Component::CurDir => (),
            Component::ParentDir => drop(straight.pop()),
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => straight.push(part),
        }
    }
    straight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_under_every_spelling() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("state")).expect("a folder");
        std::os::unix::fs::symlink(folder.path().join("state"), folder.path().join("link")).expect("a link");
        let own = of_store(&folder.path().join("state/holdpoint.db"));
        for over in ["state/holdpoint.db", "link/holdpoint.db-wal", "link/../state/./holdpoint.db-shm"] {
            let other = written_over(&folder.path().join(over), &own);
            assert_eq!(other.and_then(Path::file_name), Path::new(over).file_name(), "{over}");
        }
        let socket = [folder.path().join("sock.new")];
        assert_eq!(written_over(&folder.path().join("sock"), &socket), Some(socket[0].as_path()), "written first");
        for apart in ["state/holdpoint.db.head", "holdpoint.db", "elsewhere/holdpoint.db"] {
            assert_eq!(written_over(&folder.path().join(apart), &own), None, "{apart}");
        }
        let nowhere = of_store(Path::new("/nowhere/at/all/holdpoint.db"));
        let spelled = Path::new("/nowhere/at/./once/../all/holdpoint.db");
        assert_eq!(written_over(spelled, &nowhere), Some(Path::new("/nowhere/at/all/holdpoint.db")));
    }
}
