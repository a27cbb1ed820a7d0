//! Secrets: where one is, in words, and fetching it from there. Never shows any of it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{CREDENTIALS, KeySource};
use crate::operator::escape::short;

/// The longest secret that is read from a file, in bytes; a key is a line.
const LONGEST: u64 = 64 * 1024;

impl fmt::Display for KeySource {
    /// The place in words, escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", short(&path.to_string_lossy())),
            Self::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

/// Why there is no secret: where it was looked for and what was there. Quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoSecret(String);

impl KeySource {
    /// Fetches the secret.
    ///
    /// # Errors
    /// When there is none; says where it was looked for.
    pub fn fetch(&self) -> Result<SecretString, NoSecret> {
        self.fetch_with(|name| std::env::var_os(name))
    }

    fn fetch_with(&self, variable: impl Fn(&str) -> Option<OsString>) -> Result<SecretString, NoSecret> {
        let file = |path: &Path| read(path).map_err(|error| NoSecret(format!("{self} cannot be read: {error}")));
        let text = match self {
            Self::Environment(name) => variable(name).and_then(|value| value.into_string().ok()).unwrap_or_default(),
            Self::File(path) => file(path)?,
            Self::Credential(name) => {
                let set = variable(CREDENTIALS).filter(|directory| !directory.is_empty());
                let Some(directory) = set else {
                    return Err(NoSecret(format!("{self} is looked for below ${CREDENTIALS}, which is not set")));
                };
                file(&PathBuf::from(directory).join(name))?
            }
        };
        match text.trim() {
            "" => Err(NoSecret(format!("{self} is empty or not set"))),
            text => Ok(SecretString::from(text)),
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_credential_is_a_file_of_that_name_in_the_directory_of_credentials() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("agi-api-key"), "the-key\n").unwrap();
        let set = |name: &str| (name == CREDENTIALS).then(|| folder.path().as_os_str().to_owned());
        let credential = |name: &str| KeySource::Credential(name.to_owned());
        assert_eq!(credential("agi-api-key").fetch_with(set).unwrap().expose_secret(), "the-key");

        let other = credential("other").fetch_with(set).unwrap_err().to_string();
        assert!(other.contains("the credential other cannot be read"), "{other}");
        let outside = credential("agi-api-key").fetch_with(|_| None).unwrap_err().to_string();
        assert!(outside.contains("$CREDENTIALS_DIRECTORY, which is not set"), "{outside}");
    }
}
