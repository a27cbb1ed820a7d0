//! The API key at the edge: what to do when there is none.

use secrecy::SecretString;

use crate::config::KeySource;
use crate::error::{Exit, Failure};

/// Fetches the key.
///
/// # Errors
/// When there is none; says where it was looked for and what to do.
pub(in crate::cli) fn fetch(source: &KeySource) -> Result<SecretString, Failure> {
    source.fetch().map_err(|missing| {
        Failure::new(Exit::Configuration, format!("there is no API key: {missing}")).hint(match source {
            KeySource::Environment(_) | KeySource::File(_) => {
                "set it, or name another place with provider.api_key_env, provider.api_key_file or provider.api_key_credential"
            }
            KeySource::Credential(_) => {
                "the unit has to pass it: LoadCredential=NAME:FILE, as in deploy/holdpoint.service; outside a service use provider.api_key_file"
            }
        })
    })
}
