//! The API key: where it is, in words, and fetching it from there. Never shows any of it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::config::{CREDENTIALS, KeySource};
use crate::error::{Exit, Failure};

/// The longest key file that is read, in bytes; a key is a line.
const LONGEST: u64 = 64 * 1024;

/// Where the key is, in words.
pub(super) struct KeyPlace(pub(super) KeySource);

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            KeySource::Environment(name) => write!(f, "the environment variable {name}"),
            KeySource::File(path) => write!(f, "the file {}", path.display()),
            KeySource::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

/// Fetches the key.
///
/// # Errors
/// When there is none; says where it was looked for.
pub(super) fn fetch(source: &KeySource) -> Result<SecretString, Failure> {
    fetch_with(source, |name| std::env::var_os(name))
}

fn fetch_with(source: &KeySource, variable: impl Fn(&str) -> Option<OsString>) -> Result<SecretString, Failure> {
    let missing = |why: String| {
        Failure::new(Exit::Configuration, format!("there is no API key: {why}")).hint(match source {
            KeySource::Environment(_) | KeySource::File(_) => {
                "set it, or name another place with provider.api_key_env, provider.api_key_file or provider.api_key_credential"
            }
            KeySource::Credential(_) => {
                "the unit has to pass it: LoadCredential=NAME:FILE, as in deploy/holdpoint.service; outside a service use provider.api_key_file"
            }
        })
    };
    let place = KeyPlace(source.clone());
    let file = |path: &Path| read(path).map_err(|error| missing(format!("{place} cannot be read: {error}")));
    let text = match source {
        KeySource::Environment(name) => variable(name).and_then(|value| value.into_string().ok()).unwrap_or_default(),
        KeySource::File(path) => file(path)?,
        KeySource::Credential(name) => {
            let set = variable(CREDENTIALS).filter(|directory| !directory.is_empty());
            let Some(directory) = set else {
                return Err(missing(format!("{place} is looked for below ${CREDENTIALS}, which is not set")));
            };
            file(&PathBuf::from(directory).join(name))?
        }
    };
    match text.trim() {
        "" => Err(missing(format!("{place} is empty or not set"))),
        text => Ok(SecretString::from(text)),
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
        assert_eq!(fetch_with(&credential("agi-api-key"), set).unwrap().expose_secret(), "the-key");

        let other = fetch_with(&credential("other"), set).unwrap_err();
        let said = other.to_string();
        assert!(other.exit == Exit::Configuration && said.contains("the credential other cannot be read"), "{said}");
        let outside = fetch_with(&credential("agi-api-key"), |_| None).unwrap_err().to_string();
        assert!(outside.contains("$CREDENTIALS_DIRECTORY, which is not set"), "{outside}");
        assert!(outside.contains("LoadCredential=") && outside.contains("api_key_file"), "{outside}");
    }
}
