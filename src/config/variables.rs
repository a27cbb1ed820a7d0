//! Environment variables that look like ours and are nobody's: most likely mistyped. Reads names, never values.

use std::ffi::OsString;

use super::{Config, ENVIRONMENT, KeySource};
use crate::crash;
use crate::operator::escape::short;

/// The prefix of all our variables.
const PREFIX: &str = "HOLDPOINT_";

/// Variables of other parts than the configuration.
const OTHERS: [&str; 1] = ["HOLDPOINT_SOCKET"];

/// A sentence for each variable that begins like ours and that nothing reads.
pub(super) fn unknown(names: impl Iterator<Item = OsString>, config: &Config) -> Vec<String> {
    let mut unknown: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) && !is_known(name) && !is_named(name, config))
        .collect();
    unknown.sort_unstable();
    unknown.iter().map(|name| said(name)).collect()
}

fn is_known(name: &str) -> bool {
    let of_tests = crash::is_built_in() && name == crash::VARIABLE;
    of_tests || OTHERS.contains(&name) || ENVIRONMENT.iter().any(|(known, _)| *known == name)
}

/// Whether the configuration itself names it.
fn is_named(name: &str, config: &Config) -> bool {
    matches!(&config.provider.api_key, KeySource::Environment(key) if key == name)
}

fn said(name: &str) -> String {
    let known = ENVIRONMENT.iter().map(|(known, _)| *known).chain(OTHERS);
    let near = known.max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let meant = near.filter(|near| strsim::jaro(near, name) > 0.9).map(|near| format!("; did you mean {near}?"));
    let meant = meant.unwrap_or_default();
    format!("the environment variable {} is not one of holdpoint's and is ignored{meant}", short(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_nobody_reads_is_named_and_one_that_is_near_is_offered() {
        let text = "[provider]\napi_key_env = 'HOLDPOINT_TEST_KEY'\n";
        let config = Config::parse("test", text).expect("valid").config;
        let names = ["HOLDPOINT_STORE_PATH", "HOLDPOINT_SOCKET", "HOLDPOINT_TEST_KEY", "PATH", "HOLD"];
        assert_eq!(unknown(names.into_iter().map(OsString::from), &config), [""; 0]);
        let names = ["HOLDPOINT_STORE_PAHT", "HOLDPOINT_\u{1b}[2J"];
        let said = "is not one of holdpoint's and is ignored";
        assert_eq!(
            unknown(names.into_iter().map(OsString::from), &config),
            [
                format!("the environment variable HOLDPOINT_<U+001B>[2J {said}"),
                format!("the environment variable HOLDPOINT_STORE_PAHT {said}; did you mean HOLDPOINT_STORE_PATH?"),
            ]
        );
    }
}
