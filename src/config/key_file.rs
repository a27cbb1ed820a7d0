//! Who may read the file with the API key. Looks at the file and never reads it.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::reader::Section;
use super::{CREDENTIALS, KeySource, ProviderConfig};
use crate::operator::escape::short;

/// Makes the key file's path absolute and looks at who may read it.
pub(super) fn check(root: &Section<'_>, provider: &mut ProviderConfig, folder: &Path, notes: &mut Vec<String>) {
    let KeySource::File(path) = &mut provider.api_key else { return };
    *path = folder.join(&path);
    if is_credential(root, path) {
        return;
    }
    let shown = short(&path.to_string_lossy());
    let (message, hint) = match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => {
            (format!("{shown} is not a file"), "name a file that holds the key and nothing else")
        }
        Ok(metadata) => match readers(&metadata) {
            Readers::Owner => return,
            Readers::Group => {
                notes.push(format!("the group of {shown} can read the API key; `chmod 600` it unless that is meant"));
                return;
            }
            Readers::World => (format!("everybody on this machine can read {shown}"), "chmod 600 the file"),
        },
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            notes.push(format!("{shown} cannot be looked at by this user: {error}"));
            return;
        }
        Err(error) => {
            (format!("the key file {shown} cannot be read: {error}"), "check the path; it is relative to this file")
        }
    };
    root.sink.report(Diagnostic {
        message,
        place: root.sink.key_file_place(root),
        key: "provider.api_key_file".to_owned(),
        expected: "a file that only its owner can read".to_owned(),
        hint: Some(hint.to_owned()),
    });
}

/// Whether this is a file directly in the directory that systemd made for this service: nobody else gets into that one,
/// whatever the modes of the files in it are.
fn is_credential(root: &Section<'_>, path: &Path) -> bool {
    let Some(directory) = root.sink.environment.get(CREDENTIALS) else { return false };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let (Some(directory), Some(path)) = (real(Path::new(directory)), real(path)) else { return false };
    path.parent() == Some(&directory) && path.is_file()
}

enum Readers {
    Owner,
    Group,
    World,
}

fn readers(metadata: &std::fs::Metadata) -> Readers {
    use std::os::unix::fs::PermissionsExt as _;
    match metadata.permissions().mode() {
        mode if mode & 0o004 != 0 => Readers::World,
        mode if mode & 0o040 != 0 => Readers::Group,
        _ => Readers::Owner,
    }
}
