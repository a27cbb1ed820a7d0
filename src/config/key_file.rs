//! Who may read a file with a secret. Looks at the file and never reads it.

use std::path::Path;

use super::diagnostic::Diagnostic;
use super::reader::Section;
use super::{CREDENTIALS, KeySource};
use crate::operator::escape::short;

/// A key whose value names a file with a secret.
#[derive(Clone, Copy)]
pub(super) struct SecretFile {
    section: &'static str,
    key: &'static str,
    /// The environment variable that overrides the key.
    variable: Option<&'static str>,
    /// What is in the file.
    what: &'static str,
}

pub(super) const PROVIDER_KEY: SecretFile = SecretFile {
    section: "provider",
    key: "api_key_file",
    variable: Some("HOLDPOINT_PROVIDER_API_KEY_FILE"),
    what: "API key",
};

pub(super) const WEBHOOK_SECRET: SecretFile =
    SecretFile { section: "notify", key: "webhook_secret_file", variable: None, what: "webhook's secret" };

/// Makes the path of a secret's file absolute and looks at who may read it.
pub(super) fn check(
    root: &Section<'_>,
    of: SecretFile,
    source: &mut KeySource,
    folder: &Path,
    notes: &mut Vec<String>,
) {
    let KeySource::File(path) = source else { return };
    *path = folder.join(&path);
    let what = of.what;
    if is_credential(root, path) {
        return;
    }
    let shown = short(&path.to_string_lossy());
    let (message, hint) = match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => {
            (format!("{shown} is not a file"), "name a file that holds it and nothing else")
        }
        Ok(metadata) => match readers(&metadata) {
            Readers::Owner => return,
            Readers::Group => {
                notes.push(format!("the group of {shown} can read the {what}; `chmod 600` it unless that is meant"));
                return;
            }
            Readers::World => (format!("everybody on this machine can read {shown}"), "chmod 600 the file"),
        },
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            notes.push(format!("{shown} cannot be looked at by this user: {error}"));
            return;
        }
        Err(error) => (
            format!("the file of the {what}, {shown}, cannot be read: {error}"),
            "check the path; it is relative to this file",
        ),
    };
    root.sink.report(Diagnostic {
        message,
        place: root.sink.place_of(root, of.section, of.key, of.variable),
        key: format!("{}.{}", of.section, of.key),
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
