//! Where `run` finds its configuration, and where its store is. Only looks, makes nothing.

use std::path::{Path, PathBuf};

use crate::config::{StoreConfig, state_path};
use crate::error::{Exit, Failure};

/// The configuration file: the argument, or the first of the usual places that is there.
pub(in crate::cli) fn config_path(argument: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = argument {
        return Ok(path.to_owned());
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let user = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let places = [user, Some(PathBuf::from("/etc"))].into_iter().flatten();
    let places: Vec<PathBuf> = places.map(|place| place.join("holdpoint").join("config.toml")).collect();
    places.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let named: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        Failure::new(Exit::Configuration, format!("there is no configuration file: neither {}", named.join(" nor ")))
            .hint("name one with --config FILE; config.example.toml is a commented beginning")
    })
}

/// The store file the configuration names, or the default.
pub(in crate::cli) fn store_path(config: &StoreConfig) -> Result<PathBuf, Failure> {
    config.path.clone().or_else(|| state_path(|name| std::env::var_os(name))).ok_or_else(|| {
        Failure::new(Exit::Configuration, "there is no place for the store: neither [store] path nor HOME is set")
            .hint("set [store] path in the configuration")
    })
}
